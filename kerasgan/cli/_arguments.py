"""Arguments that several commands share, and the types of their values."""

import argparse
import contextlib
import math
import pathlib

from kerasgan import metrics, pretrained
from kerasgan.checks import argument_error
from kerasgan.files import check_writable

ENCODERS = ("inception", "mnist", "pyramid")
ENCODERS_HELP = (
    "pyramid (colours and contrasts at every scale, offline), mnist (offline, for digits) or "
    "inception (InceptionV3, a download of 88 MB)"
)
PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")  # the first is the default
_DIGITS = (28, 28, 1)
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


def check_encoder(name, encoder, image_shape):
    """Refuses an encoder that would make nonsense of images of this shape.

    Args:
        name: Name of the argument.
        encoder: Its value, one of `ENCODERS`, or None.
        image_shape: Shape of the images.
    """
    if encoder == "mnist" and tuple(image_shape) != _DIGITS:
        height, width, channels = image_shape
        raise argument_error(
            name,
            "be pyramid or inception for images that are not 28x28 grey, because mnist knows "
            "digits only",
            f"{name} mnist for images of {height}x{width}x{channels}",
            f"{name} pyramid needs no download.",
        )


def load_encoder(encoder, image_shape):
    """Makes one of `ENCODERS` for images of this shape."""
    if encoder == "pyramid":
        return metrics.pyramid_encoder(image_shape)
    return {"inception": metrics.inception_encoder, "mnist": metrics.mnist_encoder}[encoder]()


def add_seed(parser):
    """Adds the seed of what is drawn, for `sample`, `project` and `directions`."""
    parser.add_argument(
        "--seed",
        type=not_negative,
        default=0,
        metavar="N",
        help="the same seed gives the same pictures (default: 0)",
    )


def add_overwrite(parser):
    """Adds the permission to replace files."""
    parser.add_argument("--overwrite", action="store_true", help="replace existing files")


def check_new(name, path, is_taken, overwrite):
    """Raises FileExistsError if a path is taken and may not be replaced."""
    if is_taken and not overwrite:
        raise argument_error(
            name,
            "be new",
            f"{name} {path}, which already exists",
            "Pass another path, or --overwrite to replace it.",
            FileExistsError,
        )


def check_file(name, path, suffix, overwrite):
    """Returns the path of a new file with this suffix, in a folder that exists from now on."""
    path = pathlib.Path(path)
    if path.suffix.lower() != suffix:
        raise argument_error(
            name, f"end in {suffix}", f"{name} {path}", f"For example, pass {name} new{suffix}."
        )
    check_new(name, path, path.exists(), overwrite)
    with placing(name, path):
        path.parent.mkdir(parents=True, exist_ok=True)
        check_writable(path)
    return path


def read_labels(text, names, name="--labels"):
    """The labels of classes given as `cat,dog`: by their names, or by their numbers."""
    known = {word: label for label, word in enumerate(names)}
    fix = "Write them as they stand here."
    # Where a number is the name of a class, all numbers are names.
    if not any(word.isdecimal() for word in names):
        known |= {str(label): label for label in range(len(names))}
        fix = f"Pass their names, or numbers from 0 to {len(names) - 1}."
    wanted = [part.strip() for part in text.split(",")]
    unknown = [part for part in wanted if part not in known]
    if unknown:
        raise argument_error(
            name,
            f"be classes of the model, separated by commas: {in_words(names)}",
            f"{name} {text}, with {unknown[0]!r}",
            fix,
        )
    return [known[part] for part in wanted]


def check_no_labels(name, given):
    """Raises ValueError if labels, or something else about them, are given.

    For a model that makes pictures without labels.
    """
    if given is not None:
        raise argument_error(
            name,
            "be left out for a model that makes pictures without labels",
            name if given is True else f"{name} {given}",
            "Leave it out.",
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
    return "default" if value is None else str(value)
