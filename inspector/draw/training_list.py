"""The list beside the strip: of every region its name, its share at one checkpoint, and a bar with its null lines."""

import numpy as np
from numpy.typing import NDArray

from inspector.draw.layout import Rect
from inspector.draw.palette import BRIGHT, FAINT, GROUND, QUIET, TRACK, Colour
from inspector.draw.text import SMALL, Type, shorten, width, write, write_centred
from inspector.draw.training import TrainingFacts

Picture = NDArray[np.uint8]

_NAME, _PERCENT, _END = 106, 60, 50
"""Columns of the name, of the share, and of the share that a bar ends at."""
_ROW = 22
_WORDS = 20
"""Row of the panel that the words above the list stand on."""


class RegionList:
    """Draws the list: what stands still once, the bars of a checkpoint each time.

    Args:
        facts: What it shows.
        colours: Of the regions.
        place: Where it stands on the panel.
    """

    def __init__(self, facts: TrainingFacts, colours: tuple[Colour, ...], place: Rect) -> None:
        self._facts, self._colours, self._place = facts, colours, place
        self._row = min(_ROW, place.height // max(len(facts.names), 1))
        self._type = Type(min(SMALL.size, max(self._row - 1, 8)))
        ends = (facts.share, facts.high, facts.area, facts.random)
        most = np.nanmax(np.concatenate([np.atleast_2d(values) for values in ends]), axis=0)
        self._most = [_round_up(float(share)) for share in np.nan_to_num(most)]

    def draw_still(self, panel: Picture) -> None:
        """Names, the ground of the bars, and what the marks on them mean."""
        for number, name in enumerate(self._facts.names):
            rect = self._rect(number)
            middle = rect.y + rect.height // 2
            size = min(9, rect.height - 4)
            panel[middle - size // 2 : middle - size // 2 + size, rect.x : rect.x + size] = self._colours[number]
            text = shorten(name.replace("_", " "), _NAME - 22, self._type)
            write_centred(panel, text, rect.x + 16, middle, QUIET, self._type)
            left, right, half = self._bar_ends(number)
            panel[middle - half : middle + half + 1, left:right] = TRACK
            end = f"{100 * self._most[number]:.3g} %"
            write_centred(panel, end, rect.x + rect.width, middle, FAINT, self._type, "right")
        self._draw_words(panel)

    def draw(self, panel: Picture, checkpoint: int) -> None:
        """Bars and numbers of a checkpoint."""
        for number, colour in enumerate(self._colours):
            self._draw_bar(panel, number, checkpoint, colour)

    def _draw_bar(self, panel: Picture, number: int, checkpoint: int, colour: Colour) -> None:
        facts, rect = self._facts, self._rect(number)
        middle = rect.y + rect.height // 2
        left, _, half = self._bar_ends(number)
        share = float(facts.share[checkpoint, number])
        if np.isfinite(share):
            panel[middle - half : middle + half + 1, left : self._column(number, share) + 1] = colour
        for null, dashed in ((facts.area[number], False), (facts.random[number], True)):
            _null(panel, self._column(number, float(null)), middle, half + 2, dashed=dashed)
        low, high = float(facts.low[checkpoint, number]), float(facts.high[checkpoint, number])
        if np.isfinite((low, high)).all():
            _whisker(panel, self._column(number, low), self._column(number, high), middle)
        text = f"{100 * share:.{2 if 0 < share < 0.001 else 1}f} %" if np.isfinite(share) else "n/a"
        write_centred(panel, text, left - 10, middle, BRIGHT, self._type, "right")

    def _draw_words(self, panel: Picture) -> None:
        """What the marks on the bars mean."""
        right = self._place.x + self._place.width
        for text, mark in (("untrained networks", "dashed"), ("area", "dotted"), ("95 % interval", "interval")):
            x = right - width(text, SMALL)
            write(panel, text, x, _WORDS, FAINT, SMALL)
            if mark == "interval":
                _whisker(panel, x - 24, x - 8, _WORDS - 5)
            else:
                _null(panel, x - 8, _WORDS - 5, 6, dashed=mark == "dashed")
            right = x - 24
        foot = self._place.y + self._place.height + 20
        write(panel, "each bar on a scale of its own", self._place.x + self._place.width, foot, FAINT, SMALL, "right")

    def _rect(self, number: int) -> Rect:
        """Row of a region; the last name stands on top, as in the areas."""
        count, place = len(self._facts.names), self._place
        top = place.y + (place.height - count * self._row) // 2
        return Rect(place.x, top + (count - 1 - number) * self._row, place.width, self._row)

    def _bar_ends(self, number: int) -> tuple[int, int, int]:
        """Columns where a bar begins and ends, and half of its height."""
        rect = self._rect(number)
        return rect.x + _NAME + _PERCENT, rect.x + rect.width - _END, max(1, min(4, rect.height // 2 - 3))

    def _column(self, number: int, share: float) -> int:
        """Column of a share on a bar; each has its own scale, since a ball's share is a hundredth of the wall's."""
        left, right, _ = self._bar_ends(number)
        most = self._most[number]
        return left + round((right - 1 - left) * min(max(share, 0.0), most) / most)


def _round_up(share: float) -> float:
    """The next share with one or two digits that a person reads at a glance; of nothing, 1 per cent."""
    if share <= 0:
        return 0.01
    power = 10.0 ** np.floor(np.log10(share))
    return float(power * next(step for step in (1, 1.5, 2, 3, 4, 5, 6, 8, 10) if step * power >= share * (1 - 1e-9)))


def _whisker(panel: Picture, left: int, right: int, y: int) -> None:
    panel[y - 1 : y + 2, left : right + 1] = GROUND
    panel[y, left : right + 1] = BRIGHT
    for x in (left, right):
        panel[y - 2 : y + 3, x] = BRIGHT


def _null(panel: Picture, x: int, y: int, half: int, *, dashed: bool) -> None:
    """An upright line: dotted for the area, dashed for untrained networks."""
    on, period = (4, 6) if dashed else (1, 3)
    for row in range(2 * half + 1):
        if row % period < on:
            panel[y - half + row, x - 1 : x + 1] = BRIGHT if dashed else QUIET
