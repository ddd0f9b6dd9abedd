"""Folders of tiny images, and runs on them."""

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


@pytest.fixture(scope="session")
def pets(tmp_path_factory):
    """A folder of 7 cats and 5 dogs."""
    folder = tmp_path_factory.mktemp("data") / "pets"
    rng = np.random.default_rng(1)
    for name, count in (("cat", 7), ("dog", 5)):
        (folder / name).mkdir(parents=True)
        for index in range(count):
            image = rng.integers(0, 256, (16, 16, 3), "uint8")
            pictures.save_png(folder / name / f"{index}.png", image)
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


@pytest.fixture(scope="session")
def run_of_pets(pets, tmp_path_factory):
    """A finished run of 4 steps with labels. Only to be read."""
    folder = tmp_path_factory.mktemp("runs") / "pets"
    assert train(pets, *TINY, "--model", "cgan", "--steps", 4, "--out", folder) == 0
    return folder
