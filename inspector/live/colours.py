"""How many colours a terminal has, and how the pictures' colours are said in them."""

import os
from collections.abc import Mapping
from functools import cache, lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Depth = Literal["truecolor", "256", "16", "none"]

DEPTHS: tuple[Depth, ...] = ("truecolor", "256", "16", "none")

PLAIN = 1 << 24
"""The terminal's own colour, beside all 0xRRGGBB."""

_STEPS = (0, 95, 135, 175, 215, 255)
_SIXTEEN = (
    *(0x000000, 0xCD0000, 0x00CD00, 0xCDCD00, 0x0000EE, 0xCD00CD, 0x00CDCD, 0xE5E5E5),
    *(0x7F7F7F, 0xFF0000, 0x00FF00, 0xFFFF00, 0x5C5CFF, 0xFF00FF, 0x00FFFF, 0xFFFFFF),
)
"""As xterm has them; other terminals' differ, but not in kind."""

_HUE = {"256": 1.6, "16": 2.0}
"""So many times a hue counts when the nearest colour is looked for: else faint relevance becomes a grey."""


def depth_of(environment: Mapping[str, str] = os.environ) -> Depth:
    """How many colours the terminal says it has.

    `NO_COLOR` is none. Truecolor is what `COLORTERM` says, and terminals known for it; ssh does not forward it.
    """
    terminal = environment.get("TERM", "").lower()
    if environment.get("NO_COLOR") or terminal in ("", "dumb", "unknown"):
        return "none"
    if environment.get("COLORTERM", "").lower() in ("truecolor", "24bit") or terminal.endswith(("-direct", "kitty")):
        return "truecolor"
    return "256" if "256" in terminal else "16"


def reduced(colours: NDArray[np.uint32], depth: Depth) -> NDArray[np.uint32]:
    """Colours as the terminal has them: themselves, or the number of the nearest in its table; `PLAIN` stays.

    Args:
        colours: 0xRRGGBB, or `PLAIN`, of any shape.
        depth: What the terminal has.
    """
    if depth == "truecolor":
        return colours
    if depth == "none":
        return np.full_like(colours, PLAIN)
    red, green, blue = (colours >> shift & 0xFF for shift in (16, 8, 0))
    nearest = _table(depth)[red >> 3, green >> 3, blue >> 3]
    return np.where(colours == PLAIN, np.uint32(PLAIN), nearest)


@lru_cache(maxsize=1 << 16)
def sgr(colour: int, depth: Depth, *, ground: bool) -> str:
    """What sets a reduced colour: the parameters between `ESC [` and `m`."""
    base = 40 if ground else 30
    if colour == PLAIN:
        return str(base + 9)
    if depth == "truecolor":
        return f"{base + 8};2;{colour >> 16};{colour >> 8 & 255};{colour & 255}"
    if depth == "256":
        return f"{base + 8};5;{colour}"
    return str(base + colour if colour < 8 else base + 52 + colour)


@cache
def _table(depth: Depth) -> NDArray[np.uint32]:
    """The nearest colour of the terminal's table, by the upper five bits of red, green and blue."""
    known = _xterm() if depth == "256" else np.array([[c >> 16, c >> 8 & 255, c & 255] for c in _SIXTEEN], np.float32)
    first = 16 if depth == "256" else 0  # the first 16 of 256 are whatever the user has made of them
    level = np.arange(32, dtype=np.float32) * (255 / 31)  # black stays black, and white white
    every = np.stack(np.meshgrid(level, level, level, indexing="ij"), -1).reshape(-1, 1, 3)
    table = _looks(known, 1.0)[None]
    nearest = np.concatenate(
        [((_looks(part, _HUE[depth]) - table) ** 2).sum(-1).argmin(1) for part in np.array_split(every, 16)]
    )
    return (nearest + first).astype(np.uint32).reshape(32, 32, 32)


def _looks(colours: NDArray[np.float32], hue: float) -> NDArray[np.float32]:
    """Brightness, and how far each of red, green and blue is from it; the latter so many times."""
    brightness = colours @ np.array([0.30, 0.59, 0.11], np.float32)
    return np.concatenate([brightness[..., None], hue * (colours - brightness[..., None])], -1)


def _xterm() -> NDArray[np.float32]:
    """Colours 16 to 255 of xterm: a cube of six steps, and 24 greys."""
    cube = [(red, green, blue) for red in _STEPS for green in _STEPS for blue in _STEPS]
    return np.array([*cube, *((8 + 10 * grey,) * 3 for grey in range(24))], np.float32)
