"""Ctrl-C at a moment of one's choice: a real SIGINT, answered as Python answers it."""

import signal
from collections.abc import Callable


def interrupted(act: Callable[[], object], seconds: float) -> bool:
    """Do something and interrupt it after so many seconds; whether the interrupt came before the end."""
    ended = False
    answer = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have it ignored in the background
    before = signal.signal(signal.SIGALRM, lambda *_: ended or signal.raise_signal(signal.SIGINT))
    try:
        signal.setitimer(signal.ITIMER_REAL, seconds)
        act()
        ended = True
    except KeyboardInterrupt:
        return True
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        signal.signal(signal.SIGINT, answer)
    return False
