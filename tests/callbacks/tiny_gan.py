"""A GAN small enough to be trained in a moment, and what its callbacks leave behind."""

import random

import keras
import numpy as np
from models import at_step
from PIL import Image

import kerasgan

IMAGES = np.random.default_rng(0).integers(0, 256, (12, 8, 8, 3), dtype="uint8")


def build_gan(channels=3):
    random.seed(0)
    generator = keras.Sequential(
        [
            keras.Input((4,)),
            keras.layers.Dense(8 * 8 * channels, activation="tanh"),
            keras.layers.Reshape((8, 8, channels)),
        ]
    )
    discriminator = keras.Sequential(
        [keras.Input((8, 8, channels)), keras.layers.Flatten(), keras.layers.Dense(1)]
    )
    return kerasgan.GAN(generator, discriminator)


def train(gan, until, *its_callbacks):
    stop = at_step(until, lambda gan: setattr(gan, "stop_training", True))
    gan.fit(IMAGES, batch_size=4, epochs=99, callbacks=[*its_callbacks, stop], verbose=0)


def files_in(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def weights(gan):
    return np.concatenate([weight.ravel() for weight in gan.get_weights()])


def read_png(path):
    with Image.open(path) as picture:
        return np.array(picture)
