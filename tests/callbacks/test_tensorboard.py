"""Event files for TensorBoard."""

import io
import json
import struct

import keras
import numpy as np
import pytest
from models import recorded_warnings
from PIL import Image
from tiny_gan import IMAGES, build_gan, train

import kerasgan
from kerasgan import callbacks, pictures

NAMES = ["d_fake", "d_loss", "d_loss_fake", "d_loss_real", "d_real", "g_loss", "loss"]


def log(folder, **kwargs):
    pytest.importorskip("tensorboard")
    return callbacks.TensorBoardLog(folder, every=2, **kwargs)


def events_in(folder):
    """The events of each file in the folder, the oldest first."""
    from tensorboard.compat.proto.event_pb2 import Event

    return [
        [Event.FromString(record) for record in records_in(path)]
        for path in sorted(folder.iterdir())
    ]


def values_in(events, kind):
    """`(step, tag)` of the values of one kind, and the values."""
    found = [(e.step, v) for e in events for v in e.summary.value if v.HasField(kind)]
    return {(step, value.tag): getattr(value, kind) for step, value in found}


@pytest.mark.any_backend
def test_tensorboard_log_writes_scalars(tmp_path):
    gan = build_gan()
    train(gan, 3, log(tmp_path))
    train(gan, 4, log(tmp_path))
    first, second = events_in(tmp_path)
    assert first[0].file_version == "brain.Event:2"
    scalars = values_in(first, "simple_value")
    assert sorted(scalars) == [(step, name) for step in (2, 3) for name in NAMES]
    # What an earlier course of training has left after this step is to be forgotten.
    from tensorboard.compat.proto.event_pb2 import SessionLog

    assert (second[1].session_log.status, second[1].step) == (SessionLog.START, 4)


@pytest.mark.any_backend
def test_tensorboard_log_draws_a_grid_and_five_images_from_step_0_on(tmp_path):
    gan = build_gan()
    untrained = gan.sample(6, seed=0)
    train(gan, 4, log(tmp_path, images_every=4, count=6))
    images = values_in(*events_in(tmp_path), "image")
    tags = ["sample/0", "sample/1", "sample/2", "sample/3", "sample/4", "samples"]
    assert sorted(images) == [(step, tag) for step in (0, 4) for tag in tags]
    for step, samples in ((0, untrained), (4, gan.sample(6, seed=0))):
        expected = [*samples[:5], pictures.grid(samples)]
        for tag, pixels in zip(tags, expected, strict=True):
            image = images[step, tag]
            with Image.open(io.BytesIO(image.encoded_image_string)) as picture:
                assert (picture.width, picture.height) == (image.width, image.height)
                np.testing.assert_array_equal(np.array(picture), pixels)


@pytest.mark.any_backend
def test_tensorboard_shows_the_layers_of_both_models(tmp_path):
    gan = build_gan()
    train(gan, 1, log(tmp_path))
    from tensorboard.plugins.graph.keras_util import keras_model_to_graph_def

    graphs = values_in(*events_in(tmp_path), "tensor")
    assert list(graphs) == [(0, "generator"), (0, "discriminator")]
    for (_, name), tensor in graphs.items():
        nodes = keras_model_to_graph_def(json.loads(tensor.string_val[0])).node
        layers = [layer.name for layer in getattr(gan, name).layers]
        assert set(layers) <= {node.name.split("/")[-1] for node in nodes}
    for event in events_in(tmp_path)[0]:
        for value in event.summary.value:
            if value.HasField("tensor"):
                assert value.metadata.plugin_data.plugin_name == "graph_keras_model"


@pytest.mark.any_backend
def test_tensorboard_log_counts_pretraining_below_zero(tmp_path):
    gan = build_gan()
    gan.fit(IMAGES, batch_size=4, pretrain_steps=3, callbacks=[log(tmp_path)], verbose=0)
    [events] = events_in(tmp_path)
    assert events[1].step == -2  # forget what is not before
    steps = {step: [] for step in (-2, 0, 2, 3)}
    for step, name in values_in(events, "simple_value"):
        steps[step].append(name)
    alone = [name for name in NAMES if name != "g_loss"]
    assert {step: sorted(names) for step, names in steps.items()} == {
        **dict.fromkeys((-2, 0), alone),
        **dict.fromkeys((2, 3), NAMES),
    }
    assert {step for step, _ in values_in(events, "image")} == {0}


@pytest.mark.any_backend
def test_a_model_without_a_graph_is_trained_all_the_same(tmp_path, monkeypatch):
    gan = build_gan()

    def fail():
        raise NotImplementedError("a layer has no get_config")

    monkeypatch.setattr(gan.generator, "to_json", fail)
    with recorded_warnings() as texts:
        train(gan, 1, log(tmp_path))
    assert texts == ["The log has no graph of the generator: a layer has no get_config"]
    assert list(values_in(*events_in(tmp_path), "tensor")) == [(0, "discriminator")]


def test_keras_writes_means_learning_rates_and_histograms_of_all_weights(tmp_path):
    """With its own callback, which needs TensorFlow on every backend."""
    pytest.importorskip("tensorflow")
    from tensorboard.util.tensor_util import make_ndarray

    gan = build_gan()
    board = keras.callbacks.TensorBoard(tmp_path, histogram_freq=1)
    history = gan.fit(IMAGES, batch_size=4, epochs=2, callbacks=[board], verbose=0).history
    assert set(NAMES) <= set(history)
    tensors = values_in(*events_in(tmp_path / "train"), "tensor")
    values = {key: make_ndarray(tensor) for key, tensor in tensors.items()}
    history |= {f"learning_rate_{side}_optimizer": 2 * [2e-4] for side in "gd"}
    for name, means in history.items():
        assert [values.pop((epoch, f"epoch_{name}")) for epoch in (0, 1)] == pytest.approx(means)
    paths = sorted(weight.path for weight in gan.weights)
    assert sorted(values) == [(epoch, f"{path}/histogram") for epoch in (0, 1) for path in paths]
    for weight in gan.weights:  # those of now
        edges = values[1, f"{weight.path}/histogram"][:, :2]
        array = keras.ops.convert_to_numpy(weight)
        np.testing.assert_allclose([edges.min(), edges.max()], [array.min(), array.max()])


def records_in(path):
    data = path.read_bytes()
    while data:
        (length,) = struct.unpack_from("<Q", data)
        yield data[12 : 12 + length]
        data = data[16 + length :]


@pytest.mark.any_backend
def test_tensorboard_log_draws_a_named_row_for_each_class(tmp_path):
    gan = kerasgan.build_cgan((16, 16, 3), latent_dim=4, filters=2, num_classes=3)
    gan.class_names = ["cat", "dog", "eel"]
    callback = log(tmp_path, count=6)
    callback.set_model(gan)
    callback.on_train_begin()
    samples = gan.sample(9, seed=0, labels=[0, 0, 0, 1, 1, 1, 2, 2, 2])
    rows = pictures.named(pictures.grid(samples, 3), gan.class_names)
    expected = {"samples": rows, "sample/0": samples[0], "sample/1": samples[3]}
    expected |= {"sample/2": samples[6]}
    images = values_in(*events_in(tmp_path), "image")
    assert {tag for _, tag in images} == set(expected)
    for tag, pixels in expected.items():
        with Image.open(io.BytesIO(images[0, tag].encoded_image_string)) as picture:
            np.testing.assert_array_equal(np.array(picture), pixels)
