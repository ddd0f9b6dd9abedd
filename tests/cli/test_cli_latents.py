"""`kerasgan project`, `kerasgan directions`, and the walks and morphs of `kerasgan sample`."""

import sys

import av
import numpy as np
import pytest
from commands import errors, read_png, sample
from PIL import Image

import kerasgan
from kerasgan import callbacks, cli, latents, pictures

pytestmark = pytest.mark.any_backend


def call(*arguments):
    return cli.main(list(map(str, arguments)))


def test_a_walk_in_a_grid_has_a_row_from_each_picture_to_the_next(run, tmp_path):
    gan = callbacks.load_checkpoint(run)
    out = tmp_path / "walk.png"
    arguments = ["--count", 2, "--truncation", 0.9, "--scale", 1, "--out", out]
    assert sample(run, "--path", "linear", *arguments) == 0
    stops = gan.sample_latents(2, seed=0, truncation=0.9)
    walk = latents.path(stops, kind="linear", frames_between=8)
    rows = np.concatenate([walk[:8], walk[8:9], walk[8:], walk[:1]])
    expected = pictures.grid(gan.sample(18, latents=rows), columns=9)
    np.testing.assert_array_equal(read_png(out), expected)


def test_a_morph_changes_the_class_and_keeps_the_latents(run_of_pets, tmp_path):
    gan = callbacks.load_checkpoint(run_of_pets)
    out = tmp_path / "morph.png"
    arguments = ["--labels", "dog,cat", "--count", 2, "--scale", 1]
    assert sample(run_of_pets, "--morph", *arguments, "--out", out) == 0
    shares = np.linspace(0, 1, 9)
    labels = np.tile(np.stack([shares, 1 - shares], axis=1), (2, 1))
    drawn = gan.sample_latents(2, seed=0).repeat(9, axis=0)
    expected = gan.sample(18, latents=drawn, labels=labels)
    np.testing.assert_array_equal(read_png(out), pictures.grid(expected, columns=9))
    assert sample(run_of_pets, "--morph", *arguments, "--out", tmp_path / "morph.gif") == 0
    with Image.open(tmp_path / "morph.gif") as gif:
        first = np.asarray(gif.convert("RGB"))
    assert first.shape == pictures.grid(expected[[0, 9]]).shape


def test_what_cannot_be_morphed_is_one_line(run, run_of_pets, tmp_path, capsys):
    out = tmp_path / "morph.gif"
    assert sample(run, "--morph", "--out", out) == 2
    assert "`--morph` must be left out for a model that makes" in errors(capsys)
    assert sample(run_of_pets, "--morph", "--labels", "cat", "--out", out) == 2
    assert "`--labels` must name two classes or more with --morph" in errors(capsys)
    assert not out.exists()


@pytest.mark.parametrize(("suffix", "codec"), [(".mp4", "h264"), (".webm", "vp9")])
def test_a_walk_can_be_a_video(run, tmp_path, suffix, codec):
    out = tmp_path / f"walk{suffix}"
    assert sample(run, "--count", 2, "--scale", 2, "--out", out) == 0
    gan = callbacks.load_checkpoint(run)
    with av.open(str(out)) as video:
        assert video.streams.video[0].codec_context.name == codec
        assert video.streams.video[0].average_rate == 20
        frames = [frame.to_ndarray(format="rgb24") for frame in video.decode(video=0)]
    assert len(frames) == 32
    expected = pictures.enlarged(gan.sample(1, seed=0)[0], 2)
    assert np.abs(frames[0].astype(int) - expected).mean() < 10  # colours are stored coarsely


def test_a_video_of_odd_sides_is_a_pixel_larger(tmp_path):
    frames = [np.full((5, 7, 1), value, dtype="uint8") for value in (0, 128, 255)]
    pictures.save_animation(tmp_path / "grey.mp4", frames)
    with av.open(str(tmp_path / "grey.mp4")) as video:
        decoded = [frame.to_ndarray(format="rgb24") for frame in video.decode(video=0)]
    assert [frame.shape for frame in decoded] == [(6, 8, 3)] * 3
    np.testing.assert_allclose([frame.mean() for frame in decoded], [0, 128, 255], atol=2)


def test_video_without_its_package_is_refused_before_any_work(run, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "av", None)
    assert sample(tmp_path / "no-model", "--out", tmp_path / "walk.mp4") == 2
    assert "`pip install kerasgan[video]`" in errors(capsys)
    assert sample(run, "--count", 1, "--scale", 1, "--out", tmp_path / "walk.gif") == 0


def test_project_finds_pictures_of_the_model_again(run_of_pets, tmp_path, capsys):
    gan = callbacks.load_checkpoint(run_of_pets)
    images = gan.sample(2, seed=3, labels=[1, 0])
    paths = [tmp_path / "a.png", tmp_path / "b.png"]
    for path, image in zip(paths, images, strict=True):
        pictures.save_png(path, image)
    out, found = tmp_path / "new" / "projected.png", tmp_path / "found.npy"
    arguments = ["--labels", "dog,cat", "--steps", 3, "--out", out, "--latents", found]
    assert call("project", run_of_pets, *paths, *arguments) == 0
    expected, distances = kerasgan.project(gan, images, np.array([1, 0]), steps=3)
    np.testing.assert_array_equal(np.load(found), expected)
    lines = [f"{path}  distance {each:.1f}" for path, each in zip(paths, distances, strict=True)]
    assert capsys.readouterr().out.splitlines() == [*lines, str(out)]
    made = gan.sample(2, latents=expected, labels=[1, 0])
    pairs = np.stack([images[0], made[0], images[1], made[1]])
    np.testing.assert_array_equal(read_png(out), pictures.grid(pairs, 2, scale=None))
    assert call("project", run_of_pets, *paths, *arguments) == 2
    assert "`--out` must be new" in errors(capsys)


def test_project_says_what_it_cannot_use(run, run_of_pets, tmp_path, capsys):
    (tmp_path / "broken.png").write_text("no picture")
    pictures.save_png(tmp_path / "grey.png", np.zeros((5, 9, 1), dtype="uint8"))
    for side in (10_000, 14_000):  # Pillow warns of the first and refuses the second
        bomb = Image.new("1", (side, side))
        bomb.save(tmp_path / f"{side}.tif", compression="group4")
    out = tmp_path / "projected.png"
    for arguments, message in (
        ([run, tmp_path / "broken.png"], "`PICTURE` must be the file of a picture."),
        ([run, tmp_path / "10000.tif"], "10000x10000 pixels, more than the limit of 67,108,864"),
        ([run, tmp_path / "14000.tif"], "(more than the limit of 67,108,864 pixels)"),
        ([run, tmp_path / "none.png"], "none.png (No such file"),
        ([run, tmp_path / "grey.png", "--labels", "cat"], "`--labels` must be left out"),
        ([run_of_pets, tmp_path / "grey.png"], "name a class for each picture, 1 in all"),
        ([run_of_pets, tmp_path / "grey.png", "--labels", "cat,cat"], "each picture, 1 in all"),
        ([run_of_pets, tmp_path / "grey.png", "--labels", "fox"], "must be classes of the model"),
        ([run, tmp_path / "grey.png", "--latents", tmp_path / "a.txt"], "must end in .npy"),
    ):
        assert call("project", *arguments, "--out", out) == 2
        assert message in errors(capsys)
    assert not out.exists()


def test_directions_are_rows_around_one_picture(run, run_of_pets, tmp_path, capsys):
    out = tmp_path / "directions.png"
    arguments = ["--count", 3, "--seed", 4, "--out", out]
    assert call("directions", run_of_pets, "--label", "dog", "--reach", 2, *arguments) == 0
    gan = callbacks.load_checkpoint(run_of_pets)
    found, _ = kerasgan.directions(gan, 3)
    moves = np.concatenate([np.linspace(-2, 2, 7)[:, None] * each for each in found])
    images = gan.sample(21, latents=gan.sample_latents(1, seed=4) + moves, labels=[1] * 21)
    expected = pictures.named(pictures.grid(images, 7, scale=None), ["1", "2", "3"])
    np.testing.assert_array_equal(read_png(out), expected)
    for model, extra, message in (
        (run, ["--count", 10**6], "`--count` must be at most 100"),
        (run, ["--label", "cat"], "`--label` must be left out"),
        (run_of_pets, ["--label", "fox"], "`--label` must be classes of the model"),
        (run_of_pets, ["--label", "cat,dog"], "`--label` must be one class"),
        (run, ["--out", tmp_path / "a.jpg"], "`--out` must end in .png"),
    ):
        assert call("directions", model, *arguments, "--overwrite", *extra) == 2
        assert message in errors(capsys)
