"""What the backends share."""

import contextvars
import sys

import keras

# A step is compiled separately for this many shapes of data. TensorFlow then compiles for any batch
# size, but not from the start, because a loss may read the batch size from the shape.
SHAPES_BEFORE_ANY = 4
USE_DATA_PARALLEL = (
    "To use several devices of one machine, set KERAS_BACKEND=jax, and call "
    "keras.distribution.set_distribution(keras.distribution.DataParallel())."
)
# Whether this process is to act as if there were no others. Not for all threads of it: another one
# may be reading its share of the data.
is_alone = contextvars.ContextVar("is_alone", default=False)


def shapes_of(arrays):
    return tuple((tuple(array.shape), array.dtype) for array in arrays)


def num_devices():
    """The number of devices that share a batch."""
    distribution = keras.distribution.distribution()
    return distribution.num_model_replicas if distribution else 1


def check_known(scope, variables):
    """Raises ValueError if a step has assigned any other variables."""
    if scope.state_mapping.keys() - {id(variable) for variable in variables}:
        raise ValueError(
            "`augment`, `penalty`, `loss` and `auxiliary_loss` must not assign variables of their "
            "own on JAX or in a lazy penalty, where the assignment would be lost. Received: a "
            "function that does, for example with a keras.random.SeedGenerator. For `augment`, "
            "pass a keras.layers.Layer that keeps the state; for the others, avoid state."
        )


def peak_process_memory():
    try:
        import resource
    except ImportError:  # on Windows
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak * (1 if sys.platform == "darwin" else 1024)
