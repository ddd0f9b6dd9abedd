"""WGAN-GP: a Wasserstein critic whose gradient is kept at length one.

Gulrajani et al. 2017, "Improved Training of Wasserstein GANs", https://arxiv.org/abs/1704.00028.
Instead of clipping weights, it penalises the length of the score's gradient at images between real
and fake ones.
"""

import keras

from kerasgan.gan import GAN
from kerasgan.zoo.dcgan import dcgan_discriminator, dcgan_generator
from kerasgan.zoo.parts import check_sizes

__all__ = ["build_wgan_gp"]


def build_wgan_gp(
    image_shape: tuple[int, int, int] = (64, 64, 3), latent_dim: int = 128, filters: int = 64
) -> GAN:
    """Builds a WGAN-GP on the DCGAN's architecture, compiled as in the authors' code.

    Choose it when other models collapse or need tuning: it trains nearly any architecture, but
    needs five critic steps with second derivatives for each generator step.

    Reference: Gulrajani et al. 2017 (arXiv 1704.00028), algorithm 1 (penalty 10, five critic
    steps, batches of 64), and the authors' code for MNIST: Adam 1e-4 (0.5, 0.9), where the paper
    has (0, 0.9), and latents of 128.

    Differs from the reference: the architecture is the DCGAN's (the paper uses several, and
    residual networks for its best results), without normalisation in the critic (the paper uses
    layer normalisation or none). We initialise the critic's kernels as in He et al. 2015: with
    N(0, 0.02), signals would fade from layer to layer.

    Args:
        image_shape: `(height, width, channels)`: height and width from 16 to 128 pixels, not
            necessarily equal; 1, 3 or 4 channels.
        latent_dim: Length of a latent vector.
        filters: Number of filters in the layer nearest the image, in both models. It doubles each
            time the size halves.

    Returns:
        A compiled `kerasgan.GAN`. The generator maps float32 latents `(batch_size, latent_dim)` to
        float32 images `(batch_size, height, width, channels)` in (-1, 1); the critic
        (`discriminator`) maps such images to one linear score each, `(batch_size, 1)`.

    Raises:
        ValueError: `image_shape` is not supported, or `latent_dim` or `filters` is below 1.

    Example:

    ```python
    gan = kerasgan.build_wgan_gp(image_shape=(32, 32, 3))
    gan.fit(images, batch_size=64, epochs=50)
    ```
    """
    image_shape, latent_dim, filters = check_sizes(image_shape, latent_dim, filters)
    gan = GAN(
        dcgan_generator(image_shape, latent_dim, filters),
        dcgan_discriminator(image_shape, filters, normalize=False),
        name="wgan_gp",
    )
    gan.compile(
        g_optimizer=keras.optimizers.Adam(1e-4, beta_1=0.5, beta_2=0.9, name="g_optimizer"),
        d_optimizer=keras.optimizers.Adam(1e-4, beta_1=0.5, beta_2=0.9, name="d_optimizer"),
        loss="wasserstein",
        penalty="gradient_penalty",
        discriminator_steps=5,
    )
    return gan
