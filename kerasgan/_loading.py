"""Loads `.keras` files, also those of strangers, in memory that the size of the file explains."""

import io
import json
import math
import re
import threading
import zipfile

import h5py
import keras


def load_model(path, custom_objects=None, safe_mode=True):
    """Loads a model like `keras.models.load_model`, which believes all sizes in a file.

    Raises:
        ValueError: The file asks for more weights than it contains.
        Exception: Keras's own error.
    """
    with zipfile.ZipFile(path) as archive:
        config = archive.read("config.json").decode()
        size = archive.getinfo("model.weights.h5").file_size
    count = _count_weights(config, custom_objects, safe_mode)
    if count > size:
        raise ValueError(
            f"The model must have the weights that are in its file. Received: {path}, which asks "
            f"for {count:,} weights and contains {size:,} bytes. Get an undamaged file."
        )
    return keras.models.load_model(path, custom_objects, safe_mode=safe_mode)


def count_stored(weights):
    """Counts the bytes that the arrays in an HDF5 file unpack to.

    Args:
        weights: The bytes of the file.
    """
    sizes = [0]
    with h5py.File(io.BytesIO(weights)) as file:
        file.visititems(lambda name, item: sizes.append(getattr(item, "nbytes", 0)))
    return sum(sizes)


def _count_weights(config, custom_objects, safe_mode):
    """Counts the weights of a model, or of a GAN's two, without the memory for them.

    Keras creates a layer's weights while it reads the layer. In a `StatelessScope` it only notes
    their shapes, in a list that belongs to the thread: the list ends with the thread.
    """
    # A scope of custom objects belongs to the thread, too.
    names = set(re.findall(r'"([^"\\]+)"', config))
    found = {name: keras.saving.get_registered_object(name, custom_objects) for name in names}
    known = {name: each for name, each in found.items() if each is not None}
    config = json.loads(config)
    inner = config["config"]
    models = [inner[name] for name in ("generator", "discriminator") if name in inner] or [config]
    counts, errors = [], []

    def count():
        try:
            with keras.StatelessScope(initialize_variables=False):
                for each in models:
                    model = keras.saving.deserialize_keras_object(each, known, safe_mode)
                    counts.extend(math.prod(variable.shape) for variable in model.variables)
        except Exception as error:
            errors.append(error)

    thread = threading.Thread(target=count)
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return sum(counts)
