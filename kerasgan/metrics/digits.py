"""What a digit classifier sees in generated digits."""

from collections.abc import Callable

import numpy as np
import scipy.special

from kerasgan.checks import argument_error, as_array, check_function, is_real
from kerasgan.metrics._arrays import check_images
from kerasgan.metrics.modes import kl_from_uniform

__all__ = ["digit_statistics"]


def digit_statistics(
    images: np.ndarray, classifier: Callable, labels: np.ndarray | None = None
) -> dict:
    """How balanced and clear generated digits are, and whether they match their labels.

    Args:
        images: uint8 `(n, height, width, channels)`.
        classifier: Function from images to logits `(n, number of classes)`, for example
            `Encoder(mnist_classifier())`.
        labels: Integers `(n,)`: the requested classes.

    Returns:
        Dict: `histogram` (list of counts), `kl` (its divergence from uniform, in nats),
        `confidence` (mean probability of the most likely class) and, with `labels`, `agreement`
        (fraction of images that the classifier assigns to the requested class).

    Raises:
        ValueError: `images` is not such an array, `classifier` does not return such logits, or
            `labels` does not have one integer per image.
    """
    images = check_images("images", images)
    check_function("classifier", classifier, ("images",))
    if labels is not None:
        labels = as_array("labels", labels)
        if labels.shape != images.shape[:1] or labels.dtype.kind not in "iu":
            raise argument_error(
                "labels",
                "be one integer per image",
                f"labels of shape {labels.shape} and dtype {labels.dtype} for {len(images)} images",
                "Pass the labels of gan.sample.",
            )
    logits = as_array("classifier", classifier(images))
    is_shaped = logits.ndim == 2 and len(logits) == len(images) and is_real(logits)
    if not is_shaped or np.isnan(logits).any():
        raise argument_error(
            "classifier",
            "return logits (n, number of classes)",
            f"an array of shape {logits.shape} and dtype {logits.dtype} for {len(images)} images"
            + (", with NaN" if is_shaped else ""),
            "Pass Encoder(mnist_classifier()), for example.",
        )
    classes = np.argmax(logits, axis=1)
    counts = np.bincount(classes, minlength=logits.shape[1])
    found = {
        "histogram": counts.tolist(),
        "kl": kl_from_uniform(counts),
        "confidence": float(np.mean(np.max(scipy.special.softmax(logits, axis=1), axis=1))),
    }
    if labels is not None:
        found["agreement"] = float(np.mean(classes == labels))
    return found
