"""Export each kind of generator in every format, and compare the images with those of `gan.sample`.

    KERAS_BACKEND=torch scripts/measure/formats.py                   all that this backend writes
    KERAS_BACKEND=jax scripts/measure/formats.py sngan --formats onnx

Each model is tiny, makes grey images of 16 pixels, and has noise added to its weights, so that
none of them is 0. An export is loaded with the format's own library and makes five images, at once
but for LiteRT.
The table shows by how many grey levels a pixel differs at most, or the error. Each pair of a model
and a format appends a line to `--out`.
"""

import argparse
import pathlib
import tempfile

import numpy as np
import results

COUNT, LATENT_DIM = 5, 16
# The other models have the generator of DCGAN, ACGAN that of CGAN.
MODELS = (
    "biggan",
    "cgan",
    "dcgan",
    "deconv_gan",
    "fastgan",
    "flag_gan",
    "infogan",
    "mlp_gan",
    "mnist_gan",
    "projection_gan",
    "r3gan",
    "sagan",
    "sngan",
    "stylegan2",
)
FILTERS = {"biggan": 1, "deconv_gan": 32, "r3gan": 12}


def make(path, inputs):
    """Images that an exported file makes from a dict of arrays."""
    return _MAKERS[path.suffix](str(path), inputs)


def _singly(inputs):
    """The inputs of one image each."""
    count = len(next(iter(inputs.values())))
    return [{name: array[i : i + 1] for name, array in inputs.items()} for i in range(count)]


def _onnx(path, inputs):
    import onnxruntime

    return onnxruntime.InferenceSession(path).run(None, inputs)[0]


def _saved_model(path, inputs):
    import tensorflow as tf

    loaded, arrays = tf.saved_model.load(path), list(inputs.values())
    return loaded.serve(arrays if len(arrays) > 1 else arrays[0]).numpy()


def _litert(path, inputs):
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError:  # TensorFlow contains an older one
        import tensorflow as tf

        Interpreter = tf.lite.Interpreter
    run = Interpreter(path).get_signature_runner()
    return np.concatenate([next(iter(run(**one).values())) for one in _singly(inputs)])


def _openvino(path, inputs):
    import openvino

    # From PyTorch, the inputs have no names.
    return openvino.compile_model(path, "CPU")(list(inputs.values()))[0]


def _torch(path, inputs):
    import torch

    tensors = [torch.from_numpy(array) for array in inputs.values()]
    module = torch.export.load(path).module()
    return module(tensors if len(tensors) > 1 else tensors[0]).numpy()


_MAKERS = {
    ".onnx": _onnx,
    "": _saved_model,
    ".tflite": _litert,
    ".xml": _openvino,
    ".pt2": _torch,
}


def build(name):
    """A tiny GAN without weights of 0."""
    import keras

    import kerasgan

    keras.utils.set_random_seed(0)
    builder = getattr(kerasgan, f"build_{name}")
    gan = builder((16, 16, 1), latent_dim=LATENT_DIM, filters=FILTERS.get(name, 4))
    rng = np.random.default_rng(0)
    weights = gan.generator.get_weights()
    # Variances stay positive.
    gan.generator.set_weights([w + 0.1 * np.abs(rng.normal(size=w.shape)) for w in weights])
    return gan


def compare(name, format):
    """Largest difference between an export and `gan.sample`, or the error."""
    import numpy as np

    from kerasgan.export import SUFFIXES

    gan = build(name)
    inputs = gan._sampler.inputs(COUNT, seed=0)
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, f"generator{SUFFIXES[format]}")
        try:
            gan.export(path, format=format)
            made = make(path, inputs)
        # The converters and the formats' libraries raise almost any exception.
        except Exception as error:
            return {"error": f"{type(error).__name__}: {str(error).splitlines()[0]}"}
    expected = gan.sample(COUNT, **inputs)
    if format == "litert":  # alone too: some generators normalise over the batch
        expected = np.concatenate([gan.sample(1, **one) for one in _singly(inputs)])
    if made.dtype != expected.dtype or made.shape != expected.shape:
        return {"error": f"{made.dtype} {made.shape}"}
    return {"levels": int(np.abs(made.astype("int32") - expected).max())}


def main():
    import keras

    from kerasgan.export import SUFFIXES, can_write

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("models", nargs="*", metavar="MODEL", help="default: one per generator")
    parser.add_argument("--formats", help="separated by commas (default: all)")
    parser.add_argument("--out", type=pathlib.Path, default=results.FOLDER / "formats.jsonl")
    given = parser.parse_args()
    formats = given.formats.split(",") if given.formats else list(SUFFIXES)
    formats = [format for format in formats if can_write(format)]
    rows = []
    for name in given.models or MODELS:
        row = [f"`{name}`"]
        for format in formats:
            key = {"model": name, "format": format, "backend": keras.config.backend()}
            found = results.measure(given.out, key, compare, name, format)
            row.append(found.get("levels", found.get("error")))
        rows.append(row)
    print(results.table(["model", *formats], rows))


if __name__ == "__main__":
    main()
