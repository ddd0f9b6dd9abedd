"""Ends a run of `kerasgan train` early."""

import signal
import sys

import keras

from kerasgan._interrupts import handling
from kerasgan.cli._messages import Failed


class Guard(keras.callbacks.Callback):
    """Stops training at once if the run's folder is gone. Put it before all callbacks that write.

    Args:
        is_ours: What `run_folder.opened` yields.
    """

    def __init__(self, is_ours):
        super().__init__()
        self.is_ours = is_ours

    def on_train_batch_end(self, batch, logs=None):
        self._look()

    def on_train_end(self, logs=None):
        self._look()

    def _look(self):
        if not self.is_ours():
            raise Failed(
                f"stopped at step {self.model.step}: the folder of this run was removed, and may "
                "now belong to another run. Nothing more is written."
            )


class Stop(keras.callbacks.Callback):
    """Stops training on SIGTERM or SIGHUP. (`fit` handles Ctrl-C, and NaN.)

    Before training, a signal ends the process: there is nothing to save.

    Attributes:
        signal: Number of the signal that ended training, or None.
        has_ended: Whether training has ended; later callbacks may still be writing.
    """

    def __init__(self):
        super().__init__()
        self.signal = None
        self.has_ended = False
        self._is_training = False

    def __enter__(self):
        handlers = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: self._terminate}
        hangup = getattr(signal, "SIGHUP", None)  # the terminal was closed
        if hangup and signal.getsignal(hangup) is not signal.SIG_IGN:  # as under nohup
            handlers[hangup] = self._terminate
        self._handling = handling(handlers)
        self._handling.__enter__()
        return self

    def __exit__(self, *error):
        self._handling.__exit__(*error)

    def on_train_begin(self, logs=None):
        self._is_training = True
        # Set if the library that was interrupted has dropped the exception.
        self.model.stop_training = self.signal is not None

    def on_train_end(self, logs=None):
        self.has_ended = True

    def _terminate(self, number, frame):
        self.signal = number
        if not self._is_training:
            sys.exit(128 + number)
        self.model.stop_training = True
