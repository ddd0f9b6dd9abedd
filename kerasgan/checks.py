"""Checks of arguments: an error before any work that says how to mend it."""

import keras
import numpy as np

__all__ = [
    "argument_error",
    "check_value_range",
    "check_whole",
    "is_finite",
    "is_number",
    "reason",
]


def argument_error(name, expected, received, fix, kind=ValueError):
    """The error for an argument that cannot be used, in the one form that all of them have.

    Example:

    ```python
    from kerasgan.checks import argument_error

    limit = 0
    raise argument_error("limit", "be above 0", f"limit={limit!r}", "The paper's is 0.01.")
    ```
    """
    return kind(f"`{name}` must {expected}. Received: {received}. {fix}")


def reason(error):
    """The first sentence of the error behind an error of Keras, which may print whole models."""
    while error.__cause__ or error.__context__:
        error = error.__cause__ or error.__context__
    return str(error).split(". ")[0].rstrip(".")


def check_value_range(value_range):
    """The range as a pair of floats; ValueError unless it is (low, high)."""
    is_pair = isinstance(value_range, (tuple, list)) and len(value_range) == 2
    numbers = is_pair and all(is_number(x) and np.isfinite(x) for x in value_range)
    if not (numbers and value_range[0] < value_range[1]):
        raise argument_error(
            "value_range",
            "be (low, high) with low below high",
            f"value_range={value_range}",
            "Pass (-1, 1) for tanh or (0, 1) for sigmoid.",
        )
    return tuple(map(float, value_range))


def is_number(value):
    """Whether `value` is a real number, and no bool."""
    return isinstance(value, (int, float, np.number)) and not isinstance(value, bool)


def is_finite(variables):
    """Whether none of them holds NaN or infinity."""
    arrays = map(keras.ops.convert_to_numpy, variables)
    return all(np.isfinite(array).all() for array in arrays)


def check_whole(name, value, smallest, largest=None):
    """Raises ValueError unless `value` is a whole number within bounds."""
    is_whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if not is_whole or value < smallest or (largest is not None and value > largest):
        bounds = f"at least {smallest}" + (f" and at most {largest}" if largest else "")
        raise argument_error(
            name, f"be a whole number of {bounds}", f"{name}={value!r}", "Pass such a number."
        )
