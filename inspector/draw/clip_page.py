"""The recorded page of a video: frame, relevance, classes, positions in the clip and the timeline."""

import cv2
import numpy as np
from numpy.typing import NDArray

from inspector.draw.caption import draw_caption, draw_legend, part_text
from inspector.draw.clip_classes import ClassRows, draw_classes
from inspector.draw.clip_layout import ClipLayout, lay_out_clip
from inspector.draw.clip_moment import ClipFacts, ClipMoment
from inspector.draw.clip_overlay import ClipOverlay
from inspector.draw.clip_positions import PositionsPanel
from inspector.draw.clip_timeline import ClipPoint, ClipTimeline
from inspector.draw.layout import PAGE_HEIGHT, PAGE_WIDTH, Rect
from inspector.draw.overlay import silence
from inspector.draw.palette import BRIGHT, FAINT, GROUND, QUIET
from inspector.draw.panel import draw_notice, draw_panel
from inspector.draw.text import FIGURE, MINUS, SMALL, TITLE, clock, shorten, width, write
from inspector.errors import UsageError

__all__ = ["ClipFacts", "ClipMoment", "ClipPage"]

Picture = NDArray[np.uint8]

_STAGE = (8, 10, 14)
_LABEL, _FIGURE = 23, 46
_SECOND_LINE = 40
_USUAL_FPS = 25.0


class ClipPage:
    """Draws the page, frame by frame of a video, into one picture that it keeps.

    Args:
        facts: What stays the same.

    Attributes:
        facts: These.
        layout: Where everything stands.
    """

    def __init__(self, facts: ClipFacts):
        self.facts = facts
        self.layout: ClipLayout = lay_out_clip(facts.screen_size, explain=facts.explain)
        fps = facts.frame_count / facts.seconds if facts.seconds > 0 else _USUAL_FPS
        self._overlay = ClipOverlay(self.layout.fit, facts.screen_size, facts.box, fps)
        self._rows = ClassRows(len(facts.class_names), fps)
        panel = self.layout.timeline
        self._timeline = ClipTimeline(
            panel.height,
            panel.width,
            facts.frame_count,
            facts.seconds,
            explain=facts.explain,
            measure=facts.measure,
        )
        self._positions = self._make_positions()
        self._caption_room = 0
        self._still = self._draw_still()
        self._page = self._still.copy()

    @property
    def shown_size(self) -> tuple[int, int]:
        """Rows and columns that a frame has on the page."""
        return self.layout.fit.shown_height, self.layout.fit.shown_width

    def draw(self, moment: ClipMoment) -> Picture:
        """Draw the page of one frame; frames come in their order.

        Args:
            moment: The frame.

        Returns:
            The page, uint8 (720, 1280, 3), RGB. It is the one picture that the page draws in: copy it to keep it.

        Raises:
            UsageError: If the frame, or what is said of its classes and positions, has another size than the page was
                made for.
        """
        self._check(moment)
        shown = self._bring(moment.screen)
        self.layout.screen.of(self._page)[:] = shown
        self._timeline.push(self._point(moment))
        self._timeline.draw(self._clean(self.layout.timeline))
        self._draw_classes(moment)
        self._draw_figures(moment)
        if self.facts.explain:
            self._draw_relevance(moment, shown)
        return self._page

    def _check(self, moment: ClipMoment) -> None:
        size, native = moment.screen.shape, self.facts.screen_size
        if size not in ((*native, 3), (*self.shown_size, 3)):
            raise UsageError(
                f"a frame is {size}, the page was made for {(*native, 3)} or {(*self.shown_size, 3)}: make a new one"
            )
        for what, values, expected in (
            ("probabilities", moment.probabilities, len(self.facts.class_names)),
            ("positions", moment.positions, self.facts.frames),
        ):
            if values is not None and values.shape != (expected,):
                raise UsageError(f"{what} are {values.shape} where {(expected,)} is expected: give one for each")

    def _bring(self, screen: Picture) -> Picture:
        fit = self.layout.fit
        if screen.shape[:2] == self.shown_size:
            return screen
        size = fit.shown_width, fit.shown_height
        is_enlarged = fit.shown_height > screen.shape[0]
        method = cv2.INTER_NEAREST_EXACT if is_enlarged else cv2.INTER_AREA
        return np.asarray(cv2.resize(screen, size, interpolation=method), np.uint8)

    def _make_positions(self) -> PositionsPanel | None:
        rect = self.layout.positions
        return PositionsPanel(rect.height, rect.width, self.facts.frames, self.facts.measure) if rect else None

    def _draw_still(self) -> Picture:
        layout = self.layout
        page = np.full((PAGE_HEIGHT, PAGE_WIDTH, 3), GROUND, np.uint8)
        for panel in (layout.bars, layout.positions, layout.timeline):
            if panel is not None:
                draw_panel(page, panel)
        for stage in (layout.screen_stage, layout.overlay_stage):
            if stage is not None:
                draw_panel(page, stage, _STAGE)
        self._timeline.draw_still(layout.timeline.of(page))
        self._draw_header(layout.header.of(page))
        labels = layout.figures.of(page)
        write(labels, "frame", 0, _LABEL, FAINT, SMALL)
        write(labels, "time", labels.shape[1], _LABEL, FAINT, SMALL, "right")
        write(layout.captions.of(page), "the video", 0, 20, QUIET)
        if self._positions is not None and layout.positions is not None:
            self._positions.draw_still(layout.positions.of(page))
            self._caption_room = draw_legend(self._caption_rect().of(page), self.facts.measure, (MINUS, "+"))
        return page

    def _draw_header(self, header: Picture) -> None:
        title = shorten(self.facts.title, header.shape[1] // 2, TITLE)
        write(header, title, 0, 40, BRIGHT, TITLE)
        x = width(title, TITLE) + 16
        write(header, shorten("  ·  ".join(self.facts.subtitle), header.shape[1] - x), x, 40, QUIET)

    def _draw_figures(self, moment: ClipMoment) -> None:
        figures = self._clean(self.layout.figures)
        write(figures, str(moment.number), 0, _FIGURE, BRIGHT, FIGURE)
        write(figures, clock(moment.seconds), figures.shape[1], _FIGURE, BRIGHT, FIGURE, "right")

    def _draw_classes(self, moment: ClipMoment) -> None:
        target = moment.target if self.facts.explain else None
        keep = [moment.recognised] if target is None else [moment.recognised, target]
        rows = self._rows.update(moment.probabilities, keep)
        panel = self._clean(self.layout.bars)
        draw_classes(panel, self.facts.class_names, moment.probabilities, rows, moment.recognised, target)

    def _draw_relevance(self, moment: ClipMoment, shown: Picture) -> None:
        assert self.layout.overlay is not None
        assert self.layout.overlay_stage is not None
        assert self.layout.positions is not None
        assert self._positions is not None
        reason = silence(moment.relevance, finite=moment.finite)
        stage = self._clean(self.layout.overlay_stage)
        overlay, relevance = self.layout.overlay.of(self._page), None if reason else moment.relevance
        self._overlay.draw(overlay, shown, relevance, moment.brightness)
        if reason:
            draw_notice(stage, reason)
        self._draw_caption(moment)
        self._positions.draw(self._clean(self.layout.positions), moment.positions)

    def _draw_caption(self, moment: ClipMoment) -> None:
        row = self._clean(self._caption_rect())
        if moment.target_name:
            is_recognised = moment.target == moment.recognised
            draw_caption(row, moment.target_name, is_taken=is_recognised, measure=self.facts.measure)
        if moment.windows and moment.relevance is not None:
            part = moment.in_picture if moment.finite else None
            draw_account(row[:, : self._caption_room], moment.windows, part)

    def _point(self, moment: ClipMoment) -> ClipPoint:
        followed = moment.target if self.facts.explain else moment.recognised
        known = moment.relevance if moment.finite else None
        return ClipPoint(
            number=moment.number,
            seconds=moment.seconds,
            relevance_for=np.nan if known is None else float(known[known > 0].sum(dtype=np.float64)),
            relevance_against=np.nan if known is None else float(known[known < 0].sum(dtype=np.float64)),
            probability=np.nan if followed is None else float(moment.probabilities[followed]),
            class_name="" if followed is None else self.facts.class_names[followed],
            windows=moment.windows,
            spread=moment.spread,
        )

    def _caption_rect(self) -> Rect:
        captions, stage = self.layout.captions, self.layout.overlay_stage
        assert stage is not None
        return Rect(stage.x, captions.y, stage.width, captions.height)

    def _clean(self, rect: Rect) -> Picture:
        view = rect.of(self._page)
        view[:] = rect.of(self._still)
        return view


def draw_account(row: Picture, windows: int, in_picture: float | None) -> None:
    """Write in place of how many windows the map is the mean, and how much of the explained score it adds up to.

    Args:
        row: The caption's part of the page, uint8 (height, width, 3), its second line empty.
        windows: How many windows.
        in_picture: The sum of their maps divided by the explained score; None or NaN where there is none.
    """
    words = f"mean of {windows} windows" if windows > 1 else "1 window"
    if in_picture is None or np.isnan(in_picture):
        write(row, words, 0, _SECOND_LINE, FAINT, SMALL)
        return
    write(row, f"{words}: ", 0, _SECOND_LINE, FAINT, SMALL)
    right = width(f"{words}: ", SMALL) + width(">999 %", SMALL)
    write(row, part_text(in_picture), right, _SECOND_LINE, QUIET, SMALL, "right")
    write(row, " of the explained score", right, _SECOND_LINE, FAINT, SMALL)
