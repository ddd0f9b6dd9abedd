"""The CSV log, and the plot that is drawn from it."""

import sys

import keras
import numpy as np
import pytest
from tiny_gan import IMAGES, build_gan, read_png, train

from kerasgan import callbacks

pytestmark = pytest.mark.any_backend


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


def test_log_counts_pretraining_below_zero(tmp_path):
    seen = []

    class Record(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            seen.append(logs["d_loss"])

    path = tmp_path / "log.csv"
    arguments = {"batch_size": 4, "pretrain_steps": 5, "verbose": 0}
    build_gan().fit(IMAGES, callbacks=[callbacks.Log(path, every=2), Record()], **arguments)
    rows = callbacks.read_log(path)
    assert [row["step"] for row in rows] == ["-4", "-2", "0", "2", "3"]
    for row, steps in zip(rows, [seen[:1], seen[1:3], seen[3:5], seen[5:7], seen[7:]], strict=True):
        assert float(row["d_loss"]) == pytest.approx(np.mean(steps), rel=1e-5)
    assert [bool(row["g_loss"]) for row in rows] == [False, False, False, True, True]
    # Another GAN has had no such steps.
    train(build_gan(), 2, callbacks.Log(path, every=2))
    assert [row["step"] for row in callbacks.read_log(path)] == ["2"]


def test_pretraining_goes_on_in_the_middle_of_a_row(tmp_path):
    class StopAt(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.model.stop_training = batch == -3

    def fit(gan, path, *others):
        log = callbacks.Log(path, every=4)
        gan.fit(
            IMAGES, batch_size=4, pretrain_steps=7, callbacks=[log, *others], verbose=0, epochs=1
        )

    whole, parts = tmp_path / "whole.csv", tmp_path / "parts.csv"
    fit(build_gan(), whole)
    gan = build_gan()
    fit(gan, parts, StopAt())
    assert [row["step"] for row in callbacks.read_log(parts)] == ["-4", "-3", "-2"]
    fit(gan, parts)
    assert parts.read_bytes() == whole.read_bytes()


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
