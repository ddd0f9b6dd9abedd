"""Checks of what users pass: an error before any work, that says how to mend it."""

import keras
import numpy as np

UPDATES = ("joint", "concatenated", "separate")
REPORTED = ("d_fake", "d_loss", "d_real", "g_loss", "loss", "penalty")


def argument_error(name, expected, received, fix, kind=ValueError):
    """The error for an argument that cannot be used, in the one form that all of them have.

    Example:

    ```python
    raise argument_error("limit", "be above 0", f"limit={limit!r}", "The paper's is 0.01.")
    ```
    """
    return kind(f"`{name}` must {expected}. Received: {received}. {fix}")


def check_models(generator, discriminator):
    """Raises ValueError unless the two are built, linear and fit together."""
    for name, model in (("generator", generator), ("discriminator", discriminator)):
        if not isinstance(model, keras.Model):
            raise ValueError(
                f"`{name}` must be a keras.Model. Received: {name} of type "
                f"{type(model).__name__}. Build it with keras.Sequential or keras.Model."
            )
        if not model.built or not hasattr(model, "output_shape"):
            raise ValueError(
                f"`{name}` must be built, with known shapes. Received: {name}={model.name}, "
                "which is not. Begin it with keras.Input(...)."
            )
        shapes = (model.input_shape, model.output_shape)
        # A discriminator may give more than the score, for an auxiliary loss.
        is_single = [isinstance(shape, tuple) for shape in shapes]
        if not (is_single[0] and (is_single[1] or model is discriminator)):
            raise ValueError(
                f"`{name}` must have one input and one output. Received: {name} with "
                f"input_shape={shapes[0]}, output_shape={shapes[1]}. Use a model with one of each."
            )
        if not keras.backend.is_float_dtype(model.inputs[0].dtype):
            raise ValueError(
                f"`{name}` must take floats. Received: {name} with an input of dtype "
                f"{model.inputs[0].dtype}. Leave the dtype of keras.Input out; uint8 images are "
                "converted before they reach it."
            )
    activation = _activation_of_score(discriminator)
    if activation in (keras.activations.sigmoid, keras.activations.softmax):
        raise ValueError(
            "`discriminator` must end in linear scores, since the losses take logits. Received: "
            f"discriminator that ends in {activation.__name__}. Leave that activation out."
        )
    latents_shape, images_shape = generator.input_shape, generator.output_shape
    if len(latents_shape) != 2 or None in latents_shape[1:]:
        raise ValueError(
            "`generator` must take latents of shape (batch_size, latent_dim). Received: "
            f"generator with input_shape={latents_shape}. Begin it with "
            "keras.Input((latent_dim,))."
        )
    if len(images_shape) != 4 or None in images_shape[1:]:
        raise ValueError(
            "`generator` must make images of one known shape (batch_size, height, width, "
            f"channels). Received: generator with output_shape={images_shape}. End it with that."
        )
    if discriminator.input_shape[1:] != images_shape[1:]:
        raise ValueError(
            "`discriminator` must take the generator's images. Received: discriminator with "
            f"input_shape={discriminator.input_shape}, generator with "
            f"output_shape={images_shape}. Build both for one image_shape."
        )
    score_shape = _score_shape(discriminator.output_shape)
    if not isinstance(score_shape, tuple) or score_shape[1:] not in ((), (1,), (2,)):
        raise ValueError(
            "`discriminator` must give one linear score per image, shape (batch_size, 1), or two "
            "linear columns (fake, real), and what else it gives after that. Received: "
            f"discriminator with output_shape={discriminator.output_shape}. End it with "
            "keras.layers.Dense(1)."
        )


def _activation_of_score(model):
    """The activation of the layer that a discriminator's score comes from, if that has one."""
    # What is not of a layer, such as keras.ops.sigmoid, is only among the operations, which a
    # keras.Sequential does not have.
    operations = getattr(model, "operations", model.layers)
    score = model.outputs[0]
    layer = next((layer for layer in operations if layer.output is score), operations[-1])
    while isinstance(layer, keras.layers.Wrapper):
        layer = layer.layer
    if isinstance(layer, keras.Model):
        return _activation_of_score(layer)
    if not isinstance(layer, keras.layers.Layer) or isinstance(layer, keras.layers.Softmax):
        # keras.ops.sigmoid makes an operation of class Sigmoid.
        return getattr(keras.activations, type(layer).__name__.lower(), None)
    return getattr(layer, "activation", None)


def _score_shape(output_shape):
    """The shape of a discriminator's score: of several outputs, the first."""
    return output_shape[0] if isinstance(output_shape, list) else output_shape


def check_value_range(value_range):
    """The range as a pair of floats; ValueError unless it is (low, high)."""
    low, high = value_range
    if not low < high:
        raise ValueError(
            "`value_range` must be (low, high) with low below high. Received: "
            f"value_range={value_range}. Pass (-1, 1) for tanh or (0, 1) for sigmoid."
        )
    return (float(low), float(high))


def check_settings(settings, discriminator):
    """Raises ValueError unless the arguments of `GAN.compile` can be used."""
    if settings["update"] not in UPDATES:
        raise ValueError(
            f"`update` must be one of {list(UPDATES)}. Received: update={settings['update']!r}. "
            "Pass one of these."
        )
    scores = _score_shape(discriminator.compute_output_shape((2, *discriminator.input_shape[1:])))
    if settings["update"] == "concatenated" and scores[0] == 1:
        raise ValueError(
            "`update` must be 'joint' or 'separate' for a discriminator that scores several images "
            "together: real and fake ones would share a score. Received: update='concatenated'. "
            "Pass update='joint'."
        )
    check_whole("discriminator_steps", settings["discriminator_steps"], 1)
    if not is_number(settings["label_smoothing"]) or not 0 <= settings["label_smoothing"] < 1:
        raise ValueError(
            "`label_smoothing` must be a number in [0, 1). Received: label_smoothing="
            f"{settings['label_smoothing']!r}. Usual is 0.1."
        )
    ema = settings["ema"]
    if ema is not None and not (is_number(ema) and 0 < ema < 1):
        raise ValueError(
            f"`ema` must be a decay in (0, 1), or False. Received: ema={ema!r}. Usual is 0.999."
        )
    augment = settings["augment"]
    if augment is not None and not isinstance(augment, str) and not callable(augment):
        raise ValueError(
            "`augment` must be a policy, a layer, a function, or False. Received: "
            f"augment={augment!r}. Pass for example augment='color,translation'."
        )
    auxiliary_loss = settings["auxiliary_loss"]
    if auxiliary_loss is not None and not callable(auxiliary_loss):
        raise ValueError(
            "`auxiliary_loss` must be a function of (inputs, real_outputs, fake_outputs), or "
            f"False. Received: auxiliary_loss={auxiliary_loss!r}. Pass such a function."
        )
    if auxiliary_loss is not None and auxiliary_name(auxiliary_loss) in REPORTED:
        raise ValueError(
            f"`auxiliary_loss` must be named otherwise than {list(REPORTED)}, which training "
            f"reports already. Received: auxiliary_loss named {auxiliary_name(auxiliary_loss)!r}. "
            "Rename the function, or give it a `name`."
        )


def auxiliary_name(function):
    """The name under which training reports an auxiliary loss."""
    return getattr(function, "name", None) or getattr(function, "__name__", "auxiliary_loss")


def is_number(value):
    """Whether `value` is a real number, and no bool."""
    return isinstance(value, (int, float, np.number)) and not isinstance(value, bool)


def is_finite(variables):
    """Whether none of them holds NaN or infinity."""
    arrays = map(keras.ops.convert_to_numpy, variables)
    return all(np.isfinite(array).all() for array in arrays)


def check_whole(name, value, smallest, largest=None):
    """Raises ValueError unless `value` is a whole number within bounds."""
    is_whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if not is_whole or value < smallest or (largest is not None and value > largest):
        bounds = f"at least {smallest}" + (f" and at most {largest}" if largest else "")
        raise ValueError(
            f"`{name}` must be a whole number of {bounds}. Received: {name}={value!r}. Pass such "
            "a number."
        )
