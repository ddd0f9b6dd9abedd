"""The trained model that `sample` and `evaluate` take images from."""

import pathlib

import keras

from kerasgan import callbacks, pretrained
from kerasgan.checks import argument_error, in_short, is_out_of_memory
from kerasgan.cli import run_folder
from kerasgan.gan import GAN


def load_sampler(text):
    """The `Sampler` of what MODEL names: a run, a file of it, or a model of the package."""
    path = pathlib.Path(text)
    if text in pretrained.NAMES:
        model = pretrained.load_pretrained(text)
    elif path.is_dir():
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
        model = load(keras.models.load_model, path)
    if isinstance(model, GAN):
        return model._sampler
    return run_folder.read_sampler(path, model)


def load(load_model, path):
    """What `load_model` makes of a path; ValueError or OSError if it cannot be loaded."""
    try:
        return load_model(path)
    # Of almost any class: what Keras raises depends on what it lacks or cannot read.
    except Exception as error:
        if is_out_of_memory(error):
            raise argument_error(
                "MODEL",
                "fit into memory",
                f"{path}, which does not ({in_short(error)})",
                "Free some, or use a machine that has more.",
            ) from error
        if isinstance(error, (OSError, ValueError)):
            raise
        raise argument_error(
            "MODEL",
            "be made of what Keras and kerasgan know",
            f"{path}, which cannot be loaded ({in_short(error)})",
            "If it holds functions or classes of your own, use it from Python: "
            "keras.models.load_model(PATH, custom_objects={...}).sample(64).",
        ) from error
