"""The MNIST GAN: noise at twice the size of the image, smoothed into digits.

"Generative Adversarial Networks for Beginners" (O'Reilly),
https://www.oreilly.com/learning/generative-adversarial-networks-for-beginners, and nearly the
same GAN in "GANs On MNIST". The generator smooths noise of 56x56 pixels with strided convolutions
and bilinear resizing; the discriminator learns from real and fake images in separate updates. The
deconvolution GAN uses the same kind of discriminator and normalisation.
"""

import keras

from kerasgan.gan import GAN
from kerasgan.zoo import channels_last
from kerasgan.zoo.parts import check_sizes

__all__ = ["build_mnist_gan", "normalize_by_batch", "pooling_discriminator"]


def build_mnist_gan(
    image_shape: tuple[int, int, int] = (28, 28, 1), latent_dim: int = 100, filters: int = 32
) -> GAN:
    """Builds the O'Reilly tutorial's GAN, compiled as in the tutorial.

    Choose it to follow the tutorial; `build_dcgan` makes better images. The generator uses batch
    statistics even when sampling, so the images of a batch depend on one another.

    Reference: "Generative Adversarial Networks for Beginners" (O'Reilly): its code; Adam 3e-4
    for the discriminator's updates on real images, another Adam 3e-4 for those on fake images,
    1e-4 for the generator; batches of 50, 300 updates of the discriminator alone, then 100,000
    steps.

    Differs from the reference: the update on real images comes before the update on fake ones (the
    tutorial runs both in one call, in no fixed order). The offsets of batch normalisation are
    trained, as in one of the two texts; in the other their names keep them out of the list of
    trained variables. Resizing aligns the centres of pixels, as Keras does (TensorFlow 1 aligns
    their upper left corners: a shift of half a pixel). Adam has Keras's epsilon of 1e-7 (1e-8 in
    TensorFlow 1). Sizes other than 28 are supported.

    Args:
        image_shape: `(height, width, channels)`: height and width from 16 to 128 pixels, not
            necessarily equal; 1, 3 or 4 channels.
        latent_dim: Length of a latent vector. The generator's convolutions have a half and a
            quarter as many filters.
        filters: Number of filters in the discriminator's first convolution. The second has twice
            as many, and the dense layer 32 times as many units.

    Returns:
        A compiled `kerasgan.GAN`. The generator maps float32 latents `(batch_size, latent_dim)` to
        float32 images `(batch_size, height, width, channels)` in (0, 1); the discriminator maps
        such images to one linear score each, `(batch_size, 1)`. By default they have 328,613 and
        3,265,409 parameters.

    Raises:
        ValueError: `image_shape` is not supported, or `latent_dim` or `filters` is below 1.

    Example:

    ```python
    gan = kerasgan.build_mnist_gan()
    gan.fit(digits, batch_size=50, epochs=80, pretrain_steps=300)
    ```
    """
    image_shape, latent_dim, filters = check_sizes(image_shape, latent_dim, filters)
    gan = GAN(
        _generator(image_shape, latent_dim),
        pooling_discriminator(image_shape, (filters, 2 * filters), 32 * filters),
        value_range=(0, 1),
        name="mnist_gan",
    )
    gan.compile(
        g_optimizer=keras.optimizers.Adam(1e-4, name="g_optimizer"),
        d_optimizer=(
            keras.optimizers.Adam(3e-4, name="d_optimizer_real"),
            keras.optimizers.Adam(3e-4, name="d_optimizer_fake"),
        ),
        update="separate",
    )
    return gan


def _generator(image_shape, latent_dim):
    height, width, channels = image_shape

    inputs = keras.Input((latent_dim,), name="latents")
    x = keras.layers.Dense(2 * height * 2 * width, **_initializers())(inputs)
    x = keras.layers.Reshape((2 * height, 2 * width, 1))(x)  # (56, 56, 1)
    x = normalize_by_batch(x, epsilon=1e-5, scale=False)
    x = keras.layers.ReLU()(x)
    for part in (2, 4):
        x = channels_last.Conv2D(
            max(1, latent_dim // part), 3, strides=2, padding="same", **_initializers()
        )(x)  # (28, 28, 50), then (28, 28, 25)
        x = normalize_by_batch(x, epsilon=1e-5, scale=False)
        x = keras.layers.ReLU()(x)
        x = channels_last.UpSampling2D(2, interpolation="bilinear")(x)  # (56, 56, 50 or 25)
    # The tutorial's 1x1 convolution with a stride of 2, in two steps: the gradient of such a
    # convolution crashes TensorFlow 2.21 on a CPU with a batch of one image.
    x = channels_last.AveragePooling2D(1, strides=2)(x)  # (28, 28, 25): every second pixel
    x = channels_last.Conv2D(channels, 1, activation="sigmoid", **_initializers())(x)
    return keras.Model(inputs, x, name="generator")


def _initializers():
    return {"kernel_initializer": _small(), "bias_initializer": _small()}


def pooling_discriminator(image_shape, widths, units):
    """The discriminator of the MNIST tutorials: convolutions, average pools, two dense layers.

    Args:
        image_shape: `(height, width, channels)`.
        widths: Number of filters in each convolution; 0 counts as 1.
        units: Number of units in the first dense layer; 0 counts as 1.
    """
    inputs = keras.Input(image_shape, name="images")
    x = inputs
    for width in widths:
        x = channels_last.Conv2D(
            max(1, width), 5, padding="same", activation="relu", kernel_initializer=_small()
        )(x)
        x = channels_last.AveragePooling2D(2, padding="same")(x)  # half as high and wide
    x = channels_last.Flatten()(x)
    x = keras.layers.Dense(max(1, units), activation="relu", kernel_initializer=_small())(x)
    x = keras.layers.Dense(1, kernel_initializer=_small(), dtype="float32")(x)  # linear score
    return keras.Model(inputs, x, name="discriminator")


def normalize_by_batch(x, **kwargs):
    """Normalises with the statistics of the batch, even when sampling.

    BatchNormalization would use moving statistics there. Here, GroupNormalization treats the batch
    as one image, and each channel as a group.
    """
    x = keras.ops.expand_dims(x, 0)  # (1, batch_size, height, width, channels)
    x = keras.layers.GroupNormalization(-1, **kwargs)(x)
    return keras.ops.squeeze(x, 0)


def _small():
    return keras.initializers.TruncatedNormal(stddev=0.02)
