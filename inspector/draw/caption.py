"""The two lines under the overlay: what its colours speak for and against, and how much of the score it holds."""

import numpy as np
from numpy.typing import NDArray

from inspector.draw.colormap import legend
from inspector.draw.moment import Measure
from inspector.draw.palette import ACCENT, AGAINST, BRIGHT, FAINT, FOR, GROUND, QUIET, Colour
from inspector.draw.text import BODY, MINUS, SMALL, STRONG, Type, number, shorten, width, write

Picture = NDArray[np.uint8]

_FIRST_LINE, _SECOND_LINE = 20, 40
_RAMP_WIDTH, _RAMP_HEIGHT = 72, 10
_OVER = " over "
_WIDEST_PARTS = (">999 %", f"<{MINUS}99 %")


def draw_legend(row: Picture, measure: Measure = "relevance", ends: tuple[str, str] = ("against", "for")) -> int:
    """Draw the colours in place, at the right of the second line: against, nothing, for; of sensitivity: little, much.

    Args:
        row: The caption's part of the page, uint8 (height, width, 3).
        measure: What the colours show.
        ends: Words for either end of relevance, where there is no room for these.

    Returns:
        Columns left of the legend, free for words.
    """
    signed = measure == "relevance"
    least, most = ends if signed else ("little", "much")
    right = int(row.shape[1])
    ramp_right = right - width(most, SMALL) - 8
    ramp_left = ramp_right - _RAMP_WIDTH
    top = _SECOND_LINE - _RAMP_HEIGHT
    write(row, most, right, _SECOND_LINE, FOR, SMALL, "right")
    ramp = legend(_RAMP_WIDTH if signed else 2 * _RAMP_WIDTH, _RAMP_HEIGHT, GROUND)
    row[top:_SECOND_LINE, ramp_left:ramp_right] = ramp[:, -_RAMP_WIDTH:]
    write(row, least, ramp_left - 8, _SECOND_LINE, AGAINST if signed else FAINT, SMALL, "right")
    return ramp_left - 8 - width(least, SMALL) - 8


def draw_caption(row: Picture, target_name: str, *, is_taken: bool, measure: Measure = "relevance") -> None:
    """Write the first line in place: what the relevance speaks for and against, or the sensitivity is of.

    Args:
        row: The caption's part of the page, uint8 (height, width, 3), its first line empty.
        target_name: What is explained: `LEFT`, `LEFT over FIRE`, `the value`; cut to the room there is.
        is_taken: The explained action is the one taken.
        measure: What the map holds.
    """
    words: list[tuple[str, Colour, Type]] = [("sensitivity of ", QUIET, BODY)]
    if measure == "relevance":
        words = [
            ("relevance ", QUIET, BODY),
            ("for", FOR, STRONG),
            (" / ", FAINT, BODY),
            ("against ", AGAINST, STRONG),
        ]
    room = row.shape[1] - sum(width(text, style) for text, _, style in words)
    first, over, second = fit_name(target_name, room).partition(_OVER)
    words += [(first, ACCENT if is_taken else BRIGHT, STRONG), (over, QUIET, STRONG), (second, BRIGHT, STRONG)]
    x = 0
    for text, colour, style in words:
        write(row, text, x, _FIRST_LINE, colour, style)
        x += width(text, style)


def fit_name(name: str, room: int) -> str:
    """Cut the name of what is explained to a width; of `A over B` both sides keep their beginnings.

    Args:
        name: The name.
        room: Pixels there are.

    Returns:
        The name itself where it fits.
    """
    first, over, second = name.partition(_OVER)
    if not over or width(name, STRONG) <= room:
        return shorten(name, room, STRONG)
    spare = room - width(over, STRONG)
    second = shorten(second, max(spare // 2, spare - width(first, STRONG)), STRONG)
    return shorten(first, spare - width(second, STRONG), STRONG) + over + second


def draw_part(row: Picture, room: int, stack: int, in_picture: float | None) -> None:
    """Write the second line's words in place: that the map is a sum, and how much of the explained score it adds up to.

    Args:
        row: The caption's part of the page, uint8 (height, width, 3), its second line empty but for the legend.
        room: Columns there are.
        stack: Stacked frames that the map is the sum of.
        in_picture: The map's sum divided by the explained score; None or NaN where there is none.
    """
    words = "frames summed" if stack > 1 else ""
    if in_picture is None or np.isnan(in_picture):
        write(row, shorten(words, room, SMALL), 0, _SECOND_LINE, FAINT, SMALL)
        return
    words = f"{words}: " if words else "sum: "
    write(row, words, 0, _SECOND_LINE, FAINT, SMALL)
    right = width(words, SMALL) + max(width(part, SMALL) for part in _WIDEST_PARTS)
    write(row, part_text(in_picture), right, _SECOND_LINE, QUIET, SMALL, "right")
    write(row, " of the explained score", right, _SECOND_LINE, FAINT, SMALL)


def part_text(part: float) -> str:
    """Write a part of the explained score as a percentage with its sign, never wider than six letters.

    It may be below 0 or above 100 %: biases and the like make up the rest, and may be of the other sign. Where the
    score is next to nothing the quotient is huge and says little; then only what it is beyond is written.
    """
    percent = 100 * part
    if percent >= 999.5:
        return ">999 %"
    return f"<{MINUS}99 %" if percent < -99.5 else f"{number(percent, 0)} %"
