"""The veil of relevance: nothing at zero, alike on both sides, stronger for more."""

import numpy as np
import pytest
from numpy.typing import NDArray

from inspector.draw.colormap import legend, veil
from inspector.draw.palette import GROUND

GREY = np.full((1, 101, 3), 60, np.uint8)


def ramp(sign: int) -> NDArray[np.float32]:
    return sign * np.linspace(0, 1, 101, dtype=np.float32)[None]


def test_zero_relevance_leaves_the_picture_as_it_is() -> None:
    picture = np.arange(256, dtype=np.uint8).reshape(16, 16, 1).repeat(3, axis=2)
    assert np.array_equal(veil(picture, np.zeros((16, 16), np.float32)), picture)


@pytest.mark.parametrize("sign", [1, -1])
def test_more_relevance_is_never_less_visible(sign: int) -> None:
    shown = veil(GREY, ramp(sign)).astype(float)
    departure = np.abs(shown - GREY).sum(axis=2)[0]
    assert (np.diff(departure) >= -1).all()
    assert departure[5] > 10
    assert departure[-1] > 300


def test_for_is_warm_and_against_is_cool() -> None:
    warm, cool = (veil(GREY, ramp(sign)).astype(int)[0, 5:] for sign in (1, -1))
    assert (warm[:, 0] > warm[:, 2]).all()
    assert (cool[:, 2] > cool[:, 0]).all()


def test_both_sides_are_equally_light() -> None:
    warm, cool = (veil(GREY, ramp(sign)).astype(float)[0] @ [0.299, 0.587, 0.114] for sign in (1, -1))
    assert np.abs(warm - cool).max() < 25


def test_what_is_beyond_full_strength_is_shown_as_full() -> None:
    level = np.array([[1.0, 7.0, -1.0, -np.float32(1e30)]], np.float32)
    shown = veil(GREY[:, :4], level)[0]
    assert np.array_equal(shown[0], shown[1])
    assert np.array_equal(shown[2], shown[3])


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_level_that_is_no_number_is_never_painted(bad: float) -> None:
    level = np.zeros((1, 101), np.float32)
    level[0, 3] = bad
    with pytest.raises(ValueError, match="not finite"):
        veil(GREY, level)


def test_the_legend_runs_from_against_over_nothing_to_for() -> None:
    shown = legend(101, 4, GROUND)
    assert tuple(shown[0, 50]) == GROUND
    assert shown[0, 20, 2] > shown[0, 20, 0]
    assert shown[0, 80, 0] > shown[0, 80, 2]
    assert (shown == shown[0]).all()
