"""A whole video in the columns of a strip: numbers of its frames, the mean of those that share a column."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]


class Columns:
    """Numbers over the time of a video, column by column; as many as there are columns, however long the video.

    A frame has the columns from its own time to that of the next one, the last frame those to the end.

    Args:
        count: Columns of the strip.
        kinds: How many numbers a frame has.
        frame_count: Frames of the video.
        seconds: Its length; where it is not known, frames lie evenly.

    Attributes:
        now: Column of the newest frame; -1 before the first.
        end: Columns before this one are drawn.
    """

    def __init__(self, count: int, kinds: int, frame_count: int, seconds: float):
        self.now, self.end = -1, 0
        self._count, self._frame_count, self._seconds = count, frame_count, seconds
        self._sums, self._frames = np.zeros((kinds, count)), np.zeros((kinds, count))
        self._last: Numbers = np.full(kinds, np.nan)

    def push(self, number: int, seconds: float, values: Sequence[float]) -> slice:
        """Take the next frame.

        Args:
            number: Of the frame, from 0.
            seconds: Its time.
            values: Its numbers; what is not finite leaves a gap.

        Returns:
            The columns that changed.
        """
        before, column = self.now, max(self.now, self._column(number, seconds))
        if before >= 0:
            self._hold(before + 1, column)
        self._last = np.asarray(values, np.float64)
        self._hold(column, column + 1)
        self.now, self.end = column, column + 1
        if number >= self._frame_count - 1:
            self._hold(column + 1, self._count)
            self.end = self._count
        return slice(max(0, before), self.end)

    def means(self) -> Numbers:
        """The mean of every kind in every column, (kinds, columns); NaN where there is none."""
        means = np.full_like(self._sums, np.nan)
        return np.divide(self._sums, self._frames, out=means, where=self._frames > 0)

    def _hold(self, begin: int, end: int) -> None:
        is_known = np.isfinite(self._last)
        self._sums[is_known, begin:end] += self._last[is_known, None]
        self._frames[is_known, begin:end] += 1

    def _column(self, number: int, seconds: float) -> int:
        part = seconds / self._seconds if self._seconds > 0 else number / max(1, self._frame_count)
        return int(np.clip(int(part * self._count + 1e-6), 0, self._count - 1))


class GrowingRange:
    """How far an axis reaches above and below zero: round numbers that only grow, so that ticks seldom change."""

    def __init__(self) -> None:
        self.above, self.below, self.step = 0.0, 0.0, 1.0

    def update(self, largest: float, smallest: float) -> bool:
        """Let the axis hold these numbers too.

        Args:
            largest: The largest; what is not above 0 asks for nothing.
            smallest: The smallest; what is not below 0 asks for nothing.

        Returns:
            Whether the axis changed.
        """
        above, below = max(self.above, largest), max(self.below, -smallest)
        if max(above, below) <= 0 or (above <= self.above and below <= self.below):
            return False
        self.step = round_step(max(above, below) / 6)
        self.above = self.step * float(np.ceil(above / self.step - 1e-9))
        self.below = self.step * float(np.ceil(below / self.step - 1e-9))
        return True

    def zero(self, height: int) -> float:
        """How far zero lies beneath the top of a plot of so many pixels."""
        reach = self.above + self.below
        return height * self.above / reach if reach > 0 else height / 2

    def scale(self, height: int) -> float:
        """Pixels that stand for 1."""
        reach = self.above + self.below
        return height / reach if reach > 0 else 0.0


def round_step(least: float) -> float:
    """The smallest of 1, 2, 5, 10 ... times a power of ten that is no less, for numbers above 0."""
    power = 10.0 ** np.floor(np.log10(least))
    return float(power * next(factor for factor in (1, 2, 5, 10) if factor * power >= least * 0.999))


def decimals_of(step: float) -> int:
    """Decimals that tell numbers apart that are a step apart."""
    return int(np.clip(np.ceil(-np.log10(step) - 1e-9), 0, 6))
