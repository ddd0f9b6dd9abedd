"""Two models of your own, trained as a GAN.

    python docs/examples/own_models.py

Any generator and discriminator that fit together will do. These two are as small as such models
get: after 600 steps, `own_models.png` shows the outline and the colours of flags, blurred.
"""

import keras

import kerasgan
from kerasgan import callbacks

FLAGS = "datasets/flags"


def build_generator():
    latents = keras.Input((32,), name="latents")
    x = keras.layers.Dense(4 * 4 * 64, activation="relu")(latents)
    x = keras.layers.Reshape((4, 4, 64))(x)
    for filters in (48, 24):
        x = keras.layers.UpSampling2D()(x)
        x = keras.layers.Conv2D(filters, 3, padding="same", activation="relu")(x)
    images = keras.layers.Conv2D(3, 3, padding="same", activation="sigmoid")(x)  # (16, 16, 3)
    return keras.Model(latents, images)


def build_discriminator():
    images = keras.Input((16, 16, 3), name="images")
    x = images
    for filters in (32, 64):
        x = keras.layers.Conv2D(filters, 4, strides=2, padding="same")(x)
        x = keras.layers.LeakyReLU(0.2)(x)
    x = keras.layers.Flatten()(x)
    score = keras.layers.Dense(1)(x)  # linear: above 0 for "real"
    return keras.Model(images, score)


def main(steps=600, folder=FLAGS):
    flags = kerasgan.datasets.ImageFolder(folder, image_shape=(16, 16, 3), batch_size=43)
    gan = kerasgan.GAN(build_generator(), build_discriminator(), value_range=(0, 1))  # sigmoid
    gan.compile(ema=0.99)
    gan.fit(flags, steps=steps, callbacks=[callbacks.Diagnose()])
    picture = kerasgan.image_grid(gan.sample(64, seed=0))
    picture.save("own_models.png")
    return gan


if __name__ == "__main__":
    main()
