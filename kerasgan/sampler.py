"""Makes uint8 images from a generator, a distribution of latents and a value range.

`GAN.sample`, `kerasgan sample` and `kerasgan evaluate` all make their images here, so the same
seed gives the same images everywhere.
"""

import typing

import keras
import numpy as np

from kerasgan import checks, images
from kerasgan import latents as latent_tools
from kerasgan.networks import feed, first, infer, latents_shape, takes

__all__ = ["Sampler"]

_BATCH_SIZE = 64  # limits the memory of sampling


class Sampler(typing.NamedTuple):
    """Makes images with a generator.

    Args:
        generator: `keras.Model` that takes latents `(batch_size, latent_dim)`, and integer
            `labels` if it has that Input, and returns images.
        latents: Distribution of the latents, as `kerasgan.latents.standardize` returns it.
        value_range: `(low, high)` of the generator's images.
        num_classes: Number of classes, for a generator that takes labels.

    Example:

    ```python
    generator = keras.models.load_model("runs/digits/generator.keras")
    sampler = kerasgan.sampler.Sampler(generator, "normal", (-1.0, 1.0))
    images = sampler.sample(64, seed=0)
    ```
    """

    generator: keras.Model
    latents: str | tuple | typing.Callable
    value_range: tuple[float, float]
    num_classes: int | None = None

    @property
    def latent_dim(self) -> int:
        return latents_shape(self.generator)[1]

    def sample(
        self,
        n: int,
        seed: int | None = None,
        labels: np.ndarray | None = None,
        latents: np.ndarray | None = None,
        truncation: float | None = None,
    ) -> np.ndarray:
        """Makes uint8 images `(n, height, width, channels)`, the same for the same seed."""
        rng = np.random.default_rng(seed)
        if truncation is not None:
            shape = (n, self.latent_dim)
            latents = latent_tools.draw_truncated(self.latents, shape, rng, truncation)
        elif latents is None:
            latents = self._draw(n, rng)
        if labels is None and self.num_classes and takes(self.generator, "labels"):
            labels = rng.integers(self.num_classes, size=n, dtype="int32")
        return self.generate(latents, labels)

    def draw(self, n: int, seed: int | None = None) -> np.ndarray:
        """Draws float32 latents `(n, latent_dim)`, the same for the same seed."""
        return self._draw(n, np.random.default_rng(seed))

    def _draw(self, n, rng):
        return latent_tools.draw(self.latents, (n, self.latent_dim), rng)

    def generate(self, latents: np.ndarray, labels: np.ndarray | None = None) -> np.ndarray:
        """Makes uint8 images from latents `(n, latent_dim)`, in bounded memory.

        Raises:
            ValueError: The generator's weights contain NaN or infinity.
        """
        if not checks.is_finite(self.generator.weights):
            raise ValueError(
                "The generator must have finite weights to make images. Received: weights with "
                "NaN or infinity. Load an earlier checkpoint, and train with smaller learning "
                "rates."
            )
        if len(latents) == 0:
            shape = first(self.generator.outputs).shape
            return np.zeros((0, *shape[1:]), dtype="uint8")
        inputs = {"latents": latents} | ({} if labels is None else {"labels": labels})
        # Split evenly: a final batch of one would break generators that normalise over the batch.
        parts = np.array_split(np.arange(len(latents)), -(-len(latents) // _BATCH_SIZE))
        made = []
        for part in parts:
            batch = {name: array[part] for name, array in inputs.items()}
            outputs = infer(self.generator, feed(self.generator, batch))
            made.append(images.to_uint8(first(outputs), self.value_range))
        return np.concatenate(made)
