"""Grids, captions, PNG files and animations."""

import math

import numpy as np
import pytest
from PIL import Image

import kerasgan
from kerasgan import pictures

pytestmark = pytest.mark.any_backend


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
    assert frame.shape == (512, 256, 3)
    assert (frame[100] == (255, 0, 0)).all()
    assert (frame[400] == 255).all()


@pytest.mark.parametrize(
    ("count", "size", "scale"),
    [(64, 28, 4), (64, 32, 4), (64, 64, 2), (64, 128, 1), (64, 300, 1), (1, 28, 8), (16, 28, 8)],
)
def test_small_images_are_enlarged_to_fill_a_screen(count, size, scale):
    images = np.arange(count * size * size, dtype="uint32").astype("uint8")
    images = images.reshape(count, size, size, 1)
    assert pictures.choose_scale(images) == scale
    picture = pictures.grid(images, scale=None)
    assert len(picture) == math.isqrt(count) * (scale * size + 2) + 2
    assert np.array_equal(
        picture[2 : 2 + scale * size : scale, 2 : 2 + scale * size : scale], images[0]
    )


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_a_grid_to_look_at_is_a_picture_of_pillow(channels):
    images = np.random.default_rng(0).integers(0, 256, (3, 4, 5, channels), dtype="uint8")
    picture = kerasgan.image_grid(images, columns=3, scale=2)
    expected = pictures.grid(images, columns=3, scale=2)
    assert np.array_equal(np.asarray(picture).reshape(expected.shape), expected)
    assert hasattr(picture, "_repr_png_")  # by which a notebook shows it


@pytest.mark.parametrize(
    ("images", "options", "name"),
    [
        (np.zeros((4, 4, 1), "uint8"), {}, "images"),
        (np.zeros((0, 4, 4, 1), "uint8"), {}, "images"),
        (np.zeros((1, 4, 4, 1), "float32"), {}, "images"),
        ("photos", {}, "images"),
        (np.zeros((1, 4, 4, 1), "uint8"), {"scale": 1.5}, "scale"),
        (np.zeros((1, 4, 4, 1), "uint8"), {"columns": 0}, "columns"),
    ],
)
def test_a_grid_to_look_at_refuses_what_is_none(images, options, name):
    with pytest.raises(ValueError, match=f"`{name}` must be"):
        kerasgan.image_grid(images, **options)


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_names_stand_in_the_middle_of_their_rows(channels):
    images = np.zeros((6, 20, 30, channels), "uint8")
    grid = pictures.grid(images, columns=2)
    found = pictures.named(grid, ["cat", "", "dog"])
    assert found.dtype == np.uint8 and len(found) == len(grid)
    np.testing.assert_array_equal(found[:, -grid.shape[1] :], grid)
    strip = found[:, : -grid.shape[1], 0]
    assert 10 < strip.shape[1] < 30 and (strip[:, [0, -1]] == 255).all()
    dark = np.flatnonzero((strip < 100).any(axis=1))
    for row, has_text in enumerate((True, False, True)):
        inside = dark[(dark >= 22 * row) & (dark < 22 * (row + 1))] - 22 * row
        assert len(inside) > 5 if has_text else not len(inside)
        assert all(abs(line - 12) <= 6 for line in inside)
    if channels == 4:
        assert (found[:, : -grid.shape[1], 3] == 255).all()


def test_names_are_cut_or_left_out_where_there_is_no_room():
    grid = pictures.grid(np.zeros((2, 20, 30, 1), "uint8"), columns=1)
    widths = [pictures.named(grid, ["a", "b" * count]).shape[1] for count in (10, 100, 1000)]
    assert widths[0] < widths[1] <= grid.shape[1] + 124 and widths[1] == widths[2]
    low = pictures.grid(np.zeros((2, 8, 30, 1), "uint8"), columns=1)
    assert pictures.named(low, ["a", "b"]) is low
    assert pictures.named(grid, None) is grid
