"""What is particular to R3GAN: its size, resampling, first weights and penalties."""

import keras
import numpy as np
import pytest
from models import pictures, values

from kerasgan import backend
from kerasgan.zoo.r3gan import _blur, build_r3gan

pytestmark = pytest.mark.any_backend


def numbers(tensor):
    return keras.ops.convert_to_numpy(tensor)


@pytest.mark.parametrize(
    ("size", "generator", "discriminator"),
    [(32, 20_732_160, 20_683_776), (64, 22_429_824, 22_381_440), (256, 23_057_952, 23_009_568)],
)
def test_sizes_of_the_papers_networks(size, generator, discriminator, monkeypatch):
    # At 32 pixels worked out by hand from the authors' code. Without drawing 23 million numbers:
    for name in ("RandomNormal", "VarianceScaling"):
        monkeypatch.setattr(keras.initializers, name, lambda *_: "zeros")
    gan = build_r3gan((size, size, 3), filters=768)
    assert gan.generator.count_params() == generator
    assert gan.discriminator.count_params() == discriminator
    widths = [layer.groups for layer in gan.generator.layers if hasattr(layer, "groups")][::2]
    assert widths == [96, 96, 96, 96, 48, 24, 12][: len(widths)]


def test_resampling_is_the_authors():
    kernel = np.array([1.0, 3.0, 3.0, 1.0], "float32")
    kernel = np.outer(kernel, kernel)[:, :, None, None] / 64
    inputs = keras.Input((6, 4, 1))
    x = np.random.default_rng(0).standard_normal((2, 6, 4, 1)).astype("float32")
    up = keras.Model(inputs, _blur(keras.layers.UpSampling2D(2)(inputs)))
    expected = keras.ops.conv_transpose(x, 4 * kernel, strides=2, padding="same")
    np.testing.assert_allclose(numbers(up(x)), numbers(expected), atol=1e-6)
    down = keras.Model(inputs, keras.layers.AveragePooling2D(2)(_blur(inputs)))
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    expected = keras.ops.conv(padded, kernel, strides=2)
    np.testing.assert_allclose(numbers(down(x)), numbers(expected), atol=1e-6)


def test_weights_start_as_in_the_authors_code():
    gan = build_r3gan((32, 32, 3), filters=48)
    gain = np.sqrt(2 / 1.04) * 8 ** (-1 / 4)  # 8 blocks
    first, grouped, last = (
        [layer for layer in gan.discriminator.layers if layer.name.startswith(name)]
        for name in ("dense", "grouped", "einsum")
    )
    for layer, fan_in in ((first[1], 48), (grouped[0], 9 * 16)):
        assert values(layer)[0].std() == pytest.approx(gain / np.sqrt(fan_in), rel=0.05)
    assert not values(first[2])[0].any()  # of the first block
    assert values(last[0])[0].std() == pytest.approx(1 / 4, rel=0.1)


def test_the_penalty_is_half_of_gamma_times_both_squared_gradients():
    gan = build_r3gan((16, 16, 1), latent_dim=4, filters=4, gamma=3.0)
    assert gan.get_compile_config()["penalty"] == {"r1": 3.0, "r2": 3.0}
    # At first the blocks add nothing, so the scores are linear: one gradient for all images.
    images = np.zeros((1, 16, 16, 1), "float32")
    gradient = backend.to_numpy(
        backend.input_gradient(gan.discriminator, keras.ops.convert_to_tensor(images))
    )
    found = gan.train_discriminator_on_batch(pictures(2, gan))["penalty"]
    assert found == pytest.approx(3.0 / 2 * 2 * np.square(gradient).sum(), rel=1e-4)


@pytest.mark.parametrize("gamma", [-1, None, True, "a", np.nan, np.inf])
def test_gamma_is_checked(gamma):
    message = "`gamma` must be a finite number of at least 0. Received: gamma="
    with pytest.raises(ValueError, match=message):
        build_r3gan((16, 16, 1), filters=2, gamma=gamma)
