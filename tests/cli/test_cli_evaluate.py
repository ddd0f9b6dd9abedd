"""`kerasgan evaluate`, and `kerasgan train --evaluate`."""

import json
import os

import keras
import numpy as np
import pytest
from commands import TINY, errors, train
from PIL import Image

from kerasgan import callbacks, cli, pictures
from kerasgan.cli._neighbours import Neighbours

pytestmark = pytest.mark.any_backend


def test_evaluate_prints_a_table_and_writes_json(run, photos, tmp_path, capsys):
    out = tmp_path / "scores.json"
    arguments = ["evaluate", str(run), "--data", str(photos), "--encoder", "mnist"]
    # Ten photos are too few for two parts to compare.
    assert cli.main(arguments) == 2
    assert "`images` must be at least 12 real images" in errors(capsys)
    many = tmp_path / "many"
    many.mkdir()
    rng = np.random.default_rng(0)
    for index in range(24):
        pictures.save_png(many / f"{index}.png", rng.integers(0, 256, (16, 16, 3), "uint8"))
    arguments[3] = str(many)
    nearest = tmp_path / "nearest.png"
    assert cli.main([*arguments, "--out", str(out), "--nearest", str(nearest)]) == 0
    printed = capsys.readouterr().out
    assert str(nearest) in printed
    with Image.open(nearest) as picture:
        assert picture.size == (6 * 18 + 2, 10 * 18 + 2)
    result = json.loads(out.read_text())
    assert result["count"] == 12 and result["encoder"] == "mnist_classifier"
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


def test_too_few_images_to_measure_leave_no_run_behind(photos, tmp_path, capsys):
    run = tmp_path / "run"
    assert train(photos, *TINY, "--steps", 1, "--evaluate", "mnist", "--out", run) == 2
    assert "`images` must be at least 12 real images" in errors(capsys)
    assert not run.exists()


def test_train_measures_on_request_and_keeps_the_best(photos, tmp_path):
    folder = tmp_path / "many"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for index in range(12):
        pictures.save_png(folder / f"{index}.png", rng.integers(0, 256, (16, 16, 3), "uint8"))
    out = tmp_path / "run"
    arguments = ["train", str(folder), "--size", "16", "--filters", "2", "--batch-size", "6"]
    arguments += ["--steps", "2", "--evaluate", "mnist", "--out", str(out)]
    assert cli.main(arguments) == 0
    rows = callbacks.read_log(out / "evaluation.csv")
    assert [row["step"] for row in rows] == ["0", "2"]
    assert {"frechet_distance", "recall", "coverage"} <= rows[0].keys()
    assert "frechet_distance" in callbacks.read_log(out / "log.csv")[0]
    assert keras.models.load_model(out / "best_generator.keras").output_shape[1:] == (16, 16, 3)
