"""How many bytes may be on their way to a terminal, so that what it shows is never old.

Between here and the screen of a remote terminal lie buffers of a second and more, and a write returns as soon as they
have taken it. So every frame ends with a question that all terminals answer, and the answer says that the frame was
seen. From the answers follows the speed of the line; no more is ever on its way than it carries in a fifth of a
second, or, where its delay is long, a little more.
"""

import time
from collections import deque
from collections.abc import Callable

QUESTION = b"\x1b[5n"
"""«How are you?» (device status report, ECMA-48 8.3.35); the answer is `ESC [ 0 n`."""

RAW_ANSWER = b"\x1b[0n"

_LATENCY_SECONDS, _MOST_LATENCY_SECONDS = 0.2, 0.4
_DELAYS = 2.0
_BUSY_SECONDS = 0.5
"""The speed is that of the last half second in which the line had something to carry."""

_LEAST_BUSY_SECONDS = 0.05
"""Of what a line carries in less, its first buffer may have taken all: the bound grows with what was really carried."""

_PATIENCE_SECONDS = 1.0
_LEAST, _MOST = 2_000, 1_000_000
"""Bytes that may always be on their way, and never; the former are the first, from which the delay is learned."""


class Flow:
    """Counts what was sent and what was answered.

    A terminal that has answered nothing for a second is not asked to any more: what was written then counts as seen.

    Args:
        clock: Seconds of a clock that never goes back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._sent: deque[tuple[float, int]] = deque()
        self._carried: deque[tuple[float, int]] = deque(maxlen=100)  # seconds of work, bytes
        self._last_answer = clock()
        self._delay: float | None = None
        self._answers: bool | None = None

    @property
    def on_its_way(self) -> int:
        """Bytes sent and not known to be seen."""
        return sum(size for _, size in self._sent)

    @property
    def unanswered(self) -> int:
        """Answers that are still to come."""
        return 0 if self._answers is False else len(self._sent)

    @property
    def delay_seconds(self) -> float | None:
        """From sending a frame to its answer, the least so far; None before the first."""
        return self._delay

    def sent(self, size: int) -> None:
        """A frame was handed over, with the question at its end."""
        self._sent.append((self._clock(), size))

    def written(self) -> None:
        """All that was handed over has been written: of one who never answers, that has to do."""
        if self._answers is False:
            while self._sent:
                self._note()

    def answered(self) -> None:
        """The terminal has shown the oldest frame on its way."""
        self._answers = True
        if self._sent:
            self._note()

    def reset(self) -> None:
        """Nothing is on its way any more; what is known of the line stays."""
        self._sent.clear()
        self._last_answer = self._clock()

    @property
    def has_room(self) -> bool:
        """Whether so much may be sent that a frame is worth the while."""
        return 2 * self.allowance() >= self._bound()

    def allowance(self) -> int:
        """Bytes that may be sent now; 0 or less for none."""
        waited = self._clock() - max(self._sent[0][0], self._last_answer) if self._sent else 0.0
        if self.unanswered and waited > self._patience:
            self._answers = False
            self._sent.clear()
        if self.unanswered and waited > self._latency:  # it has become slower than we know
            return 0
        return self._bound() - self.on_its_way

    @property
    def _latency(self) -> float:
        """How old may be what is shown, as far as that is ours to say."""
        return min(max(_LATENCY_SECONDS, _DELAYS * (self._delay or 0.0)), _MOST_LATENCY_SECONDS)

    @property
    def _patience(self) -> float:
        """A terminal that has answered before is given longer: the line may be down for a moment."""
        return 5 * _PATIENCE_SECONDS if self._answers else _PATIENCE_SECONDS

    def _bound(self) -> int:
        """Bytes that may be on their way."""
        busy, carried = 0.0, 0
        for seconds, size in reversed(self._carried):
            busy, carried = busy + seconds, carried + size
            if busy > _BUSY_SECONDS:
                break
        return min(max(int(self._latency * carried / max(busy, _LEAST_BUSY_SECONDS)), _LEAST), _MOST)

    def _note(self) -> None:
        """Take the oldest frame as carried, in the time since it was sent or the one before it was through."""
        now, (begun, size) = self._clock(), self._sent.popleft()
        self._delay = min(now - begun, self._delay) if self._delay is not None else now - begun
        self._carried.append((now - max(begun, self._last_answer), size))
        self._last_answer = now
