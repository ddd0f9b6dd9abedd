"""How the command starts, before Keras is imported."""

import os
import signal
import subprocess
import sys
import types

import keras
import numpy as np
import pytest

import kerasgan_command
from kerasgan.pictures import save_png


@pytest.mark.any_backend
@pytest.mark.parametrize(
    ("backend", "meant"), [("pytorch", "torch"), ("JAX", "jax"), ("numpy", "tensorflow")]
)
def test_another_backend_than_those_is_one_line(monkeypatch, capsys, backend, meant):
    monkeypatch.setenv("KERAS_BACKEND", backend)
    assert kerasgan_command.main(["--version"]) == 2
    text = capsys.readouterr().err
    assert text.startswith("kerasgan: error: `KERAS_BACKEND` must be one of tensorflow, jax, torch")
    assert f"For example, set KERAS_BACKEND={meant}" in text and len(text.splitlines()) == 1


@pytest.mark.any_backend
def test_another_backend_in_keras_json_is_one_line_that_names_the_file(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.setenv("KERAS_BACKEND", "")  # as Keras sees it, not set
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    (tmp_path / "keras.json").write_text('{"backend": "pytorch"}')
    assert kerasgan_command.main(["--version"]) == 2
    text = capsys.readouterr().err
    assert f"Received: backend 'pytorch' in {tmp_path / 'keras.json'}. For example, set" in text
    assert "KERAS_BACKEND=torch" in text and len(text.splitlines()) == 1


@pytest.mark.any_backend
@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (KeyboardInterrupt(), 130, "kerasgan: interrupted"),
        (ModuleNotFoundError("No module named 'jax'"), 2, "an installed backend"),
    ],
)
def test_what_ends_the_start_is_one_line(monkeypatch, capsys, error, code, message):
    def get(name):
        if isinstance(error, KeyboardInterrupt):  # once the imports are over
            return types.SimpleNamespace(main=interrupted)
        raise error

    def interrupted(arguments):
        raise error

    # The command keeps it out on other backends; the tests may want it.
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path])
    package = types.ModuleType("kerasgan")
    package.__getattr__ = get
    monkeypatch.setitem(sys.modules, "kerasgan", package)
    assert kerasgan_command.main(["--version"]) == code
    text = capsys.readouterr().err
    assert message in text and len(text.splitlines()) == 1


@pytest.mark.any_backend
@pytest.mark.skipif(os.name == "nt", reason="signals")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_during_the_imports_ends_the_process_without_a_word(name):
    # A package that swallows what an interrupted import raises, as some do.
    program = f"""
import os, signal, sys, time, types
signal.signal(signal.SIGINT, signal.default_int_handler)
package = types.ModuleType("kerasgan")
def get(name):
    try:
        os.kill(os.getpid(), signal.{name})
        time.sleep(10)
    except BaseException:
        pass
    return types.SimpleNamespace(main=lambda arguments: 0)
package.__getattr__ = get
sys.modules["kerasgan"] = package
import kerasgan_command
sys.exit(kerasgan_command.main(["train"]))
"""
    process = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert process.returncode == 128 + getattr(signal, name)
    assert process.stdout == process.stderr == ""


def test_notes_of_tensorflow_are_dropped_and_other_lines_stay(capfd):
    with kerasgan_command._without_notes():
        os.write(2, b"WARNING: All log messages before absl::InitializeLog() is called are ...\n")
        os.write(2, b"I0000 00:00:1795735.77 6730 cudart_stub.cc:31] Could not find cuda\n")
        os.write(2, b"Information\n")
    assert capfd.readouterr().err == "Information\n"


@pytest.mark.any_backend
def test_a_pipe_that_nobody_reads_does_no_harm_and_nothing_else_is_printed(tmp_path):
    photos, run = tmp_path / "photos", tmp_path / "run"
    photos.mkdir()
    for index in range(100):  # fewer draw a note
        save_png(photos / f"{index}.png", np.zeros((16, 16, 3), "uint8"))
    arguments = ["--size", "16", "--filters", "2", "--batch-size", "2", "--steps", "2"]
    # Keras sets a level of its own in this process.
    environment = {key: os.environ[key] for key in os.environ if key != "TF_CPP_MIN_LOG_LEVEL"}
    reader, writer = os.pipe()
    os.close(reader)
    process = subprocess.run(
        [sys.executable, "-m", "kerasgan_command", "train", photos, *arguments, "--out", run],
        env=environment | {"KERAS_BACKEND": keras.backend.backend()},
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(writer)
    assert (process.returncode, process.stderr) == (0, "")
    assert (run / "samples.png").is_file()
