"""Threads that work ahead of the code that uses their results."""

import collections
import concurrent.futures
import contextlib
import itertools

_END = object()


def read_ahead(function, items, workers, ahead):
    """Yields `function(item)` for each item, in order, computed by threads.

    An exception in `function` is raised where its result would be yielded. Closing the generator
    cancels the calls that have not started and waits for the others.

    Args:
        function: Called with one item, in any of the threads.
        items: Iterable, which may be endless.
        workers: Number of threads.
        ahead: Number of calls to keep ahead of the result being yielded.
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
    """Yields the items of a generator while a thread prepares the next one.

    Closing it closes `stream` as well.
    """
    # One thread, because a generator can run in only one at a time.
    items = read_ahead(lambda _: next(stream, _END), itertools.count(), workers=1, ahead=1)
    with contextlib.closing(stream), contextlib.closing(items):
        for item in items:
            if item is _END:
                return
            yield item
