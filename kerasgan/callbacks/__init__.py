"""Callbacks that record a training run.

All are ordinary `keras.callbacks.Callback`s. They count by `gan.step`, which is saved with the
model, so after a resume they continue as if training had never stopped and leave the same files as
an uninterrupted run. Each file is either complete or absent; only logs are appended to. If a file
cannot be written (disk full, no permission), the callback warns once and training continues.
"""

from kerasgan.callbacks._rows import read_log
from kerasgan.callbacks.checkpoint import (
    GENERATOR,
    MODEL,
    PREVIOUS_MODEL,
    Checkpoint,
    find_damage,
    load_checkpoint,
)
from kerasgan.callbacks.diagnose import Diagnose
from kerasgan.callbacks.evaluate import BEST_GENERATOR, EVALUATION, Evaluate
from kerasgan.callbacks.logs import Log, LossPlot
from kerasgan.callbacks.optimizer import OnOptimizer
from kerasgan.callbacks.samples import Animation, SampleGrid
from kerasgan.callbacks.tensorboard import TensorBoardLog

__all__ = [
    "Animation",
    "BEST_GENERATOR",
    "Checkpoint",
    "Diagnose",
    "EVALUATION",
    "Evaluate",
    "GENERATOR",
    "Log",
    "LossPlot",
    "MODEL",
    "OnOptimizer",
    "PREVIOUS_MODEL",
    "SampleGrid",
    "TensorBoardLog",
    "find_damage",
    "load_checkpoint",
    "read_log",
]
