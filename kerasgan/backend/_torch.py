"""The functions of `kerasgan.backend` on PyTorch."""

import collections
import contextlib
import os
import warnings

import keras
import torch
from keras import ops

from kerasgan.backend._common import USE_DATA_PARALLEL, shapes_of
from kerasgan.checks import argument_error

# Recording takes as much time as it saves in about a hundred steps.
CALLS_BEFORE_RECORDING = 20


def input_gradient(function, inputs):
    with torch.enable_grad():
        if not inputs.requires_grad:
            inputs = inputs.detach().requires_grad_()
        total = ops.sum(function(inputs))
        (gradient,) = torch.autograd.grad(
            total, inputs, create_graph=True, allow_unused=True, materialize_grads=True
        )
        return gradient


def gradients(function, groups, variables):
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


def apply_gradients(optimizer, gradients, variables):
    optimizer.apply(gradients, variables)


def compiled(function, variables, jit_compile, repeated):
    if jit_compile:
        function = _recorded(function, variables, jit_compile)
    if not repeated:
        return function

    def one_after_the_other(data):
        count = len(keras.tree.flatten(data)[0])
        parts = (keras.tree.map_structure(lambda x: x[i], data) for i in range(count))  # noqa: B023
        return ops.stack([function(part) for part in parts])

    return one_after_the_other


def _recorded(function, variables, jit_compile):
    """`function(data)`, replayed from a recording of its tensor operations.

    Most of a small step is spent in the Python code of Keras layers. A recording avoids that. It
    contains the forward pass, the gradients and the updates, which change the variables in place.
    On a GPU, a CUDA graph launches all of them at once.
    """
    from functorch import make_fx

    before_recording = 0 if jit_compile is True else CALLS_BEFORE_RECORDING
    calls, records = collections.Counter(), {}
    pool = torch.cuda.graph_pool_handle() if torch.cuda.is_available() else None

    def call(data):
        arrays = keras.tree.flatten(data)
        shapes = shapes_of(arrays)
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


def has_gpu():
    return torch.cuda.is_available() or torch.backends.mps.is_available()


def peak_gpu_memory():
    return torch.cuda.max_memory_allocated() if torch.cuda.is_available() else 0


def check_devices(variables):
    group = torch.distributed
    if group.is_available() and group.is_initialized() and group.get_world_size() > 1:
        raise argument_error(
            "torch.distributed",
            "have one process, because each would train a GAN of its own",
            f"{group.get_world_size()} processes",
            USE_DATA_PARALLEL,
        )


def use_deterministic_operations():
    # Read by cuBLAS, which otherwise chooses among its workspaces.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True)


@contextlib.contextmanager
def export_options(format, num_inputs):
    if format == "torch":
        sizes = {0: torch.export.Dim("batch")}
        yield {"dynamic_shapes": [(sizes if num_inputs == 1 else [sizes] * num_inputs,)]}
    elif format == "onnx":
        # Keras lays out the maps of a Conv3D anew (those that make grey images in some models). In
        # ONNX there is nothing to lay out, and the converter refuses unless it is told.
        torch.onnx.register_custom_op_symbolic("aten::contiguous", _same, 9)
        try:
            yield {}
        finally:
            torch.onnx.unregister_custom_op_symbolic("aten::contiguous", 9)
    else:
        yield {}


def _same(graph, x, memory_format):
    return x
