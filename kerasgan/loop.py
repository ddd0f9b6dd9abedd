"""The loop: epochs, steps, callbacks."""

import collections
import contextlib
import itertools
import typing
import warnings

import keras

from kerasgan import backend
from kerasgan._interrupts import stopping
from kerasgan.checks import argument_error, check_choice, check_whole
from kerasgan.display import open_display
from kerasgan.logs import Fault

__all__ = ["check", "fit"]

# Limit on the calls whose results are not yet read: enough to keep a device busy, but few enough
# that the batches on their way to it take little memory.
MOST_UNREAD = 8
# Processes ask each other whether to stop after this many calls, because asking takes time.
CALLS_TO_AGREE = 8
# A loss scale falls from its first value to 1 in 15 steps; the loss itself is to blame after that.
MOST_SKIPPED = 50


def fit(
    gan,
    batches,
    *,
    epochs,
    initial_epoch,
    steps,
    steps_per_epoch,
    pretrain_steps,
    callbacks,
    verbose,
):
    """`GAN.fit`, with checked arguments and its data as `Batches`."""
    progress = gan.progress
    if progress.num_batches != (batches.num_batches or 0):
        # The data or its batches are different: the old position is meaningless.
        progress.num_batches = batches.num_batches or 0
        progress.start_next_pass()
    if steps is not None:
        remaining = max(0, steps - gan.step)
        if not remaining:
            warnings.warn(
                f"Nothing is trained: the GAN has made {gan.step} steps, and `steps` counts all of "
                f"them. Received: steps={steps}. Pass more, or epochs.",
                stacklevel=3,
            )
        epochs = initial_epoch + remaining  # at most: every epoch makes a step
    else:
        num_epochs = max(0, epochs - initial_epoch)
        remaining = _count_steps(gan, num_epochs, steps_per_epoch, batches.num_batches)
    if not isinstance(callbacks, keras.callbacks.CallbackList):
        callbacks = keras.callbacks.CallbackList(
            callbacks,
            add_history=True,
            model=gan,
            verbose=0,
            epochs=epochs,
            steps=_count_steps(gan, 1, steps_per_epoch, batches.num_batches),
            pretrain_steps=pretrain_steps,
        )

    calls = itertools.count(1)

    def is_done(is_between_epochs=True):
        is_last = steps is not None and gan.step >= steps
        return is_last or _stops(gan, is_between_epochs or next(calls) % CALLS_TO_AGREE == 0)

    gan.stop_training = False
    gan.nan_step = None
    gan._initial_epoch = None
    with contextlib.ExitStack() as stack:
        stack.enter_context(stopping(gan))
        callbacks.on_train_begin()
        # How `keras.callbacks.BackupAndRestore` tells Keras's `fit` where to resume.
        initial_epoch = gan._initial_epoch or initial_epoch
        _pretrain(gan, batches, pretrain_steps, callbacks, verbose)
        shown = (remaining, verbose) if steps is None else (steps, verbose, gan.step)
        display = stack.enter_context(open_display(*shown))
        source = stack.enter_context(contextlib.closing(_Source(gan, batches)))
        if initial_epoch < epochs and not is_done():
            source.look()  # raises before anything begins if a batch does not fit
        logs = None
        guard = _Guard(gan, callbacks)
        before = progress.epoch - initial_epoch
        while (epoch := progress.epoch - before) < epochs and not is_done():
            display.begin(f"Epoch {epoch + 1}" + (f"/{epochs}" if steps is None else ""))
            callbacks.on_epoch_begin(epoch)
            if steps_per_epoch is not None and progress.epoch_step >= steps_per_epoch:
                progress.epoch_step = 0
            means, is_over = _Means(guard), False
            # A callback, too, may find that something is not finite.
            while not is_over and not is_done(False) and gan.nan_step is None:
                first = progress.epoch_step
                callbacks.on_train_batch_begin(first)
                taken, step_logs, is_over = _make_steps(gan, source, steps, steps_per_epoch)
                means.add(step_logs.as_reported(), len(taken), gan.step)
                _end_batch(callbacks, first + len(taken) - 1, step_logs)
                display.show(step_logs, len(taken), _num_images(taken[-1].batches))
            logs = means.result()
            made = gan.step
            if gan.nan_step is not None:
                if guard.go_back():
                    display.back(made - gan.step)
                    source.restart()
                    continue
                guard.stop()
            display.end(logs)
            callbacks.on_epoch_end(epoch, logs)
        callbacks.on_train_end(logs)
    return getattr(gan, "history", None)


def check(epochs, initial_epoch, steps, steps_per_epoch, pretrain_steps, callbacks, verbose):
    """Raises ValueError unless these arguments of `GAN.fit` are valid."""
    check_whole("epochs", epochs, 0)
    check_whole("initial_epoch", initial_epoch, 0)
    check_whole("pretrain_steps", pretrain_steps, 0)
    if steps_per_epoch is not None:
        check_whole("steps_per_epoch", steps_per_epoch, 1)
    if steps is not None:
        check_whole("steps", steps, 0)
    check_choice("verbose", verbose, ("auto", 0, 1, 2))
    given = [] if callbacks is None else keras.tree.flatten(callbacks)
    for callback in given:
        if not isinstance(callback, keras.callbacks.Callback):  # a class, for example
            raise argument_error(
                "callbacks",
                "be a list of keras.callbacks.Callback",
                f"a list with {callback!r}",
                "Pass callbacks=[kerasgan.callbacks.Log('log.csv')], for example.",
            )


def _stops(gan, asks=True):
    """Whether training is to stop. Several processes stop together, if any of them wants to."""
    _, num_processes = backend.process()
    if num_processes == 1:
        return gan.stop_training
    if asks:
        gan.stop_training = backend.is_any(gan.stop_training, gan.trainable_variables)
    return asks and gan.stop_training


def _count_steps(gan, num_epochs, steps_per_epoch, num_batches):
    """Steps in this many epochs from here; None if the data has no known length."""
    if steps_per_epoch is not None:
        return max(0, num_epochs * steps_per_epoch - gan.epoch_step)
    if num_batches is None:
        return None
    # A step across the end of a pass ends the epoch; each epoch has at least one step.
    left = max(0, num_epochs * num_batches - gan.progress.batch)
    return max(num_epochs, -(-left // gan.discriminator_steps))


def _make_steps(gan, source, steps, steps_per_epoch):
    """Makes the steps of one call, and moves the position on.

    Returns:
        A list of `_Step`, their logs, and whether they end the epoch.
    """
    progress = gan.progress
    most = gan.steps_per_execution
    if steps is not None:
        most = min(most, steps - gan.step)
    if steps_per_epoch is not None:
        most = min(most, steps_per_epoch - progress.epoch_step)
    taken = source.take(most, within_pass=steps_per_epoch is None)
    logs = gan._training.make_steps([step.batches for step in taken])
    *_, last = taken
    progress.epoch_step += len(taken)
    if steps_per_epoch is None:
        is_over = last.passes > progress.passes
    else:
        is_over = progress.epoch_step == steps_per_epoch
    progress.passes, progress.batch = last.passes, last.batch
    if is_over:
        progress.epoch, progress.epoch_step = progress.epoch + 1, 0
    return taken, logs, is_over


def _end_batch(callbacks, batch, logs):
    # Not through the CallbackList, which would wait for all values at every step.
    for callback in callbacks.callbacks:
        callback.on_train_batch_end(batch, logs)


def _pretrain(gan, batches, pretrain_steps, callbacks, verbose):
    """Updates the discriminator before the first step, unless already done.

    Callbacks get these updates as batches with negative numbers, up to -1: the first step is
    batch 0.
    """
    progress = gan.progress
    if gan.step or progress.pretrained >= pretrain_steps:
        return
    guard = _Guard(gan, callbacks)
    means = _Means(guard)
    with (
        open_display(pretrain_steps - progress.pretrained, verbose) as display,
        contextlib.closing(_checked(gan, batches)) as stream,
    ):
        display.begin("Pretraining")
        while progress.pretrained < pretrain_steps and not guard.fault and not _stops(gan):
            number = progress.pretrained - pretrain_steps
            callbacks.on_train_batch_begin(number)
            batch, *position = next(stream)
            logs = gan._training.update_discriminator(batch)
            progress.passes, progress.batch = position
            progress.pretrained += 1
            means.add(logs.as_reported(), 1, gan.step)
            _end_batch(callbacks, number, logs)
            display.show(logs, 1, _num_images([batch]))
        display.end(means.result())
    if guard.fault:
        guard.stop()
    if progress.pretrained == pretrain_steps:
        progress.start_next_pass()  # so that the first epoch is whole


def _checked(gan, batches):
    """Yields `(batch, passes, batches taken)` endlessly, from the current position."""
    passes, number = gan.progress.passes, gan.progress.batch
    stream = batches.stream(passes, number)
    with contextlib.closing(stream):
        for batch, *position in stream:
            try:
                checked = gan._check_batch(batch)
            except ValueError as error:
                error.add_note(f"This is batch {number} of pass {passes}, both counted from 0.")
                raise
            yield checked, *position
            passes, number = position


class _Step(typing.NamedTuple):
    """The data of one step, and the position in the data after it."""

    batches: list
    passes: int
    batch: int

    @property
    def shapes(self):
        return [{name: array.shape for name, array in batch.items()} for batch in self.batches]


def _num_images(batches):
    """Images in these batches, in all processes."""
    _, num_processes = backend.process()
    return num_processes * sum(len(batch["images"]) for batch in batches)


class _Source:
    """Data for several steps at a time."""

    def __init__(self, gan, batches):
        self.gan = gan
        self.batches = batches
        self.stream = _checked(gan, batches)
        self.waiting = None

    def look(self):
        """Reads the next step's data in advance."""
        self.waiting = self._next()

    def restart(self):
        """Continues from the GAN's position in the data, which has changed."""
        self.close()
        self.stream, self.waiting = _checked(self.gan, self.batches), None

    def close(self):
        self.stream.close()

    def take(self, most, within_pass):
        """The next steps to make in one call: up to `most`, of equal shapes."""
        taken = [self._next()]
        while len(taken) < most and not (within_pass and self._ends_pass(taken[-1])):
            step = self._next()
            if step.shapes != taken[0].shapes:
                self.waiting = step
                break
            taken.append(step)
        return taken

    def _ends_pass(self, step):
        return step.passes > self.gan.progress.passes

    def _next(self):
        if self.waiting:
            step, self.waiting = self.waiting, None
            return step
        taken = list(itertools.islice(self.stream, self.gan.discriminator_steps))
        return _Step([batch for batch, *_ in taken], *taken[-1][1:])


class _Guard:
    """Watches the logs for what is not finite; goes back then, or stops training.

    Args:
        gan: The GAN.
        callbacks: `CallbackList` in which one may know how to go back.

    Attributes:
        fault: The `Fault` that must not be passed over, or None.
    """

    def __init__(self, gan, callbacks):
        self.gan = gan
        self.callbacks = callbacks.callbacks
        self.fault = None
        self._is_scaled = gan._training.scales_losses
        self._skipped = 0  # steps in a row

    def look(self, logs, count, step):
        """Looks at the logs of `count` steps, the last of which is `step`."""
        faults = {fault.offset: fault for fault in logs.faults()}
        for offset in range(count):
            fault = faults.get(offset)
            self._skipped = self._skipped + 1 if fault else 0
            # In half precision a loss may overflow. Its update is skipped, with a lower scale next.
            is_normal = self._is_scaled and self._skipped < MOST_SKIPPED
            if fault and not self.fault and (fault.is_lasting or not is_normal):
                self.fault = fault
                self.gan.nan_step = step - count + 1 + offset

    def go_back(self):
        """Goes back to an earlier state, if a callback can; returns whether it did."""
        gan, what = self.gan, self._describe()
        for callback in [] if _stops(gan) else self.callbacks:
            if hasattr(callback, "roll_back") and callback.roll_back():
                self.fault, self._skipped, gan.nan_step = None, 0, None
                warnings.warn(
                    f"Training goes back to the checkpoint of step {gan.step}, with half the "
                    f"learning rates: {what}.",
                    stacklevel=4,
                )
                return True
        return False

    def stop(self):
        """Stops training and says why, unless it is stopping already."""
        if not self.gan.stop_training:
            self.gan.stop_training = True
            warnings.warn(
                f"Training has stopped: {self._describe()}. Load an earlier file, and train with "
                "smaller learning rates.",
                stacklevel=4,
            )

    def _describe(self):
        # Without a fault in the logs, a callback has found it.
        fault = self.fault or Fault(0, ["the weights, their average or an optimizer's state"], True)
        return f"{fault} at step {self.gan.nan_step}"


class _Means:
    """Means of the logs of an epoch's steps.

    Args:
        guard: `_Guard` that sees all logs.
    """

    def __init__(self, guard):
        self._guard = guard
        self._unread = collections.deque()
        self._sums = {}
        self._count = 0

    def add(self, logs, count, step):
        self._unread.append((logs, count, step))
        if len(self._unread) > MOST_UNREAD:
            self._read()

    def _read(self):
        logs, count, step = self._unread.popleft()
        self._guard.look(logs, count, step)
        self._count += count
        for name, value in logs.items():
            self._sums[name] = self._sums.get(name, 0.0) + count * value

    def result(self):
        while self._unread:
            self._read()
        return {name: value / self._count for name, value in self._sums.items()}
