"""One bar an action: the probabilities of a policy, or the Q-values of a Q-network about their own zero."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from inspector.draw.layout import PANEL_PAD, PANEL_TITLE
from inspector.draw.palette import ACCENT, BAR, BRIGHT, FAINT, PANEL, QUIET, TRACK, Colour, mix
from inspector.draw.text import SMALL, Type, capital_height, number, shorten, width, write, write_centred

Picture = NDArray[np.uint8]

_TALLEST_ROW = 72
_LEAST_OPEN_ROW = 30
_EXPLAINED = "explained"


def probabilities(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    """Turn a policy's logits into probabilities that sum to 1; NaN where they cannot be had."""
    with np.errstate(invalid="ignore"):
        shifted = np.exp(logits.astype(np.float64) - np.max(logits))
        return np.asarray(shifted / shifted.sum())


class BarRange:
    """The range of the bars of Q-values: holds zero, widens at once and narrows slowly, so that bars do not jump."""

    def __init__(self, narrowing: float = 0.01):
        self.low, self.high = 0.0, 0.0
        self._narrowing = narrowing

    def update(self, values: NDArray[np.floating]) -> tuple[float, float]:
        """Take one more decision's values into account and return the range (low at most 0, high at least 0)."""
        finite = values[np.isfinite(values)]
        if finite.size:
            low, high = min(0.0, float(finite.min())), max(0.0, float(finite.max()))
            self.low = min(low, self.low + self._narrowing * (low - self.low))
            self.high = max(high, self.high + self._narrowing * (high - self.high))
        return self.low, self.high


def decimals(bounds: tuple[float, float]) -> int:
    """Decimals of Q-values within these bounds, the same for all, so that figures do not jump."""
    largest = max(abs(bounds[0]), abs(bounds[1]))
    return 2 if largest < 100 else 1 if largest < 1000 else 0


def draw_bars(
    panel: Picture,
    names: Sequence[str],
    values: NDArray[np.floating],
    *,
    bounds: tuple[float, float],
    unit: str,
    taken: int,
    explained: int | None = None,
    heading: str = "action",
) -> None:
    """Draw a panel of bars in place.

    Args:
        panel: The panel's part of the page, uint8 (height, width, 3), empty.
        names: Name of each action.
        values: Probability or Q-value of each.
        bounds: Values at the left and right end of a bar; zero lies between or at an end.
        unit: What the values are, as `probability`; stands over them.
        taken: Index of the action taken: the one in the accent's colour.
        explained: Index of the action whose score is explained, where that is not the one taken; else None. It is
            marked as explained.
        heading: What the names are of; stands over them.
    """
    right = panel.shape[1] - PANEL_PAD
    write(panel, heading, PANEL_PAD, 25, QUIET)
    write(panel, unit, right, 25, QUIET, align="right")
    places = decimals(bounds)
    for index, (top, row) in enumerate(_rows(panel.shape[0], len(names))):
        view = panel[top : top + row, PANEL_PAD:right]
        is_taken = index == taken
        figure = number(float(values[index]), places)
        colour = ACCENT if is_taken else QUIET if index == explained else BAR
        _draw_bar(view, float(values[index]), bounds, colour)
        _write_row(view, names[index], figure, taken=is_taken, explained=index == explained)


def _rows(height: int, count: int) -> list[tuple[int, int]]:
    row = min(_TALLEST_ROW, (height - PANEL_TITLE - PANEL_PAD) // count)
    return [(PANEL_TITLE + 2 + index * row, row) for index in range(count)]


def _is_dense(row: int) -> bool:
    return row < _LEAST_OPEN_ROW


def _type(row: int, *, strong: bool) -> Type:
    size = 14 if _is_dense(row) else min(18, round(0.42 * row + 4))
    return Type(size, 600 if strong else 400)


def _lines(row: int) -> tuple[float, int, int]:
    """Middle of the text, and top and bottom of its bar: beneath it as one block, or behind it where rows are dense."""
    if _is_dense(row):
        return row / 2 - 1, 0, row - 2
    text, thickness = capital_height(_type(row, strong=True)), min(8, round(0.16 * row))
    top = (row - text - thickness) / 2 - 4
    bar = round(top + text) + 9
    return top + text / 2, bar, bar + thickness


def _write_row(row: Picture, name: str, figure: str, *, taken: bool, explained: bool) -> None:
    height, right = row.shape[:2]
    style, middle = _type(height, strong=taken), _lines(height)[0]
    margin = 6 if _is_dense(height) else 0
    room = right - 2 * margin - width("0" * (len(figure) + 1), style)
    shown = shorten(name, room, style)
    colour = BRIGHT if taken or explained else QUIET
    write_centred(row, shown, margin, middle, ACCENT if taken else colour, style)
    write_centred(row, figure, right - margin, middle, colour, style, "right")
    if explained and room - width(shown, style) > width(_EXPLAINED, SMALL) + 8:
        write_centred(row, _EXPLAINED, margin + width(shown, style) + 8, middle, FAINT, SMALL)


def _draw_bar(row: Picture, value: float, bounds: tuple[float, float], colour: Colour) -> None:
    height, right = row.shape[:2]
    low, high = bounds
    _, top, bottom = _lines(height)
    row[top:bottom] = mix(PANEL, TRACK, 0.4) if _is_dense(height) else TRACK
    if not np.isfinite(value) or high <= low:
        return
    zero, end = (round(right * (min(max(at, low), high) - low) / (high - low)) for at in (0.0, value))
    left, right_end = min(zero, end), max(zero, end)
    row[top:bottom, left:right_end] = mix(PANEL, colour, 0.3) if _is_dense(height) else colour
    if _is_dense(height):
        row[bottom - 2 : bottom, left:right_end] = colour
    if low < 0:
        over = 0 if _is_dense(height) else 2
        row[top - over : bottom + over, min(zero, right - 1)] = FAINT if _is_dense(height) else QUIET
