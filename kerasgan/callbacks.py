"""Callbacks: what a training run leaves behind.

All are ordinary `keras.callbacks.Callback`s. Their clock is `gan.step`, which is saved with the
model: after a resume they go on as if training had never stopped, and their files become those
that it would have left. Each file is whole or absent at any moment (logs grow at their end); one
that cannot be written (a full disk, a lost permission) gives one warning, and training goes on.
"""

import collections
import contextlib
import csv
import io
import os
import pathlib
import socket
import time
import warnings
import zipfile

import keras
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from kerasgan import pictures
from kerasgan.checks import check_whole, is_finite
from kerasgan.files import replacing
from kerasgan.gan import GAN

MODEL, PREVIOUS_MODEL, GENERATOR = "model.keras", "model.previous.keras", "generator.keras"
EVALUATION, BEST_GENERATOR = "evaluation.csv", "best_generator.keras"
MOST_FRAMES = 100
LEAST_VARIETY, SURE, LEAST_LEAD = 0.05, 0.01, 0.5  # see Diagnose
CAPTION_HEIGHT, CAPTION_WIDTH = 12, 40  # pixels, for one line of Pillow's built-in font


class _Periodic(keras.callbacks.Callback):
    """Acts after every `every` steps, and once more at the end of training."""

    def __init__(self, folder, every):
        super().__init__()
        self.folder = pathlib.Path(folder)
        check_whole("every", every, 1)
        self.every = every
        self._last_step = None
        self._has_warned = False

    def act(self):
        raise NotImplementedError

    def on_train_begin(self, logs=None):
        self._last_step = None
        # A folder that cannot be made is an error now, while nothing is lost.
        self.folder.mkdir(parents=True, exist_ok=True)

    def on_train_batch_end(self, batch, logs=None):
        if self.model.step % self.every == 0:
            self._act()

    def on_train_end(self, logs=None):
        if self._last_step != self.model.step:
            self._act()

    def _act(self):
        self._last_step = self.model.step
        with self._surviving_full_disks():
            self.act()

    @contextlib.contextmanager
    def _surviving_full_disks(self):
        try:
            yield
        except OSError as error:
            if not self._has_warned:
                self._has_warned = True
                warnings.warn(
                    f"{type(self).__name__} could not write to {str(self.folder)!r} at step "
                    f"{self.model.step}: {error}. What it wrote before is intact. Training goes "
                    "on, and it tries again at its next turn without another warning.",
                    stacklevel=2,
                )


class SampleGrid(_Periodic):
    """Saves pictures made from the same latents as training goes on.

    `folder/step_0000500.png` and so on, numbered by `gan.step`. The picture made at the end of
    training goes again when training goes on, unless its step is a multiple of `every`.

    Args:
        folder: Folder for the PNG files; made when needed.
        every: Steps between two of them.
        count: Pictures in each.
        seed: Integer behind the latents.
        columns: Pictures in a row; by default about as many as there are rows.
        scores: Whether to print under each picture what the discriminator thinks of it
            (`gan.score`).

    Raises:
        ValueError: `every` is not a positive whole number.

    Example:

    ```python
    gan.fit(images, epochs=20, callbacks=[kerasgan.callbacks.SampleGrid("samples", every=100)])
    ```
    """

    def __init__(self, folder, every=500, count=64, seed=0, columns=None, scores=False):
        super().__init__(folder, every)
        self.count = count
        self.seed = seed
        self.columns = columns
        self.scores = scores

    def on_train_begin(self, logs=None):
        super().on_train_begin(logs)
        if self.model.step % self.every:
            _step_path(self.folder, self.model.step).unlink(missing_ok=True)

    def act(self):
        images = _sample(self.model, self.count, self.seed)
        if images is None:
            return
        if self.scores:
            scores = self.model.score(images)
            scores = np.repeat(scores, len(images) // len(scores))  # one for each of a pack
            images = _captioned(images, [f"{score:.2f}" for score in scores])
        path = _step_path(self.folder, self.model.step)
        pictures.save_png(path, pictures.grid(images, self.columns))


class Checkpoint(_Periodic):
    """Saves everything that training needs to go on, and the generator alone.

    `folder/model.keras` is the GAN (`gan.save`), `folder/model.previous.keras` the one saved
    before it, `folder/generator.keras` the averaged generator as a plain Keras model. There is
    a whole checkpoint at every moment, also while the next one is written.
    `load_checkpoint(folder)` gives back the newest. A GAN whose weights hold NaN or infinity is
    never saved: one warning, and the last good ones stay.

    Args:
        folder: Folder for the files; made when needed.
        every: Steps between two checkpoints.

    Raises:
        ValueError: `every` is not a positive whole number.

    Example:

    ```python
    gan.fit(images, epochs=20, callbacks=[kerasgan.callbacks.Checkpoint("run", every=1000)])
    gan = kerasgan.callbacks.load_checkpoint("run")
    gan.fit(images, epochs=20, initial_epoch=gan.epoch)
    ```
    """

    def __init__(self, folder, every=1000):
        super().__init__(folder, every)
        self._has_met_nan = False

    def on_train_begin(self, logs=None):
        super().on_train_begin(logs)
        try:
            self.model.get_config(), self.model.get_compile_config()
        except Exception as error:
            raise ValueError(
                "The GAN must be made of what can be saved, for Checkpoint. Received: a setting "
                f"of which Keras says: {error} Use a function or class registered with "
                "keras.saving.register_keras_serializable."
            ) from error

    def act(self):
        if not self.model._is_finite():
            if not self._has_met_nan:
                self._has_met_nan = True
                warnings.warn(
                    f"The weights hold NaN or infinity at step {self.model.step}: this model is "
                    "not saved, and the last one that was stays. Continue from it with smaller "
                    "learning rates.",
                    stacklevel=2,
                )
            return
        path = self.folder / MODEL
        with replacing(path) as temporary:
            self.model.save(temporary)
            _keep(path, self.folder / PREVIOUS_MODEL)
        with replacing(self.folder / GENERATOR) as temporary:
            self.model.averaged_generator.save(temporary)


def _keep(path, previous_path):
    """Gives a file a second name, so that it stays when another takes its place."""
    if not path.exists():
        return
    previous_path.unlink(missing_ok=True)
    try:
        os.link(path, previous_path)
    except OSError:
        # Not every file system has links. Then `path` is away until the new one is there.
        os.replace(path, previous_path)


def load_checkpoint(folder):
    """Loads the newest whole model that `Checkpoint` has left in a folder.

    A `.keras` file carries checksums: a truncated or damaged one is found, and the one before
    it is loaded instead, with a warning.

    Args:
        folder: The folder given to `Checkpoint`.

    Returns:
        `kerasgan.GAN`, to be trained on or sampled.

    Raises:
        FileNotFoundError: There is no checkpoint in the folder.
        ValueError: All that there are, are damaged; or they hold something else than a GAN.

    Example:

    ```python
    gan = kerasgan.callbacks.load_checkpoint("runs/flags")
    ```
    """
    folder = pathlib.Path(folder)
    problems = []
    for path in (folder / MODEL, folder / PREVIOUS_MODEL):
        problem = find_damage(path)
        if problem:
            problems.append(f"{path.name} {problem}")
            continue
        gan = keras.models.load_model(path)
        if not isinstance(gan, GAN):
            raise ValueError(
                "`folder` must hold the checkpoint of a kerasgan.GAN. Received: folder="
                f"{str(folder)!r}, whose {path.name} is a {type(gan).__name__}. Load that with "
                "keras.models.load_model."
            )
        if problems:
            warnings.warn(
                f"{folder}: {problems[0]}. Loaded {path.name}, the one before it, of step "
                f"{gan.step}.",
                stacklevel=2,
            )
        return gan
    is_there = any(os.path.lexists(folder / name) for name in (MODEL, PREVIOUS_MODEL))
    raise (ValueError if is_there else FileNotFoundError)(
        f"`folder` must hold a checkpoint. Received: folder={str(folder)!r}: "
        f"{'; '.join(problems)}. Pass the folder given to Checkpoint, or train anew."
    )


def find_damage(path):
    """What is wrong with a `.keras` file, as the rest of a sentence; None if it is whole."""
    if not os.path.exists(path):
        return "is not there"
    try:
        with zipfile.ZipFile(path) as archive:
            missing = {"config.json", "model.weights.h5"} - set(archive.namelist())
            member = archive.testzip()
    except Exception as error:
        # Random bytes make zipfile raise nearly anything.
        return f"is truncated or damaged ({error or type(error).__name__})"
    if missing or member:
        return f"is damaged (in {member or missing.pop()})"
    return None


class Animation(_Periodic):
    """Shows training as a GIF: a small grid of pictures from the same latents, over time.

    It has at most about 100 frames, no larger than 256 pixels: when there are more, every other
    one is dropped and the time between two doubles. The file is renewed with every tenth frame
    and at the end of training. Its frames are kept beside it, in `.NAME.frames`, so that it
    goes on after a resume; whoever is done can delete them.

    Args:
        path: Path of the GIF.
        every: Steps between two frames, at first.
        count: Pictures in each.
        seed: Integer behind the latents.
        columns: Pictures in a row; by default about as many as there are rows.
        seconds_per_frame: How long each frame is shown; the last one stays for a second.

    Raises:
        ValueError: `every` is not a positive whole number.

    Example:

    ```python
    gan.fit(images, epochs=20, callbacks=[kerasgan.callbacks.Animation("training.gif")])
    ```
    """

    def __init__(self, path, every=50, count=16, seed=0, columns=None, seconds_per_frame=0.1):
        self.path = pathlib.Path(path)
        super().__init__(self.path.parent, every)
        self.frames_folder = self.path.with_name(f".{self.path.name}.frames")
        self.count = count
        self.seed = seed
        self.columns = columns
        self.seconds_per_frame = seconds_per_frame
        self._first_every = self.every

    def on_train_begin(self, logs=None):
        super().on_train_begin(logs)
        self.frames_folder.mkdir(exist_ok=True)
        self._thin_out()
        if self.model.step == 0:
            self._act()

    def on_train_batch_end(self, batch, logs=None):
        super().on_train_batch_end(batch, logs)
        if self.model.step % (10 * self.every) == 0:
            with self._surviving_full_disks():
                self._write()

    def on_train_end(self, logs=None):
        super().on_train_end(logs)
        with self._surviving_full_disks():
            self._write()

    def act(self):
        images = _sample(self.model, self.count, self.seed)
        if images is None:
            return
        frame = pictures.grid(pictures.opaque(images), self.columns)
        self._thin_out()
        pictures.save_png(
            _step_path(self.frames_folder, self.model.step), pictures.fit_frame(frame)
        )

    def _thin_out(self):
        """Drops what is too much, and what a resume has gone back behind."""
        step = self.model.step
        self.every = self._first_every
        while step // self.every > MOST_FRAMES:
            self.every *= 2
        for path in self._frame_paths():
            frame_step = int(path.stem.removeprefix("step_"))
            if frame_step > step or frame_step % self.every:
                path.unlink(missing_ok=True)

    def _frame_paths(self):
        return sorted(self.frames_folder.glob("step_*.png"))

    def _write(self):
        frames = []
        for path in self._frame_paths():
            with Image.open(path) as picture:
                frames.append(np.array(picture).reshape(picture.height, picture.width, -1))
        if frames:
            pictures.save_gif(self.path, frames, self.seconds_per_frame)


class Log(_Periodic):
    """Writes the losses and scores of training to a CSV file.

    Columns are `step` (generator updates), `epoch` (finished passes over the data), then every
    term that training reports. Each row holds the means of the `every` steps up to its own; the
    steps after the last full row follow, one in a row, at the end of training. When training
    goes on from an earlier step, later rows are dropped. A term that comes later (of a penalty,
    of `Evaluate`) gets a column at the end.

    Args:
        path: Path of the CSV file.
        every: Steps in a row.

    Raises:
        ValueError: `every` is not a positive whole number.

    Example:

    ```python
    gan.fit(images, epochs=20, callbacks=[kerasgan.callbacks.Log("log.csv")])
    ```
    """

    def __init__(self, path, every=10):
        self.path = pathlib.Path(path)
        super().__init__(self.path.parent, every)
        self._columns = []
        self._window = []  # the steps since the last full row
        self._end = 0  # bytes up to the end of the last full row

    def on_train_begin(self, logs=None):
        super().on_train_begin(logs)
        last_full_row = self.model.step - self.model.step % self.every
        rows = [row for row in read_log(self.path) if int(row["step"]) <= self.model.step]
        full = [row for row in rows if int(row["step"]) <= last_full_row]
        self._window = rows[len(full) :]
        self._columns = list(rows[0]) if rows else []
        self._end = len(_to_csv(self._columns, full)) if full else 0
        if self.path.exists():
            with replacing(self.path) as temporary:
                temporary.write_bytes(_to_csv(self._columns, rows) if rows else b"")

    def on_train_batch_end(self, batch, logs=None):
        position = {"step": self.model.step, "epoch": self.model.epoch}
        self._window.append(position | {name: float(value) for name, value in logs.items()})
        super().on_train_batch_end(batch, logs)

    def act(self):
        is_full = self.model.step % self.every == 0
        rows = self._window
        if not rows:
            return
        first_step = int(rows[0]["step"])
        if is_full:
            means = {name: f"{mean:.6g}" for name, mean in _means(rows).items()}
            rows = [means | {name: rows[-1][name] for name in ("step", "epoch")}]
            self._window = []
        columns = _names([dict.fromkeys(self._columns), *rows])
        if columns != self._columns:
            self._columns = columns
            if self._end:
                full = [row for row in read_log(self.path) if int(row["step"]) < first_step]
                text = _to_csv(columns, full)
                with replacing(self.path) as temporary:
                    temporary.write_bytes(text)
                self._end = len(text)
        # Over the single steps of an earlier end, and over what a full disk has cut off.
        with open(self.path, "r+b" if self._end else "wb") as file:
            file.seek(self._end)
            file.truncate()
            file.write(_to_csv(self._columns, rows, header=not self._end))
            if is_full:
                self._end = file.tell()


def _names(rows):
    """The names of all columns that rows have."""
    return list(dict.fromkeys(name for row in rows for name in row))


def _to_csv(columns, rows, header=True):
    """Rows as CSV; columns that a row lacks stay empty."""
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    if header:
        writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def read_log(path):
    """The rows of a `Log`'s file as dicts of strings; none if there is no file."""
    try:
        with open(path, newline="", encoding="utf-8", errors="replace") as file:
            header, *rows = list(csv.reader(file)) or [[]]
    except FileNotFoundError:
        return []
    # A row that was cut off is none.
    return [
        dict(zip(header, row, strict=True))
        for row in rows
        if len(row) == len(header) and row[0].isdigit()
    ]


def _means(rows):
    """The mean of each term over the rows that have it."""
    values = {}
    for row in rows:
        for name, value in row.items():
            if value != "":
                values.setdefault(name, []).append(float(value))
    return {name: sum(found) / len(found) for name, found in values.items()}


class LossPlot(_Periodic):
    """Draws the losses and the discriminator's scores over the steps.

    Needs matplotlib: `pip install kerasgan[plots]`.

    Args:
        path: Path of the PNG file.
        every: Steps between two drawings.
        log: Path of the file of a `Log` that stands before this callback in the list. By
            default there is a `Log` of its own beside the picture, `losses.csv` for
            `losses.png`.

    Raises:
        ImportError: matplotlib is not installed.
        ValueError: `every` is not a positive whole number.

    Example:

    ```python
    gan.fit(images, epochs=20, callbacks=[kerasgan.callbacks.LossPlot("losses.png")])
    ```
    """

    def __init__(self, path, every=500, log=None):
        self.path = pathlib.Path(path)
        super().__init__(self.path.parent, every)
        try:
            import matplotlib.figure
        except ImportError as error:
            raise ImportError(
                "LossPlot needs matplotlib, which is not installed. Install it with "
                "`pip install kerasgan[plots]`, or use kerasgan.callbacks.Log."
            ) from error
        # Not pyplot: it would keep the figure, and may want a screen.
        self._new_figure = matplotlib.figure.Figure
        self.log_path = pathlib.Path(log or self.path.with_suffix(".csv"))
        self._own_log = None if log else Log(self.log_path, max(1, self.every // 50))

    def set_model(self, model):
        super().set_model(model)
        if self._own_log:
            self._own_log.set_model(model)

    def on_train_begin(self, logs=None):
        super().on_train_begin(logs)
        if self._own_log:
            self._own_log.on_train_begin(logs)

    def on_train_batch_end(self, batch, logs=None):
        if self._own_log:
            self._own_log.on_train_batch_end(batch, logs)
        super().on_train_batch_end(batch, logs)

    def on_train_end(self, logs=None):
        if self._own_log:
            self._own_log.on_train_end(logs)
        super().on_train_end(logs)

    def act(self):
        rows = read_log(self.log_path)
        steps = [int(row["step"]) for row in rows]
        figure = self._new_figure(figsize=(8, 6), layout="constrained")
        upper, lower = figure.subplots(2, sharex=True)
        for axes, title, names in (
            (upper, "Loss", {"d_loss": "discriminator", "g_loss": "generator"}),
            (lower, "Discriminator's mean score", {"d_real": "real images", "d_fake": "fakes"}),
        ):
            for name, label in names.items():
                values = [float(row.get(name) or "nan") for row in rows]
                axes.plot(steps, values, label=label, linewidth=1)
            axes.set_ylabel(title)
            axes.grid(alpha=0.3)
            axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2, frameon=False)
        lower.set_xlabel("Step")
        with replacing(self.path) as temporary:
            figure.savefig(temporary, format="png", dpi=100)


class TensorBoardLog(_Periodic):
    """Writes losses, scores and sample pictures for TensorBoard; on every backend.

    `keras.callbacks.TensorBoard` needs TensorFlow; this needs only the package `tensorboard`.
    Look at the results with `tensorboard --logdir FOLDER`.

    Args:
        folder: Folder for the event files; made when needed.
        every: Steps between two points; each is the mean of these steps.
        images_every: Steps between two pictures.
        count: Pictures in each grid.
        seed: Integer behind the latents.

    Raises:
        ImportError: The package `tensorboard` is not installed.
        ValueError: `every` or `images_every` is not a positive whole number.

    Example:

    ```python
    gan.fit(images, epochs=20, callbacks=[kerasgan.callbacks.TensorBoardLog("tensorboard")])
    ```
    """

    def __init__(self, folder, every=50, images_every=500, count=64, seed=0):
        super().__init__(folder, every)
        try:
            from tensorboard.compat.proto.event_pb2 import Event, SessionLog
            from tensorboard.compat.proto.summary_pb2 import Summary
            from tensorboard.summary.writer.record_writer import RecordWriter
        except ImportError as error:
            raise ImportError(
                "TensorBoardLog needs the package tensorboard, which is not installed. Install "
                "it with `pip install tensorboard`, or use kerasgan.callbacks.Log."
            ) from error
        # Not tensorboard's EventFileWriter, which imports TensorFlow wherever it is installed.
        self._event, self._summary, self._writer = Event, Summary, RecordWriter
        self._restart = SessionLog(status=SessionLog.START)
        check_whole("images_every", images_every, 1)
        self.images_every = images_every
        self.count = count
        self.seed = seed
        self._path = None
        self._window = []

    def on_train_begin(self, logs=None):
        super().on_train_begin(logs)
        self._window = []
        self._path = self.folder / (
            f"events.out.tfevents.{time.time_ns() // 1000}.{socket.gethostname()}.{os.getpid()}"
        )
        with self._surviving_full_disks():
            self._write(step=0, file_version="brain.Event:2")
            # Tells TensorBoard to forget what earlier files hold from the next step on.
            self._write(step=self.model.step + 1, session_log=self._restart)

    def on_train_batch_end(self, batch, logs=None):
        self._window.append({name: float(value) for name, value in logs.items()})
        super().on_train_batch_end(batch, logs)
        if self.model.step % self.images_every == 0:
            with self._surviving_full_disks():
                self._write_images()

    def act(self):
        if not self._window:
            return
        means, self._window = _means(self._window), []
        self._write_values(
            self._summary.Value(tag=name, simple_value=mean) for name, mean in means.items()
        )

    def _write_images(self):
        images = _sample(self.model, self.count, self.seed)
        if images is None:
            return
        grid = pictures.grid(images)
        png = io.BytesIO()
        pictures.to_pil(grid).save(png, format="PNG")
        height, width, channels = grid.shape
        image = self._summary.Image(
            height=height, width=width, colorspace=channels, encoded_image_string=png.getvalue()
        )
        self._write_values([self._summary.Value(tag="samples", image=image)])

    def _write_values(self, values):
        self._write(step=self.model.step, summary=self._summary(value=values))

    def _write(self, **fields):
        event = self._event(wall_time=time.time(), **fields)
        with open(self._path, "ab") as file:
            self._writer(file).write(event.SerializeToString())


class Evaluate(_Periodic):
    """Measures the generator as training goes on, and keeps the best one.

    `folder/evaluation.csv` gets a row at every turn, the scores and the evaluator's protocol;
    `folder/best_generator.keras` is the averaged generator with the smallest Frechet distance
    of this protocol so far, a plain Keras model. The newest
    scores are in the logs of all steps and epochs for the callbacks after this one
    (`keras.callbacks.CSVLogger`, `Log`, `ReduceLROnPlateau(monitor="frechet_distance")` ...);
    the first ones are those of the model as training finds it.

    Args:
        evaluator: `kerasgan.metrics.Evaluator` (or another function of a GAN that returns a dict
            of floats with `frechet_distance`).
        folder: Folder for the files; made when needed.
        every: Steps between two measurements, each of which takes seconds to minutes.

    Raises:
        ValueError: `every` is not a positive whole number.

    Example:

    ```python
    evaluator = kerasgan.metrics.Evaluator(digits, kerasgan.metrics.mnist_encoder())
    gan.fit(digits, epochs=20, callbacks=[Evaluate(evaluator, "runs/digits", every=1000)])
    ```
    """

    def __init__(self, evaluator, folder, every=1000):
        super().__init__(folder, every)
        self.evaluator = evaluator
        self.path = self.folder / EVALUATION
        self._protocol = {
            name: str(value) for name, value in getattr(evaluator, "protocol", {}).items()
        }
        self._rows = []

    def on_train_begin(self, logs=None):
        super().on_train_begin(logs)
        # What comes after the step that training goes on from belongs to another run.
        step = self.model.step
        self._rows = (
            [row for row in read_log(self.path) if int(row["step"]) <= step] if step else []
        )
        comparable = self._comparable()
        if len(comparable) < len(self._rows):
            warnings.warn(
                f"{str(self.path)!r} has scores of another encoder, other data or another count: "
                "they stay there, and the best generator is sought anew.",
                stacklevel=2,
            )
        if not comparable or int(comparable[-1]["step"]) < step:
            self._act()
        self._last_step = self.model.step

    def on_train_batch_end(self, batch, logs=None):
        super().on_train_batch_end(batch, logs)
        logs.update(self._scores())

    def on_epoch_end(self, epoch, logs=None):
        logs.update(self._scores())

    def act(self):
        if not is_finite(self.model.averaged_generator.weights):
            return
        scores = self.evaluator(self.model)
        is_best = all(
            scores["frechet_distance"] < float(row["frechet_distance"])
            for row in self._comparable()
        )
        # First, so that a row that says so never comes without it.
        if is_best:
            with replacing(self.folder / BEST_GENERATOR) as temporary:
                self.model.averaged_generator.save(temporary)
        self._rows.append({"step": self.model.step} | scores | self._protocol)
        with replacing(self.path) as temporary:
            temporary.write_bytes(_to_csv(_names(self._rows), self._rows))

    def _comparable(self):
        """The rows of this evaluator's protocol."""
        return [row for row in self._rows if self._protocol.items() <= row.items()]

    def _scores(self):
        newest = self._rows[-1] if self._rows else {}
        others = ("step", *self._protocol)
        return {name: float(value) for name, value in newest.items() if name not in others}


class Diagnose(keras.callbacks.Callback):
    """Warns, once each, of the two ways in which a GAN fails with finite losses.

    *Collapse*: all samples are one image. Every `every` steps 64 samples from seed 0 are looked
    at: at most a twentieth of their pixels' variance is between the samples, the rest within
    each. (Digits have 0.6 to 0.7 between, flags 0.4 to 0.6; it is not meant for images that
    differ in less, as those of points.)

    *A discriminator that always wins*, from which the generator learns little: in the last
    `every` steps the mean `d_loss` was below 0.01, and scores of real images above those of
    fakes. The loss `"wasserstein"` and smoothed labels do not show it in this way.

    Args:
        every: Steps between two looks.

    Raises:
        ValueError: `every` is not a positive whole number.

    Example:

    ```python
    gan.fit(images, epochs=20, callbacks=[kerasgan.callbacks.Diagnose()])
    ```
    """

    def __init__(self, every=500):
        super().__init__()
        check_whole("every", every, 1)
        self.every = every
        self._window = collections.deque(maxlen=every)
        self._told = set()

    def on_train_begin(self, logs=None):
        self._window.clear()

    def on_train_batch_end(self, batch, logs=None):
        self._window.append((logs["d_loss"], logs["d_real"] - logs["d_fake"]))
        if self.model.step % self.every:
            return
        samples = _sample(self.model, 64, seed=0)
        if samples is not None:
            between = samples.var(axis=0, dtype="float64").mean()
            if between <= LEAST_VARIETY * samples.var(dtype="float64"):
                self._tell(
                    "collapse",
                    "64 samples are nearly one image. If yours differ more than that, the "
                    "generator has collapsed. Try loss='relativistic_paired' with "
                    "penalty={'r1': 1.0, 'r2': 1.0}, other learning rates, or build_pacgan",
                )
        d_loss, lead = np.mean(self._window, axis=0)
        if len(self._window) == self.every and 0 <= d_loss < SURE and lead > LEAST_LEAD:
            self._tell(
                "sure",
                f"the discriminator's loss was {d_loss:.1g} on average: it tells "
                "all images apart, and the generator learns little from it. Try a lower rate for "
                "it (gan.d_optimizer.learning_rate), augment='color,translation' or "
                "label_smoothing=0.1",
            )

    def _tell(self, what, text):
        if what not in self._told:
            self._told.add(what)
            warnings.warn(f"At step {self.model.step} {text}.", stacklevel=2)


class OnOptimizer(keras.callbacks.Callback):
    """Lets a callback that changes learning rates see one of a GAN's optimizers only.

    A GAN has an optimizer for each side. `keras.callbacks.ReduceLROnPlateau` and
    `LearningRateScheduler` alone act on all of them; inside this one, on the one given.

    Args:
        optimizer: `gan.g_optimizer` or `gan.d_optimizer`, or one of a pair.
        callback: The `keras.callbacks.Callback`.

    Example:

    ```python
    patience = keras.callbacks.ReduceLROnPlateau(monitor="d_loss", mode="min", patience=5)
    gan.fit(images, callbacks=[kerasgan.callbacks.OnOptimizer(gan.d_optimizer, patience)])
    ```
    """

    def __init__(self, optimizer, callback):
        super().__init__()
        self.optimizer = optimizer
        self.callback = callback

    def set_params(self, params):
        super().set_params(params)
        self.callback.set_params(params)

    def set_model(self, model):
        super().set_model(model)
        self.callback.set_model(_WithOptimizer(model, self.optimizer))

    def on_train_begin(self, logs=None):
        self.callback.on_train_begin(logs)

    def on_train_end(self, logs=None):
        self.callback.on_train_end(logs)

    def on_epoch_begin(self, epoch, logs=None):
        self.callback.on_epoch_begin(epoch, logs)

    def on_epoch_end(self, epoch, logs=None):
        self.callback.on_epoch_end(epoch, logs)

    def on_train_batch_begin(self, batch, logs=None):
        self.callback.on_train_batch_begin(batch, logs)

    def on_train_batch_end(self, batch, logs=None):
        self.callback.on_train_batch_end(batch, logs)


class _WithOptimizer:
    """The model, with another `optimizer`."""

    def __init__(self, model, optimizer):
        vars(self).update(_model=model, optimizer=optimizer)

    def __getattr__(self, name):
        return getattr(self._model, name)

    def __setattr__(self, name, value):
        setattr(self._model, name, value)


def _step_path(folder, step):
    return folder / f"step_{step:07d}.png"


def _sample(gan, count, seed):
    """Samples, or None from a generator that has gone to NaN: there is nothing to see."""
    if not is_finite(gan.averaged_generator.weights):
        return None
    return gan.sample(count, seed=seed)


def _captioned(images, captions):
    """Images with a line of text under each, enlarged where they are too small for it."""
    factor = -(-CAPTION_WIDTH // images.shape[2])
    images = images.repeat(factor, axis=1).repeat(factor, axis=2)
    count, _, width, channels = images.shape
    strips = np.full((count, CAPTION_HEIGHT, width, channels), 255, dtype="uint8")
    font = ImageFont.load_default()
    for index, caption in enumerate(captions):
        strip = pictures.to_pil(strips[index])
        ImageDraw.Draw(strip).text(
            (width // 2, CAPTION_HEIGHT // 2), caption, fill="black", font=font, anchor="mm"
        )
        strips[index] = np.asarray(strip).reshape(strips[index].shape)
    return np.concatenate([images, strips], axis=1)
