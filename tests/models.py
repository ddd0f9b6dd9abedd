"""The models that every test of behaviour runs over, at sizes that take a second each."""

import contextlib
import re
import warnings
from unittest import mock

import keras
import numpy as np

import kerasgan
from kerasgan.zoo import r3gan


def own_pair(dropout=0.3):
    """A user's own pair: BatchNormalization and Dropout on both sides."""
    generator = keras.Sequential(
        [
            keras.Input((4,)),
            keras.layers.Dense(4 * 4 * 6, use_bias=False),
            keras.layers.BatchNormalization(),
            keras.layers.ReLU(),
            keras.layers.Dropout(dropout, seed=1),
            keras.layers.Reshape((4, 4, 6)),
            keras.layers.UpSampling2D(2),
            keras.layers.Conv2D(3, 3, padding="same", activation="tanh"),
        ]
    )
    discriminator = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            keras.layers.Conv2D(6, 3, strides=2, padding="same", use_bias=False),
            keras.layers.BatchNormalization(),
            keras.layers.LeakyReLU(),
            keras.layers.Dropout(dropout, seed=2),
            keras.layers.Flatten(),
            keras.layers.Dense(1),
        ]
    )
    return kerasgan.GAN(generator, discriminator, seed=0)


def dense_pair():
    """What is compiled soonest, where the layers do not matter; a Dropout draws noise."""
    generator = keras.Sequential(
        [
            keras.Input((4,)),
            keras.layers.Dense(8 * 8 * 3, activation="tanh"),
            keras.layers.Reshape((8, 8, 3)),
        ]
    )
    discriminator = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            keras.layers.Flatten(),
            keras.layers.Dropout(0.3, seed=2),
            keras.layers.Dense(1),
        ]
    )
    return kerasgan.GAN(generator, discriminator, seed=0)


def linear_pair(bias=0.5):
    """A generator of grey (0.0) and a discriminator that says 2 * mean(image) + bias."""
    generator = keras.Sequential(
        [
            keras.Input((2,)),
            keras.layers.Dense(2 * 2, kernel_initializer="zeros"),
            keras.layers.Reshape((2, 2, 1)),
        ]
    )
    discriminator = keras.Sequential(
        [
            keras.Input((2, 2, 1)),
            keras.layers.Flatten(),
            keras.layers.Dense(
                1,
                kernel_initializer=keras.initializers.Constant(2 / 4),
                bias_initializer=keras.initializers.Constant(bias),
            ),
        ]
    )
    gan = kerasgan.GAN(generator, discriminator, seed=0)
    gan.compile(g_optimizer=keras.optimizers.SGD(1.0), d_optimizer=keras.optimizers.SGD(1.0))
    return gan


def _tiny(name, image_shape=(16, 16, 1), filters=4, discriminator_steps=2):
    """At most this many discriminator steps: several, or one where they take long to compile."""

    def build():
        gan = getattr(kerasgan, f"build_{name}")(image_shape, latent_dim=8, filters=filters)
        if gan.discriminator_steps > discriminator_steps:
            gan.compile(discriminator_steps=discriminator_steps)
        return gan

    return build


def _tiny_r3gan():
    # One block at each size: TensorFlow takes minutes to trace the gradients of gradients of two.
    with mock.patch.object(r3gan, "_BLOCKS", 1):
        return _tiny("r3gan", filters=12)()


# name -> (how to build it tiny, trainable weights that three steps may leave as they are). These
# are biases that the next normalisation takes away, and a score's bias where the loss takes
# differences of scores, as the hinge does at first, and cross-entropy near scores of 0: their
# gradient is 0 except for rounding, which moves them on some backends.
MODELS = {
    "own": (own_pair, ()),
    "acgan": (_tiny("acgan"), ()),
    "biggan": (_tiny("biggan", filters=1, discriminator_steps=1), ()),
    "cgan": (_tiny("cgan"), ()),
    "dcgan": (_tiny("dcgan", (16, 16, 3)), ()),
    "deconv_gan": (
        _tiny("deconv_gan", filters=32),
        (
            "generator/conv2d_transpose/bias",
            "generator/conv2d_transpose_1/bias",
            "generator/conv2d_transpose_2/bias",
        ),
    ),
    "dragan": (_tiny("dragan"), ()),
    "fastgan": (_tiny("fastgan"), ()),
    "flag_gan": (_tiny("flag_gan"), ()),
    "infogan": (
        lambda: kerasgan.build_infogan(
            (16, 16, 1), latent_dim=8, filters=4, num_categories=3, num_continuous=2
        ),
        (),
    ),
    "lsgan": (_tiny("lsgan"), ()),
    "mlp_gan": (_tiny("mlp_gan"), ()),
    "mnist_gan": (
        _tiny("mnist_gan"),
        ("generator/conv2d/bias", "generator/conv2d_1/bias", "discriminator/dense_1/bias"),
    ),
    "pacgan": (_tiny("pacgan"), ()),
    "projection_gan": (_tiny("projection_gan", discriminator_steps=1), ()),
    "r3gan": (_tiny_r3gan, ()),
    "ragan": (_tiny("ragan"), ("discriminator/dense/bias",)),
    "sagan": (_tiny("sagan"), ("discriminator/spectral_normalization/score/bias",)),
    "sgan": (_tiny("sgan"), ()),
    "sngan": (_tiny("sngan"), ()),
    "stylegan2": (_tiny("stylegan2"), ()),
    "wgan": (_tiny("wgan"), ()),
    "wgan_gp": (_tiny("wgan_gp"), ("discriminator/dense/bias",)),
}


def pictures(count, gan, seed=0):
    """Noise as uint8 images of the GAN's shape."""
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (count, *gan.image_shape), dtype="uint8")


def batch(count, gan, seed=0):
    """What the GAN trains on: pictures, with labels for a GAN that needs them."""
    images = pictures(count, gan, seed)
    if gan.num_classes is None:
        return images
    return images, np.random.default_rng(seed + 1).integers(0, gan.num_classes, count)


def generator_inputs(gan, count, seed=0):
    """Latents, with labels for a generator that takes them."""
    latents = np.random.default_rng(seed).random((count, gan.latent_dim), dtype="float32")
    if len(gan.generator.inputs) == 1:
        return latents
    return [latents, np.arange(count, dtype="int32") % gan.num_classes]


def write_mnist(folder, count):
    """A file like MNIST's, of noise."""
    rng = np.random.default_rng(0)
    arrays = {
        f"{kind}_{split}": rng.integers(0, 10, shape).astype("uint8")
        for split in ("train", "test")
        for kind, shape in (("x", (count, 28, 28)), ("y", (count,)))
    }
    np.savez(folder / "mnist.npz", **arrays)


def values(*things):
    """Copies of all variables of models, layers or optimizers."""
    return [
        np.array(keras.ops.convert_to_numpy(variable))
        for thing in things
        for variable in _variables(thing)
    ]


def names(gan, side):
    """A name for each variable of a side, whatever was built before: "generator/conv2d_1/bias".

    Layers of one kind are counted from the model's first.
    """
    layers, found = {}, []
    for variable in getattr(gan, side).variables:
        path, _, name = variable.path.rpartition("/")
        kind = re.sub(r"_\d+(?=/|$)", "", path)
        same_kind = layers.setdefault(kind, [])
        if path not in same_kind:
            same_kind.append(path)
        index = same_kind.index(path)
        found.append(f"{side}/{kind}" + (f"_{index}" if index else "") + f"/{name}")
    return found


def state(gan):
    """Everything that training depends on or changes."""
    optimizers = gan.optimizer.optimizers
    progress = np.array(list(vars(gan.progress).values()))
    models = (gan.generator, gan.discriminator, gan.sampling_generator)
    return [*values(*models, *optimizers, *gan._random_variables().values()), progress]


def flags(gan):
    """Which variables are trainable."""
    return [v.trainable for v in (*gan.generator.variables, *gan.discriminator.variables)]


def same(before, after):
    return len(before) == len(after) and all(map(np.array_equal, before, after))


@contextlib.contextmanager
def recorded_warnings():
    """The texts of our own warnings; all others are what they are elsewhere."""
    texts = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.filterwarnings("always", category=UserWarning)
        yield texts
    texts += [str(warning.message) for warning in caught if warning.category is UserWarning]


def _variables(thing):
    return thing.variables if hasattr(thing, "variables") else [thing]


def at_step(step, action):
    """A callback that does something after one step."""

    class AtStep(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if self.model.step == step:
                action(self.model)

    return AtStep()


def spoil(gan):
    """Makes a weight of the generator NaN."""
    kernel = gan.generator.trainable_variables[0]
    kernel.assign(np.full(kernel.shape, np.nan, "float32"))


def once(action):
    """The action, for the first call only."""
    remaining = [action]
    return lambda gan: remaining and remaining.pop()(gan)
