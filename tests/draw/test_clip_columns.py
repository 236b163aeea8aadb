"""A video in the columns of a strip: held until the next frame, averaged where frames share a column."""

import numpy as np
import pytest

from inspector.draw.clip_columns import Columns, GrowingRange, decimals_of, round_step


def test_a_frame_lasts_until_the_next_one_and_the_last_to_the_end() -> None:
    columns = Columns(10, 1, 3, 1.0)
    for number, seconds in enumerate((0.0, 0.2, 0.7)):
        columns.push(number, seconds, (number,))
    assert columns.means()[0].tolist() == [0, 0, 1, 1, 1, 1, 1, 2, 2, 2]


def test_only_what_has_come_is_drawn() -> None:
    columns = Columns(10, 1, 3, 1.0)
    columns.push(0, 0.0, (5.0,))
    columns.push(1, 0.5, (6.0,))
    assert (columns.now, columns.end) == (5, 6)
    assert np.isnan(columns.means()[0, 6:]).all()


def test_frames_that_share_a_column_are_averaged() -> None:
    columns = Columns(4, 2, 400, 4.0)
    for number in range(400):
        columns.push(number, number / 100, (number, 2 * number))
    expected = np.arange(400).reshape(4, 100).mean(axis=1)
    assert np.allclose(columns.means(), [expected, 2 * expected])


def test_what_is_not_finite_leaves_a_gap_and_spoils_no_mean() -> None:
    columns = Columns(3, 1, 6, 6.0)
    for number, value in enumerate((1.0, np.nan, np.nan, np.nan, 3.0, 5.0)):
        columns.push(number, float(number), (value,))
    assert np.array_equal(columns.means()[0], [1, np.nan, 4], equal_nan=True)


def test_columns_that_did_not_change_need_not_be_drawn_again() -> None:
    columns, copy = Columns(50, 1, 200, 200.0), np.full(50, np.nan)
    for number in range(200):
        changed = columns.push(number, float(number), (number**0.5,))
        copy[changed] = columns.means()[0, changed]
        assert np.array_equal(copy, columns.means()[0], equal_nan=True)


def test_times_that_stand_still_or_leave_the_video_are_borne() -> None:
    columns = Columns(10, 1, 4, 1.0)
    for number, seconds in enumerate((0.5, 0.5, 0.4, 9.0)):
        columns.push(number, seconds, (float(number),))
    assert columns.means()[0, 5] == 1
    assert columns.means()[0, 9] == 3


def test_the_memory_is_the_same_for_any_length() -> None:
    columns = Columns(100, 4, 100_000, 4000.0)
    for number in range(0, 100_000, 50):
        columns.push(number, number / 25, (1, 2, 3, 4))
    assert columns.means().shape == (4, 100)
    assert sum(value.nbytes for value in vars(columns).values() if isinstance(value, np.ndarray)) < 10_000


def test_a_range_only_grows_and_seldom() -> None:
    reach, changes = GrowingRange(), 0
    rng = np.random.default_rng(0)
    seen = 0.0
    for value in np.abs(rng.normal(size=1000)).tolist():
        changes += reach.update(value, -value / 10)
        seen = max(seen, value)
        assert reach.above >= seen and reach.below >= seen / 10
    assert changes < 12
    assert not reach.update(0.0, 0.0)


@pytest.mark.parametrize("size", [1e-6, 0.013, 1.0, 470.0, 1e9])
def test_the_ends_of_a_range_are_round_and_near(size: float) -> None:
    reach = GrowingRange()
    reach.update(size, -0.3 * size)
    for end in (reach.above, reach.below):
        assert end / reach.step == pytest.approx(round(end / reach.step))
    assert size <= reach.above * (1 + 1e-9) < 1.4 * size
    assert reach.zero(100) == pytest.approx(100 * reach.above / (reach.above + reach.below))
    assert reach.scale(100) * (reach.above + reach.below) == pytest.approx(100)


def test_a_range_of_one_side_has_zero_at_its_edge() -> None:
    reach = GrowingRange()
    reach.update(3.0, 0.0)
    assert (reach.below, reach.zero(80)) == (0, 80)


def test_steps_are_round_and_have_as_many_decimals_as_they_need() -> None:
    assert [round_step(least) for least in (0.9, 1.0, 1.1, 2.2, 5.1)] == [1, 1, 2, 5, 10]
    assert [decimals_of(step) for step in (20, 1, 0.5, 0.02, 0.001)] == [0, 0, 1, 2, 3]
