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
from kerasgan.files import check_writable

__all__ = ["add_parser", "run"]

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
  kerasgan sample runs/digits --count 6 --out walk.gif""",
    )
    _arguments.add_model(parser)
    parser.add_argument(
        "--count",
        type=_arguments.positive,
        metavar="N",
        help="number of pictures, or of stops on the walk in a GIF (default: 64, for a GIF 8)",
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
    parser.add_argument("--overwrite", action="store_true", help="replace existing files")


def run(given):
    """Runs the command with its parsed arguments; returns the exit code."""
    with refusing():
        out = pathlib.Path(given.out)
        kind = _kind_of_output(given.out)
        _check_output(out, kind, given.overwrite)
        sampler = load_sampler(given.model)
        with _arguments.placing("--out", out):
            first = out / _file_name(0) if kind == "folder" else out
            first.parent.mkdir(parents=True, exist_ok=True)
            check_writable(first)
        latents = sampler.draw(given.count or (8 if kind == "gif" else 64), given.seed)
        if kind == "gif":
            latents = latent_tools.path(latents, sampler.latents, _FRAMES_BETWEEN)
        images = sampler.generate(latents)
        _write(out, kind, images, given.scale)
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
    if overwrite:
        return
    is_taken = out.is_dir() and any(out.iterdir()) if kind == "folder" else out.exists()
    if is_taken:
        raise argument_error(
            "--out",
            "be new",
            f"--out {out}, which already exists",
            "Pass another path, or --overwrite to replace it.",
            FileExistsError,
        )


def _write(out, kind, images, scale):
    if kind == "gif":
        frames = [pictures.fit_frame(image, scale) for image in images]
        pictures.save_gif(out, frames, _SECONDS_PER_FRAME)
    elif kind == "png":
        pictures.save_png(out, pictures.grid(images, scale=scale))
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
