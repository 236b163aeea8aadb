"""Tasks beside the caller: in their order, waited for, and none after one that failed."""

import threading
import time

import pytest

from inspector.lane import Lane
from tests.interrupts import interrupted


def test_tasks_are_done_in_their_order_by_one_thread_of_its_own() -> None:
    lane, done = Lane("beside"), []
    for number in range(20):
        lane.submit(lambda number=number: done.append((number, threading.current_thread().name)))
    lane.wait_for_all_but(0)
    lane.stop()
    assert [number for number, _ in done] == list(range(20))
    assert {name for _, name in done} == {"beside_0"} and not lane.broken


def test_no_more_tasks_wait_than_asked() -> None:
    lane, done = Lane("beside"), []
    for number in range(5):
        lane.submit(lambda number=number: (time.sleep(0.01), done.append(number))[1])
        lane.wait_for_all_but(2)
        assert len(done) >= number - 1
    lane.wait_for_all_but(0)
    lane.stop()
    assert done == [0, 1, 2, 3, 4]


def test_after_a_task_that_fails_none_is_done_and_its_error_surfaces() -> None:
    lane, done, go = Lane("beside"), [], threading.Event()

    def fail() -> None:
        go.wait()
        raise ArithmeticError("on purpose")

    lane.submit(lambda: done.append("before"))
    lane.submit(fail)
    lane.submit(lambda: done.append("after"))  # it waits already when the one before it fails
    go.set()
    with pytest.raises(ArithmeticError, match="on purpose"):
        lane.wait_for_all_but(0)
    lane.wait_for_all_but(0)
    lane.stop()
    assert done == ["before"] and lane.broken


def test_tasks_that_are_not_begun_when_the_lane_stops_are_dropped() -> None:
    lane, done, begun, go = Lane("beside"), [], threading.Event(), threading.Event()

    def wait_for_the_drop() -> None:
        begun.set()
        go.wait()
        until = time.monotonic() + 5
        while not second.cancelled() and time.monotonic() < until:
            time.sleep(0.001)
        done.append("first")

    lane.submit(wait_for_the_drop)
    lane.submit(lambda: done.append("second"))
    second = lane._waiting[1]
    begun.wait()
    go.set()
    lane.stop()
    assert done == ["first"]


def test_after_ctrl_c_while_waiting_nothing_more_is_done() -> None:
    lane, done, go = Lane("beside"), [], threading.Event()
    lane.submit(lambda: go.wait(20))
    was_interrupted = interrupted(lambda: lane.wait_for_all_but(0), 0.1)
    lane.submit(lambda: done.append("after"))
    go.set()
    lane.wait_for_all_but(0)
    lane.stop()
    assert was_interrupted and lane.broken and done == []
