"""`kerasgan directions`: see what the latents of a trained GAN control."""

import argparse

import numpy as np

from kerasgan import pictures
from kerasgan.checks import argument_error
from kerasgan.cli import _arguments
from kerasgan.cli._messages import refusing
from kerasgan.cli._source import load_sampler
from kerasgan.factorization import factorize

__all__ = ["add_parser", "run"]

_COUNT, _COLUMNS = 8, 7  # directions by default, and pictures of each
_REACH = 3.0  # of the outermost pictures, from the latents


def add_parser(commands):
    """Adds this command to the program."""
    parser = commands.add_parser(
        "directions",
        help="see what the latents of a trained GAN control",
        description="Draw a picture that changes along the directions of the latents that change "
        "pictures most, found in the generator's weights.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="""\
examples:
  kerasgan directions mnist
  kerasgan directions runs/digits --count 4 --reach 5 --seed 1 --out digits.png

Each row is a direction, the strongest first, and the middle of each row the same picture. (From
code: kerasgan.directions.)""",
    )
    _arguments.add_model(parser)
    parser.add_argument(
        "--count",
        type=_arguments.positive,
        metavar="N",
        help=f"number of directions (default: {_COUNT}, or as many as there are latents)",
    )
    parser.add_argument(
        "--reach",
        type=_arguments.positive_number,
        default=_REACH,
        metavar="X",
        help="how far the outermost pictures are from the middle one, as a length of latents "
        f"(default: {_REACH:g})",
    )
    parser.add_argument(
        "--label",
        metavar="CLASS",
        help="class of the pictures, by name or by number from 0 (default: the first)",
    )
    _arguments.add_seed(parser)
    parser.add_argument(
        "--out",
        type=_arguments.path,
        default="directions.png",
        metavar="PATH",
        help="new PNG file (default: directions.png)",
    )
    _arguments.add_overwrite(parser)


def run(given):
    """Runs the command with its parsed arguments; returns the exit code."""
    with refusing():
        out = _arguments.check_file("--out", given.out, ".png", given.overwrite)
        sampler = load_sampler(given.model)
        count = given.count or min(_COUNT, sampler.latent_dim)
        if count > sampler.latent_dim:
            raise argument_error(
                "--count",
                f"be at most {sampler.latent_dim}, the length of MODEL's latents",
                f"--count {count}",
                "Pass a smaller number.",
            )
        labels = None
        if sampler.takes_labels:
            label = 0
            if given.label is not None:
                label, *others = _arguments.read_labels(given.label, sampler.names, "--label")
                if others:
                    raise argument_error(
                        "--label", "be one class", f"--label {given.label}", "Pass the first alone."
                    )
            labels = np.full(count * _COLUMNS, label, dtype="int32")
        else:
            _arguments.check_no_labels("--label", given.label)
        steps = np.linspace(-given.reach, given.reach, _COLUMNS, dtype="float32")
        directions, _ = factorize(sampler.generator, count)
        moves = (directions[:, None] * steps[:, None]).reshape(-1, sampler.latent_dim)
        images = sampler.generate(sampler.draw(1, given.seed) + moves, labels)
        names = [str(number) for number in range(1, count + 1)]
        grid = pictures.grid(images, _COLUMNS, scale=None)
        pictures.save_png(out, pictures.named(grid, names))
    print(out)
    return 0
