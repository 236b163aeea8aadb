"""Curves out of explained states: null lines, onsets, and networks without any relevance."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from inspector.regions import RegionSums
from inspector.track.measures import Onset
from inspector.track.result import EVERYWHERE, Attention, Curve, Explained, curve_of, joined
from inspector.track.summary import shares_text, stacked_text
from inspector.track.work import Explaining

NAMES = ("ball", "wall", "background")
EPISODES = np.arange(24) // 3
SCORE = Explaining("epsilon_plus", "score")


def explained(shares: Sequence[float], size: float = 1.0) -> Explained:
    """24 states of 8 episodes, with about these shares; regions have 1, 4 and 5 tenths of the area."""
    noise = np.random.default_rng(0).uniform(0.95, 1.05, (24, 1))
    relevance = size * noise[:, :, None] * np.array(shares)[None, :, None]
    area = np.broadcast_to(np.array([10.0, 40.0, 50.0])[None, :, None], relevance.shape)
    return Explained(RegionSums(relevance, relevance, area, area), np.ones(24, bool), EPISODES)


DEAD = explained([0.0, 0.0, 0.0])
RISING = [explained([ball, 0.3, 0.7 - ball]) for ball in (0.15, 0.15, 0.5, 0.6)]
FRAMES = (0, 10, 100, 1000)


def test_an_onset_exceeds_the_area_and_what_untrained_networks_give() -> None:
    curve = curve_of(SCORE, FRAMES, NAMES, RISING, [explained([0.2, 0.28, 0.52])])
    assert curve.area == pytest.approx([0.1, 0.4, 0.5])
    assert curve.random == pytest.approx([0.2, 0.28, 0.52])  # of one network alone
    assert curve.onsets["ball"].frames == 100 and curve.onsets["wall"].frames is None
    assert set(curve.onsets) == {"ball", "wall"}
    low = curve_of(SCORE, (5, 10, 100, 1000), NAMES, RISING, [explained([0.02, 0.28, 0.7])])
    assert low.onsets["ball"].frames == 5  # above its area at once
    varied = [explained([ball, 0.28, 0.72 - ball]) for ball in (0.02, 0.3, 0.6)]
    assert curve_of(SCORE, FRAMES, NAMES, RISING, varied).random[0] >= 0.6 - 1e-9


def test_a_checkpoint_without_any_relevance_has_no_share_and_exceeds_nothing() -> None:
    curve = curve_of(SCORE, FRAMES, NAMES, [*RISING[:2], DEAD, RISING[3]], [explained([0.02, 0.28, 0.7])])
    assert np.isnan([curve.share[2], curve.low[2], curve.high[2]]).all()
    assert curve.onsets["ball"].frames == 1000
    attention = Attention(NAMES)
    attention.add(DEAD, 1, series="one", frames=100, source="probe", composite="epsilon_plus", target="score")
    assert {(row["mean"], row["low"], row["high"], row["states"]) for row in attention.table.to_pylist()} == {
        (None, None, None, 0)
    }


def test_random_weights_without_any_relevance_do_not_count_as_a_null_line() -> None:
    one = explained([0.2, 0.3, 0.5])
    assert curve_of(SCORE, FRAMES, NAMES, RISING, [DEAD, one]).onsets["ball"].frames == 100
    assert curve_of(SCORE, (5, 10, 100, 1000), NAMES, RISING, [DEAD, DEAD]).onsets["ball"].frames == 5


def test_how_large_a_networks_scores_are_does_not_change_its_shares() -> None:
    one, large = (curve_of(SCORE, (1, 2), NAMES, [explained([0.2, 0.3, 0.5], size)] * 2, [DEAD]) for size in (1, 1e4))
    assert one.share == pytest.approx(large.share)


def test_the_shares_of_the_last_checkpoint_are_told_the_largest_first() -> None:
    last = explained([0.004, 0.296, 0.7])
    assert shares_text(curve_of(SCORE, (1, 2), NAMES, [DEAD, last], [DEAD])) == "background 70 %, wall 30 %, ball 0.4 %"
    assert shares_text(curve_of(SCORE, (1, 2), NAMES, [last, DEAD], [DEAD])) == "no relevance anywhere"


def test_games_bring_episodes_of_their_own_and_networks_share_those_of_the_states() -> None:
    parts = [explained([0.2, 0.3, 0.5]), explained([0.5, 0.3, 0.2])]
    assert np.unique(joined(parts).episodes).size == 16
    under_two = joined(parts, same_states=True)
    assert np.unique(under_two.episodes).size == 8 and len(under_two.finite) == 48
    assert under_two.ratios("positive_share").mean == pytest.approx([0.35, 0.3, 0.35])


def in_frames(shares: Sequence[Sequence[float]]) -> Explained:
    """24 states of 8 episodes, with these shares of regions (rows) in stacked frames."""
    noise = np.random.default_rng(0).uniform(0.98, 1.02, (24, 1, 1))
    relevance, area = noise * np.array(shares), np.ones((24, *np.shape(shares)))
    return Explained(RegionSums(relevance, relevance, area, area), np.ones(24, bool), EPISODES)


def test_stacked_frames_have_curves_of_their_own_over_all_regions() -> None:
    early, late = in_frames([[0.1, 0.1, 0.1], [0.3, 0.2, 0.2]]), in_frames([[0.5, 0.1, 0.0], [0.2, 0.1, 0.1]])
    even = in_frames([[0.1, 0.1, 0.1], [0.24, 0.23, 0.23]])
    states = [one.by_frame() for one in (early, late)]
    curve = curve_of(SCORE, (0, 1000), ("0", "1", "2"), states, [even.by_frame()], "clips")
    assert curve.share == pytest.approx(np.array([[0.4, 0.3, 0.3], [0.7, 0.2, 0.1]]))
    assert curve.area == pytest.approx([1 / 3] * 3) and curve.random == pytest.approx([0.34, 0.33, 0.33])
    assert set(curve.onsets) == {"0", "1", "2"} and curve.onsets["0"].frames == 0 and curve.onsets["2"].frames is None
    assert stacked_text(curve) == ("most at 0 (70.0 %), least at 2 (10.0 %); above all alike and untrained networks: 0")
    nothing = replace(curve, share=np.full((2, 3), np.nan))
    assert stacked_text(nothing) == "no relevance anywhere"


def test_runs_of_stacked_frames_are_told_as_a_person_does() -> None:
    shares = np.array([[0.2, 0.2, 0.2, 0.01, 0.39]])
    sure, unsure, never = Onset(0, 0, 0), Onset(0, 0, None), Onset(None, None, None)
    onsets = {"0": sure, "1": sure, "2": unsure, "3": never, "4": sure}
    curve = Curve(SCORE, np.array([0]), tuple("01234"), shares, shares, shares, shares[0], shares[0], onsets)
    assert stacked_text(curve).endswith("untrained networks: 0 to 1, 4, not for certain: 2")


def test_rows_of_stacked_frames_as_a_whole_add_up_to_one() -> None:
    attention = Attention(("ball", "background"))
    about = {"series": "one", "composite": "epsilon_plus", "target": "score"}
    one = in_frames([[0.5, 0.1], [0.2, 0.2]])
    attention.add_by_frame(one, frames=5, source="probe", **about)
    rows = attention.table.to_pylist()
    assert {row["region"] for row in rows} == {EVERYWHERE} and len(rows) == 4
    means = {(row["measure"], row["stacked_frame"]): row["mean"] for row in rows}
    assert means["positive_share", 0] == pytest.approx(0.7) and means["absolute_share", 1] == pytest.approx(0.3)
    assert all(
        row["states"] == 24 and row["episodes"] == 8 and row["low"] <= row["mean"] <= row["high"] for row in rows
    )
