"""Saving is everything: training goes on as if it had never stopped, also elsewhere."""

import importlib.util
import io
import os
import pathlib
import socket
import subprocess
import sys
import warnings
import zipfile

import h5py
import keras
import numpy as np
import pytest
from models import MODELS, generator_inputs, own_pair, pictures, same, state, values

import kerasgan
from kerasgan.backend import to_numpy
from kerasgan.networks import infer
from kerasgan.pictures import save_png

ASSETS = pathlib.Path(__file__).parent / "assets"


class StopAfter(keras.callbacks.Callback):
    def __init__(self, step):
        super().__init__()
        self.last = step

    def on_train_batch_end(self, batch, logs=None):
        if self.model.step == self.last:
            self.model.stop_training = True


def train_on_batches(gan, first, last):
    for step in range(first, last):
        gan.train_on_batch(pictures(4, gan, seed=step))


def fit(gan, last):
    # Four batches in a pass, one or two of them to a step: step 5 ends in the middle.
    gan.fit(pictures(14, gan), batch_size=4, epochs=9, callbacks=[StopAfter(last)], verbose=0)


# Those that differ in what has to be saved; test_battery has them all, within one process.
# With the number of discriminator steps.
RESUMED = {"own": 2, "infogan": 1, "sagan": 1, "wgan_gp": 1}


def first_five(gan):
    train_on_batches(gan, 0, 2)
    fit(gan, 5)


def next_five(gan):
    fit(gan, 8)
    train_on_batches(gan, 8, 10)


def test_ten_steps_equal_five_saved_and_five_in_a_new_process(tmp_path):
    # All models in one process, since a start takes longer than the steps.
    whole = {}
    for name, discriminator_steps in RESUMED.items():
        gan = MODELS[name][0]()
        gan.compile(
            ema=0.9, augment="color,translation,cutout", discriminator_steps=discriminator_steps
        )
        first_five(gan)
        gan.save(tmp_path / f"{name}.keras")
        next_five(gan)
        whole[name] = state(gan)
    program = """
import sys, keras
sys.path.insert(0, sys.argv[2])
import test_saving
for name in test_saving.RESUMED:
    gan = keras.models.load_model(f"{sys.argv[1]}/{name}.keras")
    test_saving.next_five(gan)
    gan.save(f"{sys.argv[1]}/{name}.later.keras")
"""
    run(program, tmp_path, os.path.dirname(__file__))
    for name, expected in whole.items():
        later = keras.models.load_model(tmp_path / f"{name}.later.keras")
        assert same(state(later), expected), name


def run(program, *arguments, backend=None):
    environment = dict(os.environ, KERAS_BACKEND=backend or keras.backend.backend())
    folder = os.path.dirname(os.path.dirname(kerasgan.__file__))
    environment["PYTHONPATH"] = os.pathsep.join(
        [folder, *filter(None, [environment.get("PYTHONPATH")])]
    )
    command = [sys.executable, "-c", program, *map(str, arguments)]
    process = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert process.returncode == 0, process.stderr[-3000:]
    return process.stdout


def latents_for(gan):
    return np.linspace(-1, 1, 3 * gan.latent_dim, dtype="float32").reshape(3, gan.latent_dim)


@pytest.mark.any_backend
def test_a_model_of_one_backend_samples_alike_on_another(tmp_path):
    others = [
        backend
        for backend in ("tensorflow", "jax", "torch")
        if backend != keras.backend.backend() and importlib.util.find_spec(backend)
    ]
    if not others:
        pytest.skip("no other backend is installed")
    names = ("own", "dcgan", "flag_gan", "infogan", "sagan")
    for name in names:
        gan = MODELS[name][0]()
        gan.compile(ema=0.9)
        gan.train_on_batch(pictures(4, gan))
        gan.save(tmp_path / f"{name}.keras")
        np.save(tmp_path / f"{name}.npy", gan.sample(4, seed=0))
        np.save(tmp_path / f"{name}.floats.npy", to_numpy(infer(gan.generator, latents_for(gan))))
    program = """
import sys, keras, kerasgan, numpy
from kerasgan.backend import to_numpy
from kerasgan.networks import infer
def latents_for(gan):
    return numpy.linspace(-1, 1, 3 * gan.latent_dim, dtype="float32").reshape(3, gan.latent_dim)
for name in sys.argv[2:]:
    gan = keras.models.load_model(f"{sys.argv[1]}/{name}.keras")
    there = numpy.load(f"{sys.argv[1]}/{name}.npy").astype(int)
    assert abs(gan.sample(4, seed=0) - there).max() <= 1, name
    floats = numpy.load(f"{sys.argv[1]}/{name}.floats.npy")
    here = to_numpy(infer(gan.generator, latents_for(gan)))
    assert abs(here - floats).max() < 1e-5, (name, abs(here - floats).max())
    if name == "own":  # one, since compiling takes long
        images = numpy.zeros((4, *gan.image_shape), "uint8")
        assert gan.train_on_batch(images)["loss"] > 0
"""
    for backend in others:
        run(program, tmp_path, *names, backend=backend)


# Models with a layer or constraint that Keras lacks.
NEED_KERASGAN = {
    *("cgan.discriminator", "pacgan.discriminator", "sngan.discriminator", "wgan.discriminator"),
    *("biggan.discriminator", "biggan.generator"),
    *("projection_gan.discriminator", "projection_gan.generator"),
    *("fastgan.discriminator", "fastgan.generator", "r3gan.discriminator", "r3gan.generator"),
    *("sagan.discriminator", "sagan.generator", "stylegan2.discriminator", "stylegan2.generator"),
}


@pytest.mark.any_backend
def test_the_models_alone_need_no_kerasgan(tmp_path):
    expected = {}
    for name, (build, _) in MODELS.items():
        gan = build()
        given = generator_inputs(gan, 3)
        seen = gan.generator(given)
        if len(gan.discriminator.inputs) > 1:
            seen = [seen, given[1]]
        for model, inputs in ((gan.generator, given), (gan.discriminator, seen)):
            path = f"{name}.{model.name}"
            if path not in NEED_KERASGAN:
                model.save(tmp_path / f"{path}.keras")
                arrays = map(keras.ops.convert_to_numpy, keras.tree.flatten(inputs))
                np.savez(tmp_path / f"{path}.in.npz", *arrays)
                outputs = keras.tree.flatten(model(inputs))[0]
                expected[path] = keras.ops.convert_to_numpy(outputs)
    program = """
import sys
sys.modules["kerasgan"] = None
import keras, numpy
for name in sys.argv[2:]:
    model = keras.models.load_model(f"{sys.argv[1]}/{name}.keras")
    inputs = list(numpy.load(f"{sys.argv[1]}/{name}.in.npz").values())
    outputs = keras.tree.flatten(model(inputs if len(inputs) > 1 else inputs[0]))[0]
    assert len(model.trainable_variables)
    numpy.save(f"{sys.argv[1]}/{name}.npy", keras.ops.convert_to_numpy(outputs))
"""
    run(program, tmp_path, *expected)
    for path, outputs in expected.items():
        np.testing.assert_allclose(np.load(tmp_path / f"{path}.npy"), outputs, atol=1e-5)


@pytest.mark.parametrize("after", ["train_generator_on_batch", "train_discriminator_on_batch"])
def test_what_is_saved_is_thawed_and_complete(tmp_path, own, after):
    own.compile(update="separate", ema=0.9)
    own.train_on_batch(pictures(4, own))
    getattr(own, after)(pictures(4, own))
    own.save(tmp_path / "gan.keras")
    loaded = keras.models.load_model(tmp_path / "gan.keras")
    assert same(state(loaded), state(own))
    for model in ("generator", "discriminator"):
        ours, theirs = getattr(own, model), getattr(loaded, model)
        assert len(theirs.trainable_variables) == len(ours.trainable_variables) > 0
    assert loaded.get_compile_config() == own.get_compile_config()
    assert loaded.get_config()["latents"] == own.get_config()["latents"]
    assert loaded.value_range == own.value_range


def test_weights_alone_can_be_saved_and_loaded(tmp_path, own):
    own.train_on_batch(pictures(4, own))
    own.save_weights(tmp_path / "own.weights.h5")
    other = own_pair()
    other.load_weights(tmp_path / "own.weights.h5")
    assert same(
        values(other.generator, other.discriminator), values(own.generator, own.discriminator)
    )


@pytest.mark.parametrize("fault", ["nan", "moment", "average", "shape", "optimizer", "half"])
def test_bad_weights_are_refused_and_change_nothing(tmp_path, own, fault):
    path = tmp_path / "bad.weights.h5"
    bad = own_pair()
    if fault == "nan":
        # The last that is loaded.
        bad.discriminator.weights[-1].assign([np.nan])
    elif fault == "optimizer":
        bad.compile(g_optimizer=keras.optimizers.SGD())
    elif fault == "average":
        own.compile(ema=0.9)
        bad.compile(ema=0.9)
    elif fault == "shape":
        # The discriminator fits, the generator does not.
        latents = keras.Input((4,))
        images = keras.layers.Reshape((8, 8, 3))(keras.layers.Dense(8 * 8 * 3)(latents))
        bad = kerasgan.GAN(keras.Model(latents, images), bad.discriminator)
    with warnings.catch_warnings(action="ignore"):  # of NaN
        bad.train_on_batch(pictures(4, bad))
    if fault == "moment":
        bad.g_optimizer.variables[-1].assign(bad.g_optimizer.variables[-1] * np.nan)
    elif fault == "average":
        weights = bad.sampling_generator.get_weights()
        bad.sampling_generator.set_weights([weight * np.nan for weight in weights])
    bad.save_weights(path)
    if fault == "half":
        os.truncate(path, os.path.getsize(path) // 2)
    own.train_on_batch(pictures(4, own))
    own.train_on_batch(pictures(4, own))
    before = state(own)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Keras's, of what is missing
        with pytest.raises((ValueError, OSError)):
            own.load_weights(path)
    assert same(state(own), before)
    assert own.step == 2


def test_settings_that_are_functions_come_back(tmp_path, own):
    own.compile(loss=(generator_loss, discriminator_loss), augment=darker)
    own.latents = thirds
    own.save(tmp_path / "gan.keras")
    loaded = keras.models.load_model(tmp_path / "gan.keras")
    assert own.train_on_batch(pictures(4, own)) == loaded.train_on_batch(pictures(4, own))


def test_functions_of_keras_and_kerasgan_come_back_by_themselves(tmp_path, own):
    gan = kerasgan.GAN(own.generator, own.discriminator, latents=keras.random.truncated_normal)
    gan.compile(
        loss=(kerasgan.losses.minimax_generator, kerasgan.losses.least_squares_discriminator)
    )
    gan.save(tmp_path / "gan.keras")
    loaded = keras.models.load_model(tmp_path / "gan.keras")
    assert gan.train_on_batch(pictures(4, own)) == loaded.train_on_batch(pictures(4, own))


def test_the_average_comes_back_without_compiling_too(tmp_path, own):
    own.compile(ema=0.9)
    for seed in range(3):
        own.train_on_batch(pictures(4, own, seed))
    own.save(tmp_path / "gan.keras")
    # Optimizers that are not wanted give a warning of Keras's own.
    with warnings.catch_warnings(action="ignore"):
        loaded = keras.models.load_model(tmp_path / "gan.keras", compile=False)
    np.testing.assert_array_equal(loaded.sample(4, seed=0), own.sample(4, seed=0))
    raw = loaded.generator.get_weights()[0]
    assert not np.array_equal(raw, loaded.sampling_generator.get_weights()[0])


def test_averages_that_come_and_go_leave_nothing_behind(tmp_path, own):
    counts = [own.count_params()]
    for ema in (0.9, False, 0.9, False):
        own.compile(ema=ema)
        own.train_on_batch(pictures(4, own))
        counts.append(own.count_params())
    assert len(set(counts)) == 1
    own.save(tmp_path / "gan.keras")
    assert keras.models.load_model(tmp_path / "gan.keras").count_params() == counts[0]
    own.summary(print_fn=lambda line: None)


def weights_in(path):
    """Shapes of all that a file holds but for counters and random states, by place."""
    with zipfile.ZipFile(path) as archive:
        file = h5py.File(io.BytesIO(archive.read("model.weights.h5")))
    found = {}

    def note(name, item):
        if isinstance(item, h5py.Dataset) and not name.startswith("vars/"):
            found[name] = item.shape

    file.visititems(note)
    return found


@pytest.mark.parametrize("ema", [False, 0.9])
def test_every_weight_lies_once_and_in_its_place(tmp_path, own, ema):
    own.compile(ema=ema)
    own.save(tmp_path / "gan.keras")
    found = weights_in(tmp_path / "gan.keras")
    places = {
        "combined/generator/": own.generator.weights,
        "combined/discriminator/model/": own.discriminator.weights,
        "combined/optimizer/": own.g_optimizer.variables,
        "d_optimizer/": own.d_optimizer.variables,
    }
    if ema:
        places["sampling_generator/"] = own.generator.weights
    for place, variables in places.items():
        shapes = [shape for name, shape in found.items() if name.startswith(place)]
        assert sorted(shapes) == sorted(tuple(variable.shape) for variable in variables)
    assert len(found) == sum(map(len, places.values()))


def test_a_file_of_this_format_loads_for_ever():
    """`tests/assets/gan.keras`: `own_pair()` with ema=0.9 after two steps, then written once."""
    gan = keras.models.load_model(ASSETS / "gan.keras")
    assert gan.step == 2 and float(gan.d_optimizer.iterations) == 2
    expected = np.load(ASSETS / "samples.npy").astype(int)
    assert np.abs(gan.sample(4, seed=0) - expected).max() <= 1
    gan.train_on_batch(pictures(4, gan))


@pytest.mark.parametrize(("found", "which"), [(99, "a later"), (1, "an earlier")])
def test_a_file_of_another_format_is_refused_in_words(tmp_path, own, found, which):
    own.save(tmp_path / "gan.keras")
    with (
        zipfile.ZipFile(tmp_path / "gan.keras") as old,
        zipfile.ZipFile(tmp_path / "other.keras", "w") as new,
    ):
        for name in old.namelist():
            content = old.read(name)
            if name == "config.json":
                content = content.replace(b'"format": 2', f'"format": {found}'.encode())
            new.writestr(name, content)
    with pytest.raises(ValueError, match=f"must have format 2.*format {found}, .*{which} version"):
        keras.models.load_model(tmp_path / "other.keras")


@keras.saving.register_keras_serializable(package="tests")
def thirds(shape, seed):
    return keras.random.normal(shape, stddev=1 / 3, seed=seed)


@keras.saving.register_keras_serializable(package="tests")
def generator_loss(real_scores, fake_scores):
    return keras.ops.mean(real_scores - fake_scores)


@keras.saving.register_keras_serializable(package="tests")
def discriminator_loss(real_scores, fake_scores):
    return keras.ops.mean(fake_scores - real_scores)


@keras.saving.register_keras_serializable(package="tests")
def darker(images):
    return images * 0.5


def test_a_save_that_fails_leaves_the_old_file(tmp_path, own):
    path = tmp_path / "gan.keras"
    own.save(path)
    before = path.read_bytes()
    own.compile(loss=(generator_loss, Unsavable()))
    with pytest.raises(RuntimeError, match="on purpose"):
        own.save(path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["gan.keras"]
    with pytest.raises(ValueError, match="`filepath` must end in .keras"):
        own.save(tmp_path / "gan.h5")
    with pytest.raises(ValueError, match="`filepath` must be a new file"):
        own.save(path, overwrite=False)


class Unsavable:
    def __call__(self, real_scores, fake_scores):
        return fake_scores

    def get_config(self):
        raise RuntimeError("on purpose")


@pytest.mark.parametrize("part", ["generator", "sampling_generator", "g_optimizer"])
def test_nan_is_not_saved(tmp_path, own, part):
    path = tmp_path / "gan.keras"
    own.compile(ema=0.9)
    own.save(path)
    before = path.read_bytes()
    variable = getattr(own, part).variables[-1]
    variable.assign(variable * np.nan)
    with pytest.raises(ValueError, match="must have finite weights to be saved.*at step 0"):
        own.save(path)
    assert path.read_bytes() == before


def test_same_seed_same_training():
    states = []
    for _ in range(2):
        keras.utils.set_random_seed(3)
        gan = MODELS["dcgan"][0]()
        train_on_batches(gan, 0, 2)
        states.append(state(gan))
    assert same(*states)


def test_nothing_asks_the_network(tmp_path, own, monkeypatch):
    def refuse(*arguments, **keywords):
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "folder").mkdir()
    for index, picture in enumerate(pictures(4, own)):
        save_png(tmp_path / "folder" / f"{index}.png", picture)
    folder = kerasgan.datasets.ImageFolder(tmp_path / "folder", own.image_shape, batch_size=2)
    own.fit(folder, verbose=0)
    own.save(tmp_path / "gan.keras")
    assert keras.models.load_model(tmp_path / "gan.keras").step == 2


def test_the_library_works_without_tensorflow(tmp_path):
    if keras.backend.backend() == "tensorflow":
        pytest.skip("it is the backend in use")
    program = """
import sys
sys.modules["tensorflow"] = None
import random, keras, numpy, kerasgan
random.seed(0)
gan = kerasgan.build_dcgan((16, 16, 3), filters=4)
gan.fit(numpy.zeros((4, 16, 16, 3), "uint8"), batch_size=2, verbose=0)
gan.save(sys.argv[1] + "/gan.keras")
keras.models.load_model(sys.argv[1] + "/gan.keras").sample(2)
"""
    run(program, tmp_path)


class CompiledPair(kerasgan.GAN):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.compile(ema=0.5)


def test_a_copy_of_a_subclass_that_compiles_itself_samples_from_its_average(own):
    gan = CompiledPair(own.generator, own.discriminator, seed=0)
    again = CompiledPair.from_config(gan.get_config())
    before = again.sampling_generator.get_weights()
    again.train_on_batch(pictures(4, again))
    assert not all(map(np.array_equal, again.sampling_generator.get_weights(), before))
