"""The timeline over a whole video: areas for and against, the probability, and how many windows hold a frame."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from inspector.draw.clip_timeline import ClipPoint, ClipTimeline, tick_texts, time_text, time_ticks
from inspector.draw.palette import AGAINST, BAR, FOR, GROUND, PANEL

HEIGHT, WIDTH = 250, 944
LEFT, RIGHT = 68, 932


def point(number: int, **more: Any) -> ClipPoint:
    known = {
        "seconds": number / 10,
        "relevance_for": 0.5,
        "relevance_against": -0.25,
        "probability": 0.5,
        "class_name": "left",
        "windows": 2,
        "spread": 0.1,
    }
    return ClipPoint(number, **{**known, **more})


def timeline(frame_count: int = 100, *, explain: bool = True) -> ClipTimeline:
    return ClipTimeline(HEIGHT, WIDTH, frame_count, frame_count / 10, explain=explain, measure="relevance")


def drawn(line: ClipTimeline) -> NDArray[np.uint8]:
    panel = np.full((HEIGHT, WIDTH, 3), PANEL, np.uint8)
    line.draw_still(panel)
    line.draw(panel)
    return panel


def columns_of(picture: NDArray[np.uint8], colour: tuple[int, int, int]) -> NDArray[np.bool_]:
    return np.asarray((picture[26:, LEFT:RIGHT] == colour).all(axis=2).any(axis=0))


def heights_of(picture: NDArray[np.uint8], colour: tuple[int, int, int]) -> NDArray[np.int_]:
    return np.asarray((picture[26:, LEFT:RIGHT] == colour).all(axis=2).sum(axis=0))


def test_the_strip_is_drawn_as_far_as_the_video_has_come() -> None:
    line = timeline()
    for number in range(51):
        line.push(point(number))
    found = columns_of(drawn(line), FOR)
    assert found[:432].all()
    assert not found[433:].any()


def test_a_whole_video_fills_it() -> None:
    line = timeline()
    for number in range(100):
        line.push(point(number))
    assert columns_of(drawn(line), FOR).sum() >= RIGHT - LEFT - 1  # the playhead stands on one


def test_areas_are_as_high_as_the_relevance_on_one_scale() -> None:
    line = timeline()
    for number in range(30):
        line.push(point(number, relevance_for=0.6 if number < 15 else 0.3, relevance_against=-0.2))
    picture = drawn(line)
    above, below = heights_of(picture, FOR), heights_of(picture, AGAINST)
    assert above[20] == pytest.approx(2 * above[200], abs=2)
    assert above[20] == pytest.approx(3 * below[20], abs=3)


def test_for_stands_above_zero_and_against_beneath() -> None:
    line = timeline()
    line.push(point(0))
    line.push(point(1))
    picture = drawn(line)[26:, LEFT]
    above, below = (np.nonzero((picture == colour).all(axis=1))[0] for colour in (FOR, AGAINST))
    assert above.max() < below.min()


def test_a_frame_that_is_not_explained_leaves_a_gap() -> None:
    line = timeline()
    for number in range(20):
        gap = np.nan if 5 <= number < 10 else 0.5
        line.push(point(number, relevance_for=gap, relevance_against=-gap, probability=gap))
    picture = drawn(line)
    found = columns_of(picture, FOR)
    middle = slice(round(5 * 8.64) + 1, round(10 * 8.64) - 1)
    assert found[:40].all() and not found[middle].any() and found[90:160].all()
    assert (picture[26:60, LEFT:RIGHT][:, middle] == GROUND).all()


def test_what_was_drawn_before_a_change_of_the_range_is_drawn_again() -> None:
    """A loud frame changes the scale: the quiet ones before it shrink as if it had been known from the start."""
    line = timeline()
    for number in range(10):
        line.push(point(number, relevance_for=0.1, relevance_against=0.0))
    before = heights_of(drawn(line), FOR)[5]
    line.push(point(10, relevance_for=5.0, relevance_against=0.0))
    line.push(point(11, relevance_for=5.0, relevance_against=0.0))
    after = heights_of(drawn(line), FOR)
    assert after[5] < before / 10
    assert after[5] == pytest.approx(after[90] / 50, abs=1)


def test_windows_are_counted_by_height() -> None:
    line = timeline()
    for number in range(40):
        line.push(point(number, windows=number // 10))
    strip = drawn(line)[HEIGHT - 34 : HEIGHT - 22, LEFT:RIGHT]
    heights = (strip == BAR).all(axis=2).sum(axis=0)
    assert [int(heights[column]) for column in (40, 130, 220, 310)] == [0, 4, 8, 12]


def test_a_line_of_one_frame_is_seen() -> None:
    line = timeline(1000)
    line.push(point(0, probability=np.nan))
    line.push(point(1, seconds=20.0, probability=0.5))
    line.push(point(2, seconds=20.2, probability=np.nan))
    line.push(point(3, seconds=50.0, probability=np.nan))
    bright = np.nonzero((drawn(line)[140:190, LEFT:RIGHT] > 150).all(axis=2).any(axis=0))[0]
    assert set(range(173, 175)) <= set(bright.tolist())
    assert bright.min() > 160


def test_without_explanation_there_are_no_areas_and_the_line_is_taller() -> None:
    lines = [timeline(explain=explain) for explain in (True, False)]
    tops = []
    for line in lines:
        for number in range(30):
            line.push(point(number, probability=1.0 if number % 2 else 0.0))
        picture = drawn(line)
        assert columns_of(picture, FOR).any() == (line is lines[0])
        rows = np.nonzero((picture[:, LEFT + 100 : LEFT + 250] == (188, 197, 209)).all(axis=2).any(axis=1))[0]
        tops.append(np.ptp(rows[rows > 26]))
    assert tops[1] > 1.5 * tops[0]


@pytest.mark.parametrize("seconds", [0.04, 0.9, 2.56, 10, 59, 61, 600, 4000, 86400])
def test_time_is_marked_in_round_steps_with_room_for_names(seconds: float) -> None:
    ticks = time_ticks(seconds, 868)
    assert ticks[0] == 0
    assert 3 <= len(ticks) <= 12
    assert np.allclose(np.diff(ticks), ticks[1])
    assert ticks[-1] < seconds
    assert len({time_text(tick, seconds) for tick in ticks}) == len(ticks)
    assert min(np.diff([*ticks, seconds])) / seconds * 868 > 60


def test_times_read_as_a_person_writes_them() -> None:
    assert [time_text(at, 2.56) for at in (0, 0.5, 2.56)] == ["0 s", "0.5 s", "2.56 s"]
    assert time_text(0.005, 0.04) == "0.005 s"
    assert time_text(65, 600) == "1:05"
    assert time_text(3725, 4000) == "1:02:05"


def test_ticks_are_exact_however_large_they_are() -> None:
    assert tick_texts((0.3, -0.05), 0.05) == ["0.30", "\N{MINUS SIGN}0.05"]
    assert tick_texts((2_500_000, -500_000), 500_000) == ["2.5e6", "\N{MINUS SIGN}5e5"]
