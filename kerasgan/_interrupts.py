"""Ctrl-C and other signals, kept from landing where they would do harm."""

import contextlib
import signal
import threading


@contextlib.contextmanager
def handling(handlers):
    """Handles signals in a block, in the main thread; another thread gets none.

    Args:
        handlers: Dict of signal numbers and the functions of `(number, frame)` to call.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def deferred():
    """Lets Ctrl-C act at the end of the block; a second one acts at once.

    In the middle of a step JAX would lose the variables, whose buffers the step has donated.
    """
    handler = signal.getsignal(signal.SIGINT)
    received = []
    with handling({signal.SIGINT: _first_noted(received)}):
        yield
    if received:
        if not callable(handler):
            raise KeyboardInterrupt
        handler(*received[0])


@contextlib.contextmanager
def stopping(model):
    """Makes Ctrl-C set `model.stop_training`, and raises it at the end of the block.

    A second one acts at once.
    """
    received = []

    def stop(number, frame):
        note(number, frame)
        model.stop_training = True

    note = _first_noted(received)
    with handling({signal.SIGINT: stop}):
        yield
    if received:
        raise KeyboardInterrupt


def _first_noted(received):
    def note(number, frame):
        if received:
            raise KeyboardInterrupt
        received.append((number, frame))

    return note
