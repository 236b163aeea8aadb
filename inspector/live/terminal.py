"""A terminal taken over for a while, and given back as it was, whichever way that ends."""

import atexit
import os
import select
import signal
import sys
import termios
import time
import tty
from contextlib import suppress
from types import FrameType, TracebackType
from typing import Any

from inspector.live.flow import ANSWER
from inspector.live.frames import FrameWriter
from inspector.stopping import undisturbed

ENTER = b"\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[?2004h\x1b[0m\x1b[2J\x1b[H"
"""The other screen, no cursor, no wrapping at the end of a line, pastes marked as such, and all of it empty."""

LEAVE = b"\x1b[?2026l\x1b[0m\x1b[?2004l\x1b[?7h\x1b[?25h\x1b[?1049l"
"""All of that undone; an update that was cut off is ended first."""

_HEAR_SECONDS = 1.0
"""So long a terminal that is being given back may take to answer what it was asked."""

_ENDING = (signal.SIGTERM, signal.SIGHUP)

_USUAL_SIZE = 24, 80
"""Of a terminal that does not know its size, as on a serial line."""


class Terminal:
    """A terminal whose screen and keys are ours inside a `with` block.

    It is given back after the block, after an exception, on SIGTERM and SIGHUP (which become SystemExit with 128 plus
    the signal's number), and while the process is stopped by Ctrl-Z, see `heed`; `kill -9` alone leaves it as it is,
    and `reset` mends that. Signals are noticed in the main thread alone, as Python has it.

    Attributes:
        frames: Writes to it.
    """

    def __init__(self) -> None:
        self._input = sys.stdin.fileno()
        self._output = _opened_anew(sys.stdout.fileno())
        self._modes: list[Any] | None = None
        self._is_taken = self._is_ending = False
        self._shall_stop = self._is_changed = False
        self._before: dict[signal.Signals, Any] = {}
        self.frames = FrameWriter(self._output)

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns, as they are now."""
        size = os.get_terminal_size(self._output)
        return (size.lines, size.columns) if size.lines and size.columns else _USUAL_SIZE

    def heed(self) -> bool:
        """Do what signals have asked for; to be called often.

        After Ctrl-Z the terminal is given back and the process stops, until the shell lets it go on.

        Returns:
            Whether it is not known any more what the terminal shows, for its size has changed, or it was given back.
        """
        if self._shall_stop:
            self._shall_stop = False
            self._give_back()
            self._stop()
            self._take()
            self._is_changed = True
        changed, self._is_changed = self._is_changed, False
        return changed

    def __enter__(self) -> "Terminal":
        """Take it over."""
        self._modes = termios.tcgetattr(self._input)
        atexit.register(self._give_back)
        handlers = {signal.SIGTSTP: self._asked_to_stop, signal.SIGWINCH: self._resized}
        handlers |= dict.fromkeys(_ENDING, self._end)
        self._before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
        self._take()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Give it back."""
        try:
            self._give_back()
        finally:  # only now: the next signal ends us where it stands
            for number, handler in self._before.items():
                if not (self._is_ending and number in _ENDING):
                    signal.signal(number, handler)
        atexit.unregister(self._give_back)
        self._modes = None
        if self.frames.close():
            os.close(self._output)

    def _take(self) -> None:
        tty.setcbreak(self._input, termios.TCSANOW)
        self._is_taken = True
        modes = termios.tcgetattr(self._input)
        modes[tty.IFLAG] &= ~termios.IXON  # Ctrl-S would freeze the screen, and us at the end
        termios.tcsetattr(self._input, termios.TCSANOW, modes)
        self._write(ENTER)

    def _give_back(self) -> None:
        if self._modes is None or not self._is_taken:
            return
        with undisturbed():  # or a second Ctrl-C would leave the shell without echo
            self._is_taken = False
            self._restore(self._modes)

    def _restore(self, modes: list[Any]) -> None:
        self.frames.settle()
        with suppress(OSError, termios.error):  # the terminal may be gone
            if not self._write(LEAVE):  # it takes nothing, as on a dead line
                termios.tcflush(self._output, termios.TCOFLUSH)
                self._write(LEAVE)
            self._hear_out()
        with suppress(termios.error):
            termios.tcsetattr(self._input, termios.TCSANOW, modes)  # all is out: draining could only wait

    def _write(self, data: bytes) -> bool:
        """Write, if the terminal takes it soon; whether it did."""
        end = time.monotonic() + _HEAR_SECONDS
        while data:
            if not select.select([], [self._output], [], max(end - time.monotonic(), 0.0))[1]:
                return False
            with suppress(BlockingIOError):
                data = data[os.write(self._output, data) :]
        return True

    def _hear_out(self) -> None:
        """Take the answers that are still to come: after us they would be typed into the shell."""
        end, heard, flow = time.monotonic() + _HEAR_SECONDS, b"", self.frames.flow
        while flow.unanswered and select.select([self._input], [], [], max(end - time.monotonic(), 0.0))[0]:
            read = os.read(self._input, 4096)
            if not read:
                break
            heard += read
            for row, column in ANSWER.findall(heard):
                flow.answered(int(row), int(column))
        flow.reset()

    def _stop(self) -> None:
        """Stop as any program does; where no shell could let us go on, the system passes it by."""
        signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        signal.raise_signal(signal.SIGTSTP)
        signal.signal(signal.SIGTSTP, self._asked_to_stop)

    def _asked_to_stop(self, number: int, frame: FrameType | None) -> None:
        self._shall_stop = True

    def _resized(self, number: int, frame: FrameType | None) -> None:
        self._is_changed = True

    def _end(self, number: int, frame: FrameType | None) -> None:
        self._is_ending = True
        for ending in _ENDING:  # shell and kernel may both send one: the first is enough, and what runs is finished
            signal.signal(ending, signal.SIG_IGN)
        raise SystemExit(128 + number)


def _opened_anew(terminal: int) -> int:
    """A descriptor of our own: it does not block when the terminal is stuck, and stdout's is the shell's too."""
    try:
        return os.open(os.ttyname(terminal), os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK)
    except OSError:  # it has no name here, as in some containers
        return os.dup(terminal)
