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


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("budget", [600, 4000])
def test_with_a_budget_frames_stay_small_and_the_last_one_comes_out_whole(depth: Depth, budget: int) -> None:
    generator, painter, terminal = np.random.default_rng(1), Painter(depth), Emulator(ROWS, COLUMNS, depth)
    cells = blank(ROWS, COLUMNS)
    for _ in range(100):
        cells = changed(cells, generator)
        written = painter.paint(cells, budget)
        assert len(written) < budget + 2500
        terminal.feed(written)
    frames = 0
    while not painter.is_done:
        terminal.feed(painter.paint(cells, budget))
        frames += 1
        assert frames < 100
    assert np.array_equal(terminal.cells, as_shown(cells, depth))


def test_with_a_budget_what_differs_most_goes_first_and_every_cell_has_its_turn() -> None:
    painter, terminal = Painter("truecolor"), Emulator(ROWS, COLUMNS, "truecolor")
    cells = blank(ROWS, COLUMNS)
    cells[..., 0], cells[..., 1:] = ord("▀"), 0x202020
    terminal.feed(painter.paint(cells))
    after = cells.copy()
    after[..., 1] = 0x242020  # a little everywhere
    after[9, 30:35, 1] = 0xFF0000  # and much in one place
    terminal.feed(painter.paint(after, 300))
    assert not painter.is_done
    assert (terminal.cells[9, 30:35, 1] == 0xFF0000).all()
    for _ in range(60):
        after[0, :, 1] ^= 0x3F3F3F  # the first row changes much all the time, and does not keep the others waiting
        terminal.feed(painter.paint(after, 300))
    assert np.array_equal(terminal.cells[1:], as_shown(after, "truecolor")[1:])
    for _ in range(10):
        terminal.feed(painter.paint(after, 300))
    assert painter.is_done and np.array_equal(terminal.cells, as_shown(after, "truecolor"))
