"""Breakout: the wall, half brick by half brick, and the tunnel through it."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from inspector.atari.objects.breakout import BreakoutFinder, wall_of
from inspector.records import Box
from tests.atari.objects.pixels import Look, drawn, mask_of
from tests.atari.objects.play import console_of, play

ROW_COLOURS = [(200, 72, 72), (198, 108, 58), (180, 122, 48), (162, 162, 42), (72, 160, 72), (66, 72, 200)]


def standing(screen: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Which half bricks are on the screen, (6, 36): by most of their pixels, for the ball may fly over one."""
    rows = [mask_of(screen[57 + 6 * row : 63 + 6 * row, 8:152], [colour]) for row, colour in enumerate(ROW_COLOURS)]
    return np.array([row.reshape(6, 36, 4).mean((0, 2)) > 0.5 for row in rows])


def covered(boxes: Sequence[Box]) -> NDArray[np.bool_]:
    """The pixels in the boxes, (210, 160)."""
    mask = np.zeros((210, 160), bool)
    for left, top, width, height in boxes:
        mask[int(top) : int(top + height), int(left) : int(left + width)] = True
    return mask


def served() -> Any:
    """A console with the ball in play."""
    console = console_of("Breakout")
    for action in (1, 1, 0, 0, 0):
        console.step(action)
    return console


def open_columns(ale: Any, columns: Sequence[int]) -> None:
    """Poke holes through the wall, found by what each bit draws."""
    ram = ale.getRAM()
    for byte in range(36):
        for bit in range(8):
            lone = [0] * 128
            lone[byte] = 1 << bit
            if any(row[column] for row in wall_of(lone) for column in columns):
                ale.setRAM(byte, int(ram[byte]) & ~(1 << bit) & 255)
                ram = ale.getRAM()


def test_every_half_brick_of_real_play_is_where_the_memory_says() -> None:
    gone = 0
    for frame in list(play("Breakout", 2500, seed=3))[::50]:
        wall = standing(frame.screen)
        assert np.array_equal(wall, np.array(wall_of(frame.ram.tolist())))
        boxes = BreakoutFinder().objects(frame.ram.tolist())["bricks"].boxes
        assert np.array_equal(covered(boxes)[57:93, 8:152], wall.repeat(6, 0).repeat(4, 1))
        gone = max(gone, int((~wall).sum()))
    assert gone > 20


def test_the_tunnel_is_the_open_columns_and_the_bricks_at_their_sides() -> None:
    console = served()
    open_columns(console.ale, [10, 11, 35])
    console.ale.setRAM(0, int(console.ale.getRAM()[0]) & ~0b010000)  # Lowest row, at the side of column 35: now open.
    screen, _, _, _, _ = console.step(0)
    wall = standing(screen)
    assert not wall[:, [10, 11, 35]].any()
    expected = np.zeros_like(wall)
    expected[:, [10, 11, 35]] = True
    expected[:, [9, 12, 34]] = wall[:, [9, 12, 34]]
    assert expected.sum() == 3 * 6 + 17
    boxes = BreakoutFinder().objects(console.ale.getRAM().tolist())["tunnel"].boxes
    assert np.array_equal(covered(boxes)[57:93, 8:152], expected.repeat(6, 0).repeat(4, 1))
    assert covered(boxes).sum() == expected.sum() * 24


def test_there_is_no_tunnel_while_one_brick_closes_the_column() -> None:
    console = served()
    open_columns(console.ale, [10])
    ram = console.ale.getRAM().tolist()
    assert BreakoutFinder().objects(ram)["tunnel"].boxes
    ram[23] = 255  # The top row of the block that column 10 is in.
    assert wall_of(ram)[0][10]
    assert BreakoutFinder().objects(ram)["tunnel"].boxes == ()
    assert BreakoutFinder().phase_of(ram) == "opening"


def test_the_space_behind_the_wall_is_black_up_to_the_walls_and_the_bricks() -> None:
    screen = served().step(0)[0]
    left, top, width, height = BreakoutFinder().objects([0] * 128)["behind_wall"].boxes[0]
    rows, columns = slice(int(top), int(top + height)), slice(int(left), int(left + width))
    assert not screen[rows, columns].any()
    for edge in (screen[rows.start - 1, columns], screen[rows.stop, columns], screen[rows, columns.start - 1]):
        assert edge.any(-1).all()
    assert screen[rows, columns.stop].any(-1).all()


@pytest.mark.parametrize("height", [25, 30, 40])
def test_the_ball_is_found_behind_the_wall(height: int) -> None:
    console = served()
    console.ale.setRAM(101, height)
    screen = console.step(0)[0]
    box = BreakoutFinder().objects(console.ale.getRAM().tolist())["ball"].boxes[0]
    seen = drawn(screen, Look(((142, 142, 142),), (8, 32, 152, 57)))
    assert len(seen) == 1
    assert seen[0] == pytest.approx(box, abs=1)


def test_the_paddle_is_narrow_after_the_ball_hit_the_top() -> None:
    console, look = served(), Look((ROW_COLOURS[0],), (8, 189, 152, 193))
    screen = console.step(0)[0]
    assert drawn(screen, look) == list(BreakoutFinder().objects(console.ale.getRAM().tolist())["paddle"].boxes)
    console.ale.setRAM(97, 128)
    screen = console.step(0)[0]
    paddle = BreakoutFinder().objects(console.ale.getRAM().tolist())["paddle"].boxes
    assert drawn(screen, look) == list(paddle)
    assert paddle[0][2] == 12


def test_a_ball_not_yet_served_has_no_box() -> None:
    console = console_of("Breakout")
    screen = console.step(0)[0]
    assert drawn(screen, Look((ROW_COLOURS[0],), (8, 93, 152, 189))) == []
    assert BreakoutFinder().objects(console.ale.getRAM().tolist())["ball"].boxes == ()


def test_phases_go_by_the_wall() -> None:
    console, finder = served(), BreakoutFinder()
    ram = console.ale.getRAM().tolist()
    assert finder.phase_of(ram) == "opening"
    for byte in (0, 6, 12, 18, 24, 30):  # The lowest row, block by block.
        assert finder.phase_of(ram) == "opening"
        ram[byte] = 0
    assert finder.phase_of(ram) == "wall"
    open_columns(console.ale, [20])
    assert finder.phase_of(console.ale.getRAM().tolist()) == "tunnel"


def test_the_second_wall_is_found_while_it_is_built_and_leaves_no_tunnel() -> None:
    console, finder, phases = served(), BreakoutFinder(), []
    for byte in range(36):
        console.ale.setRAM(byte, 0)
    for _ in range(40):
        screen, _, _, _, _ = console.step(0)
        ram = console.ale.getRAM().tolist()
        assert np.array_equal(standing(screen), np.array(wall_of(ram)))
        phases.append(finder.phase_of(ram))
    assert (phases[0], phases[-1]) == ("tunnel", "opening")
    assert not finder.objects(ram)["tunnel"].boxes and standing(screen).all()
