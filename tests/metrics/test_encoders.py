"""Encoders bring images to their model's size, channels and range; evaluators compare."""

import pathlib

import keras
import numpy as np
import pytest
import scipy.ndimage
from models import own_pair
from PIL import Image, ImageDraw, ImageFont

from kerasgan import datasets, metrics


def means(shape=(4, 4, 1), value_range=(0, 255)):
    """An encoder whose features are the means of the channels."""
    inputs = keras.Input(shape)
    model = keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(inputs), name="means")
    return metrics.Encoder(model, value_range)


def pictures(count, shape=(8, 8, 3)):
    return np.random.default_rng(0).integers(0, 256, (count, *shape), dtype="uint8")


@pytest.mark.parametrize("value_range", [(0, 255), (-1, 1)])
def test_images_arrive_in_size_and_range(value_range):
    images = np.array([0, 102, 255], "uint8")[:, None, None, None]
    images = np.broadcast_to(images, (3, 9, 7, 1))
    low, high = value_range
    expected = low + np.array([0.0, 0.4, 1.0]) * (high - low)
    found = means(value_range=value_range)(images)
    np.testing.assert_allclose(found[:, 0], expected, rtol=1e-5, atol=1e-5)


def test_channels_are_brought_together():
    grey, red = np.full((1, 4, 4, 1), 100, "uint8"), np.zeros((1, 4, 4, 4), "uint8")
    red[..., 0], red[..., 3] = 200, 127
    np.testing.assert_allclose(means((4, 4, 3))(grey), [[100, 100, 100]])
    np.testing.assert_allclose(means((4, 4, 3))(red), [[200 * 127 / 255, 0, 0]], rtol=1e-5)
    np.testing.assert_allclose(means()(red[..., :3]), [[0.299 * 200]], rtol=1e-5)


def test_the_hash_is_of_all_that_changes_features():
    hashes = {means().hash, means(value_range=(0, 1)).hash, means((5, 4, 1)).hash}
    assert len(hashes) == 3 and means().hash in hashes
    assert means().name == "means"
    hashes = set()
    for pool in (keras.layers.GlobalAveragePooling2D(), keras.layers.GlobalMaxPooling2D()):
        hashes.add(metrics.Encoder(keras.Sequential([keras.Input((4, 4, 1)), pool])).hash)
    assert len(hashes) == 2


IMAGES = np.zeros((2, 4, 4, 1), "uint8")


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (IMAGES.astype("float32"), "`images` must be uint8. Received: images of dtype"),
        (IMAGES[0], "`images` must be uint8 .*Received: images of shape"),
        (IMAGES[:0], "`images` must be uint8 .*Received: images of shape"),
        (np.zeros((2, 4, 4, 2), "uint8"), "`images` must be uint8 .*1, 3 or 4"),
        ([[[[0]]]], "`images` must be uint8. Received: images of dtype int"),
        ([], "`images` must be uint8"),
        (None, "`images` must be uint8"),
        ("images", "`images` must be uint8"),
        ([[1], [2, 3]], "`images` must be an array"),
    ],
)
def test_what_cannot_be_encoded_is_refused(images, message):
    with pytest.raises(ValueError, match=message):
        means()(images)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"model": []}, "`model` must take images.*model of type list"),
        ({"model": None}, "`model` must take images"),
        ({"model": "mnist"}, "`model` must take images"),
        ({"value_range": 255}, "`value_range` must be"),
        ({"value_range": (255, 0)}, "`value_range` must be"),
        ({"value_range": (0, 1, 2)}, "`value_range` must be"),
        ({"value_range": ("0", "1")}, "`value_range` must be"),
        ({"value_range": None}, "`value_range` must be"),
        ({"name": 5}, "`name` must be text"),
    ],
)
def test_what_makes_no_encoder_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        metrics.Encoder(**{"model": means().model} | arguments)
    with pytest.raises(ValueError, match="`model` must take images.*input_shape"):
        metrics.Encoder(own_pair().generator)


class Words(keras.utils.PyDataset):
    def __len__(self):
        return 3

    def __getitem__(self, index):
        return "batch"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"images": None}, "`images` must be a uint8 array or"),
        ({"images": "folder"}, "`images` must be a uint8 array or"),
        ({"images": {"images": IMAGES}}, "`images` must be a uint8 array or"),
        ({"images": []}, "`images` must contain batches"),
        ({"images": Words()}, "`images` must be uint8"),
        ({"images": np.zeros((20, 4, 4, 1))}, "`images` must be uint8"),
        ({"images": np.zeros((20, 4, 4), "uint8")}, "`images` must be uint8"),
        ({"encoder": None}, "`encoder` must be a kerasgan.metrics.Encoder"),
        ({"encoder": len}, "`encoder` must be a kerasgan.metrics.Encoder"),
        ({"count": 5}, "`count` must be a whole number"),
        ({"count": "9"}, "`count` must be a whole number"),
        ({"seed": None}, "`seed` must be a whole number"),
        ({"cache": 5}, "`cache` must be True, False or the path"),
        ({"cache": ""}, "`cache` must be True, False or the path"),
    ],
)
def test_what_cannot_be_evaluated_is_refused(arguments, message):
    good = {"images": np.zeros((20, 4, 4, 1), "uint8"), "encoder": means()}
    with pytest.raises(ValueError, match=message):
        metrics.Evaluator(**good | arguments)


@pytest.mark.parametrize("fakes", [None, "gan", 5, np.zeros((9, 4, 4, 1))])
def test_an_evaluator_refuses_what_holds_no_fakes(fakes):
    evaluator = metrics.Evaluator(pictures(20), means())
    with pytest.raises(ValueError, match="`fakes` must be"):
        evaluator(fakes)


def test_an_evaluator_compares_with_its_floor():
    encoder, real = means((8, 8, 3)), pictures(200)
    evaluator = metrics.Evaluator(real, encoder, count=60)
    again = metrics.Evaluator(real, encoder, count=60)
    assert evaluator.floor == again.floor and evaluator.protocol == again.protocol
    assert evaluator.protocol["encoder_hash"] == encoder.hash
    assert evaluator.protocol["count"] == 60
    fakes = pictures(60) // 2
    scores = evaluator(fakes)
    real_features, features = encoder(chosen_of(real, 60)), encoder(fakes)
    precision, recall = metrics.precision_recall(real_features, features)
    density, coverage = metrics.density_coverage(real_features, features)
    parts = encoder(chosen_of(real, 120))
    among = np.linalg.norm(parts[:, None] - parts, axis=-1)
    usual = np.min(among + np.diag([np.inf] * 120), axis=1).mean()
    nearest = metrics.nearest(features, parts, 1)[1]
    spreads = [np.linalg.norm(x[:, None] - x, axis=-1) ** 2 for x in (features, real_features)]
    expected = {
        "variety": np.sqrt(spreads[0].mean() / spreads[1].mean()),
        "nearest_distance": nearest.mean() / usual,
        "copies": np.mean(nearest < 0.5 * usual),
        "frechet_distance": metrics.frechet_distance(real_features, features),
        "kernel_distance": metrics.kernel_distance(real_features, features),
        "precision": precision,
        "recall": recall,
        "density": density,
        "coverage": coverage,
    }
    assert scores == pytest.approx(expected, rel=1e-5)
    assert scores.keys() == evaluator.floor.keys()
    assert scores["frechet_distance"] > 100 * evaluator.floor["frechet_distance"]
    assert scores["precision"] == scores["coverage"] == 0.0
    assert evaluator.floor["precision"] > 0.5 and evaluator.floor["recall"] > 0.5
    assert evaluator(own_pair_of(real)).keys() == scores.keys()
    assert metrics.Evaluator(real, encoder).count == 100
    assert metrics.Evaluator(real, encoder, seed=1).protocol != evaluator.protocol
    turned = metrics.Evaluator(real.reshape(-1, 4, 16, 3), encoder, count=60)
    assert turned.protocol["data_hash"] != evaluator.protocol["data_hash"]
    with pytest.raises(ValueError, match="`images` must contain at least 12"):
        metrics.Evaluator(real[:11], encoder)


def chosen_of(images, count):
    return images[np.random.default_rng(0).permutation(len(images))[:count]]


class Counting(metrics.Encoder):
    """An encoder that knows how many images it has seen."""

    def __call__(self, images):
        self.seen = getattr(self, "seen", 0) + len(images)
        return super().__call__(images)


def test_an_evaluator_encodes_a_data_set_once(cache_folder, tmp_path):
    real, fakes = pictures(200), pictures(60) // 2
    first = metrics.Evaluator(real, means((8, 8, 3)), count=60)
    (path,) = cache_folder.iterdir()

    def again(**changes):
        encoder = Counting(means((8, 8, 3)).model, name="means")
        encoder.seen = 0  # without the image of the hash
        arguments = {"images": real, "encoder": encoder, "count": 60} | changes
        return metrics.Evaluator(**arguments), encoder.seen

    second, seen = again()
    assert seen == 0
    assert second.floor == first.floor and second.protocol == first.protocol
    assert second(fakes) == first(fakes)
    for changes in ({"images": 255 - real}, {"seed": 1}, {"count": 50}):
        assert again(**changes)[1] > 0
    for damage in (b"", path.read_bytes()[:-100], b"PK\x03\x04 nonsense"):
        path.write_bytes(damage)
        third, seen = again()
        assert seen == 120 and third.floor == first.floor
        assert again()[1] == 0
    assert again(cache=False)[1] == 120
    assert again(cache=tmp_path / "mine")[1] == 120
    assert len(list((tmp_path / "mine").iterdir())) == 1
    datasets.clear_cache()
    assert list(cache_folder.iterdir()) == []


def test_a_cache_that_cannot_be_written_costs_time_only(monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("KERASGAN_CACHE", str(tmp_path / "file" / "cache"))
    evaluator = metrics.Evaluator(pictures(40), means((8, 8, 3)))
    assert evaluator.floor == metrics.Evaluator(pictures(40), means((8, 8, 3)), cache=False).floor


def own_pair_of(images):
    gan = own_pair()
    assert gan.image_shape == images.shape[1:]
    return gan


@pytest.mark.parametrize("form", [lambda x: x, lambda x: (x, None), lambda x: {"images": x}])
def test_an_evaluator_takes_a_dataset(form):
    class Batches(keras.utils.PyDataset):
        def __len__(self):
            return 5

        def __getitem__(self, index):
            return form(pictures(50)[10 * index : 10 * index + 10])

    evaluator = metrics.Evaluator(Batches(), means((8, 8, 3)), count=15)
    assert evaluator.count == 15


def drawings(count, seed, size=32):
    """A coloured disc on another colour: 32x32x3."""
    rng = np.random.default_rng(seed)
    x, y = np.mgrid[:size, :size]
    images = np.empty((count, size, size, 3), "uint8")
    for image in images:
        image[:] = rng.integers(0, 256, 3)
        centre, radius = rng.uniform(8, 24, 2), rng.uniform(4, 12)
        image[(x - centre[0]) ** 2 + (y - centre[1]) ** 2 < radius**2] = rng.integers(0, 256, 3)
    return images


def blurred(images, sigma):
    return scipy.ndimage.gaussian_filter(images, (0, sigma, sigma, 0))


def noisy(images, deviation):
    noise = np.random.default_rng(1).normal(scale=deviation, size=images.shape)
    return np.clip(images + noise, 0, 255).astype("uint8")


@pytest.fixture(scope="module")
def of_drawings():
    encoder = metrics.pyramid_encoder((32, 32, 3))
    return metrics.Evaluator(drawings(240, 0), encoder, cache=False)


@pytest.mark.parametrize(
    ("degrade", "degrees"),
    [(blurred, (0.5, 1.0, 2.0)), (noisy, (4.0, 12.0, 40.0))],
)
def test_the_pyramid_orders_images_by_how_bad_they_are(of_drawings, degrade, degrees):
    new = drawings(120, 1)
    found = [of_drawings(new)] + [of_drawings(degrade(new, degree)) for degree in degrees]
    for name in ("frechet_distance", "kernel_distance"):
        scores = [scores[name] for scores in found]
        assert scores == sorted(scores) and scores[1] > 1.1 * scores[0]


def test_an_evaluator_sees_copies_and_missing_variety(of_drawings):
    new = of_drawings(drawings(120, 1))
    assert new["variety"] == pytest.approx(1, abs=0.1)
    assert new["nearest_distance"] == pytest.approx(1, abs=0.15)
    assert abs(new["copies"] - of_drawings.floor["copies"]) < 0.1
    # Of all real images, those that serve as the floor too.
    copies = of_drawings(drawings(240, 0)[:120])
    assert copies["nearest_distance"] < 1e-3 and copies["copies"] == 1
    assert of_drawings(np.roll(drawings(240, 0)[:120], 1, axis=2))["copies"] > 0.6
    same = of_drawings(np.repeat(drawings(1, 1), 120, axis=0))
    assert same["variety"] < 1e-3 and same["coverage"] < 0.1
    few = of_drawings(np.repeat(drawings(4, 1), 30, axis=0))
    assert few["coverage"] < 0.25 and few["recall"] < 0.25


@pytest.mark.parametrize("shape", [(8, 8, 1), (17, 40, 3), (28, 28, 1), (64, 64, 4)])
def test_the_pyramid_takes_every_shape(shape):
    encoder = metrics.pyramid_encoder(shape)
    images = np.random.default_rng(0).integers(0, 256, (3, *shape), dtype="uint8")
    features = encoder(images)
    assert np.isfinite(features).all() and len(features) == 3
    flat = encoder(np.full((1, *shape), 200, "uint8"))
    places = encoder.model.layers[-2].output.shape[1]
    np.testing.assert_allclose(flat[:, :-places], 0, atol=1e-4)  # no contrast


def test_the_pyramid_does_not_depend_on_settings_of_keras():
    expected = metrics.pyramid_encoder((16, 16, 3)).hash
    policy = keras.config.dtype_policy()
    try:
        keras.config.set_dtype_policy("mixed_bfloat16")
        keras.config.set_image_data_format("channels_first")
        assert metrics.pyramid_encoder((16, 16, 3)).hash == expected
    finally:
        keras.config.set_dtype_policy(policy)
        keras.config.set_image_data_format("channels_last")
    # The numbers in the documents were measured with this one.
    assert metrics.pyramid_encoder((32, 32, 3)).hash == "006c53115e12"


def drawn_digits():
    """0 to 9 in Pillow's own font, white on black."""
    pictures = [Image.new("L", (28, 28)) for _ in range(10)]
    font = ImageFont.load_default(size=22)
    for digit, picture in enumerate(pictures):
        draw = ImageDraw.Draw(picture)
        draw.text((14, 14), str(digit), font=font, fill=255, anchor="mm", stroke_width=1)
    return np.stack([np.array(picture) for picture in pictures])[..., None]


def test_the_classifier_that_comes_with_the_package_reads_digits():
    digits = drawn_digits()
    classify = metrics.Encoder(metrics.mnist_classifier())
    right = np.argmax(classify(digits), axis=1) == np.arange(10)
    assert right.sum() >= 8
    found = metrics.digit_statistics(digits, classify, labels=np.arange(10))
    assert found["agreement"] == right.mean() and sum(found["histogram"]) == 10
    assert 0.5 < found["confidence"] <= 1.0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"images": "digits"}, "`images` must be uint8"),
        ({"images": np.zeros((2, 28, 28, 1))}, "`images` must be uint8"),
        ({"classifier": None}, "`classifier` must be a function"),
        ({"classifier": "mnist"}, "`classifier` must be a function"),
        ({"classifier": len}, "`classifier` must return logits"),
        ({"classifier": lambda images: [["a"]] * len(images)}, "`classifier` must return logits"),
        ({"labels": [1]}, "`labels` must be one integer per image"),
        ({"labels": ["1", "2"]}, "`labels` must be one integer per image"),
        ({"labels": [1j, 2]}, "`labels` must be one integer per image"),
        ({"labels": 3}, "`labels` must be one integer per image"),
    ],
)
def test_what_are_no_digits_is_refused(arguments, message):
    good = {"images": IMAGES, "classifier": lambda images: np.zeros((len(images), 10))}
    with pytest.raises(ValueError, match=message):
        metrics.digit_statistics(**good | arguments)


def test_the_encoder_is_the_layer_before_the_logits():
    digits, encoder = drawn_digits(), metrics.mnist_encoder()
    logits = metrics.mnist_classifier().get_layer("logits")
    expected = metrics.Encoder(metrics.mnist_classifier())(digits)
    features = encoder(digits)
    assert features.shape == (10, 64) and features.dtype == np.float32
    found = keras.ops.convert_to_numpy(logits(features))
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4)
    # The numbers in the documents were measured with this one.
    assert encoder.hash == "48ef1acdef02"
    path = pathlib.Path(metrics.__file__).with_name("mnist_classifier.keras")
    assert path.stat().st_size < 1_000_000
