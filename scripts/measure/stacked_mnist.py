"""Modes of Stacked MNIST: how many of its 1,000 combinations of three digits a GAN makes.

    scripts/measure/stacked_mnist.py                        all GANs; hours on a GPU
    scripts/measure/stacked_mnist.py paired --seeds 0 1 2
    scripts/measure/stacked_mnist.py --steps 2 --samples 500 --filters 4     to check that it runs

The protocol is PacGAN's (Lin et al. 2018, section 3.2): 128,000 stacks to train on, 26,000
samples, each channel classified separately (here by the package's classifier). Each run appends a
line to `--out`, and a table is printed. The GANs, all with the DCGAN's networks at width
`--filters`:

    dcgan      as in the builder, but with a discriminator an eighth as wide: the weak baseline of
               the literature, with 78.9 to 99 modes there
    pacgan     as in `build_pacgan`: the discriminator sees two images at a time
    standard   non-saturating loss, R1 and R2, no normalisation in the discriminator
    paired     relativistic paired loss, R1 and R2, the same networks (Huang et al. 2024, table 1)
"""

import argparse
import pathlib
import random

import numpy as np
import results

import kerasgan
from kerasgan import metrics
from kerasgan.zoo.dcgan import dcgan_discriminator, dcgan_generator

NUM_STACKS, BATCH_SIZE, STEPS, FILTERS, LATENT_DIM = 128_000, 64, 50_000, 64, 100
SHAPE = (28, 28, 3)
GANS = ("dcgan", "pacgan", "standard", "paired")
PENALTY = {"r1": 0.5, "r2": 0.5}


def build(name, filters):
    if name == "pacgan":
        return kerasgan.build_pacgan(SHAPE, LATENT_DIM, filters)
    generator = dcgan_generator(SHAPE, LATENT_DIM, filters)
    if name == "dcgan":
        return kerasgan.GAN(generator, dcgan_discriminator(SHAPE, max(1, filters // 8)))
    gan = kerasgan.GAN(generator, dcgan_discriminator(SHAPE, filters, normalize=False))
    gan.compile(loss="relativistic_paired" if name == "paired" else None, penalty=PENALTY)
    return gan


def train(name, digits, classify, given, seed):
    random.seed(seed)  # Keras draws the initial weights from it
    gan = build(name, given.filters)
    gan.compile(ema=0.999)
    stacks = metrics.stack_digits(digits, NUM_STACKS, seed)
    gan.fit(stacks, batch_size=BATCH_SIZE, steps=given.steps)
    return metrics.stacked_modes(gan.sample(given.samples, seed=seed), classify)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("gans", nargs="*", metavar="GAN", default=GANS, help=f"any of {GANS}")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--samples", type=int, default=metrics.modes.NUM_STACKED)
    parser.add_argument("--filters", type=int, default=FILTERS)
    parser.add_argument("--data-path", help="folder or file that contains MNIST")
    parser.add_argument("--out", type=pathlib.Path, default=results.FOLDER / "stacked_mnist.jsonl")
    given = parser.parse_args()
    if not set(given.gans) <= set(GANS):
        parser.error(f"GAN must be one of {GANS}. Received: {given.gans}.")
    digits, _ = kerasgan.datasets.load_mnist("train", given.data_path)
    encode = metrics.Encoder(metrics.mnist_classifier())

    def classify(images):
        return np.argmax(encode(images), axis=1)

    rows = []
    for name in given.gans:
        runs = []
        for seed in given.seeds:
            key = {
                "gan": name,
                "seed": seed,
                "steps": given.steps,
                "samples": given.samples,
                "filters": given.filters,
            }
            runs.append(results.measure(given.out, key, train, name, digits, classify, given, seed))
        columns = (("modes", 0), ("modes_5", 0), ("kl", 4))
        spreads = [results.spread([run[key] for run in runs], n) for key, n in columns]
        rows.append([name, len(runs), *spreads])
    print(results.table(["GAN", "seeds", "modes", "five times or more", "KL"], rows))


if __name__ == "__main__":
    main()
