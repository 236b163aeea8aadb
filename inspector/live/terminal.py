"""A terminal taken over for a while, and given back as it was, whichever way that ends."""

import atexit
import os
import signal
import sys
import termios
import threading
import tty
from collections.abc import Callable
from contextlib import suppress
from types import FrameType, TracebackType
from typing import Any

ENTER = b"\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[0m\x1b[2J\x1b[H"
"""The other screen, no cursor, no wrapping at the end of a line, and all of it empty."""

LEAVE = b"\x1b[?2026l\x1b[0m\x1b[?7h\x1b[?25h\x1b[?1049l"
"""All of that undone; an update that was cut off is ended first."""

_ENDING = (signal.SIGTERM, signal.SIGHUP)


class Terminal:
    """A terminal whose screen and keys are ours inside a `with` block.

    It is given back after the block, after an exception, on SIGTERM and SIGHUP (which become SystemExit with 128 plus
    the signal's number), and while the process is stopped by Ctrl-Z; `kill -9` alone leaves it as it is, and `reset`
    mends that. Signals are noticed in the main thread alone, as Python has it.

    Args:
        on_resume: Called when the process goes on after it was stopped, or the window has another size: what the
            terminal shows is not known then.

    Attributes:
        frames: Writes to it.
    """

    def __init__(self, on_resume: Callable[[], None] = lambda: None) -> None:
        self._on_resume = on_resume
        self._input, self._output = sys.stdin.fileno(), sys.stdout.fileno()
        self._modes: list[Any] | None = None
        self._before: dict[signal.Signals, Any] = {}
        self.frames = FrameWriter(self._output)

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns, as they are now."""
        size = os.get_terminal_size(self._output)
        return size.lines, size.columns

    def __enter__(self) -> "Terminal":
        """Take it over."""
        self._modes = termios.tcgetattr(self._input)
        atexit.register(self._give_back)
        self._take()
        handlers = {signal.SIGTSTP: self._stop, signal.SIGWINCH: self._resized}
        handlers |= dict.fromkeys(_ENDING, self._end)
        self._before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Give it back."""
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._give_back()
        atexit.unregister(self._give_back)
        self._modes = None

    def _take(self) -> None:
        tty.setcbreak(self._input, termios.TCSANOW)
        self._write(ENTER)

    def _give_back(self) -> None:
        if self._modes is None:
            return
        self.frames.settle()
        with suppress(OSError):  # the terminal may be gone
            self._write(LEAVE)
        with suppress(termios.error):
            termios.tcsetattr(self._input, termios.TCSADRAIN, self._modes)

    def _write(self, data: bytes) -> None:
        while data:
            data = data[os.write(self._output, data) :]

    def _stop(self, number: int, frame: FrameType | None) -> None:
        """Ctrl-Z: give the terminal back, stop in earnest, and take it again when the shell says `fg`."""
        self._give_back()
        os.kill(os.getpid(), signal.SIGSTOP)
        self._take()
        self._on_resume()

    def _resized(self, number: int, frame: FrameType | None) -> None:
        self._on_resume()

    def _end(self, number: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + number)


class FrameWriter:
    """Writes frames in a thread of its own, one at a time: while one is on its way, the next is not made at all.

    So a slow terminal drops frames and never queues them, and the caller never waits for it.

    Args:
        descriptor: Of the terminal.

    Attributes:
        bytes_written: So far.
        count: Frames so far.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._wake, self._idle = threading.Condition(), True
        self._frame: bytes | None = None
        self._given_up = False
        self._error: OSError | None = None
        self.bytes_written = self.count = 0
        threading.Thread(target=self._run, name="terminal", daemon=True).start()

    @property
    def ready(self) -> bool:
        """Whether the last frame has gone out.

        Raises:
            OSError: If the terminal cannot be written to any more.
        """
        with self._wake:
            if self._error is not None:
                raise self._error
            return self._idle

    def send(self, frame: bytes) -> None:
        """Write a frame; `ready` has to be true."""
        if not frame:
            return
        with self._wake:
            self._frame, self._idle = frame, False
            self._wake.notify_all()

    def settle(self, seconds: float = 1.0) -> None:
        """Wait a moment for a frame that is on its way; one that takes longer is given up."""
        with self._wake:
            self._given_up = not self._wake.wait_for(lambda: self._idle or self._error is not None, seconds)

    def _run(self) -> None:
        while True:
            with self._wake:
                self._wake.wait_for(lambda: self._frame is not None)
                frame, self._frame, self._given_up = self._frame or b"", None, False
            try:
                self._write(frame)
            except OSError as error:
                self._error = error
            with self._wake:
                self.count += 1
                self._idle = True
                self._wake.notify_all()

    def _write(self, frame: bytes) -> None:
        rest = memoryview(frame)
        while rest and not self._given_up:
            count = os.write(self._descriptor, rest[:4096])
            self.bytes_written += count
            rest = rest[count:]
