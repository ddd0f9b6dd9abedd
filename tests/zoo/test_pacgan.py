"""How PacGAN packs images."""

import keras
import numpy as np
import pytest
from models import pictures

import kerasgan
from kerasgan.zoo.pacgan import Pack


@pytest.mark.parametrize(
    ("count", "packs"),
    [(6, [[0, 1], [2, 3], [4, 5]]), (5, [[0, 1], [2, 3]]), (1, [[0, 0]])],
)
def test_neighbours_are_packed_along_the_channels(count, packs):
    images = np.random.default_rng(0).normal(size=(count, 3, 2, 2)).astype("float32")
    found = keras.ops.convert_to_numpy(Pack(2)(images))
    expected = [np.concatenate([images[i] for i in pack], axis=-1) for pack in packs]
    np.testing.assert_array_equal(found, expected)


def test_packs_of_three_train_with_any_batch_and_score_each_pack():
    gan = kerasgan.build_pacgan((16, 16, 3), latent_dim=4, filters=2, packing=3)
    assert gan.discriminator.layers[2].input_shape == (None, 16, 16, 9)
    for count in (7, 2):
        logs = gan.train_on_batch(pictures(count, gan))
        assert np.isfinite(list(logs.values())).all()
    assert gan.score(pictures(7, gan)).shape == (2,)


def test_indices_are_whole_numbers_when_keras_computes_in_half_precision():
    before = keras.config.floatx()
    keras.config.set_floatx("float16")
    try:
        images = np.arange(5, dtype="float16").reshape(5, 1, 1, 1)
        model = keras.Sequential([keras.Input((1, 1, 1)), Pack(2)])
        assert model.predict_on_batch(images).tolist() == [[[[0.0, 1.0]]], [[[2.0, 3.0]]]]
    finally:
        keras.config.set_floatx(before)


def test_a_shared_pass_is_refused():
    gan = kerasgan.build_pacgan((16, 16, 3), latent_dim=4, filters=2)
    with pytest.raises(
        ValueError, match="`update` must be 'joint', 'separate' or 'simultaneous' for a"
    ):
        gan.compile(update="concatenated")
