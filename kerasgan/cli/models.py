"""`kerasgan models`: list the models that `kerasgan train` can train."""

import argparse
import json
import subprocess
import sys

from kerasgan import zoo
from kerasgan.checks import counted
from kerasgan.cli import _arguments
from kerasgan.cli._messages import duration, tell
from kerasgan.cli._settings import BATCH_SIZES, DEFAULT_BATCH_SIZE, MODELS, takes_labels

__all__ = ["add_parser", "find_idea", "run"]

_SECONDS = 120  # most time to measure one model
_DOES_NOT_KNOW = "-"
# The fewest images that each has learned from: our flags (docs/results.md) or digits
# (docs/models.md), or its paper's: FastGAN's and RaGAN's smallest set, "a few thousand" of
# StyleGAN2-ADA, and CIFAR-10.
_FLAGS, _DIGITS, _CIFAR = 258, 60_000, 50_000
_FEWEST_IMAGES = {
    "biggan": _CIFAR,
    "dcgan": _FLAGS,
    "fastgan": 100,
    "flag_gan": _FLAGS,
    "projection_gan": _CIFAR,
    "r3gan": _CIFAR,
    "ragan": 2_011,
    "sngan": _CIFAR,
    "stylegan2": 2_000,
    "wgan_gp": _CIFAR,
}


def add_parser(commands):
    """Adds this command to the program."""
    parser = commands.add_parser(
        "models",
        help="list the models, with their size and cost",
        description="List the models that `kerasgan train` can train: their parameters at a size "
        "of image, the fewest images that they are known to learn from, whether they need labels, "
        "and what is special about them.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="""\
examples:
  kerasgan models
  kerasgan models --size 32 --channels 1
  kerasgan models dcgan sngan fastgan --size 64 --measure

The page "Choose a model" of the documentation says which to choose, for how many pictures, and how
long it takes.""",
    )
    parser.add_argument(
        "models",
        nargs="*",
        type=_model,
        metavar="MODEL",
        help="which models (default: all)",
    )
    parser.add_argument(
        "--size",
        type=_arguments.size,
        default=[64, 64],
        help="height and width in pixels, like 64 or 48x64 (default: 64)",
    )
    parser.add_argument(
        "--channels",
        type=int,
        choices=(1, 3, 4),
        default=3,
        help="1 grey, 3 colour, 4 colour and alpha (default: 3)",
    )
    parser.add_argument(
        "--filters",
        type=_arguments.positive,
        metavar="N",
        help="base width of the models (default: each model's own; on a CPU, `kerasgan train` "
        "takes 32)",
    )
    parser.add_argument(
        "--measure",
        action="store_true",
        help="train each for a few steps at its own batch size, and show the memory (of the GPU "
        "if there is one, else of the whole process) and the time of 1,000 steps; takes up to "
        f"{duration(_SECONDS)} each",
    )


def _model(text):
    # With `nargs="*"`, argparse would look for an empty list among `choices`.
    if text not in MODELS:
        raise argparse.ArgumentTypeError(f"must be one of {', '.join(MODELS)}. Received: {text}")
    return text


def run(given):
    """Runs the command with its parsed arguments; returns the exit code."""
    names = given.models or MODELS
    image_shape = (*given.size, given.channels)
    options = {"image_shape": image_shape}
    if given.filters:
        options["filters"] = given.filters
    if given.measure:
        tell(
            "models",
            f"measuring {counted(len(names), 'model')} takes up to "
            f"{duration(_SECONDS * len(names))}, usually less.",
        )
    columns = ["model", "parameters", "fewest images", "labels"]
    columns += ["batch", "memory", "1,000 steps"] if given.measure else []
    _print_row([*columns, f"idea ({'x'.join(map(str, image_shape))})"])
    for name in names:
        parameters = _count_parameters(name, options)
        cells = [name, parameters, f"{_FEWEST_IMAGES.get(name, _DIGITS):,}"]
        cells.append("yes" if takes_labels(name) else "no")
        if given.measure:
            batch_size = BATCH_SIZES.get(name, DEFAULT_BATCH_SIZE)
            can = parameters != _DOES_NOT_KNOW
            cost = _measure(name, options, batch_size) if can else [_DOES_NOT_KNOW] * 2
            cells += [str(batch_size), *cost]
        _print_row([*cells, find_idea(name)])
    return 0


def find_idea(name: str) -> str:
    """What is special about a model: the first line of its module, without its name."""
    module = sys.modules[getattr(zoo, f"build_{name}").__module__]
    return (module.__doc__ or "").partition("\n")[0].partition(": ")[2]


def _count_parameters(name, options):
    """The parameters of both networks, as text; a dash if the model cannot make such images."""
    try:
        gan = getattr(zoo, f"build_{name}")(**options)
    except ValueError:
        return _DOES_NOT_KNOW
    count = gan.generator.count_params() + gan.discriminator.count_params()
    return f"{count / 1e6:,.1f} M"


def _measure(name, options, batch_size):
    """Memory and time of 1,000 steps, as texts, measured in a process of its own."""
    job = [sys.executable, "-m", "kerasgan.cli._measure", name, json.dumps(options)]
    try:
        ended = subprocess.run(
            [*job, str(batch_size)], capture_output=True, text=True, timeout=_SECONDS
        )
        words = (ended.stderr.splitlines() or ["it was killed, probably for its memory"])[-1]
        problem = words if ended.returncode else None
    except subprocess.TimeoutExpired:
        problem = f"five steps take more than {duration(_SECONDS)}"
    if problem:
        tell("models", f"{name} could not be measured: {problem}")
        return [_DOES_NOT_KNOW, _DOES_NOT_KNOW]
    found = json.loads(ended.stdout.splitlines()[-1])
    memory = f"{found['bytes'] / 1e9:.1f} GB" if found["bytes"] else _DOES_NOT_KNOW
    return [memory, duration(1000 * found["seconds"])]


def _print_row(cells):
    widths = (15, 12, 15, 8, 7, 12, 16)
    *others, last = cells
    texts = [f"{cell:<{width}}" for cell, width in zip(others, widths, strict=False)]
    print("".join([*texts, last]), flush=True)
