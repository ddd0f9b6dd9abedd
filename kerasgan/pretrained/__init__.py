"""GANs that come trained with the package."""

import functools
import pathlib

from kerasgan import zoo

_FOLDER = pathlib.Path(__file__).parent
# What `scripts/pretrain.py` trained.
_BUILDERS = {
    "flags": functools.partial(zoo.build_dcgan, (32, 32, 3), filters=32),
    "mnist": functools.partial(zoo.build_dcgan, (28, 28, 1), filters=32),
}
NAMES = tuple(_BUILDERS)


def load_pretrained(name):
    """Loads a trained GAN that comes with the package; nothing is downloaded.

    Both are DCGANs that `scripts/pretrain.py` trained; their generators are averages over the
    training. `docs/results.md` has their scores, data and licences.

    Args:
        name: `"mnist"`: digits, 28x28x1. `"flags"`: flags that do not exist, 32x32x3.

    Returns:
        `kerasgan.GAN`, ready to sample from or to train further; compiled as its builder
        compiles, with new optimizers, but for a further average.

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
    gan = _BUILDERS[name]()
    gan.compile(ema=False)
    for side in (gan.generator, gan.discriminator):
        side.load_weights(_FOLDER / f"{name}_{side.name}.keras")
    return gan
