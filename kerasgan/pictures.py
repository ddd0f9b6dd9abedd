"""Pictures: grids of images, PNG files and animations."""

import math

import numpy as np
from PIL import Image
from skimage.util import montage

from kerasgan.files import replacing

FRAME_SIZE = 256  # pixels, the longer side of an animation


def grid(images, columns=None, padding=2):
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


def to_pil(image):
    """A `PIL.Image` of one uint8 image `(height, width, channels)`."""
    return Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image)


def save_png(path, image):
    """Writes one uint8 image `(height, width, channels)`, 1, 3 or 4 channels, as PNG."""
    with replacing(path) as temporary:
        to_pil(image).save(temporary, format="PNG")


def opaque(images):
    """uint8 images with an alpha channel laid on white; others as they are."""
    if images.shape[-1] != 4:
        return images
    alpha = images[..., 3:] / 255.0
    return np.rint(images[..., :3] * alpha + 255.0 * (1.0 - alpha)).astype("uint8")


def fit_frame(frame):
    """A uint8 image of any size as one whose longer side has about `FRAME_SIZE` pixels.

    Small ones are enlarged by a whole number, so that their pixels stay sharp.
    """
    height, width, channels = frame.shape
    factor = FRAME_SIZE / max(height, width)
    if factor < 1:
        size = (max(1, round(width * factor)), max(1, round(height * factor)))
        frame = np.asarray(to_pil(frame).resize(size, Image.Resampling.LANCZOS))
        return frame.reshape(*frame.shape[:2], channels)
    return frame.repeat(int(factor), axis=0).repeat(int(factor), axis=1)


def save_gif(path, frames, seconds_per_frame=0.1):
    """Writes uint8 images of one size as an endless GIF; the last one stays for a second."""
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
