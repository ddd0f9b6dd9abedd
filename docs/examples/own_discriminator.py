"""A generator of the zoo against a discriminator of your own.

    python docs/examples/own_discriminator.py

`gan.generator` is a plain Keras model, so it goes into another GAN as it is. The discriminator here
is a small classifier's architecture, trained with a hinge loss and an R1 penalty. It shows how to
combine the two, not how to win: so weak a discriminator soon lets one image pass for all.
"""

import keras

import kerasgan

FLAGS = "datasets/flags"


def build_discriminator(image_shape):
    images = keras.Input(image_shape, name="images")
    x = keras.layers.Conv2D(32, 3, strides=2, padding="same", activation="leaky_relu")(images)
    for filters in (64, 128):
        x = keras.layers.SeparableConv2D(filters, 3, padding="same", activation="leaky_relu")(x)
        x = keras.layers.AveragePooling2D(2)(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    return keras.Model(images, keras.layers.Dense(1)(x))


def main(steps=600, folder=FLAGS):
    flags = kerasgan.datasets.ImageFolder(folder, image_shape=(32, 32, 3), batch_size=43)
    generator = kerasgan.build_dcgan(image_shape=(32, 32, 3), filters=16).generator
    gan = kerasgan.GAN(generator, build_discriminator((32, 32, 3)))
    gan.compile(loss="hinge", penalty={"r1": 1.0}, ema=0.99)
    gan.fit(flags, steps=steps)
    kerasgan.image_grid(gan.sample(64, seed=0)).save("own_discriminator.png")
    return gan


if __name__ == "__main__":
    main()
