"""Labels: the classes of images, as whole numbers."""

import numpy as np
from keras import ops

from kerasgan.checks import argument_error

__all__ = ["check"]


def check(labels, count, num_classes):
    """Checks labels on the host and returns them as int32 numpy.

    Args:
        labels: Whole numbers `(count,)`, from 0 to `num_classes - 1`.
        count: Number of images.
        num_classes: Number of classes.

    Raises:
        ValueError: Labels are missing, of another shape or dtype, or out of range.
    """
    expected = f"be whole numbers from 0 to {num_classes - 1}, one per image: shape ({count},)"
    if labels is None:
        raise argument_error("labels", expected, "none", "Pass (images, labels).")
    labels = ops.convert_to_numpy(labels) if ops.is_tensor(labels) else np.asarray(labels)
    if labels.shape == (count, num_classes) and num_classes > 1:
        hint = "For one-hot labels pass labels.argmax(axis=-1)."
    elif labels.shape == (count, 1):
        hint = "Pass labels[:, 0]."
    else:
        hint = "Pass one for each image."
    if labels.shape != (count,):
        raise argument_error("labels", expected, f"labels of shape {labels.shape}", hint)
    if not np.issubdtype(labels.dtype, np.integer):
        fix = "Pass labels.astype('int32')."
        raise argument_error("labels", expected, f"dtype={labels.dtype}", fix)
    if labels.min() < 0 or labels.max() >= num_classes:
        received = f"labels from {labels.min()} to {labels.max()}"
        fix = "Number the classes from 0, and set num_classes to how many there are."
        raise argument_error("labels", expected, received, fix)
    return labels.astype("int32", copy=False)
