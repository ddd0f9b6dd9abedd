"""Train models of the zoo on MNIST for a few minutes each, to see that they learn.

    scripts/learn.py                                  all of them, five minutes each
    scripts/learn.py dcgan sngan --minutes 10
    scripts/learn.py --data-path FOLDER               with MNIST's files in it, without a download

Leaves in `--out`, for each model: NAME.png (64 samples from seed 0), NAME-losses.csv and
NAME-losses.png, and NAME.json (width, batch size, steps, seconds of training, versions, scores of
10,000 samples in the features of the package's MNIST classifier).
Everything but the settings below is as `build_NAME` has it. `docs/models.md` shows what came of
it.
"""

import argparse
import json
import os
import pathlib
import platform
import random
import time

import keras
import numpy as np

import kerasgan
from kerasgan import callbacks, images, metrics, zoo

# Widths at which a step takes a fraction of a second on one core; batch sizes and pre-training of
# the sources.
SETTINGS = {
    "deconv_gan": {"filters": 64, "batch_size": 16},
    "flag_gan": {"filters": 8, "batch_size": 32},
    "infogan": {"filters": 32, "batch_size": 64},
    "mlp_gan": {"filters": 128, "batch_size": 128},
    "mnist_gan": {"filters": 8, "batch_size": 50, "pretrain_steps": 300},
    "sngan": {"filters": 8, "batch_size": 64},
    "sagan": {"filters": 16, "batch_size": 64},
}
OTHERS = {"filters": 16, "batch_size": 64}
NAMES = [name.removeprefix("build_") for name in zoo.__all__]


class StopAfter(keras.callbacks.Callback):
    """Stops training after so many seconds, the compilation of the first steps included."""

    def __init__(self, seconds):
        super().__init__()
        self.seconds = seconds

    def on_train_begin(self, logs=None):
        self.start = time.monotonic()

    def on_train_batch_end(self, batch, logs=None):
        self.trained = time.monotonic() - self.start
        self.model.stop_training = self.trained > self.seconds


def learn(name, data, evaluator, minutes, seed, out):
    """Trains one model and writes what came of it."""
    settings = SETTINGS.get(name, OTHERS)
    random.seed(seed)  # Keras draws the initial weights from it
    gan = getattr(kerasgan, f"build_{name}")(data.shape[1:], filters=settings["filters"])
    stop = StopAfter(60 * minutes)
    gan.fit(
        data,
        batch_size=settings["batch_size"],
        pretrain_steps=settings.get("pretrain_steps", 0),
        epochs=10**6,
        callbacks=[stop, callbacks.LossPlot(out / f"{name}-losses.png")],
    )
    images.save_png(out / f"{name}.png", images.grid(gan.sample(64, seed=0)))
    fakes = gan.sample(evaluator.count, seed=evaluator.seed)
    classify = metrics.Encoder(metrics.mnist_classifier())
    result = {
        "model": name,
        **settings,
        "training_seed": seed,
        "steps": gan.step,
        "seconds": round(stop.trained, 1),
        "cores": len(os.sched_getaffinity(0)),
        "backend": keras.config.backend(),
        "keras": keras.__version__,
        "numpy": np.__version__,
        "machine": platform.machine(),
        **evaluator.protocol,
        "scores": evaluator(fakes),
        "floor": evaluator.floor,
        "digits": metrics.digit_statistics(fakes, classify),
    }
    (out / f"{name}.json").write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result), flush=True)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("models", nargs="*", metavar="MODEL", default=NAMES, help=f"of {NAMES}")
    parser.add_argument("--minutes", type=float, default=5.0, help="of training, each (default: 5)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--data-path", help="folder or file that holds MNIST")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("runs/learn"))
    given = parser.parse_args()
    unknown = set(given.models) - set(NAMES)
    if unknown:
        parser.error(f"MODEL must be of {NAMES}. Received: {sorted(unknown)}.")
    given.out.mkdir(parents=True, exist_ok=True)
    data, _ = kerasgan.datasets.load_mnist("train", given.data_path)
    evaluator = metrics.Evaluator(data, metrics.mnist_encoder())
    for name in given.models:
        learn(name, data, evaluator, given.minutes, given.seed, given.out)


if __name__ == "__main__":
    main()
