"""Pictures: grids of images, PNG files and animations."""

import math
import os
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from skimage.util import montage

from kerasgan.files import replacing

__all__ = ["captioned", "fit_frame", "grid", "opaque", "save_gif", "save_png", "to_pil"]

CAPTION_HEIGHT, CAPTION_WIDTH = 12, 40  # pixels, for one line of Pillow's built-in font
FRAME_SIZE = 256  # pixels, the longer side of an animation


def grid(images: np.ndarray, columns: int | None = None, padding: int = 2) -> np.ndarray:
    """Lays images out in one picture, row by row.

    Args:
        images: uint8 array `(n, height, width, channels)`.
        columns: Images in a row; by default about as many as there are rows.
        padding: White pixels between images and around them.

    Returns:
        uint8 array `(rows * (height + padding) + padding, ..., channels)`.
    """
    columns = columns or math.ceil(math.sqrt(len(images)))
    rows = math.ceil(len(images) / columns)
    return montage(
        images,
        fill=[255] * images.shape[-1],
        grid_shape=(rows, columns),
        padding_width=padding,
        channel_axis=-1,
    ).astype("uint8")


def captioned(images: np.ndarray, captions: Sequence[str]) -> np.ndarray:
    """Prints a line of text under each image, and enlarges images that are too small for it.

    Args:
        images: uint8 array `(n, height, width, channels)`.
        captions: `n` strings of about five characters.

    Returns:
        uint8 array `(n, factor * height + 12, factor * width, channels)`, where the whole number
        `factor` makes the images at least 40 pixels wide.
    """
    factor = -(-CAPTION_WIDTH // images.shape[2])
    images = images.repeat(factor, axis=1).repeat(factor, axis=2)
    count, _, width, channels = images.shape
    strips = np.full((count, CAPTION_HEIGHT, width, channels), 255, dtype="uint8")
    font = ImageFont.load_default()
    for index, caption in enumerate(captions):
        strip = to_pil(strips[index])
        ImageDraw.Draw(strip).text(
            (width // 2, CAPTION_HEIGHT // 2), caption, fill="black", font=font, anchor="mm"
        )
        strips[index] = np.asarray(strip).reshape(strips[index].shape)
    return np.concatenate([images, strips], axis=1)


def to_pil(image: np.ndarray) -> Image.Image:
    """A `PIL.Image` of one uint8 image `(height, width, channels)`."""
    return Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image)


def save_png(path: str | os.PathLike, image: np.ndarray):
    """Writes one uint8 image `(height, width, channels)`, 1, 3 or 4 channels, as PNG."""
    with replacing(path) as temporary:
        to_pil(image).save(temporary, format="PNG")


def opaque(images: np.ndarray) -> np.ndarray:
    """Lays uint8 images with an alpha channel on white; returns others unchanged."""
    if images.shape[-1] != 4:
        return images
    alpha = images[..., 3:] / 255.0
    return np.rint(images[..., :3] * alpha + 255.0 * (1.0 - alpha)).astype("uint8")


def fit_frame(frame: np.ndarray) -> np.ndarray:
    """Scales a uint8 image so that its longer side has about 256 pixels.

    A small image is enlarged by a whole number, so that its pixels stay sharp.
    """
    height, width, channels = frame.shape
    factor = FRAME_SIZE / max(height, width)
    if factor < 1:
        size = (max(1, round(width * factor)), max(1, round(height * factor)))
        frame = np.asarray(to_pil(frame).resize(size, Image.Resampling.LANCZOS))
        return frame.reshape(*frame.shape[:2], channels)
    return frame.repeat(int(factor), axis=0).repeat(int(factor), axis=1)


def save_gif(path: str | os.PathLike, frames: Sequence[np.ndarray], seconds_per_frame: float = 0.1):
    """Writes uint8 images of one size as an endless GIF; the last image stays for a second."""
    pictures = [to_pil(opaque(frame)).convert("RGB") for frame in frames]
    durations = [round(1000 * seconds_per_frame)] * (len(pictures) - 1) + [1000]
    with replacing(path) as temporary:
        pictures[0].save(
            temporary,
            format="GIF",
            save_all=True,
            append_images=pictures[1:],
            duration=durations,
            loop=0,
        )
