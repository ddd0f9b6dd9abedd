"""`kerasgan export`: write a trained generator in a format that runs without Keras."""

import argparse
import pathlib

from kerasgan import export as exporting
from kerasgan.cli import _arguments
from kerasgan.cli._messages import refusing
from kerasgan.cli._source import load_sampler

__all__ = ["add_parser", "run"]

# What the user types for arguments of the API.
_TYPED = {"filepath": "--out"} | {name: f"--{name}" for name in ("count", "format", "seed")}


def add_parser(commands):
    """Adds this command to the program."""
    parser = commands.add_parser(
        "export",
        help="write a trained generator as ONNX, SavedModel, LiteRT, OpenVINO or torch.export",
        description="Write the generator of a trained GAN in a format that needs neither Keras nor "
        "kerasgan to run.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=f"""\
examples:
  kerasgan export mnist --out digits
  kerasgan export runs/digits --out digits.onnx
  kerasgan export runs/digits --out ten.onnx --seed 0 --count 10

formats, by KERAS_BACKEND:
{_formats()}""",
    )
    _arguments.add_model(parser)
    parser.add_argument(
        "--format",
        choices=tuple(exporting.SUFFIXES),
        help="default: what the suffix of --out says (.onnx, .tflite, .xml, .pt2; none for "
        "tf_saved_model)",
    )
    parser.add_argument(
        "--out",
        type=_arguments.path,
        required=True,
        metavar="PATH",
        help="the file, or for tf_saved_model the folder, to write",
    )
    parser.add_argument(
        "--floats",
        action="store_true",
        help="images are floats in the model's value range (default: uint8)",
    )
    parser.add_argument(
        "--seed",
        type=_arguments.not_negative,
        metavar="N",
        help="put latents drawn from this seed into the file, which then takes the index of an "
        "image (default: it takes latents)",
    )
    parser.add_argument(
        "--count",
        type=_arguments.positive,
        metavar="N",
        help="number of latents in the file, with --seed (default: 64)",
    )
    _arguments.add_overwrite(parser)


def _formats():
    rows = exporting.formats_by_backend().items()
    return "\n".join(f"  {backend:<12}{', '.join(formats)}" for backend, formats in rows)


def run(given):
    """Runs the command with its parsed arguments; returns the exit code."""
    with refusing(**_TYPED):
        out = pathlib.Path(given.out)
        _arguments.check_new("--out", out, out.exists(), given.overwrite)
        form = exporting.check_format(out, given.format)
        sampler = load_sampler(given.model)
        with _arguments.placing("--out", out):
            out.parent.mkdir(parents=True, exist_ok=True)
            exporting.export(
                sampler, out, form, uint8=not given.floats, seed=given.seed, count=given.count
            )
    print(out)
    return 0
