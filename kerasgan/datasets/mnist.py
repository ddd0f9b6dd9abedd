"""The MNIST digits, from Keras or from local files."""

import contextlib
import gzip
import math
import os
import struct
import zipfile
import zlib
from pathlib import Path

import keras
import numpy as np

from kerasgan.checks import argument_error, check_choice, check_path, in_short
from kerasgan.files import is_bomb

__all__ = ["load_mnist"]

_IDX_PREFIXES = {"train": "train", "test": "t10k"}
_IMAGES_MAGIC = 2051
_LABELS_MAGIC = 2049
_IMAGE_SIZE = (28, 28)


def load_mnist(
    split: str = "train", path: str | os.PathLike | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Loads the MNIST digits: 28x28 grey images of 0 to 9, white on black.

    Without `path`, `keras.datasets.mnist` provides them; it downloads them once.

    Args:
        split: `"train"` (60,000 images) or `"test"` (10,000 images).
        path: Local files, for a machine without a network: a folder that contains `mnist.npz` or
            the four IDX files under their usual names (`train-images-idx3-ubyte`,
            `t10k-labels-idx1-ubyte`, ...), plain or gzip-compressed; or a single file: an `.npz`,
            or an IDX file of images with its labels next to it. Data sets in the same format
            (Fashion-MNIST, KMNIST) load too.

    Returns:
        `(images, labels)`: uint8 arrays of shape `(n, 28, 28, 1)` and `(n,)`.

    Raises:
        FileNotFoundError: `path` or a required file does not exist.
        OSError: The digits cannot be downloaded.
        ValueError: `split` is unknown, `path` is not a path, or a file is damaged or is not MNIST.

    Example:

    ```python
    images, labels = kerasgan.datasets.load_mnist()
    ```
    """
    fix = "MNIST has no other split; take validation images from the training split."
    check_choice("split", split, _IDX_PREFIXES, fix)
    if path is None:
        try:
            train, test = keras.datasets.mnist.load_data()
        # Keras raises a bare Exception if the download fails.
        except Exception as error:
            raise argument_error(
                "path",
                "point to the MNIST files on a machine that cannot download them",
                f"no path ({in_short(error)})",
                "Pass the folder that contains mnist.npz or the four IDX files.",
                OSError,
            ) from error
        images, labels = train if split == "train" else test
        return images[..., np.newaxis], labels

    expected = "be a folder of MNIST files, or one such file"
    check_path("path", path, expected, "Pass its path.")
    path = Path(path)
    if path.is_dir():
        npz_path = path / "mnist.npz"
        if npz_path.is_file():
            return _load_npz(npz_path, split)
        images_path = _find_idx(path, f"{_IDX_PREFIXES[split]}-images", "idx3-ubyte")
    elif path.is_file():
        if path.suffix == ".npz":
            return _load_npz(path, split)
        images_path = path
    else:
        raise argument_error(
            "path",
            expected,
            f"path={str(path)!r}, which does not exist",
            "Check the path.",
            FileNotFoundError,
        )
    return _load_idx(images_path, split)


def _load_npz(path, split):
    try:
        # Opened here, because np.load leaves a broken file open.
        with open(path, "rb") as stream:
            with zipfile.ZipFile(stream) as archive:
                unpacked = sum(member.file_size for member in archive.infolist())
            if is_bomb(unpacked, os.path.getsize(path)):
                raise ValueError(f"it unpacks to {unpacked:,} bytes")
            stream.seek(0)
            with np.load(stream, allow_pickle=False) as arrays:
                # A member without NumPy's signature comes as bytes.
                images, labels = map(np.asarray, (arrays[f"x_{split}"], arrays[f"y_{split}"]))
    # Random bytes make zipfile and NumPy raise nearly anything.
    except Exception as error:
        raise _damaged(path, f"it is not a complete mnist.npz ({in_short(error)})") from error
    if images.dtype != np.uint8 or images.shape[1:] != _IMAGE_SIZE or not len(images):
        raise _damaged(
            path,
            f"`x_{split}` must be uint8 of shape (n, 28, 28), "
            f"but is {images.dtype} of shape {images.shape}",
        )
    if labels.dtype.kind not in "iu" or labels.shape != images.shape[:1]:
        raise _damaged(
            path,
            f"`y_{split}` must be {len(images)} integers, one for each image, "
            f"but is {labels.dtype} of shape {labels.shape}",
        )
    return images[..., np.newaxis], labels.astype(np.uint8)


def _load_idx(images_path, split):
    other_split = "test" if split == "train" else "train"
    if images_path.name.startswith(f"{_IDX_PREFIXES[other_split]}-"):
        raise argument_error(
            "path",
            f"be a file of the {split} split",
            f"path={str(images_path)!r}",
            f'Pass split="{other_split}", or the folder that contains all files.',
        )
    stem, separator, _ = images_path.name.partition("images")
    if not separator:
        raise argument_error(
            "path",
            'be an .npz file, or an IDX file with "images" in its name',
            f"path={str(images_path)!r}",
            "Pass a file named like train-images-idx3-ubyte, or its folder.",
        )
    images = _read_idx(images_path, _IMAGES_MAGIC, dimensions=3)
    if images.shape[1:] != _IMAGE_SIZE or not len(images):
        raise _damaged(images_path, f"its shape is {images.shape} but must be (n, 28, 28)")
    labels_path = _find_idx(images_path.parent, f"{stem}labels", "idx1-ubyte")
    labels = _read_idx(labels_path, _LABELS_MAGIC, dimensions=1)
    if len(labels) != len(images):
        raise _damaged(
            labels_path, f"it has {len(labels)} labels for the {len(images)} images next to it"
        )
    return images[..., np.newaxis], labels


def _find_idx(folder, name, kind):
    # Some mirrors write `train-images.idx3-ubyte`.
    candidates = [f"{name}{dot}{kind}{suffix}" for dot in "-." for suffix in ("", ".gz")]
    for candidate in candidates:
        if (folder / candidate).is_file():
            return folder / candidate
    raise argument_error(
        "path",
        "point to the MNIST files",
        f"{str(folder)!r}, which has none of {', '.join(candidates)}",
        "Put the file there, or pass another `path`.",
        FileNotFoundError,
    )


def _read_idx(path, magic, dimensions):
    """Reads an IDX file: a magic number, the sizes, then one byte for each value."""
    try:
        with open(path, "rb") as file, contextlib.ExitStack() as stack:
            size = os.path.getsize(path)
            # Checked by content, not by name: browsers unpack files but keep the `.gz`.
            is_packed = file.read(2) == b"\x1f\x8b"
            file.seek(0)
            stream = stack.enter_context(gzip.GzipFile(fileobj=file)) if is_packed else file
            shape = _read_idx_header(path, stream, magic, dimensions)
            needed = math.prod(shape)
            # Before any memory is asked for.
            is_too_large = is_bomb(needed, size) if is_packed else needed > size
            data = b"" if is_too_large else stream.read(needed + 1)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise _damaged(path, f"it is not a complete gzip file ({error})") from error
    if len(data) != needed:
        raise _damaged(
            path,
            f"it is truncated or too long: shape {shape} needs {needed:,} bytes after the header, "
            f"but the {'compressed ' if is_packed else ''}file has {size:,}",
        )
    # A copy, since arrays over `bytes` are read-only.
    return np.frombuffer(data, np.uint8).reshape(shape).copy()


def _read_idx_header(path, stream, magic, dimensions):
    header = struct.Struct(f">{1 + dimensions}I")
    data = stream.read(header.size)
    if len(data) < header.size:
        raise _damaged(path, f"it is truncated: {len(data)} bytes are too few for an IDX header")
    found, *shape = header.unpack(data)
    if found != magic:
        raise _damaged(path, f"it starts with the magic number {found} instead of {magic}")
    if 0 in shape:
        raise _damaged(path, f"it is empty: its shape is {tuple(shape)}")
    return tuple(shape)


def _damaged(path, reason):
    return argument_error(
        "path",
        "point to intact MNIST files",
        f"{os.fspath(path)!r}: {reason}",
        "Get the file again.",
    )
