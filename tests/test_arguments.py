"""Every argument of the public API, with values that it cannot take: one form of error, at once."""

import fnmatch
import functools
import inspect
import re
import time

import keras
import numpy as np
import pytest

import kerasgan
import kerasgan.latents

NAN, INF, HUGE = float("nan"), float("inf"), 10**9
MODULES = ("callbacks", "datasets", "layers", "losses", "metrics")
# What the pages show beside them, and Keras's methods that a GAN has in a form of its own.
FURTHER = (
    "latents.path",
    "latents.standardize",
    "GAN.compile",
    "GAN.export",
    "GAN.fit",
    "GAN.save",
    "GAN.train_on_batch",
)

pytestmark = pytest.mark.any_backend
SECONDS = 5  # more than any refusal takes on a busy machine, less than any work that it spares

# Values that no argument of a kind takes.
NO_WHOLE = (-1, 1.5, "1", True, NAN, [1], 1j)
NO_COUNT = (0, *NO_WHOLE)
NO_SHARE = (-0.5, 1.5, "0.1", True, NAN, INF, [0.1], 1j)
NO_FLAG = ("no", 2, [], NAN)
NO_PATH = (5, True, "", b"run", ["run"], 1.5)
NO_TEXT = (5, True, ["a"], b"a")
NO_NAME = ("nonsense", "", 5, ["a"], {"a": 1}, np.array(["a", "b"]))
NO_FUNCTION = (5, "nonsense", [print], dict, lambda: None)
NO_RANGE = (None, 5, "ab", (1,), (0, 1, 2), (1, 0), (1, 1), (0, NAN), (0, INF), ("0", "1"), (0, 1j))
NO_LATENTS = (None, *NO_NAME, dict, ("normal", 0, "1"), ("normal", 0, 0), ("normal", NAN, 1))
NO_LATENTS += (("normal", 0, INF), ("normal", 0), ("uniform", 0, 1), lambda: None)
NO_SHAPE = (None, 5, "ab", (16, 16), (16, 16, 2), (0, 16, 1), (16.0, 16, 1), (16, 16, True))
NO_SHAPE += ((16, 16, "1"), (HUGE, HUGE, 3), (16, NAN, 1))
NO_ARRAY = (None, 5, "ab", [[1, 2], [3]], [["a"]], {"a": 1}, print)

RANDOM = np.random.default_rng(0)
FEATURES = RANDOM.normal(size=(12, 3))
NO_FEATURES = (*NO_ARRAY, FEATURES[0], FEATURES[:0], FEATURES * 1j, FEATURES.astype(str))
NO_FEATURES += (np.where(FEATURES > 0, NAN, 0.0), FEATURES.astype(object))
POINTS = RANDOM.normal(size=(12, 2))
NO_POINTS = (*NO_ARRAY, POINTS[0], POINTS[:0], POINTS * 1j, POINTS.astype(str), FEATURES)
IMAGES = RANDOM.integers(0, 256, (12, 28, 28, 1), dtype="uint8")
NO_IMAGES = (*NO_ARRAY, IMAGES[0], IMAGES[:0], IMAGES / 255.0, IMAGES * 1j, IMAGES.astype(str))
NO_IMAGES += (np.repeat(IMAGES, 2, axis=-1), IMAGES.astype("int64"))

# Arguments that take anything, and why.
ANYTHING = {
    "*.kwargs": "Keras's arguments of a layer or of saving, which Keras checks",
    "layers.GroupedConv2D.*": "the arguments of a layer of Keras, which checks them",
    "GAN.*.others": "Keras's arguments that a GAN does not take, each refused by a TypeError",
    "GAN.name": "Keras checks it",
    "layers.AdaptiveAugment.adapt.real_scores": "a tensor, in the middle of a step",
    "latents.standardize.name": "what to call the argument",
    "layers.*.kernel_initializer": "Keras checks it",
    "losses.feature_matching.*": "tensors, in the middle of a step",
    "losses.*_generator.*": "tensors, in the middle of a step",
    "losses.*_discriminator.*": "tensors, in the middle of a step; `compile` has checked the rest",
    "losses.*_penalty.*": "tensors, in the middle of a step",
}


def _networks():
    """A generator that takes labels, a discriminator, and one with a layer of the generator's."""
    latents = keras.Input((2,), name="latents")
    labels = keras.Input((), dtype="int32", name="labels")
    x = keras.layers.Concatenate()([latents, keras.layers.Embedding(3, 1)(labels)])
    dense = keras.layers.Dense(16, activation="tanh")  # of 3 numbers
    images = keras.layers.Reshape((4, 4, 1))(dense(x))
    inputs, flat = keras.Input((4, 4, 1)), keras.layers.Flatten()
    return (
        keras.Model([latents, labels], images),
        keras.Sequential([inputs, flat, keras.layers.Dense(1)]),
        keras.Sequential([inputs, flat, keras.layers.Dense(3), dense, keras.layers.Dense(1)]),
    )


@functools.cache
def table():
    """The name of each callable -> (it, arguments that it takes, values that each refuses)."""
    generator, discriminator, entangled = _networks()
    gan = kerasgan.GAN(generator, discriminator, num_classes=3, seed=0)
    other = keras.Sequential([keras.Input((4, 4, 3)), keras.layers.Dense(2)])
    encoder = kerasgan.metrics.Encoder(
        keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Flatten()])
    )
    evaluator = kerasgan.metrics.Evaluator(IMAGES, encoder, cache=False)
    folder = kerasgan.datasets.ImageFolder.__new__(kerasgan.datasets.ImageFolder)
    images = RANDOM.integers(0, 256, (6, 4, 4, 1), dtype="uint8")
    labels = np.array([0, 1, 2, 0, 1, 2])
    no_labels = (5, "ab", labels[:5], labels[:, None], labels / 2, labels + 1, labels - 1)
    no_labels += (labels.astype(str), labels * 1j, [[0], [1, 2]])
    no_batch = (*NO_ARRAY, images[0], images[:0], images * 1j, images.astype(str), {})
    no_batch += (images + 0.5, images.astype("int64"), np.full((6, 4, 4, 1), NAN), ())
    no_model = (None, 5, "model", keras.Model, keras.layers.Dense(1), encoder)
    no_optimizer = ("nonsense", 5, True, keras.optimizers.Adam, {}, {"a": 1}, [], print)

    rows = {
        "GAN": (
            kerasgan.GAN,
            {"generator": generator, "discriminator": discriminator, "num_classes": 3},
            {
                "generator": (*no_model, other),
                "discriminator": (*no_model, other, entangled),
                "latents": NO_LATENTS,
                "value_range": NO_RANGE,
                "num_classes": (None, *NO_COUNT),
                "class_names": (5, "abc", ["a", "b"], ["a", "b", 3], {"a": 1}, [["a"], "b", "c"]),
                "seed": (*NO_WHOLE, 2**31),
            },
        ),
        "GAN.compile": (
            gan.compile,
            {},
            {
                "g_optimizer": no_optimizer,
                "d_optimizer": (*no_optimizer, ("adam", "adam"), ("adam", 5)),
                "loss": (*NO_NAME, print, (print,), (dict, dict), (lambda: None, lambda: None)),
                "update": NO_NAME,
                "discriminator_steps": (*NO_COUNT, HUGE),
                "label_smoothing": (1, *NO_SHARE),
                "ema": (0, 1, *NO_SHARE),
                "augment": (*NO_NAME, True, keras.layers.Flatten, keras.layers.Flatten())
                + (lambda: None, lambda images: images[:, 1:]),
                "jit_compile": NO_NAME,
                "penalty": (*NO_NAME, True, {}, {"r1": -1}, {"r1": NAN}, {"r1": "1"})
                + (dict, lambda: None),
                "auxiliary_loss": (*NO_FUNCTION, True, (print,), (None, 5), (dict, None)),
                "penalty_every": (*NO_COUNT, HUGE),
                "steps_per_execution": (*NO_COUNT, HUGE),
            },
        ),
        "GAN.export": (
            gan.export,
            {"filepath": "gan.onnx"},
            {
                "filepath": (None, *NO_PATH),
                "format": NO_NAME,
                "verbose": (None, *NO_FLAG),
                "uint8": (None, *NO_FLAG),
                "seed": NO_WHOLE,
                "count": (*NO_COUNT, 5),  # without a seed
            },
        ),
        "GAN.fit": (
            gan.fit,
            {"x": images, "y": labels, "verbose": 0},
            {
                "x": (None, 5, "photos", print, images[:0], (images, labels, labels), {}, {"a": 1}),
                "y": (5, "ab", labels[:5], {"a": 1}),
                "batch_size": NO_COUNT,
                "epochs": (None, *NO_WHOLE),
                "steps_per_epoch": NO_COUNT,
                "pretrain_steps": (None, *NO_WHOLE),
                "callbacks": (5, "log", [5], keras.callbacks.History, [keras.callbacks.History]),
                "verbose": ("nonsense", -1, 3, NAN, [1]),
                "initial_epoch": (None, *NO_WHOLE),
                "steps": NO_WHOLE,
            },
        ),
        "GAN.sample": (
            gan.sample,
            {"n": 6},
            {
                "n": (None, *NO_WHOLE),
                "seed": NO_WHOLE,
                "labels": no_labels,
                "latents": (*NO_ARRAY[1:], POINTS, POINTS[:6] * 1j, POINTS[:6].astype(str))
                + (np.full((6, 2), NAN),),
                "truncation": (0, -1, "1", NAN, INF, True, 1j),
            },
        ),
        "GAN.sample_latents": (
            gan.sample_latents,
            {"n": 6},
            {
                "n": (None, *NO_WHOLE),
                "seed": NO_WHOLE,
                "truncation": (0, -1, "1", NAN, INF, True, 1j),
            },
        ),
        "GAN.save": (
            gan.save,
            {"filepath": "gan.keras"},
            {"filepath": (None, *NO_PATH, "gan.h5"), "overwrite": (None, *NO_FLAG)},
        ),
        "GAN.score": (gan.score, {"images": images}, {"images": no_batch}),
        "GAN.train_on_batch": (gan.train_on_batch, {"images": images}, {"images": no_batch}),
        "GAN.train_generator_on_batch": (
            gan.train_generator_on_batch,
            {"images": images},
            {"images": no_batch},
        ),
        "GAN.train_discriminator_on_batch": (
            gan.train_discriminator_on_batch,
            {"images": (images, labels)},
            {"images": no_batch, "sides": (None, *NO_NAME)},
        ),
        "frozen": (
            lambda models: kerasgan.frozen(*models).__enter__(),
            {},
            {"models": ([5], ["model"], [None], [generator, keras.Model], [[generator]])},
        ),
        "load_pretrained": (kerasgan.load_pretrained, {}, {"name": (None, *NO_NAME)}),
        "directions": (
            kerasgan.directions,
            {"gan": gan},
            {"gan": (*no_model, generator), "count": (*NO_COUNT, 3)},
        ),
        "project": (
            kerasgan.project,
            {"gan": gan, "images": images, "labels": labels},
            {
                "gan": (*no_model, generator),
                "images": no_batch,
                "labels": (None, *no_labels),
                "steps": (None, *NO_COUNT),
                "seed": (None, *NO_WHOLE),
            },
        ),
        "image_grid": (
            kerasgan.image_grid,
            {"images": IMAGES},
            {
                "images": NO_IMAGES,
                "columns": (*NO_COUNT, HUGE),
                "scale": (*NO_COUNT, HUGE),
            },
        ),
        "latents.path": (
            kerasgan.latents.path,
            {"latents": POINTS, "distribution": "normal"},
            {
                "latents": NO_FEATURES,
                "distribution": NO_LATENTS,
                "frames_between": (None, *NO_COUNT),
                "kind": NO_NAME,
            },
        ),
        "latents.standardize": (kerasgan.latents.standardize, {}, {"latents": NO_LATENTS}),
    }
    builder = {
        "image_shape": NO_SHAPE,
        "latent_dim": (None, *NO_COUNT, HUGE),
        "filters": (None, *NO_COUNT, HUGE),
    }
    more = {
        "build_acgan": {"num_classes": (None, *NO_COUNT, HUGE)},
        "build_biggan": {"num_classes": (None, *NO_COUNT, HUGE)},
        "build_cgan": {"num_classes": (None, *NO_COUNT, HUGE)},
        "build_deconv_gan": {"latent_dim": (*NO_COUNT, HUGE, 101)},
        "build_flag_gan": {"seed": (None, *NO_WHOLE, 2**31)},
        "build_infogan": {
            "num_categories": (None, 1, *NO_COUNT),
            "num_continuous": (None, *NO_WHOLE),
        },
        "build_r3gan": {"gamma": (None, "a", -1, NAN, INF, True, 1j)},
        "build_pacgan": {"packing": (None, *NO_COUNT, HUGE)},
        "build_projection_gan": {"num_classes": (None, *NO_COUNT, HUGE)},
        "build_sgan": {"num_classes": (None, *NO_COUNT, HUGE)},
        "build_stylegan2": {"seed": (None, *NO_WHOLE, 2**31)},
    }
    for name in kerasgan.__all__:
        if name.startswith("build_"):
            rows[name] = (getattr(kerasgan, name), {}, builder | more.get(name, {}))

    rows |= {
        f"callbacks.{name}": (
            getattr(kerasgan.callbacks, name),
            {"folder": "run", "path": "run/file"} | {"evaluator": evaluator},
            bad,
        )
        for name, bad in {
            "Animation": {
                "path": (None, *NO_PATH),
                "every": (None, *NO_COUNT),
                "count": (None, *NO_COUNT, HUGE),
                "seed": (None, *NO_WHOLE),
                "columns": (*NO_COUNT, HUGE),
                "seconds_per_frame": (0, -1, 1000, "1", None, NAN, INF, True, 1j),
            },
            "Checkpoint": {
                "folder": (None, *NO_PATH),
                "every": (None, *NO_COUNT),
                "rollbacks": (None, -1, 1.5, "a", True),
            },
            "Diagnose": {"every": (None, *NO_COUNT)},
            "Evaluate": {
                "evaluator": (None, *NO_FUNCTION),
                "folder": (None, *NO_PATH),
                "every": (None, *NO_COUNT),
                "patience": NO_COUNT,
                "monitor": (None, 5, "precision"),
            },
            "Log": {"path": (None, *NO_PATH), "every": (None, *NO_COUNT)},
            "LossPlot": {
                "path": (None, *NO_PATH),
                "every": (None, *NO_COUNT),
                "log": NO_PATH,
            },
            "OnOptimizer": {
                "optimizer": (None, "adam", 5, keras.optimizers.Adam, [gan.g_optimizer]),
                "callback": (None, 5, print, keras.callbacks.History, [keras.callbacks.History()]),
            },
            "SampleGrid": {
                "folder": (None, *NO_PATH),
                "every": (None, *NO_COUNT),
                "count": (None, *NO_COUNT, HUGE),
                "seed": (None, *NO_WHOLE),
                "columns": (*NO_COUNT, HUGE),
                "scores": (None, *NO_FLAG),
                "scale": (*NO_COUNT, HUGE),
            },
            "TensorBoardLog": {
                "folder": (None, *NO_PATH),
                "every": (None, *NO_COUNT),
                "images_every": (None, *NO_COUNT),
                "count": (None, *NO_COUNT, HUGE),
                "seed": (None, *NO_WHOLE),
            },
            "find_damage": {"path": (None, *NO_PATH)},
            "load_checkpoint": {
                "folder": (None, *NO_PATH, "nowhere"),
                "custom_objects": (5, "a", [print], print),
                "safe_mode": (None, *NO_FLAG),
            },
            "read_log": {"path": (None, *NO_PATH)},
        }.items()
    }
    on_optimizer, _, bad = rows["callbacks.OnOptimizer"]
    good = {"optimizer": gan.g_optimizer, "callback": keras.callbacks.History()}
    rows["callbacks.OnOptimizer"] = (on_optimizer, good, bad)

    datasets, layers, losses, metrics = (
        getattr(kerasgan, module) for module in ("datasets", "layers", "losses", "metrics")
    )
    seed = (*NO_WHOLE, 2**31)
    rows |= {
        "datasets.ImageFolder": (
            datasets.ImageFolder,
            {"folder": ".", "image_shape": (8, 8, 3)},
            {
                "folder": (None, *NO_PATH, "nowhere", "."),
                "image_shape": NO_SHAPE,
                "batch_size": (None, *NO_COUNT),
                "fit": (None, *NO_NAME),
                "background": (None, 5, "nonsense", (0, 0), (0, 0, 256), (0, 0, "0"), (0, 0, 0.5)),
                "mirror": (None, *NO_FLAG),
                "labels": NO_FLAG,
                "validation_split": (0, 1, *NO_SHARE),
                "subset": (*NO_NAME, "training"),
                "shuffle": (None, *NO_FLAG),
                "seed": (None, *NO_WHOLE),
                "cache": (5, 1.5, "", [], b"cache"),
            },
        ),
        "datasets.ImageFolder.set_epoch": (
            folder.set_epoch,
            {},
            {"epoch": (None, *NO_WHOLE)},
        ),
        "datasets.clear_cache": (
            datasets.clear_cache,
            {},
            {"cache": (None, False, 5, 1.5, "", [], b"cache")},
        ),
        "datasets.load_mnist": (
            datasets.load_mnist,
            {"path": "."},
            {"split": (None, *NO_NAME), "path": (*NO_PATH, "nowhere", ".")},
        ),
        "layers.AdaptiveAugment": (
            layers.AdaptiveAugment,
            {},
            {
                "policy": (None, *NO_NAME, "color,"),
                "probability": (None, *NO_SHARE),
                "target": (-1.5, *NO_SHARE[1:]),
                "ramp_images": (None, *NO_COUNT),
                "value_range": NO_RANGE,
                "seed": seed,
            },
        ),
        "layers.AdaptiveAugment.adapt": (
            layers.AdaptiveAugment().adapt,
            {"real_scores": np.ones((4, 1), "float32")},
            {"num_images": NO_COUNT},
        ),
        "layers.ConditionalBatchNormalization": (
            layers.ConditionalBatchNormalization,
            {},
            {"momentum": (1, None, *NO_SHARE), "epsilon": ("a", None, 0, -1, NAN, INF, True, 1j)},
        ),
        "layers.DiffAugment": (
            layers.DiffAugment,
            {},
            {"policy": (None, *NO_NAME, "color,"), "value_range": NO_RANGE, "seed": seed},
        ),
        "layers.EqualizedConv2D": (
            layers.EqualizedConv2D,
            {"filters": 4, "kernel_size": 3},
            {
                "filters": (None, *NO_COUNT, HUGE),
                "kernel_size": (None, *NO_COUNT, 6),
                "use_bias": (None, *NO_FLAG),
                "downsample": (None, *NO_FLAG),
            },
        ),
        "layers.EqualizedDense": (
            layers.EqualizedDense,
            {"units": 4},
            {
                "units": (None, *NO_COUNT, HUGE),
                "learning_rate_multiplier": ("a", None, 0, -1, NAN, INF, True, 1j),
            },
        ),
        "layers.GroupedConv2D": (layers.GroupedConv2D, {"filters": 2, "kernel_size": 3}, {}),
        "layers.InstanceNoise": (
            layers.InstanceNoise,
            {},
            {"deviation": ("a", None, -1, NAN, INF, True, 1j), "seed": seed},
        ),
        "layers.LearnedConstant": (
            layers.LearnedConstant,
            {"height": 4, "width": 4, "channels": 4},
            dict.fromkeys(("height", "width", "channels"), (None, *NO_COUNT, HUGE)),
        ),
        "layers.LabelChannels": (
            layers.LabelChannels,
            {"num_classes": 3},
            {"num_classes": (None, *NO_COUNT), "channels": (None, *NO_COUNT)},
        ),
        "layers.MinibatchDiscrimination": (
            layers.MinibatchDiscrimination,
            {},
            {"num_kernels": (None, *NO_COUNT), "kernel_dim": (None, *NO_COUNT)},
        ),
        "layers.MinibatchStandardDeviation": (
            layers.MinibatchStandardDeviation,
            {},
            {"group_size": (None, *NO_COUNT)},
        ),
        "layers.ModulatedConv2D": (
            layers.ModulatedConv2D,
            {"filters": 4, "kernel_size": 3},
            {
                "filters": (None, *NO_COUNT, HUGE),
                "kernel_size": (None, *NO_COUNT, 6),
                "upsample": (None, *NO_FLAG),
                "demodulate": (None, *NO_FLAG),
            },
        ),
        "layers.PixelNoise": (layers.PixelNoise, {}, {"seed": seed}),
        "layers.SkipLayerExcitation": (
            layers.SkipLayerExcitation,
            {},
            {"pool_size": (None, *NO_COUNT)},
        ),
        "layers.SelfAttention": (layers.SelfAttention, {}, {"pool_size": (None, *NO_COUNT)}),
        "layers.SpectralNormalization": (
            layers.SpectralNormalization,
            {"layer": keras.layers.Dense(1)},
            {
                "layer": (None, 5, "dense", keras.layers.Dense, print),
                "power_iterations": (None, *NO_COUNT, HUGE),
                "seed": seed,
            },
        ),
        "losses.WeightClip": (
            losses.WeightClip,
            {},
            {"limit": ("a", None, 0, -1, NAN, INF, True, 1j)},
        ),
        "losses.feature_matching": (losses.feature_matching, {}, {}),
        "losses.needs": (
            losses.needs,
            {"function": losses.hinge_discriminator, "side": "real"},
            {"function": (None, *NO_FUNCTION), "side": (None, *NO_NAME)},
        ),
        "losses.resolve": (
            losses.resolve,
            {"loss": "hinge"},
            {
                "loss": (None, *NO_NAME, print, (print,), (dict, dict), (lambda: None,) * 2),
                "label_smoothing": (1, None, *NO_SHARE),
            },
        ),
        "losses.resolve_penalty": (
            losses.resolve_penalty,
            {},
            {"penalty": (*NO_NAME, True, {}, {"r1": -1}, {"r1": NAN}, dict, lambda: None)},
        ),
        "metrics.Encoder": (
            metrics.Encoder,
            {"model": encoder.model},
            {"model": (*no_model, list, other), "value_range": NO_RANGE, "name": NO_TEXT},
        ),
        "metrics.Encoder.__call__": (encoder, {}, {"images": NO_IMAGES}),
        "metrics.Evaluator": (
            metrics.Evaluator,
            {"images": IMAGES, "encoder": encoder, "cache": False},
            {
                "images": (*NO_IMAGES, IMAGES[:11], gan),
                "encoder": (None, 5, "encoder", list, metrics.Encoder, encoder.model),
                "count": (None, 5, *NO_COUNT),
                "seed": (None, *NO_WHOLE),
                "cache": (5, 1.5, "", [], b"cache"),
            },
        ),
        "metrics.Evaluator.__call__": (evaluator, {}, {"fakes": (*NO_IMAGES, kerasgan.GAN)}),
        "metrics.density_coverage": (
            metrics.density_coverage,
            {"real": FEATURES, "fake": FEATURES},
            {"real": NO_FEATURES, "fake": NO_FEATURES, "k": (None, *NO_COUNT)},
        ),
        "metrics.different_bins": (
            metrics.different_bins,
            {"real": FEATURES, "fake": FEATURES, "bins": 2},
            {
                "real": NO_FEATURES,
                "fake": NO_FEATURES,
                "bins": (None, 1, *NO_COUNT),
                "significance": (0, 1, None, *NO_SHARE),
                "seed": (None, *NO_WHOLE),
            },
        ),
        "metrics.digit_statistics": (
            metrics.digit_statistics,
            {"images": IMAGES, "classifier": lambda images: FEATURES},
            {
                "images": NO_IMAGES,
                "classifier": (None, *NO_FUNCTION)
                + (lambda images: None, lambda images: POINTS[0], lambda images: FEATURES * 1j)
                + (lambda images: FEATURES * NAN,),
                "labels": (5, "ab", labels, FEATURES, FEATURES[:, 0], [[0], [1, 2]]),
            },
        ),
        "metrics.frechet_distance": (
            metrics.frechet_distance,
            {"a": FEATURES, "b": FEATURES},
            {"a": NO_FEATURES, "b": (*NO_FEATURES, POINTS)},
        ),
        "metrics.frechet_distance_from_statistics": (
            metrics.frechet_distance_from_statistics,
            {
                f"{part}_{side}": array
                for side in "ab"
                for part, array in (("mean", np.zeros(3)), ("cov", np.eye(3)))
            },
            {
                f"{part}_{side}": (*NO_ARRAY, array * 1j, array.astype(str), array * NAN)
                for side in "ab"
                for part, array in (("mean", np.zeros(3)), ("cov", np.eye(3)))
            },
        ),
        "metrics.kernel_distance": (
            metrics.kernel_distance,
            {"a": FEATURES, "b": FEATURES, "subsets": 1},
            {
                "a": NO_FEATURES,
                "b": (*NO_FEATURES, POINTS),
                "subsets": NO_COUNT,
                "subset_size": (None, 1, *NO_COUNT),
                "seed": (None, *NO_WHOLE),
            },
        ),
        "metrics.kl_from_uniform": (
            metrics.kl_from_uniform,
            {},
            {"counts": (*NO_ARRAY, POINTS, [0, 0], [-1, 2], [NAN], [1j], ["a"], [])},
        ),
        "metrics.nearest": (
            metrics.nearest,
            {"features": FEATURES, "others": FEATURES},
            {
                "features": NO_FEATURES,
                "others": (*NO_FEATURES, FEATURES[:2]),
                "k": (None, *NO_COUNT),
            },
        ),
        "metrics.point_modes": (
            metrics.point_modes,
            {"points": POINTS, "centres": POINTS, "deviation": 0.1},
            {
                "points": NO_POINTS,
                "centres": (*NO_POINTS, POINTS * NAN),
                "deviation": ("a", None, -1, NAN, INF, True, 1j),
            },
        ),
        "metrics.precision_recall": (
            metrics.precision_recall,
            {"real": FEATURES, "fake": FEATURES},
            {"real": NO_FEATURES, "fake": NO_FEATURES, "k": (None, *NO_COUNT)},
        ),
        "metrics.pyramid_encoder": (
            metrics.pyramid_encoder,
            {},
            {"image_shape": (*NO_SHAPE, (7, 8, 1))},
        ),
        "metrics.sample_points": (
            metrics.sample_points,
            {"centres": POINTS, "deviation": 0.1, "n": 5},
            {
                "centres": (*NO_POINTS, POINTS * NAN),
                "deviation": ("a", None, -1, NAN, INF, True, 1j),
                "n": (None, *NO_WHOLE),
                "seed": NO_WHOLE,
            },
        ),
        "metrics.stack_digits": (
            metrics.stack_digits,
            {"images": IMAGES, "n": 5},
            {
                "images": (*NO_IMAGES, np.repeat(IMAGES, 3, axis=-1)),
                "n": (None, *NO_WHOLE),
                "seed": (None, *NO_WHOLE),
            },
        ),
        "metrics.stacked_modes": (
            metrics.stacked_modes,
            {
                "images": np.repeat(IMAGES, 3, axis=-1),
                "classify": lambda images: np.zeros(12, int),
            },
            {
                "images": (*NO_IMAGES, IMAGES),
                "classify": (None, *NO_FUNCTION)
                + (lambda images: None, lambda images: FEATURES, lambda images: [10] * 12)
                + (lambda images: [0], lambda images: ["a"] * 12, lambda images: [1j] * 12),
            },
        ),
        "metrics.statistics": (metrics.statistics, {}, {"features": (*NO_FEATURES, POINTS[:1])}),
    }
    rows |= {
        f"losses.{name}": (getattr(losses, name), {}, {})
        for name in losses.__all__
        if name.endswith(("_generator", "_discriminator", "_penalty"))
    }
    nothing = ("inception_encoder", "mnist_classifier", "mnist_encoder", "grid", "ring")
    return rows | {f"metrics.{name}": (getattr(metrics, name), {}, {}) for name in nothing}


def _public():
    """Everything that can be called, by name: functions, classes and the methods of their own."""
    found = dict.fromkeys(FURTHER)
    for module in ("", *MODULES):
        holder, prefix = getattr(kerasgan, module, kerasgan), f"{module}." if module else ""
        for name in holder.__all__:
            value = getattr(holder, name)
            if callable(value):
                found[prefix + name] = value
            if inspect.isclass(value):
                own = {
                    f"{prefix}{name}.{method}": function
                    for method, function in vars(value).items()
                    if inspect.isfunction(function)
                    and (method == "__call__" or not method.startswith("_"))
                    and not any(method in vars(base) for base in value.__mro__[1:])
                    and len(inspect.signature(function).parameters) > 1
                }
                found |= own
    return sorted(found)


def test_nothing_public_is_left_out():
    assert _public() == sorted(table())


@pytest.mark.parametrize("name", _public())
def test_arguments_are_checked_before_any_work(name, tmp_path, monkeypatch, cache_folder):
    monkeypatch.chdir(tmp_path)
    function, good, bad = table()[name]
    names = list(inspect.signature(function).parameters)
    free = {each for each in names if any(fnmatch.fnmatch(f"{name}.{each}", p) for p in ANYTHING)}
    assert set(names) - free == set(bad)
    good = {each: value for each, value in good.items() if each in names}
    wrong = []
    for argument, values in bad.items():
        form = re.compile(rf"`{argument}(\[.+\])?` must .+\. Received: .+\. .+[.)]", re.DOTALL)
        for value in values:
            start = time.monotonic()
            try:
                function(**good | {argument: value})
            except (ValueError, FileNotFoundError) as error:
                found = "" if form.fullmatch(str(error)) else repr(error)
            except Exception as error:
                found = repr(error)
            else:
                found = "taken"
            if time.monotonic() - start > SECONDS:
                found += " (too late)"
            if found:
                wrong.append(f"{argument}={value!r:.60}: {found:.300}")
    assert not wrong, "\n".join(wrong)
    assert not list(tmp_path.rglob("*")) and not list(cache_folder.rglob("*"))
