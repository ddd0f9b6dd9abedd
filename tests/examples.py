"""What the examples of pages and docstrings find around them, all of it tiny."""

import re

import keras
import numpy as np
from PIL import Image

import kerasgan

# Every number that makes an example long, and what stands for it in a test.
_SHORT = {
    r"\bepochs=[\d_]+": "epochs=1",
    r"\bsteps=[\d_]+": "steps=4",
    r"\bsteps_per_epoch=[\d_]+": "steps_per_epoch=2",
    r"\bpretrain_steps=[\d_]+": "pretrain_steps=2",
    r"\bbatch_size=[\d_]+": "batch_size=8",
    r"\b(images_)?every=[\d_]+": r"\1every=2",
    r"\((32, 32|64, 64|128, 128), ([13])\)": r"(16, 16, \2)",
    r"\bfilters=[\d_]+": "filters=4",
    r"\b(build_deconv_gan)\(": r"\1(filters=8, ",  # the fewest that it can have
    r"\b(build_\w+)\((?!.*filters=)": r"\1(filters=4, ",
}


def code_blocks(text, language):
    """The code blocks of a Markdown text, `""` being those without a language."""
    blocks = re.findall(r"^ *```(\w*)\n(.*?)^ *```$", text, re.DOTALL | re.MULTILINE)
    return [block for kind, block in blocks if kind == language]


def shorten(code):
    for long, short in _SHORT.items():
        code = re.sub(long, short, code)
    return code


def fill(folder):
    """Writes the files that examples name, and returns the names that they take for granted.

    The one GAN makes images of 16x16 pixels in colour, as `images` are.
    """
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (8, 16, 16, 3), dtype="uint8")
    for pictures in ("photos", "datasets/flags"):
        (folder / pictures).mkdir(parents=True)
        for index, image in enumerate(images):
            Image.fromarray(image).save(folder / pictures / f"{index}.png")
    (folder / "log.csv").write_text("step,epoch,d_loss\n1,0,0.5\n")

    gan = kerasgan.build_dcgan((16, 16, 3), latent_dim=100, filters=2)
    for run in ("digits", "flags", "photos-dcgan"):
        (folder / "runs" / run).mkdir(parents=True)
    gan.save(folder / "runs/flags/model.keras")
    for run in ("digits", "photos-dcgan"):
        gan.generator.save(folder / "runs" / run / "generator.keras")

    model = keras.Sequential([keras.Input((28, 28, 1)), keras.layers.Flatten()])
    return {
        "digits": rng.integers(0, 256, (16, 28, 28, 1), dtype="uint8"),
        "discriminator": gan.discriminator,
        "encoder": kerasgan.metrics.Encoder(model),
        "flags": rng.integers(0, 256, (8, 16, 16, 1), dtype="uint8"),
        "gan": gan,
        "generator": gan.generator,
        "images": images,
        "keras": keras,
        "kerasgan": kerasgan,
        "labels": rng.integers(0, 10, 8),
        "latents": rng.standard_normal((8, 100)).astype("float32"),
        "model": model,
        "np": np,
        "samples": rng.integers(0, 256, (10, 28, 28, 1), dtype="uint8"),
        "x": rng.random((2, 8, 8, 16), dtype="float32"),
        "photos": rng.integers(0, 256, (16, 16, 16, 3), dtype="uint8"),
    }


def load_tiny_mnist():
    """Stands for `keras.datasets.mnist.load_data`, which downloads."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (16, 28, 28), dtype="uint8")
    labels = rng.integers(0, 10, 16, dtype="uint8")
    return (images, labels), (images, labels)
