"""Loads the images that DATA names: a folder, or the word mnist."""

import numpy as np

from kerasgan import datasets
from kerasgan.checks import argument_error


def is_mnist(data):
    return data == "mnist"


def load_to_train(arguments):
    """Loads a run's images: an array or an `ImageFolder`."""
    if is_mnist(arguments["data"]):
        return datasets.load_mnist("train", arguments["data_path"])[0]
    return datasets.ImageFolder(
        arguments["data"],
        (*arguments["size"], arguments["channels"]),
        batch_size=arguments["batch_size"],
        fit=arguments["fit"],
        background=arguments["background"],
        mirror=arguments["mirror"],
        labels=False,
        seed=arguments["seed"],
    )


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


def num_images(data):
    return len(data) if isinstance(data, np.ndarray) else data.num_images
