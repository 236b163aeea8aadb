"""Steps as the generator yields them."""

from itertools import islice

import numpy as np
import pytest
import torch

from inspector.agent import Agent
from inspector.atari.environment import AtariEnvironment
from inspector.errors import CheckpointError, UsageError
from inspector.records import Preprocessing
from inspector.rollout import rollout
from tests.helpers import small_agent


def play(seed: int, count: int, **options: object) -> list:
    agent = small_agent()
    environment = AtariEnvironment("ALE/Breakout-v5", agent.preprocessing)
    return list(islice(rollout(agent, environment, seed=seed, **options), count))  # type: ignore[arg-type]


def test_the_same_seed_gives_the_same_steps_and_another_gives_others() -> None:
    one, same, other = play(5, 60), play(5, 60), play(6, 60)
    actions = [[step.decision.action for step in steps] for steps in (one, same, other)]
    assert actions[0] == actions[1] != actions[2]
    assert all(np.array_equal(a.screens, b.screens) for a, b in zip(one, same, strict=True))


def test_the_screen_of_a_step_is_what_its_newest_input_frame_was_made_from() -> None:
    for before, step in zip(play(1, 30), play(1, 30)[1:], strict=False):
        assert np.array_equal(step.screen, np.maximum(before.screens[-1], before.screens[-2]))
        assert np.array_equal(step.network_input[:-1], before.network_input[1:])


def test_inputs_are_in_the_unit_of_the_network() -> None:
    step = play(0, 1)[0]
    assert step.network_input.dtype == np.float32
    assert 0.5 < step.network_input.max() <= 1.0


def test_a_new_episode_starts_where_the_old_one_ended() -> None:
    agent = small_agent(recipe=Preprocessing(max_frames=60, noop_max=0))
    steps = list(islice(rollout(agent, AtariEnvironment("ALE/Breakout-v5", agent.preprocessing), seed=0), 40))
    ends = [i for i, step in enumerate(steps) if step.terminated or step.truncated]
    assert ends
    following = steps[ends[0] + 1]
    assert (following.episode, following.index, following.frame) == (1, 0, 0)


def test_greedy_play_takes_the_best_action() -> None:
    assert all(step.decision.action == step.decision.scores.argmax() for step in play(0, 40, greedy=True))


def test_a_policy_is_sampled_by_its_probabilities() -> None:
    """10,000 samples of one input against the softmax of its logits."""
    agent = small_agent()
    inputs = np.random.default_rng(0).random((1, 4, 84, 84), np.float32) * 5
    probabilities = torch.tensor(agent.scores(inputs)[0][0]).softmax(0).numpy()
    decisions = agent.decide(inputs.repeat(10_000, 0), np.random.default_rng(1))
    counts = np.bincount([decision.action for decision in decisions], minlength=4)
    assert counts / 10_000 == pytest.approx(probabilities, abs=0.02)


def test_q_values_are_not_sampled() -> None:
    agent = small_agent("q_values")
    with pytest.raises(UsageError, match="only a policy can be sampled"):
        agent.decide(np.zeros((1, 4, 84, 84), np.float32), np.random.default_rng(0))


def test_a_network_with_another_output_than_announced_is_refused() -> None:
    agent = small_agent()
    wrong = Agent(agent.network, "logits", 6, agent.preprocessing, agent.facts)
    with pytest.raises(CheckpointError, match=r"scores of shape \(1, 4\) where \(1, 6\) is expected"):
        wrong.decide(np.zeros((1, 4, 84, 84), np.float32))
