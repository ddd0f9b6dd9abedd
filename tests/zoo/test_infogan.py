"""InfoGAN's codes: how they are drawn, and what it costs to misread them."""

import keras
import numpy as np
import pytest
from models import pictures, values

import kerasgan
from kerasgan.zoo.infogan import CodedLatents, CodeLoss


def test_codes_stand_at_the_end_of_the_latents():
    latents = CodedLatents(num_categories=3, num_continuous=2)((3000, 9), seed=0)
    noise, categories, continuous = np.split(latents, [4, 7], axis=1)
    np.testing.assert_array_equal(np.sort(categories, axis=1), [[0, 0, 1]] * 3000)
    np.testing.assert_allclose(categories.mean(axis=0), 1 / 3, atol=0.03)
    for part in (noise, continuous):
        assert abs(part).max() < 1 and abs(part.mean()) < 0.03
        assert part.std() == pytest.approx(1 / np.sqrt(3), abs=0.02)


def test_the_code_loss_by_hand():
    loss = CodeLoss(num_categories=2, num_continuous=1)
    latents = np.array([[9.0, 0.0, 1.0, 0.5], [9.0, 1.0, 0.0, -0.5]], "float32")
    read = np.array([[0.0, 0.0, 0.1], [np.log(3.0), 0.0, 0.5]], "float32")
    outputs = [keras.ops.zeros((2, 1)), keras.ops.convert_to_tensor(read)]
    found = loss({"latents": keras.ops.convert_to_tensor(latents)}, None, outputs)
    # -log softmax of the right category, and 0.1 * (code - read)^2 / 2.
    expected = (np.log(2) + 0.1 * 0.16 / 2 + np.log(4 / 3) + 0.1 * 1.0 / 2) / 2
    assert float(found) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("update", ["joint", "concatenated", "separate"])
def test_both_sides_learn_the_codes(update):
    gan = kerasgan.build_infogan((16, 16, 1), latent_dim=8, filters=4, num_categories=3)
    gan.compile(update=update)
    head = [gan.discriminator.layers[-1].kernel]
    before = values(*head)
    d_logs = gan.train_discriminator_on_batch(pictures(4, gan))
    assert not np.array_equal(values(*head)[0], before[0])
    before = values(*head)
    g_logs = gan.train_generator_on_batch(pictures(4, gan))
    assert np.array_equal(values(*head)[0], before[0])
    # At first the categories are guessed: ln 3, and 0.1 * 2 * (1/3 + read^2) / 2 for the rest.
    for logs in (d_logs, g_logs):
        assert logs["code_loss"] > 0.5
        assert {"code_loss", "d_fake", "loss"} <= logs.keys()


def test_latents_too_short_for_the_codes_are_refused():
    with pytest.raises(ValueError, match="`latent_dim` must be a whole number of at least 12"):
        kerasgan.build_infogan(latent_dim=11)


def test_the_registered_names_stay():
    names = [keras.saving.get_registered_name(kind) for kind in (CodedLatents, CodeLoss)]
    assert names == ["kerasgan>CodedLatents", "kerasgan>CodeLoss"]
