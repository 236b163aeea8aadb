"""What stands at the other end of the live view in `scripts/bench live`: a terminal, near by or behind a slow line."""

import fcntl
import math
import os
import pty
import re
import select
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from inspector.live.flow import QUESTION
from inspector.live.painter import END
from inspector.live.terminal import ENTER, LEAVE

ROOT = Path(__file__).parents[1]
ROWS, COLUMNS = 60, 200
START_SECONDS, WARM_SECONDS, QUIET_SECONDS, WHOLE_SECONDS = 60.0, 3.0, 1.5, 30.0
SLICE_SECONDS, BURST_SECONDS = 0.01, 0.05
"""A slow line is looked after so often, and carries at most so much at once."""

SPEED, SSH_BUFFER = 50_000, 256_000
TICKS = os.sysconf("SC_CLK_TCK")


class Arrivals:
    """Reads the number in the title out of what a terminal was sent, and when the frame that brought it was complete.

    Attributes:
        seen: Number and time, of every number that came to be shown.
        frames: Times at which frames were complete.
    """

    TOKEN = re.compile(rb"\x1b\[([?0-9;]*)([A-Za-z])([^\x1b]*)")

    def __init__(self) -> None:
        self._rest, self._row, self._at = b"", [" "] * COLUMNS, (0, 0)
        self.seen: list[tuple[int, float]] = []
        self.frames: list[float] = []

    def feed(self, data: bytes, now: float) -> None:
        """Take what has arrived."""
        data = self._rest + data
        # the question ends a frame; of anything else the end is seen only when the next begins
        cut = len(data) if data.endswith(b"\x1b[6n") else max(data.rfind(b"\x1b"), 0)
        self._rest = data[cut:]
        for parameters, kind, text in self.TOKEN.findall(data[:cut]):
            if kind == b"H":
                row, _, column = parameters.partition(b";")
                self._at = int(row or 1), int(column or 1)
            if text and self._at[0] == 1:
                words, place = text.decode(errors="replace"), self._at[1] - 1
                self._row[place : place + len(words)] = words
                self._at = 1, self._at[1] + len(words)
            if parameters == b"?2026" and kind == b"l":
                self._shown(now)

    def _shown(self, now: float) -> None:
        self.frames.append(now)
        found = re.search(r"#(\d{6})", "".join(self._row))
        if found and (not self.seen or self.seen[-1][0] != int(found[1])):
            self.seen.append((int(found[1]), now))


class Line:
    """A line from a program in a pseudo terminal to who watches it, with answers coming back.

    Args:
        descriptor: Our end.
        speed: Bytes a second.
        buffer: Bytes that it takes ahead of those it has carried.
        take: Gets what arrives, and when.

    Attributes:
        carried: All that has arrived.
    """

    def __init__(
        self, descriptor: int, speed: float, buffer: int = 0, take: Callable[[bytes, float], None] | None = None
    ) -> None:
        self._descriptor, self._speed, self._buffer, self._take = descriptor, speed, buffer, take
        self._waiting, self._tokens, self._then = bytearray(), 0.0, time.monotonic()
        self._heard, self.carried, self._closed = 0, bytearray(), False  # questions are answered so far

    def type(self, keys: bytes) -> None:
        """Press keys."""
        os.write(self._descriptor, keys)

    def run(self, seconds: float, until: Callable[[], object] = lambda: False) -> bool:
        """Carry for so long, or until something is so, or the program has ended; whether it is so."""
        end = time.monotonic() + seconds
        while not until():
            if self._closed or time.monotonic() > end:
                return False
            self._turn()
        return True

    def _turn(self) -> None:
        fast = math.isinf(self._speed)
        room = 65536 if fast else self._buffer + int(self._tokens) - len(self._waiting)
        if room <= 0 or self._waiting:
            time.sleep(SLICE_SECONDS)
        if room > 0 and select.select([self._descriptor], [], [], 0.0 if self._waiting else SLICE_SECONDS)[0]:
            try:
                self._waiting += os.read(self._descriptor, min(room, 65536))
            except OSError:  # nobody is at the other end any more
                self._closed = True
        now = time.monotonic()
        if not fast:
            self._tokens = min(self._tokens + self._speed * (now - self._then), self._speed * BURST_SECONDS)
            self._then = now
        count = len(self._waiting) if fast else min(int(self._tokens), len(self._waiting))
        if count:
            self._arrive(bytes(self._waiting[:count]), now)
            del self._waiting[:count]
            self._tokens -= 0 if fast else count

    def _arrive(self, data: bytes, now: float) -> None:
        self.carried += data
        for asked in QUESTION.finditer(self.carried, self._heard):
            self._heard = asked.end()
            with suppress(OSError):
                os.write(self._descriptor, b"\x1b[%s;%sR" % asked.groups())
        if self._take:
            self._take(data, now)


@contextmanager
def program(words: Sequence[str]) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """A Python program in a pseudo terminal, and our end of that; it is gone at the end.

    Raises:
        RuntimeError: If it failed: what it wrote to stderr.
    """
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    environment = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor", "PYTHONPATH": str(ROOT)}
    environment.pop("NO_COLOR", None)
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            [sys.executable, *words],
            stdin=theirs,
            stdout=theirs,
            stderr=said,
            env=environment,
            start_new_session=True,
        )
        os.close(theirs)
        try:
            yield process, ours
            process.wait(10)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
            os.close(ours)
            if process.returncode > 0:
                said.seek(0)
                words = said.read().decode(errors="replace")[-2000:]
                raise RuntimeError(f"the program in the terminal ended with {process.returncode}: {words}")


def cpu_seconds(process: int) -> float:
    """Processor time of a process so far, with that of its children (Linux)."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    own = sum(map(int, fields[11:15])) / TICKS  # user and system, its own and of children that have ended
    children = [task.read_text().split() for task in Path(f"/proc/{process}/task").glob("*/children")]
    return own + sum(cpu_seconds(int(child)) for each in children for child in each)


def watch_command(agent: str, speed: str, seconds: float) -> dict[str, Any]:
    """`inspector live` in a terminal that takes all it gets: its processor time and its decisions a second."""
    with (
        tempfile.TemporaryDirectory() as folder,
        program(["-m", "inspector", "live", agent, "--speed", speed, "--output", folder]) as (process, ours),
    ):
        line = Line(ours, math.inf)
        assert line.run(START_SECONDS, lambda: END.encode() in line.carried), f"no frame: {bytes(line.carried)!r}"
        first = time.monotonic()
        line.run(WARM_SECONDS)
        begun, cpu, size, frames = time.monotonic(), cpu_seconds(process.pid), len(line.carried), count_frames(line)
        line.run(seconds)
        passed, busy = time.monotonic() - begun, cpu_seconds(process.pid) - cpu
        size, frames = len(line.carried) - size, count_frames(line) - frames
        line.type(b"q")
        watched = time.monotonic() - first
        line.run(QUIET_SECONDS * 10, lambda: process.poll() is not None)
        line.run(SLICE_SECONDS)
    found = re.search(rb"watched: (\d+) steps", line.carried)
    assert found, f"no summary: {bytes(line.carried[-500:])!r}"
    return {
        "agent": agent,
        "speed": speed,
        "cores_busy": busy / passed,
        "decisions_per_second": int(found[1]) / watched,
        "frames_per_second": frames / passed,
        "bytes_per_frame": size / max(frames, 1),
        "seconds": passed,
    }


def count_frames(line: Line) -> int:
    """Frames that have arrived."""
    return line.carried.count(END.encode())


def watch_slow(agent: str, seconds: float, buffer: int) -> dict[str, Any]:
    """The live view through a slow line: whether the game keeps its time, and how old is what is shown."""
    with tempfile.TemporaryDirectory() as folder:
        log, cells = Path(folder) / "log", Path(folder) / "cells.npy"
        with program([str(Path(__file__).with_name("bench_stage.py")), agent, str(log), str(cells)]) as (process, ours):
            arrivals = Arrivals()
            line = Line(ours, SPEED, buffer, arrivals.feed)
            assert line.run(START_SECONDS, lambda: arrivals.seen), f"no frame: {bytes(line.carried)!r}"
            line.run(WARM_SECONDS)
            begun, size = time.monotonic(), len(line.carried)
            line.run(seconds)
            ended, size = time.monotonic(), len(line.carried) - size
            line.type(b" ")
            whole_after = run_until_quiet(line) - ended
            line.type(b"q")
            line.run(QUIET_SECONDS * 10, lambda: process.poll() is not None)
            line.run(seconds=2.0, until=lambda: LEAVE in line.carried)
        events = [text.split() for text in log.read_text().splitlines()]
        shown = bytes(line.carried).partition(LEAVE)[0].partition(ENTER)[2]
        is_whole = picture_is_whole(shown, np.load(cells))
    result = {"agent": agent, "buffer": buffer, "seconds": ended - begun, "bytes_per_second": size / (ended - begun)}
    result |= figures(events, arrivals, begun, ended)
    return result | {"whole_after_seconds": whole_after, "whole_after_pause": is_whole}


def run_until_quiet(line: Line) -> float:
    """Carry until nothing has come for a while; when the last came."""
    end = time.monotonic() + WHOLE_SECONDS
    last, size = time.monotonic(), len(line.carried)
    while time.monotonic() - last < QUIET_SECONDS and time.monotonic() < end:
        line.run(SLICE_SECONDS)
        if len(line.carried) != size:
            last, size = time.monotonic(), len(line.carried)
    return last


def figures(events: list[list[str]], arrivals: Arrivals, begun: float, ended: float) -> dict[str, Any]:
    """Decisions a second, and the age of what the terminal shows, between two moments."""
    made = {int(number): float(when) for what, number, when, *_ in events if what == "decision"}
    times = [when for when in made.values() if begun <= when <= ended]
    seen = [(number, when) for number, when in arrivals.seen if begun <= when <= ended]
    ages = [when - made[number] for number, when in seen]
    before = [later - made[number] for (number, _), (_, later) in pairwise(seen)]
    sent = np.array([event[2:] for event in events if event[0] == "frame"], float)
    sent = sent[(begun <= sent[:, 0]) & (sent[:, 0] <= ended)]
    return {
        "decisions_per_second": (len(times) - 1) / (times[-1] - times[0]),
        "longest_gap_ms": 1000 * float(max(np.diff(times))),
        "age_ms": {
            "median": 1000 * float(np.median(ages)),
            "p95": 1000 * float(np.percentile(ages, 95)),
            "max": 1000 * max(ages),
        },
        "oldest_shown_ms": 1000 * max(before),
        "numbers_per_second": len(seen) / (ended - begun),
        "frames_per_second": len(sent) / (ended - begun),
        "sent_whole": float(sent[:, 1].mean()),
        "cells_behind": float(np.median(sent[:, 2])),
        "longest_behind_seconds": float(sent[:, 3].max()),
    }


def picture_is_whole(shown: bytes, meant: Any) -> bool:
    """Whether a terminal shows in the end what was meant, by an emulator."""
    from tests.live.emulator import Emulator, as_shown

    emulator = Emulator(ROWS, COLUMNS, "truecolor")
    emulator.feed(shown)
    return bool((emulator.cells == as_shown(meant, "truecolor")).all())
