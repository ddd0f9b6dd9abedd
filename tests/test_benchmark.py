"""The benchmark: its contenders do the same work, and its parent compares them round by round."""

import contextlib
import importlib
import json
import math
import pathlib
import sys
import types

import keras
import numpy as np
import pytest

MEASURE = pathlib.Path(__file__).parent.parent / "scripts" / "measure"
BACKEND = keras.config.backend()
sys.path.insert(0, str(MEASURE))
import contenders  # noqa: E402

sys.path.remove(str(MEASURE))
HERE = [name for name, entry in contenders.CONTENDERS.items() if BACKEND in entry.backends]
# One is the default, one takes long, one would change all tests after it.
NOT_HERE = {"fit_joint", "torch_compile", "fit_deterministic"}
BY_HAND = {"tensorflow": "keras_train_step", "torch": "torch_eager", "jax": "jax_jit"}


@pytest.fixture
def benchmark(monkeypatch):
    monkeypatch.syspath_prepend(str(MEASURE))
    return importlib.import_module("benchmark")


def tiny(model="dcgan", size=16, channels=1, **others):
    setting = {
        "model": model,
        "size": size,
        "channels": channels,
        "batch_size": 2,
        "filters": 2,
        "precision": "float32",
    }
    return types.SimpleNamespace(**(setting | others))


def check_that_it_trains(name, setting):
    shape = (2 * 8, setting.size, setting.size, setting.channels)
    images = np.random.default_rng(0).integers(0, 256, shape, dtype="uint8")
    try:
        contender = contenders.CONTENDERS[name].make(setting, images)
    except contenders.Unavailable as reason:
        pytest.skip(str(reason))
    before = contender.weights()
    losses = contender.run(contender.chunk)
    assert losses.keys() >= {"d_loss", "g_loss"}
    assert all(math.isfinite(value) for value in losses.values())
    if name != "tutorial":  # which never trains the discriminator
        for old, new in zip(before, contender.weights(), strict=True):
            assert any(not np.array_equal(a, b) for a, b in zip(old, new, strict=True))


@pytest.mark.parametrize("name", sorted(set(HERE) - NOT_HERE))
def test_a_step_changes_both_networks(name):
    check_that_it_trains(name, tiny())


@pytest.mark.parametrize("model", ["flag_gan", "wgan_gp"])
def test_steps_written_by_hand_know_other_models(model):
    check_that_it_trains(BY_HAND[BACKEND], tiny(model))


@pytest.mark.skipif(BACKEND != "torch", reason="needs PyTorch")
def test_a_compiled_step_of_pytorch(monkeypatch):
    import torch

    compile = torch.compile
    # Without the compiler of C++ code, which takes half a minute.
    monkeypatch.setattr(torch, "compile", lambda function: compile(function, backend="eager"))
    check_that_it_trains("torch_compile", tiny())


@pytest.mark.skipif(BACKEND != "torch", reason="needs PyTorch")
@pytest.mark.parametrize("size", [16, 28, 30])
@pytest.mark.parametrize("model", contenders.CONTENDERS["torch_eager"].models)
def test_networks_of_pytorch_are_those_of_keras(model, size):
    import torch

    setting = tiny(model, size, channels=3)
    gan = contenders.build(setting)
    networks = contenders.torch_networks(setting)
    latents = torch.zeros(2, contenders.TASKS[model].latent_dim)
    images = networks[0](latents)
    assert images.shape == (2, 3, size, size)
    assert networks[1](images).shape == (2, *gan.discriminator.output_shape[1:])
    for network, model in zip(networks, (gan.generator, gan.discriminator), strict=True):
        trainable = sum(parameter.numel() for parameter in network.parameters())
        statistics = sum(b.numel() for b in network.buffers() if b.is_floating_point())
        # Keras counts the states of dropout layers' seeds, two numbers each, among the weights.
        random = sum(isinstance(module, torch.nn.Dropout) for module in network.modules())
        weights = model.trainable_weights
        assert trainable == sum(math.prod(weight.shape) for weight in weights)
        others = sum(math.prod(variable.shape) for variable in model.non_trainable_variables)
        assert statistics == others - 2 * random


@pytest.mark.any_backend
def test_operations_are_counted(benchmark):
    setting = tiny(contender="fit")
    zoo = contenders.build(setting)
    # Convolutions of 4 x 4 to 8 x 8 and 4 x 4 places, and the dense layer.
    discriminator = 2 * (64 * 16 * 1 * 2 + 16 * 16 * 2 * 4 + 4 * 4 * 4)
    # The dense layer, and transposed convolutions of 4 x 4 from 4 x 4 and 8 x 8 places.
    generator = 2 * (100 * 4 * 4 * 4 + 16 * 16 * 4 * 2 + 64 * 16 * 2 * 1)
    assert benchmark.forward_flop(zoo.discriminator) == discriminator
    assert benchmark.forward_flop(zoo.generator) == generator
    assert benchmark.step_flop(setting) == 2 * (4 * generator + 8 * discriminator)


def run(benchmark, monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["benchmark.py", *map(str, arguments)])
    benchmark.main()


@pytest.mark.any_backend
@pytest.mark.parametrize("together", [[], ["--together"]])
def test_rounds_are_compared_one_by_one(benchmark, tmp_path, monkeypatch, capsys, together):
    # The machine gets slower from round to round; the ratios stay.
    times = {"fit": [10.0, 20.0, 40.0], "train_on_batch": [20.0, 40.0, 80.0]}
    turns, started = [], []

    class Process:
        ready = {}

        def __init__(self, spec):
            self.name = spec["contender"]
            started.append(self.name)

        def measure(self):
            turns.append(self.name)
            if self.name not in times:
                return {"error": "ValueError: no"}
            values = dict.fromkeys(benchmark.MEDIANS, 0.5)
            return values | {"wall_ms": times[self.name].pop(0), "cpu_ms": 8.0}

        def close(self):
            pass

    monkeypatch.setattr(benchmark, "Process", Process)
    out = tmp_path / "made" / "out.jsonl"
    names = ["fit", "tutorial", "train_on_batch"]
    tail = ["--rounds", 3, "--cores", 1, "--out", out, *together, "--contenders", *names]
    run(benchmark, monkeypatch, *tail)
    assert turns == ["fit", "tutorial", "train_on_batch"] + 2 * ["fit", "train_on_batch"]
    assert started == (names if together else turns)
    printed = capsys.readouterr().out
    assert "dcgan 28x28x1, batch 64, filters 16, float32, 1 core; ratios to fit" in printed
    row = "| train_on_batch | tensorflow | 3 | 40.0 (20.0 to 80.0) | 2.00 (2.00 to 2.00) | "
    assert row in printed
    assert "tutorial@tensorflow: ValueError: no" in printed
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    assert [line["round"] for line in lines] == [0, 0, 0, 1, 1, 2, 2]
    assert lines[1]["error"] == "ValueError: no"


@pytest.mark.any_backend
def test_a_size_has_its_batch_and_width(benchmark, monkeypatch, capsys):
    given = ["--size", 28, 64, "--batch-size", 64, "--filters", 16, 32, "--rounds", 1, "--minutes"]
    run(benchmark, monkeypatch, *given, 1e-9)
    printed = capsys.readouterr().out
    assert "dcgan 28x28x1, batch 64, filters 16, float32; " in printed
    assert "dcgan 64x64x3, batch 64, filters 32, float32; " in printed
    with pytest.raises(SystemExit):
        run(benchmark, monkeypatch, "--size", 28, 64, "--filters", 1, 2, 3)


@pytest.fixture
def start(benchmark):
    """Starts a contender in a process of its own."""
    with contextlib.ExitStack() as stack:
        yield lambda spec: stack.enter_context(contextlib.closing(benchmark.Process(spec)))


@pytest.mark.any_backend
def test_a_process_measures_itself(start):
    name = "torch_eager" if BACKEND == "torch" else "fit_deterministic"
    spec = vars(tiny(contender=name, backend=BACKEND, cores=1, steps=2, warmup=0))
    process = start(spec)
    assert process.ready == {}
    for result in process.measure(), process.measure():
        assert result.get("error") is None and result["steps"] == 2 and result["cores"] == 1
        assert result["wall_ms"] > 0 and result["peak_memory_mib"] > 0 and 0 < result["share"] < 1
        assert {"python", "numpy", "keras", BACKEND} <= result["versions"].keys()


@pytest.mark.any_backend
def test_a_process_that_fails_says_why(start):
    process = start({"contender": "none", "backend": BACKEND, "cores": 0})
    assert process.measure() == process.measure() == {"error": "KeyError: 'none'"}


@pytest.mark.any_backend
def test_a_process_that_dies_says_how(start):
    process = start(vars(tiny(contender="fit", backend=BACKEND, cores=0, steps=1, warmup=0)))
    process.process.kill()
    assert process.measure()["error"].endswith("(exit status -9)")
