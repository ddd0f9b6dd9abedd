"""`kerasgan sample`: draw pictures from a trained GAN."""

import argparse
import math
import os
import pathlib

import numpy as np

from kerasgan import latents as latent_tools
from kerasgan import pictures
from kerasgan.checks import argument_error
from kerasgan.cli import _arguments
from kerasgan.cli._messages import refusing
from kerasgan.cli._source import load_sampler
from kerasgan.files import check_writable
from kerasgan.sampler import Layout

__all__ = ["add_parser", "run"]

_COUNT, _STOPS = 64, 8  # pictures, or stops on a walk, by default
_FRAMES_BETWEEN, _SECONDS_PER_FRAME = 16, 0.05  # in a walk


def add_parser(commands):
    """Adds this command to the program."""
    parser = commands.add_parser(
        "sample",
        help="draw pictures from a trained GAN",
        description="Draw pictures from a trained GAN. Needs no training data.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="""\
examples:
  kerasgan sample mnist
  kerasgan sample runs/digits --out digits.png
  kerasgan sample runs/digits/model.keras --count 100 --seed 7 --out more.png
  kerasgan sample runs/digits --count 1000 --out digits/
  kerasgan sample runs/digits --count 6 --out walk.gif
  kerasgan sample runs/pets --labels cat,dog --count 16 --out pets.png

If the model was trained with labels, a grid has a row for each class (and --count is rounded up to
full rows). In a GIF or a folder, the classes take turns.""",
    )
    _arguments.add_model(parser)
    parser.add_argument(
        "--count",
        type=_arguments.positive,
        metavar="N",
        help="number of pictures, or of stops on the walk in a GIF (default: as many as --labels, "
        f"or {_COUNT}; for a GIF {_STOPS})",
    )
    parser.add_argument(
        "--labels",
        metavar="CLASS,...",
        help="classes of the pictures, by name or by number from 0, like cat,dog or 3,3,7; "
        "repeated if --count is larger, in a grid row by row (default: every class)",
    )
    parser.add_argument(
        "--seed",
        type=_arguments.not_negative,
        default=0,
        metavar="N",
        help="the same seed gives the same pictures (default: 0)",
    )
    parser.add_argument(
        "--out",
        type=_arguments.path,
        default="grid.png",
        metavar="PATH",
        help="X.png: one grid; X.gif: a walk from picture to picture; X/ or a name without a "
        "suffix: a folder with one file per picture (default: grid.png)",
    )
    parser.add_argument(
        "--scale",
        type=_arguments.positive,
        metavar="N",
        help="factor to enlarge each picture by (default: 1 for single files; in a grid or GIF, "
        "small pictures are enlarged to fill the screen)",
    )
    _arguments.add_overwrite(parser)


def run(given):
    """Runs the command with its parsed arguments; returns the exit code."""
    with refusing():
        out = pathlib.Path(given.out)
        kind = _kind_of_output(given.out)
        _check_output(out, kind, given.overwrite)
        sampler = load_sampler(given.model)
        layout = _lay_out(sampler, kind, given.count, given.labels)
        with _arguments.placing("--out", out):
            first = out / _file_name(0) if kind == "folder" else out
            first.parent.mkdir(parents=True, exist_ok=True)
            check_writable(first)
        latents, labels = sampler.draw(layout.size, given.seed), layout.labels
        if kind == "gif":
            latents = latent_tools.path(latents, sampler.latents, _FRAMES_BETWEEN)
            labels = None if labels is None else labels.repeat(_FRAMES_BETWEEN)
        images = sampler.generate(latents, labels)
        _write(out, kind, images, given.scale, layout)
    print(out)
    return 0


def _kind_of_output(text):
    path = pathlib.Path(text)
    if text.endswith(("/", os.sep)) or path.is_dir() or not path.suffix:
        return "folder"
    if path.suffix.lower() in (".png", ".gif"):
        return path.suffix.lower()[1:]
    raise argument_error(
        "--out",
        "end in .png (grid) or .gif (walk), or be a folder (single files)",
        f"--out {text}",
        "For example, pass --out grid.png.",
    )


def _check_output(out, kind, overwrite):
    is_taken = out.is_dir() and any(out.iterdir()) if kind == "folder" else out.exists()
    _arguments.check_new(out, is_taken, overwrite)


def _lay_out(sampler, kind, count, text):
    """Says which pictures to draw, and where they are in a grid."""
    usual = _STOPS if kind == "gif" else _COUNT
    if not sampler.takes_labels:
        if text is not None:
            raise argument_error(
                "--labels",
                "be left out for a model that makes pictures without labels",
                f"--labels {text}",
                "Leave it out.",
            )
        return Layout(count or usual)
    labels = None if text is None else _read_labels(text, sampler.names)
    is_filled = labels is None or (count or 0) > len(labels) > 1
    if kind == "png" and is_filled:
        num_rows = len(labels or sampler.names)
        return sampler.layout(count or usual, count and math.ceil(count / num_rows), labels)
    if labels is None:
        labels = range(sampler.num_classes)
    elif kind != "gif":
        usual = len(labels)
    # Repeated from the first.
    return Layout(count or usual, labels=np.resize(labels, count or usual).astype("int32"))


def _read_labels(text, names):
    known = {name: label for label, name in enumerate(names)}
    fix = "Pass their names."
    # Where a number is the name of a class, all numbers are names.
    if not any(name.isdecimal() for name in names):
        known |= {str(label): label for label in range(len(names))}
        fix = f"Pass their names, or numbers from 0 to {len(names) - 1}."
    wanted = [part.strip() for part in text.split(",")]
    unknown = [part for part in wanted if part not in known]
    if unknown:
        raise argument_error(
            "--labels",
            f"be classes of MODEL, separated by commas: {_arguments.in_words(names)}",
            f"--labels {text}, with {unknown[0]!r}",
            fix,
        )
    return [known[part] for part in wanted]


def _write(out, kind, images, scale, layout):
    if kind == "gif":
        frames = [pictures.fit_frame(image, scale) for image in images]
        pictures.save_gif(out, frames, _SECONDS_PER_FRAME)
    elif kind == "png":
        grid = pictures.grid(images, layout.columns, scale=scale)
        pictures.save_png(out, pictures.named(grid, layout.names))
    else:
        names = [_file_name(index) for index in range(len(images))]
        for name, image in zip(names, images, strict=True):
            pictures.save_png(out / name, pictures.enlarged(image, scale or 1))
        # Remove what an earlier call with a larger --count left.
        for path in set(out.glob("sample_*.png")) - {out / name for name in names}:
            if path.stem.removeprefix("sample_").isdecimal():
                path.unlink()


def _file_name(index):
    return f"sample_{index:05d}.png"
