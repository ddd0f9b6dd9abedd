"""Distances and shares against published values, closed forms and counting."""

import numpy as np
import pytest

from kerasgan import metrics
from kerasgan.metrics import distances
from kerasgan.metrics.distances import (
    density_coverage,
    frechet_distance,
    frechet_distance_from_statistics,
    kernel_distance,
    nearest,
    precision_recall,
    statistics,
)

pytestmark = pytest.mark.any_backend


def line(*values):
    """Features of one number each."""
    return np.array(values, "float64")[:, None]


def test_frechet_distance_of_shifted_normals():
    d = 2048
    eye = np.eye(d)
    found = frechet_distance_from_statistics(np.zeros(d), eye, np.ones(d), eye)
    assert found == pytest.approx(2048, rel=1e-12)


GOOD_STATISTICS = {
    "mean_a": np.zeros(2),
    "cov_a": np.eye(2),
    "mean_b": np.zeros(2),
    "cov_b": np.eye(2),
}


@pytest.mark.parametrize("name", GOOD_STATISTICS)
@pytest.mark.parametrize(
    "spoil",
    [
        lambda good: good + np.nan,
        lambda good: good + np.inf,
        lambda good: good + 1j,
        lambda good: good.astype(str),
        lambda good: [good, "two"],
        lambda good: None,
        lambda good: good[..., None],
    ],
)
def test_bad_statistics_are_refused(name, spoil):
    bad = GOOD_STATISTICS | {name: spoil(GOOD_STATISTICS[name])}
    with pytest.raises(ValueError, match=f"`{name}` must (contain finite numbers|be an array)"):
        frechet_distance_from_statistics(**bad)


def test_frechet_distance_is_the_reference_implementations():
    np.random.seed(0)
    a, b = (np.float32(np.random.randn(512, 256)) for _ in range(2))
    assert frechet_distance(a, b) == pytest.approx(65.742724, abs=1e-5)
    assert frechet_distance(b, a) == pytest.approx(65.742724, abs=1e-5)
    assert frechet_distance(a, a) == pytest.approx(0.0, abs=1e-9)


def test_frechet_distance_in_one_dimension():
    # (mean - mean)^2 + (deviation - deviation)^2.
    a, b = line(0, 2), line(3, 9)
    assert frechet_distance(a, b) == pytest.approx(25 + (np.sqrt(18) - np.sqrt(2)) ** 2)


def test_frechet_distance_of_fewer_images_than_features_is_real():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(5, 20)), rng.normal(size=(4, 20))
    # Of two covariances of small rank: the trace of the root is the nuclear norm of A^T B.
    (mean_a, _), (mean_b, _) = statistics(a), statistics(b)
    x, y = (a - mean_a) / np.sqrt(4), (b - mean_b) / np.sqrt(3)
    expected = np.sum((mean_a - mean_b) ** 2) + np.sum(x**2) + np.sum(y**2)
    expected -= 2 * np.linalg.svd(x @ y.T, compute_uv=False).sum()
    assert frechet_distance(a, b) == pytest.approx(expected, rel=1e-6)


def test_kernel_distance_is_the_reference_implementations():
    np.random.seed(0)
    a = np.float32(np.random.randn(512, 256))
    b = np.float32(np.random.randn(512, 256) * 1.1 + 0.05)
    assert kernel_distance(a, b) == pytest.approx(0.0083886148, abs=1e-10)
    mean, deviation = kernel_distance(a, b, subsets=20, subset_size=200)
    assert mean == pytest.approx(0.0083886148, abs=3 * deviation / np.sqrt(20))
    of_all = kernel_distance(a, b, subsets=1, subset_size=1000)
    assert of_all == pytest.approx((kernel_distance(a, b), 0.0), abs=1e-10)


def test_kernel_distance_by_hand():
    # The kernel (x y + 1)^3 is 1 among a, 27 among b, 1 between them.
    assert kernel_distance(line(0, 0), line(1, 2)) == pytest.approx(1 + 27 - 2 * 1)


def test_precision_recall_density_coverage_are_the_reference_implementations():
    rng = np.random.RandomState(0)
    real, same = rng.randn(1000, 64), rng.randn(1000, 64)
    shrunk = rng.randn(1000, 64) * 0.8
    assert precision_recall(real, same, k=5) == pytest.approx((0.704, 0.738), abs=1e-9)
    assert precision_recall(real, shrunk, k=5) == pytest.approx((0.997, 0.088), abs=1e-9)
    assert density_coverage(real, same) == pytest.approx((0.947, 0.971), abs=5e-4)
    assert density_coverage(real, shrunk) == pytest.approx((11.416, 1.0), abs=5e-4)


def test_balls_by_counting():
    real, fake = line(0, 1, 4), line(7, 12)  # radii 1, 1, 3 and 5, 5
    # 7 lies on the edge of the ball around 4; of the real ones only 4 is near a fake.
    assert precision_recall(real, fake, k=1) == (1 / 2, 1 / 3)
    assert density_coverage(real, fake, k=1) == (0.0, 0.0)
    # 6.9 lies in one ball, 0.5 in two.
    assert density_coverage(real, line(6.9, 0.5), k=1) == (3 / 2, 1.0)


def test_blocks_change_nothing(monkeypatch):
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(23, 4)), rng.normal(size=(17, 4)) * 1.3
    functions = (frechet_distance, kernel_distance, precision_recall, density_coverage)
    whole = [function(a, b) for function in functions]
    monkeypatch.setattr(distances, "BLOCK", 40)
    for function, expected in zip(functions, whole, strict=True):
        assert function(a, b) == pytest.approx(expected, rel=1e-12)


BAD_FEATURES = [
    np.zeros(9),
    np.zeros((1, 3)),
    np.full((9, 3), np.nan),
    np.zeros((9, 3), complex),
    np.full((9, 3), "a"),
    np.full((9, 3), None),
    "features",
    None,
    [[1.0], [2.0, 3.0]],
]


@pytest.mark.parametrize(
    ("function", "names"),
    [
        (statistics, ("features",)),
        (frechet_distance, ("a", "b")),
        (kernel_distance, ("a", "b")),
        (precision_recall, ("real", "fake")),
        (density_coverage, ("real", "fake")),
        (nearest, ("features", "others")),
        (metrics.different_bins, ("real", "fake")),
    ],
)
def test_bad_features_are_refused(function, names):
    good = dict.fromkeys(names, np.zeros((9, 3)))
    for name in names:
        for bad in BAD_FEATURES:
            is_single = isinstance(bad, np.ndarray) and bad.shape == (1, 3) and bad.dtype == float
            if is_single and function in (nearest, metrics.different_bins):
                continue  # one vector has neighbours
            with pytest.raises(ValueError, match=f"`{name}` must be an array"):
                function(**good | {name: bad})
    if len(names) == 2:
        with pytest.raises(ValueError, match=f"`{names[1]}` must have vectors of the same length"):
            function(**good | {names[1]: np.zeros((9, 4))})


def test_statistics_must_be_of_one_encoder():
    with pytest.raises(ValueError, match="`mean_b` must be as long as `mean_a`"):
        frechet_distance_from_statistics(np.zeros(2), np.eye(2), np.zeros(3), np.eye(3))


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        (kernel_distance, {"subsets": 0}),
        (kernel_distance, {"subsets": 1.5}),
        (kernel_distance, {"subsets": 2, "subset_size": 1}),
        (kernel_distance, {"subsets": 2, "seed": "0"}),
        (precision_recall, {"k": 0}),
        (precision_recall, {"k": "3"}),
        (density_coverage, {"k": None}),
        (nearest, {"k": 1.0}),
    ],
)
def test_bad_numbers_are_refused(function, arguments):
    name = list(arguments)[-1]
    with pytest.raises(ValueError, match=f"`{name}` must be a whole number"):
        function(np.zeros((9, 3)), np.zeros((9, 3)), **arguments)


def test_nearest_finds_what_was_memorised():
    rng = np.random.default_rng(0)
    others = rng.normal(size=(50, 3))
    indices, distances = nearest(others[[7, 31]] + 1e-9, others, k=4)
    every = np.linalg.norm(others[[7, 31], None] - others, axis=-1)
    np.testing.assert_array_equal(indices, np.argsort(every, axis=1)[:, :4])
    np.testing.assert_allclose(distances, np.sort(every, axis=1)[:, :4], atol=1e-6)
    indices, _ = nearest(others[:1], others[:2], k=2)
    assert indices.tolist() == [[0, 1]]
    with pytest.raises(ValueError, match="with n above 2"):
        nearest(others, others[:2], k=3)
    with pytest.raises(ValueError, match="`k` must be"):
        nearest(others, others, k=0)
