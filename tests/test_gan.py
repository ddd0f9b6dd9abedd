import math
import types

import keras
import numpy as np
import pytest
from models import (
    MODELS,
    batch,
    dense_pair,
    linear_pair,
    own_pair,
    pictures,
    recorded_warnings,
    same,
    state,
    values,
)

import kerasgan
from kerasgan.networks import first


def test_public_names():
    """What can be imported from the top is what is promised, but for modules of the inside."""
    promised = set(kerasgan.__all__)
    assert sorted(promised) == kerasgan.__all__
    public = {
        name
        for name, value in vars(kerasgan).items()
        if not name.startswith("_") and not isinstance(value, types.ModuleType)
    }
    modules = {"callbacks", "datasets", "latents", "layers", "losses", "metrics", "pictures"}
    assert public | modules == promised


def test_the_defaults_are_the_contract():
    gan = own_pair()
    assert float(gan.g_optimizer.learning_rate) == pytest.approx(2e-4)
    assert gan.g_optimizer.beta_1 == gan.d_optimizer.beta_1 == 0.5
    assert gan.value_range == (-1, 1)


def test_compile_replaces_only_what_is_given(own):
    own.train_on_batch(pictures(4, own))
    g_optimizer, slots = own.g_optimizer, values(own.g_optimizer)
    own.compile(label_smoothing=0.1)
    own.compile(ema=0.9)
    assert own.g_optimizer is g_optimizer and same(values(own.g_optimizer), slots)
    own.compile(d_optimizer=keras.optimizers.RMSprop(1e-3, name="rmsprop"))
    assert own.d_optimizer.name == "rmsprop" and own.g_optimizer is g_optimizer
    own.compile(update="separate")
    assert len(own.d_optimizer) == 2
    assert [optimizer.name for optimizer in own.d_optimizer] == ["rmsprop", "rmsprop"]
    own.compile(d_optimizer=(keras.optimizers.SGD(name="sgd"), keras.optimizers.Adam(name="adam")))
    assert [optimizer.name for optimizer in own.d_optimizer] == ["sgd", "adam"]
    own.compile(update="joint")
    assert own.d_optimizer.name == "sgd"
    own.train_on_batch(pictures(4, own))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"update": "both"}, "`update` must be 'joint', 'concatenated', 'separate' or"),
        ({"discriminator_steps": 0}, "`discriminator_steps` must be a whole number"),
        ({"label_smoothing": 1.5}, r"`label_smoothing` must be a number of at least 0 and below 1"),
        ({"ema": 2}, r"`ema` must be a number above 0 and below 1"),
        ({"augment": "colour"}, "`augment` must be made of"),
        ({"augment": 3}, "`augment` must be a policy"),
        ({"label_smoothing": "0.1"}, "`label_smoothing` must be a number"),
        ({"d_optimizer": ["adam", "sgd"]}, "`d_optimizer` must be one optimizer, or a pair"),
        ({"loss": (lambda fake_scores: 0, lambda real, fake: 0)}, "functions of .real_scores"),
    ],
)
def test_compile_refuses(own, arguments, message):
    before = own.g_optimizer
    with pytest.raises(ValueError, match=message):
        own.compile(**arguments)
    assert own.g_optimizer is before
    own.train_on_batch(pictures(4, own))


def test_an_augmentation_is_checked_without_drawing_from_it(own):
    noise = kerasgan.layers.InstanceNoise(0.1, seed=0)
    seeds = keras.random.SeedGenerator(0)

    def brighten(images):
        return images + keras.random.uniform((len(images), 1, 1, 1), seed=seeds)

    before = values(noise.seed_generator, seeds.state)
    own.compile(augment=brighten)
    own.compile(augment=noise)
    assert own.augment is noise and same(values(noise.seed_generator, seeds.state), before)
    with pytest.raises(
        ValueError, match=r"`augment` must keep the shape.*from \(2, 8.*to \(2, 192\)"
    ):
        own.compile(augment=keras.layers.Flatten())
    assert own.augment is noise


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"optimizer": "adam"}, "`optimizer` must be left out.*Pass `g_optimizer` and `d_optim"),
        ({"metrics": ["mae"]}, "`metrics` must be left out.*callbacks.Evaluate"),
        ({"run_eagerly": True}, "`run_eagerly` must be left out.*gan.generator"),
        ({"colour": 1}, r"GAN.compile\(\) got an unexpected keyword argument 'colour'"),
    ],
)
def test_compile_says_what_to_do_in_place_of_keras_arguments(own, arguments, message):
    with pytest.raises(TypeError, match=message):
        own.compile(**arguments)


def test_step_settings_can_be_assigned(own):
    own.discriminator_steps = 3
    own.steps_per_execution = 2
    assert (own.discriminator_steps, own.steps_per_execution) == (3, 2)
    own.train_on_batch(pictures(2, own))
    assert int(own.d_optimizer.iterations) == 3
    with pytest.raises(ValueError, match="`discriminator_steps` must be a whole number"):
        own.discriminator_steps = 0


def test_what_keras_sets_on_a_model_is_compiled_or_refused(own):
    own.jit_compile = False
    assert own.jit_compile is False and own.combined.jit_compile is False
    with pytest.raises(ValueError, match="`jit_compile` must be"):
        own.jit_compile = "yes"
    own.run_eagerly = False
    with pytest.raises(TypeError, match="`run_eagerly` must be left out.*gan.generator"):
        own.run_eagerly = True
    assert own.run_eagerly is False


def test_callbacks_find_what_they_look_for_in_the_optimizer(own):
    own.train_on_batch(pictures(2, own))
    assert int(own.optimizer.iterations) == 1
    assert float(own.optimizer.learning_rate) == pytest.approx(2e-4)
    own.optimizer.learning_rate = 0.5
    assert float(own.g_optimizer.learning_rate) == float(own.d_optimizer.learning_rate) == 0.5
    configs = own.optimizer.get_config()["optimizers"]
    names = [keras.optimizers.deserialize(config).name for config in configs]
    assert names == ["g_optimizer", "d_optimizer"]


@pytest.mark.parametrize("name", ["train_step", "compute_loss", "make_train_function"])
def test_a_step_that_no_training_would_call_is_refused(own, name):
    with pytest.raises(TypeError, match=f"must not define `{name}`.*`auxiliary_loss`"):
        type("Own", (kerasgan.GAN,), {name: lambda self, *arguments: None})
    with pytest.raises(NotImplementedError, match="gan.train_on_batch"):
        getattr(own, name)()


def test_optimizers_that_belong_to_others_are_refused(own):
    optimizer = keras.optimizers.Adam()
    with pytest.raises(ValueError, match="different instance from"):
        own.compile(g_optimizer=optimizer, d_optimizer=optimizer)
    with pytest.raises(ValueError, match="`d_optimizer` must not have been used"):
        own.compile(d_optimizer=own_pair().d_optimizer)


def test_rates_can_be_set_between_calls(own):
    own.train_on_batch(pictures(4, own))
    own.g_optimizer.learning_rate = 0.0
    before = values(*own.generator.trainable_variables)
    own.train_on_batch(pictures(4, own))
    assert same(values(*own.generator.trainable_variables), before)


WRONG = {
    "range": (
        lambda x: x.astype("float32"),
        r"values 0\.0 to 255\.0.*astype\('uint8'\); for a tf.data.Dataset, dataset\.map\(",
    ),
    "float64 out of range": (lambda x: x / 200.0, r"Scale the values to \(-1\.0, 1\.0\)"),
    "int64": (lambda x: x.astype("int64"), r"dtype=int64\. Pass images\.astype\('uint8'\)\."),
    "uint16": (lambda x: x.astype("uint16") * 257, r"\(images / 257\)\.round\(\)\.astype"),
    "int32": (
        lambda x: x.astype("int32") - 128,
        "Scale the values to 0 to 255.* wraps other values",
    ),
    "bool": (lambda x: x > 127, r"dtype=bool\. .*images\.astype\('uint8'\) \* 255"),
    "complex": (lambda x: x.astype("complex64"), "dtype=complex64"),
    "channels first": (lambda x: x.transpose(0, 3, 1, 2), r"transpose\(images, \(0, 2, 3, 1\)\)"),
    "one image": (lambda x: x[0], r"images\[None\]"),
    "grey": (lambda x: x[..., 0], r"numpy\.stack\(\[images\] \* 3, axis=-1\)"),
    "a photo": (lambda x: np.zeros((30, 40, 3), "uint8"), "one image. Resize it to 8x8; pass many"),
    "channels": (lambda x: x[..., :1], "3 channels, or build the model for 1"),
    "size": (lambda x: x[:, :4], "Resize the images"),
    "none": (lambda x: x[:0], r"shape \(0, 8, 8, 3\)"),
    "nan": (lambda x: np.where(x > 250, np.nan, 0.5), "has NaN. To leave such images out"),
}


@pytest.mark.parametrize("case", WRONG)
def test_images_that_do_not_fit_are_refused_before_any_work(own, case):
    change, message = WRONG[case]
    before = state(own)
    for method in (own.train_on_batch, own.train_generator_on_batch):
        with pytest.raises(ValueError, match=message):
            method(change(pictures(4, own)))
    assert same(state(own), before)


def test_floats_in_the_range_equal_uint8(tmp_path, own):
    own.save(tmp_path / "gan.keras")
    images = pictures(4, own)
    expected = own.train_on_batch(images)
    for dtype in ("float32", "float64"):
        copy = keras.models.load_model(tmp_path / "gan.keras")
        logs = copy.train_on_batch((images / 127.5 - 1).astype(dtype))
        assert logs == pytest.approx(expected, rel=1e-4)


def test_labels_are_left_aside_and_that_is_said_once(own):
    with recorded_warnings() as texts:
        own.train_on_batch((pictures(4, own), np.arange(4)))
        own.fit(pictures(4, own), np.arange(4), batch_size=2, verbose=0)
    assert len(texts) == 1 and "`labels` are ignored" in texts[0]
    with pytest.raises(ValueError, match="`labels` must be None"):
        own.sample(2, labels=[1, 2])


def test_floats_that_look_like_another_range_are_said_once(own):
    images = pictures(4, own) / 255.0
    with recorded_warnings() as texts:
        for _ in range(2):
            own.train_on_batch(images)
    assert len(texts) == 1 and "as if in (0, 1)" in texts[0]
    assert "Pass 2 * images - 1 if" in texts[0]


@pytest.mark.parametrize("library", ["tensorflow", "jax.numpy", "torch"])
def test_tensors_of_any_library_are_taken_or_refused_in_words(own, library):
    module = pytest.importorskip(library)
    images = pictures(4, own)
    expected = own.score(images)
    make = module.constant if library == "tensorflow" else module.asarray
    np.testing.assert_array_equal(own.score(make(images)), expected)
    half = make((images / 127.5 - 1).astype("float32"))
    half = module.cast(half, "bfloat16") if library == "tensorflow" else half
    half = half.astype("bfloat16") if library == "jax.numpy" else half
    if library != "torch":
        np.testing.assert_allclose(own.score(half), expected, atol=0.1)
        return
    for tensor in (half.bfloat16(), half.requires_grad_()):
        if keras.backend.backend() == "torch":
            np.testing.assert_allclose(own.score(tensor), expected, atol=0.1)
        else:
            with pytest.raises(ValueError, match=r"`images` must be an array .*\.detach\(\)"):
                own.score(tensor)


def test_sample_takes_any_number(own):
    assert own.sample(0).shape == (0, *own.image_shape)
    assert own.sample(130, seed=0).shape[0] == 130
    assert not same([own.sample(5)], [own.sample(5)])
    with pytest.raises(ValueError, match=r"`latents` must be finite, of shape \(n, latent_dim\)"):
        own.sample(2, latents=np.zeros((3, own.latent_dim)))
    with pytest.raises(ValueError, match="`latents` must be finite.*with NaN"):
        own.sample(2, latents=np.full((2, own.latent_dim), np.nan))
    own.generator.set_weights([np.nan * weight for weight in own.generator.get_weights()])
    with pytest.raises(ValueError, match="The generator must have finite weights"):
        own.sample(2)


def test_the_average_is_the_recurrence_by_hand(own):
    own.compile(ema=0.15)
    average = [np.array(w) for w in values(*own.generator.weights)]
    assert same(values(*own.sampling_generator.weights), average)
    for step in range(4):
        own.train_on_batch(pictures(4, own, seed=step))
        decay = min(0.15, (1 + step) / (10 + step))
        average = [
            decay * old + (1 - decay) * new
            for old, new in zip(average, values(*own.generator.weights), strict=True)
        ]
    for ours, expected in zip(values(*own.sampling_generator.weights), average, strict=True):
        np.testing.assert_allclose(ours, expected, rtol=1e-4, atol=1e-6)
    z = np.zeros((1, 4), "float32")
    images = keras.ops.convert_to_numpy(own.sampling_generator(z))
    assert np.abs(own.sample(1, latents=z) - (images + 1) * 127.5).max() <= 1
    own.compile(ema=False)
    assert own.sampling_generator is own.generator


def test_training_with_an_average_is_the_same_training(tmp_path, own):
    own.save(tmp_path / "gan.keras")
    other = keras.models.load_model(tmp_path / "gan.keras")
    other.compile(ema=0.9)
    for model in (own, other):
        model.train_on_batch(pictures(4, own))
    assert same(
        values(own.generator, own.discriminator), values(other.generator, other.discriminator)
    )


def test_an_average_of_layers_that_keras_cannot_make_anew(own):
    """Layers without weights are shared with the average; others must be made again."""
    squash = keras.layers.Lambda(lambda x: keras.ops.tanh(x))

    def generator(**arguments):
        layers = [keras.layers.Dense(8 * 8 * 3, **arguments), squash]
        return keras.Sequential([keras.Input((4,)), *layers, keras.layers.Reshape((8, 8, 3))])

    gan = kerasgan.GAN(generator(), own.discriminator, seed=0)
    gan.compile(ema=0.9)
    assert gan.sampling_generator.layers[1] is squash
    assert gan.sampling_generator.layers[0] is not gan.generator.layers[0]
    assert gan.sample(2, seed=0).std() > 0
    gan = kerasgan.GAN(generator(activation=lambda x: x), own.discriminator, seed=0)
    with pytest.raises(ValueError, match="`ema` must be False for a generator that Keras cannot"):
        gan.compile(ema=0.9)
    assert gan.sampling_generator is gan.generator


def test_score_is_the_discriminators_mind():
    gan = linear_pair()
    images = np.stack([np.full((2, 2, 1), value, "float32") for value in (-1.0, 0.0, 1.0)])
    np.testing.assert_allclose(gan.score(images), [-1.5, 0.5, 2.5], rtol=1e-6)


def head(discriminator, activation, dtype=None):
    return keras.Sequential(
        [
            keras.Input(discriminator.input_shape[1:], dtype=dtype),
            keras.layers.Flatten(),
            keras.layers.Dense(1, activation=activation),
        ]
    )


def two_headed(*activations):
    inputs = keras.Input((8, 8, 3))
    x = keras.layers.Flatten()(inputs)
    return keras.Model(inputs, [keras.layers.Dense(1, activation)(x) for activation in activations])


def test_a_further_output_may_end_in_softmax(own):
    kerasgan.GAN(own.generator, two_headed(None, "softmax"))


def squashed(*layers):
    return keras.Sequential(
        [keras.Input((8, 8, 3)), keras.layers.Flatten(), keras.layers.Dense(1), *layers]
    )


def functional(discriminator, function):
    images = keras.Input(discriminator.input_shape[1:])
    scores = keras.layers.Dense(2)(keras.layers.Flatten()(images))
    return keras.Model(images, function(scores))


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.dense = keras.layers.Dense(8 * 8 * 3, "tanh")

    def call(self, latents):
        return keras.ops.reshape(self.dense(latents), (-1, 8, 8, 3))


BAD_PAIRS = {
    "sigmoid before a reshape": (
        lambda g, d: (g, squashed(keras.layers.Activation("sigmoid"), keras.layers.Reshape((1,)))),
        "ends in sigmoid",
    ),
    "tanh before a scaling": (
        lambda g, d: (g, squashed(keras.layers.Activation("tanh"), keras.layers.Rescaling(9.0))),
        "ends in tanh",
    ),
    "operations": (
        lambda g, d: (g, functional(d, lambda x: keras.ops.sigmoid(x)[:, :1])),
        "ends in sigmoid",
    ),
    "subclassed": (
        lambda g, d: (Subclassed(), d),
        r"`generator` must be built.*Wrap it: inputs = keras.Input\(shape\), then keras.Model",
    ),
    "sigmoid before another head": (
        lambda g, d: (g, two_headed("sigmoid", None)),
        "`discriminator` must end in linear scores",
    ),
    "sigmoid inside a wrapper": (
        lambda g, d: (
            g,
            keras.Sequential(
                [
                    keras.Input(d.input_shape[1:]),
                    keras.layers.Flatten(),
                    kerasgan.layers.SpectralNormalization(keras.layers.Dense(1, "sigmoid")),
                ]
            ),
        ),
        "`discriminator` must end in linear scores",
    ),
    "sigmoid inside a model": (
        lambda g, d: (
            g,
            keras.Sequential([keras.Input(d.input_shape[1:]), head(d, "sigmoid")]),
        ),
        "`discriminator` must end in linear scores",
    ),
    "not a model": (lambda g, d: (lambda x: x, d), "`generator` must be a keras.Model"),
    "unbuilt": (lambda g, d: (keras.Sequential([keras.layers.Dense(3)]), d), "must be built"),
    "sizes": (lambda g, d: (g, MODELS["dcgan"][0]().discriminator), "`discriminator` must take"),
    "score": (
        lambda g, d: (
            g,
            keras.Sequential(
                [keras.Input((8, 8, 3)), keras.layers.Flatten(), keras.layers.Dense(5)]
            ),
        ),
        "one linear score",
    ),
    "images": (
        lambda g, d: (keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)]), d),
        "one known shape",
    ),
    "latents": (lambda g, d: (keras.models.clone_model(d), d), "must take latents"),
    "one model twice": (lambda g, d: (d, d), "`discriminator` must have its own layers"),
    "sigmoid": (lambda g, d: (g, head(d, "sigmoid")), "must end in linear scores"),
    "uint8": (lambda g, d: (g, head(d, None, "uint8")), "`discriminator` must take floats"),
}


@pytest.mark.parametrize("case", BAD_PAIRS)
def test_models_that_do_not_fit_are_refused(own, case):
    change, message = BAD_PAIRS[case]
    with pytest.raises(ValueError, match=message):
        kerasgan.GAN(*change(own.generator, own.discriminator))


def test_a_subclassed_network_trains_once_it_is_wrapped(own):
    latents = keras.Input((4,))
    gan = kerasgan.GAN(keras.Model(latents, Subclassed()(latents)), own.discriminator)
    assert gan.train_on_batch(pictures(2, gan))["loss"] > 0


def test_scores_are_not_squashed_by_what_comes_before_the_last_weights(own):
    gated = squashed(keras.layers.Activation("sigmoid"), keras.layers.Dense(1))
    kerasgan.GAN(own.generator, gated)
    kerasgan.GAN(own.generator, functional(own.discriminator, keras.ops.log_softmax))


@pytest.mark.parametrize(
    ("activation", "value_range", "expected"),
    [("sigmoid", (-1, 1), r"\(0, 1\)"), ("tanh", (0, 1), r"\(-1, 1\)")],
)
@pytest.mark.parametrize("reshaped", [False, True])
def test_the_last_activation_must_fit_the_value_range(
    own, activation, value_range, expected, reshaped
):
    layers = [keras.layers.Dense(8 * 8 * 3), keras.layers.Reshape((8, 8, 3))]
    layers.insert(1 if reshaped else 2, keras.layers.Activation(activation))
    generator = keras.Sequential([keras.Input((4,)), *layers])
    with pytest.raises(
        ValueError, match=f"`value_range` must be {expected} .* ends in {activation}"
    ):
        kerasgan.GAN(generator, own.discriminator, value_range=value_range)


@pytest.mark.parametrize("seed", [-1, 2**40, 1.5])
def test_seeds_are_checked(own, seed):
    with pytest.raises(ValueError, match="`seed` must be a whole number"):
        kerasgan.GAN(own.generator, own.discriminator, seed=seed)


def test_a_negative_seed_is_refused(own):
    with pytest.raises(ValueError, match="`seed` must be .* Received: seed=-1"):
        own.sample(2, seed=-1)


@pytest.mark.parametrize("mode", ["full", "larger_than", "list_of_layers"])
def test_networks_that_would_be_computed_twice_are_refused(mode):
    with keras.RematScope(mode=mode, layer_names=["noise"]):
        layer = keras.layers.Dropout(0.3, seed=2, name="noise")
    layers = [keras.Input((2, 2, 1)), layer, keras.layers.Flatten(), keras.layers.Dense(1)]
    inner = keras.Sequential(layers)
    nested = keras.Sequential([keras.Input((2, 2, 1)), inner])
    with pytest.raises(ValueError, match="outside keras.RematScope.* with 'noise' built inside"):
        kerasgan.GAN(linear_pair().generator, nested)
    if mode == "full":
        with keras.RematScope(), pytest.raises(ValueError, match="outside keras.RematScope"):
            linear_pair()
    # Where only activations are computed again, all is as it was.
    with keras.RematScope(mode="activations"):
        gan = dense_pair()
    assert math.isfinite(gan.train_on_batch(pictures(4, gan))["loss"])


def test_value_range_is_checked(own):
    with pytest.raises(ValueError, match="`value_range` must be"):
        kerasgan.GAN(own.generator, own.discriminator, value_range=(1, 0))


HALF = ("mixed_bfloat16", "mixed_float16")


@pytest.fixture(params=HALF)
def half_precision(request):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(request.param)
    yield
    keras.config.set_dtype_policy(before)


def models_in_half_precision():
    """Each model in both; where compiling takes long in one, on the other backend in the other."""
    found = []
    for index, name in enumerate(sorted(MODELS)):
        chosen = {"jax": [HALF[index % 2]], "tensorflow": [HALF[1 - index % 2]]}
        found += [(policy, name) for policy in chosen.get(keras.config.backend(), HALF)]
    return found


@pytest.mark.parametrize(
    ("half_precision", "name"), models_in_half_precision(), indirect=["half_precision"]
)
def test_every_model_trains_in_half_precision(half_precision, name):
    gan = MODELS[name][0]()
    gan.compile(ema=0.5, discriminator_steps=1)  # several take as many times longer to compile
    before = [gan.generator.get_weights(), gan.discriminator.get_weights()]
    scores = first(gan.discriminator.outputs)
    for _ in range(4):  # a first loss scale may be too large
        logs = gan.train_on_batch(batch(4, gan))
    assert all(map(math.isfinite, logs.values()))
    # A number of bfloat16 is a float32 whose last 16 bits are 0.
    last = {log: np.float32(value).view("uint32") % 2**16 for log, value in logs.items()}
    assert all(last[log] for log, value in logs.items() if value not in (0.0, 1.0)), logs
    for model, weights in zip((gan.generator, gan.discriminator), before, strict=True):
        assert not all(map(np.array_equal, model.get_weights(), weights))
    for variable in (*gan.weights, *gan.sampling_generator.weights, *gan.optimizer.variables):
        assert "16" not in str(variable.dtype)
    layers = [*gan.generator._flatten_layers(), *gan.discriminator._flatten_layers()]
    assert any("16" in layer.compute_dtype for layer in layers)
    assert name == "own" or scores.dtype == "float32"
    assert gan.sample(2, seed=0).dtype == np.uint8


def test_the_average_moves_in_half_precision(half_precision):
    gan = linear_pair()
    gan.compile(ema=0.999)
    average = gan._choices.average
    gan.generator.weights[1].assign(np.ones(4))
    for _ in range(100):
        average.update(0.999)
    found = keras.ops.convert_to_numpy(gan.sampling_generator.weights[1])
    np.testing.assert_allclose(found, 1 - 0.999**100, rtol=1e-3)


def test_a_float32_score_is_not_rounded_in_the_generators_step(half_precision):
    generator = linear_pair().generator
    layer = keras.layers.Dense(1, kernel_initializer="ones", dtype="float32")
    layers = [keras.Input((2, 2, 1)), keras.layers.Flatten(), layer]
    gan = kerasgan.GAN(generator, keras.Sequential(layers), seed=0)
    optimizers = (keras.optimizers.SGD(0.0, name=name) for name in ("g", "d"))
    gan.compile(*optimizers)
    generator.weights[1].assign(np.ones(4))
    layer.kernel.assign(np.full((4, 1), 1.003))
    images = pictures(4, gan)
    in_its_own = gan.train_discriminator_on_batch(images)["d_fake"]
    assert in_its_own == pytest.approx(4.012, abs=1e-5)
    assert gan.train_generator_on_batch(images)["d_fake"] == pytest.approx(in_its_own, abs=1e-5)


def test_a_penalty_in_half_precision(half_precision):
    gan = kerasgan.build_wgan_gp((16, 16, 1), latent_dim=3, filters=2)
    logs = gan.train_on_batch(pictures(3, gan))
    assert math.isfinite(logs["penalty"]) and math.isfinite(logs["loss"])


def test_optimizers_in_half_precision_are_written_for_every_backend(half_precision):
    gan = linear_pair()
    config = gan.get_compile_config()["g_optimizer"]
    inner = config["config"].get("inner_optimizer", config)  # float16 has one around it
    assert inner["module"] == "keras.optimizers" and inner["class_name"] == "SGD"


def test_an_optimizer_in_use_may_be_given_again_in_half_precision(half_precision):
    gan = linear_pair()
    optimizer = keras.optimizers.SGD(0.1)
    for _ in range(2):
        gan.compile(g_optimizer=optimizer)
        gan.train_on_batch(pictures(4, gan))
    assert int(optimizer.iterations) == 2
