"""Learning-rate changes on one side only."""

import keras

from kerasgan.checks import argument_error

__all__ = ["OnOptimizer"]


class OnOptimizer(keras.callbacks.Callback):
    """Applies a learning-rate callback to only one of a GAN's optimizers.

    A GAN has an optimizer for each side. `keras.callbacks.ReduceLROnPlateau` and
    `LearningRateScheduler` act on all of them; wrapped in this callback, only on the given one.

    Args:
        optimizer: `gan.g_optimizer` or `gan.d_optimizer`, or one optimizer of a pair.
        callback: The `keras.callbacks.Callback`.

    Raises:
        ValueError: `optimizer` is not an optimizer, or `callback` is not a callback.

    Example:

    ```python
    patience = keras.callbacks.ReduceLROnPlateau(monitor="d_loss", mode="min", patience=5)
    gan.fit(images, callbacks=[kerasgan.callbacks.OnOptimizer(gan.d_optimizer, patience)])
    ```
    """

    def __init__(self, optimizer: keras.optimizers.Optimizer, callback: keras.callbacks.Callback):
        super().__init__()
        for name, value, kind in (
            ("optimizer", optimizer, keras.optimizers.Optimizer),
            ("callback", callback, keras.callbacks.Callback),
        ):
            if not isinstance(value, kind):
                raise argument_error(
                    name,
                    f"be a Keras {name}",
                    f"{name}={value!r}",
                    "For example, pass OnOptimizer(gan.d_optimizer, ReduceLROnPlateau(...)).",
                )
        self.optimizer = optimizer
        self.callback = callback

    def set_params(self, params):
        super().set_params(params)
        self.callback.set_params(params)

    def set_model(self, model):
        super().set_model(model)
        self.callback.set_model(_WithOptimizer(model, self.optimizer))

    def on_train_begin(self, logs=None):
        self.callback.on_train_begin(logs)

    def on_train_end(self, logs=None):
        self.callback.on_train_end(logs)

    def on_epoch_begin(self, epoch, logs=None):
        self.callback.on_epoch_begin(epoch, logs)

    def on_epoch_end(self, epoch, logs=None):
        self.callback.on_epoch_end(epoch, logs)

    def on_train_batch_begin(self, batch, logs=None):
        self.callback.on_train_batch_begin(batch, logs)

    def on_train_batch_end(self, batch, logs=None):
        self.callback.on_train_batch_end(batch, logs)


class _WithOptimizer:
    """The model, with a different `optimizer`."""

    def __init__(self, model, optimizer):
        vars(self).update(_model=model, optimizer=optimizer)

    def __getattr__(self, name):
        return getattr(self._model, name)

    def __setattr__(self, name, value):
        setattr(self._model, name, value)
