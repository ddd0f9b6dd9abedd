"""Controls when Ctrl-C and other signals take effect."""

import contextlib
import signal
import threading


@contextlib.contextmanager
def handling(handlers):
    """Handles signals within a block; does nothing outside the main thread.

    Args:
        handlers: Dict that maps signal numbers to functions of `(number, frame)`.
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
    """Delays Ctrl-C until the end of the block; a second Ctrl-C acts at once.

    On JAX, an interrupt in the middle of a step would lose the variables, because the step has
    donated their buffers.
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
    """Makes Ctrl-C set `model.stop_training`; raises KeyboardInterrupt at the end of the block.

    A second Ctrl-C acts at once.
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
