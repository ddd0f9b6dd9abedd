"""GANs that come trained with the package."""

import pathlib

import keras

from kerasgan.gan import GAN

NAMES = ("flags", "mnist")
_FOLDER = pathlib.Path(__file__).parent


def load_pretrained(name):
    """Loads a trained GAN that comes with the package; nothing is downloaded.

    Both are DCGANs that `scripts/pretrain.py` trained; their generators are averages over the
    training. `docs/results.md` has their scores, data and licences.

    Args:
        name: `"mnist"`: digits, 28x28x1. `"flags"`: flags that do not exist, 32x32x3.

    Returns:
        `kerasgan.GAN`, ready to sample from or to train further; compiled as a new GAN is.

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
    return GAN(*models, name=name)
