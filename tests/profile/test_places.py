"""Which frames are in a clip, and which positions are its border."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.errors import UsageError
from inspector.profile.places import Places, border, centre, mean_in

STRIDES = st.sets(st.integers(1, 6), min_size=1).map(lambda found: tuple(sorted(found)))


@given(st.integers(4, 20), STRIDES, st.integers(0, 40))
def test_clips_of_all_strides_lie_in_the_stretch_and_have_one_middle(
    frames: int, strides: tuple[int, ...], more: int
) -> None:
    places = Places(frames, strides)
    count = places.stretch + more
    for stride in strides:
        numbers = np.arange(places.begin(count), places.begin(count) + places.stretch)[places.centred(stride, count)]
        assert len(numbers) == frames and set(np.diff(numbers)) == {stride}
        assert numbers[0] >= 0 and numbers[-1] < count
        assert abs(numbers.mean() - (count - 1) / 2) <= 0.5


def test_the_clips_are_those_that_the_trainer_of_the_motion_digits_evaluates() -> None:
    places = Places(16, (1, 2, 3, 4))
    for stride, first in ((1, 24), (2, 16), (3, 9), (4, 1)):
        assert places.begin(64) + places.centred(stride, 64).start == first == (64 - 15 * stride - 1) // 2


@given(st.integers(4, 20), STRIDES)
def test_clips_that_are_spread_cover_the_stretch_from_end_to_end(frames: int, strides: tuple[int, ...]) -> None:
    places = Places(frames, strides)
    for stride in strides:
        cuts = [np.arange(places.stretch)[cut] for cut in places.spread(stride)]
        assert all(len(cut) == frames for cut in cuts)
        assert cuts[0][0] == 0 and cuts[-1][-1] == places.stretch - 1
        apart = np.diff([cut[0] for cut in cuts])
        assert np.all(apart <= places.span(stride) / 2 + 1)
    assert len(places.spread(max(strides))) == 1


def test_of_sixteen_positions_two_at_either_end_are_the_border_and_eight_the_centre() -> None:
    assert np.flatnonzero(border(16)).tolist() == [0, 1, 14, 15]
    assert np.flatnonzero(centre(16)).tolist() == list(range(4, 12))
    assert np.flatnonzero(border(4)).tolist() == [0, 3] and np.flatnonzero(centre(4)).tolist() == [1, 2]


def test_a_position_that_lies_at_the_border_in_part_counts_in_part() -> None:
    assert border(12).tolist() == [1, 0.5, *[0] * 8, 0.5, 1]
    assert border(10).tolist() == [1, 0.25, *[0] * 6, 0.25, 1]
    assert centre(10).tolist() == [0, 0, 0.5, 1, 1, 1, 1, 0.5, 0, 0]
    shares = np.array([[4.0, 1, *[2] * 8, 1, 4], [1.0] * 12])
    assert mean_in(shares, border(12)) == pytest.approx([3, 1]) and mean_in(shares, centre(12)) == pytest.approx([2, 1])


@given(st.integers(4, 99))
def test_border_and_centre_share_no_position_and_are_the_same_from_either_end(frames: int) -> None:
    assert not np.any((border(frames) > 0) & (centre(frames) > 0))
    for part, whole in ((border(frames), frames / 4), (centre(frames), frames / 2)):
        np.testing.assert_allclose(part, part[::-1])
        assert part.sum() == pytest.approx(whole)


def test_a_clip_without_a_centre_is_refused() -> None:
    with pytest.raises(UsageError, match="a clip of 3 frames has no border and centre"):
        Places(3, (1,))
