"""`kerasgan cache`: show or clear what data sets and metrics keep for the next run."""

import argparse

from kerasgan.cache import cache_folder, cached_files, clear_cache
from kerasgan.checks import counted
from kerasgan.cli._messages import refusing

__all__ = ["add_parser", "run"]

_KINDS = {"images": "decoded images", "features": "features of images"}


def add_parser(commands):
    """Adds this command to the program."""
    parser = commands.add_parser(
        "cache",
        help="show or clear what is kept for the next run",
        description="Show the folder of decoded images and features that later runs start from, "
        "and its size.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="""\
examples:
  kerasgan cache
  kerasgan cache --clear

KERASGAN_CACHE names another folder. Everything in it is made again when it is needed.""",
    )
    parser.add_argument("--clear", action="store_true", help="delete these files")


def run(given):
    """Runs the command with its parsed arguments; returns the exit code."""
    with refusing():
        folder = cache_folder(True)
        found = {kind: cached_files(folder, kind) for kind in _KINDS}
        sizes = {kind: sum(path.stat().st_size for path in found[kind]) for kind in _KINDS}
        if given.clear:
            clear_cache()
    print(folder)
    for kind, meaning in _KINDS.items():
        print(f"{meaning}: {counted(len(found[kind]), 'file')}, {sizes[kind] / 1e6:,.1f} MB")
    if given.clear:
        print("Deleted.")
    return 0
