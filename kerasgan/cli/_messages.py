"""What the commands tell their user, and how they refuse."""

import contextlib
import sys


class Refused(Exception):
    """The command cannot do what the user asked for; nothing has been started."""


@contextlib.contextmanager
def refusing():
    """Turns the errors that wrong arguments cause into one line without a traceback."""
    try:
        yield
    except (ValueError, OSError, ImportError) as error:
        raise Refused(error) from error


def tell(command, text):
    """Prints a line on standard error; standard output is for results."""
    print(f"kerasgan {command}: {text}", file=sys.stderr, flush=True)


def in_short(error):
    """The kind of an error and the first line of its message."""
    return f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}"


def duration(seconds):
    """A length of time in its two largest units: `32 s`, `1 min 32 s`, `2 h 5 min`."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
