"""Changes valid files at random and reads them: what is refused must be refused in words.

    KERAS_BACKEND=torch python scripts/measure/fuzz.py --minutes 5

A finding is an error of a type that the reader does not document, a hang, or memory above the
limit. The script prints what it found, and how often it read what.
"""

import argparse
import collections
import contextlib
import copy
import gzip
import io
import json
import pathlib
import random
import signal
import struct
import tempfile
import time
import traceback
import warnings
import zipfile

import keras
import numpy as np
import results
from PIL import Image

import kerasgan
from kerasgan import callbacks
from kerasgan._loading import load_model
from kerasgan.cli import run_folder
from kerasgan.datasets import ImageFolder, _decode, load_mnist

SECONDS, MEBIBYTES = 20, 512  # more than these for one file is a finding
# In place of any value in JSON.
VALUES = (None, True, -1, 0, 1.5, 10**9, 10**400, float("nan"), "", "os.system", [], {}, [[]])


def make_gan():
    generator = keras.Sequential(
        [
            keras.Input((2,)),
            keras.layers.Dense(16, activation="tanh"),
            keras.layers.Reshape((4, 4, 1)),
        ]
    )
    discriminator = keras.Sequential(
        [keras.Input((4, 4, 1)), keras.layers.Flatten(), keras.layers.Dense(1)]
    )
    return kerasgan.GAN(generator, discriminator, seed=0)


def change_bytes(data, rng):
    """Overwrites, removes or repeats a few bytes."""
    data = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        start = rng.randrange(len(data) + 1)
        kind = rng.randrange(4)
        if kind == 0:
            data[start : start + 4] = rng.choice((b"\xff" * 4, bytes(4), rng.randbytes(4)))
        elif kind == 1:
            del data[start : start + rng.choice((1, 8, len(data)))]
        elif kind == 2:
            data[start:start] = data[start : start + 64]
        elif start < len(data):
            data[start] ^= 1 << rng.randrange(8)
    return bytes(data)


def places(value, place=()):
    """All places in nested JSON, as tuples of keys."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in items:
        yield (*place, key)
        if isinstance(inner, (dict, list)):
            yield from places(inner, (*place, key))


def change_json(text, rng):
    """Replaces, removes or swaps values at a few places; sometimes damages the text."""
    if rng.random() < 0.1:
        return change_bytes(text.encode(), rng)
    config = json.loads(text)
    for _ in range(rng.randint(1, 3)):
        found = list(places(config))
        if not found:
            break
        *keys, last = rng.choice(found)
        inner = config
        for key in keys:
            inner = inner[key]
        if rng.random() < 0.2:
            del inner[last]
        else:
            inner[last] = copy.deepcopy(rng.choice(VALUES))
    return json.dumps(config)


class Readers:
    """Valid files, and for each kind a function that changes one and reads it."""

    def __init__(self, folder, rng):
        self.folder, self.rng = folder, rng
        self.gan = make_gan()
        self.gan.save(folder / "valid.keras")
        with zipfile.ZipFile(folder / "valid.keras") as archive:
            self.members = {name: archive.read(name) for name in archive.namelist()}
        pictures = Image.fromarray(np.arange(192, dtype="uint8").reshape(8, 8, 3))
        self.pictures = []
        for form in ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM", "JPEG2000", "AVIF"):
            with contextlib.suppress(KeyError, OSError):  # Pillow was built without it
                stream = io.BytesIO()
                pictures.save(stream, form)
                self.pictures.append(stream.getvalue())
        arguments = {name: None for name in run_folder._ARGUMENTS}
        arguments |= {"model": "dcgan", "size": [16, 16], "channels": 3, "fit": "crop"}
        arguments |= {"background": "white", "mirror": False, "pretrain_steps": 0, "seed": 0}
        arguments |= {"data": "photos", "batch_size": 2, "learning_rate": 0.1, "steps": 2}
        arguments |= {"rollbacks": 0, "deterministic": False, "devices": 1}
        arguments |= {"precision": "mixed_bfloat16"}
        arguments |= {"monitor": "kernel_distance"}
        self.run = {"arguments": arguments, "every": 1, "num_images": 4, "backend": "jax"}
        self.run |= {"class_names": None, "latents": ["normal", 0, 1], "latent_dim": 2}
        self.run |= {"value_range": [-1, 1], "num_classes": None}

    def idx(self):
        images = struct.pack(">4I", 2051, 2, 28, 28) + bytes(2 * 784)
        labels = struct.pack(">2I", 2049, 2) + bytes(2)
        changed = self.rng.choice(("images-idx3", "labels-idx1"))
        for name, data in (("images-idx3", images), ("labels-idx1", labels)):
            if name == changed:
                head = self.rng.choice((16, len(data)))  # mostly the header
                data = change_bytes(data[:head], self.rng) + data[head:]
            if self.rng.random() < 0.3:
                data = gzip.compress(data)
                if self.rng.random() < 0.3:
                    data = change_bytes(data, self.rng)
            (self.folder / f"train-{name}-ubyte").write_bytes(data)
        load_mnist(path=self.folder)

    def npz(self):
        stream = io.BytesIO()
        np.savez(stream, x_train=np.zeros((2, 28, 28), "uint8"), y_train=np.zeros(2, "uint8"))
        (self.folder / "mnist-fuzz.npz").write_bytes(change_bytes(stream.getvalue(), self.rng))
        load_mnist(path=self.folder / "mnist-fuzz.npz")

    def _write_keras(self, members):
        path = self.folder / callbacks.MODEL
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in members.items():
                archive.writestr(name, content)
        return path

    def keras_config(self):
        config = change_json(self.members["config.json"].decode(), self.rng)
        path = self._write_keras(self.members | {"config.json": config})
        if not callbacks.find_damage(path):
            load_model(path)

    def keras_weights(self):
        weights = change_bytes(self.members["model.weights.h5"], self.rng)
        path = self._write_keras(self.members | {"model.weights.h5": weights})
        if not callbacks.find_damage(path):
            load_model(path)

    def checkpoint(self):
        data = change_bytes((self.folder / "valid.keras").read_bytes(), self.rng)
        (self.folder / callbacks.MODEL).write_bytes(data)
        callbacks.load_checkpoint(self.folder)

    def _write_run(self):
        text = change_json(json.dumps(self.run), self.rng)
        data = text.encode() if isinstance(text, str) else text
        (self.folder / run_folder.CONFIG).write_bytes(data)

    def run_config(self):
        self._write_run()
        run_folder.read_config(self.folder)

    def run_sampler(self):
        self._write_run()
        run_folder.read_sampler(self.folder / callbacks.GENERATOR, self.gan.generator)

    def picture(self):
        data = self.rng.choice(self.pictures)
        head = self.rng.choice((64, len(data)))
        stream = io.BytesIO(change_bytes(data[:head], self.rng) + data[head:])
        _decode.decode_image(stream, (8, 8, 3), "crop", (255, 255, 255, 255))

    def image_archive(self):
        labels = json.dumps({"labels": [["0.png", 0], ["1.png", 1]]})
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w") as archive:
            for number in range(2):
                archive.writestr(f"{number}.png", self.pictures[0])
            archive.writestr("dataset.json", change_json(labels, self.rng))
        data = stream.getvalue()
        if self.rng.random() < 0.5:
            data = change_bytes(data, self.rng)
        path = self.folder / "images.zip"
        path.write_bytes(data)
        ImageFolder(path, (8, 8, 3), batch_size=2, labels=True, cache=False)


# Kinds, and the errors that their readers document; Keras and Pillow raise nearly anything.
KEPT = (ValueError, FileNotFoundError)
KINDS = {
    "idx": KEPT,
    "npz": KEPT,
    "keras_config": Exception,
    "keras_weights": Exception,
    "checkpoint": Exception,
    "run_config": KEPT,
    "run_sampler": KEPT,
    "picture": Exception,
    "image_archive": KEPT,
}


def hang(number, frame):
    raise TimeoutError(f"more than {SECONDS} s")


def fuzz(seconds, seed, folder):
    """Reads changed files for so long.

    Returns:
        Dict from kinds to Counters of what happened, and dict from findings to an example.
    """
    rng = random.Random(seed)
    readers = Readers(folder, rng)
    counts, findings = {kind: collections.Counter() for kind in KINDS}, {}
    signal.signal(signal.SIGALRM, hang)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for kind, documented in KINDS.items():
            before, began, problem = results.peak_memory(), time.monotonic(), None
            signal.alarm(SECONDS)
            try:
                with warnings.catch_warnings(action="ignore"):
                    getattr(readers, kind)()
                counts[kind]["read"] += 1
            except Exception as error:
                counts[kind]["refused"] += 1
                if isinstance(error, MemoryError) or not isinstance(error, documented):
                    where = traceback.extract_tb(error.__traceback__)[-1]
                    problem = f"{type(error).__name__} at {where.filename}:{where.lineno}: {error}"
            finally:
                signal.alarm(0)
            more = (results.peak_memory() - before) / 2**20
            if more > MEBIBYTES:
                problem = f"memory: {more:.0f} MiB more; {problem}"
            if time.monotonic() - began > SECONDS:  # a reader may have caught the alarm
                problem = f"hang: {problem}"
            if problem:
                findings.setdefault((kind, problem.split(": ")[0]), problem[:500])
    return counts, findings


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        counts, findings = fuzz(60 * given.minutes, given.seed, pathlib.Path(folder))
    for kind, counter in counts.items():
        print(f"{kind:14} {counter['read']:6} read {counter['refused']:6} refused")
    print(f"{sum(c.total() for c in counts.values())} files, {len(findings)} findings")
    for (kind, _), problem in findings.items():
        print(f"{kind}: {problem}")


if __name__ == "__main__":
    main()
