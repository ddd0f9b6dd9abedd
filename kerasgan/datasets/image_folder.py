"""A folder or a .zip archive of image files as batches of uint8 arrays."""

import math
import os
import warnings

import keras
import numpy as np
from PIL import ImageColor

from kerasgan.cache import check_cache
from kerasgan.checks import (
    argument_error,
    check_choice,
    check_flag,
    check_image_shape,
    check_number,
    check_whole,
)
from kerasgan.datasets import _classes
from kerasgan.datasets._read import read_images
from kerasgan.datasets._source import listed, opened

__all__ = ["ImageFolder", "find_class_names"]

_LARGEST = 2**13  # pixels a side, of the images in a batch
_FITS = ("crop", "pad", "stretch")
_SUBSETS = ("training", "validation")

# The purposes of random streams, so that streams from one seed differ.
_SPLIT, _ORDER, _MIRROR = range(3)


class ImageFolder(keras.utils.PyDataset):
    """A folder or .zip archive of images as uint8 batches, for `gan.fit` or a Keras model's `fit`.

    Subfolders are searched too. AVIF, BMP, GIF, JPEG, JPEG 2000, PNG, PPM, TIFF and WebP files are
    read, also with a wrong suffix, and HEIC files if the package `pillow-heif` is installed. Other
    files are only counted (`ignored`); names that begin with a dot are ignored. A file
    with several links is read once. Only the first frame of an animation is used; EXIF orientation
    is applied; 16-bit grey is scaled to 8 bits. Files that are damaged, truncated or larger than
    67 million pixels are skipped: one warning says how many and why, and `skipped` lists them all.

    Archives are not unpacked: files are read where they lie. Encrypted files are skipped, and those
    that are packed with another method than Deflate. An archive of one folder counts as that
    folder.

    Labels come from the subfolders, or from a file `dataset.json` as StyleGAN has it, if there is
    one: `{"labels": [["00000/img00000000.png", 6], ...]}` with a whole number from 0 for each
    image, or `{"labels": null}` for images without labels.

    The first start decodes all files in parallel and keeps the result in the user's cache folder
    (`~/.cache/kerasgan` on Linux; the environment variable `KERASGAN_CACHE` sets another;
    `clear_cache` empties it). The cache key covers the files' names, sizes and times (for an
    archive, its own), and the arguments that change pixels. Later starts only open the cache and
    verify its checksum; images are read from it as they are needed.

    The order of the images in a pass, and which are mirrored, depend only on `seed` and the number
    of the pass. Keras moves to the next pass by itself; `set_epoch` moves to any pass.

    Args:
        folder: Path of the folder or archive.
        image_shape: `(height, width, channels)` of the images in a batch; 1 channel for grey (as
            in `skimage.color.rgb2gray`), 3 for colour, 4 for colour and alpha.
        batch_size: Images per batch. The last batch of a pass may be smaller; `gan.fit` fills it
            up with images from the first.
        fit: How a picture of another shape becomes `image_shape`: `"crop"` scales it to cover the
            shape and trims both ends equally; `"pad"` scales it to fit inside and fills the rest
            with `background`; `"stretch"` distorts it.
        background: Colour under transparent pixels and around padded pictures: a name or
            `"#rrggbb"` that Pillow knows, or `(red, green, blue)` or `(red, green, blue, alpha)`,
            each 0 to 255. With 4 channels, transparency is kept, and this is only for padding.
        mirror: Whether to flip each picture left to right in half of the passes. Not for
            letters or digits.
        labels: Whether batches are `(images, labels)`, with one class per subfolder. By default
            they are if two or more subfolders contain images and no image is outside them, or if
            a `dataset.json` has labels.
        validation_split: Fraction of the images, above 0 and below 1, to set aside for validation.
        subset: `"training"` or `"validation"`, with `validation_split`: which part to use. The
            two do not overlap if both have the same `seed`.
        shuffle: Whether each pass has its own random order; if not, files are sorted by name.
        seed: Integer seed for the order, mirroring and split.
        cache: True for the user's cache folder, the path of another folder, or False to keep
            decoded images in memory and decode again at the next start.

    Attributes:
        num_images: Number of images in a pass.
        num_classes: Number of classes; None without labels.
        class_names: Sorted names of the subfolders, or `"0"`, `"1"` ... from a `dataset.json`,
            indexed by label; None without labels.
        class_sizes: Number of images in each class, indexed by label; None without labels.
        image_shape, batch_size: As given.
        epoch: Number of the current pass, from 0.
        skipped: Dict from each skipped image's name in the folder to the reason.
        ignored: Dict from each kind of files that are no images, by suffix, to their number.

    Raises:
        FileNotFoundError: `folder` does not exist.
        ValueError: `folder` contains no readable image or is a damaged archive, `dataset.json` is
            wrong, or another argument is invalid.

    Example:

    ```python
    images = kerasgan.datasets.ImageFolder("photos", (64, 64, 3), mirror=True)
    gan = kerasgan.build_dcgan(image_shape=images.image_shape)
    gan.fit(images, epochs=20)
    ```
    """

    def __init__(
        self,
        folder: str | os.PathLike,
        image_shape: tuple[int, int, int],
        batch_size: int = 64,
        fit: str = "crop",
        background: str | tuple[int, ...] = "white",
        mirror: bool = False,
        labels: bool | None = None,
        validation_split: float | None = None,
        subset: str | None = None,
        shuffle: bool = True,
        seed: int = 0,
        cache: bool | str | os.PathLike = True,
    ):
        super().__init__()
        self.image_shape = check_image_shape(image_shape, 1, _LARGEST)
        self.batch_size = check_whole("batch_size", batch_size, 1)
        self._seed = check_whole("seed", seed, 0)
        check_choice("fit", fit, _FITS)
        background = _check_background(background)
        self._mirror, self._shuffle = check_flag("mirror", mirror), check_flag("shuffle", shuffle)
        if labels is not None:
            labels = check_flag("labels", labels, "Labels come from the subfolders.")
        _check_split(validation_split, subset)
        check_cache(cache)
        with opened(folder) as source:
            self.class_names, self._labels = _classes.find_classes(source, labels)
            self._images, skipped = read_images(source, self.image_shape, fit, background, cache)
        names = [name for name, _, _ in source.files]
        self.num_classes = None if self.class_names is None else len(self.class_names)
        self.ignored = source.others
        self.skipped = source.problems | {names[row]: text for row, text in skipped.items()}
        if len(skipped) == len(names):
            raise _refused(
                "folder",
                "a folder or a .zip archive that contains images",
                folder,
                f"None of its image files can be read: {listed(self.skipped)}. "
                "Get the files again, or convert them.",
            )
        if self.skipped:
            were = "was" if len(self.skipped) == 1 else "were"
            warnings.warn(
                f"{len(self.skipped)} of {len(names) + len(source.problems)} image files in "
                f"{os.fspath(folder)!r} {were} skipped: {listed(self.skipped)}.",
                stacklevel=2,
            )
        rows = np.setdiff1d(np.arange(len(names)), list(skipped))
        self._rows = self._subset(rows, validation_split, subset)
        self.num_images = len(self._rows)
        self.class_sizes = None
        if self.class_names is not None:
            sizes = np.bincount(self._labels[self._rows], minlength=len(self.class_names))
            self.class_sizes = sizes.tolist()
        self.set_epoch(0)

    def __len__(self) -> int:
        """Number of batches in a pass."""
        return math.ceil(self.num_images / self.batch_size)

    def __getitem__(self, index: int):
        """Returns a batch of this pass.

        Args:
            index: Number of the batch, from 0.

        Returns:
            uint8 images `(n, height, width, channels)`, or `(images, labels)` with int32 labels
            `(n,)`.
        """
        start = range(len(self))[index] * self.batch_size
        return self._at(np.arange(start, min(start + self.batch_size, len(self._rows))))

    def _at(self, positions):
        """The images at these positions of this pass, as `__getitem__` returns them."""
        order, is_mirrored = self._pass
        rows = order[positions]
        images = np.asarray(self._images[rows])
        mirrored = is_mirrored[rows]
        images[mirrored] = images[mirrored, :, ::-1]
        return images if self._labels is None else (images, self._labels[rows])

    def set_epoch(self, epoch: int) -> None:
        """Moves to a pass over the data.

        Args:
            epoch: Number of the pass, from 0. With the seed, it decides the order of the images
                and which are mirrored.
        """
        self.epoch = check_whole("epoch", epoch, 0)
        order = self._rows
        if self._shuffle:
            order = order[np.argsort(self._random(_ORDER, epoch, len(order)), kind="stable")]
        is_mirrored = np.zeros(len(self._images), bool)
        if self._mirror:
            is_mirrored = self._random(_MIRROR, epoch, len(self._images)) >= 2**63
        # Set together: Keras may read batches in other threads.
        self._pass = order, is_mirrored

    def on_epoch_end(self) -> None:
        """Moves to the next pass; Keras calls this after each one."""
        self.set_epoch(self.epoch + 1)

    def _random(self, purpose, epoch, count):
        """Draws `count` 64-bit numbers; NumPy promises never to change this stream."""
        sequence = np.random.SeedSequence(self._seed, spawn_key=(purpose, epoch))
        return np.random.PCG64(sequence).random_raw(count)

    def _subset(self, rows, validation_split, subset):
        if subset is None:
            return rows
        shuffled = rows[np.argsort(self._random(_SPLIT, 0, len(rows)), kind="stable")]
        validation_size = int(validation_split * len(rows))
        if not 0 < validation_size < len(rows):
            raise _refused(
                "validation_split",
                f"a fraction that leaves neither part of {len(rows)} images empty",
                validation_split,
                "Make it larger, or leave it out.",
            )
        if subset == "validation":
            return np.sort(shuffled[:validation_size])
        return np.sort(shuffled[validation_size:])


def find_class_names(folder):
    """Finds the classes in a folder without decoding any image.

    Args:
        folder: As in `ImageFolder`.

    Returns:
        `(class_names, strays)`: the names that `ImageFolder(folder, labels=True)` would have, or
        else the names of the image files outside subfolders, which it would refuse.
    """
    with opened(folder) as source:
        return _classes.find_class_names(source)


def _refused(name, expected, value, fix):
    return argument_error(name, f"be {expected}", f"{name}={value!r}", fix)


def _check_background(background):
    try:
        is_name = isinstance(background, str)
        color = ImageColor.getrgb(background) if is_name else tuple(background)
        bytes(color)
    except (TypeError, ValueError):
        color = ()
    if len(color) not in (3, 4):
        raise _refused(
            "background",
            "a colour",
            background,
            'Pass a name ("white"), "#rrggbb", or (red, green, blue), each 0 to 255.',
        )
    return tuple(int(value) for value in (*color, 255)[:4])


def _check_split(validation_split, subset):
    if validation_split is not None:
        check_number("validation_split", validation_split, "0.1 is usual.", below=1)
    is_subset = subset is None or (isinstance(subset, str) and subset in _SUBSETS)
    if not is_subset or (validation_split is None) != (subset is None):
        raise _refused(
            "subset",
            '"training" or "validation", together with `validation_split`',
            subset,
            f"`validation_split` is {validation_split!r}; give both or neither.",
        )
