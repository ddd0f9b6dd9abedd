"""Ends a run of `kerasgan train` early."""

import math
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
    """Stops training when the loss is NaN or infinite, or on SIGTERM or SIGHUP.

    (`fit` handles Ctrl-C.) Before training, a signal ends the process: there is nothing to save.

    Attributes:
        signal: Number of the signal that ended training, or None.
        nan_step: The step whose losses are not finite (0 in pre-training), or None.
        has_ended: Whether training has ended; later callbacks may still be writing.
    """

    def __init__(self):
        super().__init__()
        self.signal = None
        self.nan_step = None
        self.has_ended = False
        self._is_training = False
        self._unread = None

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

    def on_train_batch_end(self, batch, logs=None):
        # The previous step is over by now, so reading its losses does not wait.
        before, self._unread = self._unread, (self.model.step, logs)
        self._look(before)

    def on_train_end(self, logs=None):
        self._look(self._unread)
        self.has_ended = True

    def _look(self, unread):
        if unread and self.nan_step is None and not math.isfinite(unread[1]["loss"]):
            self.nan_step = unread[0]
            self.model.stop_training = True

    def _terminate(self, number, frame):
        self.signal = number
        if not self._is_training:
            sys.exit(128 + number)
        self.model.stop_training = True
