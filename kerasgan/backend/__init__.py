"""What Keras leaves to its backends. No other package imports a backend or depends on one.

The functions are described here; `_tensorflow.py`, `_jax.py` and `_torch.py` have the code of each
backend.
"""

import contextlib
import os
import random

import keras
import numpy as np
from keras import ops

from kerasgan.backend._common import (
    USE_DATA_PARALLEL,
    check_known,
    is_alone,
    num_devices,
    peak_process_memory,
)
from kerasgan.checks import argument_error

__all__ = [
    "alone",
    "apply_gradients",
    "check_devices",
    "check_known",
    "check_same",
    "compiled",
    "data_parallel",
    "export_options",
    "gradients",
    "has_gpu",
    "input_gradient",
    "is_any",
    "join_processes",
    "keeping_state",
    "num_devices",
    "padded_size",
    "peak_memory",
    "process",
    "resolve_jit_compile",
    "to_device",
    "to_numpy",
    "train_step",
    "use_deterministic_operations",
]


def _backend():
    backend = keras.config.backend()
    if backend not in ("tensorflow", "jax", "torch"):
        raise NotImplementedError(
            "KERAS_BACKEND must be tensorflow, jax or torch to train GANs. Received: "
            f"{backend}. Choose one of these."
        )
    return backend


def _own():
    """The module of the backend in use."""
    backend = _backend()
    if backend == "tensorflow":
        from kerasgan.backend import _tensorflow as module
    elif backend == "jax":
        from kerasgan.backend import _jax as module
    else:
        from kerasgan.backend import _torch as module
    return module


def input_gradient(function, inputs):
    """The gradient of `sum(function(inputs))` with respect to `inputs`.

    It can be differentiated again, with respect to anything that `function` depends on: a loss
    computed from it trains the weights of a model inside `function`. If the rows of a batch do not
    affect each other, each gets its own gradient.

    Args:
        function: Maps a float tensor to a float tensor without changing any state: on JAX,
            anything it assigns would leak. Run models with `stateless_call`.
        inputs: Float tensor.

    Returns:
        Tensor with the shape and dtype of `inputs`.

    Raises:
        NotImplementedError: On a backend other than TensorFlow, JAX and PyTorch.
    """
    return _own().input_gradient(function, inputs)


def gradients(function, groups, variables):
    """The gradients of several losses from one forward pass, each for its own variables.

    Args:
        function: Takes no arguments and returns `(losses, outputs)`: one scalar loss for each
            group, and a structure of tensors. It may assign variables; the assignments are kept.
        groups: For each loss, the list of variables to differentiate it with respect to.
        variables: All variables that `function` reads or assigns. On JAX, call this inside
            `compiled` or `train_step`.

    Returns:
        `(outputs, gradients)`: the outputs, and a list of gradients for each group, with None for
        a variable that the loss does not depend on (zeros on JAX).
    """
    return _own().gradients(function, groups, variables)


def resolve_jit_compile(jit_compile, model):
    """Resolves "auto" to Keras's choice for a compiled model; on PyTorch it stays "auto"."""
    if jit_compile == "auto" and _backend() != "torch":
        return model.jit_compile
    return jit_compile


def apply_gradients(optimizer, gradients, variables):
    """Updates `variables`, on which `optimizer` has been built."""
    _own().apply_gradients(optimizer, gradients, variables)


def compiled(function, variables, jit_compile=True, repeated=False):
    """`function(data)` as one compiled call that reads and assigns Keras variables.

    Each new shape of data is compiled separately, which takes seconds. After `SHAPES_BEFORE_ANY`
    shapes, TensorFlow compiles for any batch size, and JAX warns. On PyTorch, `function` first runs
    uncompiled, and is recorded after `CALLS_BEFORE_RECORDING` calls with data of the same shape;
    `jit_compile=True` records it at once and compiles it with `torch.compile`.

    Args:
        function: Takes a structure of tensors, returns a tensor.
        variables: All variables that `function` reads or assigns. JAX treats any others as
            constants.
        jit_compile: Whether to compile: True, False or "auto", which lets Keras decide about XLA
            and, on PyTorch, records.
        repeated: Whether to call `function` for each entry along the first axis of `data`, in
            order, and stack the results.
    """
    return _own().compiled(function, variables, jit_compile, repeated)


def train_step(model, step, arguments):
    """Does what `keras.Model.train_step` must do on this backend, using `step(inputs)`.

    Args:
        model: The compiled `keras.Model`.
        step: Takes the inputs, assigns variables of the model and of its optimizer, and returns
            a dict of tensors.
        arguments: The arguments of `train_step`: on JAX the state, then the data.
    """
    *state, data = arguments
    inputs, _, _ = keras.utils.unpack_x_y_sample_weight(data)
    return _own().train_step(model, step, inputs, *state) if state else step(inputs)


def to_device(data, repeated=False, is_share=True):
    """Converts a structure of arrays to what a compiled call takes: tensors, or on JAX arrays.

    Under a `keras.distribution`, each device gets an equal share of a batch; if the number of
    devices does not divide it, each gets all of it.

    Args:
        data: Structure of arrays.
        repeated: Whether the arrays have a leading axis of steps, before the batch axis.
        is_share: Of several processes, whether each passes its own share of the batch. If not,
            they pass equal arrays, each device gets all of them, and no process waits for another.

    Raises:
        ValueError: The devices cannot share the batch of several processes equally.
    """
    if keras.distribution.distribution() is None:
        # A jitted call takes NumPy arrays in a tenth of the time that converting them takes. It
        # may read their memory later, so it gets copies.
        convert = np.array if _backend() == "jax" else ops.convert_to_tensor
        return keras.tree.map_structure(convert, data)
    return keras.tree.map_structure(lambda array: _own().place(array, repeated, is_share), data)


def join_processes():
    """Joins the processes that Keras's environment variables announce, if there are any.

    Raises:
        ValueError: The backend is not JAX, or the variables are incomplete.
    """
    count = os.environ.get("KERAS_DISTRIBUTION_NUM_PROCESSES", "1")
    if count == "1":
        return
    if keras.config.backend() != "jax":
        raise argument_error(
            "KERAS_DISTRIBUTION_NUM_PROCESSES",
            "be unset unless KERAS_BACKEND is jax",
            f"{count}, KERAS_BACKEND={keras.config.backend()}",
            "Unset it, or set KERAS_BACKEND=jax.",
        )
    _own().join_processes()


def process():
    """`(index, count)`: this process's number, and that of the processes that train together."""
    return _own().process() if keras.config.backend() == "jax" else (0, 1)


def is_any(flag, variables):
    """Whether a flag is set in any of the processes, all of which must call this.

    Args:
        flag: Whether it is set in this process.
        variables: Variables that the last step has changed, which it waits for.
    """
    return _own().is_any(flag, variables) if process()[1] > 1 else flag


@contextlib.contextmanager
def alone():
    """Lets one of several processes do in the block what makes Keras variables, such as saving.

    Under a distribution, JAX would wait for the other processes and compare the variables.
    """
    distribution = keras.distribution.distribution()
    state = random.getstate()  # Keras draws seeds from it, which the others would not draw
    keras.distribution.set_distribution(None)
    token = is_alone.set(True)
    try:
        yield
    finally:
        is_alone.reset(token)
        keras.distribution.set_distribution(distribution)
        random.setstate(state)


def check_same(name, value):
    """Raises ValueError unless an argument, a whole number, is the same in all processes.

    All of them must call this.
    """
    if process()[1] > 1:
        _own().check_same(name, value)


def has_gpu():
    """Whether the backend computes on a GPU (or TPU)."""
    return _own().has_gpu()


def peak_memory():
    """The most memory so far, in bytes: of the GPU if there is one, or else of this process.

    It is 0 where that is not known: on Apple's GPUs, and for a process on Windows.
    """
    return _own().peak_gpu_memory() if has_gpu() else peak_process_memory()


def padded_size(count):
    """The batch size at which to make `count` images, so that JAX compiles for few sizes."""
    return _own().padded_size(count) if keras.config.backend() == "jax" else count


def data_parallel(devices):
    """The `keras.distribution.DataParallel` over the first devices.

    Args:
        devices: Their number, or "all".

    Raises:
        ValueError: The backend is not JAX, or has fewer devices.
    """
    if keras.config.backend() != "jax":
        raise argument_error(
            "devices",
            "be 1 unless KERAS_BACKEND is jax, because Keras has no data parallelism for "
            "the other backends",
            f"devices={devices}, KERAS_BACKEND={keras.config.backend()}",
            "Pass 1, or set KERAS_BACKEND=jax.",
        )
    found = keras.distribution.list_devices()
    if devices != "all" and devices > len(found):
        raise argument_error(
            "devices",
            f"be at most {len(found)}, the number of devices that JAX finds",
            f"devices={devices}, with {', '.join(found)}",
            "Pass all. (JAX counts a CPU as one device.)",
        )
    return keras.distribution.DataParallel(devices=found if devices == "all" else found[:devices])


def check_devices(variables=()):
    """Raises ValueError if the devices in use would not train one GAN together.

    Args:
        variables: Variables that must be on the devices of the `keras.distribution`, if it is set.
    """
    backend, distribution = keras.config.backend(), keras.distribution.distribution()
    if backend != "jax" and distribution:
        raise argument_error(
            "keras.distribution",
            f"be left out on {backend}, where Keras ignores it",
            f"{type(distribution).__name__}",
            USE_DATA_PARALLEL,
        )
    if backend in ("tensorflow", "jax", "torch"):  # the others can make images
        _own().check_devices(variables)


def to_numpy(tensor):
    """Waits for a tensor and returns it as a NumPy array."""
    return np.asarray(ops.convert_to_numpy(tensor))


def keeping_state(model):
    """Keeps a model usable if Keras's `train_on_batch` is interrupted or fails in the block."""
    return _own().keeping_state(model) if _backend() == "jax" else contextlib.nullcontext()


def use_deterministic_operations():
    """Makes GPUs repeat results exactly, as CPUs do, which takes longer.

    For the whole process, and on JAX only before its first computation.
    """
    _own().use_deterministic_operations()


def export_options(format, num_inputs):
    """A context manager that yields arguments of `keras.Model.export` that a format needs.

    Args:
        format: As in `keras.Model.export`, which is to be called in the block.
        num_inputs: Number of the model's Inputs.
    """
    if _backend() == "jax":  # which needs none
        return contextlib.nullcontext({})
    return _own().export_options(format, num_inputs)
