"""Batches: whatever holds images, as one endless stream that can be entered anywhere."""

import collections
import concurrent.futures
import itertools
import os

import keras
import numpy as np
from keras import ops

from kerasgan.checks import check_whole


class Batches:
    """A source of batches: passes over the data, each of which can be entered anywhere.

    Args:
        x: Array `(n, height, width, channels)`, `keras.utils.PyDataset`, or an iterable of
            batches (`tf.data.Dataset`, torch `DataLoader`, list, generator).
        y: Integer labels `(n,)`, with an array only.
        batch_size: Images in a batch, with an array only.
        seed: Seed of the order, with an array only.

    Attributes:
        num_batches: Batches in a pass; None where `x` does not know.
        first: A batch to check before training; None where looking would lose it.

    Raises:
        ValueError: `x` is none of these, or an argument does not go with it.
    """

    def __init__(self, x, y=None, batch_size=None, seed=0):
        self.is_array = hasattr(x, "shape") and hasattr(x, "dtype")
        self.x = ops.convert_to_numpy(x) if self.is_array and ops.is_tensor(x) else x
        self.y = np.asarray(y) if self.is_array and y is not None else None
        self.seed = seed
        if self.is_array:
            self.batch_size = 32 if batch_size is None else batch_size
            check_whole("batch_size", self.batch_size, 1)
            if not len(x):
                raise ValueError(
                    f"`x` must hold images. Received: x of shape {x.shape}. Pass at least one."
                )
            if y is not None and len(y) != len(x):
                raise ValueError(
                    "`y` must hold one label per image. Received: "
                    f"{len(y)} labels for {len(x)} images. Pass arrays of equal length."
                )
            self.num_batches = -(-len(x) // self.batch_size)
            self.first = self.x[: self.batch_size]
            return
        is_path = isinstance(x, (str, os.PathLike))
        if is_path or not (isinstance(x, keras.utils.PyDataset) or hasattr(x, "__iter__")):
            raise ValueError(
                "`x` must be a uint8 array, a keras.utils.PyDataset, a tf.data.Dataset, a torch "
                f"DataLoader or an iterable of batches. Received: x of type {type(x).__name__}. "
                "For a folder pass kerasgan.datasets.ImageFolder(folder, image_shape)."
            )
        for name, value in (("y", y), ("batch_size", batch_size)):
            if value is not None:
                raise ValueError(
                    f"`{name}` must be left out unless `x` is an array: {type(x).__name__} makes "
                    f"its own batches. Received: {name}={value!r}. Set it in `x`."
                )
        if isinstance(x, keras.utils.PyDataset):
            self.num_batches = x.num_batches
        else:
            try:
                self.num_batches = len(x)
            except TypeError:  # also of a tf.data.Dataset that does not know
                self.num_batches = None
        # Other iterables may be such that a batch taken is a batch lost.
        self.first = x[0] if isinstance(x, keras.utils.PyDataset) else None

    def one_pass(self, epoch, start=0):
        """Batches `start`, `start + 1`, ... of pass number `epoch`: images or (images, labels)."""
        if self.is_array:
            order = np.random.default_rng((self.seed, epoch)).permutation(len(self.x))
            for index in range(start, self.num_batches):
                # Sorted, for memory-mapped files; the batch is the same set of images.
                rows = np.sort(order[index * self.batch_size : (index + 1) * self.batch_size])
                yield self.x[rows] if self.y is None else (self.x[rows], self.y[rows])
        elif isinstance(self.x, keras.utils.PyDataset):
            if hasattr(self.x, "set_epoch"):
                self.x.set_epoch(epoch)
            self.x.on_epoch_begin()
            yield from _prefetched(self.x, start)
            self.x.on_epoch_end()
        else:
            batches = iter(self.x)
            # What can be iterated only once stands where it was left, and is not to be closed
            # with this generator, as `yield from` would.
            rest = batches if batches is self.x else itertools.islice(batches, start, None)
            for batch in rest:  # noqa: UP028
                yield batch

    def stream(self, epoch=0, start=0):
        """Endless `(batch, next_epoch, next_start)` from batch `start` of pass `epoch` on."""
        while True:
            batches = self.one_pass(epoch, start)
            batch = next(batches, None)
            if batch is None and start == 0:
                raise ValueError(
                    f"`x` must hold at least one batch in every pass. Received: nothing in pass "
                    f"{epoch + 1}. Pass something that can be iterated again (a list, a "
                    "PyDataset), or set steps_per_epoch and epochs to what it holds."
                )
            while batch is not None:
                # One batch ahead: only then is the last one known as such.
                following = next(batches, None)
                start += 1
                position = (epoch, start) if following is not None else (epoch + 1, 0)
                yield batch, *position
                batch = following
            epoch, start = epoch + 1, 0


def _prefetched(dataset, start):
    """The batches of a PyDataset, in order, read ahead by as many threads as it asks for."""
    is_endless = dataset.num_batches is None
    indices = itertools.count(start) if is_endless else range(start, dataset.num_batches)
    ahead = max(1, min(dataset.max_queue_size, 2 * dataset.workers))
    with concurrent.futures.ThreadPoolExecutor(max(1, dataset.workers)) as pool:
        pending = collections.deque()
        try:
            for index in indices:
                pending.append(pool.submit(dataset.__getitem__, index))
                if len(pending) > ahead:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            for future in pending:
                future.cancel()
