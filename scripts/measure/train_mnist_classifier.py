"""Train the classifier of MNIST digits that `kerasgan.metrics` uses.

    scripts/measure/train_mnist_classifier.py                       about 20 minutes on one CPU core
    scripts/measure/train_mnist_classifier.py --data-path FOLDER    MNIST files from FOLDER

Writes kerasgan/metrics/mnist_classifier.keras and prints its accuracy on the test images. Training
does not use the test images at all: the number of epochs is fixed, and the last weights are kept.
"""

import argparse
import pathlib
import random

import keras
import numpy as np

import kerasgan

PATH = pathlib.Path(kerasgan.__file__).parent / "metrics" / "mnist_classifier.keras"
BATCH_SIZE = 128


def build():
    """Builds a model from images of 0 to 255 to logits, with a layer `features` before them."""
    images = keras.Input((28, 28, 1), name="images")
    x = keras.layers.Rescaling(1 / 255)(images)
    for filters, stride in ((16, 1), (32, 2), (32, 1), (64, 2), (64, 1), (64, 2)):
        x = keras.layers.Conv2D(filters, 3, strides=stride, padding="same", use_bias=False)(x)
        x = keras.layers.BatchNormalization(momentum=0.95)(x)
        x = keras.layers.ReLU()(x)  # (28, 28, 16) ... (4, 4, 64)
    x = keras.layers.Flatten()(x)
    x = keras.layers.Dropout(0.3, seed=0)(x)
    x = keras.layers.Dense(64, use_bias=False)(x)
    x = keras.layers.BatchNormalization(momentum=0.95)(x)
    x = keras.layers.ReLU(name="features")(x)  # (64,)
    x = keras.layers.Dense(10, name="logits")(x)
    return keras.Model(images, x, name="mnist_classifier")


def augmentation():
    """Rotates, shifts and scales images so slightly that each digit keeps its class."""
    return keras.Sequential(
        [
            keras.layers.RandomRotation(0.03, fill_mode="constant", seed=1),
            keras.layers.RandomTranslation(0.08, 0.08, fill_mode="constant", seed=2),
            keras.layers.RandomZoom(0.1, fill_mode="constant", seed=3),
        ]
    )


def train(images, labels, epochs, seed):
    """Trains a new classifier, with slightly changed images, and prints each epoch's accuracy."""
    random.seed(seed)
    classifier = build()
    inputs = keras.Input((28, 28, 1))
    trained = keras.Model(inputs, classifier(augmentation()(inputs)))
    steps = epochs * -(-len(images) // BATCH_SIZE)
    trained.compile(
        keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(2e-3, steps)),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    rng = np.random.default_rng(seed)
    for epoch in range(epochs):
        part = rng.permutation(len(images))
        history = trained.fit(
            images[part].astype("float32"), labels[part], BATCH_SIZE, shuffle=False, verbose=0
        )
        print(f"epoch {epoch + 1}: {history.history}", flush=True)
    return classifier


def accuracy(classifier, images, labels):
    """The share of images that the classifier assigns to their class."""
    logits = classifier.predict(images.astype("float32"), verbose=0)
    return float(np.mean(np.argmax(logits, axis=1) == labels))


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--data-path", help="folder or file that contains MNIST")
    parser.add_argument("--out", type=pathlib.Path, default=PATH)
    given = parser.parse_args()
    digits = kerasgan.datasets.load_mnist("train", given.data_path)
    train(*digits, given.epochs, given.seed).save(given.out)
    tests = kerasgan.datasets.load_mnist("test", given.data_path)
    right = accuracy(keras.models.load_model(given.out), *tests)
    print(f"{given.out}: {given.out.stat().st_size} bytes, {right:.4f} of the test images")


if __name__ == "__main__":
    main()
