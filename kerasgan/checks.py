"""Checks of arguments: an error before any work that says how to mend it."""

import inspect
import math
import os

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

# JAX's bfloat16 is no kind of number to NumPy.
_REAL = ("bfloat", "bool", "float", "int", "uint")


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


def as_array(name, values):
    """`values` on the host; ValueError unless they make an array."""
    # A tensor of the backend in use may be on a device, or have a gradient.
    if keras.ops.is_tensor(values):
        return keras.ops.convert_to_numpy(values)
    try:
        return np.asarray(values)
    except Exception as error:  # another library's own
        raise argument_error(
            name,
            "be an array that NumPy can read",
            f"{name} of type {type(values).__name__} ({error})",
            "Convert it to a NumPy array first; a tensor of PyTorch by .detach().float().numpy().",
        ) from error


def in_short(error):
    """The kind of an error and the first line of its message."""
    return f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}"


def reason(error):
    """The first sentence of the error behind an error of Keras, which may print whole models."""
    while error.__cause__ or error.__context__:
        error = error.__cause__ or error.__context__
    return str(error).split(". ")[0].rstrip(".")


def is_out_of_memory(error):
    """Whether an error, of whatever class its backend has for it, says that memory is short."""
    words = ("out of memory", "can't allocate memory", "RESOURCE_EXHAUSTED", "OOM")
    return isinstance(error, MemoryError) or any(word in str(error) for word in words)


def check_value_range(value_range, fix="Pass (-1, 1) for tanh or (0, 1) for sigmoid."):
    """The range as a pair of floats; ValueError unless it is (low, high)."""
    is_pair = isinstance(value_range, (tuple, list)) and len(value_range) == 2
    numbers = is_pair and all(is_number(x) and np.isfinite(x) for x in value_range)
    if not (numbers and value_range[0] < value_range[1]):
        raise argument_error(
            "value_range", "be (low, high) with low below high", f"value_range={value_range!r}", fix
        )
    return tuple(map(float, value_range))


def check_image_shape(image_shape, smallest, largest):
    """The shape as Python's integers; ValueError unless its sides are within bounds."""
    is_sequence = isinstance(image_shape, (tuple, list, np.ndarray))
    sizes = tuple(image_shape) if is_sequence and len(image_shape) == 3 else (None,)
    if not (
        all(map(is_whole, sizes))
        and all(smallest <= size <= largest for size in sizes[:2])
        and sizes[2] in (1, 3, 4)
    ):
        raise argument_error(
            "image_shape",
            f"be (height, width, channels) with a height and a width of {smallest} to {largest} "
            "pixels and 1, 3 or 4 channels",
            f"image_shape={image_shape!r}",
            "Pass for example image_shape=(64, 64, 3).",
        )
    return tuple(map(int, sizes))


def check_whole(name, value, smallest, largest=None):
    """`value` as Python's integer; ValueError unless it is a whole number within bounds."""
    if not is_whole(value) or value < smallest or (largest is not None and value > largest):
        bounds = f"at least {smallest}" + ("" if largest is None else f" and at most {largest}")
        raise argument_error(
            name, f"be a whole number of {bounds}", f"{name}={value!r}", "Pass such a number."
        )
    return int(value)


def check_number(name, value, fix, with_zero=False, below=math.inf):
    """`value` as Python's float; ValueError unless it is a number above 0, or 0, within bounds.

    Args:
        name: Name of the argument.
        value: Its value.
        fix: How to mend it.
        with_zero: Whether 0 will do.
        below: What it must be smaller than.
    """
    if not is_number(value) or not (0 < value < below or (with_zero and value == 0)):
        kind = "finite number" if below == math.inf else "number"
        bounds = "of at least 0" if with_zero else "above 0"
        bounds += "" if below == math.inf else f" and below {below}"
        raise argument_error(name, f"be a {kind} {bounds}", f"{name}={value!r}", fix)
    return float(value)


def check_flag(name, value, fix="Pass one or the other."):
    """`value` as Python's bool; ValueError unless it is True or False."""
    if not isinstance(value, (bool, np.bool_)):
        raise argument_error(name, "be True or False", f"{name}={value!r}", fix)
    return bool(value)


def check_choice(name, value, choices, fix="Pass one of these."):
    """Raises ValueError unless `value` is one of these words, flags or whole numbers."""
    if not isinstance(value, (str, int)) or value not in choices:
        *others, last = map(repr, choices)
        raise argument_error(name, f"be {', '.join(others)} or {last}", f"{name}={value!r}", fix)


def check_path(name, path, expected="be a path", fix="Pass text or a pathlib.Path."):
    """Raises ValueError unless `path` is a path, and not an empty one: the current folder."""
    if not is_path(path):
        raise argument_error(name, expected, f"{name}={path!r}", fix)


def check_function(
    name, function, parameters, expected=None, fix="Pass such a function.", keywords=()
):
    """Raises ValueError unless `function` can be called with these parameters.

    Args:
        name: Name of the argument.
        function: Its value. A class will not do: an object of it may.
        parameters: Names of the parameters that it is called with, in order.
        expected: What the argument must be; by default a function of these.
        fix: How to mend it.
        keywords: Names of those that it is called with by name.
    """
    expected = expected or f"be a function of ({', '.join(parameters)})"
    if not is_function(function):
        raise argument_error(name, expected, f"{name}={function!r}", fix)
    try:
        inspect.signature(function).bind(*parameters, **dict.fromkeys(keywords))
    except TypeError as error:
        received = f"{name}={function!r}, which cannot be called so ({error})"
        raise argument_error(name, expected, received, fix) from None
    except ValueError:  # functions written in C may not tell
        pass


def is_function(value):
    """Whether `value` can be called, and is no class."""
    return callable(value) and not isinstance(value, type)


def is_number(value):
    """Whether `value` is a real number, and no bool."""
    return is_whole(value) or isinstance(value, (float, np.floating))


def is_path(value):
    """Whether `value` is a path of text, and not an empty one."""
    is_like_one = isinstance(value, (str, os.PathLike))
    return is_like_one and isinstance(os.fspath(value), str) and bool(os.fspath(value))


def is_real(array):
    """Whether an array holds real numbers."""
    return array.dtype.name.startswith(_REAL)


def is_whole(value):
    """Whether `value` is a whole number, and no bool."""
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def is_finite(variables):
    """Whether none of them holds NaN or infinity."""
    arrays = map(keras.ops.convert_to_numpy, variables)
    return all(np.isfinite(array).all() for array in arrays)
