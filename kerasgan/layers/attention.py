"""Self-attention between the positions of a feature map."""

import keras
from keras import ops

from kerasgan.checks import check_whole

__all__ = ["SelfAttention"]


@keras.saving.register_keras_serializable(package="kerasgan")
class SelfAttention(keras.layers.Layer):
    """Lets each position of a feature map attend to all others.

    Keys f(x), queries g(x) and values h(x) are 1x1 convolutions. Each position sums the values,
    weighted by the softmax of its query's products with all keys. The sum passes through another
    1x1 convolution, is multiplied by a learnt gain that starts at 0, and is added to the input.

    Reference: Zhang et al. 2018, "Self-Attention Generative Adversarial Networks"
    (arXiv 1805.08318), section 3.

    Differs from the reference: as in the authors' code, values have 1/2 of the channels instead
    of 1/8, and keys and values are max-pooled, which needs a quarter of the memory.

    Args:
        pool_size: Height and width of the pooling windows of keys and values. 1 keeps all
            positions, as in the paper.

    Input and output: floats `(batch_size, height, width, channels)`.

    Raises:
        ValueError: `pool_size` is not a whole number of at least 1.

    Example:

    ```python
    x = kerasgan.layers.SelfAttention()(x)
    x = kerasgan.layers.SpectralNormalization(kerasgan.layers.SelfAttention())(x)
    ```
    """

    def __init__(self, pool_size: int = 2, **kwargs):
        pool_size = check_whole("pool_size", pool_size, 1)
        super().__init__(**kwargs)
        self.pool_size = pool_size

    def build(self, input_shape):
        channels = input_shape[-1]
        self.key = self._convolution(max(1, channels // 8), "key")
        self.query = self._convolution(max(1, channels // 8), "query")
        self.value = self._convolution(max(1, channels // 2), "value")
        self.output_convolution = self._convolution(channels, "output")
        for layer in (self.key, self.query, self.value):
            layer.build(input_shape)
        self.output_convolution.build((*input_shape[:-1], self.value.filters))
        self.pool = keras.layers.MaxPooling2D(
            self.pool_size,
            padding="same",
            data_format="channels_last",
            dtype=self.dtype_policy,
        )
        self.gain = self.add_weight(shape=(), initializer="zeros", name="gain")

    def _convolution(self, filters, name):
        return keras.layers.Conv2D(
            filters,
            1,
            use_bias=False,
            data_format="channels_last",
            dtype=self.dtype_policy,
            name=name,
        )

    def call(self, x):
        keys = _places(self.pool(self.key(x)))
        values = _places(self.pool(self.value(x)))
        products = ops.matmul(_places(self.query(x)), ops.transpose(keys, (0, 2, 1)))
        attended = ops.matmul(ops.softmax(products, axis=-1), values)
        _, height, width, _ = ops.shape(x)
        attended = ops.reshape(attended, (-1, height, width, self.value.filters))
        return x + self.gain * self.output_convolution(attended)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return super().get_config() | {"pool_size": self.pool_size}


def _places(x):
    """Reshapes `(batch_size, height, width, channels)` to `(batch_size, places, channels)`."""
    _, height, width, channels = ops.shape(x)
    return ops.reshape(x, (-1, height * width, channels))
