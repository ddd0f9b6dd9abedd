"""How the commands print messages and errors."""

import contextlib
import os
import re
import sys

from kerasgan.checks import is_out_of_memory


class Refused(Exception):
    """The command cannot do what the user asked for; nothing was started."""


class Failed(Exception):
    """The command could not finish what it started."""


@contextlib.contextmanager
def refusing(**typed):
    """Turns the errors that wrong arguments cause into one line without a traceback.

    Args:
        typed: What the user typed, such as `--size` or `DATA`, for arguments of the API.
    """
    try:
        yield
    except (ValueError, OSError, ImportError) as error:
        raise Refused(_as_typed(str(error), typed)) from error
    except Exception as error:
        if isinstance(error, Refused) or not is_out_of_memory(error):
            raise
        raise Refused("memory ran out. Ask for smaller or fewer images.") from error


def _as_typed(text, typed):
    for name, word in typed.items():
        text = re.sub(rf"`{name}`", f"`{word}`", text)
        text = re.sub(rf"\b{name}=", f"{word} ", text)
    # Unlike an `image_shape`, a size has no channels.
    text = re.sub(r"--size \((\d+), (\d+), \d+\)", r"--size \1x\2", text)
    return text.replace("(height, width, channels) with 1, 3 or 4 channels and ", "")


def tell(command, text):
    """Prints a line on standard error; standard output is for results."""
    print(f"kerasgan {command}: {text}", file=sys.stderr, flush=True)


class _Forgiving:
    """A stream that drops what it cannot write: a lost line must not end training."""

    def __init__(self, stream):
        self._stream = stream

    def __getattr__(self, name):
        return getattr(self._stream, name)

    def write(self, text):
        with contextlib.suppress(OSError):
            try:
                self._stream.write(text)
            except UnicodeEncodeError as error:
                # The terminal may be unable to show a file's name.
                shown = text.encode(error.encoding, "backslashreplace").decode(error.encoding)
                self._stream.write(shown)
        return len(text)

    def flush(self):
        with contextlib.suppress(OSError):
            self._stream.flush()


@contextlib.contextmanager
def forgiving_streams():
    """Keeps a closed pipe, a full disk or an unprintable name from turning output into an error."""
    streams = [stream for stream in (sys.stdout, sys.stderr) if stream is not None]
    with contextlib.ExitStack() as stack:
        if sys.stdout is not None:
            stack.enter_context(contextlib.redirect_stdout(_Forgiving(sys.stdout)))
        if sys.stderr is not None:
            stack.enter_context(contextlib.redirect_stderr(_Forgiving(sys.stderr)))
        try:
            yield
        finally:
            for stream in streams:
                _flush_or_drop(stream)


def _flush_or_drop(stream):
    try:
        stream.flush()
    except OSError:
        # Otherwise Python tries again at exit, and exits with code 120.
        with contextlib.suppress(OSError), open(os.devnull, "w") as nowhere:
            os.dup2(nowhere.fileno(), stream.fileno())


def duration(seconds):
    """Formats a duration in its two largest units: `32 s`, `1 min 32 s`, `2 h 5 min`."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
