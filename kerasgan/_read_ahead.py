"""Threads that work ahead of the code that uses their results."""

import collections
import concurrent.futures
import contextlib
import itertools

_END = object()


def read_ahead(function, items, workers, ahead):
    """Yields `function(item)` for each item, in order, computed by threads.

    An exception of `function` is raised where its result would have been yielded. Closing the
    generator cancels the calls that have not begun, and waits for those that have.

    Args:
        function: Called with one item, in any of the threads.
        items: Iterable, endless or not.
        workers: Number of threads.
        ahead: Calls that may be made or under way beyond the result that is yielded.
    """
    pool = concurrent.futures.ThreadPoolExecutor(workers)
    pending = collections.deque()
    try:
        for item in items:
            pending.append(pool.submit(function, item))
            if len(pending) > ahead:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def prefetched(stream):
    """Yields the items of a generator, while a thread prepares the next one.

    Closing it closes `stream` as well.
    """
    # One thread, since a generator runs in one at a time.
    items = read_ahead(lambda _: next(stream, _END), itertools.count(), workers=1, ahead=1)
    with contextlib.closing(stream), contextlib.closing(items):
        for item in items:
            if item is _END:
                return
            yield item
