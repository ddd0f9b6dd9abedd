"""Reads what lies in the folder of a run, whatever is missing or damaged."""

import base64
import csv
import dataclasses
import functools
import io
import math
import pathlib
import re

import numpy as np
from PIL import Image

from kerasgan import callbacks
from kerasgan.callbacks.evaluate import FLOOR
from kerasgan.checks import counted, in_short, is_whole
from kerasgan.cli import run_folder
from kerasgan.cli._arguments import shown
from kerasgan.cli.evaluate import has_copies
from kerasgan.files import read_json

__all__ = ["MOST_GRIDS", "Picture", "Run", "is_run", "newest", "read"]

MOST_GRIDS = 40  # on a page
_MOST_BYTES, _MOST_PIXELS = 2**16, 1100  # of a picture that is taken as it is; its longer side
_REDUCED = 640  # pixels, the longer side of others
_LARGEST_FILE, _LARGEST_PICTURE = 2**26, 2**25  # bytes; pixels
_LARGEST_NUMBER = 1e15  # in a CSV file
# In a configuration, beside the arguments.
_FACTS = ("num_images", "backend", "latents", "latent_dim", "value_range", "num_classes")
_MOST_TEXT, _MOST_WARNINGS = 2000, 200
# Training is past its best if this many kernel distances in a row are so much above the smallest.
_MANY_WORSE, _WORSE = 3, 1.25


class Picture:
    """A picture as a page contains it.

    Attributes:
        uri: The picture itself, as a `data:` address.
        width, height: In pixels.
        is_reduced: Whether it was made smaller.
        step: The step that it is from, if known.
    """

    def __init__(self, uri, width, height, is_reduced, step=None):
        self.uri, self.width, self.height = uri, width, height
        self.is_reduced, self.step = is_reduced, step


@dataclasses.dataclass
class Run:
    """What is known of a run.

    Attributes:
        folder: Its folder.
        config: Its configuration; empty if that is missing.
        log, scores: The columns of log.csv and evaluation.csv: dicts from names to arrays.
        grids: Pictures made during training, in order; at most `MOST_GRIDS`.
        num_grids: How many there are in the folder.
        pictures: Dict from names of files to other pictures.
        warnings: What the run warned of, and what its scores show, each once.
        problems: What is missing or damaged, as sentences.
    """

    folder: pathlib.Path
    config: dict
    log: dict[str, np.ndarray]
    scores: dict[str, np.ndarray]
    grids: list[Picture]
    num_grids: int
    pictures: dict[str, Picture]
    warnings: list[str]
    problems: list[str]

    @property
    def name(self):
        return self.folder.absolute().name

    @property
    def arguments(self):
        """The run's arguments, as on the command line."""
        return _dict(self.config.get("arguments"))

    @property
    def subject(self):
        """What is trained on what, as text; empty if that is not known."""
        model, data = (self.arguments.get(name) for name in ("model", "data"))
        if not model or not data:
            return ""
        count, shape = (self.config.get(name) for name in ("num_images", "image_shape"))
        size = "x".join(map(str, shape)) if isinstance(shape, list) else "unknown size"
        images = counted(count, "image") if is_whole(count) else "some images"
        return _cut(f"{model} on {images} of {pathlib.Path(str(data)).name}, {size}")

    @property
    def settings(self):
        """Dict from the names of its arguments to their values, as text."""
        return {str(name): _cut(shown(value)) for name, value in self.arguments.items()}

    @property
    def facts(self):
        """Dict from the names of what follows from them to values, as text."""
        found = {name: self.config.get(name) for name in _FACTS}
        return {name: _cut(str(value)) for name, value in found.items() if value is not None}

    @property
    def versions(self):
        versions = _dict(self.config.get("versions"))
        return {str(name): _cut(str(value)) for name, value in versions.items()}

    @property
    def class_names(self):
        names = self.config.get("class_names")
        return [_cut(str(name)) for name in names] if isinstance(names, list) else []

    @property
    def step(self):
        """The newest step that the folder knows of."""
        logged = self.log["step"][-1:].tolist() if self.log else []
        return int(max([*logged, *(grid.step for grid in self.grids)], default=0))

    @property
    def progress(self):
        """How far it is, as text."""
        steps, epochs = self._limits()
        if steps:
            return f"step {self.step:,} of {steps:,}"
        if epochs:
            return f"step {self.step:,}, epoch {self._epoch():,} of {epochs:,}"
        return f"step {self.step:,}"

    @property
    def is_finished(self):
        steps, epochs = self._limits()
        return self.step >= steps if steps else bool(epochs) and self._epoch() >= epochs

    def _limits(self):
        found = (self.arguments.get(name) for name in ("steps", "epochs"))
        return [value if is_whole(value) else None for value in found]

    def _epoch(self):
        epochs = self.log.get("epoch", np.zeros(0))
        epochs = epochs[np.isfinite(epochs)]
        return int(epochs[-1]) if len(epochs) else 0


def is_run(folder):
    """Whether a folder contains any file that a page can show."""
    names = (run_folder.CONFIG, run_folder.LOG, run_folder.SAMPLES, run_folder.SAMPLE)
    return any((folder / name).exists() for name in names)


def read(folder):
    """Reads the folder of a run as a `Run`; whatever is missing or damaged is left out."""
    problems: list[str] = []
    config = _read_config(folder / run_folder.CONFIG, problems)
    log = _read_table(folder / run_folder.LOG, problems)
    if not log:
        problems.append(f"There are no curves of losses: {run_folder.LOG} has no rows.")
    paths = _grid_paths(folder / run_folder.SAMPLES)
    grids = []
    for path in _thinned(paths):
        picture = _read_picture(path, problems)
        if picture:
            grids.append(Picture(**vars(picture) | {"step": _step_of(path)}))
    pictures = {}
    for name in (run_folder.SAMPLE, run_folder.INTERPOLATION, run_folder.NEAREST):
        if name == run_folder.SAMPLE and grids:
            continue  # the last of them shows the same
        if (folder / name).exists():
            picture = _read_picture(folder / name, problems)
            if picture:
                pictures[name] = picture
        else:
            problems.append(f"{name} is not there (yet).")
    scores = _read_table(folder / run_folder.EVALUATION, problems)
    return Run(
        folder,
        config,
        log,
        scores,
        grids,
        len(paths),
        pictures,
        [*_read_warnings(folder / run_folder.WARNINGS, problems), *_find_overfitting(scores)],
        problems,
    )


def _read_config(path, problems):
    try:
        return _dict(read_json(path))
    except FileNotFoundError:
        problems.append(f"The settings and versions are not known: {path.name} is not there.")
    except (OSError, ValueError) as error:
        problems.append(f"{path.name} cannot be read ({in_short(error)}).")
    return {}


def _read_table(path, problems):
    """The columns of a CSV file of the run, as floats; empty without rows."""
    try:
        if path.exists() and path.stat().st_size > _LARGEST_FILE:
            raise ValueError(f"more than {_LARGEST_FILE:,} bytes")
        rows = callbacks.read_log(path)
    except (OSError, ValueError, csv.Error) as error:
        problems.append(f"{path.name} cannot be read ({in_short(error)}).")
        return {}
    names = list(rows[0]) if rows else []
    columns = {name: np.array([_number(row[name]) for row in rows]) for name in names}
    known = np.isfinite(columns["step"]) if rows else []
    return {name: column[known] for name, column in columns.items()} if np.any(known) else {}


def _number(text):
    """The number in a field; NaN if there is none that can be drawn."""
    try:
        number = float(text or "nan")
    except ValueError:
        return math.nan
    return number if abs(number) < _LARGEST_NUMBER else math.nan


def _read_warnings(path, problems):
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            lines = file.read(_LARGEST_FILE).splitlines()
    except FileNotFoundError:
        return []
    except OSError as error:
        problems.append(f"{path.name} cannot be read ({in_short(error)}).")
        return []
    return [_cut(line) for line in dict.fromkeys(lines) if line.strip()][-_MOST_WARNINGS:]


def newest(table, name):
    """The last value in a column; NaN without any."""
    return float(table.get(name, np.full(1, math.nan))[-1])


def _find_overfitting(scores):
    """Warnings about scores of a generator that has begun to repeat its few images."""
    found = []
    copies = newest(scores, "copies")
    if has_copies(copies, newest(scores, f"{FLOOR}copies")):
        found.append(f"{copies:.0%} of the samples are nearly copies of training images")
    distances = scores.get("kernel_distance", np.zeros(0))
    if len(distances) > _MANY_WORSE and np.isfinite(distances).all():
        best = int(np.argmin(distances))
        # Near 0, distances differ by chance as much as those of real images do.
        floor = np.nan_to_num(abs(newest(scores, f"{FLOOR}kernel_distance")))
        limit = _WORSE * max(distances[best], floor)
        if min(distances[-_MANY_WORSE:]) > limit > 0:
            found.append(
                f"The kernel distance was smallest at step {scores['step'][best]:,.0f} "
                f"({distances[best]:.3g}), and is {distances[-1]:.3g} now: training is past its "
                "best"
            )
    return [
        f"{text}. There may be too few images: add some, augment them with --augment "
        "color,translation, or stop earlier with --monitor kernel_distance --patience 3."
        for text in found
    ]


def _grid_paths(folder):
    paths = (path for path in folder.glob("step_*.png") if re.fullmatch(r"step_\d+", path.stem))
    return sorted(paths, key=_step_of)


def _step_of(path):
    return int(path.stem.removeprefix("step_"))


def _thinned(paths):
    """At most `MOST_GRIDS` of them, evenly spaced, and the last.

    Every second, fourth, eighth ...: while a run grows, those chosen before remain among them.
    """
    every = 1
    while len(paths[::every]) >= MOST_GRIDS:
        every *= 2
    return paths[::every] if (len(paths) - 1) % every == 0 else [*paths[::every], paths[-1]]


def _read_picture(path, problems):
    try:
        status = path.stat()
        return _embedded(path, status.st_mtime_ns, status.st_size)
    # Pillow's decoders can raise almost any exception on a broken file.
    except Exception as error:
        problems.append(f"{path.name} cannot be shown ({in_short(error)}).")
        return None


@functools.lru_cache(maxsize=4 * MOST_GRIDS)
def _embedded(path, time, size):
    """Reads a picture; the arguments say which version of the file, for the cache."""
    if size > _LARGEST_FILE:
        raise ValueError(f"more than {_LARGEST_FILE:,} bytes")
    data = path.read_bytes()
    with Image.open(io.BytesIO(data), formats=["PNG"]) as picture:
        if math.prod(picture.size) > _LARGEST_PICTURE:
            raise ValueError(f"more than {_LARGEST_PICTURE:,} pixels")
        picture.load()
        if size <= _MOST_BYTES and max(picture.size) <= _MOST_PIXELS:
            return Picture(_uri("png", data), *picture.size, is_reduced=False)
        smaller = picture.convert("RGBA" if "A" in picture.mode else "RGB")
    smaller.thumbnail((_REDUCED, _REDUCED), Image.Resampling.LANCZOS)
    stream = io.BytesIO()
    smaller.save(stream, format="WEBP", quality=75)
    return Picture(_uri("webp", stream.getvalue()), *smaller.size, is_reduced=True)


def _uri(kind, data):
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def _dict(value):
    return value if isinstance(value, dict) else {}


def _cut(text):
    return text if len(text) <= _MOST_TEXT else f"{text[:_MOST_TEXT]} ..."
