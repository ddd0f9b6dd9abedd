"""Train models of the zoo on MNIST for equal times to see whether, and how well, they learn.

    scripts/measure/learn.py                          all of them, 15 minutes each
    scripts/measure/learn.py dcgan sngan --minutes 5 --seeds 0 1 2
    scripts/measure/learn.py --data-path FOLDER       MNIST files from FOLDER, without a download

Minutes are processor time. For each model, `--out` gets NAME.png (64 samples from seed 0),
NAME-losses.csv and NAME-losses.png, the trained GAN as NAME.keras, and a line in learn.jsonl: its
width, batch size, steps, and scores of 10,000 samples by the features of the package's MNIST
classifier; for models with labels, also how many samples are the requested digit. (SGAN gets 10
labels of each digit, and is judged as a classifier of the test images.) The script prints these
lines as a table. Everything except the settings below is as in `build_NAME`. `docs/models.md`
shows the results.
"""

import argparse
import pathlib
import random

import numpy as np
import results
import stopping

import kerasgan
from kerasgan import callbacks, metrics, pictures, zoo

# Widths at which a step takes a fraction of a second on one core; the sources' batch sizes and
# pre-training. The flag tutorial advises a lower rate for a discriminator that wins.
SETTINGS = {
    "biggan": {"filters": 8, "batch_size": 50},
    "deconv_gan": {"filters": 64, "batch_size": 16},
    "fastgan": {"filters": 16, "batch_size": 8},
    "flag_gan": {"filters": 8, "batch_size": 32, "d_rate": 1e-5},
    "mlp_gan": {"filters": 128, "batch_size": 128},
    "mnist_gan": {"filters": 8, "batch_size": 50, "pretrain_steps": 300},
    "projection_gan": {"filters": 8, "batch_size": 64},
    "r3gan": {"filters": 16, "batch_size": 64},
    "sngan": {"filters": 8, "batch_size": 64},
    "sagan": {"filters": 16, "batch_size": 64},
    "stylegan2": {"filters": 8, "batch_size": 64},
    "wgan": {"filters": 16, "batch_size": 64},
    "wgan_gp": {"filters": 16, "batch_size": 64},
}
OTHERS = {"filters": 32, "batch_size": 64}
EMA = 0.999  # for all, so that models are compared, not averages
NAMES = [name.removeprefix("build_") for name in zoo.__all__]


def learn(name, digits, evaluator, minutes, seed, out):
    """Trains one model, and saves its grid, losses and GAN in `out`."""
    settings = SETTINGS.get(name, OTHERS)
    random.seed(seed)  # Keras draws the initial weights from it
    images, labels = digits["train"]
    gan = getattr(kerasgan, f"build_{name}")(images.shape[1:], filters=settings["filters"])
    gan.compile(ema=EMA)
    if "d_rate" in settings:
        gan.d_optimizer.learning_rate = settings["d_rate"]
    stop = stopping.StopAfter(60 * minutes)
    stem = out / (name if seed == 0 else f"{name}-{seed}")
    gan.fit(
        images,
        _few(labels) if name == "sgan" else labels if gan.num_classes else None,
        batch_size=settings["batch_size"],
        pretrain_steps=settings.get("pretrain_steps", 0),
        epochs=10**6,
        callbacks=[stop, callbacks.LossPlot(f"{stem}-losses.png")],
    )
    gan.save(f"{stem}.keras")
    save_samples(gan, f"{stem}.png")
    asked = spread_labels(gan, evaluator.count)
    fakes = gan.sample(evaluator.count, seed=evaluator.seed, labels=asked)
    measured = {
        **settings,
        "steps": gan.step,
        **evaluator.protocol,
        "scores": evaluator(fakes),
        "floor": evaluator.floor,
        "digits": metrics.digit_statistics(
            fakes, metrics.Encoder(metrics.mnist_classifier()), labels=asked
        ),
    }
    if name == "sgan":
        images, labels = digits["test"]
        logits = gan.discriminator.predict(images / 127.5 - 1.0, verbose=0)[1]
        measured["test_accuracy"] = float(np.mean(logits.argmax(axis=1) == labels))
    return measured


def save_samples(gan, path):
    """Saves 64 samples of seed 0, or a row of eight for each class that can be asked for."""
    labels = spread_labels(gan, 8 * (gan.num_classes or 8))
    grid = gan.sample(64 if labels is None else len(labels), seed=0, labels=labels)
    pictures.save_png(path, pictures.grid(grid, columns=8))


def spread_labels(gan, count):
    """`count` sorted labels, as many of each class; None if the generator takes none."""
    if len(gan.generator.inputs) == 1:
        return None
    return np.arange(count) * gan.num_classes // count


def _few(labels, count=10):
    """The labels of the first `count` images of each digit; -1 for the others."""
    few = np.full(len(labels), -1)
    for digit in range(10):
        first = np.flatnonzero(labels == digit)[:count]
        few[first] = digit
    return few


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("models", nargs="*", metavar="MODEL", default=NAMES, help=f"any of {NAMES}")
    parser.add_argument("--minutes", type=float, default=15.0, help="training time (default: 15)")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--data-path", help="folder or file that contains MNIST")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("runs/learn"))
    given = parser.parse_args()
    unknown = set(given.models) - set(NAMES)
    if unknown:
        parser.error(f"MODEL must be one of {NAMES}. Received: {sorted(unknown)}.")
    digits = {
        split: kerasgan.datasets.load_mnist(split, given.data_path) for split in ("train", "test")
    }
    evaluator = metrics.Evaluator(digits["train"][0], metrics.mnist_encoder())
    rows = []
    for name in given.models:
        runs = []
        for seed in given.seeds:
            key = {"model": name, "training_seed": seed, "minutes": given.minutes}
            arguments = (name, digits, evaluator, given.minutes, seed, given.out)
            runs.append(results.measure(given.out / "learn.jsonl", key, learn, *arguments))
        columns = (("frechet_distance", 2), ("precision", 3), ("recall", 3))
        scores = [results.spread([run["scores"][n] for run in runs], d) for n, d in columns]
        balance = results.spread([run["digits"]["kl"] for run in runs], 3)
        agreement = [run["digits"]["agreement"] for run in runs if "agreement" in run["digits"]]
        asked = results.spread(agreement, 4) if agreement else ""
        steps = results.spread([run["steps"] for run in runs], 0)
        settings = [runs[0]["filters"], runs[0]["batch_size"], steps]
        rows.append([name, *settings, *scores, balance, asked])
        if "test_accuracy" in runs[0]:
            print(f"{name} classifies the test images:", *(run["test_accuracy"] for run in runs))
    header = ["model", "filters", "batch", "steps", "Frechet", "precision", "recall", "digits' KL"]
    header += ["agreement"]
    print(results.table(header, rows))
    print("real images:", evaluator.floor)


if __name__ == "__main__":
    main()
