"""Batches as users pass them: images, labels and other arrays, checked on the host."""

import warnings

import numpy as np

from kerasgan import images
from kerasgan.checks import argument_error, as_array, counted, is_real
from kerasgan.networks import first

__all__ = [
    "check",
    "check_labels",
    "check_mixtures",
    "check_number_of_classes",
    "warn_of_habits",
    "warn_of_small_classes",
]

_MOST_TIMES = 10  # that the largest class may be as large as the smallest


def check(
    batch,
    generator,
    discriminator,
    value_range,
    num_classes=None,
    takes_unlabeled=False,
    first_image=0,
):
    """Checks a batch and returns it as a dict of NumPy arrays.

    Args:
        batch: Images, `(images, labels)`, or a dict of `images`, `labels` and other arrays.
        generator, discriminator: The networks; arrays they do not take are dropped.
        value_range: `(low, high)` of the networks' images.
        num_classes: Number of classes; None for networks trained without labels.
        takes_unlabeled: Whether a label may be -1, for an image whose class is not known.
        first_image: Number of the first image, for messages.

    Raises:
        ValueError: An array is missing, or has the wrong shape, dtype, length or range.
    """
    batch = _named(batch)
    shapes = _taken_by_name(generator) | _taken_by_name(discriminator)
    shapes["images"] = tuple(first(generator.outputs).shape[1:])
    missing = shapes.keys() - batch.keys() - {"latents", "labels"}
    if missing:
        raise argument_error(
            "images",
            f"be a dict with {', '.join(sorted(shapes.keys() - {'latents'}))}",
            f"a batch of {', '.join(sorted(batch))}",
            "Add the missing arrays.",
        )
    checked = {}
    for name in ("images", "source_images"):
        if name in shapes:
            checked[name] = images.check(batch[name], shapes[name], value_range, name, first_image)
    if num_classes is not None:
        labels = batch.get("labels")
        lowest = -1 if takes_unlabeled else 0
        checked["labels"] = check_labels(labels, len(checked["images"]), num_classes, lowest)
    for name in sorted(shapes.keys() - checked.keys() - {"latents", "labels"}):
        checked[name] = as_array(name, batch[name])
    lengths = {name: len(array) for name, array in checked.items()}
    if len(set(lengths.values())) > 1:
        raise argument_error(
            "images",
            "be a dict of arrays of equal length",
            f"lengths {lengths}",
            "Give each array one entry per image.",
        )
    return checked


def warn_of_habits(batch, checked, value_range, num_classes=None):
    """Warns about data that trains without an error, but probably not as intended.

    Args:
        batch: The very first batch, as passed.
        checked: What `check` returned for it.
        value_range, num_classes: As in `check`.
    """
    low, high = value_range
    found = checked["images"]
    if found.dtype != np.uint8 and low < 0 <= found.min() < found.max():
        warnings.warn(
            f"`images` should be floats in {value_range}, or uint8. Received: a first batch "
            f"without values below 0, as if in (0, {high:g}): black would be treated as grey. "
            f"Pass {high - low:g} * images - {-low:g} if they are in (0, 1), or uint8.",
            stacklevel=4,
        )
    if num_classes is None and _named(batch).get("labels") is not None:
        warnings.warn(
            "`labels` are ignored, because neither network takes labels. Leave them out: pass only "
            "the images (labels=False in kerasgan.datasets.ImageFolder, label_mode=None in "
            "keras.utils.image_dataset_from_directory). To train with labels, give both networks "
            "an Input named 'labels', and pass GAN(num_classes=...).",
            stacklevel=4,
        )


def check_number_of_classes(x, num_classes):
    """Raises ValueError unless a folder of images, also one that Keras reads, fits the model."""
    # With too few classes, training would give no error.
    names = getattr(x, "class_names", None)
    if names is not None and num_classes not in (None, len(names)):
        raise argument_error(
            "x",
            f"have the model's {counted(num_classes, 'class')}",
            f"data with {counted(len(names), 'class')}",
            f"Build the model with num_classes={len(names)}, or check the folder.",
        )


def warn_of_small_classes(sizes, names=None):
    """Warns about classes of very different sizes.

    Args:
        sizes: Dict from labels to numbers of images; empty if they are unknown.
        names: Names of the classes, by label; None to show their numbers.
    """
    found = {label: size for label, size in sizes.items() if label >= 0 and size}
    if not found:
        return
    smallest, largest = min(found, key=found.get), max(found, key=found.get)
    if found[largest] > _MOST_TIMES * found[smallest]:
        few, many = (names[label] if names else label for label in (smallest, largest))
        warnings.warn(
            f"The classes differ a lot in size: the smallest, {few}, has {found[smallest]:,} "
            f"image{'s' if found[smallest] > 1 else ''}, the largest, {many}, has "
            f"{found[largest]:,}. Images of small classes will be worse and less varied: add more "
            "of them, or leave these classes out.",
            stacklevel=3,
        )


def _named(batch):
    """A batch as a dict."""
    if isinstance(batch, (tuple, list)) and batch and np.ndim(batch[0]) == 4:
        # Sample weights after the labels are ignored.
        return {"images": batch[0]} | ({"labels": batch[1]} if len(batch) > 1 else {})
    return batch if isinstance(batch, dict) else {"images": batch}


def _taken_by_name(model):
    """Shapes of the Inputs fed by name: all if several; a single one only if `source_images`."""
    shapes = {tensor.name: tuple(tensor.shape[1:]) for tensor in model.inputs}
    return {
        name: shape for name, shape in shapes.items() if len(shapes) > 1 or name == "source_images"
    }


def check_mixtures(labels, count, num_classes):
    """Checks labels that may be mixtures of classes; returns them as an int32 or float32 array.

    Args:
        labels: As in `check_labels`, or shares of the classes `(count, num_classes)`.
        count: Number of images.
        num_classes: Number of classes.

    Raises:
        ValueError: Labels are neither.
    """
    shares = as_array("labels", labels)
    if shares.shape != (count, num_classes):
        return check_labels(labels, count, num_classes)
    is_valid = is_real(shares) and np.isfinite(shares).all() and (shares >= 0).all()
    if not is_valid or not np.allclose(shares.sum(axis=1), 1.0, atol=1e-3):
        raise argument_error(
            "labels",
            "be whole numbers, or shares of the classes: rows of numbers of at least 0 that sum "
            "to 1",
            f"labels of shape {shares.shape} and dtype {shares.dtype}",
            "Divide each row by its sum.",
        )
    return shares.astype("float32")


def check_labels(labels, count, num_classes, lowest=0):
    """Checks labels on the host and returns them as an int32 array.

    Args:
        labels: Whole numbers `(count,)`, from `lowest` to `num_classes - 1`.
        count: Number of images.
        num_classes: Number of classes.
        lowest: -1 to allow images whose class is not known, else 0.

    Raises:
        ValueError: Labels are missing, of the wrong shape or dtype, or out of range.
    """
    expected = (
        f"be whole numbers from {lowest} to {num_classes - 1}, one per image: shape ({count},)"
    )
    if labels is None:
        raise argument_error("labels", expected, "no labels", "Pass (images, labels).")
    labels = as_array("labels", labels)
    if labels.shape == (count, num_classes) and num_classes > 1:
        hint = "For one-hot labels, pass labels.argmax(axis=-1)."
    elif labels.shape == (count, 1):
        hint = "Pass labels[:, 0]."
    else:
        hint = "Pass one label per image."
    if labels.shape != (count,):
        raise argument_error("labels", expected, f"labels of shape {labels.shape}", hint)
    if count > 0 and not np.issubdtype(labels.dtype, np.integer):
        fix = "Pass numpy.asarray(labels, 'int32')."
        if labels.dtype.kind in "SU":
            fix = (
                "Pass numbers of classes: numpy.unique(labels, return_inverse=True)[1], or the "
                "positions in class_names."
            )
        raise argument_error("labels", expected, f"dtype={labels.dtype}", fix)
    if count > 0 and (labels.min() < lowest or labels.max() >= num_classes):
        received = f"labels from {labels.min()} to {labels.max()}"
        fix = "Number the classes from 0, and set num_classes to how many there are."
        raise argument_error("labels", expected, received, fix)
    return labels.astype("int32", copy=False)
