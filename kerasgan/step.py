"""One adversarial step, all its updates and the average, as one compiled call."""

import functools
import itertools
import math
import typing

import keras
import numpy as np
from keras import ops

from kerasgan import backend, images

__all__ = [
    "AdversarialStep",
    "Fault",
    "Logs",
    "StepCount",
    "StepSchedule",
    "can_halve_rate",
    "halve_rate",
]

_WEIGHTS = {"g": "generator's weights", "d": "discriminator's weights"}
_CHECKS = frozenset(_WEIGHTS.values())
_SUMS = ("d_loss", "g_loss")
_SHOWN_FIRST = (*_SUMS, "d_real", "d_fake")


class AdversarialStep:
    """Runs the updates of a GAN's stacks: a whole step, or one update, in one compiled call.

    On JAX and TensorFlow the stacks' updates are traced one after the other into one function.
    The state stays on the device; the Keras variables have the newest values after every call.

    Args:
        stacks: `Stacks`, compiled.
        average: `Average` that follows the generator, or None.
        jit_compile: As in `GAN.compile`.
        progress: The GAN's `Progress`.
    """

    def __init__(self, stacks, average, jit_compile, progress):
        self.generator = stacks.generator
        self.discriminators = stacks.discriminators
        self.simultaneous = stacks.simultaneous
        self.stacks = stacks.all
        self.average = average
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

    def run(self, kind, data, repeated=False):
        """Runs a whole step, or one side's update.

        Args:
            kind: `"step"` or `"generator"`; or `"both"`, `"real"` or `"fake"` for one update of
                the discriminator from these sides.
            data: Dict with `batches`, a list of dicts of arrays: one for each discriminator
                update, then the generator's, unless both are updated at once; `decay` of the
                average; `number` of the step.
            repeated: Whether all arrays have a leading axis of steps, which run in turn.

        Returns:
            `Logs` of the step, or their means over the steps.
        """
        backend.check_devices()
        data = backend.to_device(data, repeated)
        try:
            values = self._call(kind, repeated)(data)
        finally:
            self.count.traced = None
        return Logs(self._names[kind], values)

    def _call(self, kind, repeated):
        rates = [_count_steps(optimizer, self.count) for optimizer in self.optimizers]
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
        finite = [ops.all(ops.isfinite(weight)) for weight in stack.trained.weights]
        return _WEIGHTS[side], ops.where(ops.all(ops.stack(finite)), 0.0, np.nan)

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


class Fault(typing.NamedTuple):
    """What became NaN or infinite in a step.

    Attributes:
        offset: The step, counted from the first of its call.
        names: Logs, or whose weights: what was computed first, without what followed from it.
        is_lasting: Whether it is in the weights after the step.
    """

    offset: int
    names: list[str]
    is_lasting: bool

    def __str__(self):
        return f"{', '.join(self.names)} became NaN or infinite"


class Logs(dict):
    """What a step reports: floats, fetched from the device when first read.

    Reading waits for the step; a loop that does not read them does not wait.

    Args:
        names: Names of the values, in the order of computation. The first value of a name counts.
        values: Tensor `(len(names),)`; or `(steps, len(names))`, to be averaged over the steps.
    """

    def __init__(self, names, values):
        shown = dict.fromkeys(name for name in names if name not in _CHECKS)
        first = [name for name in _SHOWN_FIRST if name in shown]
        super().__init__(dict.fromkeys(first) | shown)
        self._names = names
        self._values = values
        self._is_fetched = False

    def as_reported(self):
        """The same values, without later changes."""
        return Logs(self._names, self._values)

    def faults(self):
        """A list with a `Fault` for each step in which something is not finite."""
        found = []
        for offset, row in enumerate(self._rows()):
            bad = [
                name
                for name, value in zip(self._names, row, strict=True)
                if not math.isfinite(value)
            ]
            if bad:
                terms = list(itertools.takewhile(lambda name: name not in _CHECKS, bad))
                # The discriminator's first update comes last: it spoilt those after it.
                ends = [index for index, name in enumerate(terms) if name == "d_loss"]
                if len(ends) > 1:
                    terms = terms[ends[-2] + 1 :]
                # A sum comes after its terms, and the sum of all adds nothing.
                names = sorted(dict.fromkeys(terms), key=_SUMS.__contains__)
                names = [name for name in names if name != "loss"] or bad[:1]
                found.append(Fault(offset, names, not _CHECKS.isdisjoint(bad)))
        return found

    def _rows(self):
        if not isinstance(self._values, np.ndarray):
            self._values = backend.to_numpy(self._values).astype("float64")
        return self._values.reshape(-1, len(self._names))

    def _fetch(self):
        if not self._is_fetched:
            self._is_fetched = True
            means = dict(zip(reversed(self._names), self._rows().mean(axis=0)[::-1], strict=True))
            self.update({name: float(means[name]) for name in self})


def _fetching(name):
    method = getattr(dict, name)

    @functools.wraps(method)
    def fetch_first(self, *args, **kwargs):
        self._fetch()
        return method(self, *args, **kwargs)

    return fetch_first


# All ways to reach a value. (`dict(logs)` uses `__iter__` and `__getitem__`.)
for _name in (
    *("__delitem__", "__eq__", "__getitem__", "__ior__", "__iter__", "__or__", "__repr__"),
    *("__ror__", "__setitem__", "copy", "get", "items", "keys", "pop", "popitem"),
    *("setdefault", "update", "values"),
):
    setattr(Logs, _name, _fetching(_name))


class StepCount:
    """The number of the step, for learning-rate schedules.

    Args:
        progress: The GAN's `Progress`.
    """

    def __init__(self, progress):
        self.progress = progress
        self.traced = None  # the tensor, while a step is traced

    @property
    def step(self):
        return self.progress.step if self.traced is None else self.traced


@keras.saving.register_keras_serializable(package="kerasgan")
class StepSchedule(keras.optimizers.schedules.LearningRateSchedule):
    """A learning-rate schedule that counts a GAN's steps.

    An optimizer counts its own updates. The discriminator's outnumber the steps if it is updated
    several times in a step or trained alone.

    Args:
        schedule: The `keras.optimizers.schedules.LearningRateSchedule`.
        count: `StepCount`, or None to count the optimizer's updates.
        factor: Number by which its rates are multiplied.
    """

    def __init__(self, schedule, count=None, factor=1.0):
        self.schedule = schedule
        self.count = count
        self.factor = factor

    def __call__(self, step):
        return self.factor * self.schedule(step if self.count is None else self.count.step)

    def get_config(self):
        return {
            "schedule": keras.saving.serialize_keras_object(self.schedule),
            "factor": self.factor,
        }

    @classmethod
    def from_config(cls, config):
        schedule = keras.saving.deserialize_keras_object(config["schedule"])
        return cls(schedule, factor=config.get("factor", 1.0))


def _count_steps(optimizer, count):
    """Makes an optimizer's schedule, if it has one, count steps; returns the rate or schedule."""
    optimizer, rate = _with_rate(optimizer)
    if isinstance(rate, StepSchedule):
        rate.count = count
    elif isinstance(rate, keras.optimizers.schedules.LearningRateSchedule):
        rate = optimizer.learning_rate = StepSchedule(rate, count)
    return rate


def _with_rate(optimizer):
    """The optimizer that has the learning rate, and that rate, schedule or function."""
    optimizer = getattr(optimizer, "inner_optimizer", optimizer)
    # Keras exposes only the current rate, not the schedule behind it.
    return optimizer, optimizer._learning_rate


def can_halve_rate(optimizer):
    """Whether `halve_rate` can: Keras does not replace a rate that is a plain function."""
    _, rate = _with_rate(optimizer)
    kinds = (keras.Variable, keras.optimizers.schedules.LearningRateSchedule)
    return isinstance(rate, kinds)


def halve_rate(optimizer, rate):
    """Sets an optimizer's learning rate to half of `rate`, or halves what its schedule gives."""
    optimizer, current = _with_rate(optimizer)
    if isinstance(current, StepSchedule):
        rate = StepSchedule(current.schedule, current.count, current.factor / 2)
        optimizer.learning_rate = rate
    else:
        optimizer.learning_rate = rate / 2
