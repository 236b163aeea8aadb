"""A terminal's screen as arrays: a character, its colour and that of its ground in every cell."""

import re
from collections.abc import Iterable
from functools import lru_cache
from unicodedata import normalize

import numpy as np
from numpy.typing import NDArray
from rich.cells import cell_len
from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from rich.terminal_theme import DEFAULT_TERMINAL_THEME

from inspector.live.colours import PLAIN

Cells = NDArray[np.uint32]
"""(rows, columns, 3): the character with its style, its colour, the colour of its ground; 0xRRGGBB or `PLAIN`."""

BOLD, DIM, ITALIC, UNDERLINE, REVERSE = STYLES = tuple(1 << bit for bit in range(24, 29))
CHARACTER = (1 << 21) - 1
"""The bits that hold the character itself."""

UPPER_HALF = "▀"

_LAST_SURE = "\uffff"
"""Of characters beyond it, emoji most of them, terminals do not agree how many cells they take."""

_OURS = re.compile("[ -~×·−…•─│┊▀-▟▸▹●◦←-↙]*").fullmatch
"""Finds texts of the characters that this package itself writes, for which no more needs to be looked up."""


def blank(rows: int, columns: int) -> Cells:
    """An empty screen."""
    cells = np.empty((rows, columns, 3), np.uint32)
    cells[:] = (ord(" "), PLAIN, PLAIN)
    return cells


def put_picture(cells: Cells, picture: NDArray[np.uint8]) -> None:
    """Draw a picture in place, two pixels a cell, one above the other.

    Args:
        cells: A part of the screen, (rows, columns, 3).
        picture: uint8 (2 * rows, columns, 3), RGB.
    """
    wide = picture.astype(np.uint32)
    packed = wide[..., 0] << 16 | wide[..., 1] << 8 | wide[..., 2]
    cells[..., 0], cells[..., 1], cells[..., 2] = ord(UPPER_HALF), packed[::2], packed[1::2]


def put_lines(cells: Cells, lines: Iterable[Iterable[Segment]]) -> None:
    """Draw what rich rendered in place; what does not fit is cut off.

    Args:
        cells: A part of the screen.
        lines: As `Console.render_lines` gives them.
    """
    for row, line in zip(cells, lines, strict=False):
        column = 0
        for segment in line:
            text = "" if segment.control else plain(segment.text)[: len(row) - column]
            part = row[column : column + len(text)]
            part[:] = _look(segment.style)
            part[:, 0] |= np.frombuffer(text.encode("utf-32-le"), "<u4")
            column += len(text)


def plain(text: str) -> str:
    """A text of as many cells as characters: `·` stands for what takes two, or none, or is a command."""
    return text if _OURS(text) else "".join(map(_shown, normalize("NFC", text)))


@lru_cache(maxsize=4096)
def _shown(character: str) -> str:
    """A character that takes exactly one cell in every terminal: names out of files hold others, and even commands."""
    is_sure = character.isprintable() and character <= _LAST_SURE and cell_len(character) == 1
    return character if is_sure else "·"


@lru_cache(maxsize=1024)
def _look(style: Style | None) -> tuple[int, int, int]:
    """The bits of a style, its colour and that of its ground."""
    if style is None:
        return 0, PLAIN, PLAIN
    set_bits = (style.bold, style.dim, style.italic, style.underline, style.reverse)
    bits = sum(bit for bit, is_set in zip(STYLES, set_bits, strict=True) if is_set)
    return bits, _packed(style.color), _packed(style.bgcolor)


def _packed(colour: Color | None) -> int:
    if colour is None or colour.is_default:
        return PLAIN
    red, green, blue = colour.get_truecolor(DEFAULT_TERMINAL_THEME)
    return red << 16 | green << 8 | blue
