"""`kerasgan.frozen` in a loop of your own, without the rest of the library.

    python docs/examples/frozen_loop.py

This is the loop of the classic tutorials, mended for Keras 3 by the one `with` block. Both models
here have no BatchNormalization: `frozen` freezes variables, and its moving averages would be
written all the same. (`kerasgan.GAN` takes care of that, too.)
"""

import keras
import numpy as np

import kerasgan

FLAGS = "datasets/flags"


def main(steps=300, folder=FLAGS):
    flags = kerasgan.datasets.ImageFolder(folder, image_shape=(16, 16, 3), batch_size=43)
    images = np.concatenate(list(flags)).astype("float32") / 255

    generator = keras.Sequential(
        [
            keras.Input((32,)),
            keras.layers.Dense(256, activation="relu"),
            keras.layers.Dense(16 * 16 * 3, activation="sigmoid"),
            keras.layers.Reshape((16, 16, 3)),
        ]
    )
    discriminator = keras.Sequential(
        [
            keras.Input((16, 16, 3)),
            keras.layers.Flatten(),
            keras.layers.Dense(128, activation="leaky_relu"),
            keras.layers.Dense(1),
        ]
    )
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    discriminator.compile(keras.optimizers.Adam(2e-4, beta_1=0.5), loss)
    combined = keras.Sequential([generator, discriminator])
    combined.compile(keras.optimizers.Adam(2e-4, beta_1=0.5), loss)

    rng = np.random.default_rng(0)
    real, fake = np.ones((32, 1)), np.zeros((32, 1))
    for step in range(1, steps + 1):
        latents = rng.standard_normal((32, 32)).astype("float32")
        fake_images = generator.predict_on_batch(latents)
        real_images = images[rng.integers(len(images), size=32)]
        d_loss = discriminator.train_on_batch(
            np.concatenate([real_images, fake_images]), np.concatenate([real, fake])
        )
        with kerasgan.frozen(discriminator):  # at every call: Keras 3 reads the flags then
            g_loss = combined.train_on_batch(latents, real)
        if step % 100 == 0:
            print(f"step {step}: d_loss {d_loss:.3f}, g_loss {g_loss:.3f}")
    return generator, discriminator


if __name__ == "__main__":
    main()
