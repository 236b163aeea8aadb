"""The page of the film over training: one moment under many checkpoints, and attention over training below."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from inspector.draw.colormap import legend
from inspector.draw.layout import PAGE_HEIGHT, PAGE_WIDTH, Fit, Rect, fit_screen
from inspector.draw.moment import Measure
from inspector.draw.outlines import draw_outlines
from inspector.draw.overlay import Map, Projection, RunningScale, lay_over, quiet, silence
from inspector.draw.palette import AGAINST, BRIGHT, FAINT, FOR, GROUND, PANEL, QUIET, Colour, mix, region_colours
from inspector.draw.text import (
    BODY,
    FIGURE,
    SMALL,
    SMALL_STRONG,
    TITLE,
    Type,
    shorten,
    width,
    write,
    write_centred,
)
from inspector.draw.training import TrainingFacts, TrainingWords
from inspector.draw.training_panel import TrainingPanel
from inspector.records import Region

Picture = NDArray[np.uint8]
Stack = Sequence[tuple[Region, ...] | None]

MOST_BESIDE = 14
"""Checkpoints that fit beside each other."""

_MARGIN, _GAP, _HEADER = 24, 16, 60
_STAGE = Rect(_MARGIN, _HEADER, PAGE_WIDTH - 2 * _MARGIN, 420)
_PANEL = Rect(_MARGIN, 488, PAGE_WIDTH - 2 * _MARGIN, 216)
_ROOM = 480
_CAPTION = 44
_LINE = 18
"""Rows from one line of a caption to the next."""
_CELL_GAP = 10
_FULL_QUANTILE = 0.5
_SUBTLE = 0.4
_BIG = Type(30, 600)
_TITLE_LINE, _MOMENT_LINE = 31, 50
_LEGEND = 130


@dataclass(frozen=True, slots=True)
class Shown:
    """What stands beside a map.

    Attributes:
        checkpoint: Its number.
        frames: Frames trained, as text.
        mean_return: Mean return of its own games, as text; empty where none were played.
        explained: What is explained.
        cut_off: How many of these games were left before their end, as text; empty where none were.
    """

    checkpoint: int
    frames: str
    mean_return: str
    explained: str
    cut_off: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class SavedMoment:
    """One saved state, and its maps under every checkpoint.

    Attributes:
        screen: Native screen, uint8 (height, width, 3).
        regions: Where they were at the time of each stacked frame, oldest first; None for one that shows nothing.
        maps: For each checkpoint relevance at the network input, stacked frames summed, each divided by its size, so
            that checkpoints compare; None where there is none.
        about: What moment it is.
    """

    screen: Picture
    regions: Stack
    maps: Sequence[Map | None]
    about: str


class EvolutionPage:
    """Draws the frames of the film into one picture that it keeps.

    Args:
        title: Large at the top left.
        facts: Small at the top right.
        training: Attention over training.
        screen_size: Height and width of the native screens.
        input_size: Height and width of the network input.
        full_strength: Relevance per pixel of the screen painted at full strength, the same for all; see `scale_of`.
        measure: What maps hold.
    """

    def __init__(
        self,
        title: str,
        facts: str,
        training: TrainingFacts,
        screen_size: tuple[int, int],
        input_size: tuple[int, int],
        full_strength: float,
        measure: Measure = "relevance",
    ) -> None:
        self._fit = fit_screen(*screen_size, _STAGE.height, _ROOM)
        self._project = Projection(input_size, (self._fit.height, self._fit.width))
        self._full, self._measure, self._words = full_strength, measure, training.words
        self._colours = region_colours(training.names)
        self._page = np.full((PAGE_HEIGHT, PAGE_WIDTH, 3), GROUND, np.uint8)
        title = shorten(title, _STAGE.width * 5 // 9, TITLE)
        room = _STAGE.width - width(title, TITLE) - 32
        style = BODY if width(facts, BODY) <= room else SMALL
        write(self._page, title, _MARGIN, _TITLE_LINE, BRIGHT, TITLE)
        write(self._page, shorten(facts, room, style), PAGE_WIDTH - _MARGIN, _TITLE_LINE - 4, QUIET, style, "right")
        self._moment_room = self._draw_legend() - 24 - _MARGIN
        self._training = TrainingPanel(training, _PANEL.height, _PANEL.width)

    def place_of(self, checkpoint: int) -> float:
        """Where the cursor stands for a checkpoint, 0 to 1."""
        return self._training.place_of(checkpoint)

    def move(self, checkpoint: int, place: float | None = None) -> Picture:
        """Move the cursor and show the numbers of a checkpoint; the rest stays.

        Returns:
            The page, uint8 (720, 1280, 3). It is the one picture that is drawn in: copy it to keep it.
        """
        self._training.draw(_PANEL.of(self._page), checkpoint, place)
        return self._page

    def show_beside(self, moment: SavedMoment, chosen: Sequence[Shown], marked: int) -> None:
        """Draw a moment under several checkpoints beside each other.

        Args:
            moment: The moment.
            chosen: At most `MOST_BESIDE` checkpoints.
            marked: Which of them has a frame.
        """
        self._clear(moment)
        places = cells(len(chosen), (self._fit.shown_height, self._fit.shown_width))
        for number, (cell, shown) in enumerate(zip(places, chosen, strict=True)):
            picture = self._overlay(moment, shown.checkpoint, None)
            if number == marked:
                Rect(cell.x - 3, cell.y - 3, cell.width + 6, cell.height + 6).of(self._page)[:] = BRIGHT
                Rect(cell.x - 1, cell.y - 1, cell.width + 2, cell.height + 2).of(self._page)[:] = GROUND
            cell.of(self._page)[:] = cv2.resize(picture, (cell.width, cell.height), interpolation=cv2.INTER_AREA)
            self._draw_caption(cell, shown, is_marked=number == marked)

    def show_large(self, moment: SavedMoment, shown: Shown) -> None:
        """Draw a moment under one checkpoint: the screen, the overlay with outlines, and what it is."""
        self._clear(moment)
        fit = self._fit
        overlay = self._overlay(moment, shown.checkpoint, self._colours)
        for number, picture in enumerate((self._enlarge(self._shrink(moment.screen)), overlay)):
            room = Rect(_MARGIN + number * (_ROOM + _GAP), _STAGE.y, _ROOM, _STAGE.height)
            room.centred(fit.shown_width, fit.shown_height).of(self._page)[:] = picture
        x = _MARGIN + 2 * (_ROOM + _GAP) + 8
        side = Rect(x, _STAGE.y, PAGE_WIDTH - _MARGIN - x, _STAGE.height).of(self._page)
        _draw_side(side, shown, self._words)

    def _clear(self, moment: SavedMoment) -> None:
        """An empty stage, and what moment it is."""
        frame = 3  # of the marked checkpoint, which may stand at the edge
        around = Rect(_STAGE.x - frame, _STAGE.y - frame, _STAGE.width + 2 * frame, _STAGE.height + 2 * frame)
        around.of(self._page)[:] = GROUND
        Rect(_MARGIN, _MOMENT_LINE - 13, self._moment_room, 19).of(self._page)[:] = GROUND
        write(self._page, shorten(moment.about, self._moment_room, SMALL), _MARGIN, _MOMENT_LINE, QUIET, SMALL)

    def _draw_caption(self, cell: Rect, shown: Shown, *, is_marked: bool) -> None:
        """Frames, and below what is explained, since each checkpoint has a best action of its own, and the return."""
        strong, quiet = (BRIGHT, QUIET) if is_marked else (QUIET, FAINT)
        y, right = cell.y + cell.height + _LINE, cell.x + cell.width
        write(self._page, shorten(shown.frames, cell.width, SMALL_STRONG), cell.x, y, strong, SMALL_STRONG)
        played = self._words.caption.format(shown.mean_return) if shown.mean_return else ""
        write(self._page, played, right, y + _LINE, quiet, SMALL, "right")
        explained = shorten(shown.explained, cell.width - width(played, SMALL) - 8, SMALL)
        write(self._page, explained, cell.x, y + _LINE, quiet, SMALL)

    def _draw_legend(self) -> int:
        """What the colours of all maps mean, at the right under the facts; returns where it begins."""
        is_signed = self._measure == "relevance"
        least, most = ("against", "for") if is_signed else ("little", "much")
        write(self._page, most, PAGE_WIDTH - _MARGIN, _MOMENT_LINE, FOR, SMALL, "right")
        right = PAGE_WIDTH - _MARGIN - width(most, SMALL) - 8
        ramp = legend((1 if is_signed else 2) * _LEGEND, 10, GROUND)[:, -_LEGEND:]
        self._page[_MOMENT_LINE - 10 : _MOMENT_LINE, right - _LEGEND : right] = ramp
        left = right - _LEGEND - 8
        write(self._page, least, left, _MOMENT_LINE, AGAINST if is_signed else FAINT, SMALL, "right")
        left -= width(least, SMALL) + 16
        note = self._words.legend.format(self._measure)
        write(self._page, note, left, _MOMENT_LINE, FAINT, SMALL, "right")
        return left - width(note, SMALL)

    def _overlay(self, moment: SavedMoment, checkpoint: int, outlines: Sequence[Colour] | None) -> Picture:
        """The overlay of a moment as large as it is shown."""
        screen, relevance = self._shrink(moment.screen), moment.maps[checkpoint]
        reason = silence(relevance, finite=True)
        if relevance is None or reason is not None:
            view = self._enlarge(quiet(screen))
            middle = view.shape[0] // 2
            view[middle - 18 : middle + 18] = PANEL
            write_centred(view, reason or "", view.shape[1] / 2, middle, BRIGHT, BODY, "centre")
            return view
        view = self._enlarge(lay_over(screen, self._project(relevance), self._full))
        if outlines:
            _outline(view, moment.regions, outlines, moment.screen.shape[:2])
        return view

    def _shrink(self, screen: Picture) -> Picture:
        if screen.shape[:2] == (self._fit.height, self._fit.width):
            return screen
        size = (self._fit.width, self._fit.height)
        return np.asarray(cv2.resize(screen, size, interpolation=cv2.INTER_AREA), np.uint8)

    def _enlarge(self, picture: Picture) -> Picture:
        size = (self._fit.shown_width, self._fit.shown_height)
        return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_NEAREST_EXACT), np.uint8)


def scale_of(maps: Sequence[Map], screen_size: tuple[int, int]) -> float:
    """What counts as full strength for many maps at once: half of their peaks lie below it.

    Args:
        maps: Finite maps at the network input; those of zeros do not count.
        screen_size: Height and width of the native screens.
    """
    fit: Fit = fit_screen(*screen_size, _STAGE.height, _ROOM)
    peaks = [
        RunningScale().update(Projection((one.shape[0], one.shape[1]), (fit.height, fit.width))(one))
        for one in maps
        if one.any()
    ]
    return float(np.quantile(peaks, _FULL_QUANTILE)) if peaks else 1.0


def cells(count: int, size: tuple[int, int]) -> list[Rect]:
    """Where pictures stand beside each other, in one row or two, so that they are largest.

    Args:
        count: Number of pictures, 1 to `MOST_BESIDE`.
        size: Their height and width, which they are not enlarged beyond.
    """

    def height(columns: int) -> int:
        rows = -(-count // columns)
        tall = (_STAGE.height - (rows - 1) * _CELL_GAP) // rows - _CAPTION
        wide = (_STAGE.width - (columns - 1) * _CELL_GAP) // columns
        return min(tall, wide * size[0] // size[1], size[0])

    columns = max(range(-(-count // 2), count + 1), key=height)
    tall = height(columns)
    wide = tall * size[1] // size[0]
    rows = -(-count // columns)
    gap = (_STAGE.width - columns * wide) // max(columns - 1, 1) if columns > 1 else 0
    gap = min(gap, 28)
    left = _STAGE.x + (_STAGE.width - columns * wide - (columns - 1) * gap) // 2
    top = _STAGE.y + (_STAGE.height - rows * (tall + _CAPTION) - (rows - 1) * _CELL_GAP) // 2
    return [
        Rect(
            left + number % columns * (wide + gap), top + number // columns * (tall + _CAPTION + _CELL_GAP), wide, tall
        )
        for number in range(count)
    ]


def _draw_side(side: Picture, shown: Shown, words: TrainingWords) -> None:
    """What stands beside the large pictures."""
    rows = [("trained for", shown.frames, _BIG), ("explained", shown.explained, FIGURE)]
    if shown.mean_return:
        name = f"mean return, {shown.cut_off}" if shown.cut_off else words.result
        rows.insert(1, (name, shown.mean_return, _BIG))
    y, room = 0, side.shape[1]
    for name, text, style in rows:
        write(side, name, 0, y + 14, FAINT, SMALL)
        write(side, shorten(text, room, style), 0, y + 22 + style.size, BRIGHT, style)
        y += 42 + style.size
    for line, text in enumerate(reversed(words.side)):
        write(side, text, 0, side.shape[0] - 6 - 20 * line, FAINT, SMALL)


def _outline(view: Picture, stack: Stack, colours: Sequence[Colour], screen_size: tuple[int, int]) -> None:
    """Draw lines around regions in place; where they were in earlier frames, fainter ones."""
    newest = stack[-1] or ()
    faint = [mix(colour, GROUND, _SUBTLE) for colour in colours]
    for regions in stack[:-1]:
        pairs = zip(regions or (), newest, faint, strict=False)
        moved = [(before, colour) for before, now, colour in pairs if before.boxes != now.boxes]
        draw_outlines(view, [region for region, _ in moved], [colour for _, colour in moved], screen_size)
    draw_outlines(view, newest, colours[: len(newest)], screen_size)
