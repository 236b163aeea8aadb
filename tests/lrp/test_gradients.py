"""The methods by gradients: what they equal, what they account for, and that the network stays as it was."""

from copy import deepcopy

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from inspector.errors import UnsupportedError, UsageError
from inspector.lrp import (
    LEDGER_PARTS,
    METHODS,
    TARGETS,
    Composite,
    Epsilon,
    Explainer,
    GradientExplainer,
    Sensitivity,
    Taylor,
    make_explainer,
)
from tests.lrp.networks import Playing, screens, small

# A stabiliser that is lost in every denominator: LRP-0.
LRP_0 = Composite(Epsilon(1e-300), Epsilon(1e-300))


@pytest.fixture
def inputs() -> Tensor:
    return screens(6, frames=2, size=12).double()


def without_biases(network: nn.Module) -> nn.Module:
    for name, parameter in network.named_parameters():
        if name.endswith("bias"):
            nn.init.zeros_(parameter)
    return network


def largest(difference: Tensor) -> float:
    return float(difference.abs().max())


# --- taylor -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", TARGETS)
def test_taylor_is_the_epsilon_rule_everywhere_on_relus_without_biases(target: str, inputs: Tensor) -> None:
    network = without_biases(small())
    expected = Explainer(network, LRP_0)(inputs, target, actions=1)
    found = Taylor(network)(inputs, target, actions=1)
    assert largest(found.values - expected.values) <= 1e-9
    assert largest(found.score - expected.score) <= 1e-12
    assert largest(found.ledger["bias"]) <= 1e-9
    assert largest(found.values) > 1e-3


def test_with_biases_the_rest_is_what_the_epsilon_rule_gives_to_biases(inputs: Tensor) -> None:
    network = small()
    expected, found = Explainer(network, LRP_0)(inputs), Taylor(network)(inputs)
    assert largest(found.values - expected.values) <= 1e-9
    for part in LEDGER_PARTS:
        assert largest(found.ledger[part] - expected.ledger[part]) <= 1e-9
    assert largest(found.ledger["bias"]) > 1e-3


def test_on_a_saturating_network_the_rest_is_what_a_straight_line_misses() -> None:
    """tanh(x) = x (1 - tanh(x)^2) + rest, with no bias anywhere."""
    network = nn.Sequential(nn.Linear(1, 1, bias=False), nn.Tanh()).double()
    nn.init.ones_(network[0].weight)
    x = torch.tensor([[0.5], [2.0]], dtype=torch.float64)
    explanation = Taylor(network)(x, 0)
    assert torch.allclose(explanation.values, x * (1 - x.tanh() ** 2), rtol=1e-12)
    assert torch.allclose(explanation.ledger["bias"], (x.tanh() - x * (1 - x.tanh() ** 2))[:, 0], rtol=1e-12)


def test_the_ledger_of_taylor_closes_in_single_precision(inputs: Tensor) -> None:
    for target in TARGETS:
        explanation = Taylor(small().float())(inputs.float(), target)
        total = torch.stack([explanation.ledger[part] for part in LEDGER_PARTS]).sum(0)
        scale = torch.maximum(explanation.score.abs(), explanation.values.abs().flatten(1).sum(1))
        assert ((total - explanation.score).abs() <= 1e-6 * scale).all()


# --- sensitivity --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", [*TARGETS, 2])
def test_sensitivity_is_the_squared_slope_that_finite_differences_find(target: str | int) -> None:
    network, step = Playing(nn.Sequential(nn.Flatten(), nn.Linear(8, 7), nn.Tanh()), 7, actions=3).double(), 1e-6
    x = torch.randn(3, 2, 2, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    method = Sensitivity(network)
    found = method(x, target, actions=[0, 2, 1])
    for place in range(8):
        nudge = torch.zeros(8, dtype=torch.float64)
        nudge[place] = step
        up, down = (method(x + sign * nudge.view(2, 2, 2), target, actions=[0, 2, 1]).score for sign in (1, -1))
        slope = (up - down) / (2 * step)
        assert torch.allclose(found.values.flatten(1)[:, place], slope**2, rtol=1e-5, atol=1e-9)
    assert largest(found.values) > 1e-3


def test_sensitivity_has_no_sign_and_no_ledger(inputs: Tensor) -> None:
    explanation = Sensitivity(small())(inputs)
    assert explanation.ledger == {}
    assert explanation.finite.all()
    assert (explanation.values >= 0).all()


def test_black_pixels_are_nothing_to_taylor_and_something_to_sensitivity() -> None:
    black = torch.zeros(1, 2, 12, 12, dtype=torch.float64)
    assert not Taylor(small())(black).values.any()
    assert Sensitivity(small())(black).values.any()


# --- both ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
def test_scores_outputs_and_shapes_are_those_of_lrp(method: str, inputs: Tensor) -> None:
    network = small()
    expected = Explainer(network)(inputs, "advantage", actions=2)
    found = make_explainer(network, method)(inputs, "advantage", actions=2)
    assert torch.allclose(found.score, expected.score, rtol=1e-12)
    assert torch.allclose(found.outputs.scores, expected.outputs.scores, rtol=1e-12)
    assert found.outputs.value is not None
    assert found.values.shape == inputs.shape
    assert found.values.dtype == inputs.dtype
    assert not any(tensor.requires_grad for tensor in (found.values, found.score, *found.outputs))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("frozen", [True, False])
def test_the_network_and_the_inputs_stay_bit_for_bit_as_they_were(method: str, frozen: bool, inputs: Tensor) -> None:
    network = small().train()
    for number, parameter in enumerate(network.parameters()):
        parameter.requires_grad_(not frozen or bool(number % 2))
    asked = [parameter.requires_grad for parameter in network.parameters()]
    weights, before = deepcopy(network.state_dict()), inputs.clone()
    make_explainer(network, method)(inputs)
    assert all(torch.equal(weights[name], tensor) for name, tensor in network.state_dict().items())
    assert all(parameter.grad is None for parameter in network.parameters())
    assert [parameter.requires_grad for parameter in network.parameters()] == asked
    assert all(module.training for module in network.modules())
    assert torch.equal(inputs, before)
    assert not inputs.requires_grad
    assert inputs.grad is None


@pytest.mark.parametrize("method", METHODS)
def test_a_network_that_writes_into_its_input_does_not_write_into_the_callers(method: str, inputs: Tensor) -> None:
    class InPlace(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = small()

        def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
            return self.inner(x.sub_(0.25))

    before = inputs.clone()
    found = make_explainer(InPlace(), method)(inputs)
    assert torch.equal(inputs, before)
    assert torch.allclose(found.score, small()(inputs - 0.25)[0].max(1).values)


@pytest.mark.parametrize("method", METHODS)
def test_they_work_where_the_caller_has_switched_gradients_off(method: str, inputs: Tensor) -> None:
    explainer = make_explainer(small().float(), method)
    expected = explainer(inputs.float()).values
    with torch.inference_mode():
        made_there = inputs.float()
        assert torch.equal(explainer(made_there).values, expected)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(explainer(inputs.float()).values, expected)


@pytest.mark.parametrize("method", METHODS)
def test_new_weights_are_seen_at_the_next_call(method: str, inputs: Tensor) -> None:
    network = small()
    explainer = make_explainer(network, method)
    explainer(inputs)
    network.load_state_dict(small(seed=1).state_dict())
    assert torch.equal(explainer(inputs).values, make_explainer(small(seed=1), method)(inputs).values)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_an_input_that_is_not_finite_shows_in_its_own_decision_alone(method: str, bad: float, inputs: Tensor) -> None:
    inputs[3, 1, 5, 6] = bad
    explanation = make_explainer(small(), method)(inputs)
    assert explanation.finite.tolist() == [True, True, True, False, True, True]


class Remembering(nn.Module):
    """A cell with a policy and a critic, in float64."""

    def __init__(self) -> None:
        super().__init__()
        self.cell, self.policy, self.critic = nn.LSTMCell(5, 4), nn.Linear(4, 3), nn.Linear(4, 1)
        self.double()

    def forward(self, x: Tensor, hidden: Tensor, cell: Tensor) -> tuple[Tensor, Tensor, tuple[Tensor, Tensor]]:
        hidden, cell = self.cell(x, (hidden, cell))
        return self.policy(hidden), self.critic(hidden), (hidden, cell)


def test_taylor_accounts_for_the_memory_of_a_recurrent_network() -> None:
    generator = torch.Generator().manual_seed(0)
    x, hidden, cell = (torch.randn(2, size, dtype=torch.float64, generator=generator) for size in (5, 4, 4))
    explanation = Taylor(Remembering())(x, memory=(hidden, cell))
    assert [part.shape for part in explanation.memory] == [hidden.shape, cell.shape]
    total = torch.stack(list(explanation.ledger.values())).sum(0)
    assert torch.allclose(total, explanation.score, rtol=1e-12)
    assert torch.allclose(explanation.ledger["memory"], sum(part.sum(1) for part in explanation.memory), rtol=1e-12)


@pytest.mark.parametrize("method", METHODS)
def test_an_input_that_the_score_does_not_depend_on_gets_nothing(method: str) -> None:
    class Forgetful(nn.Linear):
        def forward(self, x: Tensor, memory: Tensor) -> Tensor:
            return super().forward(x)

    explanation = make_explainer(Forgetful(3, 2), method)(torch.ones(2, 3), memory=(torch.ones(2, 5),))
    assert explanation.values.any()
    assert not explanation.memory[0].any()


# --- what is refused ----------------------------------------------------------------------------------------------


def test_methods_and_composites_are_made_by_one_function(inputs: Tensor) -> None:
    assert isinstance(make_explainer(small(), "taylor"), Taylor)
    assert isinstance(make_explainer(small(), "sensitivity"), GradientExplainer)
    made = make_explainer(small(), "epsilon_gamma_box", (0.0, 1.0), frozen=True)
    expected = Explainer(small(), "epsilon_gamma_box", (0.0, 1.0))
    assert torch.equal(made(inputs).values, expected(inputs).values)
    with pytest.raises(UsageError, match="no composite 'gradient'"):
        make_explainer(small(), "gradient")
    with pytest.raises(UsageError, match="taylor takes the network's own precision"):
        make_explainer(small(), "taylor", precision="bfloat16")


@pytest.mark.parametrize("layer", [nn.Dropout(0.1), nn.Dropout2d(0.1), nn.BatchNorm2d(2)])
def test_a_network_in_training_that_would_mix_or_drop_is_refused_and_untouched(layer: nn.Module) -> None:
    network = nn.Sequential(layer, nn.Flatten(), nn.Linear(8, 2))
    before = deepcopy(network.state_dict())
    with pytest.raises(UsageError, match=rf"{type(layer).__name__} \(0\) is in training mode: call network.eval\(\)"):
        Taylor(network)(torch.rand(3, 2, 2, 2))
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())
    assert Taylor(network.eval())(torch.rand(3, 2, 2, 2)).finite.all()


def test_a_forward_that_lets_no_gradient_through_is_refused() -> None:
    class Guarded(nn.Linear):
        @torch.no_grad()
        def forward(self, x: Tensor) -> Tensor:
            return functional.linear(x, self.weight)

    with pytest.raises(UsageError, match="no gradient comes through the forward of Guarded: leave no_grad"):
        Sensitivity(Guarded(3, 2))(torch.ones(1, 3))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (torch.ones(1, 2, 13), r"inputs of shape \(1, 2, 13\) do not fit the network: "),
        (torch.ones(12), r"pass \(batch, \*shape\)"),
        (torch.ones(1, 2, 12, 12, dtype=torch.uint8), "inputs are torch.uint8: pass float32 or float64"),
        (torch.ones(1, 2, 12, 12, dtype=torch.complex64), "inputs are torch.complex64: pass float32"),
    ],
)
def test_inputs_that_do_not_fit_are_refused(wrong: Tensor, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Taylor(small())(wrong)
    with pytest.raises(UsageError, match="no target 'reward'"):
        Taylor(small())(torch.rand(1, 2, 12, 12, dtype=torch.float64), "reward")
    with pytest.raises(UsageError, match="missing 2 required positional arguments: 'hidden' and 'cell'"):
        Taylor(Remembering())(torch.ones(1, 5, dtype=torch.float64))


@pytest.mark.parametrize("method", METHODS)
def test_a_network_that_mixes_decisions_is_refused(method: str) -> None:
    class Mixing(nn.Linear):
        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x - x.mean(0))

    torch.manual_seed(0)
    explainer, inputs = make_explainer(Mixing(4, 2), method), torch.rand(3, 4)
    with pytest.raises(UnsupportedError, match=r"mixes the decisions of a batch: the first has other scores alone, by"):
        explainer(inputs)
    assert explainer(inputs[:1]).finite.all()


@pytest.mark.parametrize("method", [*METHODS, "epsilon"])
def test_three_outputs_are_refused(method: str) -> None:
    class Three(nn.Linear):
        def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            return super().forward(x), x, x

    with pytest.raises(UnsupportedError, match="returns something else than scores or a pair of scores and values"):
        make_explainer(Three(4, 2), method)(torch.rand(3, 4))
