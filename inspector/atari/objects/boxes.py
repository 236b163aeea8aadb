"""What every game's finder needs: boxes cut to where they can be seen, and the bytes' bits."""

from collections.abc import Iterable

from inspector.records import Box

SCREEN_WIDTH, SCREEN_HEIGHT = 160, 210
"""Pixels of the native screen."""

SCREEN: Box = (0.0, 0.0, 160.0, 210.0)


def inside(boxes: Iterable[Box], field: Box = SCREEN) -> tuple[Box, ...]:
    """What of these boxes lies in a field; those wholly outside are left out."""
    cut = []
    for left, top, width, height in boxes:
        x, y = max(left, field[0]), max(top, field[1])
        right, bottom = min(left + width, field[0] + field[2]), min(top + height, field[1] + field[3])
        if right > x and bottom > y:
            cut.append((float(x), float(y), float(right - x), float(bottom - y)))
    return tuple(cut)


def bits(byte: int) -> list[int]:
    """The numbers of a byte's set bits, lowest first."""
    return [bit for bit in range(8) if byte >> bit & 1]


def runs(present: Iterable[bool]) -> list[tuple[int, int]]:
    """Start and length of every unbroken row of True."""
    found: list[tuple[int, int]] = []
    for index, there in enumerate(present):
        if there and found and sum(found[-1]) == index:
            found[-1] = (found[-1][0], found[-1][1] + 1)
        elif there:
            found.append((index, 1))
    return found
