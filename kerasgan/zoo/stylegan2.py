"""StyleGAN2: latents become a style, which scales the channels of every convolution.

Karras, Laine, Aittala, Hellsten, Lehtinen, Aila 2019, "Analyzing and Improving the Image Quality of
StyleGAN", https://arxiv.org/abs/1912.04958, in the smaller setting of Karras, Aittala, Hellsten,
Laine, Lehtinen, Aila 2020, "Training Generative Adversarial Networks with Limited Data",
https://arxiv.org/abs/2006.06676. The generator starts from a constant; noise at each pixel makes
what is random in an image; every size adds its share to the image.
"""

import itertools
import math

import keras

from kerasgan.checks import check_whole
from kerasgan.gan import GAN
from kerasgan.layers import (
    EqualizedConv2D,
    EqualizedDense,
    LearnedConstant,
    MinibatchStandardDeviation,
    ModulatedConv2D,
    PixelNoise,
)
from kerasgan.zoo import channels_last
from kerasgan.zoo.parts import check_sizes, count_halvings, crop_to, reduced

__all__ = ["build_stylegan2"]

_LARGEST = 256  # pixels
_WIDEST = 512  # filters in the authors' networks


def build_stylegan2(
    image_shape: tuple[int, int, int] = (64, 64, 3),
    latent_dim: int = 512,
    filters: int = 64,
    seed: int = 0,
) -> GAN:
    """Builds a StyleGAN2, compiled as in its authors' automatic configuration.

    Choose it for the best images of up to 256 pixels, if you have a GPU and a day or more. Styles
    also make smooth animations, and truncation (below) trades variety for quality. With few images,
    add `gan.compile(augment="ada")`.

    The generator consists of two models, `mapping` (latents to styles) and `synthesis` (styles to
    images).

    Reference: Karras et al. 2019 (arXiv 1912.04958), section 2 (modulation, noise), section 4.1
    (skip generator, residual discriminator) and appendix B; Karras et al. 2020 (arXiv 2006.06676)
    and its authors' code for the configuration `auto`: two mapping layers, Adam 0.0025, beta_1 0,
    beta_2 0.99, epsilon 1e-8, R1 with gamma 0.0002 * height * width / batch size, for batches of 64
    here, minibatch standard deviation in groups of 4, averaged weights.

    Differs from the reference: there are 64 filters next to the image at any size. This is the
    authors' width for 256 pixels; theirs for 64 pixels is `filters=256`. R1 is part of every
    16th update, with 16 times the weight, instead of an update of its own, so rates and betas are
    not scaled down for more updates. Path length regularisation and style mixing are left out, as
    in the authors' configuration for CIFAR-10: the former needs gradients of images, the latter
    trains every layer with several styles and costs some quality. Augmentation is off by
    default (the reference has `"ada"`). The small image is enlarged by bilinear interpolation,
    which is the same filter except at the edges. The average's decay is constant, 0.998, after a
    start as in `compile(ema=)`; the authors' is 0.9978, with a start that lasts longer. All layers
    have the precision that Keras is set to (half precision at the larger sizes in the reference).
    Sizes that are no power of two are supported.

    Args:
        image_shape: `(height, width, channels)`: height and width from 16 to 256 pixels, not
            necessarily equal; 1, 3 or 4 channels.
        latent_dim: Length of a latent vector, and of a style.
        filters: Number of filters in the layers nearest the image, in both models. It doubles each
            time the size halves, up to 512.
        seed: Seed of the noise layers, a whole number of at least 0.

    Returns:
        A compiled `kerasgan.GAN`. The generator maps float32 latents `(batch_size, latent_dim)` to
        float32 images `(batch_size, height, width, channels)`, for the range (-1, 1) but not
        limited to it (`sample` clips them); the discriminator maps such images to one linear score
        each, `(batch_size, 1)`.

    Raises:
        ValueError: `image_shape` is not supported, `latent_dim` or `filters` is below 1, or `seed`
            is not a whole number of at least 0.

    Example:

    ```python
    gan = kerasgan.build_stylegan2()
    gan.fit(images, batch_size=64, epochs=500)

    # Truncation: styles nearer to their mean make better images, but less varied ones.
    mapping, synthesis = map(gan.sampling_generator.get_layer, ("mapping", "synthesis"))
    styles = mapping.predict(np.random.default_rng(0).standard_normal((1000, 512)))
    mean = styles.mean(axis=0)
    images = synthesis.predict(mean + 0.7 * (styles[:16] - mean))
    samples = np.clip((images + 1) * 127.5, 0, 255).round().astype("uint8")
    ```
    """
    image_shape, latent_dim, filters = check_sizes(image_shape, latent_dim, filters, _LARGEST)
    check_whole("seed", seed, 0, 2**31 - 13)  # the first of up to 13 layers' seeds
    height, width, _ = image_shape
    gan = GAN(
        _generator(image_shape, latent_dim, filters, seed),
        _discriminator(image_shape, filters),
        name="stylegan2",
    )
    adam = {"learning_rate": 0.0025, "beta_1": 0.0, "beta_2": 0.99, "epsilon": 1e-8}
    gan.compile(
        g_optimizer=keras.optimizers.Adam(**adam, name="g_optimizer"),
        d_optimizer=keras.optimizers.Adam(**adam, name="d_optimizer"),
        penalty={"r1": 0.0002 * height * width / 64},
        penalty_every=16,
        ema=0.998,
    )
    return gan


def _generator(image_shape, latent_dim, filters, seed):
    inputs = keras.Input((latent_dim,), name="latents")
    styles = _mapping(latent_dim)(inputs)
    images = _synthesis(image_shape, latent_dim, filters, itertools.count(int(seed)))(styles)
    return keras.Model(inputs, images, name="generator")


def _mapping(latent_dim):
    inputs = keras.Input((latent_dim,), name="latents")
    # Half precision lacks the range for the squares and the epsilon.
    x = keras.layers.UnitNormalization(dtype="float32")(inputs)
    x = keras.layers.Rescaling(math.sqrt(latent_dim))(x)  # mean square 1
    for _ in range(2):
        x = _leaky_relu(EqualizedDense(latent_dim, learning_rate_multiplier=0.01)(x))
    return keras.Model(inputs, x, name="mapping")


def _synthesis(image_shape, latent_dim, filters, seeds):
    height, width, channels = image_shape
    halvings = count_halvings(image_shape)
    widths = _widths(filters, halvings)

    styles = keras.Input((latent_dim,), name="styles")
    x = LearnedConstant(*reduced(image_shape, 2**halvings), widths[halvings])(styles)  # (4, 4, 512)
    x = _styled(x, styles, widths[halvings], next(seeds))
    images = _to_image(x, styles, channels)  # (4, 4, channels)
    for halving in reversed(range(halvings)):
        x = _styled(x, styles, widths[halving], next(seeds), upsample=True)
        x = _styled(x, styles, widths[halving], next(seeds))  # (8, 8, 512) to (64, 64, 64)
        images = channels_last.UpSampling2D(2, interpolation="bilinear")(images)
        images = keras.layers.Add()([images, _to_image(x, styles, channels)])
    images = crop_to(images, height, width)  # (height, width, channels)
    return keras.Model(styles, images, name="synthesis")


def _discriminator(image_shape, filters):
    halvings = count_halvings(image_shape)
    widths = _widths(filters, halvings)

    inputs = keras.Input(image_shape, name="images")
    x = _leaky_relu(EqualizedConv2D(filters, 1)(inputs))  # (64, 64, 64)
    for halving in range(halvings):
        wider = widths[halving + 1]
        shortcut = EqualizedConv2D(wider, 1, use_bias=False, downsample=True)(x)
        x = _leaky_relu(EqualizedConv2D(widths[halving], 3)(x))
        x = _leaky_relu(EqualizedConv2D(wider, 3, downsample=True)(x))
        x = keras.layers.Add()([x, shortcut])  # (32, 32, 128) to (4, 4, 512)
        x = keras.layers.Rescaling(math.sqrt(1 / 2))(x)
    x = MinibatchStandardDeviation(4)(x)  # (4, 4, 513)
    x = _leaky_relu(EqualizedConv2D(widths[halvings], 3)(x))
    x = channels_last.Flatten()(x)
    x = _leaky_relu(EqualizedDense(widths[halvings])(x))
    x = EqualizedDense(1, name="score", dtype="float32")(x)  # linear
    return keras.Model(inputs, x, name="discriminator")


def _widths(filters, halvings):
    """The numbers of filters, from the image's size down."""
    return [min(filters * 2**halving, max(filters, _WIDEST)) for halving in range(halvings + 1)]


def _styled(x, styles, filters, seed, upsample=False):
    x = ModulatedConv2D(filters, 3, upsample=upsample)([x, styles])
    return _leaky_relu(PixelNoise(seed)(x))


def _to_image(x, styles, channels):
    return ModulatedConv2D(channels, 1, demodulate=False)([x, styles])


def _leaky_relu(x):
    """Keeps the mean square of what is normally distributed."""
    x = keras.layers.LeakyReLU(negative_slope=0.2)(x)
    return keras.layers.Rescaling(math.sqrt(2))(x)
