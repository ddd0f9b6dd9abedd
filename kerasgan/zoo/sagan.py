"""SAGAN: self-attention in both models, spectral normalisation throughout, two learning rates.

Zhang, Goodfellow, Metaxas, Odena 2018, "Self-Attention Generative Adversarial Networks",
https://arxiv.org/abs/1805.08318. Attention ties places of an image together that are too far
apart for convolutions: the legs of a dog, the two sides of a face.
"""

import keras

from kerasgan.gan import GAN
from kerasgan.layers import SelfAttention, SpectralNormalization
from kerasgan.zoo import resnet
from kerasgan.zoo.parts import check_sizes, count_halvings, reduced


def build_sagan(image_shape=(64, 64, 3), latent_dim=128, filters=64):
    """Builds a SAGAN, compiled as in its paper.

    For images of 64 to 128 pixels whose distant parts must agree, when the computing for
    residual networks is at hand. One discriminator update per step makes it faster than
    `build_sngan`.

    Reference: Zhang et al. 2018 (arXiv 1805.08318), section 3 (self-attention), section 4
    (spectral normalisation of both models, two rates) and section 5 (Adam 1e-4 and, for the
    discriminator, 4e-4, beta_1 0, beta_2 0.9, one update each; attention at 32 x 32 places);
    blocks and widths from its authors' code.

    Differs from the reference: unconditional, that is without class-conditional batch
    normalisation and without the projection of labels; no biases in the generator's blocks,
    where the normalisation that follows takes nearly all of them away; the moving statistics
    of BatchNormalization have a momentum of 0.8 in place of 0.999 and more, so that sampled
    images keep up with trained ones; sizes other than 128: as many blocks as leave 3 or 4 pixels,
    and attention at half the size up to 64 pixels.

    Args:
        image_shape: `(height, width, channels)`: 16 to 128 pixels, not necessarily square; 1,
            3 or 4 channels.
        latent_dim: Length of a latent vector.
        filters: Filters of the blocks nearest to the image, in both models; they double with
            each halving of the size.

    Returns:
        `kerasgan.GAN`. Its generator takes float32 latents `(batch_size, latent_dim)` and gives
        float32 images `(batch_size, height, width, channels)` in (-1, 1); its discriminator
        takes such images and gives one linear score `(batch_size, 1)`.

    Raises:
        ValueError: An image_shape that it cannot make, or a latent_dim or filters below 1.

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
        x = resnet.up_block(x, filters * 2**halving, _convolution)  # (8, 8, 512) ... (64, 64, 64)
        if halving == _halvings_to_attention(halvings):
            x = SpectralNormalization(SelfAttention())(x)  # (32, 32, 128)
    x = resnet.to_image(x, image_shape, SpectralNormalization)  # (height, width, channels)
    return keras.Model(inputs, x, name="generator")


def _discriminator(image_shape, filters):
    halvings = count_halvings(image_shape)
    inputs = keras.Input(image_shape, name="images")
    x = resnet.first_down_block(inputs, filters, _convolution)  # (32, 32, 64)
    for halving in range(1, halvings):
        if halving == _halvings_to_attention(halvings):
            x = SpectralNormalization(SelfAttention())(x)  # (32, 32, 64)
        x = resnet.down_block(x, filters * 2**halving, _convolution)  # (16, 16, 128) to (4, 4, 512)
    x = resnet.plain_block(x, _convolution)
    x = keras.layers.ReLU()(x)
    x = resnet.sum_pool(x)  # (512,)
    x = SpectralNormalization(keras.layers.Dense(1, name="score"))(x)  # linear
    return keras.Model(inputs, x, name="discriminator")


def _halvings_to_attention(halvings):
    """From the image to the maps with attention: those of 32 pixels, or of half the image."""
    return max(1, halvings - 3)


def _convolution(filters, size, use_bias=True):
    return SpectralNormalization(
        keras.layers.Conv2D(filters, size, padding="same", use_bias=use_bias)
    )
