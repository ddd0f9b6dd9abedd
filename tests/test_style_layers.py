"""The layers of style-based models, against their formulas in NumPy."""

import json

import keras
import numpy as np
import pytest
from models import same, values

from kerasgan.layers import (
    EqualizedConv2D,
    EqualizedDense,
    LearnedConstant,
    ModulatedConv2D,
    PixelNoise,
)

FILTER = np.array([1, 3, 3, 1]) / 8
RANDOM = np.random.default_rng(0)


def numbers(tensor):
    return np.array(keras.ops.convert_to_numpy(tensor))


def random(*shape):
    return RANDOM.standard_normal(shape).astype("float32")


def padded(x, before, after):
    return np.pad(x, ((0, 0), (before, after), (before, after), (0, 0)))


def convolved(x, kernel, strides=1):
    """A convolution without padding; kernels for single images have the images' axis first."""
    kernel = kernel if kernel.ndim == 5 else kernel[None]
    size = kernel.shape[1]
    rows, columns = ((length - size) // strides + 1 for length in x.shape[1:3])
    outputs = np.zeros((len(x), rows, columns, kernel.shape[-1]))
    for n, i, j in np.ndindex(len(x), rows, columns):
        window = x[n, i * strides : i * strides + size, j * strides : j * strides + size]
        outputs[n, i, j] = np.tensordot(window, kernel[n % len(kernel)], 3)
    return outputs


def smoothed(x, gain=1.0):
    """With the filter in rows and columns, without padding."""
    each = np.outer(FILTER, FILTER)[:, :, None, None] * gain
    return convolved(x, each * np.eye(x.shape[-1]))


def stretched(x):
    """Zeros between the pixels."""
    count, height, width, channels = x.shape
    outputs = np.zeros((count, 2 * height - 1, 2 * width - 1, channels))
    outputs[:, ::2, ::2] = x
    return outputs


def with_bias(layer, *shapes):
    """Builds a layer, with a bias other than zeros; returns its kernel and bias."""
    layer.build(*shapes)
    layer.bias.assign(random(*layer.bias.shape))
    return numbers(layer.kernel), numbers(layer.bias)


def test_a_dense_layer_is_scaled_at_every_call():
    layer, x = EqualizedDense(5, learning_rate_multiplier=0.1), random(7, 3)
    kernel, bias = with_bias(layer, x.shape)
    expected = x @ (0.1 * kernel / np.sqrt(3)) + 0.1 * bias
    np.testing.assert_allclose(numbers(layer(x)), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("layer", "inputs"),
    [
        (EqualizedDense(2000), (64,)),
        (EqualizedDense(2000, learning_rate_multiplier=0.01), (64,)),
        (EqualizedConv2D(500, 3), (4, 4, 64)),
        (EqualizedConv2D(500, 1), (4, 4, 64)),
        (ModulatedConv2D(500, 3), [(4, 4, 64), (8,)]),
        (ModulatedConv2D(500, 1, demodulate=False), [(4, 4, 64), (8,)]),
    ],
)
def test_outputs_are_as_large_as_inputs_at_first(layer, inputs):
    many = isinstance(inputs, list)
    x = [random(16, *shape) for shape in inputs] if many else random(16, *inputs)
    if many:
        x[1] *= 0  # all factors are 1
    outputs = numbers(layer(x))
    middle = outputs[:, 1:-1, 1:-1] if outputs.ndim == 4 else outputs
    assert middle.std() == pytest.approx(1.0, rel=0.1)


def test_the_multiplier_slows_learning_only():
    slow, fast = (EqualizedDense(3, learning_rate_multiplier=rate) for rate in (0.01, 1.0))
    changes = []
    for layer in (slow, fast):
        model = keras.Sequential([keras.Input((4,)), layer])
        model.compile(keras.optimizers.Adam(1e-3), "mse")
        x = np.ones((2, 4), "float32")
        before = model.predict_on_batch(x)
        model.train_on_batch(x, np.full((2, 3), 9.0, "float32"))
        changes.append(np.abs(model.predict_on_batch(x) - before).mean())
    assert changes[0] == pytest.approx(0.01 * changes[1], rel=1e-2)


@pytest.mark.parametrize("kernel_size", [1, 2, 3, 4, 5])
def test_a_convolution_against_numpy(kernel_size):
    layer, x = EqualizedConv2D(4, kernel_size), random(2, 5, 6, 3)
    kernel, bias = with_bias(layer, x.shape)
    before = (kernel_size - 1) // 2
    expected = convolved(padded(x, before, kernel_size - 1 - before), kernel)
    expected = expected / np.sqrt(3 * kernel_size**2) + bias
    np.testing.assert_allclose(numbers(layer(x)), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kernel_size", [1, 2, 3, 4, 5])
@pytest.mark.parametrize(("height", "width"), [(6, 4), (5, 1)])
def test_halving_smooths_before_the_convolution(kernel_size, height, width):
    layer = EqualizedConv2D(4, kernel_size, use_bias=False, downsample=True)
    x = random(2, height, width, 3)
    layer.build(x.shape)
    kernel = numbers(layer.kernel) / np.sqrt(3 * kernel_size**2)
    # The middle of the filter is between the two pixels that become one.
    before = (kernel_size + 1) // 2
    expected = convolved(smoothed(padded(x, before, kernel_size + 2 - before)), kernel, strides=2)
    found = numbers(layer(x))
    assert found.shape == expected.shape == (2, -(-height // 2), -(-width // 2), 4)
    assert layer.compute_output_shape((None, height, None, 3)) == (None, found.shape[1], None, 4)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kernel_size", [1, 3])
def test_halving_is_centred(kernel_size):
    # Of a ramp, each pixel becomes the mean of the two that it stands for, by a kernel of 1.
    layer = EqualizedConv2D(1, kernel_size, use_bias=False, downsample=True)
    layer.build((None, 16, 16, 1))
    kernel = np.zeros((kernel_size, kernel_size, 1, 1))
    kernel[kernel_size // 2, kernel_size // 2] = kernel_size
    layer.kernel.assign(kernel)
    x = np.arange(16.0)[:, None, None] * np.ones((1, 16, 16, 1))
    found = numbers(layer(x.astype("float32")))[0, 2:-2, 2:-2, 0]
    np.testing.assert_allclose(found[:, 0], np.arange(4.5, 12.0, 2), rtol=1e-5)


@pytest.mark.parametrize("demodulate", [True, False])
@pytest.mark.parametrize("upsample", [True, False])
@pytest.mark.parametrize("kernel_size", [1, 2, 3, 4, 5])
def test_modulation_equals_kernels_for_each_image(kernel_size, upsample, demodulate):
    layer = ModulatedConv2D(4, kernel_size, upsample=upsample, demodulate=demodulate)
    x, styles = random(2, 5, 3, 3), random(2, 6)
    kernel, bias = with_bias(layer, [x.shape, styles.shape])
    factors = 1 + styles @ numbers(layer.factors.kernel) / np.sqrt(6)
    kernels = kernel * factors[:, None, None, :, None] / np.sqrt(3 * kernel_size**2)
    if demodulate:
        kernels /= np.sqrt((kernels**2).sum(axis=(1, 2, 3), keepdims=True) + 1e-8)
    before = (kernel_size - 1) // 2
    if upsample:
        # The convolution that a stride of 2 transposes: its kernel is turned round.
        around = padded(stretched(x), kernel_size - 1, kernel_size - 1)
        wide = convolved(around, kernels[:, ::-1, ::-1])
        before = (6 - kernel_size) // 2
        expected = smoothed(padded(wide, before, 5 - kernel_size - before), gain=4.0)
    else:
        expected = convolved(padded(x, before, kernel_size - 1 - before), kernels)
    found = numbers(layer([x, styles]))
    np.testing.assert_allclose(found, expected + bias, rtol=1e-3, atol=1e-5)
    shapes = layer.compute_output_shape([(None, 5, None, 3), (None, 6)])
    assert shapes == (None, found.shape[1], None, 4)
    assert found.shape == ((2, 10, 6, 4) if upsample else (2, 5, 3, 4))


def test_doubling_is_bilinear_for_a_kernel_of_one():
    layer = ModulatedConv2D(1, 1, upsample=True, demodulate=False)
    layer.build([(None, 5, 4, 1), (None, 2)])
    layer.kernel.assign(np.ones((1, 1, 1, 1)))
    x = random(2, 5, 4, 1)
    found = numbers(layer([x, np.zeros((2, 2), "float32")]))
    expected = numbers(keras.layers.UpSampling2D(2, "channels_last", "bilinear")(x))
    np.testing.assert_allclose(found[:, 1:-1, 1:-1], expected[:, 1:-1, 1:-1], rtol=1e-4, atol=1e-5)


def test_a_constant_is_the_same_for_all_images():
    layer = LearnedConstant(3, 4, 5)
    outputs = numbers(layer(random(2, 7)))
    assert outputs.shape == (2, 3, 4, 5) and np.array_equal(outputs[0], outputs[1])
    assert np.array_equal(outputs[0], numbers(layer.maps))


def test_noise_is_new_in_training_and_fixed_otherwise():
    layer, x = PixelNoise(seed=0), random(3, 32, 32, 2)
    assert np.array_equal(numbers(layer(x, training=True)), x)  # the strength starts at 0
    layer.strength.assign(0.5)
    fixed = numbers(layer(x)) - x
    assert np.array_equal(numbers(layer(x)) - x, fixed)
    first, second = (numbers(layer(x, training=True)) - x for _ in range(2))
    for noise in (fixed, first):
        assert noise.std() == pytest.approx(0.5, rel=0.05) and abs(noise.mean()) < 0.05
        np.testing.assert_allclose(noise[..., 0], noise[..., 1], atol=1e-6)
    np.testing.assert_allclose(fixed[0], fixed[1], atol=1e-6)
    assert np.abs(first[0] - first[1]).mean() > 0.1 and np.abs(first - second).mean() > 0.1
    assert layer.trainable_variables == [layer.strength]
    assert np.array_equal(numbers(layer(x)) - x, fixed)
    again = PixelNoise(seed=0)
    again.build(x.shape)
    assert np.array_equal(numbers(again.fixed_noise), numbers(layer.fixed_noise))


def test_noise_needs_a_size():
    with pytest.raises(ValueError, match="`x` must have a known height and width"):
        PixelNoise()(keras.Input((None, 4, 3)))


def model_of_all():
    styles = keras.Input((6,))
    x = LearnedConstant(2, 3, 5)(styles)
    x = ModulatedConv2D(4, 3, upsample=True)([x, EqualizedDense(5)(styles)])
    x = PixelNoise(seed=3)(x)
    x = ModulatedConv2D(4, 1, demodulate=False)([x, styles])
    x = EqualizedConv2D(2, 3, downsample=True)(x)
    return keras.Model(styles, EqualizedConv2D(2, 2, use_bias=False)(x))


def test_the_layers_are_saved_and_loaded(tmp_path):
    model, x = model_of_all(), random(4, 6)
    model.set_weights([random(*weight.shape) for weight in model.weights])
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert same(values(*loaded.weights), values(*model.weights))
    assert np.array_equal(loaded.predict_on_batch(x), model.predict_on_batch(x))
    for layer, copy in zip(model.layers, loaded.layers, strict=True):
        assert json.dumps(copy.get_config()) == json.dumps(layer.get_config())


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_the_layers_work_in_half_precision(policy):
    before = keras.config.dtype_policy()
    exact, x = model_of_all(), random(4, 6)
    keras.config.set_dtype_policy(policy)
    try:
        model = model_of_all()
        model.set_weights(exact.get_weights())
        model.compile("adam", "mse")
        found = model.predict_on_batch(x)
        model.train_on_batch(x, np.ones((4, 2, 3, 2)))
    finally:
        keras.config.set_dtype_policy(before)
    assert str(found.dtype) == policy.removeprefix("mixed_")
    np.testing.assert_allclose(found.astype("float32"), exact.predict_on_batch(x), atol=0.1)
    for variable in model.weights:
        assert variable.dtype == "float32" and np.isfinite(numbers(variable)).all()
    # Squares of large styles would be infinite in float16.
    layer = ModulatedConv2D(4, 3, dtype=policy)
    maps, styles = random(1, 4, 4, 3), np.full((1, 2), 1000.0, "float32")
    assert np.isfinite(numbers(keras.ops.cast(layer([maps, styles]), "float32"))).all()
