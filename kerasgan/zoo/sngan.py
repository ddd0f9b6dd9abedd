"""SNGAN: residual networks, and a discriminator kept Lipschitz by spectral normalisation.

Miyato, Kataoka, Koyama, Yoshida 2018, "Spectral Normalization for Generative Adversarial
Networks", https://arxiv.org/abs/1802.05957. Each kernel of the discriminator is divided by its
largest singular value.
"""

import keras

from kerasgan.gan import GAN
from kerasgan.layers import SpectralNormalization
from kerasgan.zoo import resnet
from kerasgan.zoo.parts import check_sizes, count_halvings, reduced


def build_sngan(image_shape=(32, 32, 3), latent_dim=128, filters=128):
    """Builds an SNGAN with residual networks, compiled as in its paper.

    For photographs of 32 pixels such as CIFAR-10, when `build_dcgan` has reached its limit and
    several times its computing is at hand; the discriminator's scores stay moderate by
    themselves. For larger images see `build_sagan`.

    Reference: Miyato et al. 2018 (arXiv 1802.05957), section 2.1 (spectral normalisation),
    section 4 (hinge loss, Adam 2e-4, beta_1 0, beta_2 0.9, five discriminator steps, batches
    of 64) and appendix B.4 (architecture for CIFAR-10); initial weights from its authors' code.

    Differs from the reference: the learning rates stay constant, since schedules could not be
    set any more (the reference lets them fall linearly to 0; see the example); no biases in
    the generator's blocks, where the normalisation that follows takes them away; the moving
    statistics of BatchNormalization have a momentum of 0.8 in place of 0.9, so that sampled
    images keep up with trained ones, and an epsilon of 1e-5 in place of 2e-5; real and fake
    images of a discriminator step are as many as those of a generator step (the authors' code
    makes twice as many fakes for the latter); sizes other than 32: one more block for each
    doubling, all of one width.

    Args:
        image_shape: `(height, width, channels)`: 16 to 128 pixels, not necessarily square; 1,
            3 or 4 channels.
        latent_dim: Length of a latent vector.
        filters: Filters of the discriminator's blocks; the generator's have twice as many.

    Returns:
        `kerasgan.GAN`. Its generator takes float32 latents `(batch_size, latent_dim)` and gives
        float32 images `(batch_size, height, width, channels)` in (-1, 1); its discriminator
        takes such images and gives one linear score `(batch_size, 1)`.

    Raises:
        ValueError: An image_shape that it cannot make, or a latent_dim or filters below 1.

    Example:

    ```python
    gan = kerasgan.build_sngan()
    decay = keras.optimizers.schedules.PolynomialDecay
    gan.compile(    # optional: both rates fall to 0 within 100,000 steps
        g_optimizer=keras.optimizers.Adam(decay(2e-4, 100_000, 0.0), beta_1=0.0, beta_2=0.9),
        d_optimizer=keras.optimizers.Adam(decay(2e-4, 500_000, 0.0), beta_1=0.0, beta_2=0.9),
    )
    gan.fit(images, batch_size=64, epochs=640)
    ```
    """
    image_shape, latent_dim, filters = check_sizes(image_shape, latent_dim, filters)
    gan = GAN(
        _generator(image_shape, latent_dim, 2 * filters),
        _discriminator(image_shape, filters),
        name="sngan",
    )
    gan.compile(
        g_optimizer=keras.optimizers.Adam(2e-4, beta_1=0.0, beta_2=0.9, name="g_optimizer"),
        d_optimizer=keras.optimizers.Adam(2e-4, beta_1=0.0, beta_2=0.9, name="d_optimizer"),
        loss="hinge",
        discriminator_steps=5,
    )
    return gan


def _generator(image_shape, latent_dim, filters):
    halvings = count_halvings(image_shape)
    rows, columns = reduced(image_shape, 2**halvings)

    inputs = keras.Input((latent_dim,), name="latents")
    x = keras.layers.Dense(rows * columns * filters)(inputs)
    x = keras.layers.Reshape((rows, columns, filters))(x)  # (4, 4, 256)
    for _ in range(halvings):
        x = resnet.up_block(x, filters, _convolution)  # (8, 8, 256) ... (32, 32, 256)
    x = resnet.to_image(x, image_shape)  # (height, width, channels)
    return keras.Model(inputs, x, name="generator")


def _discriminator(image_shape, filters):
    inputs = keras.Input(image_shape, name="images")
    x = resnet.first_down_block(inputs, filters, _spectral_convolution)  # (16, 16, 128)
    for _ in range(count_halvings(image_shape) - 2):
        x = resnet.down_block(x, filters, _spectral_convolution)  # (8, 8, 128)
    for _ in range(2):
        x = resnet.plain_block(x, _spectral_convolution)
    x = keras.layers.ReLU()(x)
    x = resnet.sum_pool(x)  # (128,)
    x = SpectralNormalization(keras.layers.Dense(1, use_bias=False))(x)  # linear score
    return keras.Model(inputs, x, name="discriminator")


def _convolution(filters, size, use_bias=True):
    # Glorot's uniform distribution, sqrt(2) wider on the residual path.
    initializer = keras.initializers.VarianceScaling(
        2.0 if size > 1 else 1.0, mode="fan_avg", distribution="uniform"
    )
    return keras.layers.Conv2D(
        filters, size, padding="same", use_bias=use_bias, kernel_initializer=initializer
    )


def _spectral_convolution(filters, size):
    return SpectralNormalization(_convolution(filters, size))
