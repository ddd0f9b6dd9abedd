"""Checkpoints: a complete model on disk at all times, and how to load it."""

import json
import os
import pathlib
import warnings
import zipfile

import keras

from kerasgan import backend
from kerasgan._loading import count_stored, load_model
from kerasgan.callbacks._periodic import Periodic
from kerasgan.checks import (
    argument_error,
    check_flag,
    check_path,
    check_whole,
    in_short,
    is_out_of_memory,
    reason,
)
from kerasgan.files import is_bomb, replacing
from kerasgan.gan import GAN
from kerasgan.schedules import can_halve_rate, halve_rate

__all__ = [
    "Checkpoint",
    "GENERATOR",
    "MODEL",
    "PREVIOUS_MODEL",
    "find_damage",
    "load_checkpoint",
    "save_generator",
]

MODEL, PREVIOUS_MODEL, GENERATOR = "model.keras", "model.previous.keras", "generator.keras"


class Checkpoint(Periodic):
    """Saves everything needed to continue training, and the generator alone.

    `folder/model.keras` is the GAN (`gan.save`), `folder/model.previous.keras` is the previous
    save, and `folder/generator.keras` is the averaged generator as a plain Keras model. A complete
    checkpoint exists at all times, even while the next one is being written.
    `load_checkpoint(folder)` loads the newest. A GAN whose weights contain NaN or infinity is never
    saved: the callback warns once, and the last good checkpoint stays.

    When a loss or a weight becomes NaN or infinite, `fit` stops. (So it does at a checkpoint, if it
    is an average or an optimizer's state.) With `rollbacks`, it goes back to the newest checkpoint
    of this training (one is also made when training begins), halves all learning rates, and goes
    on. (In pre-training it always stops.) The log then has rows for the steps made before and
    after.

    Args:
        folder: Folder for the files; created if needed.
        every: Steps between checkpoints.
        rollbacks: How many times training may go back.

    Raises:
        ValueError: `folder` is not a path, `every` is not a positive whole number, or `rollbacks`
            is negative or not whole; or, when training begins, Keras cannot reload the GAN, or
            an optimizer's learning rate is a function although there are `rollbacks`.

    Attributes:
        saved: Dict from the name of a file, `model.keras` or `generator.keras`, to the step it
            was saved at. It lists only files that this callback wrote.

    Example:

    ```python
    gan.fit(images, epochs=20, callbacks=[kerasgan.callbacks.Checkpoint("run", every=1000)])
    gan = kerasgan.callbacks.load_checkpoint("run")
    gan.fit(images, epochs=20, initial_epoch=gan.epoch)
    ```
    """

    def __init__(self, folder: str | os.PathLike, every: int = 1000, rollbacks: int = 0):
        super().__init__(folder, every)
        self.rollbacks = check_whole("rollbacks", rollbacks, 0)
        self.saved: dict[str, int] = {}
        self._has_met_nan = False

    def on_train_begin(self, logs=None):
        super().on_train_begin(logs)
        if self.rollbacks and not all(map(can_halve_rate, self.model.optimizer.optimizers)):
            raise argument_error(
                "rollbacks",
                "be 0 if an optimizer's learning rate is a function, which cannot be halved",
                f"rollbacks={self.rollbacks}",
                "Give the optimizer a number or a keras.optimizers.schedules.LearningRateSchedule.",
            )
        try:
            # To JSON and back: a file that cannot be loaded is useless.
            config = json.dumps(keras.saving.serialize_keras_object(self.model))
            with backend.alone():
                keras.saving.deserialize_keras_object(json.loads(config))
        except Exception as error:
            raise ValueError(
                "For Checkpoint, the GAN must be a model that Keras can reload. Received: a GAN "
                f"that it cannot reload: {reason(error)}. Give each of your classes a get_config, "
                "and register classes and functions with keras.saving.register_keras_serializable; "
                "replace a Lambda layer with a layer class. Or train inside "
                "keras.saving.custom_object_scope and load with the same custom_objects."
            ) from error

    def on_train_batch_begin(self, batch, logs=None):
        # Only now, to keep what pre-training has made.
        if self.rollbacks and batch >= 0 and self._last_step is None:
            self._act()

    def act(self):
        path = self.folder / MODEL
        try:
            with replacing(path) as temporary:
                self.model.save(temporary)
                _keep(path, self.folder / PREVIOUS_MODEL)
        except ValueError:
            # `save` has checked every weight. Check again only to see whether that made it fail.
            if self.model._is_finite():
                raise
            if self.model.nan_step is None:
                self.model.nan_step = self.model.step  # `fit` sees no optimizer's state
            self._warn_of_nan()
            return
        self.saved[MODEL] = self.model.step
        save_generator(self.model, self.folder / GENERATOR)
        self.saved[GENERATOR] = self.model.step

    def roll_back(self) -> bool:
        """Goes back to the newest checkpoint, with half the learning rates. `fit` calls this.

        Returns:
            Whether it went back. Otherwise nothing has changed.
        """
        if not self.rollbacks:
            return False
        gan, path = self.model, self.folder / MODEL
        problem = find_damage(path) if MODEL in self.saved else "has not been saved"
        optimizers = gan.optimizer.optimizers
        # The rates of the file are not lower yet if this is not the first time.
        rates = [float(optimizer.learning_rate) for optimizer in optimizers]
        try:
            # Of several processes, all go back to the same step, or none does.
            backend.check_same(f"the step of {MODEL}", -1 if problem else self.saved[MODEL])
            if problem:
                raise ValueError(f"it {problem}")
            gan.load_weights(path)
        # It may also be another model's, or the disk may be full.
        except Exception as error:
            if is_out_of_memory(error):
                raise
            warnings.warn(
                f"Training cannot go back to {str(path)!r}: {in_short(error)}.", stacklevel=2
            )
            return False
        self.rollbacks -= 1
        for optimizer, rate in zip(optimizers, rates, strict=True):
            halve_rate(optimizer, rate)
        return True

    def _warn_of_nan(self):
        if not self._has_met_nan:
            self._has_met_nan = True
            warnings.warn(
                f"The weights contain NaN or infinity at step {self.model.step}. This model is not "
                "saved; the last good checkpoint stays. Resume from it with smaller learning "
                "rates.",
                stacklevel=3,
            )


def save_generator(gan: GAN, path: str | os.PathLike) -> None:
    """Saves the averaged generator of a GAN as a plain Keras model."""
    with replacing(path) as temporary, backend.alone():
        gan.sampling_generator.save(temporary)


def _keep(path, previous_path):
    """Gives a file a second name, so that it survives being replaced."""
    if not path.exists():
        return
    previous_path.unlink(missing_ok=True)
    try:
        os.link(path, previous_path)
    except OSError:
        # Some file systems have no links. There, `path` is absent until the new file is in place.
        os.replace(path, previous_path)


def load_checkpoint(
    folder: str | os.PathLike, custom_objects: dict | None = None, safe_mode: bool = True
) -> GAN:
    """Loads the newest undamaged model that `Checkpoint` saved in a folder.

    A `.keras` file has checksums, so truncation and damage are detected. If the newest model is
    damaged, or Keras cannot load it, the previous model is loaded instead, with a warning.

    It also loads a single file, which `keras.models.load_model` does too; but Keras believes the
    sizes in a file, and this function first counts whether its weights are there. Use it for the
    files of strangers.

    Args:
        folder: The folder given to `Checkpoint`, or the path of a `.keras` file.
        custom_objects, safe_mode: As in `keras.models.load_model`.

    Returns:
        `kerasgan.GAN`, ready to train or sample.

    Raises:
        FileNotFoundError: The folder contains no checkpoint.
        ValueError: `folder` is not a path, `custom_objects` not a dict or `safe_mode` not a flag;
            or every checkpoint is damaged or is not a GAN.
        Exception: Keras's own error, if a checkpoint is undamaged but none can be loaded.

    Example:

    ```python
    gan = kerasgan.callbacks.load_checkpoint("runs/flags")
    gan = kerasgan.callbacks.load_checkpoint("runs/flags/model.keras")
    ```
    """
    check_path("folder", folder)
    check_flag("safe_mode", safe_mode)
    if not isinstance(custom_objects, dict | None):
        raise argument_error(
            "custom_objects",
            "be a dict from names to classes or functions",
            f"custom_objects={custom_objects!r}",
            "For example, pass {'MyLayer': MyLayer}.",
        )
    folder = pathlib.Path(folder)
    paths = [folder] if folder.is_file() else [folder / MODEL, folder / PREVIOUS_MODEL]
    problems, cause = [], None
    for path in paths:
        problem = find_damage(path)
        if not problem:
            try:
                gan = load_model(path, custom_objects, safe_mode)
            except Exception as error:
                if is_out_of_memory(error):
                    raise
                problem, cause = f"cannot be loaded ({in_short(error)})", cause or error
        if problem:
            problems.append(f"{path.name} {problem}")
            continue
        if not isinstance(gan, GAN):
            raise argument_error(
                "folder",
                "contain the checkpoint of a kerasgan.GAN, or be one",
                f"folder={str(folder)!r}, whose {path.name} is a {type(gan).__name__}",
                "Load that with keras.models.load_model.",
            )
        if problems:
            warnings.warn(
                f"{folder}: {problems[0]}. Loaded the previous model instead: {path.name}, from "
                f"step {gan.step}.",
                stacklevel=2,
            )
        return gan
    if cause:
        raise cause
    is_there = any(map(os.path.lexists, paths))
    raise argument_error(
        "folder",
        "contain a checkpoint, or be one",
        f"folder={str(folder)!r}: {'; '.join(problems)}",
        "Pass the folder of a run or of a Checkpoint, or train from the start.",
        kind=ValueError if is_there else FileNotFoundError,
    )


def find_damage(path: str | os.PathLike) -> str | None:
    """Says what is wrong with a `.keras` file.

    It reads all of the file, but loads no model.

    Args:
        path: Path of the file.

    Returns:
        The rest of a sentence that begins with the file's name, such as `"does not exist"`; None
        if the file is undamaged.

    Raises:
        ValueError: `path` is not a path.

    Example:

    ```python
    if damage := kerasgan.callbacks.find_damage("run/model.keras"):
        print(f"The model {damage}.")
    ```
    """
    check_path("path", path)
    if not os.path.exists(path):
        return "does not exist"
    if not os.path.isfile(path):  # reading a pipe would wait for ever
        return "is not a file"
    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(member.file_size for member in archive.infolist())
            if is_bomb(unpacked, os.path.getsize(path)):
                return f"is damaged (it unpacks to {unpacked:,} bytes)"
            missing = {"config.json", "model.weights.h5"} - set(archive.namelist())
            member = archive.testzip()
            if missing or member:
                return f"is damaged (in {member or missing.pop()})"
            config = json.loads(archive.read("config.json"))
            if not isinstance(config, dict) or not isinstance(config.get("config"), dict):
                return "is damaged (in config.json)"
            weights = archive.read("model.weights.h5")
        stored = count_stored(weights)
        if is_bomb(stored, len(weights)):
            return f"is damaged (its weights unpack to {stored:,} bytes)"
    # Random bytes make zipfile and h5py raise nearly anything, and are not JSON.
    except Exception as error:
        return f"is truncated or damaged ({error or type(error).__name__})"
    return None
