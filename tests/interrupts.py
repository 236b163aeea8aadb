"""Ctrl-C at a moment of one's choice: a real signal, answered as Python answers it."""

import signal
from collections.abc import Callable
from typing import Any


def interrupted(act: Callable[[], object], seconds: float) -> bool:
    """Do something and interrupt it after so many seconds; whether the interrupt came before the end."""
    armed = True

    def interrupt(*_: Any) -> None:
        if armed:
            raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, seconds)
        act()
        armed = False
    except KeyboardInterrupt:
        return True
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    return False
