"""The timeline: a column a decision, the newest at the right; what is not of one unit does not read as one history."""

from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from rich.text import Text

from inspector.draw.palette import BRIGHT, FAINT, GROUND, HAIRLINE, QUIET, Colour, mix, region_colours
from inspector.live.panels import colour, heading, number
from inspector.live.scene import Past, Scene

Pixels = NDArray[np.uint8]
Column = Past | None
"""A decision, or a break between two units."""

_HEIGHTS = np.frombuffer(" ▁▂▃▄▅▆▇█".encode("utf-32-le"), "<u4")
_BREAK = "┊"
_OTHERS = "another checkpoint or target"
_DIMMED = 0.35
"""How much of their colours the shares of other units keep."""


class Timeline(NamedTuple):
    """What is drawn of it.

    Attributes:
        lines: Heading, score and marks.
        shares: Shares of the regions, uint8 (height, width, 3), below the lines; None where they are not drawn.
    """

    lines: list[Text]
    shares: Pixels | None


def draw_timeline(scene: Scene, width: int, line_rows: int, stack_rows: int, *, coloured: bool) -> Timeline:
    """The last decisions.

    Args:
        scene: What is shown.
        width: Cells of a line.
        line_rows: Rows of the score.
        stack_rows: Rows of cells of the shares; where there are none to show, the score has these too.
        coloured: Whether there are colours to tell shares by.
    """
    columns = columns_of(scene, width)
    stacked = coloured and len(scene.region_names) > 1
    seconds = (width - columns.count(None)) / scene.decision_rate
    lost = "◦ negative" if scene.lives is None else "× life lost"
    title = f"explained score {number(scene.tracked)}"
    lines = [
        heading(title, width, f"• reward  {lost}   the last {seconds:.0f} s"),
        *_score(scene, columns, width, line_rows if stacked else line_rows + stack_rows),
        _marks(columns, width),
    ]
    if not stacked:
        return Timeline(lines, None)
    shares = [None if one is None else one.region_shares for one in columns]
    own = [one is None or one.unit == scene.unit for one in columns]
    return Timeline(lines, stack(shares, own, width, 2 * stack_rows, region_colours(scene.region_names)))


def columns_of(scene: Scene, width: int) -> list[Column]:
    """The last decisions, oldest first, with a break wherever the unit changes, also to that of the scene."""
    found: list[Column] = []
    unit = scene.unit
    for past in reversed(scene.past):
        if past.unit != unit:
            found.append(None)
        found.append(past)
        unit = past.unit
        if len(found) >= width:
            break
    return found[:width][::-1]


def _score(scene: Scene, columns: Sequence[Column], width: int, height: int) -> list[Text]:
    """The explained score as far as it is of the scene's unit, breaks, and a word on what is left out."""
    own = [one.tracked if one is not None and one.unit == scene.unit else np.nan for one in columns]
    lines = sparkline(own, width, height, QUIET)
    first = width - len(columns)
    breaks = [number for number, one in enumerate(columns, first) if one is None]
    if not breaks:
        return lines
    for line in lines:
        _overwrite(line, dict.fromkeys(breaks, _BREAK))
    foreign = {number for number, one in enumerate(columns, first) if one is not None and one.unit != scene.unit}
    starts = [end - len(_OTHERS) - 1 for end in breaks]
    left_out = [start for start in starts if foreign.issuperset(range(start, start + len(_OTHERS)))]
    if left_out:
        _overwrite(lines[-1], dict(enumerate(_OTHERS, left_out[-1])))
    return lines


def _overwrite(line: Text, characters: dict[int, str]) -> None:
    """Put faint characters into a line, each at its place."""
    text = list(line.plain)
    for at, character in characters.items():
        text[at] = character
        line.stylize(colour(FAINT), at, at + 1)
    line.plain = "".join(text)


def _marks(columns: Sequence[Column], width: int) -> Text:
    """Under every decision what came of it: a reward, a life lost, the start of a game."""
    marks = Text(" " * (width - len(columns)))
    for (mark, of), alike in groupby(map(_mark, columns)):
        marks.append(mark * len(list(alike)), colour(of))
    return marks


def _mark(past: Column) -> tuple[str, Colour]:
    """As on the recorded page: what happens is bright, whatever it is."""
    if past is None:
        return _BREAK, FAINT
    if past.life_lost:
        return "×", BRIGHT
    if past.reward:
        return ("•" if past.reward > 0 else "◦"), BRIGHT
    return ("│", HAIRLINE) if past.game_begins else (" ", FAINT)


def sparkline(values: Sequence[float], width: int, height: int, of: Colour) -> list[Text]:
    """The last values as columns, the newest at the right; the lowest is an eighth high, what is no number is empty.

    Args:
        values: Oldest first.
        width: Cells: so many values are shown.
        height: Lines.
        of: Colour of the columns.
    """
    shown: NDArray[np.float64] = np.full(width, np.nan)
    last = np.array(values[-width:], np.float64)
    shown[width - len(last) :] = last
    known = shown[np.isfinite(shown)]
    low, high = (known.min(), known.max()) if len(known) else (0.0, 1.0)
    level = np.where(np.isfinite(shown), (shown - low) / ((high - low) or 1.0), -1.0)
    eighths = np.where(level < 0, 0, 1 + np.round(level * (8 * height - 1))).astype(int)
    lines = []
    for line in reversed(range(height)):
        part = (eighths - 8 * line).clip(0, 8)
        lines.append(Text(_HEIGHTS[part].tobytes().decode("utf-32-le"), colour(of)))
    return lines


def stack(
    shares: Sequence[NDArray[np.float32] | None], own: Sequence[bool], width: int, height: int, of: Sequence[Colour]
) -> Pixels:
    """Shares over time as a picture: a column of colours for each moment, the newest at the right.

    Args:
        shares: Oldest first, at most `width`, each adding to 1, or None where there are none.
        own: Which of them are of the unit that is shown now; the others are dimmed.
        width: Columns.
        height: Rows of the picture.
        of: Colour of each share; the first is at the bottom.

    Returns:
        uint8 (height, width, 3).
    """
    table = np.array([*of, *(mix(GROUND, one, _DIMMED) for one in of), GROUND], np.uint8)
    nothing = np.zeros(len(of), np.float32)
    each = np.array([nothing if one is None else one for one in shares], np.float32).reshape(-1, len(of))
    is_known = np.isfinite(each).all(1) & each.any(1)
    each[~is_known] = 0
    level = (np.arange(height, 0, -1) - 0.5) / height
    which = (each.cumsum(1)[None] <= level[:, None, None]).sum(2).clip(max=len(of) - 1)
    which += np.where(own, 0, len(of)).astype(np.intp)
    picture = np.full((height, width, 3), GROUND, np.uint8)
    picture[:, width - len(each) :] = table[np.where(is_known, which, len(table) - 1)]
    return picture
