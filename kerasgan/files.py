"""Files that are written whole or not at all."""

import contextlib
import os
import pathlib


@contextlib.contextmanager
def replacing(path):
    """Gives the path of a temporary file beside `path` that takes its place at the end.

    A crash, a full disk or an exception in the block leaves what was at `path` before.

    Example:

    ```python
    with replacing("model.keras") as temporary:
        model.save(temporary)
    ```
    """
    path = pathlib.Path(path)
    # Keras wants the suffix; the dot hides the file from whoever lists the folder.
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.tmp{path.suffix}")
    try:
        yield temporary
        with open(temporary, "rb+") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
        _sync_folder(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def remove_stale(folder, prefix="", is_shared=False):
    """Removes what `replacing` left behind when its process was killed.

    Args:
        folder: The folder.
        prefix: How the names of the files that were written begin.
        is_shared: Whether other processes may be writing there now; their files stay.
    """
    for path in pathlib.Path(folder).glob(f".{prefix}*.tmp*"):
        pid = path.name.split(".")[-3]
        if not is_shared or (pid.isdecimal() and not _is_running(int(pid))):
            with contextlib.suppress(OSError):
                path.unlink()


def _is_running(pid):
    # Windows has no such question to ask, and refuses to remove a file that is being written.
    if os.name == "nt":
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _sync_folder(folder):
    # The rename itself is on the disk only after this. Windows cannot open folders.
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
