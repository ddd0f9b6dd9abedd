"""The DCGAN's two networks and optimizers, which several models of the zoo share.

Radford, Metz, Chintala 2015, "Unsupervised Representation Learning with Deep Convolutional
Generative Adversarial Networks", https://arxiv.org/abs/1511.06434, section 3.
"""

import keras

from kerasgan.zoo.parts import batch_norm, count_halvings, crop_to, reduced


def dcgan_generator(image_shape, latent_dim, filters):
    """Latents to images: a dense layer to 3 or 4 pixels, then twice the size in each layer."""
    height, width, channels = image_shape
    halvings = count_halvings(image_shape)
    rows, columns = reduced(image_shape, 2**halvings)
    widest = filters * 2 ** (halvings - 1)

    inputs = keras.Input((latent_dim,), name="latents")
    x = keras.layers.Dense(rows * columns * widest, use_bias=False, kernel_initializer=_normal())(
        inputs
    )
    x = keras.layers.Reshape((rows, columns, widest))(x)  # e.g. (4, 4, 512)
    x = _batch_norm()(x)
    x = keras.layers.ReLU()(x)
    for halving in reversed(range(halvings - 1)):
        x = keras.layers.Conv2DTranspose(
            filters * 2**halving,
            4,
            strides=2,
            padding="same",
            use_bias=False,
            kernel_initializer=_normal(),
        )(x)  # twice as high and wide, half as deep
        x = _batch_norm()(x)
        x = keras.layers.ReLU()(x)
    x = keras.layers.Conv2DTranspose(
        channels, 4, strides=2, padding="same", activation="tanh", kernel_initializer=_normal()
    )(x)
    x = crop_to(x, height, width)  # (height, width, channels)
    return keras.Model(inputs, x, name="generator")


def dcgan_discriminator(image_shape, filters, normalize=True, constraint=None):
    """Images to one linear score: half the size and twice the filters in each layer.

    Args:
        image_shape, filters: Those of `build_dcgan`.
        normalize: Whether to normalise batches, as the DCGAN does; critics, and penalties on the
            gradient at each image, go without. Their kernels start as in He et al. 2015.
        constraint: `keras.constraints.Constraint` that keeps kernels small. There are no biases
            then, which would outweigh the signals.
    """
    halvings = count_halvings(image_shape)
    # Without normalisation N(0, 0.02) would make signals fade from layer to layer, until the
    # biases outweigh them and the discriminator is as good as linear.
    initializer = _normal if normalize else keras.initializers.HeNormal

    inputs = keras.Input(image_shape, name="images")
    x = inputs
    for halving in range(halvings):
        x = keras.layers.Conv2D(
            filters * 2**halving,
            4,
            strides=2,
            padding="same",
            use_bias=not constraint and (halving == 0 or not normalize),
            kernel_initializer=initializer(),
            kernel_constraint=constraint,
        )(x)  # half as high and wide, twice as deep
        if halving and normalize:
            x = _batch_norm()(x)
        x = keras.layers.LeakyReLU(negative_slope=0.2)(x)
    x = keras.layers.Flatten()(x)
    x = keras.layers.Dense(
        1, use_bias=not constraint, kernel_initializer=initializer(), kernel_constraint=constraint
    )(x)  # linear score
    return keras.Model(inputs, x, name="discriminator")


def dcgan_optimizers(filters):
    """As arguments of `compile`. Narrow networks learn much faster with larger steps."""
    rate = 2e-4 if filters >= 64 else 1.6e-3
    return {
        "g_optimizer": keras.optimizers.Adam(rate, beta_1=0.5, name="g_optimizer"),
        "d_optimizer": keras.optimizers.Adam(rate, beta_1=0.5, name="d_optimizer"),
    }


def _normal(mean=0.0):
    return keras.initializers.RandomNormal(mean, 0.02)


def _batch_norm():
    return batch_norm(epsilon=1e-5, gamma_initializer=_normal(1.0))
