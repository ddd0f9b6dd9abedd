"""Scores of the generator as training goes on."""

import keras
import numpy as np
import pytest
from models import recorded_warnings
from tiny_gan import IMAGES, build_gan, train, weights

from kerasgan import callbacks


def test_evaluate_writes_scores_and_keeps_the_best_generator(tmp_path):
    values = iter([9.0, 5.0, 7.0, 6.0])

    def evaluator(gan):
        return {"frechet_distance": next(values), "recall": gan.step / 10}

    gan = build_gan()
    evaluate = callbacks.Evaluate(evaluator, tmp_path, every=2)
    seen = []
    watch = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: seen.append(logs["frechet_distance"])
    )
    csv_log = keras.callbacks.CSVLogger(tmp_path / "epochs.csv")
    generators = {}

    class Keep(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            generators[self.model.step] = weights(self.model.generator)

    gan.fit(
        IMAGES[:10],
        batch_size=2,
        callbacks=[Keep(), evaluate, watch, csv_log],
        verbose=0,
    )
    assert seen == [9.0, 5.0, 5.0, 7.0, 7.0]
    rows = callbacks.read_log(tmp_path / "evaluation.csv")
    assert [(row["step"], row["frechet_distance"], row["recall"]) for row in rows] == [
        ("0", "9.0", "0.0"),
        ("2", "5.0", "0.2"),
        ("4", "7.0", "0.4"),
        ("5", "6.0", "0.5"),
    ]
    assert "frechet_distance" in (tmp_path / "epochs.csv").read_text().splitlines()[0]
    best = keras.models.load_model(tmp_path / "best_generator.keras")
    np.testing.assert_array_equal(weights(best), generators[2])


@pytest.mark.any_backend
def test_a_distance_of_nan_does_not_stand_in_the_way_of_a_best(tmp_path):
    distances = iter([float("nan"), 5.0, 6.0])
    evaluate = callbacks.Evaluate(
        lambda gan: {"frechet_distance": next(distances)}, tmp_path, every=1
    )
    gan = build_gan()
    evaluate.set_model(gan)
    evaluate.on_train_begin()
    assert not (tmp_path / "best_generator.keras").exists()
    evaluate.act()
    best = weights(gan.generator)
    gan.generator.weights[0].assign(gan.generator.weights[0] + 1.0)
    evaluate.act()
    found = keras.models.load_model(tmp_path / "best_generator.keras")
    np.testing.assert_array_equal(weights(found), best)


@pytest.mark.any_backend
def test_evaluate_goes_on_after_a_resume(tmp_path):
    gan = build_gan()
    values = iter([9.0, 5.0, 4.0, 6.0])
    arguments = {"batch_size": 2, "verbose": 0, "steps_per_epoch": 2}
    for epochs in (1, 2):
        evaluate = callbacks.Evaluate(
            lambda gan: {"frechet_distance": next(values)}, tmp_path, every=2
        )
        gan.fit(
            IMAGES[:8],
            callbacks=[evaluate],
            epochs=epochs,
            initial_epoch=epochs - 1,
            **arguments,
        )
    rows = callbacks.read_log(tmp_path / "evaluation.csv")
    assert [(row["step"], row["frechet_distance"]) for row in rows] == [
        ("0", "9.0"),
        ("2", "5.0"),
        ("4", "4.0"),
    ]


@pytest.mark.any_backend
def test_evaluate_compares_what_was_measured_alike(tmp_path):
    class Evaluator:
        def __init__(self, count, values):
            self.protocol = {"encoder": "mean", "count": count}
            self.floor = {"frechet_distance": 0.5}
            self.values = iter(values)

        def __call__(self, gan):
            return {"frechet_distance": next(self.values)}

    gan = build_gan()
    train(gan, 2, callbacks.Evaluate(Evaluator(10, [9.0, 1.0]), tmp_path, every=2))
    with recorded_warnings() as texts:
        train(gan, 4, callbacks.Evaluate(Evaluator(20, [7.0, 6.0]), tmp_path, every=2))
    assert len(texts) == 1 and "another encoder, data set, count, seed or monitor" in texts[0]
    rows = callbacks.read_log(tmp_path / "evaluation.csv")
    assert [tuple(row.values()) for row in rows] == [
        ("0", "9.0", "0.5", "mean", "10", "frechet_distance"),
        ("2", "1.0", "0.5", "mean", "10", "frechet_distance"),
        ("2", "7.0", "0.5", "mean", "20", "frechet_distance"),
        ("4", "6.0", "0.5", "mean", "20", "frechet_distance"),
    ]
    assert list(rows[0])[2] == "floor_frechet_distance"
    best = keras.models.load_model(tmp_path / "best_generator.keras")
    np.testing.assert_array_equal(weights(best), weights(gan.generator))


@pytest.mark.any_backend
def test_a_best_generator_that_could_not_be_saved_is_no_row(tmp_path, monkeypatch):
    values = iter([9.0, 5.0, 7.0])
    evaluate = callbacks.Evaluate(lambda gan: {"frechet_distance": next(values)}, tmp_path, every=1)
    gan, save = build_gan(), keras.Model.save

    def full(model, path):
        if gan.step == 1:
            raise OSError(28, "No space left on device")
        save(model, path)

    monkeypatch.setattr(keras.Model, "save", full)
    with recorded_warnings() as texts:
        train(gan, 2, evaluate)
    assert len(texts) == 1 and "No space left" in texts[0]
    rows = callbacks.read_log(tmp_path / "evaluation.csv")
    assert [row["frechet_distance"] for row in rows] == ["9.0", "7.0"]
    best = keras.models.load_model(tmp_path / "best_generator.keras")
    np.testing.assert_array_equal(weights(best), weights(gan.generator))


def test_early_stopping_of_keras_reads_the_scores(tmp_path):
    values = iter([9.0, 5.0, 6.0, 7.0, 8.0])
    evaluate = callbacks.Evaluate(lambda gan: {"frechet_distance": next(values)}, tmp_path, every=2)
    stop = keras.callbacks.EarlyStopping(monitor="frechet_distance", mode="min", patience=2)
    gan = build_gan()
    gan.fit(IMAGES[:4], batch_size=2, epochs=10, verbose=0, callbacks=[evaluate, stop])
    assert gan.step == 6  # 5 at the end of the first epoch was the best


@pytest.mark.any_backend
def test_patience_counts_what_was_measured_at_equal_distances(tmp_path):
    values = iter([9.0, 5.0, 7.0, 6.0, 8.0])
    evaluate = callbacks.Evaluate(
        lambda gan: {"frechet_distance": next(values)}, tmp_path, every=2, patience=2
    )
    gan = build_gan()
    train(gan, 3, evaluate)  # the third measurement, at its end
    assert not evaluate.is_exhausted
    train(gan, 20, evaluate)
    assert gan.step == 6 and evaluate.is_exhausted


@pytest.mark.any_backend
def test_the_monitored_score_decides(tmp_path):
    def fall_and_rise(gan):  # as when a generator memorises few images
        return {"frechet_distance": 9.0 - gan.step, "kernel_distance": float(abs(gan.step - 2))}

    gan = build_gan()
    evaluate = callbacks.Evaluate(
        fall_and_rise, tmp_path, every=1, patience=3, monitor="kernel_distance"
    )
    train(gan, 20, evaluate)
    assert gan.step == 5 and evaluate.is_exhausted
    # Another score's best is another generator's: the search starts over.
    with recorded_warnings() as texts:
        train(gan, 7, callbacks.Evaluate(fall_and_rise, tmp_path, every=1))
    assert len(texts) == 1 and "seed or monitor" in texts[0] and gan.step == 7
    best = keras.models.load_model(tmp_path / "best_generator.keras")
    np.testing.assert_array_equal(weights(best), weights(gan.generator))
