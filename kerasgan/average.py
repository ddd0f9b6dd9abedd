"""The average of a generator's weights, which makes better images than the latest weights."""

from keras import ops

from kerasgan.networks import copy

__all__ = ["Average"]


class Average:
    """Keeps `average` at the exponential moving average of `source`.

    This includes BatchNormalization's moving statistics. `update(decay)` computes
    `average = decay * average + (1 - decay) * source` once.
    """

    def __init__(self, source):
        self.source = source
        self.average = copy(source)

    def update(self, decay):
        for average, source in zip(self.average.weights, self.source.weights, strict=True):
            rate = ops.cast(1.0 - decay, average.dtype)
            difference = ops.stop_gradient(ops.convert_to_tensor(source)) - average
            average.assign(average + rate * difference)
