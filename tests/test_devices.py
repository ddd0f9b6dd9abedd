"""Several devices: on JAX they share each batch; whatever would train apart is refused."""

import contextlib
import json
import os
import random
import subprocess
import sys

import keras
import numpy as np
import pytest
from models import linear_pair, own_pair

import kerasgan
from kerasgan import backend, cli
from kerasgan.pictures import save_png

IMAGES = np.random.default_rng(0).integers(0, 256, (16, 8, 8, 3), dtype="uint8")
BACKEND = keras.config.backend()
on_jax = pytest.mark.skipif(BACKEND != "jax", reason="only on JAX do devices share a batch")
# Of losses and weights: the devices add up what one device adds in another order.
ROUNDING = 1e-5


# In a process of its own, with four virtual devices


def report(folder):
    """Trains on one device and on four; returns what they did, as plain values."""
    four = keras.distribution.DataParallel()
    one, path = build(), f"{folder}/gan.keras"
    one.train_on_batch(IMAGES[:8])
    one.save(path)
    alone = [one.train_on_batch(IMAGES[:8]), one.train_on_batch(IMAGES[8:14])]
    samples = [one.sample(n, seed=0).astype("int32") for n in (1, 5, 70)]
    scores = one.score(IMAGES[:5])
    found = {}
    with four.scope(), recorded() as placed:
        moved = keras.models.load_model(path)
        together = [moved.train_on_batch(IMAGES[:8])]
        with pytest.warns(UserWarning, match="The 4 devices cannot share a batch of 6 images"):
            together.append(moved.train_on_batch(IMAGES[8:14]))
        found["losses"] = [[one, four] for one, four in zip(alone, together, strict=True)]
        found["weights"] = difference(one, moved)
        found["placed"] = [*placed]
        moved_samples = [moved.sample(n, seed=0) for n in (1, 5, 70)]
        found["samples"] = max(
            int(np.abs(a - b).max()) for a, b in zip(samples, moved_samples, strict=True)
        )
        found["scores"] = float(np.abs(scores - moved.score(IMAGES[:5])).max())
        placed.clear()
        moved.compile(steps_per_execution=2)
        moved.fit(IMAGES, batch_size=8, verbose=0)
        found["placed_steps"] = [*placed]
        moved.save(path)
        found["replicated"] = all(
            variable.value.sharding.is_fully_replicated for variable in moved.variables
        )
        found["refused"] = refusal(lambda: one.fit(IMAGES, verbose=0))
    one.fit(IMAGES, batch_size=8, verbose=0)
    back = keras.models.load_model(path)
    back.compile(steps_per_execution=1)
    found["loads"] = difference(one, back)
    found["losses"].append([gan.train_on_batch(IMAGES[:8]) for gan in (one, back)])
    found["resumed"] = difference(one, back)
    return found | {"command": command(folder)}


def build(learning_rate=0.1):
    random.seed(0)
    gan = own_pair()  # with BatchNormalization and Dropout
    # Adam's first updates are the signs of gradients, some of which are only rounding.
    gan.compile(*(keras.optimizers.SGD(learning_rate) for _ in range(2)), ema=0.9, penalty="r1")
    return gan


@contextlib.contextmanager
def recorded():
    """Collects the number of devices, and the shapes of a batch and of each device's part."""
    to_device, placed = backend.to_device, []

    def recording(data, *arguments, **options):
        data = to_device(data, *arguments, **options)
        if isinstance(data, dict) and "batches" in data:
            for name in ("images", "latents"):
                array = data["batches"][0][name]
                part = array.sharding.shard_shape(array.shape)
                placed.append([len(array.sharding.device_set), array.shape, part])
        return data

    backend.to_device = recording
    yield placed
    backend.to_device = to_device


def difference(one, other):
    """The greatest relative difference of two GANs' weights, averages and optimizer states."""
    pairs = zip(arrays(one), arrays(other), strict=True)
    return max(np.abs(a - b).max() / max(np.abs(a).max(), 1e-3) for a, b in pairs)


def arrays(gan):
    holders = (gan.generator, gan.discriminator, gan.sampling_generator, gan.optimizer)
    variables = [variable for holder in holders for variable in holder.variables]
    return [np.asarray(variable.value).astype("float64") for variable in variables]


def refusal(function):
    with pytest.raises(ValueError) as caught:
        function()
    return str(caught.value)


def command(folder):
    """The exit codes of `kerasgan train`, and the devices that the run keeps."""
    photos, out = os.path.join(folder, "photos"), os.path.join(folder, "run")
    os.mkdir(photos)
    for index in range(4):
        save_png(os.path.join(photos, f"{index}.png"), np.full((16, 16, 3), index, "uint8"))
    tiny = ["train", photos, "--model", "mlp_gan", "--size", "16", "--filters", "2", "--out", out]
    return [
        cli.main([*tiny, "--steps", "1", "--batch-size", "3", "--devices", "4"]),
        cli.main([*tiny, "--steps", "1", "--batch-size", "4", "--devices", "all"]),
        cli.main([*tiny, "--steps", "2", "--resume"]),
        devices_of(out),
        cli.main([*tiny, "--steps", "3", "--resume", "--devices", "2"]),
        devices_of(out),
    ]


def devices_of(run):
    with open(os.path.join(run, "config.json"), encoding="utf-8") as file:
        return json.load(file)["arguments"]["devices"]


def environment(num_devices):
    """The variables for another process, which imports these tests and has virtual devices."""
    paths = [os.path.dirname(__file__), os.path.dirname(os.path.dirname(kerasgan.__file__))]
    flags = f"{os.environ['XLA_FLAGS']} --xla_force_host_platform_device_count={num_devices}"
    return os.environ | {"PYTHONPATH": os.pathsep.join(paths), "XLA_FLAGS": flags}


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    """What `report` returns in another process."""
    program = (
        "import json, sys, test_devices; json.dump(test_devices.report(sys.argv[1]), sys.stderr)"
    )
    process = subprocess.run(
        [sys.executable, "-c", program, tmp_path_factory.mktemp("devices")],
        env=environment(num_devices=4),
        capture_output=True,
        text=True,
    )
    assert process.returncode == 0, process.stderr[-3000:]
    return json.loads(process.stderr.splitlines()[-1])


@on_jax
def test_devices_share_a_batch_and_train_as_one(seen):
    for one, four in seen["losses"]:
        assert four == pytest.approx(one, rel=ROUNDING, abs=ROUNDING)
    assert seen["weights"] < ROUNDING
    assert seen["replicated"]
    assert seen["placed"] == [
        *([4, [8, 8, 8, 3], [2, 8, 8, 3]], [4, [8, 4], [2, 4]]),
        # Too few to share: all devices get them all.
        *([4, [6, 8, 8, 3], [6, 8, 8, 3]], [4, [6, 4], [6, 4]]),
    ]


@on_jax
def test_devices_share_each_batch_of_several_steps_in_a_call(seen):
    assert seen["placed_steps"] == [
        *([4, [2, 8, 8, 8, 3], [2, 2, 8, 8, 3]], [4, [2, 8, 4], [2, 2, 4]])
    ]


@on_jax
def test_a_file_moves_from_one_device_to_four_and_back(seen):
    assert seen["loads"] < ROUNDING and seen["resumed"] < ROUNDING


@on_jax
def test_devices_make_the_images_and_scores_of_one(seen):
    assert seen["samples"] <= 1 and seen["scores"] < ROUNDING


@on_jax
def test_a_gan_from_before_the_distribution_is_refused(seen):
    assert "`keras.distribution` must be set before models are built" in seen["refused"]


@on_jax
def test_the_command_trains_on_devices_that_share_the_batch(seen):
    assert seen["command"] == [2, 0, 0, "all", 0, 2]


# In this process


@on_jax
def test_processes_without_a_distribution_are_refused(monkeypatch):
    import jax

    gan = linear_pair()
    monkeypatch.setattr(jax, "process_count", lambda: 2)
    for use in uses(gan):
        with pytest.raises(ValueError, match="must have all 1 devices of the 2 processes"):
            use()


@pytest.mark.skipif(BACKEND == "jax", reason="works on JAX")
def test_a_distribution_that_keras_ignores_is_refused():
    gan = linear_pair()
    with keras.distribution.DataParallel(devices=["cpu:0"]).scope():
        for use in uses(gan):
            with pytest.raises(ValueError, match=r"`keras.distribution` must be left out on"):
                use()


@pytest.mark.skipif(BACKEND != "tensorflow", reason="about TensorFlow")
def test_a_strategy_of_tensorflow_is_refused(monkeypatch):
    import tensorflow as tf

    gan = linear_pair()
    with tf.distribute.MirroredStrategy(["CPU:0"]).scope():
        gan.sample(1)
        # A second device must exist before TensorFlow starts.
        monkeypatch.setattr(tf.distribute.Strategy, "num_replicas_in_sync", 2)
        for use in uses(gan):
            with pytest.raises(ValueError, match="Received: MirroredStrategy over 2 devices"):
                use()


@pytest.mark.skipif(BACKEND != "torch", reason="about PyTorch")
def test_processes_of_torch_are_refused(monkeypatch):
    import torch

    gan, group = linear_pair(), torch.distributed
    group.init_process_group("gloo", store=group.HashStore(), rank=0, world_size=1)
    try:
        gan.train_on_batch(IMAGES[:, :2, :2, :1])
        monkeypatch.setattr(group, "get_world_size", lambda: 2)
        for use in uses(gan):
            with pytest.raises(ValueError, match="`torch.distributed` must have one process"):
                use()
    finally:
        monkeypatch.undo()
        group.destroy_process_group()


def uses(gan):
    """What a user may do first with a GAN."""
    return (
        linear_pair,
        lambda: gan.fit(IMAGES[:, :2, :2, :1]),
        lambda: gan.train_on_batch(IMAGES[:, :2, :2, :1]),
        lambda: gan.sample(1),
    )


def test_devices_that_do_not_exist_are_refused(tmp_path, capsys):
    expected = "be at most 1, the number of" if BACKEND == "jax" else "be 1 unless KERAS"
    run = tmp_path / "run"
    assert cli.main(["train", "mnist", "--devices", "9", "--out", str(run)]) == 2
    assert f"`--devices` must {expected}" in capsys.readouterr().err
    assert not run.exists()
