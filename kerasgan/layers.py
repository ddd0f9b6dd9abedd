"""Layers that Keras lacks."""

import keras
from keras import ops

from kerasgan import checks

POLICIES = ("color", "translation", "cutout")


@keras.saving.register_keras_serializable(package="kerasgan")
class DiffAugment(keras.layers.Layer):
    """Differentiable augmentation of everything that a discriminator sees.

    Real and fake images pass through the same random changes in both sides' steps, so that
    few images last longer and the changes do not show in what the generator makes. Active
    in training only.

    Reference: Zhao et al. 2020, "Differentiable Augmentation for Data-Efficient GAN Training"
    (arXiv 2006.10738), section 4 and its published code, whose numbers these are:

    - `"color"`: brightness +-0.5 (for a range of -1 to 1), saturation x[0, 2], contrast
      x[0.5, 1.5]. An alpha channel is left alone; one channel has no saturation.
    - `"translation"`: up to 1/8 of the height and of the width, whole pixels.
    - `"cutout"`: a square of 1/2 of the height and of the width, somewhere.

    What is moved in or cut out has the middle of the value range (mid-grey).

    Differs from the reference: brightness scales with the value range; the order is always
    colour, translation, cutout.

    Args:
        policy: Names of the changes, separated by commas.
        value_range: `(low, high)` of the images.
        seed: Integer.

    Input and output: float images `(batch_size, height, width, channels)`; results may lie
    outside `value_range`.

    Raises:
        ValueError: An unknown name in `policy`.

    Example:

    ```python
    augment = kerasgan.layers.DiffAugment("color,translation")
    scores = discriminator(augment(images, training=True))
    ```
    """

    def __init__(self, policy="color,translation,cutout", value_range=(-1, 1), seed=None, **kwargs):
        super().__init__(**kwargs)
        names = [name.strip() for name in policy.split(",")]
        unknown = [name for name in names if name not in POLICIES]
        if unknown:
            raise ValueError(
                f"`policy` must be made of {list(POLICIES)}, separated by commas. "
                f"Received: policy={policy!r}. Leave out {unknown}."
            )
        self.policy = policy
        self.value_range = tuple(value_range)
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        self._changes = [getattr(self, f"_{name}") for name in POLICIES if name in names]

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
        """One number for each image, shape (batch_size, 1, 1, 1)."""
        shape = (ops.shape(images)[0], 1, 1, 1)
        return keras.random.uniform(shape, low, high, dtype=images.dtype, seed=self.seed_generator)

    def _draw_whole(self, images, low, high):
        """One whole number in [low, high) for each image, shape (batch_size, 1, 1)."""
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
        """Matrices (batch_size, size, size) that move `size` pixels along by up to 1/8."""
        most = int(size / 8 + 0.5)
        shift = self._draw_whole(images, -most, most + 1)
        place = ops.arange(size, dtype="int32")
        return ops.cast(place[None, :, None] - shift == place[None, None, :], images.dtype)

    def _cutout(self, images):
        _, height, width, _ = images.shape
        inside = self._span(images, height)[:, :, None, :] & self._span(images, width)[:, None]
        return ops.where(inside, ops.zeros_like(images), images)

    def _span(self, images, size):
        """Which of `size` pixels lie in a window of half that size, (batch_size, size, 1)."""
        window = int(size / 2 + 0.5)
        # The centre lies anywhere in the image, so that the window may reach over the edge.
        start = self._draw_whole(images, 0, size + (1 - window % 2)) - window // 2
        place = ops.arange(size, dtype="int32")[None, :, None]
        return (place >= start) & (place < start + window)

    def get_config(self):
        config = {"policy": self.policy, "value_range": self.value_range, "seed": self.seed}
        return super().get_config() | config


@keras.saving.register_keras_serializable(package="kerasgan")
class InstanceNoise(keras.layers.Layer):
    """Gaussian noise on everything that a discriminator sees, which can be annealed.

    Real and fake images that noise makes overlap cannot be told apart perfectly, so that the
    generator always gets a gradient. Active in training only. `keras.layers.GaussianNoise` does
    the same while its deviation stays as it is; here the deviation is a weight that is saved
    with the model and can be set between steps.

    Reference: Sønderby et al. 2016, "Amortised MAP Inference for Image Super-resolution"
    (arXiv 1610.04490), where it is introduced as instance noise, annealed during training.

    Differs from the reference: nothing is annealed unless you do it, as below.

    Args:
        deviation: Standard deviation of the noise at first, in units of the images' values.
        seed: Integer.

    Input and output: floats of any shape.

    Raises:
        ValueError: A negative `deviation`.

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

    def __init__(self, deviation=0.1, seed=None, **kwargs):
        super().__init__(**kwargs)
        if deviation < 0:
            raise ValueError(
                f"`deviation` must be at least 0. Received: deviation={deviation}. Usual is 0.1 "
                "for images in (-1, 1)."
            )
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        self._deviation = float(deviation)
        self.deviation = self.add_weight(
            shape=(),
            initializer=keras.initializers.Constant(deviation),
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


@keras.saving.register_keras_serializable(package="kerasgan")
class MinibatchStandardDeviation(keras.layers.Layer):
    """Shows a discriminator how much the images of a batch differ.

    Appends one channel. It holds, for every image of a group, the standard deviation over the
    group, averaged over all channels and places, so that a generator whose images are too much
    alike is found out. Goes near the end of a discriminator.

    Reference: Karras et al. 2017, "Progressive Growing of GANs for Improved Quality, Stability,
    and Variation" (arXiv 1710.10196), section 3.

    Differs from the reference: groups, as in the code of that paper and of StyleGAN, in place of
    the whole batch; any batch size: n images make max(1, n // group_size) groups, and image i
    belongs to group i mod their number, so that a remainder is spread over the groups. (With
    `update="concatenated"` groups hold real and fake images alike, and tell nothing.)

    Args:
        group_size: Number of images to compare with each other.

    Input: Floats `(batch_size, height, width, channels)`.

    Output: `(batch_size, height, width, channels + 1)`.

    Raises:
        ValueError: `group_size` is no whole number above 0.

    Example:

    ```python
    x = kerasgan.layers.MinibatchStandardDeviation()(x)
    x = keras.layers.Conv2D(512, 3, padding="same")(x)
    ```
    """

    def __init__(self, group_size=4, **kwargs):
        super().__init__(**kwargs)
        checks.check_whole("group_size", group_size, 1)
        self.group_size = group_size

    def call(self, x):
        count, height, width, channels = ops.shape(x)
        group = ops.arange(count) % ops.maximum(1, count // self.group_size)
        # Half precision has neither the range for the squares nor for the epsilon.
        dtype = keras.backend.result_type(x.dtype, "float32")
        same = ops.cast(group[:, None] == group[None, :], dtype)
        share = same / ops.sum(same, axis=1, keepdims=True)
        values = ops.reshape(ops.cast(x, dtype), (count, height * width * channels))
        variance = ops.matmul(share, ops.square(values - ops.matmul(share, values)))
        # The epsilon keeps the gradient finite where all images are equal.
        deviation = ops.mean(ops.sqrt(variance + 1e-8), axis=1)
        deviation = ops.reshape(ops.cast(deviation, x.dtype), (count, 1, 1, 1))
        deviation = ops.broadcast_to(deviation, (count, height, width, 1))
        return ops.concatenate([x, deviation], axis=-1)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], input_shape[-1] + 1)

    def get_config(self):
        return super().get_config() | {"group_size": self.group_size}


@keras.saving.register_keras_serializable(package="kerasgan")
class SelfAttention(keras.layers.Layer):
    """Lets every place of a feature map draw on all others.

    Keys f(x), queries g(x) and values h(x) are 1x1 convolutions. Each place gets the sum of all
    values, weighted by the softmax of its query's products with the keys, through one more 1x1
    convolution, times a gain that is learnt and starts at 0, plus what was there before.

    Reference: Zhang et al. 2018, "Self-Attention Generative Adversarial Networks"
    (arXiv 1805.08318), section 3.

    Differs from the reference: as in the authors' code, values have 1/2 of the channels in place
    of 1/8, and keys and values are max-pooled, which takes a quarter of the memory.

    Args:
        pool_size: Keys and values are taken from windows of this height and width. 1 for all
            places, as in the paper.

    Input and output: floats `(batch_size, height, width, channels)`.

    Raises:
        ValueError: `pool_size` is no whole number above 0.

    Example:

    ```python
    x = kerasgan.layers.SelfAttention()(x)
    x = kerasgan.layers.SpectralNormalization(kerasgan.layers.SelfAttention())(x)
    ```
    """

    def __init__(self, pool_size=2, **kwargs):
        super().__init__(**kwargs)
        checks.check_whole("pool_size", pool_size, 1)
        self.pool_size = pool_size

    def build(self, input_shape):
        channels = input_shape[-1]
        self.key = self._convolution(max(1, channels // 8), "key")
        self.query = self._convolution(max(1, channels // 8), "query")
        self.value = self._convolution(max(1, channels // 2), "value")
        self.output_convolution = self._convolution(channels, "output")
        for layer in (self.key, self.query, self.value):
            layer.build(input_shape)
        self.output_convolution.build((*input_shape[:-1], self.value.filters))
        self.pool = keras.layers.MaxPooling2D(
            self.pool_size, padding="same", dtype=self.dtype_policy
        )
        self.gain = self.add_weight(shape=(), initializer="zeros", name="gain")

    def _convolution(self, filters, name):
        return keras.layers.Conv2D(filters, 1, use_bias=False, dtype=self.dtype_policy, name=name)

    def call(self, x):
        keys = _places(self.pool(self.key(x)))
        values = _places(self.pool(self.value(x)))
        products = ops.matmul(_places(self.query(x)), ops.transpose(keys, (0, 2, 1)))
        attended = ops.matmul(ops.softmax(products, axis=-1), values)
        _, height, width, _ = ops.shape(x)
        attended = ops.reshape(attended, (-1, height, width, self.value.filters))
        return x + self.gain * self.output_convolution(attended)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return super().get_config() | {"pool_size": self.pool_size}


def _places(x):
    """`(batch_size, height, width, channels)` as `(batch_size, height * width, channels)`."""
    _, height, width, channels = ops.shape(x)
    return ops.reshape(x, (-1, height * width, channels))


@keras.saving.register_keras_serializable(package="kerasgan")
class SpectralNormalization(keras.layers.Wrapper):
    """Runs a layer with each of its kernels W divided by its largest singular value.

    The layer then stretches no difference of inputs (as long as its matrix describes it, see
    below): the discriminator is Lipschitz continuous, and its gradients stay moderate.

    W itself is never written, so that the layer trains, freezes, regularises and saves as it
    does unwrapped. `keras.layers.SpectralNormalization` overwrites W with the quotient, in steps
    that train another model too, and without a gradient through the singular value.

    All weights named `kernel` or `embeddings` of two or more dimensions are normalised, those of
    layers inside as well. Each has a vector u, part of the saved model, and every call improves
    the estimate sigma of its singular value by `power_iterations` steps from there:
    v = W u / |W u|, u = W^T v / |W^T v|, sigma = v^T W u. The gradient flows through sigma, with
    u and v held constant. In training the layer keeps the new u.

    Reference: Miyato et al. 2018, "Spectral Normalization for Generative Adversarial Networks"
    (arXiv 1802.05957), section 2.1 and appendix A.

    Differs from the reference: None. The matrix of a kernel is its reshape to `(-1, last axis)`,
    as in the authors' code, which is not quite the operator of a convolution; of a transposed
    convolution the last axis is the input, and a depthwise one is divided by the length of all its
    kernels together. A kernel of zeros, which has no direction to divide
    by, is used as it is.

    Args:
        layer: The layer, built or not, with at least one such weight.
        power_iterations: Steps of the power iteration in each call.
        seed: Integer behind the first u; by default from Python's `random`, as Keras does.

    Input and output: those of `layer`.

    Raises:
        ValueError: `layer` is no Keras layer, has no such weight (found when it is built), or
            `power_iterations` is no whole number above 0.

    Example:

    ```python
    x = kerasgan.layers.SpectralNormalization(keras.layers.Conv2D(64, 3, padding="same"))(x)
    ```
    """

    def __init__(self, layer, power_iterations=1, seed=None, **kwargs):
        # All casting is left to the wrapped layer: the arithmetic here is in float32.
        kwargs.setdefault("dtype", "float32")
        super().__init__(layer, autocast=False, **kwargs)
        checks.check_whole("power_iterations", power_iterations, 1)
        self.power_iterations = power_iterations
        self.seed = seed

    def build(self, input_shape=None):
        super().build(input_shape)
        kernels = self._kernels()
        if not kernels:
            raise ValueError(
                "`layer` must have a kernel or embeddings of two dimensions or more. Received: "
                f"layer={self.layer.name} of type {type(self.layer).__name__}, which has none. "
                "Leave the wrapper out."
            )
        self.vectors = [
            self.add_weight(
                shape=(kernel.shape[-1],),
                initializer=_random_direction(None if self.seed is None else self.seed + index),
                dtype="float32",
                trainable=False,
                name=f"u_{index}",
            )
            for index, kernel in enumerate(kernels)
        ]

    def _kernels(self):
        # Not kept in an attribute, where Keras would take them for weights of this layer.
        return [
            variable
            for variable in self.layer.variables
            if variable.name in ("kernel", "embeddings") and len(variable.shape) >= 2
        ]

    def call(self, inputs, training=False):
        values = {id(variable): variable.value for variable in self.layer.variables}
        for kernel, vector in zip(self._kernels(), self.vectors, strict=True):
            sigma, new_vector = self._singular_value(kernel, vector)
            values[id(kernel)] = kernel.value / ops.cast(sigma, kernel.dtype)
            if training:
                vector.assign(new_vector)
        return self._call_with(values, inputs, training)

    def _singular_value(self, kernel, vector):
        matrix = ops.reshape(ops.cast(kernel.value, "float32"), (-1, kernel.shape[-1]))
        constant = ops.stop_gradient(matrix)
        u = old_u = ops.stop_gradient(ops.convert_to_tensor(vector))
        for _ in range(self.power_iterations):
            v = _unit(ops.matmul(constant, u))
            u = _unit(ops.matmul(v, constant))
        sigma = ops.sum(v * ops.matmul(matrix, u))
        # Of a kernel of zeros there is nothing to divide by, and u must outlive it.
        return ops.where(sigma > 0, sigma, 1.0), ops.where(sigma > 0, u, old_u)

    def _call_with(self, values, inputs, training):
        """Calls the layer with these values, by identity, in place of its variables' own."""
        variables = self.layer.variables
        scope = keras.StatelessScope(
            [(variable, values[id(variable)]) for variable in variables], collect_losses=True
        )
        before = [scope.get_current_value(variable) for variable in variables]
        with scope:
            outputs = self.layer(inputs, training=training)
        if scope.losses:
            self.add_loss(sum(scope.losses))
        # What the layer itself writes, such as moving statistics, it is to keep.
        for variable, value in zip(variables, before, strict=True):
            if scope.get_current_value(variable) is not value:
                variable.assign(scope.get_current_value(variable))
        return outputs

    def compute_output_shape(self, input_shape):
        return self.layer.compute_output_shape(input_shape)

    def compute_output_spec(self, inputs, training=False):
        return self.layer.compute_output_spec(inputs)

    def get_config(self):
        config = {"power_iterations": self.power_iterations, "seed": self.seed}
        return super().get_config() | config


def _unit(vector):
    return ops.normalize(vector, epsilon=1e-12)


def _random_direction(seed):
    """An initializer of unit vectors."""
    draw = keras.initializers.RandomNormal(stddev=1.0, seed=seed)
    return lambda shape, dtype: _unit(draw(shape, dtype))
