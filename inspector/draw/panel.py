"""What every page is made of: panels with round corners, and notices where there is no picture to show."""

import cv2
import numpy as np
from numpy.typing import NDArray

from inspector.draw.layout import Rect
from inspector.draw.palette import BRIGHT, PANEL, Colour
from inspector.draw.text import Align, width, write_centred

Picture = NDArray[np.uint8]

_CORNER = 6


def draw_panel(page: Picture, rect: Rect, colour: Colour = PANEL) -> None:
    """Draw a panel in place.

    Args:
        page: The page, uint8 (height, width, 3).
        rect: Where the panel lies on it.
        colour: Its colour.
    """
    view, corner = rect.of(page), _CORNER
    bottom, right = rect.height - 1, rect.width - 1
    view[corner:-corner] = colour
    view[:, corner:-corner] = colour
    for x in (corner, right - corner):
        for y in (corner, bottom - corner):
            cv2.circle(view, (x, y), corner, colour, -1, cv2.LINE_AA)


def draw_notice(view: Picture, reason: str) -> None:
    """Say in place, across the middle of a picture, why there is nothing to see.

    Args:
        view: The picture, uint8 (height, width, 3).
        reason: What to say; broken into lines where it is too long for one.
    """
    height, room = view.shape[:2]
    lines: list[str] = []
    for word in reason.split():
        if lines and width(f"{lines[-1]} {word}") <= room - 48:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    top = height // 2 - 14 * len(lines)
    view[top - 14 : top + 28 * len(lines) + 14] = PANEL
    align: Align = "centre"
    for index, line in enumerate(lines):
        write_centred(view, line, room / 2, top + 28 * index + 14, BRIGHT, align=align)
