"""The flags in datasets/flags, and the script that renders them."""

import hashlib
import runpy
from pathlib import Path

import numpy as np
import PIL
import pytest
from PIL import Image

pytestmark = pytest.mark.any_backend

ROOT = Path(__file__).resolve().parent.parent
FLAGS = sorted((ROOT / "datasets" / "flags").glob("*.png"))


@pytest.fixture(scope="module")
def render_flags():
    return runpy.run_path(str(ROOT / "scripts" / "measure" / "render_flags.py"))


def pixels(code):
    with Image.open(ROOT / "datasets" / "flags" / f"{code}.png") as image:
        return np.asarray(image).astype(int)


def test_there_are_258_flags_named_by_country_code():
    codes = {path.stem for path in FLAGS}
    assert len(codes) == 258
    assert all(len(code) == 2 and code.isalpha() and code.islower() for code in codes)
    assert {"ad", "fr", "zw", "ac", "eu", "un", "xk"} <= codes
    assert not {"aa", "uk", "zz"} & codes


def test_flags_are_64_by_64_rgba_files_of_at_most_a_megabyte_and_a_half():
    for path in FLAGS:
        with Image.open(path) as image:
            assert (image.format, image.mode, image.size) == ("PNG", "RGBA", (64, 64)), path.name
    assert sum(path.stat().st_size for path in FLAGS) <= 1_500_000


def test_250_flags_are_distinct_pictures():
    assert len({pixels(path.stem).tobytes() for path in FLAGS}) == 250


def test_every_flag_is_centred_on_transparent_ground():
    for path in FLAGS:
        with Image.open(path) as image:
            left, top, right, bottom = image.getbbox()
        assert abs(left - (64 - right)) <= 1, path.name
        if path.name != "np.png":  # two pennants, the upper edge of which slopes
            assert abs(top - (64 - bottom)) <= 1, path.name


def test_a_file_shows_the_flag_of_its_name():
    blue, white, red = pixels("fr")[32, [10, 31, 53], :3]
    assert blue.argmax() == 2 and blue[2] > blue[0] + 80
    assert white.min() > 220
    assert red.argmax() == 0 and red[0] > red[2] + 80


def test_edges_have_no_fringes():
    # Japan's flag is white with a pale grey rim. Colours mixed with the black that lies under
    # transparent pixels would show as a dark line around it.
    japan = pixels("jp")
    edge = (japan[..., 3] > 16) & (japan[..., 3] < 255)
    assert edge.sum() > 100
    assert japan[edge][:, :3].min() > 150


def test_rendering_gives_the_same_bytes(render_flags):
    font = render_flags["FONT"]
    if not font.is_file():
        pytest.skip(f"the font is not installed: {font}")
    if hashlib.sha256(font.read_bytes()).hexdigest() != render_flags["FONT_SHA256"]:
        pytest.skip(f"another version of the font is installed; wanted {render_flags['VERSIONS']}")
    if PIL.__version__ != render_flags["PILLOW"]:
        pytest.skip(f"Pillow {PIL.__version__} is installed; wanted {render_flags['VERSIONS']}")
    files = render_flags["render_all"]()
    assert list(files) == [path.name for path in FLAGS]
    assert all(files[path.name] == path.read_bytes() for path in FLAGS)


def test_rendering_without_the_font_names_the_package(render_flags, tmp_path):
    with pytest.raises(FileNotFoundError, match="apt-get install fonts-noto-color-emoji"):
        render_flags["render_all"](tmp_path / "NotoColorEmoji.ttf")
