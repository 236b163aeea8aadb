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
    untrained_level,
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
    low, high = interval(found.resampled(draw_episodes(6)), found.episodes)
    assert np.isnan(low[0]) and np.isnan(high[0])
    assert np.isfinite(low[1:]).all()


def test_states_of_one_episode_do_not_narrow_the_interval() -> None:
    """Every state ten times over, in the same episodes: the interval has to stay as wide."""
    sums, episodes = some_sums(30), np.arange(30) // 3
    tenfold = RegionSums(*(np.repeat(getattr(sums, name), 10, 0) for name in RegionSums.__slots__))
    once = measured("positive_share", sums, np.ones(30, bool), episodes)
    often = measured("positive_share", tenfold, np.ones(300, bool), np.repeat(episodes, 10))
    draws = draw_episodes(10)
    ends = [interval(each.resampled(draws), each.episodes) for each in (once, often)]
    for one, other in zip(*ends, strict=True):
        assert one == pytest.approx(other)


def test_without_any_relevance_there_are_no_numbers() -> None:
    """As under a network whose units are all dead."""
    nothing = RegionSums(*(np.zeros((6, REGIONS, STACK)) for _ in range(2)), some_sums(6).area, np.zeros((6, 3, 2)))
    for measure in MEASURES:
        found = measured(measure, nothing, np.ones(6, bool), np.arange(6))
        low, high = interval(found.resampled(draw_episodes(6)), found.episodes)
        assert np.isnan([found.mean, low, high]).all() and not found.states.any() and not found.episodes.any()


def test_a_background_that_regions_cover_wholly_has_no_density() -> None:
    """Rounding leaves it a ten-thousandth of a pixel."""
    found = some_sums(6)
    found.area[:, -1] = found.relevant_area[:, -1] = 1e-4
    found.absolute[:, -1] = found.positive[:, -1] = 1e-4
    for measure in ("density", "per_relevant_pixel"):
        assert np.isnan(measured(measure, found, np.ones(6, bool), np.arange(6)).mean[-1])


def test_one_episode_alone_has_no_interval() -> None:
    found = measured("positive_share", some_sums(6), np.ones(6, bool), np.zeros(6, int))
    assert found.episodes.tolist() == [1] * REGIONS and np.isfinite(found.mean).all()
    assert np.isnan(interval(found.resampled(draw_episodes(1)), found.episodes)).all()


def test_episodes_in_which_a_region_is_hidden_stand_behind_its_share_and_not_its_density() -> None:
    sums = some_sums(12)
    sums.area[3:, 0] = 0.0
    sums.area[:3, 0] = 1.0
    counts = [measured(name, sums, np.ones(12, bool), np.arange(12)).episodes[0] for name in MEASURES[1:3]]
    assert counts == [12, 3]


@pytest.mark.parametrize("count", [8, 15, 40])
def test_intervals_cover_the_truth_about_as_often_as_they_say(count: int) -> None:
    """Episodes differ from each other, states within them less: 95 % intervals by episodes hold the mean."""
    generator, truth, inside, rounds, draws = np.random.default_rng(1), 0.3, 0, 400, draw_episodes(count)
    for _ in range(rounds):
        share = np.repeat(generator.normal(truth, 0.05, count), 5) + generator.normal(0, 0.01, 5 * count)
        positive = np.stack([share, 1 - share], 1)[:, :, None]
        ones = np.ones_like(positive)
        sums, finite, episodes = RegionSums(positive, positive, ones, ones), np.ones(5 * count, bool), np.arange(count)
        found = measured("positive_share", sums, finite, episodes.repeat(5))
        low, high = interval(found.resampled(draws), found.episodes)
        inside += bool(low[0] <= truth <= high[0])
    assert 0.925 * rounds <= inside <= 0.985 * rounds


FRAMES = np.array([0, 10, 100, 1000])


def found_onset(excess: list[float], spread: float = 0.0) -> tuple[int | None, int | None, int | None]:
    noise = spread * np.random.default_rng(0).normal(size=(1000, 4))
    one = onset(FRAMES, np.array(excess), np.array(excess) + noise, np.full(4, 100))
    return one.frames, one.low, one.high


def test_an_onset_is_where_a_share_exceeds_for_good() -> None:
    assert found_onset([-0.1, 0.1, -0.1, 0.1]) == (1000, 1000, 1000)
    assert found_onset([-0.1, 0.1, 0.1, 0.1]) == (10, 10, 10)
    assert found_onset([0.1, 0.1, 0.1, 0.1]) == (0, 0, 0)
    assert found_onset([0.1, 0.1, 0.1, -0.1]) == (None, None, None)
    assert found_onset([-0.1, 0.1, np.nan, 0.1]) == (1000, 10, 1000)
    assert found_onset([0.0, 0.0, 0.0, 0.0]) == (None, None, None)


def test_an_uncertain_share_has_an_uncertain_onset() -> None:
    assert found_onset([-0.1, -0.01, 0.01, 0.2], spread=0.02) == (100, 10, 1000)
    assert found_onset([-0.1, -0.1, -0.1, 0.001], spread=0.02) == (1000, 1000, None)


def test_one_episode_alone_does_not_tell_where_an_onset_lies() -> None:
    excess = np.array([-0.1, 0.1, 0.1, 0.1])
    found = onset(FRAMES, excess, np.tile(excess, (1000, 1)), np.full(4, 1))
    assert (found.frames, found.low, found.high) == (10, 0, None)


def test_the_interval_of_an_onset_holds_the_truth_and_the_onset() -> None:
    """A weak rise at the sixth of twenty checkpoints: how onsets scatter over the draws would hold it 7 times of 10."""
    generator, draws, frames, count = np.random.default_rng(3), draw_episodes(15) / 15, np.arange(20), 15
    excess, rounds, inside = np.where(frames < 5, -0.3, 0.25), 150, 0
    for _ in range(rounds):
        seen = excess + generator.normal(0, 0.5, (count, 1)) + generator.normal(0, 0.8, (count, 20))
        found = onset(frames, seen.mean(0), draws @ seen, np.full(20, count))
        low, point, high = (20 if end is None else end for end in (found.low, found.frames, found.high))
        assert low <= point <= high
        inside += low <= 5 <= high
    assert inside >= 0.92 * rounds


def test_an_unknown_measure_is_refused() -> None:
    with pytest.raises(ValueError, match="there is no measure 'glow': choose one of positive_share"):
        measured("glow", some_sums(2), np.ones(2, bool), np.zeros(2, int))


def networks(count: int, seed: int) -> np.ndarray:
    """Shares of untrained networks: skewed, of very different size, and hanging on each other as shares do."""
    generator = np.random.default_rng(seed)
    common = generator.normal(size=(count, 1))
    amounts = np.exp(np.array([-5.0, -4.0, -3.0, 0.0, -0.5]) + 0.5 * common + generator.normal(0, 0.7, (count, 5)))
    return amounts / amounts.sum(1, keepdims=True)


def test_one_untrained_network_in_twenty_exceeds_its_level_in_some_region() -> None:
    exceeding = [
        (networks(500, 1000 + seed) > untrained_level(networks(40, seed)))[:, :-1].any(1).mean() for seed in range(40)
    ]
    assert 0.02 < np.mean(exceeding) < 0.08


def test_without_a_background_the_last_has_its_part_in_how_far_levels_lie() -> None:
    generator = np.random.default_rng(0)
    shares = np.full((40, 3), 1 / 3)
    shares[:, 2] = generator.uniform(0.2, 0.4, 40)
    shares[0, 2] = 0.9
    level = untrained_level(shares, has_rest=False)
    assert level[2] > 0.39 and level[:2] == pytest.approx([1 / 3, 1 / 3])
    assert untrained_level(shares)[2] == pytest.approx(np.sin(np.arcsin(np.sqrt(shares[:, 2])).mean()) ** 2)


def test_levels_lie_above_the_means_and_each_draw_has_its_own() -> None:
    shares = networks(30, 0)
    level = untrained_level(shares)
    assert (level[:-1] >= shares.mean(0)[:-1]).all() and (level <= 1).all()
    assert untrained_level(shares[:1]) == pytest.approx(shares[0])
    drawn = untrained_level(np.stack([shares, shares], axis=1))
    assert drawn == pytest.approx(np.stack([level, level]))
    constant = shares.copy()
    constant[:, 0] = 0.25
    assert untrained_level(constant)[0] == pytest.approx(0.25)
