"""Type on a picture: OpenCV's own outline font, whose figures all have one width, so that numbers do not jump."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from inspector.draw.palette import Colour

Picture = NDArray[np.uint8]
Align = Literal["left", "centre", "right"]

MINUS = "\N{MINUS SIGN}"
_NO_WRAP = (0, 1 << 20)
_CAP_HEIGHT = 0.7


@dataclass(frozen=True, slots=True)
class Type:
    """A size and weight of type.

    Attributes:
        size: Height of the type in pixels.
        weight: 400 is regular, 600 is semibold.
    """

    size: int
    weight: int = 400


TITLE = Type(26, 600)
FIGURE = Type(20, 600)
BODY = Type(16)
STRONG = Type(16, 600)
SMALL = Type(14)
SMALL_STRONG = Type(14, 600)


def write(
    picture: Picture, text: str, x: float, y: float, colour: Colour, style: Type = BODY, align: Align = "left"
) -> None:
    """Write one line of text in place.

    Args:
        picture: Where to write, uint8 (height, width, 3); what leaves it is cut off.
        text: What to write.
        x: The text's left end, centre or right end, by `align`, in pixels.
        y: The line it stands on, in pixels.
        colour: Its colour.
        style: Its size and weight.
        align: What `x` means.
    """
    text = _drawable(text)
    shift = {"left": 0.0, "centre": 0.5, "right": 1.0}[align]
    origin = (round(x - shift * width(text, style)), round(y))
    cv2.putText(picture, text, origin, colour, _face(), style.size, style.weight, cv2.PUT_TEXT_ALIGN_LEFT, _NO_WRAP)


def write_centred(
    picture: Picture, text: str, x: float, middle: float, colour: Colour, style: Type = BODY, align: Align = "left"
) -> None:
    """Write one line of text whose capitals are centred on the height `middle`; otherwise as `write`."""
    write(picture, text, x, middle + capital_height(style) / 2, colour, style, align)


def capital_height(style: Type) -> int:
    """Height of a capital letter in pixels."""
    return round(_CAP_HEIGHT * style.size)


@lru_cache(maxsize=8192)
def width(text: str, style: Type = BODY) -> int:
    """Width of a line of text in pixels, to where the next letter would begin."""
    if not text:
        return 0
    box = cv2.getTextSize((0, 0), _drawable(text), (0, 0), _face(), style.size, style.weight)
    return int(box[0] + box[2])


@lru_cache(maxsize=1024)
def shorten(text: str, room: int, style: Type = BODY) -> str:
    """Cut a line of text to a width, with an ellipsis for what is left out.

    Args:
        text: The line.
        room: Pixels there are.
        style: How it will be written.

    Returns:
        The line itself where it fits, else its beginning and an ellipsis.
    """
    if width(text, style) <= room:
        return text
    kept = text
    while kept and width(kept.rstrip() + "…", style) > room:
        kept = kept[:-1]
    return kept.rstrip() + "…" if kept else ""


def _drawable(text: str) -> str:
    """The text without halves of letters, as names of files may hold them: OpenCV dies of those."""
    return text.encode(errors="replace").decode()


def number(value: float, decimals: int = 2) -> str:
    """Write a number with a true minus sign, which is as wide as a figure; `n/a` if it is not finite."""
    if not np.isfinite(value):
        return "n/a"
    written = f"{value:.{decimals}f}"
    if not float(written):
        written = written.lstrip("-")
    return written.replace("-", MINUS)


def clock(seconds: float) -> str:
    """Write a time as minutes, seconds and tenths: `1:04.5`."""
    tenths = max(0, int(seconds * 10 + 0.5))
    return f"{tenths // 600}:{tenths // 10 % 60:02d}.{tenths % 10}"


@lru_cache(maxsize=1)
def _face() -> cv2.FontFace:
    return cv2.FontFace("sans")


def count_text(count: int) -> str:
    """A number of frames as a person reads it: 8 k, 0.85 M, 12 M."""
    if count < 100_000:
        return f"{count / 1_000:.0f} k" if count else "0"
    return f"{count / 1e6:.2f} M" if count < 10_000_000 else f"{count / 1e6:.1f} M"
