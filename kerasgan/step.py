"""One adversarial step, all its updates and the average, as one compiled call."""

import keras
import numpy as np
from keras import ops

from kerasgan import backend, images
from kerasgan._interrupts import deferred
from kerasgan.logs import WEIGHTS, Logs
from kerasgan.schedules import StepCount, count_steps

__all__ = ["AdversarialStep"]


class AdversarialStep:
    """Runs the updates of a GAN's stacks: a whole step, or one update, in one compiled call.

    On JAX and TensorFlow the stacks' updates are traced one after the other into one function.
    The state stays on the device; the Keras variables have the newest values after every call.

    Args:
        stacks: `Stacks`, compiled.
        average: `Average` that follows the generator, or None.
        ema, jit_compile: As in `GAN.compile`.
        progress: The GAN's `Progress`.
        latents: `kerasgan.latents.Stream` of the updates' latents.
    """

    def __init__(self, stacks, average, ema, jit_compile, progress, latents):
        self.generator = stacks.generator
        self.discriminators = stacks.discriminators
        self.simultaneous = stacks.simultaneous
        self.stacks = stacks.all
        self.average = average
        self.ema = ema
        self.progress = progress
        self.latents = latents
        self.jit_compile = backend.resolve_jit_compile(jit_compile, self.generator)
        self.count = StepCount(progress)
        self._names = {}  # the logs' names, by kind of call
        self._calls = {}
        self._optimizer_state = self._rates = None

    @property
    def scales_losses(self):
        """Whether an optimizer skips updates that are not finite, as in half precision."""
        kind = keras.optimizers.LossScaleOptimizer
        return any(isinstance(optimizer, kind) for optimizer in self.optimizers)

    @property
    def optimizers(self):
        """The optimizers of the generator and of the discriminator's updates, each once."""
        return [stack.optimizer for stack in self.stacks]

    def make_steps(self, steps):
        """Makes adversarial steps, each from a list with one batch per discriminator update.

        Returns:
            `Logs` of the step, or their means over the steps.
        """
        _check_trainable(self.stacks)
        # The generator's update gets its own latents, unless both sides share their fakes.
        further = 0 if self.simultaneous else 1
        return self._run("step", [batches + batches[len(batches) - further :] for batches in steps])

    def update_discriminator(self, batch, sides="both"):
        """Updates only the discriminator, once, from `"both"` sides, `"real"` or `"fake"`."""
        _check_trainable(self.discriminators[sides])
        return self._run(sides, [[batch]])

    def update_generator(self, batch):
        """Updates only the generator, once."""
        _check_trainable([self.generator])
        return self._run("generator", [[batch]])

    def _run(self, kind, steps):
        """Runs a whole step (`"step"`), several, or one update (`"generator"`, or a side).

        Each step is a list of batches, one per update, which get their latents here. Ctrl-C is
        delayed until the end, so that the counters match the weights.
        """
        backend.check_devices()
        with deferred():
            draws = self.progress.draws
            try:
                data = [
                    self._data([self.latents.add(batch) for batch in batches], index)
                    for index, batches in enumerate(steps)
                ]
                if len(data) == 1:
                    logs = self._call_with(kind, data[0], repeated=False)
                else:
                    stacked = keras.tree.map_structure(lambda *arrays: np.stack(arrays), *data)
                    logs = self._call_with(kind, stacked, repeated=True)
            except BaseException:
                self.progress.draws = draws
                raise
            if kind in ("step", "generator"):
                self.progress.step += len(steps)
        # The next call probably needs the same shapes, and the device may still be busy.
        self.latents.prepare(batch for batches in steps for batch in batches)
        return logs

    def _data(self, batches, index):
        """The inputs of the step that is `index` steps ahead."""
        step = self.progress.step + index
        decay = min(self.ema or 0.0, (1 + step) / (10 + step))
        return {"batches": batches, "decay": np.float32(decay), "number": np.int32(step)}

    def _call_with(self, kind, data, repeated):
        """One compiled call. With `repeated`, all arrays have a leading axis of steps."""
        data = backend.to_device(data, repeated)
        try:
            values = self._call(kind, repeated)(data)
        finally:
            self.count.traced = None
        return Logs(self._names[kind], values)

    def _call(self, kind, repeated):
        rates = [count_steps(optimizer, self.count) for optimizer in self.optimizers]
        variables = [variable for optimizer in self.optimizers for variable in optimizer.variables]
        state = [id(each) for each in (*rates, *variables)]
        if state != self._optimizer_state:
            # The first call, or a learning rate has been replaced with a schedule.
            self._calls, self._optimizer_state = {}, state
            self._rates = rates  # kept: another object must not get the same id
        if (kind, repeated) not in self._calls:

            def function(data):
                self._names[kind], values = zip(*self._make(kind, data), strict=True)
                return ops.stack([ops.cast(value, "float32") for value in values])

            self._calls[kind, repeated] = backend.compiled(
                function, self._variables(), self.jit_compile, repeated
            )
        return self._calls[kind, repeated]

    def _variables(self):
        """All variables that a step reads or changes, each once."""
        sources = [*self.stacks, *self.optimizers]
        if self.average:
            sources.append(self.average.average)
        found = {}
        for source in sources:
            found.update({id(variable): variable for variable in source.variables})
        return list(found.values())

    def _make(self, kind, data):
        """Makes the updates, and returns the logs as `Logs` takes them, in `(name, value)`."""
        self.count.traced = data["number"]
        data = data | {"batches": [self._in_range(batch) for batch in data["batches"]]}
        if kind == "generator":
            logs = self._update_generator(*data["batches"], data["decay"])
            return [*logs.items(), self._check("g"), ("loss", logs["g_loss"])]
        if kind != "step":
            logs = self._update_discriminator(*data["batches"], kind)
            return [*logs.items(), self._check("d"), ("loss", logs["d_loss"])]
        # The last batch is the generator's, or both sides' if they share their fakes.
        *batches, last = data["batches"]
        d_logs = [self._update_discriminator(batch) for batch in batches]
        if self.simultaneous:
            last_d_logs, g_logs = self.simultaneous.update(last)
            d_logs.append(last_d_logs)
            d_weights = self._check("d")
            self._update_average(data["decay"])
        else:
            d_weights = self._check("d")
            g_logs = self._update_generator(last, data["decay"])
        # Also keep the values that nothing reads: if only the loss reads the scores, TensorFlow's
        # graph optimizer moves a constant of the loss into the discriminator, and the step would
        # round differently from the separate updates. The reported scores are those of the
        # discriminator's own, last update.
        return [
            *(
                pair
                for logs in reversed(d_logs)
                # Each update ends with its sum, for `Logs.faults`. (JAX sorts the names.)
                for pair in sorted(logs.items(), key=lambda pair: pair[0] == "d_loss")
            ),
            d_weights,
            *g_logs.items(),
            self._check("g"),
            ("loss", d_logs[-1]["d_loss"] + g_logs["g_loss"]),
        ]

    def _check(self, side):
        """0 if all weights of a side are finite, else NaN, as a log."""
        stack = self.generator if side == "g" else self.stacks[1]
        # A sum is finite only if all its terms are, and takes one pass over a weight.
        sums = [ops.sum(ops.cast(weight, "float32")) for weight in stack.trained.weights]
        return WEIGHTS[side], ops.where(ops.isfinite(ops.sum(ops.stack(sums))), 0.0, np.nan)

    def _in_range(self, batch):
        """The batch with its images as floats in the networks' value range."""
        value_range = self.generator.value_range
        return batch | {
            name: images.to_float(batch[name], value_range)
            for name in ("images", "source_images")
            if name in batch
        }

    def _update_discriminator(self, batch, sides="both"):
        logs = {}
        for stack in self.discriminators[sides]:
            stack_logs = stack.update(batch)
            # The halves of a separate update add up, unless each loss covers both sides.
            if not stack.is_sum:
                logs.pop("d_loss", None)
            for name, value in stack_logs.items():
                logs[name] = logs[name] + value if name in logs else value
        return logs

    def _update_generator(self, batch, decay):
        logs = self.generator.update(batch)
        self._update_average(decay)
        return logs

    def _update_average(self, decay):
        if self.average:
            self.average.update(decay)


def _check_trainable(stacks):
    for stack in stacks:
        stack.check_trainable()
