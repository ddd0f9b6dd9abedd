"""DCGAN: the convolutional GAN that the others are measured against.

Radford, Metz, Chintala 2015, "Unsupervised Representation Learning with Deep Convolutional
Generative Adversarial Networks", https://arxiv.org/abs/1511.06434. It uses strided
convolutions instead of pooling, batch normalisation on both sides and no hidden dense layers.
Several models of the zoo use its two networks and its optimizers.
"""

import keras

from kerasgan.gan import GAN
from kerasgan.zoo import channels_last
from kerasgan.zoo.parts import batch_norm, check_sizes, count_halvings, crop_to, reduced

__all__ = [
    "build_dcgan",
    "dcgan_discriminator",
    "dcgan_features",
    "dcgan_generator",
    "dcgan_image",
    "dcgan_optimizers",
    "dcgan_score",
]


def build_dcgan(
    image_shape: tuple[int, int, int] = (64, 64, 3), latent_dim: int = 100, filters: int = 64
) -> GAN:
    """Builds a DCGAN, compiled as in its paper.

    Try this model first. It is small and fast, and good enough for digits, faces and logos of up
    to 256 pixels.

    Reference: Radford et al. 2015 (arXiv 1511.06434), section 3 (architecture) and section 4
    (training: Adam 2e-4, beta_1 0.5, batches of 128; all weights from N(0, 0.02)); scales of
    BatchNormalization from N(1, 0.02), as in the authors' code.

    Differs from the reference: latents are N(0, 1) instead of U(-1, 1), and kernels are 4x4 instead
    of 5x5 (both as in most public code; 4 is a multiple of the stride, which avoids checkerboard
    patterns). There are half as many filters as in the authors' code, as in most other code.
    Weights have no L2 penalty (1e-5 in the authors' code). BatchNormalization has a momentum of
    0.8, so that sampled images keep up with training. Below 64 filters both learning rates are
    1.6e-3: narrow models then learn several times as fast. Samples come from an average of the
    generator's weights (decay 0.999; Yazici et al. 2018, arXiv 1806.04498). Sizes other than 64 are
    supported.

    Args:
        image_shape: `(height, width, channels)`: height and width from 16 to 256 pixels, not
            necessarily equal; 1, 3 or 4 channels.
        latent_dim: Length of a latent vector.
        filters: Number of filters in the layer nearest the image, in both models. It doubles each
            time the size halves.

    Returns:
        A compiled `kerasgan.GAN`. The generator maps float32 latents `(batch_size, latent_dim)` to
        float32 images `(batch_size, height, width, channels)` in (-1, 1); the discriminator maps
        such images to one linear score each, `(batch_size, 1)`.

    Raises:
        ValueError: `image_shape` is not supported, or `latent_dim` or `filters` is below 1.

    Example:

    ```python
    gan = kerasgan.build_dcgan(image_shape=(32, 32, 3))
    gan.fit(images, batch_size=128, epochs=50)
    ```
    """
    image_shape, latent_dim, filters = check_sizes(image_shape, latent_dim, filters, largest=256)
    gan = GAN(
        dcgan_generator(image_shape, latent_dim, filters),
        dcgan_discriminator(image_shape, filters),
        name="dcgan",
    )
    gan.compile(**dcgan_optimizers(filters), ema=0.999)
    return gan


def dcgan_generator(image_shape, latent_dim, filters):
    """Maps latents to images."""
    latents = keras.Input((latent_dim,), name="latents")
    return keras.Model(latents, dcgan_image(latents, image_shape, filters), name="generator")


def dcgan_image(x, image_shape, filters):
    """The layers of the generator.

    A dense layer makes a map whose longer side has 3 or 4 pixels; each later layer doubles it.
    """
    height, width, channels = image_shape
    halvings = count_halvings(image_shape)
    rows, columns = reduced(image_shape, 2**halvings)
    widest = filters * 2 ** (halvings - 1)

    x = keras.layers.Dense(rows * columns * widest, use_bias=False, kernel_initializer=_normal())(x)
    x = keras.layers.Reshape((rows, columns, widest))(x)  # e.g. (4, 4, 512)
    x = _batch_norm()(x)
    x = keras.layers.ReLU()(x)
    for halving in reversed(range(halvings - 1)):
        x = channels_last.Conv2DTranspose(
            filters * 2**halving,
            4,
            strides=2,
            padding="same",
            use_bias=False,
            kernel_initializer=_normal(),
        )(x)  # twice as high and wide, half as deep
        x = _batch_norm()(x)
        x = keras.layers.ReLU()(x)
    x = channels_last.Conv2DTranspose(
        channels, 4, strides=2, padding="same", activation="tanh", kernel_initializer=_normal()
    )(x)
    return crop_to(x, height, width)  # (height, width, channels)


def dcgan_discriminator(image_shape, filters, normalize=True, constraint=None):
    """Maps images to one linear score; for the arguments see `dcgan_features`."""
    images = keras.Input(image_shape, name="images")
    x = dcgan_features(images, filters, normalize, constraint)
    return keras.Model(images, dcgan_score(x, normalize, constraint), name="discriminator")


def dcgan_features(x, filters, normalize=True, constraint=None):
    """The layers of the discriminator before the score.

    Each halves the size and doubles the filters.

    Args:
        x: Images, or images with further channels.
        filters: As in `build_dcgan`.
        normalize: Whether to use batch normalisation, as the DCGAN does. Critics, and
            discriminators with a penalty on the gradient at each image, do not. Without it, kernels
            are initialised as in He et al. 2015.
        constraint: `keras.constraints.Constraint` that keeps kernels small. Layers with a
            constraint have no biases, which would outweigh the signals.
    """
    for halving in range(count_halvings(x.shape[1:])):
        x = channels_last.Conv2D(
            filters * 2**halving,
            4,
            strides=2,
            padding="same",
            use_bias=not constraint and (halving == 0 or not normalize),
            kernel_initializer=_initializer(normalize),
            kernel_constraint=constraint,
        )(x)  # half as high and wide, twice as deep
        if halving and normalize:
            x = _batch_norm()(x)
        x = keras.layers.LeakyReLU(negative_slope=0.2)(x)
    return channels_last.Flatten()(x)


def dcgan_score(x, normalize=True, constraint=None):
    """The discriminator's linear score of its features, in float32 also under a mixed policy."""
    return keras.layers.Dense(
        1,
        use_bias=not constraint,
        kernel_initializer=_initializer(normalize),
        kernel_constraint=constraint,
        dtype="float32",
    )(x)


def dcgan_optimizers(filters):
    """Arguments for `compile`. Narrow networks learn several times as fast with larger rates."""
    rate = 2e-4 if filters >= 64 else 1.6e-3
    return {
        "g_optimizer": keras.optimizers.Adam(rate, beta_1=0.5, name="g_optimizer"),
        "d_optimizer": keras.optimizers.Adam(rate, beta_1=0.5, name="d_optimizer"),
    }


def _initializer(normalize):
    # Without normalisation, weights from N(0, 0.02) make signals fade from layer to layer until the
    # biases outweigh them and the discriminator is nearly linear.
    return _normal() if normalize else keras.initializers.HeNormal()


def _normal(mean=0.0):
    return keras.initializers.RandomNormal(mean, 0.02)


def _batch_norm():
    return batch_norm(epsilon=1e-5, gamma_initializer=_normal(1.0))
