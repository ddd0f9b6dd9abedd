"""Several processes on JAX: each reads its share of the data, and they train as one device."""

import json
import os
import socket
import subprocess
import sys

import keras
import numpy as np
import pytest
from models import recorded_warnings
from test_devices import BACKEND, IMAGES, ROUNDING, build, difference, environment, on_jax, refusal

import kerasgan
from kerasgan import backend, cli
from kerasgan.datasets import ImageFolder
from kerasgan.loop import CALLS_TO_AGREE
from kerasgan.pictures import save_png

NUM_PROCESSES, NUM_DEVICES = 2, 2  # in each process


def train(images, photos, index=0, count=1):
    """Trains in every way, as one of `count` processes; returns a GAN and its losses."""
    gan = build(learning_rate=0.01)
    mine = np.split(images[:8], count)[index]
    losses = [gan.train_on_batch(mine), gan.train_discriminator_on_batch(mine)]
    gan.compile(steps_per_execution=2)
    gan.fit(images, batch_size=4, epochs=2, pretrain_steps=1, verbose=0)
    data = ImageFolder(photos, (8, 8, 3), batch_size=4, seed=0)
    losses.append(gan.fit(data, epochs=3, verbose=0).history)
    batches = [np.split(images[first : first + 8], count)[index] for first in (0, 8)]
    losses.append(gan.fit(batches, epochs=4, verbose=0).history)
    return gan, losses


def went_back(gan, folder, lost):
    """What is said when a weight becomes infinite.

    Args:
        folder: Of the checkpoint.
        lost: Whether the checkpoint is lost in this process.
    """
    checkpoint = kerasgan.callbacks.Checkpoint(folder, every=1000, rollbacks=1)

    def spoil(batch, logs):
        if batch == 1 and checkpoint.rollbacks:
            # (JAX compares what it assigns with the other processes, and NaN is never equal.)
            gan.discriminator.trainable_variables[-1].assign([float("inf")])
            if lost:
                os.remove(os.path.join(folder, "model.keras"))

    with recorded_warnings() as texts:
        note = keras.callbacks.LambdaCallback(on_train_batch_begin=spoil)
        gan.fit(IMAGES, batch_size=4, steps=gan.step + 4, callbacks=[checkpoint, note], verbose=0)
    return texts


def report(folder, index, port):
    """What one of the processes sees, as plain values."""
    photos = os.path.join(folder, "photos")

    def batches():  # endless, so that there are no epochs to ask in between
        while True:
            yield np.split(IMAGES[:8], NUM_PROCESSES)[index]

    os.environ["KERAS_DISTRIBUTION_JOB_ADDRESSES"] = f"localhost:{port}"
    os.environ["KERAS_DISTRIBUTION_NUM_PROCESSES"] = str(NUM_PROCESSES)
    os.environ["KERAS_DISTRIBUTION_PROCESS_ID"] = str(index)
    backend.join_processes()
    found = {"without": refusal(build)}
    keras.distribution.set_distribution(keras.distribution.DataParallel())
    gan, losses = train(IMAGES, photos, index, NUM_PROCESSES)
    found["losses"] = losses
    path = os.path.join(folder, "gan.keras")
    if index == 0:  # alone: nobody waits for it
        found["samples"] = gan.sample(5, seed=0).tolist()
        found["scores"] = gan.score(IMAGES[:5]).tolist()
        gan.save(path)
        gan.save_weights(os.path.join(folder, "gan.weights.h5"))
    found["uneven"] = [
        refusal(lambda: gan.train_on_batch(IMAGES[:3])),
        refusal(lambda: gan.fit(IMAGES, batch_size=5, verbose=0)),
        refusal(lambda: gan.fit(IMAGES[index:], batch_size=4, verbose=0)),
    ]

    class Stop(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.model.stop_training |= index == 1 and self.model.step > 30

    checkpoint = kerasgan.callbacks.Checkpoint(os.path.join(folder, "checkpoint"), every=1000)
    gan.compile(steps_per_execution=1)
    # Of callbacks that write, only the first process may have any.
    gan.fit(batches(), steps=100, callbacks=[Stop(), *[checkpoint][index:]], verbose=0)
    found["stopped"] = gan.step
    again = keras.models.load_model(path)
    again.train_on_batch(np.split(IMAGES[:8], NUM_PROCESSES)[index])
    found["loaded"] = again.step
    found["apart"] = refusal(lambda: kerasgan.GAN(gan.generator, gan.discriminator, seed=index))
    own = os.path.join(folder, f"own{index}")
    found["went_back"] = [went_back(gan, own, lost) for lost in (False, index == 1)]
    run = os.path.join(folder, "run")
    tiny = ["train", photos, "--model", "mlp_gan", "--size", "16", "--filters", "2", "--out", run]
    tiny += ["--batch-size", "4"]
    found["command"] = [
        cli.main([*tiny, "--steps", "4"]),
        cli.main([*tiny, "--steps", "4", "--devices", "all"]),
        # Only the first process sees that the folder is not empty.
        cli.main([*tiny, "--steps", "4", "--devices", "all"]),
        cli.main(["train", "--resume", "--steps", "6", "--out", run]),
    ]
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("processes")
    (folder / "photos").mkdir()
    for index, image in enumerate(IMAGES[:10]):
        save_png(folder / "photos" / f"{index}.png", image)
    return folder


@pytest.fixture(scope="module")
def seen(folder):
    """What `report` returns in each process."""
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    program = (
        "import json, sys, test_processes; folder, index, port = sys.argv[1:]; "
        "json.dump(test_processes.report(folder, int(index), port), sys.stderr)"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", program, folder, str(index), str(port)],
            env=environment(NUM_DEVICES) | {"KERASGAN_CACHE": str(folder / "cache")},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        for index in range(NUM_PROCESSES)
    ]
    messages = [process.communicate()[1] for process in processes]
    assert not any(process.returncode for process in processes), "\n".join(messages)[-6000:]
    return [json.loads(text.splitlines()[-1]) for text in messages]


@on_jax
def test_processes_train_as_one_device(seen, folder):
    one, losses = train(IMAGES, folder / "photos")
    for found in seen:
        for expected, loss in zip(losses, found["losses"], strict=True):
            assert loss.keys() == expected.keys()
            for name in loss:
                assert loss[name] == pytest.approx(expected[name], rel=ROUNDING, abs=ROUNDING)
    together = keras.models.load_model(folder / "gan.keras")
    assert together.step == one.step and together.epoch == one.epoch
    assert difference(one, together) < ROUNDING
    assert np.abs(one.sample(5, seed=0) - np.array(seen[0]["samples"])).max() <= 1
    assert seen[0]["scores"] == pytest.approx(one.score(IMAGES[:5]).tolist(), abs=ROUNDING)


@on_jax
def test_processes_stop_together_and_load_the_same_file(seen):
    steps = [found["stopped"] for found in seen]
    assert steps[0] == steps[1] and 31 <= steps[0] < 31 + CALLS_TO_AGREE
    assert seen[0]["loaded"] == seen[1]["loaded"]


@on_jax
def test_processes_go_back_together_or_not_at_all(seen):
    for found in seen:
        (together,), (apart, stopped, *_) = found["went_back"]
        assert together.startswith("Training goes back to the checkpoint of step ")
        assert "`the step of model.keras` must be the same in all processes" in apart
        assert stopped.startswith("Training has stopped: ")


@on_jax
def test_the_command_writes_one_run(seen, folder):
    assert [found["command"] for found in seen] == [[2, 0, 2, 0]] * NUM_PROCESSES
    assert kerasgan.callbacks.load_checkpoint(folder / "run").step == 6
    rows = kerasgan.callbacks.read_log(folder / "run" / "log.csv")
    assert [int(row["step"]) for row in rows] == [1, 2, 3, 4, 5, 6]


@on_jax
def test_what_processes_cannot_share_is_refused(seen):
    for found in seen:
        assert "`keras.distribution` must have all 4 devices of the 2 processes" in found["without"]
        assert "must be a multiple of 4, the number of devices of all" in found["uneven"][0]
        assert "must be a multiple of 2, the number of processes" in found["uneven"][1]
        assert "`the length of x` must be the same in all processes" in found["uneven"][2]
        assert "`seed` must be the same in all processes" in found["apart"]


@pytest.mark.skipif(BACKEND == "jax", reason="works on JAX")
def test_processes_are_refused_elsewhere(monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("KERAS_DISTRIBUTION_NUM_PROCESSES", "2")
    assert cli.main(["train", "mnist", "--out", str(tmp_path / "run")]) == 2
    assert "`KERAS_DISTRIBUTION_NUM_PROCESSES` must be unset" in capsys.readouterr().err
