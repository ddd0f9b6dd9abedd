"""What several models of the zoo share."""

import numbers

import keras

from kerasgan.checks import check_whole

SMALLEST, LARGEST = 16, 128  # pixels


def check_sizes(image_shape, latent_dim, filters):
    """The sizes as Python's integers; ValueError unless a model of them can be built."""
    is_shape = isinstance(image_shape, (tuple, list)) and len(image_shape) == 3
    if not (
        is_shape
        and all(isinstance(size, numbers.Integral) for size in image_shape)
        and all(SMALLEST <= size <= LARGEST for size in image_shape[:2])
        and image_shape[2] in (1, 3, 4)
    ):
        raise ValueError(
            "`image_shape` must be (height, width, channels) with a height and a width of "
            f"{SMALLEST} to {LARGEST} pixels and 1, 3 or 4 channels. Received: "
            f"image_shape={image_shape!r}. Pass for example image_shape=(64, 64, 3)."
        )
    check_whole("latent_dim", latent_dim, 1)
    check_whole("filters", filters, 1)
    # Keras's layers refuse NumPy's integers.
    return tuple(map(int, image_shape)), int(latent_dim), int(filters)


def count_halvings(image_shape):
    """How often to halve the size until 3 or 4 pixels of the longer side are left."""
    return max(2, (max(image_shape[:2]) - 1).bit_length() - 2)


def reduced(image_shape, factor):
    """Height and width of the smallest maps that, enlarged by `factor`, cover the image."""
    return tuple(-(-size // factor) for size in image_shape[:2])


def crop_to(x, height, width):
    """Cuts feature maps that are too large down to `height` x `width`, around the middle."""
    down, right = x.shape[1] - height, x.shape[2] - width
    if not down and not right:
        return x
    return keras.layers.Cropping2D(
        ((down // 2, down - down // 2), (right // 2, right - right // 2))
    )(x)


def batch_norm(**kwargs):
    """BatchNormalization whose moving statistics keep up with training.

    With Keras's momentum of 0.99 sampled images lag behind trained ones for hundreds of steps.
    """
    return keras.layers.BatchNormalization(momentum=0.8, **kwargs)


def normalize_by_batch(x, **kwargs):
    """Batch normalisation by the statistics of the batch always, when sampling too.

    BatchNormalization would sample by moving ones. The batch becomes one image, of which each
    channel is a group.
    """
    x = keras.ops.expand_dims(x, 0)  # (1, batch_size, height, width, channels)
    x = keras.layers.GroupNormalization(-1, **kwargs)(x)
    return keras.ops.squeeze(x, 0)


def pooling_discriminator(image_shape, widths, units):
    """The discriminator of the tutorials for MNIST: convolutions, average pools, two dense layers.

    Args:
        image_shape: `(height, width, channels)`.
        widths: Filters of each convolution, at least 1.
        units: Units of the first dense layer, at least 1.
    """
    inputs = keras.Input(image_shape, name="images")
    x = inputs
    for width in widths:
        x = keras.layers.Conv2D(
            max(1, width), 5, padding="same", activation="relu", kernel_initializer=_small()
        )(x)
        x = keras.layers.AveragePooling2D(2, padding="same")(x)  # half as high and wide
    x = keras.layers.Flatten()(x)
    x = keras.layers.Dense(max(1, units), activation="relu", kernel_initializer=_small())(x)
    x = keras.layers.Dense(1, kernel_initializer=_small())(x)  # linear score
    return keras.Model(inputs, x, name="discriminator")


def _small():
    return keras.initializers.TruncatedNormal(stddev=0.02)
