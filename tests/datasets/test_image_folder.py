"""`ImageFolder`: what people's folders hold, the cache, and the order of the images."""

import errno
import hashlib
import io
import json
import math
import os
import random
import socket
import struct
import subprocess
import sys
import threading
import time
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image, ImageDraw
from skimage.color import rgb2gray
from skimage.transform import resize

from kerasgan.datasets import ImageFolder, _decode, _read
from kerasgan.datasets._folder import Folder

pytestmark = pytest.mark.any_backend

ROOT = Path(__file__).resolve().parents[2]


def colors(count):
    """`count` colours that are far apart from each other."""
    return [(37 * i % 256, 91 * i % 256, 151 * i % 256) for i in range(count)]


def write_colors(folder, count, size=(8, 8)):
    folder.mkdir(parents=True, exist_ok=True)
    for number, color in enumerate(colors(count)):
        Image.new("RGB", size, color).save(folder / f"{number:05d}.png")
    return folder


def everything(dataset):
    """All images of a pass (and all labels)."""
    batches = [dataset[index] for index in range(len(dataset))]
    if isinstance(batches[0], tuple):
        return tuple(np.concatenate(parts) for parts in zip(*batches, strict=True))
    return np.concatenate(batches)


def load(folder, image_shape=(8, 8, 3), **options):
    """The images of a folder by name, in memory."""
    return everything(ImageFolder(folder, image_shape, shuffle=False, cache=False, **options))


def picture(size=(32, 32)):
    """A smooth picture with something in each corner."""
    image = Image.new("RGB", size, (200, 220, 240))
    draw = ImageDraw.Draw(image)
    width, height = size
    draw.rectangle((0, 0, width // 2, height // 3), fill=(220, 40, 30))
    draw.ellipse((width // 2, height // 2, width, height), fill=(20, 60, 200))
    draw.rectangle((0, height // 2, width // 4, height), fill=(30, 160, 60))
    return image


def png(width, height, *chunks, data=b""):
    """A PNG file from its chunks, each `(kind, body)`."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = [(b"IHDR", header), *chunks, (b"IDAT", zlib.compress(data)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in parts
    )


# Batches and order


def test_batches_are_uint8_and_the_last_one_is_short(tmp_path):
    dataset = ImageFolder(write_colors(tmp_path / "d", 7), (8, 8, 3), batch_size=3)
    assert (len(dataset), dataset.num_images, dataset.num_classes) == (3, 7, None)
    assert dataset.class_names is None and dataset.image_shape == (8, 8, 3)
    assert [dataset[i].shape for i in range(3)] == [(3, 8, 8, 3), (3, 8, 8, 3), (1, 8, 8, 3)]
    images = everything(dataset)
    assert images.dtype == np.uint8
    assert sorted(map(tuple, images[:, 0, 0].tolist())) == sorted(colors(7))
    with pytest.raises(IndexError):
        dataset[3]
    large = ImageFolder(tmp_path / "d", (8, 8, 3), batch_size=100)
    assert len(large) == 1 and large[0].shape == (7, 8, 8, 3)


def test_order_depends_on_seed_and_pass_alone(tmp_path):
    folder = write_colors(tmp_path / "d", 40)
    dataset = ImageFolder(folder, (8, 8, 3), batch_size=7, mirror=True)
    passes = []
    for epoch in range(4):
        assert dataset.epoch == epoch
        passes.append(everything(dataset))
        dataset.on_epoch_end()
    assert len({images.tobytes() for images in passes}) == 4
    resumed = ImageFolder(folder, (8, 8, 3), batch_size=7, mirror=True)
    for epoch in (3, 0, 2):
        resumed.set_epoch(epoch)
        np.testing.assert_array_equal(everything(resumed), passes[epoch])
        # Reading, in any order or twice, changes nothing.
        np.testing.assert_array_equal(resumed[4], passes[epoch][28:35])
    other = ImageFolder(folder, (8, 8, 3), batch_size=7, mirror=True, seed=1)
    assert everything(other).tobytes() != passes[0].tobytes()


def test_shuffle_false_is_the_order_of_names(tmp_path):
    for name in ("b.png", "a.png", "B.png", "a/z.png", "a-b/z.png", "10.png", "9.png"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        color = hashlib.sha256(name.encode()).digest()[:3]
        Image.new("RGB", (4, 4), tuple(color)).save(path)
    names = ["10.png", "9.png", "B.png", "a-b/z.png", "a.png", "a/z.png", "b.png"]
    expected = [tuple(hashlib.sha256(name.encode()).digest()[:3]) for name in names]
    assert [tuple(image[0, 0].tolist()) for image in load(tmp_path)] == expected


def test_mirror_flips_half_of_the_images_and_nothing_else(tmp_path):
    for number in range(64):
        picture((16, 16)).save(tmp_path / f"{number}.png")
    plain = load(tmp_path, (16, 16, 3))[0]
    dataset = ImageFolder(tmp_path, (16, 16, 3), mirror=True, shuffle=False)
    seen = []
    for epoch in range(3):
        dataset.set_epoch(epoch)
        flipped = [(image == plain[:, ::-1]).all() for image in dataset[0]]
        unflipped = [(image == plain).all() for image in dataset[0]]
        assert all(a != b for a, b in zip(flipped, unflipped, strict=True))
        assert 16 < sum(flipped) < 48
        seen.append(flipped)
    assert seen[0] != seen[1] != seen[2]


def test_validation_split(tmp_path):
    folder = write_colors(tmp_path / "d", 20)
    parts = {}
    for subset in ("training", "validation"):
        dataset = ImageFolder(folder, (8, 8, 3), validation_split=0.25, subset=subset)
        parts[subset] = {tuple(image[0, 0].tolist()) for image in everything(dataset)}
        assert dataset.num_images == len(parts[subset])
    assert len(parts["validation"]) == 5 and len(parts["training"]) == 15
    assert parts["training"] | parts["validation"] == set(colors(20))
    assert parts["validation"] != set(colors(20)[:5])
    other = ImageFolder(folder, (8, 8, 3), validation_split=0.25, subset="validation", seed=3)
    assert {tuple(image[0, 0].tolist()) for image in everything(other)} != parts["validation"]


def test_labels_are_the_subfolders(tmp_path):
    for number, name in enumerate(("zebra", "ant", "cat")):
        write_colors(tmp_path / name / "deeper", number + 1)
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "readme.txt").write_text("no class")
    dataset = ImageFolder(tmp_path, (8, 8, 3), batch_size=4, shuffle=False)
    assert dataset.class_names == ["ant", "cat", "zebra"] and dataset.num_classes == 3
    images, labels = dataset[0]
    assert images.shape == (4, 8, 8, 3) and labels.dtype.kind == "i" and labels.shape == (4,)
    assert everything(dataset)[1].tolist() == [0, 0, 1, 1, 1, 2]
    assert dataset.class_sizes == [2, 3, 1]
    unlabelled = ImageFolder(tmp_path, (8, 8, 3), labels=False)
    assert unlabelled.num_classes is None and unlabelled.class_sizes is None
    assert unlabelled[0].shape == (6, 8, 8, 3)


def test_labels_stay_with_their_images_around_a_broken_file(tmp_path):
    for number, name in enumerate(("a", "b")):
        (tmp_path / name).mkdir()
        for index in range(6):
            Image.new("RGB", (4, 4), (100 * number, index, 0)).save(
                tmp_path / name / f"{index}.png"
            )
    (tmp_path / "a" / "2.png").write_bytes(b"")
    with pytest.warns(UserWarning, match="1 of 12"):
        dataset = ImageFolder(tmp_path, (4, 4, 3), batch_size=5)
    images, labels = everything(dataset)
    assert len(images) == 11 and dataset.class_sizes == [5, 6]
    np.testing.assert_array_equal(images[:, 0, 0, 0], 100 * labels)


def test_one_subfolder_is_no_class_unless_asked_for(tmp_path):
    write_colors(tmp_path / "images", 3)
    assert ImageFolder(tmp_path, (8, 8, 3)).num_classes is None
    assert ImageFolder(tmp_path, (8, 8, 3), labels=True).class_names == ["images"]
    write_colors(tmp_path / "more", 3)
    Image.new("RGB", (4, 4)).save(tmp_path / "top.png")
    assert ImageFolder(tmp_path, (8, 8, 3)).num_classes is None
    with pytest.raises(ValueError, match="`labels` must be False or None.*subfolder"):
        ImageFolder(tmp_path, (8, 8, 3), labels=True)


@pytest.mark.parametrize("workers", [1, 2])
def test_trains_an_ordinary_keras_model(tmp_path, workers):
    rng = np.random.default_rng(0)
    for name, channel in (("blue", 2), ("red", 0)):
        (tmp_path / name).mkdir()
        for index in range(30):
            pixels = rng.integers(0, 60, (8, 8, 3), dtype=np.uint8)
            pixels[..., channel] += 180
            Image.fromarray(pixels).save(tmp_path / name / f"{index}.png")
    options = {"image_shape": (8, 8, 3), "batch_size": 16, "validation_split": 0.2}
    training = ImageFolder(tmp_path, subset="training", **options)
    validation = ImageFolder(tmp_path, subset="validation", **options)
    training.workers = workers
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Flatten(),
            keras.layers.Dense(2),
        ]
    )
    model.compile(
        keras.optimizers.Adam(0.05),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    history = model.fit(training, validation_data=validation, epochs=5, verbose=0)
    assert history.history["val_accuracy"][-1] == 1
    # JAX looks at one batch before the first pass, which Keras counts as one.
    assert training.epoch >= 5


# Formats, modes, shapes


def test_every_format(tmp_path):
    image = picture()
    lossless = ("a.png", "b.bmp", "c.gif", "d.tif", "e.ppm", "f.TIFF", "g.PNG")
    lossy = ("h.jpg", "i.JPEG", "j.jp2", "k.webp", "l.avif")
    for name in lossless + lossy:
        image.save(tmp_path / name)
    images = load(tmp_path, (32, 32, 3))
    assert len(images) == len(lossless) + len(lossy)
    for name, found in zip(sorted(lossless + lossy), images.astype(int), strict=True):
        with Image.open(tmp_path / name) as stored:
            assert np.abs(found - np.asarray(stored.convert("RGB"))).max() <= 3, name
        assert np.abs(found - np.asarray(image)).mean() < (1 if name in lossless else 15), name


def modes():
    image = picture()
    transparent = image.convert("RGBA")
    transparent.putalpha(Image.linear_gradient("L").resize((32, 32)))
    palette = image.quantize(8)
    palette_bytes = image.quantize(4)
    palette_bytes.info["transparency"] = bytes([255, 0, 128, 40])
    return {
        "1.png": image.convert("1"),
        "L.png": image.convert("L"),
        "LA.png": transparent.convert("LA"),
        "P.png": palette,
        "P.gif": palette,
        "Pbytes.png": palette_bytes,
        "RGB.png": image,
        "RGBA.png": transparent,
        "RGBA.webp": transparent,
        "CMYK.jpg": image.convert("CMYK"),
        "CMYK.tif": image.convert("CMYK"),
        "YCbCr.tif": image.convert("YCbCr"),
        "RGBA.tif": transparent,
    }


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_a_transparent_value_of_16_bit_grey(tmp_path, channels):
    values = np.array([[0, 256 * 50], [256 * 50 + 1, 65535]], np.uint16)
    Image.fromarray(values).save(tmp_path / "a.png", transparency=256 * 50 + 1)
    (image,) = load(tmp_path, (2, 2, channels), background="white")
    grey = [[0, 50], [50 if channels == 4 else 255, 255]]
    assert np.abs(image[..., 0].astype(int) - grey).max() <= 1
    assert channels < 4 or image[..., 3].tolist() == [[255, 255], [0, 255]]


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("name", modes())
def test_every_mode_has_the_colours_pillow_gives_it(tmp_path, name, channels):
    options = {"lossless": True, "exact": True} if name.endswith("webp") else {}
    modes()[name].save(tmp_path / name, **options)
    with Image.open(tmp_path / name) as stored:
        expected = stored.convert("RGBA")
        if stored.mode in ("CMYK", "YCbCr"):
            expected = stored.convert("RGB").convert("RGBA")
    if channels < 4:
        canvas = Image.new("RGBA", expected.size, "yellow")
        expected = Image.alpha_composite(canvas, expected).convert("RGB")
    expected = np.asarray(expected)
    if channels == 1:
        expected = 255 * rgb2gray(expected)[..., np.newaxis]
    (image,) = load(tmp_path, (32, 32, channels), background="yellow")
    assert np.abs(image.astype(int) - expected).max() <= 3
    assert image.std() > 20


def test_grey_pictures_stay_as_they_are(tmp_path):
    values = np.arange(256, dtype="uint8").reshape(16, 16)
    Image.fromarray(values).save(tmp_path / "a.png")
    np.testing.assert_array_equal(load(tmp_path, (16, 16, 1))[0, ..., 0], values)


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.pgm"])
def test_16_bit_grey_is_scaled(tmp_path, name):
    gradient = np.linspace(0, 65535, 64 * 64).reshape(64, 64).astype(np.uint16)
    Image.fromarray(gradient).save(tmp_path / name)
    (image,) = load(tmp_path, (64, 64, 3))
    expected = np.repeat(gradient[..., np.newaxis] / 257, 3, axis=-1)
    assert np.abs(image - expected).max() <= 1


def test_big_endian_16_bit_tiff(tmp_path):
    values = np.array([[0, 256 * 50], [256 * 100, 65535]], ">u2")
    tags = [(256, 2), (257, 2), (258, 16), (259, 1), (262, 1), (273, 8), (277, 1), (278, 2)]
    tags.append((279, values.nbytes))
    directory = struct.pack(">H", len(tags)) + b"".join(
        struct.pack(">HHIHH", tag, 3, 1, value, 0) for tag, value in tags
    )
    header = b"MM\0*" + struct.pack(">I", 8 + values.nbytes)
    (tmp_path / "a.tif").write_bytes(header + values.tobytes() + directory + b"\0\0\0\0")
    (image,) = load(tmp_path, (2, 2, 1))
    assert image[..., 0].tolist() == [[0, 50], [100, 255]]


def test_32_bit_tiff_is_left_out_and_says_why(tmp_path):
    Image.fromarray(np.ones((4, 4), np.float32)).save(tmp_path / "float.tif")
    Image.fromarray(np.ones((4, 4), np.int32)).save(tmp_path / "int.tif")
    Image.new("RGB", (4, 4)).save(tmp_path / "good.png")
    with pytest.warns(UserWarning, match="2 of 3.*32-bit"):
        assert len(load(tmp_path)) == 1


def test_first_frame_of_animations(tmp_path):
    frames = [Image.new("RGB", (8, 8), color) for color in ("red", "lime", "blue")]
    for name in ("a.gif", "b.png", "c.tif", "d.webp"):
        frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:])
    Image.new("RGB", (8, 8), "red").save(tmp_path / "still.gif")
    images = load(tmp_path)
    assert images.shape == (5, 8, 8, 3)
    assert np.abs(images.astype(int) - [255, 0, 0]).max() <= 3


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tif"])
def test_upright_by_exif(tmp_path, suffix):
    upright = picture((48, 32))
    turns = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    for orientation in range(1, 9):
        stored = upright.transpose(turns[orientation]) if orientation in turns else upright
        exif = Image.Exif()
        exif[274] = orientation
        options = {"jpg": {"quality": 98, "subsampling": 0}, "webp": {"lossless": True}}
        path = tmp_path / f"{orientation}.{suffix}"
        stored.save(path, exif=exif, **options.get(suffix, {}))
    images = load(tmp_path, (32, 48, 3))
    assert len(images) == 8
    error = np.abs(images.astype(int) - np.asarray(upright).astype(int)).mean(axis=(1, 2, 3))
    assert error.max() < 1


def test_fits(tmp_path):
    image = Image.new("RGB", (30, 10), "white")
    image.paste("red", (0, 0, 10, 10))
    image.paste("lime", (10, 0, 20, 10))
    image.paste("blue", (20, 0, 30, 10))
    image.save(tmp_path / "a.png")
    red, lime, blue = [255, 0, 0], [0, 255, 0], [0, 0, 255]

    (crop,) = load(tmp_path, (10, 10, 3), fit="crop")
    assert (crop == lime).all()

    (pad,) = load(tmp_path, (30, 30, 3), fit="pad", background=(9, 8, 7))
    assert (pad[:10] == [9, 8, 7]).all() and (pad[20:] == [9, 8, 7]).all()
    assert (pad[10:20, :10] == red).all() and (pad[10:20, 20:] == blue).all()

    (stretch,) = load(tmp_path, (10, 30, 3), fit="stretch")
    assert (stretch[:, :10] == red).all() and (stretch[:, 10:20] == lime).all()
    (tall,) = load(tmp_path, (40, 3, 3), fit="stretch")
    assert tall.shape == (40, 3, 3)
    assert (np.abs(tall.astype(int) - [red, lime, blue]).max(axis=(0, 2)) < 90).all()


@pytest.mark.parametrize("fit", ["crop", "pad", "stretch"])
def test_extreme_shapes(tmp_path, fit):
    sizes = [(1, 1), (1, 500), (500, 1), (2, 3), (3000, 2), (64, 64), (63, 65), (7, 200)]
    for number, size in enumerate(sizes):
        Image.new("RGB", size, (10, 20, 30)).save(tmp_path / f"{number}.png")
    images = load(tmp_path, (24, 16, 3), fit=fit, background="white")
    assert images.shape == (len(sizes), 24, 16, 3)
    # Even the thinnest picture is there.
    assert (images == [10, 20, 30]).all(axis=-1).any(axis=(1, 2)).all()
    if fit != "pad":
        assert (images == [10, 20, 30]).all()


def test_shrinking_is_close_to_scikit_image_and_does_not_alias(tmp_path):
    y, x = np.mgrid[:600, :600] / 600
    rings = 127 + 120 * np.sin(40 * (x**2 + y**2))
    colour = np.stack([rings, 255 * x, 255 * y], axis=-1).astype(np.uint8)
    Image.fromarray(colour).save(tmp_path / "a.png")
    Image.fromarray(colour).save(tmp_path / "b.jpg", quality=95, subsampling=0)
    stripes = np.zeros((256, 256, 3), np.uint8)
    stripes[:, ::2] = 255
    Image.fromarray(stripes).save(tmp_path / "c.png")
    expected = resize(colour, (64, 64), anti_aliasing=True) * 255
    from_png, from_jpeg, from_stripes = load(tmp_path, (64, 64, 3))
    assert np.abs(from_png - expected).mean() < 1.5
    assert np.abs(from_jpeg - expected).mean() < 1.5
    assert np.abs(from_stripes.astype(int) - 127).max() <= 10


def test_no_colour_bleeds_from_under_transparent_pixels(tmp_path):
    pixels = np.zeros((64, 64, 4), np.uint8)
    pixels[:] = (255, 0, 0, 0)  # transparent red
    pixels[16:48, 16:48] = (0, 0, 255, 255)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    for side in (15, 40, 100):
        (white,) = load(tmp_path, (side, side, 3), background="white")
        # From white to blue, red and green fall together.
        assert np.abs(white[..., 0].astype(int) - white[..., 1]).max() <= 2
        assert tuple(white[0, 0]) == (255, 255, 255)
        (kept,) = load(tmp_path, (side, side, 4))
        visible = kept[..., 3] > 8
        assert kept[visible][:, 0].max() <= 2 and kept[visible][:, 2].min() >= 253
        assert kept[0, 0, 3] == 0 and kept[side // 2, side // 2, 3] == 255


def test_background_around_a_padded_image(tmp_path):
    Image.new("RGBA", (4, 8), (0, 0, 255, 255)).save(tmp_path / "a.png")
    for background, expected in (
        ("white", (255, 255, 255, 255)),
        ("#102030", (16, 32, 48, 255)),
        ((1, 2, 3), (1, 2, 3, 255)),
        ((1, 2, 3, 0), (1, 2, 3, 0)),
    ):
        (image,) = load(tmp_path, (8, 8, 4), fit="pad", background=background)
        assert tuple(image[0, 0]) == expected
        assert tuple(image[0, 4]) == (0, 0, 255, 255)
    (grey,) = load(tmp_path, (8, 8, 1), fit="pad", background="#ff0000")
    assert grey[0, 0, 0] == 54  # 0.2125 of red


# Broken and hostile folders


def test_broken_files_are_left_out_and_reported_once(tmp_path):
    good = picture((64, 64))
    for suffix in ("jpg", "png", "webp", "gif", "bmp", "tif"):
        buffer = io.BytesIO()
        good.save(buffer, {"jpg": "jpeg", "tif": "tiff"}.get(suffix, suffix))
        whole = buffer.getvalue()
        (tmp_path / f"good.{suffix}").write_bytes(whole)
        (tmp_path / f"half.{suffix}").write_bytes(whole[: len(whole) // 2])
        (tmp_path / f"zero.{suffix}").write_bytes(b"")
        (tmp_path / f"html.{suffix}").write_bytes(b"<html><body>404</body></html>")
        if suffix in ("jpg", "png"):
            (tmp_path / f"tail.{suffix}").write_bytes(whole[:-40])
    damaged = bytearray((tmp_path / "good.png").read_bytes())
    damaged[damaged.index(b"IDAT") + 12] ^= 1
    (tmp_path / "crc.png").write_bytes(damaged)
    dataset = None
    with pytest.warns(UserWarning, match="21 of 27 image files") as caught:
        dataset = ImageFolder(tmp_path, (16, 16, 3), shuffle=False)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert dataset.num_images == 6
    assert not [name for name in dataset.skipped if name.startswith("good")]
    assert dataset.skipped["zero.png"].startswith("the file is empty")
    assert dataset.skipped["html.jpg"] == "not an image of a known format"
    assert "truncated" in dataset.skipped["half.png"]
    assert "truncated" in dataset.skipped["half.jpg"]
    assert "damaged" in dataset.skipped["crc.png"]
    message = str(caught[0].message)
    assert "'crc.png' (" in message and "and 16 more" in message
    expected = np.asarray(good.resize((16, 16), Image.Resampling.BILINEAR)).astype(int)
    assert np.abs(everything(dataset).astype(int) - expected).mean(axis=(1, 2, 3)).max() < 8
    # The next start reads from the cache, and says so again.
    with pytest.warns(UserWarning, match="21 of 27 image files"):
        assert ImageFolder(tmp_path, (16, 16, 3)).skipped == dataset.skipped


def test_images_are_found_by_their_content(tmp_path):
    names = (
        "a.jpg.part",
        "b",
        "c.PNG_large",
        "d.dat",
        "e.webp1",
        "f.x.gif~",
        "g.jp2k",
        "h.avif.bak",
    )
    formats = ("JPEG", "BMP", "PNG", "TIFF", "WEBP", "GIF", "JPEG2000", "AVIF")
    for name, format in zip(names, formats, strict=True):
        picture().save(tmp_path / name, format=format)
    (tmp_path / "link").symlink_to("b")
    assert ImageFolder(tmp_path, (32, 32, 3), cache=False).num_images == 8


def test_heic_is_read_by_its_plug_in(tmp_path, monkeypatch):
    plugin = pytest.importorskip("pillow_heif")
    plugin.from_pillow(picture()).save(tmp_path / "IMG_1.HEIC", quality=90)
    (found,) = load(tmp_path, (32, 32, 3)).astype(int)
    assert np.abs(found - np.asarray(picture())).mean() < 15
    picture().save(tmp_path / "a.png")
    monkeypatch.setitem(sys.modules, "pillow_heif", None)  # not installed
    with pytest.warns(UserWarning, match=r"1 of 2 .*'IMG_1.HEIC' \(an HEIC image, .* pillow-heif:"):
        dataset = ImageFolder(tmp_path, (8, 8, 3))
    assert list(dataset.skipped) == ["IMG_1.HEIC"]
    monkeypatch.undo()  # installed: the cache does not keep it out
    assert ImageFolder(tmp_path, (8, 8, 3)).num_images == 2


def test_files_that_are_no_images_are_only_counted(tmp_path):
    write_colors(tmp_path, 2)
    for name in ("LICENSE", "notes.txt", "labels.json", ".DS_Store", "Thumbs.db", "._00000.png"):
        (tmp_path / name).write_bytes(b"no image")
    (tmp_path / ".hidden").mkdir()
    Image.new("RGB", (4, 4)).save(tmp_path / ".hidden" / "a.png")
    dataset = ImageFolder(tmp_path, (8, 8, 3))  # a warning would be an error
    assert dataset.num_images == 2 and dataset.skipped == {}
    assert dataset.ignored == {".db": 1, ".json": 1, ".txt": 1, "no suffix": 1}


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes and links")
def test_odd_entries_are_passed_over_and_each_file_counts_once(tmp_path):
    folder = write_colors(tmp_path / "d", 3)
    os.mkfifo(folder / "pipe.png")
    (folder / "folder.png").mkdir()
    (folder / "loop").symlink_to(folder)
    (folder / "0self.png").symlink_to("0self.png")
    (folder / "0again.png").symlink_to(folder / "00001.png")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.path.relpath(folder / "socket.png"))
    outside = write_colors(tmp_path / "outside", 5)
    (folder / "0one.png").symlink_to(outside / "00004.png")
    (folder / "0two.png").symlink_to(outside / "00004.png")
    (folder / "pipe_link.png").symlink_to(folder / "pipe.png")
    os.link(folder / "00002.png", folder / "hard.png")
    (folder / "dangling.png").symlink_to(folder / "nowhere.png")
    with pytest.warns(UserWarning, match="2 of 7 .*No such file"):
        dataset = ImageFolder(folder, (8, 8, 3), shuffle=False, cache=False)
    assert set(dataset.skipped) == {"0self.png", "dangling.png"}
    found = [tuple(image[0, 0].tolist()) for image in everything(dataset)]
    assert found == [colors(5)[i] for i in (0, 1, 2, 4, 2)]
    (folder / "linked").symlink_to(outside)
    with pytest.warns(UserWarning, match="2 of 11 "):
        assert ImageFolder(folder, (8, 8, 3), cache=False).num_images == 9


def test_a_file_that_becomes_a_pipe_is_not_waited_for(tmp_path):
    if not hasattr(os, "mkfifo"):
        pytest.skip("needs pipes")
    folder = Folder(str(tmp_path))
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(ValueError, match="not a regular file"):
        folder.open("pipe.png")


@pytest.mark.skipif(sys.platform != "linux", reason="names that are no text exist on Linux")
def test_odd_names_are_used_and_printable(tmp_path):
    names = [
        b"\xff\xfe.png",
        "日本.png".encode(),
        b"new\nline.png",
        b"-rf.png",
        b" .png",
        b"\x1b[31m.png",
    ]
    for name in names:
        write_to = os.path.join(os.fsencode(tmp_path), name)
        with open(write_to, "wb") as stream:
            Image.new("RGB", (4, 4), "red").save(stream, "PNG")
        with open(write_to[:-4] + b"_bad.png", "wb") as stream:
            stream.write(b"bad")
    with pytest.warns(UserWarning, match="6 of 12") as caught:
        assert ImageFolder(tmp_path, (4, 4, 3)).num_images == 6
    message = str(caught[0].message)
    assert message.isprintable()
    message.encode()
    for name in names:
        os.mkdir(os.path.join(os.fsencode(tmp_path), b"c" + name))
    json.dumps(list(ImageFolder(write_colors(tmp_path / "c", 1), (4, 4, 3)).skipped))


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads anything")
def test_unreadable_files_and_folders_are_reported(tmp_path):
    write_colors(tmp_path / "a", 3)
    write_colors(tmp_path / "b", 3)
    (tmp_path / "a" / "00001.png").chmod(0)
    (tmp_path / "b").chmod(0)
    try:
        with pytest.warns(UserWarning, match="2 of 4 .*Permission denied"):
            assert ImageFolder(tmp_path, (8, 8, 3)).num_images == 2
    finally:
        (tmp_path / "b").chmod(0o755)
        (tmp_path / "a" / "00001.png").chmod(0o644)
    assert ImageFolder(tmp_path, (8, 8, 3)).num_images == 6


def test_a_refusal_of_the_system_is_not_remembered(tmp_path, monkeypatch):
    write_colors(tmp_path, 3)

    def refuse(folder, name):
        if name.endswith("1.png"):
            raise PermissionError(errno.EACCES, "Permission denied")
        return open_file(folder, name)

    open_file = Folder.open
    with monkeypatch.context() as patch:
        patch.setattr(Folder, "open", refuse)
        with pytest.warns(UserWarning, match="1 of 3 .*Permission denied"):
            assert ImageFolder(tmp_path, (8, 8, 3)).num_images == 2
    assert ImageFolder(tmp_path, (8, 8, 3)).num_images == 3


def text_chunks(count, size):
    body = zlib.compress(b"a" * size, 9)
    return [(b"zTXt", b"k%d\0\0" % number + body) for number in range(count)]


def saved(mode, suffix, **options):
    buffer = io.BytesIO()
    Image.new(mode, (9_000, 8_000)).save(buffer, suffix, **options)
    return buffer.getvalue()


BOMBS = {
    "400.png": lambda: png(20_000, 20_000),
    "100.png": lambda: png(10_000, 10_000),
    "one_text.png": lambda: png(8, 8, *text_chunks(1, 2**27)),
    "many_texts.png": lambda: png(8, 8, *text_chunks(60, 2**20 - 10)),
    "length.png": lambda: png(8, 8)[:33] + b"\xff\xff\xff\xffIDATx",
    "72.tif": lambda: saved("1", "tiff", compression="group4"),
    "72.gif": lambda: saved("L", "gif"),
}


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="measures as Linux does")
@pytest.mark.parametrize("name", BOMBS)
def test_bombs_are_refused_from_the_header(tmp_path, name):
    def peak():
        status = Path("/proc/self/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) / 1024

    write_colors(tmp_path, 1)
    (tmp_path / name).write_bytes(BOMBS[name]())
    load(write_colors(tmp_path / "warm", 1))
    Path("/proc/self/clear_refs").write_text("5")  # forgets the peak so far
    before, start = peak(), time.process_time()
    with pytest.warns(UserWarning, match="1 of 3"):
        load(tmp_path)
    assert time.process_time() - start < 1
    assert peak() - before < 50


def test_no_network(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("the network was asked for")

    write_colors(tmp_path, 2)
    Image.new("RGB", (4, 4)).save(tmp_path / "http:example.org.png")
    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    assert len(load(tmp_path)) == 3


def test_four_different_errors_for_a_folder_without_images(tmp_path):
    with pytest.raises(FileNotFoundError, match="`folder` must be an existing.*nowhere"):
        ImageFolder(tmp_path / "nowhere", (8, 8, 3))
    (tmp_path / "a.png").write_bytes(b"bad")
    with pytest.raises(ValueError, match="which is a file"):
        ImageFolder(tmp_path / "a.png", (8, 8, 3))
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="no image of a known format, but: nothing"):
        ImageFolder(tmp_path / "empty", (8, 8, 3))
    for name in ("a.mov", "b.mov", "c.txt"):
        (tmp_path / "empty" / name).write_bytes(b"x")
    with pytest.raises(ValueError, match="no image of a known format, but: 2 .mov, 1 .txt"):
        ImageFolder(tmp_path / "empty", (8, 8, 3))
    with pytest.raises(ValueError, match="None of its image files can be read: 'a.png'"):
        ImageFolder(tmp_path, (8, 8, 3))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"image_shape": (8, 8)}, r"`image_shape` must be .*Received: image_shape=\(8, 8\)"),
        ({"image_shape": (8, 8, 2)}, "1, 3 or 4 channels"),
        ({"image_shape": (0, 8, 3)}, "`image_shape`"),
        ({"image_shape": 64}, "`image_shape`"),
        ({"image_shape": (8.5, 8, 3)}, "`image_shape`"),
        ({"batch_size": 0}, "`batch_size` must be a whole number of at least 1"),
        ({"batch_size": None}, "`batch_size`"),
        ({"fit": "zoom"}, "`fit` must be 'crop', 'pad' or 'stretch'. .*fit='zoom'"),
        ({"background": "whte"}, "`background` must be a colour.*'whte'"),
        ({"background": (0, 0, 256)}, "`background`"),
        ({"background": (0, 0)}, "`background`"),
        ({"background": 0.5}, "`background`"),
        ({"seed": -1}, "`seed`"),
        ({"seed": None}, "`seed`"),
        ({"labels": "inferred"}, "`labels`"),
        ({"validation_split": 0.2}, "`subset` must be"),
        ({"subset": "training"}, "`subset` must be"),
        ({"validation_split": 0.2, "subset": "train"}, "`subset` must be .*'train'"),
        (
            {"validation_split": 1.0, "subset": "training"},
            "`validation_split` must be a number above 0",
        ),
        ({"validation_split": 0.1, "subset": "training"}, "neither part of 3 images"),
        ({"validation_split": "0.1"}, "`validation_split` must be a number .*'0.1'"),
        ({"validation_split": True, "subset": "training"}, "`validation_split` must be a number"),
        ({"validation_split": 0.2, "subset": ["training"]}, "`subset` must be"),
        ({"fit": None}, "`fit` must be"),
        ({"fit": ["crop"]}, "`fit` must be"),
        ({"image_shape": None}, "`image_shape` must be"),
        ({"image_shape": "8x8"}, "`image_shape` must be"),
        ({"batch_size": "64"}, "`batch_size` must be"),
        ({"background": None}, "`background` must be"),
        ({"seed": 0.5}, "`seed` must be"),
        ({"labels": 1}, "`labels` must be"),
        ({"mirror": "no"}, "`mirror` must be True or False.*'no'"),
        ({"mirror": None}, "`mirror` must be True or False"),
        ({"shuffle": "no"}, "`shuffle` must be True or False"),
        ({"cache": 5}, "`cache` must be True, False or the path of a folder.*cache=5"),
        ({"cache": ""}, "`cache` must be True, False or the path"),
        ({"cache": b"folder"}, "`cache` must be"),
        ({"folder": None}, "`folder` must be an existing folder.*folder=None"),
        ({"folder": 5}, "`folder` must be"),
        ({"folder": b"photos"}, "`folder` must be"),
        ({"folder": ["a.png", "b.png"]}, "`folder` must be .*Pass one path"),
        ({"folder": ""}, "`folder` must be"),
    ],
)
def test_wrong_arguments(tmp_path, arguments, message):
    write_colors(tmp_path, 3)
    with pytest.raises(ValueError, match=message):
        ImageFolder(**({"folder": tmp_path, "image_shape": (8, 8, 3)} | arguments))


@pytest.mark.parametrize("epoch", [-1, 0.5, None, "1"])
def test_a_wrong_epoch(tmp_path, epoch):
    dataset = ImageFolder(write_colors(tmp_path, 3), (8, 8, 3))
    with pytest.raises(ValueError, match="`epoch` must be a whole number"):
        dataset.set_epoch(epoch)
    assert dataset.epoch == 0


@pytest.mark.parametrize("suffix", ["tiff", "gif"])
def test_the_warning_of_a_large_picture_is_our_own(tmp_path, suffix):
    write_colors(tmp_path, 1)
    options = {"compression": "group4"} if suffix == "tiff" else {}
    # Above 90 megapixels, Pillow warns; above 179, it raises an error.
    Image.new("1", (10_000, 9_500)).save(tmp_path / f"large.{suffix}", **options)
    filters = list(warnings.filters)
    with pytest.warns(UserWarning, match="1 of 2 .*more than the limit") as caught:
        load(tmp_path)
    assert len(caught) == 1 and warnings.filters == filters


@pytest.mark.parametrize(
    "options",
    [{}, {"progressive": True}, {"subsampling": 0}, {"comment": b"text"}, {"exif": b"Exif\0\0"}],
)
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("side", [16, 30])
def test_small_jpeg_files_have_the_pixels_that_pillow_gives(tmp_path, options, mode, side):
    picture((30, 30)).convert(mode).save(tmp_path / "a.jpg", **options)
    with Image.open(tmp_path / "a.jpg") as stored:
        expected = stored.convert("RGB").resize((side, side), Image.Resampling.BILINEAR)
    np.testing.assert_array_equal(load(tmp_path, (side, side, 3))[0], np.asarray(expected))


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("fit", ["crop", "pad"])
@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
def test_small_files_are_decoded_as_all_others(tmp_path, monkeypatch, mode, fit, channels):
    image = picture((20, 30)).convert(mode)
    if mode == "RGBA":
        image.putalpha(Image.linear_gradient("L").resize((20, 30)))
    image.save(tmp_path / "a.png")
    Image.new("RGB", (20, 30)).save(tmp_path / "b.png", transparency=(0, 0, 0))
    picture((20, 30)).save(tmp_path / "c.jpg")
    options = {"fit": fit, "background": (10, 200, 30, 40)}
    for size in ((30, 20), (16, 16)):
        found = load(tmp_path, (*size, channels), **options)
        with monkeypatch.context() as patch:
            patch.setattr(_decode, "_SMALL", 0)
            np.testing.assert_array_equal(found, load(tmp_path, (*size, channels), **options))


def test_large_pictures_share_the_memory(tmp_path, monkeypatch):
    for number in range(8):
        Image.new("L", (60, 50)).save(tmp_path / f"{number}.png")
    inside, too_many = [], threading.Event()
    resize_image = _decode._resize

    def resize_one(image, *arguments):
        inside.append(image)
        if len(inside) > 2:
            too_many.set()
        too_many.wait(0.02)
        inside.remove(image)
        return resize_image(image, *arguments)

    monkeypatch.setattr(_decode, "_resize", resize_one)
    monkeypatch.setattr(_decode, "_SMALL", 0)
    monkeypatch.setattr(_decode, "MAX_PIXELS", 7000)
    monkeypatch.setattr(_read, "_GROUP", 1)
    assert len(load(tmp_path)) == 8
    assert not too_many.is_set()


def test_pillow_is_left_as_it_was(tmp_path):
    before = Image.MAX_IMAGE_PIXELS
    load(write_colors(tmp_path, 2))
    assert Image.MAX_IMAGE_PIXELS == before


# The cache


def forbid_decoding(monkeypatch):
    def refuse(*_):
        raise AssertionError("a file was decoded again")

    monkeypatch.setattr(_read, "decode_image", refuse)


def test_second_start_reads_the_cache_alone(tmp_path, monkeypatch, cache_folder):
    folder = write_colors(tmp_path / "d", 20)
    first = ImageFolder(folder, (8, 8, 3))
    assert len(list(cache_folder.iterdir())) == 1
    forbid_decoding(monkeypatch)
    second = ImageFolder(folder, (8, 8, 3), batch_size=5, seed=1, mirror=True, shuffle=False)
    assert isinstance(second._images, np.memmap)
    assert everything(second)[:, 0, 0].tolist() == [list(color) for color in colors(20)]
    np.testing.assert_array_equal(np.sort(everything(first), 0), np.sort(everything(second), 0))
    assert np.load(next(cache_folder.iterdir())).shape == (20, 8, 8, 3)


@pytest.mark.parametrize("change", ["content", "new", "gone", "renamed"])
def test_a_changed_folder_is_decoded_again(tmp_path, change):
    folder = write_colors(tmp_path / "d", 3)
    Image.new("RGB", (8, 8), colors(2)[1]).save(folder / "00001.png", "bmp")
    ImageFolder(folder, (8, 8, 3))
    if change == "content":
        status = (folder / "00001.png").stat()
        while (folder / "00001.png").stat().st_ctime_ns == status.st_ctime_ns:
            Image.new("RGB", (8, 8), "white").save(folder / "00001.png", "bmp")
        assert (folder / "00001.png").stat().st_size == status.st_size
        # As a copy may do that keeps times.
        os.utime(folder / "00001.png", ns=(status.st_atime_ns, status.st_mtime_ns))
    elif change == "new":
        Image.new("RGB", (8, 8), "white").save(folder / "x.png")
    elif change == "gone":
        (folder / "00001.png").unlink()
    else:
        (folder / "00000.png").rename(folder / "z.png")
    found = everything(ImageFolder(folder, (8, 8, 3), shuffle=False))[:, 0, 0].tolist()
    first, second, third = map(list, colors(3))
    white = [255, 255, 255]
    assert (
        found
        == {
            "content": [first, white, third],
            "new": [first, second, third, white],
            "gone": [first, third],
            "renamed": [second, third, first],
        }[change]
    )


def test_arguments_that_change_pixels_have_caches_of_their_own(tmp_path, cache_folder):
    Image.new("RGBA", (8, 4), (0, 0, 0, 0)).save(tmp_path / "a.png")
    images = {}
    for options in (
        {"image_shape": (8, 8, 3)},
        {"image_shape": (8, 8, 1)},
        {"image_shape": (8, 8, 3), "background": "red"},
        {"image_shape": (8, 8, 4), "fit": "pad", "background": "red"},
    ):
        image = ImageFolder(tmp_path, **options)[0][0]
        images[image.tobytes()] = image
    assert len(images) == 4 == len(list(cache_folder.iterdir()))


def test_two_folders_of_equal_names_and_times_are_kept_apart(tmp_path):
    for name, color in (("a", "red"), ("b", "blue")):
        (tmp_path / name).mkdir()
        Image.new("RGB", (8, 8), color).save(tmp_path / name / "x.bmp")
        os.utime(tmp_path / name / "x.bmp", (0, 0))
    assert ImageFolder(tmp_path / "a", (8, 8, 3))[0][0, 0, 0].tolist() == [255, 0, 0]
    assert ImageFolder(tmp_path / "b", (8, 8, 3))[0][0, 0, 0].tolist() == [0, 0, 255]


def test_a_damaged_cache_is_written_again(tmp_path, cache_folder):
    folder = write_colors(tmp_path / "d", 30)
    expected = everything(ImageFolder(folder, (8, 8, 3)))
    (path,) = cache_folder.iterdir()
    whole = path.read_bytes()
    other_shape = whole.replace(b"(30, 8, 8, 3)", b"(30, 8, 3, 8)")
    one_bit = bytearray(whole)
    one_bit[3000] ^= 1
    others = (other_shape, one_bit, whole.replace(b'"checksum"', b'"chocksum"'))
    for content in (b"", whole[:60], whole[:5000], whole[:-1], b"x" * 9999, *others):
        path.unlink()
        path.write_bytes(content)
        np.testing.assert_array_equal(everything(ImageFolder(folder, (8, 8, 3))), expected)
        assert path.read_bytes() == whole


def test_cache_false_writes_nothing(tmp_path, cache_folder):
    dataset = ImageFolder(write_colors(tmp_path / "d", 2), (8, 8, 3), cache=False)
    assert dataset.num_images == 2 and not list(cache_folder.iterdir())


def test_where_the_cache_cannot_be_written_images_are_held_in_memory(tmp_path, monkeypatch):
    folder = write_colors(tmp_path / "d", 4)
    (tmp_path / "file").write_text("in the way")
    with pytest.warns(UserWarning, match="cannot be cached.*KERASGAN_CACHE") as caught:
        dataset = ImageFolder(folder, (8, 8, 3), cache=tmp_path / "file" / "cache")
    assert caught[0].filename == __file__
    assert sorted(map(tuple, dataset[0][:, 0, 0].tolist())) == sorted(colors(4))
    usage = type("Usage", (), {"free": 100})
    monkeypatch.setattr(_read.shutil, "disk_usage", lambda _: usage)
    with pytest.warns(UserWarning, match="MB are free"):
        assert ImageFolder(folder, (8, 8, 3)).num_images == 4


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a disk that is full")
def test_disk_that_fills_up_while_the_cache_is_written(tmp_path, cache_folder, monkeypatch):
    folder = write_colors(tmp_path / "d", 40, size=(4, 4))

    def open_full(path, mode="r", *arguments):
        return open("/dev/full" if "w" in mode else path, mode, *arguments)

    monkeypatch.setattr(_read, "open", open_full, raising=False)
    with pytest.warns(UserWarning, match="No space left"):
        dataset = ImageFolder(folder, (64, 64, 3))
    assert dataset.num_images == 40 and not list(cache_folder.iterdir())


def test_file_that_goes_while_the_cache_is_written(tmp_path, monkeypatch):
    folder = write_colors(tmp_path / "d", 30)
    open_file = Folder.open

    def open_and_remove(source, name):
        if name == "00000.png":
            (folder / "00028.png").unlink()
            os.truncate(folder / "00029.png", 20)
        return open_file(source, name)

    monkeypatch.setattr(Folder, "open", open_and_remove)
    with pytest.warns(UserWarning, match="2 of 30 .*'00028.png' .No such file.*truncated"):
        dataset = ImageFolder(folder, (8, 8, 3))
    assert sorted(map(tuple, everything(dataset)[:, 0, 0].tolist())) == sorted(colors(28))


def test_temporaries_of_dead_processes_are_removed(tmp_path, cache_folder):
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    dead = cache_folder / f".kerasgan-images-abc.{process.pid}.tmp.npy"
    alive = cache_folder / f".kerasgan-images-abc.{os.getppid()}.tmp.npy"
    dead.write_bytes(b"x")
    alive.write_bytes(b"x")
    ImageFolder(write_colors(tmp_path / "d", 2), (8, 8, 3))
    assert not dead.exists() and alive.exists()


def test_threads_that_build_at_once(tmp_path):
    folder = write_colors(tmp_path / "d", 50)
    with ThreadPoolExecutor(4) as pool:
        datasets = list(pool.map(lambda _: ImageFolder(folder, (8, 8, 3)), range(4)))
    assert len({everything(dataset).tobytes() for dataset in datasets}) == 1


def test_processes_that_build_at_once_agree_with_this_one(tmp_path, cache_folder):
    folder = write_colors(tmp_path / "d", 400)
    code = (
        "import sys, hashlib; from kerasgan.datasets import ImageFolder\n"
        "print('ready', flush=True)\n"
        "sys.stdin.readline()\n"
        f"d = ImageFolder({str(folder)!r}, (8, 8, 3), batch_size=32, mirror=True, seed=5)\n"
        "d.set_epoch(3)\n"
        "print(hashlib.sha256(b''.join(d[i].tobytes() for i in range(len(d)))).hexdigest())"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-W", "error", "-c", code],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        for _ in range(2)
    ]
    for process in processes:
        assert process.stdout.readline() == "ready\n", process.communicate()[1]
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    outputs = [process.communicate(timeout=60) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], outputs
    dataset = ImageFolder(folder, (8, 8, 3), batch_size=32, mirror=True, seed=5)
    dataset.set_epoch(3)
    expected = hashlib.sha256(everything(dataset).tobytes()).hexdigest() + "\n"
    assert [output for output, _ in outputs] == [expected, expected]
    # No terminal, no progress bar.
    assert not any("Decoding" in error for _, error in outputs)
    assert len(list(cache_folder.iterdir())) == 1


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="measures as Linux does")
def test_memory_does_not_grow_with_the_number_of_images(tmp_path):
    def anonymous():
        status = Path("/proc/self/status").read_text()
        return int(status.partition("RssAnon:")[2].split()[0]) / 1024

    (tmp_path / "a").mkdir()
    Image.new("RGB", (8, 8), "red").save(tmp_path / "a" / "0.png")
    for number in range(1, 800):
        os.link(tmp_path / "a" / "0.png", tmp_path / "a" / f"{number}.png")
    before, peaks = anonymous(), []
    decode = _read.decode_all

    def watched(*arguments):
        for image in decode(*arguments):
            peaks.append(anonymous())
            yield image

    _read.decode_all = watched
    try:
        dataset = ImageFolder(tmp_path, (256, 256, 3), labels=False)  # 157 MB
    finally:
        _read.decode_all = decode
    for index in range(len(dataset)):
        assert dataset[index].dtype == np.uint8
    assert max(peaks) - before < 60
    assert anonymous() - before < 60


def test_decoding_waits_for_the_disk(tmp_path, monkeypatch):
    started, too_many = [], threading.Event()

    def decode(stream, image_shape, *_):
        started.append(stream)
        if len(started) > 500:
            too_many.set()
        return np.zeros(image_shape, np.uint8)

    write_colors(tmp_path, 1)
    folder = Folder(str(tmp_path))
    folder.files *= 2000
    monkeypatch.setattr(_read, "decode_image", decode)
    monkeypatch.setattr(_read, "_FAST", 0)
    images = _read.decode_all(folder, (32, 32, 3), "crop", (0, 0, 0, 255))
    next(images)
    assert not too_many.wait(0.3)
    assert sum(1 for _ in images) == 1999


@pytest.mark.parametrize(("fast", "in_threads"), [(0, True), (math.inf, False)])
def test_threads_decode_only_files_that_take_long(tmp_path, monkeypatch, fast, in_threads):
    decode, threads = _read.decode_image, set()

    def noted(*arguments):
        threads.add(threading.current_thread())
        return decode(*arguments)

    write_colors(tmp_path, 40)
    monkeypatch.setattr(_read, "decode_image", noted)
    monkeypatch.setattr(_read, "_FAST", fast)
    monkeypatch.setattr(_read, "_GROUP", 1)
    monkeypatch.setattr(_read, "_GROUPS_ALIKE", 7)
    np.testing.assert_array_equal(load(tmp_path)[:, 0, 0], colors(40))
    assert (len(threads) > 1) == in_threads


def test_twenty_thousand_files_are_listed_in_a_second(tmp_path):
    source = write_colors(tmp_path / "d", 1) / "00000.png"
    for number in range(20_000):
        os.link(source, tmp_path / "d" / f"x{number}.png")
    start = time.process_time()
    folder = Folder(str(tmp_path / "d"))
    assert time.process_time() - start < 1
    assert len(folder.files) == 20_001 and not folder.problems


def test_random_bytes_never_stop_a_start(tmp_path):
    """Damage anywhere in a file is a report at most."""
    generator = random.Random(0)
    for suffix in ("jpg", "png", "gif", "webp", "tif", "bmp", "jp2", "ppm"):
        buffer = io.BytesIO()
        kind = {"jpg": "jpeg", "tif": "tiff", "jp2": "jpeg2000"}.get(suffix, suffix)
        picture((24, 24)).save(buffer, kind)
        for number in range(25):
            content = bytearray(buffer.getvalue())
            for _ in range(generator.randrange(1, 8)):
                content[generator.randrange(len(content))] = generator.randrange(256)
            (tmp_path / f"{number}.{suffix}").write_bytes(content)
    # Pillow has warnings of its own about some of them.
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        dataset = ImageFolder(tmp_path, (8, 8, 3))
    assert sum("of 200 image files" in str(warning.message) for warning in caught) == 1
    assert dataset.num_images + len(dataset.skipped) == 200
    assert 10 < len(dataset.skipped) < 190
