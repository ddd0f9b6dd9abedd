"""How good and how varied a GAN's images are, compared with real images."""

import contextlib
import dataclasses
import hashlib
import json
import os
import zipfile

import keras
import numpy as np

from kerasgan.cache import cache_path, check_cache
from kerasgan.checks import argument_error, check_whole, counted
from kerasgan.files import replacing
from kerasgan.gan import GAN
from kerasgan.metrics._arrays import check_images
from kerasgan.metrics.distances import Reference
from kerasgan.metrics.encoders import Encoder

__all__ = ["Evaluator"]

_CACHE_VERSION = 3  # of the file's contents


class Evaluator:
    """Compares generated images with real ones, as an encoder sees them.

    It takes two random, disjoint parts of the real images, `count` images each. It compares fakes
    with the first part. Comparing the second part with the first in the same way gives the
    floor: the scores of the same number of real images. (If the encoder was trained on these
    images, new real images score slightly worse.)

    Args:
        images: Real images: uint8 array `(n, height, width, channels)`, or a
            `kerasgan.datasets.ImageFolder` (or other `keras.utils.PyDataset` of such batches),
            read as far as needed.
        encoder: `kerasgan.metrics.Encoder`.
        count: Images in a part, and number of fakes; at most half of the real images. The Frechet
            distance needs thousands.
        seed: Integer seed for drawing the parts and the fakes.
        cache: True to keep features and their statistics in the user's cache folder for the next
            start, the path of another folder, or False. The key is a hash of images and encoder;
            `kerasgan.datasets.clear_cache` empties the folder.

    Attributes:
        floor: Dict of the second part's scores.
        protocol: Dict that describes the measurement: `encoder`, `encoder_hash`, `data_hash`,
            `count` and `seed`. Compare only numbers with the same protocol.

    Raises:
        ValueError: There are fewer than 12 real images, or an argument is invalid.

    Example:

    ```python
    evaluator = kerasgan.metrics.Evaluator(digits, kerasgan.metrics.mnist_encoder())
    scores = evaluator(gan)     # {"frechet_distance": ..., "precision": ..., ...}
    evaluator.floor             # the same scores for real images
    ```
    """

    def __init__(
        self,
        images: np.ndarray | keras.utils.PyDataset,
        encoder: Encoder,
        count: int = 10_000,
        seed: int = 0,
        cache: bool | str | os.PathLike = True,
    ):
        check_whole("count", count, 6)
        check_whole("seed", seed, 0)
        _check_encoder(encoder)
        is_cached = check_cache(cache)
        self.encoder = encoder
        self.seed = seed
        images = _choose(images, 2 * count, seed)
        self.count = min(count, len(images) // 2)
        if self.count < 6:
            raise argument_error(
                "images",
                "contain at least 12 real images, for two parts",
                counted(len(images), "image"),
                "Pass more images.",
            )
        real, others = images[: self.count], images[self.count : 2 * self.count]
        data_hash, key = _hash(real), _hash(others, encoder.hash, str(_CACHE_VERSION))
        path = None
        if is_cached:
            with contextlib.suppress(OSError):  # no home folder is known
                path = cache_path(cache, "features", data_hash + key)
        found = _read(path) if path else None
        if found is None:
            self._reference = Reference.of(encoder(real), encoder(others))
            self.floor = self._reference.floor()
            if path:
                _write(path, self._reference, self.floor)
        else:
            self._reference, self.floor = found
        self.protocol = {
            "encoder": encoder.name,
            "encoder_hash": encoder.hash,
            "data_hash": data_hash,
            "count": self.count,
            "seed": seed,
        }

    def __call__(self, fakes: GAN | np.ndarray) -> dict[str, float]:
        """Scores of a GAN, or of images.

        Args:
            fakes: `kerasgan.GAN`, which samples `count` images from `seed`, or uint8 images
                `(n, height, width, channels)`. Scores of fewer or more than `count` images are
                not comparable with the floor.

        Returns:
            Dict of floats: `frechet_distance` and `kernel_distance` (0 is best), `precision`
            and `recall` (k=3), `density` and `coverage` (k=5); `variety`, the distance between two
            fakes over that between two real images (root mean squares; 1 is best);
            `nearest_distance`, the mean distance from a fake to the nearest real image (of both
            parts) over that from a real image to the nearest other; and `copies`, the fraction of
            fakes that are less than half as far from a real image as that. Where the generator
            repeats its data, the distance is far below the floor and the copies are far above.

        Raises:
            ValueError: `fakes` is neither a GAN nor such images.
        """
        if hasattr(fakes, "sample") and not isinstance(fakes, type):
            fakes = fakes.sample(self.count, seed=self.seed)
        return self._reference.compare(self.encoder(check_images("fakes", fakes)))


def _check_encoder(encoder):
    if not callable(encoder) or not hasattr(encoder, "hash") or not hasattr(encoder, "name"):
        raise argument_error(
            "encoder",
            "be a kerasgan.metrics.Encoder",
            f"encoder={encoder!r}",
            "Pass mnist_encoder(), or Encoder(model) for your own model.",
        )


def _choose(images, most, seed):
    """Up to `most` images in random order."""
    rng = np.random.default_rng(seed)
    if not hasattr(images, "dtype"):
        images = _read_batches(images, most, rng)
    images = check_images("images", images)
    return images[rng.permutation(len(images))[:most]]


def _read_batches(dataset, most, rng):
    """Reads random batches of a data set until there are `most` images."""
    is_sequence = hasattr(dataset, "__getitem__") and hasattr(dataset, "__len__")
    if not is_sequence or isinstance(dataset, (str, bytes, dict)):
        raise argument_error(
            "images",
            "be a uint8 array or a keras.utils.PyDataset of such batches",
            f"images of type {type(dataset).__name__}",
            "For a folder, pass kerasgan.datasets.ImageFolder(folder, image_shape).",
        )
    parts, found = [], 0
    for index in rng.permutation(len(dataset)):
        batch = dataset[int(index)]
        if isinstance(batch, dict):
            batch = batch.get("images")
        elif isinstance(batch, tuple):
            batch = batch[0]
        parts.append(check_images("images", batch))
        found += len(batch)
        if found >= most:
            break
    if not parts:
        raise argument_error("images", "contain batches", "no batch", "Pass at least one.")
    return np.concatenate(parts)


def _hash(images, *more):
    digest = hashlib.sha256(np.ascontiguousarray(images))
    for text in (repr((images.shape, images.dtype.str)), *more):
        digest.update(text.encode())
    return digest.hexdigest()[:12]


def _read(path):
    """`(reference, floor)` of a file; None if it is missing or damaged."""
    damaged = (
        OSError,
        EOFError,
        ValueError,
        LookupError,
        TypeError,
        RuntimeError,
        zipfile.BadZipFile,
    )
    with contextlib.suppress(*damaged):
        # NumPy does not close a damaged file.
        with open(path, "rb") as stream:
            arrays = dict(np.load(stream, allow_pickle=False))
        floor = json.loads(str(arrays.pop("floor")))
        names = {field.name for field in dataclasses.fields(Reference)}
        if arrays.keys() == names:
            return Reference(**arrays), floor
    return None


def _write(path, reference, floor):
    # Without a file, the next start just takes longer.
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        arrays = {
            field.name: getattr(reference, field.name) for field in dataclasses.fields(reference)
        }
        with replacing(path) as temporary:
            np.savez(temporary, **arrays, floor=np.asarray(json.dumps(floor)))
