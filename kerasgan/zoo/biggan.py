"""BigGAN: a class-conditional SAGAN, wider, whose latents enter at every size.

Brock, Donahue, Simonyan 2018, "Large Scale GAN Training for High Fidelity Natural Image
Synthesis", https://arxiv.org/abs/1809.11096. All classes share an embedding, which sets scales and
offsets in the generator together with a chunk of the latents for each block. Truncated latents
trade variety for quality when sampling.
"""

import keras
from keras import ops

from kerasgan.checks import check_whole
from kerasgan.gan import GAN
from kerasgan.layers import ConditionalBatchNormalization, SelfAttention, SpectralNormalization
from kerasgan.zoo import channels_last
from kerasgan.zoo.parts import check_classes, check_sizes, count_halvings, reduced
from kerasgan.zoo.sngan import (
    down_block,
    first_down_block,
    plain_block,
    sum_pool,
    to_image,
    up_block,
)

__all__ = ["build_biggan"]

_EMBEDDING = 128  # numbers for each class, shared by all blocks
# For each number of halvings, the widths of the blocks as multiples of `filters`: the generator's
# that double the size, and the discriminator's that halve it and then keep it.
_UP = {
    2: (4, 4),
    3: (4, 4, 4),
    4: (16, 8, 4, 2),
    5: (16, 8, 4, 2, 1),
    6: (16, 8, 8, 4, 2, 1),
}
_DOWN = {
    2: (4, 4),
    3: (4, 4, 4, 4),
    4: (1, 2, 4, 8, 16),
    5: (1, 2, 4, 8, 16, 16),
    6: (1, 2, 4, 8, 8, 16, 16),
}


def build_biggan(
    image_shape: tuple[int, int, int] = (32, 32, 3),
    latent_dim: int = 128,
    filters: int = 64,
    num_classes: int = 10,
) -> GAN:
    """Builds a BigGAN, compiled as in its paper.

    Choose it for labelled photographs, on a GPU with much memory: of 32 pixels with the defaults,
    of 128 pixels with `image_shape=(128, 128, 3), latent_dim=120, filters=96` as in the paper.

    Reference: Brock et al. 2018 (arXiv 1809.11096), section 3 (shared embedding, latents for each
    block, orthogonal initialisation, average of the generator's weights with a decay of 0.9999),
    section 3.1 (truncation: `sample(truncation=)`), appendix B (architecture; Adam, beta_1 0,
    beta_2 0.999; rates of 5e-5 and, for the discriminator, 2e-4; two discriminator steps) and
    appendix C (32 pixels: rates of 2e-4, four discriminator steps, batches of 50); widths of 32 and
    64 pixels from an author's PyTorch code.

    Differs from the reference: the orthogonal regularisation of the generator is left out, as in
    that code for CIFAR-10. The 32-pixel model also has the shared embedding and latents for each
    block, which that code leaves out. Layers before a normalisation have no biases.
    BatchNormalization has a momentum of 0.8, and `sample` uses its moving averages instead of
    statistics collected after training. Up to 64 pixels there is no attention; above, it is on maps
    of 64 pixels.

    Args:
        image_shape: `(height, width, channels)`: height and width from 16 to 256 pixels, not
            necessarily equal; 1, 3 or 4 channels.
        latent_dim: Length of a latent vector: at least one number for the first layer and one for
            each block.
        filters: Number of filters in the blocks nearest the image from 128 pixels; up to 32
            pixels, all blocks have four times as many.
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
    gan = kerasgan.build_biggan()
    gan.fit(images, labels, batch_size=50, epochs=500)
    samples = gan.sample(3, labels=[3, 3, 7], truncation=0.5)
    ```
    """
    image_shape, latent_dim, filters = check_sizes(image_shape, latent_dim, filters, largest=256)
    num_classes = check_classes(num_classes)
    halvings = count_halvings(image_shape)
    check_whole("latent_dim", latent_dim, 1 + halvings)
    gan = GAN(
        _generator(image_shape, latent_dim, filters, num_classes),
        _discriminator(image_shape, filters, num_classes),
        num_classes=num_classes,
        name="biggan",
    )
    is_small = halvings <= 3
    gan.compile(
        g_optimizer=keras.optimizers.Adam(
            2e-4 if is_small else 5e-5, beta_1=0.0, beta_2=0.999, name="g_optimizer"
        ),
        d_optimizer=keras.optimizers.Adam(2e-4, beta_1=0.0, beta_2=0.999, name="d_optimizer"),
        loss="hinge",
        discriminator_steps=4 if is_small else 2,
        ema=0.9999,
    )
    return gan


def _generator(image_shape, latent_dim, filters, num_classes):
    halvings = count_halvings(image_shape)
    rows, columns = reduced(image_shape, 2**halvings)
    widths = [filters * multiple for multiple in _UP[halvings]]

    latents = keras.Input((latent_dim,), name="latents")
    labels = keras.Input((), dtype="int32", name="labels")
    embedding = keras.layers.Embedding(
        num_classes, _EMBEDDING, embeddings_initializer=_orthogonal()
    )(labels)
    # One chunk for the first layer, with the remainder, and one for each block.
    size = latent_dim // (1 + halvings)
    ends = [latent_dim - size * (halvings - block) for block in range(halvings)]
    x, *chunks = ops.split(latents, ends, axis=-1)
    x = _dense(rows * columns * widths[0])(x)
    x = keras.layers.Reshape((rows, columns, widths[0]))(x)  # (4, 4, 256)
    for block, (width, chunk) in enumerate(zip(widths, chunks, strict=True), start=1):
        condition = keras.layers.Concatenate()([embedding, chunk])
        x = up_block(x, width, _convolution, _conditional_norm(condition))  # ... (32, 32, 256)
        if _has_attention(halvings, halvings - block):
            x = _attention()(x)
    x = to_image(x, image_shape, SpectralNormalization, _orthogonal())  # (height, width, channels)
    return keras.Model([latents, labels], x, name="generator")


def _discriminator(image_shape, filters, num_classes):
    halvings = count_halvings(image_shape)
    first, *widths = [filters * multiple for multiple in _DOWN[halvings]]

    images = keras.Input(image_shape, name="images")
    labels = keras.Input((), dtype="int32", name="labels")
    x = first_down_block(images, first, _convolution)  # (16, 16, 256)
    for block, width in enumerate(widths, start=2):
        if _has_attention(halvings, block - 1):
            x = _attention()(x)
        if block <= (2 if halvings == 3 else halvings):
            x = down_block(x, width, _convolution)  # (8, 8, 256)
        else:
            x = plain_block(x, _convolution, width)
    x = sum_pool(keras.layers.ReLU()(x))  # (256,)
    # The score is in float32 also under a mixed policy.
    embedding = SpectralNormalization(
        keras.layers.Embedding(
            num_classes, x.shape[-1], embeddings_initializer=_orthogonal(), dtype="float32"
        )
    )(labels)
    fit = keras.layers.Dot(axes=1, dtype="float32")([embedding, x])
    score = keras.layers.Add(dtype="float32")([_dense(1, dtype="float32")(x), fit])
    return keras.Model([images, labels], score, name="discriminator")


def _has_attention(halvings, halved):
    """Whether maps of images that have been halved `halved` times have 64 pixels."""
    return halved and halvings - halved == 4


def _attention():
    return SpectralNormalization(SelfAttention())


def _orthogonal():
    return keras.initializers.Orthogonal()


def _dense(units, dtype=None):
    layer = keras.layers.Dense(units, kernel_initializer=_orthogonal(), dtype=dtype)
    return SpectralNormalization(layer)


def _convolution(filters, size, use_bias=True):
    return SpectralNormalization(
        channels_last.Conv2D(
            filters, size, padding="same", use_bias=use_bias, kernel_initializer=_orthogonal()
        )
    )


def _conditional_norm(condition):
    def normalize(epsilon):
        layer = SpectralNormalization(
            ConditionalBatchNormalization(epsilon=epsilon, kernel_initializer=_orthogonal())
        )
        return lambda x: layer([x, condition])

    return normalize
