"""What Keras leaves to its backends. No other file names one."""

import keras
from keras import ops


def input_gradient(function, inputs):
    """The gradient of `sum(function(inputs))` with respect to `inputs`.

    It can be differentiated in turn, with respect to whatever `function` depends on: a loss
    made of it trains the weights of a model inside. Rows of a batch that do not touch each
    other get each its own gradient.

    Args:
        function: Takes a float tensor and returns one, without changing any state: on JAX what
            it assigned would leak. Run models by `stateless_call`.
        inputs: Float tensor.

    Returns:
        Tensor of the shape and dtype of `inputs`.

    Raises:
        NotImplementedError: On a backend other than TensorFlow, JAX and PyTorch.
    """
    backend = keras.config.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape() as tape:
            tape.watch(inputs)
            total = ops.sum(function(inputs))
        return tape.gradient(total, inputs, unconnected_gradients="zero")
    if backend == "jax":
        import jax

        return jax.grad(lambda inputs: ops.sum(function(inputs)))(inputs)
    if backend == "torch":
        import torch

        with torch.enable_grad():
            if not inputs.requires_grad:
                inputs = inputs.detach().requires_grad_()
            total = ops.sum(function(inputs))
            (gradient,) = torch.autograd.grad(
                total, inputs, create_graph=True, allow_unused=True, materialize_grads=True
            )
            return gradient
    raise NotImplementedError(
        "KERAS_BACKEND must be tensorflow, jax or torch for losses made of gradients. Received: "
        f"{backend}. Choose one of these, or a loss without a gradient penalty."
    )


def keep_state(model):
    """Puts the results of a training step into the model's variables, after an interruption.

    On JAX the step has given the old values away by then, and Keras might not have put the new
    ones in their place yet: the model could neither be trained nor saved.
    """
    if keras.config.backend() == "jax":
        model.jax_state_sync()
