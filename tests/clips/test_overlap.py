"""Overlapping windows: each frame is given away once, with the mean of all the windows that hold it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.clips.overlap import Overlap
from inspector.clips.windows import Windows


@given(st.integers(1, 8), st.integers(1, 4), st.integers(0, 30), st.integers(0, 2**32 - 1))
def test_a_frame_has_the_mean_of_its_windows_and_comes_once_in_order(
    frames: int, stride: int, more: int, seed: int
) -> None:
    chance, windows = np.random.default_rng(seed), Windows(frames, stride)
    count, overlap = windows.block + more, Overlap((2, 3))
    said: dict[int, list[np.ndarray]] = {number: [] for number in range(count)}
    found = []
    for start in windows.starts(count):
        maps = chance.normal(size=(frames, 2, 3)).astype(np.float32)
        found += overlap.add(windows.places(start), maps)
        for place, one in zip(windows.places(start), maps, strict=True):
            said[place].append(one)
    found += overlap.rest(count)
    assert [one.number for one in found] == list(range(count))
    for one in found:
        assert one.mean is not None and one.windows == len(said[one.number]) > 0
        np.testing.assert_allclose(one.mean, np.mean(said[one.number], axis=0), atol=1e-6)
        assert one.spread == pytest.approx(np.std([values.sum() for values in said[one.number]]), abs=1e-5)


def test_a_window_that_is_not_finite_counts_for_nothing() -> None:
    overlap, good = Overlap((1, 1)), np.ones((2, 1, 1), np.float32)
    assert list(overlap.add([0, 1], good * np.nan)) == []
    assert [(one.number, one.mean, one.windows) for one in overlap.add([1, 2], good)] == [(0, None, 0)]
    assert [(one.number, one.windows) for one in overlap.rest(4)] == [(1, 1), (2, 1), (3, 0)]


def test_a_window_that_comes_too_late_is_refused() -> None:
    overlap, one = Overlap((1, 1)), np.ones((1, 1, 1), np.float32)
    overlap.add([3], one)
    with pytest.raises(ValueError, match="begins at frame 1, and frame 2 was given away"):
        overlap.add([1], one)
