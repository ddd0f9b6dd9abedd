"""The page of a run while it trains, and the pictures that only the model can make."""

import copy
import pathlib

import numpy as np
from PIL import Image

from kerasgan import latents as latent_tools
from kerasgan import pictures
from kerasgan.callbacks._periodic import Periodic, Sparingly, sample_finite
from kerasgan.cli import run_folder
from kerasgan.cli._neighbours import MOST_SEARCHED, Neighbours
from kerasgan.cli.report._page import write

__all__ = ["LivePage", "small_pixels"]

_PIXELS = 16  # a side, of the images that are compared
_WALKS, _STOPS = 8, 8  # rows and columns of the interpolation
_ROWS = 8  # generated images beside their nearest
_GAP = 8  # pixels between the generated images and the others
_SHARE_OF_PAGE, _SHARE_OF_PICTURES = 0.005, 0.002  # of the time of training


class LivePage(Periodic):
    """Writes the page of a run during training, and `interpolation.png` and `nearest.png` for it.

    Put it behind the callbacks whose files the page shows. After its first turn, it skips turns so
    that it takes at most 0.7 % of the time. The page says that the run is training: when that is
    over, call `write`.

    Args:
        run: The folder.
        every: Steps between pages, at least.
        data: Training images: an array, or an `ImageFolder`; None for no `nearest.png`.
    """

    def __init__(self, run: pathlib.Path, every: int, data=None):
        super().__init__(run, every)
        self._data = data
        self._neighbours: Neighbours | None = None
        self._write_sparingly = Sparingly(_SHARE_OF_PAGE)
        self._draw_sparingly = Sparingly(_SHARE_OF_PICTURES)

    def on_train_begin(self, logs=None):
        super().on_train_begin(logs)
        with self._surviving_full_disks():
            self._write()

    def on_train_end(self, logs=None):
        # Again, even if this step had its turn, which may have been skipped.
        with self._surviving_full_disks():
            self._draw()
            self._write()

    def act(self):
        self._draw_sparingly(self._draw)
        self._write_sparingly(self._write)

    def _write(self):
        write(self.folder, is_live=True)

    def _draw(self):
        self._draw_interpolation()
        self._draw_nearest()

    def _draw_interpolation(self):
        sampler = self.model._sampler
        latents = latent_tools.path(sampler.draw(_WALKS, seed=0), sampler.latents, _STOPS)
        labels = None
        if sampler.takes_labels:
            labels = (np.arange(len(latents)) // _STOPS % sampler.num_classes).astype("int32")
        images = sample_finite(self.model, len(latents), 0, labels, latents)
        if images is not None:
            grid = pictures.grid(images, columns=_STOPS, scale=None)
            pictures.save_png(self.folder / run_folder.INTERPOLATION, grid)

    def _draw_nearest(self):
        if self._data is None:
            return
        layout = self.model._sampler.layout(64)
        images = sample_finite(self.model, layout.size, 0, layout.labels)
        if images is None:
            return
        if self._neighbours is None:
            images_of_run = self._data
            if not isinstance(images_of_run, np.ndarray):
                # Training moves on from pass to pass, which changes the order of the images.
                images_of_run = _Images(copy.copy(images_of_run))
            self._neighbours = Neighbours(images_of_run, small_pixels, MOST_SEARCHED)
        # With labels, the first of each row.
        fakes = images[:: layout.columns if layout.labels is not None else 1][:_ROWS]
        rows = self._neighbours.beside(fakes)
        scale = pictures.choose_scale(rows.reshape(-1, *fakes.shape[1:]), rows.shape[1])
        left = pictures.grid(fakes, columns=1, scale=scale)
        right = rows[:, 1:].reshape(-1, *fakes.shape[1:])
        right = pictures.grid(right, columns=rows.shape[1] - 1, scale=scale)
        gap = np.full((len(left), _GAP, left.shape[2]), 255, dtype="uint8")
        picture = np.concatenate([left, gap, right], axis=1)
        pictures.save_png(self.folder / run_folder.NEAREST, picture)


class _Images:
    """The batches of the first pass over an `ImageFolder`, without labels."""

    def __init__(self, folder):
        folder.set_epoch(0)
        self._folder = folder

    def __len__(self):
        return len(self._folder)

    def __getitem__(self, index):
        batch = self._folder[index]
        return batch[0] if isinstance(batch, tuple) else batch


def small_pixels(images: np.ndarray) -> np.ndarray:
    """Features of uint8 images `(n, height, width, channels)` without an encoder: their pixels."""
    small = [
        np.asarray(pictures.to_pil(image).resize((_PIXELS, _PIXELS), Image.Resampling.BOX))
        for image in pictures.opaque(images)
    ]
    return np.stack(small).reshape(len(images), -1).astype("float32")
