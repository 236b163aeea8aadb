"""What stands beside the picture: rich texts, each as wide as its panel."""

from collections.abc import Iterable, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from rich.style import Style
from rich.text import Text

from inspector.draw.palette import ACCENT, BRIGHT, FAINT, GROUND, HAIRLINE, QUIET, TRACK, Colour
from inspector.draw.text import MINUS

Pixels = NDArray[np.uint8]

_EIGHTHS = " ▏▎▍▌▋▊▉█"
_HEIGHTS = " ▁▂▃▄▅▆▇█"


@lru_cache(maxsize=256)
def colour(value: Colour, ground: Colour | None = None, *, bold: bool = False) -> Style:
    """A style of the palette."""
    said = "#{:02x}{:02x}{:02x}"
    return Style(color=said.format(*value), bgcolor=said.format(*ground) if ground else None, bold=bold)


def bar(share: float, width: int, of: Colour) -> Text:
    """A bar of so many cells, drawn to an eighth of one.

    Args:
        share: Part of it that is full, 0 to 1; what is no number is empty.
        width: Cells.
        of: Its colour.
    """
    eighths = round(8 * width * min(max(share, 0.0), 1.0)) if np.isfinite(share) else 0
    whole, part = divmod(eighths, 8)
    text = "█" * whole + (_EIGHTHS[part] if part else "")
    return Text(text.ljust(width), colour(of, TRACK))


def name_width(names: Iterable[str], width: int) -> int:
    """Cells for names beside bars in a panel of some width: the longest's, but not more than two fifths."""
    return max(min(max(map(len, names), default=4), 2 * width // 5), 4)


def row(label: str, amount: float, figure: str, width: int, of: Colour, *, name: int, marked: bool = False) -> Text:
    """A name, a bar and a figure in one line.

    Args:
        label: What it is of.
        amount: Part of the bar that is full.
        figure: The number as a person reads it.
        width: Cells of the line.
        of: Colour of the bar.
        name: Cells for the name.
        marked: Whether this one is chosen.
    """
    room = max(width - name - 9, 3)
    line = Text("▸" if marked else " ", colour(ACCENT))
    line.append(f"{label[:name]:<{name}} ", colour(BRIGHT if marked else QUIET, bold=marked))
    line.append_text(bar(amount, room, of))
    line.append(f"{figure:>7}", colour(BRIGHT if marked else FAINT))
    return line


def heading(text: str | Text, width: int, right: str = "") -> Text:
    """The name of a panel, with a line to its end, and a word there."""
    line = Text(style=colour(QUIET, bold=True)).append_text(Text(text) if isinstance(text, str) else text).append(" ")
    tail = f" {right}" if right and len(line) + len(right) + 4 < width else ""
    line.append("─" * max(width - len(line) - len(tail), 0), colour(HAIRLINE))
    return line.append(tail, Style.combine([colour(FAINT), Style(bold=False)]))


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
    level = (shown - low) / ((high - low) or 1.0)
    eighths = np.where(np.isfinite(level), 1 + np.round(np.nan_to_num(level) * (8 * height - 1)), 0).astype(int)
    lines = []
    for number in reversed(range(height)):
        part = (eighths - 8 * number).clip(0, 8)
        lines.append(Text("".join(_HEIGHTS[one] for one in part.tolist()), colour(of)))
    return lines


def stack(shares: Sequence[NDArray[np.float32] | None], width: int, height: int, of: Sequence[Colour]) -> Pixels:
    """Shares over time as a picture: a column of colours for each moment, the newest at the right.

    Args:
        shares: Oldest first, each adding to 1, or None where there are none.
        width: Columns: so many moments are shown.
        height: Rows of the picture.
        of: Colour of each share; the first is at the bottom.

    Returns:
        uint8 (height, width, 3).
    """
    last = shares[-width:]
    table = np.array([*of, GROUND], np.uint8)
    nothing = np.zeros(len(of), np.float32)
    each = np.array([nothing if one is None else one for one in last], np.float32).reshape(-1, len(of))
    level = (np.arange(height, 0, -1) - 0.5) / height
    picture = np.full((height, width, 3), GROUND, np.uint8)
    above = (each.cumsum(1)[None] <= level[:, None, None]).sum(2)
    picture[:, width - len(last) :] = table[np.where(each.any(1), above.clip(max=len(of) - 1), len(of))]
    return picture


def number(value: float | None) -> str:
    """A number in few figures, with a true minus."""
    if value is None or not np.isfinite(value):
        return "–"
    size = abs(value)
    text = f"{size:.0f}" if size >= 999.5 or float(value).is_integer() else f"{size:.3g}"
    return (MINUS if value < 0 and float(text) else "") + text
