"""PacGAN: a discriminator that sees several images at once.

Lin et al. 2018, "PacGAN: The power of two samples in generative adversarial networks",
https://arxiv.org/abs/1712.04086. Images are packed along their channels before they are scored,
so that a generator with too little variety gives itself away.
"""

import keras
from keras import ops

from kerasgan.checks import check_whole
from kerasgan.gan import GAN
from kerasgan.zoo.convnet import dcgan_discriminator, dcgan_generator, dcgan_optimizers
from kerasgan.zoo.parts import check_sizes


def build_pacgan(image_shape=(64, 64, 3), latent_dim=100, filters=64, packing=2):
    """Builds a PacDCGAN: the DCGAN with a packed discriminator.

    When images are good but too much alike (mode collapse).

    Reference: Lin et al. 2018 (arXiv 1712.04086), section 2: only the discriminator's input grows,
    everything else stays as in the DCGAN; section 3 has the modes found with 2, 3 and 4 images.

    Differs from the reference: packs are made of the batch at hand, so that a discriminator step
    sees `batch_size / packing` packs in place of `batch_size`; a remainder is left out, and fewer
    images than a pack are repeated to fill it. Rates are 1.6e-3 below 64 filters.
    Penalties, if asked for, take the norm of the gradient at each image, not at each pack.

    Args:
        image_shape: `(height, width, channels)`: 16 to 128 pixels, not necessarily square; 1,
            3 or 4 channels.
        latent_dim: Length of a latent vector.
        filters: Filters of the layer nearest to the image, in both models; they double with
            each halving of the size.
        packing: Images in a pack.

    Returns:
        `kerasgan.GAN`. Its generator takes float32 latents `(batch_size, latent_dim)` and gives
        float32 images `(batch_size, height, width, channels)` in (-1, 1); its discriminator
        takes such images and gives one linear score a pack, `(batch_size // packing, 1)`. It
        cannot be trained with `update="concatenated"`.

    Raises:
        ValueError: An image_shape that it cannot make, or a latent_dim, filters or packing below 1.

    Example:

    ```python
    gan = kerasgan.build_pacgan(image_shape=(32, 32, 3))
    gan.fit(images, batch_size=128, epochs=50)
    ```
    """
    image_shape, latent_dim, filters = check_sizes(image_shape, latent_dim, filters)
    generator = dcgan_generator(image_shape, latent_dim, filters)
    images = keras.Input(image_shape, name="images")
    packs = Pack(packing)(images)  # (height, width, packing * channels)
    scores = dcgan_discriminator(packs.shape[1:], filters)(packs)
    gan = GAN(generator, keras.Model(images, scores, name="discriminator"), name="pacgan")
    gan.compile(**dcgan_optimizers(filters))
    return gan


@keras.saving.register_keras_serializable(package="kerasgan")
class Pack(keras.layers.Layer):
    """Packs neighbouring images along their channels.

    Input: `(batch_size, height, width, channels)`. Output: `(batch_size // packing, height,
    width, packing * channels)`. A remainder is left out; fewer images than one pack are
    repeated to fill it.
    """

    def __init__(self, packing, **kwargs):
        super().__init__(**kwargs)
        check_whole("packing", packing, 1)
        self.packing = int(packing)

    def call(self, images):
        count = ops.shape(images)[0]
        # A number where the size is known, which JAX needs to make the indices.
        most = max if isinstance(count, int) else ops.maximum
        packs = most(count // self.packing, 1)
        images = ops.take(images, ops.arange(packs * self.packing) % count, axis=0)
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
