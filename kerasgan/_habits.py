"""What Keras users may try that a GAN does not support, and what to do instead."""

from kerasgan.checks import argument_error

__all__ = [
    "COMPILE",
    "EVALUATE",
    "FIT",
    "PREDICT",
    "QUANTIZE",
    "TRAIN_STEP",
    "check_own_steps",
    "check_subclass",
    "refuse",
    "unsupported",
]

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


_CHANGE_THE_STEP = (
    "Pass your changes to compile (`loss`, `penalty`, `auxiliary_loss`, `augment`, `update`), "
    "or write your own loop with train_discriminator_on_batch and train_generator_on_batch."
)
# Methods of `keras.Model`.
TRAIN_STEP = (
    "A GAN's step updates both networks, each with its own loss. Call gan.train_on_batch(images). "
    f"{_CHANGE_THE_STEP}"
)
PREDICT = (
    "A GAN makes uint8 images with its averaged generator: call gan.sample(n), or "
    "gan.sample(n, latents=latents). For the generator's floats, call gan.generator(latents); for "
    "scores, call gan.score(images)."
)
EVALUATE = (
    "A GAN has no targets to evaluate against. Use kerasgan.metrics.Evaluator for its images, or "
    "gan.score(images) for the discriminator's scores."
)
QUANTIZE = (
    "A GAN cannot be trained with quantized weights. Save gan.sampling_generator, load that file, "
    "and quantize the loaded model."
)


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


def unsupported(name, advice):
    """A method of `GAN` that raises NotImplementedError with this advice."""

    def method(self, *args, **kwargs):
        raise NotImplementedError(advice)

    method.__name__, method.__qualname__ = name, f"GAN.{name}"
    return method


def check_subclass(cls):
    """Raises TypeError if a subclass of `GAN` has a step as Keras would call it."""
    for name in ("train_step", "compute_loss", "make_train_function"):
        if name in vars(cls):
            raise TypeError(
                f"{cls.__name__} must not define `{name}`, which a GAN never calls. "
                f"{_CHANGE_THE_STEP}"
            )


def check_own_steps(cls, parent):
    """Raises TypeError if a subclass changes steps that `fit` does not call."""
    for name in ("train_on_batch", "train_discriminator_on_batch", "train_generator_on_batch"):
        if getattr(cls, name) is not getattr(parent, name):
            raise TypeError(
                f"{cls.__name__} must not override `{name}`, which `fit` does not call. "
                f"{_CHANGE_THE_STEP}"
            )
