"""Latents: random vectors that a generator turns into images."""

from collections.abc import Callable, Sequence

import numpy as np
import scipy.special
from keras import ops, random, saving

from kerasgan import backend
from kerasgan.checks import (
    argument_error,
    as_array,
    check_choice,
    check_function,
    check_number,
    check_whole,
    in_short,
    is_function,
    is_number,
    is_real,
)
from kerasgan.progress import Progress

__all__ = [
    "Stream",
    "check",
    "check_length",
    "draw",
    "draw_truncated",
    "normal_mean",
    "path",
    "plain",
    "standardize",
]

_NAMES = ("normal", "symmetric_uniform", "uniform")
_EXPECTED = (
    f"be one of {list(_NAMES)}, ('normal', mean, deviation) with a deviation above 0, or a "
    "callable latents(shape, seed=...)"
)
_MOST_FRAMES = 10_000  # from one latent to the next
KINDS = ("linear", "spherical")


def standardize(
    latents: str | Sequence | dict | Callable, name: str = "latents"
) -> str | tuple | Callable:
    """Checks a distribution of latents and returns it in its plain form.

    Args:
        latents: `"normal"` (mean 0, deviation 1), `"uniform"` (0 to 1),
            `"symmetric_uniform"` (-1 to 1), `("normal", mean, deviation)`, or a callable
            `latents(shape, seed=...)` like the functions of `keras.random`. Or the result
            of `plain` for any of these.
        name: What to call the argument in the message.

    Raises:
        ValueError: `latents` is anything else.
    """
    if isinstance(latents, dict) and "class_name" in latents:
        latents = saving.deserialize_keras_object(latents)
    if isinstance(latents, str) and latents.startswith("keras.random."):
        latents = getattr(random, latents.removeprefix("keras.random."), latents)
    if isinstance(latents, str) and latents in _NAMES:
        return latents
    if is_function(latents):
        check_function(name, latents, ("shape",), _EXPECTED, keywords=("seed",))
        return latents
    if isinstance(latents, (tuple, list)) and len(latents) == 3 and latents[0] == "normal":
        _, mean, deviation = latents
        is_finite = all(is_number(x) and np.isfinite(x) for x in (mean, deviation))
        if is_finite and deviation > 0:
            return ("normal", float(mean), float(deviation))
    raise argument_error(
        name, _EXPECTED, f"{name}={latents!r}", f"Pass {name}='normal', for example."
    )


def plain(latents: str | tuple | Callable) -> str | tuple | dict:
    """`latents` in a form to save that `standardize` takes: Keras cannot save its own functions."""
    name = getattr(latents, "__name__", "")
    if getattr(random, name, None) is latents:
        return f"keras.random.{name}"
    return saving.serialize_keras_object(latents) if callable(latents) else latents


def check(latents: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Returns a user's latents as float32; raises ValueError unless finite and of this shape."""
    latents = as_array("latents", latents)
    if latents.shape != shape or not is_real(latents) or not np.isfinite(latents).all():
        received = f"latents of shape {latents.shape} and dtype {latents.dtype}"
        if latents.shape == shape and is_real(latents):
            received += ", with NaN or infinity"
        raise argument_error(
            "latents",
            f"be finite, of shape (n, latent_dim) = {shape}",
            received,
            "Pass one row per image.",
        )
    return latents.astype("float32", copy=False)


def check_length(latents: str | tuple | Callable, latent_dim: int) -> None:
    """Raises ValueError unless a distribution, as `standardize` returns it, has this length."""
    try:
        values = draw(latents, (1, latent_dim), np.random.default_rng(0))
        problem = None if np.isfinite(values).all() else "NaN or infinity"
    except Exception as error:  # raised by the user's function, or by one of Keras's
        problem = in_short(error)
    if problem:
        raise argument_error(
            "latents",
            f"be a distribution of vectors of length {latent_dim}, as the generator takes them",
            f"latents={_named(latents)}, which makes {problem}",
            f"For a function, return finite numbers of shape (n, {latent_dim}) from "
            f"latents(shape=(n, {latent_dim}), seed=0).",
        )


def draw(
    latents: str | tuple | Callable, shape: tuple[int, int], rng: np.random.Generator
) -> np.ndarray:
    """Draws float32 latents.

    NumPy draws them on the host, so that a seed gives the same latents on every backend, and
    the only state to save is a counter.

    Args:
        latents: A distribution, as `standardize` returns it.
        shape: `(count, latent_dim)`.
        rng: A `numpy.random.Generator`.
    """
    if callable(latents):
        values = ops.convert_to_numpy(latents(shape, seed=int(rng.integers(2**31))))
        if values.shape != tuple(shape):
            raise ValueError(
                "`latents` must return one vector per image. Received: shape="
                f"{values.shape} for latents(shape={tuple(shape)}, seed=...). Return an array "
                "of the requested shape."
            )
    elif isinstance(latents, tuple):
        _, mean, deviation = latents
        values = rng.normal(mean, deviation, shape)
    elif latents == "uniform":
        values = rng.random(shape)
    elif latents == "symmetric_uniform":
        values = rng.uniform(-1.0, 1.0, shape)
    else:
        values = rng.standard_normal(shape)
    return np.asarray(values, dtype="float32")


def draw_truncated(
    latents: str | tuple | Callable,
    shape: tuple[int, int],
    rng: np.random.Generator,
    truncation: float,
) -> np.ndarray:
    """Draws float32 latents of a normal distribution, none of them far from its mean.

    Reference: Brock et al. 2018, "Large Scale GAN Training for High Fidelity Natural Image
    Synthesis" (arXiv 1809.11096), section 3.1.

    Args:
        latents, shape, rng: As in `draw`.
        truncation: Largest distance from the mean, in standard deviations.

    Raises:
        ValueError: `latents` are not normal, or `truncation` is not a number above 0.
    """
    fix = "Pass 0.5, for example; smaller numbers give less varied images."
    truncation = check_number("truncation", truncation, fix)
    if latents == "normal":
        latents = ("normal", 0.0, 1.0)
    if not isinstance(latents, tuple):
        raise argument_error(
            "truncation",
            "be left out for a model whose latents are not normal",
            f"truncation={truncation}, for a model with latents from {_named(latents)}",
            "Leave it out.",
        )
    _, mean, deviation = latents
    low, high = scipy.special.ndtr([-truncation, truncation])
    values = mean + deviation * scipy.special.ndtri(rng.uniform(low, high, shape))
    return values.astype("float32")


def _named(latents):
    """A distribution, as `standardize` returns it, in short."""
    if callable(latents):
        return getattr(latents, "__name__", type(latents).__name__)
    return repr(latents)


def normal_mean(latents: str | tuple | Callable) -> float | None:
    """The mean of a distribution, as `standardize` returns it, if it is normal; otherwise None."""
    if isinstance(latents, tuple):
        return latents[1]
    return 0.0 if latents == "normal" else None


class Stream:
    """The latents of training, batch after batch: each depends only on the seed and its number.

    `prepare` draws in advance, while the device is busy.

    Args:
        latent_dim: Length of a latent vector; None for a generator that takes none.
        seed: Integer.
        progress: `Progress`, which counts the draws.
    """

    def __init__(self, latent_dim: int | None, seed: int, progress: Progress):
        self.latent_dim = latent_dim
        self.seed = seed
        self.progress = progress

    def start(self, latents):
        """Draws from this distribution from now on, as `standardize` returns it."""
        self.latents = latents
        self._ready = {}

    def add(self, batch):
        """A batch, a dict of arrays, with the next latents for its images."""
        if self.latent_dim is None:
            return batch
        number = self.progress.draws
        self.progress.draws += 1
        return batch | {"latents": self._draw(number, len(batch["images"]))}

    def prepare(self, batches):
        """Makes the next draws, for batches of the size of these, and drops all others."""
        if self.latent_dim is not None:
            counts = enumerate((len(batch["images"]) for batch in batches), self.progress.draws)
            self._ready = {each: self._draw(*each) for each in counts}

    def _draw(self, number, count):
        found = self._ready.pop((number, count), None)
        if found is None:
            # The order of the data uses the same seed: the last number separates the two.
            rng = np.random.default_rng((self.seed, number, 1))
            # All of the batch, of which this process has only its share.
            index, processes = backend.process()
            found = draw(self.latents, (count * processes, self.latent_dim), rng)
            found = found[index * count : (index + 1) * count]
        return found


def path(
    latents: np.ndarray,
    distribution: str | tuple | Callable = "normal",
    frames_between: int = 16,
    kind: str | None = None,
) -> np.ndarray:
    """Makes latents on a closed path: from each latent to the next, and from the last to the first.

    Normal latents lie near a sphere around their mean, so the path between them runs along it
    (Shoemake 1985, "Animating Rotation with Quaternion Curves"): a straight line would pass closer
    to the mean than any latents from training. Other latents are joined by straight lines.

    A straight path between rows of an identity matrix makes mixtures of classes, which
    `GAN.sample` takes as labels.

    Args:
        latents: `(n, latent_dim)`.
        distribution: Their distribution: `gan.latents`.
        frames_between: Frames from one latent to the next, including the first of the two.
        kind: `"spherical"` or `"linear"`; by default what suits the distribution.

    Returns:
        float32 array `(n * frames_between, latent_dim)`; every `frames_between`th row is one of
        the given latents.

    Raises:
        ValueError: An argument is invalid.

    Example:

    ```python
    walk = kerasgan.latents.path(latents, gan.latents, frames_between=16)  # from (8, latent_dim)
    frames = gan.sample(16 * 8, latents=walk)
    classes = kerasgan.latents.path(np.eye(10)[[3, 7]], kind="linear")  # from 3 to 7, and back
    ```
    """
    latents = as_array("latents", latents)
    is_rows = latents.ndim == 2 and len(latents) and is_real(latents)
    if not is_rows or not np.isfinite(latents).all():
        raise argument_error(
            "latents",
            "be finite numbers, of shape (n, latent_dim)",
            f"latents of shape {latents.shape} and dtype {latents.dtype}",
            "Pass one row for each point on the path.",
        )
    latents = latents.astype("float64")
    distribution = standardize(distribution, "distribution")
    frames_between = check_whole("frames_between", frames_between, 1, _MOST_FRAMES)
    mean = normal_mean(distribution)
    if kind is None:
        kind = "linear" if mean is None else "spherical"
    check_choice("kind", kind, KINDS)
    mean = mean or 0.0
    starts = (latents - mean)[:, None]  # (n, 1, latent_dim)
    ends = np.roll(starts, -1, axis=0)
    shares = np.arange(frames_between)[:, None] / frames_between  # (frames_between, 1)
    from_start, from_end = 1 - shares, shares
    if kind == "spherical":
        lengths = np.linalg.norm(starts, axis=2, keepdims=True)
        lengths = np.maximum(lengths * np.roll(lengths, -1, axis=0), np.finfo("float64").tiny)
        cosines = np.sum(starts * ends, axis=2, keepdims=True) / lengths
        angles = np.arccos(np.clip(cosines, -1.0, 1.0))
        # Parallel or opposite latents have no unique arc between them: use a line.
        is_arc = np.sin(angles) >= 1e-6
        sines = np.where(is_arc, np.sin(angles), 1.0)
        from_start, from_end = (
            np.where(is_arc, np.sin(share * angles) / sines, share)
            for share in (from_start, from_end)
        )
    frames = from_start * starts + from_end * ends + mean  # (n, frames_between, latent_dim)
    return frames.reshape(-1, latents.shape[1]).astype("float32")
