"""Keras's layers for images, in the zoo's data format: `(height, width, channels)`.

Without `data_format`, these layers follow `keras.config.image_data_format()`, and a user who has
set it to `"channels_first"` could not build our models.
"""

import functools

import keras

__all__ = [
    "AveragePooling2D",
    "Conv2D",
    "Conv2DTranspose",
    "Conv3D",
    "Cropping2D",
    "Flatten",
    "GlobalAveragePooling2D",
    "UpSampling2D",
    "ZeroPadding2D",
]


def _channels_last(layer):
    return functools.partial(layer, data_format="channels_last")


AveragePooling2D = _channels_last(keras.layers.AveragePooling2D)
Conv2D = _channels_last(keras.layers.Conv2D)
Conv2DTranspose = _channels_last(keras.layers.Conv2DTranspose)
Conv3D = _channels_last(keras.layers.Conv3D)
Cropping2D = _channels_last(keras.layers.Cropping2D)
Flatten = _channels_last(keras.layers.Flatten)
GlobalAveragePooling2D = _channels_last(keras.layers.GlobalAveragePooling2D)
UpSampling2D = _channels_last(keras.layers.UpSampling2D)
ZeroPadding2D = _channels_last(keras.layers.ZeroPadding2D)
