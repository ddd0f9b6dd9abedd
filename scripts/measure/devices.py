"""Compare two steps of every model on one device with the same steps on four, on JAX.

    KERAS_BACKEND=jax scripts/measure/devices.py
    KERAS_BACKEND=jax scripts/measure/devices.py dcgan --batch-size 16

The four devices are virtual ones of this machine, and share each batch by
`keras.distribution.DataParallel`. The models are as small as the tests build them. Both sides use
SGD: Adam's first updates are the signs of gradients, some of which are only rounding.

Each model appends a line to `--out`, with the greatest difference of a log and of a weight's or
an average's values, each relative to the greatest of these values (at least 0.001).
"""

import argparse
import os
import pathlib
import random
import sys

import results

DEVICES = 4
STEPS = 2
RATE = 0.01
# Read once, when JAX starts. Without LLVM's optimisations, compiling takes half the time.
FLAGS = f"--xla_force_host_platform_device_count={DEVICES} --xla_backend_optimization_level=0"


def train(name, batch_size):
    """A GAN after some steps, and the logs of each step."""
    import keras
    from models import MODELS, batch

    random.seed(0)  # the initial weights, the latents and all noise
    gan = MODELS[name][0]()
    gan.compile(*(keras.optimizers.SGD(RATE) for _ in range(2)))
    return gan, [gan.train_on_batch(batch(batch_size, gan, seed)) for seed in range(STEPS)]


def difference(one, other):
    """The greatest difference of two arrays, relative to the greatest value."""
    import numpy as np

    one, other = (np.asarray(array, "float64") for array in (one, other))
    return float(np.abs(one - other).max() / max(np.abs(one).max(), 1e-3))


def compare(name, batch_size):
    import keras

    one, one_logs = train(name, batch_size)
    with keras.distribution.DataParallel().scope():
        four, four_logs = train(name, batch_size)
    pairs = zip(one_logs, four_logs, strict=True)
    logs = max(difference(a[log], b[log]) for a, b in pairs for log in a)
    weights = max(
        difference(a, b)
        for side in ("generator", "discriminator", "sampling_generator")
        for a, b in zip(
            getattr(one, side).get_weights(), getattr(four, side).get_weights(), strict=True
        )
    )
    return {"logs": logs, "weights": weights}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("models", nargs="*", metavar="MODEL", help="default: all")
    parser.add_argument("--batch-size", type=int, default=8, help="in all (default: 8)")
    parser.add_argument("--out", type=pathlib.Path, default=results.FOLDER / "devices.jsonl")
    given = parser.parse_args()
    os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {FLAGS}".strip()
    sys.path.append(str(pathlib.Path(__file__).parents[2] / "tests"))
    from kerasgan import zoo

    rows = []
    for name in given.models or [name.removeprefix("build_") for name in zoo.__all__]:
        key = {"model": name, "batch_size": given.batch_size, "devices": DEVICES, "steps": STEPS}
        line = results.measure(given.out, key, compare, name, given.batch_size)
        rows.append([f"`{name}`", *(f"{line[part]:.0e}" for part in ("logs", "weights"))])
    print(results.table(["model", "logs", "weights"], rows))


if __name__ == "__main__":
    main()
