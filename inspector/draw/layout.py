"""Where everything stands on the page: rectangles, worked out once from the sizes of the screen and the stack."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

PAGE_HEIGHT, PAGE_WIDTH = 720, 1280

_MARGIN = 24
_FOOT = 20
_GAP = 16
_HEADER = 60
_CAPTION = 48
_LEAST_SCREEN, _MOST_SCREEN = 320, 500
_SIDE = 240
_CONSOLE_WIDTH = 160
_CONSOLE_HEIGHTS = range(192, 261)
CONSOLE_PIXEL = 12 / 7
"""Width of an Atari console's pixel to its height."""
_CONTENT = PAGE_HEIGHT - _HEADER - _FOOT
_MAP_LABEL = 24
PANEL_PAD = 12
PANEL_TITLE = 36


@dataclass(frozen=True, slots=True)
class Rect:
    """A rectangle of the page, in pixels.

    Attributes:
        x: Its left column.
        y: Its top row.
        width: Its columns.
        height: Its rows.
    """

    x: int
    y: int
    width: int
    height: int

    def of(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """This part of a picture, as a view: what is drawn in it cannot leave it."""
        return picture[self.y : self.y + self.height, self.x : self.x + self.width]

    def centred(self, width: int, height: int) -> "Rect":
        """A rectangle of a given size in the middle of this one."""
        return Rect(self.x + (self.width - width) // 2, self.y + (self.height - height) // 2, width, height)


@dataclass(frozen=True, slots=True)
class Fit:
    """How a screen is brought to its size on the page.

    Attributes:
        height: Rows of the screen before enlarging: its own, or fewer where it is too large for the page.
        width: Columns, likewise.
        y_factor: Times that each row is repeated.
        x_factor: Times that each column is repeated.
    """

    height: int
    width: int
    y_factor: int
    x_factor: int

    @property
    def shown_height(self) -> int:
        """Rows on the page."""
        return self.height * self.y_factor

    @property
    def shown_width(self) -> int:
        """Columns on the page."""
        return self.width * self.x_factor


@dataclass(frozen=True, slots=True)
class Layout:
    """Every place of the page. `overlay` and `maps` are None where nothing is explained.

    Attributes:
        fit: How the screen is enlarged.
        screen: The player's screen.
        overlay: The quiet screen with relevance, of the same size.
        captions: Two lines of captions under the two screens.
        bars: Panel of the scores.
        maps: Panel of the stacked frames.
        timeline: Panel of the timeline.
        header: Title and facts, left.
        figures: Return, lives and time, right.
    """

    fit: Fit
    screen: Rect
    overlay: Rect | None
    captions: Rect | None
    bars: Rect
    maps: Rect | None
    timeline: Rect
    header: Rect
    figures: Rect

    def account(self) -> dict[str, list[int] | None]:
        """Where the pictures stand, for who takes them from a film of the page.

        Returns:
            `screen` and `overlay` (None where nothing is explained) as x, y, width and height, and `native`: rows and
            columns before enlarging.
        """
        return account_of_places(self.fit, self.screen, self.overlay)


def account_of_places(fit: Fit, screen: Rect, overlay: Rect | None) -> dict[str, list[int] | None]:
    """Where the pictures stand on a page, as `Layout.account` tells it."""
    return {
        "screen": [screen.x, screen.y, screen.width, screen.height],
        "overlay": [overlay.x, overlay.y, overlay.width, overlay.height] if overlay else None,
        "native": [fit.height, fit.width],
    }


def pixel_shape(height: int, width: int) -> float:
    """Width of a screen's pixels to their height: a console's where it has the size of one, else they are square."""
    return CONSOLE_PIXEL if width == _CONSOLE_WIDTH and height in _CONSOLE_HEIGHTS else 1.0


def fit_screen(height: int, width: int, room_height: int, room_width: int) -> Fit:
    """Find the largest sharp size for a screen.

    A console's pixels are about 12:7 wide; its columns are repeated more often than its rows to come near that. Other
    screens have square pixels. A screen too large for its room is shrunk by area averaging.

    Args:
        height: Native rows.
        width: Native columns.
        room_height: Rows there are.
        room_width: Columns there are.

    Returns:
        The size and the repeats.
    """
    aspect = pixel_shape(height, width)
    for y_factor in range(room_height // height, 0, -1):
        x_factor = max(1, round(y_factor * aspect))
        if x_factor * width <= room_width:
            return Fit(height, width, y_factor, x_factor)
    shrink = min(1.0, room_height / height, room_width / width)
    return Fit(max(1, int(height * shrink)), max(1, int(width * shrink)), 1, 1)


def lay_out(screen_size: tuple[int, int], stack: int, action_count: int, *, explain: bool) -> Layout:
    """Lay out the page.

    Args:
        screen_size: Native (height, width) of the screen.
        stack: Stacked frames of the network input.
        action_count: Number of actions.
        explain: Leave room for relevance; else the player's screen takes it.

    Returns:
        The places.
    """
    return _explained(screen_size, stack, action_count) if explain else _plain(screen_size, action_count)


def _explained(screen_size: tuple[int, int], stack: int, action_count: int) -> Layout:
    room = (PAGE_WIDTH - 2 * _MARGIN - _SIDE - 2 * _GAP) // 2
    fit = fit_screen(*screen_size, _MOST_SCREEN, room)
    tall = max(_LEAST_SCREEN, fit.shown_height)
    left = Rect(_MARGIN, _HEADER, room, tall)
    right = Rect(_MARGIN + room + _GAP, _HEADER, room, tall)
    side_x, both = right.x + room + _GAP, 2 * room + _GAP
    below = _HEADER + tall + _CAPTION
    maps_height = _maps_height(stack, action_count)
    return Layout(
        fit=fit,
        screen=left.centred(fit.shown_width, fit.shown_height),
        overlay=right.centred(fit.shown_width, fit.shown_height),
        captions=Rect(_MARGIN, _HEADER + tall, both, _CAPTION),
        bars=Rect(side_x, _HEADER, _SIDE, _CONTENT - maps_height - _GAP),
        maps=Rect(side_x, PAGE_HEIGHT - _FOOT - maps_height, _SIDE, maps_height),
        timeline=Rect(_MARGIN, below, both, PAGE_HEIGHT - _FOOT - below),
        header=Rect(_MARGIN, 0, both, _HEADER),
        figures=Rect(side_x, 0, _SIDE, _HEADER),
    )


def _plain(screen_size: tuple[int, int], action_count: int) -> Layout:
    fit = fit_screen(*screen_size, _CONTENT, 800)
    left = Rect(_MARGIN, _HEADER, max(640, fit.shown_width), _CONTENT)
    side_x = left.x + left.width + _GAP
    side = PAGE_WIDTH - _MARGIN - side_x
    bars_height = min(PANEL_TITLE + PANEL_PAD + 60 * action_count, _CONTENT - _GAP - 200)
    below = _HEADER + bars_height + _GAP
    screen = left.centred(fit.shown_width, fit.shown_height)
    return Layout(
        fit=fit,
        screen=Rect(screen.x, _HEADER, screen.width, screen.height),
        overlay=None,
        captions=None,
        bars=Rect(side_x, _HEADER, side, bars_height),
        maps=None,
        timeline=Rect(side_x, below, side, PAGE_HEIGHT - _FOOT - below),
        header=Rect(_MARGIN, 0, PAGE_WIDTH - 2 * _MARGIN - _SIDE - _GAP, _HEADER),
        figures=Rect(PAGE_WIDTH - _MARGIN - _SIDE, 0, _SIDE, _HEADER),
    )


def map_grid(stack: int, room_width: int, room_height: int, gap: int = 8) -> tuple[int, int]:
    """Find how to stand small maps in a room so that they are largest.

    Args:
        stack: Number of maps, at least 1.
        room_width: Columns there are.
        room_height: Rows there are, labels included.
        gap: Columns and rows between maps.

    Returns:
        Number of columns of maps, and the side of each in pixels.
    """

    def side(columns: int) -> int:
        rows = -(-stack // columns)
        wide = (room_width - (columns - 1) * gap) // columns
        return min(wide, (room_height - (rows - 1) * gap) // rows - _MAP_LABEL)

    columns = max(range(1, stack + 1), key=side)
    return columns, max(1, side(columns))


def _maps_height(stack: int, action_count: int) -> int:
    least_bars = PANEL_TITLE + PANEL_PAD + max(3, action_count) * 19
    room = min(_CONTENT - _GAP - least_bars, 312)
    inner = room - PANEL_TITLE - PANEL_PAD
    columns, side = map_grid(stack, _SIDE - 2 * PANEL_PAD, inner)
    rows = -(-stack // columns)
    return PANEL_TITLE + PANEL_PAD + rows * (side + _MAP_LABEL) + (rows - 1) * 8
