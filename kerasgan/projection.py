"""Latents of given images, found by gradient descent."""

import math

import keras
import numpy as np
from keras import ops

from kerasgan import backend, checks, inputs
from kerasgan import images as image_tools
from kerasgan._interrupts import deferred
from kerasgan.factorization import check_gan
from kerasgan.gan import GAN
from kerasgan.latents import normal_mean
from kerasgan.networks import feed, first
from kerasgan.sampler import Sampler
from kerasgan.stacks import frozen

__all__ = ["find_latents", "project"]

_DRAWS = 256  # images, of each class, to choose the starts from
_STARTS = 4  # for each image
_BATCH_SIZE = 16  # images whose latents are found together, from all starts
_RATE = 0.1  # of Adam at the start, in standard deviations of the latents
_SMALLEST = 4  # pixels, the shorter side of the smallest images compared
_CHOSEN_AT = 16  # pixels, about the longer side of the images that starts are chosen by


def project(
    gan: GAN,
    images: np.ndarray,
    labels: np.ndarray | None = None,
    steps: int = 300,
    seed: int = 0,
) -> tuple[np.ndarray, np.ndarray]:
    """Finds the latents whose images are nearest to given images.

    Use it to see what a GAN can and cannot make, or to edit your own images with their latents.
    An image that is not like the training data becomes one that is.

    For each image, 256 images are drawn (of its class). Adam starts from the latents of the four
    nearest, and minimises the squared error of the pixels at all sizes, halved down to 4 pixels, so
    that distant shapes attract each other, too. Latents stay where draws can be: normal ones
    at most as far from their mean as the farthest draw, others between the smallest and the
    largest numbers drawn. The nearest result counts. The GAN is not changed.

    Reference: Creswell & Bharath 2016, "Inverting The Generator Of A Generative Adversarial
    Network" (arXiv 1611.05644); Lipton & Tripathi 2017, "Precise Recovery of Latent Vectors from
    Generative Adversarial Networks" (arXiv 1702.04782), for the limits; Karras et al. 2019 (arXiv
    1912.04958), appendix D, for Adam with a falling rate.

    Differs from the reference: numbers beyond the limits are set to them, not drawn anew. In a
    StyleGAN2, latents are found, not styles. There is no perceptual distance, which needs a
    pretrained network, and no noise: several starts avoid bad minima.

    Args:
        gan: The GAN. Images are made as by `sample`.
        images: uint8 `(n, height, width, channels)`, or floats in `gan.value_range`.
        labels: Their classes, whole numbers `(n,)`, for a generator that takes labels.
        steps: Number of updates from each start.
        seed: Whole number that determines the draws; the same seed gives the same latents on a CPU.

    Returns:
        A pair of float32 arrays: latents `(n, latent_dim)`, and the distance of their images from
        the given ones, `(n,)`: the root of the mean squared difference of pixels from 0 to 255.

    Raises:
        ValueError: An argument is invalid, or the generator's weights are not finite.

    Example:

    ```python
    latents, distances = kerasgan.project(gan, images[:8], steps=300)
    projected = gan.sample(8, latents=latents)
    ```
    """
    check_gan(gan)
    images = image_tools.check(images, gan.image_shape, gan.value_range)
    sampler = gan._sampler
    if sampler.takes_labels:
        labels = inputs.check_labels(labels, len(images), gan.num_classes)
    elif labels is not None:
        raise checks.argument_error(
            "labels",
            "be None for a generator that takes no labels",
            f"labels of type {type(labels).__name__}",
            "Leave it out.",
        )
    steps = checks.check_whole("steps", steps, 1)
    seed = checks.check_whole("seed", seed, 0)
    return find_latents(sampler, images, labels, steps, seed)


def find_latents(
    sampler: Sampler, images: np.ndarray, labels: np.ndarray | None, steps: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """What `project` returns, from checked arguments."""
    drawn = sampler.draw(_DRAWS, seed)
    targets = images if images.dtype != np.uint8 else _to_float(images, sampler.value_range)
    if labels is None:
        chosen = _nearest(sampler.generate(drawn), targets, sampler.value_range)
    else:
        chosen = np.zeros((len(images), _STARTS), dtype=int)
        for label in np.unique(labels):
            made = sampler.generate(drawn, np.full(_DRAWS, label, dtype="int32"))
            is_label = labels == label
            chosen[is_label] = _nearest(made, targets[is_label], sampler.value_range)
    found = []
    for rows in np.array_split(np.arange(len(images)), -(-len(images) // _BATCH_SIZE)):
        named = {} if labels is None else {"labels": labels[rows].repeat(_STARTS)}
        latents = _descend(sampler, drawn, chosen[rows].ravel(), targets[rows], named, steps)
        made = _to_float(sampler.generate(latents, named.get("labels")), sampler.value_range)
        errors = np.square(made - targets[rows].repeat(_STARTS, axis=0)).mean(axis=(1, 2, 3))
        best = errors.reshape(-1, _STARTS).argmin(axis=1) + _STARTS * np.arange(len(rows))
        found.append((latents[best], np.sqrt(errors[best])))
    latents, distances = map(np.concatenate, zip(*found, strict=True))
    low, high = sampler.value_range
    return latents, distances * (255.0 / (high - low))


def _to_float(images, value_range):
    return backend.to_numpy(image_tools.to_float(images, value_range))


def _nearest(made, targets, value_range):
    """Indices of the made images that are nearest to each target, at a small size."""
    made, targets = _shrunk(_to_float(made, value_range)), _shrunk(targets)
    # The squared distance, without the target's square, which is the same for all.
    distances = np.square(made).sum(axis=1) - 2.0 * targets @ made.T
    return np.argsort(distances, axis=1, kind="stable")[:, :_STARTS]


def _shrunk(images):
    """Means of square blocks, `(n, numbers)`: images of about 16 pixels."""
    _, height, width, _ = images.shape
    size = max(1, max(height, width) // _CHOSEN_AT)
    rows, columns = height // size, width // size
    blocks = images[:, : rows * size, : columns * size]
    blocks = blocks.reshape(len(images), rows, size, columns, size, -1)
    return blocks.mean(axis=(2, 4)).reshape(len(images), -1)


def _descend(sampler, drawn, chosen, targets, named, steps):
    """Latents near those of `chosen` draws whose images are nearer to the targets."""
    spread = float(drawn.std())
    model = _Projection(sampler.generator, drawn[chosen], _limits(sampler.latents, drawn))
    rate = keras.optimizers.schedules.CosineDecay(_RATE * spread, steps)
    model.compile(keras.optimizers.Adam(rate), loss=_error)
    batch = {"rows": np.arange(len(chosen), dtype="int32")} | named
    targets = targets.repeat(_STARTS, axis=0)
    for _ in range(steps):
        with frozen(sampler.generator), deferred(), backend.keeping_state(model):
            model.train_on_batch(batch, targets)
    return backend.to_numpy(model.latents.embeddings)


class _Projection(keras.Model):
    """Latents, one for each row, as the weights of an `Embedding` under a generator."""

    def __init__(self, generator, starts, limits):
        super().__init__(name="projection", dtype="float32")
        self.generator = generator
        self.latents = keras.layers.Embedding(
            *starts.shape, embeddings_constraint=limits, dtype="float32"
        )
        self.latents.build(None)
        self.latents.set_weights([starts])
        self.built = True

    def call(self, batch):
        named = batch | {"latents": self.latents(batch["rows"])}
        return first(self.generator(feed(self.generator, named), training=False))


def _error(targets, made):
    """The squared error of each image, as much for each size as for the largest."""
    errors = ops.cast(made, "float32") - targets
    scale = math.prod(errors.shape[1:])  # a sum of pixels: half precision lacks the range for means
    total = 0.0
    while True:
        total += scale * ops.mean(ops.square(errors), axis=(1, 2, 3))
        if min(errors.shape[1:3]) < 2 * _SMALLEST:
            return total
        errors = ops.average_pool(errors, 2, strides=2, data_format="channels_last")


def _limits(distribution, drawn):
    """A constraint that keeps latents where draws of their distribution can be."""
    mean = normal_mean(distribution)
    if mean is not None:
        radius = np.linalg.norm(drawn - mean, axis=1).max()

        def within(latents):
            lengths = ops.norm(latents - mean, axis=1, keepdims=True)
            return mean + (latents - mean) * ops.minimum(1.0, radius / ops.maximum(lengths, 1e-7))

        return within
    low, high = drawn.min(axis=0), drawn.max(axis=0)
    return lambda latents: ops.clip(latents, low, high)
