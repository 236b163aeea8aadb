"""Numbers from relevance maps."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from inspector.attention import NOTHING, attend

maps = hnp.arrays(np.float32, (2, 5, 6), elements=st.floats(-1e3, 1e3, width=32))


@given(maps)
def test_positive_and_negative_add_to_the_sum_and_shares_to_one(values: np.ndarray) -> None:
    attention = attend(values)
    assert attention.positive is not None
    assert attention.negative is not None
    exact = values.astype(np.float64)
    tolerance = 1e-6 * max(1.0, float(np.abs(exact).sum()))
    assert attention.positive + attention.negative == pytest.approx(float(exact.sum()), abs=tolerance)
    if attention.frame_shares is None:
        assert not values.any()
    else:
        assert attention.frame_shares.sum() == pytest.approx(1.0, abs=1e-6)


@given(maps, st.floats(0.5, 100))
def test_places_and_shares_do_not_change_with_scale(values: np.ndarray, scale: float) -> None:
    one, other = attend(values), attend((values.astype(np.float64) * scale).astype(np.float32))
    if one.frame_shares is not None and np.abs(values).max() > 1e-3:
        assert other.frame_shares is not None
        assert other.frame_shares == pytest.approx(one.frame_shares, abs=1e-4)
        assert other.centre_row == pytest.approx(one.centre_row, abs=1e-3)


def test_a_single_relevant_pixel_is_the_centre_without_spread() -> None:
    values = np.zeros((4, 10, 12), np.float32)
    values[2, 7, 3] = -5.0
    attention = attend(values)
    assert (attention.positive, attention.negative) == (0.0, -5.0)
    assert (attention.centre_row, attention.centre_column, attention.spread) == (7.0, 3.0, 0.0)
    assert attention.frame_shares is not None
    assert attention.frame_shares.tolist() == [0.0, 0.0, 1.0, 0.0]


def test_the_spread_of_two_pixels_is_half_their_distance() -> None:
    values = np.zeros((1, 9, 9), np.float32)
    values[0, 0, 0] = values[0, 6, 8] = 1.0
    assert attend(values).spread == pytest.approx(5.0)


def test_a_map_of_zeros_has_sums_but_no_place() -> None:
    attention = attend(np.zeros((4, 3, 3), np.float32))
    assert (attention.positive, attention.negative) == (0.0, 0.0)
    assert attention.frame_shares is None
    assert attention.centre_row is None


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_map_that_is_not_finite_has_no_numbers(bad: float) -> None:
    values = np.zeros((4, 3, 3), np.float32)
    values[1, 1, 1] = bad
    assert attend(values) is NOTHING
    values[1, 1, 2] = -bad  # their sum alone would warn
    assert attend(values) is NOTHING
