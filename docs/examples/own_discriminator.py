"""A generator of the zoo against a discriminator of your own.

    python docs/examples/own_discriminator.py

`gan.generator` is a plain Keras model, so it goes into another GAN as it is. The discriminator here
has separable convolutions, and learns with a hinge loss and an R1 penalty. It ends in a `Flatten`:
with global pooling it would not see where in an image things are, and be too weak.
"""

import keras

import kerasgan

FLAGS = "datasets/flags"


def build_discriminator(image_shape):
    images = keras.Input(image_shape, name="images")
    x = keras.layers.Conv2D(32, 5, strides=2, padding="same")(images)
    x = keras.layers.LeakyReLU(0.2)(x)
    for filters in (64, 128):
        x = keras.layers.SeparableConv2D(filters, 5, strides=2, padding="same")(x)
        x = keras.layers.LeakyReLU(0.2)(x)
    x = keras.layers.Flatten()(x)
    return keras.Model(images, keras.layers.Dense(1)(x))


def main(steps=600, folder=FLAGS):
    flags = kerasgan.datasets.ImageFolder(folder, image_shape=(32, 32, 3), batch_size=43)
    generator = kerasgan.build_dcgan(image_shape=(32, 32, 3), filters=16).generator
    gan = kerasgan.GAN(generator, build_discriminator((32, 32, 3)))
    gan.compile(
        loss="hinge",
        penalty={"r1": 1.0},
        g_optimizer=keras.optimizers.Adam(8e-4, beta_1=0.5),
        d_optimizer=keras.optimizers.Adam(8e-4, beta_1=0.5),
        ema=0.99,
    )
    gan.fit(flags, steps=steps)
    kerasgan.image_grid(gan.sample(64, seed=0)).save("own_discriminator.png")
    return gan


if __name__ == "__main__":
    main()
