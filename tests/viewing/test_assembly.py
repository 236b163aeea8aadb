"""Overlapping windows come together: every frame once, with the mean of those that hold it, and nothing of others."""

import weakref
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from inspector.clips.windows import Windows
from inspector.viewing.assembly import Assembly, Seen, Verdict
from inspector.viewing.watching import Frame, Window

SHAPE = (3, 5)


def windows_of(cuts: Windows, frame_count: int) -> Iterator[Window]:
    """Windows of a video whose frames are black."""
    reached = 0
    for index, start in enumerate(cuts.starts(frame_count)):
        places = cuts.places(start)
        news = [Frame(number, number / 25, np.zeros((2, 2, 3), np.uint8)) for number in range(reached, places[-1] + 1)]
        reached = max(reached, places[-1] + 1)
        clip = np.zeros((cuts.frames, *SHAPE, 3), np.uint8)
        yield Window(index, places, start / 25, places[-1] + 1 == frame_count, clip, tuple(news))


def verdict_of(window: Window) -> Verdict:
    """One that names the window, and whose relevance at each frame is that frame's number."""
    relevance = np.broadcast_to(np.array(window.places, np.float32)[:, None, None], (len(window.places), *SHAPE))
    return Verdict(
        np.array([window.index, 1.0]), window.index % 2, relevance.copy(), (0.5 + window.index, 1.0 + window.index)
    )


def assembled(cuts: Windows, frame_count: int) -> list[Seen]:
    """Every frame of a video, as it was given away."""
    assembly, seen = Assembly(SHAPE), []
    for window in windows_of(cuts, frame_count):
        seen += assembly.add(window, verdict_of(window))
    return [*seen, *assembly.rest()]


@pytest.mark.parametrize("cuts", [Windows(4), Windows(4, 1, 1), Windows(4, 1, 4), Windows(4, 3), Windows(2, 5, 3)])
def test_every_frame_is_given_once_with_what_the_windows_that_hold_it_say(cuts: Windows) -> None:
    frame_count = 33
    seen = assembled(cuts, frame_count)
    assert [one.frame.number for one in seen] == list(range(frame_count))
    starts = list(cuts.starts(frame_count))
    for one in seen:
        holders = [index for index, start in enumerate(starts) if one.frame.number in cuts.places(start)]
        assert one.holders == len(holders) >= 1
        assert one.probabilities[0] == pytest.approx(np.mean(holders))
        assert one.targets == {index % 2 for index in holders}
        assert one.in_picture == pytest.approx(
            sum(0.5 + index for index in holders) / sum(1 + index for index in holders)
        )
        assert one.relevance is not None and one.relevance.mean is not None
        assert one.relevance.windows == len(holders)
        np.testing.assert_allclose(one.relevance.mean, one.frame.number)


def test_a_window_whose_score_is_close_to_zero_does_not_rule_what_part_is_in_the_picture() -> None:
    assembly, accounts = Assembly(SHAPE), [(0.9, 1.0), (0.1, 1e-6)]
    for window, account in zip(windows_of(Windows(4, 1, 2), 6), accounts, strict=True):
        list(assembly.add(window, Verdict(np.ones(1), 0, np.ones((4, *SHAPE), np.float32), account)))
    shared = next(one for one in assembly.rest() if one.holders == 2)
    assert shared.in_picture == pytest.approx(1.0, abs=1e-5)


def test_maps_of_windows_are_held_no_longer_than_it_takes_to_add_them_up() -> None:
    assembly, alive = Assembly(SHAPE), list[weakref.ref[np.ndarray[Any, Any]]]()
    for window in windows_of(Windows(8, 1, 1), 12):
        verdict = verdict_of(window)
        assert verdict.relevance is not None
        alive.append(weakref.ref(verdict.relevance))
        list(assembly.add(window, verdict))
        del verdict
        assert not any(reference() is not None for reference in alive)


def test_shares_by_position_are_the_mean_of_the_windows_so_far() -> None:
    last = assembled(Windows(4, 1, 4), 8)[-1].positions
    assert last is not None
    first, second = np.arange(4) / 6, np.arange(4, 8) / 22
    np.testing.assert_allclose(last, (first + second) / 2)


def test_a_window_without_relevance_says_nothing_of_positions() -> None:
    assembly, seen = Assembly(SHAPE), []
    for window in windows_of(Windows(4, 1, 4), 8):
        verdict = verdict_of(window)
        relevance = verdict.relevance if window.index else np.zeros((4, *SHAPE), np.float32)
        seen += assembly.add(window, Verdict(verdict.probabilities, 0, relevance))
    assert seen[0].positions is None and seen[0].relevance is not None
    (*_, last) = assembly.rest()
    np.testing.assert_allclose(last.positions, np.arange(4, 8) / 22)


def test_a_window_that_is_not_finite_counts_for_no_map_but_is_still_a_holder() -> None:
    assembly, seen = Assembly(SHAPE), []
    for window in windows_of(Windows(4, 1, 4), 8):
        verdict = verdict_of(window)
        relevance = np.full((4, *SHAPE), np.nan, np.float32) if window.index else verdict.relevance
        seen += assembly.add(window, Verdict(verdict.probabilities, 0, relevance))
    seen += assembly.rest()
    assert [one.relevance is not None and one.relevance.mean is not None for one in seen] == [True] * 4 + [False] * 4
    assert [one.holders for one in seen] == [1] * 8
    assert seen[-1].positions is not None and seen[-1].positions.sum() == pytest.approx(1)


def test_without_explanation_frames_have_probabilities_alone() -> None:
    assembly, seen = Assembly(SHAPE), []
    for window in windows_of(Windows(4), 9):
        seen += assembly.add(window, Verdict(np.array([0.25, 0.75])))
    seen += assembly.rest()
    assert len(seen) == 9
    assert all(one.relevance is None and one.positions is None and not one.targets for one in seen)
    assert all(one.probabilities.tolist() == [0.25, 0.75] for one in seen)


def test_frames_that_an_interruption_left_without_a_window_are_still_given() -> None:
    assembly = Assembly(SHAPE)
    first = next(iter(windows_of(Windows(4, 3), 12)))
    seen = [*assembly.add(first, verdict_of(first)), *assembly.rest()]
    assert [one.frame.number for one in seen] == list(range(10))
    assert [one.holders for one in seen] == [1, 0, 0, 1, 0, 0, 1, 0, 0, 1]
    assert [one.relevance is not None and one.relevance.mean is not None for one in seen if one.holders == 0] == [
        False
    ] * 6
