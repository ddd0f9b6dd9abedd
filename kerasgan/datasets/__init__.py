"""Images to train on, as uint8 arrays: a folder or archive of your own, or MNIST."""

from kerasgan.cache import clear_cache
from kerasgan.datasets.image_folder import ImageFolder
from kerasgan.datasets.mnist import load_mnist

__all__ = ["ImageFolder", "clear_cache", "load_mnist"]
