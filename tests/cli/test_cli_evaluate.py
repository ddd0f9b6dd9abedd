"""`kerasgan evaluate`, and `kerasgan train --evaluate`."""

import json
import os

import keras
import numpy as np
import pytest
from commands import TINY, errors, train
from PIL import Image

from kerasgan import callbacks, cli, metrics, pictures
from kerasgan.cli import evaluate
from kerasgan.cli._neighbours import Neighbours

pytestmark = pytest.mark.any_backend


def test_evaluate_prints_a_table_and_writes_json(run, photos, tmp_path, capsys):
    out = tmp_path / "scores.json"
    arguments = ["evaluate", str(run), "--data", str(photos)]
    # Ten photos are too few for two parts to compare.
    assert cli.main(arguments) == 2
    text = "`--data` must contain at least 12 real images, for two parts. Received: 10 images."
    assert text in errors(capsys)
    many = tmp_path / "many"
    many.mkdir()
    rng = np.random.default_rng(0)
    for index in range(24):
        pictures.save_png(many / f"{index}.png", rng.integers(0, 256, (16, 16, 3), "uint8"))
    arguments[3] = str(many)
    nearest = tmp_path / "nearest.png"
    assert cli.main([*arguments, "--out", str(out), "--nearest", str(nearest)]) == 0
    printed = capsys.readouterr().out
    assert str(nearest) in printed and "Samples " in printed and "copies" in printed
    with Image.open(nearest) as picture:
        assert picture.size == (6 * 98 + 2, 10 * 98 + 2)  # enlarged to be seen
    result = json.loads(out.read_text())
    assert result["count"] == 12 and result["encoder"] == "pyramid"
    assert result["encoder_hash"] in printed and str(out) in printed
    for name, value in result["scores"].items():
        row = next(line for line in printed.splitlines() if line.startswith(name.replace("_", " ")))
        assert row.split()[-2:] == [f"{value:.4f}", f"{result['floor'][name]:.4f}"]
    assert cli.main([*arguments, "--out", str(out)]) == 2
    assert "`--out` must be a new file" in errors(capsys)
    assert cli.main([*arguments, "--nearest", str(nearest)]) == 2
    assert "`--nearest` must be a new file" in errors(capsys)
    assert cli.main([*arguments, "--nearest", str(tmp_path / "nearest.gif")]) == 2
    assert "`--nearest` must end in .png" in errors(capsys)
    assert cli.main([*arguments, "--out", str(tmp_path / "none" / "scores.json")]) == 2
    assert "`--out` must be in an existing folder" in errors(capsys)
    assert cli.main(["evaluate", str(run), "--data", "mnist", "--data-path", str(many)]) == 2


@pytest.mark.skipif(not os.path.exists("/proc/self"), reason="a folder that nobody can write to")
@pytest.mark.parametrize("name", ["--out", "--nearest"])
def test_a_place_that_cannot_be_written_to_is_refused_before_measuring(capsys, name):
    arguments = ["evaluate", "nosuch", "--data", "nosuch", name, "/proc/new.png"]
    assert cli.main(arguments) == 2
    assert f"`{name}` must be a writable path" in errors(capsys)


def test_nearest_images_stand_beside_what_was_memorised():
    rng = np.random.default_rng(0)
    real = rng.integers(0, 256, (150, 8, 8, 1), dtype="uint8")

    class Batches:
        def __len__(self):
            return 3

        def __getitem__(self, index):
            return real[64 * index : 64 * (index + 1)]

    def encoder(images):
        return images.reshape(len(images), -1)

    for images in (real, Batches()):
        rows = Neighbours(images, encoder).beside(real[[3, 149]])
        np.testing.assert_array_equal(rows[:, 0], rows[:, 1])
        np.testing.assert_array_equal(rows[:, 0], real[[3, 149]])
        assert not np.array_equal(rows[:, 1], rows[:, 2])


@pytest.mark.parametrize(
    ("coverage", "variety", "words"),
    [(0.9, 1.0, "about as"), (0.6, 1.0, "less"), (0.9, 0.3, "far less"), (0.2, 2.0, "far less")]
    + [(0.9, 1.4, "more")],
)
def test_one_sentence_says_how_varied_the_samples_are(coverage, variety, words):
    floor = {"coverage": 0.95, "variety": 0.98}
    said = evaluate.describe_variety({"coverage": coverage, "variety": variety}, floor)
    assert said.startswith("Samples ") and f" {words} " in said


def test_one_sentence_says_whether_samples_are_copies():
    floor = {"copies": 0.2}
    assert "they are no copies" in evaluate.describe_copies({"copies": 0.25}, floor)
    assert evaluate.describe_copies({"copies": 0.9}, floor).startswith("90% of the samples")


@pytest.mark.parametrize("name", ["--encoder", "--evaluate"])
def test_the_digits_encoder_is_refused_for_photos(run, photos, tmp_path, capsys, name):
    out = tmp_path / "run"
    if name == "--encoder":
        code = cli.main(["evaluate", str(run), "--data", str(photos), name, "mnist"])
    else:
        code = train(photos, *TINY, "--steps", 1, name, "mnist", "--out", out)
    assert code == 2 and not out.exists()
    message = errors(capsys)
    assert f"`{name}` must be pyramid or inception" in message and "16x16x3" in message


@pytest.mark.filterwarnings("always:Downloading")
def test_a_download_is_announced_and_its_failure_names_the_way_without(
    run, tmp_path, capsys, monkeypatch
):
    many = tmp_path / "many"
    many.mkdir()
    for index, image in enumerate(np.random.default_rng(0).integers(0, 256, (12, 16, 16, 3))):
        pictures.save_png(many / f"{index}.png", image.astype("uint8"))

    def without_network(**kwargs):
        raise Exception("URL fetch failure")

    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setattr(keras.applications, "InceptionV3", without_network)
    arguments = ["evaluate", str(run), "--data", str(many), "--encoder", "inception"]
    assert cli.main(arguments) == 2
    note, error = errors(capsys).splitlines()
    assert "88 MB" in note and str(tmp_path) in note and "pyramid" in note
    assert "--encoder pyramid" in error and "URL fetch failure" in error


def steps_of(run):
    return [int(row["step"]) for row in callbacks.read_log(run / "evaluation.csv")]


@pytest.fixture
def falling_until_10(monkeypatch):
    """An evaluator whose distance is smallest at step 10."""

    class Evaluator:
        protocol = {"encoder": "fake"}

        def __init__(self, *arguments):
            pass

        def __call__(self, gan):
            return {"frechet_distance": float(abs(10 - gan.step))}

    monkeypatch.setattr(metrics, "Evaluator", Evaluator)


def test_training_stops_when_patience_ends(photos, tmp_path, capsys, falling_until_10):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    # Measured at every fifth step.
    few = [*TINY, "--evaluate", "pyramid", "--patience", 2]
    assert train(photos, *few, "--steps", 30, "--out", whole) == 0
    assert steps_of(whole) == [0, 5, 10, 15, 20]
    told = capsys.readouterr().out
    assert "Stopped at step 20 of 30" in told and "--patience 4" in told
    # An interruption measures once more, which must not count.
    assert train(photos, *few, "--steps", 12, "--out", parts) == 0
    assert train("--resume", "--steps", 30, "--out", parts) == 0
    assert steps_of(parts) == [0, 5, 10, 12, 15, 20]
    first, second = (keras.models.load_model(run / "model.keras") for run in (whole, parts))
    for a, b in zip(first.weights, second.weights, strict=True):
        np.testing.assert_array_equal(*map(keras.ops.convert_to_numpy, (a, b)))
    # It has stopped for good, unless there is more patience.
    assert train("--resume", "--out", parts) == 0
    assert steps_of(parts)[-1] == 20
    assert train("--resume", "--patience", 3, "--out", parts) == 0
    assert steps_of(parts)[-1] == 25
    config = json.loads((parts / "config.json").read_text())
    assert config["arguments"]["patience"] == 3


def test_patience_and_monitor_need_measurements(photos, capsys):
    assert train(photos, "--patience", 3) == 2
    assert "`--patience` must be left out without --evaluate" in errors(capsys)
    assert train(photos, "--monitor", "kernel_distance") == 2
    assert "`--monitor` must be left out without --evaluate" in errors(capsys)


def test_too_few_images_to_measure_leave_no_run_behind(photos, tmp_path, capsys):
    run = tmp_path / "run"
    assert train(photos, *TINY, "--steps", 1, "--evaluate", "pyramid", "--out", run) == 2
    assert "`DATA` must contain at least 12 real images" in errors(capsys)
    assert not run.exists()


def test_train_measures_on_request_and_keeps_the_best(photos, tmp_path):
    folder = tmp_path / "many"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for index in range(12):
        pictures.save_png(folder / f"{index}.png", rng.integers(0, 256, (16, 16, 3), "uint8"))
    out = tmp_path / "run"
    arguments = ["train", str(folder), "--size", "16", "--filters", "2", "--batch-size", "6"]
    arguments += ["--steps", "2", "--evaluate", "pyramid", "--out", str(out)]
    assert cli.main(arguments) == 0
    rows = callbacks.read_log(out / "evaluation.csv")
    assert [row["step"] for row in rows] == ["0", "2"]
    assert {"frechet_distance", "recall", "coverage"} <= rows[0].keys()
    assert "frechet_distance" in callbacks.read_log(out / "log.csv")[0]
    assert keras.models.load_model(out / "best_generator.keras").output_shape[1:] == (16, 16, 3)
