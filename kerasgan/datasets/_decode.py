"""Decodes image files of common formats to uint8 arrays of a given shape."""

import importlib
import io
import os
import stat
import struct
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
HEADER = 16  # bytes of a file that show its format
_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_STARTS = (
    *(b"\xff\xd8\xff", _PNG_SIGNATURE, b"GIF87a", b"GIF89a", b"II*\0", b"MM\0*"),
    *(b"\0\0\0\x0cjP  \r\n", b"\xff\x4f\xff\x51"),
)

# Enough for a 61-megapixel camera. Without a limit, a file of a few bytes could fill the memory.
MAX_PIXELS = 2**26

# The weights of red, green and blue in grey, as in `skimage.color.rgb2gray`, for modern screens.
# (Pillow's are for older televisions: red is lighter, green darker.)
_GREY = (0.2125, 0.7154, 0.0721, 0)

_PNG_CHUNKS = (b"IHDR", b"PLTE", b"tRNS", b"eXIf", b"IDAT", b"IEND")


def decode_image(path, image_shape, fit, background):
    """Decodes the first frame of a file, upright, as uint8 of shape `image_shape`.

    Args:
        path: The file; its name does not matter.
        image_shape: `(height, width, channels)`, with 1, 3 or 4 channels.
        fit: `"crop"`, `"pad"` or `"stretch"`.
        background: `(red, green, blue, alpha)`, under transparent pixels unless
            `channels` is 4, and around padded images.

    Raises:
        Exception: Pillow's decoders raise almost anything on a broken file.
    """
    height, width, channels = image_shape
    with _open(path) as stream:
        header = stream.read(HEADER)
        stream.seek(0)
        source = _essential_png(stream) if header.startswith(_PNG_SIGNATURE) else stream
        with Image.open(source, formats=_formats(header)) as image:
            _check_size(*image.size)
            # JPEG only: decodes at 1/2, 1/4 or 1/8, but at least at twice the target size.
            image.draft(None, (2 * max(height, width),) * 2)
            ImageOps.exif_transpose(image, in_place=True)
            has_alpha = channels == 4 or image.has_transparency_data
            image = _to_8_bits(image).convert("RGBA" if has_alpha else "RGB")

    # Pillow premultiplies by alpha when it resizes, so hidden colours do not bleed out.
    image = _resize(image, (width, height), fit, background)
    if has_alpha and channels != 4:
        canvas = Image.new("RGBA", image.size, background)
        canvas.alpha_composite(image)
        image = canvas
    image = image.convert("RGBA" if channels == 4 else "RGB")
    if channels == 1:
        image = image.convert("L", _GREY)
    return np.asarray(image).reshape(image_shape)


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


def describe(error):
    """Says briefly why a file was not decoded."""
    if isinstance(error, UnidentifiedImageError):
        return "not an image of a known format"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__


def _open(path):
    # Without O_NONBLOCK, opening a pipe would wait for a writer.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    descriptor = os.open(path, flags)
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode) or not status.st_size:
        os.close(descriptor)
        raise ValueError("the file is empty or not a regular file")
    return os.fdopen(descriptor, "rb")


def _check_size(width, height):
    if width * height > MAX_PIXELS:
        raise ValueError(f"{width}x{height} pixels, more than the limit of {MAX_PIXELS:,}")


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
        if kind == b"IHDR" and length >= 8:
            _check_size(*struct.unpack_from(">II", body))
        copy.write(header + body + checksum)
    copy.seek(0)
    return copy


def _to_8_bits(image):
    """Scales 16-bit grey, which `convert` would clip."""
    if image.mode == "F" or (image.mode == "I" and image.format == "TIFF"):
        raise ValueError("32-bit values of unknown range; save it with 8 or 16 bits")
    # Pillow calls the 16 bits of a PPM file "I".
    if image.mode == "I" or image.mode.startswith("I;16"):
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    return image


def _resize(image, size, fit, background):
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
