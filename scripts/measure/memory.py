"""Estimate the largest batch that each model can train with in a given memory.

    KERAS_BACKEND=torch scripts/measure/memory.py                 every model at its defaults
    KERAS_BACKEND=torch scripts/measure/memory.py dcgan stylegan2 --sizes 64 128
    KERAS_BACKEND=torch scripts/measure/memory.py --precisions float32 bfloat16

Counts the bytes of PyTorch's tensors during a step: weights, gradients, optimizers, activations.
Convolutions and products of matrices are not computed, which would take most of the time: their
results are zeros. The batch is doubled until half of it needs more than the model. A line through
the last two sizes then gives the memory of the model itself and of each further image, and from
them the largest batch. A GPU's libraries take about 1 GB more. JAX and TensorFlow usually need
less, because XLA reuses memory.

Each model appends a line to `--out`; the script prints them as a table.
"""

import argparse
import gc
import itertools
import pathlib
import weakref

import keras
import numpy as np
import results
import torch
from torch.utils._python_dispatch import TorchDispatchMode

import kerasgan
from kerasgan import zoo

MODES = {"float32": "float32", "bfloat16": "mixed_bfloat16"}
MEMORIES = (4, 8, 16, 24, 80)  # GB
LIBRARIES = 1.0  # GB, on a GPU
SMALLEST = 4  # images; StyleGAN2 compares as many with each other
NOT_COMPUTED = ("addmm", "bmm", "convolution", "convolution_backward", "mm")


class Tensors(TorchDispatchMode):
    """Counts the bytes of the tensors made inside: of those that are left, and the most so far."""

    def __init__(self):
        super().__init__()
        self.bytes = self.most = 0
        self.known = {}

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        is_computed = function.overloadpacket.__name__ not in NOT_COMPUTED
        made = function(*args, **kwargs) if is_computed else zeros(function, args, kwargs)
        for tensor in keras.tree.flatten(made):
            if isinstance(tensor, torch.Tensor):
                self.count(tensor.untyped_storage())
        return made

    def count(self, storage):
        key, size = id(storage), storage.nbytes()
        if key in self.known:
            return

        def forget(_):
            self.bytes -= size
            del self.known[key]

        self.known[key] = weakref.ref(storage, forget)
        self.bytes += size
        self.most = max(self.most, self.bytes)


def zeros(function, args, kwargs):
    """Zeros of the shapes and types that a function returns."""

    def without_values(value):
        return value.to("meta") if isinstance(value, torch.Tensor) else value

    def with_zeros(made):
        if not isinstance(made, torch.Tensor):
            return made
        flat = torch.zeros(made.numel(), dtype=made.dtype)
        return flat.as_strided(made.size(), made.stride())

    args, kwargs = keras.tree.map_structure(without_values, [list(args), kwargs])
    return keras.tree.map_structure(with_zeros, function(*args, **kwargs))


def measure(name, size, precision):
    keras.config.set_dtype_policy(MODES[precision])
    options = {"image_shape": (size, size, 3)} if size else {}
    with Tensors() as tensors:
        gan = getattr(kerasgan, f"build_{name}")(**options)

        def megabytes(batch_size):
            """The most memory in a step."""
            images = np.zeros((batch_size, *gan.image_shape), "uint8")
            labels = np.zeros(batch_size, "int32")
            gc.collect()
            tensors.most = tensors.bytes
            gan.train_on_batch((images, labels) if gan.num_classes else images)
            return tensors.most / 2**20

        megabytes(SMALLEST)  # makes the optimizers' states
        batch_size, smaller, larger = SMALLEST, 0.0, megabytes(SMALLEST)
        # With fewer images than that, it is the optimizer that needs most.
        while 2 * smaller - larger > larger - smaller or not smaller:
            batch_size, smaller = 2 * batch_size, larger
            larger = megabytes(batch_size)
    fixed, per_image = 2 * smaller - larger, (larger - smaller) / (batch_size / 2)
    return {
        "batch_size": batch_size,
        "image_shape": list(gan.image_shape),
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
    parser.add_argument("--sizes", nargs="+", type=int, default=[0], help="pixels; 0: its own")
    parser.add_argument("--precisions", nargs="+", choices=MODES, default=["float32"])
    parser.add_argument("--out", type=pathlib.Path, default=results.FOLDER / "memory.jsonl")
    given = parser.parse_args()
    names = given.models or [name.removeprefix("build_") for name in zoo.__all__]
    rows = []
    for name, size, precision in itertools.product(names, given.sizes, given.precisions):
        key = {"model": name, "size": size, "precision": precision}
        rows.append(row(results.measure(given.out, key, measure, name, size, precision)))
    head = ["model", "images", "precision", "MB fixed", "MB an image"]
    print(results.table([*head, *(f"batch in {memory} GB" for memory in MEMORIES)], rows))


if __name__ == "__main__":
    main()
