"""InfoGAN: some of the latents are codes, which the discriminator learns to read back.

Chen et al. 2016, "InfoGAN: Interpretable Representation Learning by Information Maximizing
Generative Adversarial Nets", https://arxiv.org/abs/1606.03657. Without any labels, categories learn
to represent digits, and continuous codes slant or width.
"""

import keras
import numpy as np
from keras import ops

from kerasgan.checks import check_whole
from kerasgan.gan import GAN
from kerasgan.zoo import channels_last
from kerasgan.zoo.parts import WIDEST, batch_norm, check_sizes, crop_to, reduced

__all__ = ["CodeLoss", "CodedLatents", "build_infogan"]


def build_infogan(
    image_shape: tuple[int, int, int] = (28, 28, 1),
    latent_dim: int = 74,
    filters: int = 64,
    num_categories: int = 10,
    num_continuous: int = 2,
) -> GAN:
    """Builds the InfoGAN of the paper's MNIST runs, compiled as in the paper.

    Choose it for meaningful latents. To see what they mean, sample from your own latents: the last
    `num_continuous` numbers are the continuous codes, in (-1, 1); the `num_categories` before them
    are the category, one-hot; the rest is noise in (-1, 1).

    Reference: Chen et al. 2016 (arXiv 1606.03657), sections 5 and 6 (the bound on the mutual
    information, lambda 1 for the category), appendix C (leaks of 0.1; Adam, beta_1 0.5) and C.1
    (architecture; rates of 1e-3 for the generator and 2e-4 for the discriminator); batches of 128
    and BatchNormalization's epsilon of 1e-5 from the authors' code.

    Differs from the reference: images are in (-1, 1). Lambda is 0.1 for the continuous codes (1 in
    the authors' code for MNIST); as in that code, their standard deviation is fixed at 1, so their
    loss is half the squared error, and the head that reads the codes is trained only in the
    discriminator's step. Batch normalisation has a momentum of 0.8. Weights are initialised with
    Keras's defaults (in that code kernels from N(0, 0.02), scales from N(1, 0.02)). Leaks are the
    paper's (0.01 in the authors' code). Sizes other than 28 are supported.

    Args:
        image_shape: `(height, width, channels)`: height and width from 16 to 128 pixels, not
            necessarily equal; 1, 3 or 4 channels.
        latent_dim: Length of a latent vector, codes included.
        filters: Number of filters in the layer nearest the image, in both models. Their dense
            layers of 1,024 units have 16 times as many. (The other dense layers grow with the
            image: 134 million weights on each side at 128 pixels, with filters=64.)
        num_categories: Number of categories in the categorical code.
        num_continuous: Number of continuous codes.

    Returns:
        A compiled `kerasgan.GAN`. The generator maps float32 latents `(batch_size, latent_dim)` to
        float32 images `(batch_size, height, width, channels)` in (-1, 1); the discriminator maps
        such images to one linear score each, `(batch_size, 1)`, and to the codes it reads,
        `(batch_size, num_categories + num_continuous)`, categories as logits. Training also
        reports `code_loss`.

    Raises:
        ValueError: `image_shape` is not supported, `latent_dim` is too short for the codes,
            `filters` is below 1, `num_categories` below 2, or `num_continuous` below 0.

    Example:

    ```python
    gan = kerasgan.build_infogan()
    gan.fit(images, batch_size=128, epochs=20)
    latents = np.zeros((10, 74), "float32")
    latents[:, 62:72] = np.eye(10)                  # each category once
    samples = gan.sample(10, latents=latents)
    ```
    """
    image_shape, latent_dim, filters = check_sizes(image_shape, latent_dim, filters)
    latents = CodedLatents(num_categories, num_continuous)
    check_whole("latent_dim", latent_dim, latents.num_codes)
    gan = GAN(
        _generator(image_shape, latent_dim, filters),
        _discriminator(image_shape, filters, latents.num_codes),
        latents=latents,
        name="infogan",
    )
    gan.compile(
        g_optimizer=keras.optimizers.Adam(1e-3, beta_1=0.5, name="g_optimizer"),
        d_optimizer=keras.optimizers.Adam(2e-4, beta_1=0.5, name="d_optimizer"),
        auxiliary_loss=CodeLoss(num_categories, num_continuous),
    )
    return gan


def _generator(image_shape, latent_dim, filters):
    height, width, channels = image_shape
    rows, columns = reduced(image_shape, 4)

    inputs = keras.Input((latent_dim,), name="latents")
    x = inputs
    for units in (16 * filters, rows * columns * 2 * filters):
        x = _normalized_relu(keras.layers.Dense(units, use_bias=False)(x))
    x = keras.layers.Reshape((rows, columns, 2 * filters))(x)  # (7, 7, 128)
    x = channels_last.Conv2DTranspose(filters, 4, strides=2, padding="same", use_bias=False)(x)
    x = _normalized_relu(x)  # (14, 14, 64)
    x = channels_last.Conv2DTranspose(channels, 4, strides=2, padding="same", activation="tanh")(x)
    x = crop_to(x, height, width)  # (height, width, channels)
    return keras.Model(inputs, x, name="generator")


def _discriminator(image_shape, filters, num_codes):
    inputs = keras.Input(image_shape, name="images")
    x = channels_last.Conv2D(filters, 4, strides=2, padding="same")(inputs)
    x = keras.layers.LeakyReLU(negative_slope=0.1)(x)  # (14, 14, 64)
    x = channels_last.Conv2D(2 * filters, 4, strides=2, padding="same", use_bias=False)(x)
    x = _normalized_relu(x, 0.1)  # (7, 7, 128)
    x = channels_last.Flatten()(x)
    x = _normalized_relu(keras.layers.Dense(16 * filters, use_bias=False)(x), 0.1)
    scores = keras.layers.Dense(1, dtype="float32")(x)  # linear score
    x = _normalized_relu(keras.layers.Dense(2 * filters, use_bias=False)(x), 0.1)
    # Linear: categories, then continuous codes.
    codes = keras.layers.Dense(num_codes, dtype="float32")(x)
    return keras.Model(inputs, [scores, codes], name="discriminator")


def _normalized_relu(x, leak=0.0):
    x = batch_norm(epsilon=1e-5)(x)
    return keras.layers.LeakyReLU(leak)(x) if leak else keras.layers.ReLU()(x)


class _Codes:
    """The number of codes of each kind at the end of the latents."""

    def __init__(self, num_categories, num_continuous):
        self.num_categories = check_whole("num_categories", num_categories, 2, WIDEST)
        self.num_continuous = check_whole("num_continuous", num_continuous, 0, WIDEST)
        self.num_codes = self.num_categories + self.num_continuous

    def get_config(self):
        return {"num_categories": self.num_categories, "num_continuous": self.num_continuous}

    @classmethod
    def from_config(cls, config):
        return cls(**config)


@keras.saving.register_keras_serializable(package="kerasgan")
class CodedLatents(_Codes):
    """Noise, a one-hot category and continuous codes; noise and codes come from U(-1, 1)."""

    def __call__(self, shape, seed):
        check_whole("latent_dim", shape[1], self.num_codes)
        rng = np.random.default_rng(seed)
        latents = rng.uniform(-1.0, 1.0, shape)
        end = shape[1] - self.num_continuous
        categories = rng.integers(self.num_categories, size=shape[0])
        start = end - self.num_categories
        latents[:, start:end] = 0.0
        latents[np.arange(shape[0]), start + categories] = 1.0
        return latents


@keras.saving.register_keras_serializable(package="kerasgan")
class CodeLoss(_Codes):
    """How badly the codes are read back: lambda is 1 for the category and 0.1 for the others.

    The category's loss is the cross-entropy; that of the others is the negative Gaussian
    log-likelihood with a standard deviation of 1, without its constant.
    """

    name = "code_loss"

    def __call__(self, inputs, real_outputs, fake_outputs):
        if fake_outputs is None:  # the real half of a separate update: nothing to learn
            return 0.0 * ops.mean(real_outputs[1])
        codes = ops.cast(inputs["latents"], "float32")[:, -self.num_codes :]
        read = ops.cast(fake_outputs[1], "float32")
        end = self.num_categories
        category = -ops.sum(codes[:, :end] * ops.log_softmax(read[:, :end]), axis=1)
        continuous = ops.sum(ops.square(codes[:, end:] - read[:, end:]), axis=1) / 2.0
        return ops.mean(category + 0.1 * continuous)
