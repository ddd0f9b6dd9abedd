"""The command `kerasgan`: `train` on a folder of images, then `sample` and `evaluate`."""

import argparse
import contextlib
import json
import math
import os
import pathlib
import platform
import random
import signal
import sys
import threading
import time
import types
import warnings

import keras
import numpy as np

import kerasgan
from kerasgan import callbacks, datasets, metrics, pictures, pretrained, zoo
from kerasgan import latents as latent_tools
from kerasgan.checks import check_value_range
from kerasgan.files import remove_stale, replacing
from kerasgan.gan import GAN
from kerasgan.sampler import generate

MODELS = tuple(name.removeprefix("build_") for name in zoo.__all__)
CONFIG, LOCK = "config.json", ".lock"
DEFAULTS = {"model": "dcgan", "batch_size": 64, "seed": 0}
DEFAULT_EPOCHS = 50
# What makes a run what it is; `--resume` takes these over and refuses others.
FIXED = ("model", "size", "channels", "filters", "learning_rate", "augment", "ema", "seed")
ENCODERS = {"mnist": metrics.mnist_encoder, "inception": metrics.inception_encoder}
EVALUATION_COUNT = 5000  # images, while training goes on
MODEL_HELP = (
    "folder of a run, its model.keras, its generator.keras with config.json beside it, or the name "
    f"of a model that comes with the package: {', '.join(pretrained.NAMES)} (./mnist is a folder "
    "of that name)"
)
NEAREST_ROWS, NEAREST = 10, 5  # pictures, and real ones beside each
FRAMES_BETWEEN = 16  # of an interpolation, from one key picture to the next


def main(argv=None):
    """Runs the command.

    Args:
        argv: Arguments without the program's name; by default those of this process.

    Returns:
        The exit code: 0 when done, 1 when the losses became NaN, 2 when the arguments cannot
        be used, 130 after Ctrl-C, 143 after SIGTERM.
    """
    given = _parser().parse_args(argv)
    with warnings.catch_warnings():
        # One plain line each.
        warnings.showwarning = lambda message, *_, **__: _tell(given.command, f"note: {message}")
        try:
            commands = {"train": _train, "sample": _sample, "evaluate": _evaluate}
            return commands[given.command](given)
        except _Refused as error:
            _tell(given.command, f"error: {error}")
            return 2
        except KeyboardInterrupt as interrupt:
            _tell(given.command, "; ".join(("interrupted", *interrupt.args)))
            return 130


class _Refused(Exception):
    """What the user asked for cannot be done; nothing has been started."""


@contextlib.contextmanager
def _refusing():
    """Turns the errors of wrong arguments into one line without a traceback."""
    try:
        yield
    except (ValueError, OSError, ImportError) as error:
        raise _Refused(error) from error


def _tell(command, text):
    print(f"kerasgan {command}: {text}", file=sys.stderr, flush=True)


# Arguments


def _parser():
    parser = argparse.ArgumentParser(
        prog="kerasgan", description="Generative adversarial networks as plain Keras models."
    )
    parser.add_argument(
        "--version",
        action="version",
        version=f"kerasgan {kerasgan.__version__} (Keras {keras.__version__}, "
        f"{keras.config.backend()})",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    train = commands.add_parser(
        "train",
        help="train a GAN on a folder of images or on MNIST",
        description="Train a GAN on a folder of images or on MNIST.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="""\
examples:
  kerasgan train photos --size 32 --steps 2000
  kerasgan train mnist --epochs 20 --out runs/digits
  kerasgan train --resume --out runs/digits --epochs 40

The folder of a run holds:
  model.keras        everything, for --resume and keras.models.load_model
  generator.keras    the generator alone, a plain Keras model
  config.json        these arguments, versions, latents and value range
  log.csv            losses and scores; losses.png draws them
  samples/           pictures from the same latents as training went on
  training.gif       the same in motion
  evaluation.csv     with --evaluate; and best_generator.keras
  samples.png        64 pictures of the finished generator
  tensorboard/       for `tensorboard --logdir`, where that is installed

Ctrl-C ends after the step under way and saves; so does SIGTERM. KERAS_BACKEND=jax or
KERAS_BACKEND=torch trains on another backend than TensorFlow.""",
    )
    train.add_argument(
        "data",
        nargs="?",
        metavar="DATA",
        help="folder of images (subfolders are searched too), or the word mnist; "
        "with --resume it can be left out",
    )
    train.add_argument(
        "--model",
        choices=MODELS,
        metavar="MODEL",
        help=f"which GAN to train: {', '.join(MODELS)} (default: {DEFAULTS['model']})",
    )
    train.add_argument(
        "--size",
        type=_size,
        help="height and width in pixels, as 64 or 48x64; images are scaled to cover it and "
        "cropped (default: 64, for mnist 28)",
    )
    train.add_argument(
        "--channels",
        type=int,
        choices=(1, 3, 4),
        help="1 grey, 3 colour, 4 colour and alpha (default: 3, for mnist 1)",
    )
    length = train.add_mutually_exclusive_group()
    length.add_argument(
        "--epochs",
        type=_positive,
        metavar="N",
        help=f"passes over the data, in all (default: {DEFAULT_EPOCHS})",
    )
    length.add_argument(
        "--steps", type=_positive, metavar="N", help="generator updates, in all, instead of epochs"
    )
    train.add_argument(
        "--batch-size",
        type=_positive,
        metavar="N",
        help=f"images in a step (default: {DEFAULTS['batch_size']})",
    )
    train.add_argument(
        "--filters",
        type=_positive,
        metavar="N",
        help="base width of the model (default: the model's own)",
    )
    train.add_argument(
        "--learning-rate",
        type=_positive_number,
        metavar="RATE",
        help="of both sides' optimizers, for example 3e-4 (default: the model's own)",
    )
    train.add_argument(
        "--augment",
        metavar="POLICY",
        help="differentiable augmentation for small data sets, for example color,translation "
        "(default: none)",
    )
    train.add_argument(
        "--ema",
        type=float,
        metavar="DECAY",
        help="sample from an average of the generator's weights with this decay, for example "
        "0.999; 0 for none (default: the model's own)",
    )
    train.add_argument(
        "--evaluate",
        choices=ENCODERS,
        metavar="ENCODER",
        help="measure the images as training goes on and keep the best generator; by the features "
        "of mnist (offline, for digits) or inception (a download) (default: not)",
    )
    train.add_argument(
        "--seed",
        type=_not_negative,
        metavar="N",
        help="makes the run repeatable (default: 0)",
    )
    train.add_argument(
        "--out", metavar="RUN", help="folder of the run, a new one (default: runs/DATA-MODEL)"
    )
    train.add_argument(
        "--resume",
        action="store_true",
        help="continue the run in --out exactly where it stopped, with its own arguments; a "
        "larger --epochs or --steps extends it",
    )
    train.add_argument(
        "--data-path",
        metavar="PATH",
        help="for mnist: folder or file that holds the data, instead of a download",
    )

    sample = commands.add_parser(
        "sample",
        help="draw pictures from a trained GAN",
        description="Draw pictures from a trained GAN. Needs no training data.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="""\
examples:
  kerasgan sample mnist
  kerasgan sample runs/digits
  kerasgan sample runs/digits/model.keras --count 100 --seed 7 --out grid.png
  kerasgan sample runs/digits --count 1000 --out digits/
  kerasgan sample runs/digits --count 6 --out walk.gif""",
    )
    sample.add_argument(
        "model",
        metavar="MODEL",
        help=MODEL_HELP,
    )
    sample.add_argument(
        "--count",
        type=_positive,
        metavar="N",
        help="number of pictures; in a GIF, of those to walk between (default: 64, for a GIF 8)",
    )
    sample.add_argument(
        "--seed",
        type=_not_negative,
        default=0,
        metavar="N",
        help="the same seed gives the same pictures (default: 0)",
    )
    sample.add_argument(
        "--out",
        default="grid.png",
        metavar="PATH",
        help="X.png: one grid; X.gif: a walk from picture to picture; X/ or a name without "
        "suffix: a folder of single files (default: grid.png)",
    )
    sample.add_argument("--overwrite", action="store_true", help="replace files that are there")

    evaluate = commands.add_parser(
        "evaluate",
        help="measure how good and how varied a trained GAN's images are",
        description="Compare the images of a trained GAN with real ones.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="""\
examples:
  kerasgan evaluate runs/digits --data mnist
  kerasgan evaluate runs/photos --data photos --count 5000 --out scores.json

Distances: 0 is best. The second column is the floor: other real images, as many, measured alike.
Numbers can only be compared when encoder, data and count are the same.""",
    )
    evaluate.add_argument(
        "model",
        metavar="MODEL",
        help=MODEL_HELP,
    )
    evaluate.add_argument(
        "--data", required=True, metavar="DATA", help="folder of real images, or the word mnist"
    )
    evaluate.add_argument(
        "--encoder",
        choices=ENCODERS,
        metavar="ENCODER",
        help="whose features to compare: mnist (offline, for digits) or inception (a download) "
        "(default: mnist for mnist, else inception)",
    )
    evaluate.add_argument(
        "--count",
        type=_positive,
        default=10_000,
        metavar="N",
        help="images of each kind, at most half of the real ones (default: 10000)",
    )
    evaluate.add_argument(
        "--seed",
        type=_not_negative,
        default=0,
        metavar="N",
        help="of the choice of images (default: 0)",
    )
    evaluate.add_argument(
        "--out", metavar="PATH", help="JSON file for the numbers, a new one (default: none)"
    )
    evaluate.add_argument(
        "--nearest",
        metavar="PATH",
        help=f"PNG file, a new one: {NEAREST_ROWS} generated pictures, each before the {NEAREST} "
        "real ones most like it in features, to see whether they were memorised (default: none)",
    )
    evaluate.add_argument(
        "--data-path",
        metavar="PATH",
        help="for mnist: folder or file that holds the data, instead of a download",
    )
    return parser


def _whole_number(text, smallest):
    with contextlib.suppress(ValueError):
        if int(text) >= smallest:
            return int(text)
    raise argparse.ArgumentTypeError(
        f"must be a whole number of at least {smallest}. Received: {text}"
    )


def _positive(text):
    return _whole_number(text, 1)


def _not_negative(text):
    return _whole_number(text, 0)


def _positive_number(text):
    with contextlib.suppress(ValueError):
        if 0 < float(text) < math.inf:
            return float(text)
    raise argparse.ArgumentTypeError(f"must be a number above 0. Received: {text}")


def _size(text):
    sides = text.lower().split("x")
    if len(sides) > 2 or not all(side.isdecimal() and int(side) for side in sides):
        raise argparse.ArgumentTypeError(
            f"must be pixels, as 64 or 48x64 (height x width). Received: {text}"
        )
    return [int(sides[0]), int(sides[-1])]


# kerasgan train


def _train(given):
    with contextlib.ExitStack() as stack:
        stop = stack.enter_context(_Stop())
        with _refusing():
            run, arguments, config = _settle(given)
            _open_run(run, bool(config), stack)
            data = _load_data(arguments)
            if config:
                _note_change("number of images", config["num_images"], _num_images(data))
            gan = _load_or_build(run, arguments, resume=bool(config))
        # The rhythm stays as it is when a resume extends the run.
        every = config["every"] if config else _rhythm(_last_step(gan, data, arguments))
        with _refusing():
            run_callbacks = _callbacks(run, every, data, arguments["evaluate"])
            _write_config(run, arguments, gan, every, _num_images(data))
        _note_short_batches(_num_images(data), arguments["batch_size"])
        progress = _progress(gan, arguments)
        if _is_finished(gan, arguments):
            print(f"Already finished: {progress}. A larger --steps or --epochs extends it.")
            print(run)
            return 0
        print(
            f"Training {arguments['model']} on {_describe(data, arguments)}, "
            f"{keras.config.backend()}, from {progress}. Ctrl-C stops and saves.",
            flush=True,
        )
        start = time.monotonic()
        gan.fit(
            data,
            batch_size=arguments["batch_size"] if isinstance(data, np.ndarray) else None,
            epochs=arguments["epochs"] or 1,
            steps=arguments["steps"],
            initial_epoch=gan.epoch,
            callbacks=[stop, *run_callbacks],
        )
        try:
            return _finish(run, gan, arguments, stop, time.monotonic() - start)
        except KeyboardInterrupt:
            raise KeyboardInterrupt("training had ended, and its last checkpoint stays") from None


def _settle(given):
    """The run's folder, all its arguments, and the configuration to resume (or None)."""
    chosen = {
        name: value
        for name, value in vars(given).items()
        if value is not None and name not in ("command", "out", "resume")
    }
    if "data" not in chosen and (given.out is None or not given.resume):
        raise ValueError(
            "DATA must be a folder of images or mnist. Received: none. Pass it"
            + (", or the run to resume as --out RUN." if given.resume else ".")
        )
    if chosen.get("data") and not _is_mnist(chosen):
        chosen["data"] = os.path.abspath(chosen["data"])
    run = _default_run(chosen) if given.out is None else pathlib.Path(given.out)
    config = _read_config(run) if given.resume else None
    saved = config["arguments"] if config else {}
    if config:
        _compare(run, config, chosen)
    if chosen.keys() & {"steps", "epochs"}:
        saved = {**saved, "steps": None, "epochs": None}
    arguments = (
        dict.fromkeys((*FIXED, "data_path", "evaluate", "steps", "epochs"))
        | DEFAULTS
        | saved
        | chosen
    )
    if not arguments["steps"] and not arguments["epochs"]:
        arguments["epochs"] = DEFAULT_EPOCHS
    is_mnist = _is_mnist(arguments)
    arguments["size"] = arguments["size"] or ([28, 28] if is_mnist else [64, 64])
    arguments["channels"] = arguments["channels"] or (1 if is_mnist else 3)
    _check_arguments(run, arguments)
    return run, arguments, config


def _default_run(chosen):
    name = pathlib.Path(chosen["data"]).name or "data"
    return pathlib.Path("runs", f"{name}-{chosen.get('model', DEFAULTS['model'])}")


def _check_arguments(run, arguments):
    """Refuses what does not go together."""
    is_mnist = _is_mnist(arguments)
    if is_mnist and (*arguments["size"], arguments["channels"]) != (28, 28, 1):
        raise ValueError(
            "`--size` and `--channels` must be 28 and 1 for mnist. Received: "
            f"--size {_shown(arguments['size'])} --channels {arguments['channels']}. Leave them "
            "out."
        )
    folder = os.path.realpath(arguments["data"])
    if not is_mnist and pathlib.Path(os.path.realpath(run)).is_relative_to(folder):
        raise ValueError(
            "`--out` must lie outside DATA, or the run would be trained on its own pictures. "
            f"Received: --out {run} in {folder}. Pass for example --out ../{run.name}."
        )
    if arguments["data_path"] and not is_mnist:
        raise ValueError(
            "`--data-path` must be left out unless DATA is mnist. Received: "
            f"--data-path {arguments['data_path']}. Pass the folder of images as DATA."
        )


def _read_config(run):
    path = run / CONFIG
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
        missing = {"arguments", "every", "num_images", "backend"} - config.keys()
        missing = missing or {*FIXED, *DEFAULTS, "data"} - config["arguments"].keys()
        if missing:
            raise ValueError(f"without {', '.join(sorted(missing))}")
        if config["arguments"]["model"] not in MODELS:
            raise ValueError(f"model {config['arguments']['model']!r}")
    except FileNotFoundError:
        raise FileNotFoundError(
            f"`--out` must be the folder of a run with --resume. Received: --out {run}, which "
            f"has no {CONFIG}. Check the path, or leave out --resume to begin a run."
        ) from None
    except (ValueError, AttributeError) as error:
        raise ValueError(
            f"{path} must be as `kerasgan train` wrote it. Received: a file that is damaged "
            f"({error}). Put it right, or begin another run with another --out."
        ) from error
    return config


def _compare(run, config, chosen):
    """Refuses what would make another run of it; notes what only makes it not repeatable."""
    saved = config["arguments"]
    names = [name for name in FIXED if name in chosen and chosen[name] != saved[name]]
    differences = [
        f"  {name}: {_shown(saved[name])} in the run, {_shown(chosen[name])} now" for name in names
    ]
    if "data" in chosen and _is_mnist(chosen) != _is_mnist(saved):
        differences.append(f"  data: {saved['data']} in the run, {chosen['data']} now")
    if differences:
        raise ValueError(
            f"the arguments must be those of the run in {run}, and are not:\n"
            + "\n".join(differences)
            + "\nLeave them out to resume it, or begin another run with another --out."
        )
    now = {"backend": keras.config.backend(), **chosen}
    for name, before in (*saved.items(), ("backend", config["backend"])):
        if name in ("batch_size", "data", "data_path", "backend") and name in now:
            _note_change(name.replace("_", " "), before, now[name])


def _note_change(name, before, now):
    if now != before:
        warnings.warn(
            f"{name}: {before} in the run, {now} now. The run goes on, with other results than "
            "it would have had.",
            stacklevel=2,
        )


def _is_mnist(arguments):
    return arguments["data"] == "mnist"


def _shown(value):
    """A value as it is written on the command line."""
    if isinstance(value, list):
        return str(value[0]) if len(set(value)) == 1 else "x".join(map(str, value))
    return "none" if value is None else str(value)


def _open_run(run, resume, stack):
    """Makes the run's folder, or finds it, and keeps every other process out of it."""
    stack.callback(_remove_empty, [path for path in run.parents if not os.path.exists(path)])
    try:
        run.mkdir(parents=True)
        is_new = True
    except FileExistsError:
        is_new = False
    except OSError as error:
        raise OSError(
            f"`--out` must be a folder that can be made. Received: --out {run}: "
            f"{error.strerror}. Pass another."
        ) from error
    if not resume and set(os.listdir(run)) - {LOCK}:
        raise ValueError(
            f"`--out` must be a new folder. Received: --out {run}, which is not empty. Pass "
            "--resume to continue the run in it, or another --out."
        )
    stack.callback(_remove_if_empty, run, is_new)
    # The system lets go of the lock when the process ends, however it ends.
    lock = stack.enter_context(open(run / LOCK, "a"))
    try:
        _lock(lock)
    except OSError:
        raise ValueError(
            f"`--out` must be a folder that no other process trains in. Received: --out {run}, "
            "which one does. Wait for it, end it, or pass another --out."
        ) from None
    for folder in (run, *(path for path in run.iterdir() if path.is_dir())):
        remove_stale(folder)


def _lock(file):
    if os.name == "nt":
        import msvcrt

        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _remove_if_empty(run, is_new):
    """Leaves no folder behind when nothing came of the run."""
    if is_new and set(os.listdir(run)) <= {LOCK}:
        (run / LOCK).unlink(missing_ok=True)
        run.rmdir()


def _remove_empty(folders):
    """Removes those that are there and have stayed empty."""
    for folder in folders:
        with contextlib.suppress(OSError):
            folder.rmdir()


def _load_data(arguments):
    if _is_mnist(arguments):
        return datasets.load_mnist("train", arguments["data_path"])[0]
    return datasets.ImageFolder(
        arguments["data"],
        (*arguments["size"], arguments["channels"]),
        batch_size=arguments["batch_size"],
        labels=False,
        seed=arguments["seed"],
    )


def _note_short_batches(num_images, batch_size):
    """Batch normalisation over a few images spoils the step, and that in every pass."""
    last = num_images % batch_size
    if last and 4 * last < batch_size:
        even = math.ceil(num_images / math.ceil(num_images / batch_size))
        warnings.warn(
            f"the last batch of every pass has {last} of {batch_size} images, too few for models "
            f"with batch normalisation; with --batch-size {even} all are of about one size.",
            stacklevel=2,
        )


def _num_images(data):
    return len(data) if isinstance(data, np.ndarray) else data.num_images


def _load_or_build(run, arguments, resume):
    # A run that was killed before its first checkpoint starts again from the same seed.
    if resume and any(
        (run / name).exists() for name in (callbacks.MODEL, callbacks.PREVIOUS_MODEL)
    ):
        return _load(callbacks.load_checkpoint, run)
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


def _last_step(gan, data, arguments):
    """About how many steps the run will have."""
    num_batches = math.ceil(_num_images(data) / arguments["batch_size"])
    return arguments["steps"] or arguments["epochs"] * num_batches // gan.discriminator_steps


def _rhythm(last_step):
    """Steps between two sample pictures: 1, 2, 5, 10, ... up to 1000, about 20 to 50 in a run."""
    scales = (mantissa * 10**power for power in range(3) for mantissa in (1, 2, 5))
    return max((every for every in (*scales, 1000) if every * 20 <= last_step), default=1)


def _callbacks(run, every, data=None, encoder=None):
    log = callbacks.Log(run / "log.csv", max(1, every // 10))
    found = []
    if encoder:
        # First, so that the others have its scores.
        evaluator = metrics.Evaluator(data, ENCODERS[encoder](), EVALUATION_COUNT)
        found.append(callbacks.Evaluate(evaluator, run, min(5 * every, 1000)))
    found += [
        log,
        callbacks.SampleGrid(run / "samples", every),
        callbacks.Animation(run / "training.gif", max(1, every // 5)),
        callbacks.Diagnose(),
    ]
    try:
        found.append(callbacks.LossPlot(run / "losses.png", every, log=log.path))
    except ImportError as error:
        warnings.warn(f"No losses.png: {error}", stacklevel=2)
    with contextlib.suppress(ImportError):
        found.append(callbacks.TensorBoardLog(run / "tensorboard", log.every, every))
    # Last, so that all other files are there for the step that a resume begins with; and at
    # multiples of the log's rows, which then are whole.
    return [*found, callbacks.Checkpoint(run, min(5 * every, 1000))]


def _write_config(run, arguments, gan, every, num_images):
    backend = keras.config.backend()
    config = {
        "arguments": arguments,
        "every": every,
        "num_images": num_images,
        "backend": backend,
        "versions": {
            "kerasgan": kerasgan.__version__,
            "keras": keras.__version__,
            backend: sys.modules[backend].__version__,
            "numpy": np.__version__,
            "python": platform.python_version(),
        },
        "generator_inputs": [tensor.name for tensor in gan.generator.inputs],
        "latents": latent_tools.plain(gan.latents),
        "latent_dim": gan.latent_dim,
        "image_shape": gan.image_shape,
        "value_range": gan.value_range,
    }
    with replacing(run / CONFIG) as temporary:
        temporary.write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")


def _is_finished(gan, arguments):
    if arguments["steps"]:
        return gan.step >= arguments["steps"]
    return gan.epoch >= arguments["epochs"]


def _progress(gan, arguments):
    if arguments["steps"]:
        return f"step {gan.step} of {arguments['steps']}"
    return f"epoch {gan.epoch} of {arguments['epochs']} (step {gan.step})"


def _describe(data, arguments):
    height, width = arguments["size"]
    source = "mnist" if _is_mnist(arguments) else pathlib.Path(arguments["data"]).name
    return f"{_num_images(data)} images of {source} ({height}x{width}x{arguments['channels']})"


def _finish(run, gan, arguments, stop, seconds):
    """Says how the run ended and what it left; returns the exit code."""
    if stop.nan_step:
        _tell(
            "train",
            f"stopped: the losses are not finite at step {stop.nan_step}. Begin another run, with "
            "a smaller --learning-rate or another --seed. (This one would come to the same; its "
            "last good model is kept, if there was one.)",
        )
    else:
        grid = pictures.grid(gan.sample(64, seed=0), columns=8)
        try:
            pictures.save_png(run / "samples.png", grid)
        except OSError as error:
            warnings.warn(f"No samples.png: {error}", stacklevel=2)
    is_finished = not stop.nan_step and _is_finished(gan, arguments)
    print(
        f"{'Finished' if is_finished else 'Stopped'} at {_progress(gan, arguments)}, "
        f"after {seconds / 60:.0f} min {seconds % 60:.0f} s."
    )
    if not is_finished and not stop.nan_step:
        print(f"To continue: kerasgan train --resume --out {run}")
    written = sorted(
        path.name + ("/" if path.is_dir() else "")
        for path in run.iterdir()
        if not path.name.startswith(".")
    )
    print(f"Written: {', '.join(written)}")
    print(run)
    if stop.nan_step:
        return 1
    return 128 + stop.signal if stop.signal and not is_finished else 0


class _Stop(keras.callbacks.Callback):
    """Ends training after a step that makes a loss NaN, or at a signal.

    Before training a signal ends the process at once: there is nothing to save.
    """

    def __init__(self):
        super().__init__()
        self.signal = None
        self.nan_step = None
        self._before = {}

    def __enter__(self):
        # Only the main thread may set handlers; another's signals are not ours.
        if threading.current_thread() is threading.main_thread():
            self._before = {
                signal.SIGINT: signal.signal(signal.SIGINT, signal.default_int_handler),
                signal.SIGTERM: signal.signal(signal.SIGTERM, self._exit),
            }
        return self

    def __exit__(self, *error):
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def on_train_begin(self, logs=None):
        for number in self._before:
            signal.signal(number, self._stop_training)

    def on_train_batch_end(self, batch, logs=None):
        if not math.isfinite(logs["loss"]):
            self.nan_step = self.model.step
            self.model.stop_training = True

    def _exit(self, number, frame):
        sys.exit(128 + number)

    def _stop_training(self, number, frame):
        if self.signal and number == signal.SIGINT:
            # The second time.
            raise KeyboardInterrupt("nothing was saved since the last checkpoint")
        self.signal = number
        self.model.stop_training = True


# kerasgan sample


def _sample(given):
    with _refusing():
        out = pathlib.Path(given.out)
        kind = _output_kind(given.out)
        _check_output(out, kind, given.overwrite)
        source = _load_generator(given.model)
        out.parent.mkdir(parents=True, exist_ok=True)
        count = given.count or (8 if kind == "gif" else 64)
        latents = _draw_latents(source, count, given.seed)
        if kind == "gif":
            frames = generate(source.generator, _walk(latents, source.latents), source.value_range)
            frames = [pictures.fit_frame(frame) for frame in frames]
            pictures.save_gif(out, frames, seconds_per_frame=0.05)
        elif kind == "png":
            pictures.save_png(
                out, pictures.grid(generate(source.generator, latents, source.value_range))
            )
        else:
            out.mkdir(exist_ok=True)
            for index, image in enumerate(generate(source.generator, latents, source.value_range)):
                pictures.save_png(out / f"sample_{index:05d}.png", image)
    print(out)
    return 0


def _output_kind(text):
    path = pathlib.Path(text)
    if text.endswith(("/", os.sep)) or path.is_dir() or not path.suffix:
        return "folder"
    if path.suffix.lower() in (".png", ".gif"):
        return path.suffix.lower()[1:]
    raise ValueError(
        "`--out` must end in .png (grid) or .gif (walk), or be a folder (single files). "
        f"Received: --out {text}. Pass for example --out grid.png."
    )


def _check_output(out, kind, overwrite):
    if overwrite:
        return
    is_taken = out.is_dir() and any(out.iterdir()) if kind == "folder" else out.exists()
    if is_taken:
        raise FileExistsError(
            f"`--out` must be new. Received: --out {out}, which exists. Pass another, or "
            "--overwrite to replace it."
        )


def _load_generator(text):
    """The generator to sample from, with what its latents and images are."""
    path = pathlib.Path(text)
    if text in pretrained.NAMES:
        model = pretrained.load_pretrained(text)
    elif path.is_dir():
        model = _load(callbacks.load_checkpoint, path)
    else:
        damage = callbacks.find_damage(path)
        if damage:
            raise ValueError(
                "MODEL must be the folder of a run, a .keras file or one of "
                f"{', '.join(pretrained.NAMES)}. Received: {path}, which {damage}. Check the path."
            )
        model = _load(keras.models.load_model, path)
    if isinstance(model, GAN):
        return types.SimpleNamespace(
            generator=model.averaged_generator,
            latents=model.latents,
            latent_dim=model.latent_dim,
            value_range=model.value_range,
        )
    config_path = path.with_name(CONFIG)
    if not config_path.exists():
        raise FileNotFoundError(
            f"MODEL must be a GAN, or a generator with the {CONFIG} of its run beside it. "
            f"Received: {path}, without one. Copy it there, or pass the run's {callbacks.MODEL}."
        )
    try:
        config = json.loads(config_path.read_text(encoding="utf-8"))
        if model.input_shape != (None, config["latent_dim"]) or len(model.output_shape) != 4:
            raise ValueError(f"it is not that of {path.name}")
        return types.SimpleNamespace(
            generator=model,
            latents=latent_tools.standardize(config["latents"]),
            latent_dim=config["latent_dim"],
            value_range=check_value_range(config["value_range"]),
        )
    # What has other contents than ours ends in one of these.
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise ValueError(
            f"MODEL must be a GAN, or a generator with the {CONFIG} of its run beside it. "
            f"Received: {config_path}, which cannot be used ({_in_short(error)}). "
            f"Copy that of the run there, or pass the run's {callbacks.MODEL}."
        ) from error


def _in_short(error):
    return f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}"


def _load(load, path):
    """What `load` makes of a path; ValueError or OSError where it cannot."""
    try:
        return load(path)
    # Keras says in one of these that it lacks a class or function, or cannot read what is there.
    except (AttributeError, LookupError, RuntimeError, TypeError) as error:
        raise ValueError(
            "MODEL must be made of what Keras and kerasgan know. Received: "
            f"{path}, which cannot be loaded ({_in_short(error)}). If it holds "
            "functions or classes of your own, use it from Python: keras.models.load_model(PATH, "
            "custom_objects={...}).sample(64)."
        ) from error


def _draw_latents(source, count, seed):
    rng = np.random.default_rng(seed)
    return latent_tools.draw(source.latents, (count, source.latent_dim), rng)


def _walk(latents, distribution):
    """Latents on a closed path through the given ones.

    Normal latents lie near a sphere, and so does the path between them (a straight line would
    pass through lengths that the generator has never seen); others are joined by lines.
    """
    with_mean = isinstance(distribution, (tuple, list))
    is_normal = with_mean or distribution == "normal"
    centre = distribution[1] if with_mean else 0.0
    path = []
    for start, end in zip(latents - centre, np.roll(latents, -1, axis=0) - centre, strict=True):
        for share in np.arange(FRAMES_BETWEEN) / FRAMES_BETWEEN:
            between = _slerp if is_normal else _lerp
            path.append(between(start, end, share) + centre)
    return np.asarray(path, dtype="float32")


def _lerp(start, end, share):
    return (1 - share) * start + share * end


def _slerp(start, end, share):
    cosine = np.dot(start, end) / (np.linalg.norm(start) * np.linalg.norm(end))
    angle = np.arccos(np.clip(cosine, -1.0, 1.0))
    if np.sin(angle) < 1e-6:
        return _lerp(start, end, share)
    return (np.sin((1 - share) * angle) * start + np.sin(share * angle) * end) / np.sin(angle)


# kerasgan evaluate


def _evaluate(given):
    with _refusing():
        for option in ("out", "nearest"):
            path = getattr(given, option)
            if path and os.path.exists(path):
                raise FileExistsError(
                    f"`--{option}` must be new. Received: --{option} {path}, which exists. Pass "
                    "another."
                )
            if path and not os.path.isdir(os.path.dirname(path) or "."):
                raise FileNotFoundError(
                    f"`--{option}` must be in a folder that exists. Received: --{option} {path}. "
                    "Make the folder, or pass another."
                )
        if given.nearest and not given.nearest.lower().endswith(".png"):
            raise ValueError(
                f"`--nearest` must end in .png. Received: --nearest {given.nearest}. Pass for "
                "example --nearest nearest.png."
            )
        source = _load_generator(given.model)
        images = _load_real_images(given, source.generator.output_shape[1:])
        encoder = ENCODERS[given.encoder or ("mnist" if _is_mnist(vars(given)) else "inception")]()
        evaluator = metrics.Evaluator(images, encoder, given.count, given.seed)
        latents = _draw_latents(source, evaluator.count, given.seed)
        fakes = generate(source.generator, latents, source.value_range)
    scores = evaluator(fakes)
    print(f"{'':<20}{'generated':>12}{'real':>12}")
    for name, value in scores.items():
        print(f"{name.replace('_', ' '):<20}{value:>12.4f}{evaluator.floor[name]:>12.4f}")
    digits = None
    if _is_mnist(vars(given)):
        classifier = metrics.Encoder(metrics.mnist_classifier())
        digits = metrics.digit_statistics(fakes, classifier)
        real_digits = metrics.digit_statistics(images[: evaluator.count], classifier)
        for name in ("kl", "confidence"):
            print(f"{'digits, ' + name:<20}{digits[name]:>12.4f}{real_digits[name]:>12.4f}")
        print(f"digits 0 to 9: {' '.join(map(str, digits['histogram']))}")
    protocol = evaluator.protocol
    print(
        f"{protocol['count']} images each; encoder {protocol['encoder']} "
        f"({protocol['encoder_hash']}), data {protocol['data_hash']}, seed {protocol['seed']}"
    )
    if given.out:
        result = {"model": given.model, **protocol, "scores": scores, "floor": evaluator.floor}
        if digits:
            result |= {"digits": digits, "real_digits": real_digits}
        with replacing(given.out) as temporary:
            temporary.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
        print(given.out)
    if given.nearest:
        rows = _beside_nearest(fakes[:NEAREST_ROWS], images, encoder)
        pictures.save_png(given.nearest, pictures.grid(rows, columns=1 + NEAREST))
        print(given.nearest)
    return 0


def _beside_nearest(fakes, images, encoder):
    """Each fake before the real images that are nearest to it, a row of pictures each."""
    batches = [images] if isinstance(images, np.ndarray) else images
    real = np.concatenate([encoder(batches[index]) for index in range(len(batches))])
    found, _ = metrics.nearest(encoder(fakes), real, NEAREST)
    size = len(batches[0])
    nearest = np.stack([batches[index // size][index % size] for index in found.ravel()])
    nearest = nearest.reshape(len(fakes), NEAREST, *fakes.shape[1:])
    return np.concatenate([fakes[:, None], nearest], axis=1).reshape(-1, *fakes.shape[1:])


def _load_real_images(given, image_shape):
    if _is_mnist(vars(given)):
        images = datasets.load_mnist("train", given.data_path)[0]
        if images.shape[1:] != image_shape:
            raise ValueError(
                "`--data` must hold images like those of MODEL. Received: --data mnist for a "
                f"model of {image_shape}. Pass the folder that it was trained on."
            )
        return images
    return datasets.ImageFolder(given.data, image_shape, batch_size=64, labels=False)


if __name__ == "__main__":
    sys.exit(main())
