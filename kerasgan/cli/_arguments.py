"""Arguments that several commands share, and the types of their values."""

import argparse
import contextlib
import math

from kerasgan import metrics, pretrained
from kerasgan.checks import argument_error

ENCODERS = {"mnist": metrics.mnist_encoder, "inception": metrics.inception_encoder}
_MOST_NAMES = 12  # in a message


def add_model(parser):
    """Adds the trained model, for all commands but `train`."""
    parser.add_argument(
        "model",
        type=path,
        metavar="MODEL",
        help="folder of a run, its model.keras, its generator.keras with config.json next to it, "
        f"or the name of a model that comes with the package: {', '.join(pretrained.NAMES)} "
        "(write ./mnist for a folder of that name)",
    )


def add_data_path(parser):
    """Adds the location of MNIST, for `train` and `evaluate`."""
    parser.add_argument(
        "--data-path",
        type=path,
        metavar="PATH",
        help="for mnist: folder or file to read instead of downloading it",
    )


def add_overwrite(parser):
    """Adds the permission to replace files, for `sample` and `export`."""
    parser.add_argument("--overwrite", action="store_true", help="replace existing files")


def check_new(path, is_taken, overwrite):
    """Raises FileExistsError if the output is there already and must not be replaced."""
    if is_taken and not overwrite:
        raise argument_error(
            "--out",
            "be new",
            f"--out {path}, which already exists",
            "Pass another path, or --overwrite to replace it.",
            FileExistsError,
        )


@contextlib.contextmanager
def placing(name, path):
    """Raises an error that names the argument if the block cannot write a file."""
    try:
        yield
    except OSError as error:
        raise argument_error(
            name,
            "be a writable path",
            f"{name} {path}: {error.strerror}",
            "Pass another path.",
            OSError,
        ) from error


def path(text):
    # An empty path would mean the current folder.
    if not text:
        raise argparse.ArgumentTypeError(f"must be a path. Received: {text!r}")
    return text


def positive(text):
    return _whole_number(text, 1)


def devices(text):
    return text if text == "all" else positive(text)


def not_negative(text):
    return _whole_number(text, 0)


def _whole_number(text, smallest):
    with contextlib.suppress(ValueError):
        if int(text) >= smallest:
            return int(text)
    raise argparse.ArgumentTypeError(
        f"must be a whole number of at least {smallest}. Received: {text}"
    )


def positive_number(text):
    with contextlib.suppress(ValueError):
        if 0 < float(text) < math.inf:
            return float(text)
    raise argparse.ArgumentTypeError(f"must be a number above 0. Received: {text}")


def size(text):
    """`[height, width]` from `64` or `48x64`."""
    sides = text.lower().split("x")
    if len(sides) > 2 or not all(side.isdecimal() and int(side) for side in sides):
        raise argparse.ArgumentTypeError(
            f"must be a size in pixels, like 64 or 48x64 (height x width). Received: {text}"
        )
    return [int(sides[0]), int(sides[-1])]


def in_words(names):
    """The first few of these names, as a list for a message."""
    more = len(names) - _MOST_NAMES
    return ", ".join(names[:_MOST_NAMES]) + (f" and {more} more" if more > 0 else "")


def shown(value):
    """Formats a value for the command line: the inverse of `size`."""
    if isinstance(value, list):
        return str(value[0]) if len(set(value)) == 1 else "x".join(map(str, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "none" if value is None else str(value)
