"""The user's cache: what data sets and metrics have computed, kept for the next run."""

import os
import sys
from pathlib import Path

from kerasgan.checks import argument_error, is_path
from kerasgan.files import remove_stale

__all__ = [
    "cache_folder",
    "cache_path",
    "cached_files",
    "check_cache",
    "clear_cache",
    "remove_unfinished",
]

_PREFIX = "kerasgan-"
_SUFFIXES = {"features": ".npz", "images": ".npy"}


def clear_cache(cache: bool | str | os.PathLike = True) -> None:
    """Removes what `ImageFolder` and `kerasgan.metrics.Evaluator` have cached.

    These are decoded images and features. Other files in the folder are kept.

    Args:
        cache: The folder passed to them as `cache`; by default the user's cache folder.

    Raises:
        ValueError: `cache` is neither True nor a path.

    Example:

    ```python
    kerasgan.datasets.clear_cache()
    ```
    """
    if not check_cache(cache):
        raise argument_error(
            "cache",
            "be True or the path of a folder",
            f"cache={cache!r}",
            "Leave it out to clear the user's cache folder.",
        )
    folder = cache_folder(cache)
    for kind in _SUFFIXES:
        for path in cached_files(folder, kind):
            path.unlink(missing_ok=True)
    remove_unfinished(folder)


def check_cache(cache) -> bool:
    """Whether `cache` names a folder; raises ValueError unless it is a bool, None or a path."""
    if isinstance(cache, bool) or cache is None:
        return bool(cache)
    if not is_path(cache):
        raise argument_error(
            "cache",
            "be True, False or the path of a folder",
            f"cache={cache!r}",
            "Pass True for the user's cache folder, or False to cache nothing.",
        )
    return True


def cache_folder(cache: bool | str | os.PathLike) -> Path:
    """The folder that `cache` names; True means the user's cache folder on this system.

    Raises:
        OSError: The user has no home folder.
    """
    if not isinstance(cache, bool):
        return Path(cache)
    if os.environ.get("KERASGAN_CACHE"):
        return Path(os.environ["KERASGAN_CACHE"])
    if os.name == "nt":
        parent = os.environ.get("LOCALAPPDATA", "~/AppData/Local")
    elif sys.platform == "darwin":
        parent = "~/Library/Caches"
    else:
        # The XDG specification says to ignore a relative path.
        parent = os.environ.get("XDG_CACHE_HOME", "")
        parent = parent if os.path.isabs(parent) else "~/.cache"
    folder = Path(os.path.expanduser(parent)) / "kerasgan"
    if not folder.is_absolute():
        raise OSError("the home folder is unknown")
    return folder


def cache_path(cache: bool | str | os.PathLike, kind: str, key: str) -> Path:
    """The file for this key. `kind` is `"images"` or `"features"`."""
    return cache_folder(cache) / f"{_PREFIX}{kind}-{key}{_SUFFIXES[kind]}"


def cached_files(folder: Path, kind: str) -> list[Path]:
    """The files of a kind in a cache folder, which may not exist."""
    return sorted(folder.glob(f"{_PREFIX}{kind}-*{_SUFFIXES[kind]}"))


def remove_unfinished(folder: str | os.PathLike) -> None:
    """Removes the files that killed processes left unfinished in a cache folder."""
    remove_stale(folder, _PREFIX, is_shared=True)
