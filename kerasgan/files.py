"""Writes files whole or not at all; reads those of others in bounded memory."""

import contextlib
import json
import os
import pathlib
import shutil

__all__ = [
    "check_writable",
    "is_bomb",
    "parse_json",
    "read_json",
    "remove_stale",
    "replacing",
    "replacing_all",
]

_MOST_JSON = 2**26  # bytes
_MOST_UNPACKED = 2**26  # bytes that any file may unpack to
_MOST_EXPANSION = 100  # times its size that a larger one may; noise and weights hardly shrink


@contextlib.contextmanager
def replacing(path: str | os.PathLike):
    """Yields the path of a temporary file that replaces `path` at the end of the block.

    After a crash, a full disk or an exception in the block, `path` is unchanged.

    Example:

    ```python
    from kerasgan.files import replacing

    with replacing("model.keras") as temporary:
        model.save(temporary)
    ```
    """
    path = pathlib.Path(path)
    temporary = _temporary(path)
    try:
        yield temporary
        _sync_file(temporary)
        os.replace(temporary, path)
        _sync_folder(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def replacing_all(path: str | os.PathLike):
    """Like `replacing`, for what may become a folder, or a file with others beside it.

    Yields a path of the same name in a temporary folder. All that the block writes in that folder
    moves to where `path` is, in place of what has the same names there.
    """
    path = pathlib.Path(path)
    temporary = _temporary(path)
    temporary.mkdir()
    try:
        yield temporary / path.name
        for folder, _, names in os.walk(temporary):
            for name in names:
                _sync_file(os.path.join(folder, name))
        # The path itself comes last: once it is there, so are the others.
        for made in sorted(temporary.iterdir(), key=lambda made: made.name == path.name):
            _move(made, path.with_name(made.name), temporary / f"{made.name}.old")
        _sync_folder(path.parent)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _move(made, path, old):
    """Moves a file or folder to `path`; a folder that is there moves to `old`."""
    if not path.is_dir():
        os.replace(made, path)
        return
    os.replace(path, old)
    try:
        os.replace(made, path)
    except OSError:
        os.replace(old, path)
        raise


def check_writable(path: str | os.PathLike):
    """Raises OSError unless `replacing(path)` can start writing."""
    temporary = _temporary(pathlib.Path(path))
    try:
        temporary.touch()
    finally:
        temporary.unlink(missing_ok=True)


def _temporary(path):
    # Keras needs the suffix; the dot hides the file from listings of the folder.
    return path.with_name(f".{path.stem}.{os.getpid()}.tmp{path.suffix}")


def remove_stale(folder: str | os.PathLike, prefix: str = "", is_shared: bool = False):
    """Removes the temporary files of processes that were killed while `replacing` a file.

    Args:
        folder: The folder.
        prefix: Only remove those of files whose names begin with this.
        is_shared: Whether other processes may be writing there now; their files are kept.
    """
    for path in pathlib.Path(folder).glob(f".{prefix}*.tmp*"):
        pid = path.name.split(".")[-3]
        if not is_shared or (pid.isdecimal() and not _is_running(int(pid))):
            with contextlib.suppress(OSError):
                path.unlink()


def is_bomb(unpacked: int, packed: int) -> bool:
    """Whether so few packed bytes that unpack to so many are meant to fill the memory."""
    return unpacked > max(_MOST_UNPACKED, _MOST_EXPANSION * packed)


def read_json(path: str | os.PathLike):
    """Reads a JSON file.

    Raises:
        OSError: It cannot be read.
        ValueError: It is not JSON in UTF-8, or is too large.
    """
    if os.stat(path).st_size > _MOST_JSON:
        raise ValueError(f"more than {_MOST_JSON:,} bytes")
    return parse_json(pathlib.Path(path).read_text(encoding="utf-8"))


def parse_json(text: str | bytes):
    """Parses JSON; raises ValueError if it is none, however deep it is."""
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("too many brackets within brackets") from None


def _is_running(pid):
    # On Windows, signal 0 is Ctrl-C. No check is needed: Windows does not delete files in use.
    if os.name == "nt":
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _sync_file(path):
    with open(path, "rb+") as file:
        os.fsync(file.fileno())


def _sync_folder(folder):
    # Without this the rename may not reach the disk. Windows cannot open folders.
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
