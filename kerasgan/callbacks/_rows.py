"""Rows of the terms that training reports: kept unread, averaged, written as CSV."""

import csv
import io
import os

from kerasgan.checks import argument_error, check_path


def keep(logs):
    """Keeps the terms of one step for `to_floats`, without reading their values.

    Reading a value may wait for the device, so values stay unread until a row is due. The names
    are copied now, because later callbacks may add their own terms to `logs`.
    """
    return logs, tuple(logs)


def to_floats(kept):
    """Converts what `keep` returned to a dict of floats."""
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
    """All column names in the rows, in order of appearance."""
    return list(dict.fromkeys(name for row in rows for name in row))


def to_csv(columns, rows, header=True):
    """Encodes rows as a CSV file; missing values stay empty."""
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    if header:
        writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def read_log(path: str | os.PathLike) -> list[dict[str, str]]:
    """Reads the rows of a CSV file written by `Log` or `Evaluate`.

    Args:
        path: Path of the CSV file.

    Returns:
        The rows as dicts of strings, `""` for a missing term; an empty list if there is no file.

    Raises:
        ValueError: `path` is not a path, or its file is not from these callbacks.

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
            "be a CSV file written by Log or Evaluate",
            f"path={str(path)!r}, whose first column is {header[0]!r}",
            "Repair it, or move it away.",
        )
    # Skip a row that a crash cut short.
    return [
        dict(zip(header, row, strict=True))
        for row in rows
        if len(row) == len(header) and row[0].removeprefix("-").isdigit()
    ]
