"""WGAN: a critic that estimates the distance between the real and the fake distribution.

Arjovsky, Chintala, Bottou 2017, "Wasserstein GAN", https://arxiv.org/abs/1701.07875. The critic's
weights are clipped after every update, which keeps it Lipschitz, and it is trained five times as
often as the generator. Its loss, the negative of that distance, rises towards 0 as images improve.
"""

import keras

from kerasgan.gan import GAN
from kerasgan.losses import WeightClip
from kerasgan.zoo.dcgan import dcgan_discriminator, dcgan_generator
from kerasgan.zoo.parts import check_sizes

__all__ = ["build_wgan"]


def build_wgan(
    image_shape: tuple[int, int, int] = (64, 64, 3), latent_dim: int = 100, filters: int = 64
) -> GAN:
    """Builds a WGAN with clipped weights, compiled as in its paper.

    Choose it for a meaningful loss curve; `build_wgan_gp` trains faster and better. With few
    filters the clipped critic is too weak, and the generator soon makes only one image.

    Reference: Arjovsky et al. 2017 (arXiv 1701.07875), algorithm 1 (RMSprop 5e-5, clipping at
    0.01, five critic steps, batches of 64) and section 4; RMSprop's decay of 0.99 and small
    epsilon from the authors' code.

    Differs from the reference: the critic has no batch normalisation, which would tie the scores
    of a batch together, and no biases: clipped biases are as large as the signals that clipped
    kernels pass on, and would make the critic nearly linear. Most initial weights are outside the
    clipping range until the first update. There are always five critic steps (the authors' code
    takes 100 in each of the first 25 steps and in every 500th).

    Args:
        image_shape: `(height, width, channels)`: height and width from 16 to 128 pixels, not
            necessarily equal; 1, 3 or 4 channels.
        latent_dim: Length of a latent vector.
        filters: Number of filters in the layer nearest the image, in both models. It doubles each
            time the size halves.

    Returns:
        A compiled `kerasgan.GAN`. The generator maps float32 latents `(batch_size, latent_dim)` to
        float32 images `(batch_size, height, width, channels)` in (-1, 1); the critic
        (`discriminator`) maps such images to one linear score each, `(batch_size, 1)`.

    Raises:
        ValueError: `image_shape` is not supported, or `latent_dim` or `filters` is below 1.

    Example:

    ```python
    gan = kerasgan.build_wgan(image_shape=(32, 32, 3))
    gan.fit(images, batch_size=64, epochs=100)
    ```
    """
    image_shape, latent_dim, filters = check_sizes(image_shape, latent_dim, filters)
    clip = WeightClip(0.01)
    gan = GAN(
        dcgan_generator(image_shape, latent_dim, filters),
        dcgan_discriminator(image_shape, filters, normalize=False, constraint=clip),
        name="wgan",
    )
    gan.compile(
        g_optimizer=_rmsprop("g_optimizer"),
        d_optimizer=_rmsprop("d_optimizer"),
        loss="wasserstein",
        discriminator_steps=5,
    )
    return gan


def _rmsprop(name):
    # Keras adds epsilon to the squared gradients, and its default of 1e-7 is large compared with
    # those of a clipped critic.
    return keras.optimizers.RMSprop(5e-5, rho=0.99, epsilon=1e-16, name=name)
