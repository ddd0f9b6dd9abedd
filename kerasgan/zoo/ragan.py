"""RaGAN: a discriminator that compares.

Jolicoeur-Martineau 2018, "The relativistic discriminator: a key element missing from standard
GAN", https://arxiv.org/abs/1807.00734. The score says how much more real an image is than the
average of the other side, and the generator's step sees real images too.
"""

from kerasgan.gan import GAN
from kerasgan.zoo.convnet import dcgan_discriminator, dcgan_generator, dcgan_optimizers
from kerasgan.zoo.parts import check_sizes


def build_ragan(image_shape=(64, 64, 3), latent_dim=100, filters=64):
    """Builds a relativistic average GAN on the DCGAN's architecture.

    When a DCGAN's discriminator wins early: the loss cannot be won by pushing fake scores down
    alone.

    Reference: Jolicoeur-Martineau 2018 (arXiv 1807.00734), section 4.3; Adam 2e-4, beta_1 0.5,
    one discriminator step.

    Differs from the reference: the DCGAN's architecture (the paper runs several), and its
    rates of 1.6e-3 below 64 filters.

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
    gan = kerasgan.build_ragan(image_shape=(32, 32, 3))
    gan.fit(images, batch_size=64, epochs=50)
    ```
    """
    image_shape, latent_dim, filters = check_sizes(image_shape, latent_dim, filters)
    gan = GAN(
        dcgan_generator(image_shape, latent_dim, filters),
        dcgan_discriminator(image_shape, filters),
        name="ragan",
    )
    gan.compile(**dcgan_optimizers(filters), loss="relativistic_average")
    return gan
