"""Spectral normalisation, which keeps a discriminator Lipschitz continuous."""

import keras
from keras import ops

from kerasgan.checks import argument_error, check_whole
from kerasgan.layers._seeds import check_seed

__all__ = ["SpectralNormalization"]

_MOST_ITERATIONS = 100  # in one call, to limit its time


@keras.saving.register_keras_serializable(package="kerasgan")
class SpectralNormalization(keras.layers.Wrapper):
    """Divides each kernel W of a layer by its largest singular value.

    The layer then never increases the distance between two inputs (as far as the matrix
    describes the layer, see below): the discriminator is Lipschitz continuous, and its gradients
    stay moderate.

    W is not overwritten, so the layer trains, freezes, regularises and saves as if unwrapped.
    `keras.layers.SpectralNormalization` overwrites W with the quotient, even in steps
    that train another model, and has no gradient through the singular value.

    All weights named `kernel` or `embeddings` of two or more dimensions are normalised, including
    those of inner layers. Each has a vector u, saved with the model, from which every call
    improves the estimate sigma of the singular value by `power_iterations` steps:
    v = W u / |W u|, u = W^T v / |W^T v|, sigma = v^T W u. The gradient flows through sigma, with
    u and v constant. In training the layer keeps the new u.

    Reference: Miyato et al. 2018, "Spectral Normalization for Generative Adversarial Networks"
    (arXiv 1802.05957), section 2.1 and appendix A.

    Differs from the reference: None. The matrix of a kernel is its reshape to `(-1, last axis)`,
    as in the authors' code, which is not quite the operator of a convolution. The last axis of a
    transposed convolution is its input channels, and a depthwise convolution is divided by the norm
    of all its kernels together. A kernel of zeros, whose largest singular value is 0, stays
    unchanged.

    Args:
        layer: The layer, built or not, with at least one such weight.
        power_iterations: Number of steps of the power iteration in each call.
        seed: Seed of the initial u: a whole number from 0 to 2^31 - 1; by default drawn from
            Python's `random`, as in Keras.

    Input and output: as for `layer`.

    Raises:
        ValueError: `layer` is not a Keras layer, or has no such weight (raised when it is built),
            or `power_iterations` or `seed` is not such a number.

    Example:

    ```python
    x = kerasgan.layers.SpectralNormalization(keras.layers.Conv2D(64, 3, padding="same"))(x)
    ```
    """

    def __init__(
        self,
        layer: keras.layers.Layer,
        power_iterations: int = 1,
        seed: int | None = None,
        **kwargs,
    ):
        if not isinstance(layer, keras.layers.Layer):
            raise argument_error(
                "layer",
                "be a Keras layer",
                f"layer of type {type(layer).__name__}",
                "Pass keras.layers.Conv2D(64, 3), for example.",
            )
        power_iterations = check_whole("power_iterations", power_iterations, 1, _MOST_ITERATIONS)
        seed = check_seed(seed)
        # The wrapped layer does all casting: the arithmetic here is in float32.
        kwargs.setdefault("dtype", "float32")
        super().__init__(layer, autocast=False, **kwargs)
        self.power_iterations = power_iterations
        self.seed = seed

    def build(self, input_shape=None):
        super().build(input_shape)
        kernels = self._kernels()
        if not kernels:
            raise argument_error(
                "layer",
                "have a kernel or embeddings of two dimensions or more",
                f"layer={self.layer.name} of type {type(self.layer).__name__}, which has neither",
                "Leave out the wrapper.",
            )
        self.vectors = [
            self.add_weight(
                shape=(kernel.shape[-1],),
                initializer=_random_direction(None if self.seed is None else self.seed + index),
                dtype="float32",
                trainable=False,
                name=f"u_{index}",
            )
            for index, kernel in enumerate(kernels)
        ]

    def _kernels(self):
        # Not in an attribute: Keras would track them as weights of this layer.
        return [
            variable
            for variable in self.layer.variables
            if variable.name in ("kernel", "embeddings") and len(variable.shape) >= 2
        ]

    def call(self, inputs, training=False):
        values = {id(variable): variable.value for variable in self.layer.variables}
        for kernel, vector in zip(self._kernels(), self.vectors, strict=True):
            sigma, new_vector = self._singular_value(kernel, vector)
            values[id(kernel)] = kernel.value / ops.cast(sigma, kernel.dtype)
            if training:
                vector.assign(new_vector)
        return self._call_with(values, inputs, training)

    def _singular_value(self, kernel, vector):
        matrix = ops.reshape(ops.cast(kernel.value, "float32"), (-1, kernel.shape[-1]))
        constant = ops.stop_gradient(matrix)
        u = old_u = ops.stop_gradient(ops.convert_to_tensor(vector))
        for _ in range(self.power_iterations):
            v = _unit(ops.matmul(constant, u))
            u = _unit(ops.matmul(v, constant))
        sigma = ops.sum(v * ops.matmul(matrix, u))
        # For a kernel of zeros, sigma is 0: do not divide by it, and keep u.
        return ops.where(sigma > 0, sigma, 1.0), ops.where(sigma > 0, u, old_u)

    def _call_with(self, values, inputs, training):
        """Calls the layer with these values (by id) instead of its variables' values."""
        variables = self.layer.variables
        scope = keras.StatelessScope(
            [(variable, values[id(variable)]) for variable in variables], collect_losses=True
        )
        before = [scope.get_current_value(variable) for variable in variables]
        with scope:
            outputs = self.layer(inputs, training=training)
        if scope.losses:
            self.add_loss(sum(scope.losses))
        # The layer keeps what it writes itself, such as moving statistics.
        for variable, value in zip(variables, before, strict=True):
            if scope.get_current_value(variable) is not value:
                variable.assign(scope.get_current_value(variable))
        return outputs

    def compute_output_shape(self, input_shape):
        return self.layer.compute_output_shape(input_shape)

    def compute_output_spec(self, inputs, training=False):
        return self.layer.compute_output_spec(inputs)

    def get_config(self):
        config = {"power_iterations": self.power_iterations, "seed": self.seed}
        return super().get_config() | config


def _unit(vector):
    return ops.normalize(vector, epsilon=1e-12)


def _random_direction(seed):
    """An initializer of unit vectors."""
    draw = keras.initializers.RandomNormal(stddev=1.0, seed=seed)
    return lambda shape, dtype: _unit(draw(shape, dtype))
