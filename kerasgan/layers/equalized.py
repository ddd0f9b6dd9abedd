"""Layers with an equalised learning rate."""

import keras
from keras import ops

from kerasgan.checks import check_flag, check_number, check_whole
from kerasgan.layers._convolutions import (
    LARGEST_KERNEL,
    WIDEST,
    add_kernel,
    convolve,
    convolve_down,
    scaled,
)

__all__ = ["EqualizedConv2D", "EqualizedDense"]


@keras.saving.register_keras_serializable(package="kerasgan")
class EqualizedDense(keras.layers.Layer):
    """A dense layer whose kernel is scaled at every call, not when it is initialised.

    The kernel starts as N(0, 1), and each call divides it by the square root of its number of
    inputs. Optimizers such as Adam, whose steps are as large for small weights as for large ones,
    then change all layers at the same relative speed.

    Reference: Karras et al. 2017, "Progressive Growing of GANs for Improved Quality, Stability,
    and Variation" (arXiv 1710.10196), section 4.1; learning-rate multipliers from Karras et al.
    2018 (arXiv 1812.04948), appendix C.

    Differs from the reference: as in the code of StyleGAN2, the factor sqrt(2) of He's
    initialisation is left out: scale the activation that follows.

    Args:
        units: Number of outputs.
        learning_rate_multiplier: Speed of this layer's learning relative to the others'. It does
            not change the initial outputs.

    Input: floats `(..., features)`.

    Output: `(..., units)`.

    Raises:
        ValueError: `units` is not a whole number of at least 1, or `learning_rate_multiplier` is
            not a finite number above 0.

    Example:

    ```python
    styles = kerasgan.layers.EqualizedDense(512, learning_rate_multiplier=0.01)(latents)
    ```
    """

    def __init__(self, units: int, learning_rate_multiplier: float = 1.0, **kwargs):
        units = check_whole("units", units, 1, WIDEST)
        learning_rate_multiplier = check_number(
            "learning_rate_multiplier", learning_rate_multiplier, "1 is usual."
        )
        super().__init__(**kwargs)
        self.units = units
        self.learning_rate_multiplier = learning_rate_multiplier

    def build(self, input_shape):
        shape = (input_shape[-1], self.units)
        self.kernel = add_kernel(self, shape, self.learning_rate_multiplier)
        self.bias = self.add_weight(shape=(self.units,), initializer="zeros", name="bias")

    def call(self, x):
        kernel = scaled(self.kernel, self.learning_rate_multiplier)
        return ops.matmul(x, kernel) + self.bias * self.learning_rate_multiplier

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.units)

    def get_config(self):
        config = {"units": self.units, "learning_rate_multiplier": self.learning_rate_multiplier}
        return super().get_config() | config


@keras.saving.register_keras_serializable(package="kerasgan")
class EqualizedConv2D(keras.layers.Layer):
    """A convolution whose kernel is scaled like that of `EqualizedDense`; it can halve the size.

    To halve the size without aliasing, it smooths rows and columns with the filter [1, 3, 3, 1] / 8
    and then convolves with a stride of 2.

    Reference: Karras et al. 2017 (arXiv 1710.10196), section 4.1; the filter from Karras et al.
    2019, "Analyzing and Improving the Image Quality of StyleGAN" (arXiv 1912.04958), appendix B.

    Differs from the reference: as in the code of StyleGAN2, the factor sqrt(2) of He's
    initialisation is left out: scale the activation that follows.

    Args:
        filters: Number of filters.
        kernel_size: Height and width of the kernel, 1 to 5.
        use_bias: Whether to add a bias.
        downsample: Whether to halve height and width, rounded up.

    Input: floats `(batch_size, height, width, channels)`.

    Output: `(batch_size, height, width, filters)`.

    Raises:
        ValueError: `filters` is not a whole number of at least 1, `kernel_size` not one from 1 to
            5, or `use_bias` or `downsample` is neither True nor False.

    Example:

    ```python
    x = kerasgan.layers.EqualizedConv2D(64, 3, downsample=True)(x)
    ```
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int,
        use_bias: bool = True,
        downsample: bool = False,
        **kwargs,
    ):
        filters = check_whole("filters", filters, 1, WIDEST)
        kernel_size = check_whole("kernel_size", kernel_size, 1, LARGEST_KERNEL)
        use_bias = check_flag("use_bias", use_bias)
        downsample = check_flag("downsample", downsample)
        super().__init__(**kwargs)
        self.filters = filters
        self.kernel_size = kernel_size
        self.use_bias = use_bias
        self.downsample = downsample

    def build(self, input_shape):
        shape = (self.kernel_size, self.kernel_size, input_shape[-1], self.filters)
        self.kernel = add_kernel(self, shape)
        if self.use_bias:
            self.bias = self.add_weight(shape=(self.filters,), initializer="zeros", name="bias")

    def call(self, x):
        x = (convolve_down if self.downsample else convolve)(x, scaled(self.kernel))
        return x + self.bias if self.use_bias else x

    def compute_output_shape(self, input_shape):
        sizes = input_shape[1:-1]
        if self.downsample:
            sizes = [None if size is None else -(-size // 2) for size in sizes]
        return (input_shape[0], *sizes, self.filters)

    def get_config(self):
        names = ("filters", "kernel_size", "use_bias", "downsample")
        return super().get_config() | {name: getattr(self, name) for name in names}
