"""How many bytes may be on their way to a terminal, so that what it shows is never old.

Between here and the screen of a remote terminal lie buffers of a second and more, and a write returns as soon as they
have taken it. So every frame ends with a question that all terminals answer, and the answer says that the frame was
seen. From the answers follows the speed of the line; no more is ever on its way than it carries in a fifth of a
second, or, where its delay is long, a little more.
"""

import re
import time
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

_SIDE = 16
"""Frames are told apart by a place in a square of so many rows and columns, below the first row: see `question`."""

_MOST_FRAMES = 100
"""On their way at once; far fewer than there are places, so that a late answer is not taken for a newer frame's."""

QUESTION, ANSWER = re.compile(rb"\x1b\[(\d+);(\d+)H\x1b\[6n"), re.compile(rb"\x1b\[(\d+);(\d+)R")
"""What `question` makes, and what a terminal says to that; row and column are the groups."""

_LATENCY_SECONDS, _MOST_LATENCY_SECONDS = 0.2, 0.4
_DELAYS = 2.0
_BUSY_SECONDS = 0.5
"""The speed is that of the last half second in which the line had something to carry."""

_LEAST_BUSY_SECONDS = 0.05
"""Of what a line carries in less, its first buffer may have taken all: the bound grows with what was really carried."""

_PATIENCE_SECONDS, _LONG_PATIENCE_SECONDS = 1.0, 5.0
"""For a first answer; and for another of a terminal that has answered: the line may be down for a moment."""

_LEAST, _MOST = 2_000, 1_000_000
"""Bytes that may always be on their way, and never; the former are the first, from which the delay is learned."""


def question(number: int) -> bytes:
    """What a terminal is asked at the end of a frame: «where is your cursor?», which was put where the number says.

    So the answer (device status report 6 and cursor position report, ECMA-48 8.3.35 and 8.3.14) tells which frame was
    seen, also if others were lost or are late. Its row is never the first, whose reports some keys look like.

    Args:
        number: Of the frame, from 0; after 256 places they begin anew.
    """
    row, column = _place(number)
    return f"\x1b[{row};{column}H\x1b[6n".encode()


def _place(number: int) -> tuple[int, int]:
    """Row and column of the cursor, from 1."""
    row, column = divmod(number % _SIDE**2, _SIDE)
    return row + 2, column + 1


class _Frame(NamedTuple):
    place: tuple[int, int]
    sent_at: float
    size: int


class Flow:
    """Counts what was sent and what was answered.

    A terminal that never answers is not listened to after a second: what was written then counts as seen. One that has
    answered before is waited for longer, then tried again with a small frame.

    Args:
        clock: Seconds of a clock that never goes back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._sent: deque[_Frame] = deque()
        self._count = 0
        self._carried: deque[tuple[float, int]] = deque(maxlen=100)  # seconds of work, bytes
        self._last_answer = clock()
        self._delay: float | None = None
        self._answers: bool | None = None

    @property
    def on_its_way(self) -> int:
        """Bytes sent and not known to be seen."""
        return sum(frame.size for frame in self._sent)

    @property
    def unanswered(self) -> int:
        """Answers that are still to come."""
        return 0 if self._answers is False else len(self._sent)

    def sent(self, size: int) -> int:
        """A frame of so many bytes was handed over; the number to ask for at its end."""
        number, self._count = self._count, self._count + 1
        self._sent.append(_Frame(_place(number), self._clock(), size))
        return number

    def written(self) -> None:
        """All that was handed over has been written: of one who never answers, that has to do."""
        if self._answers is False:
            self._sent.clear()

    def answered(self, row: int, column: int) -> None:
        """The terminal has said where its cursor was: it has shown that frame, and so those before it."""
        self._answers = True
        while any(frame.place == (row, column) for frame in self._sent):
            self._note()

    def reset(self) -> None:
        """Nothing is on its way any more; what is known of the line stays."""
        self._sent.clear()

    @property
    def has_room(self) -> bool:
        """Whether so much may be sent that a frame is worth the while."""
        return 2 * self.allowance() >= self._bound()

    def allowance(self) -> int:
        """Bytes that may be sent now; 0 or less for none."""
        waited = self._clock() - max(self._sent[0].sent_at, self._last_answer) if self._sent else 0.0
        if self.unanswered and waited > self._patience:
            self._give_up()
        if self.unanswered and waited > self._latency:  # it has become slower than we know
            return 0
        if len(self._sent) >= _MOST_FRAMES:
            return 0
        return self._bound() - self.on_its_way

    @property
    def _latency(self) -> float:
        """How old may be what is shown, as far as that is ours to say."""
        return min(max(_LATENCY_SECONDS, _DELAYS * (self._delay or 0.0)), _MOST_LATENCY_SECONDS)

    @property
    def _patience(self) -> float:
        return _LONG_PATIENCE_SECONDS if self._answers else _PATIENCE_SECONDS

    def _give_up(self) -> None:
        """Wait for no answer any more, and know nothing of the line."""
        self._answers = self._answers or False
        self._sent.clear()
        self._carried.clear()

    def _bound(self) -> int:
        """Bytes that may be on their way."""
        if self._answers is False:
            return _MOST
        busy, carried = 0.0, 0
        for seconds, size in reversed(self._carried):
            busy, carried = busy + seconds, carried + size
            if busy > _BUSY_SECONDS:
                break
        return min(max(int(self._latency * carried / max(busy, _LEAST_BUSY_SECONDS)), _LEAST), _MOST)

    def _note(self) -> None:
        """Take the oldest frame as carried, in the time since it was sent or the one before it was through."""
        now, frame = self._clock(), self._sent.popleft()
        waited = now - frame.sent_at
        self._delay = min(waited, self._delay) if self._delay is not None else waited
        self._carried.append((now - max(frame.sent_at, self._last_answer), frame.size))
        self._last_answer = now
