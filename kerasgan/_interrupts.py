"""Ctrl-C, kept from landing where it would do harm."""

import contextlib
import signal
import threading


@contextlib.contextmanager
def deferred():
    """Lets Ctrl-C act at the end of the block; a second one acts at once.

    In the middle of a step JAX would lose the variables, whose buffers the step has donated.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    received = []

    def defer(signal_number, frame):
        if received:
            raise KeyboardInterrupt
        received.append((signal_number, frame))

    before = signal.signal(signal.SIGINT, defer)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if received:
        if not callable(before):
            raise KeyboardInterrupt
        before(*received[0])


@contextlib.contextmanager
def stopping(model):
    """Makes Ctrl-C set `model.stop_training`, and raises it at the end of the block.

    A second one acts at once.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    received = []

    def stop(signal_number, frame):
        if received:
            raise KeyboardInterrupt
        received.append(signal_number)
        model.stop_training = True

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if received:
        raise KeyboardInterrupt
