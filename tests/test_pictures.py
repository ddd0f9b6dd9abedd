"""Grids, captions, PNG files and animations."""

import numpy as np
import pytest
from PIL import Image

from kerasgan import pictures


def test_a_grid_holds_the_images_in_reading_order():
    shades = np.stack([np.full((2, 3, 3), value, "uint8") for value in (10, 20, 30)])
    picture = pictures.grid(shades, columns=2, padding=1)
    assert picture.shape == (2 * 3 + 1, 2 * 4 + 1, 3) and picture.dtype == np.uint8
    assert picture[1, 1, 0] == 10 and picture[1, 5, 0] == 20 and picture[4, 1, 0] == 30
    assert picture[4, 5, 0] == picture[0, 0, 0] == 255
    assert pictures.grid(np.zeros((7, 4, 4, 1), "uint8")).shape == (20, 20, 1)


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_pngs_hold_what_was_written(tmp_path, channels):
    picture = np.random.default_rng(0).integers(0, 256, (5, 7, channels), dtype="uint8")
    pictures.save_png(tmp_path / "x.png", picture)
    with Image.open(tmp_path / "x.png") as there:
        assert np.array_equal(np.asarray(there).reshape(5, 7, channels), picture)


def test_gifs_move(tmp_path):
    frames = [np.full((4, 4, 3), value, "uint8") for value in (0, 128, 255)]
    pictures.save_gif(tmp_path / "x.gif", frames)
    with Image.open(tmp_path / "x.gif") as there:
        assert there.n_frames == 3 and there.info["loop"] == 0


@pytest.mark.parametrize(("width", "factor"), [(8, 5), (39, 2), (40, 1), (64, 1)])
def test_captions_stand_under_images_that_are_wide_enough_for_them(width, factor):
    images = np.zeros((2, 3, width, 3), "uint8")
    found = pictures.captioned(images, ["0.12", "-3.45"])
    assert found.shape == (2, factor * 3 + 12, factor * width, 3) and found.dtype == np.uint8
    assert not found[:, : factor * 3].any()
    text = found[:, factor * 3 :]
    assert (text.min(axis=(1, 2, 3)) < 100).all() and (text.max(axis=(1, 2, 3)) == 255).all()
    assert not np.array_equal(text[0], text[1])


def test_frames_show_transparency_as_white_and_large_pictures_small():
    images = np.zeros((1, 600, 300, 4), "uint8")
    images[:, :300] = (255, 0, 0, 255)
    frame = pictures.fit_frame(pictures.opaque(images)[0])
    assert frame.shape == (256, 128, 3)
    assert (frame[50] == (255, 0, 0)).all()
    assert (frame[200] == 255).all()
