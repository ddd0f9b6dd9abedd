"""The settings of `GAN.compile`: choices, defaults and checks."""

import keras

from kerasgan.checks import (
    argument_error,
    check_choice,
    check_function,
    check_number,
    check_whole,
    is_function,
)
from kerasgan.layers import AdaptiveAugment, DiffAugment
from kerasgan.layers.augmentation import split_policy
from kerasgan.networks import scores_of_two

__all__ = [
    "DEFAULTS",
    "UPDATES",
    "auxiliary_name",
    "auxiliary_pair",
    "check",
    "check_adaptation",
    "check_ema",
    "merge",
    "resolve_augment",
]

UPDATES = ("joint", "concatenated", "separate", "simultaneous")
# Limits the length of one call.
MOST_STEPS = 1000
REPORTED = (
    "augment_probability",
    "d_fake",
    "d_loss",
    "d_loss_fake",
    "d_loss_real",
    "d_real",
    "g_loss",
    "loss",
    "penalty",
)
# Losses that make the scores of real images positive and those of fakes negative.
_SIGNED = ("hinge", "minimax", "non_saturating", "soft_hinge")
DEFAULTS = {
    "loss": "non_saturating",
    "penalty": None,
    "penalty_every": 1,
    "auxiliary_loss": None,
    "update": "joint",
    "discriminator_steps": 1,
    "label_smoothing": 0.0,
    "ema": None,
    "augment": None,
    "jit_compile": "auto",
    "steps_per_execution": 1,
}


def merge(settings, given):
    """Updates `settings`: None keeps a setting, False turns it off where possible."""
    merged = settings | {name: value for name, value in given.items() if value is not None}
    for name in ("ema", "augment", "penalty", "auxiliary_loss"):
        merged[name] = None if merged[name] is False else merged[name]
    return merged


def check(settings, discriminator):
    """Raises ValueError unless the arguments of `GAN.compile` are valid."""
    update = settings["update"]
    check_choice("update", update, UPDATES)
    if update == "concatenated" and scores_of_two(discriminator) == 1:
        raise argument_error(
            "update",
            "be 'joint', 'separate' or 'simultaneous' for a discriminator that scores several "
            "images together: real and fake images would share a score",
            "update='concatenated'",
            "Pass update='joint'.",
        )
    check_whole("discriminator_steps", settings["discriminator_steps"], 1, MOST_STEPS)
    check_whole("penalty_every", settings["penalty_every"], 1, MOST_STEPS)
    check_whole("steps_per_execution", settings["steps_per_execution"], 1, MOST_STEPS)
    check_choice("jit_compile", settings["jit_compile"], ("auto", True, False))
    check_ema(settings["ema"])
    augment = settings["augment"]
    if isinstance(augment, str):
        if augment != "ada":
            split_policy("augment", augment, alternative=", or be 'ada'")
    elif augment is not None and not is_function(augment):
        raise argument_error(
            "augment",
            "be a policy, a layer, a function, or False",
            f"augment={augment!r}",
            "Pass augment='color,translation', for example.",
        )
    for function in auxiliary_pair(settings["auxiliary_loss"]):
        if function is not None:
            _check_auxiliary_loss(function)


def check_ema(ema):
    """Raises ValueError unless `ema` is a decay, or None."""
    if ema is not None:
        check_number("ema", ema, "Try 0.999, or turn the average off.", below=1)


def _check_auxiliary_loss(function):
    check_function(
        "auxiliary_loss",
        function,
        ("inputs", "real_outputs", "fake_outputs"),
        fix="Pass a function with these parameters, a pair of them, or False.",
    )
    if auxiliary_name(function) in REPORTED:
        raise argument_error(
            "auxiliary_loss",
            f"have a name other than {list(REPORTED)}, which training already reports",
            f"auxiliary_loss named {auxiliary_name(function)!r}",
            "Rename the function, or give it a `name`.",
        )


def check_adaptation(augment, loss):
    """Raises ValueError if the sign of a score does not tell the augmentation what it adapts to."""
    adapts = isinstance(augment, AdaptiveAugment) and augment.target is not None
    if adapts and isinstance(loss, str) and loss not in _SIGNED:
        raise argument_error(
            "augment",
            f"be other than 'ada' with loss={loss!r}, whose scores of real images need not be "
            "positive when the discriminator knows them",
            f"an AdaptiveAugment with target={augment.target}",
            "Pass augment='color,translation', or a kerasgan.layers.AdaptiveAugment with "
            "target=None and a constant probability.",
        )


def resolve_augment(augment, image_shape, value_range, seed):
    """The built layer, or the function, for an `augment` that has passed `check`."""
    if augment == "ada":
        augment = AdaptiveAugment(value_range=value_range, seed=seed)
    elif isinstance(augment, str):
        augment = DiffAugment(augment, value_range=value_range, seed=seed)
    else:
        _check_augment(augment, image_shape)
    if isinstance(augment, keras.layers.Layer) and not augment.built:
        augment.build((None, *image_shape))
    return augment


def _check_augment(augment, image_shape):
    """Raises ValueError if an augmentation changes the shape of images; traces it, without data."""
    shape = (2, *image_shape)
    if isinstance(augment, keras.layers.Layer):
        found = getattr(augment(keras.KerasTensor(shape), training=True), "shape", None)
    else:
        check_function("augment", augment, ("images",))
        try:
            found = keras.layers.Lambda(augment).compute_output_shape(shape)
        except NotImplementedError:  # the first step will find out
            return
    if found != shape:
        raise argument_error(
            "augment",
            "keep the shape of images",
            f"augment={augment!r}, which changes the shape from {shape} to {found}",
            "Change only the values.",
        )


def auxiliary_pair(auxiliary_loss):
    """The generator's auxiliary loss and the discriminator's, or None for a side without one."""
    is_pair = isinstance(auxiliary_loss, (tuple, list)) and len(auxiliary_loss) == 2
    return tuple(auxiliary_loss) if is_pair else (auxiliary_loss, auxiliary_loss)


def auxiliary_name(function):
    """The name under which training reports an auxiliary loss."""
    return getattr(function, "name", None) or getattr(function, "__name__", "auxiliary_loss")
