"""What Keras users may try with a GAN that a GAN does not do, and what to do instead."""

from kerasgan.checks import argument_error

__all__ = ["COMPILE", "FIT", "refuse"]

_MEASURE = "A GAN has no validation loss: measure its images with kerasgan.callbacks.Evaluate."
_REPORTED = (
    "Losses and mean scores are reported without it; for more pass `auxiliary_loss`, or measure "
    "images with kerasgan.callbacks.Evaluate."
)
_ALIKE = "All images weigh the same: to show some more often, repeat them in the data."

# Arguments of `keras.Model.compile`, and of `keras.Model.fit`.
COMPILE = {
    "auto_scale_loss": "Losses of half-precision models are scaled anyway.",
    "loss_weights": "Weigh the terms in a `loss` or `auxiliary_loss` of your own.",
    "metrics": _REPORTED,
    "optimizer": "Pass `g_optimizer` and `d_optimizer`, a new instance each.",
    "run_eagerly": (
        "To look into the networks call gan.generator and gan.discriminator, which run eagerly. "
        "On PyTorch jit_compile=False runs whole steps so."
    ),
    "weighted_metrics": _REPORTED,
}
FIT = {
    "class_weight": _ALIKE,
    "sample_weight": _ALIKE,
    "shuffle": (
        "Arrays are shuffled in every pass, in an order that the seed decides. For another order "
        "pass a keras.utils.PyDataset or any iterable of batches."
    ),
    "validation_batch_size": _MEASURE,
    "validation_data": _MEASURE,
    "validation_freq": _MEASURE,
    "validation_split": _MEASURE,
    "validation_steps": _MEASURE,
}


def refuse(method, given, advice):
    """Raises TypeError if there is an argument that `method` does not take.

    Args:
        method: Its name.
        given: Dict of the keyword arguments that it does not name.
        advice: Dict of those that Keras's method takes: what to do instead.
    """
    for name, value in given.items():
        if name not in advice:
            raise TypeError(f"GAN.{method}() got an unexpected keyword argument {name!r}")
        received = f"{name} of type {type(value).__name__}"
        raise argument_error(name, "be left out", received, advice[name], kind=TypeError)
