"""Train the models that `kerasgan.load_pretrained` loads.

    scripts/measure/pretrain.py flags                             eight minutes on one CPU core
    scripts/measure/pretrain.py mnist                             an hour, as the others
    scripts/measure/pretrain.py mnist-conditional
    scripts/measure/pretrain.py emoji --data-path FOLDER          a folder of images
    scripts/measure/pretrain.py cifar10 --data-path FOLDER        a folder for each class

For digits, `--data-path` is optional: a folder that contains the MNIST files; no download.

Writes kerasgan/pretrained/NAME_generator.keras (with averaged weights) and
NAME_discriminator.keras; and, in the folder `--log`, a grid of samples, grids from during training,
and a line in pretrained.jsonl: settings, seconds and, for digits, scores. A model that already has
a line is not trained again; a training that was interrupted continues from its last checkpoint, and
the seconds are those since then.
"""

import argparse
import pathlib
import random

import keras
import learn
import results

import kerasgan
from kerasgan import callbacks, metrics

FLAGS = pathlib.Path(__file__).parents[2] / "datasets" / "flags"
FOLDER = pathlib.Path(kerasgan.__file__).parent / "pretrained"
SETTINGS = {
    "mnist": {
        "builder": "infogan",
        "filters": 20,
        "batch_size": 64,
        "epochs": 60,
        "rates": [1e-3, 2e-4],  # generator, discriminator; both fall to a hundredth
        "ema": 0.9995,
        "augment": None,
    },
    "mnist-conditional": {
        "builder": "acgan",
        "filters": 32,
        "batch_size": 64,
        "epochs": 12,
        "rates": [1.6e-3, 1.6e-3],
        "ema": 0.9995,
        "augment": None,
    },
    # 43 divides the 258 flags: each pass shows every flag once.
    "flags": {
        "builder": "dcgan",
        "filters": 32,
        "batch_size": 43,
        "epochs": 1000,
        "rates": [8e-4, 8e-4],
        "ema": 0.998,
        "augment": "color,translation",
    },
    "emoji": {
        "builder": "dcgan",
        "filters": 32,
        "batch_size": 64,
        "epochs": 200,
        "rates": [4e-4, 4e-4],
        "ema": 0.999,
        "augment": "color,translation",
    },
    "cifar10": {
        "builder": "acgan",
        "filters": 32,
        "batch_size": 64,
        "epochs": 14,
        "rates": [8e-4, 8e-4],
        "ema": 0.9995,
        "augment": None,
    },
}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("name", choices=SETTINGS)
    parser.add_argument("--epochs", type=int, help="default: those of the shipped model")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--data-path", help="folder of the images, or of the MNIST files")
    parser.add_argument("--out", type=pathlib.Path, default=FOLDER, help="folder for the models")
    parser.add_argument("--log", type=pathlib.Path, default=pathlib.Path("runs/pretrain"))
    given = parser.parse_args()
    settings = SETTINGS[given.name] | ({"epochs": given.epochs} if given.epochs else {})
    if given.name in ("emoji", "cifar10") and not given.data_path:
        parser.error(f"{given.name} needs the folder of its images. Pass it as --data-path.")
    key = {"model": given.name, **settings, "seed": given.seed}
    results.measure(given.log / "pretrained.jsonl", key, train, load(given), settings, given)


def load(given):
    """The images, and their labels or None."""
    if given.name.startswith("mnist"):
        images, labels = kerasgan.datasets.load_mnist("train", given.data_path)
        return images, labels if given.name == "mnist-conditional" else None
    folder = kerasgan.datasets.ImageFolder(
        FLAGS if given.name == "flags" else given.data_path,
        (32, 32, 3),
        batch_size=10**6,
        labels=given.name == "cifar10",
    )
    return folder[0] if folder.num_classes else (folder[0], None)


def build(settings, image_shape, steps, seed):
    random.seed(seed)  # Keras draws the initial weights from it
    builder = getattr(kerasgan, f"build_{settings['builder']}")
    gan = builder(image_shape, filters=settings["filters"])
    gan.compile(ema=settings["ema"], augment=settings["augment"])
    for optimizer, rate in zip(gan.optimizer.optimizers, settings["rates"], strict=True):
        optimizer.learning_rate = keras.optimizers.schedules.CosineDecay(rate, steps, alpha=0.01)
    return gan


def train(data, settings, given):
    """Trains a GAN, saves both models, and scores it if it makes digits."""
    images, labels = data
    steps = settings["epochs"] * -(-len(images) // settings["batch_size"])
    folder = given.log / given.name
    try:
        gan = callbacks.load_checkpoint(folder)
    except FileNotFoundError:
        gan = build(settings, images.shape[1:], steps, given.seed)
    gan.fit(
        images,
        labels,
        batch_size=settings["batch_size"],
        epochs=settings["epochs"],
        initial_epoch=gan.epoch,
        callbacks=[
            callbacks.SampleGrid(folder, every=max(1, steps // 10)),
            callbacks.Checkpoint(folder, every=max(500, steps // 20)),
        ],
    )
    given.out.mkdir(parents=True, exist_ok=True)
    gan.sampling_generator.save(given.out / f"{given.name}_generator.keras")
    gan.discriminator.save(given.out / f"{given.name}_discriminator.keras")
    learn.save_samples(gan, given.log / f"{given.name}.png")
    if not given.name.startswith("mnist"):
        return {"steps": gan.step}
    evaluator = metrics.Evaluator(images, metrics.mnist_encoder())
    asked = learn.spread_labels(gan, evaluator.count)
    fakes = gan.sample(evaluator.count, seed=evaluator.seed, labels=asked)
    classifier = metrics.Encoder(metrics.mnist_classifier())
    return {
        "steps": gan.step,
        **evaluator.protocol,
        "scores": evaluator(fakes),
        "floor": evaluator.floor,
        "digits": metrics.digit_statistics(fakes, classifier, labels=asked),
    }


if __name__ == "__main__":
    main()
