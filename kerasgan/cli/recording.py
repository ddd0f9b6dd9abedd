"""What a run records during training, and how often."""

import contextlib
import pathlib
import warnings

import keras
import numpy as np

from kerasgan import callbacks, datasets, metrics
from kerasgan.cli import report, run_folder

__all__ = ["choose_every", "make_callbacks"]

_EVALUATION_COUNT = 5000  # images, fewer than `kerasgan evaluate` uses: it delays training


def choose_every(num_steps: int) -> int:
    """Steps between sample pictures: 1, 2, 5, 10, ... up to 1000, about 20 to 50 per run."""
    scales = (mantissa * 10**power for power in range(3) for mantissa in (1, 2, 5))
    return max((every for every in (*scales, 1000) if every * 20 <= num_steps), default=1)


def make_callbacks(
    run: pathlib.Path,
    every: int,
    data: np.ndarray | datasets.ImageFolder | None = None,
    encoder: metrics.Encoder | None = None,
    rollbacks: int = 0,
    patience: int | None = None,
    monitor: str = "frechet_distance",
) -> list[keras.callbacks.Callback]:
    """Creates the callbacks that write to a run's folder, in the order they must run.

    Args:
        run: The folder.
        every: Steps between sample pictures; the other callbacks' intervals follow from it.
        data: Training images; needed with `encoder`, and for the nearest ones on the page.
        encoder: Encoder to evaluate the images with; None for no evaluation.
        rollbacks: As in `callbacks.Checkpoint`.
        patience, monitor: As in `callbacks.Evaluate`.
    """
    checkpoint_every = run_folder.checkpoint_every(every)
    log = callbacks.Log(run / run_folder.LOG, max(1, every // 10))
    found = []
    if encoder:
        # First, so that the others see its scores.
        evaluator = metrics.Evaluator(data, encoder, _EVALUATION_COUNT)
        found.append(callbacks.Evaluate(evaluator, run, checkpoint_every, patience, monitor))
    found += [
        log,
        callbacks.SampleGrid(run / run_folder.SAMPLES, every),
        callbacks.Animation(run / run_folder.ANIMATION, max(1, every // 5)),
        callbacks.Diagnose(),
    ]
    try:
        found.append(callbacks.LossPlot(run / run_folder.LOSSES, every, log=log.path))
    except ImportError as error:
        warnings.warn(f"No {run_folder.LOSSES}: {error}", stacklevel=2)
    with contextlib.suppress(ImportError):
        found.append(callbacks.TensorBoardLog(run / run_folder.TENSORBOARD, log.every, every))
    found.append(report.LivePage(run, every, data))
    # Last, so that all other files exist for the step that a resume starts from; and at a multiple
    # of the log's interval, so that its rows are full.
    return [*found, callbacks.Checkpoint(run, checkpoint_every, rollbacks)]
