"""Layers that Keras lacks."""

from kerasgan.layers.ada import AdaptiveAugment
from kerasgan.layers.attention import SelfAttention
from kerasgan.layers.augmentation import DiffAugment, InstanceNoise
from kerasgan.layers.conditional import ConditionalBatchNormalization, LabelChannels
from kerasgan.layers.convolution import GroupedConv2D
from kerasgan.layers.minibatch import MinibatchDiscrimination, MinibatchStandardDeviation
from kerasgan.layers.spectral import SpectralNormalization

__all__ = [
    "AdaptiveAugment",
    "ConditionalBatchNormalization",
    "DiffAugment",
    "GroupedConv2D",
    "InstanceNoise",
    "LabelChannels",
    "MinibatchDiscrimination",
    "MinibatchStandardDeviation",
    "SelfAttention",
    "SpectralNormalization",
]
