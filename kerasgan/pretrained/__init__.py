"""GANs that come trained with the package."""

import pathlib

import keras

from kerasgan.gan import GAN
from kerasgan.zoo.codes import CodedLatents, CodeLoss

NAMES = ("flags", "mnist")
_CODES = (10, 2)  # categories and continuous codes among the latents of "mnist"
_FOLDER = pathlib.Path(__file__).parent


def load_pretrained(name):
    """Loads a trained GAN that comes with the package; nothing is downloaded.

    `scripts/pretrain.py` trained both; their generators are averages over the training.
    `docs/results.md` has their scores, data and licences.

    Args:
        name: `"mnist"`: digits, 28x28x1, an InfoGAN: the last 12 of its 74 latents are a category
            (one-hot) and two continuous codes in (-1, 1), see `build_infogan`. `"flags"`: flags
            that do not exist, 32x32x3, a DCGAN.

    Returns:
        `kerasgan.GAN`, ready to sample from or to train further, with new Adam optimizers of 2e-4.

    Raises:
        ValueError: There is no such model.

    Example:

    ```python
    gan = kerasgan.load_pretrained("mnist")
    digits = gan.sample(64, seed=0)     # uint8 (64, 28, 28, 1)
    ```
    """
    if name not in NAMES:
        raise ValueError(
            f"`name` must be one of {NAMES}. Received: name={name!r}. For a GAN of your own use "
            "keras.models.load_model."
        )
    sides = ("generator", "discriminator")
    models = (keras.models.load_model(_FOLDER / f"{name}_{side}.keras") for side in sides)
    if name == "flags":
        return GAN(*models, name=name)
    gan = GAN(*models, latents=CodedLatents(*_CODES), name=name)
    gan.compile(auxiliary_loss=CodeLoss(*_CODES))
    return gan
