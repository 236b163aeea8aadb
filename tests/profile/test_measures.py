"""Shares, ratios, verdicts and the rule, on relevance whose profile is known."""

import numpy as np
import pytest

from inspector.errors import InspectorError
from inspector.profile.choice import choose
from inspector.profile.measures import Profile, change_of, counted, profile_of, ratio_of, region_of
from inspector.profile.null import Null, check_counts

FRAMES, VIDEOS = 16, 30


def amounts(border: float, *, noise: float = 0.05, seed: int = 0, videos: int = VIDEOS) -> np.ndarray:
    """Relevance that is `border` times as much at positions 0, 1, 14 and 15, of videos of all sizes."""
    chance = np.random.default_rng(seed)
    values = np.ones((videos, FRAMES)) * chance.uniform(0.1, 100, (videos, 1))
    values[:, [0, 1, 14, 15]] *= border
    return values * (1 + noise * chance.standard_normal(values.shape))


def found(border: float, **about: float) -> dict[str, np.ndarray]:
    values = amounts(border, **about)  # type: ignore[arg-type]
    return {"absolute": values, "positive": values, "finite": np.ones(len(values), bool)}


def profile(border: float, nulls: list[float]) -> Profile:
    networks = [found(null, seed=9 + number, videos=5) for number, null in enumerate(nulls)]
    own = found(border)
    return profile_of(own, counted([own], "absolute"), networks, "absolute")


def test_shares_add_up_to_one_and_a_large_video_counts_as_a_small_one() -> None:
    one = profile(2.0, [1.0])
    np.testing.assert_allclose(one.shares.sum(1), 1)
    low, high = one.interval
    assert np.all(low < one.mean) and np.all(one.mean < high)
    assert one.ratio.mean == pytest.approx(2.0, rel=0.03)


def test_nineteen_intervals_of_twenty_hold_the_true_ratio() -> None:
    hits = 0
    for seed in range(200):
        own = found(2.0, noise=0.3, seed=seed)
        ratio = profile_of(own, counted([own], "absolute"), [found(1.0)], "absolute").ratio
        hits += ratio.low < 2.0 < ratio.high
    assert 180 <= hits <= 199


def test_even_relevance_has_a_ratio_of_one() -> None:
    assert ratio_of(np.full(FRAMES, 1 / FRAMES)) == pytest.approx(1)
    assert np.isinf(ratio_of(np.eye(FRAMES)[0]))


@pytest.mark.parametrize(("border", "verdict"), [(2.0, "border"), (1.1, "even"), (0.3, "centre")])
def test_only_what_lies_beyond_every_random_network_is_told(border: float, verdict: str) -> None:
    one = profile(border, [0.8, 1.0, 1.25] * 7)
    assert one.verdict == verdict
    assert one.null_ratio == pytest.approx(1.0, rel=0.05)
    assert one.excess.mean == pytest.approx(border, rel=0.06)


@pytest.mark.parametrize(("border", "verdict"), [(1.0, "less"), (1.9, "even"), (3.0, "more")])
def test_a_change_over_strides_is_told_beyond_that_of_every_random_network(border: float, verdict: str) -> None:
    nulls, factors = [0.3, 0.8, 2.5] * 7, [1.1, 1.0, 0.9] * 7
    changed = [null * factor for null, factor in zip(nulls, factors, strict=True)]
    change = change_of(profile(2.0, nulls), profile(border, changed))
    assert change.verdict == verdict
    assert change.ratio.mean == pytest.approx(border / 2, rel=0.05)
    assert change.networks == pytest.approx(factors, rel=0.1)


def test_few_random_networks_tell_nothing() -> None:
    few, enough = profile(5.0, [1.0] * 18), profile(5.0, [1.0] * 19)
    assert (few.verdict, enough.verdict) == ("few", "border")
    assert change_of(few, profile(1.0, [1.0] * 18)).verdict == "few"


def test_an_agent_whose_batch_norms_saw_nothing_is_not_compared_with_those_that_did() -> None:
    own, nets = found(5.0), [found(1.0, seed=seed) for seed in range(19)]
    fresh = profile_of(own, counted([own], "absolute"), nets, "absolute", like_networks=False)
    assert fresh.verdict == "fresh" and np.isnan(fresh.excess.mean) and fresh.ratio.mean == pytest.approx(5.0, rel=0.1)
    assert change_of(fresh, fresh).verdict == "fresh"


def silent(border: float, **about: float) -> dict[str, np.ndarray]:
    """Relevance that is all negative."""
    return {**found(border, **about), "positive": np.zeros((int(about.get("videos", VIDEOS)), FRAMES))}


def test_a_random_network_without_relevance_of_a_kind_is_left_out_of_that_kind_at_all_strides() -> None:
    heard, hushed = found(1.0, videos=5), silent(1.0, videos=5)
    null = Null(range(7, 10), {1: [heard, hushed, heard], 2: [heard, heard, hushed]}, np.zeros(5, bool))
    assert null.counting("absolute") == (7, 8, 9) and null.counting("positive") == (7,)
    assert [len(null.at(2, kind)) for kind in ("absolute", "positive")] == [3, 1]


def test_no_relevance_under_any_random_network_is_an_error() -> None:
    nothing = {**found(1.0), "finite": np.zeros(VIDEOS, bool)}
    with pytest.raises(InspectorError, match="under random weights no video has relevance"):
        check_counts(np.ones(VIDEOS, bool), Null([0], {1: [nothing]}, np.zeros(VIDEOS, bool)))


def test_a_network_that_never_looks_at_the_border_has_no_excess_and_no_change() -> None:
    blind = profile(0.0, [0.0] * 19)
    assert blind.ratio.mean == 0 and blind.verdict == "even"
    assert np.isnan(blind.excess.mean)
    change = change_of(blind, blind)
    assert np.isnan(change.ratio.mean) and change.null is None and change.verdict == "few"


def test_a_random_network_of_which_no_change_can_be_told_hides_none_of_the_others() -> None:
    first, other = profile(2.0, [0.0] + [1.0] * 19), profile(1.0, [0.0] + [1.0] * 19)
    change = change_of(first, other)
    assert change.null == pytest.approx((1.0, 1.0), rel=0.05) and change.verdict == "less"


def test_a_video_counts_if_its_relevance_is_finite_and_not_empty_at_all_strides() -> None:
    first, second = found(1.0), found(1.0)
    first["finite"][3] = False
    second["absolute"][7] = 0
    assert np.flatnonzero(~counted([first, second], "absolute")).tolist() == [3, 7]


def test_the_share_of_a_region_stands_beside_its_share_of_the_area() -> None:
    own = found(1.0)
    own |= {"region_absolute": 0.6 * own["absolute"], "area": np.full((VIDEOS, FRAMES), 0.1)}
    masked = np.arange(VIDEOS) % 3 == 0
    nets = [{**own, "region_absolute": 0.2 * own["absolute"]}]
    region = region_of(own, np.ones(VIDEOS, bool), masked, nets, masked, "absolute")
    assert region is not None and region.videos == 10
    assert region.share.mean == pytest.approx(0.6) and region.area.mean == pytest.approx(0.1)
    assert region.density.mean == pytest.approx(6) and region.networks == pytest.approx([0.2])
    np.testing.assert_allclose(region.by_position, 0.6)
    assert region_of(own, np.ones(VIDEOS, bool), np.zeros(VIDEOS, bool), nets, masked, "absolute") is None


def test_masks_that_mark_nothing_have_no_density_and_no_warning() -> None:
    own = found(1.0)
    own |= {"region_absolute": 0.5 * own["absolute"], "area": np.full((VIDEOS, FRAMES), 0.1)}
    for values in (own["region_absolute"], own["area"]):
        values[1:] = 0
    for masked in (np.arange(VIDEOS) < 2, np.arange(VIDEOS) == 1):
        region = region_of(own, np.ones(VIDEOS, bool), masked, [own], masked, "absolute")
        assert region is not None
        assert (region.share.mean > 0) == masked[0] == np.isfinite(region.density.mean)


def test_the_rule_takes_the_stride_with_the_least_excess_and_sees_no_labels() -> None:
    profiles = {1: profile(1.6, [1.0]), 2: profile(1.2, [1.0]), 4: profile(1.4, [1.0])}
    sure = {stride: np.full(VIDEOS, 0.5 + 0.1 * (stride == 4)) for stride in profiles}
    right = {1: np.arange(VIDEOS) < 10, 2: np.arange(VIDEOS) < 5, 4: np.arange(VIDEOS) < 20}
    choice = choose(profiles, right, sure)
    assert choice.stride == 2 and choice.support[2] == 1.0 and choice.best == (4,)
    assert (choice.chosen.right, choice.base.right, choice.confident.right) == (5, 10, 20)
    assert sum(choice.each_counts.values()) == VIDEOS and choice.each_counts[2] > 20
    relabelled = choose(profiles, {stride: ~hits for stride, hits in right.items()}, sure)
    assert (relabelled.stride, relabelled.each_counts) == (2, choice.each_counts)
