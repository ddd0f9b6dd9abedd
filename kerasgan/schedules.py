"""Learning rates that follow a GAN's steps."""

import keras

__all__ = ["StepCount", "StepSchedule", "can_halve_rate", "count_steps", "halve_rate"]


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


def count_steps(optimizer, count):
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
