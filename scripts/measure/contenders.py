"""The contenders of `benchmark.py`: several ways to write the same training step.

A contender is a function of a setting (`model`, `size`, `channels`, `batch_size`, `filters`,
`precision`) and of uint8 images, and returns a `Contender`. All of them train the networks of
`build_MODEL` on these images, cast to floats within the step (`tutorial` casts before it), with the
same Adams and one or more discriminator updates on fresh latents before each generator update.
The generator's weights are not averaged.

Frameworks are imported inside the functions: each contender needs only its own framework.
"""

import itertools
import warnings
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

BACKENDS = ("tensorflow", "jax", "torch")


class Contender(NamedTuple):
    """A training run that is ready to start.

    Attributes:
        run: Runs a number of steps, waits until they are done, and returns the last losses, a
            dict of floats (with `fit`, the means over the last epoch).
        weights: Returns the trainable weights of the generator and of the discriminator, two
            lists of arrays.
        chunk: `run` takes multiples of this number of steps.
    """

    run: Callable
    weights: Callable
    chunk: int = 1


class Task(NamedTuple):
    """How a model of the zoo is compiled, for contenders that do not use kerasgan."""

    loss: str
    rates: tuple = (2e-4, 2e-4)  # generator, discriminator
    betas: tuple = (0.5, 0.999)
    latent_dim: int = 100
    latents: str = "normal"
    value_range: tuple = (-1, 1)
    concatenated: bool = False
    discriminator_steps: int = 1
    penalty: float = 0.0  # weight of the gradient penalty


TASKS = {
    "dcgan": Task("non_saturating"),
    "flag_gan": Task(
        "non_saturating", (1e-4, 1e-4), (0.9, 0.999), 100, "uniform", (0, 1), concatenated=True
    ),
    "sagan": Task("hinge", (1e-4, 4e-4), (0.0, 0.9), 128),
    "wgan_gp": Task(
        "wasserstein", (1e-4, 1e-4), (0.5, 0.9), 128, discriminator_steps=5, penalty=10.0
    ),
}

# JAX reads it at its first computation, before the contender is made.
DETERMINISTIC = {"XLA_FLAGS": "--xla_gpu_deterministic_ops=true"}


class Unavailable(Exception):
    """This version of kerasgan cannot do that."""


# kerasgan


def build(setting):
    """The model of the zoo, compiled by its builder."""
    import kerasgan

    return getattr(kerasgan, f"build_{setting.model}")(
        (setting.size, setting.size, setting.channels),
        latent_dim=TASKS[setting.model].latent_dim,
        filters=setting.filters,
    )


def keras_adams(task):
    """The two optimizers: the generator's, the discriminator's."""
    import keras

    return [keras.optimizers.Adam(rate, *task.betas) for rate in task.rates]


def compiled(setting, **arguments):
    g_optimizer, d_optimizer = keras_adams(TASKS[setting.model])
    gan = build(setting)
    try:
        gan.compile(g_optimizer=g_optimizer, d_optimizer=d_optimizer, ema=False, **arguments)
    except (TypeError, ValueError) as error:
        if not arguments:
            raise
        raise Unavailable(f"compile refuses {arguments}: {error}") from error
    return gan


def keras_weights(generator, discriminator):
    from keras import ops

    return tuple(
        [np.array(ops.convert_to_numpy(variable)) for variable in model.trainable_variables]
        for model in (generator, discriminator)
    )


def train_on_batch(setting, images):
    """kerasgan, train_on_batch"""
    gan = compiled(setting)
    batches = cycle(images, setting.batch_size)

    def run(steps):
        for batch in itertools.islice(batches, steps):
            logs = gan.train_on_batch(batch)
        return logs

    return Contender(run, lambda: keras_weights(gan.generator, gan.discriminator))


def cycle(images, batch_size):
    """Endless batches in order, since the order does not affect the time."""
    starts = range(0, len(images) - batch_size + 1, batch_size)
    return (images[start : start + batch_size] for start in itertools.cycle(starts))


def fit(setting, images, chunk=1, **arguments):
    """kerasgan, fit on an array in memory"""
    gan = compiled(setting, **arguments)

    def run(steps):
        history = gan.fit(
            images, batch_size=setting.batch_size, epochs=1, steps_per_epoch=steps, verbose=0
        )
        wait_for(gan.generator)
        return {name: values[-1] for name, values in history.history.items()}

    return Contender(run, lambda: keras_weights(gan.generator, gan.discriminator), chunk)


def wait_for(model):
    from keras import ops

    ops.convert_to_numpy(model.trainable_variables[0])


def fit_joint(setting, images):
    """kerasgan, fit with update="joint" """
    return fit(setting, images, update="joint")


def fit_concatenated(setting, images):
    """kerasgan, fit with update="concatenated" """
    return fit(setting, images, update="concatenated")


def fit_separate(setting, images):
    """kerasgan, fit with update="separate" """
    return fit(setting, images, update="separate")


def fit_simultaneous(setting, images):
    """kerasgan, fit with update="simultaneous" """
    return fit(setting, images, update="simultaneous")


def fit_8_steps(setting, images):
    """kerasgan, fit with steps_per_execution=8"""
    return fit(setting, images, chunk=8, steps_per_execution=8)


def fit_uncompiled(setting, images):
    """kerasgan, fit with jit_compile=False: on PyTorch without recording the step"""
    return fit(setting, images, jit_compile=False)


def fit_deterministic(setting, images):
    """kerasgan, fit, with the operations that give a GPU's results exactly again"""
    from kerasgan import backend

    backend.use_deterministic_operations()
    return fit(setting, images)


# The mathematics, for steps written by hand around the Keras models


def to_floats(images, value_range):
    from keras import ops

    low, high = value_range
    return ops.cast(images, "float32") * ((high - low) / 255) + low


def score(outputs):
    """One score for each image: the output, or the difference of two columns (fake, real)."""
    from keras import ops

    outputs = ops.cast(outputs, "float32")
    return outputs[:, 1:] - outputs[:, :1] if outputs.shape[-1] == 2 else outputs


def generator_loss(task, fake_scores):
    from keras import ops

    if task.loss == "non_saturating":
        return ops.mean(ops.softplus(-fake_scores))
    return -ops.mean(fake_scores)


def discriminator_loss(task, discriminate, real_images, fake_images, share):
    """The loss of both sides, with the gradient penalty if the task has one.

    `share` is, for each image, the position between real and fake where the penalty applies.
    """
    from keras import ops

    fake_images = ops.cast(fake_images, "float32")
    if task.concatenated:
        scores = score(discriminate(ops.concatenate([real_images, fake_images])))
        count = real_images.shape[0]
        real_scores, fake_scores = scores[:count], scores[count:]
    else:
        real_scores = score(discriminate(real_images))
        fake_scores = score(discriminate(fake_images))
    if task.loss == "non_saturating":
        loss = ops.mean(ops.softplus(-real_scores)) + ops.mean(ops.softplus(fake_scores))
    elif task.loss == "hinge":
        loss = ops.mean(ops.relu(1.0 - real_scores)) + ops.mean(ops.relu(1.0 + fake_scores))
    else:
        loss = ops.mean(fake_scores) - ops.mean(real_scores)
    if not task.penalty:
        return loss
    between = share * real_images + (1.0 - share) * fake_images
    gradient = input_gradient(lambda images: score(discriminate(images)), between)
    norms = ops.sqrt(ops.sum(ops.square(gradient), axis=(1, 2, 3)) + 1e-12)
    return loss + task.penalty * ops.mean(ops.square(norms - 1.0))


def input_gradient(function, inputs):
    """The gradient of the summed outputs, which can be differentiated again."""
    import keras

    backend = keras.config.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape() as tape:
            tape.watch(inputs)
            outputs = function(inputs)
        return tape.gradient(outputs, inputs)
    if backend == "jax":
        import jax

        return jax.grad(lambda inputs: function(inputs).sum())(inputs)
    import torch

    inputs = inputs.detach().requires_grad_()
    return torch.autograd.grad(function(inputs).sum(), inputs, create_graph=True)[0]


# Keras without kerasgan


def keras_train_step(setting, images):
    """keras.Model with its own train_step, fit

    A GAN as in the guide "Customizing what happens in fit()". Like the guide, it does more than
    kerasgan: each network's moving statistics also change in the other's step, and on PyTorch
    `loss.backward()` computes the discriminator's gradients in the generator's step.
    """
    import keras
    from keras import ops

    task = TASKS[setting.model]
    backend = keras.config.backend()

    class GAN(keras.Model):
        def __init__(self, discriminator, generator):
            super().__init__()
            self.discriminator = discriminator
            self.generator = generator
            self.seed_generator = keras.random.SeedGenerator(0)
            self.d_loss_tracker = keras.metrics.Mean(name="d_loss")
            self.g_loss_tracker = keras.metrics.Mean(name="g_loss")
            self.built = True

        def compile(self, g_optimizer, d_optimizer):
            super().compile()
            self.g_optimizer = g_optimizer
            self.d_optimizer = d_optimizer

        @property
        def metrics(self):
            return [self.d_loss_tracker, self.g_loss_tracker]

        def draw_latents(self, count):
            draw = keras.random.normal if task.latents == "normal" else keras.random.uniform
            return draw((count, task.latent_dim), seed=self.seed_generator)

        def minimize(self, loss_of, model, optimizer):
            weights = model.trainable_weights
            if backend == "tensorflow":
                import tensorflow as tf

                with tf.GradientTape() as tape:
                    loss = loss_of()
                optimizer.apply(tape.gradient(loss, weights), weights)
            else:
                import torch

                self.zero_grad()
                loss = loss_of()
                loss.backward()
                gradients = [weight.value.grad for weight in weights]
                with torch.no_grad():
                    optimizer.apply(gradients, weights)
            return loss

        def train_step(self, data):
            real_images, _, _ = keras.utils.unpack_x_y_sample_weight(data)
            count = ops.shape(real_images)[0]
            real_images = to_floats(real_images, task.value_range)
            for _ in range(task.discriminator_steps):
                fake_images = self.generator(self.draw_latents(count), training=True)
                fake_images = ops.stop_gradient(fake_images)
                share = None
                if task.penalty:
                    share = keras.random.uniform((count, 1, 1, 1), seed=self.seed_generator)
                d_loss = self.minimize(
                    lambda fake_images=fake_images, share=share: discriminator_loss(
                        task,
                        lambda images: self.discriminator(images, training=True),
                        real_images,
                        fake_images,
                        share,
                    ),
                    self.discriminator,
                    self.d_optimizer,
                )
            latents = self.draw_latents(count)
            g_loss = self.minimize(
                lambda: generator_loss(
                    task,
                    score(
                        self.discriminator(self.generator(latents, training=True), training=True)
                    ),
                ),
                self.generator,
                self.g_optimizer,
            )
            self.d_loss_tracker.update_state(d_loss)
            self.g_loss_tracker.update_state(g_loss)
            return {metric.name: metric.result() for metric in self.metrics}

    zoo = build(setting)
    gan = GAN(zoo.discriminator, zoo.generator)
    gan.compile(*keras_adams(task))

    def run(steps):
        # One epoch of the first `steps` batches; `benchmark.py` provides enough of them.
        history = gan.fit(
            images[: steps * setting.batch_size], batch_size=setting.batch_size, verbose=0
        )
        wait_for(gan.generator)
        return {name: values[-1] for name, values in history.history.items()}

    return Contender(run, lambda: keras_weights(gan.generator, gan.discriminator))


def tutorial(setting, images):
    """the tutorials' stack (for timing only: on Keras 3 it never trains the discriminator)

    `generator.predict`, `discriminator.train_on_batch` on real and on fake images, and
    `combined.train_on_batch` with `discriminator.trainable = False`.
    """
    import keras

    task = TASKS[setting.model]
    zoo = build(setting)
    generator, discriminator = zoo.generator, zoo.discriminator
    g_optimizer, d_optimizer = keras_adams(task)
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    discriminator.compile(optimizer=d_optimizer, loss=loss)
    discriminator.trainable = False
    latents = keras.Input((task.latent_dim,))
    combined = keras.Model(latents, discriminator(generator(latents)))
    combined.compile(optimizer=g_optimizer, loss=loss)
    low, high = task.value_range
    batches = cycle(
        images.astype("float32") * ((high - low) / 255) + low,
        setting.batch_size,
    )
    rng = np.random.default_rng(0)
    ones, zeros = np.ones((setting.batch_size, 1)), np.zeros((setting.batch_size, 1))

    def draw_latents():
        return rng.standard_normal((setting.batch_size, task.latent_dim), dtype="float32")

    def run(steps):
        for batch in itertools.islice(batches, steps):
            with warnings.catch_warnings():
                # Keras warns that the discriminator has nothing to train, which is the point.
                warnings.simplefilter("ignore")
                fakes = generator.predict(draw_latents(), verbose=0)
                d_loss = discriminator.train_on_batch(batch, ones)
                d_loss += discriminator.train_on_batch(fakes, zeros)
                g_loss = combined.train_on_batch(draw_latents(), ones)
        return {"d_loss": float(d_loss), "g_loss": float(g_loss)}

    return Contender(run, lambda: keras_weights(generator, discriminator))


# PyTorch by hand


def torch_networks(setting):
    """The same networks as `torch.nn.Module`s, channels first: generator, discriminator."""
    task = TASKS[setting.model]
    if setting.model == "flag_gan":
        return _torch_flag_gan(setting, task.latent_dim)
    return _torch_dcgan(setting, task.latent_dim, normalize=setting.model == "dcgan")


def _torch_dcgan(setting, latent_dim, normalize):
    from torch import nn

    size, filters = setting.size, setting.filters
    halvings = max(2, (size - 1).bit_length() - 2)
    start = -(-size // 2**halvings)
    width = filters * 2 ** (halvings - 1)

    def norm(width):
        return nn.BatchNorm2d(width, eps=1e-5, momentum=0.2)

    layers = [
        nn.Linear(latent_dim, width * start * start, bias=False),
        nn.Unflatten(1, (width, start, start)),
        norm(width),
        nn.ReLU(),
    ]
    for _ in range(halvings - 1):
        layers += [
            nn.ConvTranspose2d(width, width // 2, 4, stride=2, padding=1, bias=False),
            norm(width // 2),
            nn.ReLU(),
        ]
        width //= 2
    layers += [nn.ConvTranspose2d(width, setting.channels, 4, stride=2, padding=1), nn.Tanh()]
    generator = nn.Sequential(*layers, *_crop(start * 2**halvings - size))

    layers, before = [], setting.channels
    for halving in range(halvings):
        # Keras pads an odd size by one more pixel on the right and below.
        after = filters * 2**halving
        use_bias = halving == 0 or not normalize
        layers += [
            nn.ZeroPad2d((1, 1 + size % 2, 1, 1 + size % 2)),
            nn.Conv2d(before, after, 4, stride=2, bias=use_bias),
            *([norm(after)] if halving and normalize else []),
            nn.LeakyReLU(0.2),
        ]
        size, before = -(-size // 2), after
    discriminator = nn.Sequential(*layers, nn.Flatten(), nn.Linear(before * size * size, 1))
    for network in (generator, discriminator):
        for module in network.modules():
            if isinstance(module, (nn.Linear, nn.Conv2d, nn.ConvTranspose2d)):
                if network is discriminator and not normalize:
                    nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
                else:
                    nn.init.normal_(module.weight, 0.0, 0.02)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
            elif isinstance(module, nn.BatchNorm2d):
                nn.init.normal_(module.weight, 1.0, 0.02)
    return generator, discriminator


def _torch_flag_gan(setting, latent_dim):
    from torch import nn

    size, filters = setting.size, setting.filters
    start = -(-size // 4)
    layers = [
        nn.Linear(latent_dim, latent_dim * start * start),
        nn.BatchNorm1d(latent_dim * start * start, eps=1e-3, momentum=0.2),
        nn.ReLU(),
        nn.Unflatten(1, (latent_dim, start, start)),
        nn.UpsamplingNearest2d(scale_factor=4),
        nn.Dropout(0.5),
    ]
    before = latent_dim
    for after in (2 * filters, filters):
        layers += [
            nn.Conv2d(before, after, 3, padding=1),
            nn.BatchNorm2d(after, eps=1e-3, momentum=0.2),
            nn.ReLU(),
            nn.Dropout(0.5),
        ]
        before = after
    layers += [nn.Conv2d(before, setting.channels, 1), nn.Sigmoid()]
    generator = nn.Sequential(*layers, *_crop(4 * start - size))

    layers, before = [], setting.channels
    for after in (4 * filters, 2 * filters):
        layers += [nn.Conv2d(before, after, 5, padding=2), nn.LeakyReLU(0.2), nn.Dropout(0.25)]
        before = after
    layers += [nn.Flatten(), nn.Linear(before * size * size, 32), nn.LeakyReLU(0.2)]
    return generator, nn.Sequential(*layers, nn.Dropout(0.25), nn.Linear(32, 2))


def _crop(excess):
    """A list of one layer that crops `excess` rows and columns evenly; empty for 0."""
    from torch import nn

    first, last = -(excess // 2), -(excess - excess // 2)
    return [nn.ZeroPad2d((first, last, first, last))] if excess else []


def torch_eager(setting, images, compile=False):
    """PyTorch by hand, eager; images on the device"""
    import torch
    from torch.nn import functional

    task = TASKS[setting.model]
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.manual_seed(0)
    generator, discriminator = (network.to(device) for network in torch_networks(setting))
    generator.train()
    discriminator.train()
    g_optimizer, d_optimizer = (
        torch.optim.Adam(network.parameters(), rate, task.betas, eps=1e-7)
        for network, rate in zip((generator, discriminator), task.rates, strict=True)
    )
    pool = torch.from_numpy(images).to(device).permute(0, 3, 1, 2).contiguous()
    batches = cycle(pool, setting.batch_size)
    low, high = task.value_range
    draw = torch.randn if task.latents == "normal" else torch.rand
    half = torch.autocast(device.type, torch.bfloat16, enabled=setting.precision == "bfloat16")

    def score(images):
        with half:
            outputs = discriminator(images)
        outputs = outputs.float()
        return outputs[:, 1:] - outputs[:, :1] if outputs.shape[-1] == 2 else outputs

    def generate():
        with half:
            return generator(draw(setting.batch_size, task.latent_dim, device=device)).float()

    def d_loss_of(images):
        real_images = images.float() * ((high - low) / 255) + low
        with torch.no_grad():
            fake_images = generate()
        if task.concatenated:
            real_scores, fake_scores = score(torch.cat([real_images, fake_images])).chunk(2)
        else:
            real_scores, fake_scores = score(real_images), score(fake_images)
        if task.loss == "non_saturating":
            return (
                functional.softplus(-real_scores).mean() + functional.softplus(fake_scores).mean()
            )
        share = torch.rand(len(images), 1, 1, 1, device=device)
        between = (share * real_images + (1 - share) * fake_images).requires_grad_()
        (gradient,) = torch.autograd.grad(score(between).sum(), between, create_graph=True)
        norms = (gradient.square().sum((1, 2, 3)) + 1e-12).sqrt()
        penalty = task.penalty * (norms - 1).square().mean()
        return fake_scores.mean() - real_scores.mean() + penalty

    def g_loss_of():
        fake_scores = score(generate())
        if task.loss == "non_saturating":
            return functional.softplus(-fake_scores).mean()
        return -fake_scores.mean()

    if compile:
        d_loss_of, g_loss_of = torch.compile(d_loss_of), torch.compile(g_loss_of)
    g_parameters, d_parameters = list(generator.parameters()), list(discriminator.parameters())

    def run(steps):
        for batch in itertools.islice(batches, steps):
            for _ in range(task.discriminator_steps):
                d_optimizer.zero_grad()
                d_loss = d_loss_of(batch)
                d_loss.backward(inputs=d_parameters)
                d_optimizer.step()
            g_optimizer.zero_grad()
            g_loss = g_loss_of()
            g_loss.backward(inputs=g_parameters)
            g_optimizer.step()
        losses = {"d_loss": d_loss.item(), "g_loss": g_loss.item()}
        if device.type == "cuda":
            torch.cuda.synchronize()  # the last update follows the losses
        return losses

    def weights():
        return tuple(
            [parameter.detach().cpu().numpy().copy() for parameter in parameters]
            for parameters in (g_parameters, d_parameters)
        )

    return Contender(run, weights)


def torch_compile(setting, images):
    """PyTorch by hand, both losses through torch.compile; images on the device"""
    return torch_eager(setting, images, compile=True)


# JAX by hand


def jax_jit(setting, images):
    """a step jitted by hand in JAX around the same Keras models, and nothing else: the floor"""
    import functools

    import jax

    task = TASKS[setting.model]
    zoo = build(setting)
    generator, discriminator = zoo.generator, zoo.discriminator
    g_optimizer, d_optimizer = keras_adams(task)
    g_optimizer.build(generator.trainable_variables)
    d_optimizer.build(discriminator.trainable_variables)
    state = {
        name: [variable.value for variable in variables]
        for name, variables in {
            "g": generator.trainable_variables,
            "g_state": generator.non_trainable_variables,
            "g_optimizer": g_optimizer.variables,
            "d": discriminator.trainable_variables,
            "d_state": discriminator.non_trainable_variables,
            "d_optimizer": d_optimizer.variables,
        }.items()
    }
    state["key"] = jax.random.key(0)
    pool = jax.device_put(images)
    starts = itertools.cycle(range(0, len(images) - setting.batch_size + 1, setting.batch_size))

    def draw_latents(key):
        draw = jax.random.normal if task.latents == "normal" else jax.random.uniform
        return draw(key, (setting.batch_size, task.latent_dim))

    def d_loss_of(weights, d_state, real_images, fake_images, share):
        def discriminate(images):
            nonlocal d_state
            outputs, d_state = discriminator.stateless_call(weights, d_state, images, training=True)
            return outputs

        return discriminator_loss(task, discriminate, real_images, fake_images, share), d_state

    def g_loss_of(weights, state, latents):
        fake_images, g_state = generator.stateless_call(
            weights, state["g_state"], latents, training=True
        )
        outputs, _ = discriminator.stateless_call(
            state["d"], state["d_state"], fake_images, training=True
        )
        return generator_loss(task, score(outputs)), g_state

    @functools.partial(jax.jit, donate_argnums=0)
    def step(state, pool, start):
        real_images = jax.lax.dynamic_slice_in_dim(pool, start, setting.batch_size)
        real_images = to_floats(real_images, task.value_range)
        key, g_key, *d_keys = jax.random.split(state["key"], 2 + 2 * task.discriminator_steps)
        for key_1, key_2 in zip(d_keys[::2], d_keys[1::2], strict=True):
            fake_images, _ = generator.stateless_call(
                state["g"], state["g_state"], draw_latents(key_1), training=True
            )
            share = jax.random.uniform(key_2, (setting.batch_size, 1, 1, 1))
            (d_loss, d_state), gradients = jax.value_and_grad(d_loss_of, has_aux=True)(
                state["d"], state["d_state"], real_images, fake_images, share
            )
            weights, slots = d_optimizer.stateless_apply(
                state["d_optimizer"], gradients, state["d"]
            )
            state = {**state, "d": weights, "d_state": d_state, "d_optimizer": slots}
        (g_loss, g_state), gradients = jax.value_and_grad(g_loss_of, has_aux=True)(
            state["g"], state, draw_latents(g_key)
        )
        weights, slots = g_optimizer.stateless_apply(state["g_optimizer"], gradients, state["g"])
        state = {**state, "g": weights, "g_state": g_state, "g_optimizer": slots, "key": key}
        return state, {"d_loss": d_loss, "g_loss": g_loss}

    def run(steps):
        nonlocal state
        for start in itertools.islice(starts, steps):
            state, losses = step(state, pool, start)
        jax.block_until_ready(state)
        return {name: float(value) for name, value in losses.items()}

    def weights():
        return tuple([np.array(value) for value in state[name]] for name in ("g", "d"))

    return Contender(run, weights)


class Entry(NamedTuple):
    """A contender with the backends and the models it is written for.

    `environment` has variables that must be set before the framework starts.
    """

    make: Callable
    backends: tuple = BACKENDS
    models: tuple = tuple(TASKS)
    environment: dict = {}

    @property
    def summary(self):
        return self.make.__doc__.splitlines()[0].strip()


CONTENDERS = {
    "train_on_batch": Entry(train_on_batch),
    "fit": Entry(fit),
    "fit_joint": Entry(fit_joint),
    "fit_concatenated": Entry(fit_concatenated),
    "fit_separate": Entry(fit_separate),
    "fit_simultaneous": Entry(fit_simultaneous),
    "fit_8_steps": Entry(fit_8_steps),
    "fit_uncompiled": Entry(fit_uncompiled, ("torch",)),
    "fit_deterministic": Entry(fit_deterministic, environment=DETERMINISTIC),
    "keras_train_step": Entry(keras_train_step, ("tensorflow", "torch")),
    "tutorial": Entry(tutorial, models=("dcgan",)),
    "torch_eager": Entry(torch_eager, ("torch",), ("dcgan", "flag_gan", "wgan_gp")),
    "torch_compile": Entry(torch_compile, ("torch",), ("dcgan", "flag_gan", "wgan_gp")),
    "jax_jit": Entry(jax_jit, ("jax",)),
}
