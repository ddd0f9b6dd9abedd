"""Projection GAN: an SNGAN whose score adds how well the image fits its label.

Miyato, Koyama 2018, "cGANs with Projection Discriminator", https://arxiv.org/abs/1802.05637. The
label enters the discriminator as an inner product with the image's features, and the generator
through the scales and offsets of its normalisation.
"""

import keras
from keras import ops

from kerasgan.gan import GAN
from kerasgan.layers import ConditionalBatchNormalization, SpectralNormalization
from kerasgan.zoo.parts import check_classes, check_sizes, count_halvings, reduced
from kerasgan.zoo.sngan import convolution, sngan_features, to_image, up_block

__all__ = ["build_projection_gan"]


def build_projection_gan(
    image_shape: tuple[int, int, int] = (32, 32, 3),
    latent_dim: int = 128,
    filters: int = 128,
    num_classes: int = 10,
) -> GAN:
    """Builds a projection GAN: the class-conditional SNGAN, compiled as in its paper.

    Choose it for labelled photographs of 32 pixels such as CIFAR-10. It costs as much as
    `build_sngan`.

    Reference: Miyato & Koyama 2018 (arXiv 1802.05637), section 3 (projection) and section 5 (Adam
    2e-4, beta_1 0, beta_2 0.9, five discriminator steps, hinge loss, conditional batch
    normalisation in the generator); Miyato et al. 2018 (arXiv 1802.05957), appendix B.4, for the
    networks of 32 pixels.

    Differs from the reference: as `build_sngan` does; the networks are those for CIFAR-10 at all
    sizes (the paper's ImageNet networks get wider towards the small maps).

    Args:
        image_shape: `(height, width, channels)`: height and width from 16 to 128 pixels, not
            necessarily equal; 1, 3 or 4 channels.
        latent_dim: Length of a latent vector.
        filters: Number of filters in the discriminator's blocks; the generator's have twice as
            many.
        num_classes: Number of classes.

    Returns:
        A compiled `kerasgan.GAN`. The generator maps float32 latents `(batch_size, latent_dim)` and
        integer labels `(batch_size,)` to float32 images `(batch_size, height, width, channels)` in
        (-1, 1); the discriminator maps such images and their labels to one linear score each,
        `(batch_size, 1)`.

    Raises:
        ValueError: `image_shape` is not supported, or another argument is too small.

    Example:

    ```python
    gan = kerasgan.build_projection_gan()
    gan.fit(images, labels, batch_size=64, epochs=100)
    samples = gan.sample(3, labels=[3, 3, 7])
    ```
    """
    image_shape, latent_dim, filters = check_sizes(image_shape, latent_dim, filters)
    num_classes = check_classes(num_classes)
    gan = GAN(
        _generator(image_shape, latent_dim, 2 * filters, num_classes),
        _discriminator(image_shape, filters, num_classes),
        num_classes=num_classes,
        name="projection_gan",
    )
    gan.compile(
        g_optimizer=keras.optimizers.Adam(2e-4, beta_1=0.0, beta_2=0.9, name="g_optimizer"),
        d_optimizer=keras.optimizers.Adam(2e-4, beta_1=0.0, beta_2=0.9, name="d_optimizer"),
        loss="hinge",
        discriminator_steps=5,
    )
    return gan


def _generator(image_shape, latent_dim, filters, num_classes):
    halvings = count_halvings(image_shape)
    rows, columns = reduced(image_shape, 2**halvings)

    latents = keras.Input((latent_dim,), name="latents")
    labels = keras.Input((), dtype="int32", name="labels")
    condition = ops.one_hot(labels, num_classes)

    def normalize(epsilon):
        layer = ConditionalBatchNormalization(epsilon=epsilon)
        return lambda x: layer([x, condition])

    x = keras.layers.Dense(rows * columns * filters)(latents)
    x = keras.layers.Reshape((rows, columns, filters))(x)  # (4, 4, 256)
    for _ in range(halvings):
        x = up_block(x, filters, convolution, normalize)  # (8, 8, 256) ... (32, 32, 256)
    x = to_image(x, image_shape)  # (height, width, channels)
    return keras.Model([latents, labels], x, name="generator")


def _discriminator(image_shape, filters, num_classes):
    images = keras.Input(image_shape, name="images")
    labels = keras.Input((), dtype="int32", name="labels")
    x = sngan_features(images, filters)  # (128,)
    # The score is in float32 also under a mixed policy.
    score = SpectralNormalization(keras.layers.Dense(1, use_bias=False, dtype="float32"))(x)
    embedding = keras.layers.Embedding(num_classes, filters, dtype="float32")
    fit = keras.layers.Dot(axes=1, dtype="float32")([SpectralNormalization(embedding)(labels), x])
    score = keras.layers.Add(dtype="float32")([score, fit])
    return keras.Model([images, labels], score, name="discriminator")
