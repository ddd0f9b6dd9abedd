"""Measure how near a GAN of digits comes to real test digits, and to its own samples.

    scripts/measure/projections.py mnist
    scripts/measure/projections.py mnist-conditional --count 50 --data-path FOLDER       no download

Projects the first `--count` test images and as many samples (a saved GAN, or the name of a
pretrained one), and prints the distances of the images found: the root of the mean squared
difference of pixels from 0 to 255. Beside them are the distances of a sample that has nothing to do
with the image but, with labels, its class.
"""

import argparse

import keras
import numpy as np
import results

import kerasgan
from kerasgan import pretrained


def distances(images, others):
    return np.sqrt(np.square(images.astype("float64") - others).mean(axis=(1, 2, 3)))


def measure(gan, images, labels, steps):
    labels = labels if gan.num_classes else None
    others = gan.sample(len(images), seed=1, labels=labels)
    found = kerasgan.project(gan, images, labels, steps)[1]
    return [results.spread(list(each), 1) for each in (found, distances(images, others))]


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model")
    parser.add_argument("--count", type=int, default=50)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--data-path", help="folder or file that contains MNIST")
    given = parser.parse_args()
    is_shipped = given.model in pretrained.NAMES
    gan = (kerasgan.load_pretrained if is_shipped else keras.models.load_model)(given.model)
    digits, labels = kerasgan.datasets.load_mnist("test", given.data_path)
    digits, labels = digits[: given.count], labels[: given.count]
    samples = gan.sample(len(digits), seed=2, labels=labels if gan.num_classes else None)
    rows = [
        [name, *measure(gan, images, labels, given.steps)]
        for name, images in (("real test digits", digits), ("own samples", samples))
    ]
    print(results.table(["images", "projected", "another sample"], rows))


if __name__ == "__main__":
    main()
