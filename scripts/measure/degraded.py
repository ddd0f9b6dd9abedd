"""What the scores of `pyramid_encoder` say of images that are made worse in a known way.

    scripts/measure/degraded.py FOLDER                              any images, at 32x32
    scripts/measure/degraded.py emoji --pretrained emoji            and those of an included model

Half of the images, at most 500, are the real ones; the other half is made worse. The script prints
the scores as a table.
"""

import argparse

import numpy as np
import results
from scipy.ndimage import gaussian_filter

import kerasgan
from kerasgan import metrics

COUNT = 500
COLUMNS = {
    "frechet_distance": 2,
    "kernel_distance": 2,
    "precision": 2,
    "recall": 2,
    "coverage": 2,
    "variety": 2,
    "nearest_distance": 2,
    "copies": 2,
}


def blur(images, sigma):
    return as_images(gaussian_filter(images.astype("float32"), (0, sigma, sigma, 0)))


def noise(images, deviation):
    drawn = np.random.default_rng(0).normal(scale=deviation, size=images.shape)
    return as_images(images + drawn)


def shuffle(images):
    """Cuts each image into 4x4 pieces in random order."""
    rng = np.random.default_rng(0)
    count, size, _, channels = images.shape
    pieces = images.reshape(count, 4, size // 4, 4, size // 4, channels).swapaxes(2, 3)
    pieces = pieces.reshape(count, 16, *pieces.shape[3:])
    pieces = np.stack([each[rng.permutation(16)] for each in pieces])
    return pieces.reshape(count, 4, 4, *pieces.shape[2:]).swapaxes(2, 3).reshape(images.shape)


def as_images(values):
    return np.clip(np.round(values), 0, 255).astype("uint8")


def degrade(real, new):
    """Yields names and images: new ones made worse, and real ones again."""
    for sigma in (0.4, 0.7, 1, 2):
        yield f"blurred, {sigma} pixels", blur(new, sigma)
    for deviation in (2, 5, 15, 40):
        yield f"noise of {deviation} of 255", noise(new, deviation)
    yield "a tenth darker", as_images(0.9 * new)
    yield "upside down", new[:, ::-1]
    yield "4x4 pieces in random order", shuffle(new)
    yield "the same 10 images", new[np.arange(len(new)) % 10]
    yield "only noise", np.random.default_rng(0).integers(0, 256, new.shape, dtype="uint8")
    yield "the real images themselves", real
    yield "the same, moved by a pixel", np.roll(real, 1, axis=2)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", metavar="FOLDER")
    parser.add_argument(
        "--size", type=int, default=32, help="pixels, a multiple of 4 (default: 32)"
    )
    parser.add_argument("--pretrained", metavar="NAME", help="a model that comes with the package")
    given = parser.parse_args()
    shape = (given.size, given.size, 3)
    images = kerasgan.datasets.ImageFolder(given.folder, shape, batch_size=10**6, shuffle=False)[0]
    images = np.random.default_rng(0).permutation(images)[: 2 * COUNT]
    evaluator = metrics.Evaluator(images, metrics.pyramid_encoder(shape), COUNT, cache=False)
    # The parts as the evaluator draws them.
    order = np.random.default_rng(evaluator.seed).permutation(len(images))
    real, new = np.split(images[order[: 2 * evaluator.count]], 2)
    found = {"other real images": evaluator.floor}
    found |= {name: evaluator(changed) for name, changed in degrade(real, new)}
    if given.pretrained:
        gan = kerasgan.load_pretrained(given.pretrained)
        found[f'`load_pretrained("{given.pretrained}")`'] = evaluator(gan)
    rows = [
        [name, *(f"{scores[column]:.{digits}f}" for column, digits in COLUMNS.items())]
        for name, scores in found.items()
    ]
    print(results.table(["images", *(name.replace("_", " ") for name in COLUMNS)], rows))
    print(evaluator.protocol)


if __name__ == "__main__":
    main()
