"""How steady training is: four models on MNIST at a fraction of their width, five seeds each.

    scripts/measure/stability.py                      hours on one CPU core
    scripts/measure/stability.py dcgan --seeds 0 1    80 minutes for DCGAN, LSGAN and WGAN-GP
    scripts/measure/stability.py --data-path FOLDER   MNIST files from FOLDER, without a download

The models are the zoo's with 16 filters (R3GAN with 8), everything else as in the builder. Each run
is measured at twelve points, with the generator's own weights (`raw`) and with their average of
decay 0.999 (`averaged`; 0.99 for R3GAN's few steps). A run has diverged if a loss is no longer
finite, and spiked if its Frechet distance is ever more than five times its smallest so far. Each
run appends a line to `--out`.
"""

import argparse
import math
import pathlib
import random
import statistics

import keras
import results

import kerasgan
from kerasgan import metrics

# Generator updates; each of WGAN-GP's comes with five critic updates.
STEPS = {"dcgan": 6_000, "lsgan": 6_000, "wgan_gp": 2_400, "r3gan": 600}
FILTERS = {"r3gan": 8}
BATCH_SIZE = 64
EMA = {"r3gan": 0.99}  # of few steps
MEASUREMENTS, COUNT = 12, 5_000


class Curve(keras.callbacks.Callback):
    """The Frechet distance of raw and averaged weights during training."""

    def __init__(self, images, every):
        super().__init__()
        self.encoder = metrics.mnist_encoder()
        self.real = metrics.statistics(self.encoder(images[:COUNT]))
        self.every = every
        self.curves = {"raw": [], "averaged": []}

    def on_train_batch_end(self, batch, logs=None):
        if not math.isfinite(logs["loss"]):
            self.model.stop_training = True
        elif self.model.step % self.every == 0:
            raw = kerasgan.GAN(self.model.generator, self.model.discriminator)
            for name, gan in (("raw", raw), ("averaged", self.model)):
                features = self.encoder(gan.sample(COUNT, seed=0))
                found = metrics.statistics(features)
                distance = metrics.frechet_distance_from_statistics(*self.real, *found)
                self.curves[name].append(round(distance, 3))


def train(model, images, seed):
    random.seed(seed)  # Keras draws the initial weights from it
    gan = getattr(kerasgan, f"build_{model}")(images.shape[1:], filters=FILTERS.get(model, 16))
    gan.compile(ema=EMA.get(model, 0.999))
    curve = Curve(images, STEPS[model] // MEASUREMENTS)
    gan.fit(images, batch_size=BATCH_SIZE, steps=STEPS[model], callbacks=[curve])
    return {"diverged": gan.step < STEPS[model], "steps": gan.step, **curve.curves}


def has_spiked(curve):
    return any(value > 5 * min(curve[: index + 1]) for index, value in enumerate(curve))


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("models", nargs="*", metavar="MODEL", default=list(STEPS))
    parser.add_argument("--seeds", nargs="+", type=int, default=range(5))
    parser.add_argument("--data-path", help="folder or file that contains MNIST")
    parser.add_argument("--out", type=pathlib.Path, default=results.FOLDER / "stability.jsonl")
    given = parser.parse_args()
    if not set(given.models) <= set(STEPS):
        parser.error(f"MODEL must be one of {list(STEPS)}. Received: {given.models}.")
    images, _ = kerasgan.datasets.load_mnist("train", given.data_path)
    rows = []
    for model in given.models:
        runs = [
            results.measure(given.out, {"model": model, "seed": seed}, train, model, images, seed)
            for seed in given.seeds
        ]
        for weights in ("raw", "averaged"):
            curves = [run[weights] for run in runs if not run["diverged"]]
            ratios = [curve[-1] / min(curve) for curve in curves]
            rows.append(
                [
                    model,
                    weights,
                    f"{sum(run['diverged'] for run in runs)} of {len(runs)}",
                    f"{sum(map(has_spiked, curves))} of {len(runs)}",
                    f"{statistics.median(ratios):.2f}" if ratios else "",
                    results.spread([curve[-1] for curve in curves]) if curves else "",
                ]
            )
    header = ["model", "weights", "diverged", "spiked", "median last/best", "last distance"]
    print(results.table(header, rows))


if __name__ == "__main__":
    main()
