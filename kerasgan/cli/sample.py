"""`kerasgan sample`: draw pictures from a trained GAN."""

import argparse
import os
import pathlib

from kerasgan import latents as latent_tools
from kerasgan import pictures
from kerasgan.checks import argument_error
from kerasgan.cli import _arguments
from kerasgan.cli._messages import refusing
from kerasgan.cli._source import load_sampler

__all__ = ["add_parser", "run"]

_FRAMES_BETWEEN, _SECONDS_PER_FRAME = 16, 0.05  # of a walk


def add_parser(commands):
    """Adds the command to those of the program."""
    parser = commands.add_parser(
        "sample",
        help="draw pictures from a trained GAN",
        description="Draw pictures from a trained GAN. Needs no training data.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="""\
examples:
  kerasgan sample mnist
  kerasgan sample runs/digits
  kerasgan sample runs/digits/model.keras --count 100 --seed 7 --out grid.png
  kerasgan sample runs/digits --count 1000 --out digits/
  kerasgan sample runs/digits --count 6 --out walk.gif""",
    )
    _arguments.add_model(parser)
    parser.add_argument(
        "--count",
        type=_arguments.positive,
        metavar="N",
        help="number of pictures; in a GIF, of those to walk between (default: 64, for a GIF 8)",
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
        default="grid.png",
        metavar="PATH",
        help="X.png: one grid; X.gif: a walk from picture to picture; X/ or a name without "
        "suffix: a folder of single files (default: grid.png)",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace existing files")


def run(given):
    """Runs the command with its parsed arguments; returns the exit code."""
    with refusing():
        out = pathlib.Path(given.out)
        kind = _kind_of_output(given.out)
        _check_output(out, kind, given.overwrite)
        sampler = load_sampler(given.model)
        latents = sampler.draw(given.count or (8 if kind == "gif" else 64), given.seed)
        if kind == "gif":
            latents = latent_tools.path(latents, sampler.latents, _FRAMES_BETWEEN)
        images = sampler.generate(latents)
        out.parent.mkdir(parents=True, exist_ok=True)
        _write(out, kind, images)
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
        "Pass for example --out grid.png.",
    )


def _check_output(out, kind, overwrite):
    if overwrite:
        return
    is_taken = out.is_dir() and any(out.iterdir()) if kind == "folder" else out.exists()
    if is_taken:
        raise argument_error(
            "--out",
            "be new",
            f"--out {out}, which exists",
            "Pass another, or --overwrite to replace it.",
            FileExistsError,
        )


def _write(out, kind, images):
    if kind == "gif":
        pictures.save_gif(out, [pictures.fit_frame(image) for image in images], _SECONDS_PER_FRAME)
    elif kind == "png":
        pictures.save_png(out, pictures.grid(images))
    else:
        out.mkdir(exist_ok=True)
        for index, image in enumerate(images):
            pictures.save_png(out / f"sample_{index:05d}.png", image)
