"""Measure whether a long training stays as it began: memory, traces, and the watch for NaN.

    KERAS_BACKEND=jax scripts/measure/steady.py --out docs/results/steady.jsonl
    scripts/measure/steady.py --steps 2000 --filters 4

Trains a small DCGAN by `fit` on passes whose last batch is shorter, and prints a line of JSON:

- `growth`: MB of resident memory per 1,000 steps, the slope of a line through the second half.
- `traces`: how often the step's Python code ran in the first pass, and after it (on PyTorch, up to
  its recording, it runs in every step).
- `compilations`: the same of XLA's compilations on JAX.
- `watch`: how much longer a step takes because it looks at all weights for NaN, as a share: the
  median over pairs of ten steps with it and ten without, and the middle half of the pairs.
"""

import argparse
import pathlib
import random
import time

import keras
import numpy as np
import results
from keras import ops

import kerasgan
from kerasgan.logs import WEIGHTS
from kerasgan.step import AdversarialStep

BATCH_SIZE, NUM_BATCHES = 32, 20
SETTLE = 100  # steps; PyTorch records after 20 of each batch size
PAIRS = 40


class Passes(keras.utils.PyDataset):
    """`NUM_BATCHES` batches, the last one half as large."""

    def __init__(self, image_shape):
        super().__init__()
        self.images = np.random.default_rng(0).integers(
            0, 256, (BATCH_SIZE * NUM_BATCHES, *image_shape), dtype="uint8"
        )

    def __len__(self):
        return NUM_BATCHES

    def __getitem__(self, index):
        batch = self.images[BATCH_SIZE * index :][:BATCH_SIZE]
        return batch[: BATCH_SIZE // 2] if index == NUM_BATCHES - 1 else batch


class Memory(keras.callbacks.Callback):
    """Notes the resident memory, in MB, and the counts at some steps."""

    def __init__(self, counts):
        super().__init__()
        self.counts = counts
        self.steps, self.megabytes, self.settled = [], [], None

    def on_train_batch_end(self, batch, logs=None):
        if self.model.step == SETTLE:
            self.settled = dict(self.counts)
        if self.model.step % 20 == 0:
            self.steps.append(self.model.step)
            self.megabytes.append(results.memory())


def count_calls():
    """Counts traces of the step and, on JAX, compilations from now on."""
    counts = {"traces": 0, "compilations": 0}
    make = AdversarialStep._make

    def counted(*arguments):
        counts["traces"] += 1
        return make(*arguments)

    AdversarialStep._make = counted
    if keras.config.backend() == "jax":
        import jax

        def listen(name, *_, **__):
            counts["compilations"] += name == "/jax/core/compile/backend_compile_duration"

        jax.monitoring.register_event_duration_secs_listener(listen)
    return counts


def watch_share(filters, images):
    """By how much the look at all weights lengthens a step: quartiles of the shares."""
    check = AdversarialStep._check
    gans = []
    for is_watched in (True, False):
        random.seed(0)
        gans.append(kerasgan.build_dcgan(images.shape[1:], filters=filters))
        if not is_watched:
            AdversarialStep._check = lambda _, side: (WEIGHTS[side], ops.zeros(()))
        for _ in range(SETTLE):
            gans[-1].train_on_batch(images)
        AdversarialStep._check = check
    shares = []
    for _ in range(PAIRS):
        watched, other = (_time(gan, images) for gan in gans)
        shares.append(watched / other - 1)
    return [round(float(share), 4) for share in np.quantile(shares, (0.5, 0.25, 0.75))]


def _time(gan, images):
    start = time.process_time()
    for _ in range(10):
        logs = gan.train_on_batch(images)
    assert np.isfinite(logs["loss"])
    return time.process_time() - start


def train(steps, filters, image_shape):
    random.seed(0)  # Keras draws the initial weights from it
    gan = kerasgan.build_dcgan(image_shape, filters=filters)
    counts = count_calls()
    memory = Memory(counts)
    data = Passes(image_shape)
    gan.fit(data, steps=steps, callbacks=[memory])
    half = len(memory.steps) // 2
    slope = np.polyfit(memory.steps[half:], memory.megabytes[half:], 1)[0]
    after = {name: [memory.settled[name], counts[name]] for name in counts}
    if keras.config.backend() != "jax":
        del after["compilations"]
    return {
        **after,
        "growth": round(1000 * slope, 3),
        "megabytes": [round(memory.megabytes[0]), round(memory.megabytes[-1])],
        "watch": watch_share(filters, data[0]),
    }


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--filters", type=int, default=16)
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("runs/steady.jsonl"))
    given = parser.parse_args()
    key = {
        "backend": keras.config.backend(),
        "model": "dcgan",
        "steps": given.steps,
        "filters": given.filters,
    }
    results.measure(given.out, key, train, given.steps, given.filters, (28, 28, 1))


if __name__ == "__main__":
    main()
