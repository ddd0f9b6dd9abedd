"""Layers for class-conditional models: labels as channels, and conditional batch normalisation."""

import keras
from keras import ops

from kerasgan.checks import check_number, check_whole

__all__ = ["ConditionalBatchNormalization", "LabelChannels"]


@keras.saving.register_keras_serializable(package="kerasgan")
class LabelChannels(keras.layers.Layer):
    """Appends to each image its label, as constant channels.

    A trained vector for each class fills the channels: every pixel sees the whole label. (A dense
    layer that maps a label to `height * width` numbers makes a different picture for each class
    instead, which a convolution sees as stripes.)

    Reference: Reed et al. 2016, "Generative Adversarial Text to Image Synthesis" (arXiv
    1605.05396), section 4.1, which repeats an embedding at every position.

    Args:
        num_classes: Number of classes.
        channels: Number of channels to append.

    Input: a list of floats `(batch_size, height, width, channels)`, and integer labels
    `(batch_size,)` from 0 to `num_classes - 1`.

    Output: `(batch_size, height, width, input channels + channels)`.

    Raises:
        ValueError: `num_classes` or `channels` is not a whole number of at least 1.

    Example:

    ```python
    images, labels = keras.Input((32, 32, 3)), keras.Input((), dtype="int32")
    x = kerasgan.layers.LabelChannels(num_classes=10)([images, labels])
    ```
    """

    def __init__(self, num_classes: int, channels: int = 10, **kwargs):
        num_classes = check_whole("num_classes", num_classes, 1)
        channels = check_whole("channels", channels, 1)
        super().__init__(**kwargs)
        self.num_classes = num_classes
        self.channels = channels

    def build(self, input_shape):
        self.embeddings = self.add_weight(
            shape=(self.num_classes, self.channels),
            # As large as the images' values: the first convolution sees both from the start.
            initializer=keras.initializers.RandomNormal(stddev=1.0),
            name="embeddings",
        )

    def call(self, inputs):
        x, labels = inputs
        count, height, width, _ = ops.shape(x)
        vectors = ops.take(ops.convert_to_tensor(self.embeddings), labels, axis=0)
        maps = ops.broadcast_to(vectors[:, None, None, :], (count, height, width, self.channels))
        return ops.concatenate([x, ops.cast(maps, x.dtype)], axis=-1)

    def compute_output_shape(self, input_shape):
        *size, channels = input_shape[0]
        return (*size, channels + self.channels)

    def get_config(self):
        config = {"num_classes": self.num_classes, "channels": self.channels}
        return super().get_config() | config


@keras.saving.register_keras_serializable(package="kerasgan")
class ConditionalBatchNormalization(keras.layers.Layer):
    """Batch normalisation whose scale and offset depend on a condition.

    The condition is a vector: a one-hot label (the layer then has a scale and an offset for each
    class), the embedding of a label, latents, or several of these, concatenated. The scale is
    `1 + condition @ gamma`, the offset `condition @ beta`.

    Reference: Dumoulin et al. 2016, "A Learned Representation For Artistic Style" (arXiv
    1610.07629), section 2.2; for linear maps of a vector: de Vries et al. 2017 (arXiv 1707.00683).

    Differs from the reference: the normalisation is over the batch, as in class-conditional GANs,
    not over each image.

    Args:
        momentum: Momentum of the moving statistics. With Keras's usual 0.99, sampled images lag
            behind training for hundreds of steps.
        epsilon: Small number added to the variance.
        kernel_initializer: Initializer of both linear maps; zeros by default, with which the
            condition has no effect at first.

    Input: a list of floats `(batch_size, height, width, channels)`, and the condition
    `(batch_size, length)`.

    Output: as the first input.

    Raises:
        ValueError: `momentum` is not in [0, 1), or `epsilon` is not above 0.

    Example:

    ```python
    labels = keras.Input((), dtype="int32")
    condition = keras.ops.one_hot(labels, 10)
    x = kerasgan.layers.ConditionalBatchNormalization()([x, condition])
    ```
    """

    def __init__(
        self,
        momentum: float = 0.8,
        epsilon: float = 1e-5,
        kernel_initializer: str | keras.initializers.Initializer = "zeros",
        **kwargs,
    ):
        fix = "Leave it out for the default."
        momentum = check_number("momentum", momentum, fix, with_zero=True, below=1)
        epsilon = check_number("epsilon", epsilon, fix)
        super().__init__(**kwargs)
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.normalization = keras.layers.BatchNormalization(
            momentum=momentum,
            epsilon=epsilon,
            center=False,
            scale=False,
            dtype=self.dtype_policy,
            name="normalization",
        )

    def build(self, input_shape):
        shape, (_, length) = input_shape
        self.normalization.build(shape)
        self.gamma = self._linear_map(shape[-1], length, "gamma")
        self.beta = self._linear_map(shape[-1], length, "beta")

    def _linear_map(self, units, length, name):
        initializer = self.kernel_initializer
        if isinstance(initializer, keras.initializers.Initializer):
            initializer = initializer.clone()  # the same instance would draw the same values
        linear = keras.layers.Dense(
            units,
            use_bias=False,
            kernel_initializer=initializer,
            dtype=self.dtype_policy,
            name=name,
        )
        linear.build((None, length))
        return linear

    def call(self, inputs, training=False):
        x, condition = inputs
        gamma = self.gamma(condition)[:, None, None, :]
        beta = self.beta(condition)[:, None, None, :]
        return self.normalization(x, training=training) * (1.0 + gamma) + beta

    def compute_output_shape(self, input_shape):
        return input_shape[0]

    def get_config(self):
        return super().get_config() | {
            "momentum": self.normalization.momentum,
            "epsilon": self.normalization.epsilon,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
        }
