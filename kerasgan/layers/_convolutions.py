"""Equalised weights, and convolutions with the filter [1, 3, 3, 1] where maps change their size."""

import math

import keras
from keras import ops

WIDEST = 2**16
LARGEST_KERNEL = 5


def add_kernel(layer, shape, multiplier=1.0):
    """Adds a kernel that `scaled` makes as large as it must be."""
    initializer = keras.initializers.RandomNormal(stddev=1.0 / multiplier)
    return layer.add_weight(shape=shape, initializer=initializer, name="kernel")


def scaled(kernel, multiplier=1.0):
    """The kernel divided by the square root of its number of inputs."""
    return kernel * (multiplier / math.sqrt(math.prod(kernel.shape[:-1])))


def convolve(x, kernel):
    """Convolves maps and keeps their size."""
    if tuple(kernel.shape[:2]) == (1, 1):
        # The gradient of a convolution with one filter crashes PyTorch 2.13 on a CPU with a batch
        # of one small image, and the layer that makes grey images has one.
        return ops.matmul(x, kernel[0, 0])
    return ops.conv(x, kernel, padding="same", data_format="channels_last")


def convolve_down(x, kernel):
    """Smooths maps, then convolves them to half the size, rounded up."""
    size = kernel.shape[0]
    before = (size + 1) // 2
    padding = (before, size + 2 - before)  # enough for odd sizes; even ones leave the last out
    if size == 1:
        return convolve(_smooth(x, padding, strides=2), kernel)
    x = _smooth(x, padding)
    return ops.conv(x, kernel, strides=2, padding="valid", data_format="channels_last")


def convolve_up(x, kernel):
    """Convolves maps to twice the size, then smooths them."""
    size = kernel.shape[0]
    kernel = ops.transpose(kernel, (0, 1, 3, 2))
    # The factor makes up for the zeros in between, three pixels of four.
    x = ops.conv_transpose(4.0 * x, kernel, 2, padding="valid", data_format="channels_last")
    before = (6 - size) // 2
    return _smooth(x, (before, 5 - max(size, 2) - before))


def _smooth(x, padding, strides=1):
    """Filters rows and columns with [1, 3, 3, 1] / 8, which is three averages of two."""
    x = ops.pad(x, ((0, 0), padding, padding, (0, 0)))
    for step in (1, 1, strides):
        x = ops.average_pool(x, 2, strides=step, padding="valid", data_format="channels_last")
    return x
