"""The class-conditional models: what labels do, and what is done to labels."""

import keras
import numpy as np
import pytest
from models import MODELS, batch, pictures, same, state, values

import kerasgan
from kerasgan import losses
from kerasgan.pictures import save_png
from kerasgan.zoo.acgan import class_loss, fake_class_loss
from kerasgan.zoo.sgan import labeled_class_loss

CONDITIONAL = ("acgan", "biggan", "cgan", "projection_gan")


@pytest.mark.any_backend
@pytest.mark.parametrize("name", CONDITIONAL)
def test_a_label_changes_the_image(name):
    gan = MODELS[name][0]()
    if name == "projection_gan":  # its labels have no effect before the first steps
        for seed in range(2):
            gan.train_generator_on_batch(batch(4, gan, seed))
    latents = np.zeros((2, gan.latent_dim), "float32")
    images = gan.generator.predict_on_batch([latents, np.array([3, 7], "int32")])
    assert not np.array_equal(*images)


@pytest.mark.any_backend
@pytest.mark.parametrize("name", CONDITIONAL)
def test_labels_do_not_outweigh_latents(name):
    # Or training ends with one image for each class.
    gan = MODELS[name][0]()
    latents = np.random.default_rng(0).standard_normal((20, gan.latent_dim)).astype("float32")
    images = gan.generator.predict_on_batch(
        [latents.repeat(10, axis=0), np.tile(np.arange(10, dtype="int32"), 20)]
    ).reshape(20, 10, -1)
    # Between latents with the same label, and between labels with the same latents.
    assert images.std(axis=0).mean() > 2 * images.std(axis=1).mean()


@pytest.mark.any_backend
@pytest.mark.parametrize("name", ["biggan", "cgan", "projection_gan"])
def test_a_label_changes_the_score(name):
    gan = MODELS[name][0]()
    images = np.repeat(pictures(1, gan), 2, axis=0)
    first, second = gan.score((images, [3, 7]))
    assert first != second


@pytest.mark.parametrize("name", CONDITIONAL)
def test_images_without_a_known_class_are_refused(name):
    gan = MODELS[name][0]()
    before = state(gan)
    with pytest.raises(ValueError, match="`labels` must be whole numbers from 0 to 9"):
        gan.train_on_batch((pictures(2, gan), [-1, 3]))
    assert same(state(gan), before)


def test_classes_are_counted_by_the_builder():
    gan = kerasgan.build_cgan((16, 16, 1), filters=2, num_classes=3)
    assert gan.num_classes == 3
    with pytest.raises(ValueError, match="whole numbers from 0 to 2"):
        gan.sample(1, labels=[3])


def test_the_class_losses_are_the_cross_entropy_of_a_side():
    logits = np.log([[0.5, 0.25, 0.25], [0.1, 0.1, 0.8]]).astype("float32")
    inputs = {"labels": np.array([0, 2])}
    side, other = [np.zeros((2, 1)), logits], [np.zeros((2, 1)), logits[::-1]]
    expected = pytest.approx(-(np.log(0.5) + np.log(0.8)) / 2, rel=1e-5)
    assert float(class_loss(inputs, side, other)) == expected
    assert float(fake_class_loss(inputs, other, side)) == expected
    assert float(class_loss(inputs, None, side)) == 0.0


def test_each_side_of_acgan_has_its_class_loss():
    gan = MODELS["acgan"][0]()
    images = batch(4, gan)
    assert "fake_class_loss" not in gan.train_discriminator_on_batch(images)
    assert "class_loss" not in gan.train_generator_on_batch(images)
    assert {"class_loss", "fake_class_loss"} <= gan.train_on_batch(images).keys()
    gan.compile(update="separate")
    assert np.isfinite(list(gan.train_on_batch(images).values())).all()


def test_sgans_class_loss_leaves_out_images_without_a_label():
    logits = np.log([[0.5, 0.25, 0.25], [0.1, 0.1, 0.8]]).astype("float32")
    outputs = [np.zeros((2, 1)), logits]
    for labels, expected in (([0, -1], -np.log(0.5)), ([-1, 2], -np.log(0.8)), ([-1, -1], 0.0)):
        found = labeled_class_loss({"labels": np.array(labels)}, outputs, None)
        assert float(found) == pytest.approx(expected, rel=1e-5, abs=1e-7)


def test_sgan_trains_with_few_labels_and_scores_by_the_sum_of_its_classes():
    gan = MODELS["sgan"][0]()
    images = pictures(4, gan)
    logs = gan.train_on_batch((images, [-1, -1, 3, -1]))
    assert logs["class_loss"] > 0 and logs["feature_matching"] > 0
    assert gan.train_on_batch((images, [-1] * 4))["class_loss"] == 0
    with pytest.raises(ValueError, match="whole numbers from -1 to 9"):
        gan.train_on_batch((images, [-2, 0, 0, 0]))
    score, logits, _ = gan.discriminator(images.astype("float32") / 127.5 - 1)
    expected = np.log(np.exp(keras.ops.convert_to_numpy(logits)).sum(-1, keepdims=True))
    np.testing.assert_allclose(keras.ops.convert_to_numpy(score), expected, rtol=1e-4, atol=1e-5)


def test_feature_matching_compares_the_means_of_the_last_output():
    real, fake = np.array([[1.0, 4.0], [3.0, 0.0]]), np.array([[0.0, 2.0], [0.0, 0.0]])
    found = losses.feature_matching({}, [None, real], [None, fake])
    assert float(found) == pytest.approx(((2 - 0) ** 2 + (2 - 1) ** 2) / 2)


@pytest.mark.parametrize("update", ["joint", "separate", "simultaneous"])
def test_feature_matching_is_the_generators_alone(update):
    gan = MODELS["sgan"][0]()
    gan.compile(update=update, auxiliary_loss=(losses.feature_matching, None))
    before = values(gan.discriminator)
    logs = gan.train_generator_on_batch(batch(4, gan))
    assert logs["g_loss"] == pytest.approx(logs["feature_matching"]) and logs["g_loss"] > 0
    assert same(values(gan.discriminator), before)
    assert "feature_matching" not in gan.train_discriminator_on_batch(batch(4, gan))
    assert np.isfinite(gan.train_on_batch(batch(4, gan))["loss"])


@pytest.mark.any_backend
def test_biggans_latents_enter_at_every_size():
    gan = kerasgan.build_biggan((32, 32, 3), latent_dim=11, filters=2)
    blocks = [layer for layer in gan.generator.layers if isinstance(layer, keras.layers.Reshape)]
    assert blocks[0].output.shape[1:3] == (4, 4)
    for part in (slice(0, 5), slice(5, 7), slice(7, 9), slice(9, 11)):  # 11 = 5 + 2 + 2 + 2
        latents = np.zeros((2, 11), "float32")
        latents[1, part] = 1.0
        first, second = map(np.array, gan.generator.predict_on_batch([latents, np.zeros(2, int)]))
        assert not np.array_equal(first, second), part


@pytest.mark.parametrize(
    ("size", "widths"),
    [
        (32, [(16, 16, 8), (8, 8, 8), (8, 8, 8), (8, 8, 8)]),
        (64, [(32, 32, 2), (16, 16, 4), (8, 8, 8), (4, 4, 16), (4, 4, 32)]),
        (128, [(64, 64, 2), (32, 32, 4), (16, 16, 8), (8, 8, 16), (4, 4, 32), (4, 4, 32)]),
    ],
)
@pytest.mark.any_backend
def test_biggans_blocks_are_its_papers(size, widths):
    gan = kerasgan.build_biggan((size, size, 3), filters=2, num_classes=3)
    added = [
        layer.output.shape[1:]
        for layer in gan.discriminator.layers
        if isinstance(layer, keras.layers.Add) and len(layer.output.shape) == 4
    ]
    assert added == widths
    names = [type(getattr(layer, "layer", layer)).__name__ for layer in gan.generator.layers]
    assert names.count("SelfAttention") == (size == 128)
    rates = [float(optimizer.learning_rate) for optimizer in gan.optimizer.optimizers]
    assert rates == pytest.approx([2e-4 if size == 32 else 5e-5, 2e-4])


def test_truncation_is_for_drawn_latents():
    gan = MODELS["cgan"][0]()
    labels = [0, 1, 2]
    near, again = (gan.sample(3, seed=0, labels=labels, truncation=0.1) for _ in range(2))
    assert same([near], [again])
    assert not same([near], [gan.sample(3, seed=0, labels=labels)])
    with pytest.raises(ValueError, match="`truncation` must be None if you pass `latents`"):
        gan.sample(1, latents=np.zeros((1, 8), "float32"), truncation=0.5)


def test_a_folder_must_have_the_models_classes(tmp_path):
    for name in "abc":
        (tmp_path / name).mkdir()
        save_png(tmp_path / name / "1.png", np.zeros((16, 16, 1), "uint8"))
    folder = kerasgan.datasets.ImageFolder(tmp_path, (16, 16, 1), batch_size=3, labels=True)
    gan = kerasgan.build_cgan((16, 16, 1), filters=2, num_classes=4)
    with pytest.raises(ValueError, match="`x` must have the model's 4 classes.*3 classes"):
        gan.fit(folder)
    assert gan.step == 0
