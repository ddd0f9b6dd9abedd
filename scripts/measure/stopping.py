"""Stops training after a given time, for scripts that compare models at equal times."""

import time

import keras


class StopAfter(keras.callbacks.Callback):
    """Stops training after `seconds` by `clock`, including compilation.

    Other work on the machine hardly affects processor time, the default.
    """

    def __init__(self, seconds, clock=time.process_time):
        super().__init__()
        self.seconds = seconds
        self.clock = clock

    def on_train_begin(self, logs=None):
        self.start = self.clock()

    def on_train_batch_end(self, batch, logs=None):
        self.trained = self.clock() - self.start
        self.model.stop_training = self.trained > self.seconds
