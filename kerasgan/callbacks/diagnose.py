"""Warnings about training that fails with finite losses."""

import collections
import warnings

import keras
import numpy as np

from kerasgan.callbacks._periodic import is_reached, sample_finite
from kerasgan.checks import check_whole

__all__ = ["Diagnose"]

# Limits: share of variance between samples, loss, and lead of real images over fakes.
LEAST_VARIETY, SURE, LEAST_LEAD = 0.05, 0.01, 0.5


class Diagnose(keras.callbacks.Callback):
    """Warns once about each of two ways a GAN fails with finite losses.

    *Collapse*: all samples are the same image. Every `every` steps the callback draws 64 samples
    from seed 0, and warns if at most a twentieth of their pixel variance is between samples and
    the rest within them. (For digits the share between samples is 0.6 to 0.7, for flags 0.4 to
    0.6. The check does not suit images that differ less, such as pictures of points.)

    *A discriminator that always wins*, so the generator learns little: over the last `every` steps
    the mean `d_loss` was below 0.01, and real images scored above fakes. The loss `"wasserstein"`
    and smoothed labels hide this failure.

    Args:
        every: Steps between checks.

    Raises:
        ValueError: `every` is not a positive whole number.

    Example:

    ```python
    gan.fit(images, epochs=20, callbacks=[kerasgan.callbacks.Diagnose()])
    ```
    """

    def __init__(self, every: int = 500):
        super().__init__()
        check_whole("every", every, 1)
        self.every = every
        self._window: collections.deque = collections.deque()  # steps and their logs, unread
        self._first_step = self._step = 0
        self._told: set[str] = set()

    def on_train_begin(self, logs=None):
        self._window.clear()
        self._first_step = self._step = self.model.step

    def on_train_batch_end(self, batch, logs=None):
        if batch < 0:  # pre-training, which the discriminator is meant to win
            return
        # Reading a value may wait for the device, so values stay unread until the next check.
        before, self._step = self._step, self.model.step
        self._window.append((self._step, logs))
        while self._window[0][0] <= self._step - self.every:
            self._window.popleft()
        if not is_reached(self.every, before, self._step):
            return
        self._look_for_collapse()
        if self._step - self._first_step >= self.every:
            self._look_for_a_sure_discriminator()

    def _look_for_collapse(self):
        samples = sample_finite(self.model, 64, seed=0)
        if samples is not None:
            between = samples.var(axis=0, dtype="float64").mean()
            if between <= LEAST_VARIETY * samples.var(dtype="float64"):
                self._tell(
                    "collapse",
                    "64 samples look nearly the same. If your images differ more, the "
                    "generator has collapsed. Try loss='relativistic_paired', with "
                    "penalty={'r1': 1.0, 'r2': 1.0} if the discriminator has no batch "
                    "normalisation, other learning rates, or build_pacgan (--model pacgan)",
                )

    def _look_for_a_sure_discriminator(self):
        d_loss, d_real, d_fake = (
            np.mean([float(logs[name]) for _, logs in self._window])
            for name in ("d_loss", "d_real", "d_fake")
        )
        if 0 <= d_loss < SURE and d_real - d_fake > LEAST_LEAD:
            self._tell(
                "sure",
                f"the discriminator's mean loss was {d_loss:.1g}: it tells all real images from "
                "fakes, so the generator learns little. Try lowering its learning rate "
                "(gan.d_optimizer.learning_rate, or --d-learning-rate), "
                "augment='color,translation' (--augment color,translation) or "
                "label_smoothing=0.1",
            )

    def _tell(self, what, text):
        if what not in self._told:
            self._told.add(what)
            warnings.warn(f"At step {self.model.step} {text}.", stacklevel=2)
