"""Adaptive augmentation: what each change does, and how its probability follows the scores."""

import math

import keras
import numpy as np
import pytest
from models import linear_pair, own_pair, pictures, same, state, values

import kerasgan
from kerasgan import backend, losses
from kerasgan.callbacks import read_log
from kerasgan.layers import AdaptiveAugment
from kerasgan.settings import UPDATES

LUMA = np.full((3, 1), 1 / np.sqrt(3))  # the axis of grey


def noise(count=64, height=16, width=16, channels=3):
    shape = (count, height, width, channels)
    return np.random.default_rng(0).uniform(-1, 1, shape).astype("float32")


def changed(images, policy="blit,geometry,color", probability=1.0, **kwargs):
    layer = AdaptiveAugment(policy, probability, seed=kwargs.pop("seed", 0), **kwargs)
    return np.array(keras.ops.convert_to_numpy(layer(images, training=True)))


@pytest.mark.parametrize("shape", [(16, 16, 3), (9, 12, 1), (10, 7, 4), (1, 5, 3), (4, 1, 2)])
@pytest.mark.parametrize("value_range", [(-1, 1), (0, 1), (0, 255)])
def test_at_probability_0_and_outside_training_nothing_changes(shape, value_range):
    images = noise(4, *shape)
    assert np.array_equal(changed(images, probability=0.0, value_range=value_range), images)
    assert np.array_equal(AdaptiveAugment(probability=1.0)(images), images)
    always = changed(images, value_range=value_range)
    assert always.shape == images.shape and np.isfinite(always).all()
    assert not np.array_equal(always, images)


def matches(images, results, candidates):
    """How many results are each of the candidates (functions of an image), to the last bit."""
    found = []
    for image, result in zip(images, results, strict=True):
        equal = [i for i, make in enumerate(candidates) if np.array_equal(make(image), result)]
        assert len(equal) == 1
        found += equal
    return np.bincount(found, minlength=len(candidates))


@pytest.mark.parametrize("size", [8, 9])
def test_flips_and_quarter_turns_are_numpys(size):
    images = noise(200, size, size)
    counts = matches(images, changed(images, "flip"), [lambda x: x, lambda x: x[:, ::-1]])
    assert counts.min() > 70
    turns = [lambda x, k=k: np.rot90(x, k) for k in range(4)]
    assert matches(images, changed(images, "quarter_turn"), turns).min() > 30


def test_images_that_are_not_square_turn_around_their_middle():
    images = noise(40, 4, 8)
    middle = images[:, :, 2:6]
    turns = [lambda x, k=k: np.rot90(x, k) for k in range(4)]
    assert matches(middle, changed(images, "quarter_turn")[:, :, 2:6], turns).min() > 2


def test_shifts_are_whole_pixels_and_mirror_the_image():
    images = noise(300, 16, 24)
    padded = [np.pad(x, ((2, 2), (3, 3), (0, 0)), mode="reflect") for x in images]
    shifts = [
        lambda x, down=down, right=right: x[down : down + 16, right : right + 24]
        for down in range(5)
        for right in range(7)
    ]
    counts = matches(padded, changed(images, "shift"), shifts).reshape(5, 7)
    assert (counts.sum(axis=0) > 0).all() and (counts.sum(axis=1) > 0).all()


def maps(policy, count=400):
    """The affine maps of places by a policy of moves: matrices (count, 2, 2) and shifts (count, 2).

    The images show their own places: a pixel holds how far it is from the middle.
    """
    places = np.stack(np.meshgrid(np.arange(65) - 32, np.arange(97) - 48, indexing="ij"), -1)
    images = np.repeat(places[None].astype("float32"), count, axis=0)
    found = changed(images, policy)[:, 31:34, 47:50]
    columns = [found[:, 2, 1] - found[:, 0, 1], found[:, 1, 2] - found[:, 1, 0]]
    return np.stack(columns, axis=-1) / 2, found[:, 1, 1]


def assert_distribution(numbers, mean, deviation):
    """Asserts both to within four standard errors, or a little more than they for others."""
    error = 4 / math.sqrt(len(numbers))
    assert np.mean(numbers) == pytest.approx(mean, abs=error * deviation)
    assert np.std(numbers) == pytest.approx(deviation, rel=error)


def test_scale():
    matrices, shifts = maps("scale")
    np.testing.assert_allclose(matrices, matrices[:, :1, :1] * np.eye(2), atol=1e-4)
    np.testing.assert_allclose(shifts, 0, atol=1e-4)
    assert_distribution(np.log2(matrices[:, 0, 0]), 0, 0.2)


def test_stretch():
    matrices, _ = maps("stretch")
    np.testing.assert_allclose(matrices[:, 0, 0] * matrices[:, 1, 1], 1, atol=1e-4)
    np.testing.assert_allclose(matrices[:, [0, 1], [1, 0]], 0, atol=1e-4)
    assert_distribution(np.log2(matrices[:, 0, 0]), 0, 0.2)


def test_rotation():
    matrices, shifts = maps("rotation")
    turned = matrices @ matrices.transpose(0, 2, 1)
    np.testing.assert_allclose(turned, np.broadcast_to(np.eye(2), turned.shape), atol=1e-4)
    np.testing.assert_allclose(np.linalg.det(matrices), 1, atol=1e-4)
    np.testing.assert_allclose(shifts, 0, atol=1e-4)
    # The sum of two angles has the distribution of one: every direction is as likely.
    angles = np.arctan2(matrices[:, 0, 1], matrices[:, 0, 0])
    assert_distribution(angles, 0, math.pi / math.sqrt(3))


def test_slide():
    matrices, shifts = maps("slide")
    inside = (np.abs(shifts) < (31, 47)).all(axis=1)  # of the others the middle is mirrored
    assert inside.mean() > 0.99
    np.testing.assert_allclose(matrices[inside], np.tile(np.eye(2), (sum(inside), 1, 1)), atol=1e-4)
    assert (shifts != np.round(shifts)).mean() > 0.9
    for axis, size in enumerate((65, 97)):
        assert_distribution(shifts[:, axis] / size, 0, 1 / 8)


def color_maps(policy, count=400):
    """The affine maps of colours by a policy: matrices (count, 3, 3) and constants (count, 3)."""
    images = noise(count, 4, 4).astype("float64")
    results = changed(images.astype("float32"), policy)
    ones = np.ones((count, 16, 1))
    inputs = np.concatenate([images.reshape(count, 16, 3), ones], axis=-1)
    found = np.linalg.pinv(inputs) @ results.reshape(count, 16, 3)
    assert np.abs(inputs @ found - results.reshape(count, 16, 3)).max() < 1e-4
    return found[:, :3].transpose(0, 2, 1), found[:, 3]


def test_brightness_and_contrast():
    matrices, constants = color_maps("brightness")
    np.testing.assert_allclose(matrices, np.broadcast_to(np.eye(3), (400, 3, 3)), atol=1e-4)
    np.testing.assert_allclose(constants, constants[:, :1] * np.ones(3), atol=1e-4)
    assert_distribution(constants[:, 0], 0, 0.2)
    matrices, constants = color_maps("contrast")
    np.testing.assert_allclose(matrices, matrices[:, :1, :1] * np.eye(3), atol=1e-4)
    np.testing.assert_allclose(constants, 0, atol=1e-4)
    assert_distribution(np.log2(matrices[:, 0, 0]), 0, 0.5)


def test_the_luma_flip_is_a_reflection_in_half_of_the_images():
    matrices, constants = color_maps("luma_flip")
    flips = np.abs(matrices - np.eye(3)).max(axis=(1, 2)) > 0.1
    assert 0.4 < flips.mean() < 0.6
    expected = np.eye(3) - 2 * flips[:, None, None] * (LUMA @ LUMA.T)
    np.testing.assert_allclose(matrices, expected, atol=1e-4)
    np.testing.assert_allclose(constants, 0, atol=1e-4)


def test_hue_is_a_rotation_around_grey():
    matrices, constants = color_maps("hue")
    np.testing.assert_allclose(constants, 0, atol=1e-4)
    x, y, z = LUMA[:, 0]
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    cosines = (np.trace(matrices, axis1=1, axis2=2) - 1) / 2
    sines = np.einsum("nij,ij->n", matrices, cross) / 2
    expected = (
        cosines[:, None, None] * np.eye(3)
        + sines[:, None, None] * cross
        + (1 - cosines)[:, None, None] * (LUMA @ LUMA.T)
    )
    np.testing.assert_allclose(matrices, expected, atol=1e-4)
    np.testing.assert_allclose(cosines**2 + sines**2, 1, atol=1e-3)
    assert_distribution(np.arctan2(sines, cosines), 0, math.pi / math.sqrt(3))


def test_saturation_scales_the_distance_from_grey():
    matrices, constants = color_maps("saturation")
    grey = LUMA @ LUMA.T
    factors = (np.trace(matrices, axis1=1, axis2=2) - 1) / 2
    expected = grey + factors[:, None, None] * (np.eye(3) - grey)
    np.testing.assert_allclose(matrices, expected, atol=1e-3)
    np.testing.assert_allclose(constants, 0, atol=1e-3)
    assert_distribution(np.log2(factors), 0, 1.0)


def test_colors_change_after_the_moves():
    images = noise(20, 8, 8)
    moved = changed(images, "blit,geometry").reshape(20, 64, 3)
    results = changed(images).reshape(20, 64, 3)
    for before, after in zip(moved, results, strict=True):
        inputs = np.concatenate([before, np.ones((64, 1))], axis=-1)
        found = np.linalg.lstsq(inputs, after, rcond=None)[0]
        np.testing.assert_allclose(inputs @ found, after, atol=1e-3)
        assert np.abs(found[:3] - np.eye(3)).max() > 0.01


def test_grey_images_and_alpha():
    images = noise(32)
    grey = images[..., :1]
    as_colors = changed(np.repeat(grey, 3, axis=-1), "color")
    np.testing.assert_allclose(changed(grey, "color"), as_colors[..., :1], atol=1e-5)
    assert np.array_equal(changed(grey, "hue,saturation"), grey)
    with_alpha = np.concatenate([images, grey], axis=-1)
    recolored = changed(with_alpha, "color")
    assert np.array_equal(recolored[..., 3:], grey)
    assert np.array_equal(recolored[..., :3], changed(images, "color"))
    moved = changed(with_alpha, "geometry")
    assert np.array_equal(moved[..., 3:], changed(grey, "geometry"))


def test_colors_scale_with_the_value_range():
    images = noise()
    expected = changed(images)
    found = changed((images + 1) * 127.5, value_range=(0, 255)) / 127.5 - 1
    np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.mark.parametrize("value_range", [(-1, 1), (0, 255)])
def test_noise_has_the_papers_deviation_and_spares_alpha(value_range):
    images = np.zeros((2000, 4, 4, 4), "float32")
    found = changed(images, "noise", value_range=value_range) / (np.ptp(value_range) / 2)
    assert not found[..., 3].any()
    deviations = found[..., :3].std(axis=(1, 2, 3))  # of each image, from half a normal
    assert deviations.mean() == pytest.approx(0.1 * np.sqrt(2 / np.pi), rel=0.05)
    assert np.sqrt((found[..., :3] ** 2).mean()) == pytest.approx(0.1, rel=0.05)


@pytest.mark.parametrize("value_range", [(-1, 1), (0, 255)])
def test_cutout_covers_a_window_of_half_the_sides(value_range):
    images = np.full((400, 8, 12, 2), value_range[1], "float32")
    found = changed(images, "cutout", value_range=value_range)
    is_covered = found == np.mean(value_range)
    assert np.array_equal(is_covered[..., 0], is_covered[..., 1])
    assert np.array_equal(found[~is_covered], images[~is_covered])
    rows, columns = is_covered[..., 0].any(axis=2), is_covered[..., 0].any(axis=1)
    assert np.array_equal(is_covered[..., 0], rows[:, :, None] & columns[:, None, :])
    assert rows.sum(axis=1).max() == 4 and columns.sum(axis=1).max() == 6
    assert rows.sum(axis=1).min() == 2 and columns.sum(axis=1).min() == 3  # cut off by the edge
    # The window's middle lies anywhere: a pixel in the middle is covered half of the time.
    assert rows[:, 3:5].mean() == pytest.approx(0.5, abs=0.08)


@pytest.mark.parametrize("policy", ["rotation", "brightness", "slide", "noise", "cutout"])
def test_each_change_has_the_probability(policy):
    images = noise(400, 4, 4)
    is_changed = (changed(images, policy, 0.3) != images).any(axis=(1, 2, 3))
    assert is_changed.mean() == pytest.approx(0.3, abs=0.09)


def test_the_changes_are_made_independently_and_anew():
    images = noise(400, 4, 4)
    layer = AdaptiveAugment("brightness", 0.5, seed=0)
    first, second = (
        keras.ops.convert_to_numpy(layer(images, training=True)) != images for _ in range(2)
    )
    both = (first & second).all(axis=(1, 2, 3)).mean()
    assert both == pytest.approx(0.25, abs=0.09)


def test_the_gradient_is_that_of_a_linear_map():
    images = noise(3, 6, 5)
    rng = np.random.default_rng(1)
    weights, step = (rng.standard_normal(images.shape).astype("float32") for _ in range(2))

    # Stateless, as a penalty needs it; the same draws every time.
    layer = AdaptiveAugment("blit,geometry,color,corruption", probability=1.0, seed=0)
    layer.build(images.shape)
    start = [keras.ops.convert_to_tensor(v) for v in layer.non_trainable_variables]

    def augment(x):
        return layer.stateless_call([], start, x, training=True)[0]

    gradient = backend.input_gradient(
        lambda x: keras.ops.multiply(augment(x), weights), keras.ops.convert_to_tensor(images)
    )
    difference = keras.ops.convert_to_numpy(augment(images + step) - augment(images))
    expected = np.sum(difference * weights, dtype="float64")
    found = np.sum(keras.ops.convert_to_numpy(gradient) * step, dtype="float64")
    assert found == pytest.approx(expected, rel=1e-3)


def test_it_works_in_any_keras_model(tmp_path):
    model = keras.Sequential(
        [
            keras.Input((None, None, 3)),
            keras.layers.Conv2D(3, 1),
            AdaptiveAugment(probability=0.5, seed=0),
            keras.layers.GlobalAveragePooling2D(),
        ]
    )
    model.compile("sgd", "mse")
    before = values(model.layers[0])
    for height, width in ((8, 8), (6, 9)):
        model.train_on_batch(noise(4, height, width), np.zeros((4, 3)))
    assert not same(values(model.layers[0]), before)
    model.layers[1].probability.assign(0.25)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert float(loaded.layers[1].probability) == 0.25  # neither the first nor the default
    images = noise(4)
    assert np.array_equal(loaded.predict_on_batch(images), model.predict_on_batch(images))


@pytest.mark.parametrize("precision", ["mixed_float16", "mixed_bfloat16"])
def test_places_and_probability_stay_exact_in_half_precision(precision):
    images = noise(8, 40, 40)
    layer = AdaptiveAugment("blit", 1.0, seed=0, dtype=precision)
    halves = layer(images, training=True)
    assert keras.backend.standardize_dtype(halves.dtype) == layer.compute_dtype
    found = keras.ops.convert_to_numpy(keras.ops.cast(halves, "float32"))
    np.testing.assert_allclose(found, changed(images, "blit"), atol=0.01)
    # Few are changed, but not none, as in half precision 1 - 0.001 would be 1.
    few, rare = noise(20_000, 2, 2, 1), AdaptiveAugment("rotation", 0.001, dtype=precision, seed=0)
    pairs = rare(few, training=True), rare(few)
    is_changed = keras.ops.convert_to_numpy(pairs[0] != pairs[1]).any(axis=(1, 2, 3))
    assert 5 < is_changed.sum() < 40


def test_the_probability_follows_the_mean_sign():
    layer = AdaptiveAugment(probability=0.5, ramp_images=100)

    def adapt(*scores, **kwargs):
        found = float(layer.adapt(np.array(scores, "float32")[:, None], **kwargs))
        assert found == float(layer.probability)
        return pytest.approx(found, abs=1e-6)

    # The signs count, not the sizes: their means are 2/3 and 0.5.
    assert adapt(2.0, 0.1, 9.0, 1.0, 3.0, -30.0) == 0.56
    assert adapt(2.0, 0.1, 9.0, -1.0) == 0.52
    assert adapt(1.0, num_images=8) == 0.6
    assert adapt(np.nan, 1.0) == 0.58
    assert adapt(1.0, num_images=90) == 1.0
    assert adapt(-1.0, num_images=99) == 0.01
    assert adapt(-1.0, num_images=2) == 0.0
    assert layer.trainable_weights == []
    fixed = AdaptiveAugment(probability=0.5, target=None)
    assert float(fixed.adapt(np.ones((4, 1), "float32"))) == float(fixed.probability) == 0.5


def test_the_papers_speed_and_target():
    layer = AdaptiveAugment()
    assert (layer.target, float(layer.probability)) == (0.6, 0.0)
    layer.adapt(np.ones((50_000, 1), "float32"))
    assert float(layer.probability) == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("update", "bias"), [*((update, 5.0) for update in UPDATES), ("joint", -5.0)]
)
def test_every_discriminator_update_adapts_it_once(update, bias):
    gan = linear_pair(bias)  # the scores stay near it
    augment = AdaptiveAugment("flip", 0.5, ramp_images=100)
    sgd = {"g_optimizer": keras.optimizers.SGD(1e-9), "d_optimizer": keras.optimizers.SGD(1e-9)}
    if update == "separate":
        sgd["d_optimizer"] = (sgd["d_optimizer"], keras.optimizers.SGD(1e-9))
    gan.compile(update=update, discriminator_steps=2, augment=augment, **sgd)
    images, change = pictures(4, gan), np.sign(bias) * 4 / 100
    for step in (1, 2):
        logs = gan.train_on_batch(images)
        found = float(augment.probability)
        assert logs["augment_probability"] == found == pytest.approx(0.5 + 2 * step * change)
    assert "augment_probability" not in gan.train_generator_on_batch(images)
    assert "augment_probability" not in gan.train_discriminator_on_batch(images, sides="fake")
    assert float(augment.probability) == found
    logs = gan.train_discriminator_on_batch(images, sides="real")
    assert logs["augment_probability"] == pytest.approx(found + change)


def test_a_loss_that_compares_and_a_score_of_two_images_adapt_it_once():
    images = keras.Input((2, 2, 1))
    pairs = keras.ops.reshape(images, (-1, 2 * 4))
    discriminator = keras.Model(images, keras.layers.Dense(1)(pairs))
    gan = kerasgan.GAN(linear_pair().generator, discriminator, seed=0)
    augment = AdaptiveAugment("flip", 0.5, ramp_images=100)
    gan.compile(loss=losses.LOSSES["relativistic_average"], update="separate", augment=augment)
    gan.train_on_batch(pictures(4, gan))
    assert abs(float(augment.probability) - 0.5) == pytest.approx(0.04)


def test_several_steps_in_one_call_adapt_it_in_turn(tmp_path):
    gans = [linear_pair(5.0) for _ in range(2)]
    for gan, count in zip(gans, (1, 3), strict=True):
        augment = AdaptiveAugment("flip", 0.5, ramp_images=100, seed=0)
        gan.compile(augment=augment, steps_per_execution=count)
        log = kerasgan.callbacks.Log(tmp_path / f"{count}.csv", every=1)
        gan.fit(pictures(24, gan), batch_size=4, epochs=1, verbose=0, callbacks=[log])
    one, three = (float(gan.augment.probability) for gan in gans)
    assert one == three == pytest.approx(0.5 + 6 * 4 / 100)
    rows = read_log(tmp_path / "1.csv")
    assert float(rows[0]["augment_probability"]) == pytest.approx(0.54)


def test_the_logs_of_other_gans_have_no_probability():
    gan = linear_pair()
    gan.compile(augment="translation")
    assert "augment_probability" not in gan.train_on_batch(pictures(2, gan))


def everything(gan):
    return [*state(gan), *values(gan.augment)]


@pytest.mark.parametrize("augment", ["ada", "layer"])
def test_a_loaded_gan_adapts_as_if_it_had_never_stopped(tmp_path, augment):
    gan = own_pair()
    if augment == "layer":
        augment = AdaptiveAugment("shift,hue", 0.3, ramp_images=100, seed=3)
    gan.compile(augment=augment, ema=0.9)
    for seed in range(2):
        gan.train_on_batch(pictures(4, gan, seed))
    gan.augment.probability.assign(0.7)
    gan.save(tmp_path / "gan.keras")
    loaded = keras.models.load_model(tmp_path / "gan.keras")
    found = set()
    for seed in range(2, 5):
        logs, again = (g.train_on_batch(pictures(4, gan, seed)) for g in (gan, loaded))
        assert logs == again
        found.add(logs["augment_probability"])
    assert len(found) > 1 and all(0.5 < probability < 0.9 for probability in found)
    assert same(everything(gan), everything(loaded))


def test_compile_takes_the_name_keeps_the_state_and_starts_anew_on_request(own):
    own.compile(augment="ada")
    augment = own.augment
    assert isinstance(augment, AdaptiveAugment) and augment.value_range == own.value_range
    augment.probability.assign(0.4)
    own.compile(ema=0.9, loss="hinge")
    assert own.augment is augment and float(augment.probability) == pytest.approx(0.4)
    own.compile(augment="ada")
    assert float(own.augment.probability) == 0.0
    with pytest.raises(ValueError, match="`augment` must be made of .*, or be 'ada'"):
        own.compile(augment="adaptive")
    with pytest.raises(ValueError, match="`auxiliary_loss` must have a name other than"):
        own.compile(auxiliary_loss=augment_probability)


def augment_probability(inputs, real_outputs, fake_outputs):
    return 0.0


@pytest.mark.parametrize(
    "loss", ["least_squares", "relativistic_average", "relativistic_paired", "wasserstein"]
)
def test_a_loss_whose_scores_have_no_sign_is_refused(own, loss):
    with pytest.raises(ValueError, match=rf"`augment` must be other than 'ada' with loss='{loss}'"):
        own.compile(loss=loss, augment="ada")
    own.compile(augment="ada")
    with pytest.raises(ValueError, match="with target=None and a constant probability"):
        own.compile(loss=loss)
    own.compile(loss=loss, augment=AdaptiveAugment(target=None, probability=0.2))
    assert own.augment.target is None
