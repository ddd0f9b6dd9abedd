"""PacGAN: a discriminator that sees several images at once.

Lin et al. 2018, "PacGAN: The power of two samples in generative adversarial networks",
https://arxiv.org/abs/1712.04086. Images are packed along their channels before they are scored,
so a generator with too little variety gives itself away.
"""

import keras
from keras import ops

from kerasgan.checks import check_whole
from kerasgan.gan import GAN
from kerasgan.zoo.dcgan import dcgan_discriminator, dcgan_generator, dcgan_optimizers
from kerasgan.zoo.parts import check_sizes

__all__ = ["Pack", "build_pacgan"]

_MOST = 1024  # images in a pack: more than any batch has


def build_pacgan(
    image_shape: tuple[int, int, int] = (64, 64, 3),
    latent_dim: int = 100,
    filters: int = 64,
    packing: int = 2,
) -> GAN:
    """Builds a PacDCGAN: the DCGAN with a packed discriminator.

    Choose it when images are good but too similar (mode collapse).

    Reference: Lin et al. 2018 (arXiv 1712.04086), section 2: only the discriminator's input grows;
    everything else is as in the DCGAN. Section 3 reports the modes found with 2, 3 and 4 images.

    Differs from the reference: packs are made from the current batch, so a discriminator step
    sees `batch_size // packing` packs instead of `batch_size`. Images left over are dropped, and a
    batch too small for one pack is repeated until it fills one. Learning rates are 1.6e-3 below 64
    filters. Penalties, if you add any, use the norm of the gradient at each image, not at each
    pack.

    Args:
        image_shape: `(height, width, channels)`: height and width from 16 to 128 pixels, not
            necessarily equal; 1, 3 or 4 channels.
        latent_dim: Length of a latent vector.
        filters: Number of filters in the layer nearest the image, in both models. It doubles each
            time the size halves.
        packing: Number of images in a pack.

    Returns:
        A compiled `kerasgan.GAN`. The generator maps float32 latents `(batch_size, latent_dim)` to
        float32 images `(batch_size, height, width, channels)` in (-1, 1); the discriminator maps
        such images to one linear score per pack, `(batch_size // packing, 1)`. It cannot be
        trained with `update="concatenated"`.

    Raises:
        ValueError: `image_shape` is not supported, or `latent_dim`, `filters` or `packing` is below
            1.

    Example:

    ```python
    gan = kerasgan.build_pacgan(image_shape=(32, 32, 3))
    gan.fit(images, batch_size=128, epochs=50)
    ```
    """
    image_shape, latent_dim, filters = check_sizes(image_shape, latent_dim, filters)
    pack = Pack(packing)
    gan = GAN(
        dcgan_generator(image_shape, latent_dim, filters),
        _discriminator(image_shape, filters, pack),
        name="pacgan",
    )
    gan.compile(**dcgan_optimizers(filters))
    return gan


def _discriminator(image_shape, filters, pack):
    images = keras.Input(image_shape, name="images")
    packs = pack(images)  # (height, width, packing * channels)
    scores = dcgan_discriminator(packs.shape[1:], filters)(packs)
    return keras.Model(images, scores, name="discriminator")


@keras.saving.register_keras_serializable(package="kerasgan")
class Pack(keras.layers.Layer):
    """Packs neighbouring images along their channels.

    Images left over are dropped; a batch too small for one pack is repeated until it fills one.

    Args:
        packing: Number of images in a pack.

    Input: `(batch_size, height, width, channels)`.

    Output: `(batch_size // packing, height, width, packing * channels)`.

    Raises:
        ValueError: `packing` is not a whole number of at least 1.
    """

    def __init__(self, packing, **kwargs):
        packing = check_whole("packing", packing, 1, _MOST)
        super().__init__(**kwargs)
        self.packing = packing

    def call(self, images):
        count = ops.shape(images)[0]
        # Keep a known size as a Python number, which JAX needs to make the indices.
        most = max if isinstance(count, int) else ops.maximum
        packs = most(count // self.packing, 1)
        images = ops.take(images, ops.arange(packs * self.packing, dtype="int32") % count, axis=0)
        height, width, channels = images.shape[1:]
        images = ops.reshape(images, (-1, self.packing, height, width, channels))
        images = ops.transpose(images, (0, 2, 3, 1, 4))
        return ops.reshape(images, (-1, height, width, self.packing * channels))

    def compute_output_shape(self, input_shape):
        count, height, width, channels = input_shape
        packs = count and max(count // self.packing, 1)
        return (packs, height, width, self.packing * channels)

    def get_config(self):
        return {**super().get_config(), "packing": self.packing}
