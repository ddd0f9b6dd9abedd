"""Finds the image files in a folder, and the classes from its subfolders."""

import collections
import errno
import os
import stat

import numpy as np

from kerasgan.checks import argument_error
from kerasgan.datasets._decode import HEADER, IMAGE_SUFFIXES, describe, is_image


def find_files(root):
    """Lists the image files in a folder and its subfolders, each real file once.

    Returns:
        `(files, problems, others)`: `(name, size, times)` of each image, sorted by the bytes of
        the names; a dict from each name that cannot be reached to the reason; and a dict from each
        kind of other files (their suffix, or "no suffix") to their number.
    """
    files, problems, others = [], {}, collections.Counter()
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
            # A copy may set the time of modification back, but not that of the change.
            times = f"{status.st_mtime_ns} {status.st_ctime_ns}"
            files.append((name_of(path), status.st_size, times))
        else:
            problems[name_of(path)] = os.strerror(errno.EACCES)

    # Follow links last, folders before files, so that real files keep their own names.
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
            elif not _is_image(entry.path):
                others[os.path.splitext(entry.name)[1].lower() or "no suffix"] += 1
            else:
                linked_files.append(entry.path) if is_link else add(entry.path)
    for path in linked_files:
        target = os.path.realpath(path)
        is_hidden = os.path.basename(target).startswith(".")
        is_listed = not is_hidden and os.path.exists(target) and _is_image(target)
        if target in seen or (is_listed and os.path.dirname(target) in seen):
            continue
        seen.add(target)
        add(path)
    files.sort(key=lambda file: os.fsencode(file[0]))
    return files, problems, dict(sorted(others.items()))


def _is_image(path):
    """Whether a file is an image by its name, or else by its first bytes."""
    if path.lower().endswith(IMAGE_SUFFIXES):
        return True
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            return False
        with open(path, "rb") as stream:
            return is_image(stream.read(HEADER))
    except OSError:
        return False


def find_classes(names, labels):
    """Derives `(class_names, labels)` from file names; `(None, None)` without labels.

    Args:
        names: File names, relative to the folder.
        labels: As in `ImageFolder`.
    """
    is_flat = not all("/" in name for name in names)
    if labels and is_flat:
        raise argument_error(
            "labels",
            "be False or None for a folder with images outside subfolders",
            f"labels={labels!r}",
            "Move the images into one subfolder for each class.",
        )
    folders = [name.partition("/")[0] for name in names]
    class_names = sorted(set(folders), key=os.fsencode)
    if labels is False or is_flat or (labels is None and len(class_names) < 2):
        return None, None
    positions = {name: position for position, name in enumerate(class_names)}
    return class_names, np.array([positions[folder] for folder in folders], np.int32)
