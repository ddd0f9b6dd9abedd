"""SNGAN: residual networks, and a discriminator kept Lipschitz by spectral normalisation.

Miyato, Kataoka, Koyama, Yoshida 2018, "Spectral Normalization for Generative Adversarial
Networks", https://arxiv.org/abs/1802.05957. Each kernel of the discriminator is divided by its
largest singular value. SAGAN uses the same residual blocks.
"""

import keras

from kerasgan.gan import GAN
from kerasgan.layers import SpectralNormalization
from kerasgan.zoo import channels_last
from kerasgan.zoo.parts import batch_norm, check_sizes, count_halvings, crop_to, reduced

__all__ = [
    "build_sngan",
    "convolution",
    "down_block",
    "first_down_block",
    "plain_block",
    "sngan_features",
    "spectral_convolution",
    "sum_pool",
    "to_channels",
    "to_image",
    "up_block",
]


def build_sngan(
    image_shape: tuple[int, int, int] = (32, 32, 3), latent_dim: int = 128, filters: int = 128
) -> GAN:
    """Builds an SNGAN with residual networks, compiled as in its paper.

    Choose it for photographs of 32 pixels such as CIFAR-10, when `build_dcgan` has reached its
    limit and you can afford several times its cost. The discriminator's scores stay moderate
    without a penalty. For larger images, see `build_sagan`.

    Reference: Miyato et al. 2018 (arXiv 1802.05957), section 2.1 (spectral normalisation),
    section 4 (hinge loss, Adam 2e-4, beta_1 0, beta_2 0.9, five discriminator steps, batches
    of 64) and appendix B.4 (architecture for CIFAR-10); initial weights from its authors' code.

    Differs from the reference: the learning rates stay constant, so that `learning_rate` can still
    be assigned (the reference decays them linearly to 0; see the example). The generator's blocks
    have no biases, because the normalisation after them would cancel these. BatchNormalization has
    a momentum of 0.8 instead of 0.9, so that sampled images keep up with training, and an epsilon
    of 1e-5 instead of 2e-5. Each network's step uses `batch_size` fakes (the authors' code makes
    twice as many for the generator). Sizes other than 32 are supported: each doubling adds a block,
    and all blocks have the same width.

    Args:
        image_shape: `(height, width, channels)`: height and width from 16 to 128 pixels, not
            necessarily equal; 1, 3 or 4 channels.
        latent_dim: Length of a latent vector.
        filters: Number of filters in the discriminator's blocks; the generator's have twice as
            many.

    Returns:
        A compiled `kerasgan.GAN`. The generator maps float32 latents `(batch_size, latent_dim)` to
        float32 images `(batch_size, height, width, channels)` in (-1, 1); the discriminator maps
        such images to one linear score each, `(batch_size, 1)`.

    Raises:
        ValueError: `image_shape` is not supported, or `latent_dim` or `filters` is below 1.

    Example:

    ```python
    gan = kerasgan.build_sngan()
    decay = keras.optimizers.schedules.PolynomialDecay
    gan.compile(    # optional: both rates fall to 0 within 100,000 steps
        g_optimizer=keras.optimizers.Adam(decay(2e-4, 100_000, 0.0), beta_1=0.0, beta_2=0.9),
        d_optimizer=keras.optimizers.Adam(decay(2e-4, 100_000, 0.0), beta_1=0.0, beta_2=0.9),
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
        x = up_block(x, filters, convolution)  # (8, 8, 256) ... (32, 32, 256)
    x = to_image(x, image_shape)  # (height, width, channels)
    return keras.Model(inputs, x, name="generator")


def _discriminator(image_shape, filters):
    inputs = keras.Input(image_shape, name="images")
    x = sngan_features(inputs, filters)  # (128,)
    x = SpectralNormalization(keras.layers.Dense(1, use_bias=False, dtype="float32"))(x)  # score
    return keras.Model(inputs, x, name="discriminator")


def sngan_features(x, filters):
    """The layers of the discriminator before the score."""
    halvings = count_halvings(x.shape[1:])
    x = first_down_block(x, filters, spectral_convolution)  # (16, 16, 128)
    for _ in range(halvings - 2):
        x = down_block(x, filters, spectral_convolution)  # (8, 8, 128)
    for _ in range(2):
        x = plain_block(x, spectral_convolution)
    x = keras.layers.ReLU()(x)
    return sum_pool(x)  # (128,)


def convolution(filters, size, use_bias=True):
    # Glorot's uniform distribution, sqrt(2) wider on the residual path.
    initializer = keras.initializers.VarianceScaling(
        2.0 if size > 1 else 1.0, mode="fan_avg", distribution="uniform"
    )
    return channels_last.Conv2D(
        filters, size, padding="same", use_bias=use_bias, kernel_initializer=initializer
    )


def spectral_convolution(filters, size):
    return SpectralNormalization(convolution(filters, size))


# The residual blocks of appendix B.4 and the authors' code. Each calls `convolution(filters, size)`
# to make its layers, with `use_bias=False` for layers without biases.


def up_block(x, filters, convolution, normalize=batch_norm):
    """Doubles height and width. No biases: the next normalisation would cancel them.

    `normalize(epsilon=...)` makes a layer that normalises features.
    """
    shortcut = channels_last.UpSampling2D(2)(x)
    shortcut = convolution(filters, 1, use_bias=False)(shortcut)
    x = normalize(epsilon=1e-5)(x)
    x = keras.layers.ReLU()(x)
    x = channels_last.UpSampling2D(2)(x)
    x = convolution(filters, 3, use_bias=False)(x)
    x = normalize(epsilon=1e-5)(x)
    x = keras.layers.ReLU()(x)
    x = convolution(filters, 3, use_bias=False)(x)
    return keras.layers.Add()([x, shortcut])


def first_down_block(x, filters, convolution):
    """Halves height and width of images. No ReLU comes first: it would cut off their dark half."""
    shortcut = convolution(filters, 1)(_pool(x))
    x = convolution(filters, 3)(x)
    x = keras.layers.ReLU()(x)
    x = convolution(filters, 3)(x)
    return keras.layers.Add()([_pool(x), shortcut])


def down_block(x, filters, convolution):
    """Halves height and width."""
    shortcut = _pool(convolution(filters, 1)(x))
    return keras.layers.Add()([_pool(_residual(x, filters, convolution)), shortcut])


def plain_block(x, convolution, filters=None):
    """Keeps the size, and unless `filters` is given, their number."""
    filters = filters or x.shape[-1]
    shortcut = x if filters == x.shape[-1] else convolution(filters, 1)(x)
    return keras.layers.Add()([_residual(x, filters, convolution), shortcut])


def to_image(x, image_shape, wrap=lambda layer: layer, kernel_initializer="glorot_uniform"):
    """Maps features to an image in (-1, 1); `wrap` wraps the convolution."""
    height, width, channels = image_shape
    x = batch_norm(epsilon=1e-5)(x)
    x = keras.layers.ReLU()(x)
    x = to_channels(x, channels, wrap, kernel_initializer=kernel_initializer)
    x = keras.layers.Activation("tanh")(x)
    return crop_to(x, height, width)  # (height, width, channels)


def to_channels(x, channels, wrap=lambda layer: layer, **kwargs):
    """A 3x3 convolution with one filter for each channel of an image; `wrap` wraps its layer."""
    if channels > 1:
        return wrap(channels_last.Conv2D(channels, 3, padding="same", **kwargs))(x)
    # The same convolution, with the same kernel matrix: the gradient of a Conv2D with one
    # filter crashes PyTorch 2.13 on a CPU with a batch of one small image.
    *size, features = x.shape[1:]
    x = keras.layers.Reshape((1, *size, features))(x)
    x = wrap(channels_last.Conv3D(1, (1, 3, 3), padding="same", **kwargs))(x)
    return keras.layers.Reshape((*size, 1))(x)


def sum_pool(x):
    """Sums features `(height, width, channels)` over all positions, to `(channels,)`."""
    _, height, width, _ = x.shape
    x = channels_last.GlobalAveragePooling2D()(x)
    return keras.layers.Rescaling(height * width)(x)


def _residual(x, filters, convolution):
    for _ in range(2):
        x = keras.layers.ReLU()(x)
        x = convolution(filters, 3)(x)
    return x


def _pool(x):
    return channels_last.AveragePooling2D(2, padding="same")(x)
