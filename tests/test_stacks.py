"""The toggle, in the cases that test_battery does not run over every model."""

import signal
import warnings

import keras
import numpy as np
import pytest
from models import flags, linear_pair, own_pair, pictures, same, state, values

import kerasgan
from kerasgan import latents
from kerasgan.settings import UPDATES


@pytest.mark.parametrize("update", UPDATES)
@pytest.mark.parametrize("augment", [False, "color,translation,cutout"])
def test_every_update_scheme_keeps_to_its_side(own, update, augment):
    own.compile(update=update, augment=augment, discriminator_steps=2, ema=0.9)
    generator = values(own.generator)
    own.train_discriminator_on_batch(pictures(4, own))
    assert same(values(own.generator), generator)
    discriminator = values(own.discriminator)
    own.train_generator_on_batch(pictures(4, own))
    assert same(values(own.discriminator), discriminator)
    assert not same(values(own.generator), generator)


def test_the_held_discriminator_normalises_with_batch_statistics(tmp_path):
    gan = own_pair(dropout=0.0)
    gan.train_on_batch(pictures(6, gan))
    gan.save(tmp_path / "gan.keras")
    copy = keras.models.load_model(tmp_path / "gan.keras")
    z = latents.draw("normal", (6, 4), np.random.default_rng((gan.seed, gan.progress.draws, 1)))
    scores = copy.discriminator(copy.generator(z, training=True), training=True)
    logs = gan.train_generator_on_batch(pictures(6, gan))
    expected = keras.ops.convert_to_numpy(scores).mean()
    assert logs["d_fake"] == pytest.approx(expected, abs=1e-5)


def test_the_held_generator_has_fresh_dropout_at_every_discriminator_update():
    generator = keras.Sequential(
        [
            keras.Input((1,)),
            keras.layers.Dense(64, kernel_initializer="zeros", bias_initializer="ones"),
            keras.layers.Dropout(0.5, seed=3),
            keras.layers.Reshape((8, 8, 1)),
        ]
    )
    discriminator = keras.Sequential(
        [keras.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(1)]
    )
    gan = kerasgan.GAN(generator, discriminator, seed=0)
    gan.compile(d_optimizer=keras.optimizers.SGD(0.0))
    images = np.zeros((1, 8, 8, 1), "uint8")
    scores = {gan.train_discriminator_on_batch(images)["d_fake"] for _ in range(5)}
    assert len(scores) == 5


def test_what_the_user_froze_stays_frozen(own):
    own.generator.layers[0].trainable = False
    own.discriminator.layers[0].trainable = False
    own.compile()
    frozen = values(own.generator.layers[0], own.discriminator.layers[0])
    free = values(own.generator.layers[-1], own.discriminator.layers[-1])
    for _ in range(3):
        own.train_on_batch(pictures(4, own))
    assert same(values(own.generator.layers[0], own.discriminator.layers[0]), frozen)
    assert not any(
        np.array_equal(a, b)
        for a, b in zip(
            values(own.generator.layers[-1], own.discriminator.layers[-1]), free, strict=True
        )
    )
    assert not own.generator.layers[0].trainable
    own.generator.layers[0].trainable = True
    own.compile()
    own.train_on_batch(pictures(4, own))
    assert not same(values(own.generator.layers[0]), frozen[:1])


def test_a_step_that_raises_leaves_everything_thawed(own):
    def broken(real_scores, fake_scores):
        raise RuntimeError("on purpose")

    found = flags(own)
    own.compile(loss=(broken, broken))
    for method in (own.train_generator_on_batch, own.train_discriminator_on_batch):
        with pytest.raises(RuntimeError, match="on purpose"):
            method(pictures(4, own))
        assert flags(own) == found
    own.compile(loss="non_saturating")
    assert own.train_on_batch(pictures(4, own))["loss"] > 0


def test_training_combined_oneself_changes_the_generator_only(own):
    discriminator = values(own.discriminator)
    generator = values(own.generator)
    z = np.random.default_rng(0).standard_normal((6, 4)).astype("float32")
    own.combined.train_on_batch(z)
    assert not same(values(own.generator), generator)
    generator = values(own.generator)
    own.combined.fit(z, batch_size=3, verbose=0)
    assert not same(values(own.generator), generator)
    assert same(values(own.discriminator), discriminator)
    assert own.combined.predict_on_batch(z).shape == (6, 1)
    assert all(v.trainable for v in own.discriminator.trainable_variables)


def test_an_average_is_no_parameter_of_combined(own):
    own.compile(ema=0.9)
    own.train_on_batch(pictures(2, own))
    both = own.generator.count_params() + own.discriminator.count_params()
    assert own.combined.count_params() == both


def test_a_confident_discriminator_still_teaches_the_generator():
    # A sigmoid at a score of -40 is 0 in float32; from the logit the gradient is -1.
    gan = linear_pair(bias=-40.0)
    gan.train_generator_on_batch(pictures(4, gan))
    bias = keras.ops.convert_to_numpy(gan.generator.layers[0].bias)
    # d(softplus(-score)) / d(pixel) = -1 * 2/4, by SGD with a rate of 1.
    np.testing.assert_allclose(bias, 0.5, rtol=1e-5)


def test_regularisers_of_the_trained_side_count(own):
    def rate_of(regularizer):
        discriminator = keras.Sequential(
            [
                keras.Input((2, 2, 1)),
                keras.layers.Flatten(),
                keras.layers.Dense(
                    1, kernel_initializer="ones", kernel_regularizer=regularizer, use_bias=False
                ),
            ]
        )
        gan = linear_pair()
        gan = kerasgan.GAN(gan.generator, discriminator, seed=0)
        images = np.zeros((3, 2, 2, 1), "float32")
        return gan.train_discriminator_on_batch(images)["d_loss"], (
            gan.train_generator_on_batch(images)["g_loss"]
        )

    with_it, without = rate_of(keras.regularizers.L2(0.25)), rate_of(None)
    assert with_it[0] - without[0] == pytest.approx(4 * 0.25, abs=1e-5)
    assert with_it[1] == pytest.approx(without[1], abs=1e-2)


def test_models_that_the_user_has_compiled_are_trained_as_well(tmp_path):
    gan, plain = own_pair(), own_pair()
    plain.save(tmp_path / "gan.keras")
    for model, compiled in ((gan, True), (plain, False)):
        model.load_weights(tmp_path / "gan.keras")
        if compiled:
            model.discriminator.compile("adam", "mse", metrics=["mae"])
            model.generator.compile("adam", "mse")
    gan.compile()
    images = pictures(4, gan)
    assert gan.train_on_batch(images) == plain.train_on_batch(images)


def test_freezing_after_compile_is_an_error_until_compiled_again(tmp_path, own):
    own.train_on_batch(pictures(4, own))
    own.discriminator.trainable = False
    for call in (own.train_on_batch, own.train_discriminator_on_batch):
        with pytest.raises(ValueError, match=r"`trainable` must stay .*Call gan.compile\(\)"):
            call(pictures(4, own))
    with pytest.raises(ValueError, match="`trainable` must stay"):
        own.save(tmp_path / "gan.keras")
    own.compile()
    with pytest.raises(ValueError, match="must have trainable weights"):
        own.train_on_batch(pictures(4, own))
    own.train_generator_on_batch(pictures(4, own))
    own.discriminator.trainable = True
    own.compile()
    before = values(*own.discriminator.trainable_variables)
    own.train_on_batch(pictures(4, own))
    assert not any(map(np.array_equal, before, values(*own.discriminator.trainable_variables)))


@pytest.mark.skipif(keras.backend.backend() == "torch", reason="PyTorch runs without compiling")
def test_steps_are_compiled_once_for_each_batch_size(own):
    traces = []

    def generator(real_scores=None, fake_scores=None):
        traces.append("generator")
        return -keras.ops.mean(fake_scores)

    def discriminator(real_scores, fake_scores):
        traces.append("discriminator")
        return keras.ops.mean(fake_scores) - keras.ops.mean(real_scores)

    own.compile(loss=(generator, discriminator))
    for count in (4, 3):
        own.train_on_batch(pictures(count, own))
    compiled = len(traces)
    for count in (4, 3, 4, 4, 3):
        own.train_on_batch(pictures(count, own))
    assert len(traces) == compiled > 0


def test_a_separate_update_counts_regularisers_once():
    d_losses = []
    for update in ("joint", "separate"):
        gan = linear_pair()
        kernel = keras.regularizers.L2(100.0)
        discriminator = keras.Sequential(
            [
                keras.Input((2, 2, 1)),
                keras.layers.Flatten(),
                keras.layers.Dense(1, kernel_initializer="ones", kernel_regularizer=kernel),
            ]
        )
        gan = kerasgan.GAN(gan.generator, discriminator, seed=0)
        gan.compile(update=update, d_optimizer=keras.optimizers.SGD(0.0))
        d_losses.append(gan.train_on_batch(np.zeros((2, 2, 2, 1), "float32"))["d_loss"])
    assert d_losses[0] == pytest.approx(d_losses[1], rel=1e-6)


def test_ctrl_c_in_a_step_waits_for_its_end(tmp_path, own):
    """On JAX a step is given the variables' values for good."""

    def interrupting(scores):
        signal.raise_signal(signal.SIGINT)
        return keras.ops.mean(scores)

    own.compile(loss=(lambda real, fake: interrupting(fake), lambda real, fake: 0.0 * fake + real))
    # Interrupted while it is traced, or run on PyTorch: in the middle of its work in any case.
    with pytest.raises(KeyboardInterrupt):
        own.train_on_batch(pictures(2, own))
    assert own.step == 1
    own.compile(loss="hinge")
    own.train_on_batch(pictures(2, own))
    own.save(tmp_path / "gan.keras")


class Interrupted(keras.layers.Layer):
    """Gets a Ctrl-C in the middle of its work, once it is armed."""

    is_armed = False

    def call(self, x):
        if self.is_armed:
            self.is_armed = False
            signal.raise_signal(signal.SIGINT)
        return x


def test_ctrl_c_in_inference_waits_for_its_end(own):
    """On JAX Keras gives the weights away for the length of the call."""
    layers = Interrupted(), Interrupted()
    gan = kerasgan.GAN(
        keras.Sequential([own.generator, layers[0]]),
        keras.Sequential([own.discriminator, layers[1]]),
        seed=0,
    )
    calls = (lambda: gan.sample(2), lambda: gan.score(pictures(2, gan)))
    for layer, call in zip(layers, calls, strict=True):
        layer.is_armed = True
        with pytest.raises(KeyboardInterrupt) as caught:
            call()
        # It came from the end, not from the layer.
        assert "call" not in [entry.name for entry in caught.traceback[-3:]]
    gan.train_on_batch(pictures(2, gan))


def test_what_cannot_be_done_leaves_the_gan_as_it_was(tmp_path, own):
    """On JAX Keras's own methods take the weights away before they look at their arguments."""
    latents, images = np.zeros((2, own.latent_dim), "float32"), pictures(2, own)
    own.combined.train_on_batch(latents)
    own.train_on_batch(images)
    before = state(own)
    for call in (
        lambda: own.combined.train_on_batch(latents[:, :1]),
        lambda: own.predict(latents[:, :1]),
        lambda: own.predict_on_batch(latents[:, :1]),
        lambda: own.evaluate(images),
        lambda: own.train_step(images),
        lambda: own.sample(2, latents=latents[:, :1]),
        lambda: own.score(images[..., :1]),
        lambda: own.train_on_batch(images[..., :1]),
    ):
        with pytest.raises((NotImplementedError, ValueError)):
            call()
        assert same(state(own), before)
    own.save(tmp_path / "gan.keras")
    own.train_on_batch(images)


def test_a_step_of_the_users_that_fails_takes_no_weights_away(own):
    """On JAX Keras would put those of the step of theirs before, which are gone."""
    latents, is_broken = np.zeros((3, own.latent_dim), "float32"), []

    def fragile(real_scores=None, fake_scores=None):
        if is_broken:
            raise RuntimeError("on purpose")
        return keras.ops.mean(fake_scores)

    own.compile(loss=(fragile, kerasgan.losses.hinge_discriminator))
    own.combined.train_on_batch(latents)
    own.train_on_batch(pictures(3, own))
    before = values(*own.generator.trainable_weights, *own.discriminator.trainable_weights)
    is_broken.append(True)
    with pytest.raises(RuntimeError, match="on purpose"):
        own.combined.train_on_batch(latents[:2])
    after = values(*own.generator.trainable_weights, *own.discriminator.trainable_weights)
    assert same(after, before)
    is_broken.clear()
    own.train_on_batch(pictures(3, own))


def test_nothing_is_trained_where_one_side_cannot_be(own):
    own.train_on_batch(pictures(2, own))
    before = state(own)
    own.generator.trainable = False
    with pytest.raises(ValueError, match="frozen or unfrozen since"):
        own.train_on_batch(pictures(2, own))
    own.generator.trainable = True
    assert same(state(own), before)


def test_a_step_from_the_same_state_gives_the_same_bits():
    """Of a loss that is linear in the scores, whose gradients need not wait for them.

    Without what `Stack.compute_loss` does about it, this fails in some processes on TensorFlow:
    weights are updated before the pass that reports `d_fake` has read them.
    """
    gan = kerasgan.build_wgan((16, 16, 1), latent_dim=8, filters=4)
    gan.compile(d_optimizer=keras.optimizers.SGD(0.01), discriminator_steps=1)
    gan.latents = zeros
    images = pictures(4, gan)
    start = values(gan.discriminator)
    seen = set()
    for _ in range(200):
        gan.discriminator.set_weights(start)
        logs = gan.train_discriminator_on_batch(images)
        seen.add(tuple(logs.values()))
    assert len(seen) == 1


def zeros(shape, seed):
    return np.zeros(shape)


def test_the_classic_pattern_never_trains_its_discriminator():
    """Compile D, freeze D, compile the stack: what a decade of tutorials does.

    When this fails, Keras has changed: look whether the held models are still needed.
    """
    with warnings.catch_warnings():
        # TensorFlow and PyTorch warn of it, JAX does not.
        warnings.simplefilter("ignore")
        gan = own_pair()
        generator, discriminator = gan.generator, gan.discriminator
        discriminator.compile("adam", keras.losses.BinaryCrossentropy(from_logits=True))
        discriminator.trainable = False
        stack = keras.Sequential([generator, discriminator])
        stack.compile("adam", keras.losses.BinaryCrossentropy(from_logits=True))
        before = [keras.ops.convert_to_numpy(w) for w in discriminator.weights]
        images = np.random.default_rng(0).uniform(-1, 1, (4, 8, 8, 3)).astype("float32")
        for _ in range(3):
            discriminator.train_on_batch(images, np.ones((4, 1)))
            stack.train_on_batch(np.zeros((4, 4), "float32"), np.ones((4, 1)))
    after = [keras.ops.convert_to_numpy(w) for w in discriminator.weights]
    assert same(before, after)

    ours = own_pair()
    before = values(ours.discriminator)
    ours.train_on_batch(images)
    assert not same(values(ours.discriminator), before)
