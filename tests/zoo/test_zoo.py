"""What every builder keeps to; the behaviour in training is in tests/test_battery.py."""

import inspect
from unittest.mock import ANY

import keras
import numpy as np
import pytest
from models import MODELS, batch, generator_inputs, own_pair, pictures

import kerasgan
from kerasgan import zoo

# Parameters at the defaults: generator, trainable in it, discriminator.
COUNTS = {
    "build_acgan": (1_110_787, 1_109_891, 705_099),
    "build_biggan": (4_384_006, 4_370_947, 4_210_178),
    "build_cgan": (1_108_737, 1_107_841, 672_421),
    "build_dcgan": (3_578_627, 3_576_707, 2_767_425),
    "build_deconv_gan": (1_186_945, 1_186_945, 28_577),
    "build_dragan": (3_578_627, 3_576_707, 2_764_737),
    "build_fastgan": (29_175_907, 29_127_648, 10_694_920),
    "build_flag_gan": (2_764_545, 2_713_153, 8_596_898),
    "build_infogan": (6_659_841, 6_645_121, 6_693_453),
    "build_lsgan": (3_578_627, 3_576_707, 2_767_425),
    "build_mlp_gan": (114_064, 114_064, 100_609),
    "build_mnist_gan": (328_613, 328_613, 3_265_409),
    "build_pacgan": (3_578_627, 3_576_707, 2_770_497),
    "build_projection_gan": (4_305_667, 4_302_083, 1_056_513),
    "build_r3gan": (1_644_096, 1_644_096, 1_632_000),
    "build_ragan": (3_578_627, 3_576_707, 2_767_425),
    "build_sagan": (8_575_207, 8_559_044, 9_587_827),
    "build_sgan": (1_067_777, 1_066_881, 698_954),
    "build_sngan": (4_278_019, 4_274_435, 1_055_105),
    "build_stylegan2": (12_184_168, 12_173_272, 14_037_569),
    "build_wgan": (3_578_627, 3_576_707, 2_763_776),
    "build_wgan_gp": (3_808_003, 3_806_083, 2_764_737),
}
NARROW = (1.6e-3, 1.6e-3)
# Optimizer, learning rates of generator and discriminator, beta_1 and beta_2 (of RMSprop, rho and
# epsilon), and what differs from GAN.
COMPILED = {
    "build_acgan": ("Adam", *NARROW, 0.5, 0.999, {"auxiliary_loss": ANY, "num_classes": 10}),
    "build_biggan": (
        *("Adam", 2e-4, 2e-4, 0.0, 0.999),
        {"loss": "hinge", "discriminator_steps": 4, "ema": 0.9999, "num_classes": 10},
    ),
    "build_cgan": ("Adam", *NARROW, 0.5, 0.999, {"num_classes": 10}),
    "build_dcgan": ("Adam", *NARROW, 0.5, 0.999, {"ema": 0.999}),
    "build_deconv_gan": ("Adam", 1e-3, 1e-3, 0.9, 0.999, {"latents": ("normal", -1.0, 1.0)}),
    "build_dragan": ("Adam", *NARROW, 0.5, 0.999, {"penalty": "dragan"}),
    "build_fastgan": (
        *("Adam", 2e-4, 2e-4, 0.5, 0.999),
        {
            **{"loss": "soft_hinge", "auxiliary_loss": ANY},
            **{"augment": "color,translation", "ema": 0.999},
        },
    ),
    "build_flag_gan": (
        *("Adam", 1e-4, 1e-4, 0.9, 0.999),
        {"update": "concatenated", "latents": "uniform", "value_range": (0, 1)},
    ),
    "build_infogan": (
        *("Adam", 1e-3, 2e-4, 0.5, 0.999),
        {"latents": ANY, "auxiliary_loss": ANY},
    ),
    "build_lsgan": ("Adam", *NARROW, 0.5, 0.999, {"loss": "least_squares"}),
    "build_mlp_gan": (
        *("Adam", 1e-3, 1e-3, 0.9, 0.999),
        {"latents": "symmetric_uniform", "value_range": (0, 1)},
    ),
    "build_mnist_gan": (
        *("Adam", 1e-4, 3e-4, 0.9, 0.999),
        {"update": "separate", "value_range": (0, 1)},
    ),
    "build_pacgan": ("Adam", *NARROW, 0.5, 0.999, {}),
    "build_projection_gan": (
        *("Adam", 2e-4, 2e-4, 0.0, 0.9),
        {"loss": "hinge", "discriminator_steps": 5, "num_classes": 10},
    ),
    "build_r3gan": (
        *("Adam", 2e-4, 2e-4, 0.0, 0.99),
        {"loss": "relativistic_paired", "penalty": {"r1": 0.05, "r2": 0.05}, "ema": 0.9999},
    ),
    "build_ragan": ("Adam", *NARROW, 0.5, 0.999, {"loss": "relativistic_average"}),
    "build_sagan": ("Adam", 1e-4, 4e-4, 0.0, 0.9, {"loss": "hinge"}),
    "build_sgan": (
        *("Adam", *NARROW, 0.5, 0.999),
        {"loss": ANY, "auxiliary_loss": ANY, "num_classes": 10},
    ),
    "build_sngan": (
        *("Adam", 2e-4, 2e-4, 0.0, 0.9),
        {"loss": "hinge", "discriminator_steps": 5},
    ),
    "build_stylegan2": (
        *("Adam", 0.0025, 0.0025, 0.0, 0.99),
        {"penalty": {"r1": pytest.approx(0.0002 * 16**2 / 64)}, "penalty_every": 16, "ema": 0.998},
    ),
    "build_wgan": (
        *("RMSprop", 5e-5, 5e-5, 0.99, 1e-16),
        {"loss": "wasserstein", "discriminator_steps": 5},
    ),
    "build_wgan_gp": (
        *("Adam", 1e-4, 1e-4, 0.5, 0.9),
        {"loss": "wasserstein", "discriminator_steps": 5, "penalty": "gradient_penalty"},
    ),
}
# A latent_dim of 192 suits the deconvolution GAN in all of them.
SHAPES = [(16, 16, 1), (28, 28, 1), (48, 20, 4), (33, 64, 3), (128, 20, 3)]
LARGEST = dict.fromkeys(  # pixels, if not 128
    ("build_biggan", "build_dcgan", "build_fastgan", "build_r3gan", "build_stylegan2"), 256
)
OWN_LAYERS = {
    "build_biggan": {"ConditionalBatchNormalization", "SpectralNormalization"},
    "build_cgan": {"LabelChannels"},
    "build_fastgan": {"Quarter", "SkipLayerExcitation", "SpectralNormalization"},
    "build_projection_gan": {"ConditionalBatchNormalization", "SpectralNormalization"},
    "build_pacgan": {"Pack"},
    "build_r3gan": {"GroupedConv2D"},
    "build_sagan": {"SelfAttention", "SpectralNormalization"},
    "build_sngan": {"SpectralNormalization"},
    "build_stylegan2": {
        *("EqualizedConv2D", "EqualizedDense", "LearnedConstant", "MinibatchStandardDeviation"),
        *("ModulatedConv2D", "PixelNoise"),
    },
}


@pytest.fixture(params=zoo.__all__)
def builder(request):
    return getattr(kerasgan, request.param)


def trainable(model):
    return sum(int(np.prod(variable.shape)) for variable in model.trainable_variables)


@pytest.mark.any_backend
def test_parameter_counts_at_the_defaults(builder):
    gan = builder()
    generator, trainable_in_it, discriminator = COUNTS[builder.__name__]
    assert gan.generator.count_params() == generator
    assert trainable(gan.generator) == trainable_in_it
    assert gan.discriminator.count_params() == discriminator
    assert gan.combined.count_params() == generator + discriminator


@pytest.mark.any_backend
def test_the_flag_tutorials_combined_count():
    assert kerasgan.build_flag_gan().combined.count_params() == 11_361_443


@pytest.mark.any_backend
@pytest.mark.parametrize("image_shape", SHAPES)
def test_any_shape_that_it_can_make(builder, image_shape):
    gan = builder(image_shape=image_shape, latent_dim=192, filters=2)
    assert gan.image_shape == image_shape and gan.latent_dim == 192
    assert gan.generator.output_shape == gan.discriminator.inputs[0].shape == (None, *image_shape)


@pytest.mark.any_backend
def test_the_largest_image(builder):
    largest = LARGEST.get(builder.__name__, 128)
    gan = builder(image_shape=(20, largest, 1), filters=2)
    assert gan.generator.output_shape == gan.discriminator.inputs[0].shape == (None, 20, largest, 1)
    with pytest.raises(ValueError, match=f"height and width from 16 to {largest} pixels"):
        builder(image_shape=(20, largest + 1, 1))


@pytest.mark.any_backend
def test_sizes_may_be_numpys(builder):
    sizes = np.array([16, 20, 3, 192, 2])
    gan = builder(image_shape=list(sizes[:3]), latent_dim=sizes[3], filters=sizes[4])
    assert gan.image_shape == (16, 20, 3) and gan.latent_dim == 192
    gan.to_json()


@pytest.mark.any_backend
def test_odd_sizes_run(builder):
    gan = builder(image_shape=(33, 20, 3), latent_dim=192, filters=2)
    images = gan.sample(2, seed=0)
    assert images.shape == (2, 33, 20, 3)
    packs = 2 // getattr(gan.discriminator.layers[1], "packing", 1)
    labelled = images if gan.num_classes is None else (images, [0, 1])
    assert gan.score(labelled).shape == (packs,)
    scores = keras.tree.flatten(gan.discriminator.outputs)[0]
    assert scores.shape == (None, 2 if gan.name == "flag_gan" else 1)


@pytest.mark.any_backend
@pytest.mark.parametrize(
    ("argument", "values"),
    [
        (
            "image_shape",
            [
                *((8, 8, 3), (32, 257, 3), (32, 32, 2), (32, 32), (32.0, 32, 3), (64, 64, 0)),
                *((64, 64, True), 64, None),
            ],
        ),
        ("latent_dim", [0, -3, 2.5, "100", True]),
        ("filters", [0, 2.5, "64", None]),
    ],
)
def test_what_it_cannot_make_is_refused(builder, argument, values):
    for value in values:
        with pytest.raises(ValueError, match=f"`{argument}` must be .* Received: {argument}="):
            builder(**{argument: value})


@pytest.mark.any_backend
def test_the_largest_image_is_as_documented(builder):
    largest = LARGEST.get(builder.__name__, 128)
    assert f"height and width from 16 to {largest} pixels" in " ".join(builder.__doc__.split())
    with pytest.raises(ValueError, match=rf"16 to {largest} .* Received: image_shape="):
        builder(image_shape=(32, largest + 1, 3))


@pytest.mark.any_backend
@pytest.mark.parametrize(
    ("name", "argument", "value"),
    [
        ("flag_gan", "seed", -1),
        ("flag_gan", "seed", "a"),
        ("flag_gan", "seed", None),
        ("flag_gan", "seed", 2**31),
        ("acgan", "num_classes", 0),
        ("biggan", "num_classes", True),
        ("biggan", "latent_dim", 3),  # three blocks and the first layer need one each
        ("cgan", "num_classes", 2.5),
        ("projection_gan", "num_classes", "10"),
        ("sgan", "num_classes", None),
        ("infogan", "num_categories", 1),
        ("infogan", "num_continuous", -1),
        ("infogan", "num_continuous", 1.0),
        ("infogan", "latent_dim", 11),
        ("pacgan", "packing", 0),
        ("pacgan", "packing", True),
        ("stylegan2", "seed", -1),
        ("stylegan2", "seed", 2**31 - 12),
    ],
)
def test_arguments_of_a_models_own_are_checked(name, argument, value):
    message = rf"`{argument}` must be a whole number (from|of) .* Received: {argument}={value!r}\."
    with pytest.raises(ValueError, match=message):
        getattr(kerasgan, f"build_{name}")(**{argument: value})


@pytest.fixture
def channels_first():
    before = keras.config.image_data_format()
    keras.config.set_image_data_format("channels_first")
    yield
    keras.config.set_image_data_format(before)


@pytest.mark.any_backend
@pytest.mark.parametrize("name", sorted(MODELS.keys() - {"own"}))
def test_the_configured_data_format_changes_nothing(name, channels_first):
    gan = MODELS[name][0]()
    keras.config.set_image_data_format("channels_last")
    usual = MODELS[name][0]()
    keras.config.set_image_data_format("channels_first")
    for side in ("generator", "discriminator"):
        model, expected = getattr(gan, side), getattr(usual, side)
        assert "channels_first" not in model.to_json()
        assert shapes(model) == shapes(expected)
    assert np.isfinite(list(gan.train_on_batch(batch(2, gan)).values())).all()
    assert gan.sample(2, seed=0).shape == (2, *gan.image_shape)


def shapes(model):
    """Of all weights, and of what each layer gives."""
    outputs = [keras.tree.map_structure(lambda x: x.shape, layer.output) for layer in model.layers]
    return outputs, [variable.shape for variable in model.weights]


@pytest.mark.any_backend
def test_the_models_are_plain_keras(builder):
    gan = builder(image_shape=(16, 16, 1), filters=2)
    for model in (gan.generator, gan.discriminator):
        assert type(model) is type(keras.Model(model.inputs, model.outputs))
        for layer in model.layers:
            if type(layer).__name__ not in OWN_LAYERS.get(builder.__name__, ()):
                assert type(layer).__module__.startswith("keras.")
            if isinstance(layer, keras.layers.Dropout):
                assert layer.seed is not None
    seeds = [
        layer.seed for layer in gan.generator.layers if isinstance(layer, keras.layers.Dropout)
    ]
    assert seeds == sorted(set(seeds))


@pytest.mark.any_backend
def test_images_are_in_the_value_range(builder):
    if builder is kerasgan.build_stylegan2:
        pytest.skip("Its images are not limited.")
    gan = builder(image_shape=(16, 16, 1), filters=2)
    inputs = generator_inputs(gan, 8)
    latents = keras.tree.flatten(inputs)[0]
    latents[:] = 100 * np.random.default_rng(0).standard_normal(latents.shape)
    images = gan.generator.predict_on_batch(inputs)
    assert gan.value_range[0] <= images.min() and images.max() <= gan.value_range[1]


@pytest.mark.any_backend
def test_docstrings_have_their_parts_in_order(builder):
    text = inspect.getdoc(builder)
    parts = ["Reference", "Differs from the reference", "Args:", "Returns:", "Raises:", "Example:"]
    places = [text.find(part) for part in parts]
    assert -1 not in places and places == sorted(places)
    arguments = text[text.index("Args:") : text.index("Returns:")]
    for name in inspect.signature(builder).parameters:
        assert f"{name}: " in arguments


@pytest.mark.any_backend
def test_it_is_compiled_as_in_its_source(builder):
    kind, g_rate, d_rate, *numbers, different = COMPILED[builder.__name__]
    named = ("rho", "epsilon") if kind == "RMSprop" else ("beta_1", "beta_2")
    plain = own_pair()
    gan = builder(image_shape=(16, 16, 1), filters=2)
    for index, optimizer in enumerate(gan.optimizer.optimizers):
        assert type(optimizer).__name__ == kind
        assert float(optimizer.learning_rate) == pytest.approx(d_rate if index else g_rate)
        assert [getattr(optimizer, name) for name in named] == numbers
        # The gradients of StyleGAN2's mapping are small.
        epsilon = 1e-8 if builder.__name__ == "build_stylegan2" else 1e-7
        assert kind == "RMSprop" or optimizer.epsilon == epsilon
    assert settings(gan) == settings(plain) | different


def settings(gan):
    compiled = gan.get_compile_config()
    optimizers = {"g_optimizer", "d_optimizer"}
    return {name: compiled[name] for name in compiled.keys() - optimizers} | {
        "latents": gan.latents,
        "value_range": gan.value_range,
        "num_classes": gan.num_classes,
    }


@pytest.mark.any_backend
@pytest.mark.parametrize(("filters", "rate"), [(64, 2e-4), (63, 1.6e-3)])
def test_narrow_dcgans_take_larger_steps(filters, rate):
    gan = kerasgan.build_dcgan((16, 16, 1), filters=filters)
    for optimizer in gan.optimizer.optimizers:
        assert float(optimizer.learning_rate) == pytest.approx(rate)


@pytest.mark.any_backend
def test_dcgans_weights_start_as_in_its_paper():
    gan = kerasgan.build_dcgan()
    for model in (gan.generator, gan.discriminator):
        for variable in model.trainable_variables:
            values = keras.ops.convert_to_numpy(variable)
            if variable.name == "kernel":
                assert values.std() == pytest.approx(0.02, rel=0.05)
                assert abs(values.mean()) < 0.002
            elif variable.name == "gamma":
                assert values.mean() == pytest.approx(1.0, abs=0.01)


def test_wgans_critic_is_clipped_in_every_update():
    gan = kerasgan.build_wgan((16, 16, 1), filters=2)
    gan.train_on_batch(pictures(2, gan))
    for variable in gan.discriminator.trainable_variables:
        assert np.abs(keras.ops.convert_to_numpy(variable)).max() <= np.float32(0.01)


@pytest.mark.any_backend
def test_kernels_that_no_normalisation_follows_keep_signals_as_large_as_they_are():
    model = kerasgan.build_wgan_gp().discriminator
    for layer in model.layers:
        if hasattr(layer, "kernel"):
            fan_in = np.prod(layer.kernel.shape[:-1])
            deviation = keras.ops.convert_to_numpy(layer.kernel).std()
            assert deviation == pytest.approx(np.sqrt(2 / fan_in), rel=0.1)
