"""Measures of attention, their intervals by episodes, and onsets: against plain loops, and where they are known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.regions import RegionSums
from inspector.track.measures import (
    MEASURES,
    area_shares,
    draw_episodes,
    interval,
    measured,
    onset,
)

REGIONS, STACK = 3, 2


def some_sums(states: int, seed: int = 0) -> RegionSums:
    generator = np.random.default_rng(seed)
    shape = (states, REGIONS, STACK)
    area = generator.uniform(0, 5, shape)
    area[generator.random(shape[:2]) < 0.3] = 0.0  # a region that is hidden in a state
    area[:, -1] = 20.0
    positive = generator.exponential(size=shape) * (area > 0)
    return RegionSums(positive, positive * generator.uniform(1, 2, shape), area, area / 2)


def by_loop(measure: str, sums: RegionSums, finite: np.ndarray, frame: int | None) -> list[float]:
    """As the docstring of MEASURES says it, state by state."""
    means = []
    frames = range(STACK) if frame is None else [frame]
    for region in range(REGIONS):
        above = below = 0.0
        for state in range(len(finite)):
            amounts = sums.positive if measure in ("positive_share", "per_relevant_pixel") else sums.absolute
            some = sum(amounts[state, region, f] for f in frames)
            area = sum(sums.area[state, region, f] for f in frames)
            relevant = sum(sums.relevant_area[state, region, f] for f in frames)
            if not finite[state]:
                continue
            if measure.endswith("share"):
                above, below = above + some / amounts[state].sum(), below + 1
            elif measure == "density" and area > 0:
                above, below = above + some / amounts[state].sum(), below + area / sums.area[state].sum()
            elif measure == "per_relevant_pixel" and relevant > 0:
                above, below = above + some / relevant, below + 1
        means.append(above / below)
    return means


@pytest.mark.parametrize("frame", [None, 0, 1])
@pytest.mark.parametrize("measure", MEASURES)
def test_a_measure_is_what_its_definition_says(measure: str, frame: int | None) -> None:
    sums, finite = some_sums(40), np.arange(40) % 7 != 3
    found = measured(measure, sums, finite, np.arange(40) // 5, frame)
    assert found.mean == pytest.approx(by_loop(measure, sums, finite, frame))


@given(st.integers(0, 1000))
def test_shares_add_up_to_one(seed: int) -> None:
    sums, finite, episodes = some_sums(12, seed), np.ones(12, bool), np.arange(12) // 3
    for measure in ("positive_share", "absolute_share"):
        assert measured(measure, sums, finite, episodes).mean.sum() == pytest.approx(1.0)
        frames = [measured(measure, sums, finite, episodes, frame).mean for frame in range(STACK)]
        assert np.sum(frames) == pytest.approx(1.0)
    assert area_shares(sums, episodes).mean.sum() == pytest.approx(1.0)


def test_relevance_spread_alike_has_density_one_everywhere() -> None:
    sums = some_sums(20)
    alike = RegionSums(sums.area * 0.1, sums.area * 0.1, sums.area, sums.area)
    found = measured("density", alike, np.ones(20, bool), np.arange(20))
    assert found.mean == pytest.approx(1.0)


def test_states_without_relevance_or_with_nan_do_not_count() -> None:
    sums = some_sums(6)
    sums.positive[2] = sums.absolute[2] = 0.0
    finite = np.array([True, True, True, False, True, True])
    found = measured("positive_share", sums, finite, np.zeros(6, int))
    assert found.states.tolist() == [4, 4, 4]
    assert found.mean.sum() == pytest.approx(1.0)


def test_a_region_that_is_never_there_has_no_density() -> None:
    sums = some_sums(6)
    sums.area[:, 0] = 0.0
    found = measured("density", sums, np.ones(6, bool), np.arange(6))
    assert np.isnan(found.mean[0])
    low, high = interval(found.resampled(draw_episodes(6)))
    assert np.isnan(low[0]) and np.isnan(high[0])
    assert np.isfinite(low[1:]).all()


def test_states_of_one_episode_do_not_narrow_the_interval() -> None:
    """Every state ten times over, in the same episodes: the interval has to stay as wide."""
    sums, episodes = some_sums(30), np.arange(30) // 3
    tenfold = RegionSums(*(np.repeat(getattr(sums, name), 10, 0) for name in RegionSums.__slots__))
    once = measured("positive_share", sums, np.ones(30, bool), episodes)
    often = measured("positive_share", tenfold, np.ones(300, bool), np.repeat(episodes, 10))
    draws = draw_episodes(10)
    for one, other in zip(interval(once.resampled(draws)), interval(often.resampled(draws)), strict=True):
        assert one == pytest.approx(other)


def test_intervals_cover_the_truth_about_as_often_as_they_say() -> None:
    """Episodes differ from each other, states within them less: 95 % intervals by episodes hold the mean."""
    generator, truth, inside, rounds = np.random.default_rng(1), 0.3, 0, 200
    for _ in range(rounds):
        share = np.repeat(generator.normal(truth, 0.05, 40), 5) + generator.normal(0, 0.01, 200)
        positive = np.stack([share, 1 - share], 1)[:, :, None]
        ones = np.ones_like(positive)
        found = measured(
            "positive_share", RegionSums(positive, positive, ones, ones), np.ones(200, bool), np.arange(200) // 5
        )
        low, high = interval(found.resampled(draw_episodes(40)))
        inside += bool(low[0] <= truth <= high[0])
    assert 0.88 * rounds <= inside <= 0.99 * rounds


FRAMES = np.array([0, 10, 100, 1000])


def found_onset(shares: list[float], null: float, spread: float = 0.0) -> tuple[int | None, int | None, int | None]:
    generator = np.random.default_rng(0)
    resampled = np.array(shares) + spread * generator.normal(size=(1000, 4))
    one = onset(FRAMES, np.array(shares), np.full(4, null), resampled, np.full((1000, 4), null))
    return one.frames, one.low, one.high


def test_an_onset_is_where_a_share_exceeds_for_good() -> None:
    assert found_onset([0.1, 0.3, 0.1, 0.3], 0.2) == (1000, 1000, 1000)
    assert found_onset([0.1, 0.3, 0.3, 0.3], 0.2) == (10, 10, 10)
    assert found_onset([0.3, 0.3, 0.3, 0.3], 0.2) == (0, 0, 0)
    assert found_onset([0.3, 0.3, 0.3, 0.1], 0.2) == (None, None, None)


def test_an_uncertain_share_has_an_uncertain_onset() -> None:
    point, low, high = found_onset([0.1, 0.19, 0.21, 0.4], 0.2, spread=0.02)
    assert point == 100
    assert low is not None and low <= 10
    assert high == 1000
    assert found_onset([0.1, 0.1, 0.1, 0.201], 0.2, spread=0.02)[2] is None


def test_an_unknown_measure_is_refused() -> None:
    with pytest.raises(ValueError, match="there is no measure 'glow': choose one of positive_share"):
        measured("glow", some_sums(2), np.ones(2, bool), np.zeros(2, int))
