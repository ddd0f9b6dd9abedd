"""LSGAN: least squares in place of cross-entropy.

Mao et al. 2016, "Least Squares Generative Adversarial Networks",
https://arxiv.org/abs/1611.04076. A fake image is pulled towards the real ones also when the
discriminator already takes it for real, so that gradients vanish later. The architecture is the
DCGAN's.
"""

from kerasgan.gan import GAN
from kerasgan.zoo.convnet import dcgan_discriminator, dcgan_generator, dcgan_optimizers
from kerasgan.zoo.parts import check_sizes


def build_lsgan(image_shape=(64, 64, 3), latent_dim=100, filters=64):
    """Builds an LSGAN: a DCGAN with the squared error as its loss.

    A steadier DCGAN at the same price; the scores are easy to read, 0 for fake and 1 for real.

    Reference: Mao et al. 2016 (arXiv 1611.04076), equation 9 (targets 0, 1 and 1) and section 4.

    Differs from the reference: the DCGAN's architecture for all sizes (the paper adds convolutions
    for its 112-pixel scenes); Adam 2e-4 (1.6e-3 below 64 filters), beta_1 0.5, as for the
    DCGAN (the paper's rate for its scenes is 1e-3); the factor 1/2 of the loss, which only scales
    the rate of an optimizer other than Adam, is left out.

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
    gan = kerasgan.build_lsgan(image_shape=(32, 32, 3))
    gan.fit(images, batch_size=64, epochs=50)
    ```
    """
    image_shape, latent_dim, filters = check_sizes(image_shape, latent_dim, filters)
    gan = GAN(
        dcgan_generator(image_shape, latent_dim, filters),
        dcgan_discriminator(image_shape, filters),
        name="lsgan",
    )
    gan.compile(**dcgan_optimizers(filters), loss="least_squares")
    return gan
