"""Checks of the arrays passed to metrics."""

import numpy as np

from kerasgan.checks import argument_error, as_array, check_number, is_real


def check_features(k=1, **named):
    """Feature vectors in float64; raises ValueError unless `(n, d)`, finite, and n above `k`."""
    checked = {}
    for name, values in named.items():
        array = as_array(name, values)
        is_shaped = array.ndim == 2 and len(array) > k and is_real(array)
        if not is_shaped or not np.isfinite(array).all():
            raise argument_error(
                name,
                f"be an array (n, d) of finite numbers, with n above {k}",
                f"{name} of shape {array.shape} and dtype {array.dtype}"
                + (", with NaN or infinity" if is_shaped else ""),
                "Pass one vector per image, or more images.",
            )
        checked[name] = array.astype("float64")
    sizes = {name: array.shape[1] for name, array in checked.items()}
    if len(set(sizes.values())) > 1:
        first, second = sizes
        raise argument_error(
            second,
            f"have vectors of the same length as `{first}`",
            f"{sizes[second]} and {sizes[first]}",
            "Use the same encoder for both.",
        )
    return list(checked.values())


def check_images(name, values, channels=(1, 3, 4)):
    """uint8 images `(n, height, width, channels)`; raises ValueError otherwise."""
    array = as_array(name, values)
    if array.ndim != 4 or array.shape[-1] not in channels or not len(array):
        *others, last = map(str, channels)
        named = f"{', '.join(others)} or {last}" if others else last
        raise argument_error(
            name,
            f"be uint8 (n, height, width, {named})",
            f"{name} of shape {array.shape}",
            "Add the missing axes.",
        )
    if array.dtype != np.uint8:
        raise argument_error(
            name, "be uint8", f"{name} of dtype {array.dtype}", "gan.sample gives uint8."
        )
    return array


def check_points(name, values, is_finite=False):
    """Points `(n, 2)` in float64; those of a diverged generator may not be finite."""
    array = as_array(name, values)
    is_shaped = array.ndim == 2 and array.shape[1] == 2 and len(array) and is_real(array)
    if not is_shaped or (is_finite and not np.isfinite(array).all()):
        raise argument_error(
            name,
            "be an array (n, 2)" + (" of finite numbers" if is_finite else ""),
            f"{name} of shape {array.shape} and dtype {array.dtype}"
            + (", with NaN or infinity" if is_shaped else ""),
            "Pass one row of two numbers per point.",
        )
    return array.astype("float64")


def check_deviation(deviation):
    usual = "The paper uses RING_DEVIATION and GRID_DEVIATION."
    check_number("deviation", deviation, usual, with_zero=True)
