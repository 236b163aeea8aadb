"""The full-screen view: a scene drawn into cells, with as much of it as the window has room for."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.text import Text

from inspector.draw.bars import probabilities
from inspector.draw.layout import fit_screen
from inspector.draw.maps import frame_names
from inspector.draw.outlines import draw_outlines
from inspector.draw.overlay import lay_over, quiet
from inspector.draw.palette import ACCENT, AGAINST, BRIGHT, FAINT, FOR, QUIET, Colour, frame_colours, region_colours
from inspector.live.cells import Cells, blank, put_lines, put_picture
from inspector.live.colours import Depth
from inspector.live.panels import colour, heading, name_width, number, row, sparkline, stack
from inspector.live.picture import ramped, shrunk, size_within, stepped
from inspector.live.scene import Past, Scene

_MOST_RENDERED = 2000
"""Lines kept as cells."""

LEAST_ROWS, LEAST_COLUMNS = 20, 60


@dataclass(frozen=True, slots=True)
class Room:
    """Where things go in a window.

    Attributes:
        rows: Of the window.
        columns: Likewise.
        panel: Columns of the panels, at the right.
        line: Rows of the line of scores; 0 where there is no room for a timeline.
        stack: Rows of the shares below it.
    """

    rows: int
    columns: int
    panel: int
    line: int
    stack: int

    @classmethod
    def of(cls, rows: int, columns: int) -> "Room":
        """As a window of this size is divided."""
        panel = 46 if columns >= 150 else 38 if columns >= 100 else 26
        line, stack = (3, 4) if rows >= 50 else (2, 2) if rows >= 36 else (1, 1) if rows >= 28 else (0, 0)
        return cls(rows, columns, panel, line, stack)

    @property
    def timeline(self) -> int:
        """Rows of the timeline with its heading and marks; 0 where there is no room."""
        return self.line + self.stack + 2 if self.line else 0

    @property
    def body(self) -> int:
        """Rows of picture and panels."""
        return self.rows - 2 - self.timeline


class View:
    """Draws scenes for a terminal of some depth.

    Args:
        depth: How many colours it has; without any, the picture is made of characters.
    """

    def __init__(self, depth: Depth) -> None:
        self._depth = depth
        self._rendered: dict[tuple[object, ...], Cells] = {}
        self._console = Console(file=io.StringIO(), color_system="truecolor", force_terminal=True, legacy_windows=False)

    def draw(self, scene: Scene, rows: int, columns: int) -> Cells:
        """The whole screen, (rows, columns, 3)."""
        cells = blank(rows, columns)
        if rows < LEAST_ROWS or columns < LEAST_COLUMNS:
            needed = f"{LEAST_COLUMNS}×{LEAST_ROWS} are needed"
            self._put(cells, [Text(f"the window is {columns}×{rows}"), Text(needed), Text("q quits")])
            return cells
        room = Room.of(rows, columns)
        self._put(cells[:1], [self._header(scene, columns)])
        self._draw_picture(cells[1 : 1 + room.body, : columns - room.panel - 2], scene)
        self._put(cells[1 : 1 + room.body, columns - room.panel :], self._panels(scene, room))
        if room.timeline:
            self._draw_timeline(cells[-1 - room.timeline : -1, 1 : columns - 1], scene, room)
        self._put(cells[-1:], [self._footer(scene, columns)])
        return cells

    def _put(self, cells: Cells, lines: Sequence[Text]) -> None:
        """Write a line into each row; most lines are as they were, and are not rendered again."""
        columns = cells.shape[1]
        for place, line in zip(cells, lines, strict=False):
            key = (line.plain, str(line.style), tuple(line.spans), columns)
            if key not in self._rendered:
                if len(self._rendered) >= _MOST_RENDERED:
                    self._rendered.clear()
                self._rendered[key] = self._row(line, columns)
            place[:] = self._rendered[key]

    def _row(self, line: Text, columns: int) -> Cells:
        """A line as cells, (columns, 3)."""
        line.truncate(columns)
        line.stylize_before(line.style)  # rich leaves the style of a whole text out where no part has one
        cells = blank(1, columns)
        put_lines(cells, [line.render(self._console)])
        return cells.reshape(columns, 3)

    def _header(self, scene: Scene, columns: int) -> Text:
        line = Text(f" {scene.title}", colour(BRIGHT, bold=True))
        line.append(f"  {scene.agent}", colour(QUIET))
        line.append(f"  {scene.explained}", colour(FAINT))
        pace = Text(f"● {scene.filming}   " if scene.filming else "", colour(FOR, bold=True))
        pace.append(f"{scene.pace} ", colour(ACCENT if "pause" in scene.pace else QUIET))
        line.truncate(columns - len(pace) - 1, overflow="ellipsis")
        line.append(" " * (columns - len(line) - len(pace)))
        return line.append_text(pace)

    def _footer(self, scene: Scene, columns: int) -> Text:
        if scene.notice:
            notice = Text(f" {scene.notice}", colour(ACCENT))
            notice.truncate(columns, overflow="ellipsis")
            return notice
        line = Text(" ")
        for key, meaning in scene.keys:
            if len(line) + len(key) + len(meaning) + 3 > columns:
                break
            line.append(key, colour(BRIGHT, bold=True)).append(f" {meaning}  ", colour(FAINT))
        return line

    def _draw_picture(self, cells: Cells, scene: Scene) -> None:
        height, width = scene.screen.shape[:2]
        rows, columns = size_within((height, width), *cells.shape[:2])
        top, left = (cells.shape[0] - rows) // 2, (cells.shape[1] - columns) // 2
        place = cells[top : top + rows, left : left + columns]
        picture = shrunk(painted(scene), rows, columns)
        if scene.overlay == "regions":
            draw_outlines(picture, scene.regions, region_colours(scene.region_names)[:-1], (height, width), 1)
        if self._depth == "none":
            self._put(place, [Text(line) for line in ramped(picture)])
        else:
            put_picture(place, stepped(picture))

    def _panels(self, scene: Scene, room: Room) -> list[Text]:
        width = room.panel - 1
        if scene.help:
            return [heading("keys", width), *(_key_line(*one) for one in scene.keys)]
        blocks = [self._figures(scene, width), self._scores(scene, width, room.body), self._attention(scene, width)]
        if scene.frame_shares is not None:
            blocks.append(self._frames(scene, width))
        lines: list[Text] = []
        for block in blocks:
            if len(lines) + len(block) + 1 <= room.body:
                lines += [*block, Text()]
        return lines

    def _figures(self, scene: Scene, width: int) -> list[Text]:
        parts = [("return", number(scene.return_so_far))]
        parts += [("lives", str(scene.lives))] if scene.lives is not None else []
        parts += [("value", number(scene.decision.value))] if scene.decision.value is not None else []
        line, gap = Text(), "   " if width > 30 else " "
        for name, figure in parts:
            if len(line) + len(name) + 1 + len(figure) <= width:
                line.append(f"{name} ", colour(FAINT)).append(f"{figure}{gap}", colour(BRIGHT, bold=True))
        return [line]

    def _scores(self, scene: Scene, width: int, most: int) -> list[Text]:
        scores, taken = scene.decision.scores.astype(np.float64), scene.decision.action
        amounts = probabilities(scene.decision.scores) if scene.output == "logits" else _within(scores)
        said = [f"{100 * one:.0f} %" for one in amounts] if scene.output == "logits" else [number(s) for s in scores]
        order = range(len(scores)) if len(scores) <= most - 8 else sorted(np.argsort(-scores)[: most - 8].tolist())
        unit = "probability" if scene.output == "logits" else "Q-value"
        of = [ACCENT if one == taken else FOR if one == scene.target_action else QUIET for one in range(len(scores))]
        keys = [f"{key} " for key in scene.action_keys] or [""] * len(scores)
        names = [key + name for key, name in zip(keys, scene.action_names, strict=False)]
        room = name_width(names, width)
        rows = [
            row(names[one], float(amounts[one]), said[one], width, of[one], name=room, marked=one == taken)
            for one in order
        ]
        return [heading(unit, width), *rows]

    def _attention(self, scene: Scene, width: int) -> list[Text]:
        title = heading(_relevance_of(scene, width), width)
        if not scene.target_name or not scene.region_names:
            return [title] if scene.target_name else [Text("not explained", colour(FAINT))]
        if scene.region_shares is None:
            return [title, Text("no relevance, or none that is finite", colour(FAINT))]
        names = [name.replace("_", " ") for name in scene.region_names]
        shares, room = scene.region_shares.tolist(), name_width(names, width)
        each = zip(names, shares, region_colours(scene.region_names), strict=True)
        return [title, *(row(name, share, f"{100 * share:.0f} %", width, of, name=room) for name, share, of in each)]

    def _frames(self, scene: Scene, width: int) -> list[Text]:
        assert scene.frame_shares is not None
        count = len(scene.frame_shares)
        each = zip(frame_names(count), scene.frame_shares.tolist(), frame_colours(count), strict=True)
        return [
            heading("stacked frames", width),
            *(row(name, share, f"{100 * share:.0f} %", width, of, name=4) for name, share, of in each),
        ]

    def _draw_timeline(self, cells: Cells, scene: Scene, room: Room) -> None:
        width = cells.shape[1]
        past = list(scene.past)[-width:]
        seconds = width / scene.decision_rate
        lost = "◦ negative" if scene.lives is None else "× life lost"
        legend = f"• reward  {lost}   the last {seconds:.0f} s"
        title = heading(f"explained score {number(scene.tracked)}", width, legend)
        stacked = self._depth != "none" and len(scene.region_names) > 1
        high = room.line if stacked else room.line + room.stack
        tracked = [one.tracked if one.unit == scene.unit else np.nan for one in past]
        lines = sparkline(tracked, width, high, QUIET)
        self._put(cells, [title, *lines, _marks(past, width)])
        if stacked:
            shares = [one.region_shares for one in past]
            put_picture(cells[-room.stack :], stack(shares, width, 2 * room.stack, region_colours(scene.region_names)))


def _marks(past: Sequence[Past], width: int) -> Text:
    """Under every decision what came of it: a reward, a life lost, the start of a game."""
    marks = Text(" " * (width - len(past)))
    for (mark, of), alike in groupby(map(_mark, past)):
        marks.append(mark * len(list(alike)), colour(of))
    return marks


def _mark(past: Past) -> tuple[str, Colour]:
    if past.life_lost:
        return "×", AGAINST
    if past.reward:
        return ("•", BRIGHT) if past.reward > 0 else ("◦", FAINT)
    return ("│" if past.game_begins else " "), FAINT


def _relevance_of(scene: Scene, width: int) -> Text:
    """What the picture shows, in its colours, and in fewer words where there is little room."""
    if scene.measure != "relevance":
        return Text(f"{scene.measure} of {scene.target_name}")
    title = Text().append("for", colour(FOR)).append(" / ").append("against", colour(AGAINST))
    title.append(f" {scene.target_name}")
    return Text("relevance ").append_text(title) if len(title) + 10 <= width else title


def _key_line(key: str, meaning: str) -> Text:
    return Text(f" {key:8} ", colour(BRIGHT, bold=True)).append(meaning, colour(QUIET))


def enlarged(scene: Scene, most_rows: int, most_columns: int) -> NDArray[np.uint8]:
    """The screen with what lies on it, in sharp pixels of the shape that the console's have: uint8 RGB."""
    height, width = scene.screen.shape[:2]
    fit = fit_screen(height, width, most_rows, most_columns)
    picture = painted(scene).repeat(fit.y_factor, axis=0).repeat(fit.x_factor, axis=1)
    if scene.overlay == "regions":
        draw_outlines(picture, scene.regions, region_colours(scene.region_names)[:-1], (height, width))
    return picture


def painted(scene: Scene) -> NDArray[np.uint8]:
    """The screen with what lies on it, in its own size."""
    if scene.overlay == "off":
        return scene.screen
    if scene.painted is not None:
        return scene.painted
    if scene.on_screen is None:
        return quiet(scene.screen)
    shown = scene.on_screen.clip(min=0) if scene.overlay == "positive" else scene.on_screen
    return lay_over(scene.screen, shown, scene.full_strength)


def _within(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scores as parts of the way from the least to the largest finite one; all of it if they are alike."""
    known = scores[np.isfinite(scores)]
    least, most = (known.min(), known.max()) if len(known) else (0.0, 0.0)
    return (scores.clip(least, most) - least) / (most - least) if most > least else np.ones_like(scores)
