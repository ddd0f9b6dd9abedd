"""The check of a layer's `seed`."""

from kerasgan.checks import check_whole


def check_seed(seed):
    """Returns `seed` as Python's integer or None; raises ValueError if it is neither."""
    if seed is None:
        return None
    check_whole("seed", seed, 0, 2**31 - 1)
    return int(seed)
