"""The folder of a run: the names of its files, who may write to it, and its config.json.

Every function takes the folder as a `pathlib.Path`, `run`.
"""

import contextlib
import errno
import functools
import json
import math
import os
import platform
import sys
import warnings

import keras
import numpy as np

import kerasgan
from kerasgan import callbacks, zoo
from kerasgan import latents as latent_tools
from kerasgan.callbacks.evaluate import MONITORS
from kerasgan.checks import argument_error, check_value_range, in_short, is_number, is_whole
from kerasgan.cli._arguments import ENCODERS, PRECISIONS, in_words, placing, shown
from kerasgan.cli._data import is_mnist
from kerasgan.files import read_json, remove_stale, replacing
from kerasgan.networks import latents_shape, takes
from kerasgan.sampler import Sampler

__all__ = [
    "ANIMATION",
    "BEST_GENERATOR",
    "CHANGEABLE",
    "CONFIG",
    "EVALUATION",
    "FIXED",
    "GENERATOR",
    "INTERPOLATION",
    "LOCK",
    "LOG",
    "LOSSES",
    "MODEL",
    "NEAREST",
    "PREVIOUS_MODEL",
    "REPORT",
    "SAMPLE",
    "SAMPLES",
    "TENSORBOARD",
    "WARNINGS",
    "check_classes",
    "check_records",
    "checkpoint_every",
    "compare",
    "has_checkpoint",
    "is_in_use",
    "keeping_warnings",
    "listed",
    "note_changes",
    "opened",
    "read_config",
    "read_sampler",
    "write_config",
]

CONFIG, LOCK = "config.json", ".lock"
LOG, LOSSES, TENSORBOARD = "log.csv", "losses.png", "tensorboard"
# Pictures of the finished generator; pictures made during training (a folder); their animation.
SAMPLE, SAMPLES, ANIMATION = "samples.png", "samples", "training.gif"
# The page, and what is only for it: two pictures, and the warnings of the run, one a line.
REPORT = "report.html"
INTERPOLATION, NEAREST, WARNINGS = "interpolation.png", "nearest.png", "warnings.txt"
# `Checkpoint` and `Evaluate` name these, even without the command.
MODEL, PREVIOUS_MODEL, GENERATOR = callbacks.MODEL, callbacks.PREVIOUS_MODEL, callbacks.GENERATOR
EVALUATION, BEST_GENERATOR = callbacks.EVALUATION, callbacks.BEST_GENERATOR

# Arguments that define a run; `--resume` keeps them and refuses other values.
FIXED = (
    "model",
    "size",
    "channels",
    "fit",
    "background",
    "mirror",
    "filters",
    "augment",
    "ema",
    "pretrain_steps",
    "seed",
    "precision",
)
# Arguments that a resume may change, with a warning.
CHANGEABLE = ("data", "data_path", "batch_size", "devices", "learning_rate", "d_learning_rate")


# Who may write to it


@contextlib.contextmanager
def opened(run, resume):
    """Creates or opens the run's folder, and keeps all other processes out of it.

    Yields a function that says whether the folder still belongs to this process: another process
    may have removed it and started a run in a new folder of that name. A new folder that stays
    empty is removed.
    """
    with contextlib.ExitStack() as stack:
        missing = [path for path in run.parents if not os.path.exists(path)]
        stack.callback(_remove_empty, missing)
        is_new = _make(run)
        if not resume and set(os.listdir(run)) - {LOCK}:
            raise argument_error(
                "--out",
                "be a new folder",
                f"--out {run}, which is not empty",
                "Pass --resume to continue the run in it, or another --out.",
            )
        # The system releases the lock however the process ends.
        with placing("--out", run):
            lock = open(run / LOCK, "a")
        is_ours = functools.partial(_leads_to, run / LOCK, os.fstat(lock.fileno()))
        stack.callback(_remove_if_unused, run, is_new, is_ours)
        stack.enter_context(lock)
        _lock(lock, run)
        for folder in (run, *(path for path in run.iterdir() if path.is_dir())):
            remove_stale(folder)
        yield is_ours


def _make(run):
    """Creates the folder unless it exists; returns whether it is new."""
    try:
        run.mkdir(parents=True)
    except OSError as error:
        if os.path.isdir(run):
            return False
        raise argument_error(
            "--out",
            "be a folder that can be created",
            f"--out {run}: {error.strerror}",
            "Pass another path.",
            OSError,
        ) from error
    return True


def is_in_use(run):
    """Whether a process is training in the folder."""
    try:
        with open(run / LOCK, "rb+") as lock:
            _lock(lock, run)
    except ValueError:
        return True
    except OSError:  # no lock, or none that this user may open
        return False
    return False


def _lock(file, run):
    try:
        if os.name == "nt":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (OSError, ImportError) as error:
        if getattr(error, "errno", None) in (errno.EAGAIN, errno.EACCES, errno.EDEADLK):
            raise argument_error(
                "--out",
                "be a folder that no other process is using",
                f"--out {run}, where another process is training",
                "Wait for it, stop it, or pass another --out.",
            ) from None
        warnings.warn(
            f"This system cannot lock {run} ({error}): make sure that no other process is training "
            "there.",
            stacklevel=2,
        )


def _leads_to(path, status):
    """Whether a path leads to the file with this status."""
    try:
        return os.path.samestat(os.stat(path), status)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:  # the network may be down for a moment
        return True


def _remove_if_unused(run, is_new, is_ours):
    if is_new and is_ours() and set(os.listdir(run)) <= {LOCK}:
        (run / LOCK).unlink(missing_ok=True)
        run.rmdir()


def _remove_empty(folders):
    for folder in folders:
        # It may not exist, or may contain other files by now.
        with contextlib.suppress(OSError):
            folder.rmdir()


@contextlib.contextmanager
def keeping_warnings(run, is_ours):
    """Adds each warning to a file of the run, one a line.

    Yields a function that adds its arguments. Until it is first called without any, when training
    is about to begin, nothing is written: what is refused changes no file.

    Args:
        is_ours: What `opened` yields.
    """
    held: list[str] = []
    has_begun = False
    show = warnings.showwarning

    def keep(*messages):
        nonlocal has_begun
        has_begun = has_begun or not messages
        held.extend(" ".join(str(message).split()) for message in messages)
        if held and has_begun and is_ours():
            # A full disk must not end training.
            with contextlib.suppress(OSError), open(run / WARNINGS, "a", encoding="utf-8") as file:
                file.writelines(f"{text}\n" for text in held)
            held.clear()

    def keep_and_show(message, *rest, **options):
        keep(message)
        show(message, *rest, **options)

    warnings.showwarning = keep_and_show
    try:
        yield keep
    finally:
        warnings.showwarning = show


# What it contains


def has_checkpoint(run):
    """Whether training reached a checkpoint, whole or damaged."""
    return any((run / name).exists() for name in (MODEL, PREVIOUS_MODEL))


def check_records(run, config):
    """Refuses records that a resume could not continue.

    Args:
        config: What `read_config` returned.

    Raises:
        FileNotFoundError: The model files are gone.
        ValueError: Another program changed a CSV file.
    """
    score = config["arguments"]["monitor"]
    for name, columns in ((LOG, {"step", "epoch"}), (EVALUATION, {"step", score})):
        rows = callbacks.read_log(run / name)
        for row in rows:
            for column in {*columns, *row} - _TEXTS:
                _check_number(run / name, row, column)
        # With no model and fewer rows, the run was killed before its first checkpoint was saved,
        # which happens after the row of its step is written.
        if name == LOG and not has_checkpoint(run) and rows:
            if int(rows[-1]["step"]) > checkpoint_every(config["every"]):
                raise argument_error(
                    "--out",
                    f"contain {MODEL} or {PREVIOUS_MODEL} to be resumed",
                    f"--out {run}, where both are missing",
                    "Put one back, or start another run with another --out.",
                    FileNotFoundError,
                )


def _check_number(path, row, column):
    try:
        # Empty: other settings did not report this term.
        float(row[column] or 0)
    except (KeyError, ValueError):
        raise argument_error(
            path,
            "be a file written by `kerasgan train`",
            f"{column} {row.get(column, 'missing')!r} at step {row['step']}",
            "Repair it, or move it away and the run starts a new one.",
        ) from None


def checkpoint_every(every):
    """Steps between checkpoints, for `every` steps between pictures."""
    return min(5 * every, 1000)


def listed(run):
    """The names a user sees in the folder, sorted; subfolders end in a slash."""
    return sorted(
        path.name + ("/" if path.is_dir() else "")
        for path in run.iterdir()
        if not path.name.startswith(".")
    )


# config.json


def write_config(run, arguments, gan, every, num_images):
    """Writes what a resume compares, and what a user of generator.keras needs to know."""
    backend = keras.config.backend()
    config = {
        "arguments": arguments,
        "every": every,
        "num_images": num_images,
        "backend": backend,
        "versions": {
            "kerasgan": kerasgan.__version__,
            "keras": keras.__version__,
            backend: sys.modules[backend].__version__,
            "numpy": np.__version__,
            "python": platform.python_version(),
        },
        "generator_inputs": [tensor.name for tensor in gan.generator.inputs],
        "latents": latent_tools.plain(gan.latents),
        "latent_dim": gan.latent_dim,
        "image_shape": gan.image_shape,
        "value_range": gan.value_range,
        "num_classes": gan.num_classes,
        "class_names": gan.class_names,
    }
    with replacing(run / CONFIG) as temporary:
        temporary.write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")


def read_config(run):
    """Reads the configuration of a run, and checks all that a resume needs."""
    path = run / CONFIG
    try:
        config = read_json(path)
        _check_fields(config, _FIELDS)
        _check_fields(config["arguments"], _ARGUMENTS, "arguments.")
    except FileNotFoundError:
        raise argument_error(
            "--out",
            "be the folder of a run to resume",
            f"--out {run}, which has no {CONFIG}",
            "Check the path, or leave out --resume to start a run.",
            FileNotFoundError,
        ) from None
    except ValueError as error:
        raise argument_error(
            path,
            "be a file written by `kerasgan train`",
            f"a damaged file ({error})",
            "Repair it, or start another run with another --out.",
        ) from error
    return config


def _is_whole(smallest):
    return lambda value: is_whole(value) and value >= smallest


def _is_flag(value):
    return isinstance(value, bool)


def _is_rate(value):
    return is_number(value) and 0 < value < math.inf


def _is_text(value):
    return isinstance(value, str) and value != ""


def _is_names(value):
    return isinstance(value, list) and all(map(_is_text, value))


def _or_none(check):
    return lambda value: value is None or check(value)


def _is_size(value):
    return isinstance(value, list) and len(value) == 2 and all(map(_is_whole(1), value))


# Checks of the fields of config.json that a resume needs.
_FIELDS = {
    "arguments": lambda value: isinstance(value, dict),
    "every": _is_whole(1),
    "num_images": _is_whole(1),
    "backend": _is_text,
    "class_names": _or_none(_is_names),
}
_ARGUMENTS = {
    "model": lambda value: f"build_{value}" in zoo.__all__,
    "size": _is_size,
    "channels": lambda value: is_whole(value) and value in (1, 3, 4),
    "fit": _is_text,
    "background": _is_text,
    "mirror": _is_flag,
    "filters": _or_none(_is_whole(1)),
    "augment": _or_none(_is_text),
    "ema": _or_none(is_number),
    "pretrain_steps": _is_whole(0),
    "seed": _is_whole(0),
    "data": _is_text,
    "data_path": _or_none(_is_text),
    "batch_size": _is_whole(1),
    "devices": lambda value: value == "all" or _is_whole(1)(value),
    "learning_rate": _or_none(_is_rate),
    "d_learning_rate": _or_none(_is_rate),
    "evaluate": _or_none(lambda value: _is_text(value) and value in ENCODERS),
    "patience": _or_none(_is_whole(1)),
    "monitor": lambda value: _is_text(value) and value in MONITORS,
    "rollbacks": _is_whole(0),
    "deterministic": _is_flag,
    "precision": lambda value: _is_text(value) and value in PRECISIONS,
    "steps": _or_none(_is_whole(1)),
    "epochs": _or_none(_is_whole(1)),
}
_TEXTS = {"encoder", "encoder_hash", "data_hash", "monitor"}  # the text columns of the CSV files


def _check_fields(found, checks, prefix=""):
    if not isinstance(found, dict):
        raise ValueError(f"{type(found).__name__} instead of an object")
    for name, is_right in checks.items():
        if name not in found:
            raise ValueError(f"{prefix}{name} is missing")
        if not is_right(found[name]):
            raise ValueError(f"{prefix}{name} is {found[name]!r}")


def read_sampler(path, generator):
    """Makes the `Sampler` of a loaded generator.keras from the config.json next to it."""
    config_path = path.with_name(CONFIG)
    expected = f"be a GAN, or a generator with the {CONFIG} of its run next to it"
    if not config_path.exists():
        raise argument_error(
            "MODEL",
            expected,
            f"{path}, without that file",
            f"Copy it there, or pass the run's {MODEL}.",
            FileNotFoundError,
        )
    try:
        config = read_json(config_path)
        takes_latents = latents_shape(generator) == (None, config["latent_dim"])
        if not takes_latents or len(generator.output_shape) != 4:
            raise ValueError(f"it does not describe {path.name}")
        latents = latent_tools.standardize(config["latents"])
        latent_tools.check_length(latents, config["latent_dim"])
        return Sampler(
            generator,
            latents,
            check_value_range(config["value_range"]),
            *_read_classes(config, takes(generator, "labels")),
        )
    # Unexpected contents raise one of these.
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise argument_error(
            "MODEL",
            expected,
            f"{config_path}, which cannot be used ({in_short(error)})",
            f"Replace it with the run's own, or pass the run's {MODEL}.",
        ) from error


def _read_classes(config, takes_labels):
    """The number of classes and their names, for a generator that takes labels."""
    if not takes_labels:
        return ()
    num_classes, names = config["num_classes"], config["class_names"]
    has_names = names is None or (_is_names(names) and len(names) == num_classes)
    if not _is_whole(1)(num_classes) or not has_names:
        raise ValueError(f"num_classes is {num_classes!r} and class_names {names!r}")
    return num_classes, names


def compare(run, config, chosen):
    """Compares the given arguments with those of the run to resume.

    Args:
        config: What `read_config` returned.
        chosen: Dict of the arguments given on the command line.

    Raises:
        ValueError: Some arguments differ from the run's; the message lists them all.
    """
    saved = config["arguments"]
    names = [name for name in FIXED if name in chosen and chosen[name] != saved[name]]
    differences = [
        f"  {name}: {shown(saved[name])} in the run, {shown(chosen[name])} now" for name in names
    ]
    if "data" in chosen and is_mnist(chosen["data"]) != is_mnist(saved["data"]):
        differences.append(f"  data: {saved['data']} in the run, {chosen['data']} now")
    if differences:
        raise ValueError(
            f"the arguments must match those of the run in {run}, but differ:\n"
            + "\n".join(differences)
            + "\nLeave them out to resume it, or start another run with another --out."
        )


def check_classes(run, config, names):
    """Refuses data whose classes are not those of the run to resume.

    Args:
        config: What `read_config` returned.
        names: Names of the classes in the data.

    Raises:
        ValueError: They are not those of the run.
    """
    before = config["class_names"] or []
    gone = [name for name in before if name not in names]
    new = [name for name in names if name not in before]
    if gone or new:
        differences = [
            f"{what} {in_words(some)}" for what, some in (("without", gone), ("with", new)) if some
        ]
        raise argument_error(
            "DATA",
            f"have the classes of the run in {run}: {in_words(before)}",
            f"DATA {' and '.join(differences)}",
            "Pass the data of the run, or start another run with another --out.",
        )


def note_changes(config, arguments, num_images):
    """Warns of changes since the run began that a resume allows, but that make it unrepeatable.

    Args:
        config: What `read_config` returned.
        arguments: Dict of the run's arguments from now on.
        num_images: Images in a pass.
    """
    changes = {name: (config["arguments"][name], arguments[name]) for name in CHANGEABLE}
    changes["backend"] = (config["backend"], keras.config.backend())
    changes["number of images"] = (config["num_images"], num_images)
    for name, (before, now) in changes.items():
        if now != before:
            warnings.warn(
                f"{name.replace('_', ' ')}: {before} in the run, {now} now. The run continues, but "
                "its results will differ from those of an uninterrupted one.",
                stacklevel=2,
            )
