"""Loads the trained model for `sample` and `evaluate`."""

import pathlib

from kerasgan import callbacks, pretrained
from kerasgan._loading import load_model
from kerasgan.checks import argument_error, in_short, is_out_of_memory
from kerasgan.cli import run_folder
from kerasgan.cli._messages import refusing
from kerasgan.gan import GAN


def load_sampler(text):
    """Makes the `Sampler` for MODEL: a run, a file from it, or an included model."""
    path = pathlib.Path(text)
    if text in pretrained.NAMES:
        model = pretrained.load_pretrained(text)
    elif path.is_dir():
        with refusing(folder="MODEL"):
            model = load(callbacks.load_checkpoint, path)
    else:
        damage = callbacks.find_damage(path)
        if damage:
            raise argument_error(
                "MODEL",
                "be the folder of a run, a .keras file or one of " + ", ".join(pretrained.NAMES),
                f"{path}, which {damage}",
                "Check the path.",
            )
        model = load(load_model, path)
    if isinstance(model, GAN):
        return model._sampler
    return run_folder.read_sampler(path, model)


def load(read, path):
    """Calls `read` on a path; raises ValueError or OSError if it cannot be loaded."""
    try:
        return read(path)
    # Keras raises almost any exception, depending on what is missing or unreadable.
    except Exception as error:
        if is_out_of_memory(error):
            raise argument_error(
                "MODEL",
                "fit in memory",
                f"{path}, which does not ({in_short(error)})",
                "Free some memory, or use a machine with more.",
            ) from error
        if isinstance(error, (OSError, ValueError)):
            raise
        raise argument_error(
            "MODEL",
            "use only classes and functions of Keras and kerasgan",
            f"{path}, which cannot be loaded ({in_short(error)})",
            "If it uses your own classes or functions, load it in Python: "
            "keras.models.load_model(PATH, custom_objects={...}).sample(64).",
        ) from error
