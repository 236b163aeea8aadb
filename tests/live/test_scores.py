"""Score bars: about their own zero, the ones that matter always there, and names that stay apart."""

from dataclasses import replace

import numpy as np
import pytest

from inspector.draw.palette import ACCENT, AGAINST, BAR, FOR, QUIET, Colour
from inspector.live.panels import bar, fitted
from inspector.live.scene import ACTION_KEYS, Scene
from inspector.live.scores import ScoreBars, arrowed, kept, short_names
from inspector.records import Decision

WORDS = ["UP", "RIGHT", "LEFT", "DOWN", "UPRIGHT", "UPLEFT", "DOWNRIGHT", "DOWNLEFT"]
ALL_ACTIONS = ("NOOP", "FIRE", *WORDS, *(f"{word}FIRE" for word in WORDS))


def scene(scores: list[float], output: str = "q_values", **facts: object) -> Scene:
    made = Scene(
        title="",
        action_names=ALL_ACTIONS[: len(scores)],
        output=output,
        region_names=(),
        screen=np.zeros((2, 2, 3), np.uint8),
        decision=Decision(action=0, scores=np.array(scores, np.float32), value=None),
        action_keys=ACTION_KEYS,
    )
    for name, fact in facts.items():
        setattr(made, name, fact)
    return made


def lines(made: Scene, width: int = 45, most: int = 18) -> list[str]:
    return [line.plain for line in ScoreBars().lines(made, width, most)]


@pytest.mark.parametrize("width", [25, 37, 45])
def test_no_two_of_all_actions_look_alike(width: int) -> None:
    shown = lines(scene([0.0] * 18), width)[1:]
    names = [line[3:].split("  ")[0].rstrip(" ▏") for line in shown]
    assert len(set(names)) == 18
    assert ("DOWNRIGHTFIRE" in names) == (width > 25) and ("↘ FIRE" in names) == (width == 25)


def test_arrows_stand_for_directions_alone() -> None:
    assert [arrowed(name) for name in ("UPRIGHTFIRE", "DOWN", "FIRE", "NOOP", "WILDFIRE", "")] == [
        *("↗ FIRE", "↓", "FIRE", "NOOP", "WILDFIRE", "")
    ]
    assert short_names(("UP", "LEFT"), 4) == ["UP", "LEFT"]


@pytest.mark.parametrize(
    ("names", "shown"),
    [
        (["one", "seven"], ["one", "se…"]),
        (["walking", "walked", "run"], ["w…g", "w…d", "run"]),
        (["walking", "wading", "w…g"], ["w…0", "w…1", "w…g"]),
        (["same-name", "same-name"], ["sam…", "sam…"]),
    ],
)
def test_what_is_cut_stays_told_apart(names: list[str], shown: list[str]) -> None:
    assert fitted(names, len(shown[0])) == shown


@pytest.mark.parametrize("most", [2, 6, 17])
def test_the_taken_and_the_explained_action_are_kept_and_the_best_beside_them(most: int) -> None:
    scores = np.arange(18, dtype=np.float32)
    scores[3] = np.nan
    others = [one for one in reversed(range(18)) if one not in (3, 1)]
    assert kept(scores, (3, 1), most) == sorted([3, 1, *others[: most - 2]])
    made = scene(scores.tolist(), target_action=1)
    made.decision = Decision(action=3, scores=scores, value=None)
    heading, *rows = lines(made, 45, most)
    assert f"{most} of 18" in heading and len(rows) == most
    assert any(row.startswith("▸3 ") for row in rows) and any(row.startswith("▹1 ") for row in rows)


def test_bars_begin_at_zero_to_either_side() -> None:
    assert bar(0.5, 8, BAR, (-1.0, 1.0)).plain == "    ██  "
    assert bar(-0.5, 8, BAR, (-1.0, 1.0)).plain == "  ██▏   "
    assert bar(-0.4, 8, BAR, (-1.0, 1.0)).plain == "  ▐█▏   "
    assert bar(0.0, 8, BAR, (-1.0, 1.0)).plain == "    ▏   "
    assert bar(-1.0, 8, BAR, (-2.0, 0.0)).plain == "    ████"
    assert bar(3.0, 8, BAR, (0.0, 4.0)).plain == "██████  "
    assert bar(float("nan"), 8, BAR, (-1.0, 1.0)).plain == bar(1.0, 8, BAR, (0.0, 0.0)).plain == " " * 8


@pytest.mark.parametrize("scores", [[5.0, 5.1, 5.2], [-5.0, -5.1, -5.2]])
def test_scores_nearly_alike_have_bars_nearly_alike(scores: list[float]) -> None:
    lengths = [sum(line.count(block) for block in "▐█▉▊") for line in lines(scene(scores))[1:]]
    assert min(lengths) > 20 and max(lengths) - min(lengths) <= 2
    assert all(f"{abs(score):.2f}" in line for score, line in zip(scores, lines(scene(scores))[1:], strict=True))


def test_the_range_narrows_by_decisions_and_not_by_frames_or_keys_and_each_network_has_its_own() -> None:
    bars, made = ScoreBars(), scene([100.0, 1.0])
    bars.lines(made, 45, 18)
    made.decision = Decision(action=0, scores=np.array([50.0, 1.0], np.float32), value=None)
    once = [line.plain for line in bars.lines(made, 45, 18)]
    assert once == [line.plain for line in bars.lines(made, 45, 18)] and 10 < once[1].count("█") < 20
    made.unit, made.decision = "another target", replace(made.decision)
    assert once == [line.plain for line in bars.lines(made, 45, 18)]
    made.network, made.decision = "another", Decision(0, np.array([0.5, 0.1], np.float32), None)
    assert bars.lines(made, 45, 18)[1].plain.count("█") > 25


def test_the_taken_action_has_the_accent_and_nothing_here_has_the_colours_of_relevance() -> None:
    rows = ScoreBars().lines(scene([1.0, 2.0, 3.0], target_action=1), 45, 18)[1:]
    used = [{str(span.style).split(" on ")[0].split()[-1] for span in row.spans} for row in rows]
    assert [_name(colour) in names for colour, names in zip((ACCENT, QUIET, BAR), used, strict=True)] == [True] * 3
    assert not {_name(FOR), _name(AGAINST)} & set().union(*used)


def _name(colour: Colour) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)
