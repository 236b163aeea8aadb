"""The fewest bytes that bring a terminal's screen from what it shows to what is meant.

A frame is one piece inside a synchronised update: cells that differ are overwritten, nothing is ever cleared, so
nothing flickers.
"""

import itertools
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from inspector.live.cells import CHARACTER, STYLES, Cells
from inspector.live.colours import Depth, reduced, sgr

BEGIN, END = "\x1b[?2026h", "\x1b[?2026l"
"""Synchronised update: a terminal that knows it shows a frame whole or not at all; others pass it by."""

NEAR = 4
"""So many unchanged cells between two changed ones are cheaper written again than stepped over."""

_CODES = dict(zip(STYLES, "12347", strict=True))

_UNKNOWN = np.uint32(0xFFFFFFFF)
"""In the place of a cell of which nothing is known: no cell that is meant looks like it."""

_WAVES = (256, 64, 16, 0)
"""Where not all can be written, cells that differ by more than 64 (of 255) come first, then those by more than 16."""

_MOVE_BYTES = 8
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
            pieces, _ = self._written(meant, changed, None)
        else:
            pieces = self._written_in_waves(meant, changed, budget)
        return "".join([BEGIN, *pieces, "\x1b[0m", END]).encode()

    def _written_in_waves(self, meant: Cells, changed: NDArray[np.bool_], budget: int) -> list[str]:
        """What writes as much as the budget takes: what differs most before what differs less."""
        size = _difference(meant, self._shown) if self.depth == "truecolor" else np.full(changed.shape, 255)
        pieces: list[str] = []
        for most, least in itertools.pairwise(_WAVES):
            more, size_of_more = self._written(meant, changed & (size > least) & (size <= most), budget)
            pieces += more
            budget -= size_of_more
            if not self.is_done:
                return pieces
        self._first_row = 0
        return pieces

    def _written(self, meant: Cells, changed: NDArray[np.bool_], budget: int | None) -> tuple[list[str], int]:
        """What writes the changed cells, from `_first_row` on and round, as far as the budget goes; and its size."""
        rows, columns = meant.shape[:2]
        order = np.flatnonzero(np.roll(changed, -self._first_row, axis=0))
        if not len(order):
            return [], 0
        places, starts = _runs((order + self._first_row * columns) % (rows * columns), columns)
        cells = meant.reshape(-1, 3)[places]
        pieces, size, end = list[str](), 0, len(places)
        for one in _segments(cells, places, starts):
            if budget is not None and size > budget:
                self._first_row, self.is_done, end = one.place // columns, False, one.begin
                break
            if one.starts_run:
                pieces.append(f"\x1b[{one.place // columns + 1};{one.place % columns + 1}H")
            pieces.append(self._change(one) + one.text)
            size += len(pieces[-1].encode()) + _MOVE_BYTES
        self._shown.reshape(-1, 3)[places[:end]] = cells[:end]
        return pieces, size

    def _change(self, to: "_Segment") -> str:
        """What sets a look; where the style is new, all of it, for a new style begins with none."""
        codes = ["0", *(code for bit, code in _CODES.items() if to.style & bit)] if to.new_style else []
        if to.new_colour or to.new_style:
            codes.append(sgr(to.colour, self.depth, ground=False))
        if to.new_ground or to.new_style:
            codes.append(sgr(to.ground, self.depth, ground=True))
        return f"\x1b[{';'.join(codes)}m" if codes else ""


class _Segment(NamedTuple):
    """Neighbours of one look.

    Attributes:
        begin: Which of the cells to write is its first.
        place: Where that is on the screen.
        starts_run: Whether the cursor has to be moved there.
        style: Bits of its style.
        colour: Its colour.
        ground: The colour of its ground.
        new_style: Whether its style is another than that before it; the same for its colours.
        new_colour: Likewise.
        new_ground: Likewise.
        text: Its characters.
    """

    begin: int
    place: int
    starts_run: bool
    style: int
    colour: int
    ground: int
    new_style: bool
    new_colour: bool
    new_ground: bool
    text: str


def _segments(cells: Cells, places: NDArray[np.intp], starts: NDArray[np.bool_]) -> Iterator[_Segment]:
    """The cells to write, in pieces of one look each.

    Args:
        cells: Those cells, (count, 3).
        places: Where they are.
        starts: Which of them begin a run.
    """
    looks = cells.copy()
    looks[:, 0] &= ~np.uint32(CHARACTER)
    text = (cells[:, 0] & CHARACTER).astype("<u4").tobytes().decode("utf-32-le")
    new = np.ones(cells.shape, bool)
    new[1:] = looks[1:] != looks[:-1]
    bounds = np.flatnonzero(starts | new.any(1))
    firsts = bounds.tolist()
    facts = zip(
        firsts,
        [*firsts[1:], len(cells)],
        places[bounds].tolist(),
        starts[bounds].tolist(),
        looks[bounds].tolist(),
        new[bounds].tolist(),
        strict=True,
    )
    for begin, end, place, starts_run, (style, colour, ground), (style_is, colour_is, ground_is) in facts:
        part = text[begin:end]
        yield _Segment(begin, place, starts_run, style, colour, ground, style_is, colour_is, ground_is, part)


def _runs(changed: NDArray[np.intp], columns: int) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Every cell to write, the few unchanged between changed ones included, and which of them begin a run.

    Args:
        changed: Places of the changed cells, row by row; rows ascend but for one jump back to the first.
        columns: Of the screen.
    """
    step = np.diff(changed)
    breaks = (step > NEAR) | (step < 0) | (np.diff(changed // columns) != 0)
    lengths = np.ones(len(changed), np.intp)
    lengths[:-1] = np.where(breaks, 1, step)
    ends = np.cumsum(lengths)
    places = np.arange(ends[-1]) + np.repeat(changed - (ends - lengths), lengths)
    starts = np.zeros(len(places), bool)
    starts[(ends - lengths)[np.r_[True, breaks]]] = True
    return places, starts


def _difference(meant: Cells, shown: Cells) -> NDArray[np.int32]:
    """How much each cell differs: the most of its colours, 0 to 255; 256 if it is another character."""
    size = np.zeros(meant.shape[:2], np.int32)
    for shift in (0, 8, 16):
        one, other = (part[..., 1:].astype(np.int32) >> shift & 0xFF for part in (meant, shown))
        np.maximum(size, np.abs(one - other).max(2), out=size)
    other_kind = (meant[..., 0] != shown[..., 0]) | ((meant[..., 1:] ^ shown[..., 1:]) >> 24).any(2)
    size[other_kind] = 256
    return size
