"""DCGAN: the convolutional GAN that the others are measured against.

Radford, Metz, Chintala 2015, "Unsupervised Representation Learning with Deep Convolutional
Generative Adversarial Networks", https://arxiv.org/abs/1511.06434. Strided convolutions in
place of pooling, batch normalisation on both sides, no hidden dense layers.
"""

import keras

from kerasgan.gan import GAN
from kerasgan.zoo.parts import batch_norm, check_sizes, count_halvings, crop_to, reduced


def build_dcgan(image_shape=(64, 64, 3), latent_dim=100, filters=64):
    """Builds a DCGAN, compiled as in its paper.

    The first model to try: small, quick, and good enough for digits, faces and logos up to
    128 pixels.

    Reference: Radford et al. 2015 (arXiv 1511.06434), section 3 (architecture) and section 4
    (training: Adam 2e-4, beta_1 0.5, batches of 128; all weights from N(0, 0.02)).

    Differs from the reference: latents are N(0, 1) in place of U(-1, 1), and kernels 4x4 in
    place of 5x5 (both as in most public code: 4 is a multiple of the stride, which avoids
    checkerboards); half as many filters as in the authors' code, as in most other; no L2 penalty
    on the weights (1e-5 there); BatchNormalization's scales start at N(1, 0.02), as there; its
    moving statistics have a momentum of 0.8, so that sampled images keep up with trained ones;
    sizes other than 64.

    Args:
        image_shape: `(height, width, channels)`: 16 to 128 pixels, not necessarily square; 1,
            3 or 4 channels.
        latent_dim: Length of a latent vector.
        filters: Filters of the layer nearest to the image, in both models; they double with
            each halving of the size.

    Returns:
        `kerasgan.GAN`. Its generator takes float32 latents `(batch_size, latent_dim)` and gives
        float32 images `(batch_size, height, width, channels)` in (-1, 1); its discriminator
        takes such images and gives one linear score `(batch_size, 1)`.

    Raises:
        ValueError: An image_shape that it cannot make.

    Example:

    ```python
    gan = kerasgan.build_dcgan(image_shape=(32, 32, 3))
    gan.fit(images, batch_size=128, epochs=50)
    ```
    """
    check_sizes(image_shape, latent_dim, filters)
    # The optimizers and the loss of GAN itself are the paper's.
    return GAN(
        dcgan_generator(image_shape, latent_dim, filters),
        dcgan_discriminator(image_shape, filters),
        name="dcgan",
    )


def dcgan_generator(image_shape, latent_dim, filters):
    """The DCGAN's generator, which other models of the zoo share."""
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
    """The DCGAN's discriminator, which other models of the zoo share.

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


def _normal(mean=0.0):
    return keras.initializers.RandomNormal(mean, 0.02)


def _batch_norm():
    return batch_norm(epsilon=1e-5, gamma_initializer=_normal(1.0))
