"""The strip under the film over training: stacked shares, the return, and the numbers at the checkpoint shown."""

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
    Colour,
    mix,
    region_colours,
)
from inspector.draw.text import MINUS, SMALL, width, write, write_centred
from inspector.draw.training import TrainingAxis, TrainingFacts
from inspector.draw.training_list import RegionList

Picture = NDArray[np.uint8]
Numbers = NDArray[np.float64]

_TOP, _FOOT = 40, 28
_LEFT_GUTTER, _RIGHT_GUTTER = 52, 56
_LIST = 300
_INSET = 9
_MARK = 5
"""Half of the width of an onset's mark."""
_ONSET_WORDS = {False: "onset: above both for good", True: "or earlier"}
_LIGHT_BACKGROUND = mix(BACKGROUND, QUIET, 0.35)


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
        list_place = Rect(width - PANEL_PAD - _LIST + 12, self._plot.y, _LIST - 12, self._plot.height)
        self._list = RegionList(facts, self._colours, list_place)
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
        self._list.draw(panel, checkpoint)

    def _draw_still(self, panel: Picture) -> None:
        plot = self._plot
        plot.of(panel)[:] = self._areas()
        for share, text in ((1.0, "100 %"), (0.5, "50 %"), (0.0, "0 %")):
            y = plot.y + round((1 - share) * (plot.height - 1)) + round(12 * (share - 0.5))
            write_centred(panel, text, plot.x - 8, y, FAINT, SMALL, "right")
        self._draw_time(panel)
        self._draw_onsets(panel)
        if self._played:
            self._draw_returns(panel)
        self._list.draw_still(panel)

    def _areas(self) -> Picture:
        """Shares above each other; between checkpoints they run straight, and 0 frames has a column of its own.

        Beside a checkpoint without shares is a gap.
        """
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
        return stack_areas(np.nan_to_num(shares), height, self._colours)

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
        write(panel, f"{self._facts.words.unit} trained", plot.x + plot.width + 24, bottom + 20, QUIET, SMALL)

    def _draw_onsets(self, panel: Picture) -> None:
        """A mark above the plot for each onset; those that would overlap stand beside each other."""
        found = zip(self._facts.onsets, self._facts.early, self._colours, strict=True)
        known = sorted(((at, early, colour) for at, early, colour in found if at is not None), key=lambda one: one[0])
        free, step, end = 0, 2 * _MARK + 1, self._plot.x + self._plot.width
        for number, (frames, early, colour) in enumerate(known):
            most = end - step * (len(known) - number) + _MARK  # those that follow have to fit too
            x = max(min(round(self.column(float(self._axis.place(frames)))), most), free)
            _mark(panel, x, _TOP - 10, colour, early=early)
            free = x + step
        self._draw_words(panel, sorted({early for _, early, _ in known}))

    def _draw_words(self, panel: Picture, kinds: list[bool]) -> None:
        """What the areas and the marks above them are, as fully as the words of the return leave room."""
        room = self._plot.width - (width(self._facts.return_name, SMALL) + 60 if self._played else 0)
        title, texts = self._facts.title, [_ONSET_WORDS[early] for early in kinds]

        def taken() -> int:
            return width(title, SMALL) + sum(28 + width(text, SMALL) for text in texts)

        if taken() > room:
            texts = [text.partition(":")[0] for text in texts]
        if taken() > room:
            title = title.partition(",")[0]
        if taken() > room:
            kinds, texts = [], []
        x = self._plot.x
        write(panel, title, x, 20, QUIET, SMALL)
        x += width(title, SMALL) + 28
        for early, text in zip(kinds, texts, strict=True):
            _mark(panel, x, 15, QUIET, early=early)
            write(panel, text, x + 12, 20, FAINT, SMALL)
            x += width(text, SMALL) + 28

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
        right = edge
        write(panel, facts.return_name, right, 20, BRIGHT, SMALL, "right")
        begin = right - width(facts.return_name, SMALL) - 30
        _line(panel, np.array([[begin, 15.0], [begin + 22, 15.0]]))
        pairs = zip(self._axis.place(facts.frames), facts.returns, strict=True)
        self._points = np.array([(self.column(place), row(value)) for place, value in pairs])
        _line(panel, self._points[known & (facts.frames > 0)])
        for x, y in self._points[known]:
            _dot(panel, x, y)


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


def _mark(panel: Picture, x: int, y: int, colour: Colour, *, early: bool) -> None:
    """A diamond, or an arrow to the left for what may have been there before."""
    right = [(x + _MARK - 1, y - _MARK), (x + _MARK - 1, y + _MARK)] if early else [(x, y - _MARK), (x + _MARK, y)]
    points = np.array([(x - _MARK, y), *right, *([] if early else [(x, y + _MARK)])], np.int32)
    cv2.fillPoly(panel, [points], colour, cv2.LINE_AA)


def _line(panel: Picture, points: NDArray[np.float64]) -> None:
    dots = [np.rint(points * 16).astype(np.int32)]
    for colour, thickness in ((GROUND, 4), (BRIGHT, 2)):
        cv2.polylines(panel, dots, False, colour, thickness, cv2.LINE_AA, 4)


def _dot(panel: Picture, x: float, y: float) -> None:
    for colour, radius in ((GROUND, 5.0), (BRIGHT, 3.5)):
        cv2.circle(panel, (round(16 * x), round(16 * y)), round(16 * radius), colour, -1, cv2.LINE_AA, 4)
