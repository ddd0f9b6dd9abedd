"""Curves, as the numbers that the template draws as SVG."""

import dataclasses
import itertools
import math

import numpy as np

__all__ = ["Floor", "Line", "Plot", "plot"]

WIDTH, HEIGHT = 460, 240  # of the drawing, scaled to the page
_LEFT, _RIGHT, _TOP, _BOTTOM = 58, 24, 10, 28  # margins
_MOST_POINTS = 300  # in a line
_MOST_TICKS = 6
_ORDINARY = (2, 98)  # percentiles; how far beyond them an axis goes, in their distance
_MOST_BEYOND = 1.0


@dataclasses.dataclass
class Line:
    """A line of a plot.

    Attributes:
        name: What it shows.
        parts: Its points, as SVG has them: one text for each part between missing values.
        last: Its last value, as text.
    """

    name: str
    parts: list[str]
    last: str


@dataclasses.dataclass
class Floor:
    """A level line: what real images score.

    Attributes:
        name: What it shows.
        y: Its position.
        value: Its value, as text.
        index: Number of the line that it belongs to.
    """

    name: str
    y: float
    value: str
    index: int


@dataclasses.dataclass
class Plot:
    """A plot: its lines, and `(position, text)` of the ticks on its axes."""

    lines: list[Line]
    floors: list[Floor]
    x_ticks: list[tuple[float, str]]
    y_ticks: list[tuple[float, str]]
    is_averaged: bool
    is_cut: bool
    width: int = WIDTH
    height: int = HEIGHT
    left: int = _LEFT
    right: int = WIDTH - _RIGHT
    top: int = _TOP
    bottom: int = HEIGHT - _BOTTOM


def plot(curves, floors=None):
    """Makes a plot.

    Args:
        curves: Dict from names to pairs of arrays: steps and values, which may be NaN.
        floors: Dict from some of these names to what real images score.

    Returns:
        `Plot`; None if no value is finite.
    """
    floors = floors or {}
    lasts = {name: _last(y) for name, (_, y) in curves.items()}
    is_averaged = any(len(x) > _MOST_POINTS for x, _ in curves.values())
    curves = {name: _averaged(*pair) for name, pair in curves.items()}
    values = np.concatenate([y[np.isfinite(y)] for _, y in curves.values()] or [[]])
    if not len(values):
        return None
    steps = np.concatenate([x for x, _ in curves.values()])
    across = _limits(steps.min(), steps.max())
    ordinary = np.percentile(values, _ORDINARY)
    beyond = _MOST_BEYOND * (ordinary[1] - ordinary[0])
    low, high = max(values.min(), ordinary[0] - beyond), min(values.max(), ordinary[1] + beyond)
    up = _limits(min([low, *floors.values()]), max([high, *floors.values()]))

    def place_x(x):
        return _LEFT + (x - across[0]) / (across[1] - across[0]) * (WIDTH - _LEFT - _RIGHT)

    def place_y(y):
        height = HEIGHT - _TOP - _BOTTOM
        return _TOP + (up[1] - np.clip(y, *up)) / (up[1] - up[0]) * height

    lines = [
        Line(name, _parts(place_x(x), place_y(y)), lasts[name]) for name, (x, y) in curves.items()
    ]
    names = list(curves)
    drawn = [
        Floor(
            "real images" if len(curves) == 1 else f"real images, {name}",
            float(place_y(value)),
            f"{value:.4g}",
            names.index(name),
        )
        for name, value in floors.items()
    ]
    return Plot(
        lines,
        drawn,
        [(float(place_x(tick)), _whole(tick)) for tick in _ticks(*across, whole=True)],
        [(float(place_y(tick)), f"{tick:.4g}") for tick in _ticks(*up)],
        is_averaged,
        bool(values.min() < up[0] or values.max() > up[1]),
    )


def _last(values):
    finite = values[np.isfinite(values)]
    return f"{finite[-1]:.4g}" if len(finite) else "none"


def _averaged(x, y):
    """The means of neighbouring values, few enough to draw; NaN for those without any."""
    if len(x) <= _MOST_POINTS:
        return x, y
    parts = np.array_split(np.arange(len(x)), _MOST_POINTS)
    finite = np.isfinite(y)
    means = [y[part][finite[part]].mean() if finite[part].any() else math.nan for part in parts]
    return np.array([x[part[-1]] for part in parts]), np.array(means)


def _limits(low, high):
    """The ends of an axis, which are not equal."""
    space = 0.02 * (high - low) or max(abs(low) * 0.1, 0.5)
    return float(low - space), float(high + space)


def _ticks(low, high, whole=False):
    """Round numbers between the ends of an axis."""
    power = 10.0 ** math.floor(math.log10((high - low) / _MOST_TICKS))
    sizes = (factor * power for factor in (1, 2, 5, 10))
    size = next(size for size in sizes if (high - low) / size <= _MOST_TICKS)
    if whole:
        size = max(1.0, round(size))
    numbers = range(math.ceil(low / size), math.floor(high / size) + 1)
    return [number * size for number in numbers]


def _whole(number):
    return f"{number:,.0f}"


def _parts(x, y):
    points = zip(x.tolist(), y.tolist(), strict=True)
    groups = itertools.groupby(points, key=lambda point: math.isfinite(point[1]))
    return [
        " ".join(f"{across:.1f},{down:.1f}" for across, down in group)
        for is_finite, group in groups
        if is_finite
    ]
