"""Where everything stands on the page of clips."""

from dataclasses import dataclass

from inspector.draw.layout import PAGE_HEIGHT, PAGE_WIDTH, Fit, Rect, account_of_places

_MARGIN, _FOOT, _GAP = 24, 20, 16
_HEADER, _SIDE = 60, 272
_CONTENT = PAGE_HEIGHT - _HEADER - _FOOT
_BOTH = PAGE_WIDTH - 2 * _MARGIN - _SIDE - _GAP
_CAPTION, _SHORT_CAPTION = 48, 32
_TIMELINE, _SHORT_TIMELINE = 218, 146
_LEAST_STAGE = 240
_POSITIONS = 176


@dataclass(frozen=True, slots=True)
class ClipLayout:
    """Every place of the page. `overlay`, `overlay_stage` and `positions` are None where nothing is explained.

    Attributes:
        fit: How a frame of the video is brought to its size.
        screen_stage: What the video stands in the middle of.
        overlay_stage: What the quiet frame with relevance stands in the middle of.
        screen: The video.
        overlay: The quiet frame with relevance, of the same size.
        captions: Captions under the two.
        bars: Panel of the classes.
        positions: Panel of the positions in the clip.
        timeline: Panel of the timeline.
        header: Title and facts, left.
        figures: Frame and time, right.
    """

    fit: Fit
    screen_stage: Rect
    overlay_stage: Rect | None
    screen: Rect
    overlay: Rect | None
    captions: Rect
    bars: Rect
    positions: Rect | None
    timeline: Rect
    header: Rect
    figures: Rect

    def account(self) -> dict[str, list[int] | None]:
        """Where the pictures stand, as `Layout.account` tells it."""
        return account_of_places(self.fit, self.screen, self.overlay)


def fit_frame(height: int, width: int, room_height: int, room_width: int) -> Fit:
    """Find the largest sharp size for a frame of square pixels: enlarged by a whole factor, or shrunk.

    Args:
        height: Native rows.
        width: Native columns.
        room_height: Rows there are.
        room_width: Columns there are.

    Returns:
        The size and the repeats.
    """
    factor = min(room_height // height, room_width // width)
    if factor >= 1:
        return Fit(height, width, factor, factor)
    shrink = min(room_height / height, room_width / width)
    return Fit(max(1, round(height * shrink)), max(1, round(width * shrink)), 1, 1)


def lay_out_clip(screen_size: tuple[int, int], *, explain: bool) -> ClipLayout:
    """Lay out the page.

    Args:
        screen_size: Native (height, width) of the video.
        explain: Leave room for relevance; else the video takes it.

    Returns:
        The places.
    """
    caption, least = (_CAPTION, _TIMELINE) if explain else (_SHORT_CAPTION, _SHORT_TIMELINE)
    room = (_BOTH - _GAP) // 2 if explain else _BOTH
    fit = fit_frame(*screen_size, _CONTENT - caption - least, room)
    tall = max(_LEAST_STAGE, fit.shown_height)
    left, right = Rect(_MARGIN, _HEADER, room, tall), Rect(_MARGIN + room + _GAP, _HEADER, room, tall)
    side, below = _MARGIN + _BOTH + _GAP, _HEADER + tall + caption
    positions = Rect(side, PAGE_HEIGHT - _FOOT - _POSITIONS, _SIDE, _POSITIONS)
    return ClipLayout(
        fit=fit,
        screen_stage=left,
        overlay_stage=right if explain else None,
        screen=left.centred(fit.shown_width, fit.shown_height),
        overlay=right.centred(fit.shown_width, fit.shown_height) if explain else None,
        captions=Rect(_MARGIN, _HEADER + tall, _BOTH, caption),
        bars=Rect(side, _HEADER, _SIDE, _CONTENT - (_POSITIONS + _GAP if explain else 0)),
        positions=positions if explain else None,
        timeline=Rect(_MARGIN, below, _BOTH, PAGE_HEIGHT - _FOOT - below),
        header=Rect(_MARGIN, 0, _BOTH, _HEADER),
        figures=Rect(side, 0, _SIDE, _HEADER),
    )
