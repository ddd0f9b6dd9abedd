"""`kerasgan project`: find what a trained GAN makes of your own pictures."""

import argparse
import os

import numpy as np

from kerasgan import pictures, projection
from kerasgan.checks import argument_error
from kerasgan.cli import _arguments
from kerasgan.cli._messages import refusing
from kerasgan.cli._source import load_sampler
from kerasgan.datasets._decode import decode_image, describe, without_pillows_limit
from kerasgan.files import replacing
from kerasgan.networks import first

__all__ = ["add_parser", "run"]

_STEPS = 300
_WHITE = (255, 255, 255, 255)


def add_parser(commands):
    """Adds this command to the program."""
    parser = commands.add_parser(
        "project",
        help="find the latents of your own pictures",
        description="Find the latents whose pictures are nearest to your own, by gradient descent.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="""\
examples:
  kerasgan project mnist three.png four.png
  kerasgan project runs/pets tom.jpg rex.jpg --labels cat,dog --out pets.png --latents pets.npy

Each row has your picture on the left, in the model's size, and the nearest one of the model on the
right. Their distances are printed. (From code: kerasgan.project.)""",
    )
    _arguments.add_model(parser)
    parser.add_argument(
        "pictures", nargs="+", type=_arguments.path, metavar="PICTURE", help="files of pictures"
    )
    parser.add_argument(
        "--labels",
        metavar="CLASS,...",
        help="class of each picture, by name or by number from 0, for a model that has classes",
    )
    parser.add_argument(
        "--steps",
        type=_arguments.positive,
        default=_STEPS,
        metavar="N",
        help=f"number of updates of the latents (default: {_STEPS})",
    )
    _arguments.add_seed(parser)
    parser.add_argument(
        "--out",
        type=_arguments.path,
        default="projected.png",
        metavar="PATH",
        help="new PNG file (default: projected.png)",
    )
    parser.add_argument(
        "--latents",
        type=_arguments.path,
        metavar="PATH",
        help="new .npy file for the latents, a row for each picture (default: none)",
    )
    _arguments.add_overwrite(parser)


def run(given):
    """Runs the command with its parsed arguments; returns the exit code."""
    with refusing():
        out = _arguments.check_file("--out", given.out, ".png", given.overwrite)
        to = given.latents and _arguments.check_file(
            "--latents", given.latents, ".npy", given.overwrite
        )
        sampler = load_sampler(given.model)
        labels = _labels(sampler, given)
        image_shape = first(sampler.generator.outputs).shape[1:]
        images = np.stack([_read(path, image_shape) for path in given.pictures])
        found = projection.find_latents(sampler, images, labels, given.steps, given.seed)
        latents, distances = found
        pairs = np.stack([images, sampler.generate(latents, labels)], axis=1)
        pairs = pairs.reshape(-1, *image_shape)
        # Several pairs beside each other, so that the picture is about square.
        columns = 2 * max(1, round(np.sqrt(len(images) / 2)))
        pictures.save_png(out, pictures.grid(pairs, columns, scale=None))
        if to:
            with replacing(to) as temporary, open(temporary, "wb") as file:
                np.save(file, latents)
        for path, distance in zip(given.pictures, distances, strict=True):
            print(f"{path}  distance {distance:.1f}")
    print(out)
    return 0


def _labels(sampler, given):
    if not sampler.takes_labels:
        return _arguments.check_no_labels("--labels", given.labels)
    count = len(given.pictures)
    labels = [] if given.labels is None else _arguments.read_labels(given.labels, sampler.names)
    if len(labels) != count:
        raise argument_error(
            "--labels",
            f"name a class for each picture, {count} in all, because MODEL has classes",
            "no --labels" if given.labels is None else f"--labels {given.labels}",
            f"The classes are {_arguments.in_words(sampler.names)}.",
        )
    return np.array(labels, dtype="int32")


def _read(path, image_shape):
    """A picture in the model's size, as `kerasgan train` reads it."""
    try:
        with open(path, "rb") as stream, without_pillows_limit():
            return decode_image(stream, image_shape, "crop", _WHITE)
    # Pillow's decoders raise almost anything on a broken file.
    except Exception as error:
        raise argument_error(
            "PICTURE",
            "be the file of a picture",
            f"{os.fspath(path)} ({describe(error)})",
            "Check the path, or convert the file.",
        ) from error
