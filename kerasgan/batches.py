"""Turns any source of images into an endless stream of batches that can start anywhere."""

import itertools
import os

import keras
import numpy as np
from keras import ops

from kerasgan import backend
from kerasgan._read_ahead import prefetched, read_ahead
from kerasgan.checks import argument_error, as_array, check_whole, counted
from kerasgan.datasets.image_folder import ImageFolder

__all__ = ["Batches"]

_PART = 1024  # images that are checked at a time, in little memory


class Batches:
    """A source of batches. A pass over the data can start at any batch.

    A batch is images, `(images, labels)`, or a dict of arrays. Batches of arrays and of an
    `ImageFolder` have equal size: images from the start of the pass fill up its last batch.
    (Batch normalisation over a few images would spoil one step in every pass, and a second size
    would need another compilation.) The batches of an iterable or of another
    `keras.utils.PyDataset` are passed on unchanged.

    Several processes that train together each read their share of every batch of arrays and of an
    `ImageFolder`. Other sources must make each process's own share.

    Args:
        x: Array `(n, height, width, channels)`, pair of such an array and labels `(n,)` (as
            `kerasgan.datasets.load_mnist` returns), dict of arrays of equal length, including
            `images`, `keras.utils.PyDataset`, or an iterable of batches
            (`tf.data.Dataset`, torch `DataLoader`, list, generator).
        y: Labels `(n,)`; only with an array.
        batch_size: Images in a batch, 32 by default; only with arrays.
        seed: Seed of the order; used only with arrays.

    Attributes:
        num_batches: Batches in a pass; None if unknown.
        is_array: Whether `x` is an array, a pair or a dict of arrays.

    Raises:
        ValueError: `x` has an unsupported type, contains no images, or contains arrays of
            different lengths; or another argument does not fit `x`.
    """

    def __init__(self, x, y=None, batch_size: int | None = None, seed: int = 0):
        self.x = _arrays(x, y)
        self.is_array = self.x is not None
        self.seed = seed
        if self.is_array:
            self.batch_size = 32 if batch_size is None else batch_size
            check_whole("batch_size", self.batch_size, 1)
            self._num_images = len(keras.tree.flatten(self.x)[0])
            self.num_batches: int | None = -(-self._num_images // self.batch_size)
            return
        _check_iterable(x, y, batch_size)
        self.x = x
        if isinstance(x, keras.utils.PyDataset):
            self.num_batches = x.num_batches
        else:
            try:
                self.num_batches = len(x)
            except TypeError:  # also for a tf.data.Dataset of unknown length
                self.num_batches = None

    @property
    def length(self):
        """Images in a pass, or else batches; 0 if unknown."""
        if self.is_array:
            return self._num_images
        return getattr(self.x, "num_images", self.num_batches) or 0

    def parts(self):
        """Arrays in parts, in the form of batches, to be checked before training; else nothing."""
        if self.is_array:
            # One picture passed for many is refused by its own shape.
            is_one = len(keras.tree.flatten(self.x)[0].shape) < 4
            size = self._num_images if is_one else _PART
            for first in range(0, self._num_images, size):
                yield self._rows(slice(first, first + size))

    def class_sizes(self):
        """Dict from labels to numbers of images; empty if only a pass over the data would tell."""
        if isinstance(self.x, ImageFolder):
            return dict(enumerate(self.x.class_sizes or []))
        labels = None
        if self.is_array and not _is_array(self.x):
            labels = self.x.get("labels") if isinstance(self.x, dict) else self.x[1]
        if labels is None:
            return {}
        found, sizes = np.unique(labels, return_counts=True)
        return dict(zip(found.tolist(), sizes.tolist(), strict=True))

    def one_pass(self, epoch: int, start: int = 0):
        """Yields batches `start`, `start + 1`, ... of pass number `epoch`."""
        if self.is_array:
            order = np.random.default_rng((self.seed, epoch)).permutation(self._num_images)
            if len(order) > self.batch_size:
                order = np.append(order, order[: -len(order) % self.batch_size])
            for first in range(start * self.batch_size, len(order), self.batch_size):
                # Sorted, for memory-mapped files; the batch is the same set of images.
                yield self._rows(_own_share(np.sort(order[first : first + self.batch_size])))
        elif isinstance(self.x, keras.utils.PyDataset):
            if hasattr(self.x, "set_epoch"):
                self.x.set_epoch(epoch)
            self.x.on_epoch_begin()
            yield from self._read_ahead(start)
            self.x.on_epoch_end()
        else:
            batches = iter(self.x)
            # An iterator continues where it stopped. `yield from` would close it with this
            # generator.
            rest = batches if batches is self.x else itertools.islice(batches, start, None)
            for batch in rest:
                # Copied, because the next batch is read before this one is used, and the
                # iterator may reuse the array.
                yield keras.tree.map_structure(
                    lambda part: part.copy() if isinstance(part, np.ndarray) else part, batch
                )

    def stream(self, epoch: int = 0, start: int = 0):
        """Yields `(batch, next_epoch, next_start)` endlessly, from batch `start` of pass `epoch`.

        After this batch, the stream continues at `next_epoch` and `next_start`. A thread
        prepares the next batch of arrays while this batch is in use; a `PyDataset` has its own
        threads. Other iterables are read one batch ahead, without a thread: a batch that is
        read from an iterator but not used is lost.
        """
        batches = self._stream(epoch, start)
        return prefetched(batches) if self.is_array else batches

    def _stream(self, epoch, start):
        while True:
            batches = self.one_pass(epoch, start)
            batch = next(batches, None)
            if batch is None and start == 0:
                raise argument_error(
                    "x",
                    "contain at least one batch in every pass",
                    f"no batch in pass {epoch + 1}",
                    "Pass data that can be iterated more than once (a list, a PyDataset), or set "
                    "steps_per_epoch and epochs to match its length.",
                )
            while batch is not None:
                # One batch ahead, to know which batch is the last.
                following = next(batches, None)
                start += 1
                position = (epoch, start) if following is not None else (epoch + 1, 0)
                yield batch, *position
                batch = following
            epoch, start = epoch + 1, 0

    def _rows(self, rows):
        """These rows of every array."""
        return keras.tree.map_structure(lambda array: array[rows], self.x)

    def _read_ahead(self, start):
        """The batches of a PyDataset, read ahead by its number of workers."""
        dataset = self.x
        is_endless = dataset.num_batches is None
        indices = itertools.count(start) if is_endless else range(start, dataset.num_batches)
        workers = max(1, dataset.workers)
        ahead = max(1, min(dataset.max_queue_size, 2 * workers))
        get = self._equal_batch if isinstance(dataset, ImageFolder) else dataset.__getitem__
        return read_ahead(get, indices, workers, ahead)

    def _equal_batch(self, index):
        """A batch of an `ImageFolder`, filled up from the first batch of the pass."""
        dataset = self.x
        _, num_processes = backend.process()
        if num_processes > 1 and type(dataset).__getitem__ is ImageFolder.__getitem__:
            size, num_images = dataset.batch_size, dataset.num_images
            positions = np.arange(min(size, num_images)) + index * size
            return dataset._at(_own_share(positions) % num_images)
        batch = dataset[index]
        missing = dataset.batch_size - len(keras.tree.flatten(batch)[0])
        if missing and index:
            batch = keras.tree.map_structure(
                lambda part, first: np.concatenate([part, first[:missing]]), batch, dataset[0]
            )
        return keras.tree.map_structure(_own_share, batch)


def _own_share(batch):
    """The part of a batch that this process reads, of several that train together."""
    index, count = backend.process()
    if len(batch) % count:
        raise argument_error(
            "batch_size",
            f"be a multiple of {count}, the number of processes that share each batch",
            f"a batch of {len(batch)} images",
            "Choose another batch size.",
        )
    return np.split(batch, count)[index]


def _arrays(x, y):
    """Arrays of equal length, from an array, a pair or a dict; None if `x` is anything else."""
    if isinstance(x, tuple):
        x, y = _check_pair(x, y)
    elif isinstance(x, dict):
        return _check_dict(x, y)
    elif not _is_array(x):
        return None
    images = _on_host(x)
    if not images.shape or not len(images):
        raise argument_error(
            "x", "contain images", f"x of shape {images.shape}", "Pass at least one image."
        )
    if y is None:
        return images
    labels = as_array("y", y)
    if not labels.shape or len(labels) != len(images):
        received = counted(len(labels), "label") if labels.shape else f"y={y!r}"
        raise argument_error(
            "y",
            "contain one label per image",
            f"{received} for {counted(len(images), 'image')}",
            "Pass arrays of equal length.",
        )
    return images, labels


def _check_pair(x, y):
    """Returns a pair of images and labels; raises ValueError for any other tuple."""
    shapes = [tuple(part.shape) if _is_array(part) else None for part in x]
    is_pair = len(x) == 2 and None not in shapes
    if not is_pair or len(shapes[0]) != 4 or shapes[1] != shapes[0][:1]:
        parts = (
            type(part).__name__ if shape is None else f"array of shape {shape}"
            for part, shape in zip(x, shapes, strict=True)
        )
        raise argument_error(
            "x",
            "be a pair (images, labels) of shapes (n, height, width, channels) and (n,) if it "
            "is a tuple",
            f"a tuple ({', '.join(parts)})",
            "If it contains training and test data, pass only the training pair. Pass batches as a "
            "list.",
        )
    if y is not None:
        raise argument_error(
            "y",
            "be left out if `x` is a pair (images, labels)",
            f"y of type {type(y).__name__}",
            "Pass fit(images, labels) or fit((images, labels)).",
        )
    return x


def _check_dict(x, y):
    """Returns a dict of arrays on the host; raises ValueError unless their lengths match."""
    if "images" not in x:
        raise argument_error(
            "x",
            "contain the array `images` if it is a dict",
            f"a dict with {sorted(map(str, x))}",
            'Pass {"images": images, "labels": labels}.',
        )
    if y is not None:
        raise argument_error(
            "y",
            "be left out if `x` is a dict",
            f"y of type {type(y).__name__}",
            'Pass the labels in the dict, as x["labels"].',
        )
    arrays = {}
    for name, values in x.items():
        arrays[name] = _on_host(values) if _is_array(values) else as_array(name, values)
    lengths = {name: array.shape[0] if array.shape else 0 for name, array in arrays.items()}
    if not lengths["images"]:
        raise argument_error(
            "x",
            "contain images",
            f"images of shape {arrays['images'].shape}",
            "Pass at least one image.",
        )
    if len(set(lengths.values())) > 1:
        raise argument_error(
            "x",
            "contain arrays of equal length if it is a dict",
            f"lengths {lengths}",
            "Give each array one entry per image.",
        )
    return arrays


def _check_iterable(x, y, batch_size):
    is_path = isinstance(x, (str, bytes, os.PathLike))
    if is_path or not (isinstance(x, keras.utils.PyDataset) or hasattr(x, "__iter__")):
        raise argument_error(
            "x",
            "be a uint8 array, a pair (images, labels), a dict of arrays, a "
            "keras.utils.PyDataset, a tf.data.Dataset, a torch DataLoader or an iterable of "
            "batches",
            f"x of type {type(x).__name__}",
            "For a folder, pass kerasgan.datasets.ImageFolder(folder, image_shape).",
        )
    if isinstance(x, list) and x and _is_array(x[0]) and len(x[0].shape) == 3:
        raise argument_error(
            "x",
            "be one array of all images, not a list of them",
            f"a list, whose first entry has the shape {tuple(x[0].shape)}",
            "Pass numpy.stack(x), if all have one size, and batch_size.",
        )
    for name, value in (("y", y), ("batch_size", batch_size)):
        if value is not None:
            raise argument_error(
                name,
                f"be left out unless `x` is an array: {type(x).__name__} makes its own batches",
                f"{name}={value!r}",
                "Set it in `x`.",
            )


def _is_array(x):
    return hasattr(x, "shape") and hasattr(x, "dtype")


def _on_host(x):
    # A memory-mapped file or an h5py data set stays where it is.
    return ops.convert_to_numpy(x) if ops.is_tensor(x) else x
