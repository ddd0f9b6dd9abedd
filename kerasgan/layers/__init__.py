"""Layers that Keras lacks."""

from kerasgan.layers.attention import SelfAttention
from kerasgan.layers.augmentation import DiffAugment, InstanceNoise
from kerasgan.layers.conditional import ConditionalBatchNormalization, LabelChannels
from kerasgan.layers.minibatch import MinibatchDiscrimination, MinibatchStandardDeviation
from kerasgan.layers.spectral import SpectralNormalization

__all__ = [
    "ConditionalBatchNormalization",
    "DiffAugment",
    "InstanceNoise",
    "LabelChannels",
    "MinibatchDiscrimination",
    "MinibatchStandardDeviation",
    "SelfAttention",
    "SpectralNormalization",
]
