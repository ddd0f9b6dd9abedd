"""The two networks: whether they fit together, and how to feed and read them."""

import keras
from keras import ops

from kerasgan import backend
from kerasgan._interrupts import deferred
from kerasgan.checks import argument_error, check_whole

__all__ = [
    "check_models",
    "check_num_classes",
    "check_range",
    "copy",
    "feed",
    "first",
    "has_two_columns",
    "infer",
    "latents_shape",
    "normalises_latents",
    "random_variables",
    "reported",
    "score",
    "scores_of_two",
    "takes",
]

_MOST_CLASSES = 1_000_000  # each has a name, if only its number
# Ranges of squashing activations, by their names in lower case without underscores.
_BOUNDS = {
    "hardsigmoid": (0, 1),
    "hardtanh": (-1, 1),
    "sigmoid": (0, 1),
    "softmax": (0, 1),
    "softsign": (-1, 1),
    "tanh": (-1, 1),
}
# Layers and operations that keep values within bounds.
_KEEP_BOUNDS = {"cropping2d", "flatten", "getitem", "identity", "permute", "reshape", "transpose"}


def check_models(generator, discriminator):
    """Raises ValueError unless the two are built and fit together, and the scores are linear."""
    for name, model in (("generator", generator), ("discriminator", discriminator)):
        _check_model(name, model)
    for operation in _last_operations(discriminator):
        activation, bounds = _activation(operation)
        if bounds:
            raise argument_error(
                "discriminator",
                "end in linear scores, since the losses take logits",
                f"discriminator that ends in {activation}",
                "Leave out that activation.",
            )
    shared = {id(variable) for variable in generator.variables}
    if any(id(variable) in shared for variable in discriminator.variables):
        raise argument_error(
            "discriminator",
            "have its own layers: one network is held while the other is trained",
            "a generator and a discriminator that share variables",
            "Build each with its own layers.",
        )
    _check_latents(generator)
    images_shape = _shape(first(generator.outputs))
    if len(images_shape) != 4 or None in images_shape[1:]:
        raise argument_error(
            "generator",
            "make images of one known shape (batch_size, height, width, channels)",
            f"generator with output_shape={images_shape}",
            "End it with a layer that makes such images.",
        )
    taken = [_shape(tensor) for tensor in discriminator.inputs]
    if len(taken) > 1:
        taken = [_shape(tensor) for tensor in discriminator.inputs if tensor.name == "images"]
    if [shape[1:] for shape in taken] != [images_shape[1:]]:
        raise argument_error(
            "discriminator",
            "take the generator's images, in an Input named 'images' if it has several",
            f"discriminator with input_shape={discriminator.input_shape}, generator with "
            f"output_shape={generator.output_shape}",
            "Build both for the same image_shape.",
        )
    score_shape = _shape(first(discriminator.outputs))
    if score_shape[1:] not in ((), (1,), (2,)):
        raise argument_error(
            "discriminator",
            "return one linear score per image, shape (batch_size, 1), or two linear columns "
            "(fake, real), as its first output",
            f"discriminator with output_shape={discriminator.output_shape}",
            "End it with keras.layers.Dense(1).",
        )


def check_num_classes(num_classes, generator, discriminator):
    """Returns a number of classes, None for no labels; raises ValueError unless it is valid."""
    if num_classes is not None:
        check_whole("num_classes", num_classes, 1, _MOST_CLASSES)
    elif takes(generator, "labels") or takes(discriminator, "labels"):
        raise argument_error(
            "num_classes",
            "be the number of classes, because the models take labels",
            "num_classes=None",
            "Pass num_classes=10, for example.",
        )
    return num_classes


def check_range(generator, value_range):
    """Raises ValueError if the generator's last activation has a different range."""
    for operation in _last_operations(generator):
        activation, bounds = _activation(operation)
        if bounds and bounds != tuple(value_range):
            raise argument_error(
                "value_range",
                f"be {bounds} for a generator that ends in {activation}",
                f"value_range={tuple(value_range)}",
                f"Pass value_range={bounds}, or change the last activation.",
            )
        if activation != "linear" and activation not in _KEEP_BOUNDS:
            return


def _check_model(name, model):
    if not isinstance(model, keras.Model):
        raise argument_error(
            name,
            "be a keras.Model",
            f"{name} of type {type(model).__name__}",
            "Build it with keras.Sequential or keras.Model.",
        )
    if not model.built or not hasattr(model, "output_shape"):
        raise argument_error(
            name,
            "be built, with known shapes",
            f"{name}={model.name}, which is not built",
            "Start it with keras.Input(...)."
            if isinstance(model, keras.Sequential)
            else "Wrap it: inputs = keras.Input(shape), then keras.Model(inputs, model(inputs)).",
        )
    for layer in _layers(model):
        if _is_computed_again(layer):
            raise argument_error(
                name,
                "be built outside keras.RematScope, which would draw its noise twice or fail",
                f"{name}={model.name!r}, with {layer.name!r} built inside",
                "To save memory, pass smaller batches, fewer filters or half precision.",
            )
    if isinstance(model.output_shape, dict):
        raise argument_error(
            name,
            "return a tensor or a list of tensors, with the images or the score first",
            f"{name} that returns a dict of {sorted(model.output_shape)}",
            "Return a list instead.",
        )
    for tensor in model.inputs:
        if tensor.name != "labels" and not keras.backend.is_float_dtype(tensor.dtype):
            raise argument_error(
                name,
                "take floats",
                f"{name} with an input of dtype {tensor.dtype}",
                "Leave out the dtype of keras.Input; uint8 images are converted before they "
                "reach it.",
            )


def _layers(model):
    """A model and all layers in it."""
    yield model
    for layer in model.layers:
        yield from _layers(layer) if isinstance(layer, keras.Model) else [layer]


def _is_computed_again(layer):
    """Whether `keras.RematScope` makes gradients call a layer again that has a state or a mode."""
    try:
        is_called_once = layer.rematerialized_call(layer.call) == layer.call
    except TypeError:  # in the mode "larger_than", which wants the inputs
        return True
    has_state = isinstance(layer, keras.Model) or layer.non_trainable_variables
    return bool(has_state) and not is_called_once


def _check_latents(generator):
    shape = latents_shape(generator)
    if shape is not None and (len(shape) != 2 or None in shape[1:]):
        raise argument_error(
            "generator",
            "take latents of shape (batch_size, latent_dim)",
            f"generator with input_shape={generator.input_shape}",
            "Start it with keras.Input((latent_dim,)).",
        )


def normalises_latents(generator):
    """Whether the generator first gives all latents one length, as StyleGAN2's does."""
    for layer in generator.layers:
        if isinstance(layer, keras.Model):
            has_latents = any(tensor.name == "latents" for tensor in layer.inputs)
            if has_latents and normalises_latents(layer):
                return True
        elif isinstance(layer, keras.layers.UnitNormalization):
            if any(tensor.name == "latents" for tensor in keras.tree.flatten(layer.input)):
                return True
    return False


def latents_shape(generator):
    """The shape of a generator's latents; None if it takes none."""
    by_name = {tensor.name: _shape(tensor) for tensor in generator.inputs}
    if len(by_name) == 1 and "source_images" not in by_name:
        return next(iter(by_name.values()))
    return by_name.get("latents")


def takes(model, name):
    """Whether a model has an Input of this name besides images or latents."""
    return len(model.inputs) > 1 and any(tensor.name == name for tensor in model.inputs)


def _shape(tensor):
    return tuple(tensor.shape)


def _last_operations(model):
    """Yields what makes the first output, backwards from the end to a layer with weights."""
    path = reversed(model.layers) if isinstance(model, keras.Sequential) else _path_back(model)
    for operation in path:
        while isinstance(operation, keras.layers.Wrapper):
            operation = operation.layer
        if isinstance(operation, keras.Model) and hasattr(operation, "outputs"):
            yield from _last_operations(operation)
        else:
            yield operation
        if getattr(operation, "weights", None):
            return


def _path_back(model):
    """Yields operations backwards from the first output, up to one with several inputs."""
    # Operations outside layers, such as keras.ops.sigmoid, are only in `operations`.
    operations = getattr(model, "operations", model.layers)

    def maker(tensor):
        return next((operation for operation in operations if operation.output is tensor), None)

    # Keras does not say which inner model makes a tensor: it is most likely the last.
    operation = maker(model.outputs[0]) or operations[-1]
    while operation is not None:
        yield operation
        inputs = operation.input
        operation = maker(inputs) if isinstance(inputs, keras.KerasTensor) else None


def _activation(operation):
    """The name of a layer's activation or of the operation itself, and its bounds or None.

    `keras.layers.Dense(1, "sigmoid")` and `keras.ops.sigmoid` both have the bounds (0, 1).
    """
    activation = getattr(operation, "activation", operation)
    name = getattr(activation, "__name__", type(activation).__name__).lower()
    return name, _BOUNDS.get(name.replace("_", ""))


def scores_of_two(discriminator):
    """Number of scores that a discriminator returns for two images: 1 if it packs them."""
    two = {
        tensor.name: keras.KerasTensor((2, *tensor.shape[1:]), tensor.dtype)
        for tensor in discriminator.inputs
    }
    images = two.get("images", next(iter(two.values())))
    return first(discriminator.compute_output_spec(feed(discriminator, two, images))).shape[0]


def feed(model, batch, images=None):
    """Picks a model's inputs from a batch.

    A model with several Inputs is fed by their names. A model with one Input gets the images, or
    else the latents, whatever its name; only `source_images` is found by name.

    Args:
        model: The generator or the discriminator.
        batch: Dict of tensors.
        images: Images for the discriminator.
    """
    named = batch if images is None else batch | {"images": images}
    if len(model.inputs) > 1:
        return keras.tree.map_structure(lambda tensor: named[tensor.name], model.input)
    if images is not None:
        return images
    return named["source_images" if model.inputs[0].name == "source_images" else "latents"]


def score(outputs):
    """The score in float32: the first output if a discriminator has several.

    The softmax of two columns (fake, real) is the sigmoid of their difference, so that
    softmax cross-entropy is the binary cross-entropy of this score.
    """
    outputs = ops.cast(first(outputs), "float32")
    return outputs[:, 1:] - outputs[:, :1] if has_two_columns(outputs) else outputs


def reported(outputs):
    """What `d_real` and `d_fake` show: scores, or for two columns the probability of "real"."""
    return ops.sigmoid(score(outputs)) if has_two_columns(outputs) else score(outputs)


def has_two_columns(outputs):
    """Whether a discriminator ends in two columns (fake, real) instead of one score."""
    shape = first(outputs).shape
    return len(shape) == 2 and shape[1] == 2


def first(outputs):
    """The first output: a generator's images, or a discriminator's score."""
    return outputs[0] if isinstance(outputs, (list, tuple)) else outputs


def infer(model, inputs):
    """The outputs of a model in inference mode, as NumPy arrays.

    Ctrl-C is delayed until the end: on JAX, Keras gives up the weights during the call.
    """
    backend.check_devices(model.variables)
    if keras.distribution.distribution():
        inputs = backend.to_device(inputs, is_share=False)
    with deferred():
        return model.predict_on_batch(inputs)


def random_variables(layer):
    """The random states inside a layer or model: variables that are not weights."""
    known = {id(variable) for variable in layer.weights}
    known |= {id(variable) for variable in getattr(layer, "metrics_variables", [])}
    return [variable for variable in layer.variables if id(variable) not in known]


def copy(model):
    """Copies a model with its weights; the copy is not trainable.

    Layers without weights or random state are shared, since some cannot be copied (a Lambda
    layer, for example).
    """
    copied = keras.models.clone_model(model, clone_function=_copy_layer, recursive=True)
    copied.set_weights(model.get_weights())
    for variable in copied.variables:
        variable.trainable = False
    return copied


def _copy_layer(layer):
    # Keras also passes its operations, which have no variables.
    has_state = getattr(layer, "variables", None)
    return type(layer).from_config(layer.get_config()) if has_state else layer
