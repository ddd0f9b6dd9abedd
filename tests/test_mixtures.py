"""Labels that are mixtures of classes."""

import keras
import numpy as np
import pytest

import kerasgan
from kerasgan.graphs import taking_mixtures


def linear():
    """An image of one pixel: the latents plus a code of each class: 0, 10, 40."""
    latents = keras.Input((1,), name="latents")
    labels = keras.Input((), dtype="int32", name="labels")
    codes = keras.layers.Embedding(3, 1)
    ids = keras.ops.clip(labels, 0, 2)  # still whole numbers
    model = keras.Model([latents, labels], keras.layers.Add()([latents, codes(ids)]))
    codes.embeddings.assign([[0.0], [10.0], [40.0]])
    return model


def test_codes_are_mixed_in_proportion():
    mixing = taking_mixtures(linear(), 3)
    shares = np.array([[1, 0, 0], [0.5, 0.5, 0], [0.25, 0.25, 0.5]], dtype="float32")
    made = mixing.predict_on_batch([np.ones((3, 1), "float32"), shares])
    np.testing.assert_allclose(made, [[1.0], [6.0], [23.5]], rtol=1e-6)


@pytest.mark.any_backend
def test_labels_that_are_read_with_images_cannot_be_mixed():
    latents = keras.Input((16,), name="latents")
    labels = keras.Input((), dtype="int32", name="labels")
    maps = keras.layers.Reshape((4, 4, 1))(latents)
    x = kerasgan.layers.LabelChannels(3, name="both")([maps, labels])
    generator = keras.Model([latents, labels], keras.layers.Conv2D(1, 1)(x))
    scores = keras.Sequential(
        [keras.Input((4, 4, 1)), keras.layers.Flatten(), keras.layers.Dense(1)]
    )
    gan = kerasgan.GAN(generator, scores, num_classes=3)
    assert gan.sample(2, labels=[0, 1]).shape == (2, 4, 4, 1)
    with pytest.raises(ValueError, match="layer 'both' reads labels together with other inputs"):
        gan.sample(1, labels=[[0.5, 0.5, 0]])


@pytest.mark.any_backend
@pytest.mark.parametrize("shares", [[0.5, 0.6], [-0.5, 1.5], [np.nan, 1.0], [0.0, 0.0]])
def test_shares_that_are_none_are_refused(shares):
    gan = kerasgan.build_cgan((16, 16, 1), latent_dim=2, filters=2, num_classes=2)
    with pytest.raises(ValueError, match="shares of the classes: rows of numbers"):
        gan.sample(1, labels=[shares])


@pytest.mark.any_backend
def test_latents_are_drawn_as_for_samples():
    gan = kerasgan.build_dcgan((16, 16, 1), latent_dim=4, filters=2)
    for truncation in (None, 0.5):
        latents = gan.sample_latents(3, seed=5, truncation=truncation)
        assert latents.shape == (3, 4) and latents.dtype == "float32"
        expected = gan.sample(3, seed=5, truncation=truncation)
        np.testing.assert_array_equal(gan.sample(3, latents=latents), expected)
