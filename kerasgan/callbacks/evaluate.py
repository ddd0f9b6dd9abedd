"""Scores of the generator during training."""

import math
import os
import warnings
from collections.abc import Callable

from kerasgan.callbacks._periodic import Periodic
from kerasgan.callbacks._rows import column_names, read_log, to_csv
from kerasgan.callbacks.checkpoint import save_generator
from kerasgan.checks import check_function, is_finite
from kerasgan.files import replacing

__all__ = ["BEST_GENERATOR", "EVALUATION", "Evaluate"]

EVALUATION, BEST_GENERATOR = "evaluation.csv", "best_generator.keras"


class Evaluate(Periodic):
    """Measures the generator during training, and keeps the best.

    Each measurement adds a row with the scores and the evaluator's protocol to
    `folder/evaluation.csv`. `folder/best_generator.keras` is the averaged generator with the
    smallest Frechet distance under this protocol so far, as a plain Keras model. Callbacks after
    this one find the newest scores in the logs of every step and epoch
    (`keras.callbacks.CSVLogger`, `Log`, `ReduceLROnPlateau(monitor="frechet_distance")` ...). The
    first measurement is taken before training.

    Args:
        evaluator: `kerasgan.metrics.Evaluator`, or another function that takes a GAN and returns
            a dict of floats with `frechet_distance`.
        folder: Folder for the files; created if needed.
        every: Steps between measurements, which take seconds to minutes.

    Raises:
        ValueError: `evaluator` is not such a function, `folder` is not a path, or `every` is not
            a positive whole number.

    Example:

    ```python
    gan = kerasgan.build_dcgan(image_shape=(28, 28, 1))
    evaluator = kerasgan.metrics.Evaluator(digits, kerasgan.metrics.mnist_encoder())
    watch = kerasgan.callbacks.Evaluate(evaluator, "runs/digits", every=1000)
    gan.fit(digits, epochs=20, callbacks=[watch])
    ```
    """

    def __init__(self, evaluator: Callable, folder: str | os.PathLike, every: int = 1000):
        super().__init__(folder, every)
        check_function(
            "evaluator", evaluator, ("gan",), fix="Pass a kerasgan.metrics.Evaluator, for example."
        )
        self.evaluator = evaluator
        self.path = self.folder / EVALUATION
        self._protocol = {
            name: str(value) for name, value in getattr(evaluator, "protocol", {}).items()
        }
        self._rows: list[dict] = []

    def on_train_begin(self, logs=None):
        super().on_train_begin(logs)
        # Rows beyond the step that training resumes from belong to another run.
        step = self.model.step
        self._rows = (
            [row for row in read_log(self.path) if int(row["step"]) <= step] if step else []
        )
        comparable = self._comparable()
        if len(comparable) < len(self._rows):
            warnings.warn(
                f"{str(self.path)!r} has scores from another encoder, data set, count or seed. "
                "They stay, but the search for the best generator starts over.",
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
        if not is_finite(self.model.sampling_generator.weights):
            return
        scores = self.evaluator(self.model)
        found = [float(row["frechet_distance"]) for row in self._comparable()]
        # Ignore distances that could not be measured (NaN).
        best = min(filter(math.isfinite, found), default=math.inf)
        is_best = scores["frechet_distance"] < best
        # Save the generator first, so that the best row always has one.
        if is_best:
            save_generator(self.model, self.folder / BEST_GENERATOR)
        self._rows.append({"step": self.model.step} | scores | self._protocol)
        with replacing(self.path) as temporary:
            temporary.write_bytes(to_csv(column_names(self._rows), self._rows))

    def _comparable(self):
        """The rows measured under this evaluator's protocol."""
        return [row for row in self._rows if self._protocol.items() <= row.items()]

    def _scores(self):
        newest = self._rows[-1] if self._rows else {}
        others = ("step", *self._protocol)
        return {name: float(value) for name, value in newest.items() if name not in others}
