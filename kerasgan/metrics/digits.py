"""What a classifier of digits sees in generated ones."""

import numpy as np
import scipy.special

from kerasgan.metrics.modes import kl_from_uniform


def digit_statistics(images, classifier, labels=None):
    """Balance, clarity and, where labels were asked for, rightness of generated digits.

    Args:
        images: uint8 `(n, height, width, channels)`.
        classifier: Function from images to logits `(n, number of classes)`, for example
            `Encoder(mnist_classifier())`.
        labels: Integers `(n,)`: the classes that were asked for.

    Returns:
        Dict: `histogram` (list of counts), `kl` (its divergence, in nats, from the uniform one),
        `confidence` (mean probability of the most likely class), and with `labels` `agreement`
        (share of images that are taken for the class asked for).

    Raises:
        ValueError: As many labels as images there are not.
    """
    logits = classifier(images)
    classes = np.argmax(logits, axis=1)
    counts = np.bincount(classes, minlength=logits.shape[1])
    found = {
        "histogram": counts.tolist(),
        "kl": kl_from_uniform(counts),
        "confidence": float(np.mean(np.max(scipy.special.softmax(logits, axis=1), axis=1))),
    }
    if labels is not None:
        if np.shape(labels) != classes.shape:
            raise ValueError(
                "`labels` must be one integer per image. Received: labels of shape "
                f"{np.shape(labels)} for {len(classes)} images. Pass those given to gan.sample."
            )
        found["agreement"] = float(np.mean(classes == np.asarray(labels)))
    return found
