"""The full-screen view: a scene drawn into cells, with as much of it as the window has room for."""

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.text import Text

from inspector.draw.bars import probabilities
from inspector.draw.maps import frame_names
from inspector.draw.outlines import draw_outlines
from inspector.draw.overlay import lay_over, quiet
from inspector.draw.palette import ACCENT, AGAINST, BRIGHT, FAINT, FOR, QUIET, frame_colours, region_colours
from inspector.live.cells import Cells, blank, put_lines, put_picture
from inspector.live.colours import Depth
from inspector.live.panels import colour, heading, number, row, sparkline
from inspector.live.picture import ramped, shrunk, size_within
from inspector.live.scene import Scene

LEAST_ROWS, LEAST_COLUMNS = 20, 60
KEYS = (
    ("space", "pause"),
    (".", "step"),
    ("[ ]", "speed"),
    ("o", "overlay"),
    ("t", "target"),
    ("0-9", "action"),
    ("c C", "checkpoint"),
    ("r", "record"),
    ("s", "snapshot"),
    ("n", "new game"),
    ("?", "help"),
    ("q", "quit"),
)
"""Keys in the footer, the most wanted first to the eye: those that do not fit are left to the help."""


@dataclass(frozen=True, slots=True)
class Room:
    """Where things go in a window.

    Attributes:
        rows: Of the window.
        columns: Likewise.
        panel: Columns of the panels, at the right.
        timeline: Rows of the timeline, above the footer; 0 where there is no room.
    """

    rows: int
    columns: int
    panel: int
    timeline: int

    @classmethod
    def of(cls, rows: int, columns: int) -> "Room":
        """As a window of this size is divided."""
        panel = 46 if columns >= 150 else 38 if columns >= 100 else 26
        return cls(rows, columns, panel, 6 if rows >= 40 else 4 if rows >= 28 else 0)

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
            self._put(cells[-1 - room.timeline : -1, 1 : columns - 1], self._timeline(scene, room))
        self._put(cells[-1:], [self._footer(scene, columns)])
        return cells

    def _put(self, cells: Cells, lines: Sequence[Text]) -> None:
        for line in lines:
            line.truncate(cells.shape[1])
            line.stylize_before(line.style)  # rich leaves the style of a whole text out where no part has one
        put_lines(cells, (line.render(self._console) for line in lines))

    def _header(self, scene: Scene, columns: int) -> Text:
        line = Text(f" {scene.title}", colour(BRIGHT, bold=True))
        line.append(f"  {scene.agent}", colour(QUIET))
        line.append(f"  {scene.explained}", colour(FAINT))
        pace = Text(f"{scene.pace} ", colour(ACCENT if "pause" in scene.pace else QUIET))
        line.truncate(columns - len(pace) - 1, overflow="ellipsis")
        line.append(" " * (columns - len(line) - len(pace)))
        return line.append_text(pace)

    def _footer(self, scene: Scene, columns: int) -> Text:
        if scene.notice:
            return Text(f" {scene.notice}", colour(ACCENT))
        line = Text(" ")
        for key, meaning in sorted(KEYS, key=lambda one: one[0] not in ("q", "?", "space")):
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
            draw_outlines(picture, scene.regions, region_colours(scene.region_names)[:-1], (height, width))
        if self._depth == "none":
            self._put(place, [Text(line) for line in ramped(picture)])
        else:
            put_picture(place, picture)

    def _panels(self, scene: Scene, room: Room) -> list[Text]:
        width = room.panel - 1
        if scene.help:
            return [heading("keys", width), *(Text(f" {key:6} {meaning}", colour(QUIET)) for key, meaning in KEYS)]
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
        line = Text()
        for name, figure in parts:
            line.append(f"{name} ", colour(FAINT)).append(f"{figure}   ", colour(BRIGHT, bold=True))
        return [line]

    def _scores(self, scene: Scene, width: int, most: int) -> list[Text]:
        scores, taken = scene.decision.scores.astype(np.float64), scene.decision.action
        amounts = probabilities(scene.decision.scores) if scene.output == "logits" else _within(scores)
        said = [f"{100 * one:.0f} %" for one in amounts] if scene.output == "logits" else [number(s) for s in scores]
        order = range(len(scores)) if len(scores) <= most - 8 else sorted(np.argsort(-scores)[: most - 8].tolist())
        unit = "probability" if scene.output == "logits" else "Q-value"
        of = [ACCENT if one == taken else FOR if one == scene.target_action else QUIET for one in range(len(scores))]
        rows = [
            row(scene.action_names[one], float(amounts[one]), said[one], width, of[one], marked=one == taken)
            for one in order
        ]
        return [heading(unit, width), *rows]

    def _attention(self, scene: Scene, width: int) -> list[Text]:
        title = heading(f"relevance for {scene.target_name}", width)
        if scene.region_shares is None:
            return [title, Text("no relevance reaches the input", colour(FAINT))]
        names, colours = scene.region_names, region_colours(scene.region_names)
        shares = zip(names, scene.region_shares.tolist(), colours, strict=True)
        return [title, *(row(name.replace("_", " "), s, f"{100 * s:.0f} %", width, of) for name, s, of in shares)]

    def _frames(self, scene: Scene, width: int) -> list[Text]:
        assert scene.frame_shares is not None
        count = len(scene.frame_shares)
        each = zip(frame_names(count), scene.frame_shares.tolist(), frame_colours(count), strict=True)
        return [
            heading("stacked frames", width),
            *(row(name, s, f"{100 * s:.0f} %", width, of) for name, s, of in each),
        ]

    def _timeline(self, scene: Scene, room: Room) -> list[Text]:
        width = room.columns - 2
        past = list(scene.past)[-width:]
        title = heading(f"explained score {number(scene.tracked)}", width)
        lines = sparkline([one.tracked for one in past], width, room.timeline - 2, FAINT)
        marks = Text(" " * (width - len(past)))
        for one in past:
            mark, of = ("×", AGAINST) if one.life_lost else ("•", BRIGHT) if one.reward > 0 else (" ", FAINT)
            marks.append("│" if one.game_begins and mark == " " else "◦" if one.reward < 0 else mark, colour(of))
        return [title, *lines, marks]


def painted(scene: Scene) -> NDArray[np.uint8]:
    """The screen with what lies on it, in its own size."""
    if scene.overlay == "off":
        return scene.screen
    if scene.on_screen is None:
        return quiet(scene.screen)
    shown = scene.on_screen.clip(min=0) if scene.overlay == "positive" else scene.on_screen
    return lay_over(scene.screen, shown, scene.full_strength)


def _within(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scores as parts of the way from the least to the largest; all of it if they are alike."""
    least, most = scores.min(), scores.max()
    return (scores - least) / (most - least) if most > least else np.ones_like(scores)
