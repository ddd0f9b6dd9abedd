"""Mode collapse, counted: by known centres, by three digits in one image, by bins of features."""

import numpy as np
import scipy.special

from kerasgan.checks import check_whole

RING_DEVIATION, GRID_DEVIATION = 0.01, 0.05
NUM_STACKED = 26_000  # images, in the protocol of Stacked MNIST


def ring():
    """Centres of the 2D ring: eight, on a circle of radius 1.

    Lin et al. 2018 (arXiv 1712.04086), section 3; the deviation around each is
    `RING_DEVIATION` = 0.01.

    Returns:
        Float array `(8, 2)`.
    """
    angles = 2.0 * np.pi * np.arange(8) / 8.0
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


def grid():
    """Centres of the 2D grid: 5x5, from -4 to 4 in steps of 2.

    Lin et al. 2018 (arXiv 1712.04086), section 3; the deviation around each is
    `GRID_DEVIATION` = 0.05.

    Returns:
        Float array `(25, 2)`.
    """
    axis = np.arange(-4.0, 5.0, 2.0)
    return np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)


def sample_points(centres, deviation, n, seed=None):
    """Points of a mixture of round normal distributions, all equally likely.

    Args:
        centres: Float array `(number of modes, 2)`.
        deviation: Standard deviation around each centre, in each direction.
        n: Number of points.
        seed: Integer; other points at each call by default.

    Returns:
        Float array `(n, 2)`.
    """
    rng = np.random.default_rng(seed)
    return centres[rng.integers(len(centres), size=n)] + rng.normal(0.0, deviation, (n, 2))


def point_modes(points, centres, deviation):
    """Which modes of a mixture are found, and how cleanly.

    A point is of high quality within three deviations of its closest centre; of a perfect
    sampler 98.89 % are.

    Reference: Lin et al. 2018 (arXiv 1712.04086), section 3.1, with 2,500 points.

    Args:
        points: Float array `(n, 2)`, n above 0.
        centres: Float array `(number of modes, 2)`.
        deviation: Standard deviation around each centre.

    Returns:
        Dict: `modes` (centres with at least one point of high quality), `high_quality` (share of
        such points) and `reverse_kl` (divergence, in nats, of the closest centres' histogram
        from the uniform one).

    Raises:
        ValueError: `points` is no such array.
    """
    points = np.asarray(points, dtype="float64")
    if points.ndim != 2 or points.shape[1] != 2 or not len(points):
        raise ValueError(
            "`points` must be an array (n, 2). Received: points of shape "
            f"{points.shape}. Pass one row per point."
        )
    distances = np.linalg.norm(points[:, None] - centres, axis=-1)
    closest = np.argmin(distances, axis=1)
    is_good = np.min(distances, axis=1) <= 3.0 * deviation
    counts = np.bincount(closest, minlength=len(centres))
    return {
        "modes": len(np.unique(closest[is_good])),
        "high_quality": float(np.mean(is_good)),
        "reverse_kl": kl_from_uniform(counts),
    }


def kl_from_uniform(counts):
    """Divergence, in nats, of a histogram from the uniform one: 0 to log(number of bins)."""
    counts = np.asarray(counts, dtype="float64")
    shares = counts[counts > 0] / counts.sum()
    return float(np.sum(shares * np.log(shares * len(counts))))


def stack_digits(images, n=NUM_STACKED, seed=0):
    """Stacked MNIST: colour images of three random digits, one in each channel.

    Args:
        images: uint8 `(m, 28, 28, 1)`.
        n: Number of stacks.
        seed: Integer behind the choice.

    Returns:
        uint8 `(n, 28, 28, 3)`.
    """
    rng = np.random.default_rng(seed)
    return np.concatenate([images[rng.integers(len(images), size=n)] for _ in range(3)], axis=-1)


def stacked_modes(images, classify):
    """Modes of Stacked MNIST, of which there are 1,000, among generated images.

    Reference: Lin et al. 2018 (arXiv 1712.04086), section 3.2, with 26,000 images. There a
    perfect sampler of the training digits has all 1,000 modes and a divergence of 0.0238 (of
    digits that are all equally frequent 0.019); less is a mistake.

    Args:
        images: uint8 `(n, 28, 28, 3)`.
        classify: Function from uint8 images `(n, 28, 28, 1)` to labels `(n,)` of 0 to 9.

    Returns:
        Dict: `modes` (found at least once), `modes_5` (at least five times) and `kl` (divergence,
        in nats, from the uniform histogram).

    Raises:
        ValueError: `images` have another shape, or `classify` gives other labels.
    """
    if np.ndim(images) != 4 or np.shape(images)[-1] != 3:
        raise ValueError(
            "`images` must have three channels, a digit in each. Received: images of shape "
            f"{np.shape(images)}. See stack_digits."
        )
    digits = np.stack([classify(images[..., channel : channel + 1]) for channel in range(3)])
    if digits.dtype.kind not in "iu" or not np.isin(digits, range(10)).all():
        raise ValueError(
            "`classify` must give integers of 0 to 9. Received: labels of dtype "
            f"{digits.dtype}, from {digits.min()} to {digits.max()}. Use argmax over ten logits."
        )
    counts = np.bincount(np.array([100, 10, 1]) @ digits.astype("int64"), minlength=1000)
    return {
        "modes": int(np.sum(counts > 0)),
        "modes_5": int(np.sum(counts >= 5)),
        "kl": kl_from_uniform(counts),
    }


def different_bins(real, fake, bins=100, significance=0.05, seed=0):
    """In how many bins of the data the shares of real and fake images truly differ (NDB).

    The bins are the cells around k-means centres of the real features. In each the two shares are
    compared by a two-proportion z-test; of two samples of one distribution about
    `significance` of the bins differ.

    Reference: Richardson & Weiss 2018, "On GANs and GMMs" (arXiv 1805.12462), section 2.

    Args:
        real, fake: Features `(n, d)` and `(m, d)`, or pixels.
        bins: Number of bins.
        significance: Of the test, between 0 and 1.
        seed: Integer behind the first centres.

    Returns:
        Float: the share of bins that differ.

    Raises:
        ValueError: Fewer real vectors than bins.
    """
    from scipy.cluster import vq  # takes a third of a second, and is of use here only

    check_whole("bins", bins, 2)
    real, fake = (np.asarray(x, dtype="float64") for x in (real, fake))
    if len(real) < bins:
        raise ValueError(
            f"`real` must hold at least `bins` vectors. Received: {len(real)} for {bins} bins. "
            "Pass fewer bins."
        )
    centres, _ = vq.kmeans2(real, bins, minit="++", rng=seed)
    counts = [np.bincount(vq.vq(x, centres)[0], minlength=bins) for x in (real, fake)]
    shares = [count / len(x) for count, x in zip(counts, (real, fake), strict=True)]
    pooled = sum(counts) / (len(real) + len(fake))
    deviation = np.sqrt(pooled * (1.0 - pooled) * (1.0 / len(real) + 1.0 / len(fake)))
    z = np.abs(shares[0] - shares[1]) / np.maximum(deviation, 1e-300)
    return float(np.mean(z > scipy.special.ndtri(1.0 - significance / 2.0)))
