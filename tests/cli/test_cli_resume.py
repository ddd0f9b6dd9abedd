"""`kerasgan train --resume`: it goes on as if nothing had happened, or refuses."""

import json

import keras
import numpy as np
import pytest
from commands import TINY, errors, train
from models import state

from kerasgan import callbacks
from kerasgan.cli import run_folder


def test_a_resumed_run_equals_an_uninterrupted_one(run, photos, tmp_path, capsys):
    other = tmp_path / "parts"
    # In the middle of a pass; and then without any argument but the one that extends it.
    assert train(photos, *TINY, "--steps", 2, "--ema", 0.9, "--out", other) == 0
    assert train("--resume", "--out", other, "--steps", 6) == 0
    assert capsys.readouterr().out.splitlines()[-1] == str(other)
    expected, found = map(callbacks.load_checkpoint, (run, other))
    for one, two in zip(state(expected), state(found), strict=True):
        np.testing.assert_array_equal(one, two)
    assert expected.seed == found.seed
    names = ["log.csv", "samples.png", "training.gif"]
    names += [f"samples/{path.name}" for path in (run / "samples").iterdir()]
    names += ["losses.png"] * (run / "losses.png").exists()
    for name in names:
        assert (run / name).read_bytes() == (other / name).read_bytes(), name
    assert len(list((other / "samples").iterdir())) == 7  # that of step 0, too


def test_a_finished_run_is_left_as_it_is(run, capsys):
    before = {path.name: path.stat().st_mtime_ns for path in run.iterdir() if path.is_file()}
    (run / ".model.999.tmp.keras").write_bytes(b"left by a process that was killed")
    assert train("--resume", "--out", run) == 0
    assert train("--resume", "--out", run, "--epochs", 2) == 0
    assert "Already finished" in capsys.readouterr().out
    after = {path.name: path.stat().st_mtime_ns for path in run.iterdir() if path.is_file()}
    assert after.pop("config.json") and before.pop("config.json")
    assert after == before


def test_an_existing_folder_is_refused_without_resume(run, photos, tmp_path, capsys):
    assert train(photos, *TINY, "--out", run) == 2
    assert "`--out` must be a new folder" in errors(capsys)
    assert train("--resume", "--out", tmp_path / "none") == 2
    assert "which has no config.json" in errors(capsys)
    assert not (tmp_path / "none").exists()


def test_other_arguments_are_refused_each_one_listed(run, capsys):
    changes = ["--size", "16x32", "--channels", 1, "--filters", 4, "--seed", 1, "--ema", 0.5]
    code = train("mnist", "--resume", "--out", run, *changes, "--model", "flag_gan", "--epochs", 9)
    assert code == 2
    lines = errors(capsys).splitlines()
    assert "  size: 16 in the run, 16x32 now" in lines
    assert "  ema: 0.9 in the run, 0.5 now" in lines
    assert len(lines) == 9  # model, size, channels, filters, ema, seed, data; first and last


@pytest.mark.parametrize(
    "damage",
    [
        lambda config: config["arguments"].pop("ema"),
        lambda config: config["arguments"].clear(),
        lambda config: config.update(arguments=None),
        lambda config: config["arguments"].update(model="nosuch"),
        lambda config: config.clear(),
    ],
)
def test_a_damaged_config_is_refused(run, tmp_path, capsys, damage):
    config = json.loads((run / "config.json").read_text())
    damage(config)
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert train("--resume", "--out", tmp_path, "--ema", 0.9) == 2
    assert "must be as `kerasgan train` wrote it" in errors(capsys)


@pytest.mark.filterwarnings("always::UserWarning")
def test_other_images_and_another_batch_size_and_backend_are_a_note(run, photos, tmp_path, capsys):
    (tmp_path / "run").mkdir()
    config = json.loads((run / "config.json").read_text())
    config |= {"backend": "another", "num_images": 9}
    (tmp_path / "run" / "config.json").write_text(json.dumps(config))
    (tmp_path / "run" / "model.keras").write_bytes((run / "model.keras").read_bytes())
    assert train(photos, "--resume", "--out", tmp_path / "run", "--batch-size", 5) == 0
    notes = errors(capsys)
    assert "note: batch size: 4 in the run, 5 now" in notes
    assert "note: number of images: 9 in the run, 10 now" in notes
    assert f"note: backend: another in the run, {keras.config.backend()} now" in notes


def test_a_second_process_is_refused(run, capsys):
    with run_folder.opened(run, resume=True):
        assert train("--resume", "--out", run) == 2
    assert "in which another process is training" in errors(capsys)
    assert train("--resume", "--out", run) == 0
