"""Encoders: models that turn images into features, for measuring distances."""

import hashlib
import pathlib

import keras
import numpy as np
from skimage.transform import resize

from kerasgan.checks import argument_error, check_value_range
from kerasgan.metrics._arrays import check_images
from kerasgan.networks import infer

__all__ = ["BATCH_SIZE", "Encoder", "inception_encoder", "mnist_classifier", "mnist_encoder"]

BATCH_SIZE = 250
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
    `docs/results.md` has its accuracy on the test images.

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


def inception_encoder() -> Encoder:
    """InceptionV3 of `keras.applications`, trained on ImageNet: 2,048 features.

    Its weights are downloaded once (88 MB). The Frechet distance of its features is close but not
    equal to the published FID, since the weights and the resizing differ.

    Returns:
        `Encoder`, named `keras_inception_v3`.

    Raises:
        OSError: The weights cannot be downloaded.
    """
    try:
        model = keras.applications.InceptionV3(
            include_top=False, pooling="avg", input_shape=(299, 299, 3)
        )
    except Exception as error:
        raise OSError(
            "The weights of InceptionV3 could not be downloaded. Without a network, use "
            f"kerasgan.metrics.mnist_encoder or your own Keras model. ({error})"
        ) from error
    return Encoder(model, (-1, 1), "keras_inception_v3")
