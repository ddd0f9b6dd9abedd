"""Code that several models share: checks, sizes and batch normalisation."""

import keras

from kerasgan.checks import check_image_shape, check_whole
from kerasgan.zoo import channels_last

__all__ = [
    "WIDEST",
    "batch_norm",
    "check_classes",
    "check_sizes",
    "count_halvings",
    "crop_to",
    "reduced",
]

_SMALLEST, _LARGEST = 16, 128  # pixels
# No machine has room for a wider model. Numbers that are far too large get a helpful error.
WIDEST = 2**16


def check_sizes(image_shape, latent_dim, filters, largest=_LARGEST):
    """Returns the sizes as Python integers; raises ValueError if the zoo does not support them."""
    # Keras layers do not accept NumPy integers.
    image_shape = check_image_shape(image_shape, _SMALLEST, largest)
    latent_dim = check_whole("latent_dim", latent_dim, 1, WIDEST)
    filters = check_whole("filters", filters, 1, WIDEST)
    return image_shape, latent_dim, filters


def check_classes(num_classes):
    """Returns the number of classes as a Python integer; raises ValueError if there are none."""
    return check_whole("num_classes", num_classes, 1, WIDEST)


def count_halvings(image_shape):
    """The number of halvings that leave the longer side 3 or 4 pixels."""
    return max(2, (max(image_shape[:2]) - 1).bit_length() - 2)


def reduced(image_shape, factor):
    """Height and width of the smallest maps that cover the image when enlarged by `factor`."""
    return tuple(-(-size // factor) for size in image_shape[:2])


def crop_to(x, height, width):
    """Crops feature maps to their central `height` x `width` pixels."""
    down, right = x.shape[1] - height, x.shape[2] - width
    if not down and not right:
        return x
    return channels_last.Cropping2D(
        ((down // 2, down - down // 2), (right // 2, right - right // 2))
    )(x)


def batch_norm(**kwargs):
    """BatchNormalization whose moving statistics keep up with training.

    With Keras's momentum of 0.99, sampled images lag behind training for hundreds of steps.
    """
    return keras.layers.BatchNormalization(momentum=0.8, **kwargs)
