"""DRAGAN: a discriminator that may not be steep near real images.

Kodali et al. 2017, "On Convergence and Stability of GANs", https://arxiv.org/abs/1705.07215.
The usual cross-entropy and one discriminator step for each generator step, and a penalty on the
gradient of the score around the data.
"""

from kerasgan.gan import GAN
from kerasgan.zoo.convnet import dcgan_discriminator, dcgan_generator, dcgan_optimizers
from kerasgan.zoo.parts import check_sizes


def build_dragan(image_shape=(64, 64, 3), latent_dim=100, filters=64):
    """Builds a DRAGAN on the DCGAN's architecture.

    A steadier DCGAN that collapses less, cheaper than `build_wgan_gp`.

    Reference: Kodali et al. 2017 (arXiv 1705.07215) and the published code: lambda 10, k 1, noise
    of half the standard deviation of the images.

    Differs from the reference: no batch normalisation in the discriminator, since the penalty is on
    the gradient at each image by itself; its kernels start as in He et al. 2015; Adam
    2e-4 (1.6e-3 below 64 filters), beta_1 0.5, as for the DCGAN.

    Args:
        image_shape: `(height, width, channels)`: 16 to 128 pixels, not necessarily square; 1,
            3 or 4 channels.
        latent_dim: Length of a latent vector.
        filters: Filters of the layer nearest to the image, in both models; they double with
            each halving of the size.

    Returns:
        `kerasgan.GAN`. Its generator takes float32 latents `(batch_size, latent_dim)` and gives
        float32 images `(batch_size, height, width, channels)` in (-1, 1); its discriminator
        takes such images and gives one linear score `(batch_size, 1)`.

    Raises:
        ValueError: An image_shape that it cannot make, or a latent_dim or filters below 1.

    Example:

    ```python
    gan = kerasgan.build_dragan(image_shape=(32, 32, 3))
    gan.fit(images, batch_size=64, epochs=50)
    ```
    """
    image_shape, latent_dim, filters = check_sizes(image_shape, latent_dim, filters)
    gan = GAN(
        dcgan_generator(image_shape, latent_dim, filters),
        dcgan_discriminator(image_shape, filters, normalize=False),
        name="dragan",
    )
    gan.compile(**dcgan_optimizers(filters), penalty="dragan")
    return gan
