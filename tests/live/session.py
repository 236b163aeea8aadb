"""The whole program in a pseudo terminal, watched and used as a person does."""

import fcntl
import os
import pty
import select
import shlex
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType

from inspector.live.cells import Cells
from inspector.live.colours import Depth
from inspector.live.terminal import ENTER, LEAVE
from tests.live.emulator import Emulator

ROOT = Path(__file__).parents[2]
PATIENCE_SECONDS = 20.0
"""So long whatever is waited for may take, on however busy a machine."""

_STALE = "¤"
"""Stands where nothing was drawn since; nothing of ours ever writes it."""

_LAUNCH = """
import os, sys
terminal = os.open(sys.argv[1], os.O_RDWR)  # the first that a session opens becomes the one that controls it
for descriptor in map(int, sys.argv[2]):
    os.dup2(terminal, descriptor)
os.close(terminal)
os.execvp(sys.argv[3], sys.argv[3:])
"""

_DEPTHS: dict[Depth, dict[str, str]] = {
    "truecolor": {"TERM": "xterm-256color", "COLORTERM": "truecolor"},
    "256": {"TERM": "xterm-256color"},
    "16": {"TERM": "xterm"},
    "none": {"TERM": "xterm", "NO_COLOR": "1"},
}


def environment(depth: Depth = "truecolor", **more: str) -> dict[str, str]:
    """The environment of a program whose terminal has so many colours."""
    unset = ("TERM", "COLORTERM", "NO_COLOR", "FORCE_COLOR", "INSPECTOR_DEBUG", "LINES", "COLUMNS")
    kept = {name: value for name, value in os.environ.items() if name not in unset}
    return kept | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"} | _DEPTHS[depth] | more


class Session:
    """A program in a terminal of its own; the terminal answers, and shows what was written to it.

    Args:
        arguments: Of the command `inspector`.
        size: Rows and columns.
        depth: Colours that the environment tells of.
        shown: Colours that the program is to use; None for `depth`.
        folder: Where it runs.
        program: Python to run in place of the command; it gets the arguments.
        descriptors: Which of 0, 1 and 2 are the terminal; the others are what they are here, 0 is empty.
        answers: Whether the terminal answers questions.
        in_shell: Whether the command is typed into a shell, which knows jobs; `process` is the shell then.
        more: For the environment.
    """

    def __init__(
        self,
        *arguments: str | Path,
        size: tuple[int, int] = (30, 100),
        depth: Depth = "truecolor",
        shown: Depth | None = None,
        folder: Path,
        program: str | None = None,
        descriptors: str = "012",
        answers: bool = True,
        in_shell: bool = False,
        more: Mapping[str, str] | None = None,
    ) -> None:
        self.folder = folder
        self._emulator, self._lock = Emulator(*size, shown or depth), threading.Lock()
        if answers:
            self._emulator.screen.write_process_input = self._answer
        self.ours, self.theirs = pty.openpty()
        self._set_size(*size)
        self.modes, self._modes_left = termios.tcgetattr(self.theirs), None
        self._written, self._is_hung_up = bytearray(), False
        command = [sys.executable, *(["-m", "inspector"] if program is None else ["-c", program]), *map(str, arguments)]
        launch = [sys.executable, "-I", "-S", "-c", _LAUNCH, os.ttyname(self.theirs), descriptors]
        self.process = subprocess.Popen(
            [*launch, *(["sh", "-i"] if in_shell else command)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=folder,
            env=environment(depth, **(more or {})),
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        if in_shell:
            self.do(shlex.join(command) + "\n", "inspector")

    # --- what it shows ---

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns."""
        return self._emulator.screen.lines, self._emulator.screen.columns

    @property
    def lines(self) -> list[str]:
        """The text of every row."""
        with self._lock:
            screen = self._emulator.screen
            across = range(screen.columns)
            return ["".join(screen.buffer[row][column].data for column in across) for row in range(screen.lines)]

    @property
    def text(self) -> str:
        """All rows."""
        return "\n".join(self.lines)

    @property
    def cells(self) -> Cells:
        """What it shows, with colours."""
        with self._lock:
            return self._emulator.cells

    @property
    def written(self) -> bytes:
        """All that was ever written to it."""
        with self._lock:
            return bytes(self._written)

    @property
    def after(self) -> str:
        """What was written since the terminal was given back."""
        return self.written.rpartition(LEAVE)[2].decode(errors="replace").replace("\r\n", "\n")

    @property
    def is_taken(self) -> bool:
        """Whether the program has the whole screen."""
        return self.written.rfind(ENTER) > self.written.rfind(LEAVE)

    @property
    def has_modes_of_before(self) -> bool:
        """Whether keys are read as before the program."""
        return (self._modes_left or termios.tcgetattr(self.theirs)) == self.modes

    @property
    def has_given_back(self) -> bool:
        """Whether the program took the terminal, and left its screen, its cursor and its modes as they were."""
        taken, left = (self.written.count(one) for one in (ENTER, LEAVE))
        return taken == left > 0 and not self.is_taken and self.has_modes_of_before

    # --- what a person does ---

    def press(self, keys: str) -> None:
        """Type."""
        os.write(self.ours, keys.encode())

    def do(self, keys: str, *words: str) -> str:
        """Type, and wait until all the words are on the screen; the screen's text."""
        self.press(keys)
        return self.wait_for(*words)

    def wait_for(self, *words: str) -> str:
        """Wait until all the words are on the screen; its text."""
        self.until(lambda: all(word in self.text for word in words), f"{words} on the screen")
        return self.text

    def until(self, condition: Callable[[], bool], what: str) -> None:
        """Wait until something is so."""
        end = time.monotonic() + PATIENCE_SECONDS
        while not condition():
            assert time.monotonic() < end, f"no {what}; {self.process.poll()=}\n{self.text}\n{self.written[-300:]!r}"
            time.sleep(0.01)

    def resize(self, rows: int, columns: int) -> None:
        """Give the window another size; what it showed is no good then, and none of it may stay."""
        with self._lock:
            self._emulator.screen.resize(rows, columns)
            self._spoil()
            self._set_size(rows, columns)  # which sends SIGWINCH, if it is another

    def redraw(self) -> Cells:
        """Let all of a screen that stands still be drawn anew; its cells."""
        with self._lock:
            self._spoil()
        os.killpg(os.tcgetpgrp(self.ours), signal.SIGWINCH)
        return self.drawn()

    def drawn(self) -> Cells:
        """Wait until every cell was drawn; the cells."""
        self.until(lambda: _STALE not in self.text, "cell drawn over each stale one")
        return self.cells

    def hang_up(self) -> None:
        """Let the terminal go away, as when its window is closed: the program must be writing to it."""
        self._is_hung_up = True
        os.close(self.theirs)
        self.theirs = -1
        self._reader.join(PATIENCE_SECONDS)
        os.close(self.ours)
        self.ours = -1

    @contextmanager
    def stuck(self) -> Iterator[None]:
        """While in here the terminal takes nothing, and all the buffers on the way to it are full."""
        with self._lock:
            while select.select([], [self.theirs], [], 0.2)[1]:
                time.sleep(0.01)
            yield

    def exit_code(self) -> int:
        """Wait for the end of the program, and for all that it has written."""
        code = self.process.wait(PATIENCE_SECONDS)
        self._modes_left = termios.tcgetattr(self.theirs)
        os.close(self.theirs)  # the last one: now the reader sees the end
        self._reader.join(PATIENCE_SECONDS)
        self.theirs = -1
        return code

    def end(self) -> None:
        """End the program, whatever it does."""
        self.process.kill()
        self.process.wait()
        if self.theirs >= 0:
            os.close(self.theirs)
        self._reader.join(PATIENCE_SECONDS)
        if self.ours >= 0:
            os.close(self.ours)

    def __enter__(self) -> "Session":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.end()

    # --- the terminal's side ---

    def _read(self) -> None:
        with suppress(OSError):  # the other side is closed
            while not self._is_hung_up and (data := os.read(self.ours, 65536)):
                with self._lock:
                    self._written += data
                    self._emulator.feed(data)

    def _answer(self, answer: str) -> None:
        with suppress(OSError):
            os.write(self.ours, answer.encode())

    def _set_size(self, rows: int, columns: int) -> None:
        fcntl.ioctl(self.ours, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def _spoil(self) -> None:
        screen = self._emulator.screen
        for row in range(screen.lines):
            for column in range(screen.columns):
                screen.buffer[row][column] = screen.default_char._replace(data=_STALE, bg="ff00ff")
