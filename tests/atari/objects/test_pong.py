"""Pong: what play seldom shows."""

import pytest

from inspector.atari.objects.pong import PongFinder
from tests.atari.objects.looks import LOOKS
from tests.atari.objects.pixels import Look, drawn
from tests.atari.objects.play import console_of, play


def test_what_is_not_drawn_has_no_box() -> None:
    hidden = {"ball": 0, "enemy": 0}
    for frame in list(play("Pong", 500))[1:]:
        found = PongFinder().objects(frame.ram.tolist())
        for name in hidden:
            if not drawn(frame.screen, LOOKS["Pong"][name]):
                hidden[name] += 1
                assert found[name].boxes == ()
    assert min(hidden.values()) > 20


@pytest.mark.parametrize("points", [(0, 8), (9, 20), (12, 0), (20, 16)])
def test_scores_stand_in_their_boxes_also_with_two_digits(points: tuple[int, int]) -> None:
    console = console_of("Pong")
    console.ale.setRAM(13, points[0])
    console.ale.setRAM(14, points[1])
    for _ in range(3):
        screen = console.step(0)[0]
    boxes = PongFinder().objects(console.ale.getRAM().tolist())["score"].boxes
    for score, box, colour in zip(points, boxes, ((213, 130, 74), (92, 186, 92)), strict=True):
        digits = drawn(screen, Look((colour,), (0, 0, 160, 24)))
        assert len(digits) == len(str(score))
        narrow = 4 if str(score).startswith("1") else 0  # A 1 stands in the middle of its cell.
        assert min(digit[0] for digit in digits) == box[0] + narrow
        assert max(digit[0] + digit[2] for digit in digits) == box[0] + box[2]
        assert {(digit[1], digit[3]) for digit in digits} == {(box[1], box[3])}
