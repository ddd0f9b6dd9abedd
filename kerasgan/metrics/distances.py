"""Distances between two sets of feature vectors, and how much they cover each other.

Features are arrays `(number of images, number of features)` of finite floats; everything is
computed in float64, in blocks of bounded memory.
"""

import dataclasses
import math

import numpy as np

from kerasgan.checks import argument_error, as_array, check_whole, is_real
from kerasgan.metrics._arrays import check_features

__all__ = [
    "BALL_K",
    "BLOCK",
    "COPY",
    "DENSITY_K",
    "Reference",
    "density_coverage",
    "frechet_distance",
    "frechet_distance_from_statistics",
    "kernel_distance",
    "nearest",
    "precision_recall",
    "statistics",
]

BALL_K, DENSITY_K = 3, 5  # as in the papers
COPY = 0.5  # of the usual distance between a real image and the most similar other
BLOCK = 2**24  # numbers in a block of a matrix of distances: 128 MiB


def frechet_distance(a: np.ndarray, b: np.ndarray) -> float:
    """Squared Frechet distance between the normal distributions fitted to two sets.

    With the features of an Inception network, it is the FID. Smaller is better. Do not compare
    distances from different encoders. The expected distance falls as the number of images grows:
    compare only distances from equal numbers of images.

    Reference: Heusel et al. 2017, "GANs Trained by a Two Time-Scale Update Rule Converge to a
    Local Nash Equilibrium" (arXiv 1706.08500), equation 6.

    Args:
        a, b: Features `(n, d)` and `(m, d)`, at least two of each.

    Returns:
        Float, 0 for equal mean and covariance.

    Raises:
        ValueError: `a` or `b` is not such an array, or their `d` differs.
    """
    a, b = check_features(a=a, b=b)
    return frechet_distance_from_statistics(*statistics(a), *statistics(b))


def statistics(features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean `(d,)` and covariance `(d, d)` (divided by n - 1) of features, in float64.

    Raises:
        ValueError: The features are not an array `(n, d)` of at least two finite vectors.
    """
    (features,) = check_features(features=features)
    mean = features.mean(axis=0, dtype="float64")
    covariance = np.zeros((len(mean), len(mean)))
    for rows in _blocks(len(features), len(mean)):
        centred = features[rows] - mean
        covariance += centred.T @ centred
    return mean, covariance / (len(features) - 1)


def frechet_distance_from_statistics(
    mean_a: np.ndarray, cov_a: np.ndarray, mean_b: np.ndarray, cov_b: np.ndarray
) -> float:
    """`frechet_distance` from means `(d,)` and covariances `(d, d)`.

    `|mean_a - mean_b|^2 + tr(cov_a + cov_b - 2 (cov_a cov_b)^(1/2))`. The trace of the root is
    taken from symmetric matrices, whose eigenvalues are real. Covariances may therefore lack full
    rank, as when there are fewer images than features.

    Returns:
        Float.

    Raises:
        ValueError: The shapes do not fit together, or a value is not a finite number.
    """
    mean_a, cov_a = _statistics("a", mean_a, cov_a)
    mean_b, cov_b = _statistics("b", mean_b, cov_b)
    if len(mean_a) != len(mean_b):
        raise argument_error(
            "mean_b",
            "be as long as `mean_a`",
            f"lengths {len(mean_b)} and {len(mean_a)}",
            "Use the same encoder for both.",
        )
    return _frechet_distance(mean_a, cov_a, _root(cov_a), mean_b, cov_b)


def _statistics(side, mean, covariance):
    """A checked mean and covariance in float64."""
    names = (f"mean_{side}", f"cov_{side}")
    arrays = [as_array(name, x) for name, x in zip(names, (mean, covariance), strict=True)]
    shapes = [(arrays[0].size,), (arrays[0].size,) * 2]
    for name, array, shape in zip(names, arrays, shapes, strict=True):
        if array.shape != shape or not is_real(array) or not np.isfinite(array).all():
            raise argument_error(
                name,
                "contain finite numbers; means have shape (d,), covariances (d, d)",
                f"{name} of shape {array.shape} and dtype {array.dtype}"
                + (", with NaN or infinity" if array.shape == shape and is_real(array) else ""),
                "Pass what `statistics` returns.",
            )
    return [array.astype("float64") for array in arrays]


def _root(covariance):
    values, vectors = np.linalg.eigh(covariance)
    return (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T


def _frechet_distance(mean_a, cov_a, root_a, mean_b, cov_b):
    product = root_a @ cov_b @ root_a
    values = np.linalg.eigvalsh((product + product.T) / 2.0)
    trace = np.trace(cov_a) + np.trace(cov_b) - 2.0 * np.sqrt(np.maximum(values, 0.0)).sum()
    # Rounding may make it slightly negative.
    return float(max(0.0, np.sum(np.square(mean_a - mean_b)) + trace))


def kernel_distance(
    a: np.ndarray,
    b: np.ndarray,
    subsets: int | None = None,
    subset_size: int = 1000,
    seed: int = 0,
) -> float | tuple[float, float]:
    """Squared maximum mean discrepancy with a cubic kernel, unbiased.

    With the features of an Inception network, it is the KID. Unlike the Frechet distance, its
    expectation does not depend on the number of images (a value may be below 0), and it does not
    assume normally distributed features. Use it for small numbers of images.

    Reference: Binkowski et al. 2018, "Demystifying MMD GANs" (arXiv 1801.01401), section 4:
    kernel `(x y / d + 1)^3`.

    Args:
        a, b: Features `(n, d)` and `(m, d)`, at least two of each.
        subsets: Number of random subsets to measure, instead of all vectors at once; 100 in the
            paper.
        subset_size: Vectors from each side in a subset; the size of the smaller side if that is
            less.
        seed: Integer seed for drawing the subsets.

    Returns:
        Float; with `subsets`, the mean and standard deviation over the subsets.

    Raises:
        ValueError: `a` or `b` is not such an array, or a number is too small.
    """
    a, b = check_features(a=a, b=b)
    if subsets is None:
        return _kernel_distance(a, b)
    check_whole("subsets", subsets, 1)
    check_whole("subset_size", subset_size, 2)
    check_whole("seed", seed, 0)
    rng = np.random.default_rng(seed)
    size = min(subset_size, len(a), len(b))
    found = [
        _kernel_distance(*(x[rng.choice(len(x), size, replace=False)] for x in (a, b)))
        for _ in range(subsets)
    ]
    return float(np.mean(found)), float(np.std(found))


def _kernel_distance(a, b):
    return float(_kernel_among(a) + _kernel_among(b) - 2.0 * _kernel_between(a, b))


def _kernel_among(x):
    """The mean kernel of two different vectors."""
    own = np.sum((np.sum(np.square(x), axis=1) / x.shape[1] + 1.0) ** 3)
    return (_kernel_total(x, x) - own) / (len(x) * (len(x) - 1))


def _kernel_between(a, b):
    """The mean kernel of a vector from each set."""
    return _kernel_total(a, b) / (len(a) * len(b))


def _kernel_total(a, b):
    return sum(np.sum((a[rows] @ b.T / a.shape[1] + 1.0) ** 3) for rows in _blocks(len(a), len(b)))


def precision_recall(real: np.ndarray, fake: np.ndarray, k: int = BALL_K) -> tuple[float, float]:
    """How many fakes lie among real images, and how many real images among fakes.

    Each vector has a ball that reaches to its k-th neighbour on its own side. Precision, the
    fraction of fakes in any real ball (including its edge), measures quality; recall, the fraction
    of real vectors in any fake ball, measures variety. Outliers on either side make large balls.

    Reference: Kynkaanniemi et al. 2019, "Improved Precision and Recall Metric for Assessing
    Generative Models" (arXiv 1904.06991), section 2.

    Args:
        real, fake: Features `(n, d)` and `(m, d)`, more than `k` of each.
        k: Number of the neighbour that the balls reach to.

    Returns:
        Precision and recall, floats in [0, 1].

    Raises:
        ValueError: `real` or `fake` is not such an array, or `k` is too large.
    """
    check_whole("k", k, 1)
    real, fake = check_features(k, real=real, fake=fake)
    return (
        _share_inside(fake, real, _radii(real, k)),
        _share_inside(real, fake, _radii(fake, k)),
    )


def density_coverage(real: np.ndarray, fake: np.ndarray, k: int = DENSITY_K) -> tuple[float, float]:
    """Mean number of real balls around a fake, over k; and fraction of balls that contain a fake.

    The balls are those of `precision_recall`, but without edges, and only around real vectors, so
    that outliers among the fakes do no harm. Density exceeds 1 where fakes crowd in the middle.

    Reference: Naeem et al. 2020, "Reliable Fidelity and Diversity Metrics for Generative Models"
    (arXiv 2002.09797), section 3.

    Args:
        real, fake: Features `(n, d)` and `(m, d)`, more than `k` of each.
        k: Number of the neighbour that the balls reach to.

    Returns:
        Density, a float of at least 0, and coverage, a float in [0, 1].

    Raises:
        ValueError: `real` or `fake` is not such an array, or `k` is too large.
    """
    check_whole("k", k, 1)
    real, fake = check_features(k, real=real, fake=fake)
    return _density_coverage(real, fake, k, _radii(real, k))


def _density_coverage(real, fake, k, radii):
    inside = np.zeros(len(real))
    for rows, distances in _distances(real, fake):
        inside[rows] = np.sum(distances < radii[rows, None], axis=1)
    return float(inside.sum() / (k * len(fake))), float(np.mean(inside > 0))


def nearest(
    features: np.ndarray, others: np.ndarray, k: int = BALL_K
) -> tuple[np.ndarray, np.ndarray]:
    """Finds each vector's nearest others, to see whether a generator has memorised its data.

    Args:
        features, others: Features `(n, d)` and `(m, d)`, with at least `k` others.
        k: Number of neighbours.

    Returns:
        Indices into `others`, the nearest first, and their distances: arrays `(n, k)`.

    Raises:
        ValueError: `features` or `others` is not such an array, or `k` is too large.

    Example: ten samples, each beside the five most similar digits.

    ```python
    found, _ = kerasgan.metrics.nearest(encoder(samples), encoder(digits), k=5)
    rows = np.concatenate([samples[:, None], digits[found]], axis=1)
    picture = kerasgan.pictures.grid(rows.reshape(-1, 28, 28, 1), columns=6)
    ```
    """
    check_whole("k", k, 1)
    (others,) = check_features(k - 1, others=others)
    features, others = check_features(0, features=features, others=others)
    indices, distances = [], []
    for _, found in _distances(features, others):
        first = np.argpartition(found, k - 1, axis=1)[:, :k]
        found = np.take_along_axis(found, first, axis=1)
        order = np.argsort(found, axis=1, kind="stable")
        indices.append(np.take_along_axis(first, order, axis=1))
        distances.append(np.sqrt(np.take_along_axis(found, order, axis=1)))
    return np.concatenate(indices), np.concatenate(distances)


@dataclasses.dataclass
class Reference:
    """Real features and everything that a comparison needs from them, computed once.

    `Reference.of(features, others)` computes it; the fields are arrays, so that a file can store
    them. Distributions are compared with `features` alone; what may be a copy is searched for among
    all, because a generator has seen all.
    """

    features: np.ndarray
    others: np.ndarray
    mean: np.ndarray
    covariance: np.ndarray
    root: np.ndarray
    ball_radii: np.ndarray
    density_radii: np.ndarray
    kernel: np.ndarray
    nearest: np.ndarray

    @classmethod
    def of(cls, features, others):
        features, others = check_features(DENSITY_K, features=features, others=others)
        mean, covariance = statistics(features)
        return cls(
            features,
            others,
            mean,
            covariance,
            _root(covariance),
            _radii(features, BALL_K),
            _radii(features, DENSITY_K),
            np.asarray(_kernel_among(features)),
            np.sqrt(_radii(np.concatenate([features, others]), 1)),
        )

    def compare(self, features):
        """All scores of generated features."""
        (fake,) = check_features(DENSITY_K, fake=features)
        nearest = [np.sqrt(found.min(axis=1)) for _, found in _distances(fake, self._all)]
        return self._compare(fake, np.concatenate(nearest))

    def floor(self):
        """All scores of the other real features, each compared with all but itself."""
        return self._compare(self.others, self.nearest[len(self.features) :])

    @property
    def _all(self):
        return np.concatenate([self.features, self.others])

    def _compare(self, fake, nearest):
        real, fake = check_features(DENSITY_K, real=self.features, fake=fake)
        mean, covariance = statistics(fake)
        frechet = _frechet_distance(self.mean, self.covariance, self.root, mean, covariance)
        kernel = self.kernel + _kernel_among(fake) - 2.0 * _kernel_between(real, fake)
        density, coverage = _density_coverage(real, fake, DENSITY_K, self.density_radii)
        return {
            "frechet_distance": frechet,
            "kernel_distance": float(kernel),
            "precision": _share_inside(fake, real, self.ball_radii),
            "recall": _share_inside(real, fake, _radii(fake, BALL_K)),
            "density": density,
            "coverage": coverage,
            "variety": _ratio(np.sqrt(np.trace(covariance)), np.sqrt(np.trace(self.covariance))),
            "nearest_distance": _ratio(nearest.mean(), self.nearest.mean()),
            "copies": float(np.mean(nearest < COPY * self.nearest.mean())),
        }


def _ratio(value, of):
    """`value / of`; where real images do not differ at all, infinity unless `value` is 0."""
    if of == 0:
        return 1.0 if value == 0 else math.inf
    return float(value / of)


def _share_inside(points, others, radii):
    """The fraction of `points` in a ball around any of `others`."""
    inside = [np.any(distances <= radii, axis=1) for _, distances in _distances(points, others)]
    return float(np.mean(np.concatenate(inside)))


def _radii(x, k):
    """Squared distance of each vector to its k-th neighbour."""
    radii = np.empty(len(x))
    for rows, distances in _distances(x, x):
        distances[np.arange(len(distances)), np.arange(rows.start, rows.stop)] = np.inf
        radii[rows] = np.partition(distances, k - 1, axis=1)[:, k - 1]
    return radii


def _distances(a, b):
    """Yields slices of the rows of `a`, each with their squared distances to all of `b`."""
    squares_a, squares_b = (np.einsum("ij,ij->i", x, x) for x in (a, b))
    for rows in _blocks(len(a), len(b)):
        distances = squares_a[rows, None] + squares_b - 2.0 * (a[rows] @ b.T)
        yield rows, np.maximum(distances, 0.0, out=distances)


def _blocks(count, width):
    """Slices of `count` rows, each of at most a block for rows of `width` numbers."""
    size = max(1, BLOCK // width)
    return [slice(start, min(start + size, count)) for start in range(0, count, size)]
