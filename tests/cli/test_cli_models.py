"""`kerasgan models`, and what `kerasgan train` chooses without --model."""

import json

import pytest
from commands import errors, train

from kerasgan import backend, cli, zoo
from kerasgan.cli import _measure, _settings, models
from kerasgan.cli._settings import choose_settings, warning_of_few

pytestmark = pytest.mark.any_backend


def test_every_model_has_its_idea_in_one_line():
    for builder in zoo.__all__:
        idea = models.find_idea(builder.removeprefix("build_"))
        assert 20 < len(idea) < 100 and idea.endswith(".")


def test_models_are_listed_with_their_parameters_at_a_size(capsys):
    small = ["models", "mlp_gan", "cgan", "dcgan", "--channels", "1"]
    assert cli.main([*small, "--size", "20"]) == 0
    _, *lines = capsys.readouterr().out.splitlines()
    rows = [line.split() for line in lines]
    assert [row[0] for row in rows] == ["mlp_gan", "cgan", "dcgan"]
    gan = zoo.build_mlp_gan((20, 20, 1))
    count = gan.generator.count_params() + gan.discriminator.count_params()
    assert rows[0][1:5] == [f"{count / 1e6:.1f}", "M", "60,000", "no"]
    assert rows[2][3] == "258"
    assert cli.main([*small, "--size", "20", "--filters", "2"]) == 0
    assert float(capsys.readouterr().out.splitlines()[1].split()[1]) < float(rows[0][1])
    assert rows[1][4] == "yes" and lines[1].endswith(models.find_idea("cgan"))
    assert cli.main([*small[:2], "--size", "8"]) == 0
    assert capsys.readouterr().out.splitlines()[1].split()[1] == "-"


def test_another_word_is_no_model(capsys):
    with pytest.raises(SystemExit):
        cli.main(["models", "nosuch"])
    assert "must be one of acgan, biggan" in capsys.readouterr().err


def test_memory_and_time_are_measured(monkeypatch, capsys):
    found = _measure.measure("mlp_gan", {"image_shape": [16, 16, 1], "filters": 2}, 4)
    assert 0 < found["seconds"] < 10 and found["bytes"] > 1e7
    jobs = []

    def started(job, **options):
        jobs.append(job)
        found = {"seconds": 0.5, "bytes": 2.5e9}
        return models.subprocess.CompletedProcess(job, 0, f"a note\n{json.dumps(found)}\n", "")

    monkeypatch.setattr(models.subprocess, "run", started)
    measured = ["models", "mlp_gan", "--size", "16x20", "--filters", "2", "--measure"]
    assert cli.main(measured) == 0
    *program, options, batch_size = jobs[0][1:]
    assert program == ["-m", "kerasgan.cli._measure", "mlp_gan"] and batch_size == "128"
    assert json.loads(options) == {"image_shape": [16, 20, 3], "filters": 2}
    captured = capsys.readouterr()
    assert "128    2.5 GB      8 min 20 s      two dense" in captured.out
    assert "measuring 1 model takes up to 2 min" in captured.err
    monkeypatch.setattr(
        models.subprocess,
        "run",
        lambda job, **options: models.subprocess.CompletedProcess(job, 1, "", "Trace\nError: why"),
    )
    assert cli.main(["models", "mlp_gan", "--measure"]) == 0
    assert "mlp_gan could not be measured: Error: why" in capsys.readouterr().err

    def too_slow(job, timeout, **options):
        raise models.subprocess.TimeoutExpired(job, timeout)

    monkeypatch.setattr(models.subprocess, "run", too_slow)
    assert cli.main(["models", "mlp_gan", "--measure"]) == 0
    captured = capsys.readouterr()
    assert "mlp_gan could not be measured: five steps take more than 2 min 0 s" in captured.err
    assert "128    -           -               two dense" in captured.out


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((60_000, 1, False, 128), {"filters": 32}),
        ((60_000, 3, False, 128), {"filters": 32, "learning_rate": 8e-4}),
        (
            (258, 3, True, 128),
            {"augment": "color,translation", "steps": 3_000, "epochs": None},
        ),
        ((258, 3, True, 4), {"augment": "color,translation"}),
        ((7_600, 3, True, 128), {}),
    ],
)
def test_settings_suit_the_images_and_the_device(arguments, expected):
    found = {}
    for settings, reason in choose_settings(*arguments):
        assert reason
        found |= settings
    assert found == expected


def test_few_images_are_warned_of():
    assert warning_of_few(1).startswith("1 image is too few")
    assert warning_of_few(7).startswith("7 images are too few")
    assert warning_of_few(258) is None


def test_train_says_what_it_chose_and_keeps_it(pets, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(backend, "has_gpu", lambda: True)
    run = tmp_path / "run"
    tiny = ["--size", 16, "--filters", 2, "--batch-size", 4]
    monkeypatch.setattr(_settings, "_ENOUGH_STEPS", 200)
    monkeypatch.setattr(_settings, "DEFAULT_EPOCHS", 1)
    assert train(pets, *tiny, "--steps", 1, "--out", tmp_path / "short") == 0
    assert "--steps" not in capsys.readouterr().out
    monkeypatch.setattr(_settings, "_ENOUGH_STEPS", 4)
    assert train(pets, *tiny, "--out", run) == 0
    captured = capsys.readouterr()
    chosen = captured.out.splitlines()[0]
    assert "--steps 4, as there are only 3 steps in 1 pass over the data" in chosen
    assert chosen.startswith("No --model: dcgan") and "--filters" not in chosen
    assert "--augment color,translation, as 12 images are few" in chosen
    assert "its 2 subfolders" in chosen and "12 images are too few" in captured.err
    saved = json.loads((run / "config.json").read_text())["arguments"]
    assert (saved["model"], saved["augment"]) == ("dcgan", "color,translation")
    assert (saved["steps"], saved["epochs"]) == (4, None)
    assert train("--resume", "--steps", 5, "--out", run) == 0
    captured = capsys.readouterr()
    assert "No --model" not in captured.out and "too few" not in captured.err


def test_what_is_given_wins(pets, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(backend, "has_gpu", lambda: False)
    tiny = ["--size", 16, "--filters", 2, "--batch-size", 4, "--steps", 1]
    run = tmp_path / "run"
    assert train(pets, *tiny, "--augment", "ada", "--out", run) == 0
    saved = json.loads((run / "config.json").read_text())["arguments"]
    assert (saved["filters"], saved["learning_rate"], saved["augment"]) == (2, None, "ada")
    assert train(tmp_path / "none", *tiny) == 2
    assert "`DATA` must be an existing folder" in errors(capsys)
