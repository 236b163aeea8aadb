"""The fewest bytes that bring a terminal's screen from what it shows to what is meant.

A frame is one piece inside a synchronised update: cells that differ are overwritten, nothing is ever cleared, so
nothing flickers.
"""

import itertools

import numpy as np
from numpy.typing import NDArray

from inspector.live.cells import CHARACTER, STYLES, Cells
from inspector.live.colours import Depth, reduced, sgr

BEGIN, END = "\x1b[?2026h", "\x1b[?2026l"
"""Synchronised update: a terminal that knows it shows a frame whole or not at all; others pass it by."""

NEAR = 4
"""So many unchanged cells between two changed ones are cheaper written again than stepped over."""

_CODES = dict(zip(STYLES, "12347", strict=True))


class Painter:
    """Knows what a terminal shows, and writes what differs.

    Args:
        depth: How many colours it has.
    """

    def __init__(self, depth: Depth) -> None:
        self.depth = depth
        self._shown: Cells | None = None

    def forget(self) -> None:
        """Take it that the terminal shows anything: after a resize, or when another program has written."""
        self._shown = None

    def paint(self, cells: Cells) -> bytes:
        """What brings the terminal to show these cells; nothing if it does already.

        Args:
            cells: The whole screen, (rows, columns, 3); kept, and not changed.
        """
        meant = np.stack([cells[..., 0], *(reduced(cells[..., part], self.depth) for part in (1, 2))], -1)
        before, self._shown = self._shown, meant
        if before is None or before.shape != meant.shape:
            changed = np.ones(meant.shape[:2], bool)
        else:
            changed = (meant != before).any(2)
        if not changed.any():
            return b""
        pieces = [BEGIN, "\x1b[0m"]
        look: tuple[int, int, int] | None = None
        for row in np.flatnonzero(changed.any(1)).tolist():
            for start, stop in _runs(np.flatnonzero(changed[row])):
                pieces.append(f"\x1b[{row + 1};{start + 1}H")
                look = self._write(meant[row, start:stop], look, pieces)
        pieces += ["\x1b[0m", END]
        return "".join(pieces).encode()

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


def _runs(columns: NDArray[np.intp]) -> list[tuple[int, int]]:
    """First column and the one after the last of every run of cells to write."""
    breaks = np.flatnonzero(np.diff(columns) > NEAR) + 1
    firsts, lasts = columns[np.r_[0, breaks]], columns[np.r_[breaks - 1, len(columns) - 1]]
    return list(zip(firsts.tolist(), (lasts + 1).tolist(), strict=True))
