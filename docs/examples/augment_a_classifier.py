"""DiffAugment as a layer of an image classifier.

    python docs/examples/augment_a_classifier.py

kerasgan's augmentations are Keras layers that run on the device, with one draw for each image, and
only in training. With 300 labelled digits they help a small classifier; the script prints its
accuracy on the 10,000 test images with and without them.
"""

import random

import keras

import kerasgan


def build_classifier(policy=None):
    images = keras.Input((28, 28, 1))
    x = keras.layers.Rescaling(1 / 127.5, offset=-1)(images)
    if policy:
        x = kerasgan.layers.DiffAugment(policy, seed=0)(x)
    for filters in (16, 32, 64):
        x = keras.layers.Conv2D(filters, 3, strides=2, padding="same", activation="relu")(x)
    x = keras.layers.Flatten()(x)
    model = keras.Model(images, keras.layers.Dense(10)(x))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss, metrics=["accuracy"])
    return model


def main(count=300, epochs=60, policies=(None, "translation,cutout"), data_path=None):
    digits, labels = kerasgan.datasets.load_mnist("train", data_path)
    test = kerasgan.datasets.load_mnist("test", data_path)
    accuracies = []
    for policy in policies:
        random.seed(0)
        classifier = build_classifier(policy)
        classifier.fit(digits[:count], labels[:count], epochs=epochs, verbose=0)
        accuracies.append(classifier.evaluate(*test, verbose=0, return_dict=True)["accuracy"])
        print(f"{policy or 'no augmentation'}: {accuracies[-1]:.3f}")
    return accuracies


if __name__ == "__main__":
    main()
