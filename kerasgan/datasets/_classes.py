"""The classes of image files: their folders, or what a file dataset.json says."""

import os

import numpy as np

from kerasgan.checks import argument_error, is_whole
from kerasgan.files import parse_json

_FILE = "dataset.json"
_LARGEST = 2**27  # bytes of this file
_MOST_CLASSES = 2**16


def find_classes(source, labels):
    """Derives `(class_names, labels)` of a source's files; `(None, None)` without labels.

    Args:
        source: `Folder` or `Archive`.
        labels: As in `ImageFolder`.
    """
    return (None, None) if labels is False else _find(source, labels, _read_pairs(source))


def find_class_names(source):
    """The class names of a source with `labels=True`, or else the images outside subfolders.

    Returns:
        `(class_names, strays)`; one of them is empty.
    """
    pairs = _read_pairs(source)
    strays = [name for name in _names_below_top(source) if "/" not in name]
    if pairs is None and strays:
        return [], strays
    return _find(source, True, pairs)[0], []


def _find(source, labels, pairs):
    if pairs:
        return _classes_from_pairs(source, pairs)
    if pairs is not None:
        if labels:
            raise _refused("have labels for its images", "none", "Write them into this file.")
        return None, None
    names = _names_below_top(source)
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
    if is_flat or (labels is None and len(class_names) < 2):
        return None, None
    positions = {name: position for position, name in enumerate(class_names)}
    return class_names, np.array([positions[folder] for folder in folders], np.int32)


def _names_below_top(source):
    names = [name for name, _, _ in source.files]
    below = [name.removeprefix(source.top) for name in names]
    # If the top folder has no subfolders, it is the class.
    return below if any("/" in name for name in below) else names


def _read_pairs(source):
    """The pairs (name, label) in dataset.json, unchecked; None without such a file."""
    try:
        with source.open(source.top + _FILE) as stream:
            text = stream.read(_LARGEST)
        content = parse_json(text)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        received = f"one that cannot be read ({error})"
        raise _refused("be a JSON file", received, "Repair it.") from error
    # Other programs write files of this name, too.
    if not isinstance(content, dict) or "labels" not in content:
        return None
    return content["labels"] or []


def _classes_from_pairs(source, pairs):
    is_list = isinstance(pairs, list) and all(
        isinstance(pair, list) and len(pair) == 2 and isinstance(pair[0], str) for pair in pairs
    )
    if not is_list:
        raise _refused(
            'have "labels": [[NAME, LABEL], ...], or null',
            f"{str(pairs)[:80]}",
            "Write one pair for each image.",
        )
    labels = dict(pairs)
    for name, label in pairs:
        if not is_whole(label) or not 0 <= label < _MOST_CLASSES:
            raise _refused(
                f"have labels that are whole numbers from 0 to {_MOST_CLASSES - 1:,}",
                f"{label!r} for {name!r}",
                "Number the classes from 0.",
            )
        if label != labels[name]:
            raise _refused("have one label for each image", f"two for {name!r}", "Remove one.")
    names = [name.removeprefix(source.top) for name, _, _ in source.files]
    reachable = {*names, *(name.removeprefix(source.top) for name in source.problems)}
    for kind, found in (
        ("images that are not there", labels.keys() - reachable),
        ("no label for images that are there", set(names) - labels.keys()),
    ):
        if found:
            raise _refused(
                "have one label for each image and no others",
                f"{kind}: {len(found)}, such as {min(found)!r}",
                "Write the file again from the images, with their names below it.",
            )
    class_names = [str(label) for label in range(max(labels.values()) + 1)]
    return class_names, np.array([labels[name] for name in names], np.int32)


def _refused(expected, received, fix):
    return argument_error(
        _FILE,
        expected,
        received,
        f"{fix} labels=False, or a --model without labels, does not read it.",
    )
