"""Files from strangers: refused in words; none runs code, writes elsewhere or fills the memory."""

import gzip
import io
import json
import os
import struct
import sys
import time
import zipfile

import h5py
import keras
import numpy as np
import pytest
from models import dense_pair, own_pair, same, state

import kerasgan
from kerasgan import callbacks
from kerasgan.cli import run_folder
from kerasgan.datasets import load_mnist
from kerasgan.files import read_json

pytestmark = pytest.mark.any_backend

CONFIG, WEIGHTS = "config.json", "model.weights.h5"
ENORMOUS = 10**400  # an integer in JSON can be larger than any float
NAN = float("nan")
# Modules that do something when they are imported, and that nothing else imports.
CANARIES = {"antigravity", "this", "turtledemo"}
SECONDS = 20  # more than any refusal takes on a busy machine


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    """Members of the `.keras` files of two GANs, as dicts."""
    folder = tmp_path_factory.mktemp("sources")
    gans = {
        "pair": dense_pair(),
        "infogan": kerasgan.build_infogan((16, 16, 1), 8, 1, num_categories=3, num_continuous=1),
    }
    found = {}
    for name, gan in gans.items():
        gan.save(folder / f"{name}.keras")
        with zipfile.ZipFile(folder / f"{name}.keras") as archive:
            found[name] = {member: archive.read(member) for member in archive.namelist()}
    return found


@pytest.fixture(autouse=True)
def no_side_effects(tmp_path, monkeypatch):
    """Fails if a module is imported or a file appears, or if it takes long."""
    inside = tmp_path / "folder" / "inside"
    inside.mkdir(parents=True)
    monkeypatch.chdir(inside)
    # Where Keras unpacks files.
    monkeypatch.setattr("tempfile.tempdir", str(inside))
    began = time.monotonic()
    yield
    assert time.monotonic() - began < SECONDS
    assert not CANARIES & set(sys.modules)
    assert not list(tmp_path.rglob("*escaped*"))
    assert not list(inside.glob("*escaped*"))


def pack(folder, members):
    path = folder / "stranger.keras"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def edit(members, place, value=None):
    """Puts a value into config.json at a place, a tuple of keys; without a value, removes it."""
    config = json.loads(members[CONFIG])
    *keys, last = place
    inner = config
    for key in keys:
        inner = inner[key]
    if value is None:
        del inner[last]
    else:
        inner[last] = value
    return members | {CONFIG: json.dumps(config)}


def edit_weights(members, name, value=None):
    """The same for the arrays that belong to the GAN itself."""
    weights = io.BytesIO(members[WEIGHTS])
    with h5py.File(weights, "r+") as file:
        del file["vars"][name]
        if value is not None:
            file["vars"][name] = value
    return members | {WEIGHTS: weights.getvalue()}


def function(module, name):
    return {"class_name": "function", "module": module, "config": name, "registered_name": name}


def instance(module, name, **config):
    return {"class_name": name, "module": module, "config": config, "registered_name": None}


HARMFUL = (
    function("os", "system"),
    function("antigravity", "geohash"),
    instance("turtledemo", "Demo"),
    instance("this", "s"),
    {"class_name": "__lambda__", "config": {"value": "4wAAAAAAAAAAAAAAAA=="}},
)
GET_FILE = function("keras.utils", "get_file") | {
    "config": {"fname": "escaped", "origin": "file:///etc/hostname", "cache_dir": "."}
}
LAYERS = ("config", "generator", "config", "layers")
DENSE = (*LAYERS, 1)
CATEGORIES = ("config", "latents", "config", "num_categories")
LOSS_CATEGORIES = ("compile_config", "auxiliary_loss", "config", "num_categories")
COUNTS = (0, -1, 1.5, "1", True, 10**9, ENORMOUS)

# Values for a place in config.json; None removes it.
EDITS = {
    ("config", "seed"): (-1, 1.5, "1", True, [1], 2**31, ENORMOUS),
    ("config", "value_range"): (5, [1, 0], [0, "1"], [0, NAN], [0, ENORMOUS], [0, 1, 2]),
    ("config", "num_classes"): COUNTS,
    ("config", "class_names"): (5, ["a"], "ab", [1, 2]),
    ("config", "ema"): (0, 1, -0.5, "0.9", True, NAN, [0.9], ENORMOUS),
    ("config", "latents"): (
        *(5, "gaussian", [], ["normal", 0, 0], ["normal", 0, ENORMOUS], ["normal", 1e300, 1]),
        *("keras.random.shuffle", "keras.random.SeedGenerator", "keras.random.__name__"),
        *("os.system", {"class_name": 5}, instance("keras.layers", "Dense", units=3)),
        *(function("keras.utils", "get_file"), GET_FILE, *HARMFUL),
    ),
    ("config", "generator"): (None, 5, "dcgan", {}, {"class_name": "Functional"}, *HARMFUL),
    ("config", "discriminator"): (None, 5),
    ("config", "format"): (None, 1, 99, -1, "2", 2.5, [2]),
    ("config", "nonsense"): (1,),
    ("config",): (None, 5),
    ("class_name",): (None,),
    ("registered_name",): (None, 5, "nonsense>GAN"),
    ("compile_config",): (5, [1]),
    ("compile_config", "loss"): ("nonsense", 5, *HARMFUL),
    ("compile_config", "update"): ("nonsense", 5, ["joint"]),
    ("compile_config", "penalty"): ("nonsense", 5, {"r1": -1}, {"r1": ENORMOUS}, *HARMFUL),
    ("compile_config", "penalty_every"): COUNTS,
    ("compile_config", "discriminator_steps"): COUNTS,
    ("compile_config", "steps_per_execution"): COUNTS,
    ("compile_config", "label_smoothing"): (-1, 2, "0.1", NAN),
    ("compile_config", "auxiliary_loss"): (5, "nonsense", *HARMFUL),
    ("compile_config", "augment"): (5, "nonsense", *HARMFUL),
    ("compile_config", "jit_compile"): (5, "nonsense", [1]),
    ("compile_config", "ema"): (2, "0.9"),
    ("compile_config", "g_optimizer"): (5, "nonsense", {}, instance("os", "Adam")),
    ("compile_config", "d_optimizer"): (5, [], ["adam", "adam", "adam"]),
    ("compile_config", "nonsense"): (1,),
    LAYERS: (None, 5),
    DENSE: (*HARMFUL, instance("keras.layers", "Lambda", function=HARMFUL[-1])),
    (*DENSE, "config", "activation"): ("nonsense", 5, *HARMFUL),
    (*DENSE, "config", "units"): (0, -1, 1.5, "3", 10**30),
    CATEGORIES: (1, 4_000, 200_000, *COUNTS),
    LOSS_CATEGORIES: (1, 200_000, *COUNTS),
}


@pytest.mark.parametrize("place", EDITS, ids=lambda place: ".".join(map(str, place)))
def test_an_edited_config_is_refused(tmp_path, sources, place):
    members = sources["infogan" if place in (CATEGORIES, LOSS_CATEGORIES) else "pair"]
    for value in EDITS[place]:
        path = pack(tmp_path, edit(members, place, value))
        with pytest.raises((ValueError, TypeError)):
            keras.models.load_model(path)
            pytest.fail(f"{value!r} was accepted")


@pytest.mark.parametrize("name", ["step", "batch", "draws", "pretrained", "format"])
@pytest.mark.parametrize("value", [None, -1, 1.5, "x", [1, 2], np.zeros((2, 2), int), NAN])
def test_counters_that_cannot_be_are_refused_and_change_nothing(tmp_path, sources, name, value):
    path = pack(tmp_path, edit_weights(sources["pair"], name, value))
    with pytest.raises(ValueError, match=f"`{name}` must be|must have format 2"):
        keras.models.load_model(path)
    gan = dense_pair()
    before = state(gan)
    with pytest.raises(ValueError):
        gan.load_weights(path)
    assert same(state(gan), before)


def test_a_step_that_no_step_can_follow_is_refused(tmp_path, sources):
    path = pack(tmp_path, edit_weights(sources["pair"], "step", 2**31))
    with pytest.raises(ValueError, match="`step` must be a whole number from 0 to 2147483647"):
        keras.models.load_model(path)


def random_state_cases():
    return [-1, "x", [1, 2, 3], np.zeros((5, 5), int)]


@pytest.mark.parametrize("value", random_state_cases())
def test_random_states_of_another_shape_are_refused(tmp_path, sources, value):
    path = pack(tmp_path, edit_weights(sources["pair"], "random_noise_penalty", value))
    with pytest.raises(ValueError):
        keras.models.load_model(path)


def elsewhere(kind):
    """A weight whose values are in another place."""

    def change(members):
        weights = io.BytesIO(members[WEIGHTS])
        with h5py.File(weights, "r+") as file:
            name = file.visititems(
                lambda name, item: name if getattr(item, "ndim", 0) == 2 else None
            )
            shape = file[name].shape
            del file[name]
            if kind == "link":
                file[name] = h5py.ExternalLink("/etc/hostname", name)
            elif kind == "soft link":
                file[name] = h5py.SoftLink("/nowhere")
            elif kind == "external":
                file.create_dataset(
                    name, shape, "float32", external=[("/etc/hostname", 0, h5py.h5f.UNLIMITED)]
                )
            else:
                layout = h5py.VirtualLayout(shape, "float32")
                layout[:] = h5py.VirtualSource("/etc/hostname", name, shape)
                file.create_virtual_dataset(name, layout)
        return members | {WEIGHTS: weights.getvalue()}

    return change


def hollow(members):
    """Weights that are declared and not there."""
    weights = io.BytesIO(members[WEIGHTS])
    with h5py.File(weights, "r+") as file:
        file.create_dataset("hollow", (2**28,), "float32")
    return members | {WEIGHTS: weights.getvalue()}


def wide(units):
    def change(members):
        members = edit(members, (*DENSE, "config", "units"), units)
        return edit(members, (*LAYERS, 2, "config", "target_shape"), [units])

    return change


def broken(members):
    """A wide layer, and after it one that does not fit it."""
    return edit(members, DENSE, instance("keras.layers", "Dense", units=10**9))


ARCHIVES = {
    "without config": (lambda m: {WEIGHTS: m[WEIGHTS]}, "in config.json"),
    "without weights": (lambda m: {CONFIG: m[CONFIG]}, "in model.weights.h5"),
    "no JSON": (lambda m: m | {CONFIG: b"{"}, "damaged"),
    "not UTF-8": (lambda m: m | {CONFIG: b"\xff"}, "damaged"),
    "deep": (lambda m: m | {CONFIG: "[" * 100_000}, "damaged"),
    "a list": (lambda m: m | {CONFIG: "[]"}, "damaged"),
    "no HDF5": (lambda m: m | {WEIGHTS: b"x" * 1000}, "damaged"),
    "half an HDF5": (lambda m: m | {WEIGHTS: m[WEIGHTS][:2000]}, "damaged"),
    **{
        f"{kind} in HDF5": (elsewhere(kind), None)
        for kind in ("link", "soft link", "external", "virtual")
    },
    "hollow": (hollow, r"its weights unpack to 1,0\d\d,\d\d\d,\d\d\d bytes"),
    "wide": (wide(10**9), r"asks for 5,000,000,\d\d\d weights and contains"),
    "wide and broken": (broken, "could not be deserialized|must be unchanged"),
    "traversal": (lambda m: m | {"../escaped": b"", "assets/../../escaped": b""}, None),
    "absolute": (lambda m: m | {"/tmp/escaped": b"", "assets/x": b""}, None),
}


@pytest.mark.parametrize("change", ARCHIVES)
@pytest.mark.filterwarnings("ignore:Skipping invalid path")
def test_crafted_archives_are_refused_or_harmless(tmp_path, sources, change):
    craft, message = ARCHIVES[change]
    path = pack(tmp_path, craft(sources["pair"]))
    path.rename(tmp_path / callbacks.MODEL)
    if message:
        with pytest.raises(ValueError, match=message):
            callbacks.load_checkpoint(tmp_path)
    elif change.endswith("in HDF5"):
        with pytest.raises((ValueError, KeyError, OSError)):
            callbacks.load_checkpoint(tmp_path)
    else:
        assert callbacks.load_checkpoint(tmp_path).step == 0
        assert not os.path.exists("/tmp/escaped")


@pytest.mark.parametrize("content", [b"", b"x", b"PK\x03\x04" + bytes(100), b"\x89HDF\r\n\x1a\n"])
def test_files_of_another_kind_are_refused(tmp_path, content):
    (tmp_path / callbacks.MODEL).write_bytes(content)
    with pytest.raises(ValueError, match="is truncated or damaged"):
        callbacks.load_checkpoint(tmp_path)


@pytest.mark.parametrize("name", [CONFIG, WEIGHTS])
def test_a_bomb_in_a_model_file_is_not_unpacked(tmp_path, sources, name):
    members = sources["pair"] | {name: bytes(2**26)}
    path = tmp_path / "bomb.keras"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, content in members.items():
            archive.writestr(member, content)
    assert callbacks.find_damage(path).startswith("is damaged (it unpacks to 67,")


def test_a_single_file_is_loaded_as_carefully(tmp_path, sources):
    assert callbacks.load_checkpoint(pack(tmp_path, sources["pair"])).step == 0
    path = pack(tmp_path, wide(10**9)(sources["pair"]))
    with pytest.raises(ValueError, match="asks for 5,000,000"):
        callbacks.load_checkpoint(path)
    path.write_bytes(b"x")
    with pytest.raises(ValueError, match="`folder` must contain a checkpoint, or be one"):
        callbacks.load_checkpoint(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes with names")
def test_a_pipe_in_place_of_a_model_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / callbacks.MODEL)
    with pytest.raises(ValueError, match="model.keras is not a file"):
        callbacks.load_checkpoint(tmp_path)


def test_own_layers_do_not_make_a_file_suspicious(tmp_path):
    class Own(keras.layers.Dense):
        pass

    gan = own_pair()
    latents = keras.Input((4,))
    generator = keras.Model(latents, gan.generator(Own(4)(latents)))
    path = tmp_path / "own.keras"
    kerasgan.GAN(generator, gan.discriminator).save(path)
    assert callbacks.find_damage(path) is None
    assert keras.models.load_model(path, custom_objects={"Own": Own}).step == 0


# MNIST's files


def idx(magic, *shape, content=b""):
    return struct.pack(f">{1 + len(shape)}I", magic, *shape) + content


IMAGES = idx(2051, 2, 28, 28, content=bytes(2 * 784))
LABELS = idx(2049, 2, content=bytes(2))
LARGEST = 2**32 - 1


@pytest.mark.parametrize("is_packed", [False, True])
@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("images", idx(2051, LARGEST, 28, 28)),
        ("images", idx(2051, LARGEST, LARGEST, LARGEST, content=bytes(100))),
        ("images", idx(2051, 0, LARGEST, LARGEST)),
        ("images", idx(2051, 2, 28, 28, content=bytes(2 * 784 + 1))),
        ("images", idx(2051, 2, 28, 28, content=bytes(2 * 784 - 1))),
        ("images", idx(2049, 2, 28, 28, content=bytes(2 * 784))),
        ("images", b"\0\0\x08"),
        ("images", b""),
        ("labels", idx(2049, LARGEST, content=bytes(2))),
        ("labels", idx(2051, 2, content=bytes(2))),
    ],
)
def test_idx_files_that_say_what_is_not_so_are_refused(tmp_path, name, content, is_packed):
    files = {"images": IMAGES, "labels": LABELS} | {name: content}
    for kind, dimensions in (("images", 3), ("labels", 1)):
        data = gzip.compress(files[kind]) if is_packed else files[kind]
        (tmp_path / f"train-{kind}-idx{dimensions}-ubyte").write_bytes(data)
    with pytest.raises(ValueError, match="`path` must point to intact MNIST files"):
        load_mnist(path=tmp_path)


def test_a_bomb_in_gzip_is_not_unpacked(tmp_path):
    # 68 MB of zeros, as long as its header says, in 66 kB.
    count = 2**26 // 784 + 1
    content = idx(2051, count, 28, 28, content=bytes(count * 784))
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(content))
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx(2049, count, content=bytes(count)))
    with pytest.raises(ValueError, match="truncated or too long"):
        load_mnist(path=tmp_path)


def npy(shape, dtype="|u1", content=b""):
    """An array of NumPy's format that says what it likes."""
    header = str({"descr": dtype, "fortran_order": False, "shape": shape}).ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + content


@pytest.mark.parametrize(
    "content",
    [
        npy((10**12, 28, 28)),
        npy((10**30, 28, 28)),
        npy((-1, 28, 28)),
        npy((2, 28, 28), content=bytes(10)),
        npy((2, 28, 28), "|O", content=b"cos\nsystem\n(S'touch escaped'\ntR."),
        npy(("2", 28, 28)),
        npy((2, 28, 28), "nonsense"),
        b"\x93NUMPY\x09\x00",
        b"cos\nsystem\n(S'touch escaped'\ntR.",
        b"",
    ],
)
def test_crafted_npz_files_are_refused(tmp_path, content):
    with zipfile.ZipFile(tmp_path / "mnist.npz", "w") as archive:
        for name in ("x_train", "y_train", "x_test", "y_test"):
            archive.writestr(f"{name}.npy", content)
    with pytest.raises(ValueError, match="`path` must point to intact MNIST files"):
        load_mnist(path=tmp_path)


def test_a_bomb_in_npz_is_not_unpacked(tmp_path):
    images = np.zeros((2**26 // 784 + 1, 28, 28), "uint8")
    np.savez_compressed(tmp_path / "mnist.npz", x_train=images, y_train=images[:, 0, 0])
    with pytest.raises(ValueError, match="it unpacks to 67,"):
        load_mnist(path=tmp_path)


# The config.json of a run

ARGUMENTS = {
    "model": "dcgan",
    "size": [16, 16],
    "channels": 3,
    "fit": "crop",
    "background": "white",
    "mirror": False,
    "filters": 2,
    "augment": None,
    "ema": None,
    "pretrain_steps": 0,
    "seed": 0,
    "data": "photos",
    "data_path": None,
    "batch_size": 2,
    "devices": 1,
    "learning_rate": None,
    "d_learning_rate": None,
    "deterministic": False,
    "evaluate": None,
    "monitor": "frechet_distance",
    "patience": None,
    "precision": "float32",
    "rollbacks": 0,
    "steps": 2,
    "epochs": None,
}
RUN = {
    "arguments": ARGUMENTS,
    "every": 1,
    "num_images": 4,
    "backend": "torch",
    "class_names": None,
    "latents": "normal",
    "latent_dim": 4,
    "value_range": [-1, 1],
    "num_classes": None,
}


def write_run(folder, edits):
    config = json.loads(json.dumps(RUN))
    for name, value in edits.items():
        (config["arguments"] if name in ARGUMENTS else config)[name] = value
    (folder / CONFIG).write_text(json.dumps(config))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("arguments", value) for value in (None, 5, [], {})),
        *(("every", value) for value in (0, "1", True, None)),
        *(("num_images", value) for value in (0, -5, 1.5)),
        *(("backend", value) for value in (5, "", None)),
        *(("class_names", value) for value in (5, [5], "ab")),
        *(("model", value) for value in ("nonsense", "../dcgan", "__class__", 5, None)),
        *(("size", value) for value in ([16], [0, 16], ["16", 16], 16, [[16], 16])),
        *(("channels", value) for value in (2, "3", True)),
        *(("seed", value) for value in (-1, 1.5, "0")),
        *(("batch_size", value) for value in (0, -1, "2", None)),
        *(("learning_rate", value) for value in (0, -1, NAN, "x", ENORMOUS)),
        *(("evaluate", value) for value in ("nonsense", 5)),
        *(("steps", value) for value in (0, -1, "2")),
        *(("data", value) for value in (5, "", None)),
        *(("patience", value) for value in (0, "5")),
        *(("devices", value) for value in (0, "some", None)),
        *(("monitor", value) for value in (None, "precision")),
        *(("precision", value) for value in (None, 16, "float64")),
    ],
)
def test_an_edited_run_is_refused(tmp_path, name, value):
    write_run(tmp_path, {})
    assert run_folder.read_config(tmp_path) == RUN
    write_run(tmp_path, {name: value})
    with pytest.raises(ValueError, match="must be a file written by `kerasgan train`"):
        run_folder.read_config(tmp_path)


@pytest.mark.parametrize(
    "edits",
    [
        {"latents": "keras.random.shuffle"},
        {"latents": function("os", "system")},
        {"latents": instance("antigravity", "geohash")},
        {"latents": instance("kerasgan.zoo.infogan", "CodedLatents", num_categories=60_000)},
        {"latents": ["normal", 0, ENORMOUS]},
        {"latent_dim": 5},
        {"latent_dim": "4"},
        {"value_range": [0, ENORMOUS]},
        {"value_range": None},
    ],
)
def test_an_edited_description_of_a_generator_is_refused(tmp_path, edits):
    write_run(tmp_path, {})
    generator = dense_pair().generator
    assert run_folder.read_sampler(tmp_path / "generator.keras", generator).latent_dim == 4
    write_run(tmp_path, edits)
    with pytest.raises(ValueError, match="config.json, which cannot be used"):
        run_folder.read_sampler(tmp_path / "generator.keras", generator)


@pytest.mark.parametrize("content", ["", "{", "[" * 100_000, "\xff", "9" * 5000])
def test_a_text_that_is_no_json_is_refused(tmp_path, content):
    (tmp_path / CONFIG).write_text(content, encoding="latin-1")
    with pytest.raises(ValueError):
        read_json(tmp_path / CONFIG)


def test_a_text_that_would_fill_the_memory_is_not_read(tmp_path):
    with open(tmp_path / CONFIG, "wb") as file:
        file.truncate(2**40)  # without a byte on the disk
    with pytest.raises(ValueError, match="more than"):
        read_json(tmp_path / CONFIG)
