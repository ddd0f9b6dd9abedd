"""Train the models that `kerasgan.load_pretrained` loads.

    scripts/measure/pretrain.py mnist                      about an hour on one CPU core
    scripts/measure/pretrain.py flags                      about eight minutes
    scripts/measure/pretrain.py mnist --data-path FOLDER   MNIST files from FOLDER; no download

Writes kerasgan/pretrained/NAME_generator.keras (with averaged weights) and
NAME_discriminator.keras; and, in the folder `--log`, a grid of samples, grids from during training,
and a line in pretrained.jsonl: settings, seconds and, for digits, scores. A model that already has
a line is not trained again.
"""

import argparse
import pathlib
import random

import keras
import results

import kerasgan
from kerasgan import callbacks, metrics, pictures

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
}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("name", choices=SETTINGS)
    parser.add_argument("--epochs", type=int, help="default: those of the shipped model")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--data-path", help="folder or file that contains MNIST")
    parser.add_argument("--out", type=pathlib.Path, default=FOLDER, help="folder for the models")
    parser.add_argument("--log", type=pathlib.Path, default=pathlib.Path("runs/pretrain"))
    given = parser.parse_args()
    settings = SETTINGS[given.name] | ({"epochs": given.epochs} if given.epochs else {})
    if given.name == "mnist":
        data, _ = kerasgan.datasets.load_mnist("train", given.data_path)
    else:
        data = kerasgan.datasets.ImageFolder(FLAGS, (32, 32, 3), batch_size=258)[0]
    key = {"model": given.name, **settings, "seed": given.seed}
    results.measure(given.log / "pretrained.jsonl", key, train, data, settings, given)


def train(data, settings, given):
    """Trains a GAN, saves both models, and scores it if it makes digits."""
    random.seed(given.seed)  # Keras draws the initial weights from it
    build = getattr(kerasgan, f"build_{settings['builder']}")
    gan = build(data.shape[1:], filters=settings["filters"])
    gan.compile(ema=settings["ema"], augment=settings["augment"])
    steps = settings["epochs"] * -(-len(data) // settings["batch_size"])
    for optimizer, rate in zip(gan.optimizer.optimizers, settings["rates"], strict=True):
        optimizer.learning_rate = keras.optimizers.schedules.CosineDecay(rate, steps, alpha=0.01)
    gan.fit(
        data,
        batch_size=settings["batch_size"],
        epochs=settings["epochs"],
        callbacks=[callbacks.SampleGrid(given.log / given.name, every=max(1, steps // 10))],
    )
    given.out.mkdir(parents=True, exist_ok=True)
    gan.sampling_generator.save(given.out / f"{given.name}_generator.keras")
    gan.discriminator.save(given.out / f"{given.name}_discriminator.keras")
    pictures.save_png(given.log / f"{given.name}.png", pictures.grid(gan.sample(64, seed=0)))
    if given.name != "mnist":
        return {"steps": gan.step}
    evaluator = metrics.Evaluator(data, metrics.mnist_encoder())
    return {
        "steps": gan.step,
        **evaluator.protocol,
        "scores": evaluator(gan),
        "floor": evaluator.floor,
    }


if __name__ == "__main__":
    main()
