"""Space Invaders: what takes turns on the screen."""

from inspector.atari.objects.space_invaders import SpaceInvadersFinder
from tests.atari.objects.looks import LOOKS
from tests.atari.objects.pixels import drawn, mask_of
from tests.atari.objects.play import play


def test_the_player_and_the_lives_take_turns_before_a_life_begins() -> None:
    turns = {True: 0, False: 0}
    for frame in list(play("SpaceInvaders", 130))[1:]:
        there = bool(drawn(frame.screen, LOOKS["SpaceInvaders"]["player"]))
        assert bool(SpaceInvadersFinder().objects(frame.ram.tolist())["player"].boxes) == there
        turns[there] += 1
    assert min(turns.values()) > 40


def test_the_saucer_takes_the_place_of_the_score() -> None:
    """Seed 0 sends one within 1,500 frames."""
    turns = {True: 0, False: 0}
    for frame in list(play("SpaceInvaders", 1500))[1::3]:
        found = SpaceInvadersFinder().objects(frame.ram.tolist())
        score = bool(mask_of(frame.screen[8:22], [(162, 134, 56)]).any())
        assert bool(found["score"].boxes) == score
        assert bool(found["saucer"].boxes) != score
        turns[score] += 1
    assert min(turns.values()) > 20
