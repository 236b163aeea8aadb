"""Relevance of overlapping windows, brought together frame by frame."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Map = NDArray[np.float32]


class FrameRelevance(NamedTuple):
    """What the windows say of one frame of a video.

    Attributes:
        number: Of the frame, from 0.
        mean: Signed relevance at each pixel of the network input (rows, columns), the mean over the windows that say
            something of the frame; None where none does.
        windows: How many those are.
        spread: How far the windows are apart: the standard deviation of their sums over the frame, in the unit of the
            explained score; 0 for one window.
    """

    number: int
    mean: Map | None
    windows: int
    spread: float


class _Kept:
    def __init__(self, shape: tuple[int, int]) -> None:
        self.total = np.zeros(shape, np.float64)
        self.sums: list[float] = []


class Overlap:
    """Adds up windows as they come, and gives each frame away once no window to come can hold it.

    Windows have to come in the order of their first frames. One whose relevance is not finite counts for nothing.

    Args:
        shape: Rows and columns of the network input.
    """

    def __init__(self, shape: tuple[int, int]) -> None:
        self._shape = shape
        self._kept: dict[int, _Kept] = {}
        self._next = 0

    def add(self, places: Sequence[int], relevance: Map) -> Iterator[FrameRelevance]:
        """Take a window.

        Args:
            places: Numbers of its frames, ascending.
            relevance: Its relevance, (frames, rows, columns).

        Returns:
            The frames before its first one, which are complete now.

        Raises:
            ValueError: If it begins before frames that were given away.
        """
        if places[0] < self._next:
            raise ValueError(f"a window begins at frame {places[0]}, and frame {self._next - 1} was given away")
        done = list(self._given_away(places[0]))
        if np.isfinite(relevance).all():
            for place, values in zip(places, relevance, strict=True):
                kept = self._kept.setdefault(place, _Kept(self._shape))
                kept.total += values
                kept.sums.append(float(values.sum(dtype=np.float64)))
        return iter(done)

    def rest(self, frame_count: int) -> Iterator[FrameRelevance]:
        """The frames that are left, of a video of so many."""
        yield from self._given_away(frame_count)

    def _given_away(self, end: int) -> Iterator[FrameRelevance]:
        while self._next < end:
            kept, number = self._kept.pop(self._next, None), self._next
            self._next += 1
            if kept is None:
                yield FrameRelevance(number, None, 0, 0.0)
            else:
                mean = (kept.total / len(kept.sums)).astype(np.float32)
                yield FrameRelevance(number, mean, len(kept.sums), float(np.std(kept.sums)))
