"""LSGAN: least squares instead of cross-entropy.

Mao et al. 2016, "Least Squares Generative Adversarial Networks",
https://arxiv.org/abs/1611.04076. Fake images are pulled towards real ones even when the
discriminator already accepts them as real, so gradients are slower to vanish. The architecture is
the DCGAN's.
"""

from kerasgan.gan import GAN
from kerasgan.zoo.dcgan import dcgan_discriminator, dcgan_generator, dcgan_optimizers
from kerasgan.zoo.parts import check_sizes

__all__ = ["build_lsgan"]


def build_lsgan(
    image_shape: tuple[int, int, int] = (64, 64, 3), latent_dim: int = 100, filters: int = 64
) -> GAN:
    """Builds an LSGAN: a DCGAN with the squared error as its loss.

    Choose it for a steadier DCGAN at the same cost. The scores are easy to read: 0 for fake and 1
    for real.

    Reference: Mao et al. 2016 (arXiv 1611.04076), equation 9 (targets 0, 1 and 1) and section 4.

    Differs from the reference: all sizes use the DCGAN's architecture (the paper adds convolutions
    for its 112-pixel scenes). Adam is the DCGAN's: 2e-4 (1.6e-3 below 64 filters), beta_1 0.5 (the
    paper's rate for its scenes is 1e-3). The loss has no factor of 1/2, which has no effect with
    Adam and only scales the rate of other optimizers.

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
