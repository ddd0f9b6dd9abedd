"""Modes found by small networks on the 2D ring and grid of PacGAN (Lin et al. 2018, section 3.1).

    scripts/measure/points.py                    both, ten seeds each; hours on one CPU core
    scripts/measure/points.py grid --seeds 0 1

Each run appends a line to `--out`. The script prints a table: mean and standard deviation over the
seeds. Both GANs have the same networks, rates, batches and steps: `plain` uses the non-saturating
loss alone, `paired` the relativistic paired loss with R1 and R2.
"""

import argparse
import pathlib
import random

import keras
import numpy as np
import results

import kerasgan
from kerasgan import metrics
from kerasgan.metrics import modes

DATA = {
    "ring": (metrics.ring(), modes.RING_DEVIATION, (-1.5, 1.5)),
    "grid": (metrics.grid(), modes.GRID_DEVIATION, (-5.0, 5.0)),
}
SETTINGS = {
    "plain": {"loss": "non_saturating"},
    "paired": {"loss": "relativistic_paired", "penalty": {"r1": 0.1, "r2": 0.1}},
}
NUM_REAL, NUM_SAMPLES = 100_000, 2_500
WIDTH, LATENT_DIM, BATCH_SIZE, STEPS, RATE, EMA = 128, 2, 256, 20_000, 2e-3, 0.999


def build(value_range):
    """Builds a GAN whose points are images of one row of two pixels, in a range that fits all."""
    latents = keras.Input((LATENT_DIM,), name="latents")
    x = latents
    for _ in range(3):
        x = keras.layers.Dense(WIDTH, activation="relu", kernel_initializer="he_normal")(x)
    x = keras.layers.Dense(2)(x)
    generator = keras.Model(latents, keras.layers.Reshape((1, 2, 1))(x), name="generator")
    points = keras.Input((1, 2, 1), name="points")
    x = keras.layers.Flatten()(points)
    for _ in range(3):
        x = keras.layers.Dense(WIDTH, kernel_initializer="he_normal")(x)
        x = keras.layers.LeakyReLU(negative_slope=0.2)(x)
    discriminator = keras.Model(points, keras.layers.Dense(1)(x), name="discriminator")
    return kerasgan.GAN(generator, discriminator, value_range=value_range)


def adam(steps):
    rate = keras.optimizers.schedules.CosineDecay(RATE, steps, alpha=0.01)
    return keras.optimizers.Adam(rate, beta_1=0.0, beta_2=0.99)


def train(name, centres, deviation, value_range, seed, steps):
    """Trains a GAN on points of a mixture and scores 2,500 generated points."""
    points = metrics.sample_points(centres, deviation, NUM_REAL, seed)
    random.seed(seed)  # Keras draws the initial weights from it
    gan = build(value_range)
    gan.compile(g_optimizer=adam(steps), d_optimizer=adam(steps), ema=EMA, **SETTINGS[name])
    gan.fit(points.reshape(-1, 1, 2, 1).astype("float32"), batch_size=BATCH_SIZE, steps=steps)
    # `sample` would round them to 256 levels.
    latents = np.random.default_rng(seed).standard_normal((NUM_SAMPLES, LATENT_DIM))
    found = gan.sampling_generator.predict_on_batch(latents.astype("float32"))
    return metrics.point_modes(np.asarray(found).reshape(-1, 2), centres, deviation)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", nargs="*", metavar="DATA", default=list(DATA), help="ring, grid")
    parser.add_argument("--gans", nargs="+", choices=SETTINGS, default=list(SETTINGS))
    parser.add_argument("--seeds", nargs="+", type=int, default=range(10))
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--out", type=pathlib.Path, default=results.FOLDER / "points.jsonl")
    given = parser.parse_args()
    if not set(given.data) <= set(DATA):
        parser.error(f"DATA must be one of {list(DATA)}. Received: {given.data}.")
    rows = []
    for data in given.data:
        for name in given.gans:
            found = [
                results.measure(
                    given.out,
                    {"data": data, "gan": name, "seed": seed, "steps": given.steps},
                    train,
                    name,
                    *DATA[data],
                    seed,
                    given.steps,
                )
                for seed in given.seeds
            ]
            columns = zip(("modes", "high_quality", "reverse_kl"), (1, 4, 4), strict=True)
            spreads = [results.spread([run[key] for run in found], n) for key, n in columns]
            rows.append([data, name, len(found), *spreads])
    print(results.table(["data", "GAN", "seeds", "modes", "high quality", "reverse KL"], rows))


if __name__ == "__main__":
    main()
