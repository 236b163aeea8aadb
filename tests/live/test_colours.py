"""Colours as terminals have them."""

import numpy as np
import pytest
from pyte.graphics import FG_BG_256

from inspector.draw.overlay import lay_over
from inspector.live.colours import PLAIN, Depth, depth_of, reduced, sgr


@pytest.mark.parametrize(
    ("environment", "depth"),
    [
        ({"TERM": "xterm-256color", "COLORTERM": "truecolor"}, "truecolor"),
        ({"TERM": "xterm-kitty"}, "truecolor"),
        ({"TERM": "xterm-256color"}, "256"),
        ({"TERM": "tmux-256color"}, "256"),
        ({"TERM": "screen"}, "16"),
        ({"TERM": "xterm", "NO_COLOR": "1", "COLORTERM": "truecolor"}, "none"),
        ({"TERM": "dumb"}, "none"),
        ({}, "none"),
    ],
)
def test_the_environment_says_how_many_colours_there_are(environment: dict[str, str], depth: str) -> None:
    assert depth_of(environment) == depth


def test_colours_become_the_nearest_of_the_table_and_plain_stays_plain() -> None:
    colours = np.array([0x000000, 0xFFFFFF, 0xFF0000, 0x808080, PLAIN], np.uint32)
    assert reduced(colours, "256").tolist()[:3] == [16, 231, 196]
    assert reduced(colours, "256")[3] in (102, 244, 245)  # greys of 135, 128 and 138
    assert reduced(colours, "16").tolist() == [0, 15, 9, 8, PLAIN]
    assert reduced(colours, "none").tolist() == [PLAIN] * 5
    assert reduced(colours, "truecolor") is colours


def test_greys_and_full_colours_are_their_own_nearest() -> None:
    corners = [(red, green, blue) for red in (0, 255) for green in (0, 255) for blue in (0, 255)]
    colours = np.array([red << 16 | green << 8 | blue for red, green, blue in corners], np.uint32)
    assert _table_of("256")[reduced(colours, "256")].tolist() == [list(corner) for corner in corners]
    greys = np.arange(0, 256, 5, dtype=np.uint32)
    shown = _table_of("256")[reduced(greys << 16 | greys << 8 | greys, "256")]
    assert (shown.max(1) == shown.min(1)).all() and np.abs(shown[:, 0] - greys).max() <= 16


@pytest.mark.parametrize("depth", ["256", "16"])
@pytest.mark.parametrize("strength", [0.4, 0.55, 0.7])
def test_relevance_for_stays_warm_and_relevance_against_stays_blue(depth: Depth, strength: float) -> None:
    """On the quiet ground, where half of the colours are greys; the strongest relevance is all but white."""
    screen = np.zeros((1, 2, 3), np.uint8)
    picture = lay_over(screen, np.array([[strength, -strength]], np.float32), 1.0).astype(np.uint32)
    colours = picture[..., 0] << 16 | picture[..., 1] << 8 | picture[..., 2]
    warm, cool = _table_of(depth)[reduced(colours, depth)][0]
    assert warm.argmax() == 0 and warm[0] > warm[2]
    assert cool.argmax() == 2 and cool[2] > cool[0]


def _table_of(depth: str) -> np.ndarray:
    """What xterm shows for each number."""
    return (
        np.array([[int(name[i : i + 2], 16) for i in (0, 2, 4)] for name in FG_BG_256]) if depth == "256" else SIXTEEN
    )


SIXTEEN = np.array(
    [
        *((0, 0, 0), (205, 0, 0), (0, 205, 0), (205, 205, 0), (0, 0, 238), (205, 0, 205), (0, 205, 205)),
        *((229, 229, 229), (127, 127, 127), (255, 0, 0), (0, 255, 0), (255, 255, 0), (92, 92, 255)),
        *((255, 0, 255), (0, 255, 255), (255, 255, 255)),
    ]
)


def test_codes_are_those_of_the_terminal() -> None:
    assert sgr(0x102030, "truecolor", ground=False) == "38;2;16;32;48"
    assert sgr(200, "256", ground=True) == "48;5;200"
    assert (sgr(1, "16", ground=False), sgr(9, "16", ground=True)) == ("31", "101")
    assert (sgr(PLAIN, "16", ground=False), sgr(PLAIN, "truecolor", ground=True)) == ("39", "49")
