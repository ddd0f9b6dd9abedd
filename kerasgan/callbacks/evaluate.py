"""Scores of the generator during training."""

import math
import os
import warnings
from collections.abc import Callable

from kerasgan.callbacks._periodic import Periodic, is_reached
from kerasgan.callbacks._rows import column_names, read_log, to_csv
from kerasgan.callbacks.checkpoint import save_generator
from kerasgan.checks import check_choice, check_function, check_whole, is_finite
from kerasgan.files import replacing

__all__ = ["BEST_GENERATOR", "EVALUATION", "Evaluate", "FLOOR", "MONITORS"]

FLOOR = "floor_"  # before the name of a score, for that of real images
EVALUATION, BEST_GENERATOR = "evaluation.csv", "best_generator.keras"
MONITORS = ("frechet_distance", "kernel_distance")


class Evaluate(Periodic):
    """Measures the generator during training, and keeps the best.

    Each measurement adds a row with the scores, those of real images (`floor_...`) and the
    evaluator's protocol to `folder/evaluation.csv`. `folder/best_generator.keras` is the averaged
    generator with the smallest distance under this protocol so far, as a plain Keras model.
    Callbacks after this one find the newest scores in the logs of every step and epoch
    (`keras.callbacks.CSVLogger`, `Log`, `ReduceLROnPlateau(monitor="frechet_distance")` ...). The
    first measurement is taken before training.

    Args:
        evaluator: `kerasgan.metrics.Evaluator`, or another function that takes a GAN and returns
            a dict of floats with `monitor`.
        folder: Folder for the files; created if needed.
        every: Steps between measurements, which take seconds to minutes.
        patience: Number of measurements in a row without a smaller distance after which training
            stops; None to go on. They are counted in `evaluation.csv`, so that a resumed run stops
            where an undisturbed one does.
        monitor: The score that decides which generator is best: `"frechet_distance"` or
            `"kernel_distance"`. The latter is fairer with few images: the Frechet distance also
            falls while a generator memorises them.

    Attributes:
        is_exhausted: Whether there were `patience` measurements since the best.

    Raises:
        ValueError: `evaluator` is not such a function, `folder` is not a path, `every` or
            `patience` is not a positive whole number, or `monitor` is another score.

    Example:

    ```python
    gan = kerasgan.build_dcgan(image_shape=(28, 28, 1))
    evaluator = kerasgan.metrics.Evaluator(digits, kerasgan.metrics.mnist_encoder())
    watch = kerasgan.callbacks.Evaluate(evaluator, "runs/digits", every=1000)
    gan.fit(digits, epochs=20, callbacks=[watch])
    ```
    """

    def __init__(
        self,
        evaluator: Callable,
        folder: str | os.PathLike,
        every: int = 1000,
        patience: int | None = None,
        monitor: str = "frechet_distance",
    ):
        super().__init__(folder, every)
        self.patience = None if patience is None else check_whole("patience", patience, 1)
        check_function(
            "evaluator", evaluator, ("gan",), fix="Pass a kerasgan.metrics.Evaluator, for example."
        )
        check_choice("monitor", monitor, MONITORS)
        self.evaluator = evaluator
        self.monitor = monitor
        self.path = self.folder / EVALUATION
        floor = getattr(evaluator, "floor", {})
        self._floor = {f"{FLOOR}{name}": value for name, value in floor.items()}
        self._protocol = {
            name: str(value) for name, value in getattr(evaluator, "protocol", {}).items()
        } | {"monitor": monitor}
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
                f"{str(self.path)!r} has scores from another encoder, data set, count, seed or "
                "monitor. They stay, but the search for the best generator starts over.",
                stacklevel=2,
            )
        if not comparable or int(comparable[-1]["step"]) < step:
            self._act()
        self._last_step = self.model.step
        self._stop_if_exhausted()

    def on_train_batch_end(self, batch, logs=None):
        super().on_train_batch_end(batch, logs)
        logs.update(self._scores())

    def on_epoch_end(self, epoch, logs=None):
        logs.update(self._scores())

    def act(self):
        if not is_finite(self.model.sampling_generator.weights):
            return
        scores = self.evaluator(self.model)
        is_best = scores[self.monitor] < min(self._distances(), default=math.inf)
        # Save the generator first, so that the best row always has one.
        if is_best:
            save_generator(self.model, self.folder / BEST_GENERATOR)
        self._rows.append({"step": self.model.step} | scores | self._floor | self._protocol)
        with replacing(self.path) as temporary:
            temporary.write_bytes(to_csv(column_names(self._rows), self._rows))
        self._stop_if_exhausted()

    @property
    def is_exhausted(self) -> bool:
        if self.patience is None:
            return False
        # Only those at multiples of `every`: an interruption adds others.
        before, distances = -1, []
        for row, distance in zip(self._comparable(), self._distances(), strict=True):
            if is_reached(self.every, before, int(row["step"])):
                distances.append(distance)
                before = int(row["step"])
        return bool(distances) and distances.index(min(distances)) < len(distances) - self.patience

    def _stop_if_exhausted(self):
        if self.is_exhausted:
            self.model.stop_training = True

    def _distances(self):
        """`monitor` in the comparable rows; infinity where it could not be measured."""
        found = (float(row[self.monitor]) for row in self._comparable())
        return [distance if math.isfinite(distance) else math.inf for distance in found]

    def _comparable(self):
        """The rows measured under this evaluator's protocol."""
        return [row for row in self._rows if self._protocol.items() <= row.items()]

    def _scores(self):
        newest = self._rows[-1] if self._rows else {}
        others = ("step", *self._protocol)
        return {
            name: float(value)
            for name, value in newest.items()
            if name not in others and not name.startswith(FLOOR)
        }
