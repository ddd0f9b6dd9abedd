"""Exports a generator in the formats that Keras writes, to run it without Keras and kerasgan.

`GAN.export` and `kerasgan export` both write their files here.
"""

import contextlib
import importlib.util
import io
import os
import pathlib
import warnings

import keras
import numpy as np

from kerasgan import backend, checks
from kerasgan import images as image_tools
from kerasgan.checks import argument_error
from kerasgan.files import replacing_all
from kerasgan.networks import feed, first, latents_shape
from kerasgan.sampler import Sampler

__all__ = ["SUFFIXES", "can_write", "check_format", "export", "formats_by_backend"]

# How the name of a file must end; a SavedModel is a folder.
SUFFIXES = {
    "tf_saved_model": "",
    "onnx": ".onnx",
    "litert": ".tflite",
    "openvino": ".xml",
    "torch": ".pt2",
}
# The backends that can write a format, and the package that they need for it: its name in Python
# and in pip. docs/export.md says why the others cannot.
_NEEDED = {
    "tf_saved_model": {"tensorflow": "tensorflow", "jax": "tensorflow"},
    "onnx": {"tensorflow": "tf2onnx", "jax": "jax2onnx", "torch": "onnx"},
    "litert": {"tensorflow": "tensorflow"},
    "openvino": {"tensorflow": "openvino", "torch": "openvino"},
    "torch": {"torch": "torch"},
}
_COUNT = 64  # latents in a file, by default


def export(
    sampler: Sampler,
    filepath: str | os.PathLike,
    format: str | None = None,
    verbose: bool = False,
    uint8: bool = True,
    seed: int | None = None,
    count: int | None = None,
    **options: object,
) -> None:
    """Writes a sampler's generator; see `kerasgan.GAN.export`."""
    checks.check_path("filepath", filepath)
    path = pathlib.Path(filepath)
    format = check_format(path, format)
    checks.check_flag("verbose", verbose)
    checks.check_flag("uint8", uint8)
    rows = _rows(sampler, seed, count)
    sampler.check_finite()
    with replacing_all(path) as temporary:
        model = _model(sampler, rows, uint8)
        # Where a batch may have any size, LiteRT does not know the size of an enlarged map either,
        # and has no convolution for it.
        size = 1 if format == "litert" else None
        specs = [keras.InputSpec(x.dtype, (size, *x.shape[1:]), name=x.name) for x in model.inputs]
        # The names of a model's Inputs, for formats that have names.
        signature = [specs if len(specs) > 1 else specs[0]]
        with _quiet(verbose), backend.export_options(format, len(specs)) as needed:
            options = {"input_signature": signature} | needed | options
            _write(model, str(temporary), format, options)


def check_format(path: pathlib.Path, format: str | None) -> str:
    """Returns the format, from the suffix if it is None.

    Raises:
        ValueError: The format or the suffix is wrong, the backend cannot write the format, or
            something else is at the path.
        ImportError: A package is missing.
    """
    if format is None:
        format = next((key for key in SUFFIXES if SUFFIXES[key] == path.suffix), None)
        if format is None:  # a folder's suffix is empty
            *others, last = (suffix for suffix in SUFFIXES.values() if suffix)
            raise argument_error(
                "filepath",
                f"end in {', '.join(others)} or {last}, or have no suffix to be a SavedModel",
                f"filepath={str(path)!r}",
                "Correct the suffix, or pass the format.",
            )
    checks.check_choice("format", format, tuple(SUFFIXES))
    suffix = SUFFIXES[format]
    if path.suffix != suffix and (suffix or path.suffix in SUFFIXES.values()):
        ending = f"end in {suffix}" if suffix else "be a folder, without the suffix of a file"
        raise argument_error(
            "filepath", f"{ending} for format={format!r}", f"filepath={str(path)!r}", "Rename it."
        )
    is_model = (path / "saved_model.pb").is_file() or (path.is_dir() and not any(path.iterdir()))
    if path.exists() and not (path.is_file() if suffix else is_model):
        kind = "file" if suffix else "SavedModel"
        raise argument_error(
            "filepath",
            f"be new, or a {kind} to replace",
            f"filepath={str(path)!r}, which is {'a folder' if path.is_dir() else 'a file'}",
            "Choose another name.",
        )
    _check_can_write(format)
    return format


def formats_by_backend() -> dict[str, list[str]]:
    """The formats that each backend can write, with the right packages."""
    backends = ("tensorflow", "jax", "torch")
    return {each: [name for name in _NEEDED if each in _NEEDED[name]] for each in backends}


def can_write(format: str) -> bool:
    """Whether the current backend can write a format, with the right packages."""
    return keras.config.backend() in _NEEDED[format]


def _check_can_write(format):
    needed, current = _NEEDED[format], keras.config.backend()
    if not can_write(format):
        others = " or ".join(f"KERAS_BACKEND={each}" for each in needed)
        raise argument_error(
            "format",
            f"be one that the backend {current} can write",
            f"format={format!r}",
            f"Set {others} and load the same file there, or choose another format.",
        )
    package = needed[current]
    if importlib.util.find_spec(package) is None:
        raise ImportError(
            f"To export with format={format!r}, the backend {current} needs {package}, which is "
            f"not installed. Install it with: pip install {package}"
        )


def _rows(sampler, seed, count):
    """The latents, and the labels, that the file is to contain; empty without a seed."""
    if seed is None:
        if count is not None:
            raise argument_error(
                "count",
                "be left out without a seed: latents are then an input",
                f"count={count!r}",
                "Pass seed=0, for example, to put that many latents into the file.",
            )
        return {}
    checks.check_whole("seed", seed, 0)
    count = _COUNT if count is None else checks.check_whole("count", count, 1)
    if latents_shape(sampler.generator) is None:
        raise argument_error(
            "seed",
            "be None for a generator that takes no latents",
            f"seed={seed}",
            "Leave it out.",
        )
    return sampler.inputs(count, seed)


def _model(sampler, rows, uint8):
    """The generator as it samples, with `rows` in it, as one functional model."""
    generator = sampler.generator
    if rows:
        inputs = [keras.Input((), dtype="int32", name="index")]
        taken = {name: _looked_up(values, inputs[0]) for name, values in rows.items()}
    else:
        taken = {
            _name(generator, tensor): keras.Input(
                tensor.shape[1:],
                dtype="int32" if tensor.name == "labels" else tensor.dtype,
                name=_name(generator, tensor),
            )
            for tensor in generator.inputs
        }
        inputs = list(taken.values())
    images = first(generator(feed(generator, taken), training=False))
    if uint8:
        images = image_tools.as_uint8(images, sampler.value_range)
    return keras.Model(inputs if len(inputs) > 1 else inputs[0], images, name="generator")


def _name(generator, tensor):
    """The name of an Input; that of the latents, if alone, may be any."""
    is_alone = len(generator.inputs) == 1 and latents_shape(generator) is not None
    return "latents" if is_alone else tensor.name


def _looked_up(values, index):
    """The rows of an array at `index`, kept as the weight of a layer."""
    table = values.reshape(len(values), -1)
    layer = keras.layers.Embedding(*table.shape, trainable=False, dtype="float32")
    found = layer(index)
    layer.set_weights([table.astype("float32")])
    if np.issubdtype(values.dtype, np.integer):
        return keras.ops.cast(found[:, 0], values.dtype.name)
    return found


@contextlib.contextmanager
def _quiet(verbose):
    """Keeps from the user, unless asked for, what the converters print and warn of."""
    if verbose:
        yield
        return
    with (
        warnings.catch_warnings(action="ignore"),
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
    ):
        yield


def _write(model, path, format, options):
    try:
        # Keras would print the temporary path.
        model.export(path, format=format, verbose=False, **options)
    # The converters raise almost any exception for what they cannot express.
    except Exception as error:
        if isinstance(error, OSError) or checks.is_out_of_memory(error):
            raise
        raise argument_error(
            "format",
            "be one that can express every layer of the generator",
            f"format={format!r}, which failed ({checks.reason(error)})",
            "Choose another format or backend.",
        ) from error
