"""Which frames of a video a clip is made of, and which positions in a clip are its border and its centre."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inspector.errors import UsageError

Weights = NDArray[np.float64]

LEAST_FRAMES = 4
"""Shorter clips have no border that can be told from a centre."""


@dataclass(frozen=True, slots=True)
class Places:
    """Clips in the middle of a video, at several strides.

    The clips of all strides have the same middle, to half a frame of the video. The one of the largest stride spans the
    *stretch*: what is compared over strides lies within it.

    Attributes:
        frames: Frames of a clip.
        strides: Frames of the video from one frame of a clip to the next, ascending.

    Raises:
        UsageError: If clips are too short to have a border.
    """

    frames: int
    strides: tuple[int, ...]

    def __post_init__(self) -> None:
        if self.frames < LEAST_FRAMES:
            raise UsageError(
                f"a clip of {self.frames} frames has no border and centre: profile a network of {LEAST_FRAMES} frames "
                "or more, or give it a longer --window"
            )

    @property
    def stretch(self) -> int:
        """Frames of the video that the clip of the largest stride spans, first to last."""
        return self.span(max(self.strides))

    def span(self, stride: int) -> int:
        """Frames of the video that a clip spans, first to last."""
        return (self.frames - 1) * stride + 1

    def begin(self, count: int) -> int:
        """The first frame of the stretch in a video of so many frames."""
        return (count - self.stretch) // 2

    def centred(self, stride: int, count: int) -> slice:
        """The frames of the clip in the middle of a video of `count` frames, counted from the stretch's first."""
        first = (count - self.span(stride)) // 2 - self.begin(count)
        return slice(first, first + self.span(stride), stride)

    def spread(self, stride: int) -> list[slice]:
        """Clips that go evenly over the stretch from end to end, neighbours overlapping by half at least."""
        span = self.span(stride)
        room = self.stretch - span
        count = 1 + math.ceil(2 * room / span)
        starts = np.unique(np.linspace(0, room, count).round().astype(int)).tolist()
        return [slice(start, start + span, stride) for start in starts]


def border(frames: int) -> Weights:
    """How much of each position lies in the first or the last eighth of a clip, 0 to 1: of 12, 1, 0.5, 0 ... 0.5, 1."""
    first = _within(frames, 0, frames / 8)
    return np.asarray(first + first[::-1])


def centre(frames: int) -> Weights:
    """How much of each position lies in the middle half of a clip, 0 to 1."""
    return _within(frames, frames / 4, 3 * frames / 4)


def mean_in(shares: NDArray[np.float64], part: Weights) -> NDArray[np.float64]:
    """The mean share of the positions of a part, each as much as it lies there, (..., positions) to (...)."""
    return np.asarray(shares @ (part / part.sum()))


def _within(frames: int, begin: float, end: float) -> Weights:
    position = np.arange(frames)
    found: Weights = np.clip(np.minimum(position + 1, end) - np.maximum(position, begin), 0, 1)
    return found
