"""`GAN`: two Keras models that compete against each other, as one Keras model."""

import os
import random
import types
import warnings
from collections.abc import Callable, Iterable, Sequence

import keras
import numpy as np

from kerasgan import _habits, checks, inputs, loop, losses, optimizers, saving, settings
from kerasgan import images as image_tools
from kerasgan import latents as latent_tools
from kerasgan.average import average_of
from kerasgan.backend import alone, check_devices, check_same, to_numpy
from kerasgan.batches import Batches
from kerasgan.checks import argument_error
from kerasgan.export import export
from kerasgan.files import replacing
from kerasgan.networks import (
    check_models,
    check_num_classes,
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


@keras.saving.register_keras_serializable(package="kerasgan")
class GAN(keras.Model):
    """A generator and a discriminator, trained against each other by stacked models.

    It is ready to train: compiled with binary cross-entropy on logits (the non-saturating
    loss) and Adam (learning rate 2e-4, beta_1 0.5) on both sides.

    Args:
        generator: Built `keras.Model` that takes latents `(batch_size, latent_dim)` and returns
            images `(batch_size, height, width, channels)` in `value_range`. If it has several
            outputs, the first is the images.
        discriminator: Built `keras.Model` that takes such images and returns one linear score
            (logit) `(batch_size, 1)`, high for real, or two linear columns (fake, real). If
            it has several outputs, the first is the score; see `auxiliary_loss` of `compile`.
            Networks with several Inputs are fed by the names of their `keras.Input`s:
            `latents`, `labels`, `images`, and any other array in the batch.
        latents: Distribution of the latents: `"normal"`, `"uniform"` (0 to 1),
            `"symmetric_uniform"` (-1 to 1), `("normal", mean, deviation)`, or a callable
            `latents(shape, seed=...)` like the functions of `keras.random`.
        value_range: `(low, high)` of the networks' images: (-1, 1) for a tanh generator,
            (0, 1) for sigmoid. The images you pass and get are uint8.
        num_classes: Number of classes, for models trained with labels.
        class_names: Their names, in the order of the labels.
        seed: Integer that determines the latents and the order of the data; drawn from Python's
            `random` by default, as in Keras.
        name: Name of the model.

    Raises:
        ValueError: The two models do not fit together, or another argument is invalid.

    Attributes:
        generator, discriminator: The two models, with their raw weights.
        combined: The stack latents -> D(G(latents)). Training it trains only the generator.
        sampling_generator: What `sample` uses: the average of the generator's weights with
            `compile(ema=...)`, else the generator.
        g_optimizer, d_optimizer: The optimizers; `d_optimizer` is a pair with
            `update="separate"`. You can set their `learning_rate` between calls.
        discriminator_steps, steps_per_execution: As given to `compile`.
        image_shape: `(height, width, channels)`.
        latent_dim: Length of a latent vector; None for a generator that takes no latents.
        latents: As given. You can set it.
        seed: As given, or as drawn. You cannot set it.
        num_classes, class_names: As given; None for models without labels. You can set
            `class_names`, for example to those of a `kerasgan.datasets.ImageFolder`.
        step: Generator updates made so far.
        epoch: Epochs that `fit` has finished so far.
        epoch_step: Steps made in the current epoch; 0 unless `fit` stopped in the middle of it.
        nan_step: The step in which a loss or a weight became NaN or infinite, if the last `fit`
            stopped for that; else None.

    Example:

    ```python
    gan = kerasgan.GAN(generator, discriminator)
    gan.fit(images, batch_size=64, epochs=20)       # uint8 (n, height, width, channels)
    samples = gan.sample(16, seed=0)                # uint8 (16, height, width, channels)
    gan.save("gan.keras")
    gan = keras.models.load_model("gan.keras")      # continues exactly where it stopped
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
        check_devices([*generator.variables, *discriminator.variables])
        value_range = checks.check_value_range(value_range)
        check_range(generator, value_range)
        super().__init__(name=name)
        self.generator = generator
        self.discriminator = discriminator
        self.value_range = value_range
        self.num_classes: int | None = check_num_classes(num_classes, generator, discriminator)
        self.class_names = class_names
        height, width, channels = first(generator.outputs).shape[1:]
        self.image_shape: tuple[int, int, int] = (height, width, channels)
        shape = latents_shape(generator)
        self.latent_dim: int | None = None if shape is None else shape[1]
        seed = random.randint(0, 2**31 - 1) if seed is None else seed
        checks.check_whole("seed", seed, 0, 2**31 - 1)
        check_same("seed", seed)
        self.progress = Progress()
        self._latent_stream = latent_tools.Stream(self.latent_dim, seed, self.progress)
        self.latents = latents
        # The random states of training outside the two models. `compile` keeps them.
        self._noise = types.MappingProxyType(
            {
                name: keras.random.SeedGenerator(self.seed + 1 + index)
                for index, name in enumerate(("generator", "discriminator", "penalty"))
            }
        )
        # Wrapped in an object: otherwise Keras would track any layers here as part of this model.
        self._choices = types.SimpleNamespace(
            settings=dict(settings.DEFAULTS), augment=None, average=None, has_seen_data=False
        )
        # None until `compile` is called, or its result is needed.
        self._compiled_step: AdversarialStep | None = None
        self.stop_training = False
        self.nan_step: int | None = None
        self.built = True

    def call(self, inputs, training=False):
        """Makes images in `value_range` from latents."""
        return self.generator(inputs, training=training)

    def compute_output_shape(self, input_shape):
        return self.generator.compute_output_shape(input_shape)

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
        auxiliary_loss: Callable | tuple | bool | None = None,
        steps_per_execution: int | None = None,
        penalty_every: int | None = None,
        **others: object,
    ) -> None:
        """Sets how the two models are trained. Omitted arguments keep their values.

        Args:
            g_optimizer: `keras.optimizers.Optimizer` (or its name) for the generator. A
                `LearningRateSchedule` counts the GAN's steps, on both sides.
            d_optimizer: Optimizer for the discriminator, a different instance; with
                `update="separate"`, also a pair, for real and fake images.
            loss: `"non_saturating"` (binary cross-entropy), `"minimax"`, `"least_squares"`,
                `"hinge"`, `"soft_hinge"`, `"wasserstein"`, `"relativistic_average"`,
                `"relativistic_paired"`, or a pair of functions of `(real_scores, fake_scores)`: the
                generator's loss and the discriminator's. See `kerasgan.losses`.
            update: How the discriminator learns. `"joint"`: one update from separate passes
                over real and fake images; `"concatenated"`: one update from one pass over
                both together (BatchNormalization then sees both at once); `"separate"`: one
                update for real images and one for fake images, each with its own optimizer;
                `"simultaneous"`: like joint, but the generator is updated at the same time, from
                the same pass over the same fake images (a sixth less computation; the generator
                learns from the discriminator before its update).
            discriminator_steps: Discriminator updates for each generator update.
            label_smoothing: Number in [0, 1): the target for real images is 1 minus this.
            ema: Decay in (0, 1) of the exponential moving average of the generator that
                `sample` uses; `False` turns it off. The decay starts smaller, at
                `(1 + step) / (10 + step)`, to forget the initial weights quickly.
            augment: Differentiable change to all images that the discriminator sees: a policy
                of `kerasgan.layers.DiffAugment` such as `"color,translation"`; `"ada"` for
                `kerasgan.layers.AdaptiveAugment`, which adapts to how much the discriminator
                overfits and needs a loss whose scores have a sign; a layer, or a function.
                `False` turns it off.
            jit_compile: As in `keras.Model.compile`: `"auto"`, True or False. On TensorFlow and
                JAX, one step is one compiled call. On PyTorch, it is recorded after some steps
                and replayed without the Python code of Keras's layers, unless it draws noise
                (Dropout, augmentation, some penalties) or has a lazy penalty; True uses
                `torch.compile` instead.
            steps_per_execution: Steps in one compiled call of `fit`, as in Keras: callbacks run
                once per call. The results are the same up to rounding. (It saves nothing on
                PyTorch.)
            penalty: Extra term in the discriminator's loss, based on the gradient of its score
                at images: `"gradient_penalty"`, `"dragan"`, `"r1"`, `"r2"`, a dict of such names
                and weights, such as `{"r1": 5.0}`, or a function of
                `(score, real_images, fake_images, seed)`. `False` turns it off.
            penalty_every: Number n to add the penalty only in every n-th discriminator update, n
                times as strong: its gradients of gradients then take little time (lazy
                regularisation; Karras et al. 2019, arXiv 1912.04958, section 3.1). The logs are
                0 in between.
            auxiliary_loss: Extra term in both sides' losses, for a discriminator with more
                outputs than the score: a function of `(inputs, real_outputs, fake_outputs)` that
                returns a scalar, or a pair, the generator's and the discriminator's (None for
                no term). `inputs` is the batch, a dict with `images` (floats in
                `value_range`), `latents`, `labels`, any other array, `fake_images` and
                `generator_outputs`, a list of all the generator's outputs. `real_outputs` and
                `fake_outputs` are all the discriminator's outputs, None for a side that did not
                pass through it (in the generator's step usually the real images; a function with
                the attribute `needs_real_images = True` gets both). Reported under its `name` or
                `__name__`. `False` turns it off.

        Raises:
            ValueError: An argument is invalid.
            TypeError: A GAN does not take this argument of `keras.Model.compile`; the message
                says what to do instead.
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
            "penalty_every": penalty_every,
            "auxiliary_loss": auxiliary_loss,
            "steps_per_execution": steps_per_execution,
        }
        merged = settings.merge(self._choices.settings, given)
        settings.check(merged, self.discriminator)
        g_loss, d_loss = losses.resolve(merged["loss"], merged["label_smoothing"])
        penalty = losses.resolve_penalty(merged["penalty"])
        if augment is None:
            augment = self._choices.augment
        elif augment is not False:
            augment = settings.resolve_augment(
                augment, self.image_shape, self.value_range, self.seed
            )
        settings.check_adaptation(augment, merged["loss"])
        average = average_of(self.generator, merged["ema"], self._choices.average)
        stacks = build_stacks(
            self.generator,
            self.discriminator,
            update=merged["update"],
            g_loss=g_loss,
            d_loss=d_loss,
            penalty=penalty,
            penalty_every=merged["penalty_every"],
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
        self._compiled_step = AdversarialStep(
            stacks,
            average,
            merged["ema"],
            jit_compile=merged["jit_compile"],
            progress=self.progress,
            latents=self._latent_stream,
        )
        self.compiled = True

    @property
    def _training(self):
        """The stacks and their compiled step; compiles with the default settings if needed."""
        if self._compiled_step is None:
            self.compile()
        return self._compiled_step

    @property
    def combined(self) -> keras.Model:
        return self._training.generator

    @property
    def sampling_generator(self) -> keras.Model:
        return self._choices.average.average if self._choices.average else self.generator

    @property
    def latents(self) -> str | tuple | Callable:
        return self._latent_stream.latents

    @latents.setter
    def latents(self, latents: str | tuple | Callable) -> None:
        latents = latent_tools.standardize(latents)
        if self.latent_dim is not None:
            latent_tools.check_length(latents, self.latent_dim)
        self._latent_stream.start(latents)

    def __setattr__(self, name, value):
        # Keras would keep a layer as its own before the property can refuse it.
        if name == "latents":
            object.__setattr__(self, name, value)
        else:
            super().__setattr__(name, value)

    @property
    def seed(self) -> int:
        return self._latent_stream.seed

    @property
    def class_names(self) -> Sequence[str] | None:
        return self._class_names

    @class_names.setter
    def class_names(self, names: Sequence[str] | None) -> None:
        is_list = isinstance(names, (list, tuple)) and all(isinstance(x, str) for x in names)
        if names is not None and not (is_list and len(names) == self.num_classes):
            raise argument_error(
                "class_names",
                "be a list with one name per class",
                f"class_names={names!r}, num_classes={self.num_classes}",
                "Pass as many names as there are classes.",
            )
        self._class_names = names

    @property
    def g_optimizer(self) -> keras.optimizers.Optimizer:
        return self._training.optimizers[0]

    @property
    def d_optimizer(self) -> keras.optimizers.Optimizer | tuple[keras.optimizers.Optimizer, ...]:
        optimizers = tuple(self._training.optimizers[1:])
        return optimizers if len(optimizers) > 1 else optimizers[0]

    @property
    def discriminator_steps(self) -> int:
        return self._choices.settings["discriminator_steps"]

    @discriminator_steps.setter
    def discriminator_steps(self, value: int) -> None:
        self.compile(discriminator_steps=value)

    @property
    def steps_per_execution(self) -> int:
        return self._choices.settings["steps_per_execution"]

    @steps_per_execution.setter
    def steps_per_execution(self, value: int) -> None:
        if hasattr(self, "_choices"):  # Keras sets it to 1 while it creates a model
            self.compile(steps_per_execution=value)

    @property
    def jit_compile(self):
        return self._training.jit_compile

    @jit_compile.setter
    def jit_compile(self, value):
        if hasattr(self, "_choices"):  # Keras sets it to None while it creates a model
            self.compile(jit_compile=value)

    @property
    def run_eagerly(self):
        return False

    @run_eagerly.setter
    def run_eagerly(self, value):
        if value:
            _habits.refuse("compile", {"run_eagerly": value}, _habits.COMPILE)

    @property
    def augment(self):
        """The change to all images that the discriminator sees, or None."""
        return self._choices.augment

    @property
    def optimizer(self):
        """All optimizers (`.optimizers`), in the form that Keras's callbacks expect."""
        return optimizers.Optimizers(self._training.optimizers)

    @property
    def step(self) -> int:
        return self.progress.step

    @property
    def epoch(self) -> int:
        return self.progress.epoch

    @property
    def epoch_step(self) -> int:
        return self.progress.epoch_step

    # Training

    def train_on_batch(
        self, images: np.ndarray | tuple | dict[str, np.ndarray]
    ) -> dict[str, float]:
        """Makes one adversarial step on these images.

        A step is `discriminator_steps` updates of the discriminator (same images, fresh
        latents), then one update of the generator.

        Args:
            images: `(batch_size, height, width, channels)`, uint8, or floats in
                `value_range`; any batch size. Also `(images, labels)`, or a dict of arrays:
                `images`, `labels`, and any others that the networks take by name. Models
                without labels ignore them.

        Returns:
            Dict of floats: `d_loss`, `g_loss`, `d_real`, `d_fake` (mean scores, or mean
            probabilities of "real" for a discriminator with two columns), every extra term
            (`d_loss_real` and `d_loss_fake` if the loss is a sum over the two sides,
            `penalty`, an auxiliary loss) and `loss`, the sum of the two losses. The
            discriminator's values come from its last update, before it was applied.
            `augment="ada"` adds `augment_probability`, as that update has left it.

        Raises:
            ValueError: `images` has the wrong shape, dtype or values.
        """
        batch = self._check_batch(images)
        return self._reported(self._training.make_steps([[batch] * self.discriminator_steps]))

    def train_discriminator_on_batch(
        self, images: np.ndarray | tuple | dict[str, np.ndarray], sides: str = "both"
    ) -> dict[str, float]:
        """Updates only the discriminator, once.

        Args:
            images: What `train_on_batch` takes.
            sides: `"both"`; or `"real"` or `"fake"`, to learn only from those images.

        Returns:
            Dict of floats: `d_loss`, the mean scores, every extra term, and `loss`, which equals
            `d_loss`.

        Raises:
            ValueError: `images` or `sides` is invalid.
        """
        checks.check_choice("sides", sides, ("both", *SIDES), "Leave it out for both.")
        batch = self._check_batch(images)
        return self._reported(self._training.update_discriminator(batch, sides))

    def train_generator_on_batch(
        self, images: np.ndarray | tuple | dict[str, np.ndarray]
    ) -> dict[str, float]:
        """Updates only the generator, once. Takes what `train_on_batch` takes.

        Returns:
            Dict of floats: `g_loss`, `d_fake`, every extra term, and `loss`, equal to `g_loss`.
        """
        return self._reported(self._training.update_generator(self._check_batch(images)))

    def _reported(self, logs):
        """The logs as a plain dict, after a look at them."""
        for fault in logs.faults():
            if fault.is_lasting or not self._training.scales_losses:
                warnings.warn(
                    f"At step {self.step}, {fault}. Load an earlier file, and train with smaller "
                    "learning rates.",
                    stacklevel=3,
                )
        return dict(logs)

    @property
    def _takes_unlabeled(self):
        """Whether labels may be -1: a loss skips these, and no network takes labels."""
        pair = settings.auxiliary_pair(self._choices.settings["auxiliary_loss"])
        return any(getattr(loss, "takes_unlabeled", False) for loss in pair) and not any(
            takes(model, "labels") for model in (self.generator, self.discriminator)
        )

    def _check_batch(self, batch, needs_labels=True, first_image=0):
        """A batch as a dict of checked arrays; messages number its images from `first_image`."""
        meant = (self.value_range, self.num_classes)
        checked = inputs.check(
            batch,
            self.generator,
            self.discriminator,
            self.value_range,
            self.num_classes if needs_labels else None,
            self._takes_unlabeled,
            first_image,
        )
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
        `kerasgan.datasets.ImageFolder` depends on the seed and the number of passes so far, and
        the position in the data is part of the model: a second `fit`, or `fit` after
        `keras.models.load_model`, continues where the last one stopped, even in the middle of a
        pass. (Other data sets continue at the same batch, in their own order.)

        Args:
            x: uint8 array `(n, height, width, channels)` (or floats in `value_range`),
                `keras.utils.PyDataset`, or an iterable of batches: `tf.data.Dataset`, torch
                `DataLoader`, list. Batches are images, `(images, labels)` or dicts of arrays.
                Also a pair `(images, labels)` or a dict of arrays. (An iterator, which can be
                read only once, is read one batch ahead.)
            y: Integer labels `(n,)`, with an array; models without labels ignore them.
            batch_size: Images in a batch (on all devices), with an array; 32 by default. Images
                from the start of the pass fill up a short last batch, so that all batches have
                equal size.
            epochs: Number of the last epoch, as in Keras.
            steps: Number of the last step (`gan.step`), instead of `epochs`.
            steps_per_epoch: Steps in an epoch; by default one pass over the data.
            pretrain_steps: Discriminator updates before the very first step. Callbacks get
                them as batches with negative numbers, up to -1, with only the discriminator's
                terms.
            callbacks: List of `keras.callbacks.Callback`. Batch hooks get the step's dict,
                epoch hooks the means.
            verbose: As in Keras: 0 shows nothing; `"auto"` and 1 show a progress bar, or one line
                a minute outside a terminal or notebook; 2 shows one line per epoch.
            initial_epoch: Number of the epoch to start at.

        Returns:
            `keras.callbacks.History`.

        Raises:
            ValueError: An argument is invalid, a batch does not fit, or the weights contain NaN
                or infinity from the start.
            TypeError: A GAN does not take this argument of `keras.Model.fit`; the message says
                what to do instead.
            KeyboardInterrupt: After Ctrl-C, once the current step is complete and the
                callbacks' `on_train_end` has run; you can train the model further.
        """
        _habits.refuse("fit", others, _habits.FIT)
        check_devices(self.variables)
        _habits.check_own_steps(type(self), GAN)
        loop.check(
            epochs, initial_epoch, steps, steps_per_epoch, pretrain_steps, callbacks, verbose
        )
        inputs.check_number_of_classes(x, self.num_classes)
        batches = Batches(x, y, batch_size, self.seed)
        check_same("the length of x", batches.length)
        is_new = not self._choices.has_seen_data
        num_checked = 0
        for part in batches.parts():
            num_checked += len(self._check_batch(part, first_image=num_checked)["images"])
        if is_new and self.num_classes is not None:
            names = self.class_names or getattr(x, "class_names", None)
            inputs.warn_of_small_classes(batches.class_sizes(), names)
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

    # Sampling

    def sample(
        self,
        n: int,
        seed: int | None = None,
        labels: np.ndarray | None = None,
        latents: np.ndarray | None = None,
        truncation: float | None = None,
    ) -> np.ndarray:
        """Makes images. Changes no state.

        Args:
            n: Number of images.
            seed: Integer; the same seed makes the same images (from the same latents on every
                backend). By default, each call makes new images.
            labels: Classes of the images, whole numbers `(n,)`; drawn from the seed by default.
                Only for a generator that takes labels. Or mixtures of classes: the shares of each,
                floats `(n, num_classes)`, which mix the codes that the generator makes of labels.
            latents: Latents `(n, latent_dim)` to use instead of drawing them.
            truncation: Largest distance of the drawn latents from their mean, in standard
                deviations, for normal latents: smaller numbers, such as 0.5, give better but less
                varied images. (Not for StyleGAN2, see `build_stylegan2`.)

        Returns:
            uint8 array `(n, height, width, channels)`.

        Raises:
            ValueError: An argument is invalid, the generator's weights are not finite, or it
                cannot mix classes.
        """
        labels, latents = self._sampler.check(n, seed, labels, latents, truncation)
        return self._sampler.sample(n, seed, labels, latents, truncation)

    def sample_latents(
        self, n: int, seed: int | None = None, truncation: float | None = None
    ) -> np.ndarray:
        """Draws the latents from which `sample` makes images for the same arguments.

        Use it instead of `gan.latents`, which may be a name, a tuple or a function.

        Args:
            n: Number of latents.
            seed: As in `sample`.
            truncation: As in `sample`.

        Returns:
            float32 array `(n, latent_dim)`.

        Raises:
            ValueError: An argument is invalid.

        Example:

        ```python
        latents = gan.sample_latents(8, seed=0)
        samples = gan.sample(8, latents=latents)
        ```
        """
        self._sampler.check_draw(n, seed)
        return self._sampler.draw(n, seed, truncation)

    @property
    def _sampler(self):
        return Sampler(
            self.sampling_generator,
            self.latents,
            self.value_range,
            self.num_classes,
            self.class_names,
        )

    def score(self, images: np.ndarray | tuple | dict[str, np.ndarray]) -> np.ndarray:
        """Scores images with the discriminator in inference mode.

        Args:
            images: What `train_on_batch` takes; labels are needed only if the discriminator
                takes them.

        Returns:
            float32 array `(n,)`: scores, or probabilities of "real" for a discriminator with
            two columns. (A discriminator that packs images returns one score per pack.)
        """
        batch = self._check_batch(images, needs_labels=takes(self.discriminator, "labels"))
        seen = to_numpy(image_tools.to_float(batch["images"], self.value_range))
        outputs = infer(self.discriminator, feed(self.discriminator, batch, seen))
        return to_numpy(reported(outputs)).astype("float32").reshape(-1)

    # Saving

    def save(self, filepath: str | os.PathLike, overwrite: bool = True, **kwargs) -> None:
        """Saves everything to a `.keras` file, which `keras.models.load_model` can load.

        The file contains both models, optimizers, averages, every random state, the step and the
        position in the data: after loading, training continues as if it had never stopped, bit
        for bit on a CPU. (One exception: on PyTorch, Keras's Dropout layers without a seed draw
        from a state outside the model.) Register your own loss functions, latents and
        augmentations with `keras.saving.register_keras_serializable`, or pass them to
        `load_model` as `custom_objects`. The file is written whole or not at all.

        Raises:
            ValueError: `filepath` is invalid, or the weights contain NaN or infinity.
                (`save_weights` saves them anyway.)
        """
        saving.check_target(filepath, overwrite)
        for stack in self._training.stacks:
            stack.check_trainable()
        self._check_finite("saved")
        with replacing(filepath) as temporary, alone():
            super().save(temporary, **kwargs)

    def get_weights(self) -> list[np.ndarray]:
        """Returns the values of `weights`, then, with `compile(ema=...)`, of their average."""
        average = self._choices.average
        return super().get_weights() + (average.average.get_weights() if average else [])

    def set_weights(self, weights: Sequence[np.ndarray]) -> None:
        """Sets what `get_weights` returned; without the average's values, it stays as it is.

        Callbacks that restore weights call this, such as `keras.callbacks.EarlyStopping`.
        """
        average, count = self._choices.average, len(self.weights)
        has_average = average and len(weights) == count + len(average.average.weights)
        super().set_weights(weights[:count] if has_average else weights)
        if has_average:
            average.average.set_weights(weights[count:])

    def save_weights(self, filepath, overwrite=True, **kwargs):
        """Saves the weights to a `.weights.h5` file, as in Keras."""
        with alone():
            super().save_weights(filepath, overwrite=overwrite, **kwargs)

    def load_weights(self, filepath, skip_mismatch=False, **kwargs):
        """Loads a file from `save_weights` or `save`, as in Keras, but all of it or nothing.

        Raises:
            ValueError: The file belongs to other models or optimizers, or is not finite. (If it is
                not a weights file, Keras raises its own error.) The GAN is then unchanged.
        """
        saving.load_weights(self, super().load_weights, filepath, skip_mismatch, **kwargs)

    def export(
        self,
        filepath: str | os.PathLike,
        format: str | None = None,
        verbose: bool = False,
        uint8: bool = True,
        seed: int | None = None,
        count: int | None = None,
        **kwargs: object,
    ) -> None:
        """Exports the generator, to make images without Keras and kerasgan.

        It is the generator that `sample` uses, with averaged weights if there are any, and makes
        the same images to within one grey level, in batches of any size (one at a time in LiteRT).
        Its inputs are `latents` and, for a generator that takes them, `labels` (int32). The file is
        written whole or not at all, and replaces an earlier export. The page "Export" of the
        documentation lists what each backend can write.

        Args:
            filepath: Path of a file with the suffix of its format, or of a folder.
            format: `"onnx"` (suffix `.onnx`), `"tf_saved_model"` (a folder), `"litert"` (`.tflite`,
                also known as TensorFlow Lite), `"openvino"` (`.xml`, with a `.bin` beside it) or
                `"torch"` (`.pt2`, for `torch.export.load`); by default, what the suffix says.
            verbose: Whether to show what the converters print, and their warnings.
            uint8: Whether images are uint8; False for the generator's floats in `value_range`.
            seed: Integer, to put latents into the file (and labels) instead of taking them as
                inputs: image `i` is then `sample(count, seed=seed)[i]`, and the input is `index`
                (int32 `(n,)`, from 0 to `count - 1`). Latents are not drawn in the file, because
                no format has NumPy's random numbers.
            count: Number of latents in the file, with a seed; 64 by default.
            **kwargs: Further arguments of `keras.Model.export` for this format.

        Raises:
            ValueError: An argument is invalid, the backend cannot write the format, the format
                lacks an operation of your own layers, or the weights are not finite.
            ImportError: A package that writes the format is not installed.

        Example:

        ```python
        gan.export("digits.onnx")                 # from latents to images
        gan.export("ten.onnx", seed=0, count=10)  # from 0 ... 9 to those of gan.sample(10, seed=0)
        ```
        """
        export(self._sampler, filepath, format, verbose, uint8, seed, count, **kwargs)

    def _is_finite(self):
        """Whether training can continue: all weights, averages and optimizer states are finite."""
        return checks.is_finite(
            [*self.weights, *self.sampling_generator.weights, *self.optimizer.variables]
        )

    def _check_finite(self, purpose):
        if not self._is_finite():
            raise ValueError(
                f"The GAN must have finite weights to be {purpose}. Received: NaN or infinity in "
                f"its weights, their average or the optimizers, at step {self.step}. Load an "
                "earlier file, and train with smaller learning rates."
            )

    def get_config(self):
        return {
            "format": saving.FORMAT,
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
        ema, arguments = saving.read_config(cls, config, custom_objects)
        gan = cls(**arguments)
        gan._choices.settings["ema"] = ema
        # Also for `load_model(compile=False)`: the average belongs to the models.
        gan._choices.average = average_of(gan.generator, ema, gan._choices.average)
        if gan._compiled_step:  # by a subclass, perhaps with another decay
            gan.compile()
        return gan

    def get_compile_config(self):
        serialized = [optimizers.serialize(each) for each in self._training.optimizers]
        d_optimizers = serialized[1:] if len(serialized) > 2 else serialized[1]
        chosen = keras.saving.serialize_keras_object(self._choices.settings)
        return {"g_optimizer": serialized[0], "d_optimizer": d_optimizers, **chosen}

    def compile_from_config(self, config):
        self.compile(**keras.saving.deserialize_keras_object(config))

    def save_own_variables(self, store):
        saving.write_state(self, store)

    def load_own_variables(self, store):
        saving.read_state(self, store)

    def _random_variables(self):
        """Every random state that training draws from. Keras's own files omit them."""
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

    # Inherited from `keras.Model`, but not supported by a GAN

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        _habits.check_subclass(cls)

    train_step = _habits.unsupported("train_step", _habits.TRAIN_STEP)
    compute_loss = make_train_function = train_step
    predict = _habits.unsupported("predict", _habits.PREDICT)
    predict_on_batch = predict_step = predict
    evaluate = _habits.unsupported("evaluate", _habits.EVALUATE)
    test_on_batch = test_step = evaluate
    quantize = _habits.unsupported("quantize", _habits.QUANTIZE)
