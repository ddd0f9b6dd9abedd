"""The deconvolution GAN: latents reshaped to a tiny image, enlarged by transposed convolutions.

A. Deshpande, "Generative Adversarial Networks" tutorial on MNIST,
https://github.com/adeshpande3/Generative-Adversarial-Networks. A DCGAN-like generator without a
dense layer, against a very small discriminator.
"""

import math

import keras

from kerasgan.checks import argument_error
from kerasgan.gan import GAN
from kerasgan.zoo import channels_last
from kerasgan.zoo.mnist_gan import normalize_by_batch, pooling_discriminator
from kerasgan.zoo.parts import check_sizes

__all__ = ["build_deconv_gan"]


def build_deconv_gan(
    image_shape: tuple[int, int, int] = (28, 28, 1),
    latent_dim: int | None = None,
    filters: int = 64,
) -> GAN:
    """Builds Deshpande's GAN of transposed convolutions, compiled as in the tutorial.

    Choose it to follow the tutorial; `build_dcgan` makes better images. The generator uses batch
    statistics even when sampling, so the images of a batch depend on one another. It soon draws
    only one figure, and later only a different one (mode collapse).

    Reference: A. Deshpande, "Generative Adversarial Networks" tutorial on MNIST: its code, Adam
    1e-3 on both sides, batches of 16, 3,000 steps.

    Differs from the reference: the losses follow its text (its code swaps labels and logits), the
    generator adds its biases (the code creates them but does not add them), and real images are in
    the generator's range of (-1, 1) (the code uses (0, 1)). The kernels do not reach the last row
    and column of an even size; these repeat the row and column before them (in the code they are a
    constant, the middle of the range, which would give every fake away now that real images are
    black there). The generator's update draws its own latents, as in the GAN paper (the code reuses
    the discriminator's). Adam has Keras's epsilon of 1e-7 (1e-8 in TensorFlow 1). Sizes other than
    28 are supported.

    Args:
        image_shape: `(height, width, channels)`: height and width from 16 to 128 pixels, not
            necessarily equal; 1, 3 or 4 channels.
        latent_dim: Length of a latent vector: a multiple of the number of positions in the first
            feature map, whose height and width are ceil((size - 4) / 16): 4 for 28x28, 16 for
            64x64. By default the multiple closest to 100.
        filters: Number of filters in the generator's layer before the image. The discriminator's
            convolutions have an eighth and a quarter as many, and its dense layer half as many
            units.

    Returns:
        A compiled `kerasgan.GAN`. The generator maps float32 latents `(batch_size, latent_dim)`,
        drawn from N(-1, 1), to float32 images `(batch_size, height, width, channels)` in (-1, 1);
        the discriminator maps such images to one linear score each, `(batch_size, 1)`. By default
        they have 1,186,945 and 28,577 parameters.

    Raises:
        ValueError: `image_shape` is not supported, `latent_dim` is not such a multiple, or
            `filters` is below 1.

    Example:

    ```python
    gan = kerasgan.build_deconv_gan()
    gan.fit(digits, batch_size=16, epochs=1)
    ```
    """
    wanted = 100 if latent_dim is None else latent_dim
    image_shape, wanted, filters = check_sizes(image_shape, wanted, filters)
    sizes = _sizes(image_shape)
    places = math.prod(sizes[0])
    closest = places * max(1, round(wanted / places))
    if latent_dim not in (None, closest):
        raise argument_error(
            "latent_dim",
            f"be a multiple of {places} for images of {image_shape[0]} x {image_shape[1]} pixels",
            f"latent_dim={latent_dim!r}",
            f"For example, pass latent_dim={closest}.",
        )
    gan = GAN(
        _generator(image_shape, closest, filters, sizes),
        pooling_discriminator(image_shape, (filters // 8, filters // 4), filters // 2),
        latents=("normal", -1.0, 1.0),
        name="deconv_gan",
    )
    gan.compile(
        g_optimizer=keras.optimizers.Adam(1e-3, name="g_optimizer"),
        d_optimizer=keras.optimizers.Adam(1e-3, name="d_optimizer"),
    )
    return gan


def _sizes(image_shape):
    """Sizes of the generator's feature maps: (2, 2), (3, 3), (6, 6), (12, 12) for 28x28 images."""
    sizes = [tuple(math.ceil((size - 4) / 2) for size in image_shape[:2])]
    for _ in range(3):
        sizes.insert(0, tuple(math.ceil(size / 2) for size in sizes[0]))
    return sizes


def _generator(image_shape, latent_dim, filters, sizes):
    height, width, channels = image_shape

    inputs = keras.Input((latent_dim,), name="latents")
    x = keras.layers.Reshape((*sizes[0], latent_dim // math.prod(sizes[0])))(inputs)  # (2, 2, 25)
    x = keras.layers.ReLU()(x)
    for (rows, columns), multiple in zip(sizes[1:], (4, 2, 1), strict=True):
        x = _transposed_convolution(multiple * filters, padding="same")(x)
        if x.shape[1:3] != (rows, columns):
            # Given this size, TensorFlow drops the first row and column.
            x = channels_last.Cropping2D(((x.shape[1] - rows, 0), (x.shape[2] - columns, 0)))(x)
        x = normalize_by_batch(x)
        x = keras.layers.ReLU()(x)  # (3, 3, 256), then (6, 6, 128), (12, 12, 64)
    x = _transposed_convolution(channels, padding="valid", activation="tanh")(x)  # (27, 27, 1)
    if x.shape[1] < height:
        x = keras.ops.concatenate([x, x[:, -1:]], axis=1)
    if x.shape[2] < width:
        x = keras.ops.concatenate([x, x[:, :, -1:]], axis=2)  # (height, width, channels)
    return keras.Model(inputs, x, name="generator")


def _transposed_convolution(filters, **kwargs):
    return channels_last.Conv2DTranspose(
        filters,
        5,
        strides=2,
        kernel_initializer=keras.initializers.TruncatedNormal(stddev=0.1),
        bias_initializer=keras.initializers.Constant(0.1),
        **kwargs,
    )
