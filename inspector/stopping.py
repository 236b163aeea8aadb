"""End in order when a signal asks for it."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def interruptible() -> Iterator[list[int]]:
    """Turn the first SIGINT or SIGTERM into an entry of the list; a second one acts as usual.

    Outside the main thread signals stay as they are.
    """
    caught: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield caught
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def note(number: int, _: Any) -> None:
        caught.append(number)
        signal.signal(number, before[signal.Signals(number)])

    for number in before:
        signal.signal(number, note)
    try:
        yield caught
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def undisturbed() -> Iterator[None]:
    """Put off SIGINT, SIGTERM and SIGHUP until the block is done; then the first that came does what it always does.

    One that would end the process without a word raises SystemExit instead, with 128 plus its number. Outside the main
    thread signals stay as they are.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    known = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
    put_off: list[int] = []
    before = {number: signal.signal(number, lambda number, _: put_off.append(number)) for number in known}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for number in put_off[:1]:
            if before[number] is signal.SIG_DFL:
                raise SystemExit(128 + number)
            signal.raise_signal(number)
