"""Threads that work ahead keep the order, the distance and the errors."""

import itertools
import threading
import time

import pytest

from kerasgan._read_ahead import prefetched, read_ahead

pytestmark = pytest.mark.any_backend


def wait_for(condition):
    end = time.monotonic() + 10
    while not condition() and time.monotonic() < end:
        time.sleep(0.001)
    time.sleep(0.01)  # for what should not happen


def test_results_come_in_order():
    def slow_at_first(number):
        time.sleep(0.02 if number < 3 else 0)
        return 10 * number

    expected = [10 * number for number in range(20)]
    for workers, ahead in ((1, 1), (3, 0), (4, 8), (4, 100)):
        assert list(read_ahead(slow_at_first, range(20), workers, ahead)) == expected
    assert list(read_ahead(slow_at_first, [], 2, 2)) == []


def test_the_distance_is_bounded():
    begun = []
    numbers = read_ahead(lambda number: begun.append(number) or number, itertools.count(), 4, 5)
    for number in range(10):
        assert next(numbers) == number
        wait_for(lambda: len(begun) == number + 6)  # noqa: B023
        assert sorted(begun) == list(range(number + 6))
    numbers.close()


def test_an_exception_comes_in_the_place_of_its_result():
    def divide(number):
        return 6 // number

    numbers = read_ahead(divide, [1, 2, 0, 3], 2, 3)
    assert [next(numbers), next(numbers)] == [6, 3]
    with pytest.raises(ZeroDivisionError):
        next(numbers)
    assert list(numbers) == []


def test_closing_cancels_what_has_not_begun():
    begun, is_closing, before = [], threading.Event(), set(threading.enumerate())

    def wait(number):
        begun.append(number)
        if number:
            is_closing.wait(10)

    numbers = read_ahead(wait, itertools.count(), 1, 5)
    next(numbers)
    wait_for(lambda: begun == [0, 1])
    timer = threading.Timer(0.05, is_closing.set)
    timer.start()
    numbers.close()
    timer.join()
    assert begun == [0, 1]
    assert not set(threading.enumerate()) - before


def test_one_item_is_prepared_while_another_is_in_use():
    begun = []

    def numbers():
        for number in range(4):
            begun.append(number)
            yield number

    items = prefetched(numbers())
    for number in range(4):
        assert next(items) == number
        wait_for(lambda: len(begun) == min(number + 2, 4))  # noqa: B023
        assert begun == list(range(min(number + 2, 4)))
    assert list(items) == []


def test_prefetching_closes_its_stream_and_its_thread():
    is_closed, before = [], set(threading.enumerate())

    def endless():
        try:
            yield from itertools.count()
        finally:
            is_closed.append(True)

    items = prefetched(endless())
    assert [next(items) for _ in range(3)] == [0, 1, 2]
    assert len(set(threading.enumerate()) - before) == 1
    items.close()
    assert is_closed and not set(threading.enumerate()) - before


def test_prefetching_raises_after_the_items_before():
    def broken():
        yield 1
        yield 2
        raise OSError("disk gone")

    items = prefetched(broken())
    assert [next(items), next(items)] == [1, 2]
    with pytest.raises(OSError, match="disk gone"):
        next(items)
