"""Rows of the terms that training reports: kept unread, averaged, written as CSV."""

import csv
import io
import os

from kerasgan.checks import argument_error, check_path


def keep(logs):
    """Keeps the terms of one step for `to_floats`, without reading their values.

    Reading a value may wait for the device, so it is left until a row is due. The names are taken
    now, because later callbacks may add terms of their own to the same `logs`.
    """
    return logs, tuple(logs)


def to_floats(kept):
    """The terms of a step that `keep` has kept, as a dict of floats."""
    logs, names = kept
    return {name: float(logs[name]) for name in names}


def means(rows):
    """The mean of each term over the rows that have it."""
    values = {}
    for row in rows:
        for name, value in row.items():
            if value != "":
                values.setdefault(name, []).append(float(value))
    return {name: sum(found) / len(found) for name, found in values.items()}


def column_names(rows):
    """The names of all columns that appear in the rows, in order of appearance."""
    return list(dict.fromkeys(name for row in rows for name in row))


def to_csv(columns, rows, header=True):
    """Rows as the bytes of a CSV file; columns that a row lacks stay empty."""
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    if header:
        writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def read_log(path: str | os.PathLike) -> list[dict[str, str]]:
    """Reads the rows of a CSV file that `Log` or `Evaluate` has written.

    Args:
        path: Path of the CSV file.

    Returns:
        The rows as dicts of strings, `""` where a row lacks a term; an empty list if there is no
        file.

    Raises:
        ValueError: `path` is not a path, or not to a file of these callbacks.

    Example:

    ```python
    losses = [float(row["d_loss"]) for row in kerasgan.callbacks.read_log("log.csv")]
    ```
    """
    check_path("path", path)
    try:
        with open(path, newline="", encoding="utf-8", errors="replace") as file:
            header, *rows = list(csv.reader(file)) or [[]]
    except FileNotFoundError:
        return []
    if header and header[0] != "step":
        raise argument_error(
            "path",
            "lead to a CSV file that Log or Evaluate has written",
            f"path={str(path)!r}, whose first column is {header[0]!r}",
            "Repair it, or move it away.",
        )
    # Skip a row that a crash cut short.
    return [
        dict(zip(header, row, strict=True))
        for row in rows
        if len(row) == len(header) and row[0].removeprefix("-").isdigit()
    ]
