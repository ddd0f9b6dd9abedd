"""Mode collapse, measured by known centres, three digits in an image, or bins of features."""

from collections.abc import Callable

import numpy as np
import scipy.special

from kerasgan.checks import (
    argument_error,
    as_array,
    check_function,
    check_number,
    check_whole,
    is_real,
)
from kerasgan.metrics._arrays import check_deviation, check_features, check_images, check_points

__all__ = [
    "GRID_DEVIATION",
    "NUM_STACKED",
    "RING_DEVIATION",
    "different_bins",
    "grid",
    "kl_from_uniform",
    "point_modes",
    "ring",
    "sample_points",
    "stack_digits",
    "stacked_modes",
]

RING_DEVIATION, GRID_DEVIATION = 0.01, 0.05
NUM_STACKED = 26_000  # images, in the protocol of Stacked MNIST


def ring() -> np.ndarray:
    """Centres of the 2D ring: eight, on a circle of radius 1.

    Lin et al. 2018 (arXiv 1712.04086), section 3; the deviation around each is
    `RING_DEVIATION` = 0.01.

    Returns:
        Float array `(8, 2)`.
    """
    angles = 2.0 * np.pi * np.arange(8) / 8.0
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


def grid() -> np.ndarray:
    """Centres of the 2D grid: 5x5, from -4 to 4 in steps of 2.

    Lin et al. 2018 (arXiv 1712.04086), section 3; the deviation around each is
    `GRID_DEVIATION` = 0.05.

    Returns:
        Float array `(25, 2)`.
    """
    axis = np.arange(-4.0, 5.0, 2.0)
    return np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)


def sample_points(
    centres: np.ndarray, deviation: float, n: int, seed: int | None = None
) -> np.ndarray:
    """Draws points from a mixture of isotropic normal distributions, all equally likely.

    Args:
        centres: Float array `(number of modes, 2)`.
        deviation: Standard deviation around each centre, in each direction.
        n: Number of points.
        seed: Integer seed for drawing the points; by default, each call draws new points.

    Returns:
        Float array `(n, 2)`.

    Raises:
        ValueError: `centres` is not such an array, or a number is below 0.
    """
    centres = check_points("centres", centres, is_finite=True)
    check_deviation(deviation)
    check_whole("n", n, 0)
    if seed is not None:
        check_whole("seed", seed, 0)
    rng = np.random.default_rng(seed)
    return centres[rng.integers(len(centres), size=n)] + rng.normal(0.0, deviation, (n, 2))


def point_modes(points: np.ndarray, centres: np.ndarray, deviation: float) -> dict:
    """How many modes of a mixture are found, and how cleanly.

    A point within three deviations of its closest centre is of high quality, as are 98.89 % of a
    perfect sampler's points.

    Reference: Lin et al. 2018 (arXiv 1712.04086), section 3.1, with 2,500 points.

    Args:
        points: Float array `(n, 2)`, n above 0.
        centres: Float array `(number of modes, 2)`.
        deviation: Standard deviation around each centre.

    Returns:
        Dict: `modes` (centres with at least one point of high quality), `high_quality` (fraction of
        such points) and `reverse_kl` (divergence of the closest centres' histogram from uniform,
        in nats).

    Raises:
        ValueError: `points` or `centres` is not such an array, or `deviation` is below 0.
    """
    points = check_points("points", points)
    centres = check_points("centres", centres, is_finite=True)
    check_deviation(deviation)
    distances = np.linalg.norm(points[:, None] - centres, axis=-1)
    closest = np.argmin(distances, axis=1)
    is_good = np.min(distances, axis=1) <= 3.0 * deviation
    counts = np.bincount(closest, minlength=len(centres))
    return {
        "modes": len(np.unique(closest[is_good])),
        "high_quality": float(np.mean(is_good)),
        "reverse_kl": kl_from_uniform(counts),
    }


def kl_from_uniform(counts: np.ndarray) -> float:
    """Divergence of a histogram from uniform, in nats: 0 to log(number of bins).

    Args:
        counts: Array `(number of bins,)` of non-negative numbers, not all 0.

    Raises:
        ValueError: `counts` is not such an array.
    """
    counts = as_array("counts", counts)
    is_histogram = counts.ndim == 1 and is_real(counts) and np.isfinite(counts).all()
    if not is_histogram or (counts < 0).any() or not counts.any():
        raise argument_error(
            "counts",
            "be an array (number of bins,) of non-negative numbers, not all 0",
            f"counts={counts!r}",
            "Pass numpy.bincount(classes, minlength=number_of_bins).",
        )
    counts = counts.astype("float64")
    shares = counts[counts > 0] / counts.sum()
    return float(np.sum(shares * np.log(shares * len(counts))))


def stack_digits(images: np.ndarray, n: int = NUM_STACKED, seed: int = 0) -> np.ndarray:
    """Stacked MNIST: colour images of three random digits, one in each channel.

    Args:
        images: uint8 `(m, 28, 28, 1)`.
        n: Number of stacks.
        seed: Integer seed for drawing the digits.

    Returns:
        uint8 `(n, 28, 28, 3)`.

    Raises:
        ValueError: `images` is not such an array, or a number is below 0.
    """
    images = check_images("images", images, channels=(1,))
    check_whole("n", n, 0)
    check_whole("seed", seed, 0)
    rng = np.random.default_rng(seed)
    return np.concatenate([images[rng.integers(len(images), size=n)] for _ in range(3)], axis=-1)


def stacked_modes(images: np.ndarray, classify: Callable) -> dict:
    """How many of the 1,000 modes of Stacked MNIST appear in generated images.

    Reference: Lin et al. 2018 (arXiv 1712.04086), section 3.2, with 26,000 images. With this
    number, a perfect sampler of the training digits has all 1,000 modes and a divergence of 0.0238
    (0.019 if all digits were equally frequent); a smaller divergence points to a mistake.

    Args:
        images: uint8 `(n, 28, 28, 3)`.
        classify: Function from uint8 images `(n, 28, 28, 1)` to labels `(n,)` from 0 to 9.

    Returns:
        Dict: `modes` (found at least once), `modes_5` (at least five times) and `kl` (divergence,
        in nats, from the uniform histogram).

    Raises:
        ValueError: `images` is not such an array, or `classify` returns other labels.
    """
    images = as_array("images", images)
    if images.ndim != 4 or images.shape[-1] != 3:
        raise argument_error(
            "images",
            "have three channels, one digit in each",
            f"images of shape {images.shape}",
            "See stack_digits.",
        )
    images = check_images("images", images)
    check_function("classify", classify, ("images",))
    labels = [classify(images[..., channel : channel + 1]) for channel in range(3)]
    digits = np.stack([as_array("classify", one) for one in labels])
    if digits.dtype.kind not in "iu" or not np.isin(digits, range(10)).all():
        raise argument_error(
            "classify",
            "return integers from 0 to 9",
            f"labels of dtype {digits.dtype}"
            + (f", from {digits.min()} to {digits.max()}" if is_real(digits) else ""),
            "Use argmax over ten logits.",
        )
    if digits.shape != (3, len(images)):
        raise argument_error(
            "classify",
            "return one label per image",
            f"labels of shape {digits.shape[1:]} for {len(images)} images",
            "Use argmax over the last axis of the logits.",
        )
    counts = np.bincount(np.array([100, 10, 1]) @ digits.astype("int64"), minlength=1000)
    return {
        "modes": int(np.sum(counts > 0)),
        "modes_5": int(np.sum(counts >= 5)),
        "kl": kl_from_uniform(counts),
    }


def different_bins(
    real: np.ndarray,
    fake: np.ndarray,
    bins: int = 100,
    significance: float = 0.05,
    seed: int = 0,
) -> float:
    """Fraction of bins where real and fake frequencies differ significantly (NDB).

    The bins are the cells around k-means centres of the real features. A two-proportion z-test
    compares the two frequencies in each bin. Between two samples of the same distribution, about
    `significance` of the bins differ.

    Reference: Richardson & Weiss 2018, "On GANs and GMMs" (arXiv 1805.12462), section 2.

    Args:
        real, fake: Features `(n, d)` and `(m, d)`, or pixels as such vectors, with at least `bins`
            real ones.
        bins: Number of bins.
        significance: Significance level of the test, above 0 and below 1.
        seed: Integer seed for drawing the initial centres.

    Returns:
        Float: the fraction of bins that differ.

    Raises:
        ValueError: `real` or `fake` is not such an array, or a number is out of range.
    """
    from scipy.cluster import vq  # takes a third of a second and is used only here

    check_whole("bins", bins, 2)
    check_whole("seed", seed, 0)
    check_number("significance", significance, "The paper's is 0.05.", below=1)
    real, fake = check_features(0, real=real, fake=fake)
    if len(real) < bins:
        raise argument_error(
            "real",
            "contain at least `bins` vectors",
            f"{len(real)} for {bins} bins",
            "Use fewer bins.",
        )
    centres, _ = vq.kmeans2(real, bins, minit="++", rng=seed)
    counts = [np.bincount(vq.vq(x, centres)[0], minlength=bins) for x in (real, fake)]
    shares = [count / len(x) for count, x in zip(counts, (real, fake), strict=True)]
    pooled = sum(counts) / (len(real) + len(fake))
    deviation = np.sqrt(pooled * (1.0 - pooled) * (1.0 / len(real) + 1.0 / len(fake)))
    z = np.abs(shares[0] - shares[1]) / np.maximum(deviation, 1e-300)
    return float(np.mean(z > scipy.special.ndtri(1.0 - significance / 2.0)))
