"""Puts a corner of several of a run's sample pictures side by side, with their steps below.

    scripts/measure/strip.py runs/flags --steps 0 100 300 1000 3000 --out docs/learning.png

Reads the pictures that `kerasgan train` writes to `samples/`, in the run's folder.
"""

import argparse
import pathlib

import numpy as np
from PIL import Image

from kerasgan import pictures


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=pathlib.Path)
    parser.add_argument("--steps", type=int, nargs="+", required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    given = parser.parse_args()
    corners = []
    for step in given.steps:
        grid = np.asarray(Image.open(given.run / "samples" / f"step_{step:07}.png"))
        corners.append(grid[: grid.shape[0] // 4, : grid.shape[1] // 4])
    captions = [f"step {step:,}" for step in given.steps]
    captioned = pictures.captioned(np.stack(corners), captions)
    pictures.save_png(given.out, pictures.grid(captioned, columns=len(corners), scale=1))


if __name__ == "__main__":
    main()
