"""Warnings about collapse and about a discriminator that always wins."""

import keras
import numpy as np
import pytest
from models import recorded_warnings
from tiny_gan import build_gan, train

from kerasgan import callbacks


def test_diagnose_warns_once_of_a_collapse():
    gan = build_gan()
    weights, bias = gan.generator.weights
    weights.assign(np.zeros(weights.shape))
    bias.assign(keras.random.normal(bias.shape, seed=0))
    gan.g_optimizer.learning_rate = 0.0
    with recorded_warnings() as texts:
        train(gan, 6, callbacks.Diagnose(every=2))
    assert len(texts) == 1
    assert texts[0].startswith("At step 2 64 samples look nearly the same.")


def test_diagnose_warns_once_of_a_discriminator_that_always_wins():
    gan = build_gan()
    # Real images are bright: score 64 for white, -64 for black.
    weights, bias = gan.generator.weights
    bias.assign(keras.ops.full(bias.shape, -2.0))
    d_weights, _ = gan.discriminator.weights
    d_weights.assign(keras.ops.full(d_weights.shape, 1 / 3))
    for optimizer in gan.optimizer.optimizers:
        optimizer.learning_rate = 0.0
    white = np.full((12, 8, 8, 3), 255, "uint8")
    with recorded_warnings() as texts:
        gan.fit(white, batch_size=4, steps=6, callbacks=[callbacks.Diagnose(every=2)], verbose=0)
    assert len(texts) == 1
    assert texts[0].startswith("At step 2 the discriminator's mean loss was ")
    gan.compile(label_smoothing=0.1)
    with recorded_warnings() as texts:
        gan.fit(white, batch_size=4, steps=12, callbacks=[callbacks.Diagnose(every=2)], verbose=0)
    assert texts == []


@pytest.mark.any_backend
def test_diagnose_does_not_judge_part_of_its_steps_nor_a_dead_critic():
    gan = build_gan()
    gan.compile(loss="wasserstein")
    gan.discriminator.set_weights([0 * weight for weight in gan.discriminator.get_weights()])
    for optimizer in gan.optimizer.optimizers:
        optimizer.learning_rate = 0.0
    won = {"d_loss": 0.001, "d_real": 9.0, "d_fake": -9.0}
    lucky = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: logs.update(won))
    with recorded_warnings() as texts:
        train(gan, 1)
        train(gan, 2, lucky, callbacks.Diagnose(every=2))
        train(gan, 6, callbacks.Diagnose(every=2))
    assert texts == []


@pytest.mark.any_backend
@pytest.mark.parametrize("loss", ["non_saturating", "wasserstein"])
def test_diagnose_is_silent_while_all_is_well(loss):
    gan = build_gan()
    gan.compile(loss=loss)
    with recorded_warnings() as texts:
        train(gan, 6, callbacks.Diagnose(every=1))
    assert texts == []
