"""The command `kerasgan`: setup that must run before Keras is imported, then `kerasgan.cli`.

`import kerasgan` imports Keras, so this module is outside the package.
"""

import contextlib
import importlib.machinery
import json
import os
import pathlib
import re
import signal
import sys
import tempfile
import threading

__all__ = ["main"]

_BACKENDS = ("tensorflow", "jax", "torch")
# TensorFlow's log messages about the machine.
_NOTES = re.compile(
    rb"WARNING: All log messages before absl::InitializeLog|[IWE]\d{4} \d\d:|"
    rb"\d{4}-\d\d-\d\d .*: [IWE] (tensorflow|external)/|To enable the following instructions:"
)


def main(argv: list[str] | None = None) -> int:
    """Runs the command; see `kerasgan.cli.main`."""
    # Log only fatal errors; TensorFlow raises all others as exceptions.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    backend, received = _backend()
    if backend not in _BACKENDS:
        meant = next((name for name in _BACKENDS if name in backend.lower()), _BACKENDS[0])
        return _refuse(
            f"`KERAS_BACKEND` must be one of {', '.join(_BACKENDS)}. Received: {received}. For "
            f"example, set KERAS_BACKEND={meant}."
        )
    command = (sys.argv[1:] if argv is None else argv)[:1]
    if backend != "tensorflow" and command != ["export"] and _NoTensorFlow not in sys.meta_path:
        sys.meta_path.insert(0, _NoTensorFlow)
    try:
        with _ending_at_once(), _without_notes():
            from kerasgan import cli
    except ImportError as error:
        return _refuse(
            f"`KERAS_BACKEND` must be an installed backend. Received: {received} ({error}). "
            f"Install it, or set KERAS_BACKEND to another of {', '.join(_BACKENDS)}."
        )
    try:
        return cli.main(argv)
    except KeyboardInterrupt:
        print("kerasgan: interrupted", file=sys.stderr)
        return 130


class _NoTensorFlow:
    """Finds TensorFlow before Python does, and refuses to load it.

    Keras would import it to check for its objects when saving: seconds and 400 MB. (None in
    `sys.modules` would prevent that, too, but Keras takes a name there for TensorFlow itself.)
    """

    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return importlib.machinery.ModuleSpec(name, cls) if name == "tensorflow" else None

    @staticmethod
    def create_module(spec):
        raise ModuleNotFoundError(f"No module named {spec.name!r}", name=spec.name)

    @staticmethod
    def exec_module(module):
        """Never called, but a loader has it."""


def _backend():
    """The backend that Keras will use, and where that is set."""
    name = os.environ.get("KERAS_BACKEND")
    if name:
        return name, f"KERAS_BACKEND={name}"
    # Not `Path.home`, which raises for a user without a home.
    folder = os.environ.get("KERAS_HOME") or os.path.expanduser("~/.keras")
    path = pathlib.Path(folder, "keras.json")
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        name = json.loads(path.read_text())["backend"]
        return str(name), f"backend {name!r} in {path}"
    return _BACKENDS[0], f"KERAS_BACKEND={_BACKENDS[0]}, the default"


def _refuse(text):
    print(f"kerasgan: error: {text}", file=sys.stderr)
    return 2


@contextlib.contextmanager
def _ending_at_once():
    """Ends the process at once on a signal: an import may swallow an exception."""

    def end(number, frame):
        os._exit(128 + number)

    numbers = [signal.SIGINT, signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)]
    if threading.current_thread() is not threading.main_thread():
        numbers = []
    # Under nohup, SIGHUP is ignored.
    before = {each: signal.getsignal(each) for each in numbers}
    heeded = [each for each in before if before[each] is not signal.SIG_IGN]
    for number in heeded:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number in heeded:
            signal.signal(number, before[number])


@contextlib.contextmanager
def _without_notes():
    """Holds back standard error, and drops TensorFlow's notes from it.

    No setting silences the notes that TensorFlow writes at startup.
    """
    try:
        stderr = os.dup(2)
    except OSError:  # no stderr
        yield
        return
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
            held.seek(0)
            with contextlib.suppress(OSError):
                for line in held:
                    if not _NOTES.match(line):
                        os.write(2, line)


if __name__ == "__main__":
    sys.exit(main())
