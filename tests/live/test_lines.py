"""A line a second, in a time of its own."""

import json
import math
from typing import Any

import numpy as np
import pytest

from inspector.live.lines import facts_of, line_of, watch
from inspector.live.scene import Scene
from tests.live.test_view import scene as made_scene

scene = made_scene


class Steps:
    """A stage of so many decisions."""

    def __init__(self, scene: Scene, count: int) -> None:
        self.scene, self.left = scene, count
        self.keys: tuple[tuple[str, str], ...] = ()

    def advance(self) -> bool:
        self.left -= 1
        return self.left >= 0

    def press(self, key: str) -> str | None:
        return None

    def news(self) -> str | None:
        return None


class Clock:
    """Time that passes by waiting alone."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.mark.parametrize(("pace", "lines", "seconds"), [(1.0, 5, 4.0), (4.0, 2, 1.0), (math.inf, 2, 0.0)])
def test_sixty_decisions_take_their_time_and_a_line_a_second(
    scene: Scene, pace: float, lines: int, seconds: float
) -> None:
    clock, written = Clock(), list[dict[str, Any]]()
    watch(Steps(scene, 60), written.append, pace, clock, clock.sleep)
    assert clock.now == pytest.approx(seconds, abs=0.1) and len(written) == lines
    assert written[0]["seconds"] == 0 and written[-1]["seconds"] == pytest.approx(seconds, abs=0.1)


def test_a_line_says_what_was_decided_and_where_it_looked(scene: Scene) -> None:
    line = line_of(facts_of(scene, 65.2))
    assert line == "1:05  return 12  lives 3  RIGHT 70%  ball 50%, behind wall 10%, background 40%"
    scene.output, scene.lives = "q_values", None
    assert "RIGHT Q 2  ball" in line_of(facts_of(scene, 0)) and "lives" not in line_of(facts_of(scene, 0))


def test_what_is_not_finite_or_not_there_is_null_in_json(scene: Scene) -> None:
    scene.tracked, scene.region_shares = math.nan, None
    scene.decision.scores[:] = np.inf
    scene.output = "q_values"
    facts = json.loads(json.dumps(facts_of(scene, 1.0), allow_nan=False))
    assert facts["target_score"] is None and facts["q_value"] is None and facts["region_shares"] is None
    assert "no relevance" in line_of(facts_of(scene, 1.0))


@pytest.mark.parametrize("output", ["logits", "q_values"])
def test_scores_that_are_no_numbers_are_a_dash_and_null(scene: Scene, output: str) -> None:
    scene.output = output
    scene.decision.scores[:] = np.nan
    facts = json.loads(json.dumps(facts_of(scene, 1.0), allow_nan=False))
    assert facts["probability" if output == "logits" else "q_value"] is None
    assert f"RIGHT {'–' if output == 'logits' else 'Q –'}  ball" in line_of(facts)


def test_it_ends_at_a_signal_and_says_where_it_was(scene: Scene) -> None:
    clock, written, stopped = Clock(), list[dict[str, Any]](), list[int]()

    def write(facts: dict[str, Any]) -> None:
        written.append(facts)
        if len(written) == 3:
            stopped.append(15)

    watch(Steps(scene, 600), write, 1.0, clock, clock.sleep, stopped)
    assert clock.now == pytest.approx(2.1, abs=0.2) and len(written) == 4


def test_time_that_passes_while_it_is_looked_at_is_never_slept_backwards(scene: Scene) -> None:
    clock, slept = Clock(), list[float]()

    def passing() -> float:
        clock.now += 0.03
        return clock.now

    watch(Steps(scene, 30), lambda _: None, 1.0, passing, slept.append)
    assert slept and min(slept) > 0
