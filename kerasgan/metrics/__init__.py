"""Metrics of how good and how varied generated images are."""

from kerasgan.metrics.digits import digit_statistics
from kerasgan.metrics.distances import (
    density_coverage,
    frechet_distance,
    frechet_distance_from_statistics,
    kernel_distance,
    nearest,
    precision_recall,
    statistics,
)
from kerasgan.metrics.encoders import (
    Encoder,
    inception_encoder,
    mnist_classifier,
    mnist_encoder,
    pyramid_encoder,
)
from kerasgan.metrics.evaluator import Evaluator
from kerasgan.metrics.modes import (
    different_bins,
    grid,
    kl_from_uniform,
    point_modes,
    ring,
    sample_points,
    stack_digits,
    stacked_modes,
)

__all__ = [
    "Encoder",
    "Evaluator",
    "density_coverage",
    "different_bins",
    "digit_statistics",
    "frechet_distance",
    "frechet_distance_from_statistics",
    "grid",
    "inception_encoder",
    "kernel_distance",
    "kl_from_uniform",
    "mnist_classifier",
    "mnist_encoder",
    "nearest",
    "point_modes",
    "precision_recall",
    "pyramid_encoder",
    "ring",
    "sample_points",
    "stack_digits",
    "stacked_modes",
    "statistics",
]
