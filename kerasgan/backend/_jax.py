"""The functions of `kerasgan.backend` on JAX."""

import contextlib
import functools
import os
import warnings

import jax
import keras
import numpy as np
from jax.experimental import multihost_utils
from keras import ops

from kerasgan.backend._common import (
    SHAPES_BEFORE_ANY,
    check_known,
    is_alone,
    num_devices,
    shapes_of,
)
from kerasgan.checks import argument_error, counted


def input_gradient(function, inputs):
    return jax.grad(lambda inputs: ops.sum(function(inputs)))(inputs)


def gradients(function, groups, variables):
    own = [variable for group in groups for variable in group]
    is_own = {id(variable) for variable in own}
    others = [variable for variable in variables if id(variable) not in is_own]
    before = [variable.value for variable in others]

    def pure(values):
        mapping = [*zip(own, jax.tree.leaves(values), strict=True)]
        mapping += zip(others, before, strict=True)
        with keras.StatelessScope(mapping, collect_losses=True) as scope:
            losses, outputs = function()
            check_known(scope, [*own, *others])
            after = [scope.get_current_value(variable) for variable in others]
        return losses, (outputs, after)

    values = [[variable.value for variable in group] for group in groups]
    losses, pull_back, (outputs, after) = jax.vjp(pure, values, has_aux=True)
    for variable, value in zip(others, after, strict=True):
        variable.assign(value)
    found = []
    for index in range(len(groups)):
        weights = [ops.cast(other == index, loss.dtype) for other, loss in enumerate(losses)]
        found.append(pull_back(weights)[0][index])
    return outputs, found


def apply_gradients(optimizer, gradients, variables):
    # `apply` works, except for a LossScaleOptimizer.
    values, states = optimizer.stateless_apply(
        [variable.value for variable in optimizer.variables],
        gradients,
        [variable.value for variable in variables],
    )
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
    for variable, value in zip(optimizer.variables, states, strict=True):
        variable.assign(value)


def compiled(function, variables, jit_compile, repeated):
    def pure(values, data):
        with keras.StatelessScope(zip(variables, values, strict=True)) as scope:
            result = function(data)
            check_known(scope, variables)
            return [scope.get_current_value(variable) for variable in variables], result

    def in_turn(values, data):
        return jax.lax.scan(pure, values, data)

    steps, known = {}, set()

    def make():
        check_devices(variables)
        step = in_turn if repeated else pure
        if not jit_compile:
            tensors = functools.partial(keras.tree.map_structure, ops.convert_to_tensor)
            return lambda values, data: step(values, tensors(data))
        layouts = None
        if keras.distribution.distribution():
            # Otherwise JAX may divide the new weights over the devices.
            layouts = [variable.value.sharding for variable in variables], _layout()
        return jax.jit(step, donate_argnums=0, out_shardings=layouts)

    def call(data):
        distribution = keras.distribution.distribution()
        if distribution not in steps:
            steps[distribution] = make()
        arrays = keras.tree.flatten(data)
        shapes = shapes_of(arrays)
        if shapes not in known:
            known.add(shapes)
            _warn_of_copies(arrays, repeated)
            if jit_compile and len(known) == SHAPES_BEFORE_ANY + 1:
                warnings.warn(
                    f"This is the {len(known)}th batch size. JAX compiles a step for each size, "
                    "which takes seconds: keep the size constant, or leave out short batches.",
                    stacklevel=2,
                )
        state = [variable.value for variable in variables]
        values, result = steps[distribution](state, data)
        # The device keeps working while Python assigns the values that it will compute. `assign`
        # would check each value first, which takes as long as the call.
        for variable, value in zip(variables, values, strict=True):
            variable._direct_assign(value)
        return result

    return call


def _warn_of_copies(arrays, repeated):
    """Warns about a batch that is too uneven to be divided over the devices."""
    for array in arrays:
        if num_devices() > 1 and array.ndim > repeated and array.sharding.is_fully_replicated:
            warnings.warn(
                f"The {num_devices()} devices cannot share a batch of {array.shape[repeated]} "
                "images equally: each of them computes all of it. Choose a batch size that is a "
                f"multiple of {num_devices()}, or leave out short batches.",
                stacklevel=3,
            )
            return


def train_step(model, step, inputs, state):
    parts = _state(model)
    mapping = [
        pair
        for variables, values in zip(parts, state, strict=True)
        for pair in zip(variables, values, strict=True)
    ]
    with keras.StatelessScope(mapping) as scope:
        logs = step(inputs)
        after = [[scope.get_current_value(variable) for variable in part] for part in parts]
    return logs, tuple(after)


@contextlib.contextmanager
def keeping_state(model):
    # The step may have given up the old values before Keras has stored the new ones. If it fails
    # before giving them up, Keras would store the values of an earlier step.
    variables = [variable for part in _state(model) for variable in part]
    before = [variable.value for variable in variables]
    try:
        yield
    except BaseException:
        model.jax_state_sync()
        if not any(value.is_deleted() for value in before):
            for variable, value in zip(variables, before, strict=True):
                variable.assign(value)
        raise


def _state(model):
    return (
        model.trainable_variables,
        model.non_trainable_variables,
        model.optimizer.variables,
        model.metrics_variables,
    )


def has_gpu():
    return jax.default_backend() != "cpu"


def peak_gpu_memory():
    return (jax.local_devices()[0].memory_stats() or {}).get("peak_bytes_in_use", 0)


def padded_size(count):
    if jax.config.jax_debug_nans:  # it refuses the NaN that a larger batch is filled up with
        return count
    power = 2 ** (count - 1).bit_length()
    return -(-power // num_devices()) * num_devices()


def _layout(*axes):
    """How an array with these axes lies on the devices; without any, each has all of it."""
    mesh = keras.distribution.distribution().device_mesh
    return keras.distribution.TensorLayout(axes, mesh).backend_layout


def place(array, repeated, is_share):
    _, count = process()
    axes = ()
    is_batch = array.ndim > repeated and (is_share or count == 1)
    if is_batch and array.shape[repeated] * count % num_devices() == 0:
        axes = (*[None] * repeated, keras.distribution.distribution().batch_dim_name)
    elif is_batch and count > 1:
        raise argument_error(
            "batch_size",
            f"be a multiple of {num_devices()}, the number of devices of all {count} processes",
            f"{array.shape[repeated]} images in this process",
            "Choose another batch size, and leave out short batches.",
        )
    return jax.make_array_from_process_local_data(_layout(*axes), np.asarray(array))


def join_processes():
    if jax.distributed.is_initialized():
        return
    # Otherwise JAX handles SIGTERM.
    jax.config.update("jax_enable_preemption_service", False)
    keras.distribution.initialize()


def process():
    return (0, 1) if is_alone.get() else (jax.process_index(), jax.process_count())


def is_any(flag, variables):
    # On CPUs, messages of two computations at the same time would be mixed up.
    jax.block_until_ready([variable.value for variable in variables])
    return bool(multihost_utils.process_allgather(np.asarray(flag)).any())


def check_same(name, value):
    # (JAX itself compares the variables, when they are made.)
    values = multihost_utils.process_allgather(np.asarray(value))
    if (values != values[0]).any():
        raise argument_error(
            name,
            "be the same in all processes that train together",
            f"{', '.join(map(str, values))} in processes 0 to {len(values) - 1}",
            "Run the same code on the same data in each process, and first "
            "keras.distribution.initialize, which gives all of them one random state.",
        )


def check_devices(variables):
    distribution = keras.distribution.distribution()
    _, count = process()
    if count > 1 and (not distribution or num_devices() < jax.device_count()):
        raise argument_error(
            "keras.distribution",
            f"have all {jax.device_count()} devices of the {count} processes",
            f"{num_devices()}" if distribution else "no distribution",
            "Call keras.distribution.set_distribution(keras.distribution.DataParallel()).",
        )
    for variable in variables if distribution else ():
        if len(variable.value.sharding.device_set) != distribution.device_mesh.devices.size:
            raise argument_error(
                "keras.distribution",
                "be set before models are built, loaded or compiled",
                f"{variable.path!r} on "
                f"{counted(len(variable.value.sharding.device_set), 'device')}, with a "
                f"distribution over {distribution.device_mesh.devices.size}",
                "Set it first; to move a trained GAN, save it, and load it under the distribution.",
            )


def use_deterministic_operations():
    flags = os.environ.get("XLA_FLAGS", "")
    os.environ["XLA_FLAGS"] = f"{flags} --xla_gpu_deterministic_ops=true".strip()
