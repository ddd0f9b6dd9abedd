"""How much augmentation helps with few images: a DCGAN on the 258 flags, with and without it.

    scripts/measure/few_images.py                 three seeds each; about 22 minutes on one CPU core

Images are compared by the features of this script's own encoder: a small network that learns to
tell the 258 flags apart however they are moved and coloured (Dosovitskiy et al. 2014,
"Discriminative Unsupervised Feature Learning with Exemplar Convolutional Neural Networks"). The
kernel distance suits such small sets. Each run appends a line to `--out` and saves its grid (64
samples from seed 0) beside it.
"""

import argparse
import pathlib
import random

import keras
import numpy as np
import results

import kerasgan
from kerasgan import layers, metrics, pictures

POLICIES = {"none": False, "color,translation": "color,translation"}
FLAGS = pathlib.Path(__file__).parents[2] / "datasets" / "flags"
# 43 divides the 258 flags: each pass shows every flag once.
FILTERS, BATCH_SIZE, STEPS, EMA = 32, 43, 3_000, 0.995
COUNT = 1_032  # samples, four for each flag
LENGTH = 8.0  # length of a vector of 64 features


def train_encoder(flags):
    """Trains a classifier with one class per flag; returns an encoder of its last features."""
    random.seed(0)
    inputs = keras.Input(flags.shape[1:], name="images")  # of 0 to 255
    x = keras.layers.Rescaling(1 / 127.5, offset=-1)(inputs)
    for filters in (32, 64, 128):
        x = keras.layers.Conv2D(filters, 3, strides=2, padding="same", use_bias=False)(x)
        x = keras.layers.BatchNormalization(momentum=0.9)(x)
        x = keras.layers.ReLU()(x)  # (16, 16, 32) ... (4, 4, 128)
    x = keras.layers.Dense(64)(keras.layers.Flatten()(x))
    # All features have the same length, so that no image outweighs the others: the cubic kernel is
    # (1 + cosine)^3.
    features = keras.layers.Rescaling(LENGTH)(keras.layers.UnitNormalization()(x))
    logits = keras.layers.Dense(len(flags))(features)
    classifier = keras.Model(inputs, logits)
    augment = layers.DiffAugment("color,translation", value_range=(0, 255), seed=0)
    augmented = keras.Input(flags.shape[1:])
    trained = keras.Model(augmented, classifier(augment(augmented)))
    trained.compile(
        keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(2e-3, 1_200)),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    numbers = np.arange(len(flags))
    trained.fit(flags.astype("float32"), numbers, BATCH_SIZE, epochs=200, shuffle=False, verbose=0)
    return metrics.Encoder(keras.Model(inputs, features), (0, 255), "flags")


def train(policy, rate, flags, real, encoder, seed, picture):
    random.seed(seed)  # Keras draws the initial weights from it
    gan = kerasgan.build_dcgan(flags.shape[1:], filters=FILTERS)
    gan.compile(augment=POLICIES[policy], ema=EMA)
    for optimizer in gan.optimizer.optimizers:
        optimizer.learning_rate = rate
    gan.fit(flags, batch_size=BATCH_SIZE, steps=STEPS)
    pictures.save_png(picture, pictures.grid(gan.sample(64, seed=0)))
    return compare(real, encoder(gan.sample(COUNT, seed=seed)))


def compare(real, fake):
    precision, recall = metrics.precision_recall(real, fake)
    return {
        "kernel_distance": metrics.kernel_distance(real, fake),
        "precision": precision,
        "recall": recall,
        # Between a sample and the most similar flag; 1 for a copy.
        "nearest_cosine": float(np.mean(np.max(fake @ real.T, axis=1))) / LENGTH**2,
    }


def compare_halves(real):
    """Compares one half of the flags with the other, twenty times."""
    generator = np.random.default_rng(0)
    halves = [np.array_split(generator.permutation(real), 2) for _ in range(20)]
    return [compare(*pair) for pair in halves]


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", nargs="+", type=int, default=range(3))
    parser.add_argument(
        "--rate", type=float, default=8e-4, help="rate of both Adams (default: 8e-4, the demo's)"
    )
    parser.add_argument("--out", type=pathlib.Path, default=results.FOLDER / "few_images.jsonl")
    given = parser.parse_args()
    flags = kerasgan.datasets.ImageFolder(FLAGS, (32, 32, 3), batch_size=258, shuffle=False)[0]
    encoder = train_encoder(flags)
    real = encoder(flags)
    # Scores from different encoders cannot be compared.
    protocol = {"encoder_hash": encoder.hash, "count": COUNT}
    given.out.parent.mkdir(parents=True, exist_ok=True)
    runs = {}
    for policy in POLICIES:
        runs[policy] = []
        for seed in given.seeds:
            name = f"flags-{policy.replace(',', '-')}-{given.rate:g}-{seed}.png"
            key = {"augment": policy, "seed": seed, "steps": STEPS, "rate": given.rate, **protocol}
            arguments = (policy, given.rate, flags, real, encoder, seed, given.out.with_name(name))
            runs[policy].append(results.measure(given.out, key, train, *arguments))
    pretrained = kerasgan.load_pretrained("flags").sample(COUNT, seed=0)
    runs["(load_pretrained)"] = [compare(real, encoder(pretrained))]
    runs["(half against half)"] = compare_halves(real)
    names = ["kernel_distance", "precision", "recall", "nearest_cosine"]
    rows = [
        [policy, *(results.spread([score[name] for score in scores], 3) for name in names)]
        for policy, scores in runs.items()
    ]
    print(results.table(["augmentation", *(name.replace("_", " ") for name in names)], rows))


if __name__ == "__main__":
    main()
