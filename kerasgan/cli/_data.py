"""Loads the images and labels that DATA names: a folder, a .zip archive, or the word mnist."""

import contextlib

import numpy as np

from kerasgan import datasets
from kerasgan.checks import argument_error, counted
from kerasgan.datasets import _classes
from kerasgan.datasets._source import list_kinds, opened
from kerasgan.datasets.image_folder import find_class_names

_NUM_DIGITS = 60_000
_DIGITS = [str(digit) for digit in range(10)]


def is_mnist(data):
    return data == "mnist"


def find_classes(arguments):
    """Finds the names of the classes in a run's data, before any image is decoded."""
    if is_mnist(arguments["data"]):
        return _DIGITS
    folder, model = arguments["data"], arguments["model"]
    names, strays = find_class_names(folder)
    if strays or len(names) < 2:
        received = f"DATA {folder}, with "
        if strays:
            received += f"{counted(len(strays), 'image')} outside subfolders, such as {strays[0]!r}"
        else:
            received += f"images in only one, {names[0]!r}"
        raise argument_error(
            "DATA",
            f"have a subfolder for each of two or more classes, because {model} learns from labels",
            received,
            "Move each image into the subfolder of its class, such as DATA/cats and DATA/dogs, add "
            "a dataset.json with labels, or choose a --model without labels.",
        )
    return names


def survey(data):
    """Counts images before any is decoded.

    Returns:
        `(num_images, num_classes)`; no classes (0) in a folder unless all images are in two or more
        subfolders, and for MNIST.
    """
    if is_mnist(data):
        return _NUM_DIGITS, 0
    with opened(data) as source:
        names, strays = [], []
        with contextlib.suppress(ValueError):  # a wrong dataset.json, which not all models read
            names, strays = _classes.find_class_names(source)
        return len(source.files), 0 if strays or len(names) < 2 else len(names)


def load_to_train(arguments, labels=False):
    """Loads a run's images: an array or an `ImageFolder`; with labels, a pair instead of an array.

    Args:
        arguments: Dict of the run's arguments.
        labels: Whether to load labels, too.
    """
    if is_mnist(arguments["data"]):
        data = datasets.load_mnist("train", arguments["data_path"])
        if labels and data[1].max() >= len(_DIGITS):
            raise argument_error(
                "--data-path",
                "have labels from 0 to 9",
                f"--data-path {arguments['data_path']}, with labels up to {data[1].max()}",
                "Pass a folder of images as DATA, with a subfolder for each class.",
            )
        return data if labels else data[0]
    folder = datasets.ImageFolder(
        arguments["data"],
        (*arguments["size"], arguments["channels"]),
        batch_size=arguments["batch_size"],
        fit=arguments["fit"],
        background=arguments["background"],
        mirror=arguments["mirror"],
        labels=labels,
        seed=arguments["seed"],
    )
    if folder.ignored:
        print(f"Files that are no images: {list_kinds(folder.ignored)}.")
    return folder


def load_to_compare(data, data_path, image_shape):
    """Loads real images in a model's shape: an array or an `ImageFolder`."""
    if not is_mnist(data):
        return datasets.ImageFolder(data, image_shape, batch_size=64, labels=False)
    images = datasets.load_mnist("train", data_path)[0]
    if images.shape[1:] != image_shape:
        raise argument_error(
            "--data",
            "contain images of MODEL's shape",
            f"--data mnist for a model of shape {image_shape}",
            "Pass the folder MODEL was trained on.",
        )
    return images


def images_of(data):
    """What `load_to_train` returned, without the labels of a pair."""
    return data[0] if isinstance(data, tuple) else data


def num_images(data):
    images = images_of(data)
    return len(images) if isinstance(images, np.ndarray) else images.num_images
