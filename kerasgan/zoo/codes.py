"""Latents that mean something, as InfoGAN has them, and what it costs to misread them.

Chen et al. 2016, "InfoGAN: Interpretable Representation Learning by Information Maximizing
Generative Adversarial Nets", https://arxiv.org/abs/1606.03657, sections 5 and 6.
"""

import keras
import numpy as np
from keras import ops


class _Codes:
    """How many codes of each kind the latents end in."""

    def __init__(self, num_categories, num_continuous):
        self.num_categories = int(num_categories)
        self.num_continuous = int(num_continuous)

    def get_config(self):
        return {"num_categories": self.num_categories, "num_continuous": self.num_continuous}

    @classmethod
    def from_config(cls, config):
        return cls(**config)


@keras.saving.register_keras_serializable(package="kerasgan")
class CodedLatents(_Codes):
    """Noise, a category (one-hot) and continuous codes; noise and codes from U(-1, 1)."""

    def __call__(self, shape, seed):
        rng = np.random.default_rng(seed)
        latents = rng.uniform(-1.0, 1.0, shape)
        end = shape[1] - self.num_continuous
        categories = rng.integers(self.num_categories, size=shape[0])
        latents[:, end - self.num_categories : end] = np.eye(self.num_categories)[categories]
        return latents


@keras.saving.register_keras_serializable(package="kerasgan")
class CodeLoss(_Codes):
    """How badly the codes are read back: lambda 1 for the category, 0.1 for the others.

    Cross-entropy, and the Gaussian log-likelihood with a deviation of 1 but for its constant.
    """

    name = "code_loss"

    def __call__(self, inputs, real_outputs, fake_outputs):
        if fake_outputs is None:  # the real half of a separate update: nothing to learn
            return 0.0 * ops.mean(real_outputs[1])
        size = self.num_categories + self.num_continuous
        codes = ops.cast(inputs["latents"], "float32")[:, -size:]
        read = ops.cast(fake_outputs[1], "float32")
        end = self.num_categories
        category = -ops.sum(codes[:, :end] * ops.log_softmax(read[:, :end]), axis=1)
        continuous = ops.sum(ops.square(codes[:, end:] - read[:, end:]), axis=1) / 2.0
        return ops.mean(category + 0.1 * continuous)
