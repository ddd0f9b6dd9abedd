"""Gradients with respect to images, and the rule that one package names backends."""

import os
import pathlib
import re

import keras
import numpy as np
import pytest
from keras import ops

import kerasgan
from kerasgan.backend import (
    compiled,
    input_gradient,
    to_device,
    use_deterministic_operations,
)
from kerasgan.checks import is_out_of_memory


def test_the_gradient_by_hand():
    inputs = np.array([[1.0, 2.0], [-3.0, 0.5]], "float32")
    gradient = input_gradient(lambda x: x[:, 0] ** 3 * x[:, 1], ops.convert_to_tensor(inputs))
    expected = [[3 * 1 * 2, 1], [3 * 9 * 0.5, -27]]
    np.testing.assert_allclose(ops.convert_to_numpy(gradient), expected, rtol=1e-5)


def test_a_running_call_does_not_see_later_changes_of_its_arrays():
    def slow(data):
        x = ops.ones((1000, 1000))
        for _ in range(5):
            x = ops.matmul(x, x) / 1000
        return ops.sum(data["images"]) + 0 * ops.sum(x)

    call = compiled(slow, [], jit_compile="auto")
    memory = np.zeros(2**20 + 16, "float32")
    first = -memory.ctypes.data % 64 // 4
    array = memory[first : first + 2**20]  # so aligned that JAX would use this memory
    result = call(to_device({"images": array}))
    array[:] = 1
    assert float(ops.convert_to_numpy(result)) == 0


@pytest.mark.skipif(keras.config.backend() != "torch", reason="CUDA graphs are for PyTorch")
@pytest.mark.parametrize("noisy", [False, True])
def test_noise_from_the_cpu_is_found_in_a_recording(noisy):
    """A CUDA graph would repeat it at every step."""
    import torch
    from functorch import make_fx

    from kerasgan.backend._torch import _draws_on_cpu

    def step(x):
        return (x * torch.rand(())).mean() if noisy else (x * torch.tensor(0.5)).mean()

    assert _draws_on_cpu(make_fx(step)(torch.ones(2, 3))) is noisy


def test_the_gradient_of_a_model_is_that_of_finite_differences():
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((4, 4, 2)),
            keras.layers.Conv2D(3, 3, padding="same", activation="tanh"),
            keras.layers.Flatten(),
            keras.layers.Dense(1),
        ]
    )
    rng = np.random.default_rng(0)
    images, direction = rng.normal(size=(2, 3, 4, 4, 2)).astype("float32")

    def score(x):
        return ops.convert_to_numpy(model(ops.convert_to_tensor(x))).sum()

    slope = (score(images + 0.01 * direction) - score(images - 0.01 * direction)) / 0.02
    gradient = input_gradient(model, ops.convert_to_tensor(images))
    assert np.isclose(np.sum(ops.convert_to_numpy(gradient) * direction), slope, rtol=1e-2)


def test_operations_can_be_made_deterministic(monkeypatch, own):
    images = np.zeros((2, 8, 8, 3), np.uint8)
    monkeypatch.setenv("XLA_FLAGS", "--xla_a=1")
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)
    if keras.config.backend() == "torch":
        import torch

        use_deterministic_operations()
        try:
            assert torch.are_deterministic_algorithms_enabled()
            own.train_on_batch(images)
        finally:
            torch.use_deterministic_algorithms(False)
        assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"
    elif keras.config.backend() == "jax":
        use_deterministic_operations()
        assert os.environ["XLA_FLAGS"] == "--xla_a=1 --xla_gpu_deterministic_ops=true"
    else:
        import tensorflow as tf

        calls = []  # TensorFlow cannot undo it
        monkeypatch.setattr(
            tf.config.experimental, "enable_op_determinism", lambda: calls.append(1)
        )
        use_deterministic_operations()
        assert calls == [1]


def test_each_backend_is_named_in_one_file():
    package = pathlib.Path(kerasgan.__file__).parent
    pattern = re.compile(r"^\s*(?:import|from) (tensorflow|jax|torch)\b", re.MULTILINE)
    found = {
        (path.relative_to(package).as_posix(), backend)
        for path in package.rglob("*.py")
        for backend in pattern.findall(path.read_text(encoding="utf-8"))
    }
    assert found == {(f"backend/_{name}.py", name) for name in ("tensorflow", "jax", "torch")}


@pytest.mark.any_backend
@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB."),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes."),
        RuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 2199023255552 bytes."),
        RuntimeError(
            "{{function_node Fill}} OOM when allocating tensor with shape[1048576,524288]"
        ),
    ],
)
def test_every_backends_words_for_no_memory_are_known(error):
    assert is_out_of_memory(error)
    assert not is_out_of_memory(ValueError("`images` must be uint8"))
