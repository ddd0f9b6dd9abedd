"""What the commands refuse before they start."""

import pytest
from commands import errors, train

import kerasgan
from kerasgan import cli


def test_version(capsys):
    with pytest.raises(SystemExit, match="0"):
        cli.main(["--version"])
    assert capsys.readouterr().out.startswith(f"kerasgan {kerasgan.__version__} (Keras ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "`DATA` must be a folder of images or mnist"),
        (["--resume"], "or the run to resume as --out RUN"),
        (["nosuch"], "`folder` must be an existing folder"),
        (["PHOTOS", "--size", "8"], "`image_shape` must be"),
        (["PHOTOS", "--size", "16", "--augment", "magic"], "`augment` must be made of"),
        (["PHOTOS", "--size", "16", "--ema", "2"], "`ema` must be a number"),
        (["PHOTOS", "--data-path", "x"], "`--data-path` must be left out"),
        (["mnist", "--size", "32"], "must be 28 and 1 for mnist"),
        (["mnist", "--data-path", "nosuch"], "`path` must be a folder of MNIST files"),
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
    ],
)
def test_values_of_no_sense_are_refused_by_the_parser(capsys, arguments):
    with pytest.raises(SystemExit, match="2"):
        train("photos", *arguments)
    assert "error: argument --" in capsys.readouterr().err


def test_a_run_among_its_own_data_is_refused(photos, monkeypatch, capsys):
    monkeypatch.chdir(photos)
    assert train(".") == 2
    assert "`--out` must lie outside DATA" in errors(capsys)
    assert not (photos / "runs").exists()


def test_a_folder_that_cannot_be_made_is_refused(photos, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert train(photos, "--out", tmp_path / "file" / "run") == 2
    assert "`--out` must be a folder that can be made" in errors(capsys)
