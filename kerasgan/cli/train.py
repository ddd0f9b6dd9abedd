"""`kerasgan train`: train a GAN on a folder of images or on MNIST."""

import argparse
import contextlib
import math
import pathlib
import random
import signal
import time
import warnings

import keras
import numpy as np

from kerasgan import callbacks, pictures, zoo
from kerasgan.cli import _arguments, _data, recording, run_folder
from kerasgan.cli._messages import duration, refusing, tell
from kerasgan.cli._settings import DEFAULT_EPOCHS, DEFAULTS, settle
from kerasgan.cli._source import load
from kerasgan.cli._stop import Stop

__all__ = ["add_parser", "run"]

_MODELS = tuple(name.removeprefix("build_") for name in zoo.__all__)
_EPILOG = f"""\
examples:
  kerasgan train photos --size 32 --steps 2000
  kerasgan train mnist --epochs 20 --out runs/digits
  kerasgan train --resume --out runs/digits --epochs 40

The folder of a run holds:
  {run_folder.MODEL:<18} everything, for --resume and keras.models.load_model
  {run_folder.GENERATOR:<18} the generator alone, a plain Keras model
  {run_folder.CONFIG:<18} these arguments, versions, latents and value range
  {run_folder.LOG:<18} losses and scores; {run_folder.LOSSES} draws them
  {run_folder.SAMPLES + "/":<18} pictures from the same latents as training went on
  {run_folder.ANIMATION:<18} the same in motion
  {run_folder.EVALUATION:<18} with --evaluate; and {run_folder.BEST_GENERATOR}
  {run_folder.SAMPLE:<18} 64 pictures of the finished generator
  {run_folder.TENSORBOARD + "/":<18} for `tensorboard --logdir`, where that is installed

Ctrl-C ends after the step under way and saves; so does SIGTERM. KERAS_BACKEND=jax or
KERAS_BACKEND=torch trains on another backend than TensorFlow."""


def add_parser(commands):
    """Adds the command to those of the program."""
    parser = commands.add_parser(
        "train",
        help="train a GAN on a folder of images or on MNIST",
        description="Train a GAN on a folder of images or on MNIST.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=_EPILOG,
    )
    parser.add_argument(
        "data",
        nargs="?",
        metavar="DATA",
        help="folder of images (subfolders are searched too), or the word mnist; "
        "with --resume it can be left out",
    )
    parser.add_argument(
        "--model",
        choices=_MODELS,
        metavar="MODEL",
        help=f"which GAN to train: {', '.join(_MODELS)} (default: {DEFAULTS['model']})",
    )
    parser.add_argument(
        "--size",
        type=_arguments.size,
        help="height and width in pixels, as 64 or 48x64; images are scaled to cover it and "
        "cropped (default: 64, for mnist 28)",
    )
    parser.add_argument(
        "--channels",
        type=int,
        choices=(1, 3, 4),
        help="1 grey, 3 colour, 4 colour and alpha (default: 3, for mnist 1)",
    )
    length = parser.add_mutually_exclusive_group()
    length.add_argument(
        "--epochs",
        type=_arguments.positive,
        metavar="N",
        help=f"passes over the data, in total (default: {DEFAULT_EPOCHS})",
    )
    length.add_argument(
        "--steps",
        type=_arguments.positive,
        metavar="N",
        help="generator updates, in total, instead of epochs",
    )
    parser.add_argument(
        "--batch-size",
        type=_arguments.positive,
        metavar="N",
        help=f"images in a step (default: {DEFAULTS['batch_size']})",
    )
    parser.add_argument(
        "--filters",
        type=_arguments.positive,
        metavar="N",
        help="base width of the model (default: the model's own)",
    )
    parser.add_argument(
        "--learning-rate",
        type=_arguments.positive_number,
        metavar="RATE",
        help="of both sides' optimizers, for example 3e-4 (default: the model's own)",
    )
    parser.add_argument(
        "--augment",
        metavar="POLICY",
        help="differentiable augmentation for small data sets, for example color,translation "
        "(default: none)",
    )
    parser.add_argument(
        "--ema",
        type=float,
        metavar="DECAY",
        help="sample from an average of the generator's weights with this decay, for example "
        "0.999; 0 for none (default: the model's own)",
    )
    parser.add_argument(
        "--evaluate",
        choices=_arguments.ENCODERS,
        metavar="ENCODER",
        help="measure the images as training goes on and keep the best generator, by the features "
        "of mnist (offline, for digits) or inception (a download) (default: do not measure)",
    )
    parser.add_argument(
        "--seed",
        type=_arguments.not_negative,
        metavar="N",
        help=f"makes the run repeatable (default: {DEFAULTS['seed']})",
    )
    parser.add_argument(
        "--out", metavar="RUN", help="folder of the run, a new one (default: runs/DATA-MODEL)"
    )
    parser.add_argument(
        "--resume",
        action="store_true",
        help="continue the run in --out exactly where it stopped, with its own arguments; a "
        "larger --epochs or --steps extends it",
    )
    _arguments.add_data_path(parser)


def run(given):
    """Runs the command with its parsed arguments; returns the exit code."""
    with contextlib.ExitStack() as stack:
        stop = stack.enter_context(Stop())
        with refusing():
            folder, arguments, config = settle(given)
            stack.enter_context(run_folder.opened(folder, resume=bool(config)))
            data = _data.load_to_train(arguments)
            num_images = _data.num_images(data)
            if config:
                run_folder.note_change("number of images", config["num_images"], num_images)
            gan = _load_or_build(folder, arguments, resume=bool(config))
            # The rhythm stays as it is when a resume extends the run.
            num_steps = _num_steps(gan, num_images, arguments)
            every = config["every"] if config else recording.choose_every(num_steps)
            records = recording.make_callbacks(folder, every, data, arguments["evaluate"])
            run_folder.write_config(folder, arguments, gan, every, num_images)
        progress = _progress(gan, arguments)
        if _is_finished(gan, arguments):
            print(f"Already finished: {progress}. A larger --steps or --epochs extends it.")
            print(folder)
            return 0
        print(
            f"Training {arguments['model']} on {_describe(num_images, arguments)}, "
            f"{keras.config.backend()}, from {progress}. Ctrl-C stops and saves.",
            flush=True,
        )
        start = time.monotonic()
        try:
            gan.fit(
                data,
                batch_size=arguments["batch_size"] if isinstance(data, np.ndarray) else None,
                epochs=arguments["epochs"] or 1,
                steps=arguments["steps"],
                initial_epoch=gan.epoch,
                callbacks=[stop, *records],
            )
        except KeyboardInterrupt:
            if not stop.has_ended:
                raise KeyboardInterrupt("nothing was saved since the last checkpoint") from None
            stop.signal = signal.SIGINT
        try:
            return _finish(folder, gan, arguments, stop, time.monotonic() - start)
        except KeyboardInterrupt:
            raise KeyboardInterrupt("training had ended, and its last checkpoint stays") from None


def _load_or_build(folder, arguments, resume):
    # A run that was killed before its first checkpoint starts again from the same seed.
    if resume and run_folder.has_checkpoint(folder):
        return load(callbacks.load_checkpoint, folder)
    # Keras's initialisers and the GAN draw their seeds from here. (`set_random_seed` would do
    # too, but imports TensorFlow under JAX and PyTorch as well.)
    random.seed(arguments["seed"])
    options = {} if arguments["filters"] is None else {"filters": arguments["filters"]}
    build = getattr(zoo, f"build_{arguments['model']}")
    gan = build(image_shape=(*arguments["size"], arguments["channels"]), **options)
    ema = arguments["ema"]
    gan.compile(augment=arguments["augment"], ema=False if ema == 0 else ema)
    if arguments["learning_rate"] is not None:
        for optimizer in gan.optimizer.optimizers:
            optimizer.learning_rate = arguments["learning_rate"]
    return gan


def _num_steps(gan, num_images, arguments):
    """About how many steps the run will have."""
    num_batches = math.ceil(num_images / arguments["batch_size"])
    return arguments["steps"] or arguments["epochs"] * num_batches // gan.discriminator_steps


def _is_finished(gan, arguments):
    if arguments["steps"]:
        return gan.step >= arguments["steps"]
    return gan.epoch >= arguments["epochs"]


def _progress(gan, arguments):
    if arguments["steps"]:
        return f"step {gan.step} of {arguments['steps']}"
    return f"epoch {gan.epoch} of {arguments['epochs']} (step {gan.step})"


def _describe(num_images, arguments):
    height, width = arguments["size"]
    source = pathlib.Path(arguments["data"]).name
    return f"{num_images} images of {source} ({height}x{width}x{arguments['channels']})"


def _finish(folder, gan, arguments, stop, seconds):
    """Says how the run ended and what it left; returns the exit code."""
    if stop.nan_step:
        tell(
            "train",
            f"stopped: the losses are not finite at step {stop.nan_step}. Begin another run, with "
            "a smaller --learning-rate or another --seed. (Resuming would diverge again. The last "
            "good model is kept, if there was one.)",
        )
    else:
        try:
            grid = pictures.grid(gan.sample(64, seed=0), columns=8)
            pictures.save_png(folder / run_folder.SAMPLE, grid)
        except OSError as error:
            warnings.warn(f"No {run_folder.SAMPLE}: {error}", stacklevel=2)
    is_finished = not stop.nan_step and _is_finished(gan, arguments)
    print(
        f"{'Finished' if is_finished else 'Stopped'} at {_progress(gan, arguments)}, "
        f"after {duration(seconds)}."
    )
    if not is_finished and not stop.nan_step:
        print(f"To continue: kerasgan train --resume --out {folder}")
    print(f"Written: {', '.join(run_folder.listed(folder))}")
    print(folder)
    if stop.nan_step:
        return 1
    return 128 + stop.signal if stop.signal and not is_finished else 0
