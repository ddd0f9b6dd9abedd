"""How a run of `kerasgan train` is ended early."""

import math
import signal
import sys
import threading

import keras


class Stop(keras.callbacks.Callback):
    """Ends training after a step that makes a loss NaN, or at a signal.

    Before training a signal ends the process at once: there is nothing to save.

    Attributes:
        signal: Number of the signal that ended training, or None.
        nan_step: The step whose losses are not finite, or None.
    """

    def __init__(self):
        super().__init__()
        self.signal = None
        self.nan_step = None
        self._before = {}

    def __enter__(self):
        # Only the main thread may set handlers; in another one signals are not for us to handle.
        if threading.current_thread() is threading.main_thread():
            self._before = {
                signal.SIGINT: signal.signal(signal.SIGINT, signal.default_int_handler),
                signal.SIGTERM: signal.signal(signal.SIGTERM, self._exit),
            }
        return self

    def __exit__(self, *error):
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def on_train_begin(self, logs=None):
        for number in self._before:
            signal.signal(number, self._stop_training)

    def on_train_batch_end(self, batch, logs=None):
        if not math.isfinite(logs["loss"]):
            self.nan_step = self.model.step
            self.model.stop_training = True

    def _exit(self, number, frame):
        sys.exit(128 + number)

    def _stop_training(self, number, frame):
        if self.signal and number == signal.SIGINT:
            # The second time.
            raise KeyboardInterrupt("nothing was saved since the last checkpoint")
        self.signal = number
        self.model.stop_training = True
