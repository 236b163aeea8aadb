"""The timeline: one history of one unit, and breaks where another begins."""

import numpy as np
import pytest

from inspector.draw.palette import BRIGHT, GROUND, mix, region_colours
from inspector.live.scene import Past, Scene
from inspector.live.timeline import columns_of, draw_timeline, stack
from inspector.records import Decision

REGIONS = ("ball", "background")
SHARES = np.array([0.5, 0.5], np.float32)


def scene(units: str, unit: str) -> Scene:
    made = Scene(
        title="",
        action_names=("NOOP",),
        output="logits",
        region_names=REGIONS,
        screen=np.zeros((2, 2, 3), np.uint8),
        decision=Decision(action=0, scores=np.zeros(1, np.float32), value=None),
        unit=unit,
    )
    made.past.extend(Past(5.0, SHARES, 0.0, False, False, one) for one in units)
    return made


@pytest.mark.parametrize(
    ("units", "unit", "shown"),
    [("aaa", "a", "aaa"), ("aab", "b", "aa|b"), ("aba", "a", "a|b|a"), ("aa", "b", "aa|"), ("", "a", "")],
)
def test_a_break_stands_wherever_the_unit_changes(units: str, unit: str, shown: str) -> None:
    assert "".join(one.unit if one else "|" for one in columns_of(scene(units, unit), 9)) == shown


def test_the_newest_stay_where_there_is_no_room_for_all() -> None:
    assert [one and one.unit for one in columns_of(scene("aaabb", "b"), 4)] == ["a", None, "b", "b"]


def test_the_line_has_scores_of_one_unit_and_says_what_it_leaves_out() -> None:
    _, *lines, marks = draw_timeline(scene("a" * 40 + "b" * 5, "b"), 60, 2, 2, coloured=True).lines
    assert [line.plain[-6:] for line in lines] == ["┊     ", "┊▁▁▁▁▁"] and marks.plain[-6:] == "┊     "
    assert lines[-1].plain[:-6].strip() == "another checkpoint or target" and lines[-1].plain[-7] == " "
    assert "another" not in draw_timeline(scene("a" * 20 + "b", "b"), 60, 2, 2, coloured=True).lines[2].plain
    assert "another" not in draw_timeline(scene("b" * 59, "b"), 60, 2, 2, coloured=True).lines[2].plain


def test_shares_of_other_units_are_dimmed_beyond_a_gap() -> None:
    shares = draw_timeline(scene("ab", "b"), 5, 2, 2, coloured=True).shares
    assert shares is not None and shares.shape == (4, 5, 3)
    ball, rest = region_colours(REGIONS)
    assert shares[0].tolist() == [list(one) for one in (GROUND, GROUND, mix(GROUND, rest, 0.35), GROUND, rest)]
    assert shares[-1, 2:].tolist() == [list(one) for one in (mix(GROUND, ball, 0.35), GROUND, ball)]


def test_shares_that_are_no_numbers_or_none_are_a_gap() -> None:
    ball, rest = region_colours(REGIONS)
    picture = stack([None, np.array([np.nan, 0.5], np.float32), SHARES], [True] * 3, 3, 2, (ball, rest))
    assert picture[:, :2].tolist() == [[list(GROUND)] * 2] * 2 and picture[:, 2].tolist() == [list(rest), list(ball)]


def test_what_happened_is_bright_whatever_it_is() -> None:
    made = scene("", "a")
    made.past.extend(Past(0.0, None, *facts, "a") for facts in ((1.0, False, False), (0.0, True, False)))
    made.past.append(Past(0.0, None, -1.0, False, True, "a"))
    marks = draw_timeline(made, 5, 1, 1, coloured=True).lines[-1]
    assert marks.plain == "  •×◦"
    used = {str(span.style).split()[-1] for span in marks.spans}
    assert used == {"#{:02x}{:02x}{:02x}".format(*BRIGHT)}
