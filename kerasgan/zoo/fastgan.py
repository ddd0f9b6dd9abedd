"""FastGAN: good images from a few hundred pictures, in hours on one GPU.

Liu, Zhu, Song, Elgammal 2021, "Towards Faster and Stabilized GAN Training for High-fidelity
Few-shot Image Synthesis", https://arxiv.org/abs/2101.04775. Small feature maps excite the channels
of large ones, and the discriminator must also be able to redraw real images from its features.
"""

import keras
from keras import ops

from kerasgan.gan import GAN
from kerasgan.layers import SkipLayerExcitation, SpectralNormalization
from kerasgan.zoo import channels_last
from kerasgan.zoo.parts import batch_norm, check_sizes, count_halvings, crop_to, reduced
from kerasgan.zoo.sngan import to_channels

__all__ = ["Quarter", "build_fastgan", "reconstruction_loss"]

_LARGEST = 256  # pixels
# Filters of the generator's maps from 4 to 256 pixels, in units of `filters`.
_GENERATOR_WIDTHS = (16, 8, 4, 2, 2, 1, 0.5)


def build_fastgan(
    image_shape: tuple[int, int, int] = (256, 256, 3), latent_dim: int = 256, filters: int = 64
) -> GAN:
    """Builds a FastGAN, compiled as in its paper.

    Choose it for 100 to a few thousand images of 64 to 256 pixels, on a GPU. On a CPU, try 64
    pixels and `filters=16`.

    Reference: Liu et al. 2021 (arXiv 2101.04775), section 3 (skip-layer excitation, a discriminator
    that is also an encoder, hinge loss) and section 4 and its authors' code (widths, initial
    weights, Adam 2e-4, beta_1 0.5, batches of 8, colour and translation augmented, an average with
    decay 0.999).

    Differs from the reference: reconstructions are compared by their mean absolute difference
    (weight 1) instead of LPIPS, which needs a pretrained network. There are two decoders, as in the
    paper (its code has a third, of the small copy). The part that one of them redraws is a quarter
    that depends on the image's place in the batch instead of a random one. The discriminator's
    small copy of an image is its average pooling; the reference's generator draws fake ones itself.
    Scores of patches are averaged to one score per image, before the hinge. Margins are spread
    evenly from 0.8 to 1 over the batch instead of drawn (see
    `losses.soft_hinge_discriminator`). The generator adds no noise to its features, so an image
    depends only on its latents. The generator's first layer is normalised as one matrix (in the
    reference, as a transposed convolution). BatchNormalization has a momentum of 0.8, so that
    sampled images keep up with training. Sizes below 256 are supported, with fewer blocks; the
    reference's larger ones are not.

    Args:
        image_shape: `(height, width, channels)`: height and width from 16 to 256 pixels, not
            necessarily equal; 1, 3 or 4 channels.
        latent_dim: Length of a latent vector.
        filters: Number of filters of the generator's maps of 128 pixels; 16 times as many at 4
            pixels. The discriminator has as many at 64 pixels, and 8 times as many at 8 pixels.

    Returns:
        A compiled `kerasgan.GAN`. The generator maps float32 latents `(batch_size, latent_dim)` to
        float32 images `(batch_size, height, width, channels)` in (-1, 1). The discriminator maps
        such images to one linear score each, `(batch_size, 1)`, and to its redrawn images and
        what they should be: the image of up to 128 pixels, and a quarter of it. Training also
        reports `reconstruction_loss`.

    Raises:
        ValueError: `image_shape` is not supported, or `latent_dim` or `filters` is below 1.

    Example:

    ```python
    gan = kerasgan.build_fastgan(image_shape=(128, 128, 3))
    gan.fit(images, batch_size=8, epochs=4000)
    ```
    """
    image_shape, latent_dim, filters = check_sizes(image_shape, latent_dim, filters, _LARGEST)
    gan = GAN(
        _generator(image_shape, latent_dim, filters),
        _discriminator(image_shape, filters),
        name="fastgan",
    )
    gan.compile(
        g_optimizer=keras.optimizers.Adam(2e-4, beta_1=0.5, name="g_optimizer"),
        d_optimizer=keras.optimizers.Adam(2e-4, beta_1=0.5, name="d_optimizer"),
        loss="soft_hinge",
        auxiliary_loss=(None, reconstruction_loss),
        augment="color,translation",
        ema=0.999,
    )
    return gan


def _generator(image_shape, latent_dim, filters):
    height, width, channels = image_shape
    halvings = count_halvings(image_shape)
    rows, columns = reduced(image_shape, 2**halvings)
    widths = [max(1, int(factor * filters)) for factor in _GENERATOR_WIDTHS]

    inputs = keras.Input((latent_dim,), name="latents")
    x = SpectralNormalization(
        keras.layers.Dense(
            rows * columns * 2 * widths[0], use_bias=False, kernel_initializer=_normal()
        )
    )(inputs)
    x = keras.layers.Reshape((rows, columns, 2 * widths[0]))(x)
    x = ops.glu(_batch_norm()(x))  # (4, 4, 1024)
    maps = [x]
    for doubling in range(1, halvings + 1):
        x = channels_last.UpSampling2D(2)(x)
        for _ in range(1 + doubling % 2):
            x = _gated(x, widths[doubling])  # (8, 8, 512) to (256, 256, 32)
        if doubling >= 4:
            x = _excite(x, maps[doubling - 4])
        maps.append(x)
    x = _to_image(x, channels)
    x = crop_to(x, height, width)  # (height, width, channels)
    return keras.Model(inputs, x, name="generator")


def _discriminator(image_shape, filters):
    height, width, channels = image_shape
    halvings = count_halvings(image_shape) - 1  # down to 8 pixels
    widths = [max(1, 8 * filters // 2 ** (halvings - halving)) for halving in range(halvings + 1)]

    inputs = keras.Input(image_shape, name="images")
    x = _leaky(_convolution(widths[0], 3)(inputs))  # (256, 256, 16)
    maps = [x]
    for halving in range(1, halvings + 1):
        x = _down_block(x, widths[halving])  # (128, 128, 32) to (8, 8, 512)
        if halving >= 3:
            x = _excite(x, maps[halving - 3])
        maps.append(x)
    y = channels_last.AveragePooling2D(2, padding="same")(inputs)  # (128, 128, 3): the small copy
    y = _leaky(_convolution(widths[min(1, halvings)], 4, strides=2)(y))
    for halving in range(2, halvings):
        y = _leaky(_batch_norm()(_convolution(widths[halving], 4, strides=2)(y)))  # to (8, 8, 256)
    large = _leaky(_batch_norm()(_convolution(16 * filters, 1)(x)))
    scores = keras.layers.Average(dtype="float32")([_score(large), _score(y)])  # linear

    whole, part = inputs, Quarter()(inputs)
    if halvings > 4:
        whole = channels_last.AveragePooling2D(2, padding="same")(whole)
    drawn_whole = _decoder(x, whole.shape[1:], min(4, halvings), filters)
    drawn_part = _decoder(Quarter()(maps[-2]), part.shape[1:], halvings - 1, filters)
    return keras.Model(inputs, [scores, drawn_whole, whole, drawn_part, part], name="discriminator")


def _decoder(x, image_shape, doublings, filters):
    """Redraws an image from features."""
    for factor in (2, 1, 1, 0.5)[:doublings]:
        x = channels_last.UpSampling2D(2)(x)
        x = _gated(x, max(1, int(factor * filters)))
    x = _to_image(x, image_shape[2])
    return crop_to(x, *image_shape[:2])


def _down_block(x, filters):
    """Halves height and width, with and without a nonlinearity between."""
    shortcut = channels_last.AveragePooling2D(2, padding="same")(x)
    shortcut = _leaky(_batch_norm()(_convolution(filters, 1)(shortcut)))
    x = _leaky(_batch_norm()(_convolution(filters, 4, strides=2)(x)))
    x = _leaky(_batch_norm()(_convolution(filters, 3)(x)))
    return keras.layers.Average()([x, shortcut])


def _excite(x, other):
    layer = SkipLayerExcitation(kernel_initializer=_normal())
    return SpectralNormalization(layer)([x, other])


def _score(x):
    """The mean of a 4x4 convolution over all places, computed from the mean of its windows."""
    window = [max(1, size - 3) for size in x.shape[1:3]]
    x = channels_last.AveragePooling2D(window, strides=1)(x)
    dense = keras.layers.Dense(1, use_bias=False, kernel_initializer=_normal(), dtype="float32")
    return SpectralNormalization(dense)(channels_last.Flatten()(x))


def _to_image(x, channels):
    def wrap(layer):
        return SpectralNormalization(layer)

    x = to_channels(x, channels, wrap, use_bias=False, kernel_initializer=_normal())
    return keras.layers.Activation("tanh")(x)


def _gated(x, filters):
    """Half of the filters switch the other half: a gated linear unit."""
    return ops.glu(_batch_norm()(_convolution(2 * filters, 3)(x)))


def _convolution(filters, size, strides=1):
    return SpectralNormalization(
        channels_last.Conv2D(
            filters,
            size,
            strides=strides,
            padding="same",
            use_bias=False,
            kernel_initializer=_normal(),
        )
    )


def _leaky(x):
    return keras.layers.LeakyReLU(negative_slope=0.2)(x)


def _normal(mean=0.0):
    return keras.initializers.RandomNormal(mean, 0.02)


def _batch_norm():
    return batch_norm(epsilon=1e-5, gamma_initializer=_normal(1.0))


@keras.saving.register_keras_serializable(package="kerasgan")
class Quarter(keras.layers.Layer):
    """One quarter of each map or image: the upper left of the first, then in turn."""

    def call(self, x):
        count, height, width, _ = ops.shape(x)
        upper, left = (height + 1) // 2, (width + 1) // 2
        quarters = [
            x[:, :upper, :left],
            x[:, :upper, width - left :],
            x[:, height - upper :, :left],
            x[:, height - upper :, width - left :],
        ]
        place = ops.reshape(ops.arange(count, dtype="int32") % 4, (-1, 1, 1, 1))
        chosen = quarters[0]
        for index in (1, 2, 3):
            chosen = ops.where(place == index, quarters[index], chosen)
        return chosen

    def compute_output_shape(self, input_shape):
        count, height, width, channels = input_shape
        return (count, (height + 1) // 2, (width + 1) // 2, channels)


@keras.saving.register_keras_serializable(package="kerasgan")
def reconstruction_loss(inputs, real_outputs, fake_outputs):
    """How badly the discriminator redraws real images: the mean absolute differences, added up."""
    if real_outputs is None:  # the fake half of a separate update
        # Nothing to learn. A gradient of 0 for both decoders, as Keras warns if there is none.
        return 0.0 * (ops.mean(fake_outputs[1]) + ops.mean(fake_outputs[3]))
    _, *pairs = (ops.cast(output, "float32") for output in real_outputs)
    return sum(
        ops.mean(ops.abs(drawn - image))
        for drawn, image in zip(pairs[::2], pairs[1::2], strict=True)
    )
