"""CGAN: both networks see the label, so you can ask for images of a class.

Mirza, Osindero 2014, "Conditional Generative Adversarial Nets", https://arxiv.org/abs/1411.1784.
The paper's idea with the DCGAN's networks: the label joins the latents, and becomes constant
channels of the images that the discriminator sees.
"""

import keras
from keras import ops

from kerasgan.gan import GAN
from kerasgan.layers import LabelChannels
from kerasgan.zoo.dcgan import dcgan_features, dcgan_image, dcgan_optimizers, dcgan_score
from kerasgan.zoo.parts import check_classes, check_sizes

__all__ = ["build_cgan", "cgan_generator"]


def build_cgan(
    image_shape: tuple[int, int, int] = (28, 28, 1),
    latent_dim: int = 100,
    filters: int = 64,
    num_classes: int = 10,
) -> GAN:
    """Builds a class-conditional GAN with the DCGAN's networks.

    Try this model first if your images have labels. It is as fast as `build_dcgan`.

    Reference: Mirza & Osindero 2014 (arXiv 1411.1784), section 3.2 (labels as inputs of both
    networks); Radford et al. 2015 (arXiv 1511.06434) for the networks, Adam 2e-4 and beta_1 0.5.

    Differs from the reference: the networks are a DCGAN's instead of dense maxout layers with
    dropout, and so are optimizers, weights and the changes that `build_dcgan` lists. One-hot labels
    stand beside the latents, without a dense layer of their own; beside the images, a label is 10
    trained, constant channels. There is no average of the generator's weights.

    Args:
        image_shape: `(height, width, channels)`: height and width from 16 to 128 pixels, not
            necessarily equal; 1, 3 or 4 channels.
        latent_dim: Length of a latent vector.
        filters: Number of filters in the layer nearest the image, in both models. It doubles each
            time the size halves.
        num_classes: Number of classes.

    Returns:
        A compiled `kerasgan.GAN`. The generator maps float32 latents `(batch_size, latent_dim)` and
        integer labels `(batch_size,)` to float32 images `(batch_size, height, width, channels)` in
        (-1, 1); the discriminator maps such images and their labels to one linear score each,
        `(batch_size, 1)`.

    Raises:
        ValueError: `image_shape` is not supported, or another argument is too small.

    Example:

    ```python
    gan = kerasgan.build_cgan()
    gan.fit(images, labels, batch_size=64, epochs=20)
    samples = gan.sample(3, labels=[3, 3, 7])
    ```
    """
    image_shape, latent_dim, filters = check_sizes(image_shape, latent_dim, filters)
    num_classes = check_classes(num_classes)
    gan = GAN(
        cgan_generator(image_shape, latent_dim, filters, num_classes),
        _discriminator(image_shape, filters, num_classes),
        num_classes=num_classes,
        name="cgan",
    )
    gan.compile(**dcgan_optimizers(filters))
    return gan


def cgan_generator(image_shape, latent_dim, filters, num_classes):
    """Maps latents and labels to images: a DCGAN with one-hot labels beside the latents.

    A larger code, such as an embedding of 50 numbers from N(0, 1), outweighs the latents: training
    then ends with one image for each class.
    """
    latents = keras.Input((latent_dim,), name="latents")
    labels = keras.Input((), dtype="int32", name="labels")
    codes = ops.one_hot(labels, num_classes)
    x = keras.layers.Concatenate()([latents, codes])  # (latent_dim + 10,)
    return keras.Model([latents, labels], dcgan_image(x, image_shape, filters), name="generator")


def _discriminator(image_shape, filters, num_classes):
    images = keras.Input(image_shape, name="images")
    labels = keras.Input((), dtype="int32", name="labels")
    x = LabelChannels(num_classes)([images, labels])  # (height, width, channels + 10)
    x = dcgan_features(x, filters)
    return keras.Model([images, labels], dcgan_score(x), name="discriminator")
