import math
import random

import keras
import numpy as np
import pytest
from models import MODELS, dense_pair, linear_pair, own_pair, pictures, same, values

import kerasgan
from kerasgan import losses
from kerasgan.settings import UPDATES

REAL = keras.ops.convert_to_tensor([[2.0], [0.0]])
FAKE = keras.ops.convert_to_tensor([[-1.0], [4.0]])


def softplus(x):
    return math.log1p(math.exp(x))


# By hand from the formulas: (generator's, discriminator's) for the scores above.
CROSS_ENTROPY = (softplus(-2) + softplus(0)) / 2 + (softplus(-1) + softplus(4)) / 2
VALUES = {
    "hinge": (-(-1 + 4) / 2, (0 + 1) / 2 + (0 + 5) / 2),
    "least_squares": ((4 + 9) / 2, (1 + 1) / 2 + (1 + 16) / 2),
    "minimax": (-(softplus(-1) + softplus(4)) / 2, CROSS_ENTROPY),
    "non_saturating": ((softplus(1) + softplus(-4)) / 2, CROSS_ENTROPY),
    # Means of 1 and 1.5: real scores are 0.5 and -1.5 above the average fake one.
    "relativistic_average": (
        (softplus(2) + softplus(-3)) / 2 + (softplus(0.5) + softplus(-1.5)) / 2,
        (softplus(-0.5) + softplus(1.5)) / 2 + (softplus(-2) + softplus(3)) / 2,
    ),
    # Real scores are 3 above and 4 below those of their partners.
    "relativistic_paired": ((softplus(3) + softplus(-4)) / 2, (softplus(-3) + softplus(4)) / 2),
    # Margins of 0.85 and 0.95.
    "soft_hinge": (-(-1 + 4) / 2, (0 + 0.95) / 2 + (0 + 4.95) / 2),
    "wasserstein": (-(-1 + 4) / 2, (-1 + 4) / 2 - (2 + 0) / 2),
}
SMOOTHABLE = ["least_squares", "non_saturating", "relativistic_average", "relativistic_paired"]


def number(tensor):
    return float(keras.ops.convert_to_numpy(tensor))


@pytest.mark.parametrize("name", losses.LOSSES)
def test_values_by_hand(name):
    generator, discriminator = losses.resolve(name)
    assert number(generator(REAL, FAKE)) == pytest.approx(VALUES[name][0], rel=1e-6)
    assert number(discriminator(REAL, FAKE)) == pytest.approx(VALUES[name][1], rel=1e-6)
    if losses.needs(discriminator, "real"):
        return
    # The halves of a separate update are the whole.
    halves = number(discriminator(REAL, None)) + number(discriminator(None, FAKE))
    assert halves == pytest.approx(VALUES[name][1], rel=1e-6)


@pytest.mark.parametrize("name", losses.LOSSES)
def test_extreme_scores_are_finite(name):
    scores = keras.ops.convert_to_tensor([[-1e4], [1e4]])
    for function in losses.resolve(name):
        assert math.isfinite(number(function(scores, scores)))


def test_label_smoothing_is_one_sided():
    _, discriminator = losses.resolve("non_saturating", 0.1)
    # Cross-entropy against a target of 0.9 for real and 0 for fake.
    real = sum(0.9 * softplus(-s) + 0.1 * softplus(s) for s in (2, 0)) / 2
    fake = (softplus(-1) + softplus(4)) / 2
    assert number(discriminator(REAL, FAKE)) == pytest.approx(real + fake, rel=1e-6)
    _, discriminator = losses.resolve("relativistic_average", 0.1)
    real = sum(0.9 * softplus(-s) + 0.1 * softplus(s) for s in (0.5, -1.5)) / 2
    fake = (softplus(-2) + softplus(3)) / 2
    assert number(discriminator(REAL, FAKE)) == pytest.approx(real + fake, rel=1e-6)
    _, discriminator = losses.resolve("relativistic_paired", 0.1)
    paired = sum(0.9 * softplus(-s) + 0.1 * softplus(s) for s in (3, -4)) / 2
    assert number(discriminator(REAL, FAKE)) == pytest.approx(paired, rel=1e-6)
    _, discriminator = losses.resolve("least_squares", 0.1)
    expected = (1.1**2 + 0.9**2) / 2 + (1 + 16) / 2
    assert number(discriminator(REAL, FAKE)) == pytest.approx(expected, rel=1e-6)


def test_needs():
    assert not losses.needs(losses.non_saturating_generator, "real")
    assert losses.needs(losses.relativistic_average_generator, "real")
    assert losses.needs(lambda real_scores, fake_scores: 0, "real")
    assert losses.needs(lambda real, fake=None: 0, "real")
    assert not losses.needs(lambda real, fake=None: 0, "fake")


@pytest.mark.parametrize("update", ["joint", "concatenated", "separate"])
def test_what_a_step_reports_is_the_loss_by_hand(update):
    gan = linear_pair()
    gan.compile(
        update=update,
        g_optimizer=keras.optimizers.SGD(0.0),
        d_optimizer=keras.optimizers.SGD(0.0),
    )
    # Scores are 2 * mean + 0.5: 1.5 for real images of 0.5, 0.5 for the generator's zeros.
    logs = gan.train_on_batch(np.full((3, 2, 2, 1), 0.5, "float32"))
    assert logs["d_real"] == pytest.approx(1.5, rel=1e-6)
    assert logs["d_fake"] == pytest.approx(0.5, rel=1e-6)
    assert logs["d_loss"] == pytest.approx(softplus(-1.5) + softplus(0.5), rel=1e-6)
    assert logs["g_loss"] == pytest.approx(softplus(-0.5), rel=1e-6)
    assert logs["loss"] == logs["d_loss"] + logs["g_loss"]
    assert all(type(value) is float for value in logs.values())


def test_uint8_is_converted_inside():
    gan = linear_pair()
    gan.compile(d_optimizer=keras.optimizers.SGD(0.0))
    logs = gan.train_discriminator_on_batch(np.full((3, 2, 2, 1), 255, "uint8"))
    assert logs["d_real"] == pytest.approx(2.5, rel=1e-6)
    logs = gan.train_discriminator_on_batch(np.full((3, 2, 2, 1), 51, "uint8"))
    assert logs["d_real"] == pytest.approx(2 * -0.6 + 0.5, rel=1e-5)


@pytest.mark.parametrize("update", ["joint", "concatenated", "separate"])
def test_a_pair_of_ones_own_sees_both_sides(update):
    def generator(real_scores, fake_scores):
        return keras.ops.mean(real_scores - fake_scores)

    def discriminator(real_scores, fake_scores):
        return keras.ops.mean(fake_scores - real_scores)

    gan = linear_pair()
    gan.compile(loss=(generator, discriminator), update=update, discriminator_steps=2)
    gan.compile(d_optimizer=keras.optimizers.SGD(0.0))
    logs = gan.train_on_batch(np.full((3, 2, 2, 1), 0.5, "float32"))
    assert logs["d_loss"] == pytest.approx(-1.0, rel=1e-6)
    assert logs["g_loss"] == pytest.approx(1.0, rel=1e-6)
    with pytest.raises(ValueError, match="train_generator_on_batch"):
        gan.combined.train_on_batch(np.zeros((3, 2), "float32"))


def test_two_columns_are_the_softmax_over_fake_and_real():
    discriminator = keras.Sequential(
        [
            keras.Input((2, 2, 1)),
            keras.layers.Flatten(),
            keras.layers.Dense(
                2, kernel_initializer="zeros", bias_initializer=_Columns([0.5, 2.0])
            ),
        ]
    )
    gan = kerasgan.GAN(linear_pair().generator, discriminator, seed=0)
    logs = gan.train_discriminator_on_batch(np.zeros((3, 2, 2, 1), "float32"))
    real = math.exp(2.0) / (math.exp(2.0) + math.exp(0.5))
    assert logs["d_real"] == pytest.approx(real, rel=1e-5)
    assert logs["d_fake"] == pytest.approx(real, rel=1e-5)
    assert logs["d_loss"] == pytest.approx(-math.log(real) - math.log(1 - real), rel=1e-5)


class _Columns(keras.initializers.Initializer):
    def __init__(self, numbers):
        self.numbers = numbers

    def __call__(self, shape, dtype=None):
        return keras.ops.convert_to_tensor(self.numbers, dtype=dtype)


@pytest.mark.parametrize(
    "loss", ["hinges", "gradient_penalty", (1, 2), ("non_saturating", "minimax"), 3]
)
def test_unknown_losses_are_refused(loss):
    with pytest.raises(ValueError, match="`loss` must be one of .*Received: loss="):
        own_pair().compile(loss=loss)


def test_smoothing_a_loss_that_cannot_be_is_refused():
    pair = (losses.minimax_generator, lambda real, fake: keras.ops.mean(fake - real))
    with pytest.raises(ValueError, match="`label_smoothing` must be 0"):
        own_pair().compile(loss=pair, label_smoothing=0.1)


@pytest.mark.parametrize(
    ("name", "update"),
    [*((name, "joint") for name in losses.LOSSES), ("relativistic_average", "separate")],
)
def test_every_loss_trains_with_two_rates_several_steps_and_smoothing(name, update):
    gan = dense_pair()
    gan.compile(
        loss=name,
        label_smoothing=0.1 if name in SMOOTHABLE else 0.0,
        update=update,
        discriminator_steps=2,
        g_optimizer=keras.optimizers.Adam(1e-4),
        d_optimizer=keras.optimizers.Adam(4e-4),
    )
    logs = [gan.train_on_batch(pictures(4, gan)) for _ in range(2)]
    assert all(math.isfinite(value) for value in logs[-1].values())
    d_optimizers = gan.d_optimizer if update == "separate" else [gan.d_optimizer]
    assert [float(optimizer.iterations) for optimizer in d_optimizers] == [4] * len(d_optimizers)
    assert float(gan.g_optimizer.iterations) == 2


@pytest.mark.parametrize("name", sorted(losses.LOSSES.keys() - set(SMOOTHABLE)))
def test_losses_without_targets_cannot_be_smoothed(name):
    if name == "minimax":
        own_pair().compile(loss=name, label_smoothing=0.1)
        return
    with pytest.raises(ValueError, match="`label_smoothing` must be 0"):
        own_pair().compile(loss=name, label_smoothing=0.1)


# Penalties


def nothing(real_scores=None, fake_scores=None):
    given = [scores for scores in (real_scores, fake_scores) if scores is not None]
    return 0.0 * sum(map(keras.ops.mean, given))


def sum_pair(factor, penalty, rate=1.0, **settings):
    """A discriminator that says `factor * sum(image)` and learns from a penalty alone."""
    discriminator = keras.Sequential(
        [
            keras.Input((2, 2, 1)),
            keras.layers.Flatten(),
            keras.layers.Dense(
                1, use_bias=False, kernel_initializer=keras.initializers.Constant(factor)
            ),
        ]
    )
    gan = kerasgan.GAN(linear_pair().generator, discriminator, seed=0)
    gan.compile(
        loss=(nothing, nothing),
        penalty=penalty,
        d_optimizer=keras.optimizers.SGD(rate),
        **settings,
    )
    return gan


@keras.saving.register_keras_serializable(package="tests")
def noise_penalty(score, real_images, fake_images, seed):
    return keras.random.normal((), seed=seed)


IMAGES = np.random.default_rng(0).uniform(-1, 1, (3, 2, 2, 1)).astype("float32")
JIT = [False] if keras.config.backend() == "torch" else [False, True]


@pytest.mark.parametrize(
    ("penalty", "value", "slope"),
    [
        # The gradient is `factor` at each of 4 pixels: its length is 2 * factor, here 6.
        ({"gradient_penalty": 1.0}, (6 - 1) ** 2, 2 * (6 - 1) / 2),
        ({"dragan": 1.0}, (6 - 1) ** 2, 2 * (6 - 1) / 2),
        ({"r1": 1.0}, 36 / 2, 3.0),
        ({"r2": 1.0}, 36 / 2, 3.0),
        ({"r1": 2.0, "r2": 0.5}, 2.5 * 36 / 2, 2.5 * 3.0),
        ("gradient_penalty", 10 * 25, 10 * 5.0),
    ],
)
def test_penalties_by_hand(penalty, value, slope):
    gan = sum_pair(3.0, penalty, rate=1.0)
    logs = gan.train_discriminator_on_batch(IMAGES)
    assert logs["penalty"] == pytest.approx(value, rel=1e-5)
    assert logs["d_loss"] == pytest.approx(value, rel=1e-5)
    kernel = values(gan.discriminator)[0].ravel()
    np.testing.assert_allclose(kernel, 3.0 - slope, rtol=1e-4)


@pytest.mark.parametrize("update", UPDATES)
def test_lazy_penalties_by_hand(tmp_path, update):
    gan = sum_pair(3.0, {"r1": 0.1, "dragan": 0.0}, update=update, penalty_every=3)
    kernel = 3.0
    for step in range(6):
        logs = gan.train_on_batch(IMAGES)
        is_due = step % 3 == 2
        assert logs["penalty"] == pytest.approx(3 * 0.1 * 4 * kernel**2 / 2 * is_due, rel=1e-5)
        kernel -= 3 * 0.1 * kernel * is_due
        np.testing.assert_allclose(values(gan.discriminator)[0], kernel, rtol=1e-5)
        if step == 3:  # the count is saved
            gan.save(tmp_path / "gan.keras")
            gan = keras.models.load_model(tmp_path / "gan.keras", {"nothing": nothing})


def test_the_noise_of_lazy_penalties_changes():
    gan = sum_pair(0.0, noise_penalty, penalty_every=2)
    found = [gan.train_on_batch(IMAGES)["penalty"] for _ in range(6)]
    assert found[::2] == [0.0, 0.0, 0.0] and len(set(found[1::2])) == 3
    # Updates that have no penalty do not count.
    found = []
    for _ in range(4):
        assert "penalty" not in gan.train_discriminator_on_batch(IMAGES, "real")
        found.append(gan.train_discriminator_on_batch(IMAGES, "fake")["penalty"])
    assert found[::2] == [0.0, 0.0] and found[1] != found[3]


def test_a_lazy_penalty_must_not_have_noise_of_its_own():
    own = keras.random.SeedGenerator(0)

    def penalty(score, real_images, fake_images, seed):
        return keras.random.normal((), seed=own)

    gan = sum_pair(0.0, penalty, penalty_every=1)
    gan.compile(penalty_every=2)
    with pytest.raises(ValueError, match="must not assign variables of their own"):
        for _ in range(2):
            gan.train_on_batch(IMAGES)


def test_penalties_are_taken_where_they_say(monkeypatch):
    rng = np.random.default_rng(0)
    real = rng.uniform(1.0, 2.0, (2000, 2, 2, 1)).astype("float32")
    fake = rng.uniform(-3.0, -1.0, (2000, 2, 2, 1)).astype("float32")
    places = []

    def input_gradient(score, images):
        places.append(keras.ops.convert_to_numpy(images))
        return losses_gradient(score, images)

    losses_gradient = losses.input_gradient
    monkeypatch.setattr(losses, "input_gradient", input_gradient)

    def found(penalty):
        """Its value and where it looked, for a score whose gradient is the image itself."""
        value = penalty(
            lambda images: keras.ops.sum(keras.ops.square(images), axis=(1, 2, 3)) / 2.0,
            *map(keras.ops.convert_to_tensor, (real, fake)),
            keras.random.SeedGenerator(0),
        )
        return number(value), places.pop()

    def norms(images):
        return np.sqrt(np.sum(np.square(images), axis=(1, 2, 3)))

    for penalty, images in ((losses.r1_penalty, real), (losses.r2_penalty, fake)):
        value, place = found(penalty)
        np.testing.assert_array_equal(place, images)
        assert value == pytest.approx(np.mean(norms(images) ** 2) / 2, rel=1e-5)

    value, place = found(losses.gradient_penalty)
    assert value == pytest.approx(np.mean((norms(place) - 1) ** 2), rel=1e-5)
    share = ((place - fake) / (real - fake)).reshape(2000, 4)
    np.testing.assert_allclose(np.ptp(share, axis=1), 0.0, atol=1e-5)
    assert -1e-5 < share.min() < 0.01 and 0.99 < share.max() < 1 + 1e-5
    assert share.std() == pytest.approx(1 / math.sqrt(12), rel=0.05)

    value, place = found(losses.dragan_penalty)
    assert value == pytest.approx(np.mean((norms(place) - 1) ** 2), rel=1e-5)
    noise = (place - real) / (0.5 * real.std())
    # The product of two uniform numbers, of which one is the same for all of an image.
    assert -1e-5 < noise.min() and 0.9 < noise.max() < 1 + 1e-5
    assert noise.mean() == pytest.approx(1 / 4, rel=0.05)
    assert noise.std() == pytest.approx(math.sqrt(1 / 9 - 1 / 16), rel=0.05)
    assert noise.mean(axis=(1, 2, 3)).std() == pytest.approx(1 / 6, rel=0.05)


@pytest.mark.parametrize("penalty", losses.PENALTIES)
def test_a_flat_score_has_a_finite_penalty_and_gradient(penalty):
    gan = sum_pair(0.0, penalty)
    logs = gan.train_discriminator_on_batch(IMAGES)
    assert math.isfinite(logs["penalty"])
    assert np.isfinite(values(gan.discriminator)[0]).all()


@pytest.mark.parametrize("jit_compile", JIT)
@pytest.mark.parametrize("penalty", ["gradient_penalty", "r1"])
def test_weights_follow_the_slope_of_the_penalty(penalty, jit_compile):
    """Against finite differences, through a network with a second derivative."""

    def build(weights, rate):
        discriminator = keras.Sequential(
            [
                keras.Input((4, 4, 1)),
                keras.layers.Conv2D(3, 3, strides=2, padding="same", activation="tanh"),
                keras.layers.AveragePooling2D(2),
                keras.layers.Flatten(),
                keras.layers.Dense(4, activation="softplus"),
                keras.layers.Dense(1, use_bias=False),
            ]
        )
        generator = keras.Sequential(
            [
                keras.Input((2,)),
                keras.layers.Dense(16, kernel_initializer="ones"),
                keras.layers.Reshape((4, 4, 1)),
            ]
        )
        discriminator.set_weights(weights)
        gan = kerasgan.GAN(generator, discriminator, seed=0)
        gan.compile(
            loss=(nothing, nothing),
            penalty={penalty: 1.0},
            d_optimizer=keras.optimizers.SGD(rate),
            jit_compile=jit_compile,
        )
        return gan

    rng = np.random.default_rng(1)
    shapes = [(3, 3, 1, 3), (3,), (3, 4), (4,), (4, 1)]
    weights = [rng.normal(0, 0.7, shape).astype("float32") for shape in shapes]
    images = rng.uniform(-1, 1, (3, 4, 4, 1)).astype("float32")
    gan = build(weights, rate=1.0)
    gan.train_discriminator_on_batch(images)
    after = values(gan.discriminator)
    slopes = [before - after for before, after in zip(weights, after, strict=True)]

    gan = build(weights, rate=0.0)
    start = {}
    gan.save_own_variables(start)  # every random state

    def penalty_at(weights):
        gan.discriminator.set_weights(weights)
        gan.load_own_variables(start)
        return gan.train_discriminator_on_batch(images)["penalty"]

    for index, shape in enumerate(shapes):
        direction = rng.normal(size=shape).astype("float32")
        ends = []
        for step in (0.01, -0.01):
            moved = [weight.copy() for weight in weights]
            moved[index] += step * direction
            ends.append(penalty_at(moved))
        expected = (ends[0] - ends[1]) / 0.02
        assert np.sum(slopes[index] * direction) == pytest.approx(expected, rel=0.02, abs=2e-3)


def test_a_penalty_writes_no_moving_statistics():
    statistics = []
    for penalty in (False, "gradient_penalty"):
        random.seed(0)
        gan = own_pair()
        gan.compile(penalty=penalty, d_optimizer=keras.optimizers.SGD(0.0))
        gan.train_discriminator_on_batch(pictures(4, gan))
        statistics.append(values(*gan.discriminator.non_trainable_variables[:2]))
    assert not np.array_equal(statistics[0][0], np.zeros_like(statistics[0][0]))
    assert same(*statistics)


@pytest.mark.parametrize("update", ["joint", "concatenated", "separate"])
def test_a_penalty_counts_once_and_can_be_turned_off(update):
    gan = sum_pair(3.0, {"r1": 1.0}, rate=0.0, update=update)
    logs = gan.train_on_batch(IMAGES)
    assert logs["penalty"] == logs["d_loss"] == pytest.approx(18.0, rel=1e-5)
    gan.compile(penalty=False)
    assert "penalty" not in gan.train_on_batch(IMAGES)


@pytest.mark.parametrize("name", ["flag_gan", "pacgan", "sagan"])
def test_a_penalty_goes_with_two_columns_packs_attention_and_spectral_norm(name):
    gan = MODELS[name][0]()
    gan.compile(loss="relativistic_paired", penalty="gradient_penalty", update="joint")
    before = values(gan.generator)
    logs = gan.train_discriminator_on_batch(pictures(4, gan))
    assert np.isfinite(logs["d_loss"]) and logs["penalty"] > 0
    assert same(values(gan.generator), before)


@pytest.mark.parametrize("update", UPDATES)
def test_a_penalty_leaves_the_models_own_regularisation_alone(update):
    d_losses = []
    for penalty in (False, {"r1": 0.0}):
        layer = keras.layers.Dense(
            3,
            kernel_initializer="zeros",
            bias_initializer="ones",
            activity_regularizer=keras.regularizers.L2(1.0),
        )
        discriminator = keras.Sequential(
            [keras.Input((2, 2, 1)), keras.layers.Flatten(), layer, keras.layers.Dense(1)]
        )
        gan = kerasgan.GAN(linear_pair().generator, discriminator, seed=0)
        gan.compile(
            loss=(nothing, nothing),
            penalty=penalty,
            update=update,
            d_optimizer=keras.optimizers.SGD(0.0),
        )
        d_losses.append(gan.train_discriminator_on_batch(IMAGES)["d_loss"])
    # Three units of activity 1. (Keras counts them in each pass of a joint update, on JAX once.)
    assert d_losses[0] == d_losses[1] >= 3.0


def test_a_penalty_of_ones_own():
    def penalty(score, real_images, fake_images, seed):
        noise = keras.random.uniform((), seed=seed)
        return keras.ops.mean(score(real_images) - score(fake_images)) + 0.0 * noise

    gan = sum_pair(1.0, penalty, rate=0.0)
    logs = gan.train_discriminator_on_batch(np.ones((3, 2, 2, 1), "float32"))
    assert logs["penalty"] == pytest.approx(4.0, rel=1e-6)


@pytest.mark.parametrize(
    "penalty",
    [
        "r3",
        {"r1": -1.0},
        {"r1": "5"},
        {"r1": True},
        {"r1": np.inf},
        {},
        {"clip": 1.0},
        10.0,
        ["r1"],
    ],
)
def test_unknown_penalties_are_refused(penalty):
    with pytest.raises(ValueError, match=r"`penalty(\['r1'\])?` must"):
        own_pair().compile(penalty=penalty)


def test_a_weight_clip_holds_after_every_update():
    clip = losses.WeightClip(0.01)
    layer = keras.layers.Dense(1, kernel_constraint=clip, bias_constraint=clip)
    discriminator = keras.Sequential([keras.Input((2, 2, 1)), keras.layers.Flatten(), layer])
    gan = kerasgan.GAN(linear_pair().generator, discriminator, seed=0)
    gan.compile(loss="wasserstein", d_optimizer=keras.optimizers.RMSprop(0.5))
    gan.train_discriminator_on_batch(IMAGES)
    weights = np.concatenate([weight.ravel() for weight in values(gan.discriminator)])
    assert np.abs(weights).max() == pytest.approx(0.01)


@pytest.mark.parametrize("limit", [0, -1.0, "a", None, True, math.nan])
def test_what_cannot_limit_weights_is_refused(limit):
    with pytest.raises(
        ValueError, match="^`limit` must be a finite number above 0. Received: limit="
    ):
        losses.WeightClip(limit)


# Auxiliary losses


def two_headed():
    images = keras.Input((2, 2, 1))
    x = keras.layers.Flatten()(images)
    score = keras.layers.Dense(1, kernel_initializer="zeros")(x)
    mean = keras.layers.Dense(1, kernel_initializer="ones", use_bias=False)(x)
    gan = kerasgan.GAN(linear_pair().generator, keras.Model(images, [score, mean]), seed=0)
    gan.compile(
        g_optimizer=keras.optimizers.SGD(0.0),
        d_optimizer=keras.optimizers.SGD(0.1),
        loss=(nothing, nothing),
    )
    return gan


@pytest.mark.parametrize("update", ["joint", "concatenated", "separate"])
def test_an_auxiliary_loss_counts_on_both_sides(update):
    def sums_loss(inputs, real_outputs, fake_outputs):
        assert inputs["latents"].shape == (3, 2)
        outputs = [outputs[1] for outputs in (real_outputs, fake_outputs) if outputs is not None]
        return sum(keras.ops.mean(keras.ops.square(output)) for output in outputs)

    gan = two_headed()
    gan.compile(auxiliary_loss=sums_loss, update=update)
    logs = gan.train_on_batch(np.full((3, 2, 2, 1), 0.5, "float32"))
    # Real images sum to 2, the generator's to 0.
    assert logs["d_loss"] == pytest.approx(4.0, rel=1e-6)
    assert logs["g_loss"] == pytest.approx(0.0, abs=1e-6)
    # d(4 * w^2) / dw at each pixel: 2 * 2 * 0.5, times the rate.
    np.testing.assert_allclose(values(gan.discriminator)[-1].ravel(), 1 - 0.1 * 2.0, rtol=1e-5)
    assert logs["sums_loss"] == logs["d_loss"]
    gan.compile(auxiliary_loss=False)
    assert gan.get_compile_config()["auxiliary_loss"] is None


def test_what_is_no_auxiliary_loss_is_refused():
    with pytest.raises(ValueError, match="`auxiliary_loss` must be a function"):
        two_headed().compile(auxiliary_loss="code")


@pytest.mark.parametrize("name", ["d_loss", "penalty"])
def test_an_auxiliary_loss_must_not_hide_another_term(name):
    def loss(inputs, real_outputs, fake_outputs):
        return 0.0

    loss.__name__ = name
    with pytest.raises(ValueError, match="`auxiliary_loss` must have a name other than"):
        own_pair().compile(auxiliary_loss=loss)
