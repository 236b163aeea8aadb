"""Relevance of the last hidden layer's neurons, and from there of the inputs."""

import pytest
import torch
from torch import Tensor, nn

from inspector.errors import UnsupportedError, UsageError
from inspector.lrp import COMPOSITES, Explainer
from tests.lrp.networks import nature, screens, small


@pytest.fixture
def inputs() -> Tensor:
    return screens(5, frames=2, size=12).double()


@pytest.mark.parametrize("composite", COMPOSITES)
@pytest.mark.parametrize("target", ["score", "contrast", 1])
def test_through_the_hidden_layer_relevance_ends_where_it_ends_at_once(
    inputs: Tensor, composite: str, target: str | int
) -> None:
    run = Explainer(small(), composite, (0.0, 1.0)).run(inputs)
    values = run.explain(target).values
    there = run.explain_hidden(run.hidden_relevance(target))
    assert torch.allclose(there, values, rtol=1e-9, atol=1e-9 * float(values.abs().max()))


def test_relevance_of_neurons_is_that_of_a_product_with_the_weights() -> None:
    network, inputs = nature().double(), screens(3).double()
    relevance = Explainer(network, "epsilon").run(inputs).hidden_relevance(2)
    expected = network.trunk(inputs) * network.policy.weight[2]
    assert torch.allclose(relevance, expected, rtol=1e-4, atol=1e-9)


def test_maps_of_single_neurons_add_up_to_the_map_of_the_score(inputs: Tensor) -> None:
    run = Explainer(small(), "epsilon_plus").run(inputs)
    relevance = run.hidden_relevance()
    each = [
        relevance[:, k, None, None, None]
        * run.explain_hidden(torch.zeros_like(relevance).index_fill_(1, torch.tensor(k), 1.0))
        for k in range(relevance.shape[1])
    ]
    values = run.explain().values
    assert torch.allclose(sum(each, torch.zeros(())), values, rtol=1e-9, atol=1e-9 * float(values.abs().max()))


def test_an_input_that_is_not_finite_is_not_hidden_behind_units_that_are_off() -> None:
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(32, 4), nn.ReLU(), nn.Linear(4, 2))
    with torch.no_grad():
        network[0].weight.abs_()
    inputs = torch.ones(2, 1, 6, 6)
    inputs[1] = -torch.inf
    values = Explainer(network, "epsilon_plus_flat").run(inputs).explain_hidden(torch.ones(2, 4))
    assert values[0].isfinite().all() and values[1].isnan().all()


def test_a_value_is_none_of_the_scores(inputs: Tensor) -> None:
    with pytest.raises(UsageError, match="the value is none of the scores"):
        Explainer(small()).run(inputs).hidden_relevance("value")


class Dueling(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.trunk = nn.Sequential(nn.Flatten(), nn.Linear(2 * 12 * 12, 8), nn.ReLU())
        self.value, self.advantage = nn.Linear(8, 1), nn.Linear(8, 3)

    def forward(self, inputs: Tensor) -> Tensor:
        hidden = self.trunk(inputs)
        advantage = self.advantage(hidden)
        return self.value(hidden) + advantage - advantage.mean(1, keepdim=True)


@pytest.mark.parametrize("network", [Dueling(), nn.Sequential(nn.Conv2d(2, 3, 12), nn.Flatten())])
def test_scores_that_no_hidden_layer_makes_alone_are_refused(inputs: Tensor, network: nn.Module) -> None:
    run = Explainer(network.double()).run(inputs)
    with pytest.raises(UnsupportedError, match="not made by one dense layer from one hidden layer"):
        run.hidden_relevance()
    with pytest.raises(UnsupportedError, match="not made by one dense layer"):
        run.explain_hidden(torch.ones(5, 8))
