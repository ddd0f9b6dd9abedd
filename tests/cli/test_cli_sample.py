"""`kerasgan sample`: the pictures of `gan.sample`, as files."""

import json
import os

import keras
import numpy as np
import pytest
from commands import errors, read_png, sample
from PIL import Image

from kerasgan import callbacks, pictures, sampler, zoo

pytestmark = pytest.mark.any_backend


def test_sample_draws_the_same_from_each_of_the_files(run, tmp_path, capsys):
    expected = pictures.grid(callbacks.load_checkpoint(run).sample(5, seed=7), scale=8)
    for source in (run, run / "model.keras", run / "generator.keras"):
        out = tmp_path / "new" / f"{source.stem}.png"
        assert sample(source, "--count", 5, "--seed", 7, "--out", out) == 0
        assert capsys.readouterr().out == f"{out}\n"
        np.testing.assert_array_equal(read_png(out), expected)


def test_sample_writes_single_files_and_a_walk(run, tmp_path):
    assert sample(run, "--count", 3, "--out", tmp_path / "single") == 0
    names = sorted(path.name for path in (tmp_path / "single").iterdir())
    assert names == ["sample_00000.png", "sample_00001.png", "sample_00002.png"]
    expected = callbacks.load_checkpoint(run).sample(3, seed=0)
    np.testing.assert_array_equal(read_png(tmp_path / "single" / names[2]), expected[2])
    assert sample(run, "--count", 2, "--out", tmp_path / "walk.gif") == 0
    with Image.open(tmp_path / "walk.gif") as gif:
        # Pillow joins frames that are equal.
        assert 16 < gif.n_frames <= 32 and gif.size == (512, 512)


def test_sample_enlarges_as_much_as_one_says(run, tmp_path):
    expected = callbacks.load_checkpoint(run).sample(2, seed=0)
    for out, scale in (("grid.png", 3), ("single", 2), ("walk.gif", 2)):
        assert sample(run, "--count", 2, "--scale", scale, "--out", tmp_path / out) == 0
    np.testing.assert_array_equal(read_png(tmp_path / "grid.png"), pictures.grid(expected, scale=3))
    single = read_png(tmp_path / "single" / "sample_00001.png")
    np.testing.assert_array_equal(single, pictures.enlarged(expected[1], 2))
    with Image.open(tmp_path / "walk.gif") as gif:
        assert gif.size == (32, 32)


def test_sample_leaves_no_pictures_of_an_earlier_call(run, tmp_path):
    assert sample(run, "--count", 3, "--out", tmp_path / "single") == 0
    for name in ("sample_mine.png", "mine.png"):
        (tmp_path / "single" / name).write_text("mine")
    assert sample(run, "--count", 1, "--out", tmp_path / "single", "--overwrite") == 0
    names = sorted(path.name for path in (tmp_path / "single").iterdir())
    assert names == ["mine.png", "sample_00000.png", "sample_mine.png"]


def test_sample_replaces_nothing_unasked(run, tmp_path, capsys):
    out = tmp_path / "grid.png"
    out.write_text("mine")
    assert sample(run, "--out", out) == 2
    assert "Pass another path, or --overwrite" in errors(capsys)
    assert sample(run, "--out", tmp_path) == 2
    assert out.read_text() == "mine"
    assert sample(run, "--out", out, "--overwrite") == 0
    assert read_png(out).shape == (8 * (8 * 16 + 2) + 2, 8 * (8 * 16 + 2) + 2, 3)


def test_sample_says_what_it_cannot_read_or_write(run, tmp_path, capsys):
    assert sample(run, "--out", tmp_path / "grid.jpg") == 2
    assert "must end in .png (grid), .gif, .mp4 or .webm (walk)" in errors(capsys)
    assert sample(tmp_path, "--out", tmp_path / "grid.png") == 2
    assert "`MODEL` must contain a checkpoint, or be one. Received: MODEL " in errors(capsys)
    assert sample(tmp_path / "no.keras", "--out", tmp_path / "grid.png") == 2
    assert "does not exist" in errors(capsys)
    assert sample("mnist", "--truncation", 0.5, "--out", tmp_path / "grid.png") == 2
    assert (
        "`--truncation` must be left out for a model whose latents are not normal. Received: "
        "--truncation 0.5, for a model with latents from CodedLatents."
    ) in errors(capsys)
    assert sample("mnist", "--scale", 65, "--out", tmp_path / "grid.png") == 2
    assert "`--scale` must be a whole number from 1 to 64" in errors(capsys)
    alone = tmp_path / "generator.keras"
    alone.write_bytes((run / "generator.keras").read_bytes())
    assert sample(alone, "--out", tmp_path / "grid.png") == 2
    assert "with the config.json of its run next to it" in errors(capsys)
    assert not (tmp_path / "grid.png").exists()


@pytest.mark.skipif(not os.path.exists("/proc/self"), reason="a folder that nobody can write to")
def test_sample_looks_for_a_place_that_it_can_write_to_before_it_draws(run, monkeypatch, capsys):
    monkeypatch.setattr(sampler.Sampler, "generate", None)
    for out in ("/proc/grid.png", "/proc/pictures/"):
        assert sample(run, "--out", out) == 2
        assert "`--out` must be a writable path" in errors(capsys)


def test_sample_says_that_memory_is_short(run, tmp_path, monkeypatch, capsys):
    def load(*args, **kwargs):
        raise RuntimeError("CUDA out of memory. Tried to allocate 9 GiB")

    monkeypatch.setattr(keras.models, "load_model", load)
    for source in (run, run / "model.keras"):
        assert sample(source, "--out", tmp_path / "grid.png") == 2
        text = errors(capsys)
        assert "`MODEL` must fit in memory" in text and "your own" not in text


@pytest.mark.parametrize(
    "damage",
    [
        lambda config: config.clear(),
        lambda config: config.update(latents="keras.random.nope"),
        lambda config: config.update(latents={"class_name": "function", "config": "nope"}),
        lambda config: config.update(latent_dim=3),
        lambda config: config.update(value_range=[1]),
        lambda config: config.update(value_range="ab"),
    ],
)
def test_sample_refuses_a_generator_whose_config_is_not_its_own(run, tmp_path, capsys, damage):
    config = json.loads((run / "config.json").read_text())
    damage(config)
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / "generator.keras").write_bytes((run / "generator.keras").read_bytes())
    assert sample(tmp_path / "generator.keras", "--out", tmp_path / "grid.png") == 2
    assert "config.json, which cannot be used" in errors(capsys)
    assert not (tmp_path / "grid.png").exists()


def test_sample_says_how_to_use_functions_of_ones_own(tmp_path, capsys):
    def mean(real_scores, fake_scores):
        return keras.ops.mean(fake_scores)

    gan = zoo.build_dcgan((16, 16, 1), latent_dim=3, filters=2)
    gan.compile(loss=(mean, mean))
    gan.save(tmp_path / "model.keras")
    for source in (tmp_path, tmp_path / "model.keras"):
        assert sample(source, "--out", tmp_path / "grid.png") == 2
        assert "custom_objects" in errors(capsys)
