"""An agent that thinks before it acts, decision by decision; another checkpoint can go on from the same state."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from itertools import islice

import numpy as np
import pytest

from inspector.atari.environment import make_environment
from inspector.atari.objects.choice import find_for
from inspector.errors import CheckpointError, UsageError
from inspector.live.player import Player
from inspector.load import load_agent
from inspector.rollout import rollout


@pytest.fixture
def player() -> Iterator[Player]:
    agents = [load_agent("pong", checkpoint="first"), load_agent("pong")]
    with Player(agents, find_for("ALE/Pong-v5", None), seed=1) as made:
        yield made


def test_thinking_lets_the_game_stand_still_and_acting_moves_it(player: Player) -> None:
    first = player.think()
    again = player.think()
    assert np.array_equal(first.step.network_input, again.step.network_input)
    step, _ = player.act(first)
    assert len(step.screens) == player.agent.preprocessing.frame_skip and step.index == 0
    assert player.steps == 1
    assert player.think().step.frame == first.step.frame + player.agent.preprocessing.frame_skip


def test_a_thought_is_explained_and_its_shares_add_up(player: Player) -> None:
    for _ in range(30):
        player.act(player.think())
    thought = player.think()
    assert thought.relevance.finite and thought.regions.absolute is not None
    assert thought.regions.absolute.sum() == pytest.approx(1.0, abs=1e-5)
    assert thought.target_action == thought.step.decision.action


def test_the_same_seed_plays_the_same_game_as_a_recording_whatever_is_asked_meanwhile(player: Player) -> None:
    with closing(make_environment("ALE/Pong-v5", player.agent.preprocessing, player.agent.action_count)) as game:
        recorded = list(islice(rollout(player.agent, game, seed=1), 60))
    for number, expected in enumerate(recorded):
        thought = player.think()
        if number % 7 == 3:
            player.target = "contrast"
            assert player.think().step.decision.action == thought.step.decision.action
            player.target = "score"
        step, _ = player.act(thought)
        assert step.decision.action == expected.decision.action
        assert np.array_equal(step.screens, expected.screens)
        assert (step.frame, step.index, step.reward) == (expected.frame, expected.index, expected.reward)


def test_another_checkpoint_thinks_of_the_same_state(player: Player) -> None:
    for _ in range(30):
        player.act(player.think())
    before = player.think()
    player.change_checkpoint(1)
    after = player.think()
    assert np.array_equal(before.step.network_input, after.step.network_input)
    assert player.agent.facts.checkpoint.frames == 0 and player.place_text == "checkpoint 1 of 2"
    assert not np.array_equal(before.relevance.values, after.relevance.values)
    player.change_checkpoint(-1)
    assert np.array_equal(player.think().step.decision.scores, before.step.decision.scores)


def test_a_target_that_there_is_not_is_refused(player: Player) -> None:
    with pytest.raises(UsageError, match="no target 'JUMP'"):
        player.target = "JUMP"


def test_returns_are_summed_until_a_new_game_begins_after_the_last_life() -> None:
    with Player([load_agent("breakout", checkpoint="first")], find_for("ALE/Breakout-v5", None), seed=1) as player:
        rewards, over = 0.0, False
        while not over:
            _, outcome = player.act(player.think())
            rewards, over = rewards + outcome.reward, outcome.over
            assert player.return_so_far == rewards and player.steps < 1000
        assert player.lives == 0 and player.steps > 100
        last, taken = player.think().step.screen, player.taken
        player.new_game()
        assert player.steps == 0 and player.return_so_far == 0.0 and player.taken == taken
        assert not np.array_equal(player.think().step.screen, last) and player.follows_seed
        player.new_game()
        assert not player.follows_seed


@pytest.mark.parametrize(
    ("recipe", "actions", "output", "words"),
    [
        ({"frame_skip": 2}, 6, "logits", "has frame_skip 2, where the game is played with 4"),
        ({"stack": 3}, 6, "logits", "has stack 3, where the game is played with 4"),
        ({}, 18, "logits", "has actions 18, where the game is played with 6"),
        ({}, 6, "q_values", "has output q_values, where the game is played with logits"),
    ],
)
def test_a_checkpoint_that_does_not_fit_the_game_does_not_take_it_over(
    recipe: dict[str, int], actions: int, output: str, words: str
) -> None:
    pong = load_agent("pong")
    unlike = replace(
        pong,
        preprocessing=replace(pong.preprocessing, **recipe),
        action_count=actions,
        output=output,  # type: ignore[arg-type]
    )
    with Player([pong, unlike], find_for("ALE/Pong-v5"), place=0) as player:
        before = player.think()
        with pytest.raises(CheckpointError, match=words):
            player.change_checkpoint(1)
        assert player.agent is pong and player.place_text == "checkpoint 1 of 2"
        assert np.array_equal(player.think().relevance.values, before.relevance.values)


def test_an_action_is_one_target_by_whatever_name(player: Player) -> None:
    for given in ("3", "left", "LEFT"):
        player.target = given
        assert player.target == "LEFT" and player.interpreter().target == "LEFT"
        assert player.think().target_name == "LEFT"
