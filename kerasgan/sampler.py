"""Sampling: a generator, latents and a value range make uint8 images."""

import numpy as np

from kerasgan import checks, images

BATCH_SIZE = 64  # bounds the memory that sampling takes


def generate(generator, latents, value_range):
    """uint8 images of latents `(n, latent_dim)`, n above 0, in bounded memory."""
    if not checks.is_finite(generator.weights):
        raise ValueError(
            "The generator must have finite weights to make images. Received: weights with NaN "
            "or infinity. Load an earlier checkpoint, and train on with smaller learning rates."
        )
    # Parts of nearly one size, so that none is a lonely image.
    parts = np.array_split(latents, -(-len(latents) // BATCH_SIZE))
    outputs = (generator.predict_on_batch(part) for part in parts)
    return np.concatenate([images.to_uint8(batch, value_range) for batch in outputs])
