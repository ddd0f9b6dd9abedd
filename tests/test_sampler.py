"""The sampler, which `GAN.sample` and the commands share."""

import keras
import numpy as np
import pytest

from kerasgan.sampler import Sampler


@pytest.fixture
def sampler():
    """Of two pixels, the two latents themselves."""
    generator = keras.Sequential([keras.Input((2,)), keras.layers.Reshape((1, 2, 1))])
    return Sampler(generator, "uniform", (0.0, 1.0))


def test_images_are_the_latents_in_the_value_range(sampler):
    images = sampler.generate(np.array([[0.0, 1.0], [0.2, 0.4]], dtype="float32"))
    assert images.dtype == "uint8"
    np.testing.assert_array_equal(images[..., 0], [[[0, 255]], [[51, 102]]])


@pytest.mark.parametrize("n", [0, 1, 65, 130])
def test_a_seed_draws_the_same_latents_and_images(sampler, n):
    latents = sampler.draw(n, seed=3)
    np.testing.assert_allclose(latents, np.random.default_rng(3).random((n, 2)), rtol=1e-6)
    images = sampler.sample(n, seed=3)
    assert (images.shape, images.dtype) == ((n, 1, 2, 1), "uint8")
    np.testing.assert_array_equal(images, sampler.generate(latents))
    if n > 1:
        assert not np.array_equal(images, sampler.sample(n, seed=4))
