"""Adversarial losses and penalties: what each side minimises.

A loss is a pair of functions `(generator, discriminator)`. Each takes
`(real_scores, fake_scores)`, linear scores (logits) of shape `(batch_size, 1)`, float32,
and returns a scalar. `compile(loss=...)` takes the name of a pair, a pair from this module,
or a pair of your own.

A parameter that defaults to `None` means that the loss does not need that side's
scores: the generator's step then does not pass real images through the
discriminator, and `update="separate"` trains on one side at a time. A loss that
compares both sides has no defaults and always gets both.

A penalty is a function of `(score, real_images, fake_images, seed)`; it returns a
scalar, which is added to the discriminator's loss. `score` maps images to scores and
changes no state, the images are floats as the discriminator sees them, and `seed` is
for `keras.random`. `compile(penalty=...)` takes a name (with the weight given in its
docstring), a dict of names and weights, or a function, which is added unweighted.

`WeightClip` is neither: it constrains the critic's weights.
"""

import functools
import inspect

import keras
from keras import ops, saving

from kerasgan.backend import input_gradient
from kerasgan.checks import (
    argument_error,
    check_choice,
    check_function,
    check_number,
    is_function,
)

__all__ = [
    "LOSSES",
    "PENALTIES",
    "WeightClip",
    "dragan_penalty",
    "feature_matching",
    "gradient_penalty",
    "hinge_discriminator",
    "least_squares_discriminator",
    "least_squares_generator",
    "minimax_generator",
    "needs",
    "non_saturating_discriminator",
    "non_saturating_generator",
    "r1_penalty",
    "r2_penalty",
    "relativistic_average_discriminator",
    "relativistic_average_generator",
    "relativistic_paired_discriminator",
    "relativistic_paired_generator",
    "resolve",
    "resolve_penalty",
    "soft_hinge_discriminator",
    "wasserstein_discriminator",
    "wasserstein_generator",
]


def _mean(function, scores):
    """Mean of `function(scores)`; 0 for a side without scores."""
    return 0.0 if scores is None else ops.mean(function(scores))


@saving.register_keras_serializable(package="kerasgan")
def non_saturating_generator(real_scores=None, fake_scores=None):
    """`mean(-log D(G(z)))`, minimised by the generator.

    `D` is the sigmoid of the score. Goodfellow et al. 2014 (arXiv 1406.2661), section
    3: its gradient does not vanish when the discriminator wins.
    """
    return _mean(lambda scores: ops.softplus(-scores), fake_scores)


@saving.register_keras_serializable(package="kerasgan")
def minimax_generator(real_scores=None, fake_scores=None):
    """`mean(log(1 - D(G(z))))`, minimised by the generator.

    `D` is the sigmoid of the score. Goodfellow et al. 2014 (arXiv 1406.2661),
    equation 1: the same game as the discriminator's. Its gradient vanishes when the
    discriminator wins.
    """
    return _mean(lambda scores: -ops.softplus(scores), fake_scores)


@saving.register_keras_serializable(package="kerasgan")
def non_saturating_discriminator(real_scores=None, fake_scores=None, label_smoothing=0.0):
    """`mean(-log D(x)) + mean(-log(1 - D(G(z))))`, minimised by the discriminator.

    `D` is the sigmoid of the score. This is binary cross-entropy from logits, and also the
    discriminator's loss in the minimax game. With `label_smoothing` the target for real
    images is `1 - label_smoothing`; for fake ones it stays 0 (one-sided: Salimans et al.
    2016, arXiv 1606.03498, section 3.4).
    """
    return _mean(
        lambda scores: ops.softplus(-scores) + label_smoothing * scores, real_scores
    ) + _mean(ops.softplus, fake_scores)


@saving.register_keras_serializable(package="kerasgan")
def least_squares_generator(real_scores=None, fake_scores=None):
    """`mean((D(G(z)) - 1)^2)`, minimised by the generator.

    `D` is the score itself. Mao et al. 2016 (arXiv 1611.04076), equation 9 without the
    factor 1/2.
    """
    return _mean(lambda scores: ops.square(scores - 1.0), fake_scores)


@saving.register_keras_serializable(package="kerasgan")
def least_squares_discriminator(real_scores=None, fake_scores=None, label_smoothing=0.0):
    """`mean((D(x) - 1)^2) + mean(D(G(z))^2)`, minimised by the discriminator.

    `D` is the score itself. Mao et al. 2016 (arXiv 1611.04076), equation 9 without the
    factor 1/2. With `label_smoothing` the target for real images is `1 - label_smoothing`.
    """
    return _mean(lambda scores: ops.square(scores - (1.0 - label_smoothing)), real_scores) + _mean(
        ops.square, fake_scores
    )


@saving.register_keras_serializable(package="kerasgan")
def wasserstein_generator(real_scores=None, fake_scores=None):
    """`-mean(C(G(z)))`, minimised by the generator.

    `C` is the score itself. Arjovsky et al. 2017 (arXiv 1701.07875), algorithm 1; Miyato et al.
    2018 (arXiv 1802.05957), equation 17, pair it with the discriminator's hinge loss.
    """
    return _mean(lambda scores: -scores, fake_scores)


@saving.register_keras_serializable(package="kerasgan")
def wasserstein_discriminator(real_scores=None, fake_scores=None):
    """`mean(C(G(z))) - mean(C(x))`, minimised by the critic.

    Arjovsky et al. 2017 (arXiv 1701.07875), algorithm 1. Its negative estimates the distance
    only if the critic is kept Lipschitz, by `WeightClip`, `gradient_penalty` or
    `kerasgan.layers.SpectralNormalization`.
    """
    return _mean(lambda scores: -scores, real_scores) + _mean(lambda scores: scores, fake_scores)


@saving.register_keras_serializable(package="kerasgan")
def hinge_discriminator(real_scores=None, fake_scores=None):
    """`mean(max(0, 1 - D(x))) + mean(max(0, 1 + D(G(z))))`, minimised by the discriminator.

    `D` is the score itself. Miyato et al. 2018 (arXiv 1802.05957), equation 16.
    """
    return _mean(lambda scores: ops.relu(1.0 - scores), real_scores) + _mean(
        lambda scores: ops.relu(1.0 + scores), fake_scores
    )


@saving.register_keras_serializable(package="kerasgan")
def soft_hinge_discriminator(real_scores=None, fake_scores=None):
    """`mean(max(0, m - D(x))) + mean(max(0, m + D(G(z))))`, minimised by the discriminator.

    `D` is the score itself. The margins `m` are spread evenly from 0.8 to 1 over the batch. Liu et
    al. 2021 (arXiv 2101.04775), whose code draws them at random.
    """

    def margins(scores):
        count = ops.shape(scores)[0]
        place = ops.reshape(ops.cast(ops.arange(count), scores.dtype), (-1, 1))
        return 0.8 + 0.2 * (place + 0.5) / ops.cast(count, scores.dtype)

    return _mean(lambda scores: ops.relu(margins(scores) - scores), real_scores) + _mean(
        lambda scores: ops.relu(margins(scores) + scores), fake_scores
    )


@saving.register_keras_serializable(package="kerasgan")
def relativistic_average_generator(real_scores, fake_scores):
    """Raises fake images' scores above the average real score; minimised by the generator.

    `mean(-log s(C(G(z)) - mean C(x))) + mean(-log(1 - s(C(x) - mean C(G(z)))))` with the
    sigmoid `s`. Jolicoeur-Martineau 2018 (arXiv 1807.00734), section 4.3.
    """
    return relativistic_average_discriminator(fake_scores, real_scores)


@saving.register_keras_serializable(package="kerasgan")
def relativistic_average_discriminator(real_scores, fake_scores, label_smoothing=0.0):
    """Raises real images' scores above the average fake score; minimised by the discriminator.

    `mean(-log s(C(x) - mean C(G(z)))) + mean(-log(1 - s(C(G(z)) - mean C(x))))` with the
    sigmoid `s`. Jolicoeur-Martineau 2018 (arXiv 1807.00734), section 4.3. With
    `label_smoothing` the target in the first term is `1 - label_smoothing`.
    """
    return non_saturating_discriminator(
        real_scores - ops.mean(fake_scores), fake_scores - ops.mean(real_scores), label_smoothing
    )


@saving.register_keras_serializable(package="kerasgan")
def relativistic_paired_generator(real_scores, fake_scores):
    """`mean(-log s(C(G(z)) - C(x)))`, minimised by the generator.

    `s` is the sigmoid; each fake image is compared with one real image. Jolicoeur-Martineau
    2018 (arXiv 1807.00734), section 4.1; Huang et al. 2024 (arXiv 2501.05441), section 2.
    """
    return relativistic_paired_discriminator(fake_scores, real_scores)


@saving.register_keras_serializable(package="kerasgan")
def relativistic_paired_discriminator(real_scores, fake_scores, label_smoothing=0.0):
    """`mean(-log s(C(x) - C(G(z))))`, minimised by the discriminator.

    `s` is the sigmoid; each real image is compared with one fake image. Jolicoeur-Martineau
    2018 (arXiv 1807.00734), section 4.1; Huang et al. 2024 (arXiv 2501.05441), section 2.
    With `label_smoothing` the target is `1 - label_smoothing`.
    """
    return non_saturating_discriminator(real_scores - fake_scores, label_smoothing=label_smoothing)


_SCORES = ("real_scores", "fake_scores")  # the parameters of a loss
LOSSES = {
    "hinge": (wasserstein_generator, hinge_discriminator),
    "least_squares": (least_squares_generator, least_squares_discriminator),
    "minimax": (minimax_generator, non_saturating_discriminator),
    "non_saturating": (non_saturating_generator, non_saturating_discriminator),
    "relativistic_average": (relativistic_average_generator, relativistic_average_discriminator),
    "relativistic_paired": (relativistic_paired_generator, relativistic_paired_discriminator),
    "soft_hinge": (wasserstein_generator, soft_hinge_discriminator),
    "wasserstein": (wasserstein_generator, wasserstein_discriminator),
}


def _squared_norms(score, images):
    """Squared length of the gradient of each image's score, shape `(batch_size,)`."""
    gradient = ops.cast(input_gradient(score, images), "float32")
    return ops.sum(ops.square(gradient), axis=(1, 2, 3))


def _distance_from_one(score, images):
    # The square root has no finite gradient at zero.
    norms = ops.sqrt(_squared_norms(score, images) + 1e-12)
    return ops.mean(ops.square(norms - 1.0))


def _uniform(images, seed):
    """Draws one number in (0, 1) for each image, shape (batch_size, 1, 1, 1)."""
    shape = (ops.shape(images)[0], 1, 1, 1)
    return keras.random.uniform(shape, dtype=images.dtype, seed=seed)


@saving.register_keras_serializable(package="kerasgan")
def gradient_penalty(score, real_images, fake_images, seed):
    """`mean((|grad C(y)| - 1)^2)`, where y is a random point between a real and a fake image.

    Gulrajani et al. 2017 (arXiv 1704.00028), section 4, for a critic without batch
    normalisation. The weight is 10 by default.
    """
    share = _uniform(real_images, seed)
    return _distance_from_one(score, share * real_images + (1.0 - share) * fake_images)


@saving.register_keras_serializable(package="kerasgan")
def dragan_penalty(score, real_images, fake_images, seed):
    """`mean((|grad D(y)| - 1)^2)`, where y is near a real image.

    Kodali et al. 2017 (arXiv 1705.07215) and the published code: y is the image plus noise. The
    noise is uniform between 0 and half the standard deviation of the batch, times a number in
    (0, 1) drawn for each image. The weight is 10 by default.
    """
    noise = keras.random.uniform(ops.shape(real_images), dtype=real_images.dtype, seed=seed)
    noise = 0.5 * ops.std(real_images) * noise
    return _distance_from_one(score, real_images + _uniform(real_images, seed) * noise)


@saving.register_keras_serializable(package="kerasgan")
def r1_penalty(score, real_images, fake_images, seed):
    """`mean(|grad D(x)|^2) / 2` over the real images x.

    Mescheder et al. 2018 (arXiv 1801.04406), equation 9. The weight (gamma) is 10 by default; for
    unfamiliar data, start with `0.0002 * height * width / batch_size`.
    """
    return ops.mean(_squared_norms(score, real_images)) / 2.0


@saving.register_keras_serializable(package="kerasgan")
def r2_penalty(score, real_images, fake_images, seed):
    """`mean(|grad D(G(z))|^2) / 2`: `r1_penalty` at the fake images.

    Mescheder et al. 2018 (arXiv 1801.04406), section 4.1. The weight is 10 by default.
    """
    return ops.mean(_squared_norms(score, fake_images)) / 2.0


PENALTIES = {
    "dragan": (dragan_penalty, 10.0),
    "gradient_penalty": (gradient_penalty, 10.0),
    "r1": (r1_penalty, 10.0),
    "r2": (r2_penalty, 10.0),
}


@saving.register_keras_serializable(package="kerasgan")
class WeightClip(keras.constraints.Constraint):
    """Clips weights to [-limit, limit] after every update.

    Arjovsky et al. 2017 (arXiv 1701.07875), algorithm 1, for the kernels and biases of a
    Wasserstein critic.

    Args:
        limit: Finite number above 0.

    Raises:
        ValueError: `limit` is not a finite number above 0.

    Example:

    ```python
    clip = kerasgan.losses.WeightClip(0.01)
    layer = keras.layers.Dense(1, kernel_constraint=clip, bias_constraint=clip)
    ```
    """

    def __init__(self, limit: float = 0.01):
        self.limit = check_number("limit", limit, "The paper uses 0.01.")

    def __call__(self, w):
        return ops.clip(w, -self.limit, self.limit)

    def get_config(self):
        return {"limit": self.limit}


@saving.register_keras_serializable(package="kerasgan")
def feature_matching(inputs, real_outputs, fake_outputs):
    """How far the mean features of generated images are from those of real images.

    An auxiliary loss (see `GAN.compile`) for the generator, and a discriminator whose last output
    is features `(batch_size, length)`: the mean over the features of the squared difference
    between the two batches' means. Pass it as `auxiliary_loss=(feature_matching, None)`.

    Reference: Salimans et al. 2016, "Improved Techniques for Training GANs" (arXiv 1606.03498),
    section 3.1.

    Differs from the reference: a mean over the features instead of a sum.
    """
    real, fake = (
        ops.mean(ops.cast(outputs[-1], "float32"), axis=0)
        for outputs in (real_outputs, fake_outputs)
    )
    return ops.mean(ops.square(real - fake))


feature_matching.needs_real_images = True


def needs(function, side):
    """Whether `function` needs the scores of `side`, "real" or "fake"."""
    check_function("function", function, _SCORES)
    check_choice("side", side, ("real", "fake"))
    parameters = list(inspect.signature(function).parameters.values())
    return parameters[("real", "fake").index(side)].default is inspect.Parameter.empty


def resolve(loss, label_smoothing=0.0):
    """Returns the pair `(generator_loss, discriminator_loss)` that `loss` stands for.

    Args:
        loss: A key of `LOSSES`, or a pair of functions of `(real_scores, fake_scores)`.
        label_smoothing: Number in [0, 1) by which to lower the target for real images.

    Raises:
        ValueError: `loss` is neither such a key nor such a pair, or its discriminator's loss takes
            no `label_smoothing`.
    """
    if isinstance(loss, str) and loss in LOSSES:
        pair = LOSSES[loss]
    elif isinstance(loss, (tuple, list)) and len(loss) == 2 and all(map(is_function, loss)):
        pair = tuple(loss)
    else:
        raise argument_error(
            "loss",
            f"be one of {sorted(LOSSES)} or a pair of functions of (real_scores, fake_scores): the "
            "generator's loss and the discriminator's",
            f"loss={loss!r}",
            "Pass one of these names, or a tuple of two functions.",
        )
    for function in pair:
        check_function(
            "loss",
            function,
            _SCORES,
            expected="be functions of (real_scores, fake_scores)",
            fix="Give both functions both parameters, even if they use only one.",
        )
    generator_loss, discriminator_loss = pair
    check_number("label_smoothing", label_smoothing, "Try 0.1.", with_zero=True, below=1)
    if label_smoothing:
        if "label_smoothing" not in inspect.signature(discriminator_loss).parameters:
            raise argument_error(
                "label_smoothing",
                "be 0 if the discriminator's loss takes no `label_smoothing`",
                f"label_smoothing={label_smoothing} with loss={loss!r}",
                "Pass label_smoothing=0, or add that parameter to the function.",
            )
        discriminator_loss = functools.partial(discriminator_loss, label_smoothing=label_smoothing)
    return generator_loss, discriminator_loss


def resolve_penalty(penalty):
    """Returns `penalty` as one function `(score, real_images, fake_images, seed)`, or None.

    Args:
        penalty: A key of `PENALTIES`, a dict of such keys and weights, a function, or None.

    Raises:
        ValueError: `penalty` has an unsupported type, an unknown name, or a weight that is not a
            finite number of at least 0.
    """
    if penalty is None:
        return None
    if is_function(penalty):
        check_function("penalty", penalty, ("score", "real_images", "fake_images", "seed"))
        return penalty
    named = {penalty: None} if isinstance(penalty, str) else penalty
    if not isinstance(named, dict) or not named or not named.keys() <= PENALTIES.keys():
        raise argument_error(
            "penalty",
            f"be one of {sorted(PENALTIES)}, a dict of such names and weights, a function of "
            "(score, real_images, fake_images, seed), or False",
            f"penalty={penalty!r}",
            "For example, pass penalty={'r1': 5.0}.",
        )
    for name, weight in named.items():
        if weight is not None:
            usual = f"The usual weight is {PENALTIES[name][1]}."
            check_number(f"penalty[{name!r}]", weight, usual, with_zero=True)
    terms = [
        (PENALTIES[name][0], PENALTIES[name][1] if weight is None else weight)
        for name, weight in named.items()
    ]
    return lambda *arguments: sum(weight * function(*arguments) for function, weight in terms)
