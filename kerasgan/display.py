"""What `fit` shows: a progress bar, or lines of text where no bar can be drawn."""

import contextlib
import sys
import threading
import time
import warnings

import tqdm

with warnings.catch_warnings():
    # A notebook without ipywidgets: a bar of text does as well.
    warnings.simplefilter("ignore", tqdm.TqdmWarning)
    import tqdm.auto

from kerasgan.checks import counted

__all__ = ["open_display"]

# Minimum time between reads of the losses, because a read waits for the step.
SECONDS_BETWEEN_LOSSES = 0.25  # on a bar
SECONDS_BETWEEN_LINES = 60  # in a log

LINE = "{desc}: {n_fmt}/{total_fmt} [{elapsed}<{remaining}, {rate_fmt}{postfix}]"

COMPILING = "compiling the first step"


def open_display(total, verbose, initial=0):
    """A context manager that shows progress through `total` steps (None: unknown).

    `initial` of them have been made before. `verbose` is as in Keras: 0 shows nothing, 2 prints a
    line for each epoch, and 1 and "auto" draw a bar in a terminal or notebook, and print one line a
    minute elsewhere.
    """
    if verbose == 2:
        return contextlib.nullcontext(_EpochLines())
    if verbose and not _can_draw():
        return contextlib.closing(_MinuteLines(total, initial))
    return _Bar(total=total, initial=initial, unit="step", disable=not verbose, dynamic_ncols=True)


def _can_draw():
    ipython = sys.modules.get("IPython")
    if ipython and hasattr(ipython.get_ipython(), "kernel"):
        return True  # a notebook
    return sys.stderr is not None and sys.stderr.isatty()


class _Bar(tqdm.auto.tqdm):
    """Steps made, steps and time left, losses, and images per second."""

    monitor_interval = 0  # no thread of tqdm's own
    _shown_at = 0.0
    _images_per_second = 0.0

    def begin(self, title):
        self.set_description(title, refresh=False)

    def show(self, logs, num_steps, num_images):
        """Counts steps of `num_images` each."""
        if self.disable:
            return
        now = time.monotonic()
        if now - self._shown_at >= SECONDS_BETWEEN_LOSSES:
            self._shown_at = now
            state = self.format_dict
            # Until tqdm has a smoothed rate, use the mean.
            made = state["n"] - state["initial"] + num_steps
            rate = state["rate"] or made / state["elapsed"]
            self._images_per_second = rate * num_images
            self.end(logs)
        self.update(num_steps)

    def back(self, num_steps):
        """Takes back steps that will be made again."""
        self.update(-num_steps)

    def end(self, logs):
        if not self.disable:
            self.set_postfix_str(_summary(logs, self._images_per_second), refresh=False)


class _MinuteLines:
    """The same as text: one line a minute and, if any was printed, a last line at the end.

    The first step compiles, which may take minutes: the speed, and with it the time left, counts
    from its end. Until then the lines come from a thread, because nothing else runs.
    """

    def __init__(self, total, initial):
        self._total = total
        self._steps, self._num_images = initial, 0
        self._start = self._shown_at = time.monotonic()
        self._since = None  # (seconds, steps) that the speed counts from
        self._has_begun = threading.Event()
        self._waiting = None

    def begin(self, title):
        self._title, self._logs = title, {}
        if self._waiting is None:
            self._waiting = threading.Thread(target=self._wait, daemon=True)
            self._waiting.start()

    def _wait(self):
        while not self._has_begun.wait(SECONDS_BETWEEN_LINES or None):
            self._print({})

    def show(self, logs, num_steps, num_images):
        self._has_begun.set()
        self._steps += num_steps
        self._num_images = num_images
        now = time.monotonic()
        if now - self._shown_at >= SECONDS_BETWEEN_LINES:
            self._print(logs)
        if self._since is None:
            self._since = (now, self._steps)

    def back(self, num_steps):
        self._steps -= num_steps
        if self._since:
            now, steps = self._since
            self._since = (now, steps - num_steps)  # the speed counts all steps made since

    def end(self, logs):
        self._logs = logs

    def close(self):
        self._has_begun.set()
        if self._waiting:
            self._waiting.join()
        if self._start < self._shown_at and self._since and self._since[1] < self._steps:
            self._print(self._logs)

    def _print(self, logs):
        now = time.monotonic()
        rate = 0.0  # not known
        if self._since and self._since[0] < now:
            rate = (self._steps - self._since[1]) / (now - self._since[0])
        has_begun = self._has_begun.is_set()
        line = tqdm.auto.tqdm.format_meter(
            self._steps,
            self._total,
            now - self._start,
            prefix=self._title,
            unit="step",
            rate=rate,
            bar_format=LINE if self._total else LINE.replace("<{remaining}", ""),
            postfix=_summary(logs, rate * self._num_images) if has_begun else COMPILING,
        )
        _write(sys.stderr, line)
        self._shown_at = now
        if self._since:
            self._since = (now, self._steps)


class _EpochLines:
    """A line for each epoch, with all its terms."""

    def begin(self, title):
        self._title, self._start, self._steps = title, time.monotonic(), 0

    def show(self, logs, num_steps, num_images):
        self._steps += num_steps

    def back(self, num_steps):
        """Nothing: the line of an epoch counts the steps made in it."""

    def end(self, logs):
        seconds = time.monotonic() - self._start
        per_step = 1000 * seconds / max(1, self._steps)
        parts = [
            f"{self._title}: {counted(self._steps, 'step')}",
            f"{seconds:.0f}s",
            f"{per_step:.0f}ms/step",
        ]
        parts += [f"{name}: {value:.4f}" for name, value in logs.items()]
        _write(sys.stdout, " - ".join(parts))


def _summary(logs, images_per_second):
    parts = [f"{name}={logs[name]:.3f}" for name in ("d_loss", "g_loss") if name in logs]
    if images_per_second:  # known from the second step on
        parts.append(f"images/s={images_per_second:.0f}")
    return ", ".join(parts)


def _write(stream, line):
    # Training must not stop because a line cannot be written.
    with contextlib.suppress(OSError, ValueError):
        print(line, file=stream, flush=True)
