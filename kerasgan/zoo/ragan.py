"""RaGAN: a discriminator that compares real and fake images.

Jolicoeur-Martineau 2018, "The relativistic discriminator: a key element missing from standard
GAN", https://arxiv.org/abs/1807.00734. The score says how much more real an image looks than the
average image of the other kind, and the generator's step uses real images too.
"""

from kerasgan.gan import GAN
from kerasgan.zoo.dcgan import dcgan_discriminator, dcgan_generator, dcgan_optimizers
from kerasgan.zoo.parts import check_sizes

__all__ = ["build_ragan"]


def build_ragan(
    image_shape: tuple[int, int, int] = (64, 64, 3), latent_dim: int = 100, filters: int = 64
) -> GAN:
    """Builds a relativistic average GAN on the DCGAN's architecture.

    Choose it when a DCGAN's discriminator wins early: here the discriminator cannot win merely by
    pushing fake scores down.

    Reference: Jolicoeur-Martineau 2018 (arXiv 1807.00734), section 4.3; Adam 2e-4, beta_1 0.5,
    one discriminator step.

    Differs from the reference: the architecture is the DCGAN's (the paper uses several), and so
    are the learning rates of 1.6e-3 below 64 filters.

    Args:
        image_shape: `(height, width, channels)`: height and width from 16 to 128 pixels, not
            necessarily equal; 1, 3 or 4 channels.
        latent_dim: Length of a latent vector.
        filters: Number of filters in the layer nearest the image, in both models. It doubles each
            time the size halves.

    Returns:
        A compiled `kerasgan.GAN`. The generator maps float32 latents `(batch_size, latent_dim)` to
        float32 images `(batch_size, height, width, channels)` in (-1, 1); the discriminator maps
        such images to one linear score each, `(batch_size, 1)`.

    Raises:
        ValueError: `image_shape` is not supported, or `latent_dim` or `filters` is below 1.

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
