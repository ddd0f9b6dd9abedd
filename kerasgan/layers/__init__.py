"""Layers that Keras lacks."""

from kerasgan.layers.attention import SelfAttention
from kerasgan.layers.augmentation import DiffAugment, InstanceNoise
from kerasgan.layers.equalized import EqualizedConv2D, EqualizedDense
from kerasgan.layers.minibatch import MinibatchStandardDeviation
from kerasgan.layers.spectral import SpectralNormalization
from kerasgan.layers.styles import LearnedConstant, ModulatedConv2D, PixelNoise

__all__ = [
    "DiffAugment",
    "EqualizedConv2D",
    "EqualizedDense",
    "InstanceNoise",
    "LearnedConstant",
    "MinibatchStandardDeviation",
    "ModulatedConv2D",
    "PixelNoise",
    "SelfAttention",
    "SpectralNormalization",
]
