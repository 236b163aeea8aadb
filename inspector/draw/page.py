"""The recorded page: the screen, the screen with relevance, the scores, the stacked frames and the timeline."""

import cv2
import numpy as np
from numpy.typing import NDArray

from inspector.draw.bars import BarRange, draw_bars, probabilities
from inspector.draw.caption import draw_caption, draw_legend, draw_part
from inspector.draw.layout import PAGE_HEIGHT, PAGE_WIDTH, Rect, lay_out
from inspector.draw.maps import draw_maps, frame_names
from inspector.draw.moment import Moment, PageFacts
from inspector.draw.outlines import draw_outlines
from inspector.draw.overlay import Projection, RunningScale, lay_over, quiet, silence
from inspector.draw.palette import BRIGHT, FAINT, GROUND, QUIET, frame_colours
from inspector.draw.panel import draw_notice, draw_panel
from inspector.draw.text import FIGURE, SMALL, TITLE, clock, number, shorten, width, write
from inspector.draw.timeline import Point, Timeline
from inspector.errors import UsageError

__all__ = ["Moment", "Page", "PageFacts"]

Picture = NDArray[np.uint8]

_UNKNOWN = "\N{EN DASH}"
_NOT_TOLD_APART = "no shares by stacked frame: this composite does not tell frames apart"
_LIVES_X, _CLOCK_X = 104, 160


class Page:
    """Draws the page, decision by decision, into one picture that it keeps.

    Args:
        facts: What stays the same.
        screen_height: Native rows of the screen.
        screen_width: Native columns of the screen.
    """

    def __init__(self, facts: PageFacts, screen_height: int = 210, screen_width: int = 160):
        self.facts = facts
        self._screen_shape = (screen_height, screen_width, 3)
        self.layout = lay_out(
            (screen_height, screen_width), facts.stack, len(facts.action_names), explain=facts.explain
        )
        fit = self.layout.fit
        self._project = Projection(facts.input_size, (fit.height, fit.width))
        self._pixels_each = fit.height * fit.width / (facts.input_size[0] * facts.input_size[1])
        self._scale, self._bar_range = RunningScale(facts.decisions_per_second), BarRange()
        self._colours = frame_colours(facts.stack)
        self._timeline = self._make_timeline()
        self._still = self._draw_still()
        self._page = self._still.copy()

    def begin(self, moment: Moment) -> None:
        """Draw all that holds while one action plays, and move the timeline on.

        Args:
            moment: The decision.

        Raises:
            UsageError: If its screen has another size than the page was made for.
        """
        shares = moment.region_shares if self.facts.regions else moment.frame_shares
        self._timeline.push(Point(moment.tracked, shares, moment.reward, moment.life_lost, moment.game_begins))
        self._timeline.draw(self._clean(self.layout.timeline))
        self._draw_scores(moment)
        self._draw_figures(moment)
        if self.facts.explain:
            self._draw_relevance(moment)

    def frame(self, screen: Picture, seconds: float) -> Picture:
        """Draw one frame of the film: the player's screen and the clock; all else holds since `begin`.

        Args:
            screen: Native screen, uint8 (height, width, 3), RGB.
            seconds: Time of play.

        Returns:
            The page, uint8 (720, 1280, 3), RGB. It is the one picture that the page draws in: copy it to keep it.

        Raises:
            UsageError: If the screen has another size than the page was made for.
        """
        self.layout.screen.of(self._page)[:] = self._enlarge(self._shrink(screen))
        figures = self._clean(self._clock_rect())
        write(figures, clock(seconds), figures.shape[1], 18, BRIGHT, FIGURE, "right")
        return self._page

    def _make_timeline(self) -> Timeline:
        facts, rect = self.facts, self.layout.timeline
        series = facts.regions or tuple(zip(frame_names(facts.stack), self._colours, strict=True))
        measured = "|relevance|" if facts.measure == "relevance" else facts.measure
        title = f"share of {measured} by " + ("region" if facts.regions else "stacked frame")
        if not facts.explain or not (facts.regions or facts.stack > 1):
            title, series = "", ()
        elif not (facts.regions or facts.frames_told_apart):
            title, series = _NOT_TOLD_APART, ()
        return Timeline(rect.height, rect.width, facts.decisions_per_second, facts.line_name, title, series)

    def _draw_still(self) -> Picture:
        page = np.full((PAGE_HEIGHT, PAGE_WIDTH, 3), GROUND, np.uint8)
        for panel in (self.layout.bars, self.layout.maps, self.layout.timeline):
            if panel is not None:
                draw_panel(page, panel)
        self._timeline.draw_still(self.layout.timeline.of(page))
        self._draw_header(self.layout.header.of(page))
        labels = self.layout.figures.of(page)
        write(labels, "return", 0, 23, FAINT, SMALL)
        write(labels, "time", labels.shape[1], 23, FAINT, SMALL, "right")
        if self.layout.captions is not None:
            write(self.layout.captions.of(page), "what the player sees", 0, 20, QUIET)
            self._caption_room = draw_legend(self._caption_rect().of(page), self.facts.measure)
        return page

    def _draw_header(self, header: Picture) -> None:
        title = shorten(self.facts.title, header.shape[1] // 2, TITLE)
        write(header, title, 0, 40, BRIGHT, TITLE)
        x = width(title, TITLE) + 16
        write(header, shorten("  ·  ".join(self.facts.subtitle), header.shape[1] - x), x, 40, QUIET)

    def _draw_relevance(self, moment: Moment) -> None:
        assert self.layout.overlay is not None
        reason = silence(moment.relevance, finite=moment.finite)
        screen = self._shrink(moment.screen)
        view, levels = self.layout.overlay.of(self._page), None
        if reason is None and moment.relevance is not None:
            on_screen = self._project(moment.relevance.sum(axis=0))
            full = self._scale.update(on_screen) / max(moment.brightness, 1e-3)
            view[:] = self._enlarge(lay_over(screen, on_screen, full))
            levels = moment.relevance / np.float32(full * self._pixels_each)
        else:
            view[:] = self._enlarge(quiet(screen))
            draw_notice(view, reason or "")
        if moment.outlines:
            colours = [colour for _, colour in self.facts.regions][: len(moment.outlines)]
            draw_outlines(view, moment.outlines, colours, self._screen_shape[:2])
        row = self._clean(self._caption_rect())
        is_taken = moment.target_action == moment.action
        draw_caption(row, moment.target_name, is_taken=is_taken, measure=self.facts.measure)
        draw_part(row, self._caption_room, self.facts.stack, moment.in_picture if moment.finite else None)
        self._draw_maps(moment, levels)

    def _draw_maps(self, moment: Moment, levels: NDArray[np.float32] | None) -> None:
        assert self.layout.maps is not None
        shares = moment.frame_shares if levels is not None and self.facts.frames_told_apart else None
        panel = self._clean(self.layout.maps)
        draw_maps(
            panel, moment.network_input, self.facts.input_upper, levels, shares, self._colours, self.facts.measure
        )

    def _draw_scores(self, moment: Moment) -> None:
        if self.facts.output == "logits":
            values, bounds, unit = probabilities(moment.scores), (0.0, 1.0), "probability"
        else:
            values, unit = moment.scores.astype(np.float64), "Q-value"
            bounds = self._bar_range.update(values)
        other = moment.target_action if self.facts.explain and moment.target_action != moment.action else None
        panel = self._clean(self.layout.bars)
        names = self.facts.action_names
        draw_bars(panel, names, values, bounds=bounds, unit=unit, taken=moment.action, explained=other)

    def _draw_figures(self, moment: Moment) -> None:
        rect = self.layout.figures
        view = self._clean(Rect(rect.x, 0, _CLOCK_X, rect.height))
        so_far = moment.return_so_far
        figure = _UNKNOWN if so_far is None else number(so_far, 0 if float(so_far).is_integer() else 1)
        write(view, figure, 0, 46, BRIGHT, FIGURE)
        if moment.lives is not None:
            write(view, "lives", _LIVES_X, 23, FAINT, SMALL)
            write(view, str(moment.lives), _LIVES_X, 46, BRIGHT, FIGURE)

    def _caption_rect(self) -> Rect:
        assert self.layout.captions is not None
        captions = self.layout.captions
        left = captions.width // 2 + 8
        return Rect(captions.x + left, captions.y, captions.width - left, captions.height)

    def _clock_rect(self) -> Rect:
        rect = self.layout.figures
        return Rect(rect.x + _CLOCK_X, 28, rect.width - _CLOCK_X, rect.height - 28)

    def _clean(self, rect: Rect) -> Picture:
        view = rect.of(self._page)
        view[:] = rect.of(self._still)
        return view

    def _shrink(self, screen: Picture) -> Picture:
        fit = self.layout.fit
        if screen.shape != self._screen_shape:
            raise UsageError(f"a screen is {screen.shape}, the page was made for {self._screen_shape}: make a new one")
        if screen.shape[:2] == (fit.height, fit.width):
            return screen
        return np.asarray(cv2.resize(screen, (fit.width, fit.height), interpolation=cv2.INTER_AREA), np.uint8)

    def _enlarge(self, picture: Picture) -> Picture:
        fit = self.layout.fit
        size = (fit.shown_width, fit.shown_height)
        return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_NEAREST_EXACT), np.uint8)
