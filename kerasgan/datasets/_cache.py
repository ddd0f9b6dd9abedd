"""Decoded images on disk, so that a folder is decoded once and read as if it were in memory.

A cache file is a `.npy` array of all images, blank where one could not be decoded, and after it
a JSON index that says which ones and why. One file, so that both are there or neither is.
"""

import json
import os
import shutil
import sys
from pathlib import Path

import numpy as np

from kerasgan.files import remove_stale, replacing

_PREFIX_OF_ALL = "kerasgan-"
_PREFIX = f"{_PREFIX_OF_ALL}images-"
_FEATURES_PREFIX = f"{_PREFIX_OF_ALL}features-"


def clear_cache(cache=True):
    """Removes what `ImageFolder` and `kerasgan.metrics.Evaluator` have kept for their next start.

    These are decoded images and their features. Nothing else in the folder is removed.

    Args:
        cache: The folder that was given to them as `cache`; by default the user's cache folder.

    Example:

    ```python
    kerasgan.datasets.clear_cache()
    ```
    """
    folder = cache_folder(cache)
    for pattern in (f"{_PREFIX}*.npy", f"{_FEATURES_PREFIX}*.npz"):
        for path in folder.glob(pattern):
            path.unlink(missing_ok=True)
    remove_stale(folder, _PREFIX_OF_ALL, is_shared=True)


def cache_folder(cache):
    """The folder `cache` stands for; True for the one in which this system keeps caches."""
    if cache is not True:
        return Path(cache)
    if os.environ.get("KERASGAN_CACHE"):
        return Path(os.environ["KERASGAN_CACHE"])
    if os.name == "nt":
        parent = os.environ.get("LOCALAPPDATA", "~/AppData/Local")
    elif sys.platform == "darwin":
        parent = "~/Library/Caches"
    else:
        # The XDG specification wants a relative path ignored.
        parent = os.environ.get("XDG_CACHE_HOME", "")
        parent = parent if os.path.isabs(parent) else "~/.cache"
    parent = Path(os.path.expanduser(parent))
    if not parent.is_absolute():
        raise OSError("no home folder is known")
    return parent / "kerasgan"


def cache_path(cache, key):
    """The file that holds the images with this key."""
    return cache_folder(cache) / f"{_PREFIX}{key}.npy"


def feature_path(cache, key):
    """The file that holds the features with this key, or None where no folder is known."""
    try:
        return cache_folder(cache) / f"{_FEATURES_PREFIX}{key}.npz"
    except OSError:
        return None


def read(path, shape):
    """Opens a cache file.

    Returns:
        `(images, skipped, complete)`, or None where there is no whole file. `images` is a
        memory map; `skipped` maps the rows which are blank to the reason.
    """
    try:
        images = np.load(path, mmap_mode="r", allow_pickle=False)
        with open(path, "rb") as stream:
            stream.seek(images.offset + images.nbytes)
            index = json.load(stream)
        skipped = {int(row): str(reason) for row, reason in index["skipped"]}
        complete = bool(index["complete"])
    # What is not a cache file ends in one of these; it is written anew.
    except (OSError, EOFError, ValueError, LookupError, TypeError, AttributeError):
        return None
    if images.shape != shape or images.dtype != np.uint8:
        return None
    return images, skipped, complete


def write(path, shape, images, index):
    """Writes a cache file, whole or not at all.

    Args:
        path: The file.
        shape: `(rows, height, width, channels)`.
        images: Iterable of `rows` uint8 arrays, of which one is held at a time.
        index: Dict for the end of the file; read once the images are through.

    Raises:
        OSError: The disk is full or cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    remove_stale(path.parent, _PREFIX_OF_ALL, is_shared=True)
    needed = int(np.prod(shape, dtype=np.int64))
    free = shutil.disk_usage(path.parent).free
    if free < 1.01 * needed:
        raise OSError(f"{needed / 1e6:,.0f} MB are needed and {free / 1e6:,.0f} MB are free")
    header = {"descr": "|u1", "fortran_order": False, "shape": shape}
    with replacing(path) as temporary:
        # Through the file rather than a writable memory map, where a full disk kills the process.
        with open(temporary, "wb") as stream:
            np.lib.format.write_array_header_1_0(stream, header)
            for image in images:
                stream.write(np.ascontiguousarray(image))
            stream.write(json.dumps(index).encode())
