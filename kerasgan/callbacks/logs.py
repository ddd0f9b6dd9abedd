"""Losses and scores, as a CSV file and as a plot."""

import os
import pathlib

from kerasgan.callbacks._periodic import Periodic, step_after
from kerasgan.callbacks._rows import column_names, keep, means, read_log, to_csv, to_floats
from kerasgan.checks import check_path
from kerasgan.files import replacing

__all__ = ["Log", "LossPlot", "read_log"]


class Log(Periodic):
    """Writes the losses and scores of training to a CSV file.

    The columns are `step` (generator updates), `epoch` (finished passes over the data), then every
    term that training reports. Each row contains the means of the last `every` steps. Pre-training
    rows count up to step 0: from -299 with `fit(pretrain_steps=300)`. At the end of training, each
    step after the last full row gets its own row. When training resumes from an earlier step,
    later rows are dropped. A term that first appears later (from a penalty or `Evaluate`) gets a
    column at the end.

    Args:
        path: Path of the CSV file.
        every: Steps per row.

    Raises:
        ValueError: `path` is not a path, or `every` is not a positive whole number.

    Example:

    ```python
    gan.fit(images, epochs=20, callbacks=[kerasgan.callbacks.Log("log.csv")])
    ```
    """

    sees_pretraining = True

    def __init__(self, path: str | os.PathLike, every: int = 10):
        check_path("path", path)
        self.path = pathlib.Path(path)
        super().__init__(self.path.parent, every)
        self._columns: list[str] = []
        # Steps since the last full row: known values, and unread terms.
        self._window: list[tuple] = []
        self._end = 0  # bytes up to the end of the last full row

    def on_train_begin(self, logs=None):
        super().on_train_begin(logs)
        last_full_row = self.step - self.step % self.every
        is_new = not self.model.step and not self.model.progress.pretrained
        rows = [] if is_new else read_log(self.path)
        rows = [row for row in rows if int(row["step"]) <= self.step]
        full = [row for row in rows if int(row["step"]) <= last_full_row]
        self._window = [(row, keep({})) for row in rows[len(full) :]]
        self._columns = list(rows[0]) if rows else []
        self._end = len(to_csv(self._columns, full)) if full else 0
        if self.path.exists():
            with replacing(self.path) as temporary:
                temporary.write_bytes(to_csv(self._columns, rows) if rows else b"")

    def go_back(self):
        super().go_back()
        self._window = [each for each in self._window if int(each[0]["step"]) <= self.step]

    def on_train_batch_end(self, batch, logs=None):
        position = {"step": step_after(self.model, batch), "epoch": self.model.epoch}
        self._window.append((position, keep(logs)))
        super().on_train_batch_end(batch, logs)

    def act(self):
        is_full = self.is_due(self.every)
        rows = [known | to_floats(kept) for known, kept in self._window]
        if not rows:
            return
        first_step = int(rows[0]["step"])
        if is_full:
            averages = {name: f"{mean:.6g}" for name, mean in means(rows).items()}
            rows = [averages | {name: rows[-1][name] for name in ("step", "epoch")}]
            self._window = []
        columns = column_names([dict.fromkeys(self._columns), *rows])
        if columns != self._columns:
            self._columns = columns
            if self._end:
                full = [row for row in read_log(self.path) if int(row["step"]) < first_step]
                text = to_csv(columns, full)
                with replacing(self.path) as temporary:
                    temporary.write_bytes(text)
                self._end = len(text)
        # Overwrite single-step rows from an earlier end of training, and a row that a full disk cut
        # short.
        with open(self.path, "r+b" if self._end else "wb") as file:
            file.seek(self._end)
            file.truncate()
            file.write(to_csv(self._columns, rows, header=not self._end))
            if is_full:
                self._end = file.tell()


_HEALTHY = (
    "Healthy: both losses settle around a level, and the scores stay near each other.\n"
    "Only the images show how good they are."
)


class LossPlot(Periodic):
    """Plots the losses and the discriminator's scores by step.

    Pre-training steps are below zero. Turns are skipped, except the first and the last, where
    plotting would take more than 2 % of the time. Needs matplotlib: `pip install kerasgan[plots]`.

    Args:
        path: Path of the PNG file.
        every: Steps between plots.
        log: Path of the file of a `Log` that comes before this callback in the list. By default
            the callback writes its own `Log` next to the picture, `losses.csv` for `losses.png`.

    Raises:
        ImportError: matplotlib is not installed.
        ValueError: `path` or `log` is not a path, or `every` is not a positive whole number.

    Example:

    ```python
    gan.fit(images, epochs=20, callbacks=[kerasgan.callbacks.LossPlot("losses.png")])
    ```
    """

    def __init__(
        self, path: str | os.PathLike, every: int = 500, log: str | os.PathLike | None = None
    ):
        check_path("path", path)
        if log is not None:
            check_path("log", log)
        self.path = pathlib.Path(path)
        super().__init__(self.path.parent, every, share=0.02)
        try:
            import matplotlib.figure
        except ImportError as error:
            raise ImportError(
                "LossPlot needs matplotlib, which is not installed. Install it with "
                "`pip install kerasgan[plots]`, or use kerasgan.callbacks.Log."
            ) from error
        # Not pyplot, which would keep the figure and may look for a display.
        self._new_figure = matplotlib.figure.Figure
        self.log_path = pathlib.Path(log or self.path.with_suffix(".csv"))
        self._own_log = None if log else Log(self.log_path, max(1, self.every // 50))

    def set_model(self, model):
        super().set_model(model)
        if self._own_log:
            self._own_log.set_model(model)

    def on_train_begin(self, logs=None):
        super().on_train_begin(logs)
        if self._own_log:
            self._own_log.on_train_begin(logs)

    def on_epoch_begin(self, epoch, logs=None):
        if self._own_log:
            self._own_log.on_epoch_begin(epoch, logs)
        super().on_epoch_begin(epoch, logs)

    def on_train_batch_end(self, batch, logs=None):
        if self._own_log:
            self._own_log.on_train_batch_end(batch, logs)
        super().on_train_batch_end(batch, logs)

    def on_train_end(self, logs=None):
        if self._own_log:
            self._own_log.on_train_end(logs)
        super().on_train_end(logs)

    def act(self):
        rows = read_log(self.log_path)
        steps = [int(row["step"]) for row in rows]
        figure = self._new_figure(figsize=(8, 6), layout="constrained")
        upper, lower = figure.subplots(2, sharex=True)
        for axes, title, names in (
            (upper, "Loss", {"d_loss": "discriminator", "g_loss": "generator"}),
            (lower, "Discriminator's mean score", {"d_real": "real images", "d_fake": "fakes"}),
        ):
            for name, label in names.items():
                values = [float(row.get(name) or "nan") for row in rows]
                axes.plot(steps, values, label=label, linewidth=1)
            axes.set_ylabel(title)
            axes.grid(alpha=0.3)
            axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2, frameon=False)
        lower.set_xlabel("Step")
        figure.suptitle(_HEALTHY, fontsize="medium")
        with replacing(self.path) as temporary:
            figure.savefig(temporary, format="png", dpi=100)
