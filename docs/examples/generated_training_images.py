"""A generator as a source of training images, in a classifier's `PyDataset`.

    python docs/examples/generated_training_images.py

Half of each batch is real digits, the other half new samples of the requested classes, made while
training waits for its batch. The script prints the accuracy on the test images of a classifier that
trains on 200 labelled digits, and of one that gets the generated half as well. (The generator has
seen all 60,000 training images and their labels: it stands for one that is trained on more than the
classifier gets.)
"""

import random

import keras
import numpy as np

import kerasgan


class HalfGenerated(keras.utils.PyDataset):
    """Batches of labelled images; `generated` of each batch come from the GAN.

    Args:
        gan: A `kerasgan.GAN` with labels.
        images, labels: The real ones, uint8 `(n, height, width, channels)` and integers `(n,)`.
        generated: Share of generated images in a batch.
    """

    def __init__(self, gan, images, labels, generated=0.5, batch_size=64, steps=50):
        super().__init__()
        self.gan, self.images, self.labels = gan, images, labels
        self.num_fakes = round(generated * batch_size)
        self.num_reals = batch_size - self.num_fakes
        self.steps = steps
        self.rng = np.random.default_rng(0)

    def __len__(self):
        return self.steps

    def __getitem__(self, index):
        chosen = self.rng.integers(len(self.images), size=self.num_reals)
        labels = self.rng.integers(self.gan.num_classes, size=self.num_fakes)
        fakes = self.gan.sample(self.num_fakes, seed=int(self.rng.integers(2**31)), labels=labels)
        return (
            np.concatenate([self.images[chosen], fakes]),
            np.concatenate([self.labels[chosen], labels]),
        )


def build_classifier():
    model = keras.Sequential([keras.Input((28, 28, 1)), keras.layers.Rescaling(1 / 255)])
    for filters in (16, 32, 64):
        model.add(keras.layers.Conv2D(filters, 3, strides=2, padding="same", activation="relu"))
    model.add(keras.layers.Flatten())
    model.add(keras.layers.Dense(10))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss, metrics=["accuracy"])
    return model


def main(count=200, epochs=10, steps=50, data_path=None):
    digits, labels = kerasgan.datasets.load_mnist("train", data_path)
    test = kerasgan.datasets.load_mnist("test", data_path)
    gan = kerasgan.load_pretrained("mnist-conditional")
    accuracies = []
    for generated in (0.0, 0.5):
        random.seed(0)
        classifier = build_classifier()
        data = HalfGenerated(gan, digits[:count], labels[:count], generated, steps=steps)
        classifier.fit(data, epochs=epochs, verbose=0)
        accuracies.append(classifier.evaluate(*test, verbose=0, return_dict=True)["accuracy"])
        print(f"{generated:.0%} generated: {accuracies[-1]:.3f}")
    return accuracies


if __name__ == "__main__":
    main()
