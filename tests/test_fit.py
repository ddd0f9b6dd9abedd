import itertools
import signal

import keras
import numpy as np
import pytest
from models import dense_pair, linear_pair, pictures, recorded_warnings, same, state

import kerasgan
from kerasgan.batches import Batches
from kerasgan.pictures import save_png


@pytest.fixture
def own():
    return dense_pair()


class Steps(keras.callbacks.Callback):
    """Notes what it is called with; stops or raises after some steps."""

    def __init__(self, stop_after=None, raise_after=None, interrupt_after=None):
        super().__init__()
        self.calls, self.logs = [], []
        self.stop_after, self.raise_after = stop_after, raise_after
        self.interrupt_after = interrupt_after

    def on_epoch_begin(self, epoch, logs=None):
        self.calls.append(f"epoch {epoch}")

    def on_train_batch_end(self, batch, logs=None):
        self.calls.append(batch)
        self.logs.append(logs)
        if self.model.step == self.stop_after:
            self.model.stop_training = True
        if self.model.step == self.raise_after:
            raise RuntimeError("on purpose")
        if self.model.step == self.interrupt_after:
            signal.raise_signal(signal.SIGINT)

    def on_train_end(self, logs=None):
        self.calls.append("end")


def fit(gan, x, verbose=0, **kwargs):
    return gan.fit(x, verbose=verbose, **kwargs)


def test_an_epoch_is_one_pass(own):
    steps = Steps()
    history = fit(own, pictures(7, own), batch_size=3, epochs=2, callbacks=[steps])
    assert steps.calls == ["epoch 0", 0, 1, 2, "epoch 1", 0, 1, 2, "end"]
    assert own.step == 6 and own.epoch == 2
    sides = {"d_loss_real", "d_loss_fake", "d_real", "d_fake"}
    assert set(history.history) == {"d_loss", "g_loss", "loss"} | sides
    means = np.mean([logs["d_loss"] for logs in steps.logs[:3]])
    assert history.history["d_loss"][0] == pytest.approx(means)


def test_a_batch_that_does_not_fit_is_named(own):
    batches = [pictures(4, own) / 127.5 - 1 for _ in range(3)]
    fit(own, batches, epochs=1)
    batches[1][2] = np.nan
    with pytest.raises(ValueError, match="image 2 has NaN") as caught:
        fit(own, batches, epochs=2)
    assert caught.value.__notes__ == ["This is batch 1 of pass 1, both counted from 0."]


def test_every_discriminator_update_gets_a_fresh_batch(own):
    own.compile(discriminator_steps=2)
    steps = Steps()
    fit(own, pictures(10, own), batch_size=2, epochs=2, callbacks=[steps])
    # Five batches a pass: the third step ends one pass and begins the next.
    assert steps.calls == ["epoch 0", 0, 1, 2, "epoch 1", 0, 1, "end"]
    assert own.step == 5 and own.epoch == 2


def test_steps_per_epoch(own):
    steps = Steps()
    fit(own, pictures(6, own), batch_size=2, epochs=2, steps_per_epoch=4, callbacks=[steps])
    assert steps.calls == ["epoch 0", 0, 1, 2, 3, "epoch 1", 0, 1, 2, 3, "end"]
    assert own.epoch == 2 and own.progress.batch == 2


def test_pretraining_happens_once_and_before_everything(own):
    before = own.step
    fit(own, pictures(6, own), batch_size=2, pretrain_steps=4)
    assert float(own.d_optimizer.iterations) == 4 + 3
    assert own.step == before + 3
    fit(own, pictures(6, own), batch_size=2, pretrain_steps=4)
    assert float(own.d_optimizer.iterations) == 4 + 6


def test_callbacks_see_pretraining_as_batches_below_zero(own):
    steps = Steps()
    history = fit(own, pictures(6, own), batch_size=2, pretrain_steps=3, callbacks=[steps])
    assert steps.calls == [-3, -2, -1, "epoch 0", 0, 1, 2, "end"]
    sides = {"d_loss_real", "d_loss_fake", "d_real", "d_fake"}
    for logs in steps.logs[:3]:
        assert set(logs) == {"d_loss", "loss"} | sides and logs["loss"] == logs["d_loss"]
    assert history.history["d_loss"] == [
        pytest.approx(np.mean([x["d_loss"] for x in steps.logs[3:]]))
    ]


def test_a_callback_can_stop_pretraining(own):
    # As a schedule, since training does not begin with a rate of NaN.
    rate = keras.optimizers.schedules.ExponentialDecay(float("nan"), 1, 1.0)
    own.compile(d_optimizer=keras.optimizers.SGD(rate))
    images, nan = pictures(6, own), keras.callbacks.TerminateOnNaN()
    fit(own, images, batch_size=2, pretrain_steps=9, callbacks=[nan])
    assert own.step == 0 and own.progress.pretrained == 2


@pytest.mark.parametrize("stop", [1, 3, 5])
def test_a_stopped_fit_goes_on_in_the_middle_of_the_pass(tmp_path, own, stop):
    own.save(tmp_path / "gan.keras")
    parts = keras.models.load_model(tmp_path / "gan.keras")
    images = pictures(7, own)
    fit(own, images, batch_size=3, epochs=2)
    fit(parts, images, batch_size=3, epochs=2, callbacks=[Steps(stop_after=stop)])
    assert parts.step == stop
    fit(parts, images, batch_size=3, epochs=2, initial_epoch=parts.epoch)
    assert same(state(own), state(parts))


@pytest.mark.parametrize("arguments", [{"pretrain_steps": 5}, {"steps_per_epoch": 3}])
@pytest.mark.parametrize("stop", [2, 5])
def test_the_epochs_count_alike_after_a_stop(tmp_path, own, arguments, stop):
    own.save(tmp_path / "gan.keras")
    parts = keras.models.load_model(tmp_path / "gan.keras")
    arguments = {"x": pictures(8, own), "batch_size": 2, "epochs": 2, **arguments}
    fit(own, **arguments)
    fit(parts, **arguments, callbacks=[Steps(stop_after=stop)])
    fit(parts, **arguments, initial_epoch=parts.epoch)
    assert own.epoch == parts.epoch == 2
    assert same(state(own), state(parts))


def test_other_data_after_a_stop_begins_with_a_whole_pass(own):
    fit(own, pictures(8, own), batch_size=2, callbacks=[Steps(stop_after=1)])
    steps = Steps()
    fit(own, pictures(6, own), batch_size=1, callbacks=[steps])
    assert own.step == 1 + 6


def test_an_exception_in_a_callback_leaves_the_model_usable(own):
    found = [v.trainable for v in own.variables]
    with pytest.raises(RuntimeError, match="on purpose"):
        fit(own, pictures(6, own), batch_size=2, callbacks=[Steps(raise_after=2)])
    assert [v.trainable for v in own.variables] == found
    assert own.step == 2 and own.progress.batch == 2
    fit(own, pictures(6, own), batch_size=2)
    assert own.step == 3


def test_ctrl_c_waits_for_the_end_of_the_step(own):
    handler = signal.getsignal(signal.SIGINT)
    steps = Steps(interrupt_after=2)
    with pytest.raises(KeyboardInterrupt):
        fit(own, pictures(6, own), batch_size=2, callbacks=[steps])
    assert own.step == 2 and steps.calls == ["epoch 0", 0, 1, "end"]
    assert signal.getsignal(signal.SIGINT) is handler
    own.train_on_batch(pictures(2, own))


def test_keras_callbacks_run(tmp_path, own):
    images = pictures(6, own)
    callbacks = [
        keras.callbacks.CSVLogger(tmp_path / "log.csv"),
        keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2),
        keras.callbacks.ReduceLROnPlateau(monitor="d_loss", mode="min", patience=5),
        keras.callbacks.TerminateOnNaN(),
        keras.callbacks.ModelCheckpoint(tmp_path / "best.keras", monitor="g_loss", mode="min"),
    ]
    fit(own, images, batch_size=3, epochs=2, callbacks=callbacks)
    assert float(own.g_optimizer.learning_rate) == pytest.approx(5e-5)
    assert float(own.d_optimizer.learning_rate) == pytest.approx(5e-5)
    assert "d_fake" in (tmp_path / "log.csv").read_text().splitlines()[0]
    assert keras.models.load_model(tmp_path / "best.keras").step > 0


class Metric(keras.callbacks.Callback):
    """Adds a metric that is best in the second of four epochs, and notes each epoch's samples."""

    def __init__(self):
        super().__init__()
        self.samples = []

    def on_epoch_end(self, epoch, logs=None):
        logs["metric"] = [3.0, 1.0, 2.0, 4.0][epoch]
        self.samples.append(self.model.sample(2, seed=0))


@pytest.mark.parametrize("ema", [False, 0.5])
def test_early_stopping_restores_the_best_epoch(own, ema):
    own.compile(ema=ema)
    metric = Metric()
    stop = keras.callbacks.EarlyStopping(
        "metric", patience=2, mode="min", restore_best_weights=True
    )
    fit(own, pictures(6, own), batch_size=2, epochs=9, callbacks=[metric, stop])
    assert own.epoch == 4
    best = own.sample(2, seed=0)
    np.testing.assert_array_equal(best, metric.samples[1])
    assert not np.array_equal(best, metric.samples[3])


def test_weights_without_an_average(own):
    own.compile(ema=0.5)
    own.train_on_batch(pictures(2, own))
    before = own.get_weights()
    own.set_weights([0 * weight for weight in before[: len(own.weights)]])
    assert same(own.get_weights()[len(own.weights) :], before[len(own.weights) :])
    with pytest.raises(ValueError, match="weights"):
        own.set_weights(before[:-1])


def test_average_of_keras_optimizers(own):
    rates = [keras.optimizers.Adam(1e-3, use_ema=True, ema_momentum=0.5) for _ in range(2)]
    own.compile(*rates)
    average = keras.callbacks.SwapEMAWeights(swap_on_epoch=True)
    fit(own, pictures(6, own), batch_size=2, epochs=2, callbacks=[average])
    assert own.step == 6


def test_schedules_on_both_sides(own):
    decay = [keras.optimizers.schedules.ExponentialDecay(1e-2, 2, rate) for rate in (0.5, 0.1)]
    own.compile(*map(keras.optimizers.SGD, decay), discriminator_steps=2)
    fit(own, pictures(8, own), batch_size=2, epochs=1)
    rates = [float(own.g_optimizer.learning_rate), float(own.d_optimizer.learning_rate)]
    np.testing.assert_allclose(rates, [1e-2 * 0.5, 1e-2 * 0.1], rtol=1e-5)


def test_keras_backups_go_on_at_their_epoch(tmp_path, own):
    images = pictures(6, own)
    stopped = Steps(raise_after=5)
    with pytest.raises(RuntimeError, match="on purpose"):
        backup = keras.callbacks.BackupAndRestore(tmp_path)
        fit(own, images, batch_size=3, epochs=4, callbacks=[backup, stopped])
    restored, steps = dense_pair(), Steps()
    backup = keras.callbacks.BackupAndRestore(tmp_path)
    fit(restored, images, batch_size=3, epochs=4, callbacks=[backup, steps])
    assert steps.calls == ["epoch 2", 0, 1, "epoch 3", 0, 1, "end"]
    assert (restored.epoch, restored.step) == (4, 8)


@pytest.mark.parametrize("callbacks", [[], [keras.callbacks.TerminateOnNaN()]])
def test_nan_stops_training(callbacks):
    gan = linear_pair()
    gan.compile(g_optimizer=keras.optimizers.SGD(1e38))
    steps = Steps()
    with recorded_warnings() as texts:
        fit(gan, pictures(40, gan), batch_size=2, callbacks=[*callbacks, steps])
    assert gan.step < 12 and steps.calls[-1] == "end"
    assert len(texts) == (not callbacks)
    assert callbacks or f"became NaN or infinite at step {gan.nan_step}" in texts[0]
    with pytest.raises(ValueError, match="must have finite weights to be trained"):
        fit(gan, pictures(4, gan))


class BadRate(keras.optimizers.schedules.LearningRateSchedule):
    """NaN in one step."""

    def __init__(self, step):
        self.step = step

    def __call__(self, step):
        return keras.ops.where(keras.ops.equal(step, self.step - 1), np.nan, 1e-3)


def root_of_minus_one(score, real_images, fake_images, seed):
    return keras.ops.sqrt(keras.ops.mean(0.0 * score(real_images)) - 1.0)


def flat_root(score, real_images, fake_images, seed):
    """0, but its gradient is NaN."""
    return keras.ops.sqrt(keras.ops.mean(0.0 * score(real_images)))


def infinity(*arguments):
    return keras.ops.convert_to_tensor(np.inf)


FAULTS = {
    "a penalty": ({"penalty": root_of_minus_one}, 1, "penalty, d_loss"),
    "a penalty's gradient": ({"penalty": flat_root}, 1, "discriminator's weights"),
    "the generator's term": ({"auxiliary_loss": (infinity, None)}, 1, "infinity, g_loss"),
    "the discriminator's term": ({"auxiliary_loss": (None, infinity)}, 1, "infinity, d_loss"),
    "the generator's update": ({"g_optimizer": BadRate}, 4, "generator's weights"),
    "the discriminator's update": ({"d_optimizer": BadRate}, 4, "discriminator's weights"),
}


@pytest.mark.parametrize(("update", "steps_per_execution"), [("joint", 3), ("simultaneous", 1)])
@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_not_finite_is_named_with_its_step(own, fault, update, steps_per_execution):
    arguments, step, names = FAULTS[fault]
    arguments = {
        name: keras.optimizers.SGD(value(step)) if value is BadRate else value
        for name, value in arguments.items()
    }
    own.compile(update=update, steps_per_execution=steps_per_execution, **arguments)
    with recorded_warnings() as texts:
        fit(own, pictures(20, own), batch_size=2, epochs=9)
    (text,) = texts
    assert f"stopped: {names} became NaN or infinite at step {step}. Load" in text
    assert own.nan_step == step and own.step < 20


@pytest.mark.parametrize("update", ["joint", "separate", "simultaneous"])
def test_what_began_in_the_first_of_several_updates_is_named(own, update):
    own.compile(penalty=root_of_minus_one, update=update, discriminator_steps=3)
    with recorded_warnings() as texts:
        fit(own, pictures(20, own), batch_size=2)
    assert "stopped: penalty, d_loss became NaN or infinite at step 1. Load" in texts[0]


def test_a_loop_of_ones_own_hears_of_it_too(own):
    own.compile(penalty=root_of_minus_one)
    with recorded_warnings() as texts:
        logs = own.train_on_batch(pictures(2, own))
    assert "At step 1, penalty, d_loss became NaN or infinite" in texts[0]
    assert np.isnan(logs["penalty"])
    assert set(logs) >= {"d_loss", "g_loss", "loss"} and "discriminator's weights" not in logs


def test_a_loss_in_half_precision_may_overflow_for_some_steps(own):
    scaled = [
        keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam(1e-3), name=f"{side}_optimizer")
        for side in "gd"
    ]
    own.compile(*scaled, auxiliary_loss=infinity)
    fit(own, pictures(20, own), batch_size=2)
    assert own.step == 10 and own.nan_step is None
    # It cannot be the scale that overflows in all steps.
    with recorded_warnings() as texts:
        fit(own, pictures(20, own), batch_size=2, epochs=9)
    assert own.nan_step == 10 + 50 and "stopped: infinity, d_loss" in texts[0]


def test_steps_in_between_are_no_overflow_in_a_row(own):
    def sometimes(*arguments):
        return keras.ops.where(keras.ops.equal(own._training.count.step % 2, 0), 0.0, np.inf)

    scaled = [
        keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam(1e-3), name=f"{side}_optimizer")
        for side in "gd"
    ]
    own.compile(*scaled, auxiliary_loss=sometimes, steps_per_execution=5)
    fit(own, pictures(20, own), batch_size=2, steps=120)
    assert own.step == 120 and own.nan_step is None


def test_a_nan_in_the_average_is_found_before_training(own):
    own.compile(ema=0.9)
    average = own.sampling_generator
    average.set_weights([weight * np.nan for weight in average.get_weights()])
    with pytest.raises(ValueError, match="NaN or infinity in its weights, their average"):
        fit(own, pictures(4, own))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"validation_data": 1}, "`validation_data` must be left out.*callbacks.Evaluate"),
        ({"shuffle": True}, "`shuffle` must be left out.*Arrays are shuffled in every pass"),
        ({"sample_weight": 1}, "`sample_weight` must be left out.*repeat them"),
        ({"colour": 1}, r"GAN.fit\(\) got an unexpected keyword argument 'colour'"),
    ],
)
def test_fit_says_what_to_do_in_place_of_keras_arguments(own, arguments, message):
    with pytest.raises(TypeError, match=message):
        fit(own, pictures(4, own), **arguments)


def test_a_step_that_fit_would_not_call_is_refused(own):
    class Own(kerasgan.GAN):
        def train_on_batch(self, images):
            return super().train_on_batch(images) | {"mine": 1.0}

    gan = Own(own.generator, own.discriminator)
    assert gan.train_on_batch(pictures(2, own))["mine"] == 1.0
    with pytest.raises(TypeError, match="must not override `train_on_batch`.*your own loop"):
        fit(gan, pictures(2, own))


class Numbers(keras.utils.PyDataset):
    def __init__(self, images, labels=None, **kwargs):
        super().__init__(**kwargs)
        self.images, self.labels = images, labels
        self.begins, self.ends = 0, 0

    @property
    def num_batches(self):
        return 3

    def __getitem__(self, index):
        part = slice(2 * index, 2 * index + 2)
        return self.images[part] if self.labels is None else (self.images[part], self.labels[part])

    def on_epoch_begin(self):
        self.begins += 1

    def on_epoch_end(self):
        self.ends += 1


def sources(images):
    yield "list", [images[:2], images[2:4], images[4:]]
    yield "pairs", [(images[:2], np.zeros(2)), (images[2:4], np.zeros(2)), (images[4:], [0, 0])]
    yield "single-element lists", [[images[:2]], [images[2:4]], [images[4:]]]
    yield "triples", [(images[i : i + 2], np.zeros(2), np.ones(2)) for i in (0, 2, 4)]
    yield "PyDataset", Numbers(images)
    yield "PyDataset with labels and workers", Numbers(images, np.zeros(6), workers=3)
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        yield "tf.data", tf.data.Dataset.from_tensor_slices(images).batch(2)
    if keras.backend.backend() == "torch":
        import torch

        yield "DataLoader", torch.utils.data.DataLoader(torch.from_numpy(images), batch_size=2)


def test_whatever_holds_batches_trains_alike(tmp_path, own):
    own.save(tmp_path / "gan.keras")
    images = pictures(6, own)
    states = {}
    for name, source in sources(images):
        gan = keras.models.load_model(tmp_path / "gan.keras")
        with recorded_warnings():  # that labels are ignored
            fit(gan, source, epochs=2)
        assert gan.step == 6 and gan.epoch == 2, name
        states[name] = state(gan)
    for name in states:
        assert same(states[name], states["list"]), name


@pytest.mark.skipif(keras.config.backend() != "tensorflow", reason="a tf.data.Dataset")
def test_a_folder_read_by_keras_trains_once_it_is_mapped(tmp_path, own):
    import tensorflow as tf

    for index, image in enumerate(pictures(4, own)):
        save_png(tmp_path / f"{index}.png", image)
    dataset = keras.utils.image_dataset_from_directory(
        tmp_path, label_mode=None, image_size=(8, 8), batch_size=2, verbose=False
    )
    with pytest.raises(ValueError, match=r"dataset\.map\(lambda images, \*rest: tf\.cast\("):
        fit(own, dataset)
    fit(own, dataset.map(lambda images, *rest: tf.cast(images, "uint8")))
    assert own.step == 2


def test_a_generator_of_batches_that_runs_dry_says_so(own):
    batches = (pictures(2, own) for _ in range(2))
    with pytest.raises(
        ValueError, match="at least one batch in every pass.*iterated more than once"
    ):
        fit(own, batches, epochs=3)
    taken = []
    endless = (taken.append(i) or pictures(2, own) for i in itertools.count())
    for _ in range(3):
        fit(own, endless, epochs=2, steps_per_epoch=2)
    assert len(taken) <= 3 * 5


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"x": 3}, "`x` must be a uint8 array"),
        ({"x": "folder", "batch_size": 3}, "`x` must be"),
        ({"x": [], "batch_size": 3}, "`batch_size` must be left out"),
        ({"batch_size": 0}, "`batch_size` must be a whole number"),
        ({"epochs": -1}, "`epochs` must be a whole number"),
        ({"steps_per_epoch": 0}, "`steps_per_epoch` must be"),
        ({"pretrain_steps": 1.5}, "`pretrain_steps` must be"),
        ({"verbose": 3}, "`verbose` must be 'auto', 0, 1 or 2"),
        ({"verbose": None}, "`verbose` must be 'auto', 0, 1 or 2"),
        ({"y": [1]}, "`y` must contain one label per image"),
    ],
)
def test_fit_refuses(own, arguments, message):
    before = state(own)
    with pytest.raises(ValueError, match=message):
        fit(own, **{"x": pictures(4, own), **arguments})
    assert same(state(own), before)


def test_the_order_of_an_array_is_a_function_of_seed_and_pass():
    x = np.arange(10)

    def rows(seed, epoch, start=0):
        return np.concatenate(list(Batches(x, None, 5, seed).one_pass(epoch, start)))

    assert sorted(rows(0, 0)) == list(x)
    assert list(rows(0, 5)) == list(rows(0, 5))
    assert list(rows(0, 0)) != list(rows(0, 1)) and list(rows(0, 0)) != list(rows(1, 0))
    assert list(rows(0, 0, start=1)) == list(rows(0, 0))[5:]


def test_a_dataset_is_told_the_end_of_each_pass(own):
    dataset = Numbers(pictures(6, own))
    fit(own, dataset, epochs=2)
    assert dataset.begins == dataset.ends == 2


def test_an_error_of_the_dataset_is_the_users_to_see(own):
    class Broken(Numbers):
        def __getitem__(self, index):
            raise OSError("disk gone")

    with pytest.raises(OSError, match="disk gone"):
        fit(own, Broken(pictures(6, own)))


def test_training_to_a_step_goes_on_in_the_middle_of_an_epoch(own):
    images = pictures(6, own)
    steps = Steps()
    for last, texts in ((4, 0), (4, 1), (5, 0)):
        with recorded_warnings() as found:
            fit(own, images, batch_size=2, steps=last, initial_epoch=own.epoch, callbacks=[steps])
        assert own.step == last and len(found) == texts
        assert all("Nothing is trained: the GAN has made 4 steps" in text for text in found)
    assert steps.calls == ["epoch 0", 0, 1, 2, "epoch 1", 0, "end", "end", "epoch 1", 1, "end"]
    assert own.epoch == 1 and own.epoch_step == 2


def test_other_data_begins_an_epoch_of_its_own(own):
    images = pictures(10, own)
    steps = Steps(stop_after=3)
    fit(own, [images[i : i + 1] for i in range(10)], callbacks=[steps])
    fit(own, [images[:2], images[2:4], images[4:6]], callbacks=[steps])
    assert steps.calls == ["epoch 0", 0, 1, 2, "end", "epoch 0", 0, 1, 2, "end"]
    # Stopped at the end of a pass, but not of the epoch.
    steps = Steps(stop_after=own.step + 2)
    fit(own, images[:4], batch_size=2, steps_per_epoch=4, callbacks=[steps])
    fit(own, images[:9], batch_size=3, steps_per_epoch=4, callbacks=[steps])
    assert steps.calls == ["epoch 0", 0, 1, "end", "epoch 0", 0, 1, 2, 3, "end"]


def test_images_that_do_not_fit_are_refused_before_anything_begins(own):
    steps = Steps()
    for x in (pictures(6, own).astype("float32"), Numbers(pictures(6, own)[..., :0])):
        with pytest.raises(ValueError, match="`images` must be"):
            fit(own, x, callbacks=[steps])
    assert steps.calls == [] and own.step == 0
