"""Try `keras.RematScope`, which computes activations again instead of keeping them.

    KERAS_BACKEND=torch scripts/measure/remat.py
    KERAS_BACKEND=jax scripts/measure/remat.py --model wgan_gp --batch-size 32

For each mode, the layers of a model are made anew in the scope, in a process of its own. Then
Keras trains the discriminator alone by its own `fit`, or kerasgan trains both as a GAN. Each try
appends a line to `--out`, with the peak memory above that of the libraries (on a GPU: of the
device), and the median time of a step, or the error; the script prints them as a table.
"""

import argparse
import itertools
import json
import pathlib
import statistics
import subprocess
import sys
import time

import results

MODES = ("none", "full", "activations")
WAYS = ("keras", "gan")
STEPS = 5


def train(name, way, mode, size, filters, batch_size):
    """A function that makes one step, of a model with layers made in the scope."""
    import keras
    import numpy as np

    import kerasgan

    gan = getattr(kerasgan, f"build_{name}")((size, size, 3), filters=filters)
    with keras.RematScope(mode=None if mode == "none" else mode):
        discriminator = keras.models.clone_model(gan.discriminator)
        if way == "gan":
            generator = keras.models.clone_model(gan.generator)
            gan = kerasgan.GAN(generator, discriminator, value_range=gan.value_range, seed=0)
    images = np.random.default_rng(0).integers(0, 256, (batch_size, size, size, 3), dtype="uint8")
    if way == "gan":
        return lambda: gan.train_on_batch(images)
    discriminator.compile("adam", "mse")
    floats, ones = images / np.float32(127.5) - 1, np.ones((batch_size, 1))
    return lambda: discriminator.fit(floats, ones, batch_size=batch_size, verbose=0)


def measure_one(*key):
    """Megabytes and milliseconds of a step, or the error, in this process."""
    import benchmark
    import keras
    import numpy as np

    backend = keras.config.backend()
    device = results.gpu_name(backend)
    keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)]).predict_on_batch(np.ones((1, 4)))
    before, _ = benchmark.peak_memory(backend, device)
    try:
        step = train(*key)
        times = []
        for _ in range(2 + STEPS):
            start = time.perf_counter()
            step()
            times.append(time.perf_counter() - start)
    except Exception as error:  # whatever a backend raises is what we want to know
        return {"error": f"{type(error).__name__}: {first_sentence(error)}"}
    peak, _ = benchmark.peak_memory(backend, device)
    seconds = statistics.median(times[2:])
    return {"megabytes": round((peak - before) / 2**20), "ms": round(1e3 * seconds, 1)}


def first_sentence(error):
    # Keras puts its own words before those of the cause, and between them bold type.
    words = str(error).partition("\x1b[1m")[2].partition("\x1b[0m")[0] or str(error)
    return words.split("\n")[0].split(". ")[0].rstrip(".")


def measure_apart(*key):
    """`measure_one` in a process of its own."""
    run = subprocess.run(
        [sys.executable, __file__, "--one", json.dumps(key)],
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(run.stdout.splitlines()[-1])


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="dcgan", help="one without labels (default: dcgan)")
    parser.add_argument("--size", type=int, default=32, help="pixels (default: 32)")
    parser.add_argument("--filters", type=int, default=32, help="default: 32")
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--out", type=pathlib.Path, default=results.FOLDER / "remat.jsonl")
    parser.add_argument("--one", metavar="KEY", help="measure only this, here")
    given = parser.parse_args()
    if given.one:
        print(json.dumps(measure_one(*json.loads(given.one))))
        return
    import keras

    rows = []
    for way, mode in itertools.product(WAYS, MODES):
        key = {"model": given.model, "way": way, "mode": mode, "size": given.size}
        key |= {"filters": given.filters, "batch_size": given.batch_size}
        line = {"backend": keras.config.backend()}
        line = results.measure(given.out, key | line, measure_apart, *key.values())
        shown = [line["error"], ""] if "error" in line else [line["megabytes"], line["ms"]]
        rows.append([line["backend"], way, mode, *shown])
    print(results.table(["backend", "trained by", "mode", "MB", "ms a step"], rows))


if __name__ == "__main__":
    main()
