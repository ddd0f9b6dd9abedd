"""What every model of the zoo must pass, and a pair of a user's own.

The tests share one GAN of each kind and its compiled steps, in the order in which they stand.
"""

import random

import keras
import numpy as np
import pytest
from models import MODELS, batch, flags, generator_inputs, names, same, state, values

SIDES = {
    "discriminator": ("discriminator", "generator", "train_discriminator_on_batch"),
    "generator": ("generator", "discriminator", "train_generator_on_batch"),
}


@pytest.fixture(scope="module", params=sorted(MODELS))
def gan(request):
    random.seed(0)
    gan = MODELS[request.param][0]()
    gan.test_name = request.param
    return gan


def test_attributes(gan):
    assert gan.image_shape == gan.generator.output_shape[1:]
    latents, *_ = gan.generator.inputs
    assert gan.latent_dim == latents.shape[1]
    assert gan.class_names is None
    assert isinstance(gan, keras.Model) and isinstance(gan.combined, keras.Model)
    assert gan(generator_inputs(gan, 2)).shape == (2, *gan.image_shape)


def test_combined_counts_the_parameters_of_both(gan):
    both = gan.generator.count_params() + gan.discriminator.count_params()
    assert gan.combined.count_params() == both


@pytest.mark.parametrize("side", SIDES)
def test_a_step_changes_its_own_side_only(gan, side):
    trained, held, method = SIDES[side]
    # Both sides first, and another batch size in between: no stale trace may show. Compiling takes
    # nearly all the time of these tests, so not for every model.
    gan.train_on_batch(batch(4, gan))
    counts = (4, 1, 4) if gan.test_name == "own" else (4, 4)
    before, held_before = values(getattr(gan, trained)), values(getattr(gan, held))
    found = flags(gan)
    for count in counts:
        logs = getattr(gan, method)(batch(count, gan, seed=count))
        assert np.isfinite(list(logs.values())).all()
    assert same(values(getattr(gan, held)), held_before)
    after, variables = values(getattr(gan, trained)), getattr(gan, trained).variables
    unmoved = {
        name
        for name, variable, old, new in zip(
            names(gan, trained), variables, before, after, strict=True
        )
        if variable.trainable and np.array_equal(new, old)
    }
    assert unmoved <= set(MODELS[gan.test_name][1])
    assert flags(gan) == found


def test_sampling_changes_nothing(gan):
    before = state(gan)
    images = gan.sample(5, seed=1)
    assert images.shape == (5, *gan.image_shape) and images.dtype == np.uint8
    assert same([images], [gan.sample(5, seed=1)])
    assert not same([images], [gan.sample(5, seed=2)])
    assert same(state(gan), before)


def test_given_latents_are_sampled_in_the_value_range(gan):
    inputs = generator_inputs(gan, 5)
    flat = keras.tree.flatten(inputs)
    named = dict(zip(("latents", "labels"), flat, strict=False))
    low, high = gan.value_range
    images = keras.ops.convert_to_numpy(gan.sampling_generator(inputs, training=False))
    expected = np.rint((images - low) / (high - low) * 255)
    assert np.abs(gan.sample(5, **named) - np.clip(expected, 0, 255)).max() <= 1


def test_a_step_is_the_stacks_in_turn_and_sees_a_changed_discriminator(tmp_path, gan):
    path, images = tmp_path / "gan.keras", batch(4, gan, seed=1)
    gan.save(path)
    saved = state(gan)
    # One step is one call, and equals the stacks' updates in turn.
    logs = gan.train_on_batch(images)
    whole = state(gan)
    gan.load_weights(path)
    assert same(state(gan), saved)
    for _ in range(gan.discriminator_steps):
        d_logs = gan.train_discriminator_on_batch(images)
    g_logs = gan.train_generator_on_batch(images)
    assert logs.pop("loss") == pytest.approx(logs["d_loss"] + logs["g_loss"])
    assert same(state(gan), whole)
    assert logs == {name: (g_logs | d_logs)[name] for name in logs}
    gan.load_weights(path)
    unchanged = gan.train_generator_on_batch(images)
    gan.load_weights(path)
    rng = np.random.default_rng(0)
    for variable in gan.discriminator.trainable_variables:
        variable.assign_add(rng.normal(0.0, 0.1, variable.shape))
    changed = gan.train_generator_on_batch(images)
    assert changed["g_loss"] != unchanged["g_loss"]
    gan.load_weights(path)  # for the tests that follow
    assert same(state(gan), saved) and same(state(keras.models.load_model(path)), saved)


def test_another_loss_other_rates_simultaneous_updates_and_a_batch_of_one(gan):
    # Last, since it compiles the shared GAN anew, and all at once, since that takes the time.
    gan.compile(
        g_optimizer=keras.optimizers.Adam(1e-3),
        d_optimizer=keras.optimizers.Adam(4e-3),
        loss="relativistic_average",
        label_smoothing=0.1,
        update="simultaneous",
        discriminator_steps=1,
    )
    sides = [model.trainable_variables for model in (gan.generator, gan.discriminator)]
    before = [values(*variables) for variables in sides]
    # Batch normalisation of vectors makes nothing of a single one, and passes no gradient.
    count = 4 if gan.test_name == "infogan" else 1
    assert np.isfinite(list(gan.train_on_batch(batch(count, gan)).values())).all()
    for variables, old in zip(sides, before, strict=True):
        assert not same(values(*variables), old)
    assert [int(optimizer.iterations) for optimizer in gan.optimizer.optimizers] == [1, 1]
