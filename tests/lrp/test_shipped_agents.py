"""The engine on the trained agents that ship, in states of their own play."""

from copy import deepcopy
from itertools import islice
from typing import NamedTuple

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from inspector.agent import Agent
from inspector.atari.environment import make_environment
from inspector.load import load_agent
from inspector.lrp import COMPOSITES, Explainer, Signal
from inspector.records import LEDGER_PARTS
from inspector.rollout import rollout
from tests.lrp.test_composites import (
    EpsilonAlpha2Beta1,
    EpsilonGammaBox,
    EpsilonPlus,
    EpsilonPlusFlat,
    ZennitComposite,
    by_zennit,
)
from tests.lrp.test_rules import BOUNDS, RULES, apart, naive, shared

ORACLES = {
    "epsilon_plus": EpsilonPlus(),
    "epsilon_plus_flat": EpsilonPlusFlat(),
    "epsilon_gamma_box": EpsilonGammaBox(low=0.0, high=1.0),
    "epsilon_alpha2_beta1": EpsilonAlpha2Beta1(),
}


class Scores(nn.Module):
    """An agent's network without its critic."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, inputs: Tensor) -> Tensor:
        return self.network(inputs)[0]


@pytest.fixture(scope="module", params=["breakout", "pong"])
def agent(request: pytest.FixtureRequest) -> Agent:
    return load_agent(request.param)


@pytest.fixture(scope="module")
def states(agent: Agent) -> Tensor:
    """Every eighth network input of its play."""
    game = make_environment(str(agent.facts.environment), agent.preprocessing, agent.action_count)
    steps = islice(rollout(agent, game, seed=11), 40, 40 + 8 * 24, 8)
    inputs = torch.from_numpy(np.stack([step.network_input for step in steps]))
    game.close()
    return inputs


@pytest.mark.parametrize("name", ORACLES)
def test_a_composite_equals_zennit_on_a_trained_agent(agent: Agent, states: Tensor, name: str) -> None:
    network = Scores(agent.network)
    oracle: ZennitComposite = ORACLES[name]
    expected = by_zennit(oracle, network, states)
    found = Explainer(network, name, input_bounds=(0.0, 1.0))(states).values
    assert (found - expected).abs().max() <= 2e-6 * expected.abs().max()


@pytest.mark.parametrize("target", ["score", "contrast", "advantage", "value"])
@pytest.mark.parametrize("name", COMPOSITES)
def test_the_ledger_closes_on_a_trained_agent(agent: Agent, states: Tensor, name: str, target: str) -> None:
    explanation = Explainer(agent.network, name, input_bounds=(0.0, 1.0))(states, target)
    parts = sum(explanation.ledger[part].double() for part in LEDGER_PARTS)
    scale = torch.maximum(explanation.score.abs(), explanation.values.abs().sum((1, 2, 3))).double()
    assert ((parts - explanation.score.double()).abs() <= 1e-5 * scale).all()


@pytest.mark.parametrize("name", ["epsilon_plus", "epsilon_plus_flat", "epsilon_gamma_box", "deep_taylor"])
def test_bfloat16_points_the_same_way_on_a_trained_agent(agent: Agent, states: Tensor, name: str) -> None:
    exact = Explainer(agent.network, name, (0.0, 1.0))(states)
    best = exact.outputs.scores.argmax(1)
    coarse = Explainer(agent.network, name, (0.0, 1.0), precision="bfloat16")(states, actions=best)
    assert nn.functional.cosine_similarity(coarse.values.flatten(1), exact.values.flatten(1)).min() >= 0.998


class Seen(NamedTuple):
    """A layer of an agent in double precision, what it saw, relevance of its outputs, and its matrix."""

    layer: nn.Module
    inputs: Tensor
    relevance: Tensor
    parted: tuple[Tensor, Tensor]


@pytest.fixture(scope="module")
def layers(agent: Agent, states: Tensor) -> list[Seen]:
    """Every layer of the trunk, on what it really saw; convolutions on a part of it, so that the matrix stays small."""
    torch.manual_seed(0)
    seen, found = states[-1:].double(), []
    for module in agent.network.trunk:
        module = deepcopy(module).double()
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            inputs = part_of(seen, module)
            relevance = torch.randn_like(module(inputs).detach())
            found.append(Seen(module, inputs, relevance, apart(module, tuple(inputs.shape[1:]))))
        seen = module(seen).detach()
    return found


@pytest.mark.parametrize("name", RULES)
def test_a_rule_equals_its_matrix_form_on_trained_weights(layers: list[Seen], name: str) -> None:
    assert len(layers) >= 3
    for layer, inputs, relevance, parted in layers:
        values, _ = shared(RULES[name], layer, Signal(inputs, True, BOUNDS), relevance)
        expected, _ = naive(RULES[name], layer, inputs[0], relevance[0], parted=parted)
        assert (values[0] - expected).abs().max() <= 1e-9 * expected.abs().max()


def part_of(seen: Tensor, module: nn.Module) -> Tensor:
    """A few windows of a convolution's input, low in the picture where ball and paddle are; all of a dense layer's."""
    if not isinstance(module, nn.Conv2d):
        return seen
    side = module.kernel_size[0] + 2 * module.stride[0]
    top, left = max(0, seen.shape[2] - side - 2), seen.shape[3] // 3
    return seen[:, :, top : top + side, left : left + side]
