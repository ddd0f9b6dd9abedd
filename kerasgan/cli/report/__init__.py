"""`kerasgan report`: the page of a run, or a page that compares several."""

import argparse
import pathlib

from kerasgan.checks import argument_error
from kerasgan.cli import _arguments, run_folder
from kerasgan.cli._messages import refusing
from kerasgan.cli.report._live import LivePage
from kerasgan.cli.report._page import write, write_comparison
from kerasgan.cli.report._run import is_run

__all__ = ["LivePage", "add_parser", "run", "write"]

_COMPARISON = "compare.html"


def add_parser(commands):
    """Adds this command to the program."""
    parser = commands.add_parser(
        "report",
        help="make the page of a run anew, or compare several runs",
        description="Make report.html of a run anew from the files in its folder, or one page that "
        "shows several runs side by side. The pages need no network and no other file.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="""\
examples:
  kerasgan report runs/digits
  kerasgan report runs/digits runs/digits-2 --out digits.html""",
    )
    parser.add_argument(
        "runs",
        nargs="+",
        type=_arguments.path,
        metavar="RUN",
        help="folder of a run, finished or training, also of an earlier version",
    )
    parser.add_argument(
        "--out",
        type=_arguments.path,
        metavar="PATH",
        help=f"new HTML file for the comparison of several runs (default: {_COMPARISON})",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace an existing comparison")


def run(given):
    """Runs the command with its parsed arguments; returns the exit code."""
    with refusing():
        folders = [pathlib.Path(text) for text in given.runs]
        for folder in folders:
            if not is_run(folder):
                raise argument_error(
                    "RUN",
                    "be the folder of a run",
                    f"{folder}, which has no {run_folder.CONFIG}, {run_folder.LOG} or "
                    f"{run_folder.SAMPLES}/",
                    "Check the path.",
                )
        if len(folders) == 1:
            if given.out:
                raise argument_error(
                    "--out",
                    "be left out for one run",
                    f"--out {given.out}",
                    f"Its page is {folders[0] / run_folder.REPORT}.",
                )
            with _arguments.placing("RUN", folders[0]):
                print(write(folders[0], is_live=run_folder.is_in_use(folders[0])))
        else:
            path = pathlib.Path(given.out or _COMPARISON)
            _check_output(path, given.overwrite)
            with _arguments.placing("--out", path):
                print(write_comparison(folders, path))
    return 0


def _check_output(path, overwrite):
    if path.suffix.lower() not in (".html", ".htm"):
        raise argument_error(
            "--out", "end in .html", f"--out {path}", f"For example, pass --out {_COMPARISON}."
        )
    _arguments.check_new("--out", path, path.exists(), overwrite)
