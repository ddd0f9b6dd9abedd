"""Residual blocks, which SNGAN, SAGAN and what follows them are made of.

Miyato, Kataoka, Koyama, Yoshida 2018, "Spectral Normalization for Generative Adversarial
Networks", https://arxiv.org/abs/1802.05957, appendix B.4 and its authors' code. The argument
`convolution` of each block makes its layers: a function of `(filters, size)`, and of
`use_bias`, that returns a layer.
"""

import keras

from kerasgan.zoo.parts import batch_norm, crop_to


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


def to_image(x, image_shape, wrap=lambda layer: layer):
    """Features to an image in (-1, 1); `wrap` is around the convolution."""
    height, width, channels = image_shape
    x = batch_norm(epsilon=1e-5)(x)
    x = keras.layers.ReLU()(x)
    if channels > 1:
        x = wrap(keras.layers.Conv2D(channels, 3, padding="same"))(x)
    else:
        # The same convolution, with the same kernel as a matrix: the gradient of a Conv2D of one
        # filter crashes PyTorch 2.13 on a CPU for a batch of one small image.
        *size, features = x.shape[1:]
        x = keras.layers.Reshape((1, *size, features))(x)
        x = wrap(keras.layers.Conv3D(1, (1, 3, 3), padding="same"))(x)
        x = keras.layers.Reshape((*size, 1))(x)
    x = keras.layers.Activation("tanh")(x)
    return crop_to(x, height, width)  # (height, width, channels)


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
