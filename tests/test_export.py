"""Exported generators make the images of `gan.sample`, run by the libraries of their formats."""

import importlib.util
import pathlib

import keras
import numpy as np
import pytest
from models import MODELS, own_pair

import kerasgan
from kerasgan.export import _NEEDED, SUFFIXES, can_write

SCRIPTS = pathlib.Path(__file__).parent.parent / "scripts" / "measure"
BACKEND = keras.config.backend()
FORMATS = [format for format in SUFFIXES if can_write(format)]
QUICK = FORMATS[0]
FLOATS = 1e-4  # the largest difference, in a value range of length 2


@pytest.fixture(autouse=True)
def make(monkeypatch):
    """Makes images with an exported file."""
    monkeypatch.syspath_prepend(str(SCRIPTS))
    return importlib.import_module("formats").make


@pytest.fixture(name="format", params=FORMATS)
def each_format(request):
    """CI lacks OpenVINO, and jax2onnx with its forty dependencies: they are large."""
    package = _NEEDED[request.param][BACKEND]
    if importlib.util.find_spec(package) is None:
        pytest.skip(f"needs {package}")
    return request.param


@pytest.fixture(scope="module")
def gan():
    """A GAN with labels, whose average differs a lot from its generator."""
    gan = MODELS["cgan"][0]()
    gan.compile(ema=0.9)
    rng = np.random.default_rng(0)
    for model in (gan.generator, gan.sampling_generator):
        weights = model.get_weights()
        model.set_weights([w + 0.3 * np.abs(rng.normal(size=w.shape)) for w in weights])
    return gan


@pytest.fixture
def inputs(gan):
    rng = np.random.default_rng(1)
    latents = rng.normal(size=(5, gan.latent_dim)).astype("float32")
    return {"latents": latents, "labels": np.array([0, 3, 9, 3, 1], "int32")}


def path_of(folder, format, stem="generator"):
    return folder / f"{stem}{SUFFIXES[format]}"


def differences(made, expected):
    assert made.dtype == expected.dtype and made.shape == expected.shape
    return np.abs(made.astype("float64") - expected).max()


@pytest.mark.filterwarnings(r"ignore::UserWarning:tensorflow\.lite")  # in favour of LiteRT's own
def test_an_export_makes_the_images_of_sample(gan, inputs, make, tmp_path, format):
    path = path_of(tmp_path, format)
    gan.export(path)
    made = make(path, inputs)
    assert differences(made, gan.sample(5, **inputs)) <= 1
    beside = [path.stem + ".bin"] if format == "openvino" else []
    assert sorted(each.name for each in tmp_path.iterdir()) == [*beside, path.name]
    raw = gan._sampler._replace(generator=gan.generator)
    assert differences(made, raw.generate(**inputs)) > 5  # or the test could not tell them apart
    one = {name: array[2:3] for name, array in inputs.items()}
    assert differences(make(path, one), made[2:3]) <= 1


def test_an_export_contains_the_latents_of_a_seed(gan, make, tmp_path):
    path = path_of(tmp_path, QUICK)
    gan.export(path, seed=3, count=7)
    index = np.array([6, 0, 6, 2], "int32")
    assert differences(make(path, {"index": index}), gan.sample(7, seed=3)[index]) <= 1


def test_an_export_of_floats(gan, inputs, make, tmp_path):
    path = path_of(tmp_path, QUICK)
    gan.export(path, uint8=False)
    expected = gan.sampling_generator.predict_on_batch(list(inputs.values()))
    assert differences(make(path, inputs), expected) <= FLOATS


def test_an_export_rounds_as_sample_does(make, tmp_path):
    """Of a generator that returns its latents: halves go to the even number, others are clipped."""
    values = np.array([[0.5, 1.5, 2.5, 254.5], [-9.0, 300.0, 127.4, 127.6]], "float32")
    generator = keras.Sequential([keras.Input((4,)), keras.layers.Reshape((2, 2, 1))])
    sampler = kerasgan.sampler.Sampler(generator, "normal", (0.0, 255.0))
    path = path_of(tmp_path, QUICK)
    kerasgan.export.export(sampler, path)
    made = make(path, {"latents": values})
    assert made.reshape(2, 4).tolist() == [[0, 2, 2, 254], [0, 255, 127, 128]]


@pytest.mark.skipif(BACKEND != "torch", reason="only its converter is particular")
def test_grey_images_of_residual_networks_in_onnx(make, tmp_path):
    """A 3-D convolution makes them, which PyTorch's converter refuses unless it is told more."""
    gan = MODELS["sngan"][0]()
    gan.export(tmp_path / "sngan.onnx")
    inputs = {"latents": gan._sampler.draw(3, seed=0)}
    assert differences(make(tmp_path / "sngan.onnx", inputs), gan.sample(3, seed=0)) <= 1


@keras.saving.register_keras_serializable()
class Inexpressible(keras.layers.Layer):
    """A layer that no format has."""

    def compute_output_spec(self, inputs):
        return keras.KerasTensor(inputs.shape, inputs.dtype)

    def call(self, inputs):
        raise NotImplementedError("there is no such operation")


def test_a_failed_export_leaves_what_was_there(tmp_path, format):
    inputs = keras.Input((4,), name="latents")
    generator = keras.Model(inputs, keras.layers.Reshape((2, 2, 1))(Inexpressible()(inputs)))
    sampler = kerasgan.sampler.Sampler(generator, "normal", (-1.0, 1.0))
    path = path_of(tmp_path, format)
    if not SUFFIXES[format]:
        path.mkdir()
    mine = path if SUFFIXES[format] else path / "saved_model.pb"
    mine.write_text("mine")
    with pytest.raises(ValueError, match="can express every layer.*which failed"):
        kerasgan.export.export(sampler, path)
    assert mine.read_text() == "mine"
    assert list(tmp_path.iterdir()) == [path]


def test_an_export_replaces_an_earlier_one(make, tmp_path):
    path = path_of(tmp_path, QUICK)
    gan = own_pair()
    for scale in (1.0, 2.0):
        gan.generator.set_weights([scale * weight for weight in gan.generator.get_weights()])
        gan.export(path)
    inputs = {"latents": gan._sampler.draw(2, seed=0)}
    assert differences(make(path, inputs), gan.sample(2, seed=0)) <= 1
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("format", [format for format in SUFFIXES if not can_write(format)])
def test_what_the_backend_cannot_write_is_refused(gan, tmp_path, format):
    with pytest.raises(ValueError, match=f"`format`.*{BACKEND} can write.*Set KERAS_BACKEND="):
        gan.export(path_of(tmp_path, format), format=format)
    assert not list(tmp_path.iterdir())


@pytest.mark.any_backend
def test_a_missing_package_is_named(gan, tmp_path, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match="Install it with: pip install"):
        gan.export(path_of(tmp_path, QUICK))
    assert not list(tmp_path.iterdir())


@pytest.mark.any_backend
@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("gan.onx", {}, "`filepath` must end in .* or have no suffix to be a SavedModel"),
        ("gan.pt2", {"format": "onnx"}, "`filepath` must end in .onnx for format='onnx'"),
        ("gan.onnx", {"format": "tf_saved_model"}, "`filepath` must be a folder, without the"),
        ("gan", {"format": "keras"}, "`format` must be 'tf_saved_model'"),
        ("gan.onnx", {"count": 3}, "`count` must be left out without a seed"),
        ("folder.onnx", {}, "`filepath` must be new, or a file.*which is a folder"),
        ("folder", {}, "`filepath` must be new, or a SavedModel.*which is a folder"),
        ("mine", {}, "`filepath` must be new, or a SavedModel.*which is a file"),
    ],
)
def test_wrong_arguments_are_refused(gan, tmp_path, name, arguments, message):
    for folder in ("folder", "folder.onnx"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "mine").write_text("mine")
    (tmp_path / "mine").write_text("mine")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(ValueError, match=message):
        gan.export(tmp_path / name, **arguments)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.any_backend
def test_weights_that_are_not_finite_are_refused(tmp_path):
    gan = own_pair()
    gan.generator.set_weights([weight * np.nan for weight in gan.generator.get_weights()])
    with pytest.raises(ValueError, match="must have finite weights"):
        gan.export(path_of(tmp_path, QUICK))
    assert not list(tmp_path.iterdir())


@pytest.mark.any_backend
def test_a_generator_without_latents_has_no_seed(tmp_path):
    inputs = keras.Input((2, 2, 1), name="source_images")
    generator = keras.Model(inputs, keras.layers.Dense(1)(inputs))
    sampler = kerasgan.sampler.Sampler(generator, "normal", (-1.0, 1.0))
    with pytest.raises(ValueError, match="`seed` must be None for a generator that takes no"):
        kerasgan.export.export(sampler, path_of(tmp_path, QUICK), seed=0)
