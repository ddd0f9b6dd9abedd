"""Callbacks, with a GAN small enough to be trained in a moment."""

import contextlib
import functools
import io
import os
import random
import signal
import struct
import subprocess
import sys
import textwrap
import time
import warnings

import keras
import numpy as np
import pytest
from PIL import Image

import kerasgan
from kerasgan import callbacks, pictures

IMAGES = np.random.default_rng(0).integers(0, 256, (12, 8, 8, 3), dtype="uint8")


def build_gan(channels=3):
    random.seed(0)
    generator = keras.Sequential(
        [
            keras.Input((4,)),
            keras.layers.Dense(8 * 8 * channels, activation="tanh"),
            keras.layers.Reshape((8, 8, channels)),
        ]
    )
    discriminator = keras.Sequential(
        [keras.Input((8, 8, channels)), keras.layers.Flatten(), keras.layers.Dense(1)]
    )
    return kerasgan.GAN(generator, discriminator)


def train(gan, until, *its_callbacks):
    stop = at_step(until, lambda gan: setattr(gan, "stop_training", True))
    gan.fit(IMAGES, batch_size=4, epochs=99, callbacks=[*its_callbacks, stop], verbose=0)


def at_step(step, action):
    """A callback that does something after one step."""

    class AtStep(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if self.model.step == step:
                action(self.model)

    return AtStep()


@contextlib.contextmanager
def recorded_warnings():
    """The texts of our own warnings; all others are what they are elsewhere."""
    texts = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.filterwarnings("always", category=UserWarning)
        yield texts
    texts += [str(warning.message) for warning in caught if warning.category is UserWarning]


def files_in(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def weights(gan):
    return np.concatenate([weight.ravel() for weight in gan.get_weights()])


def read_png(path):
    with Image.open(path) as picture:
        return np.array(picture)


# What several have in common


def test_files_after_a_resume_are_those_of_an_uninterrupted_run(tmp_path):
    def everything(folder):
        return [
            callbacks.Log(folder / "log.csv", every=4),
            callbacks.SampleGrid(folder / "samples", every=4, count=4),
            callbacks.Animation(folder / "training.gif", every=2, count=4),
            callbacks.LossPlot(folder / "losses.png", every=4, log=folder / "log.csv"),
            callbacks.LossPlot(folder / "own.png", every=100),
        ]

    whole, parts = tmp_path / "whole", tmp_path / "parts"
    train(build_gan(), 11, *everything(whole))

    gan = build_gan()
    # The first stop is in the middle of a row of the log; the second run is killed after its
    # last checkpoint, so that its files are ahead of it.
    train(gan, 3, *everything(parts), callbacks.Checkpoint(tmp_path / "models"))
    gan = callbacks.load_checkpoint(tmp_path / "models")
    with pytest.raises(ZeroDivisionError):
        train(
            gan,
            11,
            *everything(parts),
            callbacks.Checkpoint(tmp_path / "models", every=8),
            at_step(9, lambda gan: 1 / 0),
        )
    gan = callbacks.load_checkpoint(tmp_path / "models")
    assert gan.step == 8
    train(gan, 11, *everything(parts))

    expected, found = files_in(whole), files_in(parts)
    assert found.keys() == expected.keys()
    assert [name for name in expected if found[name] != expected[name]] == []


def test_a_full_disk_is_one_warning_and_training_goes_on(tmp_path):
    resource = pytest.importorskip("resource")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)

    def set_limit(size):
        return lambda gan: resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))

    gan = build_gan()
    try:
        with recorded_warnings() as texts:
            train(
                gan,
                5,
                callbacks.Checkpoint(tmp_path, every=1),
                callbacks.SampleGrid(tmp_path / "samples", every=1, count=64),
                callbacks.Log(tmp_path / "log.csv", every=1),
                at_step(2, set_limit(100)),
                at_step(4, set_limit(limits[0])),
            )
            on_disk = callbacks.load_checkpoint(tmp_path).step
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert sorted(text.split()[0] for text in texts) == ["Checkpoint", "Log", "SampleGrid"]
    assert all("at step 3" in text for text in texts)
    assert (gan.step, on_disk) == (5, 5)
    assert [row["step"] for row in callbacks.read_log(tmp_path / "log.csv")][:2] == ["1", "2"]
    assert not list(tmp_path.rglob("*.tmp*"))


@pytest.mark.parametrize("every", [0, -1, 1.5, "2"])
def test_every_must_be_a_positive_whole_number(tmp_path, every):
    for build in (callbacks.Checkpoint, callbacks.SampleGrid, callbacks.Animation, callbacks.Log):
        with pytest.raises(ValueError, match="`every` must be a whole number of at least 1"):
            build(tmp_path / "x", every=every)


def test_a_folder_that_cannot_be_made_is_an_error_before_training(tmp_path):
    (tmp_path / "file").write_text("")
    gan = build_gan()
    with pytest.raises(OSError):
        train(gan, 1, callbacks.SampleGrid(tmp_path / "file" / "samples"))
    assert gan.step == 0


# SampleGrid


def test_sample_grid_draws_the_same_latents_and_the_end(tmp_path):
    gan = build_gan()
    train(gan, 5, callbacks.SampleGrid(tmp_path / "a" / "b", every=2, count=5, seed=3, columns=3))
    names = sorted(path.name for path in (tmp_path / "a" / "b").iterdir())
    assert names == ["step_0000002.png", "step_0000004.png", "step_0000005.png"]
    expected = pictures.grid(gan.sample(5, seed=3), columns=3)
    np.testing.assert_array_equal(read_png(tmp_path / "a" / "b" / names[-1]), expected)


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_sample_grid_prints_scores_under_the_pictures(tmp_path, channels):
    gan = build_gan(channels)
    grid = callbacks.SampleGrid(tmp_path, count=3, columns=3, scores=True)
    grid.set_model(gan)
    grid.on_train_begin()
    grid.on_train_end()
    picture = read_png(tmp_path / "step_0000000.png").reshape(2 + 40 + 12 + 2, 3 * 42 + 2, channels)
    images = gan.sample(3, seed=0).repeat(5, axis=1).repeat(5, axis=2)
    captions = []
    for index, image in enumerate(images):
        columns = slice(2 + 42 * index, 42 * (index + 1))
        np.testing.assert_array_equal(picture[2:42, columns], image)
        captions.append(picture[42:54, columns].tobytes())
        # Black on white, and whole: nothing touches the edges.
        assert picture[42:54, columns, 0].min() < 100
        assert (picture[42:54, [columns.start, columns.stop - 1]] == 255).all()
    assert len(set(captions)) == 3


def test_sample_grid_prints_the_score_of_a_pack_under_all_its_pictures(tmp_path):
    gan = kerasgan.build_pacgan((16, 16, 1), latent_dim=4, filters=2)
    gan.discriminator.set_weights([1000 * weight for weight in gan.discriminator.get_weights()])
    grid = callbacks.SampleGrid(tmp_path, count=4, columns=4, scores=True)
    grid.set_model(gan)
    grid.on_train_begin()
    grid.on_train_end()
    picture = read_png(tmp_path / "step_0000000.png")
    size = picture.shape[1] // 4
    captions = [picture[-14:-2, size * i + 2 : size * (i + 1)].tobytes() for i in range(4)]
    assert captions[0] == captions[1] and captions[2] == captions[3]
    assert captions[1] != captions[2]


# Checkpoint


def test_checkpoint_refuses_what_cannot_be_saved_before_training(tmp_path):
    gan = build_gan()
    gan.compile(augment=functools.partial(lambda images, factor: factor * images, factor=0.5))
    with pytest.raises(ValueError, match="made of what can be saved, for Checkpoint"):
        train(gan, 1, callbacks.Checkpoint(tmp_path))
    assert gan.step == 0


def test_checkpoint_keeps_the_one_before_and_the_generator(tmp_path):
    gan = build_gan()
    gan.compile(ema=0.9)
    train(gan, 5, callbacks.Checkpoint(tmp_path, every=2))
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "generator.keras",
        "model.keras",
        "model.previous.keras",
    ]
    newest = callbacks.load_checkpoint(tmp_path)
    assert newest.step == 5
    np.testing.assert_array_equal(weights(newest), weights(gan))
    assert keras.models.load_model(tmp_path / "model.previous.keras").step == 4
    generator = keras.models.load_model(tmp_path / "generator.keras")
    latents = np.ones((2, 4), "float32")
    np.testing.assert_array_equal(
        generator.predict_on_batch(latents), gan.averaged_generator.predict_on_batch(latents)
    )


def test_checkpoint_never_saves_nan(tmp_path):
    def spoil(gan):
        kernel = gan.generator.trainable_variables[0]
        kernel.assign(np.full(kernel.shape, np.nan, "float32"))

    gan = build_gan()
    with recorded_warnings() as texts:
        train(
            gan,
            6,
            at_step(4, spoil),
            callbacks.Checkpoint(tmp_path, every=1),
            callbacks.SampleGrid(tmp_path / "samples", every=3),
        )
    assert len(texts) == 1
    assert "NaN or infinity at step 4" in texts[0]
    assert callbacks.load_checkpoint(tmp_path).step == 3
    # A picture of it would show nothing.
    assert [path.name for path in (tmp_path / "samples").iterdir()] == ["step_0000003.png"]


@pytest.fixture(scope="module")
def two_checkpoints(tmp_path_factory):
    folder = tmp_path_factory.mktemp("checkpoints")
    train(build_gan(), 2, callbacks.Checkpoint(folder, every=1))
    return {name: (folder / name).read_bytes() for name in ("model.keras", "model.previous.keras")}


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_a_truncated_checkpoint_falls_back_to_the_one_before(tmp_path, two_checkpoints, share):
    for name, content in two_checkpoints.items():
        (tmp_path / name).write_bytes(content)
    content = two_checkpoints["model.keras"]
    (tmp_path / "model.keras").write_bytes(content[: int(share * len(content) - share)])
    with pytest.warns(UserWarning, match=r"model\.keras is truncated or damaged .* of step 1"):
        assert callbacks.load_checkpoint(tmp_path).step == 1


def test_every_flipped_bit_that_matters_is_found(tmp_path, two_checkpoints):
    content = two_checkpoints["model.keras"]
    path = tmp_path / "model.keras"
    path.write_bytes(content)
    expected = weights(callbacks.load_checkpoint(tmp_path))
    rng = np.random.default_rng(0)
    # Anywhere, and in the zip file's own tables at its end.
    positions = [
        *rng.integers(0, len(content), 60),
        *rng.integers(len(content) - 250, len(content), 60),
    ]
    undamaged = 0
    for position in positions:
        damaged = bytearray(content)
        damaged[position] ^= 1 << rng.integers(8)
        path.write_bytes(damaged)
        if callbacks.find_damage(path) is None:
            undamaged += 1
            np.testing.assert_array_equal(weights(callbacks.load_checkpoint(tmp_path)), expected)
    assert undamaged < 30


def test_no_checkpoint_and_no_whole_checkpoint_are_clear_errors(tmp_path):
    with pytest.raises(FileNotFoundError, match="must hold a checkpoint. .*is not there"):
        callbacks.load_checkpoint(tmp_path)
    (tmp_path / "model.keras").write_bytes(b"PK")
    with pytest.raises(ValueError, match=r"model\.keras is truncated .*previous\.keras is not"):
        callbacks.load_checkpoint(tmp_path)


def test_a_crash_at_any_moment_of_saving_leaves_a_checkpoint(tmp_path, monkeypatch):
    gan = build_gan()
    checkpoint = callbacks.Checkpoint(tmp_path)
    checkpoint.set_model(gan)
    checkpoint.on_train_begin()
    checkpoint.act()
    # The moments at which names on the disk change.
    calls = []

    def crash_at(number, function):
        def function_or_crash(*arguments):
            calls.append(arguments)
            if len(calls) == number:
                raise KeyboardInterrupt
            function(*arguments)

        return function_or_crash

    for number in range(1, 10):
        calls.clear()
        gan.step += 1
        with monkeypatch.context() as patch:
            for name in ("replace", "link"):
                patch.setattr(os, name, crash_at(number, getattr(os, name)))
            try:
                checkpoint.act()
                break
            except KeyboardInterrupt:
                assert callbacks.load_checkpoint(tmp_path).step in (gan.step - 1, gan.step)
        checkpoint.act()
    assert number == 5  # the model's own file, the one before, the model, the generator


def test_without_hard_links_the_one_before_is_kept_too(tmp_path, monkeypatch):
    def no_links(*arguments):
        raise PermissionError

    monkeypatch.setattr(os, "link", no_links)
    train(build_gan(), 2, callbacks.Checkpoint(tmp_path, every=1))
    assert keras.models.load_model(tmp_path / "model.previous.keras").step == 1
    (tmp_path / "model.keras").unlink()
    with pytest.warns(UserWarning, match=r"model\.keras is not there. Loaded model\.previous"):
        assert callbacks.load_checkpoint(tmp_path).step == 1


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL")
def test_kill_9_while_saving_leaves_a_checkpoint(tmp_path):
    script = f"""
        import sys
        sys.path.insert(0, {os.path.dirname(__file__)!r})
        from test_callbacks import build_gan, callbacks
        checkpoint = callbacks.Checkpoint({str(tmp_path)!r})
        checkpoint.set_model(build_gan())
        checkpoint.on_train_begin()
        while True:
            checkpoint.model.step += 1
            checkpoint.act()
            print(f"{{checkpoint.model.step}}\\n", end="", flush=True)
    """
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)], stdout=subprocess.PIPE, text=True
    )
    with process:
        saved = [process.stdout.readline() for _ in range(2)]
        time.sleep(random.Random(0).uniform(0, 0.3))
        process.kill()
        saved += process.stdout.readlines()
    assert process.returncode == -signal.SIGKILL
    # The kill may have come in the middle of the last line.
    last = int([line for line in saved if line.endswith("\n")][-1])
    assert callbacks.load_checkpoint(tmp_path).step in (last, last + 1)


# Animation


def test_animation_thins_out(tmp_path, monkeypatch):
    monkeypatch.setattr(callbacks, "MOST_FRAMES", 4)
    gan = build_gan()
    train(gan, 11, callbacks.Animation(tmp_path / "a.gif", count=4))
    assert len(list((tmp_path / ".a.gif.frames").iterdir())) == 2  # at step 0 and at the end
    train(gan, 14, callbacks.Animation(tmp_path / "b.gif", every=1, count=4))
    frames = sorted(path.name for path in (tmp_path / ".b.gif.frames").iterdir())
    assert frames == ["step_0000012.png", "step_0000014.png"]
    gan = build_gan()
    train(gan, 14, callbacks.Animation(tmp_path / "c.gif", every=1, count=4))
    frames = sorted(path.name for path in (tmp_path / ".c.gif.frames").iterdir())
    assert frames == [f"step_{step:07d}.png" for step in (0, 4, 8, 12, 14)]
    with Image.open(tmp_path / "c.gif") as gif:
        # Two rows of two 8-pixel images with 2-pixel lines, enlarged by a whole number.
        assert (gif.n_frames, gif.size) == (5, (22 * 11, 22 * 11))


def test_animation_shows_transparency_as_white_and_large_pictures_small():
    images = np.zeros((1, 600, 300, 4), "uint8")
    images[:, :300] = (255, 0, 0, 255)
    frame = pictures.fit_frame(pictures.opaque(images)[0])
    assert frame.shape == (256, 128, 3)
    assert (frame[50] == (255, 0, 0)).all()
    assert (frame[200] == 255).all()


# Log and LossPlot


def test_log_holds_means_of_its_steps(tmp_path):
    seen = []

    class Record(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            seen.append((self.model.epoch, dict(logs)))

    gan = build_gan()
    train(gan, 8, callbacks.Log(tmp_path / "log.csv", every=3), Record())
    rows = callbacks.read_log(tmp_path / "log.csv")
    assert [row["step"] for row in rows] == ["3", "6", "7", "8"]
    assert list(rows[0])[:2] == ["step", "epoch"]
    for row, steps in zip(rows, [seen[0:3], seen[3:6], seen[6:7], seen[7:8]], strict=True):
        assert int(row["epoch"]) == steps[-1][0]
        for name in ("d_loss", "g_loss", "d_real", "d_fake", "loss"):
            assert float(row[name]) == pytest.approx(
                np.mean([logs[name] for _, logs in steps]), rel=1e-5
            )


def test_log_gives_terms_that_come_and_go_a_column(tmp_path):
    path = tmp_path / "log.csv"
    gan = build_gan()
    train(gan, 3, callbacks.Log(path, every=2))
    gan.compile(penalty="r1")
    train(gan, 6, callbacks.Log(path, every=2))
    gan.compile(penalty=False)
    train(gan, 9, callbacks.Log(path, every=2))
    rows = callbacks.read_log(path)
    assert [row["step"] for row in rows] == ["2", "4", "6", "8", "9"]
    assert [bool(row["penalty"]) for row in rows] == [False, True, True, False, False]
    assert all(row["d_loss"] for row in rows)


def test_training_that_is_stopped_before_its_first_step_leaves_no_rows(tmp_path):
    class Stop(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            self.model.stop_training = True

    gan = build_gan()
    log = callbacks.Log(tmp_path / "log.csv", every=2)
    train(gan, 5, Stop(), log, callbacks.TensorBoardLog(tmp_path / "tensorboard", every=2))
    assert gan.step == 0 and callbacks.read_log(log.path) == []


def test_log_begins_anew_with_a_new_gan_and_forgets_torn_rows(tmp_path):
    path = tmp_path / "log.csv"
    train(build_gan(), 5, callbacks.Log(path, every=2))
    before = path.read_bytes()
    path.write_bytes(before + b"6,1,0.1")
    assert len(callbacks.read_log(path)) == 3
    train(build_gan(), 5, callbacks.Log(path, every=2))
    assert path.read_bytes() == before


def test_loss_plot_says_how_to_get_matplotlib(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r"pip install kerasgan\[plots\]"):
        callbacks.LossPlot(tmp_path / "losses.png")


def test_loss_plot_draws(tmp_path):
    pytest.importorskip("matplotlib")
    train(build_gan(), 4, callbacks.LossPlot(tmp_path / "losses.png", every=2))
    assert len(callbacks.read_log(tmp_path / "losses.csv")) == 4
    picture = read_png(tmp_path / "losses.png")
    assert picture.shape[:2] == (600, 800)
    assert len(np.unique(picture.reshape(-1, picture.shape[-1]), axis=0)) > 50


# TensorBoardLog


def test_tensorboard_log_writes_scalars_and_pictures(tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.compat.proto.event_pb2 import Event, SessionLog

    gan = build_gan()
    train(gan, 3, callbacks.TensorBoardLog(tmp_path, every=2, images_every=2, count=4))
    expected = pictures.grid(gan.sample(4, seed=0))
    train(gan, 4, callbacks.TensorBoardLog(tmp_path, every=2, images_every=4, count=4))
    first, second = [
        [Event.FromString(record) for record in records_in(path)]
        for path in sorted(tmp_path.iterdir())
    ]
    assert first[0].file_version == "brain.Event:2"
    points = [(e.step, v.tag) for e in first for v in e.summary.value if v.tag != "samples"]
    names = ["d_fake", "d_loss", "d_real", "g_loss", "loss"]
    assert points == [(step, name) for step in (2, 3) for name in names]
    # What an earlier course of training has left after this step is to be forgotten.
    assert (second[1].session_log.status, second[1].step) == (SessionLog.START, 4)
    [image] = [v.image for e in second for v in e.summary.value if v.tag == "samples"]
    with Image.open(io.BytesIO(image.encoded_image_string)) as picture:
        assert (picture.width, picture.height) == (image.width, image.height)
        assert np.array(picture).shape == expected.shape


def records_in(path):
    data = path.read_bytes()
    while data:
        (length,) = struct.unpack_from("<Q", data)
        yield data[12 : 12 + length]
        data = data[16 + length :]


# Diagnose


def test_diagnose_warns_once_of_a_collapse():
    gan = build_gan()
    weights, bias = gan.generator.weights
    weights.assign(np.zeros(weights.shape))
    bias.assign(keras.random.normal(bias.shape, seed=0))
    gan.g_optimizer.learning_rate = 0.0
    with recorded_warnings() as texts:
        train(gan, 6, callbacks.Diagnose(every=2))
    assert len(texts) == 1
    assert texts[0].startswith("At step 2 64 samples are nearly one image.")


def test_diagnose_warns_once_of_a_discriminator_that_always_wins():
    gan = build_gan()
    # Real images are bright: score 64 for white, -64 for black.
    weights, bias = gan.generator.weights
    bias.assign(keras.ops.full(bias.shape, -2.0))
    d_weights, _ = gan.discriminator.weights
    d_weights.assign(keras.ops.full(d_weights.shape, 1 / 3))
    for optimizer in gan.optimizer.optimizers:
        optimizer.learning_rate = 0.0
    white = np.full((12, 8, 8, 3), 255, "uint8")
    with recorded_warnings() as texts:
        gan.fit(white, batch_size=4, steps=6, callbacks=[callbacks.Diagnose(every=2)], verbose=0)
    assert len(texts) == 1
    assert texts[0].startswith("At step 2 the discriminator's loss was ")
    gan.compile(label_smoothing=0.1)
    with recorded_warnings() as texts:
        gan.fit(white, batch_size=4, steps=12, callbacks=[callbacks.Diagnose(every=2)], verbose=0)
    assert texts == []


def test_diagnose_does_not_judge_part_of_its_steps_nor_a_dead_critic():
    gan = build_gan()
    gan.compile(loss="wasserstein")
    gan.discriminator.set_weights([0 * weight for weight in gan.discriminator.get_weights()])
    for optimizer in gan.optimizer.optimizers:
        optimizer.learning_rate = 0.0
    won = {"d_loss": 0.001, "d_real": 9.0, "d_fake": -9.0}
    lucky = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: logs.update(won))
    with recorded_warnings() as texts:
        train(gan, 1)
        train(gan, 2, lucky, callbacks.Diagnose(every=2))
        train(gan, 6, callbacks.Diagnose(every=2))
    assert texts == []


@pytest.mark.parametrize("loss", ["non_saturating", "wasserstein"])
def test_diagnose_is_silent_while_all_is_well(loss):
    gan = build_gan()
    gan.compile(loss=loss)
    with recorded_warnings() as texts:
        train(gan, 6, callbacks.Diagnose(every=1))
    assert texts == []


# Evaluate


def test_evaluate_writes_scores_and_keeps_the_best_generator(tmp_path):
    values = iter([9.0, 5.0, 7.0, 6.0])

    def evaluator(gan):
        return {"frechet_distance": next(values), "recall": gan.step / 10}

    gan = build_gan()
    evaluate = callbacks.Evaluate(evaluator, tmp_path, every=2)
    seen = []
    watch = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: seen.append(logs["frechet_distance"])
    )
    csv_log = keras.callbacks.CSVLogger(tmp_path / "epochs.csv")
    generators = {}

    class Keep(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            generators[self.model.step] = weights(self.model.generator)

    gan.fit(
        IMAGES[:10],
        batch_size=2,
        callbacks=[Keep(), evaluate, watch, csv_log],
        verbose=0,
    )
    assert seen == [9.0, 5.0, 5.0, 7.0, 7.0]
    rows = callbacks.read_log(tmp_path / "evaluation.csv")
    assert [(row["step"], row["frechet_distance"], row["recall"]) for row in rows] == [
        ("0", "9.0", "0.0"),
        ("2", "5.0", "0.2"),
        ("4", "7.0", "0.4"),
        ("5", "6.0", "0.5"),
    ]
    assert "frechet_distance" in (tmp_path / "epochs.csv").read_text().splitlines()[0]
    best = keras.models.load_model(tmp_path / "best_generator.keras")
    np.testing.assert_array_equal(weights(best), generators[2])


def test_evaluate_goes_on_after_a_resume(tmp_path):
    gan = build_gan()
    values = iter([9.0, 5.0, 4.0, 6.0])
    arguments = {"batch_size": 2, "verbose": 0, "steps_per_epoch": 2}
    for epochs in (1, 2):
        evaluate = callbacks.Evaluate(
            lambda gan: {"frechet_distance": next(values)}, tmp_path, every=2
        )
        gan.fit(
            IMAGES[:8],
            callbacks=[evaluate],
            epochs=epochs,
            initial_epoch=epochs - 1,
            **arguments,
        )
    rows = callbacks.read_log(tmp_path / "evaluation.csv")
    assert [(row["step"], row["frechet_distance"]) for row in rows] == [
        ("0", "9.0"),
        ("2", "5.0"),
        ("4", "4.0"),
    ]


def test_evaluate_compares_what_was_measured_alike(tmp_path):
    class Evaluator:
        def __init__(self, count, values):
            self.protocol = {"encoder": "mean", "count": count}
            self.values = iter(values)

        def __call__(self, gan):
            return {"frechet_distance": next(self.values)}

    gan = build_gan()
    train(gan, 2, callbacks.Evaluate(Evaluator(10, [9.0, 1.0]), tmp_path, every=2))
    with recorded_warnings() as texts:
        train(gan, 4, callbacks.Evaluate(Evaluator(20, [7.0, 6.0]), tmp_path, every=2))
    assert len(texts) == 1 and "another encoder, other data or another count" in texts[0]
    rows = callbacks.read_log(tmp_path / "evaluation.csv")
    assert [tuple(row.values()) for row in rows] == [
        ("0", "9.0", "mean", "10"),
        ("2", "1.0", "mean", "10"),
        ("2", "7.0", "mean", "20"),
        ("4", "6.0", "mean", "20"),
    ]
    best = keras.models.load_model(tmp_path / "best_generator.keras")
    np.testing.assert_array_equal(weights(best), weights(gan.generator))


def test_a_best_generator_that_could_not_be_saved_is_no_row(tmp_path, monkeypatch):
    values = iter([9.0, 5.0, 7.0])
    evaluate = callbacks.Evaluate(lambda gan: {"frechet_distance": next(values)}, tmp_path, every=1)
    gan, save = build_gan(), keras.Model.save

    def full(model, path):
        if gan.step == 1:
            raise OSError(28, "No space left on device")
        save(model, path)

    monkeypatch.setattr(keras.Model, "save", full)
    with recorded_warnings() as texts:
        train(gan, 2, evaluate)
    assert len(texts) == 1 and "No space left" in texts[0]
    rows = callbacks.read_log(tmp_path / "evaluation.csv")
    assert [row["frechet_distance"] for row in rows] == ["9.0", "7.0"]
    best = keras.models.load_model(tmp_path / "best_generator.keras")
    np.testing.assert_array_equal(weights(best), weights(gan.generator))


# OnOptimizer


def test_on_optimizer_changes_one_learning_rate():
    gan = build_gan()
    halve = keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2)
    plateau = keras.callbacks.ReduceLROnPlateau(
        monitor="d_loss", mode="min", patience=1, min_delta=100.0, factor=0.1
    )
    gan.fit(
        IMAGES,
        batch_size=6,
        epochs=2,
        callbacks=[
            callbacks.OnOptimizer(gan.g_optimizer, halve),
            callbacks.OnOptimizer(gan.d_optimizer, plateau),
        ],
    )
    assert float(gan.g_optimizer.learning_rate) == pytest.approx(2e-4 / 4)
    assert float(gan.d_optimizer.learning_rate) == pytest.approx(2e-5)


def test_on_optimizer_hands_everything_else_through():
    seen = []

    class Everything(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            seen.append(("begin", self.params["epochs"]))

        def on_batch_end(self, batch, logs=None):
            seen.append((self.model.step, "d_loss" in logs))
            self.model.stop_training = True

        def on_train_end(self, logs=None):
            seen.append("end")

    gan = build_gan()
    train(gan, 5, callbacks.OnOptimizer(gan.g_optimizer, Everything()))
    assert seen == [("begin", 99), (1, True), "end"]
    assert gan.step == 1
