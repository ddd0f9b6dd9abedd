"""Residual blocks, which SNGAN, SAGAN and what follows them are made of.

Miyato, Kataoka, Koyama, Yoshida 2018, "Spectral Normalization for Generative Adversarial
Networks", https://arxiv.org/abs/1802.05957, appendix B.4 and its authors' code. The argument
`convolution` of each block makes its layers: a function of `(filters, size)`, and of
`use_bias`, that returns a layer.
"""

import keras

from kerasgan.zoo.parts import batch_norm


def up_block(x, filters, convolution):
    """Twice as high and wide. No biases: the next normalisation would take them away."""
    shortcut = keras.layers.UpSampling2D(2)(x)
    shortcut = convolution(filters, 1, use_bias=False)(shortcut)
    x = batch_norm(epsilon=1e-5)(x)
    x = keras.layers.ReLU()(x)
    x = keras.layers.UpSampling2D(2)(x)
    x = convolution(filters, 3, use_bias=False)(x)
    x = batch_norm(epsilon=1e-5)(x)
    x = keras.layers.ReLU()(x)
    x = convolution(filters, 3, use_bias=False)(x)
    return keras.layers.Add()([x, shortcut])


def first_down_block(x, filters, convolution):
    """Half as high and wide, for images: a ReLU would cut their dark half off."""
    shortcut = convolution(filters, 1)(_pool(x))
    x = convolution(filters, 3)(x)
    x = keras.layers.ReLU()(x)
    x = convolution(filters, 3)(x)
    return keras.layers.Add()([_pool(x), shortcut])


def down_block(x, filters, convolution):
    """Half as high and wide."""
    shortcut = _pool(convolution(filters, 1)(x))
    return keras.layers.Add()([_pool(_residual(x, filters, convolution)), shortcut])


def plain_block(x, convolution):
    """The same size and filters."""
    return keras.layers.Add()([_residual(x, x.shape[-1], convolution), x])


def sum_pool(x):
    """`(height, width, channels)` features to their sums, `(channels,)`."""
    _, height, width, _ = x.shape
    x = keras.layers.GlobalAveragePooling2D()(x)
    return keras.layers.Rescaling(height * width)(x)


def _residual(x, filters, convolution):
    for _ in range(2):
        x = keras.layers.ReLU()(x)
        x = convolution(filters, 3)(x)
    return x


def _pool(x):
    return keras.layers.AveragePooling2D(2, padding="same")(x)
