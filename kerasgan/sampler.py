"""Makes uint8 images from a generator, a distribution of latents and a value range.

`GAN.sample`, `kerasgan sample` and `kerasgan evaluate` all make their images here, so the same
seed gives the same images everywhere.
"""

import math
import typing
import unicodedata
from collections.abc import Sequence

import keras
import numpy as np

from kerasgan import backend, checks, images, inputs
from kerasgan import latents as latent_tools
from kerasgan.checks import argument_error
from kerasgan.graphs import taking_mixtures
from kerasgan.networks import feed, first, infer, latents_shape, normalises_latents, takes

__all__ = ["Layout", "Sampler"]

_BATCH_SIZE = 64  # on each device; limits the memory of sampling
_LEAST_COLUMNS = 4  # in a row of one class


class Layout(typing.NamedTuple):
    """The samples in a picture, and where they are.

    Args:
        size: Number of samples.
        columns: Samples per row; None for about as many as there are rows.
        labels: Labels of the samples, int32 `(size,)`; None for a generator without labels.
        names: Names of the rows in ASCII, if each row has one class.
    """

    size: int
    columns: int | None = None
    labels: np.ndarray | None = None
    names: list[str] | None = None


class Sampler(typing.NamedTuple):
    """Makes images with a generator.

    Args:
        generator: `keras.Model` that takes latents `(batch_size, latent_dim)`, and integer
            `labels` if it has that Input, and returns images.
        latents: Distribution of the latents, as `kerasgan.latents.standardize` returns it.
        value_range: `(low, high)` of the generator's images.
        num_classes: Number of classes, for a generator that takes labels.
        class_names: Their names; by default their numbers.

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
    class_names: Sequence[str] | None = None

    @property
    def latent_dim(self) -> int:
        return latents_shape(self.generator)[1]

    @property
    def takes_labels(self) -> bool:
        return takes(self.generator, "labels")

    @property
    def names(self) -> list[str]:
        """The names of the classes, or their numbers."""
        return list(self.class_names or map(str, range(self.num_classes or 0)))

    def layout(
        self, count: int, columns: int | None = None, labels: Sequence[int] | None = None
    ) -> Layout:
        """Arranges about `count` samples in a picture: with labels, in one row for each class.

        Args:
            count: Number of samples without labels. With labels, the largest number of rows;
                there may be more samples, because all rows are full, and at least four long if
                `count` allows it.
            columns: Samples per row.
            labels: Labels of the rows, by default all.
        """
        if not self.takes_labels:
            return Layout(count, columns)
        class_names = self.names
        rows = list(range(len(class_names)) if labels is None else labels)[:count]
        if columns is None:
            least = max(_LEAST_COLUMNS, math.ceil(count / len(rows)))
            columns = min(math.ceil(math.sqrt(count)), least)
        repeated = np.repeat(np.asarray(rows, dtype="int32"), columns)
        names = [_plain(class_names[label], label) for label in rows]
        return Layout(len(repeated), columns, repeated, names)

    def check(self, n, seed=None, labels=None, latents=None, truncation=None):
        """Checks the arguments of `GAN.sample`; returns labels and latents as arrays, or None."""
        self.check_draw(n, seed)
        if labels is not None and not self.takes_labels:
            raise argument_error(
                "labels",
                "be None for a generator that takes no labels",
                f"labels={labels!r}",
                "Leave it out.",
            )
        if labels is not None:
            labels = inputs.check_mixtures(labels, n, self.num_classes)
        if latents is not None:
            latents = latent_tools.check(latents, (n, self.latent_dim))
            if truncation is not None:
                raise argument_error(
                    "truncation",
                    "be None if you pass `latents`",
                    f"truncation={truncation}, with latents",
                    "Truncate your latents yourself.",
                )
        return labels, latents

    def check_draw(self, n, seed):
        """Raises ValueError unless `n` latents can be drawn from this seed."""
        checks.check_whole("n", n, 0)
        if seed is not None:
            checks.check_whole("seed", seed, 0)
        if latents_shape(self.generator) is None:
            raise ValueError(
                "`sample` needs a generator that takes latents. Received: a generator that takes "
                f"{self.generator.inputs[0].name}. Call gan.generator directly."
            )

    def sample(
        self,
        n: int,
        seed: int | None = None,
        labels: np.ndarray | None = None,
        latents: np.ndarray | None = None,
        truncation: float | None = None,
    ) -> np.ndarray:
        """Makes uint8 images `(n, height, width, channels)`, the same for the same seed."""
        return self.generate(**self.inputs(n, seed, labels, latents, truncation))

    def inputs(
        self,
        n: int,
        seed: int | None = None,
        labels: np.ndarray | None = None,
        latents: np.ndarray | None = None,
        truncation: float | None = None,
    ) -> dict[str, np.ndarray]:
        """What `sample` makes its images from: `latents`, and `labels` if there are any."""
        rng = np.random.default_rng(seed)
        if latents is None:
            latents = self._draw(n, rng, truncation)
        if labels is None and self.num_classes and self.takes_labels:
            labels = rng.integers(self.num_classes, size=n, dtype="int32")
        return {"latents": latents} | ({} if labels is None else {"labels": labels})

    def draw(self, n: int, seed: int | None = None, truncation: float | None = None) -> np.ndarray:
        """Draws float32 latents `(n, latent_dim)`, the same for the same seed."""
        return self._draw(n, np.random.default_rng(seed), truncation)

    def _draw(self, n, rng, truncation):
        shape = (n, self.latent_dim)
        if truncation is None:
            return latent_tools.draw(self.latents, shape, rng)
        if normalises_latents(self.generator):
            raise argument_error(
                "truncation",
                "be left out for a generator that gives all latents one length",
                f"truncation={truncation}",
                "Move a StyleGAN2's styles towards their mean: the docstring of build_stylegan2 "
                "shows how.",
            )
        return latent_tools.draw_truncated(self.latents, shape, rng, truncation)

    def generate(self, latents: np.ndarray, labels: np.ndarray | None = None) -> np.ndarray:
        """Makes uint8 images from latents `(n, latent_dim)`, in bounded memory.

        Args:
            latents: float32 `(n, latent_dim)`.
            labels: int32 `(n,)`, or mixtures of classes, float32 `(n, num_classes)`.

        Raises:
            ValueError: The generator's weights contain NaN or infinity, or it cannot mix classes.
        """
        self.check_finite()
        if labels is not None and labels.ndim == 2:
            mixing = taking_mixtures(self.generator, labels.shape[1])
            return self._replace(generator=mixing)._generate(latents, labels)
        return self._generate(latents, labels)

    def _generate(self, latents, labels):
        if len(latents) == 0:
            shape = first(self.generator.outputs).shape
            return np.zeros((0, *shape[1:]), dtype="uint8")
        inputs = {"latents": latents} | ({} if labels is None else {"labels": labels})
        _, num_processes = backend.process()
        # Of several processes, each makes all images: they may sample at different times.
        num_devices = 1 if num_processes > 1 else backend.num_devices()
        # Split evenly: a final batch of one would break generators that normalise over the batch.
        num_parts = -(-len(latents) // (_BATCH_SIZE * num_devices))
        made = []
        for part in np.array_split(np.arange(len(latents)), num_parts):
            batch = {name: array[part] for name, array in inputs.items()}
            made.append(images.to_uint8(self._run(batch, len(part)), self.value_range))
        return np.concatenate(made)

    def check_finite(self):
        """Raises ValueError if the generator's weights contain NaN or infinity."""
        if not checks.is_finite(self.generator.weights):
            raise ValueError(
                "The generator must have finite weights to make images. Received: weights with "
                "NaN or infinity. Load an earlier checkpoint, and train with smaller learning "
                "rates."
            )

    def _run(self, batch, count):
        """The generator's images, made in a larger batch if that saves a compilation."""
        size = backend.padded_size(count)
        padded = {name: np.resize(array, (size, *array.shape[1:])) for name, array in batch.items()}
        # These rows show whether they affect the others.
        padded["latents"][count:] = np.nan
        made = first(infer(self.generator, feed(self.generator, padded)))[:count]
        if size > count and np.isnan(made).any():
            # The generator normalises over the batch: make this batch as it is.
            made = first(infer(self.generator, feed(self.generator, batch)))
        return made


def _plain(name, label):
    """A class's name in ASCII, without accents; its number if the name has other letters."""
    letters = unicodedata.normalize("NFKD", name)
    name = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return name if name.isascii() and name.isprintable() else str(label)
