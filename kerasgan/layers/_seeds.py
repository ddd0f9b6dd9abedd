"""The check of a layer's `seed`."""

from kerasgan.checks import check_whole


def check_seed(seed):
    """Returns `seed` as a Python int or None; raises ValueError for anything else."""
    return None if seed is None else check_whole("seed", seed, 0, 2**31 - 1)
