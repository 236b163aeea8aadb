"""Thin outlines around the regions of a screen."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from inspector.draw.palette import Colour
from inspector.records import Region

Picture = NDArray[np.uint8]

_AROUND = 2
"""Rows and columns between a region and its outline, so that the relevance on it stays free."""


def draw_outlines(
    view: Picture, regions: Sequence[Region], colours: Sequence[Colour], screen_size: tuple[int, int]
) -> None:
    """Draw, in place, a line around every region; boxes that touch share one.

    Args:
        view: The screen, enlarged.
        regions: Boxes in pixels of the native screen; a region that is not sure gets a broken line.
        colours: One a region.
        screen_size: Height and width of the native screen.
    """
    rows, columns = view.shape[0] / screen_size[0], view.shape[1] / screen_size[1]
    for region, colour in reversed(list(zip(regions, colours, strict=True))):
        if not region.boxes:
            continue
        mask = np.zeros(view.shape[:2], np.uint8)
        for left, top, width, height in region.boxes:
            first = max(round(left * columns) - _AROUND, 0), max(round(top * rows) - _AROUND, 0)
            last = round((left + width) * columns) + _AROUND - 1, round((top + height) * rows) + _AROUND - 1
            cv2.rectangle(mask, first, last, 255, -1)
        inside = cv2.erode(mask, np.ones((3, 3), np.uint8), borderValue=0)
        edge = np.asarray(cv2.subtract(mask, inside), np.uint8)
        if not region.sure:
            y, x = np.nonzero(edge)
            edge[y[(x + y) % 8 < 4], x[(x + y) % 8 < 4]] = 0
        view[edge > 0] = colour
