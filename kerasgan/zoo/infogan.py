"""InfoGAN: some of the latents are codes, and the discriminator has to read them back.

Chen et al. 2016, "InfoGAN: Interpretable Representation Learning by Information Maximizing
Generative Adversarial Nets", https://arxiv.org/abs/1606.03657. Without labels, a category comes
to stand for a digit, a continuous code for slant or width.
"""

import keras

from kerasgan.checks import check_whole
from kerasgan.gan import GAN
from kerasgan.zoo.codes import CodedLatents, CodeLoss
from kerasgan.zoo.parts import batch_norm, check_sizes, crop_to, reduced


def build_infogan(
    image_shape=(28, 28, 1), latent_dim=74, filters=64, num_categories=10, num_continuous=2
):
    """Builds the InfoGAN of the paper's MNIST runs, compiled as there.

    For latents that mean something. Take latents of your own to see what: the last
    `num_continuous` numbers are the continuous codes in (-1, 1), the `num_categories` before
    them a category, one of them 1 and the others 0; the rest is noise in (-1, 1).

    Reference: Chen et al. 2016 (arXiv 1606.03657), sections 5 and 6 (the bound on the mutual
    information, lambda 1 for the category), appendix C (leaks of 0.1; Adam, beta_1 0.5) and C.1
    (architecture; rates of 1e-3 for the generator and 2e-4 for the discriminator); batches of 128
    and BatchNormalization's epsilon of 1e-5 from the authors' code.

    Differs from the reference: images in (-1, 1); lambda 0.1 for the continuous codes (1 in the
    authors' code for MNIST), which are read with a standard deviation of 1, as there, so that
    their loss is half the squared error; the head that reads the codes is trained in the
    discriminator's step only, as there; batch normalisation with a momentum of 0.8; weights
    start as Keras has it (kernels from N(0, 0.02), scales from N(1, 0.02) there); leaks are the
    paper's (0.01 in the authors' code); sizes other than 28.

    Args:
        image_shape: `(height, width, channels)`: 16 to 128 pixels, not necessarily square; 1,
            3 or 4 channels.
        latent_dim: Length of a latent vector, codes included.
        filters: Filters of the layer nearest to the image, in both models; their dense layers of
            1,024 units have 16 times as many. (The other dense layers grow with the image:
            134 million weights on each side at 128 pixels, with filters=64.)
        num_categories: Categories of the one categorical code.
        num_continuous: Number of continuous codes.

    Returns:
        `kerasgan.GAN`. Its generator takes float32 latents `(batch_size, latent_dim)` and gives
        float32 images `(batch_size, height, width, channels)` in (-1, 1); its discriminator
        takes such images and gives one linear score `(batch_size, 1)` and the codes read
        `(batch_size, num_categories + num_continuous)`, categories as logits. Training reports
        `code_loss` too.

    Raises:
        ValueError: An image_shape that it cannot make, latents too short for the codes, filters
            below 1, or fewer than 2 categories.

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
    check_whole("num_categories", num_categories, 2)
    check_whole("num_continuous", num_continuous, 0)
    num_codes = int(num_categories + num_continuous)
    check_whole("latent_dim", latent_dim, num_codes)
    gan = GAN(
        _generator(image_shape, latent_dim, filters),
        _discriminator(image_shape, filters, num_codes),
        latents=CodedLatents(num_categories, num_continuous),
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
    x = keras.layers.Conv2DTranspose(filters, 4, strides=2, padding="same", use_bias=False)(x)
    x = _normalized_relu(x)  # (14, 14, 64)
    x = keras.layers.Conv2DTranspose(channels, 4, strides=2, padding="same", activation="tanh")(x)
    x = crop_to(x, height, width)  # (height, width, channels)
    return keras.Model(inputs, x, name="generator")


def _discriminator(image_shape, filters, num_codes):
    inputs = keras.Input(image_shape, name="images")
    x = keras.layers.Conv2D(filters, 4, strides=2, padding="same")(inputs)
    x = keras.layers.LeakyReLU(negative_slope=0.1)(x)  # (14, 14, 64)
    x = keras.layers.Conv2D(2 * filters, 4, strides=2, padding="same", use_bias=False)(x)
    x = _normalized_relu(x, 0.1)  # (7, 7, 128)
    x = keras.layers.Flatten()(x)
    x = _normalized_relu(keras.layers.Dense(16 * filters, use_bias=False)(x), 0.1)
    scores = keras.layers.Dense(1)(x)  # linear score
    x = _normalized_relu(keras.layers.Dense(2 * filters, use_bias=False)(x), 0.1)
    codes = keras.layers.Dense(num_codes)(x)  # linear: categories, then continuous codes
    return keras.Model(inputs, [scores, codes], name="discriminator")


def _normalized_relu(x, leak=0.0):
    x = batch_norm(epsilon=1e-5)(x)
    return keras.layers.LeakyReLU(leak)(x) if leak else keras.layers.ReLU()(x)
