"""Reads many image files into one array: decodes them once, then reads from the cache.

A cache file is a `.npy` array of all images, blank where decoding failed, followed by a JSON index
that says where and why, with a checksum of the images. They share a file so that neither exists
without the other.
"""

import hashlib
import itertools
import json
import math
import os
import shutil
import threading
import time
import warnings
import zlib

import numpy as np
from tqdm import tqdm

from kerasgan._read_ahead import read_ahead
from kerasgan.cache import cache_path, check_cache, remove_unfinished
from kerasgan.datasets._decode import decode_image, describe, without_pillows_limit
from kerasgan.files import replacing

# Part of the cache's key: raise it when the same file decodes to other pixels.
_CACHE_VERSION = 4
_ONE_AT_A_TIME = threading.Lock()

# Threads; more than one on a single core, too, because some wait for the disk.
_WORKERS = max(4, min(8, os.cpu_count() or 1))
_FAST = 5e-4  # seconds for a file, most of them for Python code, which threads do not share
_GROUP = 2**16  # bytes of files and images that a thread decodes before it hands them over
_GROUPS_ALIKE = 256  # of which the first one shows how long the others take
_BLOCK = 2**20  # bytes of a cache file that are read or written at once
_MOST_AHEAD = 2**28  # bytes of images that wait to be used


def read_images(source, image_shape, fit, background, cache):
    """Reads the images of a source, from the cache if they are in it.

    Args:
        source: `Folder` or `Archive`.
        image_shape, fit, background: As in `decode_image`.
        cache: As in `ImageFolder`.

    Returns:
        All images in one array, and a dict from its blank rows to the reasons.
    """
    shape = (len(source.files), *image_shape)
    index = {}

    def images():
        index.update(skipped=[], complete=True)
        for row, image in enumerate(decode_all(source, image_shape, fit, background)):
            if isinstance(image, Exception):
                index["skipped"].append([row, describe(image)])
                # The next start may find a plug-in, or a file that the system refuses to open now.
                if isinstance(image, ImportError) or (isinstance(image, OSError) and image.errno):
                    index["complete"] = False
                image = np.zeros(image_shape, np.uint8)
            yield image

    with _ONE_AT_A_TIME, without_pillows_limit():
        if check_cache(cache):
            key = _cache_key(source, image_shape, fit, background)
            try:
                return _cached_images(cache_path(cache, "images", key), shape, images, index)
            except OSError as error:
                warnings.warn(
                    f"The decoded images cannot be cached ({error}). They are kept in memory "
                    f"({math.prod(shape) / 1e6:,.0f} MB) and decoded again at the next start. "
                    "Choose another folder with `cache` or the environment variable "
                    "KERASGAN_CACHE.",
                    stacklevel=3,
                )
        held = np.empty(shape, np.uint8)
        for row, image in enumerate(images()):
            held[row] = image
        return held, dict(index["skipped"])


def decode_all(source, image_shape, *arguments):
    """Yields each file's image, or the exception it raised, in order, a few at a time."""

    def attempt(name):
        try:
            with source.open(name) as stream:
                return decode_image(stream, image_shape, *arguments)
        # Pillow's decoders raise almost anything on a broken file.
        except Exception as error:
            return error

    image_size = math.prod(image_shape)
    ahead = min(2 * _WORKERS, max(1, _MOST_AHEAD // image_size))
    groups = _groups(source.files, image_size)
    with tqdm(
        total=len(source.files), desc="Decoding images", unit="image", disable=None
    ) as progress:
        for images in _decoded(lambda names: list(map(attempt, names)), groups, ahead):
            yield from images
            progress.update(len(images))


def _decoded(decode, groups, ahead):
    """Yields `decode(group)` for each group of files, computed by threads if files take long."""
    while alike := list(itertools.islice(groups, _GROUPS_ALIKE)):
        first, *others = alike
        start = time.perf_counter()
        images = decode(first)
        is_fast = time.perf_counter() - start < _FAST * len(first)
        yield images
        yield from map(decode, others) if is_fast else read_ahead(decode, others, _WORKERS, ahead)


def _groups(files, image_size):
    """Splits the names of files into lists, of several names if the files are small.

    To hand work to a thread and back takes about as long as decoding a small file.
    """
    names, size = [], 0
    for name, file_size, _ in files:
        names.append(name)
        size += file_size + image_size
        if size >= _GROUP:
            yield names
            names, size = [], 0
    if names:
        yield names


def _cache_key(source, *arguments):
    key = hashlib.sha256(repr((_CACHE_VERSION, source.key, arguments)).encode())
    for name, size, times in source.files:
        key.update(b"%s\0%d\0%s\0" % (os.fsencode(name), size, times.encode()))
    return key.hexdigest()[:32]


def _cached_images(path, shape, images, index):
    found = _load(path, shape)
    if found is None or not found[2]:
        _write(path, shape, images(), index)
        found = _load(path, shape)
    if found is None:
        raise OSError(f"another process removed {os.fspath(path)!r}")
    return found[:2]


def _load(path, shape):
    """Opens a cache file.

    Returns:
        `(images, skipped, complete)`, or None if there is no complete file. `images` is a
        memory map; `skipped` maps each blank row to the reason.
    """
    try:
        images = np.load(path, mmap_mode="r", allow_pickle=False)
        with open(path, "rb") as stream:
            stream.seek(images.offset)
            checksum = _checksum(stream, images.nbytes)
            index = json.load(stream)
        if index["checksum"] != checksum:
            return None
        skipped = {int(row): str(reason) for row, reason in index["skipped"]}
        complete = bool(index["complete"])
    # A damaged or foreign file raises one of these; it is rewritten.
    except (OSError, EOFError, ValueError, LookupError, TypeError, AttributeError):
        return None
    if images.shape != shape or images.dtype != np.uint8:
        return None
    return images, skipped, complete


def _checksum(stream, size):
    """The checksum of the next `size` bytes."""
    checksum = 0
    while size and (block := stream.read(min(size, _BLOCK))):
        checksum = zlib.crc32(block, checksum)
        size -= len(block)
    return checksum


def _write(path, shape, images, index):
    """Writes a cache file, completely or not at all.

    Args:
        path: The file.
        shape: `(rows, height, width, channels)`.
        images: Iterable of `rows` uint8 arrays, read one at a time.
        index: Dict for the end of the file; read after the last image.

    Raises:
        OSError: The disk is full or cannot be written to.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    remove_unfinished(path.parent)
    needed = int(np.prod(shape, dtype=np.int64))
    free = shutil.disk_usage(path.parent).free
    if free < 1.01 * needed:
        raise OSError(f"{needed / 1e6:,.0f} MB are needed, but {free / 1e6:,.0f} MB are free")
    header = {"descr": "|u1", "fortran_order": False, "shape": shape}
    with replacing(path) as temporary:
        # Not through a writable memory map, where a full disk kills the process.
        with open(temporary, "wb", _BLOCK) as stream:
            np.lib.format.write_array_header_1_0(stream, header)
            checksum = 0
            for image in images:
                image = np.ascontiguousarray(image)
                stream.write(image)
                checksum = zlib.crc32(image, checksum)
            stream.write(json.dumps(index | {"checksum": checksum}).encode())
