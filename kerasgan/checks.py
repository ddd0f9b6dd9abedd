"""Checks arguments before any work begins, with errors that say how to fix them."""

import inspect
import math
import os
import sys
from collections.abc import Callable
from typing import TypeGuard

import keras
import numpy as np

__all__ = [
    "argument_error",
    "as_array",
    "check_choice",
    "check_flag",
    "check_function",
    "check_image_shape",
    "check_number",
    "check_path",
    "check_value_range",
    "check_whole",
    "counted",
    "in_short",
    "is_finite",
    "is_function",
    "is_number",
    "is_out_of_memory",
    "is_path",
    "is_real",
    "is_whole",
    "reason",
]

# NumPy does not count JAX's bfloat16 as a number.
_REAL = ("bfloat", "bool", "float", "int", "uint")


def argument_error(name, expected, received, fix, kind=ValueError):
    """Makes the error for an invalid argument, in the form that all errors share.

    Example:

    ```python
    from kerasgan.checks import argument_error

    limit = 0
    raise argument_error("limit", "be above 0", f"limit={limit!r}", "The paper uses 0.01.")
    ```
    """
    return kind(f"`{name}` must {expected}. Received: {received}. {fix}")


def as_array(name, values):
    """Returns `values` as an array on the host, or raises ValueError."""
    # A tensor of the current backend may be on a device, or have a gradient.
    if keras.ops.is_tensor(values):
        return keras.ops.convert_to_numpy(values)
    try:
        return np.asarray(values)
    except Exception as error:  # raised by another library
        raise argument_error(
            name,
            "be an array that NumPy can read",
            f"{name} of type {type(values).__name__} ({error})",
            "Convert it to a NumPy array first (a PyTorch tensor with .detach().float().numpy()).",
        ) from error


def counted(number, noun):
    """A number of things, in words: `1 image`, `2 images`, `2 classes`."""
    if number == 1:
        return f"1 {noun}"
    return f"{number:,} {noun}{'es' if noun.endswith('s') else 's'}"


def in_short(error):
    """The class of an error and the first line of its message."""
    return f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}"


def reason(error):
    """The first sentence of the root cause of a Keras error, which may print whole models."""
    while error.__cause__ or error.__context__:
        error = error.__cause__ or error.__context__
    return str(error).split(". ")[0].rstrip(".")


def is_out_of_memory(error):
    """Whether an error from any backend says that memory ran out."""
    words = ("out of memory", "can't allocate memory", "RESOURCE_EXHAUSTED", "OOM")
    return isinstance(error, MemoryError) or any(word in str(error) for word in words)


def check_value_range(value_range, fix="Pass (-1, 1) for tanh or (0, 1) for sigmoid."):
    """Returns the range as two floats; raises ValueError unless it is (low, high)."""
    is_pair = isinstance(value_range, (tuple, list)) and len(value_range) == 2
    numbers = is_pair and all(is_number(x) and np.isfinite(x) for x in value_range)
    if not (numbers and value_range[0] < value_range[1]):
        raise argument_error(
            "value_range", "be (low, high) with low below high", f"value_range={value_range!r}", fix
        )
    return tuple(map(float, value_range))


def check_image_shape(image_shape, smallest, largest):
    """Returns the shape as Python ints; raises ValueError if it is out of bounds."""
    is_sequence = isinstance(image_shape, (tuple, list, np.ndarray))
    sizes = tuple(image_shape) if is_sequence and len(image_shape) == 3 else (None,)
    if not (
        all(map(is_whole, sizes))
        and all(smallest <= size <= largest for size in sizes[:2])
        and sizes[2] in (1, 3, 4)
    ):
        raise argument_error(
            "image_shape",
            "be (height, width, channels) with 1, 3 or 4 channels and a height and width from "
            f"{smallest} to {largest} pixels",
            f"image_shape={image_shape!r}",
            "Pass image_shape=(64, 64, 3), for example.",
        )
    return tuple(map(int, sizes))


def check_whole(name, value, smallest, largest=None):
    """Returns `value` as a Python int; raises ValueError unless it is whole and in bounds."""
    if not is_whole(value) or value < smallest or (largest is not None and value > largest):
        bounds = f"of at least {smallest}" if largest is None else f"from {smallest} to {largest}"
        raise argument_error(
            name,
            f"be a whole number {bounds}",
            f"{name}={value!r}",
            "Pass a whole number in this range.",
        )
    return int(value)


def check_number(name, value, fix, with_zero=False, below=math.inf):
    """Returns `value` as a Python float; raises ValueError unless it is positive and in bounds.

    Args:
        name: Name of the argument.
        value: Its value.
        fix: How to fix it.
        with_zero: Whether to allow 0.
        below: Upper bound, exclusive.
    """
    if not is_number(value) or not (0 < value < below or (with_zero and value == 0)):
        kind = "finite number" if below == math.inf else "number"
        bounds = "of at least 0" if with_zero else "above 0"
        bounds += "" if below == math.inf else f" and below {below}"
        raise argument_error(name, f"be a {kind} {bounds}", f"{name}={value!r}", fix)
    return float(value)


def check_flag(name, value, fix="Pass True or False."):
    """Returns `value` as a Python bool; raises ValueError for anything else."""
    if not isinstance(value, (bool, np.bool_)):
        raise argument_error(name, "be True or False", f"{name}={value!r}", fix)
    return bool(value)


def check_choice(name, value, choices, fix="Pass one of these."):
    """Raises ValueError unless `value` is among these words, flags or whole numbers."""
    if not isinstance(value, (str, int)) or value not in choices:
        *others, last = map(repr, choices)
        raise argument_error(name, f"be {', '.join(others)} or {last}", f"{name}={value!r}", fix)


def check_path(name, path, expected="be a path", fix="Pass a string or a pathlib.Path."):
    """Raises ValueError unless `path` is a path. "" is refused: it means the current folder."""
    if not is_path(path):
        raise argument_error(name, expected, f"{name}={path!r}", fix)


def check_function(
    name,
    function,
    parameters,
    expected=None,
    fix="Pass a function with these parameters.",
    keywords=(),
):
    """Raises ValueError unless `function` can be called with these parameters.

    Args:
        name: Name of the argument.
        function: Its value. A class is refused; an instance of it may be accepted.
        parameters: Names of the positional parameters, in order.
        expected: What the argument must be; by default a function of `parameters`.
        fix: How to fix it.
        keywords: Names of the keyword parameters.
    """
    expected = expected or f"be a function of ({', '.join(parameters)})"
    if not is_function(function):
        raise argument_error(name, expected, f"{name}={function!r}", fix)
    try:
        inspect.signature(function).bind(*parameters, **dict.fromkeys(keywords))
    except TypeError as error:
        received = f"{name}={function!r}, which cannot be called this way ({error})"
        raise argument_error(name, expected, received, fix) from None
    except ValueError:  # functions written in C may have no signature
        pass


def is_function(value: object) -> TypeGuard[Callable]:
    """Whether `value` is callable but not a class."""
    return callable(value) and not isinstance(value, type)


def is_number(value):
    """Whether `value` is a real number that a float can hold, not a bool."""
    # Integers, in Python and in JSON, have no limit.
    is_integer = is_whole(value) and abs(int(value)) <= sys.float_info.max
    return is_integer or isinstance(value, (float, np.floating))


def is_path(value):
    """Whether `value` is a non-empty path, as text rather than bytes."""
    is_like_one = isinstance(value, (str, os.PathLike))
    return is_like_one and isinstance(os.fspath(value), str) and bool(os.fspath(value))


def is_real(array):
    """Whether an array holds real numbers."""
    return array.dtype.name.startswith(_REAL)


def is_whole(value):
    """Whether `value` is a whole number, not a bool."""
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def is_finite(variables):
    """Whether all variables are free of NaN and infinity."""
    arrays = map(keras.ops.convert_to_numpy, variables)
    return all(np.isfinite(array).all() for array in arrays)
