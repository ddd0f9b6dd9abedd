"""Measures what training a model costs, in this process: for `kerasgan models --measure`.

python -m kerasgan.cli._measure MODEL HEIGHT WIDTH CHANNELS BATCH_SIZE
"""

import json
import sys
import time

import numpy as np

from kerasgan import zoo

_FEWEST, _ENOUGH = 3, 10.0  # steps and seconds


def measure(name, image_shape, batch_size):
    """Trains on noise; returns a dict of the seconds of a step and this process's peak memory.

    The first two steps, which compile, are not timed. The memory is 0 on Windows, which does not
    tell.
    """
    gan = getattr(zoo, f"build_{name}")(image_shape=image_shape)
    shape = (batch_size, *image_shape)
    images = np.random.default_rng(0).integers(0, 256, shape, dtype="uint8")
    batch = (images, np.zeros(batch_size, "int32")) if gan.num_classes else images
    for _ in range(2):
        gan.train_on_batch(batch)
    start, count = time.monotonic(), 0
    while count < _FEWEST or (count < 100 and time.monotonic() - start < _ENOUGH):
        gan.train_on_batch(batch)
        count += 1
    return {"seconds": (time.monotonic() - start) / count, "bytes": _peak_memory()}


def _peak_memory():
    try:
        import resource
    except ImportError:
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak * (1 if sys.platform == "darwin" else 1024)


if __name__ == "__main__":
    name, *numbers = sys.argv[1:]
    *image_shape, batch_size = map(int, numbers)
    print(json.dumps(measure(name, tuple(image_shape), batch_size)))
