"""The settings of `GAN.compile`: their words, defaults and checks."""

from kerasgan.checks import argument_error, check_whole, is_number
from kerasgan.networks import scores_of_two

__all__ = ["DEFAULTS", "UPDATES", "auxiliary_name", "check", "merge"]

UPDATES = ("joint", "concatenated", "separate", "simultaneous")
REPORTED = (
    "d_fake",
    "d_loss",
    "d_loss_fake",
    "d_loss_real",
    "d_real",
    "g_loss",
    "loss",
    "penalty",
)
DEFAULTS = {
    "loss": "non_saturating",
    "penalty": None,
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
    """`settings` with what is given; None keeps a setting, False turns it off where it can be."""
    merged = settings | {name: value for name, value in given.items() if value is not None}
    for name in ("ema", "augment", "penalty", "auxiliary_loss"):
        merged[name] = None if merged[name] is False else merged[name]
    return merged


def check(settings, discriminator):
    """Raises ValueError unless the arguments of `GAN.compile` can be used."""
    update = settings["update"]
    if not isinstance(update, str) or update not in UPDATES:
        raise argument_error(
            "update", f"be one of {list(UPDATES)}", f"update={update!r}", "Pass one of these."
        )
    if update == "concatenated" and scores_of_two(discriminator) == 1:
        raise argument_error(
            "update",
            "be 'joint', 'separate' or 'simultaneous' for a discriminator that scores several "
            "images together: real and fake images would share a score",
            "update='concatenated'",
            "Pass update='joint'.",
        )
    check_whole("discriminator_steps", settings["discriminator_steps"], 1)
    check_whole("steps_per_execution", settings["steps_per_execution"], 1)
    if settings["jit_compile"] not in ("auto", True, False):
        raise argument_error(
            "jit_compile",
            "be 'auto', True or False",
            f"jit_compile={settings['jit_compile']!r}",
            "Leave it out for 'auto'.",
        )
    label_smoothing = settings["label_smoothing"]
    if not is_number(label_smoothing) or not 0 <= label_smoothing < 1:
        raise argument_error(
            "label_smoothing",
            "be a number in [0, 1)",
            f"label_smoothing={label_smoothing!r}",
            "Usual is 0.1.",
        )
    ema = settings["ema"]
    if ema is not None and not (is_number(ema) and 0 < ema < 1):
        raise argument_error(
            "ema", "be a decay in (0, 1), or False", f"ema={ema!r}", "Usual is 0.999."
        )
    augment = settings["augment"]
    if augment is not None and not isinstance(augment, str) and not callable(augment):
        raise argument_error(
            "augment",
            "be a policy, a layer, a function, or False",
            f"augment={augment!r}",
            "Pass for example augment='color,translation'.",
        )
    auxiliary_loss = settings["auxiliary_loss"]
    if auxiliary_loss is not None and not callable(auxiliary_loss):
        raise argument_error(
            "auxiliary_loss",
            "be a function of (inputs, real_outputs, fake_outputs), or False",
            f"auxiliary_loss={auxiliary_loss!r}",
            "Pass such a function.",
        )
    if auxiliary_loss is not None and auxiliary_name(auxiliary_loss) in REPORTED:
        raise argument_error(
            "auxiliary_loss",
            f"have a name other than {list(REPORTED)}, which training reports already",
            f"auxiliary_loss named {auxiliary_name(auxiliary_loss)!r}",
            "Rename the function, or give it a `name`.",
        )


def auxiliary_name(function):
    """The name under which training reports an auxiliary loss."""
    return getattr(function, "name", None) or getattr(function, "__name__", "auxiliary_loss")
