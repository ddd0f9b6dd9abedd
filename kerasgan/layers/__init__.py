"""Layers that Keras lacks."""

from kerasgan.layers.ada import AdaptiveAugment
from kerasgan.layers.attention import SelfAttention
from kerasgan.layers.augmentation import DiffAugment, InstanceNoise
from kerasgan.layers.minibatch import MinibatchStandardDeviation
from kerasgan.layers.spectral import SpectralNormalization

__all__ = [
    "AdaptiveAugment",
    "DiffAugment",
    "InstanceNoise",
    "MinibatchStandardDeviation",
    "SelfAttention",
    "SpectralNormalization",
]
