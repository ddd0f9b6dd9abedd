"""The functions of `kerasgan.backend` on TensorFlow."""

import contextlib

import keras
import tensorflow as tf
from keras import ops

from kerasgan.backend._common import SHAPES_BEFORE_ANY, USE_DATA_PARALLEL, shapes_of
from kerasgan.checks import argument_error


def input_gradient(function, inputs):
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        total = ops.sum(function(inputs))
    return tape.gradient(total, inputs, unconnected_gradients="zero")


def gradients(function, groups, variables):
    with tf.GradientTape(persistent=len(groups) > 1, watch_accessed_variables=False) as tape:
        for group in groups:
            tape.watch([variable.value for variable in group])
        losses, outputs = function()
    return outputs, [
        tape.gradient(loss, [variable.value for variable in group])
        for loss, group in zip(losses, groups, strict=True)
    ]


def apply_gradients(optimizer, gradients, variables):
    optimizer.apply(gradients, variables)


def compiled(function, variables, jit_compile, repeated):
    def in_turn(data):
        signature = tf.TensorSpec(None, "float32")
        return tf.map_fn(function, data, parallel_iterations=1, fn_output_signature=signature)

    options = {"autograph": False, "jit_compile": bool(jit_compile)}
    traced = in_turn if repeated else function
    own_shape = tf.function(traced, **options)
    any_shape = tf.function(traced, reduce_retracing=True, **options)
    known = set()

    def call(data):
        shapes = shapes_of(keras.tree.flatten(data))
        if shapes in known or len(known) < SHAPES_BEFORE_ANY:
            known.add(shapes)
            return own_shape(data)
        return any_shape(data)

    return call


def has_gpu():
    return bool(tf.config.list_physical_devices("GPU"))


def peak_gpu_memory():
    return tf.config.experimental.get_memory_info("GPU:0")["peak"]


def check_devices(variables):
    strategy = tf.distribute.get_strategy()
    if strategy.num_replicas_in_sync > 1:
        raise argument_error(
            "tf.distribute",
            "be left out, because Keras 3 would give every device the whole batch",
            f"{type(strategy).__name__} over {strategy.num_replicas_in_sync} devices",
            USE_DATA_PARALLEL,
        )


def use_deterministic_operations():
    tf.config.experimental.enable_op_determinism()


def export_options(format, num_inputs):
    options = {}
    if format == "litert":
        # Keras also allows TensorFlow's operations, which the runtimes of devices lack.
        options["target_spec"] = {"supported_ops": [tf.lite.OpsSet.TFLITE_BUILTINS]}
    return contextlib.nullcontext(options)
