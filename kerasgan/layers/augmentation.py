"""Random changes and noise for the images that a discriminator sees in training."""

import keras
from keras import ops

from kerasgan import checks
from kerasgan.checks import argument_error
from kerasgan.layers._seeds import check_seed

__all__ = ["DiffAugment", "InstanceNoise", "split_policy"]

_POLICIES = ("color", "translation", "cutout")


def split_policy(argument, policy, known=_POLICIES, alternative=""):
    """Returns the changes in a policy; raises ValueError for unknown ones, naming the argument."""
    is_text = isinstance(policy, str)
    names = [name.strip() for name in policy.split(",")] if is_text else [policy]
    unknown = [name for name in names if not is_text or name not in known]
    if unknown:
        raise argument_error(
            argument,
            f"be made of {list(known)}, separated by commas{alternative}",
            f"{argument}={policy!r}",
            f"Leave out {unknown}.",
        )
    return names


@keras.saving.register_keras_serializable(package="kerasgan")
class DiffAugment(keras.layers.Layer):
    """Differentiable augmentation of everything that a discriminator sees.

    Real and fake images pass through the same kinds of random changes, in both sides' steps. A
    small data set then goes further, and the changes do not show in generated images. Active only
    in training.

    Reference: Zhao et al. 2020, "Differentiable Augmentation for Data-Efficient GAN Training"
    (arXiv 2006.10738), section 4 and its published code, whose numbers these are:

    - `"color"`: brightness +-0.5 (for a range of -1 to 1), saturation x[0, 2], contrast
      x[0.5, 1.5]. An alpha channel is unchanged; a single channel has no saturation.
    - `"translation"`: up to 1/8 of the height and of the width, whole pixels.
    - `"cutout"`: a window of 1/2 of the height and of the width, anywhere.

    Pixels that are shifted in or cut out get the middle of the value range (mid-grey).

    Differs from the reference: brightness scales with the value range, and the order is always
    colour, translation, cutout.

    Args:
        policy: Names of the changes, separated by commas.
        value_range: `(low, high)` of the images.
        seed: Whole number from 0 to 2^31 - 1; by default drawn from Python's `random`.

    Input and output: float images `(batch_size, height, width, channels)`; results may lie
    outside `value_range`.

    Raises:
        ValueError: `policy` has an unknown name, or `value_range` or `seed` is not as above.

    Example:

    ```python
    augment = kerasgan.layers.DiffAugment("color,translation")
    scores = discriminator(augment(images / 127.5 - 1, training=True))    # of uint8 images
    ```
    """

    def __init__(
        self,
        policy: str = "color,translation,cutout",
        value_range: tuple[float, float] = (-1, 1),
        seed: int | None = None,
        **kwargs,
    ):
        names = split_policy("policy", policy)
        value_range = checks.check_value_range(value_range)
        seed = check_seed(seed)
        super().__init__(**kwargs)
        self.policy = policy
        self.value_range = value_range
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        self._changes = [getattr(self, f"_{name}") for name in _POLICIES if name in names]

    def call(self, images, training=False):
        if not training:
            return images
        low, high = self.value_range
        middle, half = (low + high) / 2, (high - low) / 2
        images = (images - middle) / half
        for change in self._changes:
            images = change(images)
        return images * half + middle

    def _draw(self, images, low, high):
        """Draws one number for each image, shape (batch_size, 1, 1, 1)."""
        shape = (ops.shape(images)[0], 1, 1, 1)
        return keras.random.uniform(shape, low, high, dtype=images.dtype, seed=self.seed_generator)

    def _draw_whole(self, images, low, high):
        """Draws one whole number in [low, high) for each image, shape (batch_size, 1, 1)."""
        shape = (ops.shape(images)[0], 1, 1)
        return keras.random.randint(shape, low, high, dtype="int32", seed=self.seed_generator)

    def _color(self, images):
        colors, alpha = images[..., :3], images[..., 3:]
        colors = colors + self._draw(images, -0.5, 0.5)
        grey = ops.mean(colors, axis=-1, keepdims=True)
        colors = (colors - grey) * self._draw(images, 0.0, 2.0) + grey
        mean = ops.mean(colors, axis=(1, 2, 3), keepdims=True)
        colors = (colors - mean) * self._draw(images, 0.5, 1.5) + mean
        return ops.concatenate([colors, alpha], axis=-1) if images.shape[-1] == 4 else colors

    def _translation(self, images):
        _, height, width, _ = images.shape
        down, right = self._shift(images, height), self._shift(images, width)
        images = ops.einsum("nij,njwc->niwc", down, images)
        return ops.einsum("nij,nhjc->nhic", right, images)

    def _shift(self, images, size):
        """Matrices (batch_size, size, size) that shift a row of `size` pixels by up to 1/8."""
        most = int(size / 8 + 0.5)
        shift = self._draw_whole(images, -most, most + 1)
        place = ops.arange(size, dtype="int32")
        return ops.cast(place[None, :, None] - shift == place[None, None, :], images.dtype)

    def _cutout(self, images):
        _, height, width, _ = images.shape
        inside = self._span(images, height)[:, :, None, :] & self._span(images, width)[:, None]
        return ops.where(inside, ops.zeros_like(images), images)

    def _span(self, images, size):
        """Which of `size` pixels lie in a window half as long, (batch_size, size, 1)."""
        window = int(size / 2 + 0.5)
        # The centre is anywhere in the image, so the window may extend past the edge.
        start = self._draw_whole(images, 0, size + (1 - window % 2)) - window // 2
        place = ops.arange(size, dtype="int32")[None, :, None]
        return (place >= start) & (place < start + window)

    def get_config(self):
        config = {"policy": self.policy, "value_range": self.value_range, "seed": self.seed}
        return super().get_config() | config


@keras.saving.register_keras_serializable(package="kerasgan")
class InstanceNoise(keras.layers.Layer):
    """Gaussian noise on everything that a discriminator sees; you can anneal it.

    Noise makes real and fake images overlap. The discriminator then cannot tell them apart
    perfectly, and the generator always gets a gradient. Active only in training.
    `keras.layers.GaussianNoise` does the same with a constant deviation; here the deviation is a
    weight, saved with the model, that you can set between steps.

    Reference: Sønderby et al. 2016, "Amortised MAP Inference for Image Super-resolution"
    (arXiv 1610.04490), which introduces it as instance noise, annealed during training.

    Differs from the reference: the noise is not annealed unless you do it, as below.

    Args:
        deviation: Initial standard deviation of the noise, in units of the images' values.
        seed: Whole number from 0 to 2^31 - 1; by default drawn from Python's `random`.

    Input and output: floats of any shape.

    Raises:
        ValueError: `deviation` is not a finite number of at least 0, or `seed` is not as above.

    Example:

    ```python
    noise = kerasgan.layers.InstanceNoise(0.1, seed=0)
    gan.compile(augment=noise)
    anneal = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs: noise.deviation.assign(0.1 * max(0, 1 - epoch / 50))
    )
    gan.fit(images, epochs=100, callbacks=[anneal])
    ```
    """

    def __init__(self, deviation: float = 0.1, seed: int | None = None, **kwargs):
        deviation = checks.check_number(
            "deviation", deviation, "Try 0.1 for images in (-1, 1).", with_zero=True
        )
        seed = check_seed(seed)
        super().__init__(**kwargs)
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        self._deviation = deviation
        self.deviation = self.add_weight(
            shape=(),
            initializer=keras.initializers.Constant(self._deviation),
            trainable=False,
            name="deviation",
        )

    def call(self, images, training=False):
        if not training:
            return images
        noise = keras.random.normal(ops.shape(images), dtype=images.dtype, seed=self.seed_generator)
        return images + ops.cast(self.deviation, images.dtype) * noise

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return super().get_config() | {"deviation": self._deviation, "seed": self.seed}
