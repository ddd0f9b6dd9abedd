"""The optimizers of a GAN, one for each stack: given, in use or new."""

import keras

from kerasgan.checks import argument_error

__all__ = ["Optimizers", "resolve", "serialize"]


class Optimizers:
    """A GAN's optimizers, for callbacks that expect a model to have one optimizer.

    Attributes with a single value return that of the generator's optimizer.

    Args:
        optimizers: The generator's, then the discriminator's.
    """

    built = True

    def __init__(self, optimizers):
        self.optimizers = optimizers

    @property
    def variables(self):
        return [variable for optimizer in self.optimizers for variable in optimizer.variables]

    @property
    def iterations(self):
        return self.optimizers[0].iterations

    @property
    def learning_rate(self):
        return self.optimizers[0].learning_rate

    @learning_rate.setter
    def learning_rate(self, learning_rate):
        for optimizer in self.optimizers:
            optimizer.learning_rate = learning_rate

    def get_config(self):
        return {"optimizers": [serialize(optimizer) for optimizer in self.optimizers]}


def resolve(g_optimizer, d_optimizer, stacks, in_use):
    """Finds an optimizer for each stack: as given, else in use, else new.

    Args:
        g_optimizer, d_optimizer: As given to `GAN.compile`.
        stacks: The stack of the generator, then the stacks of the discriminator's updates.
        in_use: The stacks trained so far, in this order; may be empty.

    Raises:
        ValueError: An optimizer is given twice, or belongs to another model.
    """
    count = len(stacks) - 1
    if g_optimizer is None:
        g_optimizer = in_use[0].optimizer if in_use else _adam("g_optimizer")
    if d_optimizer is None:
        d_optimizer = [stack.optimizer for stack in in_use[1:]][:count] or [_adam("d_optimizer")]
    elif not isinstance(d_optimizer, (tuple, list)):
        d_optimizer = [d_optimizer]
    elif len(d_optimizer) != count:
        raise argument_error(
            "d_optimizer",
            "be one optimizer, or a pair with update='separate'",
            f"a sequence of {len(d_optimizer)}, for an update that needs {count}",
            "Pass one optimizer, or one per update.",
        )
    optimizers = [_get("g_optimizer", g_optimizer)]
    optimizers += [_get("d_optimizer", each) for each in d_optimizer]
    if len(optimizers) < len(stacks):
        optimizers.append(_fresh(optimizers[1]))
    # An optimizer that a stack wrapped in a LossScaleOptimizer (half precision) may be given again.
    inner = {
        id(getattr(stack.optimizer, "inner_optimizer", None)): stack.optimizer for stack in in_use
    }
    optimizers = [inner.get(id(optimizer), optimizer) for optimizer in optimizers]
    if len({id(optimizer) for optimizer in optimizers}) < len(optimizers):
        raise argument_error(
            "d_optimizer",
            "be a different instance from `g_optimizer`, and a pair must be two instances: each "
            "keeps the state of its own variables",
            "the same instance twice",
            "Create an instance for each.",
        )
    bound = {id(stack.optimizer): _ids(stack.optimized_variables) for stack in in_use}
    for index, (optimizer, stack) in enumerate(zip(optimizers, stacks, strict=True)):
        variables = _ids(stack.trained.trainable_variables)
        if optimizer.built and bound.get(id(optimizer)) != variables:
            if id(optimizer) not in bound:
                raise argument_error(
                    "d_optimizer" if index else "g_optimizer",
                    "not have been used for another model",
                    f"{optimizer.name}, already built",
                    "Create a new instance.",
                )
            # In use here, but for other variables: layers were frozen or unfrozen since.
            optimizers[index] = _fresh(optimizer)
    return optimizers


def _get(name, optimizer):
    try:
        return keras.optimizers.get(optimizer)
    except (KeyError, TypeError, ValueError) as error:
        if isinstance(optimizer, dict) and "class_name" in optimizer:
            raise  # from a file: Keras says which class is not registered
        raise argument_error(
            name,
            "be a keras.optimizers.Optimizer, or its name",
            f"{name}={optimizer!r}",
            "Pass keras.optimizers.Adam(2e-4, beta_1=0.5), for example.",
        ) from error


def serialize(optimizer):
    config = keras.saving.serialize_keras_object(optimizer)
    if hasattr(optimizer, "inner_optimizer"):
        config["config"]["inner_optimizer"] = serialize(optimizer.inner_optimizer)
    # On PyTorch, Keras 3.15 records a class that only its PyTorch backend has: the file would
    # not train elsewhere.
    if config["module"].startswith("keras.") and hasattr(keras.optimizers, config["class_name"]):
        config |= {"module": "keras.optimizers", "registered_name": None}
    return config


def _fresh(optimizer):
    """An unused optimizer like this one."""
    return type(optimizer).from_config(optimizer.get_config())


def _adam(name):
    return keras.optimizers.Adam(2e-4, beta_1=0.5, name=name)


def _ids(variables):
    return [id(variable) for variable in variables]
