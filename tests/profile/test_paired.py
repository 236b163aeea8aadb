"""Accuracies and paired tests, against numbers from tables and against plain enumeration."""

import itertools

import numpy as np
import pytest

from inspector.profile.paired import accuracy_of, compare, holm, mcnemar, recognised, wilson


def test_the_interval_of_wilson_is_that_of_the_books() -> None:
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=1e-4)  # Newcombe 1998, table I
    assert wilson(0, 20) == pytest.approx((0.0, 0.1611), abs=1e-4)


@pytest.mark.parametrize(("gained", "lost"), [(5, 0), (3, 4), (1, 9), (6, 6), (0, 0)])
def test_mcnemar_counts_the_coins_that_fall_as_unevenly(gained: int, lost: int) -> None:
    count, far = gained + lost, abs(gained - lost)
    falls = [abs(sum(fall)) >= far for fall in itertools.product((-1, 1), repeat=count)]
    assert mcnemar(gained, lost) == pytest.approx(np.mean(falls))


def test_mcnemar_of_many_videos_is_a_number() -> None:
    assert mcnemar(2000, 0) < 1e-300
    assert mcnemar(3000, 3000) == 1.0


def test_holm_multiplies_the_least_the_most_and_keeps_the_order() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.6, 0.7]) == [1.0, 1.0]


def test_videos_are_counted_by_what_they_were_at_both_strides() -> None:
    first = np.array([1, 1, 0, 0, 0, 1], bool)
    (found,) = compare(first, [(2, np.array([1, 0, 1, 1, 0, 1], bool))])
    assert (found.both, found.gained, found.lost, found.neither) == (2, 2, 1, 1)
    assert found.difference == pytest.approx(1 / 6) and found.p == found.p_holm == 1.0
    assert accuracy_of(first).share == 0.5


def test_a_video_whose_scores_are_no_numbers_is_not_recognised() -> None:
    probabilities = np.array([[0.7, 0.3], [np.nan, np.nan], [0.2, 0.8], [0.6, 0.4]])
    assert recognised(probabilities, np.array([0, 0, 1, 1])).tolist() == [True, False, True, False]
