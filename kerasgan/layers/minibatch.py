"""How much the images of a batch differ, shown to a discriminator."""

import keras
from keras import ops

from kerasgan.checks import check_whole

__all__ = ["MinibatchDiscrimination", "MinibatchStandardDeviation"]


@keras.saving.register_keras_serializable(package="kerasgan")
class MinibatchDiscrimination(keras.layers.Layer):
    """Shows a discriminator how close the features of each image are to those of the others.

    A trained tensor maps the features to `num_kernels` vectors of `kernel_dim` numbers. For each
    of them, the layer appends one number to an image's features: the sum of exp(-distance) to the
    same vector of all other images in the batch, with the L1 distance. If a generator makes similar
    images, these numbers are large. Put it before the last dense layer of a discriminator. (See
    `MinibatchStandardDeviation` for a cheaper layer without weights.)

    Reference: Salimans et al. 2016, "Improved Techniques for Training GANs" (arXiv 1606.03498),
    section 3.2.

    Differs from the reference: None. (The sum leaves out the image itself, whose distance of 0
    adds a constant in the paper's formula. With `update="concatenated"`, real and fake images
    count as one batch.)

    Args:
        num_kernels: Number of vectors.
        kernel_dim: Length of a vector.

    Input: floats `(batch_size, length)`.

    Output: `(batch_size, length + num_kernels)`.

    Raises:
        ValueError: `num_kernels` or `kernel_dim` is not a whole number of at least 1.

    Example:

    ```python
    x = kerasgan.layers.MinibatchDiscrimination()(keras.layers.Flatten()(x))
    score = keras.layers.Dense(1)(x)
    ```
    """

    def __init__(self, num_kernels: int = 100, kernel_dim: int = 5, **kwargs):
        num_kernels = check_whole("num_kernels", num_kernels, 1)
        kernel_dim = check_whole("kernel_dim", kernel_dim, 1)
        super().__init__(**kwargs)
        self.num_kernels = num_kernels
        self.kernel_dim = kernel_dim

    def build(self, input_shape):
        self.kernel = self.add_weight(
            shape=(input_shape[-1], self.num_kernels * self.kernel_dim),
            initializer="glorot_uniform",
            name="kernel",
        )

    def call(self, x):
        count = ops.shape(x)[0]
        vectors = ops.matmul(x, ops.cast(self.kernel, x.dtype))
        # Half precision would round small distances to 0.
        vectors = ops.cast(vectors, keras.backend.result_type(x.dtype, "float32"))
        vectors = ops.reshape(vectors, (count, self.num_kernels, self.kernel_dim))
        distances = ops.sum(ops.abs(vectors[:, None] - vectors[None]), axis=-1)
        closeness = ops.sum(ops.exp(-distances), axis=1) - 1.0  # without the image itself
        return ops.concatenate([x, ops.cast(closeness, x.dtype)], axis=-1)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], input_shape[-1] + self.num_kernels)

    def get_config(self):
        config = {"num_kernels": self.num_kernels, "kernel_dim": self.kernel_dim}
        return super().get_config() | config


@keras.saving.register_keras_serializable(package="kerasgan")
class MinibatchStandardDeviation(keras.layers.Layer):
    """Shows a discriminator how much the images of a batch differ.

    Appends one channel. For every image of a group, it contains the standard deviation over the
    group, averaged over all channels and positions, which exposes a generator whose images are
    too similar. Put it near the end of a discriminator.

    Reference: Karras et al. 2017, "Progressive Growing of GANs for Improved Quality, Stability,
    and Variation" (arXiv 1710.10196), section 3.

    Differs from the reference: it compares groups instead of the whole batch, as the code of that
    paper and of StyleGAN does. Any batch size works: n images make max(1, n // group_size)
    groups, and image i belongs to group i mod their number, which spreads a remainder over the
    groups. (With `update="concatenated"`, groups mix real and fake images, and are useless.)

    Args:
        group_size: Number of images to compare with each other.

    Input: floats `(batch_size, height, width, channels)`.

    Output: `(batch_size, height, width, channels + 1)`.

    Raises:
        ValueError: `group_size` is not a whole number of at least 1.

    Example:

    ```python
    x = kerasgan.layers.MinibatchStandardDeviation()(x)
    x = keras.layers.Conv2D(512, 3, padding="same")(x)
    ```
    """

    def __init__(self, group_size: int = 4, **kwargs):
        group_size = check_whole("group_size", group_size, 1)
        super().__init__(**kwargs)
        self.group_size = group_size

    def call(self, x):
        count, height, width, channels = ops.shape(x)
        # Without a dtype, TensorFlow would count in 16 bits when Keras's floatx has 16 bits.
        groups = ops.cast(ops.maximum(1, count // self.group_size), "int32")
        group = ops.arange(count, dtype="int32") % groups
        # Half precision lacks the range for the squares and the epsilon.
        dtype = keras.backend.result_type(x.dtype, "float32")
        same = ops.cast(group[:, None] == group[None, :], dtype)
        share = same / ops.sum(same, axis=1, keepdims=True)
        values = ops.reshape(ops.cast(x, dtype), (count, height * width * channels))
        variance = ops.matmul(share, ops.square(values - ops.matmul(share, values)))
        # The epsilon keeps the gradient finite where all images are equal.
        deviation = ops.mean(ops.sqrt(variance + 1e-8), axis=1)
        deviation = ops.reshape(ops.cast(deviation, x.dtype), (count, 1, 1, 1))
        deviation = ops.broadcast_to(deviation, (count, height, width, 1))
        return ops.concatenate([x, deviation], axis=-1)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], input_shape[-1] + 1)

    def get_config(self):
        return super().get_config() | {"group_size": self.group_size}
