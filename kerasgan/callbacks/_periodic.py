"""What the callbacks share: acting every so many steps, and looking at samples."""

import contextlib
import pathlib
import warnings

import keras

from kerasgan.checks import check_path, check_whole, is_finite
from kerasgan.files import remove_stale

MOST_SAMPLES = 10_000  # in one picture


class Periodic(keras.callbacks.Callback):
    """Acts after every `every` steps, and once more at the end of training.

    Attributes:
        sees_pretraining: Whether updates of pre-training count as well. (It leaves the generator
            as it is, so there is nothing new to draw.)
    """

    sees_pretraining = False

    def __init__(self, folder, every):
        super().__init__()
        check_path("folder", folder)
        self.folder = pathlib.Path(folder)
        check_whole("every", every, 1)
        self.every = every
        self._last_step = None
        self._steps = (0, 0)  # after the batch before and after this one
        self._has_warned = False

    def act(self):
        raise NotImplementedError

    @property
    def step(self):
        """Where training stands: generator updates; in pre-training what is left, below zero."""
        return self._steps[1]

    def on_train_begin(self, logs=None):
        self._last_step = None
        step = self.model.step
        if self.sees_pretraining and not step:
            to_make = (self.params or {}).get("pretrain_steps", 0)
            step = min(0, self.model.progress.pretrained - to_make)
        self._steps = (step, step)
        # A folder that cannot be made is an error now, while nothing is lost.
        self.folder.mkdir(parents=True, exist_ok=True)
        remove_stale(self.folder, is_shared=True)

    def on_train_batch_end(self, batch, logs=None):
        if batch < 0 and not self.sees_pretraining:
            return
        self._steps = (self.step, step_after(self.model, batch))
        if self.is_due(self.every):
            self._act()

    def is_due(self, every):
        """Whether this batch has reached a multiple of `every` steps, or passed one.

        With `steps_per_execution` a batch of the callbacks is several steps.
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
                    f"{self.model.step}: {error}. What it wrote before is intact. Training goes "
                    "on; the callback tries again at its next turn, without another warning.",
                    stacklevel=2,
                )


def step_after(model, batch):
    """The step that ends with a batch of the callbacks; up to 0 in pre-training."""
    return batch + 1 if batch < 0 else model.step


def is_reached(every, before, after):
    """Whether a multiple of `every` lies after step `before` and not after step `after`."""
    return after // every > before // every


def check_samples(count, seed, columns=None):
    """Raises ValueError unless a picture can be made of so many samples from this seed."""
    check_whole("count", count, 1, MOST_SAMPLES)
    check_whole("seed", seed, 0)
    if columns is not None:
        check_whole("columns", columns, 1, count)


def sample_finite(gan, count, seed):
    """Samples of a GAN; None if its generator has gone to NaN, which leaves nothing to see."""
    if not is_finite(gan.sampling_generator.weights):
        return None
    return gan.sample(count, seed=seed)
