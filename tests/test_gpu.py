"""What only a GPU shows; skipped where the backend has none."""

import importlib
import random
import subprocess
import sys

import keras
import numpy as np
import pytest
from models import same, state

import kerasgan
from kerasgan import backend, callbacks, pictures

BACKEND = keras.config.backend()


def has_gpu():
    framework = importlib.import_module(BACKEND)
    if BACKEND == "torch":
        return framework.cuda.is_available()
    if BACKEND == "jax":
        return framework.default_backend() == "gpu"
    return bool(framework.config.list_physical_devices("GPU"))


pytestmark = pytest.mark.skipif(not has_gpu(), reason="needs a GPU")


def train(images, steps, **compiled):
    random.seed(0)
    gan = kerasgan.build_dcgan((16, 16, 1), filters=4)
    gan.compile(ema=0.9, **compiled)
    # Batches of two sizes, in turn.
    losses = [gan.train_on_batch(images[step % 2 :])["loss"] for step in range(steps)]
    return gan, losses


def weights(gan):
    """Copies of what optimizers change."""
    variables = [*gan.generator.trainable_variables, *gan.discriminator.trainable_variables]
    return [keras.ops.convert_to_numpy(variable).copy() for variable in variables]


@pytest.mark.skipif(BACKEND != "torch", reason="CUDA graphs are for PyTorch")
def test_a_cuda_graph_makes_the_same_steps(monkeypatch):
    import torch

    launches = []
    replay = torch.cuda.CUDAGraph.replay
    monkeypatch.setattr(
        torch.cuda.CUDAGraph, "replay", lambda self: launches.append(1) or replay(self)
    )
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True)
    try:
        images = np.random.default_rng(0).integers(0, 256, (8, 16, 16, 1), "uint8")
        graph, graph_losses = train(images, 70)
        assert len(launches) >= 25
        plain, plain_losses = train(images, 70, jit_compile=False)
    finally:
        torch.use_deterministic_algorithms(False)
    assert graph_losses == plain_losses
    assert same(state(graph), state(plain))
    # A rate is read from memory, so a new one counts.
    for gan in (graph, plain):
        gan.d_optimizer.learning_rate = gan.g_optimizer.learning_rate = 0.0
        before = weights(gan)
        gan.train_on_batch(images)
        assert same(before, weights(gan))


def test_a_deterministic_run_resumes_exactly(tmp_path):
    folder = tmp_path / "images"
    folder.mkdir()
    for number, image in enumerate(np.random.default_rng(0).integers(0, 256, (24, 16, 16, 3))):
        pictures.save_png(folder / f"{number}.png", image.astype("uint8"))

    def run(*arguments):
        command = [sys.executable, "-m", "kerasgan_command", "train", *map(str, arguments)]
        subprocess.run(command, check=True, capture_output=True)

    settings = (folder, "--model", "dcgan", "--filters", 8, "--batch-size", 8, "--deterministic")
    whole, halves = tmp_path / "whole", tmp_path / "halves"
    run(*settings, "--steps", 60, "--out", whole)
    run(*settings, "--steps", 30, "--out", halves)
    run("--resume", "--steps", 60, "--out", halves)
    expected, resumed = map(callbacks.load_checkpoint, (whole, halves))
    assert resumed.step == 60
    assert same(state(expected), state(resumed))


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision(policy):
    keras.config.set_dtype_policy(policy)
    try:
        images = np.random.default_rng(0).integers(0, 256, (8, 16, 16, 1), "uint8")
        gan, losses = train(images, 30)
    finally:
        keras.config.set_dtype_policy("float32")
    assert np.isfinite(losses).all()
    assert len(set(losses)) > 20
    assert gan.sample(2).dtype == "uint8"


def test_the_peak_of_memory_is_the_gpus():
    held = keras.ops.zeros((2**28,), "uint8")
    assert backend.peak_memory() >= keras.ops.size(held) == 2**28
