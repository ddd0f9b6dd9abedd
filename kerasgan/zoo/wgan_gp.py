"""WGAN-GP: a Wasserstein critic whose gradient is held at length one.

Gulrajani et al. 2017, "Improved Training of Wasserstein GANs", https://arxiv.org/abs/1704.00028.
In place of clipped weights, a penalty on the length of the score's gradient at images between
real and fake ones.
"""

import keras

from kerasgan.gan import GAN
from kerasgan.zoo.convnet import dcgan_discriminator, dcgan_generator
from kerasgan.zoo.parts import check_sizes


def build_wgan_gp(image_shape=(64, 64, 3), latent_dim=128, filters=64):
    """Builds a WGAN-GP on the DCGAN's architecture, compiled as in the authors' code.

    When others collapse or need tuning: it trains nearly any architecture, at the price of five
    critic steps with second derivatives for each generator step.

    Reference: Gulrajani et al. 2017 (arXiv 1704.00028), algorithm 1 (penalty 10, five critic
    steps, batches of 64), and the authors' code for MNIST: Adam 1e-4 (0.5, 0.9), where the paper
    has (0, 0.9), and latents of 128.

    Differs from the reference: the DCGAN's architecture (the paper has several, and residual
    networks for its best results) without normalisation in the critic (the paper has layer
    normalisation or none), whose kernels start as in He et al. 2015, our choice: from N(0, 0.02)
    signals would fade from layer to layer.

    Args:
        image_shape: `(height, width, channels)`: 16 to 128 pixels, not necessarily square; 1,
            3 or 4 channels.
        latent_dim: Length of a latent vector.
        filters: Filters of the layer nearest to the image, in both models; they double with
            each halving of the size.

    Returns:
        `kerasgan.GAN`. Its generator takes float32 latents `(batch_size, latent_dim)` and gives
        float32 images `(batch_size, height, width, channels)` in (-1, 1); its critic
        (`discriminator`) takes such images and gives one linear score `(batch_size, 1)`.

    Raises:
        ValueError: An image_shape that it cannot make, or a latent_dim or filters below 1.

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
