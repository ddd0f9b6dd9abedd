"""The tutorials' sessions in docs/sessions.md run as they stand there, with small numbers."""

import pathlib
import re

import numpy as np
from models import write_mnist
from PIL import Image

ROOT = pathlib.Path(__file__).parent.parent
# Every number of the page that makes a session long, and what stands for it here.
SMALL = {
    "load_mnist()": "load_mnist(path='mnist.npz')",
    "batch_size=128": "batch_size=3",
    "batch_size=64": "batch_size=3",
    "batch_size=50": "batch_size=3",
    "batch_size=32": "batch_size=2",
    "batch_size=16": "batch_size=2",
    "steps_per_epoch=1_000": "steps_per_epoch=2",
    "steps_per_epoch=3_000": "steps_per_epoch=2",
    "steps_per_epoch=5_650": "steps_per_epoch=2",
    "epochs=1_000": "epochs=2",
    "epochs=100": "epochs=2",
    "epochs=25": "epochs=1",
    "pretrain_steps=300": "pretrain_steps=2",
    "every=1_000": "every=2",
    "every=500": "every=1",
    "every=100": "every=2",
    "every=10,": "every=2,",
    "(64, 64, 1)": "(16, 16, 1)",
    "build_wgan(image_shape=(28, 28, 1), filters=32)": "build_wgan((28, 28, 1), filters=2)",
}


def test_the_tutorials_sessions(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    write_mnist(tmp_path, 7)
    folder = tmp_path / "datasets" / "flags"
    folder.mkdir(parents=True)
    for index in range(5):
        pixels = rng.integers(0, 256, (16, 16, 3), dtype="uint8")
        Image.fromarray(pixels).save(folder / f"{index}.png")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KERASGAN_CACHE", str(tmp_path / "cache"))

    page = (ROOT / "docs" / "sessions.md").read_text()
    code = "\n".join(re.findall(r"```python\n(.*?)```", page, re.DOTALL))
    for long, short in SMALL.items():
        assert long in code, long
        code = code.replace(long, short)
    names = {}
    exec(compile(code, "sessions.md", "exec"), names)

    assert names["pictures"].shape == (10, 28, 28, 1) and names["estimates"].shape == (10,)
    made = {str(path.relative_to(tmp_path)) for path in (tmp_path / "runs").rglob("*.*")}
    assert {
        "runs/mlp/samples/step_0000004.png",
        "runs/mnist/model.keras",
        "runs/mnist/samples/step_0000002.png",
        "runs/deconv/samples/step_0000001.png",
        "runs/flags/samples/step_0000004.png",
        "runs/flags/losses.png",
        "runs/flags/model.keras",
    } <= made
    assert any("tensorboard" in path for path in made)
