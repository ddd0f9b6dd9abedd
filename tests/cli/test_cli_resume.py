"""`kerasgan train --resume`: it goes on as if nothing had happened, or refuses."""

import errno
import json
import os

import keras
import numpy as np
import pytest
from commands import TINY, errors, train
from models import state

import kerasgan
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


def test_a_resumed_run_goes_on_with_its_adaptive_augmentation(photos, tmp_path):
    run = tmp_path / "run"
    assert train(photos, *TINY, "--augment", "ada", "--steps", 2, "--out", run) == 0
    assert train("--resume", "--out", run, "--steps", 3) == 0
    rows = callbacks.read_log(run / "log.csv")
    _, before, after = (float(row["augment_probability"]) for row in rows)
    # The batch's share of the images that it takes to reach 1; but never below 0.
    assert abs(after - before) == pytest.approx(4 / 500_000) or before == after == 0.0
    gan = callbacks.load_checkpoint(run)
    assert float(gan.augment.probability) == pytest.approx(after)


def test_a_run_keeps_its_precision(photos, tmp_path, capsys):
    run, before = tmp_path / "run", keras.config.dtype_policy().name
    half = ["--precision", "mixed_float16", "--learning-rate", 1e-4]
    assert train(photos, *TINY, *half, "--steps", 1, "--out", run) == 0
    assert train("--resume", "--out", run, "--steps", 2) == 0
    assert keras.config.dtype_policy().name == before
    gan = callbacks.load_checkpoint(run)
    assert gan.step == 2 and float(gan.g_optimizer.learning_rate) == pytest.approx(1e-4)
    for model in (gan.generator, gan.discriminator):
        assert any(layer.compute_dtype == "float16" for layer in model.layers)
    assert train("--resume", "--out", run, "--precision", "float32", "--steps", 3) == 2
    assert "precision: mixed_float16 in the run, float32 now" in errors(capsys)


@pytest.mark.any_backend
def test_a_finished_run_is_left_as_it_is(run, capsys):
    before = {path.name: path.stat().st_mtime_ns for path in run.iterdir() if path.is_file()}
    (run / ".model.999.tmp.keras").write_bytes(b"left by a process that was killed")
    assert train("--resume", "--out", run) == 0
    assert train("--resume", "--out", run, "--epochs", 2) == 0
    # Neither of these is stored, or the next resume would use it.
    assert train("--resume", "--out", run, "--steps", 3, "--batch-size", 5) == 0
    assert "Already finished" in capsys.readouterr().out
    after = {path.name: path.stat().st_mtime_ns for path in run.iterdir() if path.is_file()}
    assert after == before


@pytest.mark.any_backend
def test_an_existing_folder_is_refused_without_resume(run, photos, tmp_path, capsys):
    assert train(photos, *TINY, "--out", run) == 2
    assert "`--out` must be a new folder" in errors(capsys)
    assert train("--resume", "--out", tmp_path / "none") == 2
    assert "which has no config.json" in errors(capsys)
    assert not (tmp_path / "none").exists()


@pytest.mark.any_backend
def test_other_arguments_are_refused_each_one_listed(run, capsys):
    changes = ["--size", "16x32", "--channels", 1, "--filters", 4, "--seed", 1, "--ema", 0.5]
    code = train("mnist", "--resume", "--out", run, *changes, "--model", "flag_gan", "--epochs", 9)
    assert code == 2
    lines = errors(capsys).splitlines()
    assert "  size: 16 in the run, 16x32 now" in lines
    assert "  ema: 0.9 in the run, 0.5 now" in lines
    assert len(lines) == 9  # model, size, channels, filters, ema, seed, data; first and last


@pytest.mark.any_backend
@pytest.mark.parametrize(
    ("damage", "field"),
    [
        (lambda config: config["arguments"].pop("ema"), "arguments.ema is missing"),
        (lambda config: config["arguments"].clear(), "arguments.model is missing"),
        (lambda config: config.update(arguments=None), "arguments is None"),
        (lambda config: config.clear(), "arguments is missing"),
        (lambda config: config.update(every="5"), "every is '5'"),
        (lambda config: config.update(num_images=0), "num_images is 0"),
        (lambda config: config.update(backend=1), "backend is 1"),
        (lambda config: config.update(class_names=[1]), "class_names is [1]"),
        *(
            (
                lambda config, name=name, value=value: config["arguments"].update({name: value}),
                f"arguments.{name} is {value!r}",
            )
            for name, value in {
                "model": "nosuch",
                "size": [16],
                "channels": 2,
                "fit": None,
                "background": [255, 0, 0],
                "mirror": "no",
                "filters": "2",
                "augment": 1,
                "ema": "0.9",
                "pretrain_steps": None,
                "seed": 0.5,
                "data": None,
                "data_path": 3,
                "batch_size": "4",
                "learning_rate": "fast",
                "d_learning_rate": -1,
                "evaluate": "nosuch",
                "rollbacks": -1,
                "deterministic": 1,
                "steps": True,
                "epochs": "2",
            }.items()
        ),
    ],
)
def test_a_damaged_config_is_refused(run, tmp_path, capsys, damage, field):
    config = json.loads((run / "config.json").read_text())
    damage(config)
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert train("--resume", "--out", tmp_path, "--ema", 0.9) == 2
    text = errors(capsys)
    assert "config.json` must be a file written by `kerasgan train`" in text and field in text
    assert len(text.splitlines()) == 1


@pytest.mark.any_backend
@pytest.mark.parametrize("text", ["", "[]", '"x"', "{"])
def test_a_config_that_is_no_object_is_refused(tmp_path, capsys, text):
    (tmp_path / "config.json").write_text(text)
    assert train("--resume", "--out", tmp_path) == 2
    assert "config.json` must be a file written by `kerasgan train`" in errors(capsys)


@pytest.mark.any_backend
@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("log.csv", "epoch,d_loss\n1,0.5\n", "whose first column is 'epoch'"),
        ("log.csv", "step,d_loss\n1,0.5\n", "epoch 'missing' at step 1"),
        ("log.csv", "step,epoch,d_loss\n1,0,0.5\n2,0,low\n", "d_loss 'low' at step 2"),
        ("evaluation.csv", "step,encoder\n1,mnist\n", "frechet_distance 'missing' at step 1"),
    ],
)
def test_records_that_somebody_edited_are_refused(run, tmp_path, capsys, name, text, problem):
    (tmp_path / "config.json").write_bytes((run / "config.json").read_bytes())
    (tmp_path / name).write_text(text)
    assert train("--resume", "--out", tmp_path, "--steps", 9) == 2
    found = errors(capsys)
    assert problem in found and name in found and len(found.splitlines()) == 1
    assert (tmp_path / name).read_text() == text


@pytest.mark.any_backend
def test_a_run_whose_models_are_gone_is_refused(run, tmp_path, capsys):
    for name in ("config.json", "log.csv"):
        (tmp_path / name).write_bytes((run / name).read_bytes())
    assert train("--resume", "--out", tmp_path) == 2
    assert "where both are missing" in errors(capsys)
    assert (tmp_path / "log.csv").read_bytes() == (run / "log.csv").read_bytes()
    # Killed before its first checkpoint was saved, after five steps, a run begins again.
    *rows, last = (run / "log.csv").read_text().splitlines(keepends=True)
    assert rows[-1].startswith("5,") and last.startswith("6,")
    (tmp_path / "log.csv").write_text("".join(rows))
    assert train("--resume", "--out", tmp_path, "--steps", 1) == 0
    assert callbacks.load_checkpoint(tmp_path).step == 1


@pytest.mark.any_backend
def test_what_a_process_was_killed_before_is_made_up_for(run, tmp_path):
    names = ("config.json", "model.keras", "generator.keras", "samples.png")
    for name in names:
        (tmp_path / name).write_bytes((run / name).read_bytes())

    def generator():
        return keras.models.load_model(tmp_path / "generator.keras").get_weights()

    expected = generator()
    other = keras.models.load_model(run / "model.previous.keras")
    for damage in (
        lambda: other.sampling_generator.save(tmp_path / "generator.keras"),
        lambda: (tmp_path / "generator.keras").unlink(),
        lambda: (tmp_path / "generator.keras").write_bytes(b"cut"),
    ):
        damage()
        (tmp_path / "samples.png").write_bytes((run / "samples/step_0000001.png").read_bytes())
        assert train("--resume", "--out", tmp_path) == 0
        for one, two in zip(expected, generator(), strict=True):
            np.testing.assert_array_equal(one, two)
        assert (tmp_path / "samples.png").read_bytes() == (run / "samples.png").read_bytes()


@pytest.mark.filterwarnings("always::UserWarning")
def test_learning_rates_can_change(photos, tmp_path, capsys):
    def rates():
        gan = callbacks.load_checkpoint(tmp_path / "run")
        return [float(optimizer.learning_rate) for optimizer in (gan.g_optimizer, gan.d_optimizer)]

    out = ["--out", tmp_path / "run"]
    arguments = ["--steps", 1, "--learning-rate", 1e-3, "--d-learning-rate", 5e-4]
    assert train(photos, *TINY, *arguments, "--pretrain-steps", 2, *out) == 0
    assert callbacks.load_checkpoint(tmp_path / "run").progress.pretrained == 2
    assert rates() == pytest.approx([1e-3, 5e-4])
    capsys.readouterr()
    assert train("--resume", *out, "--steps", 2, "--d-learning-rate", 1e-4) == 0
    assert "note: d learning rate: 0.0005 in the run, 0.0001 now." in errors(capsys)
    assert rates() == pytest.approx([1e-3, 1e-4])
    assert train("--resume", *out, "--steps", 3, "--learning-rate", 2e-3) == 0
    assert rates() == pytest.approx([2e-3, 1e-4])


@pytest.mark.any_backend
@pytest.mark.filterwarnings("ignore:learning rate", "ignore:d learning rate")
def test_new_learning_rates_are_set_once_and_for_their_side(photos, tmp_path, monkeypatch):
    def kill(*arguments, **options):
        raise ZeroDivisionError

    run = tmp_path / "run"
    resume = ["--resume", "--out", run, "--steps", 2]
    assert train(photos, *TINY, "--steps", 1, "--learning-rate", 1e-3, "--out", run) == 0
    with monkeypatch.context() as patch, pytest.raises(ZeroDivisionError):
        patch.setattr(kerasgan.GAN, "fit", kill)
        train(*resume, "--learning-rate", 2e-3)
    # Killed before its first checkpoint, it has the new rates all the same.
    gan = callbacks.load_checkpoint(run)
    assert gan.step == 1
    assert float(gan.g_optimizer.learning_rate) == pytest.approx(2e-3)
    # As after a rollback.
    gan.g_optimizer.learning_rate = 1e-3
    gan.save(run / "model.keras")
    assert train(*resume, "--learning-rate", 2e-3, "--d-learning-rate", 5e-4) == 0
    gan = callbacks.load_checkpoint(run)
    assert float(gan.g_optimizer.learning_rate) == pytest.approx(1e-3)
    assert float(gan.d_optimizer.learning_rate) == pytest.approx(5e-4)


@pytest.mark.any_backend
@pytest.mark.filterwarnings("always::UserWarning")
def test_other_images_and_another_batch_size_and_backend_are_a_note(run, photos, tmp_path, capsys):
    (tmp_path / "run").mkdir()
    config = json.loads((run / "config.json").read_text())
    config |= {"backend": "another", "num_images": 9}
    (tmp_path / "run" / "config.json").write_text(json.dumps(config))
    (tmp_path / "run" / "model.keras").write_bytes((run / "model.keras").read_bytes())
    arguments = ["--out", tmp_path / "run", "--batch-size", 5, "--steps", 7]
    assert train(photos, "--resume", *arguments) == 0
    notes = errors(capsys)
    assert "note: batch size: 4 in the run, 5 now" in notes
    assert "note: number of images: 9 in the run, 10 now" in notes
    assert f"note: backend: another in the run, {keras.config.backend()} now" in notes


@pytest.mark.any_backend
def test_a_second_process_is_refused(run, capsys):
    with run_folder.opened(run, resume=True):
        assert train("--resume", "--out", run) == 2
    assert "where another process is training" in errors(capsys)
    assert train("--resume", "--out", run) == 0


@pytest.mark.any_backend
@pytest.mark.skipif(os.name == "nt", reason="fcntl")
@pytest.mark.filterwarnings("always::UserWarning")
def test_a_system_without_locks_is_a_note(run, monkeypatch, capsys):
    def flock(*arguments):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.flock", flock)
    assert train("--resume", "--out", run) == 0
    text = errors(capsys)
    assert "cannot lock" in text and "No locks available" in text
