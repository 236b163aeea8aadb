"""A terminal to write to in tests: pyte's, read back as cells."""

import numpy as np
import pyte
from pyte.graphics import FG_BG_256

from inspector.live.cells import BOLD, CHARACTER, ITALIC, PLAIN, REVERSE, UNDERLINE, Cells
from inspector.live.colours import Depth, reduced

_STYLES = {"bold": BOLD, "italics": ITALIC, "underscore": UNDERLINE, "reverse": REVERSE}
_NAMES = "black red green brown blue magenta cyan white".split()
_SIXTEEN = {name: number for number, name in enumerate([*_NAMES, *(f"bright{name}" for name in _NAMES)])}
_SIXTEEN["bfightmagenta"] = _SIXTEEN["brightmagenta"]  # as pyte 0.8 spells it for grounds
_TABLE = np.array([int(colour, 16) for colour in FG_BG_256], np.uint32)


class Emulator:
    """A terminal of some size."""

    def __init__(self, rows: int, columns: int, depth: Depth) -> None:
        self.screen = pyte.Screen(columns, rows)
        self.depth = depth
        self._stream = pyte.ByteStream(self.screen)

    def feed(self, written: bytes) -> None:
        """Take what was written to the terminal."""
        self._stream.feed(written)

    @property
    def cells(self) -> Cells:
        """What it shows, colours in its own numbers."""
        rows, columns = self.screen.lines, self.screen.columns
        shown = np.zeros((rows, columns, 3), np.uint32)
        for row in range(rows):
            line = self.screen.buffer[row]
            for column in range(columns):
                cell = line[column]
                bits = sum(bit for name, bit in _STYLES.items() if getattr(cell, name))
                shown[row, column] = (ord(cell.data) | bits, self._number(cell.fg), self._number(cell.bg))
        return shown

    def _number(self, name: str) -> int:
        if name == "default":
            return PLAIN
        if self.depth == "16":
            return _SIXTEEN[name]
        return int(name, 16)


def as_shown(cells: Cells, depth: Depth) -> Cells:
    """What the emulator has to show of some cells: pyte knows no dim, and tells colours of the 256 by value."""
    colours = [reduced(cells[..., part], depth) for part in (1, 2)]
    if depth == "256":
        colours = [np.where(part == PLAIN, part, _TABLE[np.minimum(part, 255)]) for part in colours]
    known = np.uint32(CHARACTER | BOLD | ITALIC | UNDERLINE | REVERSE)
    return np.stack([cells[..., 0] & known, *colours], -1)
