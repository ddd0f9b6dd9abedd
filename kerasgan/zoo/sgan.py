"""SGAN: a discriminator that is a classifier, trained with few labels and many images.

Salimans et al. 2016, "Improved Techniques for Training GANs", https://arxiv.org/abs/1606.03498,
section 5; Odena 2016, "Semi-Supervised Learning with Generative Adversarial Networks",
https://arxiv.org/abs/1606.01583. Generated images are a further class: a classifier that tells
them from real ones learns from images without labels, too.
"""

import keras
from keras import ops

from kerasgan import losses
from kerasgan.gan import GAN
from kerasgan.zoo.dcgan import dcgan_features, dcgan_generator, dcgan_optimizers
from kerasgan.zoo.parts import check_classes, check_sizes

__all__ = ["build_sgan", "labeled_class_loss", "no_generator_loss"]


def build_sgan(
    image_shape: tuple[int, int, int] = (28, 28, 1),
    latent_dim: int = 100,
    filters: int = 64,
    num_classes: int = 10,
) -> GAN:
    """Builds a semi-supervised GAN with the DCGAN's networks.

    Choose it to train a classifier when only a few images have labels. Images without a label have
    the label -1. The generator takes no labels.

    Reference: Salimans et al. 2016 (arXiv 1606.03498), section 5 (K + 1 classes, of which the last
    has a logit of 0: the score is the log of the sum of the exponentials of the other logits) and
    section 3.1 (the generator learns by feature matching alone).

    Differs from the reference: the networks and optimizers are a DCGAN's, with the changes that
    `build_dcgan` lists, instead of dense layers with noise (MNIST) or a network with dropout and
    weight normalisation (CIFAR-10). Labelled and unlabelled images come in the same batches, and
    both count as real.

    Args:
        image_shape: `(height, width, channels)`: height and width from 16 to 128 pixels, not
            necessarily equal; 1, 3 or 4 channels.
        latent_dim: Length of a latent vector.
        filters: Number of filters in the layer nearest the image, in both models. It doubles each
            time the size halves.
        num_classes: Number of classes.

    Returns:
        A compiled `kerasgan.GAN`. The generator maps float32 latents `(batch_size, latent_dim)` to
        float32 images `(batch_size, height, width, channels)` in (-1, 1); the discriminator maps
        such images to one linear score each, `(batch_size, 1)`, to the logits of the classes,
        `(batch_size, num_classes)`, and to the features before these. Training also reports
        `class_loss` and `feature_matching`.

    Raises:
        ValueError: `image_shape` is not supported, or another argument is too small.

    Example:

    ```python
    gan = kerasgan.build_sgan()
    gan.fit(images, labels, batch_size=100, epochs=20)      # labels of -1: not known
    scores, logits, features = gan.discriminator(images)    # floats in (-1, 1)
    classes = keras.ops.argmax(logits, axis=-1)
    ```
    """
    image_shape, latent_dim, filters = check_sizes(image_shape, latent_dim, filters)
    num_classes = check_classes(num_classes)
    gan = GAN(
        dcgan_generator(image_shape, latent_dim, filters),
        _discriminator(image_shape, filters, num_classes),
        num_classes=num_classes,
        name="sgan",
    )
    gan.compile(
        **dcgan_optimizers(filters),
        loss=(no_generator_loss, losses.non_saturating_discriminator),
        auxiliary_loss=(losses.feature_matching, labeled_class_loss),
    )
    return gan


def _discriminator(image_shape, filters, num_classes):
    images = keras.Input(image_shape, name="images")
    features = dcgan_features(images, filters)
    logits = keras.layers.Dense(num_classes, name="classes", dtype="float32")(features)
    score = ops.logsumexp(logits, axis=-1, keepdims=True)
    return keras.Model(images, [score, logits, features], name="discriminator")


@keras.saving.register_keras_serializable(package="kerasgan")
def no_generator_loss(real_scores=None, fake_scores=None):
    """Zero: the generator learns by feature matching alone."""
    return 0.0 * ops.mean(fake_scores)


@keras.saving.register_keras_serializable(package="kerasgan")
def labeled_class_loss(inputs, real_outputs, fake_outputs):
    """The cross-entropy of the classes of real images, averaged over those with a label.

    An auxiliary loss (see `GAN.compile`) for a discriminator whose second output is the logits of
    the classes. Labels of -1 stand for classes that are not known.
    """
    if real_outputs is None:  # the fake half of a separate update: nothing to learn
        return 0.0 * ops.mean(fake_outputs[1])
    logits = ops.cast(real_outputs[1], "float32")
    labels = ops.one_hot(inputs["labels"], logits.shape[-1])  # all zeros for -1
    total = -ops.sum(labels * ops.log_softmax(logits))
    return total / ops.maximum(ops.sum(labels), 1.0)


labeled_class_loss.takes_unlabeled = True
labeled_class_loss.name = "class_loss"
