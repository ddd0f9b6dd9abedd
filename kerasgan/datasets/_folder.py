"""A folder of image files."""

import collections
import errno
import io
import os
import stat

from kerasgan.datasets._decode import HEADER, IMAGE_SUFFIXES, describe, is_image, kind_of

_SMALL = 2**16  # bytes of a file that is read at once
# Without O_NONBLOCK, opening a pipe would wait for a writer.
_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


class Folder:
    """The image files in a folder and its subfolders, each real file once.

    Attributes:
        key: What tells this folder from others, in the key of a cache.
        top: "", the folder whose subfolders are the classes.
        files: `(name, size, times)` of each image, sorted by the bytes of the names.
        problems: Dict from each name that cannot be reached to the reason.
        others: Dict from each kind of other files (their suffix, or "no suffix") to their number.
    """

    top = ""

    def __init__(self, path):
        self.key = (path,)
        self._path = path
        self.files, self.problems, self.others = _find_files(path)

    def open(self, name):
        """Opens a file as a binary stream; raises OSError, or ValueError for odd files."""
        descriptor = os.open(os.path.join(self._path, name), _FLAGS)
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode) or not status.st_size:
                raise ValueError("the file is empty or not a regular file")
            if status.st_size <= _SMALL:
                return io.BytesIO(os.read(descriptor, _SMALL))
            return os.fdopen(os.dup(descriptor), "rb")
        finally:
            os.close(descriptor)


def _find_files(root):
    """Returns `(files, problems, others)`, as in `Folder`."""
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
                others[kind_of(entry.name)] += 1
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
