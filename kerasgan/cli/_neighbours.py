"""Finds the training images that are most like generated ones."""

import numpy as np

from kerasgan import metrics

NEAREST = 5  # real images for each generated one
MOST_SEARCHED = 10_000  # training images for the page of a run


class Neighbours:
    """Training images, and their features.

    Args:
        images: An array, or a sequence of batches of one size (the last may be smaller).
        encoder: Function from a batch of images to features `(n, num_features)`.
        most: Largest number of images to search, from the first, in full batches; None for all.

    Attributes:
        count: How many are searched.
    """

    def __init__(self, images, encoder, most=None):
        self._batches = [images[:most]] if isinstance(images, np.ndarray) else images
        self._encoder = encoder
        size = len(self._batches[0])
        num_batches = len(self._batches) if most is None else -(-most // size)
        num_batches = min(num_batches, len(self._batches))
        self._real = np.concatenate([encoder(self._batches[index]) for index in range(num_batches)])
        self.count = len(self._real)

    def beside(self, fakes):
        """Puts the real images with the nearest features after each generated image.

        Args:
            fakes: uint8 array `(n, height, width, channels)`.

        Returns:
            uint8 array `(n, 1 + k, height, width, channels)`: each fake, then its k nearest real
            images; k is 5, or the number of images if that is less.
        """
        k = min(NEAREST, self.count)
        found, _ = metrics.nearest(self._encoder(fakes), self._real, k)
        size = len(self._batches[0])
        nearest = np.stack([self._batches[index // size][index % size] for index in found.ravel()])
        nearest = nearest.reshape(len(fakes), k, *fakes.shape[1:])
        return np.concatenate([fakes[:, None], nearest], axis=1)
