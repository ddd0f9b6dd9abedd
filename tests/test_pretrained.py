"""The models that come with the package."""

import pathlib

import keras
import numpy as np
import pytest

import kerasgan
from kerasgan import cli, metrics, pictures, pretrained

SHAPES = {
    "cifar10": (32, 32, 3),
    "emoji": (32, 32, 3),
    "flags": (32, 32, 3),
    "mnist": (28, 28, 1),
    "mnist-conditional": (28, 28, 1),
}


@pytest.fixture(scope="module", params=pretrained.NAMES)
def gan(request):
    return kerasgan.load_pretrained(request.param)


def test_it_samples_and_trains_further(gan):
    assert gan.image_shape == SHAPES[gan.name]
    samples = gan.sample(8, seed=0)
    assert len(np.unique(samples.reshape(8, -1), axis=0)) == 8
    logs = gan.train_on_batch((samples, np.arange(8)) if gan.num_classes else samples)
    assert np.isfinite(list(logs.values())).all()


def test_it_is_small():
    files = pathlib.Path(pretrained.__file__).parent.glob("*.keras")
    assert sum(path.stat().st_size for path in files) <= 25_000_000


def test_the_digits_are_digits():
    digits = kerasgan.load_pretrained("mnist").sample(500, seed=0)
    found = metrics.digit_statistics(digits, metrics.Encoder(metrics.mnist_classifier()))
    assert found["confidence"] > 0.97 and found["kl"] < 0.1 and min(found["histogram"]) > 10


def test_the_category_of_its_latents_chooses_the_digit():
    gan = kerasgan.load_pretrained("mnist")
    digits = np.array([0, 8, 3, 6, 2, 1, 5, 4]).repeat(25)
    categories = np.array([0, 1, 2, 3, 4, 6, 7, 8]).repeat(25)
    latents = np.array(gan.latents((200, gan.latent_dim), seed=0))
    assert set(latents[:, 62:72].sum(axis=1)) == {1.0}
    latents[:, 62:72] = np.eye(10)[categories]
    samples = gan.sample(200, latents=latents)
    encoder = metrics.Encoder(metrics.mnist_classifier())
    assert metrics.digit_statistics(samples, encoder, digits)["agreement"] > 0.95
    assert gan.train_on_batch(samples)["code_loss"] < 1.0  # it reads them, and learns to


def test_the_digits_are_those_asked_for():
    gan = kerasgan.load_pretrained("mnist-conditional")
    labels = np.arange(500) % 10
    digits = gan.sample(500, seed=0, labels=labels)
    encoder = metrics.Encoder(metrics.mnist_classifier())
    assert metrics.digit_statistics(digits, encoder, labels)["agreement"] > 0.98
    # As many kinds of each digit as samples of it.
    assert len(np.unique((digits[labels == 3] // 64).reshape(50, -1), axis=0)) == 50


def test_other_names_are_refused():
    with pytest.raises(
        ValueError,
        match="`name` must be 'cifar10', 'emoji', 'flags', 'mnist' or 'mnist-conditional'. "
        "Received: name='cats'",
    ):
        kerasgan.load_pretrained("cats")


def test_the_command_knows_the_names(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mnist").mkdir()  # what else has the name is no obstacle
    assert cli.main(["sample", "mnist", "--count", "4"]) == 0
    expected = pictures.grid(kerasgan.load_pretrained("mnist").sample(4, seed=0), scale=None)
    found = keras.utils.img_to_array(keras.utils.load_img("grid.png", color_mode="grayscale"))
    np.testing.assert_array_equal(found, expected)
    assert cli.main(["sample", "./mnist", "--out", "other.png"]) == 2
    assert "error" in capsys.readouterr().err
