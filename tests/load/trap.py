"""A trap that notices code at work: Python's own audit events, while it is armed."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

EVENTS = frozenset({"exec", "compile", "import", "os.system", "subprocess.Popen", "os.exec", "os.posix_spawn"}) | {
    "os.fork",
    "os.remove",
    "os.rename",
    "os.mkdir",
    "pickle.find_class",
    "socket.connect",
    "ctypes.dlopen",
}

_armed: list[list[str]] = []


def _notice(event: str, arguments: tuple[Any, ...]) -> None:
    if _armed and (
        event in EVENTS or (event == "open" and isinstance(arguments[1], str) and arguments[1][:1] in "wax")
    ):
        _armed[-1].append(f"{event} {str(arguments)[:80]}")


# An audit hook stays for the life of the process, and does nothing while the trap is not armed.
sys.addaudithook(_notice)


@contextmanager
def nothing_runs() -> Iterator[None]:
    """Fail if code runs, is imported, a process starts or a file is written in the block."""
    caught: list[str] = []
    _armed.append(caught)
    try:
        yield
    finally:
        _armed.remove(caught)
    assert not caught, caught
