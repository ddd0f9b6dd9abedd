"""The commands, called as functions."""

import numpy as np
from PIL import Image

from kerasgan import cli

# To take a second: for folders of 16x16 images.
TINY = ["--model", "dcgan", "--size", "16", "--filters", "2", "--batch-size", "4"]


def train(*arguments):
    return cli.main(["train", *map(str, arguments)])


def sample(*arguments):
    return cli.main(["sample", *map(str, arguments)])


def errors(capsys):
    captured = capsys.readouterr()
    assert captured.err.startswith("kerasgan "), captured.err
    assert "Traceback" not in captured.err
    return captured.err


def read_png(path):
    with Image.open(path) as picture:
        return np.array(picture)
