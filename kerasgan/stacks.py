"""The toggle: stacks of a generator and a discriminator that train one of the two.

A GAN is trained by two stacks that share both models. Each trains one model and *holds*
the other, and has an optimizer of its own, built on the trained model's variables alone.

Holding is more than `trainable = False`, which under Keras 3 comes too late (TensorFlow
reads it when it traces, JAX and PyTorch at every call, so that one frozen model is frozen
for both stacks) and which would run the held BatchNormalization on moving statistics. Here
the held model's variables are frozen for the length of each step and restored as they were
found, and the held model runs in training mode on batch statistics while everything it
would write is dropped.
"""

import contextlib

import keras
from keras import ops

from kerasgan import images as image_tools
from kerasgan import losses
from kerasgan.backend import keep_state
from kerasgan.checks import auxiliary_name

SIDES = ("real", "fake")


class Held(keras.layers.Layer):
    """Runs a model without changing any variable of it.

    The layer tracks the model, so that its variables are arguments of the compiled step and
    never constants in it.
    """

    def __init__(self, model, **kwargs):
        # In float32 like the stacks: under a mixed policy the values read here would be rounded
        # for the model's float32 layers too.
        super().__init__(dtype="float32", **kwargs)
        self.model = model
        self.seed_generator = keras.random.SeedGenerator(0)
        self._random = frozenset(id(variable) for variable in random_variables(model))
        self.built = True

    def call(self, inputs, training=False):
        trainable = [variable.value for variable in self.model.trainable_variables]
        non_trainable = [variable.value for variable in self.model.non_trainable_variables]
        if training:
            # Its random state is not advanced either, so that two steps in a row would see
            # the same noise: shift it by ours.
            shift = self.seed_generator.next()
            non_trainable = [
                value + ops.cast(shift, value.dtype) if id(variable) in self._random else value
                for variable, value in zip(
                    self.model.non_trainable_variables, non_trainable, strict=True
                )
            ]
        outputs, _ = self.model.stateless_call(trainable, non_trainable, inputs, training=training)
        return outputs


class Stack(keras.Model):
    """A model that trains `trained` and holds `held`.

    Its loss comes from its own outputs: there are no labels to pass.
    """

    def __init__(
        self, trained, held, loss, value_range, augment=None, auxiliary_loss=None, **kwargs
    ):
        super().__init__(dtype="float32", **kwargs)
        self.loss_function = loss
        self.value_range = value_range
        self.augment = augment
        self.auxiliary_loss = auxiliary_loss
        if auxiliary_loss:
            self.auxiliary = keras.metrics.Mean(name=auxiliary_name(auxiliary_loss))
        self.trained = trained
        self.held = Held(held, name="held")
        self.share = 1.0  # of the regularisation terms
        self.built = True

    def compile(self, optimizer, jit_compile="auto"):
        is_scaled = isinstance(optimizer, keras.optimizers.LossScaleOptimizer)
        if self.trained.dtype_policy.name == "mixed_float16" and not is_scaled:
            optimizer = keras.optimizers.LossScaleOptimizer(optimizer, name=optimizer.name)
        with self._held_frozen():
            super().compile(optimizer=optimizer, jit_compile=jit_compile)
            self.optimized_variables = self.variables_to_optimize()
            self._train_functions = {}
            self._weights = tuple(self.trained.weights)
            self._flags = self._trainable_flags()
            if not self.optimizer.built:
                self.optimizer.build(self.trainable_variables)

    def variables_to_optimize(self):
        """Identities of the variables that a step changes by gradient, as they are now."""
        with self._held_frozen():
            return tuple(id(variable) for variable in self.trainable_variables)

    def check_trainable(self):
        """Raises ValueError if there is nothing to train, or not what `compile` found."""
        if self._trainable_flags() != self._flags:
            raise ValueError(
                f"`trainable` must stay as it was when the GAN was compiled. Received: weights of "
                f"{self.trained.name!r} frozen or thawed since. Call gan.compile() after "
                "freezing or thawing; there is no need to freeze anything between steps."
            )
        if not self.optimized_variables:
            raise ValueError(
                f"{self.trained.name!r} must have trainable weights to be trained. Received: "
                "none. Set its `trainable` to True, then call gan.compile(): the GAN freezes "
                "what has to be frozen by itself."
            )

    def _trainable_flags(self):
        return [variable.trainable for variable in self._weights]

    @property
    def metrics(self):
        # Without those of models that the user has compiled, which nobody updates here.
        return [self._loss_tracker, *self._metrics] if self.compiled else []

    @contextlib.contextmanager
    def _held_frozen(self):
        states = [(variable, variable.trainable) for variable in self.held.variables]
        try:
            for variable, _ in states:
                variable.trainable = False
            yield
        finally:
            for variable, trainable in states:
                variable.trainable = trainable

    def train_on_batch(self, x, *args, **kwargs):
        self.check_trainable()
        # One function for each batch size: TensorFlow would trace the second size that it
        # sees for sizes in general, and the last bits of the results would depend on which
        # size came first, that is on where training was resumed.
        size = keras.tree.flatten(x)[0].shape[0]
        self.train_function = self._train_functions.get(size)
        with self._held_frozen():
            try:
                logs = super().train_on_batch(x, *args, **kwargs)
            except BaseException:
                keep_state(self)
                raise
        self._train_functions[size] = self.train_function
        return logs

    def fit(self, *args, **kwargs):
        self.check_trainable()
        with self._held_frozen():
            return super().fit(*args, **kwargs)

    def _seen(self, images, training):
        """Images as the discriminator gets to see them: floats in the value range, augmented."""
        # Float32 also for a generator in half precision: penalties mix its images with real ones.
        images = ops.cast(image_tools.to_float(images, self.value_range), "float32")
        if self.augment is None or not training:
            return images
        if isinstance(self.augment, keras.layers.Layer):
            return self.augment(images, training=True)
        return self.augment(images)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        # The trained model's own regularisation terms, before further calls of the models, with
        # which Keras would forget those of activities.
        regularization = self.losses
        loss, real_outputs, fake_outputs = self._losses_of(x, y_pred, training)
        total = ops.mean(loss)
        if self.auxiliary_loss:
            inputs = x if isinstance(x, dict) else {"latents": x}
            auxiliary = ops.mean(self.auxiliary_loss(inputs, real_outputs, fake_outputs))
            self.auxiliary.update_state(auxiliary)
            total = total + auxiliary
        total = sum((self.share * term for term in regularization), total)
        # A factor of 1 that makes the gradients wait for the loss: where the loss is linear in the
        # scores they would not need these, and TensorFlow's graph optimizer then lets weights be
        # updated before the pass that computes the scores has read them.
        return total * ops.stop_gradient(ops.where(ops.isnan(total), total, 1.0))

    def _losses_of(self, inputs, outputs, training):
        """The side's loss, and the discriminator's outputs for real and for fake images."""
        raise NotImplementedError


class GeneratorStack(Stack):
    """latents -> D(G(latents)), which trains G. `gan.combined`.

    Inputs are latents `(batch_size, latent_dim)`, or a dict with `latents` and, for a loss
    that compares both sides, `real_images`.
    """

    def __init__(self, generator, discriminator, loss, value_range, **kwargs):
        super().__init__(generator, discriminator, loss, value_range, **kwargs)
        self.fake_score = keras.metrics.Mean(name="d_fake")
        self.needs_real_images = losses.needs(loss, "real")

    def call(self, inputs, training=False):
        latents = inputs["latents"] if isinstance(inputs, dict) else inputs
        fake_images = self._seen(self.trained(latents, training=training), training)
        return self.held(fake_images, training=training)

    def _losses_of(self, inputs, outputs, training):
        real_scores = real_outputs = None
        if self.needs_real_images:
            if not (isinstance(inputs, dict) and "real_images" in inputs):
                raise ValueError(
                    "The input must be a dict with `latents` and `real_images`, since the "
                    "generator's loss compares fake scores with real ones. "
                    f"Received: x of type {type(inputs).__name__}. "
                    "Call gan.train_generator_on_batch(images)."
                )
            real_images = self._seen(ops.convert_to_tensor(inputs["real_images"]), training)
            real_outputs = self.held(real_images, training=training)
            real_scores = score(real_outputs)
        self.fake_score.update_state(reported(outputs))
        return self.loss_function(real_scores, score(outputs)), real_outputs, outputs


class DiscriminatorStack(Stack):
    """Real images and latents -> the scores of both, which trains D.

    Inputs are a dict with `real_images` and `latents`.

    Args:
        update: `"joint"`, `"concatenated"`, or one half of `"separate"`: `"real"` or `"fake"`.
        penalty: Function of `(score, real_images, fake_images, seed)`. Of two separate updates
            the second, on fake images, has it.
    """

    def __init__(self, generator, discriminator, loss, value_range, update, penalty=None, **kwargs):
        super().__init__(discriminator, generator, loss, value_range, **kwargs)
        self.update = update
        self.sides = (update,) if update in SIDES else SIDES
        self.real_score = keras.metrics.Mean(name="d_real") if "real" in self.sides else None
        self.fake_score = keras.metrics.Mean(name="d_fake") if "fake" in self.sides else None
        # Whether a separate update's loss is nevertheless that of both sides.
        self.is_whole = all(side in self.sides or losses.needs(loss, side) for side in SIDES)
        self.share = len(self.sides) / 2
        self.penalty = penalty if "fake" in self.sides else None
        if self.penalty:
            self.penalty_mean = keras.metrics.Mean(name="penalty")
            # Runs the trained model without writing its moving statistics once more.
            self.unchanged = Held(discriminator, name="unchanged")
            self.seed_generator = keras.random.SeedGenerator(0)

    def call(self, inputs, training=False):
        images = {}
        if "real" in self.sides or self.is_whole or self.penalty:
            images["real"] = self._seen(inputs["real_images"], training)
        if "fake" in self.sides or self.is_whole:
            fake_images = ops.stop_gradient(self.held(inputs["latents"], training=training))
            images["fake"] = self._seen(fake_images, training)
        if self.update == "concatenated":
            outputs = self._of_both_together(images, training)
        else:
            outputs = {
                side: self.trained(images[side], training=training)
                for side in SIDES
                if side in self.sides or self.is_whole
            }
        return {**outputs, "images": images} if self.penalty else outputs

    def _of_both_together(self, images, training):
        count = ops.shape(images["real"])[0]
        outputs = self.trained(ops.concatenate([images["real"], images["fake"]]), training=training)
        return {
            "real": keras.tree.map_structure(lambda x: x[:count], outputs),
            "fake": keras.tree.map_structure(lambda x: x[count:], outputs),
        }

    def _losses_of(self, inputs, outputs, training):
        scores = {side: score(outputs[side]) for side in SIDES if side in outputs}
        for side in scores.keys() - set(self.sides):
            scores[side] = ops.stop_gradient(scores[side])
        if self.real_score:
            self.real_score.update_state(reported(outputs["real"]))
        if self.fake_score:
            self.fake_score.update_state(reported(outputs["fake"]))
        loss = self.loss_function(scores.get("real"), scores.get("fake"))
        if self.penalty:
            images = outputs["images"]
            penalty = self.penalty(
                lambda images: score(self.unchanged(images, training=training)),
                images["real"],
                images["fake"],
                self.seed_generator,
            )
            self.penalty_mean.update_state(penalty)
            loss = loss + penalty
        return loss, *(outputs[side] if side in self.sides else None for side in SIDES)


class Average(keras.Model):
    """Keeps `average` at the exponential moving average of `source`.

    Weights and BatchNormalization's moving statistics alike. `update(decay)` makes one step
    `average = decay * average + (1 - decay) * source`.
    """

    def __init__(self, source, average, **kwargs):
        # In half precision a step of 1 - decay would be rounded away.
        super().__init__(dtype="float32", **kwargs)
        self.source = source
        self.average = average
        self.built = True

    def call(self, decay):
        decay = ops.reshape(decay, ())
        for average, source in zip(self.average.weights, self.source.weights, strict=True):
            rate = ops.cast(1.0 - decay, average.dtype)
            average.assign(average + rate * (ops.convert_to_tensor(source) - average))
        return decay

    def update(self, decay):
        self.predict_on_batch(keras.ops.convert_to_tensor([decay], dtype="float32"))


def score(outputs):
    """The score of a discriminator's outputs, float32; the first of several is the score.

    The softmax of two columns (fake, real) is the sigmoid of their difference, so that
    softmax cross-entropy is the binary cross-entropy of this score.
    """
    outputs = ops.cast(_first(outputs), "float32")
    return outputs[:, 1:] - outputs[:, :1] if has_two_columns(outputs) else outputs


def reported(outputs):
    """What `d_real` and `d_fake` show: scores, or the probability of "real" of two columns."""
    return ops.sigmoid(score(outputs)) if has_two_columns(outputs) else score(outputs)


def has_two_columns(outputs):
    """Whether a discriminator ends in two columns (fake, real) instead of one score."""
    shape = _first(outputs).shape
    return len(shape) == 2 and shape[1] == 2


def _first(outputs):
    return outputs[0] if isinstance(outputs, (list, tuple)) else outputs


def random_variables(layer):
    """The random states inside a layer or model: its variables that are no weights."""
    known = {id(variable) for variable in layer.weights}
    known |= {id(variable) for variable in getattr(layer, "metrics_variables", [])}
    return [variable for variable in layer.variables if id(variable) not in known]
