"""Latents: the random vectors a generator turns into images."""

import numpy as np
from keras import ops, random, saving

_NAMES = ("normal", "symmetric_uniform", "uniform")


def standardize(latents):
    """Checks a distribution of latents and returns it in its plain form.

    Args:
        latents: `"normal"` (mean 0, deviation 1), `"uniform"` (0 to 1),
            `"symmetric_uniform"` (-1 to 1), `("normal", mean, deviation)`, or a callable
            `latents(shape, seed=...)`, as the functions of `keras.random` are. Or what
            `plain` made of one of these.

    Raises:
        ValueError: It is none of these.
    """
    if isinstance(latents, dict):
        latents = saving.deserialize_keras_object(latents)
    if isinstance(latents, str) and latents.startswith("keras.random."):
        return getattr(random, latents.removeprefix("keras.random."))
    if latents in _NAMES if isinstance(latents, str) else callable(latents):
        return latents
    if isinstance(latents, (tuple, list)) and len(latents) == 3 and latents[0] == "normal":
        _, mean, deviation = latents
        if deviation > 0:
            return ("normal", float(mean), float(deviation))
    raise ValueError(
        f"`latents` must be one of {list(_NAMES)}, ('normal', mean, deviation) with a deviation "
        "above 0, or a callable latents(shape, seed=...). "
        f"Received: latents={latents!r}. Pass one of these, for example latents='normal'."
    )


def plain(latents):
    """`latents` as `standardize` takes it, for a file: Keras does not write its own functions."""
    name = getattr(latents, "__name__", "")
    if getattr(random, name, None) is latents:
        return f"keras.random.{name}"
    return saving.serialize_keras_object(latents) if callable(latents) else latents


def draw(latents, shape, rng):
    """Draws float32 latents.

    They are drawn on the host by numpy, so that one seed gives the same latents on every
    backend and the state to be saved is a counter.

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
                "of the shape asked for."
            )
    elif latents == "uniform":
        values = rng.random(shape)
    elif latents == "symmetric_uniform":
        values = rng.uniform(-1.0, 1.0, shape)
    elif latents == "normal":
        values = rng.standard_normal(shape)
    else:
        _, mean, deviation = latents
        values = rng.normal(mean, deviation, shape)
    return np.asarray(values, dtype="float32")
