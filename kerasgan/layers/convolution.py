"""Grouped convolutions that are also fast on processors."""

import keras
from keras import ops

__all__ = ["GroupedConv2D"]


@keras.saving.register_keras_serializable(package="kerasgan")
class GroupedConv2D(keras.layers.Conv2D):
    """`keras.layers.Conv2D` with `groups` that are also fast on processors.

    It has the weights and the results of `Conv2D`. TensorFlow and JAX have no fast code for the
    gradients of grouped convolutions on a processor, where a step takes many times as long; this
    layer computes one convolution for each group there.

    Reference: Xie et al. 2016, "Aggregated Residual Transformations for Deep Neural Networks"
    (arXiv 1611.05431), section 3.3, for grouped convolutions.

    Differs from the reference: None.

    Args: as for `keras.layers.Conv2D`. `groups` must divide the channels of input and output.

    Input: floats `(batch_size, height, width, channels)`, or as `data_format` says.

    Output: `(batch_size, new_height, new_width, filters)`, as for `keras.layers.Conv2D`.

    Raises:
        ValueError: As for `keras.layers.Conv2D`.

    Example:

    ```python
    x = kerasgan.layers.GroupedConv2D(32, 3, padding="same", groups=4)(x)
    ```
    """

    def convolution_op(self, inputs, kernel):
        convolve = super().convolution_op
        if self.groups == 1 or self.data_format != "channels_last" or _groups_are_fast():
            return convolve(inputs, kernel)
        inputs = ops.split(inputs, self.groups, axis=-1)
        kernels = ops.split(kernel, self.groups, axis=-1)
        return ops.concatenate(list(map(convolve, inputs, kernels)), axis=-1)


def _groups_are_fast():
    """Whether the backend has fast code for grouped convolutions and their gradients."""
    if keras.backend.backend() not in ("tensorflow", "jax"):
        return True
    return not all(device.startswith("cpu") for device in keras.distribution.list_devices())
