"""Colours as terminals have them."""

import numpy as np
import pytest

from inspector.live.colours import PLAIN, depth_of, reduced, sgr


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


def test_every_colour_of_the_cube_is_its_own_nearest() -> None:
    steps = (0, 95, 135, 175, 215, 255)
    cube = np.array([red << 16 | green << 8 | blue for red in steps for green in steps for blue in steps], np.uint32)
    found = reduced(cube, "256")
    assert (found == np.arange(16, 232)).mean() > 0.95  # a grey of the cube may be nearer to one of the 24


def test_codes_are_those_of_the_terminal() -> None:
    assert sgr(0x102030, "truecolor", ground=False) == "38;2;16;32;48"
    assert sgr(200, "256", ground=True) == "48;5;200"
    assert (sgr(1, "16", ground=False), sgr(9, "16", ground=True)) == ("31", "101")
    assert (sgr(PLAIN, "16", ground=False), sgr(PLAIN, "truecolor", ground=True)) == ("39", "49")
