"""What the callbacks share: acting at regular steps, and sampling for pictures."""

import contextlib
import math
import pathlib
import time
import warnings

import keras

from kerasgan.checks import check_path, check_whole, is_finite
from kerasgan.files import remove_stale

MOST_SAMPLES = 10_000  # in one picture


class Periodic(keras.callbacks.Callback):
    """Acts after every `every` steps, and once more at the end of training.

    Args:
        folder: Folder for its files.
        every: Steps between its turns.
        share: Share of the time that its turns may take; those that would take more are skipped.

    Attributes:
        sees_pretraining: Whether pre-training updates count too. (They do not change the
            generator, so there is nothing new to draw.)
    """

    sees_pretraining = False

    def __init__(self, folder, every, share=math.inf):
        super().__init__()
        check_path("folder", folder)
        self.folder = pathlib.Path(folder)
        check_whole("every", every, 1)
        self.every = every
        self._take_turn = Sparingly(share)
        self._last_step = None
        self._steps = (0, 0)  # after the previous batch, and after this one
        self._has_warned = False

    def act(self):
        raise NotImplementedError

    @property
    def step(self):
        """Generator updates so far; in pre-training, minus the number of updates left."""
        return self._steps[1]

    def on_train_begin(self, logs=None):
        self._last_step = None
        step = self.model.step
        if self.sees_pretraining and not step:
            to_make = (self.params or {}).get("pretrain_steps", 0)
            step = min(0, self.model.progress.pretrained - to_make)
        self._steps = (step, step)
        # If the folder cannot be created, fail now, while nothing is lost.
        self.folder.mkdir(parents=True, exist_ok=True)
        remove_stale(self.folder, is_shared=True)

    def on_epoch_begin(self, epoch, logs=None):
        if self.model.step < self.step:
            self.go_back()

    def go_back(self):
        """Forgets the steps that `fit` has taken back by returning to a checkpoint."""
        step = self.model.step
        self._last_step, self._steps = step, (step, step)

    def on_train_batch_end(self, batch, logs=None):
        if batch < 0 and not self.sees_pretraining:
            return
        self._steps = (self.step, step_after(self.model, batch))
        if self.is_due(self.every):
            self._take_turn(self._act)

    def is_due(self, every):
        """Whether this batch reached or passed a multiple of `every` steps.

        With `steps_per_execution`, one callback batch is several steps.
        """
        return is_reached(every, *self._steps)

    def on_train_end(self, logs=None):
        if self._last_step != self.step:
            self._act()

    def _act(self):
        self._last_step = self.step
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
                    f"{self.model.step}: {error}. Earlier output is intact. Training continues; "
                    "the callback will try again next time, without another warning.",
                    stacklevel=2,
                )


class Sparingly:
    """Calls functions, but skips those turns that would make them take too large a share of time.

    The first turn is always taken.

    Args:
        share: The largest share of the time, above 0.
    """

    def __init__(self, share):
        self._share = share
        self._due = 0.0

    def __call__(self, function):
        start = time.monotonic()
        if start >= self._due:
            function()
            end = time.monotonic()
            self._due = end + (end - start) / self._share


def step_after(model, batch):
    """The step at the end of a callback batch; at most 0 in pre-training."""
    return batch + 1 if batch < 0 else model.step


def is_reached(every, before, after):
    """Whether a multiple of `every` is above step `before` and at most step `after`."""
    return after // every > before // every


def check_samples(count, seed, columns=None):
    """Raises ValueError unless a picture can be made from these arguments."""
    check_whole("count", count, 1, MOST_SAMPLES)
    check_whole("seed", seed, 0)
    if columns is not None:
        check_whole("columns", columns, 1, count)


def sample_finite(gan, count, seed, labels=None, latents=None):
    """Samples a GAN; returns None if its generator has diverged."""
    if not is_finite(gan.sampling_generator.weights):
        return None
    return gan.sample(count, seed=seed, labels=labels, latents=latents)
