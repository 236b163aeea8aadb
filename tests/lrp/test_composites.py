"""Each composite against zennit, and against captum and the gradient where these are right."""

import warnings

import pytest
import torch
from captum.attr import LRP
from torch import Tensor, nn

from inspector.errors import UsageError
from inspector.lrp import COMPOSITES, Composite, Epsilon, Explainer, Flat
from tests import torchvision_stub  # noqa: F401 - before zennit
from tests.lrp.networks import nature, screens, small

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from zennit.composites import EpsilonAlpha2Beta1, EpsilonGammaBox, EpsilonPlus, EpsilonPlusFlat
    from zennit.core import Composite as ZennitComposite


class Scores(nn.Module):
    """A network without its critic, whose flatten is a function: captum knows no Flatten module."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        modules = list(network.trunk)
        at = next(i for i, module in enumerate(modules) if isinstance(module, nn.Flatten))
        self.convolutions, self.dense = nn.Sequential(*modules[:at]), nn.Sequential(*modules[at + 1 :])
        self.policy = network.policy

    def forward(self, inputs: Tensor) -> Tensor:
        return self.policy(self.dense(torch.flatten(self.convolutions(inputs), 1)))


@pytest.fixture(scope="module")
def trained() -> nn.Module:
    """The Nature network after a short training: to tell in which quarter there is most grey."""
    network = nature()
    torch.manual_seed(1)
    optimiser = torch.optim.Adam(network.parameters(), 3e-4)
    for step in range(12):
        inputs = screens(16, seed=step)
        quarters = nn.functional.avg_pool2d(inputs.mean(1), 42).flatten(1)
        loss = nn.functional.cross_entropy(network(inputs)[0], quarters.argmax(1))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return network.requires_grad_(False)


def by_zennit(composite: ZennitComposite, network: nn.Module, inputs: Tensor) -> Tensor:
    inputs = inputs.clone().requires_grad_()
    with composite.context(network) as hooked:
        scores = hooked(inputs)
        start = nn.functional.one_hot(scores.argmax(1), scores.shape[1]) * scores.detach()
        (relevance,) = torch.autograd.grad(scores, inputs, start)
    return relevance


def by_gradient(network: nn.Module, inputs: Tensor) -> Tensor:
    inputs = inputs.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(network(inputs).max(1).values.sum(), inputs)
    return (gradient * inputs).detach()


@pytest.mark.parametrize(
    ("name", "oracle"),
    [
        ("epsilon_plus", EpsilonPlus()),
        ("epsilon_plus_flat", EpsilonPlusFlat()),
        ("epsilon_gamma_box", EpsilonGammaBox(low=0.0, high=1.0)),
        ("epsilon_alpha2_beta1", EpsilonAlpha2Beta1()),
    ],
)
@pytest.mark.parametrize("shift", [0.0, 0.3], ids=["nonnegative", "signed"])
def test_a_composite_equals_zennit_on_the_nature_network(
    trained: nn.Module, name: str, oracle: ZennitComposite, shift: float
) -> None:
    inputs = screens(4, seed=7) - shift
    if name == "epsilon_gamma_box" and shift:
        oracle = EpsilonGammaBox(low=-shift, high=1.0)
    network = Scores(trained)
    expected = by_zennit(oracle, network, inputs)
    explainer = Explainer(network, name, input_bounds=(-shift, 1.0))
    assert (explainer(inputs).values - expected).abs().max() <= 2e-6 * expected.abs().max()


def epsilon_everywhere(stabiliser: float) -> Composite:
    return Composite(dense=Epsilon(stabiliser), convolution=Epsilon(stabiliser))


def test_epsilon_with_a_tiny_stabiliser_equals_gradient_times_input() -> None:
    network, inputs = Scores(small()), screens(5, frames=2, size=12, seed=8).double()
    expected = by_gradient(network, inputs)
    found = Explainer(network, epsilon_everywhere(1e-15))(inputs).values
    assert (found - expected).abs().max() <= 1e-9 * expected.abs().max()


def test_epsilon_equals_captum() -> None:
    network, inputs = Scores(small()), screens(3, frames=2, size=12, seed=9).double()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        best = network(inputs).argmax(1)
        expected = LRP(network).attribute(inputs, target=best).detach()
    found = Explainer(network, epsilon_everywhere(1e-9))(inputs).values
    assert (found - expected).abs().max() <= 1e-9 * expected.abs().max()


def test_both_trunks_of_a_network_have_a_first_layer() -> None:
    class TwoTrunks(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.policy = nn.Sequential(nn.Flatten(), nn.Linear(32, 6), nn.ReLU(), nn.Linear(6, 3))
            self.critic = nn.Sequential(nn.Flatten(), nn.Linear(32, 6), nn.ReLU(), nn.Linear(6, 1))

        def forward(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
            return self.policy(inputs), self.critic(inputs)

    inputs = torch.rand(3, 2, 4, 4)
    explainer = Explainer(TwoTrunks(), "epsilon_plus_flat")
    for target in ("score", "value"):
        values = explainer(inputs, target).values.flatten(1)
        assert torch.allclose(values, values[:, :1].expand_as(values))  # a flat first layer treats all inputs alike


def test_a_first_layer_of_its_own_rule_counts_only_where_it_is_first() -> None:
    network = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 2))
    inputs = torch.rand(2, 4)
    table = Composite(dense=Epsilon(), convolution=Epsilon(), first={"dense": Flat()})
    values = Explainer(network, table)(inputs).values
    assert torch.allclose(values, values[:, :1].expand_as(values))
    assert not torch.allclose(Explainer(network, "epsilon")(inputs).values, values)


def test_an_unknown_composite_is_refused_with_the_names_of_those_there_are() -> None:
    with pytest.raises(UsageError, match=r"no composite 'plus': choose one of epsilon, epsilon_plus, "):
        Explainer(nn.Linear(2, 2), "plus")


@pytest.mark.parametrize("name", COMPOSITES)
def test_a_composite_explains_a_network_without_convolutions(name: str) -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2)).double()
    explanation = Explainer(network, name, input_bounds=(0.0, 1.0))(torch.rand(3, 4, dtype=torch.float64))
    total = torch.stack(list(explanation.ledger.values())).sum(0)
    assert torch.allclose(total, explanation.score, rtol=1e-9)
