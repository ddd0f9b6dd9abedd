"""What several callbacks have in common."""

import keras
import numpy as np
import pytest
from models import at_step, once, recorded_warnings, spoil
from tiny_gan import build_gan, files_in, train

from kerasgan import callbacks
from kerasgan.callbacks import _periodic

pytestmark = pytest.mark.any_backend


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


@pytest.mark.filterwarnings("ignore:Training goes back", "ignore:The weights contain NaN")
@pytest.mark.parametrize("steps_per_execution", [1, 2])
def test_after_going_back_callbacks_act_again_at_their_steps(tmp_path, steps_per_execution):
    gan = build_gan()
    gan.compile(steps_per_execution=steps_per_execution)
    checkpoint = callbacks.Checkpoint(tmp_path, every=2, rollbacks=1)
    log = callbacks.Log(tmp_path / "log.csv", every=3)
    plot = callbacks.LossPlot(tmp_path / "own.png", every=100)
    samples = callbacks.SampleGrid(tmp_path / "samples", every=1, count=4)
    writers = [log, plot, samples, checkpoint]
    images = np.zeros((100, *gan.image_shape), "uint8")
    # The step that spoils the model is the last one, and then is made again.
    last = 4 + steps_per_execution
    gan.fit(
        images, batch_size=4, steps=last, callbacks=[*writers, at_step(4, once(spoil))], verbose=0
    )
    assert gan.step == last and callbacks.load_checkpoint(tmp_path).step == last
    assert (tmp_path / f"samples/step_{last:07d}.png").exists()
    # The step that was taken back is not in the mean of any row.
    for path in (log.path, plot.log_path):
        *_, row = callbacks.read_log(path)
        assert int(row["step"]) == last and "nan" not in row.values()


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


class LateLogs(dict):
    """A step's logs whose values become floats when they are read, and only then."""

    def __init__(self, values):
        # A copy that does not read the values is of no use.
        super().__init__(dict.fromkeys(values))
        self.values_on_device = values
        self.num_reads = 0

    def __getitem__(self, name):
        value = super().__getitem__(name)
        if value is not None:
            return value
        self.num_reads += 1
        return float(self.values_on_device[name])

    def get(self, name, default=None):
        return self[name] if name in self else default

    def items(self):
        return [(name, self[name]) for name in self]

    def values(self):
        return [self[name] for name in self]


def late_logs(step):
    names = ("d_fake", "d_loss", "d_real", "g_loss", "loss")
    return LateLogs({name: np.float32(step) for name in names})


def test_logs_are_read_only_when_a_row_is_due(tmp_path):
    pytest.importorskip("matplotlib")
    pytest.importorskip("tensorboard")
    gan = build_gan()
    every_kind = [
        callbacks.Evaluate(lambda gan: {"frechet_distance": 7.0}, tmp_path, every=3),
        callbacks.Log(tmp_path / "log.csv", every=3),
        callbacks.LossPlot(tmp_path / "losses.png", every=150),
        callbacks.TensorBoardLog(tmp_path / "tensorboard", every=3, images_every=3),
        callbacks.Diagnose(every=3),
        callbacks.SampleGrid(tmp_path / "samples", every=3, count=4, scores=True),
        callbacks.Animation(tmp_path / "training.gif", every=3, count=4),
        callbacks.Checkpoint(tmp_path, every=3),
        callbacks.OnOptimizer(gan.g_optimizer, keras.callbacks.Callback()),
    ]
    for callback in every_kind:
        callback.set_model(gan)
        callback.on_train_begin()
    seen = []
    for gan.progress.step in range(1, 6):
        seen.append(late_logs(gan.step))
        before = sum(logs.num_reads for logs in seen)
        for callback in every_kind:
            callback.on_train_batch_end(gan.step - 1, seen[-1])
        assert (sum(logs.num_reads for logs in seen) > before) == (gan.step == 3)
    for callback in every_kind:
        callback.on_train_end()
    rows = callbacks.read_log(tmp_path / "log.csv")
    assert [(row["step"], float(row["d_loss"])) for row in rows] == [("3", 2), ("4", 4), ("5", 5)]
    assert [float(row["frechet_distance"]) for row in rows] == [7, 7, 7]


def test_a_log_has_no_terms_of_callbacks_after_it(tmp_path):
    evaluate = callbacks.Evaluate(lambda gan: {"frechet_distance": 7.0}, tmp_path, every=3)
    train(build_gan(), 5, callbacks.Log(tmp_path / "log.csv", every=3), evaluate)
    rows = callbacks.read_log(tmp_path / "log.csv")
    assert len(rows) == 3 and not any("frechet_distance" in row for row in rows)


def test_several_steps_in_one_call_miss_no_turn(tmp_path):
    gan = build_gan()
    gan.compile(steps_per_execution=2)
    train(
        gan,
        9,
        callbacks.Log(tmp_path / "log.csv", every=4),
        callbacks.SampleGrid(tmp_path / "samples", every=4, count=1),
        callbacks.Checkpoint(tmp_path, every=4),
    )
    # Three batches in a pass: the calls end at steps 2, 3, 5, 6, 8 and 9.
    last = [row["step"] for row in callbacks.read_log(tmp_path / "log.csv")]
    assert last == ["5", "8", "9"]
    steps = sorted(int(path.stem[-7:]) for path in (tmp_path / "samples").iterdir())
    assert steps == [0, 5, 8, 9]
    assert callbacks.load_checkpoint(tmp_path).step == 9


def test_what_takes_long_skips_turns(monkeypatch):
    now, made = [0.0], []
    monkeypatch.setattr(_periodic.time, "monotonic", lambda: now[0])

    def make():
        made.append(now[0])
        now[0] += 0.3

    sparingly = _periodic.Sparingly(0.005)
    for _ in range(2000):
        sparingly(make)
        now[0] += 0.1
    # The first turn is always taken.
    assert made[0] == 0.0 and len(made) > 2 and 0.3 * len(made) <= 0.3 + 0.005 * now[0]


def test_a_plot_that_takes_long_is_made_at_the_end(tmp_path, monkeypatch):
    pytest.importorskip("matplotlib")
    plot = callbacks.LossPlot(tmp_path / "losses.png", every=1)
    monkeypatch.setattr(plot, "act", lambda draw=plot.act: (made.append(plot.step), draw()))
    made = []
    train(build_gan(), 3, plot)
    assert made == [1, 3]
    train(build_gan(), 3, plot)  # another GAN, at the same step
    assert made == [1, 3, 3]
