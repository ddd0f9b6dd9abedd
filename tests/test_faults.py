"""What can go wrong around a GAN and is not the matter of another file's tests."""

import json
import os
import subprocess
import sys
import zipfile

import keras
import numpy as np
import pytest
from models import pictures

import kerasgan
from kerasgan.pictures import save_png


def run(program, **environment):
    """What a new process prints."""
    process = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"KERAS_BACKEND": keras.backend.backend()} | environment,
        cwd=os.path.dirname(os.path.dirname(kerasgan.__file__)),
        capture_output=True,
        text=True,
    )
    assert process.returncode == 0, process.stderr[-3000:]
    return process.stdout.strip()


def test_a_confident_discriminator_still_teaches_the_generator():
    # On a sigmoid's output the cross-entropy would be clipped, and its gradient 0.
    zeros = keras.initializers.Zeros()
    generator = keras.Sequential(
        [keras.Input((2,)), keras.layers.Dense(4, kernel_initializer=zeros)]
        + [keras.layers.Reshape((2, 2, 1))]
    )
    score = keras.layers.Dense(
        1,
        kernel_initializer=keras.initializers.Constant(0.01),
        bias_initializer=keras.initializers.Constant(-40.0),
    )
    discriminator = keras.Sequential([keras.Input((2, 2, 1)), keras.layers.Flatten(), score])
    gan = kerasgan.GAN(generator, discriminator)
    gan.compile(g_optimizer=keras.optimizers.SGD(1.0))
    logs = gan.train_generator_on_batch(np.zeros((3, 2, 2, 1), "uint8"))
    assert logs["g_loss"] == pytest.approx(40.0, rel=1e-5)
    # d softplus(-s) / d bias = -sigmoid(40) * 0.01.
    np.testing.assert_allclose(generator.get_weights()[1], 0.01, rtol=1e-5)


def test_one_seed_gives_one_hash_in_every_process():
    program = """
import hashlib, random, numpy, kerasgan
random.seed(0)
gan = kerasgan.build_dcgan((16, 16, 1), latent_dim=3, filters=2)
images = numpy.random.default_rng(0).integers(0, 256, (6, 16, 16, 1), dtype="uint8")
gan.fit(images, batch_size=2, steps=3, verbose=0)
weights = b"".join(weight.tobytes() for weight in gan.get_weights())
print(hashlib.sha256(weights).hexdigest())
"""
    assert run(program) == run(program)


@pytest.mark.any_backend
def test_one_seed_gives_one_hash_for_every_model():
    program = """
import hashlib, random, models
for name, (build, *_) in models.MODELS.items():
    random.seed(0)
    gan = build()
    gan.train_on_batch(models.batch(4, gan))
    weights = b"".join(weight.tobytes() for weight in gan.get_weights())
    print(name, hashlib.sha256(weights).hexdigest())
"""
    tests = os.path.dirname(__file__)
    first, second = (run(program, PYTHONPATH=tests) for _ in range(2))
    assert first == second and first.count("\n") >= 22


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="Linux tells")
def test_training_does_not_grow(own):
    def memory():
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20

    images, found = pictures(4, own), []
    for steps in (100, 200, 300, 400, 500, 600):
        own.fit(images, batch_size=4, steps=steps, verbose=0)
        found.append(memory())
    # MiB in 100 steps. A leak grows in each of the five; what other tests have left, in some.
    assert np.median(np.diff(found)) < 0.5


@pytest.mark.parametrize(
    "harmful",
    [
        {"class_name": "function", "module": "os", "config": "system", "registered_name": "system"},
        {
            "class_name": "get_file",
            "module": "keras.utils",
            "config": {"fname": "x", "origin": "ORIGIN", "cache_dir": "FOLDER"},
            "registered_name": "get_file",
        },
        {"class_name": "__lambda__", "config": {"value": "4wAAAAAAAAAAAAAAAA=="}},
    ],
)
def test_code_in_a_model_file_is_refused(tmp_path, own, harmful):
    own.save(tmp_path / "own.keras")
    with zipfile.ZipFile(tmp_path / "own.keras") as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(members["config.json"])
    config["config"]["latents"] = harmful
    text = json.dumps(config).replace("ORIGIN", (tmp_path / "own.keras").as_uri())
    members["config.json"] = text.replace("FOLDER", str(tmp_path / "cache")).encode()
    with zipfile.ZipFile(tmp_path / "crafted.keras", "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    with pytest.raises((TypeError, ValueError)):
        keras.models.load_model(tmp_path / "crafted.keras")
    assert not (tmp_path / "cache").exists()


def test_code_in_a_layer_is_refused(tmp_path, own):
    marker = str(tmp_path / "marker")
    latents = keras.Input((4,))
    harmful = keras.layers.Lambda(lambda x: (os.mkdir(marker), x)[1], output_shape=own.image_shape)
    generator = keras.Model(latents, harmful(own.generator(latents)))
    kerasgan.GAN(generator, own.discriminator).save(tmp_path / "crafted.keras")
    assert not os.path.exists(marker)
    with pytest.raises(ValueError, match="arbitrary code execution"):
        keras.models.load_model(tmp_path / "crafted.keras")
    assert not os.path.exists(marker)


@pytest.mark.parametrize("activation", ["sigmoid", "softmax"])
def test_an_operation_that_squashes_the_score_is_refused(own, activation):
    images = keras.Input(own.image_shape)
    outputs = keras.layers.Dense(2)(keras.layers.Flatten()(images))
    discriminator = keras.Model(images, getattr(keras.ops, activation)(outputs))
    with pytest.raises(ValueError, match=f"Received: discriminator that ends in {activation}"):
        kerasgan.GAN(own.generator, discriminator)


def test_the_command_works_without_tensorflow(tmp_path):
    if keras.backend.backend() == "tensorflow":
        pytest.skip("it is the backend in use")
    (tmp_path / "photos").mkdir()
    for index, image in enumerate(np.zeros((4, 16, 16, 3), "uint8")):
        save_png(tmp_path / "photos" / f"{index}.png", image)
    program = f"""
import os, sys
import kerasgan_command
os.chdir({str(tmp_path)!r})
arguments = "train photos --size 16 --filters 2 --batch-size 2 --steps 2 --out run"
assert kerasgan_command.main(arguments.split()) == 0
assert kerasgan_command.main(["sample", "run"]) == 0
assert "tensorflow" not in sys.modules
import keras, models
# Some layers ask whether TensorFlow is there. JAX compiles each operation.
for name in models.MODELS if keras.config.backend() == "torch" else ["sngan", "stylegan2"]:
    gan = models.MODELS[name][0]()
    images = gan.generator(models.generator_inputs(gan, 2))
    if len(gan.discriminator.inputs) == 1:
        gan.discriminator(images)
"""
    assert run(program, PYTHONPATH=os.path.dirname(__file__)).endswith("grid.png")


def test_importing_takes_no_more_than_it_needs():
    program = """
import sys, keras
before = set(sys.modules)
import kerasgan
added = {name.split(".")[0] for name in set(sys.modules) - before}
added |= {name for name in set(sys.modules) - before if name.count(".") == 1}
print(*sorted(added & {"matplotlib", "tensorboard", "scipy.stats", "scipy.cluster", "pandas"}))
"""
    assert run(program) == ""


@pytest.mark.skipif(not os.path.exists("/proc"), reason="a home that cannot be written")
def test_a_home_that_cannot_be_written_does_no_harm():
    assert run("import kerasgan; print(kerasgan.GAN.__name__)", HOME="/proc") == "GAN"
