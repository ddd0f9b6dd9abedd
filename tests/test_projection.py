"""Latents of given images."""

import keras
import numpy as np
import pytest
from models import MODELS, flags, own_pair, same, state

import kerasgan
from kerasgan import latents as latent_tools
from kerasgan import projection


def distance(images, others):
    differences = images.astype("float64") - others
    return np.sqrt(np.square(differences).mean(axis=(1, 2, 3)))


def test_an_image_of_the_gan_is_found_again():
    gan = own_pair()
    gan.compile(ema=0.5)
    gan.train_on_batch(gan.sample(8, seed=9))
    images, others = gan.sample(3, seed=1), gan.sample(3, seed=2)
    before, trainable = state(gan), flags(gan)
    latents, distances = kerasgan.project(gan, images, steps=60)
    assert same(before, state(gan)) and flags(gan) == trainable
    assert latents.shape == (3, 4) and latents.dtype == distances.dtype == "float32"
    found = gan.sample(3, latents=latents)
    np.testing.assert_allclose(distances, distance(images, found), atol=1e-3)
    assert (distances < 0.1 * distance(images, others)).all()


def test_an_image_of_a_class_is_found_again():
    gan = MODELS["cgan"][0]()
    rng = np.random.default_rng(0)  # weights at which images differ
    gan.generator.set_weights(
        [w + rng.normal(0, 0.1, w.shape) for w in gan.generator.get_weights()]
    )
    labels = np.array([3, 7], dtype="int32")
    images = gan.sample(2, seed=1, labels=labels)
    latents, distances = kerasgan.project(gan, images, labels, steps=40)
    found = gan.sample(2, latents=latents, labels=labels)
    np.testing.assert_allclose(distances, distance(images, found), atol=1e-3)
    assert (distances < 0.5 * distance(images, gan.sample(2, seed=2, labels=labels))).all()
    with pytest.raises(ValueError, match="`labels` must be whole numbers"):
        kerasgan.project(gan, images)


@pytest.mark.any_backend
def test_a_seed_determines_the_latents():
    gan = own_pair()
    images = np.random.default_rng(0).integers(0, 256, (18, 8, 8, 3), dtype="uint8")
    first = kerasgan.project(gan, images, steps=2, seed=3)
    assert same(first, kerasgan.project(gan, images, steps=2, seed=3))
    assert not same(first, kerasgan.project(gan, images, steps=2, seed=4))
    # An image's result does not depend on the others.
    alone = kerasgan.project(gan, images[17:] / 127.5 - 1.0, steps=2, seed=3)
    np.testing.assert_allclose(alone[0], first[0][17:], atol=1e-3)
    np.testing.assert_allclose(alone[1], first[1][17:], rtol=1e-3)


@pytest.mark.any_backend
@pytest.mark.parametrize("latents", ["uniform", ("normal", 5.0, 2.0)])
def test_latents_stay_where_draws_can_be(latents):
    pair = own_pair()
    gan = kerasgan.GAN(pair.generator, pair.discriminator, latents=latents, seed=0)
    white = np.full((2, 8, 8, 3), 255, dtype="uint8")
    found, _ = kerasgan.project(gan, white, steps=60)
    if latents == "uniform":
        assert found.min() >= 0 and found.max() <= 1
    else:
        drawn = latent_tools.draw(latents, (256, 4), np.random.default_rng(0))
        farthest = np.linalg.norm(drawn - 5.0, axis=1).max()
        assert np.linalg.norm(found - 5.0, axis=1).max() <= farthest * 1.00001


@pytest.mark.any_backend
def test_the_error_is_that_of_all_sizes():
    errors = np.zeros((2, 8, 8, 1), dtype="float32")
    errors[0, :, ::2] = 1.0  # stripes, which vanish but for their mean, 0.5
    errors[1] = 0.5
    found = keras.ops.convert_to_numpy(
        projection._error(keras.ops.zeros(errors.shape), keras.ops.convert_to_tensor(errors))
    )
    np.testing.assert_allclose(found, 64 * np.array([0.5 + 0.25, 0.25 + 0.25]))


@pytest.mark.any_backend
def test_an_interrupt_leaves_the_gan_as_it_was(monkeypatch):
    gan = own_pair()
    before, trainable = state(gan), flags(gan)

    def interrupt(targets, made):
        raise KeyboardInterrupt

    monkeypatch.setattr(projection, "_error", interrupt)
    with pytest.raises(KeyboardInterrupt):
        kerasgan.project(gan, gan.sample(1, seed=0), steps=2)
    assert same(before, state(gan)) and flags(gan) == trainable
    gan.train_on_batch(gan.sample(4, seed=0))
