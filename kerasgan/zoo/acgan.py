"""ACGAN: the discriminator also names the class, and both networks learn from how well it does.

Odena, Olah, Shlens 2016, "Conditional Image Synthesis With Auxiliary Classifier GANs",
https://arxiv.org/abs/1610.09585. The discriminator does not see labels: it recovers them.
"""

import keras
from keras import ops

from kerasgan.gan import GAN
from kerasgan.zoo.cgan import cgan_generator
from kerasgan.zoo.dcgan import dcgan_features, dcgan_optimizers, dcgan_score
from kerasgan.zoo.parts import check_classes, check_sizes

__all__ = ["build_acgan", "class_loss", "fake_class_loss"]


def build_acgan(
    image_shape: tuple[int, int, int] = (32, 32, 3),
    latent_dim: int = 100,
    filters: int = 64,
    num_classes: int = 10,
) -> GAN:
    """Builds an auxiliary-classifier GAN with the DCGAN's networks.

    Choose it for images that show their class clearly, or for a discriminator that is also a
    classifier. Images of a class tend to be more alike than with `build_cgan`, because the
    generator gains from those that are easy to classify.

    Reference: Odena et al. 2016 (arXiv 1610.09585), section 3 (objective), appendix A (Adam 2e-4,
    beta_1 0.5).

    Differs from the reference: the networks are a DCGAN's, with the changes that `build_dcgan`
    lists, instead of the paper's deeper ones with dropout and noise. The discriminator learns the
    classes from real images only: if it also learns them from generated ones, as in the paper, it
    comes to accept what the generator makes for a class, and fewer images show it. There is no
    average of the generator's weights.

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
        (-1, 1); the discriminator maps such images to one linear score each, `(batch_size, 1)`, and
        to the logits of the classes, `(batch_size, num_classes)`. Training also reports
        `class_loss` and `fake_class_loss`.

    Raises:
        ValueError: `image_shape` is not supported, or another argument is too small.

    Example:

    ```python
    gan = kerasgan.build_acgan()
    gan.fit(images, labels, batch_size=100, epochs=50)
    samples = gan.sample(3, labels=[3, 3, 7])
    scores, logits = gan.discriminator(images)      # floats in (-1, 1)
    ```
    """
    image_shape, latent_dim, filters = check_sizes(image_shape, latent_dim, filters)
    num_classes = check_classes(num_classes)
    gan = GAN(
        cgan_generator(image_shape, latent_dim, filters, num_classes),
        _discriminator(image_shape, filters, num_classes),
        num_classes=num_classes,
        name="acgan",
    )
    gan.compile(**dcgan_optimizers(filters), auxiliary_loss=(fake_class_loss, class_loss))
    return gan


def _discriminator(image_shape, filters, num_classes):
    images = keras.Input(image_shape, name="images")
    x = dcgan_features(images, filters)
    logits = keras.layers.Dense(num_classes, name="classes", dtype="float32")(x)
    return keras.Model(images, [dcgan_score(x), logits], name="discriminator")


@keras.saving.register_keras_serializable(package="kerasgan")
def class_loss(inputs, real_outputs, fake_outputs):
    """The cross-entropy of the classes of real images, from which the discriminator learns.

    An auxiliary loss (see `GAN.compile`) for a discriminator whose second output is the logits of
    the classes.
    """
    if real_outputs is None:  # the fake half of a separate update: nothing to learn
        return 0.0 * ops.mean(fake_outputs[1])
    return _cross_entropy(inputs["labels"], real_outputs[1])


@keras.saving.register_keras_serializable(package="kerasgan")
def fake_class_loss(inputs, real_outputs, fake_outputs):
    """The same of generated images, from which the generator learns."""
    return _cross_entropy(inputs["labels"], fake_outputs[1])


def _cross_entropy(labels, logits):
    logits = ops.cast(logits, "float32")
    return ops.mean(ops.sparse_categorical_crossentropy(labels, logits, from_logits=True))
