"""Train classifiers on generated digits alone, and test them on real ones.

    scripts/measure/train_on_samples.py runs/learn/acgan.keras
    scripts/measure/train_on_samples.py runs/learn/acgan.keras --data-path FOLDER   no download

A classifier that never saw a real digit recognises real ones only if the samples are what their
labels say, and as varied. The model (a saved GAN that takes labels, or the name of a pretrained
one) makes `--count` digits, as many of each class; the same number of real ones, drawn at random,
trains a second classifier in the same way. Both are tested on the 10,000 test images. Each run
appends a line to `--out`; a table is printed.

Reference: Ravuri and Vinyals 2019, "Classification Accuracy Score for Conditional Generative
Models" (arXiv 1905.10887).
"""

import argparse
import pathlib

import keras
import learn
import numpy as np
import results
import train_mnist_classifier as classifiers

import kerasgan
from kerasgan import pretrained


def measure(images, labels, tests, epochs, seed):
    classifier = classifiers.train(images, labels, epochs, seed)
    return {"accuracy": classifiers.accuracy(classifier, *tests)}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model")
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--seeds", nargs="+", type=int, default=range(3))
    parser.add_argument("--data-path", help="folder or file that contains MNIST")
    parser.add_argument(
        "--out", type=pathlib.Path, default=results.FOLDER / "train_on_samples.jsonl"
    )
    given = parser.parse_args()
    is_shipped = given.model in pretrained.NAMES
    load = kerasgan.load_pretrained if is_shipped else keras.models.load_model
    gan = load(given.model)
    if learn.spread_labels(gan, given.count) is None:
        parser.error(f"{given.model} takes no labels.")
    digits = kerasgan.datasets.load_mnist("train", given.data_path)
    tests = kerasgan.datasets.load_mnist("test", given.data_path)
    rows = []
    for name in (pathlib.Path(given.model).stem, "real images"):
        found = []
        for seed in given.seeds:
            key = {"images": name, "count": given.count, "epochs": given.epochs, "seed": seed}
            if name == "real images":
                chosen = np.random.default_rng(seed).permutation(len(digits[0]))[: given.count]
                images, labels = (part[chosen] for part in digits)
            else:
                labels = learn.spread_labels(gan, given.count)
                images = gan.sample(given.count, seed=seed, labels=labels)
            arguments = (images, labels, tests, given.epochs, seed)
            found.append(results.measure(given.out, key, measure, *arguments)["accuracy"])
        rows.append([name, results.spread(found, 4)])
    print(results.table(["trained on", "right for the test images"], rows))


if __name__ == "__main__":
    main()
