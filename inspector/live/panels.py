"""What panels are made of: rich texts, each as wide as its panel."""

from collections.abc import Iterable, Sequence
from functools import lru_cache

import numpy as np
from rich.style import Style
from rich.text import Text

from inspector.draw.palette import ACCENT, BRIGHT, FAINT, HAIRLINE, QUIET, TRACK, Colour
from inspector.draw.text import MINUS

_EIGHTHS = " ▏▎▍▌▋▊▉█"
_HALVES = " ▐█"
_ZERO = "▏"

Bounds = tuple[float, float]
"""Values at the left and the right end of a bar; zero lies between or at an end."""

WHOLE: Bounds = (0.0, 1.0)
"""Of a part of something."""

_FIGURE = 7
_LEAST_BAR = 3
_LEAST_NAME = 4


@lru_cache(maxsize=256)
def colour(value: Colour, ground: Colour | None = None, *, bold: bool = False) -> Style:
    """A style of the palette."""
    said = "#{:02x}{:02x}{:02x}"
    return Style(color=said.format(*value), bgcolor=said.format(*ground) if ground else None, bold=bold)


def bar(value: float, width: int, of: Colour, bounds: Bounds = WHOLE) -> Text:
    """A bar from zero to a value: to an eighth of a cell above zero, to a half below it.

    Args:
        value: What it shows; what is no number is empty.
        width: Cells.
        of: Its colour.
        bounds: Values at its ends; if they are alike, it is empty.
    """
    low, high = bounds
    if not (np.isfinite(value) and high > low):
        return Text(" " * width, colour(of, TRACK))
    zero = _zero(width, bounds)
    cells = width * abs(value) / (high - low)
    if value < 0:
        whole, part = divmod(min(max(round(2 * cells), 1), 2 * zero), 2)
        text = ((_HALVES[part] if part else "") + "█" * whole).rjust(zero).ljust(width)
    else:
        whole, part = divmod(min(round(8 * cells), 8 * (width - zero)), 8)
        text = (" " * zero + "█" * whole + (_EIGHTHS[part] if part else "")).ljust(width)
    if not 0 < zero < width or text[zero] != " ":
        return Text(text, colour(of, TRACK))
    line = Text(text[:zero] + _ZERO + text[zero + 1 :], colour(of, TRACK))
    line.stylize(colour(FAINT, TRACK), zero, zero + 1)
    return line


def _zero(width: int, bounds: Bounds) -> int:
    """Cells of a bar that are below zero; some where there is room for a sign of either side."""
    low, high = bounds
    zero = round(width * -low / (high - low))
    return min(max(zero, 1), width - 1) if low < 0 < high and width > 1 else zero


def name_width(names: Iterable[str], width: int) -> int:
    """Cells for names beside bars in a panel of some width: the longest's, but not more than four ninths."""
    return max(min(max(map(len, names), default=_LEAST_NAME), 4 * width // 9), _LEAST_NAME)


def fitted(names: Sequence[str], room: int) -> list[str]:
    """Names that fit into some cells, cut where they have to be, so that no two different ones look alike.

    Args:
        names: The names, each of one cell a character.
        room: Cells there are, at least 4.
    """
    head = (room - 1) // 2
    ways = (
        lambda number, name: name[: room - 1] + "…",
        lambda number, name: f"{name[:head]}…{name[head + 1 - room :]}",
        lambda number, name: f"{name[: room - 1 - len(str(number))]}…{number}",
    )
    found: list[str] = []
    for way in ways:
        found = [name if len(name) <= room else way(number, name) for number, name in enumerate(names)]
        if len(set(found)) == len(set(names)):
            break
    return found


def row(
    name: str, amount: float, figure: str, width: int, of: Colour, *, room: int, bounds: Bounds = WHOLE, mark: str = " "
) -> Text:
    """A mark, a name, a bar and a figure in one line.

    Args:
        name: What it is of.
        amount: What the bar shows.
        figure: The number as a person reads it.
        width: Cells of the line.
        of: Colour of the bar.
        room: Cells for the name.
        bounds: Values at the ends of the bar.
        mark: What sets this one apart, a character; a space for none.
    """
    look, is_marked = (ACCENT if of == ACCENT else BRIGHT), mark != " "
    line = Text(mark, colour(look))
    line.append(f"{name[:room]:<{room}} ", colour(look if is_marked else QUIET, bold=of == ACCENT))
    line.append_text(bar(amount, max(width - room - 2 - _FIGURE, _LEAST_BAR), of, bounds))
    return line.append(f"{figure:>{_FIGURE}}", colour(BRIGHT if is_marked else FAINT))


def heading(text: str | Text, width: int, right: str = "") -> Text:
    """The name of a panel, with a line to its end, and a word there."""
    line = Text(style=colour(QUIET, bold=True)).append_text(Text(text) if isinstance(text, str) else text).append(" ")
    tail = f" {right}" if right and len(line) + len(right) + 4 < width else ""
    line.append("─" * max(width - len(line) - len(tail), 0), colour(HAIRLINE))
    return line.append(tail, Style.combine([colour(FAINT), Style(bold=False)]))


def percent(share: float) -> str:
    """A part of something in hundredths."""
    return f"{100 * share:.0f} %" if np.isfinite(share) else "–"


def number(value: float | None) -> str:
    """A number in few figures, with a true minus."""
    if value is None or not np.isfinite(value):
        return "–"
    size = abs(value)
    text = f"{size:.0f}" if size >= 999.5 or float(value).is_integer() else f"{size:.3g}"
    return (MINUS if value < 0 and float(text) else "") + text
