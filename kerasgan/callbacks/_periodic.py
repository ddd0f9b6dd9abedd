"""What the callbacks share: acting every so many steps, and looking at samples."""

import contextlib
import pathlib
import warnings

import keras

from kerasgan.checks import check_whole, is_finite
from kerasgan.files import remove_stale


class Periodic(keras.callbacks.Callback):
    """Acts after every `every` steps, and once more at the end of training."""

    def __init__(self, folder, every):
        super().__init__()
        self.folder = pathlib.Path(folder)
        check_whole("every", every, 1)
        self.every = every
        self._last_step = None
        self._steps = (0, 0)  # after the batch before and after this one
        self._has_warned = False

    def act(self):
        raise NotImplementedError

    def on_train_begin(self, logs=None):
        self._last_step = None
        self._steps = (self.model.step, self.model.step)
        # A folder that cannot be made is an error now, while nothing is lost.
        self.folder.mkdir(parents=True, exist_ok=True)
        remove_stale(self.folder, is_shared=True)

    def on_train_batch_end(self, batch, logs=None):
        self._steps = (self._steps[1], self.model.step)
        if self.is_due(self.every):
            self._act()

    def is_due(self, every):
        """Whether this batch has reached a multiple of `every` steps, or passed one.

        With `steps_per_execution` a batch of the callbacks is several steps.
        """
        return is_reached(every, *self._steps)

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
                    "on; the callback tries again at its next turn, without another warning.",
                    stacklevel=2,
                )


def is_reached(every, before, after):
    """Whether a multiple of `every` lies after step `before` and not after step `after`."""
    return after // every > before // every


def sample_finite(gan, count, seed):
    """Samples of a GAN; None if its generator has gone to NaN, which leaves nothing to see."""
    if not is_finite(gan.sampling_generator.weights):
        return None
    return gan.sample(count, seed=seed)
