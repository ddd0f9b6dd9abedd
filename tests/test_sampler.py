"""The sampler, which `GAN.sample` and the commands share."""

import keras
import numpy as np
import pytest
import scipy.special

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


def test_truncated_latents_have_the_truncated_normal_distribution(sampler):
    normal = sampler._replace(latents=("normal", 3.0, 2.0), value_range=(0.0, 6.0))
    images = normal.sample(4000, seed=0, truncation=0.5)
    np.testing.assert_array_equal(images, normal.sample(4000, seed=0, truncation=0.5))
    values = (images / 255.0 * 6.0 - 3.0) / 2.0
    assert np.abs(values).max() <= 0.5 + 0.01
    # The variance of a standard normal distribution cut off at 0.5: 1 - 2 * 0.5 * pdf / share.
    share, density = scipy.special.erf(0.5 / np.sqrt(2)), np.exp(-(0.5**2) / 2) / np.sqrt(2 * np.pi)
    assert values.var() == pytest.approx(1 - 2 * 0.5 * density / share, rel=0.05)
    with pytest.raises(ValueError, match="`truncation` must be None for a model whose latents"):
        sampler.sample(2, truncation=0.5)
