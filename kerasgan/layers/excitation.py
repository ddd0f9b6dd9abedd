"""Skip-layer excitation, by which a small feature map steers a large one."""

import keras
from keras import ops

from kerasgan.checks import check_whole

__all__ = ["SkipLayerExcitation"]


@keras.saving.register_keras_serializable(package="kerasgan")
class SkipLayerExcitation(keras.layers.Layer):
    """Scales the channels of a feature map by what another map of the same images shows.

    The other map, smaller or from an earlier layer, is averaged to `pool_size` x `pool_size`
    places; two dense layers (SiLU, then sigmoid, both without offsets) make a number in (0, 1)
    from them for each channel. Gradients take the short way from one map to the other.

    Reference: Liu et al. 2021, "Towards Faster and Stabilized GAN Training for High-fidelity
    Few-shot Image Synthesis" (arXiv 2101.04775), section 3.1.

    Differs from the reference: as in the authors' code, its leaky ReLU is a SiLU. Their
    convolution of all 4x4 places is the first dense layer.

    Args:
        pool_size: Rows and columns of places; fewer if the map has fewer.
        kernel_initializer: Initial weights of both dense layers.

    Input: a list of floats `(batch_size, height, width, channels)`, to be scaled, and floats
    `(batch_size, other height, other width, other channels)`, of a known size.

    Output: `(batch_size, height, width, channels)`.

    Raises:
        ValueError: `pool_size` is not a whole number of at least 1.

    Example:

    ```python
    large, small = keras.Input((64, 64, 32)), keras.Input((8, 8, 256))
    x = kerasgan.layers.SkipLayerExcitation()([large, small])
    ```
    """

    def __init__(
        self,
        pool_size: int = 4,
        kernel_initializer: str | keras.initializers.Initializer = "glorot_uniform",
        **kwargs,
    ):
        pool_size = check_whole("pool_size", pool_size, 1)
        super().__init__(**kwargs)
        self.pool_size = pool_size
        self.kernel_initializer = keras.initializers.get(kernel_initializer)

    def build(self, input_shape):
        (*_, channels), (_, rows, columns, other_channels) = input_shape
        windows = [-(-size // self.pool_size) for size in (rows, columns)]
        self.pool = keras.layers.AveragePooling2D(
            windows, padding="same", data_format="channels_last", dtype=self.dtype_policy
        )
        places = -(-rows // windows[0]) * -(-columns // windows[1])
        self.squeeze = self._dense(channels, "silu", "squeeze")
        self.squeeze.build((None, places * other_channels))
        self.excite = self._dense(channels, "sigmoid", "excite")
        self.excite.build((None, channels))

    def _dense(self, units, activation, name):
        return keras.layers.Dense(
            units,
            activation=activation,
            use_bias=False,
            # One instance would draw the same values twice.
            kernel_initializer=self.kernel_initializer.clone(),
            dtype=self.dtype_policy,
            name=name,
        )

    def call(self, inputs):
        x, other = inputs
        y = ops.reshape(self.pool(other), (ops.shape(x)[0], -1))
        y = self.excite(self.squeeze(y))
        return x * y[:, None, None, :]

    def compute_output_shape(self, input_shape):
        return input_shape[0]

    def get_config(self):
        initializer = keras.initializers.serialize(self.kernel_initializer)
        config = {"pool_size": self.pool_size, "kernel_initializer": initializer}
        return super().get_config() | config
