"""Trained GANs that come with the package."""

import pathlib

import keras

from kerasgan.checks import check_choice
from kerasgan.gan import GAN
from kerasgan.zoo.acgan import class_loss, fake_class_loss
from kerasgan.zoo.infogan import CodedLatents, CodeLoss

__all__ = ["NAMES", "load_pretrained"]

NAMES = ("cifar10", "emoji", "flags", "mnist", "mnist-conditional")
_CLASS_NAMES = {  # of models that take labels; digits need none
    "cifar10": "airplane automobile bird cat deer dog frog horse ship truck".split(),
    "mnist-conditional": None,
}
_CODES = (10, 2)  # categories and continuous codes among the latents of "mnist"
_FOLDER = pathlib.Path(__file__).parent


def load_pretrained(name: str) -> GAN:
    """Loads a trained GAN that comes with the package, without a download.

    `scripts/measure/pretrain.py` trained them; their generators are averages over training.
    The page "Results" of the documentation has their scores, data and licences.

    Args:
        name: `"mnist"` for digits, 28x28x1, from an InfoGAN: the last 12 of its 74 latents are a
            category (one-hot) and two continuous codes in (-1, 1), see `build_infogan`.
            `"mnist-conditional"` for the digits that you ask for, from an ACGAN: `sample(labels=)`.
            `"cifar10"` for small photographs of ten classes, 32x32x3, from an ACGAN:
            `gan.class_names`.
            `"emoji"` and `"flags"` for pictures that do not exist, 32x32x3, from DCGANs.

    Returns:
        `kerasgan.GAN`, ready to sample or to train further, with new Adam optimizers of 2e-4.

    Raises:
        ValueError: `name` is none of these.

    Example:

    ```python
    gan = kerasgan.load_pretrained("mnist")
    digits = gan.sample(64, seed=0)     # uint8 (64, 28, 28, 1)
    gan = kerasgan.load_pretrained("mnist-conditional")
    threes = gan.sample(8, labels=[3] * 8)
    ```
    """
    check_choice("name", name, NAMES, "For your own GAN use keras.models.load_model.")
    sides = ("generator", "discriminator")
    generator, discriminator = (
        keras.models.load_model(_FOLDER / f"{name}_{side}.keras") for side in sides
    )
    if name == "mnist":
        gan = GAN(generator, discriminator, latents=CodedLatents(*_CODES), name=name)
        gan.compile(auxiliary_loss=CodeLoss(*_CODES))
    elif name in _CLASS_NAMES:
        names = _CLASS_NAMES[name]
        gan = GAN(generator, discriminator, num_classes=10, class_names=names, name=name)
        gan.compile(auxiliary_loss=(fake_class_loss, class_loss))
    else:
        gan = GAN(generator, discriminator, name=name)
    return gan
