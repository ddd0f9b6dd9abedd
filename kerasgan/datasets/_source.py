"""Opens the argument `folder` of `ImageFolder`: a folder, or a .zip archive."""

import contextlib
import os
import zipfile

from kerasgan.checks import argument_error, check_path
from kerasgan.datasets._archive import Archive
from kerasgan.datasets._folder import Folder

_EXPECTED = "be an existing folder of images or a .zip archive of them"


@contextlib.contextmanager
def opened(folder):
    """Yields the `Folder` or `Archive` at a path; raises ValueError if it contains no image."""
    check_path("folder", folder, _EXPECTED, "Pass one path, as a string or a pathlib.Path.")
    path = os.path.realpath(folder)
    if not os.path.exists(path):
        raise _refused(folder, "", "Check the path.", FileNotFoundError)
    with contextlib.ExitStack() as stack:
        if os.path.isdir(path):
            source = Folder(path)
        elif path.lower().endswith(".zip") or zipfile.is_zipfile(path):
            source = stack.enter_context(contextlib.closing(_open_archive(folder, path)))
        else:
            raise _refused(
                folder,
                ", which is a file",
                "Pass the folder that contains it. Unpack archives that are not .zip.",
            )
        if not source.files:
            found = [text for text in (list_kinds(source.others), listed(source.problems)) if text]
            raise argument_error(
                "folder",
                "be a folder or a .zip archive that contains images",
                f"folder={folder!r}",
                f"It contains no image of a known format, but: {'; '.join(found) or 'nothing'}. "
                "Check the path, or convert the files to PNG or JPEG.",
            )
        yield source


def _open_archive(folder, path):
    try:
        return Archive(path)
    # `zipfile` raises almost anything for a damaged archive.
    except Exception as error:
        raise _refused(
            folder,
            f", which cannot be opened ({error or type(error).__name__})",
            "Get the archive again, or pass the folder of its files.",
        ) from error


def list_kinds(others):
    """The kinds of files that are no images, with their numbers, as text."""
    texts = (f"{count:,} {kind}" for kind, count in others.items())
    return ", ".join(text.replace("no suffix", "without a suffix") for text in texts)


def listed(problems):
    """The first few names with their reasons; `repr` keeps any name printable."""
    first = [f"{name!r} ({reason})" for name, reason in list(problems.items())[:5]]
    more = f" and {len(problems) - 5} more" if len(problems) > 5 else ""
    return ", ".join(first) + more


def _refused(folder, found, fix, kind=ValueError):
    return argument_error("folder", _EXPECTED, f"folder={folder!r}{found}", fix, kind)
