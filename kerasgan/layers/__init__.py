"""Layers that Keras lacks."""

from kerasgan.layers.ada import AdaptiveAugment
from kerasgan.layers.attention import SelfAttention
from kerasgan.layers.augmentation import DiffAugment, InstanceNoise
from kerasgan.layers.conditional import ConditionalBatchNormalization, LabelChannels
from kerasgan.layers.convolution import GroupedConv2D
from kerasgan.layers.equalized import EqualizedConv2D, EqualizedDense
from kerasgan.layers.excitation import SkipLayerExcitation
from kerasgan.layers.minibatch import MinibatchDiscrimination, MinibatchStandardDeviation
from kerasgan.layers.spectral import SpectralNormalization
from kerasgan.layers.styles import LearnedConstant, ModulatedConv2D, PixelNoise

__all__ = [
    "AdaptiveAugment",
    "ConditionalBatchNormalization",
    "DiffAugment",
    "EqualizedConv2D",
    "EqualizedDense",
    "GroupedConv2D",
    "InstanceNoise",
    "LabelChannels",
    "LearnedConstant",
    "MinibatchDiscrimination",
    "MinibatchStandardDeviation",
    "ModulatedConv2D",
    "PixelNoise",
    "SelfAttention",
    "SkipLayerExcitation",
    "SpectralNormalization",
]
