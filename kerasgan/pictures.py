"""Pictures: grids of images, PNG files and animations."""

import contextlib
import fractions
import importlib
import math
import os
import pathlib
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from skimage.util import montage

from kerasgan.checks import argument_error, check_whole
from kerasgan.files import replacing
from kerasgan.metrics._arrays import check_images

__all__ = [
    "captioned",
    "check_animation",
    "check_scale",
    "choose_scale",
    "enlarged",
    "fit_frame",
    "grid",
    "image_grid",
    "is_png",
    "named",
    "opaque",
    "save_animation",
    "save_gif",
    "save_png",
    "to_pil",
]

CAPTION_HEIGHT, CAPTION_WIDTH = 12, 40  # pixels, for one line of Pillow's built-in font
NAME_WIDTH = 120  # pixels, the most for the name of a row
FRAME_SIZE = 512  # pixels, the longer side of an animation
GRID_SIZE, MOST_SCALE = 1024, 8  # pixels, the longer side of a grid; its largest default scale
LARGEST_SCALE = 64  # on request
ANIMATIONS = (".gif", ".mp4", ".webm")
# The encoder of each kind of video, and what makes it nearly lossless.
_ENCODERS = {
    ".mp4": ("libx264", {"crf": "16"}),
    ".webm": ("libvpx-vp9", {"crf": "18", "b:v": "0", "cpu-used": "4"}),
}


def image_grid(
    images: np.ndarray, columns: int | None = None, scale: int | None = None
) -> Image.Image:
    """Shows images as one picture, row by row.

    A notebook shows the picture if the call is the last line of a cell; elsewhere, use
    `display(picture)`. In a script, `picture.show()` opens a viewer and
    `picture.save("grid.png")` writes a file.

    Args:
        images: uint8 array `(n, height, width, channels)` with 1, 3 or 4 channels, as `gan.sample`
            returns it.
        columns: Images per row; by default about as many as there are rows.
        scale: Whole number to enlarge each image by; by default up to 8, to make the picture's
            longer side about 1,024 pixels.

    Returns:
        `PIL.Image.Image`.

    Raises:
        ValueError: `images` is not such an array, or `columns` or `scale` is out of range.

    Example:

    ```python
    kerasgan.image_grid(gan.sample(16, seed=0))
    ```
    """
    images = check_images("images", images)
    if columns is not None:
        check_whole("columns", columns, 1, len(images))
    check_scale(scale)
    return to_pil(grid(images, columns, scale=scale))


def check_scale(scale: int | None) -> None:
    """Raises ValueError unless `scale` is a valid factor or None."""
    if scale is not None:
        check_whole("scale", scale, 1, LARGEST_SCALE)


def grid(
    images: np.ndarray, columns: int | None = None, padding: int = 2, scale: int | None = 1
) -> np.ndarray:
    """Arranges images in one picture, row by row.

    Args:
        images: uint8 array `(n, height, width, channels)`.
        columns: Images per row; by default about as many as there are rows.
        padding: White pixels between images and around them.
        scale: Whole number to enlarge each image by; None to use `choose_scale`.

    Returns:
        uint8 array `(rows * (scale * height + padding) + padding, ..., channels)`.
    """
    rows, columns = _layout(images, columns)
    return montage(
        enlarged(images, scale or choose_scale(images, columns)),
        fill=[255] * images.shape[-1],
        grid_shape=(rows, columns),
        padding_width=padding,
        channel_axis=-1,
    ).astype("uint8")


def _layout(images, columns):
    columns = columns or math.ceil(math.sqrt(len(images)))
    return math.ceil(len(images) / columns), columns


def choose_scale(images: np.ndarray, columns: int | None = None) -> int:
    """The whole number, up to 8, that makes the longer side of a grid about 1,024 pixels."""
    rows, columns = _layout(images, columns)
    longer = max(rows * images.shape[1], columns * images.shape[2])
    return max(1, min(MOST_SCALE, GRID_SIZE // longer))


def enlarged(images: np.ndarray, scale: int) -> np.ndarray:
    """Enlarges images `(..., height, width, channels)` by a whole number; pixels stay sharp."""
    return images.repeat(scale, axis=-3).repeat(scale, axis=-2)


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
    images = enlarged(images, factor)
    count, _, width, channels = images.shape
    strips = np.full((count, CAPTION_HEIGHT, width, channels), 255, dtype="uint8")
    for index, caption in enumerate(captions):
        position = (width // 2, CAPTION_HEIGHT // 2)
        strips[index] = _with_texts(strips[index], [(position, caption)], anchor="mm")
    return np.concatenate([images, strips], axis=1)


def named(picture: np.ndarray, names: Sequence[str] | None) -> np.ndarray:
    """Prints a name to the left of each row of a grid.

    Args:
        picture: uint8 image `(height, width, channels)` of rows of equal height.
        names: One string of ASCII per row, from the top (Pillow's built-in font has little more);
            long ones are cut. None for no names.

    Returns:
        uint8 image `(height, more than width, channels)`; `picture` itself without names, or if
        its rows are too low to read them.
    """
    height, _, channels = picture.shape
    if not names or height < CAPTION_HEIGHT * len(names):
        return picture
    font = ImageFont.load_default()
    texts = [_shortened(name, font) for name in names]
    # To the right of the text, the grid's own white margin follows.
    width = 4 + math.ceil(max(map(font.getlength, texts)))
    row_height = height / len(names)
    placed = [
        ((width - 1, round(row_height * (row + 0.5))), text) for row, text in enumerate(texts)
    ]
    strip = np.full((height, width, channels), 255, dtype="uint8")
    return np.concatenate([_with_texts(strip, placed, anchor="rm"), picture], axis=1)


def _shortened(text, font):
    if font.getlength(text) <= NAME_WIDTH:
        return text
    while font.getlength(f"{text}...") > NAME_WIDTH:
        text = text[:-1]
    return f"{text}..."


def _with_texts(image, texts, anchor):
    """Draws black texts, each `(position, text)`, on a uint8 image `(height, width, channels)`."""
    drawn = to_pil(image)
    for position, text in texts:
        ImageDraw.Draw(drawn).text(
            position, text, fill="black", font=ImageFont.load_default(), anchor=anchor
        )
    return np.asarray(drawn).reshape(image.shape)


def to_pil(image: np.ndarray) -> Image.Image:
    """Converts a uint8 image `(height, width, channels)` to PIL."""
    return Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image)


def save_png(path: str | os.PathLike, image: np.ndarray) -> None:
    """Writes a uint8 image `(height, width, channels)` with 1, 3 or 4 channels as PNG."""
    with replacing(path) as temporary:
        to_pil(image).save(temporary, format="PNG")


def is_png(path: str | os.PathLike, image: np.ndarray) -> bool:
    """Whether a PNG file contains this uint8 image `(height, width, channels)`."""
    # Pillow's decoders can raise almost any exception on a broken file.
    with contextlib.suppress(Exception), Image.open(path) as picture:
        return np.array_equal(np.asarray(picture), np.asarray(to_pil(image)))
    return False


def opaque(images: np.ndarray) -> np.ndarray:
    """Puts uint8 images with an alpha channel on white; returns others unchanged."""
    if images.shape[-1] != 4:
        return images
    alpha = images[..., 3:] / 255.0
    return np.rint(images[..., :3] * alpha + 255.0 * (1.0 - alpha)).astype("uint8")


def fit_frame(frame: np.ndarray, scale: int | None = None) -> np.ndarray:
    """Scales a uint8 image so that its longer side has about 512 pixels.

    A small image is enlarged by a whole number, or by `scale`, so that its pixels stay sharp.
    """
    if scale:
        return enlarged(frame, scale)
    height, width, channels = frame.shape
    factor = FRAME_SIZE / max(height, width)
    if factor < 1:
        size = (max(1, round(width * factor)), max(1, round(height * factor)))
        frame = np.asarray(to_pil(frame).resize(size, Image.Resampling.LANCZOS))
        return frame.reshape(*frame.shape[:2], channels)
    return enlarged(frame, int(factor))


def save_gif(
    path: str | os.PathLike, frames: Sequence[np.ndarray], seconds_per_frame: float = 0.1
) -> None:
    """Writes uint8 images of one size as a looping GIF; the last image stays for a second."""
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


def check_animation(path: str | os.PathLike) -> None:
    """Checks that `save_animation` can write a file with this suffix.

    Raises:
        ValueError: The suffix is not `.gif`, `.mp4` or `.webm`.
        ImportError: It is a video, and PyAV is not installed.
    """
    suffix = pathlib.Path(path).suffix.lower()
    if suffix in _ENCODERS:
        _pyav()
    elif suffix != ".gif":
        raise argument_error(
            "path",
            "end in .gif, .mp4 or .webm",
            f"path={os.fspath(path)!r}",
            "Pass walk.gif, for example.",
        )


def save_animation(
    path: str | os.PathLike, frames: Sequence[np.ndarray], seconds_per_frame: float = 0.05
) -> None:
    """Writes uint8 images of one size as a looping GIF, or as a video, MP4 (H.264) or WebM (VP9).

    Video needs the package PyAV: `pip install kerasgan[video]`.

    Args:
        path: The file; its suffix, `.gif`, `.mp4` or `.webm`, decides.
        frames: uint8 images `(height, width, channels)`.
        seconds_per_frame: Duration of a frame. (The last one of a GIF stays for a second.)

    Raises:
        ValueError, ImportError: As in `check_animation`.
    """
    check_animation(path)
    suffix = pathlib.Path(path).suffix.lower()
    if suffix == ".gif":
        save_gif(path, frames, seconds_per_frame)
        return
    av, (encoder, options) = _pyav(), _ENCODERS[suffix]
    pictures = [np.asarray(to_pil(opaque(frame)).convert("RGB")) for frame in frames]
    height, width, _ = pictures[0].shape
    # Colours are stored for blocks of 2x2 pixels, so both sides must be even.
    margins = ((0, height % 2), (0, width % 2), (0, 0))
    rate = fractions.Fraction(1 / seconds_per_frame).limit_denominator(1000)
    with replacing(path) as temporary, av.open(os.fspath(temporary), "w") as container:
        stream = container.add_stream(encoder, rate=rate, options=options)
        stream.height, stream.width = height + height % 2, width + width % 2
        stream.pix_fmt = "yuv420p"
        for picture in pictures:
            frame = av.VideoFrame.from_ndarray(np.pad(picture, margins, mode="edge"))
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def _pyav():
    try:
        return importlib.import_module("av")
    except ImportError as error:
        raise ImportError(
            "Videos need the package PyAV. Install it with `pip install kerasgan[video]` or "
            "`pip install av`, or write a .gif file."
        ) from error
