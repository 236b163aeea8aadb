"""The strip under the picture: the last seconds of shares, score, rewards and lost lives; now is at its right edge."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from inspector.draw.layout import PANEL_PAD
from inspector.draw.palette import BRIGHT, FAINT, GROUND, HAIRLINE, QUIET, Colour
from inspector.draw.text import MINUS, SMALL, Align, number, shorten, width, write, write_centred

Picture = NDArray[np.uint8]

WINDOW_SECONDS = 15.0
_GUTTER = 52
_TITLE = 26
_LANE = 14
_FOOT = 22
_LEAST_STRIP = 24
_WIDE = 620
_LINE: Colour = (188, 197, 209)


@dataclass(frozen=True, slots=True, eq=False)
class Point:
    """What one decision adds to the timeline.

    Attributes:
        tracked: The score or value that the line follows; a gap where it is not finite.
        shares: Share of each series, summing to 1; None leaves a gap.
        reward: Reward that the action brought; 0 for none.
        life_lost: The action cost a life.
        game_begins: It is the first decision of a game.
    """

    tracked: float
    shares: NDArray[np.floating] | None
    reward: float
    life_lost: bool
    game_begins: bool


class Timeline:
    """Draws the timeline and remembers what it shows.

    Args:
        height: Rows of its panel.
        width: Columns of its panel.
        decisions_per_second: How many points make a second of play.
        line_name: What the line follows.
        series_title: What the stacked areas are shares of; or, where there are none, a line that says why.
        series: Name and colour of each area, bottom first; none leaves the areas out.
    """

    def __init__(
        self,
        height: int,
        width: int,
        decisions_per_second: float,
        line_name: str,
        series_title: str = "",
        series: Sequence[tuple[str, Colour]] = (),
    ):
        self._rate, self._title = decisions_per_second, series_title
        room = width - 2 * PANEL_PAD - _GUTTER
        self._line_name = shorten(line_name, room // 2, SMALL)
        self.stride = max(1, round(room / (WINDOW_SECONDS * decisions_per_second)))
        self._columns = room // self.stride * self.stride
        self._left = width - PANEL_PAD - self._columns
        self._points: deque[Point] = deque(maxlen=self._columns // self.stride)
        plots = height - 2 * _TITLE - _LANE - _FOOT
        self._series = tuple(series) if plots >= 2 * _LEAST_STRIP else ()
        areas = plots // 2 if self._series else 0
        self._areas = np.full((areas, self._columns, 3), GROUND, np.uint8)
        self._range = _AxisRange()
        self._is_titled = bool(self._series or (series_title and not series and plots >= _LEAST_STRIP))
        self._line_top = _TITLE + areas + _TITLE if self._is_titled else _TITLE
        self._has_own_legend_row = room < _WIDE
        below = _FOOT + (_TITLE if self._has_own_legend_row else 0)
        self._line_height = height - self._line_top - _LANE - below

    def push(self, point: Point) -> None:
        """Add one decision at the right edge; the oldest leaves at the left."""
        before = self._points[-1].shares if self._points else None
        self._points.append(point)
        if not self._series:
            return
        self._areas[:, : -self.stride] = self._areas[:, self.stride :]
        new = self._areas[:, -self.stride :]
        new[:] = GROUND
        if point.shares is not None and np.isfinite(point.shares).all():
            begin = point.shares if before is None or point.game_begins else before
            new[:] = self._stack(np.asarray(begin), np.asarray(point.shares))

    def draw_still(self, panel: Picture) -> None:
        """Draw in place what never changes: titles, legends, the ground of the plots and the seconds."""
        right, top = self._left + self._columns, self._line_top
        if self._is_titled:
            write(panel, self._title, self._left, _TITLE - 8, QUIET, SMALL)
        if self._series:
            panel[_TITLE : _TITLE + len(self._areas), self._left : right] = GROUND
            self._draw_legend(panel)
            self._axis(panel, _TITLE, _TITLE + len(self._areas), ("100 %", "0"))
        write(panel, self._line_name, self._left, top - 8, QUIET, SMALL)
        middle = len(panel) - 14 if self._has_own_legend_row else top - 13
        self._draw_marks_legend(panel, right, middle)
        panel[top : top + self._line_height + _LANE, self._left : right] = GROUND
        self._draw_seconds(panel, top + self._line_height + _LANE)

    def draw(self, panel: Picture) -> None:
        """Draw all that moves, in place, on a panel that holds what `draw_still` drew."""
        plots = panel[:, self._left : self._left + self._columns]
        if self._series:
            plots[_TITLE : _TITLE + len(self._areas)] = self._areas
        top, bottom = self._line_top, self._line_top + self._line_height
        low, high = self._range.update([point.tracked for point in self._points])
        self._axis(panel, top, bottom, (_tick(high, high - low), _tick(low, high - low)))
        now = self._points[-1].tracked if self._points else np.nan
        write(plots, number(now), width(self._line_name, SMALL) + 10, top - 8, BRIGHT, SMALL)
        self._draw_line(plots[top : bottom + _LANE], low, high)

    def _stack(self, begin: NDArray[np.floating], end: NDArray[np.floating]) -> Picture:
        height = len(self._areas)
        way = (np.arange(self.stride) + 1) / self.stride
        shares = begin[:, None] * (1 - way) + end[:, None] * way
        edges = np.cumsum(np.concatenate([np.zeros((1, self.stride)), shares]), axis=0) * height
        floor = np.arange(height - 1, -1, -1)[None, :, None]
        filled = np.clip(edges[:, None, :] - floor, 0, 1)
        cover = np.diff(filled, axis=0)
        colours = np.array([colour for _, colour in self._series], np.float64)
        blended = np.einsum("shw,sc->hwc", cover, colours)
        blended += (1 - cover.sum(axis=0))[..., None] * np.asarray(GROUND)
        return np.asarray(np.rint(blended), np.uint8)

    def _draw_legend(self, panel: Picture) -> None:
        x, least = self._left + self._columns, self._left + width(self._title, SMALL) + 24
        for name, colour in reversed(self._series):
            x -= width(name, SMALL)
            if x - 13 < least:
                break
            write(panel, name, x, _TITLE - 8, FAINT, SMALL)
            x -= 13
            panel[_TITLE - 17 : _TITLE - 9, x : x + 8] = colour
            x -= 14

    def _draw_marks_legend(self, panel: Picture, right: int, middle: int) -> None:
        x = right
        for name, draw in (("life lost", _cross), ("negative reward", _ring), ("reward", _dot)):
            x -= width(name, SMALL)
            write_centred(panel, name, x, middle, FAINT, SMALL)
            draw(panel, x - 10, middle)
            x -= 32

    def _axis(self, panel: Picture, top: int, bottom: int, ends: tuple[str, str]) -> None:
        for y, text in zip((top, bottom), ends, strict=True):
            middle = y + (6 if y == top else -6)
            write_centred(panel, text, self._left - 8, middle, FAINT, SMALL, "right")

    def _draw_line(self, plot: Picture, low: float, high: float) -> None:
        height = len(plot) - _LANE
        count = len(self._points)
        x = self._columns - 1 - self.stride * np.arange(count - 1, -1, -1)
        if low < 0 < high:
            plot[round((height - 1) * high / (high - low))] = HAIRLINE
        lane = height + _LANE // 2 - 1
        for at, point in zip(x.tolist(), self._points, strict=True):
            if point.game_begins or point.life_lost:
                plot[:, max(0, at)] = HAIRLINE
        values = np.array([point.tracked for point in self._points])
        y = 2 + (height - 5) * np.clip((high - values) / (high - low), 0, 1)
        for piece in _pieces(values, [point.game_begins for point in self._points]):
            dots = np.stack([x[piece], y[piece]], axis=1)
            cv2.polylines(plot, [np.rint(dots * 16).astype(np.int32)], False, _LINE, 2, cv2.LINE_AA, 4)
        for at, point in zip(x.tolist(), self._points, strict=True):
            if point.life_lost:
                _cross(plot, at, lane)
            elif point.reward:
                (_dot if point.reward > 0 else _ring)(plot, at, lane)

    def _draw_seconds(self, panel: Picture, top: int) -> None:
        right = self._left + self._columns
        write(panel, "now", right, top + 16, FAINT, SMALL, "right")
        second = self.stride * self._rate
        step = 5 if 5 * second < self._columns else 1
        for ago in range(step, int(self._columns / second) + 1, step):
            x = round(right - ago * second)
            align: Align = "left" if x - self._left < 24 else "centre"
            panel[top : top + 4, min(max(x, self._left), right - 1)] = FAINT
            write(panel, f"{MINUS}{ago} s", x, top + 16, FAINT, SMALL, align)


def _pieces(values: NDArray[np.float64], begins: Sequence[bool]) -> list[slice]:
    pieces, start = [], 0
    for index in range(len(values) + 1):
        ends = index == len(values) or begins[index] or not np.isfinite(values[index])
        if ends and index > start:
            pieces.append(slice(start, index))
        if ends:
            start = index if index < len(values) and np.isfinite(values[index]) else index + 1
    return pieces


class _AxisRange:
    """The range of the line: round numbers, held for as long as the line fits them well.

    A few values far from the others do not flatten the line: they run along the edge instead.
    """

    def __init__(self) -> None:
        self._low, self._high = np.inf, -np.inf

    def update(self, values: Sequence[float]) -> tuple[float, float]:
        finite = np.array([value for value in values if np.isfinite(value)] or [0.0, 1.0])
        low, high = _usual_range(finite)
        held = self._low <= low and high <= self._high
        if not held or high - low < 0.6 * (self._high - self._low):
            self._low, self._high = _round_range(low, high)
        return self._low, self._high


def _usual_range(values: NDArray[np.float64]) -> tuple[float, float]:
    low, high = float(values.min()), float(values.max())
    usual_low, usual_high = (float(edge) for edge in np.quantile(values, (0.05, 0.95)))
    beyond = max(usual_high - usual_low, 0.2 * (high - low))
    return max(low, usual_low - beyond), min(high, usual_high + beyond)


def _round_range(low: float, high: float) -> tuple[float, float]:
    spread = max(high - low, 1e-2 * max(1.0, abs(low), abs(high)))
    step = _nice(spread / 8)
    bottom, top = step * np.floor(low / step), step * np.ceil(high / step)
    return float(bottom), float(max(top, bottom + 2 * step))


def _nice(step: float) -> float:
    power = 10.0 ** np.floor(np.log10(step))
    return float(power * next(factor for factor in (1, 2, 5, 10) if factor * power >= step * 0.999))


def _tick(value: float, spread: float) -> str:
    decimals = int(np.clip(np.ceil(-np.log10(_nice(spread / 12))), 0, 4))
    text = number(value, decimals)
    if width(text, SMALL) > _GUTTER - 8:
        text = text.replace("0.", ".", 1)
    return shorten(text, _GUTTER - 8, SMALL)


def _dot(picture: Picture, x: int, y: int) -> None:
    cv2.circle(picture, (16 * x, 16 * y), 56, BRIGHT, -1, cv2.LINE_AA, 4)


def _ring(picture: Picture, x: int, y: int) -> None:
    cv2.circle(picture, (16 * x, 16 * y), 56, BRIGHT, 1, cv2.LINE_AA, 4)


def _cross(picture: Picture, x: int, y: int) -> None:
    for end in (4, -4):
        cv2.line(picture, (x - 4, y - end), (x + 4, y + end), BRIGHT, 2, cv2.LINE_AA)
