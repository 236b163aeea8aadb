"""Thin outlines around the regions of a screen."""

from collections.abc import Sequence
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from inspector.draw.palette import Colour
from inspector.records import Box, Region

Picture = NDArray[np.uint8]

_AROUND = 2
"""Rows and columns between a region and its outline, so that the relevance on it stays free."""


def draw_outlines(
    view: Picture,
    regions: Sequence[Region],
    colours: Sequence[Colour],
    screen_size: tuple[int, int],
    around: int = _AROUND,
) -> None:
    """Draw, in place, a line around every region; boxes that touch share one.

    Args:
        view: The screen, enlarged.
        regions: Boxes in pixels of the native screen; a region that is not sure gets a broken line.
        colours: One a region.
        screen_size: Height and width of the native screen.
        around: Rows and columns of the view between a region and its outline.
    """
    size = view.shape[0], view.shape[1]
    for region, colour in reversed(list(zip(regions, colours, strict=True))):
        if region.boxes:
            view[_line(region.boxes, region.sure, size, screen_size, around)] = colour


@lru_cache(maxsize=64)  # most regions stay where they are for many frames
def _line(
    boxes: tuple[Box, ...], sure: bool, size: tuple[int, int], screen_size: tuple[int, int], around: int
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows and columns of the line around some boxes."""
    down, across = size[0] / screen_size[0], size[1] / screen_size[1]
    corners = [
        (
            max(round(left * across) - around, 0),
            max(round(top * down) - around, 0),
            min(round((left + width) * across) + around, size[1]),
            min(round((top + height) * down) + around, size[0]),
        )
        for left, top, width, height in boxes
    ]
    x, y = min(corner[0] for corner in corners), min(corner[1] for corner in corners)
    mask = np.zeros(
        (max(corner[3] for corner in corners) - y + 2, max(corner[2] for corner in corners) - x + 2), np.uint8
    )
    for left, top, right, bottom in corners:
        mask[top - y + 1 : bottom - y + 1, left - x + 1 : right - x + 1] = 255
    inside = cv2.erode(mask, np.ones((3, 3), np.uint8), borderValue=0)
    rows, columns = np.nonzero(cv2.subtract(mask, inside))
    rows, columns = rows + y - 1, columns + x - 1
    shown = slice(None) if sure else (rows + columns) % 8 < 4
    return rows[shown], columns[shown]
