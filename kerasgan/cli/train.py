"""`kerasgan train`: train a GAN on a folder of images or on MNIST."""

import argparse
import contextlib
import io
import math
import pathlib
import random
import shutil
import signal
import tempfile
import time

import keras
import numpy as np

from kerasgan import backend, callbacks, pictures, zoo
from kerasgan.callbacks.checkpoint import save_generator
from kerasgan.callbacks.evaluate import MONITORS
from kerasgan.checks import argument_error, counted, is_out_of_memory
from kerasgan.cli import _arguments, _data, recording, report, run_folder
from kerasgan.cli._messages import Failed, duration, refusing, tell
from kerasgan.cli._settings import (
    DEFAULT_EPOCHS,
    DEFAULTS,
    MODELS,
    adapt,
    settle,
    takes_labels,
    warning_of_few,
)
from kerasgan.cli._source import load
from kerasgan.cli._stop import Guard, Stop
from kerasgan.datasets import ImageFolder

__all__ = ["add_parser", "run"]

# What the user types for arguments of the API.
_TYPED = {"folder": "DATA", "image_shape": "--size", "images": "DATA", "path": "--data-path"}
_TYPED |= {name: f"--{name}" for name in ("augment", "background", "devices", "ema", "filters")}

_EPILOG = f"""\
examples:
  kerasgan train photos --size 32 --steps 2000
  kerasgan train mnist --epochs 20 --out runs/digits
  kerasgan train --resume --out runs/digits --epochs 40

The folder of a run contains:
  {run_folder.REPORT:<18} a page with curves, pictures and warnings, from the first step on: open it
  {run_folder.MODEL:<18} everything, for --resume and keras.models.load_model
  {run_folder.GENERATOR:<18} the generator alone, a plain Keras model
  {run_folder.CONFIG:<18} these arguments, versions, latents and value range
  {run_folder.LOG:<18} losses and scores; {run_folder.LOSSES} plots them
  {run_folder.SAMPLES + "/":<18} pictures from fixed latents during training
  {run_folder.ANIMATION:<18} the same, animated
  {run_folder.EVALUATION:<18} with --evaluate; also {run_folder.BEST_GENERATOR}
  {run_folder.INTERPOLATION:<18} for the page, like {run_folder.NEAREST} and {run_folder.WARNINGS}
  {run_folder.SAMPLE:<18} 64 pictures from the final generator (with labels, a row per class)
  {run_folder.TENSORBOARD + "/":<18} for `tensorboard --logdir`, if tensorboard is installed

Ctrl-C, SIGTERM or a closed terminal (SIGHUP) finishes the current step, saves and stops. The exit
code is then 130, 143 or 129; it is 1 if the losses became NaN or the last model could not be saved.
KERAS_BACKEND=jax or KERAS_BACKEND=torch trains on that backend instead of TensorFlow."""


def add_parser(commands):
    """Adds this command to the program."""
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
        type=_arguments.path,
        metavar="DATA",
        help="folder or .zip archive of images (subfolders are searched too), or the word mnist; "
        "optional with --resume. Models that learn from labels "
        f"({', '.join(name for name in MODELS if takes_labels(name))}) need a subfolder for each "
        "class, and take its name, or a dataset.json with labels",
    )
    parser.add_argument(
        "--model",
        choices=MODELS,
        metavar="MODEL",
        help=f"which GAN to train: {', '.join(MODELS)}; `kerasgan models` compares them (default: "
        f"{DEFAULTS['model']}, with --filters, --learning-rate and --augment to suit the images "
        "and the device)",
    )
    parser.add_argument(
        "--size",
        type=_arguments.size,
        help="height and width in pixels, like 64 or 48x64 (default: 64, for mnist 28)",
    )
    parser.add_argument(
        "--fit",
        choices=("crop", "pad", "stretch"),
        help="how to fit pictures of another shape: scale to cover --size and crop, scale to fit "
        f"inside it and pad, or distort (default: {DEFAULTS['fit']})",
    )
    parser.add_argument(
        "--background",
        metavar="COLOR",
        help="colour under transparent pixels and around padded pictures: a name or '#rrggbb' "
        f"(default: {DEFAULTS['background']})",
    )
    parser.add_argument(
        "--mirror",
        action="store_true",
        default=None,
        help="flip each picture left to right in half of the passes; not for letters or digits",
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
        help=f"passes over the data, in total (default: {DEFAULT_EPOCHS}; without --model, more if "
        "these are few steps)",
    )
    length.add_argument(
        "--steps",
        type=_arguments.positive,
        metavar="N",
        help="generator updates, in total; use instead of --epochs",
    )
    parser.add_argument(
        "--batch-size",
        type=_arguments.positive,
        metavar="N",
        help="images per step (default: as in the model's source, 16 to 128)",
    )
    parser.add_argument(
        "--pretrain-steps",
        type=_arguments.not_negative,
        metavar="N",
        help="discriminator-only updates before the first step; mnist_gan's source uses 300 "
        f"(default: {DEFAULTS['pretrain_steps']})",
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
        help="for both sides' optimizers, for example 3e-4 (default: the model's own)",
    )
    parser.add_argument(
        "--d-learning-rate",
        type=_arguments.positive_number,
        metavar="RATE",
        help="for the discriminator's optimizer (default: as --learning-rate)",
    )
    parser.add_argument(
        "--augment",
        metavar="POLICY",
        help="augmentation for small data sets: for example color,translation, or ada, which "
        "adapts to the training (default: none)",
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
        help="measure the images during training and keep the best generator, using features from "
        f"{_arguments.ENCODERS_HELP} (default: do not measure)",
    )
    parser.add_argument(
        "--patience",
        type=_arguments.positive,
        metavar="N",
        help="with --evaluate: stop after this many measurements in a row without a better score "
        "(default: train to the end)",
    )
    parser.add_argument(
        "--monitor",
        choices=MONITORS,
        help="with --evaluate: the score that decides which generator is best; the kernel distance "
        f"is fairer with few images (default: {DEFAULTS['monitor']})",
    )
    parser.add_argument(
        "--rollbacks",
        type=_arguments.not_negative,
        metavar="N",
        help="how many times to go back to the last checkpoint, with half the learning rates, when "
        f"a loss or a weight becomes NaN (default: {DEFAULTS['rollbacks']}, to stop instead)",
    )
    parser.add_argument(
        "--seed",
        type=_arguments.not_negative,
        metavar="N",
        help="seed for the weights, the noise and the order of the images; makes the run "
        f"repeatable (default: {DEFAULTS['seed']})",
    )
    parser.add_argument(
        "--deterministic",
        action="store_true",
        default=None,
        help="make results exactly repeatable on a GPU too, at some cost in speed (on a CPU they "
        "always are)",
    )
    parser.add_argument(
        "--precision",
        choices=_arguments.PRECISIONS,
        help="of the layers' arithmetic; half precision (mixed_) takes less memory and needs a GPU "
        f"to be fast (default: {DEFAULTS['precision']})",
    )
    parser.add_argument(
        "--devices",
        type=_arguments.devices,
        metavar="N",
        help="number of devices that share each batch, or all; more than 1 needs "
        f"KERAS_BACKEND=jax (default: {DEFAULTS['devices']})",
    )
    parser.add_argument(
        "--out",
        type=_arguments.path,
        metavar="RUN",
        help="new folder for the run (default: runs/DATA-MODEL)",
    )
    parser.add_argument(
        "--resume",
        action="store_true",
        help="continue the run in --out exactly where it stopped, with its own arguments; a "
        "larger --epochs or --steps extends it, and its learning rates and batch size may change",
    )
    _arguments.add_data_path(parser)


def run(given):
    """Runs the command with its parsed arguments; returns the exit code."""
    with contextlib.ExitStack() as stack:
        stop = stack.enter_context(Stop())
        with refusing(**_TYPED):
            folder, arguments, config = settle(given)
            if arguments["deterministic"]:
                backend.use_deterministic_operations()
            backend.join_processes()
            folder, is_ours = stack.enter_context(_own_folder(folder, bool(config)))
            if not config and given.model is None:
                arguments = adapt(given, arguments)
            if arguments["devices"] != 1 or backend.process()[1] > 1:
                stack.enter_context(_sharing(arguments["devices"], arguments["batch_size"]))
            keep = stack.enter_context(run_folder.keeping_warnings(folder, is_ours))
            if config:
                run_folder.check_records(folder, config)
            # Refuse whatever can be refused before decoding the images.
            with _computing_in(arguments["precision"]):
                gan = _load_or_build(folder, arguments, config)
            progress = _progress(gan, arguments)
            if config and _is_finished(gan, arguments):
                # Write the files that a kill or a full disk prevented.
                _complete(folder, gan)
                _write_page(folder, is_ours)
                print(f"Already finished: {progress}. A larger --steps or --epochs extends it.")
                print(folder)
                return 0
            labels = takes_labels(arguments["model"])
            if config and labels:
                run_folder.check_classes(folder, config, _data.find_classes(arguments))
            data = _data.load_to_train(arguments, labels)
            num_images = _data.num_images(data)
            if config:
                run_folder.note_changes(config, arguments, num_images)
            # The intervals stay the same when a resume extends the run.
            num_steps = _num_steps(gan, num_images, arguments)
            every = config["every"] if config else recording.choose_every(num_steps)
            encoder = None
            if arguments["evaluate"]:  # last, because it may download
                encoder = _arguments.load_encoder(arguments["evaluate"], gan.image_shape)
            records = recording.make_callbacks(
                folder,
                every,
                _data.images_of(data),
                encoder,
                arguments["rollbacks"],
                arguments["patience"],
                arguments["monitor"],
            )
            if config and run_folder.has_checkpoint(folder) and any(_new_rates(arguments, config)):
                # At once: they are not new to another resume, even if this one is killed.
                gan.save(folder / run_folder.MODEL)
            run_folder.write_config(folder, arguments, gan, every, num_images)
            keep()
        stack.callback(_write_page, folder, is_ours)
        # The newest saved step, until `Checkpoint` saves another.
        safe_step = gan.step if run_folder.has_checkpoint(folder) else None
        warning = warning_of_few(num_images)
        if warning and not config:
            tell("train", f"note: {warning}")
            keep(warning)
        print(
            f"Training {arguments['model']} on {_describe(num_images, arguments, gan)}, in batches "
            f"of {arguments['batch_size']}, {keras.config.backend()}, from {progress}. Ctrl-C "
            "stops and saves.\n"
            f"To watch it, open {folder / run_folder.REPORT} in a browser.",
            flush=True,
        )
        start = time.monotonic()
        try:
            gan.fit(
                data,
                batch_size=None if isinstance(data, ImageFolder) else arguments["batch_size"],
                epochs=arguments["epochs"] or 1,
                steps=arguments["steps"],
                pretrain_steps=arguments["pretrain_steps"],
                initial_epoch=gan.epoch,
                verbose="auto" if backend.process()[0] == 0 else 0,
                callbacks=[Guard(is_ours), stop, *records],
            )
        except KeyboardInterrupt:
            if not stop.has_ended:
                raise KeyboardInterrupt("nothing saved since the last checkpoint") from None
            stop.signal = signal.SIGINT
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            # Still a multiple of the devices, if they share it.
            count = backend.num_devices()
            smaller = arguments["batch_size"] // 2 // count * count
            text = f"memory ran out after step {gan.step}. " + (
                f"Continue with smaller batches: kerasgan train --resume --out {folder} "
                f"--batch-size {smaller}"
                if smaller
                else "Start another run with a smaller --size or --filters."
            )
            keep(text)
            raise Failed(text) from error
        saved = {run_folder.MODEL: safe_step, **records[-1].saved}
        try:
            is_exhausted = any(getattr(each, "is_exhausted", False) for each in records)
            seconds = time.monotonic() - start
            return _finish(folder, gan, arguments, stop, saved, seconds, is_exhausted, keep)
        except KeyboardInterrupt:
            raise KeyboardInterrupt("training had ended; its last checkpoint remains") from None


@contextlib.contextmanager
def _own_folder(folder, resume):
    """Opens the folder that this process writes to: of several, the first has the run's folder.

    All of them do the same, so the others write as well, to a copy that is then removed.
    """
    index, _ = backend.process()
    backend.is_any(False, [])  # the first one does not write any more
    with contextlib.ExitStack() as stack:
        if index:
            stack.enter_context(contextlib.redirect_stdout(io.StringIO()))
            temporary = stack.enter_context(tempfile.TemporaryDirectory())
            copy = pathlib.Path(temporary, folder.name)
            if resume:
                pictures_and_lock = (run_folder.SAMPLES, run_folder.TENSORBOARD, run_folder.LOCK)
                shutil.copytree(folder, copy, ignore=shutil.ignore_patterns(*pictures_and_lock))
            folder = copy
        refusal = None
        try:
            is_ours = stack.enter_context(run_folder.opened(folder, resume))
        except (OSError, ValueError) as error:
            refusal = error
        # Together: the others would wait for one that is refused.
        if backend.is_any(refusal is not None, []):
            raise refusal or ValueError("process 0 was refused, and says why")
        yield folder, is_ours


@contextlib.contextmanager
def _computing_in(precision):
    """Builds models in this precision, and leaves Keras as it was."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def _sharing(devices, batch_size):
    """The scope in which devices share each batch."""
    _, num_processes = backend.process()
    if num_processes > 1 and devices != "all":
        raise argument_error(
            "--devices",
            f"be all for {num_processes} processes",
            f"--devices {devices}",
            "Pass --devices all.",
        )
    distribution = backend.data_parallel(devices)
    count = distribution.num_model_replicas
    if batch_size % count:
        raise argument_error(
            "--batch-size",
            f"be a multiple of the {count} devices, which share each batch equally",
            f"--batch-size {batch_size} --devices {devices}",
            f"Pass --batch-size {-(-batch_size // count) * count}, for example.",
        )
    return distribution.scope()


def _load_or_build(folder, arguments, config):
    # A run that was killed before its first checkpoint starts again from the same seed.
    if config and run_folder.has_checkpoint(folder):
        with refusing(folder="--out"):
            gan = load(callbacks.load_checkpoint, folder)
        _set_rates(gan, *_new_rates(arguments, config))
        return gan
    # Keras's initialisers and the GAN draw their seeds from `random`. (`set_random_seed` would work
    # too, but it imports TensorFlow even on JAX and PyTorch.)
    random.seed(arguments["seed"])
    options = {} if arguments["filters"] is None else {"filters": arguments["filters"]}
    build = getattr(zoo, f"build_{arguments['model']}")
    names = _data.find_classes(arguments) if takes_labels(arguments["model"]) else None
    if names:
        options["num_classes"] = len(names)
    gan = build(image_shape=(*arguments["size"], arguments["channels"]), **options)
    gan.class_names = names
    ema = arguments["ema"]
    gan.compile(augment=arguments["augment"], ema=False if ema == 0 else ema)
    _set_rates(gan, *_rates(arguments))
    return gan


def _rates(arguments):
    """The learning rates of the generator and the discriminator; None for the model's own."""
    rate = arguments["learning_rate"]
    return rate, arguments["d_learning_rate"] or rate


def _new_rates(arguments, config):
    """The same, but None unless it is new: a rollback may have halved it since the run began."""
    pairs = zip(_rates(arguments), _rates(config["arguments"]), strict=True)
    return [now if now != before else None for now, before in pairs]


def _set_rates(gan, rate, d_rate):
    d_optimizers = gan.d_optimizer if isinstance(gan.d_optimizer, tuple) else (gan.d_optimizer,)
    if rate is not None:
        gan.g_optimizer.learning_rate = rate
    if d_rate is not None:
        for optimizer in d_optimizers:
            optimizer.learning_rate = d_rate


def _num_steps(gan, num_images, arguments):
    """Estimates the number of steps of the run."""
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


def _describe(num_images, arguments, gan):
    height, width = arguments["size"]
    source = pathlib.Path(arguments["data"]).name
    classes = f", {counted(gan.num_classes, 'class')}" if gan.num_classes else ""
    images = f"{counted(num_images, 'image')} of {source}"
    return f"{images} ({height}x{width}x{arguments['channels']}{classes})"


def _write_page(folder, is_ours):
    """Writes the page of a run that is over."""
    if is_ours():
        try:
            report.write(folder)
        except OSError as error:
            tell("train", f"note: {run_folder.REPORT} could not be written: {error}.")


def _finish(folder, gan, arguments, stop, saved, seconds, is_exhausted, keep):
    """Reports how the run ended and what it wrote; returns the exit code.

    Args:
        is_exhausted: Whether training stopped because the scores no longer improved.
        keep: Function that keeps a warning for the page.
    """

    def complain(text):
        tell("train", text)
        keep(text)

    safe_step = saved[run_folder.MODEL]
    is_saved = safe_step == gan.step
    if gan.nan_step is not None:
        complain(
            f"stopped: not finite at step {gan.nan_step}. Start another run with a smaller "
            "--learning-rate or another --seed, or resume with a smaller --learning-rate or "
            "--rollbacks 3. (Resuming alone would diverge again. The last good model is kept, if "
            "there was one.)",
        )
    elif not is_saved:
        newest = (
            "No model was saved" if safe_step is None else f"The newest saved step is {safe_step}"
        )
        complain(
            f"error: step {gan.step} could not be saved; the notes above say why. {newest}. "
            + (
                "Start another run with another --out."
                if safe_step is None
                else "Free some disk space and resume the run."
            ),
        )
    else:
        try:
            _complete(folder, gan, saved)
        except OSError as error:
            is_saved = False
            complain(
                f"error: {error}. {run_folder.MODEL} contains step {gan.step}: free some disk "
                "space, and --resume will write the missing files.",
            )
    is_finished = gan.nan_step is None and is_saved and _is_finished(gan, arguments)
    print(
        f"{'Finished' if is_finished else 'Stopped'} at {_progress(gan, arguments)}, "
        f"after {duration(seconds)}."
    )
    longer = ""
    if is_exhausted:
        longer = f" --patience {2 * arguments['patience']}"
        print(
            f"{counted(arguments['patience'], 'measurement')} in a row brought no better "
            f"{arguments['monitor'].replace('_', ' ')}. {run_folder.BEST_GENERATOR} is the best."
        )
    if not is_finished and gan.nan_step is None and safe_step is not None:
        print(f"To continue: kerasgan train --resume --out {folder}{longer}")
    print(f"Written: {', '.join(run_folder.listed(folder))}")
    print(f"Open {folder / run_folder.REPORT} in a browser to see how it went.")
    print(folder)
    if gan.nan_step is not None or not is_saved:
        return 1
    return 128 + stop.signal if stop.signal and not is_finished else 0


def _complete(folder, gan, saved=None):
    """Writes this model's generator and pictures, unless they exist.

    Args:
        saved: Dict from a file's name to the step it was saved at, if known.
    """
    path = folder / run_folder.GENERATOR
    is_new = bool(saved) and saved.get(run_folder.GENERATOR) == gan.step
    if not is_new and not _holds(path, gan.sampling_generator):
        save_generator(gan, path)
    layout = gan._sampler.layout(64)
    images = gan.sample(layout.size, seed=0, labels=layout.labels)
    grid = pictures.named(pictures.grid(images, layout.columns, scale=None), layout.names)
    if not pictures.is_png(folder / run_folder.SAMPLE, grid):
        pictures.save_png(folder / run_folder.SAMPLE, grid)


def _holds(path, model):
    """Whether a file contains the weights of a model."""
    if callbacks.find_damage(path):
        return False
    with backend.alone():
        weights = load(keras.models.load_model, path).get_weights()
    return len(weights) == len(model.weights) and all(
        map(np.array_equal, weights, model.get_weights())
    )
