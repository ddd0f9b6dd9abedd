"""`kerasgan evaluate`: measure how good and how varied a trained GAN's images are."""

import argparse
import json
import os

from kerasgan import metrics, pictures
from kerasgan.checks import argument_error
from kerasgan.cli import _arguments
from kerasgan.cli._data import is_mnist, load_to_compare
from kerasgan.cli._messages import refusing
from kerasgan.cli._neighbours import NEAREST, Neighbours
from kerasgan.cli._source import load_sampler
from kerasgan.files import check_writable, replacing

__all__ = ["add_parser", "describe_copies", "describe_variety", "has_copies", "run"]

# What the user types for arguments of the API.
_TYPED = {"count": "--count", "folder": "--data", "images": "--data", "path": "--data-path"}
_ROWS = 10  # generated images in the --nearest picture
# Coverage and variety, as shares of those of real images, and copies beyond theirs.
_POOR, _GOOD, _TOO_MUCH, _MANY_COPIES = 0.5, 0.8, 1.25, 0.1


def add_parser(commands):
    """Adds this command to the program."""
    parser = commands.add_parser(
        "evaluate",
        help="measure how good and how varied a trained GAN's images are",
        description="Compare the images of a trained GAN with real ones.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="""\
examples:
  kerasgan evaluate runs/digits --data mnist
  kerasgan evaluate runs/photos --data photos --count 5000 --out scores.json

A distance of 0 is best. The second column is the floor: the same number of other real images,
measured the same way. Compare numbers only if the encoder, data and count match.

The encoder pyramid sees blur, noise, wrong colours and missing variety, but not what an image
shows. inception does, and downloads 88 MB once.""",
    )
    _arguments.add_model(parser)
    parser.add_argument(
        "--data",
        required=True,
        type=_arguments.path,
        metavar="DATA",
        help="folder or .zip archive of real images, or the word mnist",
    )
    parser.add_argument(
        "--encoder",
        choices=_arguments.ENCODERS,
        metavar="ENCODER",
        help=f"features to compare: {_arguments.ENCODERS_HELP} (default: mnist for mnist, else "
        "pyramid)",
    )
    parser.add_argument(
        "--count",
        type=_arguments.positive,
        default=10_000,
        metavar="N",
        help="images of each kind, at most half the real images (default: 10000)",
    )
    parser.add_argument(
        "--seed",
        type=_arguments.not_negative,
        default=0,
        metavar="N",
        help="seed for generating images and choosing real ones (default: 0)",
    )
    parser.add_argument(
        "--out",
        type=_arguments.path,
        metavar="PATH",
        help="new JSON file for the numbers (default: none)",
    )
    parser.add_argument(
        "--nearest",
        type=_arguments.path,
        metavar="PATH",
        help=f"new PNG file: {_ROWS} generated pictures, each followed by the {NEAREST} real "
        "pictures with the nearest features, to spot memorised pictures (default: none)",
    )
    _arguments.add_data_path(parser)


def run(given):
    """Runs the command with its parsed arguments; returns the exit code."""
    with refusing(**_TYPED):
        _check_outputs(given)
        sampler = load_sampler(given.model)
        image_shape = sampler.generator.output_shape[1:]
        _arguments.check_encoder("--encoder", given.encoder, image_shape)
        images = load_to_compare(given.data, given.data_path, image_shape)
        name = given.encoder or ("mnist" if is_mnist(given.data) else "pyramid")
        # Last, because it may download.
        encoder = _arguments.load_encoder(name, image_shape)
        evaluator = metrics.Evaluator(images, encoder, given.count, given.seed)
        fakes = sampler.sample(evaluator.count, given.seed)
    scores = evaluator(fakes)
    _print_scores(scores, evaluator.floor)
    print(describe_variety(scores, evaluator.floor))
    print(describe_copies(scores, evaluator.floor))
    digits = {}
    if is_mnist(given.data):
        digits = _count_digits(fakes, images[: evaluator.count])
        _print_digits(**digits)
    protocol = evaluator.protocol
    print(
        f"{protocol['count']} images each; encoder {protocol['encoder']} "
        f"({protocol['encoder_hash']}), data {protocol['data_hash']}, seed {protocol['seed']}"
    )
    if given.out:
        result = {"model": given.model, **protocol, "scores": scores, "floor": evaluator.floor}
        with replacing(given.out) as temporary:
            temporary.write_text(json.dumps(result | digits, indent=2) + "\n", encoding="utf-8")
        print(given.out)
    if given.nearest:
        rows = Neighbours(images, encoder).beside(fakes[:_ROWS])
        flat = rows.reshape(-1, *image_shape)
        pictures.save_png(given.nearest, pictures.grid(flat, rows.shape[1], scale=None))
        print(given.nearest)
    return 0


def _check_outputs(given):
    """Refuses output files that cannot be written, before measuring starts."""
    for name, path in (("--out", given.out), ("--nearest", given.nearest)):
        if path and os.path.exists(path):
            raise argument_error(
                name,
                "be a new file",
                f"{name} {path}, which already exists",
                "Pass another path.",
                FileExistsError,
            )
        if path and not os.path.isdir(os.path.dirname(path) or "."):
            raise argument_error(
                name,
                "be in an existing folder",
                f"{name} {path}",
                "Create it, or pass another path.",
                FileNotFoundError,
            )
        if path:
            with _arguments.placing(name, path):
                check_writable(path)
    if given.nearest and not given.nearest.lower().endswith(".png"):
        raise argument_error(
            "--nearest",
            "end in .png",
            f"--nearest {given.nearest}",
            "For example, pass --nearest nearest.png.",
        )


def _print_scores(scores, floor):
    print(f"{'':<20}{'generated':>12}{'real':>12}")
    for name, value in scores.items():
        _print_row(name.replace("_", " "), value, floor[name])


def _print_row(name, generated, real):
    print(f"{name:<20}{generated:>12.4f}{real:>12.4f}")


def describe_variety(scores: dict[str, float], floor: dict[str, float]) -> str:
    """What the scores of variety mean, in one sentence."""
    covered = scores["coverage"] / max(floor["coverage"], 1e-6)
    spread = scores["variety"] / max(floor["variety"], 1e-6)
    if min(covered, spread) < _POOR:
        return "Samples vary far less than real images: many kinds of images are missing."
    if spread > _TOO_MUCH:
        return "Samples vary more than real images, as noise and broken images do."
    if min(covered, spread) < _GOOD:
        return "Samples are less varied than real images."
    return "Samples are about as varied as real images."


def describe_copies(scores: dict[str, float], floor: dict[str, float]) -> str:
    """What the distance to the nearest real images means, in one sentence."""
    if has_copies(scores["copies"], floor["copies"]):
        return (
            f"{scores['copies']:.0%} of the samples are nearly copies of real images; --nearest "
            "shows them beside these."
        )
    return "Samples are no nearer to real images than other real images are: they are no copies."


def has_copies(share: float, floor: float) -> bool:
    """Whether many more samples than real images are nearly copies of real images."""
    return share > floor + _MANY_COPIES


def _count_digits(fakes, real):
    classifier = metrics.Encoder(metrics.mnist_classifier())
    return {
        "digits": metrics.digit_statistics(fakes, classifier),
        "real_digits": metrics.digit_statistics(real, classifier),
    }


def _print_digits(digits, real_digits):
    for name in ("kl", "confidence"):
        _print_row(f"digits, {name}", digits[name], real_digits[name])
    print(f"digits 0 to 9: {' '.join(map(str, digits['histogram']))}")
