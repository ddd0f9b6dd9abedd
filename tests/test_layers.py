import json

import keras
import numpy as np
import pytest
from models import pictures, same, values

import kerasgan
from kerasgan import backend, layers
from kerasgan.layers import (
    AdaptiveAugment,
    ConditionalBatchNormalization,
    DiffAugment,
    EqualizedConv2D,
    EqualizedDense,
    GroupedConv2D,
    InstanceNoise,
    LabelChannels,
    LearnedConstant,
    MinibatchDiscrimination,
    MinibatchStandardDeviation,
    ModulatedConv2D,
    PixelNoise,
    SelfAttention,
    SkipLayerExcitation,
    SpectralNormalization,
)


def numbers(tensor):
    return np.array(keras.ops.convert_to_numpy(tensor))


def noise(count=8, size=16, channels=3, seed=0):
    rng = np.random.default_rng(seed)
    return rng.uniform(-1, 1, (count, size, size, channels)).astype("float32")


def test_nothing_happens_outside_training():
    images = noise()
    assert np.array_equal(numbers(DiffAugment("color,translation,cutout")(images)), images)


def test_translation_moves_by_whole_pixels_and_fills_with_the_middle():
    images = noise(count=64) + 2.0  # never 0, the middle
    moved = numbers(DiffAugment("translation", seed=0)(images, training=True))
    found = set()
    for before, after in zip(images, moved, strict=True):
        for down in range(-2, 3):
            for right in range(-2, 3):
                expected = np.zeros_like(before)
                expected[max(0, -down) : 16 - max(0, down), max(0, -right) : 16 - max(0, right)] = (
                    before[max(0, down) : 16 + min(0, down), max(0, right) : 16 + min(0, right)]
                )
                if np.allclose(after, expected, atol=1e-6):
                    found.add((down, right))
                    break
            else:
                continue
            break
        else:
            pytest.fail("not a shift by up to 1/8")
    assert {down for down, _ in found} == {right for _, right in found} == {-2, -1, 0, 1, 2}


def test_cutout_leaves_all_but_one_window_of_half_the_size():
    images = noise(count=64) + 2.0
    cut = numbers(DiffAugment("cutout", seed=0)(images, training=True))
    sizes = set()
    for before, after in zip(images, cut, strict=True):
        gone = (after == 0).all(axis=-1)
        assert np.array_equal(after[~gone], before[~gone])
        rows, columns = np.flatnonzero(gone.any(axis=1)), np.flatnonzero(gone.any(axis=0))
        assert (
            gone.sum() == len(rows) * len(columns) == np.ptp(rows + 1) * len(columns) + len(columns)
        )
        sizes.add((len(rows), len(columns)))
    assert max(sizes) == (8, 8) and min(min(sizes)) >= 4


def test_color_keeps_the_pattern_and_spares_alpha():
    images = noise(channels=4)
    changed = numbers(DiffAugment("color", seed=0)(images, training=True))
    assert np.array_equal(changed[..., 3], images[..., 3])
    for before, after in zip(images[..., :3], changed[..., :3], strict=True):
        # Contrast times saturation scales what sets a pixel apart from its grey.
        ratio = (after - after.mean(-1, keepdims=True)) / (before - before.mean(-1, keepdims=True))
        assert np.std(ratio) < 1e-2 * abs(np.mean(ratio)) + 1e-3
        assert 0 <= np.mean(ratio) <= 3
        assert abs(after.mean() - before.mean()) <= 0.5 + 1e-5


def test_color_scales_with_the_value_range():
    images = noise()
    wide = DiffAugment("color,translation,cutout", value_range=(-1, 1), seed=0)
    narrow = DiffAugment("color,translation,cutout", value_range=(0, 1), seed=0)
    expected = numbers(wide(images, training=True))
    there = numbers(narrow((images + 1) / 2, training=True))
    np.testing.assert_allclose(there * 2 - 1, expected, atol=1e-5)


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_shapes_draws_and_serialization(channels):
    layer = DiffAugment("cutout, color", value_range=(0, 1), seed=5)
    images = noise(channels=channels)
    first, second = (numbers(layer(images, training=True)) for _ in range(2))
    assert first.shape == images.shape and not np.array_equal(first, second)
    copy = DiffAugment.from_config(layer.get_config())
    assert np.array_equal(numbers(copy(images, training=True)), first)


def test_works_in_any_keras_model():
    model = keras.Sequential(
        [keras.Input((8, 8, 3)), DiffAugment(seed=0), keras.layers.Flatten(), keras.layers.Dense(1)]
    )
    model.compile("sgd", "mse")
    model.fit(noise(size=8), np.zeros((8, 1)), batch_size=3, verbose=0)


@pytest.mark.parametrize(
    ("layer", "argument", "values"),
    [
        (AdaptiveAugment, "policy", ["color,filter", "", 3, None, ["color"]]),
        (AdaptiveAugment, "probability", [-0.1, 1.1, "a", None, True, np.nan]),
        (AdaptiveAugment, "target", [-1.1, 2, "a", True, np.nan]),
        (AdaptiveAugment, "ramp_images", [0, 1.5, "a", None, True]),
        (AdaptiveAugment, "value_range", [(1, -1), (0, 0)]),
        (AdaptiveAugment, "seed", [-1, 1.5, "a", True, 2**31]),
        (ConditionalBatchNormalization, "momentum", [1.0, -0.1, "a", None, np.nan]),
        (ConditionalBatchNormalization, "epsilon", [0, -1, "a", None]),
        (LabelChannels, "num_classes", [0, 2.5, "10", None]),
        (LabelChannels, "channels", [0, 2.5, "10", None]),
        (DiffAugment, "policy", ["colour,translation", "", 3, None, ["color"]]),
        (DiffAugment, "value_range", [(1, -1), (0, 0)]),
        (DiffAugment, "seed", [-1, 1.5, "a", True, 2**31]),
        (InstanceNoise, "deviation", ["a", -0.1, None, True, np.nan, np.inf]),
        (InstanceNoise, "seed", [-1, 1.5, "a", True, 2**31]),
        (MinibatchDiscrimination, "num_kernels", [0, True, 2.0, "4", None]),
        (MinibatchDiscrimination, "kernel_dim", [0, True, 2.0, "4", None]),
        (MinibatchStandardDeviation, "group_size", [0, True, 2.0, "4", None]),
        (SelfAttention, "pool_size", [0, True, 2.0, "2", (2, 2), None]),
        (SkipLayerExcitation, "pool_size", [0, True, 2.0, "2", (2, 2), None]),
        (SpectralNormalization, "layer", [3, "conv", None, keras.layers.Dense]),
        (SpectralNormalization, "power_iterations", [0, True, 1.0, "1", None]),
        (SpectralNormalization, "seed", [-1, 1.5, "a", True, 2**31]),
    ],
)
def test_what_a_layer_cannot_use_is_refused(layer, argument, values):
    needed = {
        LabelChannels: {"num_classes": 10},
        SpectralNormalization: {"layer": keras.layers.Dense(1)},
    }.get(layer, {})
    for value in values:
        message = rf"^`{argument}` must be .*\. Received: {argument}( of type |=).*\. .*\.$"
        with pytest.raises(ValueError, match=message):
            layer(**needed | {argument: value})


def test_unknown_policies_are_named():
    with pytest.raises(ValueError, match=r"`policy` must be made of.*Leave out \['colour'\]"):
        DiffAugment("colour,translation")


def test_numpys_numbers_are_taken_and_saved():
    one = np.int64(1)
    layers = [
        AdaptiveAugment("flip", np.float32(0.5), np.float32(0.5), one, seed=one),
        DiffAugment(seed=one),
        InstanceNoise(np.float32(0.5), seed=one),
        MinibatchStandardDeviation(one),
        SelfAttention(one),
        SkipLayerExcitation(one),
        SpectralNormalization(keras.layers.Dense(1), power_iterations=one, seed=one),
        EqualizedConv2D(one, one, np.bool_(True), np.bool_(True)),
        EqualizedDense(one, np.float32(0.5)),
        LearnedConstant(one, one, one),
        ModulatedConv2D(one, one, np.bool_(True), np.bool_(True)),
        PixelNoise(one),
    ]
    for layer in layers:
        json.dumps(layer.get_config())


def test_the_registered_names_stay():
    assert [f"kerasgan>{name}" for name in layers.__all__] == [
        keras.saving.get_registered_name(getattr(layers, name)) for name in layers.__all__
    ]


def test_instance_noise_has_its_deviation_in_training_only():
    noise = InstanceNoise(0.25, seed=0)
    images = np.zeros((4, 32, 32, 3), "float32")
    assert np.array_equal(numbers(noise(images)), images)
    first, second = (numbers(noise(images, training=True)) for _ in range(2))
    assert first.std() == pytest.approx(0.25, rel=0.05) and abs(first.mean()) < 0.02
    assert not np.array_equal(first, second)
    noise.deviation.assign(0.0)
    assert np.array_equal(numbers(noise(images, training=True)), images)
    assert noise.trainable_weights == []


def test_instance_noise_is_annealed_while_a_gan_trains(own, tmp_path):
    noise = InstanceNoise(0.5, seed=0)
    own.compile(augment=noise)
    anneal = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs: noise.deviation.assign(0.5 * (1 - epoch / 2))
    )
    own.fit(pictures(4, own), batch_size=2, epochs=2, callbacks=[anneal], verbose=0)
    assert float(noise.deviation) == 0.25
    own.save(tmp_path / "gan.keras")
    loaded = keras.models.load_model(tmp_path / "gan.keras")
    assert float(loaded.combined.augment.deviation) == 0.25
    images = pictures(2, own)
    assert own.train_on_batch(images) == loaded.train_on_batch(images)


@pytest.mark.parametrize(("count", "groups"), [(1, 1), (3, 1), (4, 1), (6, 1), (8, 2), (11, 2)])
def test_minibatch_standard_deviation_against_numpy(count, groups):
    x = noise(count=count, size=6, channels=5)[:, :4]
    outputs = numbers(MinibatchStandardDeviation()(x))
    assert outputs.shape == (count, 4, 6, 6)
    assert np.array_equal(outputs[..., :5], x)
    for group in range(groups):
        expected = np.sqrt(x[group::groups].var(axis=0) + 1e-8).mean()
        np.testing.assert_allclose(outputs[group::groups, ..., 5], expected, rtol=1e-4)


def test_minibatch_standard_deviation_trains_on_equal_images():
    layers = [keras.layers.Dense(3), MinibatchStandardDeviation(group_size=2)]
    model = keras.Sequential([keras.Input((4, 4, 3)), *layers])
    assert model.output_shape == (None, 4, 4, 4)
    model.compile(keras.optimizers.SGD(1e-3), "mse")
    model.train_on_batch(np.ones((4, 4, 4, 3)), np.zeros((4, 4, 4, 4)))
    assert all(np.isfinite(value).all() for value in values(model))


def test_groups_are_whole_numbers_when_keras_computes_in_half_precision():
    before = keras.config.floatx()
    keras.config.set_floatx("float16")
    try:
        model = keras.Sequential([keras.Input((4, 4, 3)), MinibatchStandardDeviation(2)])
        x = noise(size=4).astype("float16")
        outputs = model.predict_on_batch(x)
    finally:
        keras.config.set_floatx(before)
    expected = [x[group::4].astype("float64").std(axis=0).mean() for group in range(4)]
    np.testing.assert_allclose(outputs[:4, 0, 0, 3], expected, rtol=1e-2)


@pytest.mark.parametrize(
    "settings",
    [
        {"padding": "same"},
        {"padding": "valid", "activation": "relu"},
        {"padding": "same", "kernel_size": (2, 4), "filters": 4, "use_bias": False},
        {"padding": "same", "strides": 2},
        {"dilation_rate": 2},
        {"groups": 1},
    ],
)
def test_grouped_convolutions_are_keras(settings):
    settings = {"filters": 12, "kernel_size": 3, "groups": 4} | settings
    layer, expected = GroupedConv2D(**settings), keras.layers.Conv2D(**settings)
    model = keras.Sequential([keras.Input((None, None, 8)), layer])
    expected.build((None, 7, 6, 8))
    weights = [np.random.default_rng(0).standard_normal(v.shape) for v in expected.weights]
    layer.set_weights(weights)
    expected.set_weights(weights)
    x = np.random.default_rng(1).standard_normal((3, 7, 6, 8)).astype("float32")
    np.testing.assert_allclose(numbers(layer(x)), numbers(expected(x)), atol=1e-5)
    assert layer.compute_output_shape(x.shape) == expected(x).shape
    copy = keras.models.clone_model(model)
    copy.set_weights(weights)
    assert np.array_equal(numbers(copy(x)), numbers(model(x)))


@pytest.mark.skipif(keras.backend.backend() == "torch", reason="PyTorch's own are fast")
def test_groups_are_convolved_one_by_one_on_a_processor(monkeypatch):
    # Together they take up to a hundred times as long with TensorFlow and JAX.
    depths = []
    original = keras.layers.Conv2D.convolution_op
    monkeypatch.setattr(
        keras.layers.Conv2D,
        "convolution_op",
        lambda self, x, kernel: depths.append(x.shape[-1]) or original(self, x, kernel),
    )
    monkeypatch.setattr(keras.distribution, "list_devices", lambda: ["cpu:0"])
    GroupedConv2D(4, 3, padding="same", groups=2)(np.ones((2, 5, 5, 6), "float32"))
    assert depths == [3, 3]
    monkeypatch.setattr(keras.distribution, "list_devices", lambda: ["cpu:0", "gpu:0"])
    GroupedConv2D(4, 3, padding="same", groups=2)(np.ones((2, 5, 5, 6), "float32"))
    assert depths == [3, 3, 6]


def test_self_attention_starts_as_the_identity():
    x = noise(size=5, channels=8)[:, :3]
    layer = SelfAttention()
    assert np.array_equal(numbers(layer(x)), x)
    layer.gain.assign(1.0)
    assert not np.allclose(numbers(layer(x)), x)


def test_excitation_by_hand(tmp_path):
    large, small = keras.Input((6, 5, 3)), keras.Input((8, 5, 2))
    layer = SkipLayerExcitation(kernel_initializer="orthogonal")
    model = keras.Model([large, small], layer([large, small]))
    first, second = values(layer)
    assert first.shape == (4 * 3 * 2, 3) and second.shape == (3, 3)
    x, y = (
        noise(count=2, size=8, channels=3)[:, :6, :5],
        noise(count=2, size=8, channels=2)[:, :, :5],
    )
    # Windows of two rows and two columns; the last one has a single column.
    places = [y[:, r : r + 2, c : c + 2].mean(axis=(1, 2)) for r in (0, 2, 4, 6) for c in (0, 2, 4)]
    hidden = np.concatenate(places, axis=-1) @ first
    gates = 1 / (1 + np.exp(-(hidden / (1 + np.exp(-hidden))) @ second))
    np.testing.assert_allclose(model.predict_on_batch([x, y]), x * gates[:, None, None], rtol=1e-4)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert np.array_equal(loaded.predict_on_batch([x, y]), model.predict_on_batch([x, y]))


@pytest.mark.parametrize("pool_size", [1, 2])
def test_self_attention_against_numpy(pool_size):
    x = noise(count=2, size=4, channels=8)[:, :2]
    layer = SelfAttention(pool_size=pool_size)
    layer.build(x.shape)
    layer.gain.assign(0.5)
    key, query, value, output = (
        numbers(part.kernel)[0, 0]
        for part in (layer.key, layer.query, layer.value, layer.output_convolution)
    )
    assert (key.shape, query.shape, value.shape, output.shape) == ((8, 1), (8, 1), (8, 4), (4, 8))

    def pooled(maps):
        if pool_size == 2:
            maps = maps.reshape(2, 1, 2, 2, 2, -1).max(axis=(2, 4))
        return maps.reshape(2, -1, maps.shape[-1])

    weights = np.exp((x @ query).reshape(2, 8, 1) @ pooled(x @ key).transpose(0, 2, 1))
    weights /= weights.sum(axis=-1, keepdims=True)
    expected = x + 0.5 * (weights @ pooled(x @ value) @ output).reshape(x.shape)
    np.testing.assert_allclose(numbers(layer(x)), expected, rtol=1e-4, atol=1e-5)


def test_self_attention_needs_no_sizes_and_few_channels():
    model = keras.Sequential([keras.Input((None, None, 3)), SelfAttention(), SelfAttention()])
    for size in (4, 7):
        assert model.predict_on_batch(noise(size=size)[:, :3]).shape == (8, 3, size, 3)


def test_self_attention_keeps_its_channels_last():
    before = keras.config.image_data_format()
    keras.config.set_image_data_format("channels_first")
    try:
        x = noise(size=5, channels=8)[:, :3]
        layer = SelfAttention()
        assert layer(x).shape == x.shape
        assert layer.key.kernel.shape == (1, 1, 8, 1)
    finally:
        keras.config.set_image_data_format(before)


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (lambda: keras.layers.Dense(5), (7,)),
        (lambda: keras.layers.Conv2D(5, 3), (6, 6, 4)),
        (lambda: keras.layers.Conv2DTranspose(5, 3), (6, 6, 4)),
    ],
)
def test_spectral_normalization_divides_by_the_largest_singular_value(layer, shape):
    layer = SpectralNormalization(layer(), power_iterations=10, seed=0)
    x = np.random.default_rng(0).standard_normal((3, *shape)).astype("float32")
    layer.build(x.shape)
    kernel = numbers(layer.layer.kernel)
    for _ in range(10):
        outputs = numbers(layer(x, training=True))
    sigma = np.linalg.svd(kernel.reshape(-1, kernel.shape[-1]), compute_uv=False)[0]
    assert np.array_equal(numbers(layer.layer.kernel), kernel)
    layer.layer.kernel.assign(kernel / sigma)
    np.testing.assert_allclose(outputs, numbers(layer.layer(x)), rtol=1e-3, atol=1e-3)
    assert np.linalg.norm(numbers(layer.vectors[0])) == pytest.approx(1.0, abs=1e-5)


def test_spectral_normalization_keeps_its_vector_in_training_only():
    layer = SpectralNormalization(keras.layers.Dense(3), power_iterations=2)
    before = numbers(layer(np.ones((2, 4)))), values(layer)
    assert np.array_equal(numbers(layer(np.ones((2, 4)))), before[0])
    assert same(values(layer), before[1])
    layer(np.ones((2, 4)), training=True)
    changed = [not np.array_equal(*pair) for pair in zip(values(layer), before[1], strict=True)]
    assert changed == [variable is layer.vectors[0] for variable in layer.variables]


def sigma_and_vector(kernel, u):
    """One power iteration, and its two vectors."""
    v = kernel @ u / np.linalg.norm(kernel @ u)
    u = v @ kernel / np.linalg.norm(v @ kernel)
    return v @ kernel @ u, (v, u)


def test_the_gradient_flows_through_sigma_of_each_call():
    layer = SpectralNormalization(keras.layers.Dense(3, use_bias=False), seed=0)
    first, second = keras.Input((4,)), keras.Input((4,))
    model = keras.Model([first, second], keras.layers.Add()([layer(first), 2 * layer(second)]))
    model.compile(keras.optimizers.SGD(1.0), "mse")
    rng = np.random.default_rng(0)
    x, y, target = (rng.standard_normal((5, size)).astype("float32") for size in (4, 4, 3))
    kernel, u = numbers(layer.layer.kernel).astype("float64"), numbers(layer.vectors[0])
    _, (v_1, u_1) = sigma_and_vector(kernel, u)
    _, (v_2, u_2) = sigma_and_vector(kernel, u_1)

    def loss(kernel):
        outputs = x @ kernel / (v_1 @ kernel @ u_1) + 2 * y @ kernel / (v_2 @ kernel @ u_2)
        return np.mean((outputs - target) ** 2)

    gradient = np.zeros_like(kernel)
    for place in np.ndindex(kernel.shape):
        step = np.zeros_like(kernel)
        step[place] = 1e-5
        gradient[place] = (loss(kernel + step) - loss(kernel - step)) / 2e-5

    assert model.train_on_batch([x, y], target) == pytest.approx(loss(kernel), rel=1e-4)
    np.testing.assert_allclose(kernel - numbers(layer.layer.kernel), gradient, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(numbers(layer.vectors[0]), u_2, atol=1e-5)


class InputGradient(keras.layers.Layer):
    """The gradient of a held layer's outputs with respect to its inputs."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def call(self, inputs):
        trainable = [variable.value for variable in self.layer.trainable_variables]
        others = [variable.value for variable in self.layer.non_trainable_variables]
        return backend.input_gradient(
            lambda x: self.layer.stateless_call(trainable, others, x, training=True)[0], inputs
        )

    def compute_output_shape(self, input_shape):
        return input_shape


def test_a_penalty_on_its_gradient_trains_it():
    layer = SpectralNormalization(keras.layers.Dense(1, use_bias=False), seed=0)
    layer.build((None, 3))
    model = keras.Sequential([keras.Input((3,)), InputGradient(layer)])
    model.compile(keras.optimizers.SGD(1.0), "mse")
    # The gradient is W/|W|. Towards a target t, W moves against (W/|W| - t) without its part
    # along W, over |W|, times 2/3: the mean over the entries of the squares' slope.
    kernel, target = numbers(layer.layer.kernel)[:, 0], np.array([1.0, 0.0, 0.0])
    length = np.linalg.norm(kernel)
    difference = kernel / length - target
    expected = 2 / 3 * (difference - (difference @ kernel) * kernel / length**2) / length
    model.train_on_batch(np.ones((2, 3)), np.stack([target, target]))
    np.testing.assert_allclose(kernel - numbers(layer.layer.kernel)[:, 0], expected, atol=1e-5)


def test_spectral_normalization_reaches_layers_inside_and_leaves_the_rest_alone():
    attention = SpectralNormalization(SelfAttention())
    attention.build((None, 4, 4, 8))
    assert [vector.shape for vector in attention.vectors] == [(1,), (1,), (4,), (8,)]
    inner = keras.Sequential(
        [
            keras.layers.Dense(3, activity_regularizer="l2"),
            keras.layers.BatchNormalization(),
            keras.layers.Dropout(0.5, seed=0),
        ]
    )
    layer = SpectralNormalization(inner)
    x = np.random.default_rng(0).standard_normal((8, 4)).astype("float32")
    model = keras.Sequential([keras.Input((4,)), layer])
    model.compile(keras.optimizers.SGD(0.0), "mse")
    before = values(inner)
    first, second = (model.train_on_batch(x, np.zeros((8, 3))) for _ in range(2))
    assert first != second  # Dropout's random state moves along
    changed = {
        variable.name
        for variable, old in zip(inner.variables, before, strict=True)
        if not np.array_equal(numbers(variable), old)
    }
    assert changed == {"moving_mean", "moving_variance", "seed_generator_state"}
    penalty = model.test_on_batch(x, numbers(model(x)))
    assert penalty > 0  # the regulariser's, there being no difference


def test_a_kernel_of_zeros_is_used_as_it_is():
    layer = SpectralNormalization(keras.layers.Dense(2, kernel_initializer="zeros"), seed=0)
    model = keras.Sequential([keras.Input((3,)), layer])
    model.compile(keras.optimizers.SGD(0.1), "mse")
    for _ in range(5):
        model.train_on_batch(np.eye(3), np.ones((3, 2)))
    found = numbers(layer.layer.kernel)
    assert np.isfinite(found).all() and found.any()


def test_spectral_normalization_under_mixed_precision():
    layer = SpectralNormalization(keras.layers.Dense(4, dtype="mixed_bfloat16"), seed=0)
    exact = SpectralNormalization(keras.layers.Dense(4), seed=0)
    model = keras.Sequential(
        [keras.Input((6,)), layer, keras.layers.Dense(1, dtype="mixed_bfloat16")]
    )
    exact.build((None, 6))
    exact.layer.kernel.assign(layer.layer.kernel)
    assert layer.output.dtype == "bfloat16"
    x = np.random.default_rng(0).standard_normal((8, 6)).astype("float32")
    np.testing.assert_allclose(
        numbers(keras.ops.cast(layer(x, training=True), "float32")),
        numbers(exact(x, training=True)),
        atol=0.05,
    )
    assert np.array_equal(numbers(layer.vectors[0]), numbers(exact.vectors[0]))
    model.compile("sgd", "mse")
    model.train_on_batch(x, np.zeros((8, 1)))


@pytest.mark.parametrize(
    "layer",
    [keras.layers.ReLU(), keras.layers.BatchNormalization(), keras.layers.SeparableConv1D(2, 3)],
)
def test_spectral_normalization_needs_a_kernel(layer):
    with pytest.raises(ValueError, match="`layer` must have a kernel or embeddings"):
        SpectralNormalization(layer).build((None, 4, 4))


def test_the_layers_are_saved_and_loaded(tmp_path):
    layers = [
        AdaptiveAugment("flip,color", 0.2, 0.5, 100, (0, 1), seed=3),
        InstanceNoise(0.2, seed=3),
        SpectralNormalization(keras.layers.Conv2D(8, 3), power_iterations=2, seed=1),
        SpectralNormalization(SelfAttention(pool_size=1)),
        MinibatchStandardDeviation(group_size=2),
        keras.layers.Flatten(),
        MinibatchDiscrimination(num_kernels=3, kernel_dim=2),
        SpectralNormalization(keras.layers.Dense(1)),
    ]
    model = keras.Sequential([keras.Input((6, 7, 3)), *layers])
    model.compile("adam", "mse")
    images = noise(size=7)[:, :6]
    for _ in range(2):
        model.train_on_batch(images, np.zeros((8, 1)))
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert same(values(*loaded.weights), values(*model.weights))
    assert np.array_equal(loaded.predict_on_batch(images), model.predict_on_batch(images))
    for layer, copy in zip(model.layers, loaded.layers, strict=True):
        assert json.dumps(copy.get_config()) == json.dumps(layer.get_config())
    again = keras.models.clone_model(model)
    again.set_weights(model.get_weights())
    assert np.array_equal(again.predict_on_batch(images), model.predict_on_batch(images))


@pytest.mark.parametrize("dtype", ["float32", "mixed_bfloat16"])
def test_minibatch_discrimination_against_numpy(dtype):
    layer = MinibatchDiscrimination(num_kernels=3, kernel_dim=2, dtype=dtype)
    x = np.random.default_rng(0).standard_normal((5, 4)).astype("float32")
    found = numbers(keras.ops.cast(layer(x), "float32"))
    vectors = (x @ numbers(layer.kernel)).reshape(5, 3, 2)
    expected = [
        [
            sum(np.exp(-np.abs(vectors[i, b] - vectors[j, b]).sum()) for j in range(5) if j != i)
            for b in range(3)
        ]
        for i in range(5)
    ]
    tolerance = 1e-5 if dtype == "float32" else 0.05
    np.testing.assert_allclose(found[:, 4:], expected, atol=tolerance)
    np.testing.assert_allclose(found[:, :4], x, atol=tolerance)
    # Equal images are as close as can be; an image alone has nothing beside it.
    same_images = np.repeat(x[:1], 4, axis=0)
    assert numbers(keras.ops.cast(layer(same_images), "float32"))[:, 4:].min() > 2.9
    assert not numbers(keras.ops.cast(layer(x[:1]), "float32"))[:, 4:].any()


def test_a_label_reaches_every_pixel_as_constant_channels():
    layer = LabelChannels(num_classes=5, channels=2)
    images, labels = noise(count=3, size=4), np.array([4, 0, 4], "int32")
    found = numbers(layer([images, labels]))
    assert found.shape == (3, 4, 4, 5) == layer.compute_output_shape([images.shape, (3,)])
    assert np.array_equal(found[..., :3], images)
    embeddings = numbers(layer.embeddings)
    for index, label in enumerate(labels):
        assert np.array_equal(found[index, ..., 3:], np.tile(embeddings[label], (4, 4, 1)))


def test_conditional_batch_normalization_against_numpy():
    layer = ConditionalBatchNormalization(kernel_initializer="random_normal")
    x = noise(count=6, size=4)
    condition = np.random.default_rng(1).standard_normal((6, 7)).astype("float32")
    found = numbers(layer([x, condition], training=True))
    mean, variance = x.mean((0, 1, 2)), x.var((0, 1, 2))
    gamma, beta = (condition @ numbers(each.kernel) for each in (layer.gamma, layer.beta))
    assert not np.array_equal(*map(numbers, (layer.gamma.kernel, layer.beta.kernel)))
    normalized = (x - mean) / np.sqrt(variance + 1e-5)
    expected = normalized * (1 + gamma[:, None, None]) + beta[:, None, None]
    np.testing.assert_allclose(found, expected, atol=1e-4)
    moved = numbers(layer.normalization.moving_mean)
    np.testing.assert_allclose(moved, 0.2 * mean, atol=1e-5)
    # Without training, by the moving statistics; zeros in the maps leave no trace of a condition.
    plain = ConditionalBatchNormalization(epsilon=1e-3)
    np.testing.assert_allclose(
        numbers(plain([x, condition])), x / np.sqrt(1 + 1e-3), rtol=1e-4, atol=1e-5
    )


def test_conditional_layers_are_saved_and_loaded_and_train_in_half_precision(tmp_path):
    images = keras.Input((4, 4, 3))
    labels = keras.Input((), dtype="int32")
    x = LabelChannels(5, channels=2, dtype="mixed_bfloat16")([images, labels])
    condition = keras.layers.Embedding(5, 3)(labels)
    normalization = ConditionalBatchNormalization(
        momentum=0.5, kernel_initializer="random_normal", dtype="mixed_bfloat16"
    )
    x = SpectralNormalization(normalization, seed=1)([x, condition])
    outputs = keras.layers.Dense(1, dtype="float32")(keras.layers.Flatten()(x))
    model = keras.Model([images, labels], outputs)
    model.compile("adam", "mse")
    data = [noise(count=4, size=4), np.array([0, 4, 2, 2], "int32")]
    model.train_on_batch(data, np.ones((4, 1)))
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert same(values(*loaded.weights), values(*model.weights))
    assert np.array_equal(loaded.predict_on_batch(data), model.predict_on_batch(data))


def test_a_held_discriminator_keeps_its_spectral_vectors():
    generator = keras.Sequential(
        [keras.Input((2,)), keras.layers.Dense(4 * 4), keras.layers.Reshape((4, 4, 1))]
    )
    discriminator = keras.Sequential(
        [
            keras.Input((4, 4, 1)),
            SpectralNormalization(keras.layers.Conv2D(8, 3, padding="same")),
            keras.layers.ReLU(),
            SpectralNormalization(SelfAttention()),
            keras.layers.Flatten(),
            SpectralNormalization(keras.layers.Dense(1)),
        ]
    )
    gan = kerasgan.GAN(generator, discriminator, seed=0)
    images = pictures(3, gan)
    before = values(gan.discriminator), values(gan.generator)
    gan.train_generator_on_batch(images)
    assert same(values(gan.discriminator), before[0])
    assert not same(values(gan.generator), before[1])
    before = values(gan.generator)
    for _ in range(2):  # the attention's gain starts at 0, which moves first
        found = values(gan.discriminator)
        gan.train_discriminator_on_batch(images)
    for variable, old in zip(gan.discriminator.variables, found, strict=True):
        assert not np.array_equal(numbers(variable), old) or variable.shape == (1,), variable.path
    assert same(values(gan.generator), before)
