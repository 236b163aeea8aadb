"""The timeline: now at its right edge, the past to the left, gaps where nothing is known."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from inspector.draw.palette import GROUND, PANEL
from inspector.draw.timeline import Point, Timeline, _usual_range

SERIES = (("old", (200, 40, 40)), ("new", (40, 200, 40)))
LEFT, RIGHT = 64, 964


def point(tracked: float = 1.0, share: float | None = 0.25, **more: Any) -> Point:
    shares = None if share is None else np.array([share, 1 - share])
    known = {"reward": 0.0, "life_lost": False, "game_begins": False, **more}
    return Point(tracked, shares, **known)


def timeline(height: int = 188) -> Timeline:
    return Timeline(height, 976, 15.0, "score", "share", SERIES)


def drawn(line: Timeline, height: int = 188) -> NDArray[np.uint8]:
    panel = np.full((height, 976, 3), PANEL, np.uint8)
    line.draw_still(panel)
    line.draw(panel)
    return panel


def area(picture: NDArray[np.uint8], index: int) -> NDArray[np.bool_]:
    return np.asarray((picture[26:, LEFT:RIGHT] == SERIES[index][1]).all(axis=2)[:50])


def test_fifteen_seconds_fill_it() -> None:
    line = timeline()
    for _ in range(225):
        line.push(point())
    assert line.stride == 4
    assert area(drawn(line), 0).any(axis=0).all()


def test_the_newest_decision_is_at_the_right_edge_and_moves_left() -> None:
    line = timeline()
    line.push(point())
    assert np.nonzero(area(drawn(line), 0).any(axis=0))[0].tolist() == [896, 897, 898, 899]
    line.push(point(share=None))
    assert np.nonzero(area(drawn(line), 0).any(axis=0))[0].tolist() == [892, 893, 894, 895]


def test_areas_are_as_high_as_their_shares() -> None:
    line = timeline()
    line.push(point(share=0.25))
    picture = drawn(line)
    heights = [area(picture, index)[:, -1].sum() for index in (0, 1)]
    assert heights[1] == pytest.approx(3 * heights[0], abs=4)
    assert area(picture, 0)[:, -1].nonzero()[0].min() > area(picture, 1)[:, -1].nonzero()[0].max()


def marks(picture: NDArray[np.uint8], top: int = 152) -> NDArray[np.intp]:
    return np.nonzero((picture[top : top + 14, LEFT:RIGHT].astype(int).sum(axis=2) > 400).any(axis=0))[0]


@pytest.mark.parametrize("what", [{"reward": 1.0}, {"reward": -1.0}, {"life_lost": True}])
def test_rewards_and_lost_lives_are_marked_where_they_happened(what: dict[str, Any]) -> None:
    line = timeline()
    line.push(point())
    line.push(point(**what))
    for _ in range(20):
        line.push(point())
    found = marks(drawn(line))
    assert found.size
    assert abs(found.mean() - (899 - 20 * 4)) < 2


def test_without_an_event_there_is_no_mark() -> None:
    line = timeline()
    for _ in range(30):
        line.push(point())
    assert not marks(drawn(line)).size


def test_reward_loss_and_life_lost_look_different() -> None:
    pictures = []
    events: list[dict[str, Any]] = [{"reward": 1.0}, {"reward": -1.0}, {"life_lost": True}]
    for what in events:
        line = timeline()
        for index in range(30):
            line.push(point(**(what if index == 10 else {})))
        pictures.append(drawn(line).tobytes())
    assert len(set(pictures)) == 3


def line_columns(picture: NDArray[np.uint8]) -> NDArray[np.intp]:
    lane = picture[104:150, LEFT:RIGHT].astype(int).sum(axis=2)
    return np.nonzero((lane > 400).any(axis=0))[0]


def test_the_line_has_a_gap_where_the_score_is_not_finite() -> None:
    line = timeline()
    for index in range(60):
        line.push(point(tracked=float("nan") if 20 <= index < 40 else float(index % 3)))
    columns = line_columns(drawn(line))
    assert np.diff(columns).max() == pytest.approx(20 * 4, abs=8)


def test_a_new_game_starts_a_new_line() -> None:
    pictures = []
    for begins in (False, True):
        line = timeline()
        for index in range(40):
            line.push(point(tracked=0.0 if index < 20 else 9.0, game_begins=begins and index == 20))
        pictures.append(drawn(line)[110:145, LEFT + 817 : LEFT + 822].astype(int).sum(axis=2).max())
    assert pictures[0] > 450 > pictures[1]


def test_the_scale_of_the_line_holds_while_the_line_fits() -> None:
    line = timeline()
    for index in range(100):
        line.push(point(tracked=float(index % 10)))
    before = drawn(line)[:, :LEFT]
    line.push(point(tracked=4.5))
    assert np.array_equal(before, drawn(line)[:, :LEFT])


@pytest.mark.parametrize("values", [[0.0], [1e-9] * 3, [-5e8, 3e8], [2.0, 2.0], [float("nan")], [-1e-3, 1e-3]])
def test_any_range_of_scores_is_drawn_inside_the_panel(values: list[float]) -> None:
    line = timeline()
    for value in values:
        line.push(point(tracked=value))
    picture = drawn(line)
    margin = np.concatenate([picture[:, 966:].reshape(-1, 3), picture[:, :4].reshape(-1, 3)])
    assert (margin == PANEL).all()
    assert (picture[104:150, LEFT:RIGHT] == GROUND).all(axis=2).any()


def test_a_line_stands_where_there_are_no_areas() -> None:
    pictures = [drawn(Timeline(188, 976, 15.0, "score", title)) for title in ("", "no shares")]
    assert (pictures[1][:26, LEFT:] != PANEL).any()
    ends = [np.nonzero((picture[:, LEFT + 20] == GROUND).all(axis=1))[0] for picture in pictures]
    assert ends[1].min() - ends[0].min() == 26
    assert ends[1].max() == ends[0].max()


def test_a_low_panel_gives_its_room_to_the_line() -> None:
    line = timeline(108)
    line.push(point())
    picture = drawn(line, 108)
    assert not (picture == SERIES[0][1]).all(axis=2).any()


def test_one_extreme_value_does_not_flatten_the_line() -> None:
    usual = np.sin(np.arange(100.0))
    low, high = _usual_range(np.concatenate([[40.0], usual]))
    assert high < 12
    assert low == usual.min()
    assert _usual_range(usual) == (usual.min(), usual.max())
