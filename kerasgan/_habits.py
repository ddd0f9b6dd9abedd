"""What Keras users may try that a GAN does not support, and what to do instead."""

from kerasgan.checks import argument_error

__all__ = ["COMPILE", "FIT", "refuse"]

_MEASURE = "A GAN has no validation loss. To measure its images, use kerasgan.callbacks.Evaluate."
_REPORTED = (
    "Losses and mean scores are always reported. To report more, pass `auxiliary_loss`, or "
    "measure images with kerasgan.callbacks.Evaluate."
)
_ALIKE = "All images have equal weight. To use some more often, repeat them in the data."

# Arguments of `keras.Model.compile`, and of `keras.Model.fit`.
COMPILE = {
    "auto_scale_loss": "Losses of half-precision models are always scaled.",
    "loss_weights": "Weight the terms in your own `loss` or `auxiliary_loss`.",
    "metrics": _REPORTED,
    "optimizer": "Pass `g_optimizer` and `d_optimizer`, each a new instance.",
    "run_eagerly": (
        "To debug the networks, call gan.generator and gan.discriminator, which run eagerly. "
        "On PyTorch, jit_compile=False runs whole steps eagerly."
    ),
    "weighted_metrics": _REPORTED,
}
FIT = {
    "class_weight": _ALIKE,
    "sample_weight": _ALIKE,
    "shuffle": (
        "Arrays are shuffled in every pass, in an order set by the seed. For another order, "
        "pass a keras.utils.PyDataset or any iterable of batches."
    ),
    "validation_batch_size": _MEASURE,
    "validation_data": _MEASURE,
    "validation_freq": _MEASURE,
    "validation_split": _MEASURE,
    "validation_steps": _MEASURE,
}


def refuse(method, given, advice):
    """Raises TypeError if there is any argument that `method` does not take.

    Args:
        method: Name of the method.
        given: Dict of the keyword arguments that are not in its signature.
        advice: Dict that maps arguments of Keras's method to what to do instead.
    """
    for name, value in given.items():
        if name not in advice:
            raise TypeError(f"GAN.{method}() got an unexpected keyword argument {name!r}")
        received = f"{name} of type {type(value).__name__}"
        raise argument_error(name, "be left out", received, advice[name], kind=TypeError)
