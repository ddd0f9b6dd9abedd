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


def test_a_packing_of_nothing_and_a_shared_pass_are_refused():
    with pytest.raises(ValueError, match="`packing` must be a whole number of at least 1"):
        kerasgan.build_pacgan(packing=0)
    gan = kerasgan.build_pacgan((16, 16, 3), latent_dim=4, filters=2)
    with pytest.raises(ValueError, match="`update` must be 'joint' or 'separate' for a"):
        gan.compile(update="concatenated")
