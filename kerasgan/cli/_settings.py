"""The settings of a run: from the command line, the run to resume, and defaults."""

import os
import pathlib
import re

from kerasgan.checks import argument_error
from kerasgan.cli import run_folder
from kerasgan.cli._arguments import check_encoder, shown
from kerasgan.cli._data import is_mnist

DEFAULTS = {
    "model": "dcgan",
    "fit": "crop",
    "background": "white",
    "mirror": False,
    "deterministic": False,
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
_OF_FOLDERS = ("fit", "background", "mirror")
_NAMES = (
    *run_folder.FIXED,
    *run_folder.CHANGEABLE,
    *("deterministic", "epochs", "evaluate", "patience", "rollbacks", "steps"),
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


def _default_run(chosen):
    name = re.sub(r"\.zip$", "", pathlib.Path(chosen["data"]).name, flags=re.IGNORECASE) or "data"
    return pathlib.Path("runs", f"{name}-{chosen.get('model', DEFAULTS['model'])}")


def _check(run, arguments):
    """Refuses arguments that conflict."""
    image_shape = (*arguments["size"], arguments["channels"])
    check_encoder("--evaluate", arguments["evaluate"], image_shape)
    if arguments["patience"] and not arguments["evaluate"]:
        raise argument_error(
            "--patience",
            "be left out without --evaluate, which measures what it waits for",
            f"--patience {arguments['patience']}",
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
