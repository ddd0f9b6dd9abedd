"""`GAN`: two Keras models that play against each other, as one Keras model."""

import os
import random
import tempfile
import types
import warnings
from collections.abc import Callable, Iterable, Sequence

import keras
import numpy as np

from kerasgan import _habits, checks, inputs, layers, loop, losses, optimizers, settings
from kerasgan import images as image_tools
from kerasgan import latents as latent_tools
from kerasgan._interrupts import deferred
from kerasgan.average import Average
from kerasgan.backend import to_numpy
from kerasgan.batches import Batches
from kerasgan.checks import argument_error
from kerasgan.files import replacing
from kerasgan.networks import (
    check_models,
    check_range,
    feed,
    first,
    infer,
    latents_shape,
    random_variables,
    reported,
    takes,
)
from kerasgan.progress import Progress
from kerasgan.sampler import Sampler
from kerasgan.stacks import SIDES, build_stacks
from kerasgan.step import AdversarialStep

__all__ = ["GAN"]

# Of the files that `GAN.save` writes. A version of kerasgan reads its own format only.
FORMAT = 2

_ON_BATCH = ("train_on_batch", "train_discriminator_on_batch", "train_generator_on_batch")
_CHANGE_THE_STEP = (
    "Pass what is to be changed to compile (`loss`, `penalty`, `auxiliary_loss`, `augment`, "
    "`update`), or write a loop of your own with train_discriminator_on_batch and "
    "train_generator_on_batch."
)


@keras.saving.register_keras_serializable(package="kerasgan")
class GAN(keras.Model):
    """A generator and a discriminator, trained against each other by stacked models.

    It is usable at once: compiled with binary cross-entropy on logits (the non-saturating
    loss) and Adam (learning rate 2e-4, beta_1 0.5) on both sides.

    Args:
        generator: Built `keras.Model` that takes latents `(batch_size, latent_dim)` and gives
            images `(batch_size, height, width, channels)` in `value_range`. Of several outputs
            the first is the images.
        discriminator: Built `keras.Model` that takes such images and gives one linear score
            (logit) `(batch_size, 1)`, high for real, or two linear columns (fake, real). Of
            several outputs the first is the score; see `auxiliary_loss` of `compile`.
            Networks with several Inputs are fed by the names of their `keras.Input`s:
            `latents`, `labels`, `images`, and whatever else the batches hold by name.
        latents: Distribution of the latents: `"normal"`, `"uniform"` (0 to 1),
            `"symmetric_uniform"` (-1 to 1), `("normal", mean, deviation)`, or a callable
            `latents(shape, seed=...)`, as the functions of `keras.random` are.
        value_range: `(low, high)` of the networks' images: (-1, 1) for a tanh generator,
            (0, 1) for a sigmoid one. You pass and get uint8.
        num_classes: Number of classes, for models that are trained with labels.
        class_names: Their names, in the order of the labels.
        seed: Integer behind the latents and the order of the data; by default from Python's
            `random`, as Keras does.
        name: Name of the model.

    Raises:
        ValueError: The two models do not fit together, or an argument cannot be used.

    Attributes:
        generator, discriminator: The two models, with their raw weights.
        combined: The stack latents -> D(G(latents)). Training it trains the generator only.
        sampling_generator: What `sample` uses: the average of the generator's weights with
            `compile(ema=...)`, else the generator.
        g_optimizer, d_optimizer: The optimizers; `d_optimizer` is a pair with
            `update="separate"`. Their `learning_rate` may be set between calls.
        discriminator_steps, steps_per_execution: As given to `compile`.
        image_shape: `(height, width, channels)`.
        latent_dim: Length of a latent vector; None for a generator that takes no latents.
        num_classes, class_names: Of the labels; None if the models take none.
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

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        latents: str | tuple | Callable = "normal",
        value_range: tuple[float, float] = (-1, 1),
        num_classes: int | None = None,
        class_names: Sequence[str] | None = None,
        seed: int | None = None,
        name: str | None = None,
    ):
        check_models(generator, discriminator)
        value_range = checks.check_value_range(value_range)
        check_range(generator, value_range)
        super().__init__(name=name)
        self.generator = generator
        self.discriminator = discriminator
        self.latents = latent_tools.standardize(latents)
        self.value_range = value_range
        self.num_classes = num_classes
        self.class_names = class_names
        self.image_shape = tuple(first(generator.outputs).shape[1:])
        shape = latents_shape(generator)
        self.latent_dim = None if shape is None else shape[1]
        self._check_classes()
        self.seed = random.randint(0, 2**31 - 1) if seed is None else seed
        checks.check_whole("seed", self.seed, 0, 2**31 - 1)
        self.progress = Progress()
        self._latent_stream = latent_tools.Stream()
        # The random states of training that are no model's own. They outlive a `compile`.
        self._noise = types.MappingProxyType(
            {
                name: keras.random.SeedGenerator(self.seed + 1 + index)
                for index, name in enumerate(("generator", "discriminator", "penalty"))
            }
        )
        # In an object, or Keras would take layers among them for parts of this model.
        self._choices = types.SimpleNamespace(
            settings=dict(settings.DEFAULTS), augment=None, average=None, has_seen_data=False
        )
        # Until `compile` is called, or what it makes is needed.
        self._compiled_step: AdversarialStep | None = None
        self.stop_training = False
        self.built = True

    def call(self, inputs, training=False):
        """What the generator makes: images in `value_range` from latents."""
        return self.generator(inputs, training=training)

    # Compiling

    def compile(
        self,
        g_optimizer: str | dict | keras.optimizers.Optimizer | None = None,
        d_optimizer: str | dict | keras.optimizers.Optimizer | tuple | None = None,
        loss: str | tuple[Callable, Callable] | None = None,
        update: str | None = None,
        discriminator_steps: int | None = None,
        label_smoothing: float | None = None,
        ema: float | None = None,
        augment: str | Callable | bool | None = None,
        jit_compile: bool | str | None = None,
        penalty: str | dict[str, float] | Callable | bool | None = None,
        auxiliary_loss: Callable | bool | None = None,
        steps_per_execution: int | None = None,
        **others: object,
    ) -> None:
        """Sets how the two models are trained. What is not given stays as it is.

        Args:
            g_optimizer: `keras.optimizers.Optimizer` (or name) of the generator. A
                `LearningRateSchedule` counts the GAN's steps, on both sides.
            d_optimizer: That of the discriminator, another instance; with
                `update="separate"` also a pair, for real and for fake images.
            loss: `"non_saturating"` (binary cross-entropy), `"minimax"`, `"least_squares"`,
                `"hinge"`, `"wasserstein"`, `"relativistic_average"`, `"relativistic_paired"`,
                or a pair of functions of `(real_scores, fake_scores)`: the generator's and the
                discriminator's. See `kerasgan.losses`.
            update: How the discriminator learns. `"joint"`: one update from separate passes
                over real and fake images; `"concatenated"`: one update from one pass over
                both together (BatchNormalization then sees both at once); `"separate"`: one
                update for real images and one for fake ones, each with an optimizer of its own;
                `"simultaneous"`: as joint, and the generator is updated at the same time, from
                the same pass over the same fake images (a sixth less arithmetic; the generator
                meets the discriminator as it was before its update).
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
            jit_compile: As in `keras.Model.compile`: `"auto"`, True or False. One step is one
                compiled call on TensorFlow and JAX. On PyTorch it is recorded after some steps
                and replayed without the Python of Keras's layers, unless it draws noise
                (Dropout, augmentation, some penalties); True has `torch.compile` work on it.
            steps_per_execution: Steps in one compiled call of `fit`, as in Keras: callbacks run
                once a call. The results are the same up to rounding. (On PyTorch it saves nothing.)
            penalty: A further term of the discriminator's loss, from the gradient of its score
                at images: `"gradient_penalty"`, `"dragan"`, `"r1"`, `"r2"`, a dict of such names
                and weights, `{"r1": 5.0}`, or a function of
                `(score, real_images, fake_images, seed)`. `False` turns it off.
            auxiliary_loss: A further term of both sides' losses, for a discriminator that gives
                more than a score: function of `(inputs, real_outputs, fake_outputs)` that
                returns a scalar. `inputs` is the batch, a dict with `images` (floats in
                `value_range`), `latents`, `labels` and any other array, and with `fake_images` and
                `generator_outputs`, a list of all that the generator gives. Outputs are all that
                the discriminator gives, None for a side that was not passed through it. Reported
                under its `name` or `__name__`. `False` turns it off.

        Raises:
            ValueError: An argument cannot be used.
            TypeError: An argument is one of `keras.Model.compile` that a GAN does not take; the
                message says what to do instead.
        """
        _habits.refuse("compile", others, _habits.COMPILE)
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
            "steps_per_execution": steps_per_execution,
        }
        merged = settings.merge(self._choices.settings, given)
        settings.check(merged, self.discriminator)
        g_loss, d_loss = losses.resolve(merged["loss"], merged["label_smoothing"])
        penalty = losses.resolve_penalty(merged["penalty"])
        if augment is None:
            augment = self._choices.augment
        elif isinstance(augment, str):
            augment = layers.DiffAugment(augment, value_range=self.value_range, seed=self.seed)
        elif augment is not False:
            settings.check_augment(augment, self.image_shape)
        if isinstance(augment, keras.layers.Layer) and not augment.built:
            augment.build((None, *self.image_shape))
        average = self._average(merged["ema"])
        stacks = build_stacks(
            self.generator,
            self.discriminator,
            update=merged["update"],
            g_loss=g_loss,
            d_loss=d_loss,
            penalty=penalty,
            value_range=self.value_range,
            noise=self._noise,
            augment=augment or None,
            auxiliary_loss=merged["auxiliary_loss"],
        )
        in_use = self._compiled_step.stacks if self._compiled_step else []
        found = optimizers.resolve(g_optimizer, d_optimizer, stacks.all, in_use)
        stacks.compile(found, merged["jit_compile"])
        self._choices.settings = merged
        self._choices.augment = augment or None
        self._choices.average = average
        self._compiled_step = AdversarialStep(stacks, average, merged["jit_compile"], self.progress)
        self.compiled = True

    def _average(self, ema):
        """The `Average` for this decay: the one in use, a new one, or None."""
        if not ema or self._choices.average:
            return self._choices.average if ema else None
        try:
            return Average(self.generator)
        except Exception as error:
            raise argument_error(
                "ema",
                "be False for a generator that Keras cannot copy",
                f"ema={ema}, with a generator about which Keras says: {checks.reason(error)}",
                "Give its layers a get_config that holds the arguments of their __init__, and "
                "register their classes and functions with "
                "keras.saving.register_keras_serializable.",
            ) from error

    @property
    def _training(self):
        """The stacks and their compiled step, with the default settings if there are no others."""
        if self._compiled_step is None:
            self.compile()
        return self._compiled_step

    @property
    def combined(self):
        return self._training.generator

    @property
    def sampling_generator(self):
        return self._choices.average.average if self._choices.average else self.generator

    @property
    def g_optimizer(self):
        return self._training.optimizers[0]

    @property
    def d_optimizer(self):
        optimizers = tuple(self._training.optimizers[1:])
        return optimizers if len(optimizers) > 1 else optimizers[0]

    @property
    def discriminator_steps(self):
        return self._choices.settings["discriminator_steps"]

    @discriminator_steps.setter
    def discriminator_steps(self, value):
        self.compile(discriminator_steps=value)

    @property
    def steps_per_execution(self):
        return self._choices.settings["steps_per_execution"]

    @steps_per_execution.setter
    def steps_per_execution(self, value):
        if hasattr(self, "_choices"):  # Keras sets it to 1 while a model is made
            self.compile(steps_per_execution=value)

    @property
    def augment(self):
        """What all images pass through on their way to the discriminator, or None."""
        return self._choices.augment

    @property
    def optimizer(self):
        """All optimizers, as `keras.callbacks` look for them (`.optimizers`)."""
        return optimizers.Optimizers(self._training.optimizers)

    @property
    def step(self):
        return self.progress.step

    @property
    def epoch(self):
        return self.progress.epoch

    @property
    def epoch_step(self):
        return self.progress.epoch_step

    # Training

    def train_on_batch(
        self, images: np.ndarray | tuple | dict[str, np.ndarray]
    ) -> dict[str, float]:
        """One adversarial step on these images.

        `discriminator_steps` updates of the discriminator (the same images, fresh latents),
        then one of the generator.

        Args:
            images: `(batch_size, height, width, channels)`, uint8, or floats in
                `value_range`; any batch size. Also `(images, labels)`, or a dict of arrays:
                `images`, `labels`, and whatever else the networks take by name. Labels are
                ignored by models that take none.

        Returns:
            Dict of floats: `d_loss`, `g_loss`, `d_real`, `d_fake` (mean scores, or mean
            probabilities of "real" for a discriminator with two columns), every further term
            (`d_loss_real` and `d_loss_fake` where the loss is a sum over the two sides,
            `penalty`, an auxiliary loss) and `loss`, the sum of the two losses. The
            discriminator's are those of its last update, before it was applied.

        Raises:
            ValueError: Wrong shape, dtype or values.
        """
        batch = self._check_batch(images)
        return dict(self._make_steps([[batch] * self.discriminator_steps]))

    def train_discriminator_on_batch(
        self, images: np.ndarray | tuple | dict[str, np.ndarray], sides: str = "both"
    ) -> dict[str, float]:
        """One update of the discriminator alone.

        Args:
            images: What `train_on_batch` takes.
            sides: `"both"`; or `"real"` or `"fake"`, to learn from these images only.

        Returns:
            Dict of floats: `d_loss`, the mean scores, every further term, and `loss`, which is
            `d_loss`.

        Raises:
            ValueError: `images` or `sides` cannot be used.
        """
        checks.check_choice("sides", sides, ("both", *SIDES), "Leave it out for both.")
        return dict(self._update_discriminator(self._check_batch(images), sides))

    def train_generator_on_batch(
        self, images: np.ndarray | tuple | dict[str, np.ndarray]
    ) -> dict[str, float]:
        """One update of the generator alone. Takes what `train_on_batch` takes.

        Returns:
            Dict of floats: `g_loss`, `d_fake`, every further term, and `loss`, which is `g_loss`.
        """
        self._training.generator.check_trainable()
        return dict(self._run("generator", [[self._check_batch(images)]]))

    def _make_steps(self, steps):
        """Adversarial steps, each from a list of batches: one for each discriminator update."""
        for stack in self._training.stacks:
            stack.check_trainable()
        # The generator's update has latents of its own, unless both sides share their fakes.
        further = 0 if self._training.simultaneous else 1
        return self._run("step", [batches + batches[len(batches) - further :] for batches in steps])

    def _update_discriminator(self, batch, sides="both"):
        for stack in self._training.discriminators[sides]:
            stack.check_trainable()
        return self._run(sides, [[batch]])

    def _run(self, kind, steps):
        """Runs updates from these batches, with latents for each; see `AdversarialStep.run`.

        Ctrl-C waits for its end: the counters and the weights tell of the same updates.
        """
        with deferred():
            draws = self.progress.draws
            try:
                data = [
                    self._data([self._draw_latents(batch) for batch in batches], index)
                    for index, batches in enumerate(steps)
                ]
                if len(data) == 1:
                    logs = self._training.run(kind, data[0])
                else:
                    stacked = keras.tree.map_structure(lambda *arrays: np.stack(arrays), *data)
                    logs = self._training.run(kind, stacked, repeated=True)
            except BaseException:
                self.progress.draws = draws
                raise
            if kind in ("step", "generator"):
                self.progress.step += len(steps)
        # The next call wants as many, most likely; the device may be busy with this one.
        if self.latent_dim is not None:
            shapes = [self._latents_of(batch) for batches in steps for batch in batches]
            self._latent_stream.prepare(self.latents, shapes, self.seed, self.progress.draws)
        return logs

    def _latents_of(self, batch):
        return (len(batch["images"]), self.latent_dim)

    def _data(self, batches, index):
        """What the step needs that is `index` steps from here."""
        step = self.step + index
        decay = min(self._choices.settings["ema"] or 0.0, (1 + step) / (10 + step))
        return {"batches": batches, "decay": np.float32(decay), "number": np.int32(step)}

    def _draw_latents(self, batch):
        """The batch with the next latents."""
        if self.latent_dim is None:
            return batch
        arguments = (self.latents, self._latents_of(batch), self.seed, self.progress.draws)
        self.progress.draws += 1
        return batch | {"latents": self._latent_stream.draw(*arguments)}

    def _check_batch(self, batch):
        """A batch as a dict of checked arrays."""
        meant = (self.value_range, self.num_classes)
        checked = inputs.check(batch, self.generator, self.discriminator, *meant)
        if not self._choices.has_seen_data:
            self._choices.has_seen_data = True
            inputs.warn_of_habits(batch, checked, *meant)
        return checked

    def fit(
        self,
        x: np.ndarray | dict[str, np.ndarray] | keras.utils.PyDataset | Iterable,
        y: np.ndarray | None = None,
        batch_size: int | None = None,
        epochs: int = 1,
        steps_per_epoch: int | None = None,
        pretrain_steps: int = 0,
        callbacks: Sequence[keras.callbacks.Callback] | None = None,
        verbose: int | str = "auto",
        initial_epoch: int = 0,
        steps: int | None = None,
        **others: object,
    ) -> keras.callbacks.History:
        """Trains on all images, epoch by epoch.

        Every discriminator update gets a fresh batch. The order of an array or
        `kerasgan.datasets.ImageFolder` is a function of the seed and of the passes made, and
        the position in the data is part of the model: a second `fit`, or one after
        `keras.models.load_model`, goes on where the last one stopped, in the middle of a pass
        too. (Other data sets are entered at the same batch; their order is their own.)

        Args:
            x: uint8 array `(n, height, width, channels)` (or floats in `value_range`),
                `keras.utils.PyDataset`, or an iterable of batches: `tf.data.Dataset`, torch
                `DataLoader`, list. Batches are images, `(images, labels)` or dicts of arrays. A
                pair `(images, labels)` or a dict of arrays will do too. (An iterator, which
                can be gone through only once, is read one batch ahead.)
            y: Integer labels `(n,)`, with an array; ignored by models that take none.
            batch_size: Images in a batch, with an array; 32 by default. A last batch that would be
                shorter is filled up with images of the pass's first, so that all batches are
                equal.
            epochs: Number of the last epoch, as in Keras.
            steps: Number of the last step (`gan.step`), in place of `epochs`.
            steps_per_epoch: Steps in an epoch; by default one pass over the data.
            pretrain_steps: Discriminator updates to make before the first step of all. Callbacks
                get them as batches below zero, up to -1, with the discriminator's terms only.
            callbacks: List of `keras.callbacks.Callback`. Batch hooks get the step's dict,
                epoch hooks its means.
            verbose: As in Keras: 0 shows nothing; `"auto"` and 1 a progress bar, or one line a
                minute if there is neither a terminal nor a notebook; 2 one line per epoch.
            initial_epoch: Number of the epoch to begin with.

        Returns:
            `keras.callbacks.History`.

        Raises:
            ValueError: An argument cannot be used, a batch does not fit, or the weights hold NaN
                or infinity from the start.
            TypeError: An argument is one of `keras.Model.fit` that a GAN does not take; the
                message says what to do instead.
            KeyboardInterrupt: After Ctrl-C, once the step under way is complete and the
                callbacks have seen the end of training; the model can be trained on.
        """
        _habits.refuse("fit", others, _habits.FIT)
        self._check_own_steps()
        checks.check_whole("epochs", epochs, 0)
        checks.check_whole("initial_epoch", initial_epoch, 0)
        checks.check_whole("pretrain_steps", pretrain_steps, 0)
        if steps_per_epoch is not None:
            checks.check_whole("steps_per_epoch", steps_per_epoch, 1)
        if steps is not None:
            checks.check_whole("steps", steps, 0)
        checks.check_choice("verbose", verbose, ("auto", 0, 1, 2))
        loop.check_callbacks(callbacks)
        batches = Batches(x, y, batch_size, self.seed)
        if batches.first is not None:
            self._check_batch(batches.first)
        self._check_finite("trained")
        return loop.fit(
            self,
            batches,
            epochs=epochs,
            initial_epoch=initial_epoch,
            steps=steps,
            steps_per_epoch=steps_per_epoch,
            pretrain_steps=pretrain_steps,
            callbacks=callbacks,
            verbose=verbose,
        )

    def _check_own_steps(self):
        for name in _ON_BATCH:
            if getattr(type(self), name) is not getattr(GAN, name):
                raise TypeError(
                    f"{type(self).__name__} must not override `{name}` to be trained by `fit`, "
                    f"which makes its steps without it. {_CHANGE_THE_STEP}"
                )

    # Sampling

    def sample(
        self,
        n: int,
        seed: int | None = None,
        labels: np.ndarray | None = None,
        latents: np.ndarray | None = None,
    ) -> np.ndarray:
        """Makes images.

        Args:
            n: Number of images.
            seed: Integer; the same seed makes the same images (on every backend from the
                same latents). By default other ones at each call.
            labels: Classes of the images, whole numbers `(n,)`; drawn from the seed by default.
                Only for a generator that takes labels.
            latents: The latents themselves, `(n, latent_dim)`, instead of drawn ones.

        Returns:
            uint8 array `(n, height, width, channels)`. No state is changed.

        Raises:
            ValueError: An argument cannot be used, or the generator's weights are not finite.
        """
        checks.check_whole("n", n, 0)
        if seed is not None:
            checks.check_whole("seed", seed, 0)
        if self.latent_dim is None:
            raise ValueError(
                "`sample` needs a generator that takes latents. Received: one that takes "
                f"{self.generator.inputs[0].name}. Call gan.generator itself."
            )
        if labels is not None and not takes(self.generator, "labels"):
            raise argument_error(
                "labels",
                "be None for a generator that takes none",
                f"labels={labels!r}",
                "Leave it out.",
            )
        if labels is not None:
            labels = inputs.check_labels(labels, n, self.num_classes)
        if latents is not None:
            latents = latent_tools.check(latents, (n, self.latent_dim))
        return self._sampler.sample(n, seed, labels, latents)

    @property
    def _sampler(self):
        return Sampler(self.sampling_generator, self.latents, self.value_range, self.num_classes)

    def score(self, images: np.ndarray | tuple | dict[str, np.ndarray]) -> np.ndarray:
        """Scores images with the discriminator in inference mode.

        Args:
            images: What `train_on_batch` takes.

        Returns:
            float32 array `(n,)`: scores, or probabilities of "real" for a discriminator with
            two columns. (One for each pack of images, for one that packs them.)
        """
        batch = self._check_batch(images)
        seen = to_numpy(image_tools.to_float(batch["images"], self.value_range))
        outputs = infer(self.discriminator, feed(self.discriminator, batch, seen))
        return to_numpy(reported(outputs)).astype("float32").reshape(-1)

    # Saving

    def save(self, filepath: str | os.PathLike, overwrite: bool = True, **kwargs) -> None:
        """Saves everything as a `.keras` file; `keras.models.load_model` gives it back.

        Both models, optimizers, averages, every random state, the step and the position in
        the data: training after a load equals never having stopped, bit for bit on a CPU.
        (One exception: on PyTorch, Dropout layers of Keras without a seed draw from a state
        that is not the model's.) Loss functions, latents and augmentations that are functions
        of your own must be registered with `keras.saving.register_keras_serializable`, or be
        given to `load_model` as `custom_objects`. The file is written whole or not at all.

        Raises:
            ValueError: `filepath` cannot be used, or the weights hold NaN or infinity.
                (`save_weights` saves them all the same.)
        """
        checks.check_path("filepath", filepath)
        checks.check_flag("overwrite", overwrite)
        if not overwrite and os.path.exists(filepath):
            raise argument_error(
                "filepath",
                "be a new file with overwrite=False",
                f"filepath={str(filepath)!r}, which exists",
                "Choose another name.",
            )
        if not str(filepath).endswith(".keras"):
            raise argument_error(
                "filepath", "end in .keras", f"filepath={str(filepath)!r}", "Rename it."
            )
        for stack in self._training.stacks:
            stack.check_trainable()
        self._check_finite("saved")
        with replacing(filepath) as temporary:
            super().save(temporary, **kwargs)

    def load_weights(self, filepath, skip_mismatch=False, **kwargs):
        """Loads what `save_weights` or `save` wrote, as in Keras, but all of it or nothing.

        Raises:
            ValueError: The file is of other models or optimizers, or not finite. (If it is not a
                weights file, Keras raises its own error.) The GAN is then as it was before.
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
                    raise argument_error(
                        "filepath",
                        "hold finite weights",
                        f"filepath={str(filepath)!r}, with NaN or infinity",
                        "Load an earlier file.",
                    )
            except BaseException as error:
                super().load_weights(before)
                if "Skipping variable loading" in str(error):
                    raise argument_error(
                        "filepath",
                        "be of a GAN with the same optimizers",
                        f"filepath={str(filepath)!r}",
                        "Compile with those first, or pass skip_mismatch=True to begin with new "
                        "ones.",
                    ) from error
                raise

    def _is_finite(self):
        """Whether training can go on from here: no weight, average or moment is NaN."""
        return checks.is_finite(
            [*self.weights, *self.sampling_generator.weights, *self.optimizer.variables]
        )

    def _check_finite(self, purpose):
        if not self._is_finite():
            raise ValueError(
                f"The GAN must have finite weights to be {purpose}. Received: NaN or infinity in "
                f"its weights, their average or the optimizers, at step {self.step}. Load an "
                "earlier file, and train on with smaller learning rates."
            )

    def get_config(self):
        return {
            "format": FORMAT,
            "generator": keras.saving.serialize_keras_object(self.generator),
            "discriminator": keras.saving.serialize_keras_object(self.discriminator),
            "latents": latent_tools.plain(self.latents),
            "value_range": self.value_range,
            "num_classes": self.num_classes,
            "class_names": self.class_names,
            "seed": self.seed,
            "ema": self._choices.settings["ema"],
            "name": self.name,
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        config = dict(config)
        _check_format(config.pop("format", 1))
        for name in ("generator", "discriminator", "latents"):
            if isinstance(config[name], dict):
                config[name] = keras.saving.deserialize_keras_object(config[name], custom_objects)
        ema = config.pop("ema")
        gan = cls(**config)
        gan._choices.settings["ema"] = ema
        # Also for `load_model(compile=False)`: the average belongs to the models.
        gan._choices.average = gan._average(ema)
        return gan

    def get_compile_config(self):
        serialized = [optimizers.serialize(each) for each in self._training.optimizers]
        d_optimizers = serialized[1:] if len(serialized) > 2 else serialized[1]
        chosen = keras.saving.serialize_keras_object(self._choices.settings)
        return {"g_optimizer": serialized[0], "d_optimizer": d_optimizers, **chosen}

    def compile_from_config(self, config):
        self.compile(**keras.saving.deserialize_keras_object(config))

    def save_own_variables(self, store):
        store["format"] = np.array(FORMAT, dtype="int64")
        for name, value in vars(self.progress).items():
            store[name] = np.array(value, dtype="int64")
        for name, variable in self._random_variables().items():
            store[name] = keras.ops.convert_to_numpy(variable.value).astype("int64")

    def load_own_variables(self, store):
        _check_format(int(np.asarray(store["format"])) if "format" in store.keys() else 1)
        for name in vars(self.progress):
            setattr(self.progress, name, int(np.asarray(store[name])))
        for name, variable in self._random_variables().items():
            if name in store.keys():  # not of an augmentation that was added since
                variable.assign(np.asarray(store[name]))

    def _random_variables(self):
        """Every random state that training draws from. Keras's own files leave them out."""
        holders = {"generator": self.generator, "discriminator": self.discriminator}
        if isinstance(self.augment, keras.layers.Layer):
            holders["augment"] = self.augment
        found = {
            f"random_{name}_{index}": variable
            for name, holder in holders.items()
            for index, variable in enumerate(random_variables(holder))
        }
        noise = {f"random_noise_{name}": noise.state for name, noise in self._noise.items()}
        return found | noise

    # What a GAN inherits from `keras.Model` and cannot do

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        for name in ("train_step", "compute_loss", "make_train_function"):
            if name in vars(cls):
                raise TypeError(
                    f"{cls.__name__} must not define `{name}`, which no training of a GAN calls. "
                    f"{_CHANGE_THE_STEP}"
                )

    def train_step(self, *args, **kwargs):
        raise NotImplementedError(
            "A GAN's step is made of updates of both networks, each with a loss of its own. Call "
            f"gan.train_on_batch(images). {_CHANGE_THE_STEP}"
        )

    compute_loss = make_train_function = train_step

    def predict(self, *args, **kwargs):
        raise NotImplementedError(
            "A GAN gives uint8 images of its averaged generator: call gan.sample(n), or "
            "gan.sample(n, latents=latents). For the generator's own floats call "
            "gan.generator(latents), for scores gan.score(images)."
        )

    predict_on_batch = predict_step = predict

    def evaluate(self, *args, **kwargs):
        raise NotImplementedError(
            "A GAN has no targets to be evaluated with. Use kerasgan.metrics.Evaluator for its "
            "images, or gan.score(images) for the discriminator's scores."
        )

    test_on_batch = test_step = evaluate

    def _check_classes(self):
        if self.num_classes is not None:
            checks.check_whole("num_classes", self.num_classes, 1)
        elif takes(self.generator, "labels") or takes(self.discriminator, "labels"):
            raise argument_error(
                "num_classes",
                "be the number of classes, since the models take labels",
                "num_classes=None",
                "Pass for example num_classes=10.",
            )
        names = self.class_names
        is_list = isinstance(names, (list, tuple)) and all(isinstance(x, str) for x in names)
        if names is not None and not (is_list and len(names) == self.num_classes):
            raise argument_error(
                "class_names",
                "be one name for each of num_classes, in a list",
                f"class_names={names!r}, num_classes={self.num_classes}",
                "Pass as many.",
            )


def _check_format(found):
    if found != FORMAT:
        raise ValueError(
            f"The file must have format {FORMAT}, which this version of kerasgan reads. Received: "
            f"format {found}, written by {'a later' if found > FORMAT else 'an earlier'} version. "
            "Load it with that version of kerasgan."
        )
