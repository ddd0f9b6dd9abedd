"""A folder of image files as batches of uint8 arrays."""

import collections
import concurrent.futures
import errno
import hashlib
import math
import operator
import os
import stat
import threading
import warnings

import keras
import numpy as np
from PIL import ImageColor
from tqdm import tqdm

from kerasgan.checks import check_whole
from kerasgan.datasets import _cache
from kerasgan.datasets._decode import SUFFIXES, decode_image, describe

_SUFFIXES = tuple(suffix for suffixes in SUFFIXES.values() for suffix in suffixes)
_FITS = ("crop", "pad", "stretch")
_SUBSETS = ("training", "validation")

# Part of the cache's key: raise it when other pixels come out of the same file.
_CACHE_VERSION = 1
_CACHE_LOCK = threading.Lock()

# What a random stream is for, so that no two of one seed are the same.
_SPLIT, _ORDER, _MIRROR = range(3)


class ImageFolder(keras.utils.PyDataset):
    """A folder of image files as uint8 batches, for `gan.fit` or any Keras model's `fit`.

    Subfolders are searched too. Files count by their suffix: AVIF, BMP, GIF, JPEG, JPEG 2000,
    PNG, PPM, TIFF and WebP; others, and names that begin with a dot, are passed over. A file
    that several links lead to counts once. Of an animation the first frame is taken; EXIF
    orientation is applied; 16-bit grey is scaled to 8 bits. Files that are damaged, truncated or
    larger than 67 million pixels are left out: one warning says how many and why, and
    `skipped` names them all.

    The first start decodes every file in parallel and keeps the result, under a key made of
    the files' names, sizes and times and of the arguments that change pixels, in the user's cache
    folder (`~/.cache/kerasgan` on Linux; the environment variable `KERASGAN_CACHE` names another;
    `clear_cache` empties it). Later starts read from there at once, and the memory needed does
    not grow with the number of images.

    The order of the images in a pass, and which are mirrored, follow from `seed` and the number
    of the pass alone. Keras moves on to the next pass by itself; `set_epoch` goes to any.

    Args:
        folder: The folder.
        image_shape: `(height, width, channels)` of the images to give out; 1 channel for grey,
            3 for colour, 4 for colour and alpha.
        batch_size: Images in a batch. The last one of a pass holds what is left.
        fit: How a picture of another shape becomes `image_shape`: `"crop"` scales it to cover,
            and cuts off what sticks out evenly; `"pad"` scales it to fit in, and fills up with
            `background`; `"stretch"` distorts it.
        background: The colour under transparent pixels and around padded pictures: a name or
            `"#rrggbb"`, as Pillow knows them, or `(red, green, blue)` or `(red, green, blue,
            alpha)`, each 0 to 255. With 4 channels transparency is kept, and this is used for
            padding only.
        mirror: Whether to flip each picture left to right in half of the passes. Not for
            letters and digits.
        labels: Whether batches are `(images, labels)`, with one class for each subfolder. By
            default they are if there are two or more subfolders with images, and no image
            outside of them.
        validation_split: Share of the images, above 0 and below 1, to set aside for validation.
        subset: `"training"` or `"validation"`, with `validation_split`: which part this is. The
            two do not overlap as long as `seed` is the same for both.
        shuffle: Whether each pass has its own random order; if not, files are sorted by name.
        seed: Whole number from which order, mirroring and split are drawn.
        cache: True for the user's cache folder, the path of another folder, or False to keep
            decoded images in memory and decode again at the next start.

    Attributes:
        num_images: Number of images in a pass.
        num_classes: Number of classes; None without labels.
        class_names: Sorted names of the subfolders, the label being the position; None without
            labels.
        image_shape, batch_size: As given.
        epoch: Number of the pass that is given out, from 0.
        skipped: Dict from the file's name within the folder to the reason it was left out.

    Raises:
        FileNotFoundError: `folder` does not exist.
        ValueError: `folder` holds no image that can be read, or another argument does not fit.

    Example:

    ```python
    images = kerasgan.datasets.ImageFolder("photos", (64, 64, 3), mirror=True)
    gan = kerasgan.build_dcgan(image_shape=images.image_shape)
    gan.fit(images, epochs=20)
    ```
    """

    def __init__(
        self,
        folder,
        image_shape,
        batch_size=64,
        fit="crop",
        background="white",
        mirror=False,
        labels=None,
        validation_split=None,
        subset=None,
        shuffle=True,
        seed=0,
        cache=True,
    ):
        super().__init__()
        self.image_shape = _check_image_shape(image_shape)
        check_whole("batch_size", batch_size, 1)
        check_whole("seed", seed, 0)
        self.batch_size, self._seed = int(batch_size), int(seed)
        self._mirror, self._shuffle = bool(mirror), bool(shuffle)
        background = _check_background(background)
        if fit not in _FITS:
            _refuse("fit", 'one of "crop", "pad", "stretch"', fit, "Pick one of them.")
        if (validation_split is None) != (subset is None) or subset not in (None, *_SUBSETS):
            _refuse(
                "subset",
                '"training" or "validation", together with `validation_split`',
                subset,
                f"`validation_split` is {validation_split!r}; give both or neither.",
            )
        if validation_split is not None and not 0 < validation_split < 1:
            _refuse("validation_split", "above 0 and below 1", validation_split, "Try 0.1.")
        _check_folder(folder)

        root = os.path.realpath(folder)
        files, problems = _scan(root)
        if not files:
            reasons = f" ({_listed(problems)})" if problems else ""
            _refuse(
                "folder",
                "a folder that holds images",
                folder,
                f"No file in it{reasons} ends in one of {', '.join(_SUFFIXES)}. "
                "Check the path, or convert the files.",
            )
        names = [name for name, _, _ in files]
        self.class_names, image_labels = _find_classes(names, labels)
        self.num_classes = None if self.class_names is None else len(self.class_names)
        self._labels = image_labels

        self._images, skipped = _read_images(root, files, self.image_shape, fit, background, cache)
        self.skipped = problems | {names[row]: reason for row, reason in skipped.items()}
        if len(skipped) == len(files):
            _refuse(
                "folder",
                "a folder that holds images",
                folder,
                f"None of its {len(files)} image files can be read: {_listed(self.skipped)}. "
                "Get the files again, or convert them.",
            )
        if self.skipped:
            warnings.warn(
                f"{len(self.skipped)} of {len(files) + len(problems)} image files in "
                f"{os.fspath(folder)!r} were left out: {_listed(self.skipped)}.",
                stacklevel=2,
            )
        rows = np.setdiff1d(np.arange(len(files)), list(skipped))
        self._rows = self._subset(rows, validation_split, subset)
        self.num_images = len(self._rows)
        self.set_epoch(0)

    def __len__(self):
        """Number of batches in a pass."""
        return math.ceil(self.num_images / self.batch_size)

    def __getitem__(self, index):
        """One batch of this pass.

        Args:
            index: Number of the batch, from 0.

        Returns:
            uint8 images `(n, height, width, channels)`, or `(images, labels)` with int32 labels
            `(n,)`.
        """
        start = range(len(self))[index] * self.batch_size
        order, is_mirrored = self._pass
        rows = order[start : start + self.batch_size]
        images = np.asarray(self._images[rows])
        mirrored = is_mirrored[rows]
        images[mirrored] = images[mirrored, :, ::-1]
        return images if self._labels is None else (images, self._labels[rows])

    def set_epoch(self, epoch):
        """Goes to a pass over the data.

        Args:
            epoch: Number of the pass, from 0. It sets, with the seed, the order of the images
                and which of them are mirrored.
        """
        check_whole("epoch", epoch, 0)
        self.epoch = int(epoch)
        order = self._rows
        if self._shuffle:
            order = order[np.argsort(self._random(_ORDER, epoch, len(order)), kind="stable")]
        is_mirrored = np.zeros(len(self._images), bool)
        if self._mirror:
            is_mirrored = self._random(_MIRROR, epoch, len(self._images)) >= 2**63
        # Together, since Keras may read batches in other threads.
        self._pass = order, is_mirrored

    def on_epoch_end(self):
        """Goes to the next pass; Keras calls this at the end of each."""
        self.set_epoch(self.epoch + 1)

    def _random(self, purpose, epoch, count):
        """`count` 64-bit numbers; NumPy promises these never to change, unlike `permutation`."""
        sequence = np.random.SeedSequence(self._seed, spawn_key=(purpose, epoch))
        return np.random.PCG64(sequence).random_raw(count)

    def _subset(self, rows, validation_split, subset):
        if subset is None:
            return rows
        shuffled = rows[np.argsort(self._random(_SPLIT, 0, len(rows)), kind="stable")]
        validation_size = int(validation_split * len(rows))
        if not 0 < validation_size < len(rows):
            _refuse(
                "validation_split",
                f"a share that leaves images on both sides of {len(rows)}",
                validation_split,
                "Make it larger, or leave it out.",
            )
        if subset == "validation":
            return np.sort(shuffled[:validation_size])
        return np.sort(shuffled[validation_size:])


def _refuse(argument, expected, value, advice):
    raise ValueError(f"`{argument}` must be {expected}. Received: {argument}={value!r}. {advice}")


def _check_image_shape(image_shape):
    try:
        height, width, channels = (operator.index(size) for size in image_shape)
    except (TypeError, ValueError):
        height = width = channels = 0
    if height < 1 or width < 1 or channels not in (1, 3, 4):
        _refuse(
            "image_shape",
            "(height, width, channels) with 1, 3 or 4 channels",
            image_shape,
            "For example (64, 64, 3).",
        )
    return height, width, channels


def _check_background(background):
    try:
        is_name = isinstance(background, str)
        color = ImageColor.getrgb(background) if is_name else tuple(background)
        bytes(color)
    except (TypeError, ValueError):
        color = ()
    if len(color) not in (3, 4):
        _refuse(
            "background",
            "a colour",
            background,
            'Pass a name ("white"), "#rrggbb", or (red, green, blue), each 0 to 255.',
        )
    return tuple(int(value) for value in (*color, 255)[:4])


def _check_folder(folder):
    expected = "`folder` must be an existing folder of images."
    if not os.path.exists(folder):
        raise FileNotFoundError(f"{expected} Received: folder={folder!r}. Check the path.")
    if not os.path.isdir(folder):
        raise ValueError(
            f"{expected} Received: folder={folder!r}, which is a file. Pass the folder it lies in."
        )


def _scan(root):
    """Lists the image files below a folder, each real file once.

    Returns:
        `(files, problems)`: `(name, size, time)` of each file, in the order of the names' bytes;
        and a dict from the name of what cannot be reached to the reason.
    """
    files, problems = [], {}
    prefix = os.path.join(root, "")

    def name_of(path):
        return path[len(prefix) :].replace(os.sep, "/")

    def add(path):
        try:
            status = os.stat(path)
        except OSError as error:
            problems[name_of(path)] = describe(error)
            return
        if not stat.S_ISREG(status.st_mode):
            return
        if os.access(path, os.R_OK):
            files.append((name_of(path), status.st_size, status.st_mtime_ns))
        else:
            problems[name_of(path)] = os.strerror(errno.EACCES)

    # Links come last, folders before files: what lies in the folder keeps the name it has there.
    folders, linked_folders, linked_files = collections.deque([root]), collections.deque(), []
    seen = set()
    while folders or linked_folders:
        folder = folders.popleft() if folders else linked_folders.popleft()
        real_folder = os.path.realpath(folder)
        if real_folder in seen:
            continue
        seen.add(real_folder)
        try:
            with os.scandir(folder) as iterator:
                entries = sorted(iterator, key=lambda entry: os.fsencode(entry.name))
        except OSError as error:
            problems[name_of(folder) or "."] = describe(error)
            continue
        for entry in entries:
            is_link = entry.is_symlink()
            if entry.name.startswith("."):
                continue
            if os.path.isdir(entry.path) if is_link else entry.is_dir():
                (linked_folders if is_link else folders).append(entry.path)
            elif _is_image_name(entry.name):
                linked_files.append(entry.path) if is_link else add(entry.path)
    for path in linked_files:
        target = os.path.realpath(path)
        has_listed_name = _is_image_name(os.path.basename(target)) and os.path.exists(target)
        if target in seen or (has_listed_name and os.path.dirname(target) in seen):
            continue
        seen.add(target)
        add(path)
    files.sort(key=lambda file: os.fsencode(file[0]))
    return files, problems


def _is_image_name(name):
    return name.lower().endswith(_SUFFIXES) and not name.startswith(".")


def _find_classes(names, labels):
    """`(class_names, labels)` of the files' names; `(None, None)` without labels."""
    if labels is not None and not isinstance(labels, bool):
        _refuse("labels", "True, False or None", labels, "Labels come from the subfolders.")
    is_flat = not all("/" in name for name in names)
    if labels and is_flat:
        _refuse(
            "labels",
            "False or None for a folder with images outside of subfolders",
            labels,
            "Move the images into one subfolder for each class.",
        )
    folders = [name.partition("/")[0] for name in names]
    class_names = sorted(set(folders), key=os.fsencode)
    if labels is False or is_flat or (labels is None and len(class_names) < 2):
        return None, None
    positions = {name: position for position, name in enumerate(class_names)}
    return class_names, np.array([positions[folder] for folder in folders], np.int32)


def _read_images(root, files, image_shape, fit, background, cache):
    """All images in one array, and a dict from the blank rows in it to the reasons."""
    shape = (len(files), *image_shape)
    paths = [os.path.join(root, name) for name, _, _ in files]
    index = {}

    def images():
        index.update(skipped=[], complete=True)
        for row, image in enumerate(_decode_all(paths, image_shape, fit, background)):
            if isinstance(image, Exception):
                index["skipped"].append([row, describe(image)])
                # What the system refuses now, it may grant at the next start.
                if isinstance(image, OSError) and image.errno:
                    index["complete"] = False
                image = np.zeros(image_shape, np.uint8)
            yield image

    if cache not in (None, False):
        key = _cache_key(root, files, image_shape, fit, background)
        try:
            return _cached_images(_cache.cache_path(cache, key), shape, images, index)
        except OSError as error:
            warnings.warn(
                f"The decoded images cannot be kept ({error}). They are held in memory "
                f"({math.prod(shape) / 1e6:,.0f} MB), and decoded again at the next start. "
                "Name another folder with `cache`, or with the environment variable "
                "KERASGAN_CACHE.",
                stacklevel=3,
            )
    held = np.empty(shape, np.uint8)
    for row, image in enumerate(images()):
        held[row] = image
    return held, dict(index["skipped"])


def _cached_images(path, shape, images, index):
    with _CACHE_LOCK:
        found = _cache.read(path, shape)
        if found is None or not found[2]:
            _cache.write(path, shape, images(), index)
            found = _cache.read(path, shape)
    if found is None:
        raise OSError(f"{os.fspath(path)!r} was removed by someone else")
    return found[:2]


def _cache_key(root, files, *arguments):
    key = hashlib.sha256(repr((_CACHE_VERSION, root, arguments)).encode())
    for name, size, time in files:
        key.update(b"%s\0%d\0%d\0" % (os.fsencode(name), size, time))
    return key.hexdigest()[:32]


def _decode_all(paths, *arguments):
    """Yields each file's image, or the exception it ended in, in order, few of them at a time."""

    def attempt(path):
        try:
            return decode_image(path, *arguments)
        # Pillow's decoders raise almost anything on a broken file.
        except Exception as error:
            return error

    workers = min(8, os.cpu_count() or 1)
    with (
        concurrent.futures.ThreadPoolExecutor(workers) as pool,
        tqdm(total=len(paths), desc="Decoding images", unit="image", disable=None) as progress,
    ):
        pending = collections.deque()
        for path in paths:
            pending.append(pool.submit(attempt, path))
            if len(pending) > 8 * workers:
                yield pending.popleft().result()
                progress.update()
        while pending:
            yield pending.popleft().result()
            progress.update()


def _listed(problems):
    """The first few names with their reasons; `repr` keeps any name printable."""
    first = [f"{name!r} ({reason})" for name, reason in list(problems.items())[:5]]
    more = f" and {len(problems) - 5} more" if len(problems) > 5 else ""
    return ", ".join(first) + more
