"""SAGAN: self-attention in both models, spectral normalisation throughout, two learning rates.

Zhang, Goodfellow, Metaxas, Odena 2018, "Self-Attention Generative Adversarial Networks",
https://arxiv.org/abs/1805.08318. Attention connects parts of an image that are too far apart for
convolutions: the legs of a dog, the two sides of a face.
"""

import keras

from kerasgan.gan import GAN
from kerasgan.layers import SelfAttention, SpectralNormalization
from kerasgan.zoo import channels_last
from kerasgan.zoo.parts import check_sizes, count_halvings, reduced
from kerasgan.zoo.sngan import (
    down_block,
    first_down_block,
    plain_block,
    sum_pool,
    to_image,
    up_block,
)

__all__ = ["build_sagan"]


def build_sagan(
    image_shape: tuple[int, int, int] = (64, 64, 3), latent_dim: int = 128, filters: int = 64
) -> GAN:
    """Builds a SAGAN, compiled as in its paper.

    Choose it for images of 64 to 128 pixels whose distant parts must agree, if you can afford the
    cost of residual networks. With one discriminator update per step it is faster than
    `build_sngan`.

    Reference: Zhang et al. 2018 (arXiv 1805.08318), section 3 (self-attention), section 4
    (spectral normalisation of both models, two rates) and section 5 (Adam 1e-4 and, for the
    discriminator, 4e-4, beta_1 0, beta_2 0.9, one update each; attention on 32 x 32 feature maps);
    blocks and widths from its authors' code.

    Differs from the reference: the model is unconditional, without class-conditional batch
    normalisation and without the projection of labels. The generator's blocks have no biases,
    because the normalisation after them would cancel nearly all of these. BatchNormalization has
    a momentum of 0.8 instead of 0.999 or more, so that sampled images keep up with training. Sizes
    other than 128 are supported: blocks halve the image until 3 or 4 pixels are left, and up to 64
    pixels attention is at half the size.

    Args:
        image_shape: `(height, width, channels)`: height and width from 16 to 128 pixels, not
            necessarily equal; 1, 3 or 4 channels.
        latent_dim: Length of a latent vector.
        filters: Number of filters in the blocks nearest the image, in both models. It doubles each
            time the size halves.

    Returns:
        A compiled `kerasgan.GAN`. The generator maps float32 latents `(batch_size, latent_dim)` to
        float32 images `(batch_size, height, width, channels)` in (-1, 1); the discriminator maps
        such images to one linear score each, `(batch_size, 1)`.

    Raises:
        ValueError: `image_shape` is not supported, or `latent_dim` or `filters` is below 1.

    Example:

    ```python
    gan = kerasgan.build_sagan(image_shape=(128, 128, 3))
    gan.fit(images, batch_size=64, epochs=100)
    ```
    """
    image_shape, latent_dim, filters = check_sizes(image_shape, latent_dim, filters)
    gan = GAN(
        _generator(image_shape, latent_dim, filters),
        _discriminator(image_shape, filters),
        name="sagan",
    )
    gan.compile(
        g_optimizer=keras.optimizers.Adam(1e-4, beta_1=0.0, beta_2=0.9, name="g_optimizer"),
        d_optimizer=keras.optimizers.Adam(4e-4, beta_1=0.0, beta_2=0.9, name="d_optimizer"),
        loss="hinge",
    )
    return gan


def _generator(image_shape, latent_dim, filters):
    halvings = count_halvings(image_shape)
    rows, columns = reduced(image_shape, 2**halvings)
    widest = filters * 2 ** (halvings - 1)

    inputs = keras.Input((latent_dim,), name="latents")
    x = SpectralNormalization(keras.layers.Dense(rows * columns * widest))(inputs)
    x = keras.layers.Reshape((rows, columns, widest))(x)  # (4, 4, 512)
    for halving in reversed(range(halvings)):
        x = up_block(x, filters * 2**halving, _convolution)  # (8, 8, 512) ... (64, 64, 64)
        if halving == _halvings_to_attention(halvings):
            x = SpectralNormalization(SelfAttention())(x)  # (32, 32, 128)
    x = to_image(x, image_shape, SpectralNormalization)  # (height, width, channels)
    return keras.Model(inputs, x, name="generator")


def _discriminator(image_shape, filters):
    halvings = count_halvings(image_shape)
    inputs = keras.Input(image_shape, name="images")
    x = first_down_block(inputs, filters, _convolution)  # (32, 32, 64)
    for halving in range(1, halvings):
        if halving == _halvings_to_attention(halvings):
            x = SpectralNormalization(SelfAttention())(x)  # (32, 32, 64)
        x = down_block(x, filters * 2**halving, _convolution)  # (16, 16, 128) to (4, 4, 512)
    x = plain_block(x, _convolution)
    x = keras.layers.ReLU()(x)
    x = sum_pool(x)  # (512,)
    x = SpectralNormalization(keras.layers.Dense(1, name="score", dtype="float32"))(x)  # linear
    return keras.Model(inputs, x, name="discriminator")


def _halvings_to_attention(halvings):
    """Halvings from the image to the attention maps: 32 pixels, or half the image."""
    return max(1, halvings - 3)


def _convolution(filters, size, use_bias=True):
    return SpectralNormalization(
        channels_last.Conv2D(filters, size, padding="same", use_bias=use_bias)
    )
