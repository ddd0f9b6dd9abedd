"""Networks of several Inputs: labels and further arrays, fed by name."""

import keras
import numpy as np
import pytest
from models import pictures, recorded_warnings, same, state, values

import kerasgan
from kerasgan.pictures import save_png

CLASSES = 3


def conditional(update="joint", **settings):
    """A pair that takes labels on both sides, and shows the label as a shade of grey."""
    latents = keras.Input((2,), name="latents")
    labels = keras.Input((), dtype="int32", name="labels")
    shade = keras.layers.Embedding(CLASSES, 1, name="shades")(labels)
    x = keras.layers.Dense(4 * 4)(keras.layers.Concatenate()([latents, shade]))
    images = keras.layers.Reshape((4, 4, 1))(keras.layers.Activation("tanh")(x))
    generator = keras.Model([latents, labels], images, name="generator")

    images = keras.Input((4, 4, 1), name="images")
    labels = keras.Input((), dtype="int32", name="labels")
    embedded = keras.layers.Embedding(CLASSES, 16)(labels)
    x = keras.layers.Multiply()([keras.layers.Flatten()(images), embedded])
    discriminator = keras.Model({"images": images, "labels": labels}, keras.layers.Dense(1)(x))
    gan = kerasgan.GAN(
        generator, discriminator, num_classes=CLASSES, class_names=["a", "b", "c"], seed=0
    )
    gan.compile(update=update, **settings)
    return gan


@pytest.mark.parametrize("update", ["joint", "concatenated", "separate", "simultaneous"])
def test_labels_reach_both_networks(update):
    gan = conditional(update, penalty="r1")
    before = values(gan.generator.get_layer("shades")), values(*gan.discriminator.weights[:1])
    images = pictures(4, gan)
    logs = gan.train_on_batch((images, [0, 0, 1, 1]))
    assert np.isfinite(list(logs.values())).all()
    for old, new in zip(
        before,
        (values(gan.generator.get_layer("shades")), values(*gan.discriminator.weights[:1])),
        strict=True,
    ):
        moved = np.abs(new[0] - old[0]).max(axis=1) > 0
        assert list(moved) == [True, True, False]  # of the classes in the batch


def test_labels_come_as_pair_dict_or_argument(tmp_path):
    gan = conditional()
    gan.save(tmp_path / "gan.keras")
    images, labels = pictures(6, gan), np.array([0, 1, 2, 0, 1, 2])
    states = []
    for x, y in (
        (images, labels),
        ((images, labels), None),
        ({"images": images, "labels": labels}, None),
    ):
        copy = keras.models.load_model(tmp_path / "gan.keras")
        copy.fit(x, y, batch_size=2, epochs=2, verbose=0)
        states.append(state(copy))
    assert same(states[0], states[1]) and same(states[0], states[2])
    assert copy.class_names == ["a", "b", "c"] and copy.num_classes == CLASSES


def test_sampling_by_label():
    gan = conditional()
    latents = np.zeros((2, 2), "float32")
    first, second = gan.sample(2, labels=[0, 2], latents=latents)
    assert not np.array_equal(first, second)
    assert same([gan.sample(5, seed=1)], [gan.sample(5, seed=1)])
    assert gan.sample(0, labels=[]).shape == (0, 4, 4, 1)
    assert gan.score((pictures(2, gan), [0, 1])).shape == (2,)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (None, "Received: no labels"),
        ([0, 1, 3, 0], "from 0 to 2.*labels from 0 to 3"),
        ([0, -1, 2, 0], "labels from -1 to 2"),
        ([0.0, 1.0, 2.0, 0.0], r"dtype=float64.*asarray\(labels, 'int32'\)"),
        (["cat", "dog", "cat", "cat"], r"numpy\.unique\(labels, return_inverse=True\)\[1\]"),
        (np.eye(CLASSES, dtype=int)[[0, 1, 2, 0]], r"argmax\(axis=-1\)"),
        ([[0], [1], [2], [0]], r"Pass labels\[:, 0\]"),
        ([0, 1], r"labels of shape \(2,\)"),
    ],
)
def test_wrong_labels_are_refused_before_any_work(labels, message):
    gan = conditional()
    before = state(gan)
    images = pictures(4, gan)
    batch = images if labels is None else (images, labels)
    with pytest.raises(ValueError, match=f"`labels` must be whole numbers.*{message}"):
        gan.train_on_batch(batch)
    assert same(state(gan), before)


@pytest.mark.parametrize("bad", ["label", "image"])
def test_fit_reads_a_whole_array_before_any_work(bad, monkeypatch):
    monkeypatch.setattr("kerasgan.batches._PART", 24)
    gan = conditional()
    before = state(gan)
    images, labels = pictures(64, gan) / 127.5 - 1, np.zeros(64, dtype=int)
    if bad == "label":
        labels[-1] = CLASSES
    else:
        images[-1] = np.nan
    message = "labels from 0 to 3" if bad == "label" else "image 63 has NaN"
    with pytest.raises(ValueError, match=message):
        gan.fit(images, labels, batch_size=4)
    assert same(state(gan), before)


def test_classes_must_be_known():
    gan = conditional()
    with pytest.raises(ValueError, match="`num_classes` must be the number of classes"):
        kerasgan.GAN(gan.generator, gan.discriminator)
    with pytest.raises(ValueError, match="`class_names` must be a list with one name per class"):
        kerasgan.GAN(gan.generator, gan.discriminator, num_classes=3, class_names=["a"])
    with pytest.raises(ValueError, match="`class_names` must be a list with one name per class"):
        gan.class_names = ["a", "b"]
    assert gan.class_names == ["a", "b", "c"]
    with pytest.raises(
        ValueError, match="`labels` must be None for a generator that takes no labels"
    ):
        kerasgan.build_mlp_gan((16, 16, 1), filters=2).sample(2, labels=[1, 2])


def test_names_can_be_given_to_a_model(tmp_path):
    gan = kerasgan.build_cgan((16, 16, 1), latent_dim=2, filters=2, num_classes=2)
    gan.class_names = ["cat", "dog"]
    gan.save(tmp_path / "gan.keras")
    assert keras.models.load_model(tmp_path / "gan.keras").class_names == ["cat", "dog"]
    gan.class_names = None
    assert gan.class_names is None


def test_only_a_discriminator_that_takes_labels_needs_them_to_score():
    images = np.zeros((2, 16, 16, 1), "uint8")
    for build in (kerasgan.build_acgan, kerasgan.build_sgan):
        gan = build((16, 16, 1), latent_dim=2, filters=2, num_classes=2)
        np.testing.assert_array_equal(gan.score(images), gan.score((images, [0, 1])))
    with pytest.raises(ValueError, match="`labels` must be whole numbers"):
        conditional().score(pictures(2, conditional()))


def as_folder(folder, images, labels):
    for index, (image, label) in enumerate(zip(images, labels, strict=True)):
        (folder / "abc"[label]).mkdir(parents=True, exist_ok=True)
        save_png(folder / "abc"[label] / f"{index}.png", image)
    return kerasgan.datasets.ImageFolder(folder, (4, 4, 1), cache=False)


@pytest.mark.any_backend
@pytest.mark.parametrize("kind", ["argument", "pair", "dict", "folder"])
@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ((3, 30, 5), []),
        (
            (3, 33, 5),
            [
                "The classes differ a lot in size: the smallest, a, has 3 images, the largest, b, "
                "has 33. Images of small classes will be worse and less varied: add more of them, "
                "or leave these classes out."
            ],
        ),
    ],
)
def test_classes_of_very_different_size_are_a_warning_once(tmp_path, kind, sizes, expected):
    gan = conditional()
    labels = np.repeat(np.arange(3), sizes)
    images = pictures(len(labels), gan)
    if kind == "folder":
        gan.class_names = None  # those of the folder are shown
        given = (as_folder(tmp_path, images, labels),)
    else:
        given = {
            "argument": (images, labels),
            "pair": ((images, labels),),
            "dict": ({"images": images, "labels": labels},),
        }[kind]
    for texts_expected in (expected, []):
        with recorded_warnings() as texts:
            gan.fit(*given, steps=gan.step + 1, verbose=0)
        assert texts == texts_expected


@pytest.mark.any_backend
def test_images_without_a_class_are_no_class():
    gan = kerasgan.build_sgan((16, 16, 1), latent_dim=2, filters=2, num_classes=3)
    labels = np.array([-1] * 40 + [0, 0, 1])
    with recorded_warnings() as texts:
        gan.fit(np.zeros((43, 16, 16, 1), "uint8"), labels, steps=1, verbose=0)
    assert not texts


def test_images_become_images(tmp_path):
    """A generator without latents: from source images to images, with a loss between them."""
    source = keras.Input((4, 4, 1), name="source_images")
    painted = keras.layers.Conv2D(1, 3, padding="same", activation="tanh")(source)
    generator = keras.Model(source, painted)
    images, source = keras.Input((4, 4, 1), name="images"), keras.Input((4, 4, 1))
    source.name = "source_images"
    x = keras.layers.Flatten()(keras.layers.Concatenate()([images, source]))
    discriminator = keras.Model([images, source], keras.layers.Dense(1)(x))
    gan = kerasgan.GAN(generator, discriminator, seed=0)
    gan.compile(auxiliary_loss=l1)
    real = pictures(4, gan)
    logs = gan.train_on_batch({"images": real, "source_images": 255 - real})
    made = keras.ops.convert_to_numpy(generator((255 - real) / 127.5 - 1.0))
    assert gan.latent_dim is None and 0 < logs["l1"] < 2 and made.shape == real.shape
    gan.fit({"images": real, "source_images": real}, batch_size=2, verbose=0)
    with pytest.raises(ValueError, match="`images` must be a dict with images, source_images"):
        gan.train_on_batch(real)
    with pytest.raises(ValueError, match="`source_images` must be uint8"):
        gan.train_on_batch({"images": real, "source_images": real[:, :2]})
    with pytest.raises(ValueError, match="equal length"):
        gan.train_on_batch({"images": real, "source_images": real[:2]})
    with pytest.raises(ValueError, match="needs a generator that takes latents"):
        gan.sample(2)


@keras.saving.register_keras_serializable(package="tests")
def l1(inputs, real_outputs, fake_outputs):
    return keras.ops.mean(keras.ops.abs(inputs["fake_images"] - inputs["images"]))


def test_further_outputs_of_the_generator_reach_the_auxiliary_loss():
    latents = keras.Input((2,))
    x = keras.layers.Dense(4)(latents)
    generator = keras.Model(
        latents, [keras.layers.Reshape((2, 2, 1))(x), keras.layers.Dense(1, name="further")(x)]
    )
    discriminator = keras.Sequential(
        [keras.Input((2, 2, 1)), keras.layers.Flatten(), keras.layers.Dense(1)]
    )
    gan = kerasgan.GAN(generator, discriminator, seed=0)

    def size(inputs, real_outputs, fake_outputs):
        return keras.ops.mean(keras.ops.square(inputs["generator_outputs"][1]))

    gan.compile(auxiliary_loss=size)
    before = values(generator.get_layer("further"))
    assert gan.train_on_batch(pictures(3, gan))["size"] > 0
    assert not same(values(generator.get_layer("further")), before)
    assert gan.sample(2).shape == (2, 2, 2, 1)


def test_frozen_restores_each_flag(own):
    own.generator.layers[0].trainable = False
    flags = [variable.trainable for variable in own.variables]
    with pytest.raises(RuntimeError), kerasgan.frozen(own.generator, own.discriminator):
        assert not own.generator.trainable_variables + own.discriminator.trainable_variables
        assert own.discriminator.layers[0].trainable  # so that BatchNormalization keeps to batches
        raise RuntimeError
    assert [variable.trainable for variable in own.variables] == flags


def test_the_combined_summary_of_the_flag_tutorial():
    lines = []
    gan = kerasgan.build_flag_gan()
    for _ in range(2):  # also once its optimizer has slots
        lines.clear()
        gan.combined.summary(print_fn=lambda line, line_break=True: lines.append(line))
        text = "".join(lines)
        for part in ("11,361,443", "2,713,153", "8,648,290", "2,764,545", "8,596,898"):
            assert part in text
        assert "(None, 64, 64, 1)" in text and "(None, 2)" in text and "?" not in text
        assert "Optimizer" not in text
        assert len(gan.discriminator.trainable_variables) == 8
        gan.g_optimizer.build(gan.generator.trainable_variables)
