"""Decodes image files of common formats to uint8 arrays of a given shape."""

import contextlib
import importlib
import io
import os
import struct
import threading
import warnings
import zlib

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

SUFFIXES = {
    "AVIF": (".avif",),
    "BMP": (".bmp", ".dib"),
    "GIF": (".gif",),
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "JPEG2000": (".jp2", ".j2k", ".jpx"),
    "PNG": (".png", ".apng"),
    "PPM": (".ppm", ".pgm", ".pbm", ".pnm"),
    "TIFF": (".tif", ".tiff"),
    "WEBP": (".webp",),
}

_HEIF_SUFFIXES = (".heic", ".heif", ".hif")  # which Pillow reads with a plug-in
IMAGE_SUFFIXES = (*(suffix for group in SUFFIXES.values() for suffix in group), *_HEIF_SUFFIXES)
_HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
HEADER = 29  # bytes of a file that show its format, and what a PNG contains
_JPEG_SIGNATURE = b"\xff\xd8\xff"
_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_STARTS = (
    *(_JPEG_SIGNATURE, _PNG_SIGNATURE, b"GIF87a", b"GIF89a", b"II*\0", b"MM\0*"),
    *(b"\0\0\0\x0cjP  \r\n", b"\xff\x4f\xff\x51"),
)

# Enough for a 61-megapixel camera. Without a limit, a file of a few bytes could fill the memory.
MAX_PIXELS = 2**26

# The weights of red, green and blue in grey, as in `skimage.color.rgb2gray`, for modern screens.
# (Pillow's are for older televisions: red is lighter, green darker.)
_GREY = (0.2125, 0.7154, 0.0721, 0)

_PNG_CHUNKS = (b"IHDR", b"PLTE", b"tRNS", b"eXIf", b"IDAT", b"IEND")

# The modes of pictures of 8 bits that are not interlaced, by the end of IHDR.
_PNG_MODES = {(8, 0, 0, 0, 0): "L", (8, 2, 0, 0, 0): "RGB", (8, 6, 0, 0, 0): "RGBA"}

_JPEG_FRAMES = (0xC0, 0xC1, 0xC2)  # the markers of baseline, extended and progressive pictures
_SMALL = 2**16  # bytes of a file, or its pixels

_turn = threading.Condition()
_pixels_in_turn = 0


def decode_image(stream, image_shape, fit, background):
    """Decodes the first frame of a file, upright, as uint8 of shape `image_shape`.

    Args:
        stream: The file, a binary stream. It is left open.
        image_shape: `(height, width, channels)`, with 1, 3 or 4 channels.
        fit: `"crop"`, `"pad"` or `"stretch"`.
        background: `(red, green, blue, alpha)`, under transparent pixels unless
            `channels` is 4, and around padded images.

    Raises:
        Exception: Pillow's decoders raise almost anything on a broken file.
    """
    height, width, channels = image_shape
    size = width, height
    header = stream.read(HEADER)
    stream.seek(0)
    mode = "RGBA" if channels == 4 else "RGB"
    plain = None
    if header.startswith(_JPEG_SIGNATURE):
        plain = _plain_jpeg(stream, size)
    elif header.startswith(_PNG_SIGNATURE):
        plain = _plain_png(stream, header)
    if plain is None:
        stream.seek(0)
        image = _decode(stream, header, mode, size, fit, background)
    else:
        plain = _converted(plain, "RGBA" if plain.mode == "RGBA" else mode)
        image = _resize(plain, size, fit, background)
    if image.mode != mode:
        canvas = Image.new("RGBA", image.size, background)
        canvas.alpha_composite(image)
        image = canvas.convert(mode)
    if channels == 1:
        image = image.convert("L", _GREY)
    return np.frombuffer(image.tobytes(), np.uint8).reshape(image_shape)


def _decode(stream, header, mode, size, fit, background):
    """Decodes any file and resizes it, in this mode, or as RGBA if it is transparent."""
    with contextlib.ExitStack() as stack:
        is_png = header.startswith(_PNG_SIGNATURE)
        if is_png:
            stack.enter_context(_in_turn(*_png_header(header)[:2]))
            stream = _essential_png(stream)
        image = stack.enter_context(Image.open(stream, formats=_formats(header)))
        whole = image.size
        _check_size(*whole)
        # JPEG only: decodes at 1/2, 1/4 or 1/8, but at least at twice the target size.
        image.draft(None, (2 * max(size),) * 2)
        if not is_png:
            # A progressive JPEG is in memory at its whole size.
            stack.enter_context(_in_turn(*whole if "progressive" in image.info else image.size))
        image.load()
        ImageOps.exif_transpose(image, in_place=True)
        mode = "RGBA" if image.has_transparency_data else mode
        image = _converted(_to_8_bits(image), mode)
        return _resize(image, size, fit, background)


def _plain_jpeg(stream, size):
    """Decodes a small JPEG file; None for one that needs `Image.open`, or is damaged.

    The pixels are the same. For a file of 32x32, `Image.open` takes as long as three of these.
    """
    content = stream.read(_SMALL)
    # The marker of EXIF data, which may have an orientation.
    if len(content) == _SMALL or b"\xff\xe1" in content:
        return None
    position = 2
    try:
        while content[position + 1] not in _JPEG_FRAMES:
            if content[position] != 0xFF:
                return None
            position += 2 + int.from_bytes(content[position + 2 : position + 4], "big")
        bits, height, width, layers = struct.unpack_from(">BHHB", content, position + 4)
        mode = {(8, 1): "L", (8, 3): "RGB"}[bits, layers]
        is_drafted = min(width, height) >= 4 * max(size)
        if is_drafted or not 0 < width * height <= _SMALL:
            return None
        return Image.frombytes(mode, (width, height), content, "jpeg", mode, "")
    except (LookupError, OSError, ValueError, struct.error):
        return None


def _plain_png(stream, header):
    """Decodes a small PNG file, as in `_plain_jpeg`."""
    width, height, *kind = _png_header(header)
    mode = _PNG_MODES.get(tuple(kind))
    if mode is None or not 0 < width * height <= _SMALL:
        return None
    content = _essential_png(stream).getbuffer()
    data, position = [], len(_PNG_SIGNATURE) + 25  # behind IHDR
    while content[position + 4 : position + 8] == b"IDAT":
        length = int.from_bytes(content[position : position + 4], "big")
        data.append(content[position + 8 : position + 8 + length])
        position += length + 12
    if content[position + 4 : position + 8] != b"IEND":
        return None
    try:
        return Image.frombytes(mode, (width, height), b"".join(data), "zip", mode, 0)
    except (OSError, ValueError):
        return None


@contextlib.contextmanager
def _in_turn(width, height):
    """Waits until all threads together hold at most as many pixels as one picture may have."""
    global _pixels_in_turn
    _check_size(width, height)
    pixels = width * height
    with _turn:
        _turn.wait_for(lambda: _pixels_in_turn + pixels <= MAX_PIXELS)
        _pixels_in_turn += pixels
    try:
        yield
    finally:
        with _turn:
            _pixels_in_turn -= pixels
            _turn.notify_all()


def is_image(header):
    """Whether a file that starts with these bytes is an image of a common format."""
    is_bmp = header[:2] == b"BM" and header[6:10] == bytes(4)
    is_webp = header[:4] == b"RIFF" and header[8:12] == b"WEBP"
    is_avif = header[4:12] in (b"ftypavif", b"ftypavis")
    return header.startswith(_STARTS) or is_bmp or is_webp or is_avif or _is_heif(header)


def _is_heif(header):
    return header[4:8] == b"ftyp" and header[8:12] in _HEIF_BRANDS


def _formats(header):
    """The formats of Pillow that may read a file with this header."""
    if not _is_heif(header):
        return list(SUFFIXES)
    try:
        importlib.import_module("pillow_heif").register_heif_opener()
    except ImportError as error:
        raise ImportError(
            "an HEIC image, which needs the package pillow-heif: install it, or convert the file"
        ) from error
    return ["HEIF"]


def kind_of(name):
    """The kind of a file that is no image: its suffix, or "no suffix"."""
    return os.path.splitext(name)[1].lower() or "no suffix"


@contextlib.contextmanager
def without_pillows_limit():
    """The scope to call `decode_image` in: ours is lower than the one that Pillow warns of."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        yield


def describe(error):
    """Says briefly why a file was not decoded."""
    if isinstance(error, Image.DecompressionBombError):
        return f"more than the limit of {MAX_PIXELS:,} pixels"
    if isinstance(error, UnidentifiedImageError):
        return "not an image of a known format"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__


def _check_size(width, height):
    if width * height > MAX_PIXELS:
        raise ValueError(f"{width}x{height} pixels, more than the limit of {MAX_PIXELS:,}")


def _png_header(header):
    """The width and height of a PNG, and five numbers that tell its kind."""
    if len(header) < HEADER:
        raise ValueError("the file is truncated")
    if header[8:16] != b"\0\0\0\rIHDR":
        raise ValueError("the file is damaged: it does not begin with its size")
    return struct.unpack_from(">IIBBBBB", header, 16)


def _essential_png(stream):
    """Copies the chunks that make up a PNG's picture, and verifies their checksums.

    Pillow verifies only some, and unpacks up to 64 MB of compressed text with the header.
    """
    copy = io.BytesIO()
    copy.write(stream.read(len(_PNG_SIGNATURE)))
    kind = None
    while kind != b"IEND":
        header = stream.read(8)
        if len(header) < 8:
            raise ValueError("the file is truncated")
        length, kind = struct.unpack(">I4s", header)
        if kind not in _PNG_CHUNKS:
            stream.seek(length + 4, io.SEEK_CUR)
            continue
        body = stream.read(length)
        checksum = stream.read(4)
        if len(checksum) < 4:
            raise ValueError("the file is truncated")
        if zlib.crc32(body, zlib.crc32(kind)) != int.from_bytes(checksum, "big"):
            raise ValueError(f"the file is damaged: wrong checksum of {kind.decode()}")
        copy.write(header + body + checksum)
    copy.seek(0)
    return copy


def _to_8_bits(image):
    """Scales 16-bit grey, which `convert` would clip; LA if a value of it means transparent."""
    if image.mode == "F" or (image.mode == "I" and image.format == "TIFF"):
        raise ValueError("32-bit values of unknown range; save it with 8 or 16 bits")
    # Pillow calls the 16 bits of a PPM file "I".
    if image.mode == "I" or image.mode.startswith("I;16"):
        values = np.asarray(image)
        grey = Image.fromarray((values >> 8).astype(np.uint8))
        if "transparency" in image.info:
            is_opaque = values != image.info["transparency"]
            return Image.merge("LA", (grey, Image.fromarray(is_opaque.astype(np.uint8) * 255)))
        return grey
    return image


def _converted(image, mode):
    # Pillow would copy an image that has this mode already.
    return image if image.mode == mode else image.convert(mode)


def _resize(image, size, fit, background):
    if image.size == size:
        return image
    # When shrinking, Pillow widens this filter, which smooths like scikit-image's anti-aliasing:
    # on photos the two differ by 1/255 on average, and Pillow is 15 to 200 times as fast.
    bilinear = Image.Resampling.BILINEAR
    if fit == "stretch":
        return image.resize(size, bilinear)
    if fit == "crop":
        return ImageOps.fit(image, size, bilinear)
    scale = min(size[0] / image.width, size[1] / image.height)
    # `ImageOps.pad` would round a very long image down to nothing.
    inner = image.resize([max(1, round(scale * side)) for side in image.size], bilinear)
    canvas = Image.new(image.mode, size, background[: len(image.mode)])
    canvas.paste(inner, ((size[0] - inner.width) // 2, (size[1] - inner.height) // 2))
    return canvas
