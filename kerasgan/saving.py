"""What a saved GAN contains besides what Keras saves, and the checks of what a file says."""

import inspect
import os
import tempfile
import warnings

import keras
import numpy as np

from kerasgan import checks
from kerasgan.checks import argument_error
from kerasgan.settings import check_ema

__all__ = [
    "FORMAT",
    "check_target",
    "load_weights",
    "read_config",
    "read_state",
    "write_state",
]

# The format of saved files. Each version of kerasgan reads only its own format.
FORMAT = 2


def check_target(filepath, overwrite):
    """Raises ValueError unless a GAN may be saved to this path."""
    checks.check_path("filepath", filepath)
    checks.check_flag("overwrite", overwrite)
    if not overwrite and os.path.exists(filepath):
        raise argument_error(
            "filepath",
            "be a new file with overwrite=False",
            f"filepath={str(filepath)!r}, which exists",
            "Choose another name.",
        )
    if not str(filepath).endswith(".keras"):
        raise argument_error(
            "filepath", "end in .keras", f"filepath={str(filepath)!r}", "Rename it."
        )


def load_weights(gan, load, filepath, skip_mismatch, **kwargs):
    """Calls `load` with the other arguments, and restores the GAN's weights if that fails.

    Args:
        gan: The GAN.
        load: The `load_weights` that it inherits.

    Raises:
        ValueError: An optimizer did not fit, or the weights are not finite.
    """
    with tempfile.TemporaryDirectory() as folder:
        before = os.path.join(folder, "before.weights.h5")
        gan.save_weights(before)
        try:
            with warnings.catch_warnings():
                # Keras skips an optimizer that does not fit, and only warns.
                warnings.filterwarnings(
                    "default" if skip_mismatch else "error", "Skipping variable loading"
                )
                load(filepath, skip_mismatch=skip_mismatch, **kwargs)
            if not gan._is_finite():
                raise argument_error(
                    "filepath",
                    "contain finite weights",
                    f"filepath={str(filepath)!r}, with NaN or infinity",
                    "Load an earlier file.",
                )
        except BaseException as error:
            load(before)
            if "Skipping variable loading" in str(error):
                raise argument_error(
                    "filepath",
                    "come from a GAN with the same optimizers",
                    f"filepath={str(filepath)!r}",
                    "Compile with the file's optimizers first, or pass skip_mismatch=True to "
                    "load only what fits.",
                ) from error
            raise


def read_config(cls, config, custom_objects):
    """The decay of the average, and the arguments for `cls`, from what `get_config` returned."""
    config = dict(config)
    _check_format(config.pop("format", 1))
    ema = config.pop("ema", None)
    check_ema(ema)
    for name in ("generator", "discriminator", "latents"):
        if isinstance(config.get(name), dict):
            config[name] = _deserialize(name, config[name], custom_objects)
    try:
        inspect.signature(cls).bind(**config)
    except TypeError as error:
        raise argument_error(
            "config",
            f"have the arguments of {cls.__name__}",
            f"config with {sorted(config)}: {error}",
            "Get an undamaged file.",
        ) from None
    return ema, config


def _deserialize(name, config, custom_objects):
    try:
        return keras.saving.deserialize_keras_object(config, custom_objects)
    except Exception as error:
        # Keras explains these; from a damaged file, it raises nearly any other.
        if isinstance(error, (TypeError, ValueError)) or checks.is_out_of_memory(error):
            raise
        raise argument_error(
            name,
            "be what Keras saved",
            f"{name} that Keras cannot read ({checks.in_short(error)})",
            "Get an undamaged file.",
        ) from error


def write_state(gan, store):
    """Adds a GAN's counters and random states to a file."""
    store["format"] = np.array(FORMAT, dtype="int64")
    for name, value in vars(gan.progress).items():
        store[name] = np.array(value, dtype="int64")
    for name, variable in gan._random_variables().items():
        store[name] = keras.ops.convert_to_numpy(variable.value).astype("int64")


def read_state(gan, store):
    """Takes a GAN's counters and random states from a file."""
    _check_format(np.asarray(store["format"]).tolist() if "format" in store.keys() else 1)
    gan.progress.load(store)
    for name, variable in gan._random_variables().items():
        if name in store.keys():  # an augmentation added later has none
            variable.assign(np.asarray(store[name]))


def _check_format(found):
    if not checks.is_whole(found):
        raise argument_error(
            "format", f"be {FORMAT}", f"format={found!r}", "Get an undamaged file."
        )
    if found != FORMAT:
        raise ValueError(
            f"The file must have format {FORMAT}, which this version of kerasgan reads. Received: "
            f"format {found}, written by {'a later' if found > FORMAT else 'an earlier'} version. "
            "Load it with that version of kerasgan."
        )
