"""`frozen`, and the stacks of a generator and a discriminator that train one of the two.

A GAN is trained by two stacks that share both models. Each stack trains one model, *holds* the
other, and has its own optimizer, built on only the trained model's variables.

Under Keras 3 `trainable = False` alone is not enough. TensorFlow reads it when it traces, JAX
and PyTorch read it at every call, so a model frozen for one stack is frozen for both. And a
frozen BatchNormalization uses moving statistics: the generator would learn from a different
discriminator than the one being trained. Here `frozen` freezes the held model's variables during
one update, and `Held` runs it in training mode and drops everything it would write.
"""

import contextlib
import types
from collections.abc import Iterator

import keras
import numpy as np
from keras import ops

from kerasgan import backend, images, losses
from kerasgan._interrupts import deferred
from kerasgan.checks import argument_error
from kerasgan.layers import AdaptiveAugment
from kerasgan.networks import feed, first, latents_shape, random_variables, reported, score
from kerasgan.settings import auxiliary_name, auxiliary_pair

__all__ = [
    "DiscriminatorStack",
    "GeneratorStack",
    "Held",
    "SIDES",
    "SimultaneousStack",
    "Stack",
    "Stacks",
    "build_stacks",
    "frozen",
]

SIDES = ("real", "fake")
_DRAWS = 1024  # of noise in one lazy penalty


@contextlib.contextmanager
def frozen(*models: keras.Model) -> Iterator[None]:
    """Freezes all variables of models within a block.

    Afterwards every variable's `trainable` is as before, even if the block raises: what you froze
    yourself stays frozen. The layers' own `trainable` does not change, so BatchNormalization still
    uses batch statistics in training mode.

    Args:
        *models: `keras.Model`s or layers.

    Raises:
        ValueError: An argument is neither a model nor a layer.

    Example:

    ```python
    with kerasgan.frozen(gan.discriminator):
        trained = gan.combined.trainable_variables      # the generator's
    ```
    """
    for model in models:
        if not isinstance(model, keras.layers.Layer):
            raise argument_error(
                "models",
                "be Keras models or layers",
                f"{model!r}",
                "For example, use frozen(gan.generator).",
            )
    flags = [(variable, variable.trainable) for model in models for variable in model.variables]
    try:
        for variable, _ in flags:
            variable.trainable = False
        yield
    finally:
        for variable, trainable in flags:
            variable.trainable = trainable


class Held(keras.layers.Layer):
    """Runs a model without changing its variables.

    The layer tracks the model, so that the model's variables are arguments of the compiled step,
    never constants.

    Args:
        model: The model.
        seed_generator: `keras.random.SeedGenerator` that varies the model's noise.
    """

    def __init__(self, model, seed_generator, **kwargs):
        # In float32, like the stacks: a mixed policy would round the values read here, even those
        # of the model's float32 layers.
        super().__init__(dtype="float32", **kwargs)
        self.model = model
        self.seed_generator = seed_generator
        self._random = frozenset(id(variable) for variable in random_variables(model))
        self.built = True

    def call(self, inputs, training=False):
        trainable = [variable.value for variable in self.model.trainable_variables]
        non_trainable = [variable.value for variable in self.model.non_trainable_variables]
        if training and self._random:
            # The model's random state does not advance either, so two steps in a row would get
            # the same noise: shift it by our own.
            shift = self.seed_generator.next()
            non_trainable = [
                value + ops.cast(shift, value.dtype) if id(variable) in self._random else value
                for variable, value in zip(
                    self.model.non_trainable_variables, non_trainable, strict=True
                )
            ]
        outputs, _ = self.model.stateless_call(trainable, non_trainable, inputs, training=training)
        return outputs

    def compute_output_spec(self, inputs, training=False):
        return self.model.compute_output_spec(inputs, training=training)


class Stack(keras.Model):
    """A model that trains `trained` and holds `held`.

    Its loss comes from its own outputs, without targets. Subclasses name the two `generator` and
    `discriminator`, as saved files do, and wrap the held model in `Held`.

    Args:
        loss: Function of `(real_scores, fake_scores)`.
        value_range: `(low, high)` of the networks' images.
        noise: Dict of `keras.random.SeedGenerator`s: `"generator"` and `"discriminator"` for the
            held model of that name, and `"penalty"`.
        augment: Layer or function applied to images before the discriminator sees them.
        auxiliary_loss: This side's extra term; see `GAN.compile`.
    """

    side: str | None = None  # "g" or "d": prefix of the names of its logs

    def __init__(
        self,
        generator,
        discriminator,
        loss,
        value_range,
        noise,
        augment=None,
        auxiliary_loss=None,
        **kwargs,
    ):
        super().__init__(dtype="float32", **kwargs)
        self.loss_function = loss
        self.value_range = value_range
        self.augment = augment
        self.auxiliary_loss = auxiliary_loss
        self.generator = generator
        self.discriminator = discriminator
        self.share = 1.0  # of the regularisation terms
        self.built = True

    @property
    def trained(self):
        return self.generator if self.side == "g" else self.discriminator

    @property
    def held(self):
        return self.discriminator if self.side == "g" else self.generator

    def compile(self, optimizer, jit_compile="auto"):
        is_scaled = isinstance(optimizer, keras.optimizers.LossScaleOptimizer)
        if self.trained.dtype_policy.name == "mixed_float16" and not is_scaled:
            optimizer = keras.optimizers.LossScaleOptimizer(optimizer, name=optimizer.name)
        super().compile(optimizer=optimizer, jit_compile=jit_compile)
        optimized = self.trained.trainable_variables
        if not self.optimizer.built and optimized:
            self.optimizer.build(optimized)
        # Wrapped in an object: otherwise Keras would also track them as this model's own weights.
        self._found = types.SimpleNamespace(
            optimized=optimized,
            flags=[(variable, variable.trainable) for variable in self.trained.weights],
        )

    @property
    def optimized_variables(self):
        """The variables that gradients update, as found by `compile`."""
        return self._found.optimized

    def find_optimized_variables(self):
        """The variables that gradients update, according to their current flags."""
        with frozen(self.held):
            return self.trainable_variables

    def check_trainable(self):
        """Raises ValueError if nothing is trainable, or if that has changed since `compile`."""
        if any(variable.trainable is not flag for variable, flag in self._found.flags):
            raise ValueError(
                "`trainable` must stay as it was when the GAN was compiled. Received: weights of "
                f"{self.trained.name!r} frozen or unfrozen since. Call gan.compile() after "
                "freezing or unfreezing; you do not need to freeze anything between steps."
            )
        if not self.optimized_variables:
            raise ValueError(
                f"{self.trained.name!r} must have trainable weights to be trained. Received: no "
                "trainable weights. Set its `trainable` to True, then call gan.compile(); the GAN "
                "itself freezes what must be frozen."
            )

    def update(self, batch):
        """Updates the trained model once; returns its logs, a dict of scalar tensors."""
        with frozen(self.held):

            def losses_and_logs():
                total, logs = self.objective(batch, self.play(batch))
                return [self.optimizer.scale_loss(total)], logs

            logs, (gradients,) = backend.gradients(
                losses_and_logs,
                [self.optimized_variables],
                [*self.variables, *self.optimizer.variables],
            )
            backend.apply_gradients(self.optimizer, gradients, self.optimized_variables)
        return logs

    def play(self, batch):
        """The outputs of both models in training mode, by name; each stack has some of these.

        `"real"` and `"fake"` are the discriminator's outputs for images of these sides,
        `"generated"` is the generator's, and `"penalty"` is a scalar.
        """
        return self(batch, training=True)

    def objective(self, batch, outputs):
        """The loss to minimise, and the logs: its named terms and the mean scores.

        Args:
            batch: Dict of tensors.
            outputs: What `play` returned for it.
        """
        # Read the trained model's regularisation terms before the models are called again, because
        # Keras then drops the activity regularisation terms.
        regularization = self.trained.losses
        terms, scores = self._terms(batch, outputs)
        total = sum(terms.values())
        total = sum((self.share * term for term in regularization), total)
        # A factor of 1 that makes the gradients wait for the loss. The gradients of a loss that is
        # linear in the scores do not need them, and TensorFlow's graph optimizer then lets weights
        # be updated before the pass that computes the scores has read them.
        total = total * ops.stop_gradient(ops.where(ops.isnan(total), total, 1.0))
        return total, terms | scores | {f"{self.side}_loss": total}

    def _terms(self, batch, outputs):
        """Named terms of the loss, and the mean scores."""
        raise NotImplementedError

    def _auxiliary_terms(self, batch, outputs, sides):
        if not self.auxiliary_loss:
            return {}
        inputs = dict(batch)
        if "generated" in outputs:
            generated = keras.tree.flatten(outputs["generated"])
            inputs |= {"fake_images": generated[0], "generator_outputs": generated}
        played = [outputs.get(side) if side in sides else None for side in SIDES]
        term = ops.mean(self.auxiliary_loss(inputs, *played))
        return {auxiliary_name(self.auxiliary_loss): term}

    def _seen(self, batch, training):
        """Images as the discriminator sees them: floats in the value range, augmented."""
        # Float32 even if the generator is in half precision: penalties mix fakes with real images.
        seen = ops.cast(images.to_float(batch, self.value_range), "float32")
        if self.augment is None or not training:
            return seen
        if isinstance(self.augment, keras.layers.Layer):
            return self.augment(seen, training=True)
        return self.augment(seen)

    # Keras's own training methods, for users

    def train_on_batch(self, x, *args, **kwargs):
        self.check_trainable()
        self._check_latents(x)
        with deferred(), backend.keeping_state(self):
            return super().train_on_batch(x, *args, **kwargs)

    def _check_latents(self, x):
        # TensorFlow would raise only in the middle of the step.
        generator = getattr(self.generator, "model", self.generator)
        expected, found = latents_shape(generator), x.get("latents") if isinstance(x, dict) else x
        if expected and np.shape(found)[1:] != expected[1:]:
            raise argument_error(
                "x",
                f"be latents of shape (batch_size, {expected[1]}), or a dict that contains them",
                f"latents of shape {np.shape(found)}",
                "Pass one row per image.",
            )

    def fit(self, *args, **kwargs):
        self.check_trainable()
        return super().fit(*args, **kwargs)

    def train_step(self, *arguments):
        def step(inputs):
            logs = self.update(inputs if isinstance(inputs, dict) else {"latents": inputs})
            return {"loss": logs.pop(f"{self.side}_loss"), **logs}

        return backend.train_step(self, step, arguments)

    @property
    def metrics(self):
        # Without the metrics of models that the user has compiled: nothing updates them here.
        return [self._loss_tracker] if self.compiled else []

    def summary(self, *args, **kwargs):
        model = self.held.model
        self.held(model.input if len(model.inputs) > 1 else model.inputs[0])  # for its shape
        optimizer, self.optimizer = self.optimizer, None  # its slots are not parameters
        try:
            with frozen(self.held):
                super().summary(*args, **kwargs)
        finally:
            self.optimizer = optimizer


class GeneratorStack(Stack):
    """`gan.combined`: latents -> D(G(latents)); trains G.

    Inputs are latents `(batch_size, latent_dim)`, or a dict of the models' inputs by name.
    """

    side = "g"

    def __init__(self, generator, discriminator, loss, value_range, noise, **kwargs):
        held = Held(discriminator, noise["discriminator"], name=discriminator.name)
        super().__init__(generator, held, loss, value_range, noise, **kwargs)
        self.needs_real_scores = losses.needs(loss, "real")
        self.needs_real_images = self.needs_real_scores or getattr(
            self.auxiliary_loss, "needs_real_images", False
        )

    def call(self, inputs, training=False):
        batch = inputs if isinstance(inputs, dict) else {"latents": inputs}
        generated = self.generator(feed(self.generator, batch), training=training)
        return self._score(batch, first(generated), training)

    def _score(self, batch, images, training):
        seen = self._seen(images, training)
        return self.discriminator(feed(self.discriminator.model, batch, seen), training=training)

    def play(self, batch):
        generated = self.generator(feed(self.generator, batch), training=True)
        outputs = {"generated": generated, "fake": self._score(batch, first(generated), True)}
        if self.needs_real_images:
            if "images" not in batch:
                raise ValueError(
                    "The input must be a dict with `images` and `latents`, because the generator's "
                    "loss compares fake images with real ones. Received: "
                    f"{', '.join(sorted(batch))}. Call gan.train_generator_on_batch(images)."
                )
            outputs["real"] = self._score(batch, batch["images"], True)
        return outputs

    def _terms(self, batch, outputs):
        real_scores = score(outputs["real"]) if self.needs_real_scores else None
        adversarial = self.loss_function(real_scores, score(outputs["fake"]))
        terms = {"g_loss": ops.mean(adversarial)}
        terms |= self._auxiliary_terms(batch, outputs, SIDES)
        return terms, {"d_fake": ops.mean(reported(outputs["fake"]))}


class DiscriminatorStack(Stack):
    """Real images and latents -> the scores of both; trains D.

    Inputs are a dict with `images`, `latents` and the models' other inputs by name.

    Args:
        sides: Sides that the discriminator learns from: `("real", "fake")`, or only one of them, as
            in a separate update.
        together: Whether to score both sides in one pass.
        penalty: Function of `(score, real_images, fake_images, seed)`.
        penalty_every: See `GAN.compile`.
    """

    side = "d"

    def __init__(
        self,
        generator,
        discriminator,
        loss,
        value_range,
        noise,
        sides=SIDES,
        together=False,
        penalty=None,
        penalty_every=1,
        **kwargs,
    ):
        held = Held(generator, noise["generator"], name=generator.name)
        super().__init__(held, discriminator, loss, value_range, noise, **kwargs)
        self.sides = sides
        self.together = together
        self.share = len(sides) / 2
        # A loss that compares the sides needs the scores of both, even to learn from one.
        self.is_sum = not any(losses.needs(loss, side) for side in SIDES)
        self.scored = sides if self.is_sum else SIDES
        self.penalty = penalty
        self.penalty_every = penalty_every
        if penalty:
            # Runs the trained model without updating its moving statistics again.
            self.unchanged = Held(discriminator, noise["discriminator"], name="unchanged")
            self.seed_generator = noise["penalty"]

    def call(self, batch, training=False):
        seen, made = {}, {}
        if "real" in self.scored or self.penalty:
            seen["real"] = self._seen(batch["images"], training)
        if "fake" in self.scored or self.penalty:
            generated = self.generator(feed(self.generator.model, batch), training=training)
            made["generated"] = keras.tree.map_structure(ops.stop_gradient, generated)
            seen["fake"] = self._seen(first(made["generated"]), training)
        return made | self.score(batch, seen, training)

    def score(self, batch, seen, training):
        """The discriminator's outputs for images of each side, and the penalty."""
        if self.together:
            outputs = self._score_together(batch, seen, training)
        else:
            outputs = {
                side: self.discriminator(
                    feed(self.discriminator, batch, seen[side]), training=training
                )
                for side in self.scored
            }
        if self.penalty:
            outputs["penalty"] = self._penalty(batch, seen, training)
        return outputs

    def _penalty(self, batch, seen, training):
        def at_images():
            return self.penalty(
                lambda x: score(
                    self.unchanged(feed(self.discriminator, batch, x), training=training)
                ),
                seen["real"],
                ops.stop_gradient(seen["fake"]),
                self.seed_generator,
            )

        if self.penalty_every == 1:
            return at_images()
        # On JAX a branch must not assign variables: noise there comes from copies of the states,
        # with counts far apart. The states themselves advance in every update, and count them.
        variables = [*self.variables, *self.optimizer.variables]
        values = {id(variable): variable.value for variable in variables}
        for generator in (self.seed_generator, self.unchanged.seed_generator):
            state = generator.next()
            values[id(generator.state)] = state * ops.cast([1, _DRAWS], state.dtype)

        def branch():
            with keras.StatelessScope([(v, values[id(v)]) for v in variables]) as scope:
                penalty = self.penalty_every * ops.cast(at_images(), "float32")
                backend.check_known(scope, variables)
            return penalty

        is_due = ops.equal(self.seed_generator.state[1] % self.penalty_every, 0)
        return ops.cond(is_due, branch, lambda: ops.zeros((), "float32"))

    def _score_together(self, batch, seen, training):
        count = ops.shape(seen["real"])[0]
        both = ops.concatenate([seen["real"], seen["fake"]])
        names = {tensor.name for tensor in self.discriminator.inputs} & batch.keys() - {"images"}
        twice = {name: ops.concatenate([batch[name], batch[name]]) for name in sorted(names)}
        inputs = feed(self.discriminator, twice, both)
        outputs = self.discriminator(inputs, training=training)
        return {
            "real": keras.tree.map_structure(lambda x: x[:count], outputs),
            "fake": keras.tree.map_structure(lambda x: x[count:], outputs),
        }

    def _terms(self, batch, outputs):
        scores = dict.fromkeys(SIDES)
        for side in self.scored:
            scores[side] = score(outputs[side])
            if side not in self.sides:
                scores[side] = ops.stop_gradient(scores[side])
        if self.is_sum:
            pairs = {"real": (scores["real"], None), "fake": (None, scores["fake"])}
            terms = {
                f"d_loss_{side}": ops.mean(self.loss_function(*pairs[side])) for side in self.sides
            }
        else:
            terms = {"d_loss": ops.mean(self.loss_function(scores["real"], scores["fake"]))}
        if self.penalty:
            terms["penalty"] = outputs["penalty"]
        terms |= self._auxiliary_terms(batch, outputs, self.sides)
        means = {f"d_{side}": ops.mean(reported(outputs[side])) for side in self.sides}
        if isinstance(self.augment, AdaptiveAugment) and "real" in self.sides:
            num_images = ops.shape(batch["images"])[0]
            means["augment_probability"] = self.augment.adapt(scores["real"], num_images)
        return terms, means


class SimultaneousStack(keras.Model):
    """Trains both models from one pass over the same fakes.

    Fake images are made once and scored once. Each model's gradient is that of its own loss, as
    if the other model were held, and both are updated at once: the generator learns from the
    discriminator as it was before this step.
    """

    def __init__(self, generator_stack, discriminator_stack, **kwargs):
        super().__init__(dtype="float32", **kwargs)
        self.generator_stack = generator_stack
        self.discriminator_stack = discriminator_stack
        self.built = True

    def call(self, batch, training=False):
        g_stack, d_stack = self.generator_stack, self.discriminator_stack
        generated = g_stack.generator(feed(g_stack.generator, batch), training=training)
        seen = {
            "real": d_stack._seen(batch["images"], training),
            "fake": g_stack._seen(first(generated), training),
        }
        return {"generated": generated, **d_stack.score(batch, seen, training)}

    def update(self, batch):
        stacks = (self.discriminator_stack, self.generator_stack)
        variables = [stack.optimized_variables for stack in stacks]

        def losses_and_logs():
            outputs = self(batch, training=True)
            totals, logs = zip(*(stack.objective(batch, outputs) for stack in stacks), strict=True)
            scaled = [
                stack.optimizer.scale_loss(total)
                for stack, total in zip(stacks, totals, strict=True)
            ]
            return scaled, logs

        slots = [variable for stack in stacks for variable in stack.optimizer.variables]
        logs, found = backend.gradients(losses_and_logs, variables, [*self.variables, *slots])
        for stack, gradients, own in zip(stacks, found, variables, strict=True):
            backend.apply_gradients(stack.optimizer, gradients, own)
        return logs


class Stacks:
    """The stacks of a GAN.

    Attributes:
        generator: `GeneratorStack`.
        discriminators: Dict of lists of `DiscriminatorStack`s. Run in turn, the updates of a list
            make one discriminator update from `"both"` sides, `"real"` or `"fake"` images.
        simultaneous: `SimultaneousStack` that makes the last discriminator update and the
            generator's, or None.
    """

    def __init__(self, generator, discriminators, simultaneous):
        self.generator = generator
        self.discriminators = discriminators
        self.simultaneous = simultaneous

    @property
    def all(self):
        """The stacks with their own optimizer: the generator's, then the discriminator's."""
        return [self.generator, *self.discriminators["both"]]

    def compile(self, optimizers, jit_compile):
        for stack, optimizer in zip(self.all, optimizers, strict=True):
            stack.compile(optimizer, jit_compile)
        for side in SIDES:
            for stack in self.discriminators[side]:
                if stack not in self.all:
                    stack.compile(self.all[1].optimizer, jit_compile)


def build_stacks(
    generator,
    discriminator,
    *,
    update,
    g_loss,
    d_loss,
    penalty,
    penalty_every=1,
    auxiliary_loss=None,
    **shared,
):
    """The `Stacks` for an update scheme. `shared` are arguments of every `Stack`."""
    g_auxiliary_loss, d_auxiliary_loss = auxiliary_pair(auxiliary_loss)

    def discriminator_stack(name, sides, **kwargs):
        return DiscriminatorStack(
            generator,
            discriminator,
            d_loss,
            sides=sides,
            name=f"discriminator_{name}",
            auxiliary_loss=d_auxiliary_loss,
            **kwargs,
            **shared,
        )

    # In separate updates the second, on fake images, has the penalty.
    with_penalty = {"penalty": penalty, "penalty_every": penalty_every}
    discriminators = {
        "real": [discriminator_stack("real", ("real",))],
        "fake": [discriminator_stack("fake", ("fake",), **with_penalty)],
    }
    if update == "separate":
        discriminators["both"] = [*discriminators["real"], *discriminators["fake"]]
    else:
        together = update == "concatenated"
        both = discriminator_stack("both", SIDES, together=together, **with_penalty)
        discriminators["both"] = [both]
    stack = GeneratorStack(
        generator,
        discriminator,
        g_loss,
        name="combined",
        auxiliary_loss=g_auxiliary_loss,
        **shared,
    )
    simultaneous = None
    if update == "simultaneous":
        simultaneous = SimultaneousStack(stack, both, name="simultaneous")
    return Stacks(stack, discriminators, simultaneous)
