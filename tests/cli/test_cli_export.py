"""`kerasgan export`: the file that `gan.export` writes."""

import importlib
import pathlib

import keras
import numpy as np
import pytest
from commands import errors

from kerasgan import callbacks, cli

SCRIPTS = pathlib.Path(__file__).parents[2] / "scripts" / "measure"

pytestmark = [
    pytest.mark.any_backend,
    pytest.mark.skipif(keras.config.backend() == "jax", reason="needs a large package for ONNX"),
]


def export(*arguments):
    return cli.main(["export", *map(str, arguments)])


@pytest.fixture
def make(monkeypatch):
    monkeypatch.syspath_prepend(str(SCRIPTS))
    return importlib.import_module("formats").make


def test_export_writes_the_generator_of_a_run(run, make, tmp_path, capsys):
    gan = callbacks.load_checkpoint(run)
    expected = gan.sample(4, seed=5).astype("int32")
    out = tmp_path / "new" / "seeded.onnx"
    assert export(run, "--out", out, "--seed", 5, "--count", 4) == 0
    assert capsys.readouterr().out == f"{out}\n"
    made = make(out, {"index": np.arange(4, dtype="int32")})
    assert np.abs(made - expected).max() <= 1
    assert export(run / "generator.keras", "--out", tmp_path / "floats.onnx", "--floats") == 0
    made = make(tmp_path / "floats.onnx", {"latents": gan._sampler.draw(4, seed=5)})
    assert np.abs((made + 1.0) * 127.5 - expected).max() <= 0.51


def test_export_replaces_nothing_unasked(run, tmp_path, capsys):
    out = tmp_path / "run.onnx"
    out.write_text("mine")
    assert export(run, "--out", out) == 2
    assert "`--out` must be new" in errors(capsys) and out.read_text() == "mine"
    assert export(run, "--out", out, "--overwrite") == 0
    assert out.stat().st_size > 1000 and list(tmp_path.iterdir()) == [out]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--out", "run.onnx", "--format", "torch"], "must end in .pt2 for --format 'torch'"),
        (["--out", "run.jpg"], "Received: --out 'run.jpg'."),
        (["--out", "run.onnx", "--count", "3"], "Pass --seed 0, for example"),
        (["--out", "run.onnx", "--count", "3"], "`--count` must be left out without a seed"),
        (["--out", "run.tflite", "--seed", "0"], "Set KERAS_BACKEND=tensorflow"),
        (["--out", "mine/run.onnx"], "`--out` must be a writable path"),
    ],
)
def test_export_refuses_wrong_arguments(run, tmp_path, monkeypatch, capsys, arguments, message):
    if "KERAS_BACKEND" in message and keras.config.backend() == "tensorflow":
        pytest.skip("TensorFlow writes it")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").write_text("mine")
    assert export(run, *arguments) == 2
    assert message in errors(capsys)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
