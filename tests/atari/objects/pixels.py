"""Objects found by their colour on the screen: what the boxes from memory are measured against."""

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from inspector.records import Box

Pixels = NDArray[np.uint8]
Colour = tuple[int, int, int]


class Look(NamedTuple):
    """How an object looks.

    Attributes:
        colours: Any of them, RGB.
        field: Left, top, right and bottom of where to search, in pixels.
        reach: Pixels that lie no further apart than this belong to one thing.
        least, most: Width and height of a thing; others are taken for something else.
        within: A thing that touches the field's border is cut off there, and is not measured.
    """

    colours: tuple[Colour, ...]
    field: tuple[int, int, int, int] = (0, 0, 160, 210)
    reach: int = 1
    least: tuple[int, int] = (1, 1)
    most: tuple[int, int] = (160, 210)
    within: bool = False


def mask_of(screen: Pixels, colours: Sequence[Colour]) -> Pixels:
    """Where the screen has one of the colours, uint8 (height, width) of 0 and 1."""
    masks = [cv2.inRange(screen, np.array(colour), np.array(colour)) for colour in colours]
    return np.minimum(np.maximum.reduce(masks), 1)


def drawn(screen: Pixels, look: Look) -> list[Box]:
    """The boxes of everything on the screen that looks like this."""
    left, top, right, bottom = look.field
    mask = mask_of(screen[top:bottom, left:right], look.colours)
    joined = cv2.dilate(mask, np.ones((look.reach, look.reach), np.uint8)) if look.reach > 1 else mask
    count, labels = cv2.connectedComponents(joined, connectivity=8)
    boxes = []
    for x, y, width, height in _extents(mask, labels, count):
        cut = x == 0 or y == 0 or x + width == right - left or y + height == bottom - top
        small, large = (
            (width < look.least[0] or height < look.least[1]),
            (width > look.most[0] or height > look.most[1]),
        )
        if not (small or large or (look.within and cut)):
            boxes.append((float(x + left), float(y + top), float(width), float(height)))
    return boxes


def _extents(mask: Pixels, labels: NDArray[np.int32], count: int) -> list[tuple[int, int, int, int]]:
    """Left, top, width and height of every labelled thing, by the pixels of its own colour."""
    rows, columns = np.nonzero(mask)
    numbers = labels[rows, columns] - 1
    low, high = np.full((count - 1, 2), 1000), np.zeros((count - 1, 2), int)
    places = np.stack([columns, rows], axis=1)
    np.minimum.at(low, numbers, places)
    np.maximum.at(high, numbers, places)
    return [
        (x, y, width, height) for (x, y), (width, height) in zip(low.tolist(), (high - low + 1).tolist(), strict=True)
    ]


def apart(one: Box, other: Box) -> float:
    """By how much the worst of the four sides differs, in pixels."""
    (x, y, width, height), (a, b, c, d) = one, other
    return max(abs(x - a), abs(y - b), abs(x + width - a - c), abs(y + height - b - d))
