"""Ms. Pac-Man: the four mazes, and the frame that its screens are behind its memory."""

from itertools import pairwise

import numpy as np
import pytest

from inspector.atari.objects.ms_pacman import MsPacmanFinder
from inspector.records import Seen
from tests.atari.objects.looks import LOOKS
from tests.atari.objects.pixels import Look, apart, drawn
from tests.atari.objects.play import console_of, play


@pytest.mark.parametrize(("maze", "pill_count"), [(0, 150), (1, 146), (2, 154), (3, 150)])
def test_every_pill_of_every_maze_is_found(maze: int, pill_count: int) -> None:
    console = console_of("MsPacman")
    console.ale.setRAM(0, maze)
    for _ in range(20):
        screen = console.step(0)[0]
    pills = MsPacmanFinder().objects(console.ale.getRAM().tolist())["pills"].boxes
    assert set(pills) == set(drawn(screen, LOOKS["MsPacman"]["pills"]))
    assert len(pills) == pill_count


@pytest.mark.parametrize(("bit", "place"), [(2, (148, 146)), (3, (148, 14)), (4, (8, 147)), (5, (8, 15))])
def test_an_eaten_power_pill_has_no_box(bit: int, place: tuple[int, int]) -> None:
    console = console_of("MsPacman")
    console.step(0)
    console.ale.setRAM(117, int(console.ale.getRAM()[117]) & ~(1 << bit))
    screens = [console.step(0)[0] for _ in range(40)]  # They blink.
    pills = MsPacmanFinder().objects(console.ale.getRAM().tolist())["power_pills"].boxes
    seen = {pill for screen in screens for pill in drawn(screen, LOOKS["MsPacman"]["power_pills"])}
    assert (*place, 4, 7) not in pills
    assert set(pills) == seen
    assert len(pills) == 3


def test_a_fruit_is_where_it_was_put() -> None:
    console = console_of("MsPacman")
    for _ in range(300):
        console.step(0)
    assert MsPacmanFinder().objects(console.ale.getRAM().tolist())["fruit"].boxes == ()
    console.ale.setRAM(11, 90)
    console.ale.setRAM(17, 50)
    screens = [console.step(0)[0] for _ in range(4)]
    boxes = MsPacmanFinder().objects(console.ale.getRAM().tolist())["fruit"].boxes
    assert drawn(screens[-1], Look(((184, 50, 50),), (0, 0, 160, 171), reach=3)) == list(boxes)


def test_ghosts_that_can_be_eaten_are_found_too() -> None:
    console, finder, blue = console_of("MsPacman"), MsPacmanFinder(), ((66, 114, 194),)
    for _ in range(300):
        console.step(0)
    for height in range(26, 6, -1):  # She is led up the left corridor, over a power pill.
        console.ale.setRAM(10, 21)
        console.ale.setRAM(16, height)
        console.step(1)
        console.step(1)
    found = []
    for action in range(150):
        last, screen = console.ale.getRAM(), console.step(action // 9 % 9)[0]
        seen = Seen(np.stack([screen, screen]), np.stack([last, console.ale.getRAM()]))
        ghosts = finder.regions(seen, None)[1]
        blue_ghosts = drawn(screen, Look(blue, (0, 0, 160, 171), reach=3, least=(6, 8), most=(8, 10)))
        found += [min(apart(ghost, box) for box in ghosts.boxes) <= 1 for ghost in blue_ghosts]
    assert len(found) > 100
    assert np.mean(found) > 0.97


def test_a_screen_shows_the_memory_of_the_frame_before() -> None:
    frames, finder, look = list(play("MsPacman", 900)), MsPacmanFinder(), LOOKS["MsPacman"]["pacman"]
    moved = 0
    for last, frame in pairwise(frames[300:]):
        regions = finder.regions(Seen(np.stack([last.screen, frame.screen]), np.stack([last.ram, frame.ram])), None)
        newest = finder.regions(Seen(frame.screen[None], frame.ram[None]), None)
        seen = drawn(frame.screen, look)
        if seen and regions[0].boxes != newest[0].boxes:
            moved += 1
            assert [pytest.approx(seen[0], abs=1)] == list(regions[0].boxes)
    assert moved > 50
