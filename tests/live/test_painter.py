"""What the painter writes, read back by a terminal emulator: after any frames no cell differs from what was meant."""

import numpy as np
import pytest

from inspector.live.cells import BOLD, PLAIN, REVERSE, blank, put_picture
from inspector.live.colours import DEPTHS, Depth
from inspector.live.painter import BEGIN, END, Painter
from tests.live.emulator import Emulator, as_shown

ROWS, COLUMNS = 12, 40


def changed(cells: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """The next frame: some cells new, a picture moved, a row of text."""
    after = cells.copy()
    where = generator.random(cells.shape[:2]) < generator.choice([0.0, 0.02, 0.3, 1.0])
    count = int(where.sum())
    after[where, 0] = generator.integers(33, 126, count) | generator.choice([0, BOLD, REVERSE], count)
    after[where, 1:] = generator.choice([PLAIN, 0xFF8800, 0x102030, 0xFFFFFF], (count, 2))
    if generator.random() < 0.5:
        put_picture(after[2:8, 5:25], generator.integers(0, 255, (12, 20, 3), np.uint8))
    return after


@pytest.mark.parametrize("depth", DEPTHS)
def test_after_five_hundred_frames_no_cell_differs_from_what_was_meant(depth: Depth) -> None:
    generator, painter, terminal = np.random.default_rng(0), Painter(depth), Emulator(ROWS, COLUMNS, depth)
    cells = blank(ROWS, COLUMNS)
    for number in range(500):
        cells = changed(cells, generator)
        terminal.feed(painter.paint(cells))
        if number % 50 == 49:
            assert np.array_equal(terminal.cells, as_shown(cells, depth))


def test_a_frame_like_the_last_one_writes_nothing() -> None:
    painter, cells = Painter("truecolor"), blank(ROWS, COLUMNS)
    assert painter.paint(cells)
    assert painter.paint(cells.copy()) == b""
    painter.forget()
    assert painter.paint(cells)


def test_one_cell_costs_a_few_bytes_and_nothing_is_cleared() -> None:
    painter, cells = Painter("truecolor"), blank(ROWS, COLUMNS)
    painter.paint(cells)
    after = cells.copy()
    after[3, 7] = (ord("x"), 0xFF0000, PLAIN)
    written = painter.paint(after).decode()
    assert written.startswith(BEGIN) and written.endswith(END)
    assert len(written) < 64
    assert "J" not in written and "K" not in written


def test_a_screen_of_another_size_is_written_whole() -> None:
    painter = Painter("256")
    painter.paint(blank(ROWS, COLUMNS))
    terminal, cells = Emulator(ROWS + 3, COLUMNS - 5, "256"), blank(ROWS + 3, COLUMNS - 5)
    cells[..., 0] = ord("#")
    terminal.feed(painter.paint(cells))
    assert np.array_equal(terminal.cells, as_shown(cells, "256"))
