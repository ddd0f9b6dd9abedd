"""How StyleGAN2 makes images: its widths, its noise, its styles."""

import keras
import numpy as np
import pytest
from models import MODELS

from kerasgan.layers import PixelNoise
from kerasgan.zoo.stylegan2 import _widths

pytestmark = pytest.mark.any_backend


def numbers(tensor):
    return keras.ops.convert_to_numpy(tensor)


def test_filters_double_up_to_512():
    # The default at 256 pixels, as in the authors' configuration for this size.
    assert _widths(64, 6) == [64, 128, 256, 512, 512, 512, 512]
    assert _widths(600, 2) == [600, 600, 600]


def test_noise_differs_between_layers_and_steps_but_not_between_samples():
    gan = MODELS["stylegan2"][0]()
    layers = gan.generator.get_layer("synthesis").layers
    noise = [layer for layer in layers if isinstance(layer, PixelNoise)]
    assert [layer.seed for layer in noise] == [0, 1, 2, 3, 4]
    for layer in noise:
        layer.strength.assign(1.0)
    latents = np.ones((2, 8), "float32")
    first, second = (numbers(gan.generator(latents, training=True)) for _ in range(2))
    assert np.abs(first[0] - first[1]).mean() > 0.1 and np.abs(first - second).mean() > 0.1
    first, second = (numbers(gan.generator(latents)) for _ in range(2))
    assert np.array_equal(first, second)
    np.testing.assert_allclose(first[0], first[1], atol=1e-4)


def test_latents_matter_by_their_direction_only():
    mapping = MODELS["stylegan2"][0]().generator.get_layer("mapping")
    latents = np.eye(8, dtype="float32")
    styles = [numbers(mapping(scale * latents)) for scale in (0.1, 100.0)]
    np.testing.assert_allclose(styles[0], styles[1], rtol=1e-4)


def test_large_latents_make_finite_images_in_half_precision():
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    try:
        generator = MODELS["stylegan2"][0]().generator
    finally:
        keras.config.set_dtype_policy(before)
    images = numbers(generator(np.full((2, 8), 1000.0, "float32")))
    assert images.dtype == "float16" and np.isfinite(images).all() and np.abs(images).max() > 0.1


def test_truncated_latents_are_refused_because_nothing_would_change():
    gan = MODELS["stylegan2"][0]()
    for draw in (gan.sample, gan.sample_latents):
        with pytest.raises(ValueError, match="`truncation` must be left out for a gen"):
            draw(2, truncation=0.5)
