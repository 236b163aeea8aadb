"""Windows: whatever their length, stride and step, no frame of a video is left out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.clips.windows import Windows
from inspector.errors import UsageError


@given(st.integers(1, 20), st.integers(1, 5), st.integers(0, 200), st.data())
def test_every_frame_is_in_a_window_and_none_reaches_beyond_the_video(
    frames: int, stride: int, more: int, data: st.DataObject
) -> None:
    step = data.draw(st.one_of(st.none(), st.integers(1, frames * stride)))
    windows = Windows(frames, stride, step)
    count = windows.block + more
    starts = list(windows.starts(count))
    assert starts == sorted(set(starts))
    seen = [place for start in starts for place in windows.places(start)]
    assert set(seen) == set(range(count))
    assert all(len(windows.places(start)) == frames for start in starts)


def test_without_a_step_windows_overlap_by_half() -> None:
    assert list(Windows(16).starts(40)) == [0, 8, 16, 24]
    assert list(Windows(16).starts(43)) == [0, 8, 16, 24, 27]
    assert list(Windows(4, stride=2).starts(12)) == [0, 1, 4, 5]
    assert list(Windows(4, stride=2).places(5)) == [5, 7, 9, 11]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Windows(16, 2, 33), "give a step of 1 to 32"),
        (lambda: Windows(0), "one frame at least"),
        (lambda: list(Windows(16, 4).starts(63)), "needs 64 frames, the video has 63"),
    ],
)
def test_what_would_leave_frames_out_is_refused(make: object, words: str) -> None:
    assert callable(make)
    with pytest.raises(UsageError, match=words):
        make()
