"""What `kerasgan train` leaves in the folder of a run."""

import json
import os
import pathlib
import re
import tempfile

import keras
import numpy as np
import pytest
from commands import TINY, read_png, train

import kerasgan
from kerasgan import callbacks, cli, pictures
from kerasgan.cli import recording, run_folder

pytestmark = pytest.mark.any_backend


def test_a_run_leaves_everything_it_promises(run):
    expected = {"config.json", "log.csv", "samples", "samples.png", "training.gif", "model.keras"}
    expected |= {"generator.keras", "model.previous.keras"}
    assert expected <= {path.name for path in run.iterdir()}
    assert not list(run.rglob("*.tmp*"))
    gan = keras.models.load_model(run / "model.keras")
    assert (gan.step, gan.epoch) == (6, 2)
    np.testing.assert_array_equal(
        read_png(run / "samples.png"), pictures.grid(gan.sample(64, seed=0), columns=8, scale=8)
    )
    assert [row["step"] for row in callbacks.read_log(run / "log.csv")] == list("123456")
    assert len(list((run / "samples").iterdir())) == 7  # that of step 0, too


def test_config_says_what_a_reader_of_the_generator_needs(run, photos):
    config = json.loads((run / "config.json").read_text())
    assert config["arguments"]["data"] == str(photos)
    assert config["arguments"]["size"] == [16, 16]
    assert config["backend"] == keras.config.backend()
    versions = config["versions"]
    assert versions["kerasgan"] == kerasgan.__version__
    assert versions["keras"] == keras.__version__
    assert versions.keys() > {"numpy", "python", config["backend"]}
    assert (config["latents"], config["latent_dim"]) == ("normal", 100)
    assert (config["value_range"], config["image_shape"]) == ([-1, 1], [16, 16, 3])
    assert config["generator_inputs"] == ["latents"]


@pytest.mark.skipif(not hasattr(os, "seteuid"), reason="permissions")
def test_a_folder_that_cannot_be_written_to_is_refused():
    # Elsewhere than in tmp_path, which other users cannot reach.
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o555)
        is_root = os.geteuid() == 0
        if is_root:
            os.seteuid(65534)
        try:
            with pytest.raises(OSError, match="`--out` must be a writable path.*Permission denied"):
                with run_folder.opened(pathlib.Path(folder), resume=False):
                    pass
        finally:
            if is_root:
                os.seteuid(0)
        assert os.listdir(folder) == []


@pytest.mark.parametrize("model", ["deconv_gan", "infogan"])
def test_models_with_latents_of_their_own_are_trained_and_sampled(photos, tmp_path, model):
    run = tmp_path / "run"
    arguments = ["train", str(photos), "--model", model, "--size", "17x24", "--filters", "2"]
    assert cli.main([*arguments, "--steps", "1", "--batch-size", "2", "--out", str(run)]) == 0
    for name in ("model.keras", "generator.keras"):
        arguments = ["sample", str(run / name), "--count", "2"]
        assert cli.main([*arguments, "--out", str(tmp_path / f"{name}.png")]) == 0
    assert (tmp_path / "model.keras.png").read_bytes() == (
        tmp_path / "generator.keras.png"
    ).read_bytes()


def test_steps_are_counted_whatever_they_take_from_the_data(tmp_path, capsys):
    folder, run = tmp_path / "photos", tmp_path / "run"
    folder.mkdir()
    for index, image in enumerate(np.zeros((12, 16, 16, 3), "uint8")):
        pictures.save_png(folder / f"{index}.png", image)
    # Five batches for each step, six in a pass: from the second on, every step ends one.
    arguments = ["--model", "wgan", "--learning-rate", 0.01, "--out", run]
    assert train(folder, *TINY, *arguments, "--batch-size", 2, "--steps", 4) == 0
    assert re.search(r"Finished at step 4 of 4, after (\d+ min )?\d+ s\.", capsys.readouterr().out)
    assert train("--resume", "--out", run, "--steps", 6) == 0
    assert "Finished at step 6 of 6" in capsys.readouterr().out
    gan = callbacks.load_checkpoint(run)
    assert gan.step == 6
    for optimizer in gan.optimizer.optimizers:
        assert float(optimizer.learning_rate) == pytest.approx(0.01)


@pytest.mark.parametrize(
    ("last_step", "every"),
    [(1, 1), (39, 1), (40, 2), (1800, 50), (2000, 100), (20_000, 1000), (10**7, 1000)],
)
def test_rhythm_grows_with_the_run(tmp_path, last_step, every):
    assert recording.choose_every(last_step) == every
    log, *_, checkpoint = recording.make_callbacks(tmp_path, every)
    assert checkpoint.every % log.every == 0
