"""Bring overlapping windows together, frame by frame: what every frame of the video meant to those that hold it."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from inspector.clips.overlap import FrameRelevance, Overlap
from inspector.viewing.watching import Frame, Window


@dataclass(frozen=True, slots=True, eq=False)
class Verdict:
    """What is known of a window beside what it shows.

    Attributes:
        probabilities: Of every class, (classes,).
        target: The class that was explained; None if nothing was.
        relevance: Its relevance (frames, rows, columns); None if nothing was explained.
        account: What the relevance adds up to, and the explained score; None where there is none.
        brightness: How bright its map may be, 0 to 1.
    """

    probabilities: NDArray[np.float64]
    target: int | None = None
    relevance: NDArray[np.float32] | None = None
    account: tuple[float, float] | None = None
    brightness: float = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """A frame of the video with all that the windows that hold it say of it.

    Attributes:
        frame: The frame.
        holders: How many windows hold it; at least 1, but for frames that an interruption left without one.
        probabilities: Mean over them, (classes,).
        targets: The classes that they explain.
        relevance: Their relevance at this frame; None if nothing was explained.
        in_picture: What their relevance adds up to, divided by the sum of the explained scores; None without these.
        brightness: Mean over them.
        positions: Share of |relevance| at each position of the clip, (frames,): the mean over all windows so far;
            None where there is none.
    """

    frame: Frame
    holders: int
    probabilities: NDArray[np.float64]
    targets: frozenset[int]
    relevance: FrameRelevance | None
    in_picture: float | None
    brightness: float
    positions: NDArray[np.float64] | None


class _Held(NamedTuple):
    places: range
    verdict: Verdict


class Assembly:
    """Takes the windows of one video as they come, and gives each frame away once no window to come can hold it.

    What it holds does not grow with the length of the video.

    Args:
        shape: Rows and columns of the network input.
    """

    def __init__(self, shape: tuple[int, int]) -> None:
        self._overlap = Overlap(shape)
        self._frames: deque[Frame] = deque()
        self._held: deque[_Held] = deque()
        self._share_total: NDArray[np.float64] | None = None
        self._share_count = 0

    def add(self, window: Window, verdict: Verdict) -> Iterator[Seen]:
        """Take a window; give the frames before its first one, which are complete.

        To be used up before the next window is added.
        """
        start = window.places[0]
        maps = iter(()) if verdict.relevance is None else self._overlap.add(window.places, verdict.relevance)
        yield from self._complete(start, maps)
        self._frames += window.news
        self._held.append(_Held(window.places, replace(verdict, relevance=None)))  # which the overlap has
        self._count(verdict.relevance)

    def rest(self) -> Iterator[Seen]:
        """Give the frames that are left."""
        if self._frames:
            end = self._frames[-1].number + 1
            yield from self._complete(end, self._overlap.rest(end))

    def _complete(self, end: int, maps: Iterator[FrameRelevance]) -> Iterator[Seen]:
        known = {one.number: one for one in maps}
        while self._frames and self._frames[0].number < end:
            frame = self._frames.popleft()
            while self._held and self._held[0].places[-1] < frame.number:
                self._held.popleft()
            yield self._seen(frame, known.get(frame.number))

    def _seen(self, frame: Frame, relevance: FrameRelevance | None) -> Seen:
        holders = [held.verdict for held in self._held if frame.number in held.places]
        shown, scores = np.sum([one.account for one in holders if one.account is not None] or [(0.0, 0.0)], 0).tolist()
        return Seen(
            frame=frame,
            holders=len(holders),
            probabilities=np.mean([one.probabilities for one in holders or [held.verdict for held in self._held]], 0),
            targets=frozenset(one.target for one in holders if one.target is not None),
            relevance=relevance if any(one.target is not None for one in holders) else None,
            in_picture=shown / scores if scores else None,
            brightness=float(np.mean([one.brightness for one in holders])) if holders else 1.0,
            positions=None if self._share_total is None else self._share_total / self._share_count,
        )

    def _count(self, relevance: NDArray[np.float32] | None) -> None:
        """Take a window into the mean shares by position."""
        if relevance is None:
            return
        sizes = np.abs(relevance).sum(axis=(1, 2), dtype=np.float64)
        if not np.isfinite(sizes).all() or not sizes.sum():
            return
        before = 0.0 if self._share_total is None else self._share_total
        self._share_total = before + sizes / sizes.sum()
        self._share_count += 1
