"""The strip under the film over training: stacked shares, the return, and the numbers at the checkpoint shown."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from inspector.draw.layout import PANEL_PAD, Rect
from inspector.draw.palette import (
    BACKGROUND,
    BRIGHT,
    FAINT,
    GROUND,
    HAIRLINE,
    PANEL,
    QUIET,
    TRACK,
    Colour,
    mix,
    region_colours,
)
from inspector.draw.text import MINUS, SMALL, Type, shorten, width, write, write_centred
from inspector.draw.training import TrainingAxis

Picture = NDArray[np.uint8]
Numbers = NDArray[np.float64]

_TOP, _FOOT = 40, 28
_LEFT_GUTTER, _RIGHT_GUTTER = 52, 56
_LIST, _NAME, _PERCENT = 288, 108, 62
_INSET = 9
_ROW = 22
_LIGHT_BACKGROUND = mix(BACKGROUND, QUIET, 0.35)


@dataclass(frozen=True, slots=True, eq=False)
class TrainingFacts:
    """Attention over training, as the strip shows it.

    Attributes:
        frames: Frames trained of every checkpoint, ascending, (checkpoints,).
        names: Regions, bottom first.
        share: (checkpoints, regions); over the regions they add up to 1.
        low: Lower end of the 95 % interval, likewise.
        high: Upper end.
        area: The share by area, (regions,).
        random: The most that random weights give, likewise.
        onsets: Frames trained by the onset of each region; None where there is none, or none for certain.
        returns: Mean return of own games, (checkpoints,); NaN where none were played.
        title: What the shares are.
        return_name: What the line is.
    """

    frames: NDArray[np.int64]
    names: tuple[str, ...]
    share: Numbers
    low: Numbers
    high: Numbers
    area: Numbers
    random: Numbers
    onsets: tuple[int | None, ...]
    returns: Numbers
    title: str
    return_name: str


class TrainingPanel:
    """Draws the strip: all that stands still once, the cursor and its numbers each time.

    Args:
        facts: What it shows.
        height: Rows of the panel.
        width: Columns of the panel.
    """

    def __init__(self, facts: TrainingFacts, height: int, width: int) -> None:
        self._facts, self._axis = facts, TrainingAxis(facts.frames.tolist())
        self._colours = tuple(
            _LIGHT_BACKGROUND if colour == BACKGROUND else colour for colour in region_colours(facts.names)
        )
        self._played = bool(np.isfinite(facts.returns).any())
        left = PANEL_PAD + _LEFT_GUTTER
        right = width - PANEL_PAD - _LIST - (_RIGHT_GUTTER if self._played else PANEL_PAD)
        self._plot = Rect(left, _TOP, right - left, height - _TOP - _FOOT)
        self._row = min(_ROW, self._plot.height // max(len(facts.names), 1))
        self._type = Type(min(SMALL.size, max(self._row - 1, 8)))
        ends = (facts.share, facts.high, facts.area, facts.random)
        self._most = float(np.nanmax(np.concatenate([values.ravel() for values in ends]))) or 1.0
        self._points = np.zeros((len(facts.frames), 2))
        self._still = np.full((height, width, 3), PANEL, np.uint8)
        self._draw_still(self._still)

    def column(self, place: float) -> float:
        """Column of the panel where a place of the axis is."""
        return self._plot.x + _INSET + place * (self._plot.width - 1 - 2 * _INSET)

    def place_of(self, checkpoint: int) -> float:
        """Place of a checkpoint on the axis, 0 to 1."""
        return float(self._axis.place(self._facts.frames[checkpoint]))

    def draw(self, panel: Picture, checkpoint: int, place: float | None = None) -> None:
        """Draw the strip in place.

        Args:
            panel: Where, uint8 (height, width, 3).
            checkpoint: Whose numbers it shows.
            place: Where the cursor stands, 0 to 1; None for the checkpoint's own place.
        """
        panel[:] = self._still
        x = round(self.column(self.place_of(checkpoint) if place is None else place))
        top, bottom = self._plot.y - 3, self._plot.y + self._plot.height + 3
        panel[top:bottom, x - 2 : x + 3] = GROUND
        panel[top:bottom, x - 1 : x + 2] = BRIGHT
        if np.isfinite(self._facts.returns[checkpoint]):
            _dot(panel, *self._points[checkpoint])
        self._draw_numbers(panel, checkpoint)

    def _draw_still(self, panel: Picture) -> None:
        plot = self._plot
        write(panel, self._facts.title, plot.x, 20, QUIET, SMALL)
        plot.of(panel)[:] = self._areas()
        for share, text in ((1.0, "100 %"), (0.5, "50 %"), (0.0, "0 %")):
            y = plot.y + round((1 - share) * (plot.height - 1)) + round(12 * (share - 0.5))
            write_centred(panel, text, plot.x - 8, y, FAINT, SMALL, "right")
        self._draw_time(panel)
        self._draw_onsets(panel)
        if self._played:
            self._draw_returns(panel)
        self._draw_list(panel)

    def _areas(self) -> Picture:
        """Shares above each other; between checkpoints they run straight, and 0 frames has a column of its own."""
        height, facts = self._plot.height, self._facts
        places, trained = self._axis.place(facts.frames), facts.frames > 0
        columns = (np.arange(self._plot.width) - _INSET) / (self._plot.width - 1 - 2 * _INSET)
        shares = np.zeros((len(facts.names), len(columns)))
        if trained.any():
            inside = (columns >= places[trained][0] - 1e-9) & (columns <= 1 + 1e-9)
            if trained.sum() == 1:
                inside = np.abs(columns - places[trained][0]) * self._plot.width <= _INSET
            for number, row in enumerate(shares):
                row[inside] = np.interp(columns[inside], places[trained], facts.share[trained, number])
        if self._axis.has_zero:
            shares[:, : 2 * _INSET + 1] = facts.share[0][:, None]
        return stack_areas(shares, height, self._colours)

    def _draw_time(self, panel: Picture) -> None:
        plot = self._plot
        bottom = plot.y + plot.height
        panel[bottom : bottom + 1, plot.x : plot.x + plot.width] = HAIRLINE
        for tick in self._axis.small_ticks():
            panel[bottom : bottom + 3, round(self.column(tick.place))] = HAIRLINE
        for tick in self._axis.ticks():
            x = round(self.column(tick.place))
            panel[bottom : bottom + 6, x] = FAINT
            write(panel, tick.text, x, bottom + 20, FAINT, SMALL, "centre")
        for place in self._axis.place(self._facts.frames).tolist():
            panel[plot.y - 4 : plot.y - 1, round(self.column(place))] = FAINT
        if self._axis.has_zero:
            x = round(self.column(0.62 * self._axis.start))
            for shift in (0, 5):
                cv2.line(panel, (x + shift, bottom + 4), (x + shift + 4, bottom - 4), FAINT, 1, cv2.LINE_AA)
        write(panel, "frames trained", plot.x + plot.width + 24, bottom + 20, QUIET, SMALL)

    def _draw_onsets(self, panel: Picture) -> None:
        """A mark above the plot for each onset; several at one checkpoint stand beside each other."""
        taken: dict[int, int] = {}
        for colour, frames in zip(self._colours, self._facts.onsets, strict=True):
            if frames is not None:
                beside = taken.get(frames, 0)
                taken[frames] = beside + 1
                x = round(self.column(float(self._axis.place(frames)))) + 11 * beside
                points = np.array([(x - 5, _TOP - 10), (x, _TOP - 15), (x + 5, _TOP - 10), (x, _TOP - 5)], np.int32)
                cv2.fillPoly(panel, [points], colour, cv2.LINE_AA)
        if taken:
            write_centred(panel, "onset", self._plot.x - 8, _TOP - 12, FAINT, SMALL, "right")

    def _draw_returns(self, panel: Picture) -> None:
        plot, facts = self._plot, self._facts
        known = np.isfinite(facts.returns)
        ticks = round_ticks(float(facts.returns[known].min()), float(facts.returns[known].max()))
        low, high = ticks[0], ticks[-1]

        def row(value: float) -> float:
            return plot.y + 3 + (plot.height - 7) * (high - value) / (high - low)

        edge = plot.x + plot.width
        for value in ticks:
            y = round(row(value))
            panel[y, edge : edge + 5] = QUIET
            text = f"{value:g}".replace("-", MINUS)
            write_centred(panel, text, edge + 9, y, QUIET, SMALL)
        right = edge + _RIGHT_GUTTER - 16
        write(panel, facts.return_name, right, 20, BRIGHT, SMALL, "right")
        begin = right - width(facts.return_name, SMALL) - 30
        _line(panel, np.array([[begin, 15.0], [begin + 22, 15.0]]))
        pairs = zip(self._axis.place(facts.frames), facts.returns, strict=True)
        self._points = np.array([(self.column(place), row(value)) for place, value in pairs])
        _line(panel, self._points[known & (facts.frames > 0)])
        for x, y in self._points[known]:
            _dot(panel, x, y)

    def _draw_list(self, panel: Picture) -> None:
        """What of the list stands still: names, bars' ground, null lines and what the marks mean."""
        facts = self._facts
        for number, name in enumerate(facts.names):
            rect = self._row_rect(number)
            middle = rect.y + rect.height // 2
            size = min(9, rect.height - 4)
            panel[middle - size // 2 : middle - size // 2 + size, rect.x : rect.x + size] = self._colours[number]
            text = shorten(name.replace("_", " "), _NAME - 22, self._type)
            write_centred(panel, text, rect.x + 16, middle, QUIET, self._type)
            left, right, half = self._bar_ends(number)
            panel[middle - half : middle + half + 1, left:right] = TRACK
        self._draw_list_words(panel)

    def _draw_list_words(self, panel: Picture) -> None:
        """What the marks on the bars mean."""
        right = self._row_rect(0).x + self._row_rect(0).width
        for text, mark in (("random weights", "dashed"), ("area", "dotted"), ("95 %", "interval")):
            x = right - width(text, SMALL)
            write(panel, text, x, 20, FAINT, SMALL)
            if mark == "interval":
                _whisker(panel, x - 24, x - 8, 15, BRIGHT)
            else:
                _null(panel, x - 8, 15, 6, dashed=mark == "dashed")
            right = x - 28

    def _draw_numbers(self, panel: Picture, checkpoint: int) -> None:
        facts = self._facts
        for number, colour in enumerate(self._colours):
            rect = self._row_rect(number)
            middle = rect.y + rect.height // 2
            left, right, half = self._bar_ends(number)

            def column(share: float, left: int = left, right: int = right) -> int:
                return left + round((right - 1 - left) * min(max(share, 0.0), self._most) / self._most)

            share = float(facts.share[checkpoint, number])
            panel[middle - half : middle + half + 1, left : column(share) + 1] = colour
            for null, dashed in ((facts.area[number], False), (facts.random[number], True)):
                _null(panel, column(float(null)), middle, half + 2, dashed=dashed)
            ends = (float(facts.low[checkpoint, number]), float(facts.high[checkpoint, number]))
            if np.isfinite(ends).all():
                _whisker(panel, column(ends[0]), column(ends[1]), middle, BRIGHT)
            text = f"{100 * share:.1f} %" if np.isfinite(share) else "n/a"
            write_centred(panel, text, rect.x + rect.width, middle, BRIGHT, self._type, "right")

    def _row_rect(self, number: int) -> Rect:
        """Row of a region in the list; the last name stands on top, as in the areas."""
        count, x = len(self._facts.names), self._still.shape[1] - PANEL_PAD - _LIST + 12
        top = self._plot.y + (self._plot.height - count * self._row) // 2
        return Rect(x, top + (count - 1 - number) * self._row, _LIST - 12, self._row)

    def _bar_ends(self, number: int) -> tuple[int, int, int]:
        """Columns where a bar begins and ends, and half of its height."""
        rect = self._row_rect(number)
        return rect.x + _NAME, rect.x + rect.width - _PERCENT, max(1, min(4, rect.height // 2 - 3))


def stack_areas(shares: Numbers, height: int, colours: tuple[Colour, ...]) -> Picture:
    """Stack shares above each other, with soft edges.

    Args:
        shares: (regions, columns), bottom first; what they lack of 1 is left to the ground.
        height: Rows of the picture.
        colours: Of the regions.

    Returns:
        uint8 (height, columns, 3).
    """
    edges = np.cumsum(np.concatenate([np.zeros((1, shares.shape[1])), shares]), axis=0) * height
    floor = np.arange(height - 1, -1, -1)[None, :, None]
    cover: Numbers = np.diff(np.clip(edges[:, None, :] - floor, 0, 1), axis=0)
    blended = np.einsum("shw,sc->hwc", cover, np.array(colours, np.float64))
    blended += (1 - cover.sum(axis=0))[..., None] * np.asarray(GROUND)
    return np.asarray(np.rint(blended).clip(0, 255), np.uint8)


def round_ticks(low: float, high: float) -> list[float]:
    """Two to five round numbers that hold 0 and all between two values."""
    low, high = min(low, 0.0), max(high, 0.0)
    spread = (high - low) or 1.0
    power = 10.0 ** np.floor(np.log10(spread / 3))
    step = float(power * next(factor for factor in (1, 2, 5, 10) if factor * power >= spread / 3 * 0.999))
    first, last = int(np.floor(low / step + 1e-9)), int(np.ceil(high / step - 1e-9))
    return [number * step for number in range(first, max(last, first + 1) + 1)]


def _line(panel: Picture, points: NDArray[np.float64]) -> None:
    dots = [np.rint(points * 16).astype(np.int32)]
    for colour, thickness in ((GROUND, 4), (BRIGHT, 2)):
        cv2.polylines(panel, dots, False, colour, thickness, cv2.LINE_AA, 4)


def _dot(panel: Picture, x: float, y: float) -> None:
    for colour, radius in ((GROUND, 5.0), (BRIGHT, 3.5)):
        cv2.circle(panel, (round(16 * x), round(16 * y)), round(16 * radius), colour, -1, cv2.LINE_AA, 4)


def _whisker(panel: Picture, left: int, right: int, y: int, colour: Colour) -> None:
    panel[y - 1 : y + 2, left : right + 1] = GROUND
    panel[y, left : right + 1] = colour
    for x in (left, right):
        panel[y - 2 : y + 3, x] = colour


def _null(panel: Picture, x: int, y: int, half: int, *, dashed: bool) -> None:
    """An upright line: dotted for the area, dashed for random weights."""
    on, period = (4, 6) if dashed else (1, 3)
    for row in range(2 * half + 1):
        if row % period < on:
            panel[y - half + row, x - 1 : x + 1] = BRIGHT if dashed else QUIET
