"""A picture in a terminal, in half blocks: as a part of a screen, and as an ordinary renderable of rich."""

import math
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

from inspector.draw.layout import CONSOLE_PIXEL
from inspector.errors import UsageError
from inspector.live.cells import UPPER_HALF

ATARI_PIXEL = CONSOLE_PIXEL
"""Width of the pixels of an Atari screen to their height."""

_ANY_HEIGHT = 10_000
_RAMP = " .:-=+*#%@"
"""Dark to bright, where there are no colours."""


def size_within(screen: tuple[int, int], rows: int, columns: int, pixel: float = 1.0) -> tuple[int, int]:
    """The largest size at which a screen fits, its shape kept: the two halves of a cell are about square.

    Args:
        screen: Rows and columns of its pixels.
        rows: Rows of cells there are.
        columns: Columns of cells there are.
        pixel: Width of its pixels to their height.

    Returns:
        Rows and columns of cells, at least 1 each.
    """
    across = screen[1] * pixel / screen[0]  # for every pixel down
    found = max(min(rows, round(columns / across / 2)), 1)
    return found, max(min(round(2 * found * across), columns), 1)


def shrunk(picture: NDArray[np.uint8], rows: int, columns: int) -> NDArray[np.uint8]:
    """A picture with two pixels for each cell: uint8 (2 * rows, columns, 3)."""
    wanted = columns, 2 * rows
    least = min(columns, picture.shape[1]), min(2 * rows, picture.shape[0])
    smaller = cv2.resize(picture, least, interpolation=cv2.INTER_AREA)
    return np.asarray(smaller if least == wanted else cv2.resize(smaller, wanted), np.uint8)


def stepped(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A picture in 32 steps of each colour: what changes by less than can be seen need not be sent to a terminal."""
    return np.asarray(cv2.LUT(picture, _STEPS), np.uint8)


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
        pixel: Width of its pixels to their height; that of an Atari screen is `ATARI_PIXEL`.

    Raises:
        UsageError: If it is no picture, or a size is not above zero.
    """

    def __init__(self, picture: NDArray[np.uint8], columns: int | None = None, *, pixel: float = 1.0) -> None:
        if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3 or not picture.size:
            found = f"{picture.dtype} {picture.shape}"
            raise UsageError(f"a picture is uint8 (height, width, 3), not {found}: convert it first")
        if (columns is not None and columns < 1) or not 0 < pixel < math.inf:
            raise UsageError(f"columns={columns} and pixel={pixel} have to be above zero")
        self.picture, self.columns, self.pixel = picture, columns, pixel

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        """As wide as it may be; it can be made as narrow as a cell."""
        return Measurement(1, self._width(options))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Segment]:
        """Its lines; cells alike beside each other are one segment."""
        room = options.height or _ANY_HEIGHT
        rows, columns = size_within(self.picture.shape[:2], room, self._width(options), self.pixel)
        small = shrunk(self.picture, rows, columns)
        if console.no_color or console.color_system is None:
            for line in ramped(small):
                yield Segment(line)
                yield Segment.line()
            return
        for upper, lower in zip(small[::2], small[1::2], strict=True):
            yield from _line(upper, lower)
            yield Segment.line()

    def _width(self, options: ConsoleOptions) -> int:
        return max(min(self.columns or options.max_width, options.max_width), 1)


def _line(upper: NDArray[np.uint8], lower: NDArray[np.uint8]) -> Iterator[Segment]:
    both = np.concatenate([upper, lower], axis=1)
    bounds = [0, *(np.flatnonzero((both[1:] != both[:-1]).any(1)) + 1).tolist(), len(both)]
    for start, stop in pairwise(bounds):
        red, green, blue, *ground = both[start].tolist()
        style = Style(color=Color.from_rgb(red, green, blue), bgcolor=Color.from_rgb(*ground))
        yield Segment(UPPER_HALF * (stop - start), style)
