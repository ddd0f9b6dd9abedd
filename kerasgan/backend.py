"""What Keras leaves to its backends. No other module imports a backend or depends on one."""

import collections
import contextlib
import functools
import os
import warnings

import keras
import numpy as np
from keras import ops

from kerasgan.checks import argument_error

__all__ = [
    "apply_gradients",
    "check_devices",
    "check_known",
    "compiled",
    "data_parallel",
    "export_options",
    "gradients",
    "has_gpu",
    "input_gradient",
    "keeping_state",
    "num_devices",
    "padded_size",
    "resolve_jit_compile",
    "to_device",
    "to_numpy",
    "train_step",
    "use_deterministic_operations",
]

# PyTorch only. Recording takes as much time as it saves in about a hundred steps.
CALLS_BEFORE_RECORDING = 20
# A step is compiled separately for this many shapes of data. TensorFlow then compiles for any batch
# size, but not from the start, because a loss may read the batch size from the shape.
SHAPES_BEFORE_ANY = 4

_USE_DATA_PARALLEL = (
    "To use several devices of one machine, set KERAS_BACKEND=jax, and call "
    "keras.distribution.set_distribution(keras.distribution.DataParallel())."
)


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
    backend = _backend()
    if backend == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape() as tape:
            tape.watch(inputs)
            total = ops.sum(function(inputs))
        return tape.gradient(total, inputs, unconnected_gradients="zero")
    if backend == "jax":
        import jax

        return jax.grad(lambda inputs: ops.sum(function(inputs)))(inputs)
    import torch

    with torch.enable_grad():
        if not inputs.requires_grad:
            inputs = inputs.detach().requires_grad_()
        total = ops.sum(function(inputs))
        (gradient,) = torch.autograd.grad(
            total, inputs, create_graph=True, allow_unused=True, materialize_grads=True
        )
        return gradient


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
    backend = _backend()
    if backend == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape(persistent=len(groups) > 1, watch_accessed_variables=False) as tape:
            for group in groups:
                tape.watch([variable.value for variable in group])
            losses, outputs = function()
        return outputs, [
            tape.gradient(loss, [variable.value for variable in group])
            for loss, group in zip(losses, groups, strict=True)
        ]
    if backend == "jax":
        return _jax_gradients(function, groups, variables)
    import torch

    losses, outputs = function()
    last = len(groups) - 1
    found = [
        torch.autograd.grad(
            losses[index],
            [variable.value for variable in group],
            retain_graph=index < last,
            allow_unused=True,
        )
        for index, group in enumerate(groups)
    ]
    return keras.tree.map_structure(lambda tensor: tensor.detach(), outputs), found


def _jax_gradients(function, groups, variables):
    import jax

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


def resolve_jit_compile(jit_compile, model):
    """Resolves "auto" to Keras's choice for a compiled model; on PyTorch it stays "auto"."""
    if jit_compile == "auto" and _backend() != "torch":
        return model.jit_compile
    return jit_compile


def apply_gradients(optimizer, gradients, variables):
    """Updates `variables`, on which `optimizer` has been built."""
    if _backend() != "jax":
        optimizer.apply(gradients, variables)
        return
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
    backend = _backend()
    if backend == "tensorflow":
        import tensorflow as tf

        def in_turn(data):
            signature = tf.TensorSpec(None, "float32")
            return tf.map_fn(function, data, parallel_iterations=1, fn_output_signature=signature)

        options = {"autograph": False, "jit_compile": bool(jit_compile)}
        traced = in_turn if repeated else function
        own_shape = tf.function(traced, **options)
        any_shape = tf.function(traced, reduce_retracing=True, **options)
        known = set()

        def call(data):
            shapes = _shapes(keras.tree.flatten(data))
            if shapes in known or len(known) < SHAPES_BEFORE_ANY:
                known.add(shapes)
                return own_shape(data)
            return any_shape(data)

        return call
    if backend == "jax":
        return _jax_compiled(function, variables, jit_compile, repeated)
    if jit_compile:
        function = _torch_recorded(function, variables, jit_compile)
    if not repeated:
        return function

    def one_after_the_other(data):
        count = len(keras.tree.flatten(data)[0])
        parts = (keras.tree.map_structure(lambda x: x[i], data) for i in range(count))  # noqa: B023
        return ops.stack([function(part) for part in parts])

    return one_after_the_other


def _shapes(arrays):
    return tuple((tuple(array.shape), array.dtype) for array in arrays)


def _torch_recorded(function, variables, jit_compile):
    """`function(data)`, replayed from a recording of its tensor operations.

    Most of a small step is spent in the Python code of Keras layers. A recording avoids that. It
    contains the forward pass, the gradients and the updates, which change the variables in place.
    On a GPU, a CUDA graph launches all of them at once.
    """
    import torch
    from functorch import make_fx

    before_recording = 0 if jit_compile is True else CALLS_BEFORE_RECORDING
    calls, records = collections.Counter(), {}
    pool = torch.cuda.graph_pool_handle() if torch.cuda.is_available() else None

    def call(data):
        arrays = keras.tree.flatten(data)
        shapes = _shapes(arrays)
        if shapes not in records:
            calls[shapes] += 1
            if calls[shapes] <= before_recording:
                return function(data)
            records[shapes], result = record(data, arrays)
            if result is not None:
                return result
        if records[shapes] is None:
            return function(data)
        with torch.no_grad():
            return records[shapes]([variable.value for variable in variables], arrays)

    def record(data, arrays):
        results = []

        def flat(values, arrays):
            results.append(function(keras.tree.pack_sequence_as(data, arrays)))
            return results[-1]

        values = [variable.value for variable in variables]
        before = [value.detach().clone() for value in values]
        try:
            recorded = make_fx(flat)(values, arrays)
            if _has_shapes_from_values(recorded):
                raise RuntimeError("the shape of a tensor in it depends on values")
        except RuntimeError as error:
            # Not every use of a value is a tensor operation: Keras reads the seeds of noise, and
            # the learning rate of plain SGD, as numbers.
            with torch.no_grad():
                for value, old in zip(values, before, strict=True):
                    value.copy_(old)
            if jit_compile is True:
                warnings.warn(
                    f"This GAN's step cannot be compiled on PyTorch and runs uncompiled: {error}",
                    stacklevel=2,
                )
            return None, None
        if jit_compile is True:
            recorded = torch.compile(recorded)
        elif pool and not _draws_on_cpu(recorded):
            recorded = _cuda_graph(recorded, values, arrays, pool)
        return recorded, results[-1].detach()

    return call


def _has_shapes_from_values(recorded):
    """Whether a recording has tensors such as `x[x > 0]`, whose shape it would repeat."""
    import torch

    for node in recorded.graph.nodes:
        if torch.Tag.dynamic_output_shape not in getattr(node.target, "tags", ()):
            continue
        if node.target != torch.ops.aten.index.Tensor:
            return True
        # Numbers as indices give a known shape, masks do not.
        kinds = {index.meta["val"].dtype for index in node.args[1] if index is not None}
        if kinds & {torch.bool, torch.uint8}:
            return True
    return False


def _draws_on_cpu(recorded):
    """Whether a recording draws noise on the CPU, as only a user's function would."""
    import torch

    return any(
        torch.Tag.nondeterministic_seeded in getattr(node.target, "tags", ())
        and node.meta["val"].device.type == "cpu"
        for node in recorded.graph.nodes
    )


def _cuda_graph(function, values, arrays, pool):
    """`function(values, arrays)`, launched as one CUDA graph; `function` itself if it cannot be.

    The graph reads and changes the memory of `values`, and reads copies of `arrays`. What
    `function` computes on the CPU becomes a constant. `pool` is memory that the graph shares with
    others that do not run at the same time.
    """
    import torch

    current, device = torch.cuda.current_stream(), torch.cuda.current_device()
    if {tensor.get_device() for tensor in (*values, *arrays)} != {device}:
        return function  # a capture takes only what runs on the current device
    places = [value.data_ptr() for value in values]
    try:
        graph, copies = torch.cuda.CUDAGraph(), [array.clone() for array in arrays]
        # A capture runs nothing, so it changes no variable. Other threads, such as those that load
        # data, may use the GPU meanwhile.
        stream = torch.cuda.Stream()  # PyTorch's own may be on another device
        capture = torch.cuda.graph(graph, pool, stream, capture_error_mode="thread_local")
        with torch.no_grad(), capture:
            result = function(values, copies)
    except RuntimeError:
        return function
    finally:
        torch.cuda.set_stream(current)  # which a capture that fails may not do

    def launch(values, arrays):
        if [value.data_ptr() for value in values] != places:
            return function(values, arrays)
        for copy, array in zip(copies, arrays, strict=True):
            copy.copy_(array)
        graph.replay()
        return result.clone()  # the next launch writes to the same memory

    return launch


def _jax_compiled(function, variables, jit_compile, repeated):
    import jax

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
            layouts = [variable.value.sharding for variable in variables], None
        return jax.jit(step, donate_argnums=0, out_shardings=layouts)

    def call(data):
        distribution = keras.distribution.distribution()
        if distribution not in steps:
            steps[distribution] = make()
        arrays = keras.tree.flatten(data)
        shapes = _shapes(arrays)
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


def check_known(scope, variables):
    """Raises ValueError if a step has assigned any other variables."""
    if scope.state_mapping.keys() - {id(variable) for variable in variables}:
        raise ValueError(
            "`augment`, `penalty`, `loss` and `auxiliary_loss` must not assign variables of their "
            "own on JAX or in a lazy penalty, where the assignment would be lost. Received: a "
            "function that does, for example with a keras.random.SeedGenerator. For `augment`, "
            "pass a keras.layers.Layer that keeps the state; for the others, avoid state."
        )


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
    if not state:
        return step(inputs)
    parts = _jax_state(model)
    mapping = [
        pair
        for variables, values in zip(parts, state[0], strict=True)
        for pair in zip(variables, values, strict=True)
    ]
    with keras.StatelessScope(mapping) as scope:
        logs = step(inputs)
        after = [[scope.get_current_value(variable) for variable in part] for part in parts]
    return logs, tuple(after)


def to_device(data, repeated=False):
    """Converts a structure of arrays to what a compiled call takes: tensors, or on JAX arrays.

    Under a `keras.distribution`, each device gets an equal share of a batch; if the number of
    devices does not divide it, each gets all of it.

    Args:
        data: Structure of arrays.
        repeated: Whether the arrays have a leading axis of steps, before the batch axis.
    """
    distribution = keras.distribution.distribution()
    if distribution is None:
        # A jitted call takes NumPy arrays in a tenth of the time that converting them takes. It
        # may read their memory later, so it gets copies.
        convert = np.array if _backend() == "jax" else ops.convert_to_tensor
        return keras.tree.map_structure(convert, data)

    def place(array):
        axes = [None] * repeated + [distribution.batch_dim_name]
        if array.ndim <= repeated or array.shape[repeated] % num_devices():
            axes = []
        layout = keras.distribution.TensorLayout(axes, distribution.device_mesh)
        return keras.distribution.distribute_tensor(array, layout)

    return keras.tree.map_structure(place, data)


def num_devices():
    """The number of devices that share a batch."""
    distribution = keras.distribution.distribution()
    return distribution.num_model_replicas if distribution else 1


def has_gpu():
    """Whether the backend computes on a GPU (or TPU)."""
    backend = _backend()
    if backend == "tensorflow":
        import tensorflow as tf

        return bool(tf.config.list_physical_devices("GPU"))
    if backend == "jax":
        import jax

        return jax.default_backend() != "cpu"
    import torch

    return torch.cuda.is_available() or torch.backends.mps.is_available()


def padded_size(count):
    """The batch size at which to make `count` images, so that JAX compiles for few sizes."""
    if keras.config.backend() != "jax":
        return count
    import jax

    if jax.config.jax_debug_nans:  # it refuses the NaN that a larger batch is filled up with
        return count
    power = 2 ** (count - 1).bit_length()
    return -(-power // num_devices()) * num_devices()


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
            "be left out unless KERAS_BACKEND is jax, because Keras has no data parallelism for "
            "the other backends",
            f"devices={devices}, KERAS_BACKEND={keras.config.backend()}",
            "Leave it out, or set KERAS_BACKEND=jax.",
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
    backend = keras.config.backend()
    distribution = keras.distribution.distribution()
    if backend == "tensorflow":
        import tensorflow as tf

        strategy = tf.distribute.get_strategy()
        if strategy.num_replicas_in_sync > 1:
            raise argument_error(
                "tf.distribute",
                "be left out, because Keras 3 would give every device the whole batch",
                f"{type(strategy).__name__} over {strategy.num_replicas_in_sync} devices",
                _USE_DATA_PARALLEL,
            )
    if backend == "torch":
        import torch

        group = torch.distributed
        if group.is_available() and group.is_initialized() and group.get_world_size() > 1:
            raise argument_error(
                "torch.distributed",
                "have one process, because each would train a GAN of its own",
                f"{group.get_world_size()} processes",
                _USE_DATA_PARALLEL,
            )
    if backend != "jax" and distribution:
        raise argument_error(
            "keras.distribution",
            f"be left out on {backend}, where Keras ignores it",
            f"{type(distribution).__name__}",
            _USE_DATA_PARALLEL,
        )
    if backend != "jax":
        return
    import jax

    if jax.process_count() > 1:
        raise argument_error(
            "keras.distribution",
            "have one process: a GAN trains on the devices of one machine",
            f"{jax.process_count()} processes",
            "Leave out keras.distribution.initialize.",
        )
    for variable in variables if distribution else ():
        if len(variable.value.sharding.device_set) != distribution.device_mesh.devices.size:
            raise argument_error(
                "keras.distribution",
                "be set before models are built, loaded or compiled",
                f"{variable.path!r} on {len(variable.value.sharding.device_set)} device(s), with a "
                f"distribution over {distribution.device_mesh.devices.size}",
                "Set it first; to move a trained GAN, save it, and load it under the distribution.",
            )


def to_numpy(tensor):
    """Waits for a tensor and returns it as a NumPy array."""
    return np.asarray(ops.convert_to_numpy(tensor))


@contextlib.contextmanager
def keeping_state(model):
    """Keeps a model usable if Keras's `train_on_batch` is interrupted or fails in the block.

    On JAX, the step may have given up the old values before Keras has stored the new ones. If it
    fails before giving them up, Keras would store the values of an earlier step.
    """
    if _backend() != "jax":
        yield
        return
    variables = [variable for part in _jax_state(model) for variable in part]
    before = [variable.value for variable in variables]
    try:
        yield
    except BaseException:
        model.jax_state_sync()
        if not any(value.is_deleted() for value in before):
            for variable, value in zip(variables, before, strict=True):
                variable.assign(value)
        raise


def use_deterministic_operations():
    """Makes GPUs repeat results exactly, as CPUs do, which takes longer.

    For the whole process, and on JAX only before its first computation.
    """
    backend = _backend()
    if backend == "tensorflow":
        import tensorflow as tf

        tf.config.experimental.enable_op_determinism()
    elif backend == "jax":
        flags = os.environ.get("XLA_FLAGS", "")
        os.environ["XLA_FLAGS"] = f"{flags} --xla_gpu_deterministic_ops=true".strip()
    else:
        import torch

        # Read by cuBLAS, which otherwise chooses among its workspaces.
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.use_deterministic_algorithms(True)


@contextlib.contextmanager
def export_options(format, num_inputs):
    """Yields arguments of `keras.Model.export` that a format needs.

    Args:
        format: As in `keras.Model.export`, which is to be called in the block.
        num_inputs: Number of the model's Inputs.
    """
    if _backend() == "torch" and format == "torch":
        import torch

        sizes = {0: torch.export.Dim("batch")}
        yield {"dynamic_shapes": [(sizes if num_inputs == 1 else [sizes] * num_inputs,)]}
    elif _backend() == "torch" and format == "onnx":
        import torch

        # Keras lays out the maps of a Conv3D anew (those that make grey images in some models). In
        # ONNX there is nothing to lay out, and the converter refuses unless it is told.
        torch.onnx.register_custom_op_symbolic("aten::contiguous", _same, 9)
        try:
            yield {}
        finally:
            torch.onnx.unregister_custom_op_symbolic("aten::contiguous", 9)
    elif _backend() == "tensorflow" and format == "litert":
        import tensorflow as tf

        # Keras also allows TensorFlow's operations, which the runtimes of devices lack.
        yield {"target_spec": {"supported_ops": [tf.lite.OpsSet.TFLITE_BUILTINS]}}
    else:
        yield {}


def _same(graph, x, memory_format):
    return x


def _jax_state(model):
    return (
        model.trainable_variables,
        model.non_trainable_variables,
        model.optimizer.variables,
        model.metrics_variables,
    )


def _backend():
    backend = keras.config.backend()
    if backend not in ("tensorflow", "jax", "torch"):
        raise NotImplementedError(
            "KERAS_BACKEND must be tensorflow, jax or torch to train GANs. Received: "
            f"{backend}. Choose one of these."
        )
    return backend
