"""Pages: one run, or several side by side. Each is a file that needs no other and no network."""

import base64
import contextlib
import functools
import hashlib
import math
import pathlib
import time

import jinja2
import markupsafe
import numpy as np

from kerasgan.callbacks.evaluate import FLOOR, MONITORS
from kerasgan.checks import counted
from kerasgan.cli import run_folder
from kerasgan.cli._neighbours import MOST_SEARCHED
from kerasgan.cli.report import _curves, _run
from kerasgan.files import replacing

__all__ = ["write", "write_comparison"]

_FOLDER = pathlib.Path(__file__).parent
_RELOAD_SECONDS = 20
_MOST_NAMES = 100  # classes
_WASSERSTEIN = ("wgan", "wgan_gp")  # models

# The curves, in a page's order: title, names of the columns -> names of the lines, explanation.
_LOSSES = {"d_loss": "discriminator", "g_loss": "generator"}
_LOSS_TEXT = """Each network tries to make its own loss small, and each spoils it for the other.
Healthy: both settle and wander around a level; they need not fall. Not healthy: the
discriminator's falls to about 0 and stays there while the generator's climbs. Then the
discriminator has won and the generator learns little: try a smaller --d-learning-rate or
--augment color,translation. The loss does not say how good the pictures are; look at the
samples."""
_CRITIC_TEXT = """For this model, the discriminator's loss is about minus the distance that it
sees between real and generated images. Healthy: it falls steeply at first, then rises slowly
towards 0 as the pictures improve. Not healthy: it swings ever more widely; try a smaller
--learning-rate. The generator's loss alone says little."""
_CURVES = (
    (
        "Scores",
        {"d_real": "real images", "d_fake": "generated images"},
        """The discriminator's mean score: the higher, the more real an image looks to it.
        Healthy: real images score somewhat higher, and the gap stays about the same. Not
        healthy: a gap that keeps growing (the discriminator has won), or no gap at all from the
        start (it has learned nothing).""",
    ),
    (
        "The discriminator's loss, by its two sides",
        {"d_loss_real": "real images", "d_loss_fake": "generated images"},
        """Healthy: the two are of similar size. If the loss on generated images alone is near
        0, the discriminator recognises every one of them; if that on real images is, it takes
        everything for real.""",
    ),
    (
        "Penalty",
        {"penalty": "penalty"},
        """Part of the discriminator's loss that keeps it from changing too abruptly between
        similar images. Healthy: small and steady. Not healthy: it grows without end; try a
        smaller --learning-rate.""",
    ),
    (
        "Augmentation",
        {"augment_probability": "probability"},
        """How often images are augmented before the discriminator sees them. It rises when the
        discriminator begins to memorise the training images. Healthy: it levels off. Near 1,
        there are too few images for this model: add some, or stop early.""",
    ),
)
_SCORES = (
    (
        "Frechet distance",
        {"frechet_distance": "Frechet distance"},
        """How far the generated images are from real ones, in quality and variety together: the
        lower the better, and other real images come close to 0. Healthy: it falls, then levels
        off. Not healthy: it rises for long; training is past its best. best_generator.keras keeps
        the best, by this distance or the one that --monitor names.""",
    ),
    (
        "Kernel distance",
        {"kernel_distance": "kernel distance"},
        """Another measure of the same, more reliable with few images. Healthy: it falls, then
        levels off near 0. Not healthy: it rises for long.""",
    ),
    (
        "Precision and recall",
        {"precision": "precision", "recall": "recall"},
        """Precision is the share of generated images that look real; recall is the share of the
        real images' variety that the generator reaches. Both are best at 1. High precision with
        a recall near 0 means good pictures that are too similar: the generator has collapsed.""",
    ),
    (
        "Density and coverage",
        {"density": "density", "coverage": "coverage"},
        """Steadier relatives of precision and recall: coverage is the share of real images with
        a generated one near them, best at 1; density is about 1 for real images.""",
    ),
    (
        "Variety",
        {"variety": "variety"},
        """How much generated images differ from each other, over how much real ones do. Healthy:
        near 1. Not healthy: it falls towards 0; the generator collapses.""",
    ),
    (
        "Distance to the nearest image",
        {"nearest_distance": "nearest distance"},
        """From a generated image to the nearest real one, over that between real neighbours.
        Healthy: about 1. Not healthy: far above 1, where images are unlike the real ones, or near
        0, where they are copies.""",
    ),
    (
        "Copies",
        {"copies": "copies"},
        """Share of generated images that are suspiciously near to a real one. Healthy: as among
        other real images. Not healthy: it rises above that; the generator repeats its data, of
        which there is too little.""",
    ),
)
_OTHER_TEXT = """A further term that this model reports. A loss should fall, then level off."""
_HIDDEN = {"step", "epoch", "loss"}  # columns that are no curves of their own


def write(folder: pathlib.Path, is_live: bool = False) -> pathlib.Path:
    """Writes the page of a run into its folder, from what lies there.

    Args:
        folder: The folder.
        is_live: Whether the run is training: the page then reloads itself.

    Returns:
        Path of the page. A file with the same contents is left as it is.

    Raises:
        OSError: The page cannot be written.
    """
    run = _run.read(folder)
    path = folder / run_folder.REPORT
    page = _render(
        "page.html",
        run=run,
        is_live=is_live,
        reload_seconds=_RELOAD_SECONDS,
        written=time.strftime("%Y-%m-%d %H:%M:%S"),
        sections=_sections({run.name: run}),
        most_names=_MOST_NAMES,
        most_searched=MOST_SEARCHED,
        state=_state(run, is_live),
    )
    _replace(path, page)
    return path


def write_comparison(folders: list[pathlib.Path], path: pathlib.Path) -> pathlib.Path:
    """Writes a page that shows several runs side by side.

    Args:
        folders: Folders of the runs.
        path: Path of the page.

    Returns:
        `path`.

    Raises:
        OSError: The page cannot be written.
    """
    found = [_run.read(folder) for folder in folders]
    names = [run.name for run in found]
    if len(set(names)) < len(names):
        names = [str(folder) for folder in folders]
    # The same folder may be given twice.
    runs = {name: run for name, run in zip(names, found, strict=True)}
    page = _render(
        "compare.html",
        runs=runs,
        states={name: _state(run, False) for name, run in runs.items()},
        sections=_sections(runs),
        differences=_differences(runs),
        scores=_best_scores(runs),
    )
    _replace(path, page)
    return path


@functools.cache
def _environment():
    # Everything that a template inserts is escaped.
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        auto_reload=False,  # an update of the package must not change a page half-way
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"counted": counted, "emphasised": _emphasised}
    return environment


def _emphasised(text):
    """Puts the words that a reader looks for in bold."""
    text = markupsafe.escape(" ".join(text.split()))
    for words in ("Not healthy:", "Healthy:"):
        text = text.replace(words, markupsafe.Markup(f"<b>{words}</b>"))
    return text


@functools.cache
def _script():
    return (_FOLDER / "page.js").read_text(encoding="utf-8")


def _render(template, **names):
    script = _script()
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return (
        _environment()
        .get_template(template)
        .render(
            **names,
            script=markupsafe.Markup(script),
            script_hash=f"sha256-{digest}",
            files=run_folder,
        )
        .encode("utf-8", "replace")
    )


def _replace(path, page):
    with contextlib.suppress(OSError):
        if path.read_bytes() == page:
            return
    with replacing(path) as temporary:
        temporary.write_bytes(page)


def _state(run, is_live):
    if is_live:
        return "training"
    return "finished" if run.is_finished else "stopped"


def _sections(runs):
    """The plots of one or more runs, by name: dicts of title, text, and plot."""
    is_critic = [run.arguments.get("model") in _WASSERSTEIN for run in runs.values()]
    texts = [
        text
        for text, is_used in ((_LOSS_TEXT, not all(is_critic)), (_CRITIC_TEXT, any(is_critic)))
        if is_used
    ]
    curves = (("Losses", _LOSSES, " ".join(texts)), *_CURVES, *_others(runs))
    found = _plots(runs, curves, lambda run: run.log)
    return found + _plots(runs, _SCORES, _scores_in_training)


def _scores_in_training(run):
    """The scores without those of noise, before the first step, which would flatten the rest."""
    is_later = run.scores.get("step", np.zeros(0)) > 0
    if not is_later.any():
        return run.scores
    return {name: column[is_later] for name, column in run.scores.items()}


def _others(runs):
    """The columns of the log that belong to no other plot."""
    known = {name for _, names, _ in (*_CURVES, *_SCORES) for name in names}
    known |= {*_LOSSES, *_HIDDEN}
    columns = dict.fromkeys(name for run in runs.values() for name in run.log)
    return [
        (name, {name: name.replace("_", " ")}, _OTHER_TEXT) for name in columns if name not in known
    ]


def _plots(runs, curves, table_of):
    found = []
    for title, names, text in curves:
        # Several runs have a plot for each column, with a line for each run.
        groups = [names] if len(runs) == 1 else [{column: names[column]} for column in names]
        for group in groups:
            lines, floors = {}, {}
            for name, run in runs.items():
                table = table_of(run)
                for column, label in group.items():
                    if column in table:
                        line = label if len(runs) == 1 else name
                        lines[line] = table["step"], table[column]
                        # Runs on other data have other floors.
                        floor = _run.newest(table, FLOOR + column)
                        if len(runs) == 1 and math.isfinite(floor):
                            floors[line] = floor
            plot = _curves.plot(lines, floors) if lines else None
            if plot:
                (label, *_) = group.values()
                suffix = f": {label}" if len(runs) > 1 and len(names) > 1 else ""
                found.append({"title": title + suffix, "text": text, "plot": plot})
    return found


def _differences(runs):
    """The settings that differ: dict from their names to a list of texts, one for each run."""
    tables = [
        run.settings | {f"{name} (version)": text for name, text in run.versions.items()}
        for run in runs.values()
    ]
    names = dict.fromkeys(name for table in tables for name in table)
    rows = {name: [table.get(name, "not known") for table in tables] for name in names}
    return {name: row for name, row in rows.items() if len(set(row)) > 1}


def _best_scores(runs):
    """The scores of the best generator, by the run's monitor: a dict for each run with any."""
    found = {}
    for name, run in runs.items():
        monitor = str(run.arguments.get("monitor", MONITORS[0]))
        distances = run.scores.get(monitor, np.full(1, np.nan))
        if np.isfinite(distances).any():
            best = int(np.nanargmin(distances))
            values = {title: column[best] for title, column in run.scores.items()}
            found[name] = {
                title.replace("_", " "): f"{value:.4g}"
                for title, value in values.items()
                if np.isfinite(value)
                and title not in ("seed", "count")
                and not title.startswith(FLOOR)
            }
    return found
