"""Directions of the latents that change images most, found in the generator's weights alone."""

import keras
import numpy as np

from kerasgan.checks import argument_error, check_whole
from kerasgan.gan import GAN
from kerasgan.graphs import entries

__all__ = ["check_gan", "directions", "factorize"]


def directions(gan: GAN, count: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Finds the directions of the latents that change images most, without any images.

    Latents enter a generator through linear maps, the kernels of its first layers. The eigenvectors
    of `A^T A`, where `A` is all of these maps together, are the directions along which their
    outputs change most. Some of them mean something, such as thickness or slant: look at images of
    `latents + strength * direction`.

    In a BigGAN the latents also enter through each normalisation, so a direction belongs to
    one of their chunks. In a StyleGAN2 the map is the first layer of `mapping`.

    Reference: Shen & Zhou 2021, "Closed-Form Factorization of Latent Semantics in GANs" (arXiv
    2007.06600), section 3.

    Differs from the reference: in a StyleGAN2, directions are those of the latents, not of the
    styles. The authors' code divides each row of `A` by its length; here it is as in the paper.

    Args:
        gan: The GAN.
        count: Number of directions; by default, all.

    Returns:
        A pair of float32 arrays: directions of length 1, `(count, latent_dim)`, the strongest
        first, and their strengths `(count,)`: the length of the change of `A`'s outputs for a step
        of 1. The sign of a direction means nothing; its largest number is positive.

    Raises:
        ValueError: `gan` is not a GAN that makes images from latents, with a layer with weights
            after them, or `count` is not a whole number from 1 to `latent_dim`.

    Example:

    ```python
    directions, strengths = kerasgan.directions(gan, count=5)
    latents = gan.sample_latents(1, seed=0) + np.linspace(-3, 3, 7)[:, None] * directions[0]
    kerasgan.image_grid(gan.sample(7, latents=latents), columns=7)
    ```
    """
    check_gan(gan)
    if count is not None:
        count = check_whole("count", count, 1, gan.latent_dim)
    return factorize(gan.sampling_generator, count)


def factorize(generator: keras.Model, count: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """What `directions` returns, for the generator alone."""
    maps = np.concatenate(entries(generator), axis=1).astype("float64")  # (latent_dim, outputs)
    values, vectors = np.linalg.eigh(maps @ maps.T)  # the weakest first
    strengths, found = np.sqrt(np.maximum(values, 0.0))[::-1], vectors.T[::-1]
    largest = np.abs(found).argmax(axis=1, keepdims=True)
    found = found * np.sign(np.take_along_axis(found, largest, axis=1))
    return found[:count].astype("float32"), strengths[:count].astype("float32")


def check_gan(gan: GAN):
    """Raises ValueError unless `gan` is a GAN that makes images from latents."""
    if not isinstance(gan, GAN) or gan.latent_dim is None:
        raise argument_error(
            "gan",
            "be a kerasgan.GAN whose generator takes latents",
            f"gan of type {type(gan).__name__}",
            "Pass what a builder, kerasgan.GAN or keras.models.load_model returns.",
        )
