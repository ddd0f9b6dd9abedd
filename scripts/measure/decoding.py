"""The first start of `ImageFolder` beside one pass of Keras's `image_dataset_from_directory`.

    scripts/measure/decoding.py photos --size 32        a folder with a subfolder for each class
    scripts/measure/decoding.py --links 300000          memory, with links to one picture of 32x32

Both read the same files in one process, in turn; only ratios within a round are compared. Needs
TensorFlow, which Keras's function uses on every backend. The first start lists the files, decodes
them and writes the cache, to a temporary folder.
"""

import argparse
import os
import tempfile
import threading
import time

import keras
import numpy as np
import results
from PIL import Image

from kerasgan.datasets import ImageFolder


def read_with_keras(folder, size):
    """Reads all images once; returns their number."""
    batches = keras.utils.image_dataset_from_directory(
        folder, image_size=(size, size), batch_size=64, verbose=False
    )
    return sum(len(images) for images, _ in batches)


def read_with_kerasgan(folder, size):
    """Decodes all images; returns their number."""
    with tempfile.TemporaryDirectory() as cache:
        return ImageFolder(folder, (size, size, 3), cache=cache).num_images


def measure(read, *arguments):
    """Returns the number of images, and the seconds by the clock and of processor time."""
    start = time.perf_counter(), time.process_time()
    count = read(*arguments)
    return count, time.perf_counter() - start[0], time.process_time() - start[1]


def compare(folder, size, rounds):
    """Prints a table of both ways to read a folder."""
    ways = {
        "`image_dataset_from_directory`, one pass": read_with_keras,
        "`ImageFolder`, first start": read_with_kerasgan,
    }
    found = [[measure(read, folder, size) for read in ways.values()] for _ in range(rounds)]
    rows = []
    for way, mine in zip(ways, zip(*found, strict=True), strict=True):
        row = [way, f"{mine[0][0]:,}"]
        for clock in (1, 2):
            ratios = [one[clock] / each[0][clock] for one, each in zip(mine, found, strict=True)]
            row += [results.middle([one[clock] for one in mine], 1), results.middle(ratios, 2)]
        rows.append(row)
    head = ["way", "images", "wall time, s", "ratio", "processor time, s", "ratio"]
    print(results.table(head, rows))


def watch_memory(links, size):
    """Prints how much memory the first start and a pass over many files take."""
    with tempfile.TemporaryDirectory() as folder:
        pixels = np.random.default_rng(0).integers(0, 256, (size, size, 3), "uint8")
        first = None
        for number in range(links):
            path = os.path.join(folder, f"{number}.jpg")
            if number % 10_000:
                os.link(first, path)
            else:  # a file may have 65,000 links
                first = path
                Image.fromarray(pixels).save(first)
        before, is_over = results.memory("RssAnon"), threading.Event()
        start, peaks = time.perf_counter(), [before]

        def watch():
            while not is_over.wait(0.05):
                peaks.append(results.memory("RssAnon"))

        watcher = threading.Thread(target=watch)
        watcher.start()
        with tempfile.TemporaryDirectory() as cache:
            dataset = ImageFolder(folder, (size, size, 3), cache=cache)
            is_over.set()
            watcher.join()
            seconds = time.perf_counter() - start
            for index in range(len(dataset)):
                dataset[index]
            print(
                f"{dataset.num_images:,} images of {size}x{size}, decoded in {seconds:.0f} s: "
                f"{max(peaks) - before:.0f} MB more at most, "
                f"{results.memory('RssAnon') - before:.0f} MB more after a pass."
            )


def main():
    """Runs what the arguments ask for."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", nargs="?", help="images, in a subfolder for each class")
    parser.add_argument("--size", type=int, default=32, help="height and width (default: 32)")
    parser.add_argument("--rounds", type=int, default=3, help="(default: 3)")
    parser.add_argument("--links", type=int, default=0, help="number of files to measure memory")
    arguments = parser.parse_args()
    if arguments.folder:
        compare(arguments.folder, arguments.size, arguments.rounds)
    if arguments.links:
        watch_memory(arguments.links, arguments.size)


if __name__ == "__main__":
    main()
