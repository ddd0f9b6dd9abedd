"""R3GAN: a regularised relativistic loss, and modern networks without any normalisation.

Huang, Gokaslan, Kuleshov, Tompkin 2024, "The GAN is dead; long live the GAN! A Modern Baseline
GAN", https://arxiv.org/abs/2501.05441. Scores of real and fake images are compared in pairs, and
the gradient is penalised at both. The loss is then stable enough to do without the usual tricks.
"""

import keras

from kerasgan.checks import check_number
from kerasgan.gan import GAN
from kerasgan.layers import GroupedConv2D
from kerasgan.zoo import channels_last
from kerasgan.zoo.parts import check_sizes, count_halvings, crop_to, reduced

__all__ = ["build_r3gan"]

_BLOCKS = 2  # at each size
_LARGEST = 256  # pixels


def build_r3gan(
    image_shape: tuple[int, int, int] = (32, 32, 3),
    latent_dim: int = 64,
    filters: int = 192,
    gamma: float = 0.05,
) -> GAN:
    """Builds an R3GAN, compiled as in its paper.

    Choose it for photographs of 32 to 256 pixels, on a GPU, when training must not collapse and
    every kind of image must appear. The gradients of gradients make its steps slow.

    Reference: Huang et al. 2024 (arXiv 2501.05441), section 2 (loss and penalties), section 3
    (architecture); widths, initial weights, resampling and settings for CIFAR-10 (Adam 2e-4,
    beta_1 0, batches of 512) from its authors' code.

    Differs from the reference: networks have a quarter of its width by default; `filters=768` makes
    those of the authors' code for CIFAR-10 and FFHQ (64 and 256 pixels). The reference follows
    cosines over 20 million images, with rates from 2e-4 to 5e-5 (see the example), gamma
    from 0.05 to 0.005 (lower it with `gan.compile(penalty={"r1": 0.005, "r2": 0.005})`), and beta_2
    from 0.9 to 0.99: here these are constant, beta_2 is 0.99, and Adam's epsilon is 1e-7 instead of
    1e-8. Samples come from an average with decay 0.9999 (in the reference its half-life grows to 5
    million images). Images are not augmented (the reference uses adaptive augmentation's changes,
    with a probability that grows to 0.55; see `augment` of `GAN.compile`). The generator ends in
    tanh instead of a linear layer, so that images stay in (-1, 1). Grouped convolutions are matrix
    products, and the [1, 2, 1] filter is two average poolings: the results are the same. Widths
    that are not multiples of 8 are allowed: hidden layers round them up. Sizes that are not powers
    of two are supported.

    Args:
        image_shape: `(height, width, channels)`: height and width from 16 to 256 pixels, not
            necessarily equal; 1, 3 or 4 channels.
        latent_dim: Length of a latent vector.
        filters: Number of filters at sizes up to 32 pixels, in both models. It halves each time the
            size doubles further. The hidden layers of residual blocks have twice as many.
        gamma: Weight of both penalties. The reference starts at 0.05 for CIFAR-10, at 2 for FFHQ at
            64 pixels, at 150 for FFHQ at 256; raise it if training is unstable.

    Returns:
        A compiled `kerasgan.GAN`. The generator maps float32 latents `(batch_size, latent_dim)` to
        float32 images `(batch_size, height, width, channels)` in (-1, 1); the discriminator maps
        such images to one linear score each, `(batch_size, 1)`.

    Raises:
        ValueError: `image_shape` is not supported, `latent_dim` or `filters` is below 1, or `gamma`
            is not a finite number of at least 0.

    Example:

    ```python
    gan = kerasgan.build_r3gan()
    decay = keras.optimizers.schedules.CosineDecay
    gan.compile(    # optional: both rates fall to 5e-5 within 40,000 steps
        g_optimizer=keras.optimizers.Adam(decay(2e-4, 40_000, 0.25), beta_1=0.0, beta_2=0.99),
        d_optimizer=keras.optimizers.Adam(decay(2e-4, 40_000, 0.25), beta_1=0.0, beta_2=0.99),
    )
    gan.fit(images, batch_size=512, epochs=400)
    ```
    """
    image_shape, latent_dim, filters = check_sizes(image_shape, latent_dim, filters, _LARGEST)
    gamma = check_number("gamma", gamma, "Try 0.05.", with_zero=True)
    gan = GAN(
        _generator(image_shape, latent_dim, filters),
        _discriminator(image_shape, filters),
        name="r3gan",
    )
    gan.compile(
        g_optimizer=keras.optimizers.Adam(2e-4, beta_1=0.0, beta_2=0.99, name="g_optimizer"),
        d_optimizer=keras.optimizers.Adam(2e-4, beta_1=0.0, beta_2=0.99, name="d_optimizer"),
        loss="relativistic_paired",
        penalty={"r1": gamma, "r2": gamma},
        ema=0.9999,
    )
    return gan


def _generator(image_shape, latent_dim, filters):
    height, width, channels = image_shape
    halvings = count_halvings(image_shape)
    rows, columns = reduced(image_shape, 2**halvings)

    inputs = keras.Input((latent_dim,), name="latents")
    x = _linear(filters)(inputs)  # (192,): the weight of each feature's learnt map
    x = keras.layers.EinsumDense(
        "bc,hwc->bhwc",
        (rows, columns, filters),
        kernel_initializer=keras.initializers.RandomNormal(0.0, 1.0),
    )(x)  # (4, 4, 192)
    for doubling in range(halvings + 1):
        if doubling:
            x = _to_width(x, _width(filters, doubling))
            x = channels_last.UpSampling2D(2)(x)
            x = _blur(x)  # (8, 8, 192) to (32, 32, 192)
        for _ in range(_BLOCKS):
            x = _block(x, _BLOCKS * (halvings + 1))
    x = _linear(channels)(x)
    x = keras.layers.Activation("tanh")(x)
    x = crop_to(x, height, width)  # (height, width, channels)
    return keras.Model(inputs, x, name="generator")


def _discriminator(image_shape, filters):
    halvings = count_halvings(image_shape)
    inputs = keras.Input(image_shape, name="images")
    x = _linear(_width(filters, halvings))(inputs)  # (32, 32, 192)
    for doubling in reversed(range(halvings + 1)):
        for _ in range(_BLOCKS):
            x = _block(x, _BLOCKS * (halvings + 1))
        if doubling:
            x = _blur(x)
            x = channels_last.AveragePooling2D(2, padding="same")(x)
            x = _to_width(x, _width(filters, doubling - 1))  # (16, 16, 192) to (4, 4, 192)
    _, rows, columns, _ = x.shape
    x = keras.layers.EinsumDense(
        "bhwc,hwc->bc",
        (filters,),
        kernel_initializer=keras.initializers.RandomNormal(0.0, (rows * columns) ** -0.5),
    )(x)  # (192,): how well each feature matches its learnt map
    x = _linear(1, dtype="float32")(x)  # linear score
    return keras.Model(inputs, x, name="discriminator")


def _width(filters, doubling):
    """Number of filters after this many doublings of 4 pixels: all of them up to 32 pixels."""
    return max(1, filters // 2 ** max(0, doubling - 3))


def _block(x, num_blocks):
    """Adds what three layers find: each pixel's, grouped 3x3 and each pixel's again.

    The last starts at zero, so that the network starts without the block.
    """
    width = x.shape[-1]
    groups = -(-width // 8)  # of 16 filters
    # He et al. 2015 for these leaks; Fixup (Zhang et al. 2019) for this number of blocks.
    gain = 2.0 / (1.0 + 0.2**2) * num_blocks**-0.5
    y = _linear(16 * groups, gain, use_bias=True)(x)
    y = keras.layers.LeakyReLU(negative_slope=0.2)(y)
    y = GroupedConv2D(
        16 * groups,
        3,
        padding="same",
        groups=groups,
        data_format="channels_last",
        kernel_initializer=_normal(gain),
    )(y)
    y = keras.layers.LeakyReLU(negative_slope=0.2)(y)
    y = keras.layers.Dense(width, use_bias=False, kernel_initializer="zeros")(y)
    return keras.layers.Add()([x, y])


def _to_width(x, filters):
    return x if x.shape[-1] == filters else _linear(filters)(x)


def _linear(filters, gain=1.0, use_bias=False, dtype=None):
    """A dense layer, which is a 1x1 convolution for feature maps."""
    return keras.layers.Dense(
        filters, use_bias=use_bias, kernel_initializer=_normal(gain), dtype=dtype
    )


def _normal(gain):
    return keras.initializers.VarianceScaling(gain, "fan_in", "untruncated_normal")


def _blur(x):
    """The filter [1, 2, 1] / 4 along both axes: [1, 1] / 2 twice."""
    x = channels_last.ZeroPadding2D(1)(x)
    for _ in range(2):
        x = channels_last.AveragePooling2D(2, strides=1)(x)
    return x
