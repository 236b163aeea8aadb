"""The fewest bytes that bring a terminal's screen from what it shows to what is meant.

A frame is one piece inside a synchronised update: cells that differ are overwritten, nothing is ever cleared, so
nothing flickers.
"""

import itertools
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from inspector.live.cells import CHARACTER, STYLES, Cells
from inspector.live.colours import Depth, reduced, sgr

BEGIN, END = "\x1b[?2026h", "\x1b[?2026l"
"""Synchronised update: a terminal that knows it shows a frame whole or not at all; others pass it by."""

NEAR = 4
"""So many unchanged cells between two changed ones are cheaper written again than stepped over."""

_PIECE = 40
"""Where not all can be written, cells in one run: so far a frame can be larger than it may."""

_CODES = dict(zip(STYLES, "12347", strict=True))


_UNKNOWN = np.uint32(0xFFFFFFFF)
"""In the place of a cell of which nothing is known: no cell that is meant looks like it."""

_STEPS = (64, 16, 0)
"""Where not all can be written, cells that differ by more than this (of 255) come first."""

_BYTES_EACH = 48
"""No cell takes more."""


class Painter:
    """Knows what a terminal shows, and writes what differs.

    Args:
        depth: How many colours it has.

    Attributes:
        is_done: Whether the terminal shows all that was meant, once what was painted has arrived.
    """

    def __init__(self, depth: Depth) -> None:
        self.depth = depth
        self.is_done = False
        self._shown: Cells = np.empty((0, 0, 3), np.uint32)
        self._first_row = 0

    def forget(self) -> None:
        """Take it that the terminal shows anything: after a resize, or when another program has written."""
        self._shown = np.full_like(self._shown, _UNKNOWN)

    def paint(self, cells: Cells, budget: int | None = None) -> bytes:
        """What brings the terminal to show these cells; nothing if it does already.

        Args:
            cells: The whole screen, (rows, columns, 3).
            budget: Bytes that it may take; what does not fit is left as it is shown, and what differs most goes first.
                One run of cells is written at least. None writes all.
        """
        meant = np.stack([cells[..., 0], *(reduced(cells[..., part], self.depth) for part in (1, 2))], -1)
        if self._shown.shape != meant.shape:
            self._shown, self._first_row = np.full_like(meant, _UNKNOWN), 0
        changed = (meant != self._shown).any(2)
        self.is_done = True
        if not changed.any():
            return b""
        if budget is None or _BYTES_EACH * np.count_nonzero(changed) <= budget:
            pieces = self._pieces(meant, [changed], None)
        else:
            size = _difference(meant, self._shown) if self.depth == "truecolor" else np.full(changed.shape, 255)
            pieces = self._pieces(meant, [changed & (size > step) for step in _STEPS], budget)
        return "".join([BEGIN, "\x1b[0m", *pieces, "\x1b[0m", END]).encode()

    def _pieces(self, meant: Cells, waves: Sequence[NDArray[np.bool_]], budget: int | None) -> list[str]:
        """What writes one wave of changed cells after the other, as far as the budget goes."""
        pieces: list[str] = []
        look: tuple[int, int, int] | None = None
        size = 0
        for wave in waves:
            rows = np.flatnonzero(wave.any(1))
            for row in np.roll(rows, -int(np.searchsorted(rows, self._first_row))).tolist():
                differs = np.flatnonzero(wave[row] & (meant[row] != self._shown[row]).any(1))
                for start, stop in _runs(differs, meant.shape[1] if budget is None else _PIECE):
                    if budget is not None and size > budget:
                        self._first_row, self.is_done = row, False  # each row has its turn
                        return pieces
                    begun = len(pieces)
                    pieces.append(f"\x1b[{row + 1};{start + 1}H")
                    look = self._write(meant[row, start:stop], look, pieces)
                    size += len("".join(pieces[begun:]).encode())
                    self._shown[row, start:stop] = meant[row, start:stop]
        self._first_row = 0
        return pieces

    def _write(self, run: Cells, look: tuple[int, int, int] | None, pieces: list[str]) -> tuple[int, int, int] | None:
        """Write neighbours; gives the look that was set last."""
        looks = run.copy()
        looks[:, 0] &= ~np.uint32(CHARACTER)
        text = (run[:, 0] & CHARACTER).astype("<u4").tobytes().decode("utf-32-le")
        starts = np.flatnonzero((looks[1:] != looks[:-1]).any(1)) + 1
        bounds = [0, *starts.tolist(), len(run)]
        for start, stop in itertools.pairwise(bounds):
            style, colour, ground = looks[start].tolist()
            pieces.append(self._change(look, (style, colour, ground)))
            pieces.append(text[start:stop])
            look = style, colour, ground
        return look

    def _change(self, before: tuple[int, int, int] | None, after: tuple[int, int, int]) -> str:
        """What sets a look, given the one that is set."""
        if before == after:
            return ""
        codes: list[str] = []
        if before is None or before[0] != after[0]:
            codes = ["0", *(code for bit, code in _CODES.items() if after[0] & bit)]
            before = None
        if before is None or before[1] != after[1]:
            codes.append(sgr(after[1], self.depth, ground=False))
        if before is None or before[2] != after[2]:
            codes.append(sgr(after[2], self.depth, ground=True))
        return f"\x1b[{';'.join(codes)}m"


def _runs(columns: NDArray[np.intp], longest: int) -> list[tuple[int, int]]:
    """First column and the one after the last of every run of cells to write, none longer than asked."""
    if not len(columns):
        return []
    breaks = np.flatnonzero(np.diff(columns) > NEAR) + 1
    firsts, lasts = columns[np.r_[0, breaks]].tolist(), (columns[np.r_[breaks - 1, len(columns) - 1]] + 1).tolist()
    return [
        (start, min(start + longest, last))
        for first, last in zip(firsts, lasts, strict=True)
        for start in range(first, last, longest)
    ]


def _difference(meant: Cells, shown: Cells) -> NDArray[np.int32]:
    """How much each cell differs: the most of its colours, 0 to 255; 256 if it is another character."""
    size = np.zeros(meant.shape[:2], np.int32)
    for shift in (0, 8, 16):
        one, other = (part[..., 1:].astype(np.int32) >> shift & 0xFF for part in (meant, shown))
        np.maximum(size, np.abs(one - other).max(2), out=size)
    other_kind = (meant[..., 0] != shown[..., 0]) | ((meant[..., 1:] ^ shown[..., 1:]) >> 24).any(2)
    size[other_kind] = 256
    return size
