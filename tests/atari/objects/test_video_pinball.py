"""Video Pinball: the targets' pictures."""

import pytest

from inspector.atari.objects.video_pinball import VideoPinballFinder
from tests.atari.objects.looks import LOOKS
from tests.atari.objects.pixels import drawn
from tests.atari.objects.play import console_of


@pytest.mark.parametrize("value", [8, 16, 24, 32, 40, 48, 56, 64, 72, 115])
def test_a_target_has_the_box_of_what_its_byte_draws(value: int) -> None:
    console = console_of("VideoPinball")
    for _ in range(5):
        console.step(0)
    console.ale.setRAM(75, value)
    console.step(0)
    screen = console.step(0)[0]
    targets = VideoPinballFinder().objects(console.ale.getRAM().tolist())["targets"]
    assert set(targets.boxes) == set(drawn(screen, LOOKS["VideoPinball"]["targets"]))
    assert targets.sure


def test_a_hit_target_has_no_box_and_an_unknown_picture_is_a_guess() -> None:
    console = console_of("VideoPinball")
    ram = console.ale.getRAM().tolist()
    ram[72:78], ram[81:87] = [0] * 6, [0] * 6
    assert VideoPinballFinder().objects(ram)["targets"].boxes == ()
    ram[77] = 99
    assert VideoPinballFinder().objects(ram)["targets"] == (((109, 58, 7, 14),), False)
