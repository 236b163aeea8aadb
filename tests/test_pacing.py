"""Merging emulator frames into film frames."""

import numpy as np
import pytest

from inspector.errors import UsageError
from inspector.pacing import Pacer


def screens(*values: int) -> np.ndarray:
    return np.stack([np.full((2, 2, 3), value, np.uint8) for value in values])


def levels(frames: object) -> list[int]:
    return [int(frame[0, 0, 0]) for frame in frames]  # type: ignore[attr-defined]


def test_half_the_rate_merges_pairs_by_maximum() -> None:
    assert levels(Pacer(60, 30).merge(screens(1, 5, 7, 3))) == [5, 7]


def test_the_full_rate_keeps_every_frame() -> None:
    assert levels(Pacer(60, 60).merge(screens(1, 5, 7))) == [1, 5, 7]


def test_a_pair_may_span_two_steps_so_that_time_does_not_drift() -> None:
    pacer = Pacer(60, 30)
    assert levels(pacer.merge(screens(1, 2, 9))) == [2]
    assert levels(pacer.merge(screens(4))) == [9]
    assert levels(pacer.rest()) == []


def test_an_unfinished_pair_is_not_lost_at_the_end() -> None:
    pacer = Pacer(60, 30)
    assert levels(pacer.merge(screens(8))) == []
    assert levels(pacer.rest()) == [8]
    assert levels(pacer.rest()) == []


@pytest.mark.parametrize("fps", [0, 25, 120])
def test_a_rate_that_does_not_divide_the_games_is_refused(fps: int) -> None:
    with pytest.raises(UsageError, match=r"do not divide the game's 60; --fps can be 1, 2, .* 30, 60"):
        Pacer(60, fps)
