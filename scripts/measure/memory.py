"""Estimate the largest batch that each model can train with in a given memory.

    KERAS_BACKEND=torch scripts/measure/memory.py                 every model at its defaults
    KERAS_BACKEND=torch scripts/measure/memory.py dcgan stylegan2 --size 128

A process of its own makes two steps at each of two batch sizes, and reports how far its peak memory
on the CPU rises above what Keras and its backend take. A line through both gives the memory of the
model itself (weights, gradients, optimizers) and of each further image (activations), and from
them the largest batch. A GPU needs about as much on PyTorch, without compilation, plus what
its libraries take, about 1 GB; JAX and TensorFlow usually need less, because XLA reuses memory.

Each model appends a line to `--out`; the script prints them as a table.
"""

import argparse
import json
import pathlib
import subprocess
import sys

import results

MODES = {"float32": "float32", "bfloat16": "mixed_bfloat16"}
MEMORIES = (4, 8, 16, 24, 80)  # GB
LIBRARIES = 1.0  # GB, on a GPU
BATCH_SIZES = ((16, 48), (512, 2048))  # the second pair where the first makes no difference
LEAST = 50  # MB that are a difference


def measure_one(name, size, batch_size, precision):
    """Peak memory of two steps, in MB, above that of the libraries."""
    import keras
    import numpy as np

    import kerasgan

    keras.config.set_dtype_policy(MODES[precision])
    keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)]).predict_on_batch(np.ones((1, 4)))
    before = results.peak_memory()
    options = {"image_shape": (size, size, 3)} if size else {}
    gan = getattr(kerasgan, f"build_{name}")(**options)
    shape = (batch_size, *gan.image_shape)
    images = np.random.default_rng(0).integers(0, 256, shape, dtype="uint8")
    labels = np.zeros(batch_size, "int32")
    for _ in range(2):  # the first one creates the optimizers' states
        gan.train_on_batch((images, labels) if gan.num_classes else images)
    more = (results.peak_memory() - before) / 2**20
    return {"megabytes": more, "image_shape": list(gan.image_shape)}


def measure_apart(name, size, batch_size, precision):
    """`measure_one` in a process of its own."""
    arguments = [name, "--size", str(size), "--one", str(batch_size), "--precision", precision]
    run = subprocess.run(
        [sys.executable, __file__, *arguments], capture_output=True, text=True, check=True
    )
    return json.loads(run.stdout.splitlines()[-1])


def measure(name, size, precision):
    for batch_sizes in BATCH_SIZES:
        found = [measure_apart(name, size, number, precision) for number in batch_sizes]
        small, large = (each["megabytes"] for each in found)
        if large - small > LEAST:
            break
    per_image = (large - small) / (batch_sizes[1] - batch_sizes[0])
    fixed = small - batch_sizes[0] * per_image
    return {
        "batch_sizes": batch_sizes,
        "image_shape": found[0]["image_shape"],
        "fixed_megabytes": round(fixed),
        "megabytes_per_image": round(per_image, 3),
    }


def row(line):
    height, width, channels = line["image_shape"]
    fixed, per_image = line["fixed_megabytes"], line["megabytes_per_image"]
    largest = [
        max(0, int((1000 * (memory - LIBRARIES) - fixed) / per_image)) for memory in MEMORIES
    ]
    size = f"{height}x{width}x{channels}"
    return [f"`{line['model']}`", size, line["precision"], fixed, per_image, *largest]


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("models", nargs="*", metavar="MODEL", help="default: all")
    parser.add_argument("--size", type=int, default=0, help="pixels (default: the model's own)")
    parser.add_argument("--precision", choices=MODES, default="float32")
    parser.add_argument("--out", type=pathlib.Path, default=results.FOLDER / "memory.jsonl")
    parser.add_argument("--one", type=int, metavar="BATCH_SIZE", help="measure only this, here")
    given = parser.parse_args()
    if given.one:
        (name,) = given.models
        print(json.dumps(measure_one(name, given.size, given.one, given.precision)))
        return
    import keras

    from kerasgan import zoo

    rows = []
    for name in given.models or [name.removeprefix("build_") for name in zoo.__all__]:
        key = {"model": name, "size": given.size, "precision": given.precision}
        key["backend"] = keras.config.backend()
        rows.append(
            row(results.measure(given.out, key, measure, name, given.size, given.precision))
        )
    head = ["model", "images", "precision", "MB fixed", "MB an image"]
    print(results.table([*head, *(f"batch in {memory} GB" for memory in MEMORIES)], rows))


if __name__ == "__main__":
    main()
