"""A discriminator as a feature extractor (Radford et al. 2015, section 5).

    python docs/examples/discriminator_features.py

The discriminator of the "mnist" model has learned what digits look like from images without labels.
A linear classifier on its features, trained with few labels, is compared with a network of the same
architecture that is trained from scratch. The script prints their accuracies on the test images for
100 and 1,000 labels.
"""

import random

import keras

import kerasgan


def classifier_of(features):
    """A linear layer on `features`, a model of images in (-1, 1), for uint8 images."""
    images = keras.Input((28, 28, 1))
    x = keras.layers.Rescaling(1 / 127.5, offset=-1)(images)
    x = features(x, training=False)
    x = keras.layers.AveragePooling2D(2)(x)
    x = keras.layers.Flatten()(x)
    model = keras.Model(images, keras.layers.Dense(10)(x))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(1e-3), loss, metrics=["accuracy"])
    return model


def main(counts=(100, 1_000), epochs=60, data_path=None):
    digits, labels = kerasgan.datasets.load_mnist("train", data_path)
    test = kerasgan.datasets.load_mnist("test", data_path)
    discriminator = kerasgan.load_pretrained("mnist").discriminator
    last = [layer for layer in discriminator.layers if len(layer.output.shape) == 4][-1]
    learned = keras.Model(discriminator.inputs, last.output)
    accuracies = {}
    for count in counts:
        for name in ("discriminator", "from scratch"):
            random.seed(0)
            features = learned if name == "discriminator" else keras.models.clone_model(learned)
            features.trainable = name != "discriminator"
            classifier = classifier_of(features)
            classifier.fit(digits[:count], labels[:count], epochs=epochs, verbose=0)
            accuracy = classifier.evaluate(*test, verbose=0, return_dict=True)["accuracy"]
            accuracies[count, name] = accuracy
            print(f"{count} labels, {name}: {accuracy:.3f}")
    return accuracies


if __name__ == "__main__":
    main()
