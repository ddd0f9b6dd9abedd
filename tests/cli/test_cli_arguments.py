"""What the commands refuse before they start."""

import re

import numpy as np
import pytest
from commands import errors, train

import kerasgan
from kerasgan import cli, datasets, zoo
from kerasgan.cli._data import load_to_train
from kerasgan.cli._settings import BATCH_SIZES, DEFAULT_BATCH_SIZE

pytestmark = pytest.mark.any_backend


def test_version(capsys):
    with pytest.raises(SystemExit, match="0"):
        cli.main(["--version"])
    assert capsys.readouterr().out.startswith(f"kerasgan {kerasgan.__version__} (Keras ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "`DATA` must be a folder of images or mnist"),
        (["--resume"], "or the run to resume as --out RUN"),
        (["nosuch"], "`DATA` must be an existing folder"),
        (["nosuch"], "nosuch'. Check the path."),
        (["PHOTOS", "--size", "8"], "`--size` must be a height and width from 16 to 256 pixels."),
        (["PHOTOS", "--size", "8"], "Received: --size 8x8. Pass --size 64x64, for example."),
        (["PHOTOS", "--size", "16", "--augment", "magic"], "`--augment` must be made of"),
        (["PHOTOS", "--size", "16", "--ema", "2"], "`--ema` must be a number"),
        (["PHOTOS", "--size", "16", "--filters", "99999"], "`--filters` must be a whole"),
        (["PHOTOS", "--size", "16", "--devices", "99"], "`--devices` must be"),
        (["PHOTOS", "--size", "16", "--evaluate", "pyramid"], "`DATA` must contain at least 12"),
        (["PHOTOS", "--data-path", "x"], "`--data-path` must be left out"),
        (["mnist", "--size", "32"], "must be 28 and 1 for mnist"),
        (["mnist", "--mirror"], "`--mirror` must be left out for mnist. Received: --mirror."),
        (["mnist", "--fit", "pad"], "Received: --fit pad."),
        (["PHOTOS", "--size", "16", "--background", "reddish"], "`--background` must be a"),
        (["mnist", "--data-path", "nosuch"], "`--data-path` must be a folder of"),
    ],
)
def test_wrong_arguments_are_one_line(photos, tmp_path, monkeypatch, capsys, arguments, message):
    monkeypatch.chdir(tmp_path)
    arguments = [str(photos) if argument == "PHOTOS" else argument for argument in arguments]
    assert train(*arguments) == 2
    text = errors(capsys)
    assert message in text and len(text.splitlines()) == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "arguments",
    [
        ["--size", "big"],
        ["--size", "1x2x3"],
        ["--steps", "0"],
        ["--steps", "1", "--epochs", "1"],
        *(["--learning-rate", rate] for rate in ("0", "-1", "nan", "inf", "fast")),
        ["--d-learning-rate", "0"],
        ["--pretrain-steps", "-1"],
        ["--devices", "0"],
        ["--devices", "some"],
        ["--fit", "squeeze"],
        ["--out", ""],
        ["--data-path", ""],
    ],
)
def test_values_of_no_sense_are_refused_by_the_parser(capsys, arguments):
    with pytest.raises(SystemExit, match="2"):
        train("photos", *arguments)
    assert "error: argument --" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--size", "257"], ["--size", "999999"], ["--ema", "2"]])
def test_arguments_are_checked_before_images_are_decoded(
    photos, tmp_path, monkeypatch, capsys, arguments
):
    monkeypatch.setattr(datasets, "ImageFolder", None)
    assert train(photos, *arguments, "--out", tmp_path / "run") == 2
    assert f"`{arguments[0]}` must" in errors(capsys)
    assert not (tmp_path / "run").exists()


def test_images_are_read_as_the_arguments_say(photos):
    given = {"data": str(photos), "size": [8, 24], "channels": 3, "batch_size": 4, "seed": 5}
    shape, options = (8, 24, 3), {"batch_size": 4, "labels": False, "seed": 5}
    for further in (
        {"fit": "pad", "background": "#ff0000", "mirror": False},
        {"fit": "stretch", "background": "white", "mirror": True},
    ):
        expected = datasets.ImageFolder(photos, shape, **further, **options)
        np.testing.assert_array_equal(load_to_train(given | further)[0], expected[0])


def test_batches_have_the_size_of_the_source():
    for name in zoo.__all__:
        size = int(re.search(r"fit\(.*batch_size=(\d+)", getattr(zoo, name).__doc__)[1])
        chosen = BATCH_SIZES.get(name.removeprefix("build_"), DEFAULT_BATCH_SIZE)
        assert chosen == size, name


def test_a_run_among_its_own_data_is_refused(photos, monkeypatch, capsys):
    monkeypatch.chdir(photos)
    assert train(".") == 2
    assert "`--out` must be outside DATA" in errors(capsys)
    assert not (photos / "runs").exists()


def test_a_folder_that_cannot_be_made_is_refused(photos, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert train(photos, "--out", tmp_path / "file" / "run") == 2
    assert "`--out` must be a folder that can be created" in errors(capsys)
    assert train(photos, "--out", tmp_path / "file") == 2
    assert "`--out` must be a folder that can be created" in errors(capsys)
