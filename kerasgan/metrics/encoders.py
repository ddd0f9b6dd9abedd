"""Encoders: models that turn images into features, for measuring distances."""

import hashlib
import os
import pathlib
import warnings

import keras
import numpy as np
from skimage.transform import resize

from kerasgan.checks import argument_error, check_image_shape, check_value_range
from kerasgan.metrics._arrays import check_images
from kerasgan.networks import infer

__all__ = [
    "BATCH_SIZE",
    "Encoder",
    "inception_encoder",
    "mnist_classifier",
    "mnist_encoder",
    "pyramid_encoder",
]

BATCH_SIZE = 250
# Of `pyramid_encoder`: a level has at least 8 pixels; above a contrast of 2, contrasts count by
# their ratio, below it by their difference; and the colours of places count in 128ths.
_SMALLEST_LEVEL, _FAINT, _COLORS = 8, 2.0, 128.0
_INCEPTION = "inception_v3_weights_tf_dim_ordering_tf_kernels_notop.h5"
_CLASSIFIER = pathlib.Path(__file__).with_name("mnist_classifier.keras")


class Encoder:
    """Computes features of uint8 images with any Keras model, including all preprocessing.

    Images are converted to the model's channels (grey repeated, colour to luminance, alpha onto
    black), size (`skimage.transform.resize`, anti-aliased) and value range, in this order.
    Compare only numbers from encoders with the same `hash`.

    Args:
        model: `keras.Model` from images `(n, height, width, 1 or 3)` of a known size to features
            `(n, d)`.
        value_range: `(low, high)` of the images that the model takes.
        name: Name to print with the scores; by default the model's.

    Attributes:
        name: The name.
        hash: 12 hexadecimal digits of a hash of its weights, image shape, value range and output
            for one image.

    Raises:
        ValueError: `model` is not such a model, or another argument is invalid.

    Example:

    ```python
    encoder = kerasgan.metrics.Encoder(model, value_range=(0, 1))
    features = encoder(images)
    ```
    """

    def __init__(
        self,
        model: keras.Model,
        value_range: tuple[float, float] = (0, 255),
        name: str | None = None,
    ):
        shape = getattr(model, "input_shape", None)
        output_shape = getattr(model, "output_shape", None)
        if (
            not isinstance(model, keras.Model)
            or not (isinstance(shape, tuple) and len(shape) == 4 and None not in shape[1:])
            or shape[-1] not in (1, 3)
            or not (isinstance(output_shape, tuple) and len(output_shape) == 2)
        ):
            is_model = isinstance(model, keras.Model)
            raise argument_error(
                "model",
                "take images (n, height, width, 1 or 3) of a known size and return features (n, d)",
                f"model with input_shape={shape}, output_shape={output_shape}"
                if is_model
                else f"model of type {type(model).__name__}",
                "End it with a pooling or dense layer." if is_model else "Pass a keras.Model.",
            )
        check_value_range(value_range, "Pass (0, 255), (0, 1) or (-1, 1).")
        if name is not None and not isinstance(name, str):
            raise argument_error("name", "be text", f"name={name!r}", "Leave it out.")
        self.model = model
        self.image_shape = shape[1:]
        self.value_range = tuple(value_range)
        self.name = name or model.name
        self.hash = self._hash()

    def _hash(self):
        digest = hashlib.sha256(repr((self.image_shape, self.value_range)).encode())
        for weight in self.model.weights:
            digest.update(keras.ops.convert_to_numpy(weight).tobytes())
        # This covers what is not in the weights: layers and resizing. Backends agree on only a few
        # digits.
        probe = np.random.default_rng(0).integers(0, 256, (1, 48, 40, 3), dtype="uint8")
        digest.update(f"{np.abs(self(probe)).mean(dtype='float64'):.3g}".encode())
        return digest.hexdigest()[:12]

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Features of images.

        Args:
            images: uint8 `(n, height, width, channels)` with 1, 3 or 4 channels, n above 0.

        Returns:
            float32 array `(n, d)`.

        Raises:
            ValueError: `images` is not such an array.
        """
        images = check_images("images", images)
        low, high = self.value_range
        parts = []
        for start in range(0, len(images), BATCH_SIZE):
            part = self._fitted(images[start : start + BATCH_SIZE])
            part = (part * ((high - low) / 255.0) + low).astype("float32")
            parts.append(infer(self.model, part))
        return np.concatenate(parts)

    def _fitted(self, images):
        """uint8 images as floats of 0 to 255 in the model's size and channels."""
        height, width, channels = self.image_shape
        images = images.astype("float32")
        if images.shape[-1] == 4:
            images = images[..., :3] * (images[..., 3:] / 255.0)
        if images.shape[-1] == 3 and channels == 1:
            images = images @ np.array([[0.299], [0.587], [0.114]], "float32")
        if images.shape[-1] == 1 and channels == 3:
            images = np.repeat(images, 3, axis=-1)
        if images.shape[1:3] != (height, width):
            size = (len(images), height, width, channels)
            images = resize(images, size, order=1, anti_aliasing=True, preserve_range=True)
        return images


def mnist_classifier() -> keras.Model:
    """The classifier of MNIST digits that comes with the package.

    Trained on the 60,000 training images by `scripts/measure/train_mnist_classifier.py`;
    the page "Results" of the documentation has its accuracy on the test images.

    Returns:
        `keras.Model` from images `(n, 28, 28, 1)` of 0 to 255 to logits `(n, 10)`.
    """
    return keras.models.load_model(_CLASSIFIER)


def mnist_encoder() -> Encoder:
    """The layer before the logits of `mnist_classifier`: 64 features, without a download.

    For MNIST and similar images. Do not compare its distances with an FID.

    Returns:
        `Encoder`.
    """
    model = mnist_classifier()
    features = keras.Model(model.input, model.get_layer("features").output)
    return Encoder(features, (0, 255), "mnist_classifier")


def pyramid_encoder(image_shape: tuple[int, int, int]) -> Encoder:
    """Colours, and contrasts at every scale: features of any images, without a download.

    For photographs and drawings where InceptionV3 is not at hand. Luminance and two colour
    differences are halved in size again and again (a pyramid). At each size, eight filters of 3x3
    pixels (the discrete cosine transform's) measure how strong edges, lines and dots are in the
    whole image; the smallest size gives the colours of about 4x4 places.

    It sees blur, noise, dotted textures, wrong colours, a wrong layout, and missing variety. It
    does not know what an image shows: a face with three eyes has the contrasts of a face.
    The page "Choose a model" of the documentation has measurements. Do not compare its distances
    with an FID.

    Args:
        image_shape: `(height, width, channels)` of the images, 8 to 1,024 pixels: contrasts depend
            on the size. Images of other sizes are resized.

    Returns:
        `Encoder`, named `pyramid`, of 24 features for each size (8 for grey) and those of the
        places: 120 for 32x32x3.

    Raises:
        ValueError: `image_shape` is not such a shape.

    Example:

    ```python
    encoder = kerasgan.metrics.pyramid_encoder(gan.image_shape)
    evaluator = kerasgan.metrics.Evaluator(photos, encoder)
    scores = evaluator(gan)         # {"variety": ..., ...}; 1: as varied as real images
    ```
    """
    height, width, channels = check_image_shape(image_shape, _SMALLEST_LEVEL, 1024)
    images = keras.Input((height, width, min(channels, 3)), name="images")
    x, features = images, []
    if channels > 1:
        x = _fixed(keras.layers.Conv2D, x, _LUMINANCE_AND_COLORS[None, None], filters=3)
    filters = np.repeat(_cosine_filters()[:, :, None], x.shape[-1], axis=2)
    while min(x.shape[1:3]) >= _SMALLEST_LEVEL:
        found = _fixed(keras.layers.DepthwiseConv2D, x, filters, depth_multiplier=8)
        power = keras.ops.mean(keras.ops.square(found), axis=(1, 2))
        features.append(keras.ops.log1p(keras.ops.sqrt(power) / _FAINT))
        x = _pooled(x, 2)
    places = _pooled(x, tuple(side // 4 for side in x.shape[1:3]))
    features.append(keras.layers.Flatten(**_PLAIN)(places) / _COLORS)
    model = keras.Model(images, keras.layers.Concatenate(dtype="float32")(features))
    return Encoder(model, (0, 255), "pyramid")


# The same numbers under every setting of Keras: its image format and its dtype policy.
_PLAIN = {"data_format": "channels_last", "dtype": "float32"}
# The columns of JPEG's YCbCr.
_LUMINANCE_AND_COLORS = np.array(
    [[0.299, -0.169, 0.5], [0.587, -0.331, -0.419], [0.114, 0.5, -0.081]]
)


def _cosine_filters():
    """The discrete cosine transform of 3x3 pixels without the mean: `(3, 3, 8)`."""
    rows = np.array([[1, 1, 1], [1, 0, -1], [1, -2, 1]]) / np.sqrt([[3], [2], [6]])
    return np.einsum("ai,bj->ijab", rows, rows).reshape(3, 3, 9)[..., 1:]


def _fixed(layer, x, kernel, **settings):
    """Calls a new convolution with this kernel."""
    layer = layer(kernel_size=kernel.shape[0], use_bias=False, **settings, **_PLAIN)
    x = layer(x)
    layer.set_weights([kernel])
    return x


def _pooled(x, size):
    return keras.layers.AveragePooling2D(size, **_PLAIN)(x)


def inception_encoder() -> Encoder:
    """InceptionV3 of `keras.applications`, trained on ImageNet: 2,048 features.

    Its weights are downloaded once (88 MB); a warning says so before. The Frechet distance of its
    features is close but not equal to the published FID, since the weights and the resizing
    differ.

    Returns:
        `Encoder`, named `keras_inception_v3`.

    Raises:
        OSError: The weights cannot be downloaded.
    """
    folder = pathlib.Path(os.environ.get("KERAS_HOME") or os.path.expanduser("~/.keras"), "models")
    if not (folder / _INCEPTION).exists():
        warnings.warn(
            f"Downloading the weights of InceptionV3 to {folder}, once: 88 MB from "
            "storage.googleapis.com. The encoder `pyramid` needs no download.",
            stacklevel=2,
        )
    try:
        model = keras.applications.InceptionV3(
            include_top=False, pooling="avg", input_shape=(299, 299, 3)
        )
    except Exception as error:
        raise OSError(
            "The weights of InceptionV3 could not be downloaded. Without a network, use the "
            "encoder `pyramid` (--encoder pyramid, --evaluate pyramid, or "
            f"kerasgan.metrics.pyramid_encoder), or your own Keras model. ({error})"
        ) from error
    return Encoder(model, (-1, 1), "keras_inception_v3")
