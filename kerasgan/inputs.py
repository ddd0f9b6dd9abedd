"""Batches as users hand them over: images, labels and further arrays, checked on the host."""

import numpy as np

from kerasgan import images
from kerasgan.checks import argument_error, as_array
from kerasgan.networks import first

__all__ = ["check", "check_labels"]


def check(batch, generator, discriminator, value_range, num_classes=None):
    """Checks a batch and returns it as a dict of NumPy arrays.

    Args:
        batch: Images, `(images, labels)`, or a dict of `images`, `labels` and other arrays.
        generator, discriminator: The networks; what they do not take is left out.
        value_range: `(low, high)` of the networks' images.
        num_classes: Number of classes; None for networks that are trained without labels.

    Raises:
        ValueError: Something is missing, or has another shape, dtype, length or range.
    """
    if isinstance(batch, (tuple, list)) and batch and np.ndim(batch[0]) == 4:
        # Sample weights after the labels are ignored.
        batch = {"images": batch[0]} | ({"labels": batch[1]} if len(batch) > 1 else {})
    elif not isinstance(batch, dict):
        batch = {"images": batch}
    shapes = _taken_by_name(generator) | _taken_by_name(discriminator)
    shapes["images"] = tuple(first(generator.outputs).shape[1:])
    missing = shapes.keys() - batch.keys() - {"latents", "labels"}
    if missing:
        raise argument_error(
            "images",
            f"be a dict with {', '.join(sorted(shapes.keys() - {'latents'}))}",
            f"a batch of {', '.join(sorted(batch))}",
            "Add what is missing.",
        )
    checked = {}
    for name in ("images", "source_images"):
        if name in shapes:
            checked[name] = images.check(batch[name], shapes[name], value_range, name)
    if num_classes is not None:
        labels = batch.get("labels")
        checked["labels"] = check_labels(labels, len(checked["images"]), num_classes)
    for name in sorted(shapes.keys() - checked.keys() - {"latents", "labels"}):
        checked[name] = np.asarray(batch[name])
    lengths = {name: len(array) for name, array in checked.items()}
    if len(set(lengths.values())) > 1:
        raise argument_error(
            "images", "be arrays of one length", f"lengths {lengths}", "Pass one entry each."
        )
    return checked


def _taken_by_name(model):
    """The shapes of what a model takes by name: all of several Inputs; of one, source images."""
    shapes = {tensor.name: tuple(tensor.shape[1:]) for tensor in model.inputs}
    return {
        name: shape for name, shape in shapes.items() if len(shapes) > 1 or name == "source_images"
    }


def check_labels(labels, count, num_classes):
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
    labels = as_array("labels", labels)
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
