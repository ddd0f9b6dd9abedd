"""The scripts in docs/examples run, with small numbers."""

import importlib
import pathlib

import keras
import numpy as np
import pytest
from examples import load_tiny_mnist
from PIL import Image

import kerasgan

FOLDER = pathlib.Path(__file__).parent.parent / "docs" / "examples"
SMALL = {
    "augment_a_classifier": {"count": 8, "epochs": 1},
    "discriminator_features": {"counts": (8,), "epochs": 1},
    "fine_tune": {"steps": 2, "count": 4},
    "frozen_loop": {"steps": 2},
    "generated_training_images": {"count": 8, "epochs": 1, "steps": 1},
    "own_discriminator": {"steps": 2},
    "own_models": {"steps": 2},
    "tune": {"trials": 1, "steps": 1, "count": 6},
}


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Runs a script's `main` in a new folder that has the data that it names."""
    monkeypatch.syspath_prepend(str(FOLDER))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(keras.datasets.mnist, "load_data", load_tiny_mnist)
    (tmp_path / "datasets/flags").mkdir(parents=True)
    rng = np.random.default_rng(0)
    for index in range(4):
        image = rng.integers(0, 256, (32, 32, 3), dtype="uint8")
        Image.fromarray(image).save(tmp_path / f"datasets/flags/{index}.png")
    return lambda name, **changes: importlib.import_module(name).main(**SMALL[name] | changes)


@pytest.mark.any_backend
def test_no_script_is_left_out():
    assert sorted(SMALL) == sorted(path.stem for path in FOLDER.glob("*.py"))


@pytest.mark.parametrize("name", ["own_discriminator", "own_models"])
def test_gans_of_own_models(name, run, tmp_path):
    assert run(name).step == 2
    with Image.open(tmp_path / f"{name}.png") as picture:
        assert picture.width > 500


def test_frozen_variables_in_a_hand_written_loop(run):
    generator, discriminator = run("frozen_loop")
    assert all(variable.trainable for variable in discriminator.trainable_variables)


@pytest.mark.any_backend
def test_frozen_layers_keep_their_weights(run):
    gans = run("fine_tune")
    tuned = gans["tuned_5_frozen"].discriminator
    before = kerasgan.load_pretrained("mnist").discriminator
    changed = [
        not all(map(np.array_equal, layer.get_weights(), old.get_weights()))
        for layer, old in zip(tuned.layers, before.layers, strict=True)
    ]
    assert not any(changed[:5]) and any(changed[5:])
    assert [gan.step for gan in gans.values()] == [2, 2, 2]


@pytest.mark.any_backend
def test_classifiers(run):
    assert all(0 <= accuracy <= 1 for accuracy in run("augment_a_classifier"))
    assert all(0 <= accuracy <= 1 for accuracy in run("generated_training_images"))


@pytest.mark.any_backend
def test_features_are_not_trained(run):
    assert set(run("discriminator_features")) == {(8, "discriminator"), (8, "from scratch")}


@pytest.mark.any_backend
@pytest.mark.filterwarnings("ignore:(currentThread|getName):DeprecationWarning")  # from Keras Tuner
def test_a_tuner_minimises_the_metric(run):
    pytest.importorskip("keras_tuner")
    tuner = run("tune")
    best = tuner.oracle.get_best_trials()[0]
    assert best.metrics.exists("kernel_distance") and np.isfinite(best.score)
