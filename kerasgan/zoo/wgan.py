"""WGAN: a critic that estimates the distance between the real and the fake distribution.

Arjovsky, Chintala, Bottou 2017, "Wasserstein GAN", https://arxiv.org/abs/1701.07875. The critic
is kept Lipschitz by clipping its weights after every update, and trained five times as often as
the generator. Its loss, the negative of that distance, rises towards 0 as the images get better.
"""

import keras

from kerasgan.gan import GAN
from kerasgan.losses import WeightClip
from kerasgan.zoo.convnet import dcgan_discriminator, dcgan_generator
from kerasgan.zoo.parts import check_sizes


def build_wgan(image_shape=(64, 64, 3), latent_dim=100, filters=64):
    """Builds a WGAN with clipped weights, compiled as in its paper.

    For a loss curve that means something; `build_wgan_gp` trains faster and better. With few
    filters the clipped critic is too weak, and the generator soon makes one image only.

    Reference: Arjovsky et al. 2017 (arXiv 1701.07875), algorithm 1 (RMSprop 5e-5, clipping at
    0.01, five critic steps, batches of 64) and section 4; RMSprop's decay of 0.99 and small
    epsilon from the authors' code.

    Differs from the reference: no batch normalisation in the critic, where it would tie the
    scores of a batch together, and no biases, which within the clip are as large as the signals
    that clipped kernels pass on and make the critic as good as linear; most weights start outside
    the clip, until the first update; five critic steps always (the authors' code makes 100 in the
    first 25 steps and in every 500th).

    Args:
        image_shape: `(height, width, channels)`: 16 to 128 pixels, not necessarily square; 1,
            3 or 4 channels.
        latent_dim: Length of a latent vector.
        filters: Filters of the layer nearest to the image, in both models; they double with
            each halving of the size.

    Returns:
        `kerasgan.GAN`. Its generator takes float32 latents `(batch_size, latent_dim)` and gives
        float32 images `(batch_size, height, width, channels)` in (-1, 1); its critic
        (`discriminator`) takes such images and gives one linear score `(batch_size, 1)`.

    Raises:
        ValueError: An image_shape that it cannot make, or a latent_dim or filters below 1.

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
    # Keras adds its epsilon to the squared gradients: 1e-7 would be large beside those that a
    # clipped critic has.
    return keras.optimizers.RMSprop(5e-5, rho=0.99, epsilon=1e-16, name=name)
