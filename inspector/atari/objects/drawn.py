"""Regions that a user draws, in a TOML file."""

import math
import re
import tomllib
from pathlib import Path
from typing import Any

from inspector.atari.objects.boxes import SCREEN_HEIGHT, SCREEN_WIDTH
from inspector.errors import UsageError
from inspector.records import Box, Region, Seen

MOST_BYTES = 1_000_000
"""A larger file is no list of regions."""

BACKGROUND = "background"
"""The name of what belongs to no region; nothing that is drawn may have it."""


class Drawn:
    """Regions that stay where they are, on every screen.

    Args:
        boxes: Where each region is, by name, in pixels of the native screen; where two overlap, the earlier one has
            the pixel.
    """

    def __init__(self, boxes: dict[str, tuple[Box, ...]]):
        self.names = tuple(boxes)
        self._regions = tuple(Region(name, each) for name, each in boxes.items())

    def regions(self, seen: Seen, before: Seen | None) -> tuple[Region, ...]:
        """The regions, the same for every frame; see `ObjectFinder`."""
        return self._regions

    def phase(self, seen: Seen) -> str | None:
        """Not known: None."""
        return None


def read_regions(path: str | Path) -> Drawn:
    """Read a user's regions.

    The table `[regions]` has a line a region: `name = [x, y, width, height]`, or a list of such boxes, in pixels of
    the native screen (160 wide, 210 high), x to the right and y down.

    Raises:
        UsageError: If the file cannot be read or says anything else.
    """
    table = _table(Path(path))
    return Drawn({name: _boxes(f"{path}: region {name!r}", name, value) for name, value in table.items()})


def _table(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise UsageError(f"{path} is larger than {MOST_BYTES:,} bytes: that is no list of regions")
        content = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:  # ValueError: not TOML, or not UTF-8
        raise UsageError(f"{path} is not TOML: {' '.join(str(error).split())}") from error
    table = content.get("regions")
    if not isinstance(table, dict) or not table:
        raise UsageError(f"{path} has no regions: write them into a table [regions], as ball = [x, y, width, height]")
    return table


def _boxes(where: str, name: str, value: object) -> tuple[Box, ...]:
    if name == BACKGROUND:
        raise UsageError(f"{where}: this name is kept for what belongs to no region; choose another")
    if not re.fullmatch(r"[A-Za-z0-9_]+", name):
        raise UsageError(f"{where}: a name is made of letters, digits and underscores")
    if not isinstance(value, list) or not value:
        raise UsageError(f"{where} is {value!r}: give [x, y, width, height], or a list of such boxes")
    return tuple(_box(where, each) for each in (value if isinstance(value[0], list) else [value]))


def _box(where: str, value: object) -> Box:
    if not (isinstance(value, list) and len(value) == 4 and all(map(_is_number, value))):
        raise UsageError(f"{where} has a box {value!r}: a box is four numbers, [x, y, width, height]")
    x, y, width, height = value
    if width <= 0 or height <= 0:
        raise UsageError(f"{where} has a box {value!r}: width and height must be above 0")
    if x < 0 or y < 0 or x + width > SCREEN_WIDTH or y + height > SCREEN_HEIGHT:
        raise UsageError(
            f"{where} has a box {value!r}, from ({x}, {y}) to ({x + width}, {y + height}): "
            f"the screen is {SCREEN_WIDTH} wide and {SCREEN_HEIGHT} high"
        )
    return float(x), float(y), float(width), float(height)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
