"""How StyleGAN2 makes images: its sizes, its noise, its styles."""

import keras
import numpy as np
import pytest
from models import MODELS, pictures, values

import kerasgan
from kerasgan.layers import PixelNoise


def test_its_size_at_256_pixels_is_its_authors():
    gan = kerasgan.build_stylegan2((256, 256, 3))
    counts = [
        sum(np.prod(variable.shape) for variable in model.trainable_variables)
        for model in (gan.generator, gan.discriminator)
    ]
    # Their generator has 8 mapping layers, and 24,767,458 parameters.
    assert counts == [24_767_458 - 6 * (512 * 512 + 512), 24_001_089]


@pytest.mark.parametrize(("filters", "widths"), [(2, (2, 4, 8)), (256, (256, 512)), (600, (600,))])
def test_filters_double_up_to_512(filters, widths):
    gan = kerasgan.build_stylegan2((16, 16, 1), latent_dim=2, filters=filters)
    assert {layer.filters for layer in gan.discriminator.layers if hasattr(layer, "filters")} == {
        *widths
    }


def noise_layers(gan):
    layers = gan.generator.get_layer("synthesis").layers
    return [layer for layer in layers if isinstance(layer, PixelNoise)]


def test_noise_differs_between_layers_and_steps_but_not_between_samples():
    gan = MODELS["stylegan2"][0]()
    assert [layer.seed for layer in noise_layers(gan)] == [0, 1, 2, 3, 4]
    for layer in noise_layers(gan):
        layer.strength.assign(1.0)
    latents = np.ones((2, 8), "float32")
    first, second = (
        keras.ops.convert_to_numpy(gan.generator(latents, training=True)) for _ in range(2)
    )
    assert np.abs(first - second).mean() > 0.1 and np.abs(first[0] - first[1]).mean() > 0.1
    once, again = gan.sample(2, latents=latents), gan.sample(2, latents=latents)
    assert np.array_equal(once, again) and np.array_equal(once[0], once[1])


def test_the_noise_that_samples_use_does_not_change_in_training():
    gan = MODELS["stylegan2"][0]()
    before = values(*(layer.fixed_noise for layer in noise_layers(gan)))
    for _ in range(2):
        gan.train_on_batch(pictures(4, gan))
    layers = gan.sampling_generator.get_layer("synthesis").layers
    for model in (noise_layers(gan), [layer for layer in layers if hasattr(layer, "fixed_noise")]):
        for layer, old in zip(model, before, strict=True):
            assert np.array_equal(keras.ops.convert_to_numpy(layer.fixed_noise), old)


def test_samples_are_clipped():
    gan = MODELS["stylegan2"][0]()
    images = keras.ops.convert_to_numpy(gan.generator(np.ones((1, 8), "float32")))
    last = [
        layer
        for layer in gan.sampling_generator.get_layer("synthesis").layers
        if hasattr(layer, "demodulate") and not layer.demodulate
    ]
    for layer in last:
        layer.kernel.assign(100.0 * keras.ops.convert_to_tensor(layer.kernel))
    samples = gan.sample(1, latents=np.ones((1, 8)))
    sure = np.abs(images) > 0.1
    assert sure.any()
    assert np.array_equal(samples[sure], np.where(images > 0, 255, 0)[sure])


def test_latents_matter_by_their_direction_only():
    gan = MODELS["stylegan2"][0]()
    mapping, latents = gan.generator.get_layer("mapping"), np.eye(8, dtype="float32")
    styles = [keras.ops.convert_to_numpy(mapping(scale * latents)) for scale in (0.1, 100.0)]
    np.testing.assert_allclose(styles[0], styles[1], rtol=1e-4)


def test_truncation_of_all_is_the_image_of_the_mean_style():
    gan = MODELS["stylegan2"][0]()
    mapping, synthesis = map(gan.generator.get_layer, ("mapping", "synthesis"))
    latents = np.random.default_rng(0).standard_normal((4, 8)).astype("float32")
    styles = mapping.predict_on_batch(latents)
    np.testing.assert_allclose(
        synthesis.predict_on_batch(styles), gan.generator.predict_on_batch(latents), atol=1e-5
    )


def test_it_trains_in_half_precision():
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    try:
        gan = MODELS["stylegan2"][0]()
    finally:
        keras.config.set_dtype_policy(before)
    for _ in range(3):
        logs = gan.train_on_batch(pictures(4, gan))
    assert np.isfinite(list(logs.values())).all()
