"""Losses, scores, pictures and the models' graphs for TensorBoard."""

import functools
import io
import os
import pathlib
import socket
import time
import warnings

from kerasgan import pictures
from kerasgan.callbacks._periodic import Periodic, check_samples, sample_finite
from kerasgan.callbacks._rows import keep, means, to_floats
from kerasgan.checks import check_whole

__all__ = ["TensorBoardLog"]

NUM_SINGLES = 5  # samples shown individually as well as in the grid


class TensorBoardLog(Periodic):
    """Writes losses, scores, sample pictures and the models for TensorBoard, on every backend.

    The pictures are a grid and, individually, its first five images, starting with the untrained
    generator at step 0. With labels, the grid has a row for each class, and the single images are
    the first of the first five rows. *Graphs* shows the layers of both models as conceptual
    graphs. Pre-training steps are below zero. `keras.callbacks.TensorBoard` needs TensorFlow; this
    callback needs only the package `tensorboard`. View the results with
    `tensorboard --logdir FOLDER`.

    Args:
        folder: Folder for the event files; created if needed.
        every: Steps between points; each point is the mean of these steps.
        images_every: Steps between pictures.
        count: Images in each grid; with labels, as in `SampleGrid`.
        seed: Integer seed for the latents.

    Raises:
        ImportError: The package `tensorboard` is not installed.
        ValueError: `folder` is not a path, or a number is out of range.

    Example:

    ```python
    gan.fit(images, epochs=20, callbacks=[kerasgan.callbacks.TensorBoardLog("tensorboard")])
    ```
    """

    sees_pretraining = True

    def __init__(
        self,
        folder: str | os.PathLike,
        every: int = 50,
        images_every: int = 500,
        count: int = 64,
        seed: int = 0,
    ):
        super().__init__(folder, every)
        check_whole("images_every", images_every, 1)
        check_samples(count, seed)
        try:
            from tensorboard.compat.proto.event_pb2 import Event, SessionLog
            from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata
            from tensorboard.compat.proto.tensor_pb2 import TensorProto
            from tensorboard.compat.proto.types_pb2 import DT_STRING
            from tensorboard.summary.writer.record_writer import RecordWriter
        except ImportError as error:
            raise ImportError(
                "TensorBoardLog needs the package tensorboard, which is not installed. Install "
                "it with `pip install tensorboard`, or use kerasgan.callbacks.Log."
            ) from error
        # Not tensorboard's EventFileWriter, which imports TensorFlow if it is installed.
        self._event, self._summary, self._writer = Event, Summary, RecordWriter
        self._restart = SessionLog(status=SessionLog.START)
        # The way `keras.callbacks.TensorBoard` marks a Keras model.
        plugin = SummaryMetadata.PluginData(plugin_name="graph_keras_model", content=b"1")
        self._graph_metadata = SummaryMetadata(plugin_data=plugin)
        self._text = functools.partial(TensorProto, dtype=DT_STRING)
        self.images_every = images_every
        self.count = count
        self.seed = seed
        self._path: pathlib.Path | None = None
        self._window: list[tuple] = []

    def on_train_begin(self, logs=None):
        super().on_train_begin(logs)
        self._window = []
        self._path = self.folder / (
            f"events.out.tfevents.{time.time_ns() // 1000}.{socket.gethostname()}.{os.getpid()}"
        )
        with self._surviving_full_disks():
            self._write(step=0, file_version="brain.Event:2")
            # Tells TensorBoard to drop earlier files' points from the next step on.
            self._write(step=self.step + 1, session_log=self._restart)
            self._write_graphs()
            if self.model.step == 0:
                self._write_images()

    def go_back(self):
        super().go_back()
        self._window = []

    def on_train_batch_end(self, batch, logs=None):
        self._window.append(keep(logs))
        super().on_train_batch_end(batch, logs)
        if self.step > 0 and self.is_due(self.images_every):
            with self._surviving_full_disks():
                self._write_images()

    def act(self):
        if not self._window:
            return
        points, self._window = means(map(to_floats, self._window)), []
        self._write_values(
            self.step,
            (self._summary.Value(tag=name, simple_value=mean) for name, mean in points.items()),
        )

    def _write_images(self):
        layout = self.model._sampler.layout(self.count)
        images = sample_finite(self.model, layout.size, self.seed, layout.labels)
        if images is None:
            return
        shown = {"samples": pictures.named(pictures.grid(images, layout.columns), layout.names)}
        singles = images if layout.labels is None else images[:: layout.columns]
        shown |= {f"sample/{index}": image for index, image in enumerate(singles[:NUM_SINGLES])}
        self._write_values(
            self.model.step,
            (
                self._summary.Value(tag=tag, image=self._image(image))
                for tag, image in shown.items()
            ),
        )

    def _image(self, image):
        png = io.BytesIO()
        pictures.to_pil(image).save(png, format="PNG")
        height, width, channels = image.shape
        return self._summary.Image(
            height=height, width=width, colorspace=channels, encoded_image_string=png.getvalue()
        )

    def _write_graphs(self):
        for name in ("generator", "discriminator"):
            try:
                text = getattr(self.model, name).to_json().encode()
            # A user's layer may raise anything.
            except Exception as error:
                warnings.warn(f"The log has no graph of the {name}: {error}", stacklevel=2)
                continue
            tensor = self._text(string_val=[text])
            value = self._summary.Value(tag=name, tensor=tensor, metadata=self._graph_metadata)
            self._write_values(self.model.step, [value])

    def _write_values(self, step, values):
        self._write(step=step, summary=self._summary(value=values))

    def _write(self, **fields):
        event = self._event(wall_time=time.time(), **fields)
        with open(self._path, "ab") as file:
            self._writer(file).write(event.SerializeToString())
