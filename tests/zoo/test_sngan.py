"""What is particular to the residual models; what all share is in test_zoo and test_battery."""

import random

import keras
import numpy as np
import pytest
from models import pictures, same, values

from kerasgan.layers import SelfAttention, SpectralNormalization
from kerasgan.zoo.sagan import build_sagan
from kerasgan.zoo.sngan import (
    build_sngan,
    down_block,
    first_down_block,
    plain_block,
    sum_pool,
    to_image,
    up_block,
)

pytestmark = pytest.mark.any_backend

BUILDERS = [build_sngan, build_sagan]


def tiny(builder, image_shape=(16, 16, 3)):
    return builder(image_shape, latent_dim=4, filters=4)


def convolution(filters, size, use_bias=True):
    return keras.layers.Conv2D(filters, size, padding="same", use_bias=use_bias)


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        (lambda x: up_block(x, 6, convolution), (None, 14, 10, 6)),
        (lambda x: first_down_block(x, 6, convolution), (None, 4, 3, 6)),
        (lambda x: down_block(x, 6, convolution), (None, 4, 3, 6)),
        (lambda x: plain_block(x, convolution), (None, 7, 5, 4)),
        (sum_pool, (None, 4)),
    ],
)
def test_sizes_of_the_blocks(block, expected):
    assert block(keras.Input((7, 5, 4))).shape == expected


def test_sums_are_pooled():
    inputs = keras.Input((3, 5, 2))
    model = keras.Model(inputs, sum_pool(inputs))
    x = np.random.default_rng(0).standard_normal((4, 3, 5, 2)).astype("float32")
    expected = x.sum(axis=(1, 2))
    np.testing.assert_allclose(model.predict_on_batch(x), expected, rtol=1e-4)


@pytest.mark.parametrize("channels", [1, 3])
def test_grey_images_come_from_the_same_convolution_as_others(channels):
    inputs = keras.Input((6, 5, 4))
    model = keras.Model(inputs, to_image(inputs, (5, 5, channels)))
    (kernel,) = (v for v in model.weights if v.name == "kernel")
    # Whose columns, one for each channel, spectral normalisation sees.
    matrix = values(kernel)[0].reshape(9 * 4, channels)
    x = np.random.default_rng(0).standard_normal((2, 6, 5, 4)).astype("float32")
    positive = np.maximum(x, 0) / (1 + 1e-5) ** 0.5  # the normalisation's moving statistics
    convolved = keras.ops.conv(positive, matrix.reshape(3, 3, 4, channels), padding="same")
    expected = np.tanh(keras.ops.convert_to_numpy(convolved))[:, :5]
    np.testing.assert_allclose(model.predict_on_batch(x), expected, atol=1e-5)


def normalised(model):
    """Paths of a model's kernels that are spectrally normalised, and of those that are not."""
    kernels = {variable.path for variable in model.weights if variable.name == "kernel"}
    inside = set()
    for layer in model.layers:
        if isinstance(layer, SpectralNormalization):
            found = [v for v in layer.layer.weights if v.name == "kernel"]
            assert [u.shape for u in layer.vectors] == [(v.shape[-1],) for v in found]
            inside |= {variable.path for variable in found}
    return inside, kernels - inside


def test_every_kernel_is_normalised_where_the_papers_say_so():
    sngan, sagan = tiny(build_sngan), tiny(build_sagan)
    assert not normalised(sngan.generator)[0]
    for model in (sngan.discriminator, sagan.generator, sagan.discriminator):
        inside, outside = normalised(model)
        assert len(inside) > 7 and not outside


def sizes_of_attention(model):
    return [
        layer.input.shape[1:3]
        for layer in model.layers
        if isinstance(layer, SpectralNormalization) and isinstance(layer.layer, SelfAttention)
    ]


@pytest.mark.parametrize(
    ("image_shape", "size"),
    [
        ((128, 128, 3), (32, 32)),
        ((64, 64, 1), (32, 32)),
        ((32, 32, 3), (16, 16)),
        ((16, 16, 3), (8, 8)),
        ((128, 32, 3), (32, 8)),
    ],
)
def test_attention_is_at_32_pixels_or_half_the_image(image_shape, size):
    gan = tiny(build_sagan, image_shape)
    assert sizes_of_attention(gan.generator) == sizes_of_attention(gan.discriminator) == [size]


@pytest.mark.parametrize(
    ("builder", "widths"),
    [(build_sngan, ([8, 8, 8], [4, 4, 4, 4])), (build_sagan, ([16, 8, 4], [4, 8, 16, 16]))],
)
def test_widths_of_the_blocks(builder, widths):
    gan = tiny(builder, (32, 32, 3))
    for model, expected in zip((gan.generator, gan.discriminator), widths, strict=True):
        blocks = [layer for layer in model.layers if isinstance(layer, keras.layers.Add)]
        assert [block.output.shape[-1] for block in blocks] == expected


def test_sngans_kernels_start_as_in_its_authors_code():
    model = build_sngan().discriminator
    for layer in (layer.layer for layer in model.layers if hasattr(layer, "layer")):
        if isinstance(layer, keras.layers.Conv2D):
            height, width, channels, filters = layer.kernel.shape
            largest = np.sqrt(6 / (height * width * (channels + filters)))
            largest *= np.sqrt(2) if height == 3 else 1
            found = np.abs(keras.ops.convert_to_numpy(layer.kernel)).max()
            assert found == pytest.approx(largest, rel=0.02)


@pytest.mark.parametrize("builder", BUILDERS)
def test_one_seed_gives_one_model(builder):
    gans = []
    for seed in (1, 1, 2):
        random.seed(seed)  # where Keras gets its seeds from
        gans.append(tiny(builder))
    found = [values(gan.generator, gan.discriminator) for gan in gans]
    assert same(found[0], found[1]) and not same(found[0], found[2])


def test_the_rates_can_decay_as_in_the_docstring():
    gan = tiny(build_sngan)
    decay = keras.optimizers.schedules.PolynomialDecay
    gan.compile(
        g_optimizer=keras.optimizers.Adam(decay(2e-4, 2, 0.0), beta_1=0.0, beta_2=0.9),
        d_optimizer=keras.optimizers.Adam(decay(2e-4, 2, 0.0), beta_1=0.0, beta_2=0.9),
        discriminator_steps=2,
    )
    images = pictures(2, gan)
    for expected in (1e-4, 0.0):
        gan.train_on_batch(images)
        for optimizer in (gan.g_optimizer, gan.d_optimizer):
            assert float(optimizer.learning_rate) == pytest.approx(expected, abs=1e-9)
