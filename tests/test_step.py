"""One step in one call: what it equals, how often it is compiled, and when its losses are read."""

import contextlib
import json
import random
import warnings

import keras
import numpy as np
import pytest
from models import MODELS, linear_pair, own_pair, pictures, same, state, values

import kerasgan
from kerasgan.logs import Logs


def copy_of(gan, path):
    gan.save(path)
    return keras.models.load_model(path)


@pytest.mark.parametrize("steps", [1, 2])
@pytest.mark.parametrize("penalty", [False, "r1"])
def test_discriminator_steps_and_pairs_of_updates(tmp_path, own, steps, penalty):
    own.compile(discriminator_steps=steps, ema=0.9, augment="translation", penalty=penalty)
    in_turn = copy_of(own, tmp_path / "gan.keras")
    for seed in range(2):
        images = pictures(4, own, seed)
        own.train_on_batch(images)
        for _ in range(steps):
            in_turn.train_discriminator_on_batch(images)
        in_turn.train_generator_on_batch(images)
    assert same(state(own), state(in_turn))


@pytest.mark.parametrize(
    ("loss", "penalty"),
    [
        ("non_saturating", False),
        ("wasserstein", {"r1": 1.0, "r2": 1.0}),
        ("relativistic_average", {"r1": 1.0}),
    ],
)
def test_simultaneous_updates_have_the_gradients_of_two_separate_ones(tmp_path, loss, penalty):
    gan = own_pair(dropout=0.0)
    # Of plain descent at a rate of 1 the change of a weight is its gradient.
    rates = {"g_optimizer": keras.optimizers.SGD(1.0), "d_optimizer": keras.optimizers.SGD(1.0)}
    gan.compile(loss=loss, penalty=penalty, update="simultaneous", **rates)
    paths = [tmp_path / name for name in ("d.keras", "g.keras")]
    alone = [copy_of(gan, path) for path in paths]
    images = pictures(6, gan)
    logs = gan.train_on_batch(images)
    d_logs = alone[0].train_discriminator_on_batch(images)
    g_logs = alone[1].train_generator_on_batch(images)
    assert logs["d_loss"] == pytest.approx(d_logs["d_loss"], rel=1e-5)
    assert logs["g_loss"] == pytest.approx(g_logs["g_loss"], rel=1e-5)
    for ours, expected in (
        (gan.discriminator, alone[0].discriminator),
        (gan.generator, alone[1].generator),
    ):
        for found, wanted in zip(values(ours), values(expected), strict=True):
            np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-6)


def test_simultaneous_updates_by_hand():
    # Scores are 2 * mean(image) + 0.5; fakes are 0, reals 1.
    gan = linear_pair()
    gan.compile(loss="wasserstein", update="simultaneous")
    logs = gan.train_on_batch(np.ones((3, 2, 2, 1), "float32"))
    assert logs["d_real"] == 2.5 and logs["d_fake"] == 0.5
    # The discriminator's kernel of 1/2 grows by mean(real) - mean(fake) = 1 in each pixel, and
    # the generator's biases by the kernel as it was before.
    kernel, bias = (keras.ops.convert_to_numpy(w) for w in gan.discriminator.weights)
    np.testing.assert_allclose(kernel, 1.5)
    np.testing.assert_allclose(bias, 0.5)
    np.testing.assert_allclose(keras.ops.convert_to_numpy(gan.generator.weights[1]), 0.5)


class Calls(keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.seen = []

    def on_train_batch_end(self, batch, logs=None):
        self.seen.append((batch, self.model.step, dict(logs)))


@pytest.mark.parametrize("steps", [1, 2])
def test_several_steps_in_one_call_are_the_same_steps(tmp_path, own, steps):
    own.compile(discriminator_steps=steps, ema=0.9)
    several = copy_of(own, tmp_path / "gan.keras")
    several.compile(steps_per_execution=3)
    images = pictures(22, own)
    images = [images[first : first + 4] for first in range(0, 22, 4)]  # the last batch is short
    one_by_one, at_once = Calls(), Calls()
    histories = [
        gan.fit(images, epochs=2, callbacks=[calls], verbose=0).history
        for gan, calls in ((own, one_by_one), (several, at_once))
    ]
    for ours, expected in zip(state(several), state(own), strict=True):
        # On JAX a loop is compiled with other roundings than its body alone.
        np.testing.assert_allclose(ours, expected, rtol=1e-4, atol=1e-5)
    for name, means in histories[0].items():
        assert histories[1][name] == pytest.approx(means, rel=1e-5)
    # Five whole batches make calls of three and of two steps; the short one stands alone.
    assert [step for _, step, _ in at_once.seen] == (
        [3, 5, 6, 9, 11, 12] if steps == 1 else [2, 3, 5, 6]
    )
    first = np.mean([logs["d_loss"] for _, _, logs in one_by_one.seen[: at_once.seen[0][1]]])
    assert at_once.seen[0][2]["d_loss"] == pytest.approx(first, rel=1e-5)


def test_several_steps_in_one_call_end_where_they_should(own):
    own.compile(steps_per_execution=4)
    images = pictures(40, own)
    own.fit(images, batch_size=4, steps=6, verbose=0)
    assert own.step == 6 and own.progress.batch == 6
    own.fit(images, batch_size=4, steps_per_epoch=3, epochs=2, verbose=0)
    assert own.step == 12 and own.progress.batch == 2 and own.progress.passes == 1


def test_schedules_count_steps_on_both_sides(tmp_path, own):
    decay = keras.optimizers.schedules.PiecewiseConstantDecay
    schedule = decay([0, 1], [1e-3, 1e-4, 1e-5])
    own.compile(
        g_optimizer=keras.optimizers.Adam(schedule),
        d_optimizer=keras.optimizers.Adam(schedule),
        discriminator_steps=3,
    )
    for gan in (own, copy_of(own, tmp_path / "gan.keras")):
        own.train_discriminator_on_batch(pictures(2, own))
        found = []
        for _ in range(3):
            rates = [float(o.learning_rate) for o in (gan.g_optimizer, gan.d_optimizer)]
            found.append(rates)
            gan.train_on_batch(pictures(2, gan))
        expected = [[rate, rate] for rate in (1e-3, 1e-4, 1e-5)]
        np.testing.assert_allclose(found, expected, rtol=1e-6)


@pytest.mark.parametrize("schedules", [1, 2])
def test_a_schedule_may_take_the_place_of_a_rate(own, schedules):
    own.train_on_batch(pictures(2, own))
    decay = keras.optimizers.schedules.PiecewiseConstantDecay
    for rate in (1.0, 0.5)[:schedules]:
        own.g_optimizer.learning_rate = decay([own.step], [rate, 0.0])
        before = values(*own.generator.trainable_variables)
        own.train_on_batch(pictures(2, own))
        assert not same(values(*own.generator.trainable_variables), before)
    before = values(*own.generator.trainable_variables)
    own.train_on_batch(pictures(2, own))
    assert same(values(*own.generator.trainable_variables), before)


def test_latents_do_not_repeat_the_order_of_the_data(own):
    """Both come from the seed and a count."""
    drawn = []

    def noted(shape, seed):
        drawn.append(seed)
        return np.zeros(shape, "float32")

    own.latents = noted
    drawn.clear()  # of the check
    own.train_generator_on_batch(pictures(2, own))
    orders = [int(np.random.default_rng((own.seed, index)).integers(2**31)) for index in range(9)]
    assert len(set(drawn)) == len(drawn) > 0 and not set(drawn) & set(orders)


def test_a_builder_and_a_loader_compile_once(tmp_path, monkeypatch):
    compiled = []
    original = kerasgan.GAN.compile

    def compile(self, *args, **kwargs):
        compiled.append(self.name)
        return original(self, *args, **kwargs)

    monkeypatch.setattr(kerasgan.GAN, "compile", compile)
    gan = kerasgan.build_wgan_gp((16, 16, 1), filters=2)
    assert len(compiled) == 1
    copy_of(gan, tmp_path / "gan.keras")
    assert len(compiled) == 2


@pytest.mark.parametrize("augment", ["color,translation", "ada"])
def test_a_change_of_one_setting_leaves_the_noise_of_the_others(tmp_path, own, augment):
    own.compile(augment=augment, penalty="dragan")
    if augment == "ada":
        own.augment.probability.assign(0.5)
    own.train_on_batch(pictures(4, own))
    other = copy_of(own, tmp_path / "gan.keras")
    other.compile(ema=0.9)
    for gan in (own, other):
        gan.train_on_batch(pictures(4, gan))
    assert same(
        values(own.generator, own.discriminator), values(other.generator, other.discriminator)
    )


def test_logs_are_read_once_and_late():
    class Values:
        reads = 0

        def __array__(self, dtype=None, copy=None):
            self.reads += 1
            return np.array([[1.0, 2.0], [3.0, 4.0]], "float32")

    tensor = Values()
    logs = Logs(("d_loss", "g_loss"), tensor)
    assert len(logs) == 2 and bool(logs) and tensor.reads == 0
    assert dict(logs) == {"d_loss": 2.0, "g_loss": 3.0} and tensor.reads == 1
    logs["frechet_distance"] = 5.0
    assert set(logs) == {"d_loss", "g_loss", "frechet_distance"} and tensor.reads == 1
    assert "frechet_distance" not in logs.as_reported()
    assert isinstance(logs, dict) and json.loads(json.dumps(logs)) == logs
    for read in (
        lambda logs: logs | {},
        lambda logs: {} | logs,
        lambda logs: {**logs},
        lambda logs: dict(logs),
        lambda logs: dict(zip(logs.keys(), logs.values(), strict=True)),
        lambda logs: logs.copy(),
        lambda logs: json.loads(json.dumps(logs)),
    ):
        assert read(Logs(("d_loss", "g_loss"), tensor)) == {"d_loss": 2.0, "g_loss": 3.0}


def test_what_can_be_done_with_a_gan_is_said(own):
    for method in (own.evaluate, own.test_on_batch):
        with pytest.raises(NotImplementedError, match="kerasgan.metrics.Evaluator"):
            method(pictures(4, own))
    own.train_on_batch(pictures(4, own))


@pytest.mark.skipif(keras.config.backend() != "jax", reason="elsewhere it is kept")
def test_state_that_jax_would_lose_is_refused(own):
    seeds = keras.random.SeedGenerator(0)
    own.compile(augment=lambda x: x + keras.random.normal(x.shape, seed=seeds))
    with pytest.raises(ValueError, match="must not assign variables of their own on JAX"):
        own.train_on_batch(pictures(4, own))
    own.compile(augment=keras.layers.GaussianNoise(0.1, seed=0))
    own.train_on_batch(pictures(4, own))


def test_batches_of_many_sizes_stay_cheap():
    gan, alone, traces = linear_pair(), linear_pair(), []

    def counted(real_scores, fake_scores):
        traces.append(fake_scores.shape[0])
        return keras.ops.mean(fake_scores) - keras.ops.mean(real_scores)

    gan.compile(loss=(kerasgan.losses.wasserstein_generator, counted))
    is_jax = keras.config.backend() == "jax"
    with pytest.warns(UserWarning) if is_jax else contextlib.nullcontext() as caught:
        for size in [3, 2, 5, 4, 7, 6, 9, 8]:
            images = pictures(size, gan, seed=size)
            logs = gan.train_on_batch(images)
            alone.compile(loss="wasserstein")  # anew for this size
            expected = alone.train_on_batch(images)
            for name in ("d_loss", "g_loss"):
                assert logs[name] == pytest.approx(expected[name])
    if is_jax:
        (warning,) = caught
        assert "the 5th batch size. JAX compiles a step for each size" in str(warning.message)
    if keras.config.backend() == "tensorflow":
        # Four sizes, then one more before any size will do.
        assert traces == [3, 2, 5, 4, 7, None]


def test_a_failed_step_leaves_no_trace(own):
    def broken(real_scores, fake_scores):
        raise RuntimeError("on purpose")

    own.compile(loss=(broken, broken))
    before = dict(vars(own.progress))
    with pytest.raises(RuntimeError, match="on purpose"):
        own.train_on_batch(pictures(4, own))
    assert vars(own.progress) == before


def test_one_side_alone_learns_from_its_images_only():
    gan = linear_pair()
    images = np.ones((3, 2, 2, 1), "float32")
    logs = gan.train_discriminator_on_batch(images, sides="fake")
    # Fakes are 0: their pixels move no kernel, the score's bias goes down by its sigmoid.
    kernel, bias = (keras.ops.convert_to_numpy(w) for w in gan.discriminator.weights)
    np.testing.assert_allclose(kernel, 0.5)
    np.testing.assert_allclose(bias, 0.5 - 1 / (1 + np.exp(-0.5)), rtol=1e-5)
    assert "d_real" not in logs and logs["d_loss"] == logs["d_loss_fake"]
    logs = gan.train_discriminator_on_batch(images, sides="real")
    assert "d_fake" not in logs and logs["d_loss"] == logs["d_loss_real"]
    assert float(keras.ops.convert_to_numpy(gan.discriminator.weights[0])[0, 0]) > 0.5
    with pytest.raises(ValueError, match="`sides` must be 'both', 'real' or 'fake'"):
        gan.train_discriminator_on_batch(images, sides="all")


@pytest.mark.skipif(keras.config.backend() != "torch", reason="only PyTorch records")
@pytest.mark.parametrize("name", ["dcgan", "infogan", "mnist_gan", "wgan"])
def test_a_recorded_step_is_the_step(tmp_path, monkeypatch, name):
    plain = MODELS[name][0]()
    plain.compile(ema=0.9, jit_compile=False)
    recorded = copy_of(plain, tmp_path / "gan.keras")
    recorded.compile(jit_compile="auto")
    monkeypatch.setattr("kerasgan.backend._torch.CALLS_BEFORE_RECORDING", 1)
    for seed, count in enumerate((4, 4, 3, 4, 3, 3)):
        if seed == 4:
            for gan in (plain, recorded):
                gan.g_optimizer.learning_rate = 0.5
        logs = [gan.train_on_batch(pictures(count, gan, seed)) for gan in (plain, recorded)]
        assert logs[0] == logs[1]
    assert same(state(plain), state(recorded))


@pytest.mark.skipif(keras.config.backend() != "torch", reason="only PyTorch records")
@pytest.mark.parametrize("name", ["own", "wgan_gp", "sgd"])
def test_a_step_that_cannot_be_recorded_runs_as_it_is(tmp_path, monkeypatch, name):
    plain = linear_pair() if name == "sgd" else MODELS[name][0]()
    plain.compile(jit_compile=False)
    other = copy_of(plain, tmp_path / "gan.keras")
    other.compile(jit_compile="auto")
    monkeypatch.setattr("kerasgan.backend._torch.CALLS_BEFORE_RECORDING", 1)
    for seed in range(3):
        for gan in (plain, other):
            gan.train_on_batch(pictures(4, gan, seed))
    assert same(state(plain), state(other))
    other.compile(jit_compile=True)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        other.train_on_batch(pictures(4, other))
    assert any("cannot be compiled on PyTorch" in str(warning.message) for warning in caught)


@pytest.mark.skipif(keras.config.backend() != "torch", reason="only PyTorch records")
def test_a_step_whose_shapes_depend_on_values_is_not_recorded(monkeypatch):
    monkeypatch.setattr("kerasgan.backend._torch.CALLS_BEFORE_RECORDING", 1)
    runs = []
    for jit_compile in ("auto", False):
        random.seed(0)
        gan = own_pair(dropout=0.0)
        gan.compile(
            auxiliary_loss=lambda inputs, real, fake: fake[fake > 0].sum(), jit_compile=jit_compile
        )
        runs.append([dict(gan.train_on_batch(pictures(4, gan, seed))) for seed in range(4)])
    assert runs[0] == runs[1]
