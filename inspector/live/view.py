"""The full-screen view: a scene drawn into cells, with as much of it as the window has room for."""

import io
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.text import Text

from inspector.draw.layout import fit_screen, pixel_shape
from inspector.draw.outlines import draw_outlines
from inspector.draw.overlay import lay_over, quiet
from inspector.draw.palette import BRIGHT, FAINT, GROUND, QUIET, region_colours
from inspector.live.cells import Cells, blank, plain, put_lines, put_picture
from inspector.live.colours import PLAIN, Depth
from inspector.live.hints import footer, key_lines
from inspector.live.panels import colour, number
from inspector.live.picture import ramped, shrunk, size_within, stepped
from inspector.live.scene import Scene
from inspector.live.scores import ScoreBars
from inspector.live.shares import attention, frames
from inspector.live.timeline import draw_timeline

_MOST_RENDERED = 2000
"""Lines kept as cells."""

LEAST_ROWS, LEAST_COLUMNS = 20, 60

_LEAST_SCORES = 6
"""Actions that are shown before there is room for regions."""

_WIDE_PANEL = 30
"""Columns from which there is room for words that can be done without."""


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
        self._scores = ScoreBars()
        self._rendered: dict[tuple[object, ...], Cells] = {}
        self._console = Console(file=io.StringIO(), color_system="truecolor", force_terminal=True, legacy_windows=False)

    def draw(self, scene: Scene, rows: int, columns: int) -> Cells:
        """The whole screen, (rows, columns, 3)."""
        cells = blank(rows, columns)
        if rows < LEAST_ROWS or columns < LEAST_COLUMNS:
            needed = f"{LEAST_COLUMNS}×{LEAST_ROWS} are needed"
            self._put(cells, [Text(f"the window is {columns}×{rows}"), Text(needed), Text("q quits")])
            return self._grounded(cells)
        scene, room = _in_cells(scene), Room.of(rows, columns)
        self._put(cells[:1], [self._header(scene, columns)])
        self._draw_picture(cells[1 : 1 + room.body, : columns - room.panel - 2], scene)
        self._put(cells[1 : 1 + room.body, columns - room.panel :], self._panels(scene, room))
        if room.timeline:
            self._draw_timeline(cells[-1 - room.timeline : -1, 1 : columns - 1], scene, room)
        said = footer(scene, columns)
        self._put(cells[-len(said) :], said)
        return self._grounded(cells)

    def _grounded(self, cells: Cells) -> Cells:
        """Dark where nothing else is said, in light terminals too: our colours are made for that."""
        if self._depth != "none":
            for part, of in ((1, BRIGHT), (2, GROUND)):
                cells[..., part][cells[..., part] == PLAIN] = of[0] << 16 | of[1] << 8 | of[2]
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
        pace = Text(f"● {scene.filming}   " if scene.filming else "", colour(BRIGHT, bold=True))
        pace.append(f"{scene.pace} ", colour(BRIGHT if "pause" in scene.pace else QUIET))
        line.truncate(max(columns - len(pace) - 1, 1), overflow="ellipsis")
        line.append(" " * (columns - len(line) - len(pace)))
        return line.append_text(pace)

    def _draw_picture(self, cells: Cells, scene: Scene) -> None:
        (height, width), (most_rows, most_columns) = scene.screen.shape[:2], cells.shape[:2]
        rows, columns = size_within((height, width), most_rows, most_columns, pixel_shape(height, width))
        top, left = (most_rows - rows) // 2, (most_columns - columns) // 2
        place = cells[top : top + rows, left : left + columns]
        picture = shrunk(painted(scene), rows, columns)
        if scene.overlay == "regions":
            draw_outlines(picture, scene.regions, region_colours(scene.region_names)[:-1], (height, width), 1)
        if self._depth == "none":
            self._put(place, [Text(line) for line in ramped(picture)])
        else:
            put_picture(place, stepped(picture))

    def _panels(self, scene: Scene, room: Room) -> list[Text]:
        width, body = room.panel - 1, room.body
        if scene.help:
            return key_lines(scene, room.panel, body)
        regions = 1 + len(scene.region_names)
        scores = self._scores.lines(scene, width, max(body - regions - 4, _LEAST_SCORES))
        blocks = [_figures(scene, width), scores, attention(scene, width, body - len(scores) - 4)]
        if scene.frame_shares is not None:
            blocks.append(frames(scene.frame_shares, width))
        lines: list[Text] = []
        for block in blocks:
            if len(lines) + len(block) <= body:
                lines += [*block, Text()]
        return lines

    def _draw_timeline(self, cells: Cells, scene: Scene, room: Room) -> None:
        coloured = self._depth != "none"
        lines, shares = draw_timeline(scene, cells.shape[1], room.line, room.stack, coloured=coloured)
        self._put(cells, lines)
        if shares is not None:
            put_picture(cells[-room.stack :], shares)


def _in_cells(scene: Scene) -> Scene:
    """The scene with texts of one cell a character: names out of files hold anything."""
    return replace(
        scene,
        title=plain(scene.title),
        agent=plain(scene.agent),
        explained=plain(scene.explained),
        target_name=plain(scene.target_name),
        measure=plain(scene.measure),
        action_names=tuple(map(plain, scene.action_names)),
        pace=plain(scene.pace),
        filming=plain(scene.filming),
        notice=plain(scene.notice),
        keys=tuple((plain(key), plain(meaning)) for key, meaning in scene.keys),
    )


def _figures(scene: Scene, width: int) -> list[Text]:
    parts = [("return", number(scene.return_so_far))]
    parts += [("lives", str(scene.lives))] if scene.lives is not None else []
    parts += [("value", number(scene.decision.value))] if scene.decision.value is not None else []
    line, gap = Text(), "   " if width > _WIDE_PANEL else " "
    for name, figure in parts:
        if len(line) + len(name) + 1 + len(figure) <= width:
            line.append(f"{name} ", colour(FAINT)).append(f"{figure}{gap}", colour(BRIGHT, bold=True))
    return [line]


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
