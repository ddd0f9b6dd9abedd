"""The folder of a run: the names of everything in it, who may write there, and its config.json.

Every function takes the folder as a `pathlib.Path`, `run`.
"""

import contextlib
import json
import os
import platform
import sys
import warnings

import keras
import numpy as np

import kerasgan
from kerasgan import callbacks, zoo
from kerasgan import latents as latent_tools
from kerasgan.checks import argument_error, check_value_range
from kerasgan.cli._arguments import shown
from kerasgan.cli._data import is_mnist
from kerasgan.cli._messages import in_short
from kerasgan.files import remove_stale, replacing
from kerasgan.sampler import Sampler

__all__ = [
    "ANIMATION",
    "BEST_GENERATOR",
    "CONFIG",
    "EVALUATION",
    "FIXED",
    "GENERATOR",
    "LOCK",
    "LOG",
    "LOSSES",
    "MODEL",
    "PREVIOUS_MODEL",
    "SAMPLE",
    "SAMPLES",
    "TENSORBOARD",
    "compare",
    "has_checkpoint",
    "listed",
    "note_change",
    "opened",
    "read_config",
    "read_sampler",
    "write_config",
]

CONFIG, LOCK = "config.json", ".lock"
LOG, LOSSES, TENSORBOARD = "log.csv", "losses.png", "tensorboard"
# Pictures of the finished generator; pictures made during training (a folder); their animation.
SAMPLE, SAMPLES, ANIMATION = "samples.png", "samples", "training.gif"
# `Checkpoint` and `Evaluate` name these, for runs without the command too.
MODEL, PREVIOUS_MODEL, GENERATOR = callbacks.MODEL, callbacks.PREVIOUS_MODEL, callbacks.GENERATOR
EVALUATION, BEST_GENERATOR = callbacks.EVALUATION, callbacks.BEST_GENERATOR

# The arguments that make a run what it is; `--resume` takes them over and refuses others.
FIXED = ("model", "size", "channels", "filters", "learning_rate", "augment", "ema", "seed")


# Who may write there


@contextlib.contextmanager
def opened(run, resume):
    """Makes the run's folder, or finds it, and keeps every other process out of it.

    A new folder into which nothing was written is removed again.
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
        stack.callback(_remove_if_unused, run, is_new)
        # The system lets go of the lock when the process ends, however it ends.
        lock = stack.enter_context(open(run / LOCK, "a"))
        try:
            _lock(lock)
        except OSError:
            raise argument_error(
                "--out",
                "be a folder that no other process is using",
                f"--out {run}, in which another process is training",
                "Wait for it, end it, or pass another --out.",
            ) from None
        for folder in (run, *(path for path in run.iterdir() if path.is_dir())):
            remove_stale(folder)
        yield


def _make(run):
    """Makes the folder unless it is there; returns whether it is new."""
    try:
        run.mkdir(parents=True)
    except FileExistsError:
        return False
    except OSError as error:
        raise argument_error(
            "--out",
            "be a folder that can be made",
            f"--out {run}: {error.strerror}",
            "Pass another.",
            OSError,
        ) from error
    return True


def _lock(file):
    if os.name == "nt":
        import msvcrt

        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _remove_if_unused(run, is_new):
    if is_new and set(os.listdir(run)) <= {LOCK}:
        (run / LOCK).unlink(missing_ok=True)
        run.rmdir()


def _remove_empty(folders):
    for folder in folders:
        # It may not have been made, or hold other things by now.
        with contextlib.suppress(OSError):
            folder.rmdir()


# What is there


def has_checkpoint(run):
    """Whether training got as far as a checkpoint, whole or damaged."""
    return any((run / name).exists() for name in (MODEL, PREVIOUS_MODEL))


def listed(run):
    """The names of what a user finds there, sorted; folders end in a slash."""
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
    }
    with replacing(run / CONFIG) as temporary:
        temporary.write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")


def read_config(run):
    """The configuration of a run to resume, with everything that a resume needs."""
    path = run / CONFIG
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
        missing = {"arguments", "every", "num_images", "backend"} - config.keys()
        missing = missing or {*FIXED, "batch_size", "data"} - config["arguments"].keys()
        if missing:
            raise ValueError(f"without {', '.join(sorted(missing))}")
        if f"build_{config['arguments']['model']}" not in zoo.__all__:
            raise ValueError(f"model {config['arguments']['model']!r}")
    except FileNotFoundError:
        raise argument_error(
            "--out",
            "be the folder of a run, to resume it",
            f"--out {run}, which has no {CONFIG}",
            "Check the path, or leave out --resume to begin a run.",
            FileNotFoundError,
        ) from None
    except (ValueError, AttributeError) as error:
        raise argument_error(
            path,
            "be as `kerasgan train` wrote it",
            f"a file that is damaged ({error})",
            "Repair it, or begin another run with another --out.",
        ) from error
    return config


def read_sampler(path, generator):
    """The `Sampler` of a loaded generator.keras, by the config.json beside its file."""
    config_path = path.with_name(CONFIG)
    expected = f"be a GAN, or a generator with the {CONFIG} of its run beside it"
    if not config_path.exists():
        raise argument_error(
            "MODEL",
            expected,
            f"{path}, without that file",
            f"Copy it there, or pass the run's {MODEL}.",
            FileNotFoundError,
        )
    try:
        config = json.loads(config_path.read_text(encoding="utf-8"))
        takes_latents = generator.input_shape == (None, config["latent_dim"])
        if not takes_latents or len(generator.output_shape) != 4:
            raise ValueError(f"it does not describe {path.name}")
        latents = latent_tools.standardize(config["latents"])
        return Sampler(generator, latents, check_value_range(config["value_range"]))
    # Other contents than ours end in one of these.
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise argument_error(
            "MODEL",
            expected,
            f"{config_path}, which cannot be used ({in_short(error)})",
            f"Copy that of the run there, or pass the run's {MODEL}.",
        ) from error


def compare(run, config, chosen):
    """Compares the arguments given with those of the run to resume.

    Notes a change that only makes the run not repeatable.

    Args:
        config: What `read_config` returned.
        chosen: Dict of the arguments given on the command line.

    Raises:
        ValueError: An argument would make it another run; every one that would is listed.
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
            f"the arguments must be those of the run in {run}, and are not:\n"
            + "\n".join(differences)
            + "\nLeave them out to resume it, or begin another run with another --out."
        )
    now = {"backend": keras.config.backend(), **chosen}
    for name, before in (*saved.items(), ("backend", config["backend"])):
        if name in ("batch_size", "data", "data_path", "backend") and name in now:
            note_change(name.replace("_", " "), before, now[name])


def note_change(name, before, now):
    """Warns of what differs from the run to resume, if it does."""
    if now != before:
        warnings.warn(
            f"{name}: {before} in the run, {now} now. The run goes on, but its results will differ "
            "from those of an uninterrupted one.",
            stacklevel=2,
        )
