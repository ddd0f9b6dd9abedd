"""Sampling: a generator, a distribution of latents and a value range make uint8 images.

`GAN.sample` and the commands `kerasgan sample` and `kerasgan evaluate` all draw their images here,
so one seed gives one set of pictures, whichever of them is asked.
"""

import typing

import keras
import numpy as np

from kerasgan import checks, images
from kerasgan import latents as latent_tools

__all__ = ["Sampler", "generate"]

_BATCH_SIZE = 64  # bounds the memory that sampling takes


class Sampler(typing.NamedTuple):
    """Makes images with a generator.

    Args:
        generator: `keras.Model`, latents `(batch_size, latent_dim)` in, images out.
        latents: Distribution of the latents, as `kerasgan.latents.standardize` returns it.
        value_range: `(low, high)` of the generator's images.

    Example:

    ```python
    generator = keras.models.load_model("runs/digits/generator.keras")
    images = Sampler(generator, "normal", (-1.0, 1.0)).sample(64, seed=0)
    ```
    """

    generator: keras.Model
    latents: str | tuple | typing.Callable
    value_range: tuple[float, float]

    @property
    def latent_dim(self) -> int:
        return self.generator.input_shape[1]

    def sample(self, n: int, seed: int | None = None) -> np.ndarray:
        """uint8 images `(n, height, width, channels)`; the same seed makes the same images."""
        return self.generate(self.draw(n, seed))

    def draw(self, n: int, seed: int | None = None) -> np.ndarray:
        """float32 latents `(n, latent_dim)`; the same seed draws the same latents."""
        rng = np.random.default_rng(seed)
        return latent_tools.draw(self.latents, (n, self.latent_dim), rng)

    def generate(self, latents: np.ndarray) -> np.ndarray:
        """uint8 images of latents `(n, latent_dim)`, made in bounded memory.

        Raises:
            ValueError: The generator's weights hold NaN or infinity.
        """
        if not checks.is_finite(self.generator.weights):
            raise ValueError(
                "The generator must have finite weights to make images. Received: weights with "
                "NaN or infinity. Load an earlier checkpoint, and train on with smaller learning "
                "rates."
            )
        if len(latents) == 0:
            return np.zeros((0, *self.generator.output_shape[1:]), dtype="uint8")
        # Split evenly: a final batch of one would break generators that normalise over the batch.
        parts = np.array_split(latents, -(-len(latents) // _BATCH_SIZE))
        outputs = (self.generator.predict_on_batch(part) for part in parts)
        return np.concatenate([images.to_uint8(batch, self.value_range) for batch in outputs])


def generate(generator, latents, value_range):
    """uint8 images of latents `(n, latent_dim)`: `Sampler.generate`, where latents are at hand."""
    return Sampler(generator, None, value_range).generate(latents)
