"""A picture of what augmentation does: eight flags, and below them each group of changes.

    scripts/measure/augmentations.py --out docs/trouble/augmentations.png

The rows: unchanged; `DiffAugment`'s color, translation and cutout; `AdaptiveAugment`'s blit,
geometry, color and corruption, with a probability of 1.
"""

import argparse
import pathlib

import keras
import numpy as np

from kerasgan import datasets, layers, pictures

FLAGS = pathlib.Path(__file__).parents[2] / "datasets" / "flags"


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=pathlib.Path, default="runs/augmentations.png")
    given = parser.parse_args()
    flags = datasets.ImageFolder(FLAGS, (64, 64, 3), batch_size=258, shuffle=False)[0]
    images = flags[::33].astype("float32")
    augments = [
        layers.DiffAugment(policy, value_range=(0, 255), seed=1)
        for policy in ("color", "translation", "cutout")
    ] + [
        layers.AdaptiveAugment(policy, 1.0, value_range=(0, 255), seed=1)
        for policy in ("blit", "geometry", "color", "corruption")
    ]
    rows = [images, *(augment(images, training=True) for augment in augments)]
    found = np.concatenate([keras.ops.convert_to_numpy(row) for row in rows])
    given.out.parent.mkdir(parents=True, exist_ok=True)
    pixels = found.clip(0, 255).round().astype("uint8")
    pictures.save_png(given.out, pictures.grid(pixels, columns=len(images)))


if __name__ == "__main__":
    main()
