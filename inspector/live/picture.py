"""A picture in a terminal, in half blocks: as a part of a screen, and as an ordinary renderable of rich."""

from collections.abc import Iterator
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.color import Color
from rich.console import Console, ConsoleOptions
from rich.measure import Measurement
from rich.segment import Segment
from rich.style import Style

from inspector.live.cells import UPPER_HALF

_CONSOLE_PIXEL = 12 / 7
"""Width of an Atari console's pixel to its height; in a cell two half blocks, one on the other, are about square."""

_RAMP = " .:-=+*#%@"
"""Dark to bright, where there are no colours."""


def size_within(screen: tuple[int, int], rows: int, columns: int) -> tuple[int, int]:
    """The largest size at which a screen fits, its shape kept.

    Args:
        screen: Rows and columns of its pixels.
        rows: Rows of cells there are.
        columns: Columns of cells there are.

    Returns:
        Rows and columns of cells, at least 1 each.
    """
    pixel = _CONSOLE_PIXEL if screen[1] == 160 else 1.0
    across = screen[1] * pixel / screen[0]  # for every pixel down
    found = max(min(rows, round(columns / across / 2)), 1)
    return found, max(min(round(2 * found * across), columns), 1)


def shrunk(picture: NDArray[np.uint8], rows: int, columns: int) -> NDArray[np.uint8]:
    """A picture with two pixels for each cell: uint8 (2 * rows, columns, 3)."""
    smaller = 2 * rows <= picture.shape[0] and columns <= picture.shape[1]
    method = cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(picture, (columns, 2 * rows), interpolation=method), np.uint8)


def stepped(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A picture in 32 steps of each colour: what changes by less than can be seen need not be sent to a terminal."""
    return np.asarray(_STEPS[picture], np.uint8)


def ramped(picture: NDArray[np.uint8]) -> list[str]:
    """A picture in characters from dark to bright, where there are no colours.

    Args:
        picture: uint8 (2 * rows, columns, 3).

    Returns:
        A line for each row of cells.
    """
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.uint32)
    level = (grey[::2] + grey[1::2]) * (len(_RAMP) - 1) // (2 * 255)
    return ["".join(_RAMP[one] for one in row) for row in level.tolist()]


_STEPS = (np.rint(np.arange(256) * (31 / 255)) * (255 / 31)).round().astype(np.uint8)


class Picture:
    """A picture that rich can print, lay out and export: in half blocks, as large as there is room.

    Args:
        picture: uint8 (height, width, 3), RGB.
        columns: Its width in cells at most; None takes what there is.
    """

    def __init__(self, picture: NDArray[np.uint8], columns: int | None = None) -> None:
        self.picture, self.columns = picture, columns

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        """As wide as it may be."""
        width = min(self.columns or options.max_width, options.max_width)
        return Measurement(width, width)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Segment]:
        """Its lines; cells alike beside each other are one segment."""
        width = min(self.columns or options.max_width, options.max_width)
        rows, columns = size_within(self.picture.shape[:2], options.height or 10_000, width)
        small = shrunk(self.picture, rows, columns)
        if console.no_color or console.color_system is None:
            for line in ramped(small):
                yield Segment(line)
                yield Segment.line()
            return
        for upper, lower in zip(small[::2], small[1::2], strict=True):
            yield from _line(upper, lower)
            yield Segment.line()


def _line(upper: NDArray[np.uint8], lower: NDArray[np.uint8]) -> Iterator[Segment]:
    both = np.concatenate([upper, lower], axis=1)
    bounds = [0, *(np.flatnonzero((both[1:] != both[:-1]).any(1)) + 1).tolist(), len(both)]
    for start, stop in pairwise(bounds):
        red, green, blue, *ground = both[start].tolist()
        style = Style(color=Color.from_rgb(red, green, blue), bgcolor=Color.from_rgb(*ground))
        yield Segment(UPPER_HALF * (stop - start), style)
