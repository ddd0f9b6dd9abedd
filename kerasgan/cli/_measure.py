"""Measures what training a model costs, in this process: for `kerasgan models --measure`.

python -m kerasgan.cli._measure MODEL OPTIONS BATCH_SIZE
"""

import json
import sys
import time

import numpy as np

from kerasgan import backend, zoo

_FEWEST, _ENOUGH = 3, 10.0  # steps and seconds


def measure(name, options, batch_size):
    """Trains on noise; returns a dict of the seconds of a step and the bytes of peak memory.

    The first two steps, which compile, are not timed.

    Args:
        name: Name of the model.
        options: Dict of the arguments of its builder.
        batch_size: Number of images.
    """
    gan = getattr(zoo, f"build_{name}")(**options)
    shape = (batch_size, *gan.image_shape)
    images = np.random.default_rng(0).integers(0, 256, shape, dtype="uint8")
    batch = (images, np.zeros(batch_size, "int32")) if gan.num_classes else images
    for _ in range(2):
        gan.train_on_batch(batch)
    start, count = time.monotonic(), 0
    while count < _FEWEST or (count < 100 and time.monotonic() - start < _ENOUGH):
        gan.train_on_batch(batch)
        count += 1
    seconds = (time.monotonic() - start) / count
    return {"seconds": seconds, "bytes": backend.peak_memory()}


if __name__ == "__main__":
    name, options, batch_size = sys.argv[1:]
    print(json.dumps(measure(name, json.loads(options), int(batch_size))))
