"""The command, on a folder of tiny images."""

import json
import os
import signal
import subprocess
import sys
import time

import keras
import numpy as np
import pytest
from PIL import Image

import kerasgan
from kerasgan import callbacks, cli, pictures, zoo

TINY = ["--size", "16", "--filters", "2", "--batch-size", "4"]


@pytest.fixture(scope="session")
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data") / "photos"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for index in range(10):
        pictures.save_png(folder / f"{index}.png", rng.integers(0, 256, (16, 16, 3), "uint8"))
    return folder


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KERASGAN_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def run(photos, tmp_path_factory):
    """A finished run of 6 steps: two passes of three batches. Only to be read."""
    folder = tmp_path_factory.mktemp("runs") / "whole"
    assert train(photos, *TINY, "--steps", 6, "--ema", 0.9, "--out", folder) == 0
    return folder


def train(*arguments):
    return cli.main(["train", *map(str, arguments)])


def sample(*arguments):
    return cli.main(["sample", *map(str, arguments)])


def state(gan):
    """Everything that training depends on."""
    variables = [v for optimizer in gan.optimizer.optimizers for v in optimizer.variables]
    arrays = [keras.ops.convert_to_numpy(v) for v in (*variables, *gan._random_variables())]
    return [*gan.get_weights(), *arrays, [gan.step, gan.epoch, gan._batch, gan._draws, gan.seed]]


def read_png(path):
    with Image.open(path) as picture:
        return np.array(picture)


def errors(capsys):
    captured = capsys.readouterr()
    assert captured.err.startswith("kerasgan "), captured.err
    assert "Traceback" not in captured.err
    return captured.err


# What train leaves


def test_a_run_leaves_everything_it_promises(run):
    expected = {"config.json", "log.csv", "samples", "samples.png", "training.gif", "model.keras"}
    expected |= {"generator.keras", "model.previous.keras"}
    assert expected <= {path.name for path in run.iterdir()}
    assert not list(run.rglob("*.tmp*"))
    gan = keras.models.load_model(run / "model.keras")
    assert (gan.step, gan.epoch) == (6, 2)
    np.testing.assert_array_equal(
        read_png(run / "samples.png"), pictures.grid(gan.sample(64, seed=0), columns=8)
    )
    assert [row["step"] for row in callbacks.read_log(run / "log.csv")] == list("123456")
    assert len(list((run / "samples").iterdir())) == 6


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


def test_a_resumed_run_equals_an_uninterrupted_one(run, photos, tmp_path, capsys):
    other = tmp_path / "parts"
    # In the middle of a pass; and then without any argument but the one that extends it.
    assert train(photos, *TINY, "--steps", 2, "--ema", 0.9, "--out", other) == 0
    assert train("--resume", "--out", other, "--steps", 6) == 0
    assert capsys.readouterr().out.splitlines()[-1] == str(other)
    expected, found = map(callbacks.load_checkpoint, (run, other))
    for one, two in zip(state(expected), state(found), strict=True):
        np.testing.assert_array_equal(one, two)
    names = ["log.csv", "samples.png", "training.gif"]
    names += [f"samples/{path.name}" for path in (run / "samples").iterdir()]
    names += ["losses.png"] * (run / "losses.png").exists()
    for name in names:
        assert (run / name).read_bytes() == (other / name).read_bytes(), name
    assert len(list((other / "samples").iterdir())) == 6


def test_a_finished_run_is_left_as_it_is(run, capsys):
    before = {path.name: path.stat().st_mtime_ns for path in run.iterdir() if path.is_file()}
    (run / ".model.999.tmp.keras").write_bytes(b"left by a process that was killed")
    assert train("--resume", "--out", run) == 0
    assert train("--resume", "--out", run, "--epochs", 2) == 0
    assert "Already finished" in capsys.readouterr().out
    after = {path.name: path.stat().st_mtime_ns for path in run.iterdir() if path.is_file()}
    assert after.pop("config.json") and before.pop("config.json")
    assert after == before


def test_steps_are_counted_whatever_they_take_from_the_data(tmp_path, capsys):
    folder, run = tmp_path / "photos", tmp_path / "run"
    folder.mkdir()
    for index, image in enumerate(np.zeros((12, 16, 16, 3), "uint8")):
        pictures.save_png(folder / f"{index}.png", image)
    # Five batches for each step, six in a pass: from the second on, every step ends one.
    arguments = ["--model", "wgan", "--learning-rate", 0.01, "--out", run]
    assert train(folder, *TINY, *arguments, "--batch-size", 2, "--steps", 4) == 0
    assert "Finished at step 4 of 4" in capsys.readouterr().out
    assert train("--resume", "--out", run, "--steps", 6) == 0
    assert "Finished at step 6 of 6" in capsys.readouterr().out
    gan = callbacks.load_checkpoint(run)
    assert gan.step == 6
    for optimizer in gan.optimizer.optimizers:
        assert float(optimizer.learning_rate) == pytest.approx(0.01)


# How it ends


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_end_after_the_step_and_save(photos, tmp_path, monkeypatch, capsys, number):
    class Kill(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            if self.model.step == 1:
                os.kill(os.getpid(), number)

    make = cli._callbacks
    monkeypatch.setattr(cli, "_callbacks", lambda *arguments: [*make(*arguments), Kill()])
    handlers = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    run = tmp_path / "run"
    assert train(photos, *TINY, "--epochs", 9, "--out", run) == 128 + number
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == handlers
    *_, stopped, resume, written, last = capsys.readouterr().out.splitlines()
    assert stopped.startswith("Stopped at epoch 0 of 9 (step 2)")
    assert resume == f"To continue: kerasgan train --resume --out {run}"
    assert "model.keras" in written and last == str(run)
    assert callbacks.load_checkpoint(run).step == 2


def add_callback(monkeypatch, callback):
    make = cli._callbacks
    monkeypatch.setattr(cli, "_callbacks", lambda *arguments: [*make(*arguments), callback])


def test_a_signal_before_the_first_step_leaves_a_run_to_resume(photos, tmp_path, monkeypatch):
    begin = keras.callbacks.LambdaCallback(
        on_train_begin=lambda logs: os.kill(os.getpid(), signal.SIGTERM)
    )
    add_callback(monkeypatch, begin)
    run = tmp_path / "run"
    assert train(photos, *TINY, "--steps", 1, "--out", run) == 128 + signal.SIGTERM
    assert callbacks.load_checkpoint(run).step == 0


def test_ctrl_c_says_what_is_saved(photos, tmp_path, monkeypatch, capsys):
    def interrupt(*arguments):
        os.kill(os.getpid(), signal.SIGINT)

    def interrupt_twice(batch, logs):
        interrupt()
        interrupt()

    run = tmp_path / "run"
    with monkeypatch.context() as patch:
        patch.setattr(cli, "_finish", interrupt)
        assert train(photos, *TINY, "--steps", 1, "--out", run) == 130
    assert "training had ended, and its last checkpoint stays" in errors(capsys)
    assert callbacks.load_checkpoint(run).step == 1
    add_callback(monkeypatch, keras.callbacks.LambdaCallback(on_train_batch_begin=interrupt_twice))
    assert train("--resume", "--out", run, "--steps", 2) == 130
    assert "nothing was saved since the last checkpoint" in errors(capsys)
    assert callbacks.load_checkpoint(run).step == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_during_set_up_end_at_once(photos, tmp_path, monkeypatch, number):
    def load(*arguments, **options):
        os.kill(os.getpid(), number)
        time.sleep(10)

    monkeypatch.setattr(cli.datasets, "ImageFolder", load)
    try:
        code = train(photos, "--out", tmp_path / "run")
    except SystemExit as exit:
        code = exit.code
    assert code == 128 + number
    assert not (tmp_path / "run").exists()


@pytest.mark.filterwarnings("ignore:The weights hold NaN")
@pytest.mark.parametrize("steps", [2, 9])
def test_nan_ends_the_run_and_is_not_saved(photos, tmp_path, monkeypatch, capsys, steps):
    build = zoo.build_dcgan

    def explode(**options):
        gan = build(**options)
        gan.compile(g_optimizer=keras.optimizers.SGD(float("nan")))
        return gan

    monkeypatch.setattr(zoo, "build_dcgan", explode)
    run = tmp_path / "run"
    assert train(photos, *TINY, "--steps", steps, "--out", run) == 1
    captured = capsys.readouterr()
    assert "not finite at step 2. Begin another run" in captured.err
    assert f"Stopped at step 2 of {steps}" in captured.out and "Finished" not in captured.out
    assert "--resume" not in captured.out
    assert captured.out.splitlines()[-1] == str(run)
    assert not (run / "model.keras").exists()
    assert not (run / "samples.png").exists()


@pytest.mark.skipif(os.name == "nt", reason="SIGTERM")
def test_without_a_terminal_there_are_plain_lines(photos, tmp_path):
    run = tmp_path / "run"
    command = [sys.executable, "-m", "kerasgan.cli", "train", photos, *TINY, "--out", run]
    with subprocess.Popen(
        [*map(str, command), "--steps", "1000000"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        begun = process.stdout.readline()
        # The first frame is made after signals are waited for.
        while process.poll() is None and not list(run.glob(".training.gif.frames/step_*.png")):
            time.sleep(0.05)
        process.terminate()
        out, error = process.communicate(timeout=120)
    assert process.returncode == 128 + signal.SIGTERM, error
    assert begun.startswith(b"Training dcgan on 10 images of photos (16x16x3)")
    assert not {b"\r", b"\x1b"} & {bytes([code]) for code in begun + out + error}
    assert b"images/s" not in error
    assert out.decode().splitlines()[-1] == str(run)
    assert callbacks.load_checkpoint(run).step < 1000


# What it refuses


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
    with open(run / ".lock", "a") as file:
        cli._lock(file)
        assert train("--resume", "--out", run) == 2
    assert "no other process trains in" in errors(capsys)
    assert train("--resume", "--out", run) == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "DATA must be a folder of images or mnist"),
        (["--resume"], "or the run to resume as --out RUN"),
        (["nosuch"], "`folder` must be an existing folder"),
        (["PHOTOS", "--size", "8"], "`image_shape` must be"),
        (["PHOTOS", "--size", "16", "--augment", "magic"], "`policy` must be made of"),
        (["PHOTOS", "--size", "16", "--ema", "2"], "`ema` must be a decay"),
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


@pytest.mark.parametrize(
    ("last_step", "every"),
    [(1, 1), (39, 1), (40, 2), (1800, 50), (2000, 100), (20_000, 1000), (10**7, 1000)],
)
def test_rhythm_grows_with_the_run(tmp_path, last_step, every):
    assert cli._rhythm(last_step) == every
    log, *_, checkpoint = cli._callbacks(tmp_path, every)
    assert checkpoint.every % log.every == 0


# sample


def test_sample_draws_the_same_from_each_of_the_files(run, tmp_path, capsys):
    expected = pictures.grid(callbacks.load_checkpoint(run).sample(5, seed=7))
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
        assert (gif.n_frames, gif.size) == (32, (256, 256))


def test_sample_replaces_nothing_unasked(run, tmp_path, capsys):
    out = tmp_path / "grid.png"
    out.write_text("mine")
    assert sample(run, "--out", out) == 2
    assert "Pass another, or --overwrite" in errors(capsys)
    assert sample(run, "--out", tmp_path) == 2
    assert out.read_text() == "mine"
    assert sample(run, "--out", out, "--overwrite") == 0
    assert read_png(out).shape == (8 * 18 + 2, 8 * 18 + 2, 3)


def test_sample_says_what_it_cannot_read_or_write(run, tmp_path, capsys):
    assert sample(run, "--out", tmp_path / "grid.jpg") == 2
    assert "must end in .png (grid) or .gif (walk)" in errors(capsys)
    assert sample(tmp_path, "--out", tmp_path / "grid.png") == 2
    assert "`folder` must hold a checkpoint" in errors(capsys)
    assert sample(tmp_path / "no.keras", "--out", tmp_path / "grid.png") == 2
    assert "is not there" in errors(capsys)
    alone = tmp_path / "generator.keras"
    alone.write_bytes((run / "generator.keras").read_bytes())
    assert sample(alone, "--out", tmp_path / "grid.png") == 2
    assert "with the config.json of its run beside it" in errors(capsys)
    assert not (tmp_path / "grid.png").exists()


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


def test_a_walk_keeps_normal_latents_at_their_length():
    rng = np.random.default_rng(0)
    latents = rng.standard_normal((3, 100))
    path = cli._walk(latents, "normal")
    assert path.shape == (48, 100)
    np.testing.assert_allclose(path[::16], latents, rtol=1e-5)
    assert 8 < np.linalg.norm(path, axis=1).min() < 12
    moved = cli._walk(latents + 5, ("normal", 5.0, 1.0))
    np.testing.assert_allclose(moved, path + 5, rtol=1e-4)
    line = cli._walk(np.array([[0.0], [1.0]]), "uniform")
    np.testing.assert_allclose(line[:17, 0], np.arange(17) / 16)


def test_version(capsys):
    with pytest.raises(SystemExit, match="0"):
        cli.main(["--version"])
    assert capsys.readouterr().out.startswith(f"kerasgan {kerasgan.__version__} (Keras ")


# What evaluate measures


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
    assert "`--out` must be new" in errors(capsys)
    assert cli.main([*arguments, "--nearest", str(nearest)]) == 2
    assert "`--nearest` must be new" in errors(capsys)
    assert cli.main([*arguments, "--nearest", str(tmp_path / "nearest.gif")]) == 2
    assert "`--nearest` must end in .png" in errors(capsys)
    assert cli.main([*arguments, "--out", str(tmp_path / "none" / "scores.json")]) == 2
    assert "`--out` must be in a folder that exists" in errors(capsys)
    assert cli.main(["evaluate", str(run), "--data", "mnist", "--data-path", str(many)]) == 2


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
        rows = cli._beside_nearest(real[[3, 149]], images, encoder).reshape(2, 6, 8, 8, 1)
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
