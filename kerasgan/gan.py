"""`GAN`: two Keras models that play against each other, as one Keras model."""

import contextlib
import itertools
import os
import random
import signal
import tempfile
import threading
import types
import warnings

import keras
import numpy as np
import tqdm.asyncio
import tqdm.auto

from kerasgan import checks, layers, losses
from kerasgan import images as image_tools
from kerasgan import latents as latent_tools
from kerasgan.batches import Batches
from kerasgan.files import replacing
from kerasgan.sampler import generate
from kerasgan.stacks import (
    Average,
    DiscriminatorStack,
    GeneratorStack,
    random_variables,
    reported,
)

# What, besides variables, a saved model goes on from.
PROGRESS = (
    "step",
    "epoch",
    "epoch_step",
    "_pass",
    "_batch",
    "_num_batches",
    "_pretrained",
    "_draws",
)


@keras.saving.register_keras_serializable(package="kerasgan")
class GAN(keras.Model):
    """A generator and a discriminator, trained against each other by stacked models.

    It is usable at once: compiled with binary cross-entropy on logits (the non-saturating
    loss) and Adam (learning rate 2e-4, beta_1 0.5) on both sides.

    Args:
        generator: Built `keras.Model`, latents `(batch_size, latent_dim)` in, images
            `(batch_size, height, width, channels)` in `value_range` out.
        discriminator: Built `keras.Model`, such images in; out one linear score (logit)
            `(batch_size, 1)`, high for real, or two linear columns (fake, real). Of several
            outputs the first is the score; see `auxiliary_loss` of `compile`.
        latents: Distribution of the latents: `"normal"`, `"uniform"` (0 to 1),
            `"symmetric_uniform"` (-1 to 1), `("normal", mean, deviation)`, or a callable
            `latents(shape, seed=...)`, as the functions of `keras.random` are.
        value_range: `(low, high)` of the networks' images: (-1, 1) for a tanh generator,
            (0, 1) for a sigmoid one. You pass and get uint8.
        seed: Integer behind the latents and the order of the data; by default from Python's
            `random`, as Keras does.
        name: Name of the model.

    Raises:
        ValueError: The two models do not fit together, or an argument is none of these.

    Attributes:
        generator, discriminator: The two models, with their raw weights.
        combined: The stack latents -> D(G(latents)). Training it trains the generator only.
        averaged_generator: What `sample` uses: the average of the generator's weights with
            `compile(ema=...)`, else the generator.
        g_optimizer, d_optimizer: The optimizers; `d_optimizer` is a pair with
            `update="separate"`. Their `learning_rate` may be set between calls.
        discriminator_steps: Discriminator updates for each generator update.
        image_shape: `(height, width, channels)`.
        latent_dim: Length of a latent vector.
        num_classes, class_names: None: the models are unconditional.
        step: Generator updates made so far.
        epoch: Epochs that `fit` has finished so far.
        epoch_step: Steps made in the epoch under way: 0 unless `fit` was stopped in the middle.

    Example:

    ```python
    gan = kerasgan.GAN(generator, discriminator)
    gan.fit(images, batch_size=64, epochs=20)       # uint8 (n, height, width, channels)
    samples = gan.sample(16, seed=0)                # uint8 (16, height, width, channels)
    gan.save("gan.keras")
    gan = keras.models.load_model("gan.keras")      # goes on exactly where it was
    ```
    """

    num_classes = None
    class_names = None

    def __init__(
        self,
        generator,
        discriminator,
        latents="normal",
        value_range=(-1, 1),
        seed=None,
        name=None,
    ):
        checks.check_models(generator, discriminator)
        super().__init__(name=name)
        self.generator = generator
        self.discriminator = discriminator
        self.latents = latent_tools.standardize(latents)
        self.value_range = checks.check_value_range(value_range)
        self.image_shape = tuple(generator.output_shape[1:])
        self.latent_dim = generator.input_shape[1]
        self.seed = random.randint(0, 2**31 - 1) if seed is None else seed
        checks.check_whole("seed", self.seed, 0, 2**31 - 1)
        self.step = 0
        self.epoch = 0
        self.epoch_step = 0
        self._pass = 0  # passes over the data, pretraining's included
        self._batch = 0  # batches taken from the pass now running
        self._num_batches = 0  # in a pass of that data
        self._pretrained = 0  # discriminator updates made by `pretrain_steps`
        self._draws = 0  # latents drawn in training
        self._settings = {
            "loss": "non_saturating",
            "penalty": None,
            "auxiliary_loss": None,
            "update": "joint",
            "discriminator_steps": 1,
            "label_smoothing": 0.0,
            "ema": None,
            "augment": None,
            "jit_compile": "auto",
        }
        self.built = True
        self.compile(
            g_optimizer=keras.optimizers.Adam(2e-4, beta_1=0.5, name="g_optimizer"),
            d_optimizer=keras.optimizers.Adam(2e-4, beta_1=0.5, name="d_optimizer"),
        )

    def call(self, latents, training=False):
        """Images in `value_range` from latents `(batch_size, latent_dim)`."""
        return self.generator(latents, training=training)

    # Compiling

    def compile(
        self,
        g_optimizer=None,
        d_optimizer=None,
        loss=None,
        update=None,
        discriminator_steps=None,
        label_smoothing=None,
        ema=None,
        augment=None,
        jit_compile=None,
        penalty=None,
        auxiliary_loss=None,
    ):
        """Sets how the two models are trained. What is not given stays as it is.

        Args:
            g_optimizer: `keras.optimizers.Optimizer` (or name) of the generator.
            d_optimizer: That of the discriminator, another instance; with
                `update="separate"` also a pair, for real and for fake images.
            loss: `"non_saturating"` (binary cross-entropy), `"minimax"`, `"least_squares"`,
                `"hinge"`, `"wasserstein"`, `"relativistic_average"`, `"relativistic_paired"`,
                or a pair of functions of `(real_scores, fake_scores)`: the generator's and the
                discriminator's. See `kerasgan.losses`.
            update: How the discriminator learns. `"joint"`: one update from separate passes
                over real and fake images; `"concatenated"`: one update from one pass over
                both together (BatchNormalization then sees both at once); `"separate"`: one
                update, with an optimizer of its own, for real images and one for fake ones.
            discriminator_steps: Discriminator updates for each generator update.
            label_smoothing: Number in [0, 1): the target of real images is 1 less this.
            ema: Decay in (0, 1) of the exponential moving average of the generator that
                `sample` uses; `False` turns it off. It starts smaller, at
                `(1 + step) / (10 + step)`, so that the first weights are soon forgotten.
                (Callbacks that restore weights, such as `keras.callbacks.EarlyStopping`, know
                the raw ones only.)
            augment: What all images pass through on their way to the discriminator: a policy
                of `kerasgan.layers.DiffAugment` such as `"color,translation"`, a layer, or
                a function; differentiable. `False` turns it off.
            jit_compile: As in `keras.Model.compile`: `"auto"`, True or False.
            penalty: A further term of the discriminator's loss, from the gradient of its score
                at images: `"gradient_penalty"`, `"dragan"`, `"r1"`, `"r2"`, a dict of such names
                and weights, `{"r1": 5.0}`, or a function of
                `(score, real_images, fake_images, seed)`. `False` turns it off.
            auxiliary_loss: A further term of both sides' losses, for a discriminator that gives
                more than a score: function of `(inputs, real_outputs, fake_outputs)` that
                returns a scalar. `inputs` is a dict with `latents` and, where they are used,
                `real_images`; outputs are all that the discriminator gives, None for a side
                that was not passed through it. Reported under its `name` or `__name__`.
                `False` turns it off.

        Raises:
            ValueError: An argument is none of these.
        """
        given = {
            "loss": loss,
            "update": update,
            "discriminator_steps": discriminator_steps,
            "label_smoothing": label_smoothing,
            "ema": ema,
            "augment": augment,
            "jit_compile": jit_compile,
            "penalty": penalty,
            "auxiliary_loss": auxiliary_loss,
        }
        settings = self._settings | {name: v for name, v in given.items() if v is not None}
        for name in ("ema", "augment", "penalty", "auxiliary_loss"):
            settings[name] = None if settings[name] is False else settings[name]
        checks.check_settings(settings, self.discriminator)
        g_loss, d_loss = losses.resolve(settings["loss"], settings["label_smoothing"])
        penalty = losses.resolve_penalty(settings["penalty"])
        augment = settings["augment"]
        if isinstance(augment, str):
            augment = layers.DiffAugment(augment, value_range=self.value_range, seed=self.seed)
        models = (self.generator, self.discriminator)
        shared = {
            "value_range": self.value_range,
            "augment": augment,
            "auxiliary_loss": settings["auxiliary_loss"],
        }
        g_stack = GeneratorStack(*models, g_loss, **shared, name="combined")
        updates = ("real", "fake") if settings["update"] == "separate" else (settings["update"],)
        d_stacks = [
            DiscriminatorStack(
                *models,
                d_loss,
                **shared,
                update=update,
                penalty=penalty,
                name=f"discriminator_{update}",
            )
            for update in updates
        ]
        optimizers = self._resolve_optimizers(g_optimizer, d_optimizer, [g_stack, *d_stacks])
        for stack, optimizer in zip([g_stack, *d_stacks], optimizers, strict=True):
            stack.compile(optimizer, jit_compile=settings["jit_compile"])
        # A plain object, so that Keras does not count the stacks among this model's layers.
        average = self._stacks.average if hasattr(self, "_stacks") else None
        self._stacks = types.SimpleNamespace(
            generator=g_stack, discriminator=d_stacks, average=None
        )
        self._settings = settings
        if settings["ema"]:
            average = average or Average(self.generator, _copy(self.generator))
            self._stacks.average = average
        self.compiled = True
        self.stop_training = False

    def _resolve_optimizers(self, g_optimizer, d_optimizer, stacks):
        """One optimizer for each stack: the given ones, or those in use."""
        in_use = self._all_stacks() if hasattr(self, "_stacks") else []
        if g_optimizer is None:
            g_optimizer = in_use[0].optimizer
        if d_optimizer is None:
            d_optimizer = [stack.optimizer for stack in in_use[1:]][: len(stacks) - 1]
        elif not isinstance(d_optimizer, (tuple, list)):
            d_optimizer = [d_optimizer]
        elif len(d_optimizer) != len(stacks) - 1:
            raise ValueError(
                "`d_optimizer` must be one optimizer, or a pair with update='separate'. "
                f"Received: {len(d_optimizer)} for {len(stacks) - 1} updates. Pass as many, or one."
            )
        if len(d_optimizer) < len(stacks) - 1:
            optimizer = keras.optimizers.get(d_optimizer[0])
            d_optimizer = [optimizer, _fresh(optimizer)]
        # One that a stack has put into a LossScaleOptimizer, for half precision, may come again.
        inner = {
            id(getattr(stack.optimizer, "inner_optimizer", None)): stack.optimizer
            for stack in in_use
        }
        optimizers = [keras.optimizers.get(o) for o in (g_optimizer, *d_optimizer)]
        optimizers = [inner.get(id(optimizer), optimizer) for optimizer in optimizers]
        if len({id(optimizer) for optimizer in optimizers}) < len(optimizers):
            raise ValueError(
                "`g_optimizer` and `d_optimizer` must be different instances, since each keeps "
                "the state of its own variables. Received: one instance twice. Make one each."
            )
        bound = {id(stack.optimizer): stack.optimized_variables for stack in in_use}
        for index, (optimizer, stack) in enumerate(zip(optimizers, stacks, strict=True)):
            if optimizer.built and bound.get(id(optimizer)) != stack.variables_to_optimize():
                if id(optimizer) not in bound:
                    raise ValueError(
                        f"`{'d' if index else 'g'}_optimizer` must not have been used for another "
                        f"model. Received: {optimizer.name}, already built. Make a new one."
                    )
                # In use here, but for other variables: something was frozen or thawed since.
                optimizers[index] = _fresh(optimizer)
        return optimizers

    def _all_stacks(self):
        return [self._stacks.generator, *self._stacks.discriminator]

    @property
    def combined(self):
        return self._stacks.generator

    @property
    def averaged_generator(self):
        return self._stacks.average.average if self._stacks.average else self.generator

    @property
    def g_optimizer(self):
        return self._stacks.generator.optimizer

    @property
    def d_optimizer(self):
        optimizers = tuple(stack.optimizer for stack in self._stacks.discriminator)
        return optimizers if len(optimizers) > 1 else optimizers[0]

    @property
    def discriminator_steps(self):
        return self._settings["discriminator_steps"]

    @property
    def augment(self):
        """What all images pass through on their way to the discriminator, or None."""
        return self.combined.augment

    @property
    def optimizer(self):
        """All optimizers, as `keras.callbacks` look for them (`.optimizers`)."""
        optimizers = [stack.optimizer for stack in self._all_stacks()]
        variables = [variable for optimizer in optimizers for variable in optimizer.variables]
        return types.SimpleNamespace(optimizers=optimizers, variables=variables, built=True)

    # Training

    def train_on_batch(self, images):
        """One adversarial step on these images.

        `discriminator_steps` updates of the discriminator (the same images, fresh latents),
        then one of the generator.

        Args:
            images: `(batch_size, height, width, channels)`, uint8, or floats in
                `value_range`; any batch size. Labels beside them, `(images, labels)`, are
                left aside.

        Returns:
            Dict of floats: `d_loss`, `g_loss`, `d_real`, `d_fake` (mean scores, or mean
            probabilities of "real" for a discriminator with two columns), every further term
            (`penalty`, an auxiliary loss) and `loss`, the sum of the two losses. The
            discriminator's are those of its last update, before it was applied.

        Raises:
            ValueError: Wrong shape, dtype or values.
        """
        images = self._check_images(images)
        return self._step([images] * self.discriminator_steps)

    def train_discriminator_on_batch(self, images):
        """One update of the discriminator alone. Takes what `train_on_batch` takes.

        Returns:
            Dict of floats: `d_loss`, `d_real`, `d_fake` and `loss`, which is `d_loss`.
        """
        logs = self._update_discriminator(self._check_images(images))
        return {**logs, "loss": logs["d_loss"]}

    def train_generator_on_batch(self, images):
        """One update of the generator alone. Takes what `train_on_batch` takes.

        Returns:
            Dict of floats: `g_loss`, `d_fake` and `loss`, which is `g_loss`.
        """
        logs = self._update_generator(self._check_images(images))
        return {**logs, "loss": logs["g_loss"]}

    def _step(self, batches):
        """One adversarial step: a batch for each discriminator update."""
        for stack in self._all_stacks():
            stack.check_trainable()
        for images in batches:
            logs = self._update_discriminator(images)
        # The scores reported are those that the discriminator's own update saw.
        logs = self._update_generator(images) | logs
        logs["loss"] = logs["d_loss"] + logs["g_loss"]
        return logs

    def _update_discriminator(self, images):
        inputs = {"real_images": images, "latents": self._draw_latents(len(images))}
        logs = {}
        for stack in self._stacks.discriminator:
            stack_logs = stack.train_on_batch(inputs, return_dict=True)
            d_loss = stack_logs.pop("loss")
            # The halves of a separate update add up, unless each has the loss of both sides.
            if not stack.is_whole:
                d_loss += logs.get("d_loss", 0.0)
            for name, value in stack_logs.items():
                logs[name] = logs.get(name, 0.0) + value
            logs["d_loss"] = d_loss
        return logs

    def _update_generator(self, images):
        inputs = {"real_images": images, "latents": self._draw_latents(len(images))}
        if not self.combined.needs_real_images:
            del inputs["real_images"]
        logs = self.combined.train_on_batch(inputs, return_dict=True)
        logs["g_loss"] = logs.pop("loss")
        if self._stacks.average:
            self._stacks.average.update(
                min(self._settings["ema"], (1 + self.step) / (10 + self.step))
            )
        self.step += 1
        return logs

    def _draw_latents(self, count):
        rng = np.random.default_rng((self.seed, self._draws))
        self._draws += 1
        return latent_tools.draw(self.latents, (count, self.latent_dim), rng)

    def _check_images(self, images):
        if isinstance(images, (tuple, list)) and images and np.ndim(images[0]) == 4:
            images = images[0]  # labels and weights beside them are left aside
        return image_tools.check(images, self.image_shape, self.value_range)

    def fit(
        self,
        x,
        y=None,
        batch_size=None,
        epochs=1,
        steps_per_epoch=None,
        pretrain_steps=0,
        callbacks=None,
        verbose="auto",
        initial_epoch=0,
        steps=None,
    ):
        """Trains on all images, epoch by epoch.

        Every discriminator update gets a fresh batch. The order of an array or
        `kerasgan.datasets.ImageFolder` is a function of the seed and of the passes made, and
        the position in the data is part of the model: a second `fit`, or one after
        `keras.models.load_model`, goes on where the last one stopped, in the middle of a pass
        too. (Other data sets are entered at the same batch; their order is their own.)

        Args:
            x: uint8 array `(n, height, width, channels)` (or floats in `value_range`),
                `keras.utils.PyDataset`, or an iterable of batches: `tf.data.Dataset`, torch
                `DataLoader`, list. Batches are images or `(images, labels)`. (An iterator, which
                can be gone through only once, is read one batch ahead.)
            y: Integer labels `(n,)`, with an array; left aside by unconditional models.
            batch_size: Images in a batch, with an array; 32 by default.
            epochs: Number of the last epoch, as in Keras.
            steps: Number of the last step (`gan.step`), in place of `epochs`.
            steps_per_epoch: Steps in an epoch; by default one pass over the data.
            pretrain_steps: Discriminator updates to make before the first step of all.
            callbacks: List of `keras.callbacks.Callback`. Batch hooks get the step's dict,
                epoch hooks its means.
            verbose: `"auto"` or 1 shows a progress bar in a terminal or notebook, 0 nothing.
            initial_epoch: Number of the epoch to begin with.

        Returns:
            `keras.callbacks.History`.

        Raises:
            ValueError: An argument is none of these, or a batch does not fit.
            KeyboardInterrupt: After Ctrl-C, once the step under way is complete and the
                callbacks have seen the end of training; the model can be trained on.
        """
        checks.check_whole("epochs", epochs, 0)
        checks.check_whole("initial_epoch", initial_epoch, 0)
        checks.check_whole("pretrain_steps", pretrain_steps, 0)
        if steps_per_epoch is not None:
            checks.check_whole("steps_per_epoch", steps_per_epoch, 1)
        if steps is not None:
            checks.check_whole("steps", steps, 0)
        batches = Batches(x, y, batch_size, self.seed)
        if batches.first is not None:
            self._check_images(batches.first)
        if self._num_batches != (batches.num_batches or 0):
            # Other data, or other batches of it: the position means nothing there.
            self._num_batches = batches.num_batches or 0
            self._start_next_pass()
        if steps is not None:
            remaining = max(0, steps - self.step)
            epochs = initial_epoch + remaining  # at most: no epoch is without a step
        else:
            num_epochs = max(0, epochs - initial_epoch)
            remaining = self._count_steps(num_epochs, steps_per_epoch, batches.num_batches)
        if not isinstance(callbacks, keras.callbacks.CallbackList):
            callbacks = keras.callbacks.CallbackList(
                callbacks,
                add_history=True,
                model=self,
                verbose=0,
                epochs=epochs,
                steps=self._count_steps(1, steps_per_epoch, batches.num_batches),
            )
        self.stop_training = False
        self._initial_epoch = None
        with _progress_bar(remaining, verbose) as bar, _interrupts_between_steps(self):
            callbacks.on_train_begin()
            # How `keras.callbacks.BackupAndRestore` tells Keras's `fit` where to go on.
            initial_epoch = self._initial_epoch or initial_epoch
            self._pretrain(batches, pretrain_steps, bar)
            stream = self._stream(batches)
            logs = None
            for epoch in range(initial_epoch, epochs):
                if self.stop_training or self.step == steps:
                    break
                bar.set_description(
                    f"Epoch {epoch + 1}" + (f"/{epochs}" if steps is None else ""), refresh=False
                )
                callbacks.on_epoch_begin(epoch)
                if steps_per_epoch is not None and self.epoch_step >= steps_per_epoch:
                    self.epoch_step = 0
                sums, count, is_over = {}, 0, False
                while not is_over and not self.stop_training and self.step != steps:
                    step, first_pass = self.epoch_step, self._pass
                    callbacks.on_train_batch_begin(step)
                    images = list(itertools.islice(stream, self.discriminator_steps))
                    logs = self._step(images)
                    self.epoch_step += 1
                    if steps_per_epoch is None:
                        is_over = self._pass > first_pass
                    else:
                        is_over = self.epoch_step == steps_per_epoch
                    if is_over:
                        self.epoch, self.epoch_step = self.epoch + 1, 0
                    count += 1
                    sums = {name: sums.get(name, 0.0) + value for name, value in logs.items()}
                    # Callbacks may add to the dict, as they do in Keras.
                    callbacks.on_train_batch_end(step, dict(logs))
                    bar.show(logs, sum(map(len, images)))
                logs = {name: value / count for name, value in sums.items()}
                callbacks.on_epoch_end(epoch, logs)
            callbacks.on_train_end(logs)
        return getattr(self, "history", None)

    def _count_steps(self, num_epochs, steps_per_epoch, num_batches):
        """Steps in so many epochs from here, None where the data does not tell."""
        if steps_per_epoch is not None:
            return max(0, num_epochs * steps_per_epoch - self.epoch_step)
        if num_batches is None:
            return None
        # A step that goes over the end of a pass ends the epoch; each epoch has one at least.
        left = max(0, num_epochs * num_batches - self._batch)
        return max(num_epochs, -(-left // self.discriminator_steps))

    def _pretrain(self, batches, pretrain_steps, bar):
        """Discriminator updates before the first step, unless they were made already."""
        if self.step or self._pretrained >= pretrain_steps:
            return
        bar.set_description("Pretraining", refresh=True)
        stream = self._stream(batches)
        while self._pretrained < pretrain_steps and not self.stop_training:
            self._update_discriminator(next(stream))
            self._pretrained += 1
        if self._pretrained == pretrain_steps:
            self._start_next_pass()  # the first epoch is to be a whole one

    def _start_next_pass(self):
        if self._batch:
            self._pass, self._batch = self._pass + 1, 0
        self.epoch_step = 0

    def _stream(self, batches):
        """Checked images from where training stands on; moves the position along."""
        for batch, *position in batches.stream(self._pass, self._batch):
            images = self._check_images(batch)
            self._pass, self._batch = position
            yield images

    # Sampling

    def sample(self, n, seed=None, labels=None, latents=None):
        """Makes images.

        Args:
            n: Number of images.
            seed: Integer; the same seed makes the same images (on every backend from the
                same latents). By default other ones at each call.
            labels: None: the models are unconditional.
            latents: The latents themselves, `(n, latent_dim)`, instead of drawn ones.

        Returns:
            uint8 array `(n, height, width, channels)`. No state is changed.

        Raises:
            ValueError: An argument is none of these, or the generator's weights are not finite.
        """
        checks.check_whole("n", n, 0)
        if seed is not None:
            checks.check_whole("seed", seed, 0)
        if labels is not None:
            raise ValueError(
                "`labels` must be None for an unconditional model. "
                f"Received: labels={labels!r}. Leave it out."
            )
        if latents is None:
            rng = np.random.default_rng(seed)
            latents = latent_tools.draw(self.latents, (n, self.latent_dim), rng)
        latents = np.asarray(latents, dtype="float32")
        if latents.shape != (n, self.latent_dim):
            raise ValueError(
                f"`latents` must have shape (n, latent_dim) = {(n, self.latent_dim)}. "
                f"Received: latents of shape {latents.shape}. Pass one row per image."
            )
        if n == 0:
            return np.zeros((0, *self.image_shape), dtype="uint8")
        return generate(self.averaged_generator, latents, self.value_range)

    def score(self, images):
        """The discriminator's mind of images, as it is in use (not in training).

        Args:
            images: What `train_on_batch` takes.

        Returns:
            float32 array `(n,)`: scores, or probabilities of "real" for a discriminator with
            two columns. (One for each pack of images, for one that packs them.)
        """
        images = image_tools.to_float(self._check_images(images), self.value_range)
        outputs = self.discriminator.predict_on_batch(images)
        return keras.ops.convert_to_numpy(reported(outputs)).reshape(-1)

    # Saving

    def save(self, filepath, overwrite=True, **kwargs):
        """Saves everything as a `.keras` file; `keras.models.load_model` gives it back.

        Both models, optimizers, averages, every random state, the step and the position in
        the data: training after a load equals never having stopped, bit for bit on a CPU.
        (One exception: on PyTorch, Dropout layers of Keras without a seed draw from a state
        that is not the model's.) Loss functions, latents and augmentations that are functions
        of your own must be registered with `keras.saving.register_keras_serializable`, or be
        given to `load_model` as `custom_objects`. The file is written whole or not at all.
        """
        if not overwrite and os.path.exists(filepath):
            raise ValueError(
                f"`filepath` must be a new file with overwrite=False. Received: filepath="
                f"{str(filepath)!r}, which exists. Choose another name."
            )
        if not str(filepath).endswith(".keras"):
            raise ValueError(
                f"`filepath` must end in .keras. Received: filepath={str(filepath)!r}. Rename it."
            )
        for stack in self._all_stacks():
            stack.check_trainable()
        with replacing(filepath) as temporary:
            super().save(temporary, **kwargs)

    def load_weights(self, filepath, skip_mismatch=False, **kwargs):
        """Loads what `save_weights` or `save` wrote, as in Keras, but all of it or nothing.

        Raises:
            ValueError: The file is of other models or optimizers, or not finite. (Keras raises
                other errors for a file that is none.) The GAN is then what it was before.
        """
        with tempfile.TemporaryDirectory() as folder:
            before = os.path.join(folder, "before.weights.h5")
            self.save_weights(before)
            try:
                with warnings.catch_warnings():
                    # Keras leaves out an optimizer that does not fit, and only warns.
                    warnings.filterwarnings(
                        "default" if skip_mismatch else "error", "Skipping variable loading"
                    )
                    super().load_weights(filepath, skip_mismatch=skip_mismatch, **kwargs)
                if not self._is_finite():
                    raise ValueError(
                        "`filepath` must hold finite weights. Received: "
                        f"filepath={str(filepath)!r}, with NaN or infinity. Load an earlier file."
                    )
            except BaseException as error:
                super().load_weights(before)
                if "Skipping variable loading" in str(error):
                    raise ValueError(
                        "`filepath` must be of a GAN with the same optimizers. Received: "
                        f"filepath={str(filepath)!r}. Compile with those first, or pass "
                        "skip_mismatch=True to begin with new ones."
                    ) from error
                raise

    def _is_finite(self):
        """Whether training can go on from here: no weight, average or moment is NaN."""
        return checks.is_finite(
            [*self.weights, *self.averaged_generator.weights, *self.optimizer.variables]
        )

    def get_config(self):
        return {
            "generator": keras.saving.serialize_keras_object(self.generator),
            "discriminator": keras.saving.serialize_keras_object(self.discriminator),
            "latents": latent_tools.plain(self.latents),
            "value_range": self.value_range,
            "seed": self.seed,
            "ema": self._settings["ema"],
            "name": self.name,
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        config = dict(config)
        for name in ("generator", "discriminator", "latents"):
            if isinstance(config[name], dict):
                config[name] = keras.saving.deserialize_keras_object(config[name], custom_objects)
        ema = config.pop("ema", None)
        gan = cls(**config)
        gan.compile(ema=ema)  # for `load_model(compile=False)`: the average belongs to the models
        return gan

    def get_compile_config(self):
        optimizers = [_serialize_optimizer(optimizer) for optimizer in self.optimizer.optimizers]
        d_optimizers = optimizers[1:] if len(optimizers) > 2 else optimizers[1]
        settings = keras.saving.serialize_keras_object(self._settings)
        return {"g_optimizer": optimizers[0], "d_optimizer": d_optimizers, **settings}

    def compile_from_config(self, config):
        self.compile(**keras.saving.deserialize_keras_object(config))

    def save_own_variables(self, store):
        for name in PROGRESS:
            store[name] = np.array(getattr(self, name), dtype="int64")
        for index, variable in enumerate(self._random_variables()):
            store[f"random_{index}"] = keras.ops.convert_to_numpy(variable.value).astype("int64")

    def load_own_variables(self, store):
        for name in PROGRESS:
            setattr(self, name, int(np.asarray(store[name])))
        for index, variable in enumerate(self._random_variables()):
            variable.assign(np.asarray(store[f"random_{index}"]))

    def _random_variables(self):
        """Every random state that training draws from. Keras's own files leave them out."""
        found = {}
        for stack in self._all_stacks():
            found.update({id(variable): variable for variable in random_variables(stack)})
        return list(found.values())


def _serialize_optimizer(optimizer):
    config = keras.saving.serialize_keras_object(optimizer)
    if hasattr(optimizer, "inner_optimizer"):
        config["config"]["inner_optimizer"] = _serialize_optimizer(optimizer.inner_optimizer)
    # On PyTorch, Keras 3.15 writes down a class that only its PyTorch backend has, and then the
    # file trains nowhere else.
    if config["module"].startswith("keras.") and hasattr(keras.optimizers, config["class_name"]):
        config |= {"module": "keras.optimizers", "registered_name": None}
    return config


def _fresh(optimizer):
    """An unused optimizer like this one."""
    return type(optimizer).from_config(optimizer.get_config())


def _copy(model):
    """The same model with the same weights, which no optimizer trains."""
    copy = keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    for variable in copy.variables:
        variable.trainable = False
    return copy


@contextlib.contextmanager
def _interrupts_between_steps(model):
    """Makes Ctrl-C end training after the step under way; a second one acts at once.

    In the middle of a step JAX would lose the variables that it has given away.
    """
    received = []

    def stop(signal_number, frame):
        if received:
            raise KeyboardInterrupt
        received.append(signal_number)
        model.stop_training = True

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if received:
        raise KeyboardInterrupt


class _ProgressBar(tqdm.auto.tqdm):
    """Steps made, steps left and the time for them, losses, and images per second."""

    def show(self, logs, num_images):
        if self.disable:
            return
        shown = {name: f"{logs[name]:.3f}" for name in ("d_loss", "g_loss")}
        state = self.format_dict
        # Before tqdm has a smoothed rate it is the mean one.
        rate = state["rate"] or (state["n"] + 1) / state["elapsed"]
        self.set_postfix(shown | {"images/s": f"{rate * num_images:.0f}"}, refresh=False)
        self.update()


def _progress_bar(total, verbose):
    # `disable=None` is tqdm's word for "unless this is a terminal"; a notebook is none.
    in_notebook = tqdm.auto.tqdm is not tqdm.asyncio.tqdm
    disable = not verbose or (False if in_notebook else None)
    return _ProgressBar(total=total, unit="step", disable=disable, dynamic_ncols=True)
