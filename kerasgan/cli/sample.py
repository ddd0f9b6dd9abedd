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

_COUNT, _STOPS, _MORPHS = 64, 8, 4  # pictures, stops on a walk, and morphs, by default
_FRAMES_BETWEEN, _SECONDS_PER_FRAME = 16, 0.05  # in an animation
_STEPS = 8  # from left to right, of a walk in a picture


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
  kerasgan sample runs/digits --path spherical --out walk.png
  kerasgan sample runs/digits --truncation 0.7 --out typical.png
  kerasgan sample runs/pets --labels cat,dog --count 16 --out pets.png
  kerasgan sample runs/pets --labels cat,dog --morph --out morph.png

If the model was trained with labels, a grid has a row for each class (and --count is rounded up to
full rows). On a walk or in a folder, the classes take turns.""",
    )
    _arguments.add_model(parser)
    parser.add_argument(
        "--count",
        type=_arguments.positive,
        metavar="N",
        help="number of pictures, or of stops on a walk (default: as many as --labels, "
        f"or {_COUNT}; on a walk {_STOPS}, with --morph {_MORPHS})",
    )
    parser.add_argument(
        "--labels",
        metavar="CLASS,...",
        help="classes of the pictures, by name or by number from 0, like cat,dog or 3,3,7; "
        "repeated if --count is larger, in a grid row by row (default: every class)",
    )
    course = parser.add_mutually_exclusive_group()
    course.add_argument(
        "--path",
        choices=latent_tools.KINDS,
        help="walk from picture to picture along arcs (spherical) or straight lines (linear); in a "
        "grid, in a row from each to the next (default in a GIF or video: what suits the latents)",
    )
    course.add_argument(
        "--morph",
        action="store_true",
        default=None,
        help="change each picture from class to class, in the order of --labels; in a grid, in a "
        "row from the first to the last",
    )
    parser.add_argument(
        "--truncation",
        type=_arguments.positive_number,
        metavar="X",
        help="largest distance of the latents from their mean, in standard deviations: less than "
        "1 gives more typical, less varied pictures (default: no limit)",
    )
    _arguments.add_seed(parser)
    parser.add_argument(
        "--out",
        type=_arguments.path,
        default="grid.png",
        metavar="PATH",
        help="X.png: one grid; X.gif, X.mp4 or X.webm: a walk from picture to picture (video "
        "needs the package av); X/ or a name without a suffix: a folder with one file per picture "
        "(default: grid.png)",
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
    with refusing(scale="--scale", truncation="--truncation"):
        out = pathlib.Path(given.out)
        kind = _kind_of_output(given.out)
        is_taken = out.is_dir() and any(out.iterdir()) if kind == "folder" else out.exists()
        _arguments.check_new("--out", out, is_taken, given.overwrite)
        if kind == "animation":
            pictures.check_animation(out)
        pictures.check_scale(given.scale)
        sampler = load_sampler(given.model)
        layout = _lay_out(sampler, kind, given)
        with _arguments.placing("--out", out):
            first = out / _file_name(0) if kind == "folder" else out
            first.parent.mkdir(parents=True, exist_ok=True)
            check_writable(first)
        latents = sampler.draw(layout.size, given.seed, given.truncation)
        if given.morph:
            images, layout = _morph(sampler, kind, latents, layout.labels)
        elif kind == "animation" or given.path:
            images, layout = _walk(sampler, kind, latents, layout.labels, given.path)
        else:
            images = sampler.generate(latents, layout.labels)
        _write(out, kind, images, given.scale, layout)
    print(out)
    return 0


def _kind_of_output(text):
    path = pathlib.Path(text)
    if text.endswith(("/", os.sep)) or path.is_dir() or not path.suffix:
        return "folder"
    if path.suffix.lower() == ".png":
        return "png"
    if path.suffix.lower() in pictures.ANIMATIONS:
        return "animation"
    raise argument_error(
        "--out",
        "end in .png (grid), .gif, .mp4 or .webm (walk), or be a folder (single files)",
        f"--out {text}",
        "For example, pass --out grid.png.",
    )


def _lay_out(sampler, kind, given):
    """Says which pictures to draw, and where they are in a grid.

    With `--morph`, the labels are the classes to pass instead.
    """
    is_walk = kind == "animation" or given.path
    usual, count = _STOPS if is_walk else _COUNT, given.count
    if not sampler.takes_labels:
        _arguments.check_no_labels("--labels", given.labels)
        _arguments.check_no_labels("--morph", given.morph)
        return Layout(count or usual)
    labels = None if given.labels is None else _arguments.read_labels(given.labels, sampler.names)
    if given.morph:
        classes = list(range(sampler.num_classes)) if labels is None else labels
        if len(classes) < 2:
            raise argument_error(
                "--labels",
                "name two classes or more with --morph",
                f"--labels {given.labels}",
                "Pass --labels 3,7, for example.",
            )
        return Layout(count or _MORPHS, labels=classes)
    is_filled = labels is None or (count or 0) > len(labels) > 1
    if kind == "png" and is_filled and not is_walk:
        num_rows = len(labels or sampler.names)
        return sampler.layout(count or usual, count and math.ceil(count / num_rows), labels)
    if labels is None:
        labels = range(sampler.num_classes)
    elif not is_walk:
        usual = len(labels)
    # Repeated from the first.
    return Layout(count or usual, labels=np.resize(labels, count or usual).astype("int32"))


def _walk(sampler, kind, latents, labels, path):
    """The images from each latent to the next; in a picture, in rows that end with the next."""
    count = _FRAMES_BETWEEN if kind == "animation" else _STEPS
    rows = latent_tools.path(latents, sampler.latents, count, path).reshape(len(latents), count, -1)
    if kind != "animation":
        rows = np.concatenate([rows, np.roll(rows[:, :1], -1, axis=0)], axis=1)
    columns = rows.shape[1]
    labels = None if labels is None else labels.repeat(columns)
    images = sampler.generate(np.concatenate(rows), labels)
    return images, Layout(len(images), columns)


def _morph(sampler, kind, latents, classes):
    """The images from class to class of each latent, in rows; in an animation, in a grid."""
    count = _FRAMES_BETWEEN if kind == "animation" else max(2, _STEPS // (len(classes) - 1))
    shares = np.eye(sampler.num_classes)[classes]
    mixtures = latent_tools.path(shares, frames_between=count, kind="linear")
    if kind != "animation":
        mixtures = mixtures[: count * (len(classes) - 1) + 1]
    columns = len(mixtures)
    labels = np.tile(mixtures, (len(latents), 1))
    images = sampler.generate(latents.repeat(columns, axis=0), labels)
    if kind == "animation":
        by_frame = images.reshape(len(latents), columns, *images.shape[1:]).swapaxes(0, 1)
        images = np.stack([pictures.grid(frame) for frame in by_frame])
    return images, Layout(len(images), columns)


def _write(out, kind, images, scale, layout):
    if kind == "animation":
        frames = [pictures.fit_frame(image, scale) for image in images]
        pictures.save_animation(out, frames, _SECONDS_PER_FRAME)
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
