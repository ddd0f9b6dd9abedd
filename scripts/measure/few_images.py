"""How much augmentation helps with few images: three models with and without it.

    scripts/measure/few_images.py                        a DCGAN on the 258 flags, three seeds each
    scripts/measure/few_images.py fastgan stylegan2      others: FastGAN, StyleGAN2
    scripts/measure/few_images.py --data emoji --data-path FOLDER     on the images of a folder

Images are compared by the features of this script's own encoder: a small network that learns to
tell the images apart however they are moved and coloured (Dosovitskiy et al. 2014,
"Discriminative Unsupervised Feature Learning with Exemplar Convolutional Neural Networks"). The
kernel distance suits such small sets. Our encoders are in docs/results/encoders; one that is
missing in `--encoders` is trained. Each run appends a line to `--out` and saves its grid (64
samples from seed 0) beside it.
"""

import argparse
import pathlib
import random

import keras
import numpy as np
import results

import kerasgan
from kerasgan import layers, metrics, pictures, pretrained

FLAGS = pathlib.Path(__file__).parents[2] / "datasets" / "flags"
# 43 divides the 258 flags: each pass shows every flag once. Rates and averages that are not here
# are the builder's.
MODELS = {
    "dcgan": {"filters": 32, "batch_size": 43, "steps": 3_000, "rate": 8e-4, "ema": 0.995},
    "fastgan": {"filters": 16, "batch_size": 8, "steps": 3_000},
    "stylegan2": {"filters": 8, "batch_size": 32, "steps": 1_500, "ema": 0.995},
}
POLICIES = {"dcgan": "color,translation", "fastgan": "color,translation", "stylegan2": "ada"}
COUNT = 1_032  # samples, four for each flag
ENCODER_EPOCHS, ENCODER_BATCH_SIZE = {"flags": 200, "emoji": 60}, 43
LENGTH = 8.0  # length of a vector of 64 features


def train_encoder(images, data):
    """Trains a classifier with one class per image; returns a model of its last features."""
    random.seed(0)
    inputs = keras.Input(images.shape[1:], name="images")  # of 0 to 255
    x = keras.layers.Rescaling(1 / 127.5, offset=-1)(inputs)
    for filters in (32, 64, 128):
        x = keras.layers.Conv2D(filters, 3, strides=2, padding="same", use_bias=False)(x)
        x = keras.layers.BatchNormalization(momentum=0.9)(x)
        x = keras.layers.ReLU()(x)  # (16, 16, 32) ... (4, 4, 128)
    x = keras.layers.Dense(64)(keras.layers.Flatten()(x))
    # All features have the same length, so that no image outweighs the others: the cubic kernel is
    # (1 + cosine)^3.
    features = keras.layers.Rescaling(LENGTH)(keras.layers.UnitNormalization()(x))
    logits = keras.layers.Dense(len(images))(features)
    classifier = keras.Model(inputs, logits)
    augment = layers.DiffAugment("color,translation", value_range=(0, 255), seed=0)
    augmented = keras.Input(images.shape[1:])
    trained = keras.Model(augmented, classifier(augment(augmented)))
    epochs = ENCODER_EPOCHS[data]
    steps = epochs * -(-len(images) // ENCODER_BATCH_SIZE)
    trained.compile(
        keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(2e-3, steps)),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    numbers = np.arange(len(images))
    trained.fit(
        images.astype("float32"), numbers, ENCODER_BATCH_SIZE, epochs, shuffle=False, verbose=0
    )
    return keras.Model(inputs, features)


def train(model, settings, policy, images, real, encoder, seed, picture):
    random.seed(seed)  # Keras draws the initial weights from it
    gan = getattr(kerasgan, f"build_{model}")(images.shape[1:], filters=settings["filters"])
    gan.compile(augment=policy, ema=settings.get("ema"))
    if "rate" in settings:
        for optimizer in gan.optimizer.optimizers:
            optimizer.learning_rate = settings["rate"]
    gan.fit(images, batch_size=settings["batch_size"], steps=settings["steps"])
    pictures.save_png(picture, pictures.grid(gan.sample(64, seed=0)))
    return compare(real, encoder(gan.sample(COUNT, seed=seed)))


def compare(real, fake):
    precision, recall = metrics.precision_recall(real, fake)
    return {
        "kernel_distance": metrics.kernel_distance(real, fake),
        "precision": precision,
        "recall": recall,
        # Between a sample and the most similar image; 1 for a copy.
        "nearest_cosine": float(np.mean(np.max(fake @ real.T, axis=1))) / LENGTH**2,
    }


def compare_halves(real):
    """Compares one half of the images with the other, twenty times."""
    generator = np.random.default_rng(0)
    halves = [np.array_split(generator.permutation(real), 2) for _ in range(20)]
    return [compare(*pair) for pair in halves]


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "models", nargs="*", metavar="MODEL", default=["dcgan"], help=f"any of {list(MODELS)}"
    )
    parser.add_argument("--data", choices=ENCODER_EPOCHS, default="flags")
    parser.add_argument("--data-path", help="folder of images, instead of the 258 flags")
    parser.add_argument("--seeds", nargs="+", type=int, default=range(3))
    parser.add_argument("--steps", type=int, help="instead of the model's own")
    parser.add_argument("--out", type=pathlib.Path, default=results.FOLDER / "few_images.jsonl")
    parser.add_argument("--encoders", type=pathlib.Path, default=results.ENCODERS, help="folder")
    given = parser.parse_args()
    if not set(given.models) <= set(MODELS):
        parser.error(f"MODEL must be one of {list(MODELS)}. Received: {given.models}.")
    if (given.data == "flags") != (given.data_path is None):
        parser.error("Pass --data-path for emoji, and only for them.")
    folder = given.data_path or FLAGS
    images = kerasgan.datasets.ImageFolder(folder, (32, 32, 3), batch_size=10**6, shuffle=False)[0]
    path = given.encoders / f"{given.data}.keras"
    if not path.exists():
        given.encoders.mkdir(parents=True, exist_ok=True)
        train_encoder(images, given.data).save(path)
    encoder = metrics.Encoder(keras.models.load_model(path), (0, 255), given.data)
    real = encoder(images)
    # Scores from different encoders cannot be compared.
    protocol = {"encoder_hash": encoder.hash, "count": COUNT}
    given.out.parent.mkdir(parents=True, exist_ok=True)
    runs = {}
    for model in given.models:
        settings = MODELS[model] | ({"steps": given.steps} if given.steps else {})
        for policy in (False, POLICIES[model]):
            name = policy or "none"
            runs[model, name] = []
            for seed in given.seeds:
                stem = f"{given.data}-{model}-{name.replace(',', '-')}-{seed}"
                key = {"data": given.data, "model": model, "augment": name, "seed": seed}
                key |= settings | protocol
                arguments = (model, settings, policy, images, real, encoder, seed)
                picture = given.out.with_name(f"{stem}.png")
                run = results.measure(given.out, key, train, *arguments, picture)
                runs[model, name].append(run)
    if given.data in pretrained.NAMES:
        samples = kerasgan.load_pretrained(given.data).sample(COUNT, seed=0)
        runs["(load_pretrained)", ""] = [compare(real, encoder(samples))]
    runs["(half against half)", ""] = compare_halves(real)
    names = ["kernel_distance", "precision", "recall", "nearest_cosine"]
    rows = [
        [*key, *(results.spread([score[name] for score in scores], 3) for name in names)]
        for key, scores in runs.items()
    ]
    header = ["model", "augmentation", *(name.replace("_", " ") for name in names)]
    print(results.table(header, rows))


if __name__ == "__main__":
    main()
