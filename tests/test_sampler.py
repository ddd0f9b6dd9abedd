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
    with pytest.raises(ValueError, match="`truncation` must be left out for a model"):
        sampler.sample(2, truncation=0.5)


def conditional(num_classes, class_names=None):
    latents = keras.Input((2,), name="latents")
    labels = keras.Input((), dtype="int32", name="labels")
    x = latents * keras.ops.cast(keras.ops.expand_dims(labels, -1), "float32")
    generator = keras.Model([latents, labels], keras.layers.Reshape((1, 2, 1))(x))
    return Sampler(generator, "uniform", (0.0, 1.0), num_classes, class_names)


@pytest.mark.parametrize(
    ("num_classes", "count", "columns", "expected"),
    [
        (10, 64, None, (10, 7)),
        (10, 16, None, (10, 4)),
        (2, 64, None, (2, 8)),
        (3, 1, None, (1, 1)),
        (40, 64, None, (40, 4)),
        (1000, 64, None, (64, 4)),
        (3, 64, 5, (3, 5)),
    ],
)
def test_a_picture_has_a_row_for_each_class(num_classes, count, columns, expected):
    layout = conditional(num_classes).layout(count, columns)
    rows, columns = expected
    assert layout.columns == columns and layout.size == rows * columns
    np.testing.assert_array_equal(layout.labels.reshape(rows, columns)[:, 0], np.arange(rows))
    np.testing.assert_array_equal(layout.labels.reshape(rows, columns)[:, -1], np.arange(rows))
    assert layout.names == list(map(str, range(rows)))


def test_rows_have_names_in_ascii():
    sampler = conditional(4, ["cat", "b\u00e4r", "\u732b", "tab\t"])
    assert sampler.layout(4).names == ["cat", "bar", "2", "3"]
    layout = sampler.layout(8, labels=[2, 0])
    assert layout.names == ["2", "cat"]
    np.testing.assert_array_equal(layout.labels, [2] * 3 + [0] * 3)


def test_a_picture_without_labels_is_any_grid(sampler):
    layout = sampler.layout(64, 3)
    assert layout == (64, 3, None, None)


def test_an_image_does_not_depend_on_how_many_are_made(own):
    for layer in own.generator.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.moving_mean.assign(layer.moving_mean + 0.5)
    latents = np.random.default_rng(0).normal(size=(70, 4)).astype("float32")
    images = own.sample(70, latents=latents).astype("int32")
    for n in (1, 2, 5, 64):
        few = own.sample(n, latents=latents[:n])
        assert few.shape == (n, 8, 8, 3)
        assert np.abs(few - images[:n]).max() <= 1  # rounding, which differs between batch sizes


@pytest.mark.parametrize("n", [1, 3, 64, 70])
def test_a_generator_that_normalises_over_the_batch_gets_only_the_rows_asked_for(sampler, n):
    inputs = keras.Input((2,))
    centered = inputs - keras.ops.mean(inputs, axis=0, keepdims=True)
    generator = keras.Model(inputs, keras.layers.Reshape((1, 2, 1))(centered))
    latents = sampler.draw(n, seed=0)
    images = sampler._replace(generator=generator, value_range=(-1.0, 1.0)).generate(latents)
    parts = [part - part.mean(axis=0) for part in np.array_split(latents, -(-n // 64))]
    expected = (np.concatenate(parts) + 1.0) * 127.5
    np.testing.assert_allclose(images[:, 0, :, 0], expected, atol=0.51)


@pytest.mark.skipif(keras.config.backend() != "jax", reason="others run any batch size")
def test_jax_compiles_for_few_numbers_of_images(sampler):
    import jax

    compiled = []

    def listen(event, _, **kwargs):
        if event == "/jax/core/compile/backend_compile_duration":
            compiled.append(kwargs)

    jax.monitoring.register_event_duration_secs_listener(listen)
    try:
        for n in range(1, 131):
            sampler.sample(n, seed=0)
    finally:
        jax.monitoring.clear_event_listeners()
    assert 0 < len(compiled) <= 7  # 1, 2, 4, ... 64
