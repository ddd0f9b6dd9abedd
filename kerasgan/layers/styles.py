"""What a style-based generator is made of: a constant, modulated convolutions, and noise."""

import keras
from keras import ops

from kerasgan.checks import argument_error, check_flag, check_whole
from kerasgan.layers._convolutions import (
    LARGEST_KERNEL,
    WIDEST,
    add_kernel,
    convolve,
    convolve_up,
    scaled,
)
from kerasgan.layers._seeds import check_seed
from kerasgan.layers.equalized import EqualizedDense

__all__ = ["LearnedConstant", "ModulatedConv2D", "PixelNoise"]


@keras.saving.register_keras_serializable(package="kerasgan")
class LearnedConstant(keras.layers.Layer):
    """The same learnt feature maps for every image: where a style-based generator begins.

    Reference: Karras et al. 2018, "A Style-Based Generator Architecture for Generative Adversarial
    Networks" (arXiv 1812.04948), section 2.

    Differs from the reference: the maps start as N(0, 1), as in the code of StyleGAN2, not as 1.

    Args:
        height: Height of the maps.
        width: Width of the maps.
        channels: Number of maps.

    Input: anything of shape `(batch_size, ...)`; only the number of images is read.

    Output: floats `(batch_size, height, width, channels)`.

    Raises:
        ValueError: An argument is not a whole number of at least 1.

    Example:

    ```python
    x = kerasgan.layers.LearnedConstant(4, 4, 512)(latents)
    ```
    """

    def __init__(self, height: int, width: int, channels: int, **kwargs):
        height = check_whole("height", height, 1, WIDEST)
        width = check_whole("width", width, 1, WIDEST)
        channels = check_whole("channels", channels, 1, WIDEST)
        super().__init__(**kwargs)
        self.height = height
        self.width = width
        self.channels = channels

    def build(self, input_shape):
        self.maps = self.add_weight(
            shape=(self.height, self.width, self.channels),
            initializer=keras.initializers.RandomNormal(stddev=1.0),
            name="maps",
        )

    def call(self, inputs):
        maps = ops.cast(self.maps, self.compute_dtype)
        return ops.broadcast_to(maps, (ops.shape(inputs)[0], *self.maps.shape))

    def compute_output_shape(self, input_shape):
        return (input_shape[0], self.height, self.width, self.channels)

    def get_config(self):
        names = ("height", "width", "channels")
        return super().get_config() | {name: getattr(self, name) for name in names}


@keras.saving.register_keras_serializable(package="kerasgan")
class ModulatedConv2D(keras.layers.Layer):
    """A convolution whose input channels are scaled by a style, with an equalised learning rate.

    An `EqualizedDense` layer inside maps each style to one factor for each input channel, 1 plus
    its output. Demodulation then divides each output channel by the deviation that it would have
    for inputs of deviation 1: a style decides how much each channel counts, not how large the
    results are. To double the size, the convolution is transposed, with a stride of 2, and its
    results are smoothed with the filter [1, 3, 3, 1] / 4 in rows and columns.

    Reference: Karras et al. 2019, "Analyzing and Improving the Image Quality of StyleGAN"
    (arXiv 1912.04958), section 2.2, equations 1 and 3.

    Differs from the reference: None. Instead of making kernels for each image, it scales the
    inputs and outputs of one convolution, which is equal and works on all backends. The epsilon is
    1e-8, as in the authors' code.

    Args:
        filters: Number of filters.
        kernel_size: Height and width of the kernel, 1 to 5.
        upsample: Whether to double height and width.
        demodulate: Whether to divide by the expected deviation.

    Input: a list of maps, floats `(batch_size, height, width, channels)`, and styles, floats
    `(batch_size, features)`.

    Output: `(batch_size, height, width, filters)`.

    Raises:
        ValueError: `filters` is not a whole number of at least 1, `kernel_size` not one from 1 to
            5, or `upsample` or `demodulate` is neither True nor False.

    Example:

    ```python
    x = kerasgan.layers.LearnedConstant(4, 4, 512)(latents)
    x = kerasgan.layers.ModulatedConv2D(512, 3, upsample=True)([x, latents])
    ```
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int,
        upsample: bool = False,
        demodulate: bool = True,
        **kwargs,
    ):
        filters = check_whole("filters", filters, 1, WIDEST)
        kernel_size = check_whole("kernel_size", kernel_size, 1, LARGEST_KERNEL)
        upsample = check_flag("upsample", upsample)
        demodulate = check_flag("demodulate", demodulate)
        super().__init__(**kwargs)
        self.filters = filters
        self.kernel_size = kernel_size
        self.upsample = upsample
        self.demodulate = demodulate

    def build(self, input_shape):
        (*_, channels), styles_shape = input_shape
        self.factors = EqualizedDense(channels, dtype=self.dtype_policy, name="factors")
        self.factors.build(styles_shape)
        shape = (self.kernel_size, self.kernel_size, channels, self.filters)
        self.kernel = add_kernel(self, shape)
        self.bias = self.add_weight(shape=(self.filters,), initializer="zeros", name="bias")

    def call(self, inputs):
        x, styles = inputs
        factors = 1.0 + self.factors(styles)
        kernel = scaled(self.kernel)
        x = (convolve_up if self.upsample else convolve)(x * factors[:, None, None], kernel)
        if self.demodulate:
            # Half precision lacks the range for the squares and the epsilon.
            dtype = keras.backend.result_type(x.dtype, "float32")
            squares = ops.sum(ops.square(ops.cast(kernel, dtype)), axis=(0, 1))
            variances = ops.matmul(ops.square(ops.cast(factors, dtype)), squares)
            x = x * ops.cast(ops.rsqrt(variances + 1e-8), x.dtype)[:, None, None]
        return x + self.bias

    def compute_output_shape(self, input_shape):
        (count, *sizes, _), _ = input_shape
        if self.upsample:
            sizes = [None if size is None else 2 * size for size in sizes]
        return (count, *sizes, self.filters)

    def get_config(self):
        names = ("filters", "kernel_size", "upsample", "demodulate")
        return super().get_config() | {name: getattr(self, name) for name in names}


@keras.saving.register_keras_serializable(package="kerasgan")
class PixelNoise(keras.layers.Layer):
    """Noise at each pixel, the same in all channels, with a learnt strength that starts at 0.

    A generator makes of it what is random in an image: hairs, leaves, grain. In training, every
    image gets new noise. Otherwise all get the same, which is saved with the layer, so that equal
    latents make equal images.

    Reference: Karras et al. 2018, "A Style-Based Generator Architecture for Generative Adversarial
    Networks" (arXiv 1812.04948), section 2; one strength for all channels as in Karras et al. 2019
    (arXiv 1912.04958), section 2.2.

    Differs from the reference: None. The fixed noise is the `const` mode of the authors' code.

    Args:
        seed: Whole number from 0 to 2^31 - 1; by default drawn from Python's `random`.

    Input and output: floats `(batch_size, height, width, channels)`, of a known height and width.

    Raises:
        ValueError: `seed` is not as above, or the height or width is unknown (raised when the
            layer is built).

    Example:

    ```python
    x = keras.layers.Conv2D(64, 3, padding="same")(x)
    x = kerasgan.layers.PixelNoise(seed=0)(x)
    ```
    """

    def __init__(self, seed: int | None = None, **kwargs):
        seed = check_seed(seed)
        super().__init__(**kwargs)
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def build(self, input_shape):
        _, height, width, _ = input_shape
        if height is None or width is None:
            raise argument_error(
                "x",
                "have a known height and width, since the layer saves noise of this size",
                f"x of shape {tuple(input_shape)}",
                "Pass keras.Input a shape without None.",
            )
        self.strength = self.add_weight(shape=(), initializer="zeros", name="strength")
        self.fixed_noise = self.add_weight(
            shape=(height, width, 1),
            initializer=keras.initializers.RandomNormal(stddev=1.0, seed=self.seed),
            trainable=False,
            name="fixed_noise",
        )

    def call(self, x, training=False):
        noise = self.fixed_noise
        if training:
            shape = (*ops.shape(x)[:-1], 1)
            noise = keras.random.normal(shape, dtype=x.dtype, seed=self.seed_generator)
        return x + self.strength * noise

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return super().get_config() | {"seed": self.seed}
