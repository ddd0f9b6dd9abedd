"""Event files for TensorBoard."""

import io
import struct

import numpy as np
import pytest
from PIL import Image
from tiny_gan import build_gan, train

from kerasgan import callbacks, pictures


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
    names = ["d_fake", "d_loss", "d_loss_fake", "d_loss_real", "d_real", "g_loss", "loss"]
    assert sorted(points) == [(step, name) for step in (2, 3) for name in names]
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
