"""Layers that Keras lacks."""

from kerasgan.layers.attention import SelfAttention
from kerasgan.layers.augmentation import DiffAugment, InstanceNoise
from kerasgan.layers.convolution import GroupedConv2D
from kerasgan.layers.minibatch import MinibatchStandardDeviation
from kerasgan.layers.spectral import SpectralNormalization

__all__ = [
    "DiffAugment",
    "GroupedConv2D",
    "InstanceNoise",
    "MinibatchStandardDeviation",
    "SelfAttention",
    "SpectralNormalization",
]
