"""The command `kerasgan`: trains GANs on folders of images, and uses what they learned."""

import argparse
import warnings

import keras

import kerasgan
from kerasgan.cli import (
    cache,
    directions,
    evaluate,
    export,
    models,
    project,
    report,
    sample,
    train,
)
from kerasgan.cli._messages import Failed, Refused, forgiving_streams, tell

__all__ = ["main"]

_COMMANDS = {
    "models": models,
    "train": train,
    "sample": sample,
    "evaluate": evaluate,
    "project": project,
    "directions": directions,
    "export": export,
    "report": report,
    "cache": cache,
}


def main(argv: list[str] | None = None) -> int:
    """Runs the command.

    Args:
        argv: Arguments without the program name; by default, those of this process.

    Returns:
        The exit code: 0 on success, 1 if the losses became NaN or the last model could not be
        saved, 2 if an argument is invalid, 130 after Ctrl-C, 143 after SIGTERM, 129 after SIGHUP.
    """
    with forgiving_streams(), warnings.catch_warnings():
        given = _parser().parse_args(argv)
        # Print plain lines, without the file name and source line.
        warnings.showwarning = lambda message, *_, **__: tell(given.command, f"note: {message}")
        try:
            return _COMMANDS[given.command].run(given)
        except Refused as error:
            tell(given.command, f"error: {error}")
            return 2
        except Failed as error:
            tell(given.command, f"error: {error}")
            return 1
        except KeyboardInterrupt as interrupt:
            tell(given.command, "; ".join(("interrupted", *interrupt.args)))
            return 130


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
    for command in _COMMANDS.values():
        command.add_parser(commands)
    return parser
