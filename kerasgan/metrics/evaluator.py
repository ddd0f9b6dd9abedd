"""One question answered: how good and how varied are a GAN's images?"""

import contextlib
import dataclasses
import hashlib
import json
import zipfile

import numpy as np

from kerasgan.checks import check_whole
from kerasgan.datasets._cache import feature_path
from kerasgan.files import replacing
from kerasgan.metrics.distances import Reference

_CACHE_VERSION = 2  # of what a file holds


class Evaluator:
    """Compares generated images with real ones, as an encoder sees them.

    It holds the features of two random, disjoint parts of the real images, `count` of each. One
    is what fakes are compared with. The other is compared with it in the same way: that is the
    floor, what so many images of the data itself score. (Of data on which the encoder was
    trained: images that it has not seen score a little worse.)

    Args:
        images: Real images: uint8 array `(n, height, width, channels)`, or an
            `kerasgan.datasets.ImageFolder` (or other `keras.utils.PyDataset` of such batches), of
            which no more are taken than are needed.
        encoder: `kerasgan.metrics.Encoder`.
        count: Images of each kind; at most half of the real ones. The Frechet distance needs
            thousands.
        seed: Integer behind the parts and the fakes.
        cache: Whether features and what is computed from them are kept for the next start in
            the user's cache folder (or the one given), under a hash of images and encoder;
            `kerasgan.datasets.clear_cache` empties it.

    Attributes:
        floor: Dict of the second part's scores.
        protocol: Dict that says what was measured: `encoder`, `encoder_hash`, `data_hash`,
            `count` and `seed`. Only numbers with the same protocol can be compared.

    Raises:
        ValueError: Fewer than 12 real images.

    Example:

    ```python
    evaluator = kerasgan.metrics.Evaluator(digits, kerasgan.metrics.mnist_encoder())
    scores = evaluator(gan)     # {"frechet_distance": ..., "precision": ..., ...}
    evaluator.floor             # the same for real images
    ```
    """

    def __init__(self, images, encoder, count=10_000, seed=0, cache=True):
        check_whole("count", count, 6)
        self.encoder = encoder
        self.seed = seed
        images = _choose(images, 2 * count, seed)
        self.count = min(count, len(images) // 2)
        if self.count < 6:
            raise ValueError(
                "`images` must be at least 12 real images, for two parts to compare. Received: "
                f"{len(images)}. Use more."
            )
        real, others = images[: self.count], images[self.count : 2 * self.count]
        data_hash, key = _hash(real), _hash(others, encoder.hash, str(_CACHE_VERSION))
        path = feature_path(cache, data_hash + key) if cache else None
        found = _read(path) if path else None
        if found is None:
            self._reference = Reference.of(encoder(real))
            self.floor = self._reference.compare(encoder(others))
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

    def __call__(self, fakes):
        """Scores of a GAN, or of images.

        Args:
            fakes: `kerasgan.GAN`, which samples `count` images from `seed`, or uint8 images
                `(n, height, width, channels)`; scores of fewer or more than `count` are not
                comparable with the floor.

        Returns:
            Dict of floats: `frechet_distance` and `kernel_distance` (0 is best), `precision`
            and `recall` (k=3), `density` and `coverage` (k=5).
        """
        if not isinstance(fakes, np.ndarray):
            fakes = fakes.sample(self.count, seed=self.seed)
        return self._reference.compare(self.encoder(fakes))


def _choose(images, most, seed):
    """Up to `most` images in random order."""
    rng = np.random.default_rng(seed)
    if not isinstance(images, np.ndarray):
        parts, found = [], 0
        for index in rng.permutation(len(images)):
            batch = images[int(index)]
            batch = batch[0] if isinstance(batch, tuple) else batch
            parts.append(np.asarray(batch))
            found += len(batch)
            if found >= most:
                break
        images = np.concatenate(parts)
        parts.clear()
    return images[rng.permutation(len(images))[:most]]


def _hash(images, *more):
    digest = hashlib.sha256(np.ascontiguousarray(images))
    for text in (repr((images.shape, images.dtype.str)), *more):
        digest.update(text.encode())
    return digest.hexdigest()[:12]


def _read(path):
    """`(reference, floor)` of a file, or None where there is no whole one."""
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
        # NumPy would leave a damaged file open.
        with open(path, "rb") as stream:
            arrays = dict(np.load(stream, allow_pickle=False))
        floor = json.loads(str(arrays.pop("floor")))
        names = {field.name for field in dataclasses.fields(Reference)}
        if arrays.keys() == names:
            return Reference(**arrays), floor
    return None


def _write(path, reference, floor):
    # Without a file the next start takes longer, that is all.
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        arrays = {
            field.name: getattr(reference, field.name) for field in dataclasses.fields(reference)
        }
        with replacing(path) as temporary:
            np.savez(temporary, **arrays, floor=np.asarray(json.dumps(floor)))
