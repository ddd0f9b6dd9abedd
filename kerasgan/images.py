"""Images: uint8 for users, floats in the networks' value range inside."""

import math

import numpy as np
from keras import backend, ops

from kerasgan.checks import as_array

__all__ = ["as_uint8", "check", "to_float", "to_uint8"]


def to_float(images, value_range):
    """Converts uint8 images to float32 in `value_range`, on the device; keeps float images."""
    if backend.standardize_dtype(images.dtype) != "uint8":
        return images
    low, high = value_range
    return ops.cast(images, "float32") * ((high - low) / 255.0) + low


def to_uint8(images, value_range):
    """Converts float images in `value_range` to uint8, rounded and clipped, on the host."""
    low, high = value_range
    scaled = (np.asarray(images, dtype="float32") - low) * (255.0 / (high - low))
    return np.clip(np.rint(scaled), 0, 255).astype("uint8")


def as_uint8(images, value_range):
    """`to_uint8` for tensors and inside models, on the device."""
    low, high = value_range
    scaled = (ops.cast(images, "float32") - low) * (255.0 / (high - low))
    return ops.cast(ops.clip(ops.round(scaled), 0, 255), "uint8")


def check(images, image_shape, value_range, name="images", first=0):
    """Checks a batch on the host and returns it as a uint8 or float32 array.

    Args:
        images: Array `(batch_size, height, width, channels)`: uint8, or floats in
            `value_range`.
        image_shape: The `(height, width, channels)` that the models take.
        value_range: `(low, high)` of the networks.
        name: What to call the argument in the message.
        first: What to call its first image there: the batch may be a part of the user's array.

    Raises:
        ValueError: The shape, dtype or range is wrong, or there is NaN or infinity.
    """
    kind = type(images).__name__
    images = as_array(name, images)
    expected = (
        f"`{name}` must be uint8 (0 to 255) or floats in {tuple(value_range)}, of shape "
        f"(batch_size, {', '.join(map(str, image_shape))}). Received: "
    )
    if not images.ndim or images.dtype == object:
        raise ValueError(f"{expected}{name} of type {kind}. Pass only the array of images.")
    if images.ndim != 4 or images.shape[1:] != tuple(image_shape) or not len(images):
        raise ValueError(
            f"{expected}{name} of shape {images.shape}. {_shape_hint(images.shape, image_shape)}"
        )
    dtype = images.dtype
    if dtype == np.uint8:
        return images
    if not dtype.name.startswith(("float", "bfloat")):  # bfloat16 is not a float to NumPy
        raise ValueError(f"{expected}dtype={dtype}. {_dtype_hint(images, name)}")
    images = images.astype("float32", copy=False)
    low, high = value_range
    smallest, largest = float(images.min()), float(images.max())
    # The caller's scaling may round to a few ulp outside the range.
    tolerance = 1e-3 * (high - low)
    if not (smallest >= low - tolerance and largest <= high + tolerance):
        if not math.isfinite(largest - smallest):
            index = int(np.isfinite(images).all(axis=(1, 2, 3)).argmin())
            kind = "NaN" if np.isnan(images[index]).any() else "infinity"
            raise ValueError(
                f"{expected}dtype={dtype}, where image {first + index} has {kind}. To leave such "
                f"images out, pass {name}[numpy.isfinite({name}).all(axis=(1, 2, 3))]."
            )
        if smallest >= 0 and 2 < largest <= 255:
            # As from keras.utils.image_dataset_from_directory.
            hint = (
                f"For values from 0 to 255, pass {name}.astype('uint8'); for a tf.data.Dataset, "
                "dataset.map(lambda images, *rest: tf.cast(images, 'uint8')), which drops labels."
            )
        else:
            hint = f"Scale the values to {tuple(value_range)}, or pass uint8."
        raise ValueError(f"{expected}dtype={dtype}, values {smallest} to {largest}. {hint}")
    return images


def _dtype_hint(images, name):
    """How to convert images to uint8 without the overflow of a plain astype."""
    if images.dtype.kind not in "biu":
        return "Pass uint8, or floats in that range."
    largest = 1 if images.dtype == bool else int(images.max())
    if largest <= 1 and images.min() >= 0:
        return f"For values of 0 and 1, pass {name}.astype('uint8') * 255."
    if largest <= 255 and images.min() >= 0:
        return f"Pass {name}.astype('uint8')."
    if images.dtype == np.uint16:
        return f"For the full 16-bit range, pass ({name} / 257).round().astype('uint8')."
    return (
        "Scale the values to 0 to 255 and round them, then call .astype('uint8'), which wraps "
        "other values."
    )


def _shape_hint(shape, image_shape):
    height, width, channels = image_shape
    if len(shape) == 4 and shape[1:] == (channels, height, width):
        return "Move the channels last: numpy.transpose(images, (0, 2, 3, 1))."
    if len(shape) == 3 and shape == tuple(image_shape):
        return "Pass a single image as a batch of one: images[None]."
    if len(shape) == 3 and channels == 1 and shape[1:] == (height, width):
        return "Add the channel axis: images[..., None]."
    if len(shape) == 3 and channels == 3 and shape[1:] == (height, width):
        return "Make grey images colour: numpy.stack([images] * 3, axis=-1)."
    if len(shape) == 3 and shape[2] == channels:
        return f"That is one image. Resize it to {height}x{width}; pass many, as numpy.stack(list)."
    if len(shape) == 4 and shape[1:3] == (height, width):
        return f"Convert the images to {channels} channels, or build the model for {shape[3]}."
    return "Resize the images, or build the model for their image_shape."
