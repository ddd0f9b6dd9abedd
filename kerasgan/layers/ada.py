"""Random changes to the images that a discriminator sees, with a probability that adapts to it."""

import math

import keras
from keras import ops

from kerasgan import checks
from kerasgan.checks import argument_error
from kerasgan.layers._seeds import check_seed
from kerasgan.layers.augmentation import split_policy

__all__ = ["AdaptiveAugment"]


@keras.saving.register_keras_serializable(package="kerasgan")
class AdaptiveAugment(keras.layers.Layer):
    """Adaptive augmentation (ADA) of everything that a discriminator sees.

    For small data sets. Each change is made to an image with the same probability, which adapts to
    the discriminator: it rises while the discriminator is sure of the real images, a sign that it
    knows them by heart, and falls otherwise. Up to a probability of about 0.8, the changes should
    not show in generated images. Active only in training.

    Reference: Karras et al. 2020, "Training Generative Adversarial Networks with Limited Data"
    (arXiv 2006.06676), sections 2 and 3 and appendix B, whose distributions these are. The policy
    consists of the names below, or of whole groups:

    - `"blit"`: `"flip"` left to right; `"quarter_turn"`, by 0, 90, 180 or 270 degrees; `"shift"` by
      up to 1/8 of the height and of the width, in whole pixels.
    - `"geometry"`: `"scale"` by 2^(0.2 n), where n is drawn from a standard normal distribution;
      `"rotation"` by any angle; `"stretch"`, 2^(0.2 n) times as wide and 2^(-0.2 n) times as high;
      `"slide"` by n/8 of the height and of the width.
    - `"color"` (for a range of -1 to 1): `"brightness"`, plus 0.2 n; `"contrast"`, times 2^(0.5 n);
      `"luma_flip"`, which inverts the lightness but not the hue; `"hue"`, turned by any angle;
      `"saturation"`, times 2^n. An alpha channel keeps its values; a single channel has neither
      hue nor saturation.
    - `"corruption"`, which the default leaves out, as the authors do: `"noise"`, normal in each
      pixel, its deviation 0.1 |n| for a range of -1 to 1 (an alpha channel has none); `"cutout"`, a
      window of half the height and half the width, around any pixel, in the middle of the range.

    In a GAN (`gan.compile(augment="ada")`, or such a layer instead of the name), every update of
    the discriminator from real images calls `adapt`, and the step reports the new
    `augment_probability`. In other models the probability stays as it is, so pass one: it is 0 by
    default. It is a weight, `layer.probability`, saved with the model.

    A rise from 0 to 1 takes `ramp_images` images. For a short run, start from a higher
    `probability`, such as 0.2. Adapting needs a loss that makes the scores of real images positive
    and those of fakes negative: `compile` refuses it with relativistic, Wasserstein and
    least-squares losses. With these, pass `target=None` and a `probability`.
    With fewer than 16 images in a batch, the mean sign is coarse, and the probability settles where
    the scores meet a slightly different target.

    Differs from the reference: all moves of an image are one bilinear interpolation, without the
    wavelet filters that the reference applies at twice the resolution, which would take four times
    as long. Images are mirrored at their edges without end; the reference mirrors them once and has
    grey beyond. The probability adapts at every update to the scores of that batch, not at every
    fourth to those of four batches; a change is a quarter as large, so the speed is the same.
    Filtering, which the authors do not use by default, is left out.

    Args:
        policy: Names of changes and groups, separated by commas. The order is always as above.
        probability: Probability of each change at the start, from 0 to 1.
        target: Mean sign of the discriminator's scores of real images to adapt to, from -1 to 1;
            None keeps the probability constant.
        ramp_images: Number of real images in which the probability can rise from 0 to 1.
        value_range: `(low, high)` of the images.
        seed: Whole number from 0 to 2^31 - 1; by default drawn from Python's `random`.

    Input and output: float images `(batch_size, height, width, channels)`; results may lie
    outside `value_range`.

    Raises:
        ValueError: `policy` has an unknown name, or another argument is not as above.

    Example:

    ```python
    augment = kerasgan.layers.AdaptiveAugment(probability=0.2)
    gan.compile(augment=augment)
    gan.fit(images, epochs=20)
    print(float(augment.probability))
    ```
    """

    def __init__(
        self,
        policy: str = "blit,geometry,color",
        probability: float = 0.0,
        target: float | None = 0.6,
        ramp_images: int = 500_000,
        value_range: tuple[float, float] = (-1, 1),
        seed: int | None = None,
        **kwargs,
    ):
        known = [*_GROUPS, *(single for group in _GROUPS.values() for single in group)]
        names = split_policy("policy", policy, known)
        probability = _check_between("probability", probability, 0, 1, "Try 0.2.")
        if target is not None:
            fix = "The paper's is 0.6; None keeps the probability constant."
            target = _check_between("target", target, -1, 1, fix)
        ramp_images = checks.check_whole("ramp_images", ramp_images, 1)
        value_range = checks.check_value_range(value_range)
        seed = check_seed(seed)
        super().__init__(**kwargs)
        self.policy = policy
        self.target = target
        self.ramp_images = ramp_images
        self.value_range = value_range
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        chosen = {single for name in names for single in _GROUPS.get(name, (name,))}
        self._moves = [move for move in _MOVES if move[0] in chosen]
        self._colors = [change for change in _COLORS if change[0] in chosen]
        self._corruptions = [change for change in _CORRUPTIONS if change[0] in chosen]
        self._probability = probability
        self.probability = self.add_weight(
            shape=(),
            initializer=keras.initializers.Constant(self._probability),
            dtype="float32",
            autocast=False,
            trainable=False,
            name="probability",
        )

    def adapt(self, real_scores, num_images: int | None = None):
        """Adapts the probability to the discriminator's scores of augmented real images.

        The probability rises if their mean sign is above `target` and falls if it is below, by
        `num_images / ramp_images`, between 0 and 1. A GAN calls this; you need it only in a loop of
        your own.

        Args:
            real_scores: Float tensor of scores, high for real, whose sign tells real from fake.
            num_images: Number of images that were scored; by default the number of scores.

        Returns:
            The new probability, a scalar tensor.

        Raises:
            ValueError: `num_images` is not a whole number of at least 1.
        """
        if num_images is not None and not ops.is_tensor(num_images):
            checks.check_whole("num_images", num_images, 1)
        probability = ops.convert_to_tensor(self.probability)
        if self.target is None:
            return probability
        # A score of NaN, which half precision may overflow to, counts as 0 on every backend.
        signs = ops.sign(ops.nan_to_num(ops.stop_gradient(ops.cast(real_scores, "float32"))))
        count = ops.shape(signs)[0] if num_images is None else num_images
        direction = ops.sign(ops.mean(signs) - self.target)
        change = direction * ops.cast(count, "float32") / self.ramp_images
        probability = ops.clip(probability + change, 0.0, 1.0)
        self.probability.assign(probability)
        return probability

    def call(self, images, training=False):
        if not training:
            return images
        if self._moves:
            images = self._move(images)
        if self._colors:
            images = self._recolor(images)
        for change, amount in self._amounts(self._corruptions, ops.shape(images)[0]):
            images = change(images, amount, self.value_range, self.seed_generator)
        return images

    def _move(self, images):
        count, height, width, _ = ops.shape(images)
        shape = (count, height, width)
        down = ops.broadcast_to(_centered(height)[None, :, None], shape)
        right = ops.broadcast_to(_centered(width)[None, None, :], shape)
        # The places in the result come from those before the last change, and so on to the first.
        for change, amount in reversed(self._amounts(self._moves, count)):
            down, right = change(down, right, amount)
        return _interpolate(images, down, right)

    def _recolor(self, images):
        low, high = self.value_range
        colors, alpha = images[..., :3], images[..., 3:]
        before = after = (colors - (low + high) / 2) / ((high - low) / 2)
        for change, amount in self._amounts(self._colors, ops.shape(images)[0]):
            after = change(after, ops.cast(amount[0][..., None], images.dtype))
        # What is not changed stays the same to the last bit.
        colors = colors + (after - before) * ((high - low) / 2)
        return ops.concatenate([colors, alpha], axis=-1) if images.shape[-1] > 3 else colors

    def _amounts(self, changes, count):
        """Pairs of a change and two numbers (batch_size, 1, 1) for each image, 0 for no change."""
        if not changes:
            return []
        # One draw for all changes, which is quicker to compile and to run.
        shape = (len(changes), 3, count, 1, 1)
        uniform = keras.random.uniform(shape, dtype="float32", seed=self.seed_generator)
        normal = keras.random.normal(shape, dtype="float32", seed=self.seed_generator)
        # Of two rotations, at least one has the probability of the other changes.
        probabilities = {"rotation": 1 - ops.sqrt(1 - self.probability)}
        found = []
        for index, (name, change, draw) in enumerate(changes):
            chosen = uniform[index, 0] < probabilities.get(name, self.probability)
            amounts = [draw(uniform[index, i], normal[index, i]) for i in (1, 2)]
            found.append((change, [ops.where(chosen, amount, 0.0) for amount in amounts]))
        return found

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return super().get_config() | {
            "policy": self.policy,
            "probability": self._probability,
            "target": self.target,
            "ramp_images": self.ramp_images,
            "value_range": self.value_range,
            "seed": self.seed,
        }


def _check_between(name, value, low, high, fix):
    if not (checks.is_number(value) and low <= value <= high):
        raise argument_error(name, f"be a number from {low} to {high}", f"{name}={value!r}", fix)
    return float(value)


# Moves. Each says where a place in the result, `(down, right)` pixels from the middle of the image,
# comes from. A move of 0 is none.


def _flip(down, right, amount):
    return down, right * (1 - 2 * amount[0])


def _quarter_turn(down, right, amount):
    angle = amount[0] * (math.pi / 2)
    # Rounded, so that whole pixels stay whole.
    return _turn(down, right, ops.round(ops.cos(angle)), ops.round(ops.sin(angle)))


def _shift(down, right, amount):
    height, width = _size(down)
    return down - ops.round(amount[0] * height), right - ops.round(amount[1] * width)


def _scale(down, right, amount):
    factor = 2 ** -amount[0]
    return down * factor, right * factor


def _rotate(down, right, amount):
    return _turn(down, right, ops.cos(amount[0]), ops.sin(amount[0]))


def _stretch(down, right, amount):
    factor = 2 ** amount[0]
    return down * factor, right / factor


def _slide(down, right, amount):
    height, width = _size(down)
    return down - amount[0] * height, right - amount[1] * width


def _turn(down, right, cosine, sine):
    # The image turns to the left, as in numpy.rot90.
    return cosine * down + sine * right, cosine * right - sine * down


def _size(places):
    return (ops.cast(size, "float32") for size in ops.shape(places)[1:])


def _centered(size):
    return ops.arange(size, dtype="float32") - ops.cast(size - 1, "float32") / 2


def _interpolate(images, down, right):
    """Images as they are at these places: bilinear between pixels, mirrored at the edges."""
    count, height, width, channels = ops.shape(images)
    pixels = ops.reshape(images, (-1, channels))
    first = ops.arange(count, dtype="int32")[:, None, None] * (height * width)

    def read(row, column):
        return ops.take(pixels, first + row * width + column, axis=0)

    top, bottom, lower = _neighbours(down, height, images.dtype)
    left, right, righter = _neighbours(right, width, images.dtype)
    upper = read(top, left) * (1 - righter) + read(top, right) * righter
    below = read(bottom, left) * (1 - righter) + read(bottom, right) * righter
    return upper * (1 - lower) + below * lower


def _neighbours(places, size, dtype):
    """The two pixels of a row on either side of each place, and the share of the second."""
    last = ops.cast(size - 1, "float32")
    place = places + last / 2
    place = ops.abs(ops.mod(place + last, ops.maximum(2 * last, 1.0)) - last)  # mirrored
    before = ops.floor(place)
    after = ops.minimum(before + 1, last)
    share = ops.cast(place - before, dtype)[..., None]
    return ops.cast(before, "int32"), ops.cast(after, "int32"), share


# Colours, in a value range of -1 to 1. All but the first two keep or turn what sets a colour apart
# from grey.


def _brightness(colors, amount):
    return colors + amount


def _contrast(colors, amount):
    return colors * 2**amount


def _luma_flip(colors, amount):
    return colors - 2 * amount * _grey(colors)


def _hue(colors, amount):
    # A rotation around the grey axis. The last term is the cross product with that axis.
    turned = (ops.roll(colors, 1, axis=-1) - ops.roll(colors, -1, axis=-1)) / math.sqrt(3)
    return colors + (ops.cos(amount) - 1) * (colors - _grey(colors)) + ops.sin(amount) * turned


def _saturation(colors, amount):
    return colors + (2**amount - 1) * (colors - _grey(colors))


def _grey(colors):
    return ops.mean(colors, axis=-1, keepdims=True)


# Corruptions, in any value range.


def _noise(images, amount, value_range, seed_generator):
    low, high = value_range
    noise = keras.random.normal(ops.shape(images), dtype=images.dtype, seed=seed_generator)
    has_noise = ops.cast([1, 1, 1, 0][: images.shape[-1]], images.dtype)
    deviation = ops.cast(amount[0][..., None] * ((high - low) / 2), images.dtype)
    return images + noise * deviation * has_noise


def _cutout(images, amount, value_range, seed_generator):
    covered = True
    for axis, place in zip((1, 2), amount, strict=True):
        # From 0 to 1 along the side; the middle of the window, too, is drawn from there.
        size = ops.shape(images)[axis]
        places = (ops.arange(size, dtype="float32") + 0.5) / ops.cast(size, "float32")
        within = ops.abs(places - (place[:, 0] - 1)) < 1 / 4
        covered = ops.logical_and(covered, ops.expand_dims(within, 3 - axis))
    return ops.where(covered[..., None], ops.cast(sum(value_range) / 2, images.dtype), images)


# The distributions of the amounts, made from uniform numbers in [0, 1) and from normal ones.


def _whole(below):
    return lambda uniform, normal: ops.floor(uniform * below)


def _uniform(most):
    return lambda uniform, normal: (2 * uniform - 1) * most


def _normal(deviation):
    return lambda uniform, normal: normal * deviation


def _size_of_normal(deviation):
    return lambda uniform, normal: ops.abs(normal) * deviation


def _from_1_to_2(uniform, normal):
    return uniform + 1


_GROUPS = {
    "blit": ("flip", "quarter_turn", "shift"),
    "geometry": ("scale", "rotation", "stretch", "slide"),
    "color": ("brightness", "contrast", "luma_flip", "hue", "saturation"),
    "corruption": ("noise", "cutout"),
}
# In the order in which they are made. A second rotation gives the stretch any direction.
_MOVES = (
    ("flip", _flip, _whole(2)),
    ("quarter_turn", _quarter_turn, _whole(4)),
    ("shift", _shift, _uniform(1 / 8)),
    ("scale", _scale, _normal(0.2)),
    ("rotation", _rotate, _uniform(math.pi)),
    ("stretch", _stretch, _normal(0.2)),
    ("rotation", _rotate, _uniform(math.pi)),
    ("slide", _slide, _normal(1 / 8)),
)
_COLORS = (
    ("brightness", _brightness, _normal(0.2)),
    ("contrast", _contrast, _normal(0.5)),
    ("luma_flip", _luma_flip, _whole(2)),
    ("hue", _hue, _uniform(math.pi)),
    ("saturation", _saturation, _normal(1.0)),
)
_CORRUPTIONS = (
    ("noise", _noise, _size_of_normal(0.1)),
    ("cutout", _cutout, _from_1_to_2),
)
