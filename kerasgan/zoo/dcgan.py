"""DCGAN: the convolutional GAN that the others are measured against.

Radford, Metz, Chintala 2015, "Unsupervised Representation Learning with Deep Convolutional
Generative Adversarial Networks", https://arxiv.org/abs/1511.06434. Strided convolutions in
place of pooling, batch normalisation on both sides, no hidden dense layers.
"""

from kerasgan.gan import GAN
from kerasgan.zoo.convnet import dcgan_discriminator, dcgan_generator, dcgan_optimizers
from kerasgan.zoo.parts import check_sizes


def build_dcgan(image_shape=(64, 64, 3), latent_dim=100, filters=64):
    """Builds a DCGAN, compiled as in its paper.

    The first model to try: small, quick, and good enough for digits, faces and logos up to
    128 pixels.

    Reference: Radford et al. 2015 (arXiv 1511.06434), section 3 (architecture) and section 4
    (training: Adam 2e-4, beta_1 0.5, batches of 128; all weights from N(0, 0.02)); scales of
    BatchNormalization from N(1, 0.02), as in the authors' code.

    Differs from the reference: latents are N(0, 1) in place of U(-1, 1), and kernels 4x4 in
    place of 5x5 (both as in most public code: 4 is a multiple of the stride, which avoids
    checkerboards); half as many filters as in the authors' code, as in most other; no L2 penalty
    on the weights (1e-5 there); BatchNormalization's moving statistics have a momentum of 0.8, so
    that sampled images keep up with trained ones; rates of 1.6e-3 below 64 filters,
    with which narrow models learn several times as fast; samples come from an average of the
    generator's weights (decay 0.999; Yazici et al. 2018, arXiv 1806.04498); sizes other than 64.

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
    gan = kerasgan.build_dcgan(image_shape=(32, 32, 3))
    gan.fit(images, batch_size=128, epochs=50)
    ```
    """
    image_shape, latent_dim, filters = check_sizes(image_shape, latent_dim, filters)
    gan = GAN(
        dcgan_generator(image_shape, latent_dim, filters),
        dcgan_discriminator(image_shape, filters),
        name="dcgan",
    )
    gan.compile(**dcgan_optimizers(filters), ema=0.999)
    return gan
