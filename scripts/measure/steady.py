"""Measure whether a long training stays as it began: memory, traces, and the watch for NaN.

    KERAS_BACKEND=jax scripts/measure/steady.py --out docs/results/steady.jsonl
    scripts/measure/steady.py --steps 2000 --filters 4

Trains a small DCGAN by `fit` on passes whose last batch is shorter, and prints a line of JSON:

- `growth`: MB of resident memory per 1,000 steps, the slope of a line through the second half.
- `traces`: how often the step's Python code ran in the first pass, and after it (on PyTorch, up to
  its recording, it runs in every step).
- `compilations`: the same of XLA's compilations on JAX.
- `watch`: time to look at all weights for NaN, in a call of its own, as a share of a step's time.
"""

import argparse
import pathlib
import random
import statistics
import time

import keras
import numpy as np
import results

import kerasgan
from kerasgan import backend
from kerasgan.step import AdversarialStep

BATCH_SIZE, NUM_BATCHES = 32, 20
SETTLE = 100  # steps; PyTorch records after 20 of each batch size


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


def watch_share(gan, images):
    """Time of the look at all weights over the time of a step."""
    step = gan._training

    def look(data):
        return step._check("g")[1] + step._check("d")[1] + data["zero"]

    look = backend.compiled(look, step._variables(), step.jit_compile)
    zero = backend.to_device({"zero": np.float32(0)})
    shares = []
    for _ in range(8):
        start = time.perf_counter()
        for _ in range(10):
            gan.train_on_batch(images)
        middle = time.perf_counter()
        for _ in range(40):
            backend.to_numpy(look(zero))
        end = time.perf_counter()
        shares.append((end - middle) / 40 / ((middle - start) / 10))
    return statistics.median(shares[1:])


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
        "watch": round(watch_share(gan, data[0]), 5),
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
