"""What a step reports: losses, scores, and whatever is not finite."""

import functools
import itertools
import math
import typing

import numpy as np

from kerasgan import backend

__all__ = ["Fault", "Logs", "WEIGHTS"]

# Checks of both sides' weights, among the values of a step.
WEIGHTS = {"g": "generator's weights", "d": "discriminator's weights"}
_CHECKS = frozenset(WEIGHTS.values())
_SUMS = ("d_loss", "g_loss")
_SHOWN_FIRST = (*_SUMS, "d_real", "d_fake")


class Fault(typing.NamedTuple):
    """What became NaN or infinite in a step.

    Attributes:
        offset: The step, counted from the first of its call.
        names: Logs, or whose weights: what was computed first, without what followed from it.
        is_lasting: Whether it is in the weights after the step.
    """

    offset: int
    names: list[str]
    is_lasting: bool

    def __str__(self):
        return f"{', '.join(self.names)} became NaN or infinite"


class Logs(dict):
    """What a step reports: floats, fetched from the device when first read.

    Reading waits for the step; a loop that does not read them does not wait.

    Args:
        names: Names of the values, in the order of computation. The first value of a name counts.
        values: Tensor `(len(names),)`; or `(steps, len(names))`, to be averaged over the steps.
    """

    def __init__(self, names, values):
        shown = dict.fromkeys(name for name in names if name not in _CHECKS)
        first = [name for name in _SHOWN_FIRST if name in shown]
        super().__init__(dict.fromkeys(first) | shown)
        self._names = names
        self._values = values
        self._is_fetched = False

    def as_reported(self):
        """The same values, without later changes."""
        return Logs(self._names, self._values)

    def faults(self):
        """A list with a `Fault` for each step in which something is not finite."""
        found = []
        for offset, row in enumerate(self._rows()):
            bad = [
                name
                for name, value in zip(self._names, row, strict=True)
                if not math.isfinite(value)
            ]
            if bad:
                terms = list(itertools.takewhile(lambda name: name not in _CHECKS, bad))
                # The discriminator's first update comes last: it spoilt those after it.
                ends = [index for index, name in enumerate(terms) if name == "d_loss"]
                if len(ends) > 1:
                    terms = terms[ends[-2] + 1 :]
                # A sum comes after its terms, and the sum of all adds nothing.
                names = sorted(dict.fromkeys(terms), key=_SUMS.__contains__)
                names = [name for name in names if name != "loss"] or bad[:1]
                found.append(Fault(offset, names, not _CHECKS.isdisjoint(bad)))
        return found

    def _rows(self):
        if not isinstance(self._values, np.ndarray):
            self._values = backend.to_numpy(self._values).astype("float64")
        return self._values.reshape(-1, len(self._names))

    def _fetch(self):
        if not self._is_fetched:
            self._is_fetched = True
            means = dict(zip(reversed(self._names), self._rows().mean(axis=0)[::-1], strict=True))
            self.update({name: float(means[name]) for name in self})


def _fetching(name):
    method = getattr(dict, name)

    @functools.wraps(method)
    def fetch_first(self, *args, **kwargs):
        self._fetch()
        return method(self, *args, **kwargs)

    return fetch_first


# All ways to reach a value. (`dict(logs)` uses `__iter__` and `__getitem__`.)
for _name in (
    *("__delitem__", "__eq__", "__getitem__", "__ior__", "__iter__", "__or__", "__repr__"),
    *("__ror__", "__setitem__", "copy", "get", "items", "keys", "pop", "popitem"),
    *("setdefault", "update", "values"),
):
    setattr(Logs, _name, _fetching(_name))
