"""The strip under the video, over all its time: relevance for and against, a probability, and windows a frame is in."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from inspector.draw.clip_columns import Columns, GrowingRange, Numbers, decimals_of, round_step
from inspector.draw.layout import PANEL_PAD
from inspector.draw.moment import Measure
from inspector.draw.palette import AGAINST, BAR, BRIGHT, FAINT, FOR, GROUND, HAIRLINE, QUIET, Colour
from inspector.draw.text import MINUS, SMALL, Align, number, shorten, width, write, write_centred

Picture = NDArray[np.uint8]

_GUTTER = 56
_TITLE, _FOOT, _WINDOWS = 26, 22, 12
_LINE: Colour = (188, 197, 209)
_PLAYHEAD: Colour = (225, 230, 238)
_LEAST_TICK = 84
_LEAST_APART = 22
_LEAST_STEP = 0.001
_UNKNOWN = "\N{EN DASH}"
_FOR, _AGAINST, _PROBABILITY, _HELD = range(4)


@dataclass(frozen=True, slots=True)
class ClipPoint:
    """What one frame adds to the timeline.

    Attributes:
        number: Of the frame, from 0.
        seconds: Its time.
        relevance_for: Sum of what is above 0 in its map, in the unit of the score; NaN leaves a gap.
        relevance_against: Sum of what is below 0, at most 0; NaN leaves a gap.
        probability: What the line follows; NaN leaves a gap.
        class_name: Of which class that is.
        windows: How many windows hold the frame.
        spread: How far these are apart, in the unit of the score.
    """

    number: int
    seconds: float
    relevance_for: float
    relevance_against: float
    probability: float
    class_name: str
    windows: int
    spread: float


class ClipTimeline:
    """Draws the timeline and remembers what it shows: as much as it has columns, however long the video is.

    Args:
        height: Rows of its panel.
        width: Columns of its panel.
        frame_count: Frames of the video.
        seconds: Its length.
        explain: Show relevance.
        measure: What maps hold.
    """

    def __init__(
        self, height: int, width: int, frame_count: int, seconds: float, *, explain: bool, measure: Measure
    ) -> None:
        self._explain, self._measure = explain, measure
        self._left, self._room, self._seconds = PANEL_PAD + _GUTTER, width - 2 * PANEL_PAD - _GUTTER, seconds
        titles = _TITLE * (3 if explain else 2)
        plots = height - titles - _WINDOWS - _FOOT
        tall = round(0.64 * plots) if explain else 0
        self._areas = np.full((tall, self._room, 3), GROUND, np.uint8)
        self._line_top = _TITLE + tall + (_TITLE if explain else 0)
        self._line_bottom = self._line_top + plots - tall
        self._windows_top = self._line_bottom + _TITLE
        self._columns = Columns(self._room, 4, frame_count, seconds)
        self._range, self._most = GrowingRange(), 1
        self._point: ClipPoint | None = None
        explained = "explained" if explain else "recognised"
        self._titles = f"{measure} of the frame", f"probability of the class {explained}", "windows with this frame"

    def push(self, point: ClipPoint) -> None:
        """Add one frame."""
        self._point = point
        changed = self._columns.push(
            point.number,
            point.seconds,
            (point.relevance_for, point.relevance_against, point.probability, point.windows),
        )
        self._most = max(self._most, point.windows)
        if self._explain:
            self._update_areas(changed)

    def draw_still(self, panel: Picture) -> None:
        """Draw in place what never changes: titles, the ground of the plots and the time."""
        for title, top, bottom in self._strips():
            write(panel, title, self._left, top - 8, QUIET, SMALL)
            panel[top:bottom, self._left : self._left + self._room] = GROUND
        if self._explain and self._measure == "relevance":
            right = self._left + self._room
            write(panel, "in the unit of the score", right, _TITLE - 8, FAINT, SMALL, "right")
        self._tick(panel, self._line_top + 6, "1")
        self._tick(panel, self._line_bottom - 6, "0")
        self._draw_time(panel, self._windows_top + _WINDOWS)

    def draw(self, panel: Picture) -> None:
        """Draw in place all that moves, on a panel that holds what `draw_still` drew."""
        plots = panel[:, self._left : self._left + self._room]
        means = self._columns.means()
        if self._explain:
            plots[_TITLE : _TITLE + len(self._areas)] = self._areas
            self._draw_range(panel)
        _draw_line(plots[self._line_top : self._line_bottom], means[_PROBABILITY])
        self._draw_windows(plots[self._windows_top : self._windows_top + _WINDOWS], means[_HELD])
        self._tick(panel, self._windows_top + _WINDOWS / 2, str(self._most))
        if self._point is not None:
            self._draw_figures(plots, self._point)
            self._draw_playhead(plots)

    def _update_areas(self, changed: slice) -> None:
        means = self._columns.means()
        largest, smallest = (_edge(means[kind, changed]) for kind in (_FOR, _AGAINST))
        if self._range.update(largest, -smallest):
            changed = slice(0, self._columns.end)
        zero, scale = self._range.zero(len(self._areas)), self._range.scale(len(self._areas))
        self._areas[:, changed] = _stand(means[_FOR:_PROBABILITY, changed] * scale, zero, len(self._areas))

    def _draw_range(self, panel: Picture) -> None:
        reach, height = self._range, len(self._areas)
        zero, (above, below) = reach.zero(height), tick_texts((reach.above, -reach.below), reach.step)
        plots = panel[_TITLE : _TITLE + height, self._left : self._left + self._room]
        plots[min(round(zero), height - 1), self._columns.end :] = HAIRLINE
        if reach.above and zero >= _LEAST_APART:
            self._tick(panel, _TITLE + 6, above)
        if reach.below and height - zero >= _LEAST_APART:
            self._tick(panel, _TITLE + height - 6, below)
        self._tick(panel, _TITLE + min(max(zero, 6), height - 6), "0")

    def _draw_windows(self, plot: Picture, held: Numbers) -> None:
        heights = np.nan_to_num(held) * (len(plot) / self._most)
        rows = len(plot) - np.arange(len(plot))[:, None]
        plot[rows <= np.rint(heights)[None, :]] = BAR

    def _draw_figures(self, plots: Picture, point: ClipPoint) -> None:
        if self._explain:
            self._draw_relevance_figures(plots, point)
        if np.isfinite(point.probability):
            x = width(self._titles[1], SMALL) + 12
            room = plots.shape[1] - x - 60
            name = shorten(point.class_name, room, SMALL)
            write(plots, number(point.probability), x, self._line_top - 8, BRIGHT, SMALL)
            write(plots, name, x + width("0.00", SMALL) + 10, self._line_top - 8, FAINT, SMALL)
        x = width(self._titles[2], SMALL) + 12
        write(plots, str(point.windows), x, self._windows_top - 8, BRIGHT, SMALL)
        if self._explain and point.windows > 1:
            figure = number(point.spread, decimals_of(self._range.step / 10))
            text = f"their sums over this frame: standard deviation {figure}"
            write(plots, text, plots.shape[1], self._windows_top - 8, FAINT, SMALL, "right")

    def _draw_relevance_figures(self, plots: Picture, point: ClipPoint) -> None:
        x, y = width(self._titles[0], SMALL) + 12, _TITLE - 8
        places = decimals_of(self._range.step / 10)
        words = (("for", point.relevance_for, FOR), ("against", point.relevance_against, AGAINST))
        for word, value, colour in words if self._measure == "relevance" else (("", point.relevance_for, FOR),):
            write(plots, word, x, y, colour, SMALL)
            x += width(word, SMALL) + (6 if word else 0)
            figure = number(value, places) if np.isfinite(value) else _UNKNOWN
            write(plots, figure, x, y, BRIGHT, SMALL)
            x += width(number(-self._range.below, places), SMALL) + 20

    def _draw_playhead(self, plots: Picture) -> None:
        for _, top, bottom in self._strips():
            plots[top:bottom, self._columns.now] = _PLAYHEAD

    def _strips(self) -> list[tuple[str, int, int]]:
        """Title, top and bottom of each strip that there is."""
        relevance, probability, windows = self._titles
        strips = [
            (relevance, _TITLE, _TITLE + len(self._areas)),
            (probability, self._line_top, self._line_bottom),
            (windows, self._windows_top, self._windows_top + _WINDOWS),
        ]
        return strips if self._explain else strips[1:]

    def _tick(self, panel: Picture, middle: float, text: str) -> None:
        write_centred(panel, text, self._left - 8, middle, FAINT, SMALL, "right")

    def _draw_time(self, panel: Picture, top: int) -> None:
        last = self._left + self._room
        write(panel, time_text(self._seconds, self._seconds), last, top + 16, FAINT, SMALL, "right")
        panel[top : top + 4, last - 1] = FAINT
        for seconds in time_ticks(self._seconds, self._room):
            x = self._left + round(seconds / self._seconds * self._room) if seconds else self._left
            panel[top : top + 4, x] = FAINT
            align: Align = "centre" if seconds else "left"
            write(panel, time_text(seconds, self._seconds), x, top + 16, FAINT, SMALL, align)


def tick_texts(values: Sequence[float], step: float) -> list[str]:
    """Write multiples of a step exactly, as `250` or, where one would be too wide, as `2.5e6`, all in one way."""
    texts = [number(value, decimals_of(step)) for value in values]
    if max(width(text, SMALL) for text in texts) > _GUTTER - 8:
        texts = [f"{value:.1e}".replace(".0e", "e").replace("e+0", "e").replace("e-0", "e-") for value in values]
    return [text.replace("-", MINUS) for text in texts]


def time_ticks(seconds: float, room: int) -> list[float]:
    """Round times from 0 on, short of the end of a video, that have room for their names.

    Args:
        seconds: Length of the video.
        room: Columns that it has.
    """
    if seconds <= 0:
        return [0.0]
    least = max(_LEAST_STEP, seconds * _LEAST_TICK / room)
    nice = (15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0)
    step = round_step(least)
    if step > 10:
        step = next((whole for whole in nice if whole >= least), 3600.0 * np.ceil(least / 3600))
    count = int(np.ceil((seconds - 0.9 * least) / step))
    return [index * float(step) for index in range(max(1, count))]


def time_text(seconds: float, length: float) -> str:
    """Write a time of a video of some length: `0.25 s`, `12 s`, `1:05`, `1:02:00`."""
    if length < 60:
        written = f"{seconds:.{3 if length < 1 else 2}f}"
        return written.rstrip("0").rstrip(".") + " s"
    whole = round(seconds)
    if length < 3600:
        return f"{whole // 60}:{whole % 60:02d}"
    return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"


def _edge(values: Numbers) -> float:
    """The value farthest from 0; 0 where there is none."""
    sizes = np.abs(values[np.isfinite(values)])
    return float(sizes.max()) if sizes.size else 0.0


def _stand(edges: Numbers, zero: float, height: int) -> Picture:
    """Two areas that stand on a line, (height, columns, 3); smooth at their edges.

    Args:
        edges: How far they reach above and (below 0) beneath the line, (2, columns), in pixels; NaN is a gap.
        zero: How far the line lies beneath the top.
        height: Rows of the plot.
    """
    row = np.arange(height)[:, None]
    above, below = np.nan_to_num(edges)
    cover_for = np.clip(np.minimum(row + 1, zero) - np.maximum(row, zero - above), 0, 1)
    cover_against = np.clip(np.minimum(row + 1, zero - below) - np.maximum(row, zero), 0, 1)
    covers = np.stack([cover_for, cover_against])
    blended = np.einsum("chw,cd->hwd", covers, np.asarray([FOR, AGAINST], np.float64))
    blended += (1 - covers.sum(axis=0))[..., None] * np.asarray(GROUND)
    picture: Picture = np.rint(blended).astype(np.uint8)
    line = min(round(zero), height - 1)
    picture[line, (covers[:, line] < 0.5).all(axis=0)] = HAIRLINE
    return picture


def _draw_line(plot: Picture, values: Numbers) -> None:
    height = len(plot)
    y = 2 + (height - 5) * (1 - np.clip(values, 0, 1))
    for begin, end in _pieces(np.isfinite(values)):
        x = np.arange(begin, end)
        if end - begin == 1:
            x = np.array([begin, begin])
        dots = np.stack([x, y[np.clip(x, begin, end - 1)]], axis=1)
        cv2.polylines(plot, [np.rint(dots * 16).astype(np.int32)], False, _LINE, 2, cv2.LINE_AA, 4)


def _pieces(known: NDArray[np.bool_]) -> Sequence[tuple[int, int]]:
    """Where something is known without a gap: begin and end of each piece."""
    edges = np.flatnonzero(np.diff(known, prepend=False, append=False)).tolist()
    return list(zip(edges[::2], edges[1::2], strict=True))
