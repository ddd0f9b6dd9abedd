"""Checkpoints: whole at every moment, and found to be damaged when they are."""

import functools
import io
import os
import random
import signal
import subprocess
import sys
import textwrap
import time
import zipfile

import keras
import models
import numpy as np
import pytest
from models import at_step, once, recorded_warnings, spoil
from tiny_gan import IMAGES, build_gan, train, weights

import kerasgan
from kerasgan import callbacks


class Scaled(keras.layers.Layer):
    """Not registered, and without a get_config."""

    def __init__(self, factor):
        super().__init__()
        self.factor = factor

    def call(self, x):
        return self.factor * x


def gan_with(layer):
    gan = build_gan()
    generator = keras.Sequential([gan.generator, layer])
    return kerasgan.GAN(generator, gan.discriminator)


def scaled(images, factor):
    return factor * images


@pytest.mark.any_backend
@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: gan_with(keras.layers.Lambda(lambda x: 0.5 * x)), "a `Lambda` layer"),
        (lambda: gan_with(Scaled(0.5)), "Could not locate class 'Scaled'"),
        (lambda: gan_with(keras.layers.Activation(lambda x: 0.5 * x)), "function"),
        (build_gan, "Cannot serialize object functools.partial"),
    ],
)
def test_checkpoint_refuses_what_cannot_be_loaded_before_training(tmp_path, build, message):
    gan = build()
    gan.compile(augment=functools.partial(scaled, factor=0.5) if build is build_gan else None)
    with pytest.raises(ValueError, match=f"must be a model that Keras can reload.*{message}"):
        train(gan, 1, callbacks.Checkpoint(tmp_path))
    assert gan.step == 0 and not list(tmp_path.iterdir())


@pytest.mark.any_backend
def test_custom_objects_are_handed_on(tmp_path):
    class Halved(keras.layers.Layer):
        def call(self, x):
            return 0.5 * x

    gan, known = gan_with(Halved()), {"Halved": Halved}
    with keras.saving.custom_object_scope(known):
        train(gan, 1, callbacks.Checkpoint(tmp_path))
    np.testing.assert_array_equal(weights(callbacks.load_checkpoint(tmp_path, known)), weights(gan))


def test_checkpoint_keeps_the_one_before_and_the_generator(tmp_path):
    gan = build_gan()
    gan.compile(ema=0.9)
    checkpoint = callbacks.Checkpoint(tmp_path, every=2)
    train(gan, 5, checkpoint)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "generator.keras",
        "model.keras",
        "model.previous.keras",
    ]
    newest = callbacks.load_checkpoint(tmp_path)
    assert newest.step == 5
    assert checkpoint.saved == {"model.keras": 5, "generator.keras": 5}
    np.testing.assert_array_equal(weights(newest), weights(gan))
    assert keras.models.load_model(tmp_path / "model.previous.keras").step == 4
    generator = keras.models.load_model(tmp_path / "generator.keras")
    latents = np.ones((2, 4), "float32")
    np.testing.assert_array_equal(
        generator.predict_on_batch(latents), gan.sampling_generator.predict_on_batch(latents)
    )


@pytest.mark.parametrize("in_the_first_pass", [True, False])
def test_training_goes_back_with_half_the_learning_rates(tmp_path, in_the_first_pass):
    """As if it had been resumed from there with these rates. A pass has three steps."""
    bad, last = (2, 1) if in_the_first_pass else (7, 6)
    gan = build_gan()
    gan.compile(g_optimizer=keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(1e-3, 99)))
    checkpoint = callbacks.Checkpoint(tmp_path / "run", every=1 if bad == 2 else 3, rollbacks=2)
    steps = []
    note = keras.callbacks.LambdaCallback(on_train_batch_end=lambda *_: steps.append(gan.step))
    with recorded_warnings() as texts:
        train(gan, 11, at_step(bad, once(spoil)), checkpoint, note)
    # The fault is found by the next checkpoint or the end of the pass.
    turn = next(index for index, step in enumerate(steps) if step != index + 1)
    assert bad <= turn <= bad + 3
    assert steps == [*range(1, turn + 1), *range(last + 1, 12)]
    assert gan.step == 11 and gan.nan_step is None
    assert f"goes back to the checkpoint of step {last}, with half" in texts[-1]
    assert "became NaN or infinite" in texts[-1] and checkpoint.rollbacks == 1

    other = build_gan()
    other.compile(
        g_optimizer=keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(1e-3, 99))
    )
    train(other, last)
    other.d_optimizer.learning_rate = 1e-4
    other.g_optimizer.learning_rate = keras.optimizers.schedules.CosineDecay(5e-4, 99)
    train(other, 11)
    np.testing.assert_array_equal(weights(gan), weights(other))
    assert float(gan.d_optimizer.learning_rate) == pytest.approx(1e-4)
    loaded = callbacks.load_checkpoint(tmp_path / "run")
    assert float(loaded.g_optimizer.learning_rate) == float(gan.g_optimizer.learning_rate)


@pytest.mark.any_backend
def test_rates_that_cannot_be_halved_are_refused_before_any_work(tmp_path):
    gan = build_gan()
    gan.compile(d_optimizer=keras.optimizers.Adam(lambda: 1e-3))
    with pytest.raises(ValueError, match="be 0 if an optimizer's learning rate is a function"):
        train(gan, 2, callbacks.Checkpoint(tmp_path / "run", rollbacks=1))
    assert gan.step == 0 and not (tmp_path / "run" / "model.keras").exists()


@pytest.mark.any_backend
def test_training_goes_back_as_often_as_allowed(tmp_path):
    gan = build_gan()
    checkpoint = callbacks.Checkpoint(tmp_path, every=100, rollbacks=2)
    with recorded_warnings() as texts:
        train(gan, 20, at_step(3, spoil), checkpoint)
    assert [text[:12] for text in texts[:3]] == ["Training goe", "Training goe", "Training has"]
    assert gan.nan_step == 4 and checkpoint.rollbacks == 0
    assert float(gan.d_optimizer.learning_rate) == pytest.approx(2e-4 / 4)
    assert callbacks.load_checkpoint(tmp_path).step == 0


@pytest.mark.any_backend
@pytest.mark.parametrize(
    ("harm", "problem"),
    [
        (lambda path: path.unlink(), "it does not exist"),
        (lambda path: path.write_bytes(path.read_bytes()[:-1000]), "it is truncated or damaged"),
    ],
)
def test_without_a_file_to_go_back_to_training_stops_and_says_why(tmp_path, harm, problem):
    def harm_and_spoil(gan):
        harm(tmp_path / "model.keras")
        spoil(gan)

    gan, ends = build_gan(), []
    checkpoint = callbacks.Checkpoint(tmp_path, every=100, rollbacks=2)
    note = keras.callbacks.LambdaCallback(on_train_end=ends.append)
    with recorded_warnings() as texts:
        train(gan, 9, at_step(3, harm_and_spoil), checkpoint, note)
    assert texts[0].startswith(f"Training cannot go back to {str(tmp_path / 'model.keras')!r}: ")
    assert problem in texts[0] and texts[1].startswith("Training has stopped: ")
    assert len(ends) == 1 and gan.nan_step == 4 and checkpoint.rollbacks == 2


@pytest.mark.filterwarnings("ignore:Training goes back")
def test_going_back_to_the_start_keeps_what_pretraining_has_made(tmp_path):
    gan = build_gan()
    checkpoint = callbacks.Checkpoint(tmp_path, every=100, rollbacks=1)
    spoiling = at_step(2, once(spoil))
    gan.fit(
        IMAGES, batch_size=4, steps=5, pretrain_steps=7, callbacks=[spoiling, checkpoint], verbose=0
    )
    assert gan.step == 5 and gan.progress.pretrained == 7
    assert int(gan.d_optimizer.iterations) == 7 + 5


def test_training_stops_if_only_an_optimizer_is_not_finite(tmp_path):
    """As on PyTorch, where Adam goes on after the square of a gradient has become infinite."""

    def spoil_optimizer(gan):
        slot = gan.d_optimizer.variables[-1]
        slot.assign(np.full(slot.shape, np.inf, "float32"))

    gan = build_gan()
    with recorded_warnings() as texts:
        train(gan, 9, at_step(3, spoil_optimizer), callbacks.Checkpoint(tmp_path, every=3))
    assert gan.step == gan.nan_step == 3
    assert "stopped: the weights, their average or an optimizer's state became NaN" in texts[-1]


def test_checkpoint_never_saves_nan(tmp_path):
    gan = build_gan()
    with recorded_warnings() as texts:
        train(
            gan,
            6,
            at_step(4, spoil),
            callbacks.Checkpoint(tmp_path, every=1),
            callbacks.SampleGrid(tmp_path / "samples", every=3),
        )
    assert len(texts) == 2
    assert "NaN or infinity at step 4" in texts[0] and "Training has stopped: " in texts[1]
    assert callbacks.load_checkpoint(tmp_path).step == 3
    # A picture of it would show nothing.
    found = sorted(path.name for path in (tmp_path / "samples").iterdir())
    assert found == ["step_0000000.png", "step_0000003.png"]


@pytest.fixture(scope="module")
def two_checkpoints(tmp_path_factory):
    folder = tmp_path_factory.mktemp("checkpoints")
    train(build_gan(), 2, callbacks.Checkpoint(folder, every=1))
    return {name: (folder / name).read_bytes() for name in ("model.keras", "model.previous.keras")}


@pytest.mark.any_backend
@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_a_truncated_checkpoint_falls_back_to_the_one_before(tmp_path, two_checkpoints, share):
    for name, content in two_checkpoints.items():
        (tmp_path / name).write_bytes(content)
    content = two_checkpoints["model.keras"]
    (tmp_path / "model.keras").write_bytes(content[: int(share * len(content) - share)])
    with pytest.warns(UserWarning, match=r"model\.keras is truncated or damaged .* from step 1"):
        assert callbacks.load_checkpoint(tmp_path).step == 1


def rewritten(content, change):
    """A `.keras` file with another config.json, whole by its checksums."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members["config.json"] = change(members["config.json"])
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, member in members.items():
            archive.writestr(name, member)
    return file.getvalue()


@pytest.mark.any_backend
@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda text: text[:-1], "is truncated or damaged"),
        (lambda text: text.replace(b'"latent', b'"lament'), "cannot be loaded"),
    ],
)
def test_a_whole_file_that_does_not_load_falls_back_too(tmp_path, two_checkpoints, change, problem):
    broken = rewritten(two_checkpoints["model.keras"], change)
    (tmp_path / "model.keras").write_bytes(broken)
    (tmp_path / "model.previous.keras").write_bytes(two_checkpoints["model.previous.keras"])
    with pytest.warns(UserWarning, match=rf"model\.keras {problem} .* from step 1"):
        assert callbacks.load_checkpoint(tmp_path).step == 1
    (tmp_path / "model.previous.keras").unlink()
    with pytest.raises((LookupError, ValueError)):
        callbacks.load_checkpoint(tmp_path)


@pytest.mark.any_backend
def test_short_memory_is_no_reason_for_an_older_model(tmp_path, two_checkpoints, monkeypatch):
    def load(*args, **kwargs):
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory")

    for name, content in two_checkpoints.items():
        (tmp_path / name).write_bytes(content)
    monkeypatch.setattr(keras.models, "load_model", load)
    with pytest.raises(RuntimeError, match="can't allocate"):
        callbacks.load_checkpoint(tmp_path)


@pytest.mark.any_backend
def test_what_killed_processes_left_is_removed_and_what_others_write_is_not(tmp_path):
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        pass
    (tmp_path / f".model.{process.pid}.tmp.keras").write_bytes(b"left")
    (tmp_path / f".model.{os.getppid()}.tmp.keras").write_bytes(b"being written")
    train(build_gan(), 1, callbacks.Checkpoint(tmp_path))
    assert [path.name for path in tmp_path.glob(".*")] == [f".model.{os.getppid()}.tmp.keras"]


@pytest.mark.any_backend
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


@pytest.mark.any_backend
def test_no_checkpoint_and_no_whole_checkpoint_are_clear_errors(tmp_path):
    with pytest.raises(FileNotFoundError, match="a checkpoint, or be one. .*does not exist"):
        callbacks.load_checkpoint(tmp_path)
    (tmp_path / "model.keras").write_bytes(b"PK")
    with pytest.raises(ValueError, match=r"model\.keras is truncated .*previous\.keras does not"):
        callbacks.load_checkpoint(tmp_path)


@pytest.mark.any_backend
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
        gan.progress.step += 1
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


@pytest.mark.any_backend
def test_without_hard_links_the_one_before_is_kept_too(tmp_path, monkeypatch):
    def no_links(*arguments):
        raise PermissionError

    monkeypatch.setattr(os, "link", no_links)
    train(build_gan(), 2, callbacks.Checkpoint(tmp_path, every=1))
    assert keras.models.load_model(tmp_path / "model.previous.keras").step == 1
    (tmp_path / "model.keras").unlink()
    with pytest.warns(
        UserWarning, match=r"does not exist. Loaded the previous model instead: model\.prev"
    ):
        assert callbacks.load_checkpoint(tmp_path).step == 1


@pytest.mark.any_backend
@pytest.mark.skipif(os.name == "nt", reason="SIGKILL")
def test_kill_9_while_saving_leaves_a_checkpoint(tmp_path):
    script = f"""
        import sys
        sys.path[:0] = {[os.path.dirname(path) for path in (__file__, models.__file__)]!r}
        from kerasgan import callbacks
        from tiny_gan import build_gan
        checkpoint = callbacks.Checkpoint({str(tmp_path)!r})
        checkpoint.set_model(build_gan())
        checkpoint.on_train_begin()
        while True:
            checkpoint.model.progress.step += 1
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
