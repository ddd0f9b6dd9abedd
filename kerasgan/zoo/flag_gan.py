"""The flag GAN: noise, one wide dense layer and small convolutions, for emoji flags.

"Generative Adversarial Networks: An Illustrative Tutorial" uses it to draw flag emoji in shades of
grey. The generator uses upsampling and dropout; the discriminator ends in a softmax over
(fake, real), and sees real and fake images as one batch.
"""

import itertools

import keras

from kerasgan.checks import check_whole
from kerasgan.gan import GAN
from kerasgan.zoo import channels_last
from kerasgan.zoo.parts import batch_norm, check_sizes, crop_to, reduced

__all__ = ["build_flag_gan"]


def build_flag_gan(
    image_shape: tuple[int, int, int] = (64, 64, 1),
    latent_dim: int = 100,
    filters: int = 32,
    seed: int = 0,
) -> GAN:
    """Builds the flag tutorial's GAN, compiled as in the tutorial.

    Choose it to follow the tutorial; `build_dcgan` is smaller and makes better images.

    Reference: "Generative Adversarial Networks: An Illustrative Tutorial" (flag emoji, Keras):
    its printed model summaries, Adam 1e-4 on both sides, batches of 32.

    Differs from the reference: the last Dense layer has no softmax, because the loss takes logits
    (parameter counts and gradients are the same, without the clipping of some backends). Only a
    LeakyReLU follows each convolution, as in the tutorial's text (its code puts a ReLU in front,
    which leaves the LeakyReLU without effect), and the discriminator's filters are those of its
    printed summary (its code says 256 and 128). Fakes for the discriminator are made in training
    mode.
    BatchNormalization has a momentum of 0.8 (with Keras's default of 0.99, sampled images lag
    behind for hundreds of steps). `d_loss` is the sum of the losses on real and fake images,
    twice the tutorial's number, which is their mean (Adam's steps are the same; the plots differ).
    Sizes other than 64 are supported.

    Args:
        image_shape: `(height, width, channels)`: height and width from 16 to 128 pixels, not
            necessarily equal; 1, 3 or 4 channels.
        latent_dim: Length of a latent vector, and number of channels in the first feature map.
        filters: Number of filters in the generator's layer nearest the image. The discriminator's
            convolutions have four times and twice as many.
        seed: Seed of the dropout layers, a whole number of at least 0.

    Returns:
        A compiled `kerasgan.GAN`. The generator maps float32 latents `(batch_size, latent_dim)`,
        drawn from U(0, 1), to float32 images `(batch_size, height, width, channels)` in (0, 1);
        the discriminator maps such images to two linear columns (fake, real), `(batch_size, 2)`.
        By default they have 2,764,545 (2,713,153 trainable) and 8,596,898 parameters.

    Raises:
        ValueError: `image_shape` is not supported, `latent_dim` or `filters` is below 1, or `seed`
            is not a whole number of at least 0.

    Example:

    ```python
    gan = kerasgan.build_flag_gan()
    gan.fit(flags, batch_size=32, epochs=100)
    gan.d_optimizer.learning_rate = 5e-5    # if the discriminator wins
    ```
    """
    image_shape, latent_dim, filters = check_sizes(image_shape, latent_dim, filters)
    check_whole("seed", seed, 0, 2**31 - 6)  # the first of six layers' seeds
    seeds = itertools.count(int(seed))
    gan = GAN(
        _generator(image_shape, latent_dim, filters, seeds),
        _discriminator(image_shape, filters, seeds),
        latents="uniform",
        value_range=(0, 1),
        name="flag_gan",
    )
    gan.compile(
        g_optimizer=keras.optimizers.Adam(1e-4, name="g_optimizer"),
        d_optimizer=keras.optimizers.Adam(1e-4, name="d_optimizer"),
        update="concatenated",
    )
    return gan


def _generator(image_shape, latent_dim, filters, seeds):
    height, width, channels = image_shape
    rows, columns = reduced(image_shape, 4)

    inputs = keras.Input((latent_dim,), name="latents")
    x = keras.layers.Dense(latent_dim * rows * columns, kernel_initializer="glorot_normal")(inputs)
    x = batch_norm()(x)
    x = keras.layers.ReLU()(x)
    x = keras.layers.Reshape((rows, columns, latent_dim))(x)  # (16, 16, 100)
    x = channels_last.UpSampling2D(4)(x)  # (64, 64, 100)
    x = keras.layers.Dropout(0.5, seed=next(seeds))(x)
    for count in (2 * filters, filters):
        x = channels_last.Conv2D(count, 3, padding="same")(x)
        x = batch_norm()(x)
        x = keras.layers.ReLU()(x)
        x = keras.layers.Dropout(0.5, seed=next(seeds))(x)  # (64, 64, 64), then (64, 64, 32)
    x = channels_last.Conv2D(channels, 1, activation="sigmoid")(x)
    x = crop_to(x, height, width)  # (height, width, channels)
    return keras.Model(inputs, x, name="generator")


def _discriminator(image_shape, filters, seeds):
    inputs = keras.Input(image_shape, name="images")
    x = inputs
    for count in (4 * filters, 2 * filters):
        x = channels_last.Conv2D(count, 5, padding="same")(x)
        x = keras.layers.LeakyReLU(negative_slope=0.2)(x)
        x = keras.layers.Dropout(0.25, seed=next(seeds))(x)  # (64, 64, 128), then (64, 64, 64)
    x = channels_last.Flatten()(x)
    x = keras.layers.Dense(32)(x)
    x = keras.layers.LeakyReLU(negative_slope=0.2)(x)
    x = keras.layers.Dropout(0.25, seed=next(seeds))(x)
    x = keras.layers.Dense(2, dtype="float32")(x)  # linear columns: fake, real
    return keras.Model(inputs, x, name="discriminator")
