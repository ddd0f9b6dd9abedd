"""The MLP GAN: two dense layers on each side, the smallest GAN that draws digits.

"Introduction to GANs with Python and TensorFlow",
https://stackabuse.com/introduction-to-gans-with-python-and-tensorflow/, uses it to make MNIST
digits. It has no convolutions and no normalisation, and does not know which pixels are neighbours.
"""

import math

import keras

from kerasgan.gan import GAN
from kerasgan.zoo import channels_last
from kerasgan.zoo.parts import check_sizes

__all__ = ["build_mlp_gan"]


def build_mlp_gan(
    image_shape: tuple[int, int, int] = (28, 28, 1), latent_dim: int = 100, filters: int = 128
) -> GAN:
    """Builds the introduction's GAN of dense layers, compiled as in its code.

    Choose it for a first look at adversarial training, and for tests: a step takes milliseconds
    on a CPU. `build_dcgan` makes better images.

    Reference: "Introduction to GANs with Python and TensorFlow" (Stack Abuse): its code, Adam
    1e-3 on both sides, batches of 128, 1,000,000 steps.

    Differs from the reference: the generator uses its hidden layer, as in the text (the code feeds
    the latents straight into the last layer). The discriminator has no sigmoid; the losses,
    -log D(x) - log(1 - D(G(z))) and -log D(G(z)), are computed from its logits, because a sigmoid
    close to 0 or 1 would lose the gradient. Adam has Keras's epsilon of 1e-7 (1e-8 in
    TensorFlow 1). Sizes other than 28 are supported.

    Args:
        image_shape: `(height, width, channels)`: height and width from 16 to 128 pixels, not
            necessarily equal; 1, 3 or 4 channels.
        latent_dim: Length of a latent vector.
        filters: Number of units in the hidden layer, in both models.

    Returns:
        A compiled `kerasgan.GAN`. The generator maps float32 latents `(batch_size, latent_dim)`,
        drawn from U(-1, 1), to float32 images `(batch_size, height, width, channels)` in (0, 1);
        the discriminator maps such images to one linear score each, `(batch_size, 1)`. By default
        they have 114,064 and 100,609 parameters.

    Raises:
        ValueError: `image_shape` is not supported, or `latent_dim` or `filters` is below 1.

    Example:

    ```python
    gan = kerasgan.build_mlp_gan()
    gan.fit(digits, batch_size=128, epochs=100)
    ```
    """
    image_shape, latent_dim, filters = check_sizes(image_shape, latent_dim, filters)
    gan = GAN(
        _generator(image_shape, latent_dim, filters),
        _discriminator(image_shape, filters),
        latents="symmetric_uniform",
        value_range=(0, 1),
        name="mlp_gan",
    )
    gan.compile(
        g_optimizer=keras.optimizers.Adam(1e-3, name="g_optimizer"),
        d_optimizer=keras.optimizers.Adam(1e-3, name="d_optimizer"),
    )
    return gan


def _generator(image_shape, latent_dim, filters):
    inputs = keras.Input((latent_dim,), name="latents")
    x = keras.layers.Dense(filters, activation="relu")(inputs)
    x = keras.layers.Dense(math.prod(image_shape), activation="sigmoid")(x)
    x = keras.layers.Reshape(image_shape)(x)  # (height, width, channels)
    return keras.Model(inputs, x, name="generator")


def _discriminator(image_shape, filters):
    inputs = keras.Input(image_shape, name="images")
    x = channels_last.Flatten()(inputs)  # (784,)
    x = keras.layers.Dense(filters, activation="relu")(x)
    x = keras.layers.Dense(1, dtype="float32")(x)  # linear score
    return keras.Model(inputs, x, name="discriminator")
