"""A folder of tiny images, and a run on it."""

import numpy as np
import pytest
from commands import TINY, train

from kerasgan import pictures


@pytest.fixture(scope="session")
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data") / "photos"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for index in range(10):
        pictures.save_png(folder / f"{index}.png", rng.integers(0, 256, (16, 16, 3), "uint8"))
    return folder


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KERASGAN_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def run(photos, tmp_path_factory):
    """A finished run of 6 steps: two passes of three batches. Only to be read."""
    folder = tmp_path_factory.mktemp("runs") / "whole"
    assert train(photos, *TINY, "--steps", 6, "--ema", 0.9, "--out", folder) == 0
    return folder
