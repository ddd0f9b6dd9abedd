"""Modes are counted as in PacGAN's protocol; perfect samplers score what they must."""

import numpy as np
import pytest

from kerasgan import metrics
from kerasgan.metrics.modes import GRID_DEVIATION, RING_DEVIATION

pytestmark = pytest.mark.any_backend


def test_the_ring_and_the_grid():
    ring, grid = metrics.ring(), metrics.grid()
    np.testing.assert_allclose(np.linalg.norm(ring, axis=1), 1.0)
    assert len(np.unique(ring.round(6), axis=0)) == 8
    assert len(np.unique(grid, axis=0)) == 25
    assert set(grid.ravel()) == {-4.0, -2.0, 0.0, 2.0, 4.0}


@pytest.mark.parametrize(
    ("centres", "deviation"), [(metrics.ring(), RING_DEVIATION), (metrics.grid(), GRID_DEVIATION)]
)
def test_a_perfect_sampler_of_points(centres, deviation):
    points = metrics.sample_points(centres, deviation, 100_000, seed=0)
    found = metrics.point_modes(points, centres, deviation)
    assert found["modes"] == len(centres)
    assert found["high_quality"] == pytest.approx(1 - np.exp(-4.5), abs=1e-3)  # 98.89 %
    # Of a finite sample the expectation is (modes - 1) / (2 n).
    assert found["reverse_kl"] < 3 * (len(centres) - 1) / 200_000


def test_points_by_counting():
    centres = np.array([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0]])
    points = [[0.0, 0.0], [2.9, 0.0], [3.1, 0.0], [10.0, 3.1]]
    found = metrics.point_modes(points, centres, deviation=1.0)
    assert (found["modes"], found["high_quality"]) == (1, 0.5)
    expected = 0.75 * np.log(0.75 * 3) + 0.25 * np.log(0.25 * 3)
    assert found["reverse_kl"] == pytest.approx(expected)
    with pytest.raises(ValueError, match="`points` must be an array"):
        metrics.point_modes(np.zeros((0, 2)), centres, 1.0)


def digits():
    """Ten "digits" whose pixels are their label, as often as in MNIST's training images."""
    counts = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    labels = np.repeat(np.arange(10), counts).astype("uint8")
    return np.broadcast_to(labels[:, None, None, None], (60_000, 28, 28, 1))


def read(images):
    return images[:, 0, 0, 0].astype(int)


def test_a_perfect_sampler_of_stacked_digits_scores_what_the_protocol_says():
    found = metrics.stacked_modes(metrics.stack_digits(digits()), read)
    assert found["modes"] == found["modes_5"] == 1000
    assert found["kl"] == pytest.approx(0.0238, abs=0.0015)


def test_stacked_modes_by_counting():
    images = np.zeros((7, 28, 28, 3), "uint8")
    images[5:] = [1, 2, 3]
    found = metrics.stacked_modes(images, read)
    assert (found["modes"], found["modes_5"]) == (2, 1)
    expected = 5 / 7 * np.log(5 / 7 * 1000) + 2 / 7 * np.log(2 / 7 * 1000)
    assert found["kl"] == pytest.approx(expected)
    shifted = metrics.stacked_modes(images, lambda images: read(images).astype("uint8") + 6)
    assert shifted == found  # no overflow in small integers
    with pytest.raises(ValueError, match="`classify` must return integers from 0 to 9"):
        metrics.stacked_modes(images, lambda images: read(images) + 8)
    with pytest.raises(ValueError, match="`images` must have three channels"):
        metrics.stacked_modes(images[..., :1], read)


def test_kl_from_uniform():
    assert metrics.kl_from_uniform([5, 5, 5]) == 0.0
    assert metrics.kl_from_uniform([9, 0, 0, 0]) == pytest.approx(np.log(4))


def test_different_bins():
    rng = np.random.default_rng(0)
    real, same = rng.normal(size=(2000, 3)), rng.normal(size=(2000, 3))
    assert metrics.different_bins(real, same, bins=50) <= 0.12
    assert metrics.different_bins(real, same + 2.0, bins=50) > 0.8
    with pytest.raises(ValueError, match="`real` must contain at least"):
        metrics.different_bins(real[:10], same, bins=50)


POINTS, CENTRES = np.zeros((5, 2)), metrics.ring()
DIGITS = np.zeros((5, 28, 28, 1), "uint8")
STACKS = np.zeros((5, 28, 28, 3), "uint8")
GOOD = {
    metrics.sample_points: {"centres": CENTRES, "deviation": 0.1, "n": 5, "seed": 0},
    metrics.point_modes: {"points": POINTS, "centres": CENTRES, "deviation": 0.1},
    metrics.kl_from_uniform: {"counts": [1, 2]},
    metrics.stack_digits: {"images": DIGITS, "n": 5, "seed": 0},
    metrics.stacked_modes: {"images": STACKS, "classify": read},
    metrics.different_bins: {
        "real": np.arange(20.0).reshape(10, 2),
        "fake": np.arange(20.0).reshape(10, 2),
        "bins": 2,
        "significance": 0.05,
        "seed": 0,
    },
}
BAD = {
    "points": [
        "points",
        None,
        POINTS[0],
        POINTS[:0],
        POINTS.astype(str),
        POINTS + 1j,
        [[1], [1, 2]],
    ],
    "centres": ["ring", None, CENTRES[:, :1], CENTRES + np.nan, CENTRES + 1j],
    "deviation": ["0.1", None, -0.1, np.nan, 1j, True],
    "n": ["5", None, -1, 2.5],
    "seed": ["0", -1, 0.5],
    "counts": ["counts", None, [], [0, 0], [-1, 2], [np.nan], [1j], ["1"], [[1, 2]], 5],
    "images": ["digits", None, [], DIGITS[0], DIGITS[:0], DIGITS[..., [0, 0]], STACKS / 2.0],
    "classify": ["read", None, lambda images: ["a"] * len(images), lambda images: [1]],
    "real": ["real", None, np.zeros(9), np.full((9, 2), "a"), np.zeros((9, 2), complex)],
    "fake": ["fake", None, np.zeros(9), np.full((9, 2), "a"), np.zeros((0, 2)), np.zeros((9, 3))],
    "bins": ["2", None, 1, 2.5],
    "significance": ["0.05", None, 0, 1, np.nan, 1j],
}


@pytest.mark.parametrize(
    ("function", "name"), [(function, name) for function in GOOD for name in GOOD[function]]
)
def test_bad_arguments_are_refused(function, name):
    function(**GOOD[function])
    for bad in BAD[name]:
        with pytest.raises(ValueError, match=f"`{name}` must .* Received: "):
            function(**GOOD[function] | {name: bad})
