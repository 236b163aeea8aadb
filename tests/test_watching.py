"""Regions of steps of real play: at the time of each stacked frame, looked at once, shared out in recordings."""

import json
from contextlib import closing
from dataclasses import replace
from itertools import islice, pairwise
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from torch import nn

import inspector
from inspector.atari.environment import make_environment
from inspector.atari.objects import ObjectFinder
from inspector.atari.objects.choice import find_for
from inspector.errors import UsageError
from inspector.records import Preprocessing, Region, Seen, Step
from inspector.rollout import rollout
from inspector.watching import Watcher
from tests.helpers import small_agent

SIZE = (84, 84)


def some_steps(count: int, recipe: Preprocessing, name: str = "ALE/Breakout-v5") -> list[Step]:
    def any_network(action_count: int) -> nn.Module:
        return nn.Sequential(nn.Flatten(), nn.Linear(recipe.stack * 84 * 84, action_count))

    with closing(make_environment(name, recipe, 3 if "Freeway" in name else 4)) as game:
        agent = small_agent(recipe=recipe, action_count=len(game.action_names), make=any_network)
        return list(islice(rollout(agent, game, seed=3), count))


class Counting:
    """Counts how often it is asked."""

    def __init__(self, finder: ObjectFinder) -> None:
        self._finder, self.names, self.asked = finder, finder.names, 0

    def regions(self, seen: Seen, before: Seen | None) -> tuple[Region, ...]:
        self.asked += 1
        return self._finder.regions(seen, before)

    def phase(self, seen: Seen) -> str | None:
        return self._finder.phase(seen)


@pytest.mark.parametrize("recipe", [Preprocessing(), Preprocessing(padding="first", max_pool=False, fire_reset=True)])
def test_every_frame_of_the_network_input_is_made_of_what_was_seen(recipe: Preprocessing) -> None:
    """The stacked frames can be made again from their screens, and the memory belongs to these."""
    import cv2

    for step in some_steps(20, recipe):
        assert len(step.seen) == 4
        for frame, seen in zip(step.network_input, step.seen, strict=True):
            if seen is None:
                assert not frame.any()
                continue
            assert seen.rams is not None and len(seen.screens) == len(seen.rams) <= (2 if recipe.max_pool else 1)
            grey = cv2.resize(
                cv2.cvtColor(seen.screens.max(axis=0), cv2.COLOR_RGB2GRAY), SIZE, interpolation=cv2.INTER_AREA
            )
            assert np.abs(grey / 255 - frame).max() < 0.02  # the console's own grey differs a little
        newest = step.seen[-1]
        assert newest is not None and np.array_equal(newest.screens.max(axis=0), step.screen)


def test_a_frame_is_looked_at_once() -> None:
    steps = some_steps(30, Preprocessing())
    finder = Counting(find_for("ALE/Breakout-v5"))
    watched = list(Watcher(finder, SIZE).watch_all(steps))
    assert finder.asked == 30
    for before, after in pairwise(watched):
        assert after.stack[:3] == before.stack[1:]
        assert all(one is other for one, other in zip(after.covers[:3], before.covers[1:], strict=True))
    assert [regions is None for regions in watched[0].stack] == [True, True, True, False]
    assert {region.name for region in watched[-1].newest} == set(finder.names)


def test_a_recording_tells_the_shares_of_regions(tmp_path: Path) -> None:
    recording = inspector.record("breakout", steps=40, seed=1, output=tmp_path / "out")
    names = json.loads((recording.path / "manifest.json").read_text())["regions"]
    assert names[0] == "ball" and names[-1] == "background"
    table = pq.read_table(recording.path / "steps.parquet").to_pylist()
    for row in table:
        assert len(row["region_shares"]) == len(row["region_positive_shares"]) == len(names)
        assert sum(row["region_shares"]) == pytest.approx(1.0, abs=1e-5)
        assert "tunnel" in row["regions_hidden"] and "paddle" not in row["regions_hidden"]
    assert any("ball" in row["regions_hidden"] for row in table)  # before it is served
    shown = [row for row in table if "ball" not in row["regions_hidden"]]
    assert np.mean([row["region_shares"][0] for row in shown]) > 0.02  # 0.05 % of the screen


def test_a_recording_may_have_regions_that_the_user_drew(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text("[regions]\nleft_half = [0, 0, 80, 210]\n")
    recording = inspector.record("pong", steps=10, output=tmp_path / "out", regions=file, outlines=False)
    row = pq.read_table(recording.path / "steps.parquet").to_pylist()[-1]
    assert len(row["region_shares"]) == 2
    file.write_text("[regions]\nwide = [100, 0, 80, 210]\n")
    with pytest.raises(UsageError, match="wide"):
        inspector.record("pong", steps=10, output=tmp_path / "other", regions=file)


def test_any_other_game_has_what_moves() -> None:
    finder = find_for("ALE/Freeway-v5")
    assert finder.names == ("moving",)


@pytest.mark.parametrize("stack", [1, 4])
def test_what_moves_is_found_in_every_frame_that_has_one_before_it(stack: int) -> None:
    """Also where a stack is one frame, as recurrent agents have it: the one before is of the step before."""
    steps = some_steps(12, Preprocessing(stack=stack), "ALE/Freeway-v5")
    watched = list(Watcher(find_for("ALE/Freeway-v5"), SIZE).watch_all(steps))
    found = [[bool(regions and regions[0].boxes) for regions in each.stack] for each in watched]
    assert found[0] == [False] * stack
    assert found[stack + 1 :] == [[True] * stack] * (len(steps) - stack - 1)


def test_steps_that_do_not_follow_each_other_do_not_tell_what_moved_between_them() -> None:
    first, second, *_, last = some_steps(6, Preprocessing(stack=1), "ALE/Freeway-v5")
    for other in (last, replace(second, episode=1)):
        watcher = Watcher(find_for("ALE/Freeway-v5"), SIZE)
        assert [watcher.watch(step).newest[0].boxes for step in (first, other)] == [(), ()]


def test_a_step_that_does_not_tell_what_was_seen_has_no_regions() -> None:
    (step,) = some_steps(1, Preprocessing())
    assert Watcher(find_for("ALE/Breakout-v5"), SIZE).watch(replace(step, seen=())).newest == ()
