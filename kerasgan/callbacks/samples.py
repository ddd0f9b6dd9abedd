"""Pictures from the generator during training."""

import contextlib
import os
import pathlib
import re

import numpy as np
from PIL import Image

from kerasgan import pictures
from kerasgan.callbacks._periodic import Periodic, Sparingly, check_samples, sample_finite
from kerasgan.checks import check_flag, check_number, check_path
from kerasgan.files import remove_stale

__all__ = ["Animation", "SampleGrid"]

MOST_FRAMES = 100
MOST_SECONDS = 600  # a GIF can show a frame for 655 seconds


class SampleGrid(Periodic):
    """Saves pictures from fixed latents during training; with labels, in a row for each class.

    The files are `folder/step_0000000.png` (the untrained generator), `step_0000500.png` and so
    on, numbered by `gan.step`. When training resumes, the picture from the end of training is
    removed, unless its step is a multiple of `every`.

    Args:
        folder: Folder for the PNG files; created if needed.
        every: Steps between pictures.
        count: Images in each picture. If the generator takes labels, there is a row for each
            class instead (at most `count` rows), with its name, for about as many images.
        seed: Integer seed for the latents.
        columns: Images per row; by default about as many as there are rows.
        scores: Whether to print the discriminator's score (`gan.score`) under each image.
        scale: Whole number to enlarge each image by; by default up to 8, so that the picture's
            longer side is about 1,024 pixels.

    Raises:
        ValueError: `folder` is not a path, or another argument has a wrong type or range.

    Example:

    ```python
    gan.fit(images, epochs=20, callbacks=[kerasgan.callbacks.SampleGrid("samples", every=100)])
    ```
    """

    def __init__(
        self,
        folder: str | os.PathLike,
        every: int = 500,
        count: int = 64,
        seed: int = 0,
        columns: int | None = None,
        scores: bool = False,
        scale: int | None = None,
    ):
        super().__init__(folder, every)
        check_samples(count, seed, columns)
        pictures.check_scale(scale)
        self.count = count
        self.seed = seed
        self.columns = columns
        self.scores = check_flag("scores", scores)
        self.scale = scale

    def on_train_begin(self, logs=None):
        super().on_train_begin(logs)
        if self.model.step % self.every:
            _step_path(self.folder, self.model.step).unlink(missing_ok=True)
        if self.model.step == 0:
            self._act()

    def act(self):
        layout = self.model._sampler.layout(self.count, self.columns)
        images = sample_finite(self.model, layout.size, self.seed, layout.labels)
        if images is None:
            return
        scale = self.scale or pictures.choose_scale(images, layout.columns)
        if self.scores:
            has_labels = layout.labels is not None
            scores = self.model.score((images, layout.labels) if has_labels else images)
            scores = np.repeat(scores, len(images) // len(scores))  # a pack shares its score
            images = pictures.enlarged(images, scale)
            images, scale = pictures.captioned(images, [f"{score:.2f}" for score in scores]), 1
        picture = pictures.grid(images, layout.columns, scale=scale)
        path = _step_path(self.folder, self.model.step)
        pictures.save_png(path, pictures.named(picture, layout.names))


class Animation(Periodic):
    """Shows training as a GIF: a small grid of images from fixed latents, over time.

    The GIF has at most about 100 frames of at most 512 pixels a side (and with labels, the names of
    the classes). If there are more, every other frame is dropped, and the interval doubles. The GIF
    is rewritten every tenth frame, but so seldom that it takes at most 2 % of the time, and at the
    end of training. Its frames are kept next to it, in `.NAME.frames`, so that it continues after a
    resume; delete them once training is over. Unreadable frames are left out.

    Args:
        path: Path of the GIF.
        every: Steps between frames, at first.
        count: Images in each frame; with labels, as in `SampleGrid`.
        seed: Integer seed for the latents.
        columns: Images per row; by default about as many as there are rows.
        seconds_per_frame: Time to show each frame; the last frame stays for a second.

    Raises:
        ValueError: `path` is not a path, or another argument has a wrong type or range.

    Example:

    ```python
    gan.fit(images, epochs=20, callbacks=[kerasgan.callbacks.Animation("training.gif")])
    ```
    """

    def __init__(
        self,
        path: str | os.PathLike,
        every: int = 50,
        count: int = 16,
        seed: int = 0,
        columns: int | None = None,
        seconds_per_frame: float = 0.1,
    ):
        check_path("path", path)
        self.path = pathlib.Path(path)
        super().__init__(self.path.parent, every)
        check_samples(count, seed, columns)
        self.frames_folder = self.path.with_name(f".{self.path.name}.frames")
        self.count = count
        self.seed = seed
        self.columns = columns
        self.seconds_per_frame = check_number(
            "seconds_per_frame", seconds_per_frame, "0.1 is usual.", below=MOST_SECONDS
        )
        self._first_every = self.every
        self._sparingly = Sparingly(0.02)

    def on_train_begin(self, logs=None):
        super().on_train_begin(logs)
        self.frames_folder.mkdir(exist_ok=True)
        remove_stale(self.frames_folder, is_shared=True)
        self._thin_out()
        if self.model.step == 0:
            self._act()

    def on_train_batch_end(self, batch, logs=None):
        super().on_train_batch_end(batch, logs)
        if self.is_due(10 * self.every):
            with self._surviving_full_disks():
                self._sparingly(self._write)

    def on_train_end(self, logs=None):
        super().on_train_end(logs)
        with self._surviving_full_disks():
            self._write()

    def act(self):
        layout = self.model._sampler.layout(self.count, self.columns)
        images = sample_finite(self.model, layout.size, self.seed, layout.labels)
        if images is None:
            return
        frame = pictures.fit_frame(pictures.grid(pictures.opaque(images), layout.columns))
        self._thin_out()
        path = _step_path(self.frames_folder, self.model.step)
        pictures.save_png(path, pictures.named(frame, layout.names))

    def _thin_out(self):
        """Drops surplus frames, and frames beyond the step that training resumes from."""
        step = self.model.step
        self.every = self._first_every
        while step // self.every > MOST_FRAMES:
            self.every *= 2
        shown = set()
        for path in self._frame_paths():
            frame_step = int(path.stem.removeprefix("step_"))
            turn = frame_step // self.every
            if frame_step > step or turn in shown:
                path.unlink(missing_ok=True)
            shown.add(turn)

    def _frame_paths(self):
        paths = sorted(self.frames_folder.glob("step_*.png"))
        return [path for path in paths if re.fullmatch(r"step_\d+\.png", path.name)]

    def _write(self):
        frames = []
        for path in self._frame_paths():
            # Pillow's decoders raise almost anything on a broken file.
            with contextlib.suppress(Exception), Image.open(path) as picture:
                frames.append(np.array(picture).reshape(picture.height, picture.width, -1))
        # Leave out stray pictures of another shape.
        frames = [frame for frame in frames if frame.shape == frames[-1].shape]
        if frames:
            pictures.save_gif(self.path, frames, self.seconds_per_frame)


def _step_path(folder, step):
    return folder / f"step_{step:07d}.png"
