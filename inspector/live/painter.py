"""The fewest bytes that bring a terminal's screen from what it shows to what is meant.

A frame is one piece inside a synchronised update: cells that differ are overwritten, nothing is ever cleared, so
nothing flickers.
"""

from collections.abc import Iterator
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from inspector.live.cells import CHARACTER, STYLES, Cells
from inspector.live.colours import PLAIN, Depth, reduced, sgr

BEGIN, END = "\x1b[?2026h", "\x1b[?2026l"
"""Synchronised update: a terminal that knows it shows a frame whole or not at all; others pass it by."""

NEAR = 4
"""So many unchanged cells between two changed ones are cheaper written again than stepped over."""

_CODES = dict(zip(STYLES, "12347", strict=True))

_UNKNOWN = np.uint32(0xFFFFFFFF)
"""In the place of a cell of which nothing is known: no cell that is meant looks like it."""

_BYTES_EACH, _MOST_BYTES_EACH, _MOVE_BYTES = 30, 48, 8
"""Of a cell among others, of any cell, and of going to another place."""

_BLOCKS = 0x2580, 0x259F
_TEXT, _BLOCK = 1 << 20, 128
"""What another letter or number counts for, and another block: a colour counts for how much it differs, of 255.

Text always goes first: half of a new number and half of the old one would be a wrong number.
"""


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
        self._waited = np.zeros((0, 0), np.int32)

    def forget(self) -> None:
        """Take it that the terminal shows anything: after a resize, or when another program has written."""
        self._shown = np.full_like(self._shown, _UNKNOWN)

    def paint(self, cells: Cells, budget: int | None = None) -> bytes:
        """What brings the terminal to show these cells; nothing if it does already.

        Args:
            cells: The whole screen, (rows, columns, 3).
            budget: Bytes that it may take, roughly. What does not fit is left as it is shown: cells that differ much
                and have waited long go first, and so every cell has its turn. None writes all.
        """
        meant = np.stack([cells[..., 0], *(reduced(cells[..., part], self.depth) for part in (1, 2))], -1)
        if self._shown.shape != meant.shape:
            self._shown, self._waited = np.full_like(meant, _UNKNOWN), np.zeros(meant.shape[:2], np.int32)
        changed = (meant != self._shown).any(2)
        count = int(np.count_nonzero(changed))
        self.is_done = budget is None or count * _MOST_BYTES_EACH <= budget
        if not count:
            return b""
        if not self.is_done and budget is not None:
            changed, waiting = self._most_urgent(meant, changed, budget // _BYTES_EACH), changed
            pieces, written = self._written(meant, changed, budget)
            self._waited[waiting & ~written] += 1
            self.is_done = not (waiting & ~written).any()
        else:
            pieces, written = self._written(meant, changed, None)
        self._waited[written] = 0
        return "".join([BEGIN, *pieces, "\x1b[0m", END]).encode()

    def _most_urgent(self, meant: Cells, changed: NDArray[np.bool_], count: int) -> NDArray[np.bool_]:
        """So many of the changed cells, one at least: by how much they differ, times how often they had to wait."""
        urgency = np.where(changed, _difference(meant, self._shown) * (1 + self._waited), 0).reshape(-1)
        least = max(urgency.size - max(count, 1), 0)
        chosen = np.zeros(changed.size, bool)
        chosen[np.argpartition(urgency, least)[least:]] = True
        return np.asarray(chosen.reshape(changed.shape) & changed)

    def _written(
        self, meant: Cells, changed: NDArray[np.bool_], budget: int | None
    ) -> tuple[list[str], NDArray[np.bool_]]:
        """What writes the changed cells, as far as the budget goes, and which cells those are."""
        columns = changed.shape[1]
        places, starts = _runs(np.flatnonzero(changed), columns)
        cells = meant.reshape(-1, 3)[places]
        pieces, size, end = list[str](), 0, len(places)
        for begin, place, starts_run, look, text in _segments(cells, places, starts):
            if budget is not None and size > budget:
                end = begin
                break
            if starts_run:
                pieces.append(f"\x1b[{place // columns + 1};{place % columns + 1}H")
            pieces += (_change(*look, self.depth), text)
            if budget is not None:
                size += len(pieces[-2]) + len(text.encode()) + _MOVE_BYTES
        self._shown.reshape(-1, 3)[places[:end]] = cells[:end]
        written = np.zeros(changed.size, bool)
        written[places[:end]] = True
        return pieces, written.reshape(changed.shape)


_Look = tuple[int | None, int | None, int | None]
"""Bits of the style, colour and colour of the ground; None for what is as it was before."""


@lru_cache(maxsize=1 << 16)
def _change(style: int | None, colour: int | None, ground: int | None, depth: Depth) -> str:
    """What sets a look. A new style begins with none of anything, colours included."""
    codes = [] if style is None else ["0", *(code for bit, code in _CODES.items() if style & bit)]
    for part, is_ground in ((colour, False), (ground, True)):
        if part is not None and not (style is not None and part == PLAIN):
            codes.append(sgr(part, depth, ground=is_ground))
    return f"\x1b[{';'.join(codes)}m" if codes else ""


def _segments(
    cells: Cells, places: NDArray[np.intp], starts: NDArray[np.bool_]
) -> Iterator[tuple[int, int, bool, _Look, str]]:
    """The cells to write, in pieces of one look each.

    Args:
        cells: Those cells, (count, 3).
        places: Where they are.
        starts: Which of them begin a run.

    Yields:
        Which of the cells is the first, where that is, whether a run begins there, the look, the characters.
    """
    looks = cells.astype(np.int64)
    looks[:, 0] &= ~np.int64(CHARACTER)
    text = (cells[:, 0] & CHARACTER).astype("<u4").tobytes().decode("utf-32-le")
    new = np.ones(cells.shape, bool)
    new[1:] = looks[1:] != looks[:-1]
    bounds = np.flatnonzero(starts | new.any(1))
    new[:, 1:] |= new[:, :1]  # a new style forgets the colours
    styles, colours, grounds = np.where(new[bounds], looks[bounds], -1).T.tolist()
    firsts = bounds.tolist()
    columns = (firsts, [*firsts[1:], len(cells)], places[bounds].tolist(), starts[bounds].tolist())
    for begin, end, place, starts_run, style, colour, ground in zip(*columns, styles, colours, grounds, strict=True):
        look = (None if style < 0 else style, None if colour < 0 else colour, None if ground < 0 else ground)
        yield begin, place, starts_run, look, text[begin:end]


def _runs(changed: NDArray[np.intp], columns: int) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Every cell to write, the few unchanged between changed ones included, and which of them begin a run.

    Args:
        changed: Places of the changed cells, ascending.
        columns: Of the screen.
    """
    step = np.diff(changed)
    breaks = (step > NEAR) | (np.diff(changed // columns) != 0)
    lengths = np.ones(len(changed), np.intp)
    lengths[:-1] = np.where(breaks, 1, step)
    ends = np.cumsum(lengths)
    places = np.arange(ends[-1]) + np.repeat(changed - (ends - lengths), lengths)
    starts = np.zeros(len(places), bool)
    starts[(ends - lengths)[np.r_[True, breaks]]] = True
    return places, starts


def _difference(meant: Cells, shown: Cells) -> NDArray[np.int64]:
    """How much each cell differs: the most of its colours, 0 to 255; or what another character counts for.

    In depths of few colours any other colour is another number, which says little of how much it differs.
    """
    size = np.zeros(meant.shape[:2], np.int64)
    for shift in (0, 8, 16):
        one, other = (part[..., 1:].astype(np.int32) >> shift & 0xFF for part in (meant, shown))
        np.maximum(size, np.abs(one - other).max(2), out=size)
    character = meant[..., 0] & CHARACTER
    is_block = (character >= _BLOCKS[0]) & (character <= _BLOCKS[1])
    other_kind = (meant[..., 0] != shown[..., 0]) | ((meant[..., 1:] ^ shown[..., 1:]) >> 24).any(2)
    size[other_kind] = np.where(is_block, _BLOCK, _TEXT)[other_kind]
    return size
