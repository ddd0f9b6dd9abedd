"""The settings of every layer of every model; widths are pinned by the parameter counts."""

import inspect
import math

import keras
import pytest

import kerasgan
from kerasgan import zoo
from kerasgan.layers import SpectralNormalization

pytestmark = pytest.mark.any_backend

# A layer's class, the arguments that it must have, and the settings other than these and
# Keras's defaults.
USUAL = {
    "activation": "linear",
    "data_format": "channels_last",
    "dilation_rate": 1,
    "padding": "same",
    "strides": 1,
}
IGNORED = {"dtype", "filters", "groups", "kwargs", "layer", "name", "seed", "self", "units"}
WITHOUT_NUMBERS = (keras.layers.InputLayer, keras.layers.Reshape, keras.layers.Flatten)

NORMAL = "kernel=RandomNormal(0.0, 0.02)"
SMALL = "kernel=TruncatedNormal(0.0, 0.02)"
NORM = "BatchNormalization momentum=0.8 epsilon=1e-05"
POOL = "AveragePooling2D 2 strides=2"
LEAKY = "LeakyReLU negative_slope=0.2"

DCGAN_NORM = f"{NORM} gamma=RandomNormal(1.0, 0.02)"
DCGAN_GENERATOR = [
    *(f"Dense use_bias=False {NORMAL}", DCGAN_NORM, "ReLU"),
    *(f"Conv2DTranspose 4 strides=2 use_bias=False {NORMAL}", DCGAN_NORM, "ReLU"),
    f"Conv2DTranspose 4 strides=2 activation=tanh {NORMAL}",
]
DCGAN_DISCRIMINATOR = [
    *(f"Conv2D 4 strides=2 {NORMAL}", LEAKY),
    *(f"Conv2D 4 strides=2 use_bias=False {NORMAL}", DCGAN_NORM, LEAKY),
    f"Dense {NORMAL}",
]
WITHOUT_NORM = [
    *("Conv2D 4 strides=2 kernel=HeNormal()", LEAKY),
    *("Conv2D 4 strides=2 kernel=HeNormal()", LEAKY),
    "Dense kernel=HeNormal()",
]
CLIPPED = "use_bias=False kernel=HeNormal() kernel_constraint=WeightClip(0.01)"
LABELED_GENERATOR = ["Concatenate", *DCGAN_GENERATOR]
TUTORIALS_DISCRIMINATOR = [
    *(f"Conv2D 5 activation=relu {SMALL}", POOL),
    *(f"Conv2D 5 activation=relu {SMALL}", POOL),
    *(f"Dense activation=relu {SMALL}", f"Dense {SMALL}"),
]
DECONV = "kernel=TruncatedNormal(0.0, 0.1) bias=Constant(0.1)"
MNIST = f"{SMALL} bias=TruncatedNormal(0.0, 0.02)"
MNIST_NORM = "GroupNormalization epsilon=1e-05 scale=False"
ORTHOGONAL = "kernel=Orthogonal(1.0)"
INFOGAN_LEAKY = "LeakyReLU negative_slope=0.1"
STYLEGAN2_LEAKY = [LEAKY, f"Rescaling {math.sqrt(2)}"]
STYLEGAN2_STYLED = ["PixelNoise", *STYLEGAN2_LEAKY]
STYLEGAN2_UP = ["ModulatedConv2D 3 upsample=True", *STYLEGAN2_STYLED, "ModulatedConv2D 3"]
STYLEGAN2_IMAGE = "ModulatedConv2D 1 demodulate=False"
STYLEGAN2_DOWN = [
    *("EqualizedConv2D 3", *STYLEGAN2_LEAKY),
    *("EqualizedConv2D 3 downsample=True", *STYLEGAN2_LEAKY),
    *("EqualizedConv2D 1 use_bias=False downsample=True", "Add"),
    f"Rescaling {math.sqrt(0.5)}",
]


def up(three, one, norm=NORM):
    half = [norm, "ReLU", "UpSampling2D", f"{three[0]} use_bias=False{three[1]}"]
    return [*half, *half, f"{one[0]} use_bias=False{one[1]}", "Add"]


def residual(three):
    return ["ReLU", "".join(three), "ReLU", "".join(three)]


def first_down(three, one):
    return [*residual(three)[1:], POOL, POOL, "".join(one), "Add"]


WIDE, NARROW = (f" kernel=VarianceScaling({scale}, fan_avg, uniform)" for scale in (2.0, 1.0))
BIG_NORM = f"Spectral ConditionalBatchNormalization {ORTHOGONAL}"
BIGGAN = ("Spectral Conv2D 3", f" {ORTHOGONAL}"), ("Spectral Conv2D 1", f" {ORTHOGONAL}")
SNGAN = ("Spectral Conv2D 3", WIDE), ("Spectral Conv2D 1", NARROW)
SAGAN = ("Spectral Conv2D 3", ""), ("Spectral Conv2D 1", "")

POINTWISE = "kernel=VarianceScaling({}, fan_in, untruncated_normal)"
FLAT = f"Dense use_bias=False {POINTWISE.format(1.0)}"
# He et al.'s 2 / (1 + 0.2^2), divided by the square root of the number of blocks, 6.
HE = POINTWISE.format(0.7850928662766595)
R3GAN = 2 * [
    *(f"Dense {HE}", LEAKY, f"GroupedConv2D 3 {HE}", LEAKY),
    *("Dense use_bias=False kernel=Zeros()", "Add"),
]
BLUR = ["ZeroPadding2D padding=(1, 1)", *(2 * ["AveragePooling2D 2 padding=valid"])]

SPECTRAL = {size: f"Spectral Conv2D {size} use_bias=False {NORMAL}" for size in (1, 3, 4)}
SPECTRAL_DENSE = f"Spectral Dense use_bias=False {NORMAL}"
HALVED = f"Spectral Conv2D 4 strides=2 use_bias=False {NORMAL}"
GATED = [SPECTRAL[3], DCGAN_NORM]

# Of 16x16 pixels, with sums over 8x8 places (SNGAN) and 4x4 (SAGAN).
NETWORKS = {
    "build_acgan": (LABELED_GENERATOR, [*DCGAN_DISCRIMINATOR, "Dense"]),
    "build_biggan": (
        [
            f"Spectral Dense {ORTHOGONAL}",
            "Embedding 10 128 embeddings=Orthogonal(1.0)",
            *(2 * ["Concatenate", *up(*BIGGAN, BIG_NORM)]),
            *(NORM, "ReLU", f"Spectral Conv2D 3 {ORTHOGONAL}", "Activation tanh"),
        ],
        [
            *(*first_down(*BIGGAN), *residual(BIGGAN[0]), "".join(BIGGAN[1]), POOL, POOL, "Add"),
            *("ReLU", "GlobalAveragePooling2D", "Rescaling 16"),
            "Spectral Embedding 10 8 embeddings=Orthogonal(1.0)",
            *(f"Spectral Dense {ORTHOGONAL}", "Dot 1", "Add"),
        ],
    ),
    "build_cgan": (LABELED_GENERATOR, ["LabelChannels 10", *DCGAN_DISCRIMINATOR]),
    "build_dcgan": (DCGAN_GENERATOR, DCGAN_DISCRIMINATOR),
    "build_deconv_gan": (
        [
            "ReLU",
            *(3 * [f"Conv2DTranspose 5 strides=2 {DECONV}", "GroupNormalization", "ReLU"]),
            "Conv2DTranspose 5 strides=2 padding=valid activation=tanh " + DECONV,
        ],
        TUTORIALS_DISCRIMINATOR,
    ),
    "build_dragan": (DCGAN_GENERATOR, WITHOUT_NORM),
    "build_fastgan": (
        [
            *(SPECTRAL_DENSE, DCGAN_NORM),
            *("UpSampling2D", *(2 * GATED), "UpSampling2D", *GATED),
            *(SPECTRAL[3], "Activation tanh"),
        ],
        # In the order of Keras: by their distance from the outputs.
        [
            *(SPECTRAL[3], LEAKY, HALVED, DCGAN_NORM, LEAKY, POOL, SPECTRAL[3], SPECTRAL[1]),
            *(DCGAN_NORM, DCGAN_NORM, LEAKY, LEAKY, "Average", SPECTRAL[1], POOL, DCGAN_NORM),
            *(HALVED, "UpSampling2D", LEAKY, LEAKY, SPECTRAL[3]),
            *("AveragePooling2D 5 padding=valid", "AveragePooling2D 1 padding=valid", DCGAN_NORM),
            *("Quarter", SPECTRAL_DENSE, SPECTRAL_DENSE, SPECTRAL[3], SPECTRAL[3], "Average"),
            *("Activation tanh", "Activation tanh", "Quarter"),
        ],
    ),
    "build_flag_gan": (
        [
            *("Dense kernel=GlorotNormal()", "BatchNormalization momentum=0.8", "ReLU"),
            *("UpSampling2D size=4", "Dropout 0.5"),
            *(2 * ["Conv2D 3", "BatchNormalization momentum=0.8", "ReLU", "Dropout 0.5"]),
            "Conv2D 1 padding=valid activation=sigmoid",
        ],
        [
            *(2 * ["Conv2D 5", LEAKY, "Dropout 0.25"]),
            *("Dense", LEAKY, "Dropout 0.25"),
            "Dense",
        ],
    ),
    "build_infogan": (
        [
            *(2 * ["Dense use_bias=False", NORM, "ReLU"]),
            *("Conv2DTranspose 4 strides=2 use_bias=False", NORM, "ReLU"),
            "Conv2DTranspose 4 strides=2 activation=tanh",
        ],
        [
            *("Conv2D 4 strides=2", INFOGAN_LEAKY),
            *("Conv2D 4 strides=2 use_bias=False", NORM, INFOGAN_LEAKY),
            *(2 * ["Dense use_bias=False", NORM, INFOGAN_LEAKY]),
            *("Dense", "Dense"),
        ],
    ),
    "build_lsgan": (DCGAN_GENERATOR, DCGAN_DISCRIMINATOR),
    "build_mlp_gan": (
        ["Dense activation=relu", "Dense activation=sigmoid"],
        ["Dense activation=relu", "Dense"],
    ),
    "build_mnist_gan": (
        [
            *(f"Dense {MNIST}", MNIST_NORM, "ReLU"),
            *(
                2
                * [
                    *(f"Conv2D 3 strides=2 {MNIST}", MNIST_NORM, "ReLU"),
                    "UpSampling2D interpolation=bilinear",
                ]
            ),
            "AveragePooling2D 1 strides=2 padding=valid",
            f"Conv2D 1 padding=valid activation=sigmoid {MNIST}",
        ],
        TUTORIALS_DISCRIMINATOR,
    ),
    "build_pacgan": (DCGAN_GENERATOR, ["Pack 2", *DCGAN_DISCRIMINATOR]),
    "build_projection_gan": (
        [
            "Dense",
            *(2 * up(("Conv2D 3", WIDE), ("Conv2D 1", NARROW), "ConditionalBatchNormalization")),
            *(NORM, "ReLU", "Conv2D 3", "Activation tanh"),
        ],
        [
            *(*first_down(*SNGAN), *(2 * [*residual(SNGAN[0]), "Add"])),
            *("ReLU", "GlobalAveragePooling2D", "Rescaling 64"),
            *("Spectral Embedding 10 2", "Spectral Dense use_bias=False", "Dot 1", "Add"),
        ],
    ),
    "build_r3gan": (
        [
            *(FLAT, "EinsumDense bc,hwc->bhwc (4, 4, 2) kernel=RandomNormal(0.0, 1.0)", *R3GAN),
            *(2 * ["UpSampling2D", *BLUR, *R3GAN]),
            *(FLAT, "Activation tanh"),
        ],
        [
            *(FLAT, *R3GAN),
            *(2 * [*BLUR, POOL, *R3GAN]),
            *("EinsumDense bhwc,hwc->bc 2 kernel=RandomNormal(0.0, 0.25)", FLAT),
        ],
    ),
    "build_ragan": (DCGAN_GENERATOR, DCGAN_DISCRIMINATOR),
    "build_sagan": (
        [
            *("Spectral Dense", *up(*SAGAN), "Spectral SelfAttention", *up(*SAGAN)),
            *(NORM, "ReLU", "Spectral Conv2D 3", "Activation tanh"),
        ],
        [
            *(*first_down(*SAGAN), "Spectral SelfAttention"),
            *(*residual(SAGAN[0]), "Spectral Conv2D 1", POOL, POOL, "Add"),
            *(*residual(SAGAN[0]), "Add"),
            *("ReLU", "GlobalAveragePooling2D", "Rescaling 16", "Spectral Dense"),
        ],
    ),
    "build_sgan": (DCGAN_GENERATOR, [*DCGAN_DISCRIMINATOR[:-1], "Dense"]),
    "build_sngan": (
        [
            *("Dense", *(2 * up(("Conv2D 3", WIDE), ("Conv2D 1", NARROW)))),
            *(NORM, "ReLU", "Conv2D 3", "Activation tanh"),
        ],
        [
            *(*first_down(*SNGAN), *(2 * [*residual(SNGAN[0]), "Add"])),
            *("ReLU", "GlobalAveragePooling2D", "Rescaling 64", "Spectral Dense use_bias=False"),
        ],
    ),
    "build_stylegan2": (
        [
            *("UnitNormalization", f"Rescaling {math.sqrt(512)}"),
            *(2 * ["EqualizedDense learning_rate_multiplier=0.01", *STYLEGAN2_LEAKY]),
            # In the order of their depth, which mixes the last layers.
            *("LearnedConstant 4 4 8", "ModulatedConv2D 3", *STYLEGAN2_STYLED),
            *(*STYLEGAN2_UP, *STYLEGAN2_STYLED, *STYLEGAN2_UP),
            *(STYLEGAN2_IMAGE, "PixelNoise", "UpSampling2D interpolation=bilinear"),
            *(STYLEGAN2_IMAGE, STYLEGAN2_LEAKY[0], "Add", STYLEGAN2_LEAKY[1]),
            *("UpSampling2D interpolation=bilinear", STYLEGAN2_IMAGE, "Add"),
        ],
        [
            *("EqualizedConv2D 1", *STYLEGAN2_LEAKY),
            *(2 * STYLEGAN2_DOWN),
            *("MinibatchStandardDeviation", "EqualizedConv2D 3", *STYLEGAN2_LEAKY),
            *("EqualizedDense", *STYLEGAN2_LEAKY, "EqualizedDense"),
        ],
    ),
    "build_wgan": (
        DCGAN_GENERATOR,
        [*(2 * [f"Conv2D 4 strides=2 {CLIPPED}", LEAKY]), f"Dense {CLIPPED}"],
    ),
    "build_wgan_gp": (DCGAN_GENERATOR, WITHOUT_NORM),
}


@pytest.mark.parametrize("name", zoo.__all__)
def test_settings_of_the_layers(name):
    gan = getattr(kerasgan, name)(image_shape=(16, 16, 3), filters=2)
    found = [description(layer) for layer in layers_of(gan.generator)]
    assert found == NETWORKS[name][0]
    found = [description(layer) for layer in layers_of(gan.discriminator)]
    assert found == NETWORKS[name][1]


def layers_of(model):
    """The layers, those of models inside too, but for those that only change a shape."""
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from layers_of(layer)
        elif not isinstance(layer, (*WITHOUT_NUMBERS, keras.layers.Cropping2D)):
            yield layer


def description(layer):
    if isinstance(layer, SpectralNormalization):
        return f"Spectral {description(layer.layer)}"
    config, words = layer.get_config(), [type(layer).__name__]
    for name, parameter in inspect.signature(type(layer).__init__).parameters.items():
        value = short(config.get(name, parameter.default))
        if name in IGNORED:
            continue
        if parameter.default is inspect.Parameter.empty:
            words.append(f"{value}")
        elif value != USUAL.get(name, short(initial(name, parameter.default))):
            words.append(f"{name.removesuffix('_initializer')}={value}")
    return " ".join(words)


def initial(name, default):
    """A default as it stands in a configuration."""
    if not name.endswith("_initializer"):
        return default
    return keras.saving.serialize_keras_object(keras.initializers.get(default))


def short(value):
    """4 for (4, 4), HeNormal() for an object's configuration."""
    if isinstance(value, (list, tuple)) and len(set(value)) == 1:
        return value[0]
    if isinstance(value, dict):
        numbers = [f"{v}" for k, v in value["config"].items() if k != "seed" and v is not None]
        return f"{value['class_name']}({', '.join(numbers)})"
    return value
