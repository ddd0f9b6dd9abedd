"""What a generator does first with its latents and its labels, read from its graph of layers."""

import keras
import numpy as np
from keras import ops

from kerasgan.checks import argument_error
from kerasgan.networks import first, infer, latents_shape

__all__ = ["entries", "taking_mixtures"]

_BATCH_SIZE = 64


def entries(generator: keras.Model) -> list[np.ndarray]:
    """The linear maps by which latents enter a generator.

    There is one for each layer with weights that the latents reach through no other such layer:
    for the first dense layer, for example, or in a BigGAN also for every normalisation, since each
    takes a chunk of them. Row `i` is the change of the layer's outputs from latents of 0 to the
    unit vector `i`. All other inputs of the layer stay as they are for latents of 0 and, with
    labels, the first class.

    Returns:
        Arrays `(latent_dim, number of outputs)`.

    Raises:
        ValueError: The latents reach no layer with weights.
    """
    inputs = _inputs(generator)
    at_zero = keras.tree.flatten(inputs)
    units = keras.Input(latents_shape(generator)[1:], name="units")
    changes = []
    # For each tensor that is made from latents without weights, the same made from unit vectors.
    moved = {
        id(tensor): units for tensor in at_zero if len(at_zero) == 1 or tensor.name == "latents"
    }

    def visit(layer, arguments, outputs):
        if not any(id(tensor) in moved for tensor in keras.tree.flatten(arguments)):
            return
        args, kwargs = keras.tree.map_structure(lambda x: moved.get(id(x), x), arguments)
        pairs = zip(*map(keras.tree.flatten, (outputs, layer(*args, **kwargs))), strict=True)
        if getattr(layer, "weights", None):
            changes.extend(changed - output for output, changed in pairs)
        else:
            moved.update((id(output), changed) for output, changed in pairs)

    _trace(generator, inputs, visit)
    if not changes:
        raise argument_error(
            "gan",
            "have a generator that passes its latents to a layer with weights",
            f"a generator, {generator.name!r}, without one",
            "Its latents are directions themselves.",
        )
    model = keras.Model([*at_zero, units], changes)
    found = []
    for part in np.array_split(np.eye(units.shape[1]), -(-units.shape[1] // _BATCH_SIZE)):
        zeros = [np.zeros((len(part), *tensor.shape[1:]), tensor.dtype) for tensor in at_zero]
        outputs = keras.tree.flatten(infer(model, [*zeros, part.astype("float32")]))
        found.append([output.reshape(len(part), -1) for output in outputs])
    return [np.concatenate(rows) for rows in zip(*found, strict=True)]


def taking_mixtures(generator: keras.Model, num_classes: int) -> keras.Model:
    """A generator of the same layers whose `labels` are mixtures of classes.

    It mixes what the generator makes of labels first, such as embeddings or one-hot codes.

    Returns:
        `keras.Model` with the inputs `latents` and `labels`, the latter floats
        `(batch_size, num_classes)`: the shares of the classes.

    Raises:
        ValueError: The generator takes no labels, or reads them in a layer with other inputs.
    """

    def refused(problem):
        return argument_error(
            "labels",
            "be whole numbers for a generator that does not turn them into codes first",
            f"mixtures of classes for {problem}",
            "Pass one label per image.",
        )

    inputs = _inputs(generator)
    labels = [tensor for tensor in keras.tree.flatten(inputs) if tensor.name == "labels"]
    whole, codes = {id(tensor) for tensor in labels}, []

    def visit(layer, arguments, outputs):
        tensors = [x for x in keras.tree.flatten(arguments) if isinstance(x, keras.KerasTensor)]
        if whole.isdisjoint(map(id, tensors)):
            return
        if not whole.issuperset(map(id, tensors)):
            raise refused(f"one whose layer {layer.name!r} reads labels together with other inputs")
        for output in keras.tree.flatten(outputs):
            if keras.backend.is_float_dtype(output.dtype):
                codes.append(output)
            else:
                whole.add(id(output))

    images = _trace(generator, inputs, visit)
    tables = infer(keras.Model(labels, codes), [np.arange(num_classes, dtype=labels[0].dtype)])
    mixtures = keras.Input((num_classes,), name="labels")
    mixed = [
        ops.cast(ops.tensordot(mixtures, table, axes=1), code.dtype)
        for table, code in zip(keras.tree.flatten(tables), codes, strict=True)
    ]
    others = [tensor for tensor in keras.tree.flatten(inputs) if tensor is not labels[0]]
    made = keras.Model([*others, *codes], images)([*others, *mixed])
    return keras.Model([*others, mixtures], made, name=generator.name)


def _graph(model):
    """A functional model of the same layers with only the images as outputs."""
    inputs = model.input if len(model.inputs) > 1 else model.inputs[0]
    return keras.Model(inputs, first(model.outputs))


def _inputs(model):
    """New inputs like the model's."""
    return keras.tree.map_structure(
        lambda x: keras.Input(batch_shape=x.shape, dtype=x.dtype, name=x.name), _graph(model).input
    )


def _trace(model, inputs, visit):
    """Calls the layers of a model, and of models inside it, one by one on symbolic inputs.

    Args:
        model: The model. Its layers are shared, not copied.
        inputs: Structure of `keras.Input`s.
        visit: Function of `(layer, (args, kwargs), outputs)`, called after each layer.

    Returns:
        The images.
    """

    def unpacked(layer, *args, **kwargs):
        return (layer.call if _has_graph(layer) else layer)(*args, **kwargs)

    def visited(layer, *args, **kwargs):
        outputs = layer(*args, **kwargs)
        visit(layer, (args, kwargs), outputs)
        return outputs

    def again(model, **kwargs):
        return keras.models.clone_model(model, clone_function=lambda layer: layer, **kwargs)

    model = _graph(model)
    while any(map(_has_graph, model.layers)):
        model = again(model, call_function=unpacked)
    return again(model, input_tensors=inputs, call_function=visited).outputs[0]


def _has_graph(layer):
    return isinstance(layer, keras.Model) and hasattr(layer, "outputs")
