"""Stops training after a given time, for scripts that compare models at equal times."""

import time

import keras


class StopAfter(keras.callbacks.Callback):
    """Stops training after `seconds` of processor time, including compilation.

    Other work on the machine hardly affects processor time.
    """

    def __init__(self, seconds):
        super().__init__()
        self.seconds = seconds

    def on_train_begin(self, logs=None):
        self.start = time.process_time()

    def on_train_batch_end(self, batch, logs=None):
        self.trained = time.process_time() - self.start
        self.model.stop_training = self.trained > self.seconds
