"""The example of every docstring runs, with small numbers."""

import importlib
import inspect
import pkgutil
import re

import keras
import pytest
from examples import code_blocks, fill, load_tiny_mnist, shorten

import kerasgan

pytestmark = pytest.mark.any_backend

# A backend's own module can be imported only where that backend is installed.
MODULES = ["kerasgan"] + [
    found.name
    for found in pkgutil.walk_packages(kerasgan.__path__, "kerasgan.")
    if not found.name.endswith("__main__") and not found.name.startswith("kerasgan.backend._")
]
# What the data of an example are like, for the GAN that it builds.
SHAPES = {"digits": (28, 28, 1), "flags": (16, 16, 1), "images": (16, 16, 3)}
# The errors that examples end with.
RAISES = {"kerasgan.checks.argument_error": ValueError}


def _examples():
    found = {}
    for name in MODULES:
        module = importlib.import_module(name)
        for key, value in vars(module).items():
            if getattr(value, "__module__", None) == name and not key.startswith("_"):
                own = vars(value).items() if inspect.isclass(value) else ()
                for each, documented in [("", value), *own]:
                    blocks = code_blocks(inspect.cleandoc(documented.__doc__ or ""), "python")
                    if blocks:
                        found[".".join(filter(None, (name, key, each)))] = "\n".join(blocks)
    return found


EXAMPLES = _examples()


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """A folder, and the names; one GAN for all examples, as compiling takes most of their time."""
    folder = tmp_path_factory.mktemp("examples")
    return folder, fill(folder)


def _fitting(code):
    """The code with a size for each GAN that is built, to suit what it is then trained on."""
    data = re.search(r"gan\.fit\((\w+)", code)
    if data is None or "image_shape=images.image_shape" in code:
        return code
    code = re.sub(r"image_shape=\([^)]*\)", "", code)
    return re.sub(r"(build_\w+\()", rf"\1image_shape={SHAPES[data[1]]}, ", code)


def _look(gan, images, labels=None, **_):
    """Stands for `fit` where compiling a step takes long; raises for images of another shape."""
    gan.score(images[:2] if labels is None else (images[:2], labels[:2]))


@pytest.mark.parametrize("name", EXAMPLES)
def test_docstrings(name, prepared, monkeypatch):
    folder, names = prepared
    # The battery trains every model on every backend.
    if name.startswith("kerasgan.zoo.") and keras.config.backend() != "torch":
        monkeypatch.setattr(kerasgan.GAN, "fit", _look)
    monkeypatch.chdir(folder)
    monkeypatch.setattr(keras.datasets.mnist, "load_data", load_tiny_mnist)
    code = compile(shorten(_fitting(EXAMPLES[name])), name, "exec")
    if name in RAISES:
        with pytest.raises(RAISES[name]):
            exec(code, dict(names))
    else:
        exec(code, dict(names))


def test_every_builder_and_callback_has_an_example():
    wanted = [getattr(kerasgan, name) for name in kerasgan.__all__]
    wanted += [getattr(kerasgan.callbacks, name) for name in kerasgan.callbacks.__all__]
    called = {f"{each.__module__}.{each.__qualname__}" for each in wanted if callable(each)}
    assert called <= EXAMPLES.keys()
