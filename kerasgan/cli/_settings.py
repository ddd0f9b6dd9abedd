"""The settings of a run: from the command line, the run to resume, and defaults."""

import inspect
import math
import os
import pathlib
import re

from kerasgan import backend, zoo
from kerasgan.callbacks.evaluate import MONITORS
from kerasgan.checks import argument_error, counted
from kerasgan.cli import run_folder
from kerasgan.cli._arguments import PRECISIONS, check_encoder, shown
from kerasgan.cli._data import is_mnist, survey

MODELS = tuple(name.removeprefix("build_") for name in zoo.__all__)
DEFAULTS = {
    "model": "dcgan",
    "fit": "crop",
    "background": "white",
    "mirror": False,
    "deterministic": False,
    "devices": 1,
    "precision": PRECISIONS[0],
    "monitor": MONITORS[0],
    "pretrain_steps": 0,
    "rollbacks": 0,
    "seed": 0,
}
DEFAULT_EPOCHS = 50
# From the models' sources.
DEFAULT_BATCH_SIZE = 64
BATCH_SIZES = {
    "acgan": 100,
    "biggan": 50,
    "dcgan": 128,
    "deconv_gan": 16,
    "fastgan": 8,
    "flag_gan": 32,
    "infogan": 128,
    "mlp_gan": 128,
    "mnist_gan": 50,
    "pacgan": 128,
    "r3gan": 512,
    "sgan": 100,
}
# Numbers of images: 258 flags gain from augmentation, 3,583 emoji lose (docs/results.md).
_FEW, _VERY_FEW = 1_000, 100
# Steps after which flags are sharp and digits readable (docs/runs.md).
_ENOUGH_STEPS = 3_000
_OF_FOLDERS = ("fit", "background", "mirror")
_NAMES = (
    *run_folder.FIXED,
    *run_folder.CHANGEABLE,
    *("deterministic", "epochs", "evaluate", "monitor", "patience", "rollbacks", "steps"),
)


def settle(given):
    """Returns the run's folder, all its arguments, and the configuration to resume (or None)."""
    chosen = {name: value for name, value in vars(given).items() if name in _NAMES}
    chosen = {name: value for name, value in chosen.items() if value is not None}
    if "data" not in chosen and (given.out is None or not given.resume):
        raise argument_error(
            "DATA",
            "be a folder of images or mnist",
            "nothing",
            "Pass it" + (", or the run to resume as --out RUN." if given.resume else "."),
        )
    if "data" in chosen and not is_mnist(chosen["data"]):
        chosen["data"] = os.path.abspath(chosen["data"])
    run = _default_run(chosen) if given.out is None else pathlib.Path(given.out)
    config = run_folder.read_config(run) if given.resume else None
    saved = config["arguments"] if config else {}
    if config:
        run_folder.compare(run, config, chosen)
    if chosen.keys() & {"steps", "epochs"}:
        saved = {**saved, "steps": None, "epochs": None}
    arguments = dict.fromkeys(_NAMES) | DEFAULTS | saved | chosen
    if not arguments["steps"] and not arguments["epochs"]:
        arguments["epochs"] = DEFAULT_EPOCHS
    if not arguments["batch_size"]:
        arguments["batch_size"] = BATCH_SIZES.get(arguments["model"], DEFAULT_BATCH_SIZE)
    of_mnist = is_mnist(arguments["data"])
    arguments["size"] = arguments["size"] or ([28, 28] if of_mnist else [64, 64])
    arguments["channels"] = arguments["channels"] or (1 if of_mnist else 3)
    _check(run, arguments)
    return run, arguments, config


def takes_labels(model):
    """Whether the model's builder takes a number of classes."""
    return "num_classes" in inspect.signature(getattr(zoo, f"build_{model}")).parameters


def choose_settings(num_images, channels, has_gpu, batch_size):
    """Settings of the default model that suit the images and the device.

    Returns:
        List of `(settings, reason)`: a dict of arguments, and what to say for it.
    """
    found = []
    if not has_gpu:
        # In equal time on a CPU, half the width gets further. In colour, its usual rate leaves a
        # checkerboard.
        rate = {"learning_rate": 8e-4} if channels > 1 else {}
        found.append(({"filters": 32} | rate, "there is no GPU"))
    if num_images < _FEW:
        found.append(({"augment": "color,translation"}, f"{_these(num_images)} few"))
    num_steps = DEFAULT_EPOCHS * math.ceil(num_images / batch_size)
    if num_steps < _ENOUGH_STEPS:
        passes = counted(DEFAULT_EPOCHS, "pass")
        reason = f"there are only {counted(num_steps, 'step')} in {passes} over the data"
        found.append(({"steps": _ENOUGH_STEPS, "epochs": None}, reason))
    return found


def adapt(given, arguments):
    """Returns a new run's arguments with what suits it in the place of defaults, and says why.

    Settings that belong together stay as they are if any of them is given.
    """
    num_images, num_classes = survey(arguments["data"])
    parts = [f"No --model: {arguments['model']}, which most of the measurements are of"]
    has_gpu = backend.has_gpu()
    facts = num_images, arguments["channels"], has_gpu, arguments["batch_size"]
    for settings, reason in choose_settings(*facts):
        if all(getattr(given, name) is None for name in settings):
            arguments = arguments | settings
            flags = (
                f"--{name.replace('_', '-')} {value}"
                for name, value in settings.items()
                if value is not None
            )
            parts.append(f"{' '.join(flags)}, as {reason}")
    if num_classes:
        parts.append(f"if its {num_classes} subfolders are classes, --model acgan can learn them")
    print("; ".join(parts) + ".", flush=True)
    return arguments


def warning_of_few(num_images):
    """What to say if there are too few images to learn from; otherwise None."""
    if num_images >= _VERY_FEW:
        return None
    return (
        f"{_these(num_images)} too few to learn from: expect noise, or copies of them. Use some "
        "hundreds at least, better thousands."
    )


def _these(num_images):
    return counted(num_images, "image") + (" is" if num_images == 1 else " are")


def _default_run(chosen):
    name = re.sub(r"\.zip$", "", pathlib.Path(chosen["data"]).name, flags=re.IGNORECASE) or "data"
    return pathlib.Path("runs", f"{name}-{chosen.get('model', DEFAULTS['model'])}")


def _check(run, arguments):
    """Refuses arguments that conflict."""
    image_shape = (*arguments["size"], arguments["channels"])
    check_encoder("--evaluate", arguments["evaluate"], image_shape)
    for name, default in (("patience", None), ("monitor", DEFAULTS["monitor"])):
        if arguments[name] != default and not arguments["evaluate"]:
            raise argument_error(
                f"--{name}",
                "be left out without --evaluate, which measures what it reads",
                f"--{name} {arguments[name]}",
                "Pass --evaluate pyramid too, for example.",
            )
    if is_mnist(arguments["data"]):
        if image_shape != (28, 28, 1):
            raise ValueError(
                "`--size` and `--channels` must be 28 and 1 for mnist. Received: "
                f"--size {shown(arguments['size'])} --channels {arguments['channels']}. Leave "
                "them out."
            )
        for name in _OF_FOLDERS:
            if arguments[name] != DEFAULTS[name]:
                raise argument_error(
                    f"--{name}",
                    "be left out for mnist",
                    f"--{name}" + ("" if arguments[name] is True else f" {arguments[name]}"),
                    "It is only for folders of images.",
                )
        return
    folder = os.path.realpath(arguments["data"])
    if pathlib.Path(os.path.realpath(run)).is_relative_to(folder):
        raise argument_error(
            "--out",
            "be outside DATA, or the run would train on its own pictures",
            f"--out {run} in {folder}",
            f"For example, pass --out ../{run.name}.",
        )
    if arguments["data_path"]:
        raise argument_error(
            "--data-path",
            "be left out unless DATA is mnist",
            f"--data-path {arguments['data_path']}",
            "Pass the folder of images as DATA.",
        )
