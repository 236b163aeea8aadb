"""Where in the clip the relevance lies: a bar for every position, and a line where all would be alike."""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from inspector.draw.clip_columns import round_step
from inspector.draw.layout import PANEL_PAD
from inspector.draw.moment import Measure
from inspector.draw.palette import BRIGHT, FAINT, GROUND, QUIET, frame_colours
from inspector.draw.text import SMALL, number, width, write, write_centred

Picture = NDArray[np.uint8]

_TOP, _FOOT, _GUTTER = 58, 32, 44
_KEY = 14


class PositionsPanel:
    """Draws the panel of the positions.

    Args:
        height: Rows of the panel.
        width: Columns of the panel.
        frames: Frames of a clip.
        measure: What maps hold.
    """

    def __init__(self, height: int, width: int, frames: int, measure: Measure = "relevance"):
        self._frames = frames
        self._measured = "|relevance|" if measure == "relevance" else measure
        self._left, self._bottom = PANEL_PAD + _GUTTER, height - _FOOT
        self._height, self._room = height - _TOP - _FOOT, width - 2 * PANEL_PAD - _GUTTER
        self._reach = 0.0

    def draw_still(self, panel: Picture) -> None:
        """Draw in place what never changes."""
        right = self._left + self._room
        write(panel, f"share of {self._measured}", PANEL_PAD, 25, QUIET)
        write(panel, "by position in the clip", PANEL_PAD, 45, FAINT, SMALL)
        self._draw_key(panel, right)
        panel[_TOP : self._bottom, self._left : right] = GROUND
        write_centred(panel, "0", self._left - 8, self._bottom - 6, FAINT, SMALL, "right")
        write(panel, "0", self._left, self._bottom + 18, FAINT, SMALL)
        write(panel, "mean so far", self._left + self._room / 2, self._bottom + 18, FAINT, SMALL, "centre")
        if self._frames > 1:
            write(panel, str(self._frames - 1), right, self._bottom + 18, FAINT, SMALL, "right")

    def draw(self, panel: Picture, positions: NDArray[np.floating] | None) -> None:
        """Draw in place all that changes, on a panel that holds what `draw_still` drew.

        Args:
            panel: The panel's part of the page, uint8 (height, width, 3).
            positions: Share of each position, (frames,); None or what is not finite shows none.
        """
        if positions is None or not np.isfinite(positions).all():
            return
        reach = self._reached(float(positions.max()))
        write_centred(panel, f"{100 * reach:.4g} %", self._left - 8, _TOP + 6, FAINT, SMALL, "right")
        plot = panel[_TOP : self._bottom, self._left : self._left + self._room]
        heights = np.rint(self._height * np.minimum(positions / reach, 1)).astype(int)
        for (left, right), tall in zip(self._bars(), heights.tolist(), strict=True):
            plot[self._height - tall :, left:right] = frame_colours(1)[0]
        even = round(self._height * (1 - 1 / (self._frames * reach)))
        plot[min(max(even, 0), self._height - 1)] = BRIGHT

    def _reached(self, largest: float) -> float:
        """The share at the top: a round one, at least twice the even one, held for as long as it fits well."""
        needed = max(largest, min(1.0, 2 / self._frames))
        if not 0.45 * self._reach < needed <= self._reach:
            self._reach = min(1.0, round_step(1.1 * needed))
        return self._reach

    def _bars(self) -> list[tuple[int, int]]:
        edges = np.rint(np.linspace(0, self._room, self._frames + 1)).astype(int).tolist()
        gap = 2 if self._room / self._frames >= 6 else 1 if self._room / self._frames >= 3 else 0
        return [(left, max(left + 1, right - gap)) for left, right in pairwise(edges)]

    def _draw_key(self, panel: Picture, right: int) -> None:
        even = 100 / self._frames
        text = f"even: {number(even, 1 if even < 20 else 0)} %"
        write(panel, text, right, 45, FAINT, SMALL, "right")
        x = right - width(text, SMALL) - 6
        panel[40:41, x - _KEY : x] = BRIGHT
