"""Learning rates that change on one side only."""

import keras
import pytest
from tiny_gan import IMAGES, build_gan, train

from kerasgan import callbacks


def test_on_optimizer_changes_one_learning_rate():
    gan = build_gan()
    halve = keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2)
    plateau = keras.callbacks.ReduceLROnPlateau(
        monitor="d_loss", mode="min", patience=1, min_delta=100.0, factor=0.1
    )
    gan.fit(
        IMAGES,
        batch_size=6,
        epochs=2,
        callbacks=[
            callbacks.OnOptimizer(gan.g_optimizer, halve),
            callbacks.OnOptimizer(gan.d_optimizer, plateau),
        ],
    )
    assert float(gan.g_optimizer.learning_rate) == pytest.approx(2e-4 / 4)
    assert float(gan.d_optimizer.learning_rate) == pytest.approx(2e-5)


def test_on_optimizer_hands_everything_else_through():
    seen = []

    class Everything(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            seen.append(("begin", self.params["epochs"]))

        def on_batch_end(self, batch, logs=None):
            seen.append((self.model.step, "d_loss" in logs))
            self.model.stop_training = True

        def on_train_end(self, logs=None):
            seen.append("end")

    gan = build_gan()
    train(gan, 5, callbacks.OnOptimizer(gan.g_optimizer, Everything()))
    assert seen == [("begin", 99), (1, True), "end"]
    assert gan.step == 1
