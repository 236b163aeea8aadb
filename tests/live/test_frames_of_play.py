"""Real play through view, painter and a terminal: after any number of frames no cell differs from what was meant."""

from itertools import count

import numpy as np
import pytest

from inspector.live.cells import Cells
from inspector.live.colours import Depth
from inspector.live.painter import Painter
from tests.live.emulator import Emulator, as_shown
from tests.live.fresh import fresh

FRAMES, ROWS, COLUMNS = 500, 30, 100
BUDGET = 3000
LARGEST_PIECE = 40 * 48 + 64
"""Bytes of one run of cells and of what stands around a frame."""


@pytest.fixture(scope="module")
def frames() -> list[Cells]:
    """What the view draws of Breakout, with all that keys can change on the way."""
    drawn = []
    keys = {60: "t", 120: "c", 130: "C", 200: "2", 210: "2", 260: "n", 300: "t", 301: "t"}
    with fresh("breakout") as play:
        for number in range(FRAMES):
            scene = play.playing.scene
            scene.pace, scene.overlay = f"{number}×", scene.overlays[number // 40 % len(scene.overlays)]
            scene.help, scene.notice = 400 <= number < 410, f"notice {number}" if number % 30 < 5 else ""
            drawn.append(play.draw_all(ROWS, COLUMNS))
            play.go(1)
            if number in keys:
                play.playing.press(keys[number])
    return drawn


@pytest.mark.parametrize("budget", [None, BUDGET])
@pytest.mark.parametrize("depth", ["truecolor", "256"])
def test_after_five_hundred_frames_of_play_no_cell_differs(
    frames: list[Cells], depth: Depth, budget: int | None
) -> None:
    painter, terminal = Painter(depth), Emulator(ROWS, COLUMNS, depth)
    for number, cells in enumerate(frames):
        for again in count():
            written = painter.paint(cells, budget)
            terminal.feed(written)
            assert budget is None or len(written) <= budget + LARGEST_PIECE
            if painter.is_done or number % 50 < 49:
                break
            assert again < 100
        if number % 50 == 49:
            assert np.array_equal(terminal.cells, as_shown(cells, depth))
            assert painter.paint(cells, budget) == b""
