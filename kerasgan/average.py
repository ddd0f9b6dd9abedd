"""The average of a generator's weights, which makes better images than the latest weights."""

from keras import ops

from kerasgan.checks import argument_error, reason
from kerasgan.networks import copy

__all__ = ["Average", "average_of"]


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


def average_of(generator, ema, in_use=None):
    """The `Average` for a decay as given to `GAN.compile`: the one in use, a new one, or None."""
    if not ema or in_use:
        return in_use if ema else None
    try:
        return Average(generator)
    except Exception as error:
        raise argument_error(
            "ema",
            "be False for a generator that Keras cannot copy",
            f"ema={ema}, with a generator that Keras rejects: {reason(error)}",
            "Give its layers a get_config that returns the arguments of their __init__, and "
            "register their classes and functions with keras.saving.register_keras_serializable.",
        ) from error
