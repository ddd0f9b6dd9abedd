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


def remove_stale(folder):
    """Removes what `replacing` left in a folder that no other process is writing to."""
    for path in pathlib.Path(folder).glob(".*.tmp*"):
        path.unlink(missing_ok=True)


def _sync_folder(folder):
    # The rename itself is on the disk only after this. Windows cannot open folders.
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
