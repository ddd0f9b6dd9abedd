"""Grouped convolutions that are also fast on processors."""

import keras
from keras import ops

__all__ = ["GroupedConv2D"]


@keras.saving.register_keras_serializable(package="kerasgan")
class GroupedConv2D(keras.layers.Conv2D):
    """`keras.layers.Conv2D` with `groups`, computed as matrix products.

    It has the weights and the results of `Conv2D`. TensorFlow and JAX have no fast code for the
    gradients of grouped convolutions on a processor: a step takes many times as long there.

    One product per group multiplies each pixel and those above and below it with all weights; the
    results for the columns of the kernel are shifted and added. With strides, dilation, or one
    group, the layer is a plain `Conv2D`.

    Reference: Xie et al. 2016, "Aggregated Residual Transformations for Deep Neural Networks"
    (arXiv 1611.05431), section 3.3, for grouped convolutions.

    Differs from the reference: None.

    Args: as for `keras.layers.Conv2D`. `groups` must divide the channels of input and output.

    Input: floats `(batch_size, height, width, channels)`.

    Output: `(batch_size, new_height, new_width, filters)`, as for `keras.layers.Conv2D`.

    Raises:
        ValueError: As for `keras.layers.Conv2D`.

    Example:

    ```python
    x = kerasgan.layers.GroupedConv2D(32, 3, padding="same", groups=4)(x)
    ```
    """

    def convolution_op(self, inputs, kernel):
        steps = {*self.strides, *self.dilation_rate}
        if self.groups == 1 or steps != {1} or self.data_format != "channels_last":
            return super().convolution_op(inputs, kernel)
        rows, columns, depth, filters = kernel.shape
        if self.padding == "same":
            around = [((size - 1) // 2, size // 2) for size in (rows, columns)]
            inputs = ops.pad(inputs, ((0, 0), *around, (0, 0)))
        _, height, width, _ = ops.shape(inputs)
        # The groups come first, as matmul wants them: (groups, batch_size, height, width, depth).
        inputs = ops.reshape(inputs, (-1, height, width, self.groups, depth))
        inputs = ops.transpose(inputs, (3, 0, 1, 2, 4))
        height, new_width = height - rows + 1, width - columns + 1
        inputs = ops.concatenate([inputs[:, :, row : row + height] for row in range(rows)], axis=-1)
        inputs = ops.reshape(inputs, (self.groups, -1, rows * depth))
        share = filters // self.groups
        kernel = ops.reshape(kernel, (rows, columns, depth, self.groups, share))
        kernel = ops.transpose(kernel, (3, 0, 2, 1, 4))
        kernel = ops.reshape(kernel, (self.groups, rows * depth, columns * share))
        outputs = ops.matmul(inputs, kernel)
        outputs = ops.reshape(outputs, (self.groups, -1, height, width, columns, share))
        outputs = sum(
            outputs[:, :, :, column : column + new_width, column] for column in range(columns)
        )
        outputs = ops.transpose(outputs, (1, 2, 3, 0, 4))
        return ops.reshape(outputs, (-1, height, new_width, filters))
