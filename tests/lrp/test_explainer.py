"""The Explainer: what it explains, what it notices, what it leaves alone, what it refuses."""

import copy
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from inspector.errors import UsageError
from inspector.lrp import COMPOSITES, TARGETS, Explainer, Explanation
from tests.lrp.networks import nature, screens, small


@pytest.fixture
def inputs() -> Tensor:
    return screens(8, frames=2, size=12).double()


def same(one: Explanation, other: Explanation) -> bool:
    return torch.equal(one.values, other.values) and torch.equal(one.score, other.score)


# --- what is explained --------------------------------------------------------------------------------------------


def test_the_outputs_are_what_the_network_gives(inputs: Tensor) -> None:
    network = small()
    scores, values = network(inputs)
    explanation = Explainer(network)(inputs)
    assert torch.allclose(explanation.outputs.scores, scores, rtol=1e-12, atol=1e-15)
    assert explanation.outputs.value is not None
    assert torch.allclose(explanation.outputs.value, values[:, 0], rtol=1e-12, atol=1e-15)
    assert explanation.values.shape == inputs.shape


def test_the_score_of_the_best_action_is_explained_unless_told_otherwise(inputs: Tensor) -> None:
    network, explainer = small(), Explainer(small())
    best = network(inputs)[0].argmax(1)
    for other in (explainer(inputs, "score"), explainer(inputs, best), explainer(inputs, best.tolist())):
        assert same(explainer(inputs), other)
    assert same(explainer(inputs, best.numpy()), explainer(inputs, actions=best))
    assert torch.allclose(explainer(inputs).score, network(inputs)[0].max(1).values, rtol=1e-12)


def test_one_index_explains_the_same_action_in_every_decision(inputs: Tensor) -> None:
    explainer = Explainer(small())
    assert same(explainer(inputs, 2), explainer(inputs, [2] * 8))
    assert same(explainer(inputs, 2), explainer(inputs, "score", actions=np.full(8, 2)))


def test_a_contrast_is_the_score_of_the_action_taken_less_the_best_other(inputs: Tensor) -> None:
    network = small()
    scores = network(inputs)[0].detach()
    worst = scores.argmin(1)
    explainer = Explainer(network, "epsilon")
    explanation = explainer(inputs, "contrast", actions=worst)
    assert torch.allclose(explanation.score, scores.min(1).values - scores.max(1).values, rtol=1e-12)
    apart = explainer(inputs, worst).values - explainer(inputs, scores.argmax(1)).values
    assert torch.allclose(explanation.values, apart, rtol=0, atol=1e-12)
    second = scores.topk(2).indices[:, 1]
    unforced = explainer(inputs, scores.argmax(1)).values - explainer(inputs, second).values
    assert torch.allclose(explainer(inputs, "contrast").values, unforced, rtol=0, atol=1e-12)


def test_an_advantage_is_the_score_less_the_mean_of_all(inputs: Tensor) -> None:
    network = small()
    scores = network(inputs)[0].detach()
    explainer = Explainer(network, "epsilon")
    explanation = explainer(inputs, "advantage", actions=1)
    assert torch.allclose(explanation.score, scores[:, 1] - scores.mean(1), rtol=1e-12)
    mean = torch.stack([explainer(inputs, action).values for action in range(4)]).mean(0)
    assert torch.allclose(explanation.values, explainer(inputs, 1).values - mean, rtol=0, atol=1e-12)


def test_the_value_is_explained_through_the_critic_whatever_was_done(inputs: Tensor) -> None:
    network, explainer = small(), Explainer(small())
    critic_alone = nn.Sequential(network.trunk, network.critic)
    explanation = explainer(inputs, "value", actions=3)
    assert torch.allclose(explanation.score, network(inputs)[1][:, 0], rtol=1e-12)
    assert torch.equal(explanation.values, Explainer(critic_alone)(inputs).values)


@pytest.mark.parametrize("name", COMPOSITES)
def test_a_batch_of_one_equals_its_place_in_a_batch_of_eight(name: str, inputs: Tensor) -> None:
    explainer = Explainer(small(), name, (0.0, 1.0))
    for target in TARGETS:
        together = explainer(inputs, target)
        for i in range(8):
            alone = explainer(inputs[i : i + 1], target)
            assert torch.allclose(alone.values[0], together.values[i], rtol=0, atol=1e-12)
            for part, share in alone.ledger.items():
                assert torch.allclose(share[0], together.ledger[part][i], rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", COMPOSITES)
def test_a_division_by_255_inside_the_network_leaves_relevance_as_it_is(name: str, inputs: Tensor) -> None:
    outside = Explainer(small(), name, (0.0, 1.0))(inputs)
    inside = Explainer(small(divisor=255.0), name, (0.0, 255.0))(inputs * 255)
    assert torch.allclose(inside.values, outside.values, rtol=0, atol=1e-12)
    assert torch.allclose(inside.score, outside.score, rtol=1e-12)


def test_it_explains_what_the_network_computes_inside_an_autocast(inputs: Tensor) -> None:
    explainer = Explainer(small().float())
    expected = explainer(inputs.float())
    with torch.autocast("cpu", torch.bfloat16):
        assert same(explainer(inputs.float()), expected)


@pytest.mark.parametrize("name", COMPOSITES)
@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_an_input_that_is_not_finite_shows_in_the_relevance(name: str, bad: float, inputs: Tensor) -> None:
    explainer = Explainer(small(), name, (0.0, 1.0))
    inputs[3, 1, 5, 6] = bad
    finite = explainer(inputs).values.flatten(1).isfinite().all(1)
    assert finite.tolist() == [True, True, True, False, True, True, True, True]


# --- what it notices, and what it leaves alone --------------------------------------------------------------------


def by_optimiser(network: nn.Module) -> None:
    optimiser = torch.optim.Adam(network.parameters(), 1e-2)
    network(torch.rand(2, 2, 12, 12, dtype=torch.float64))[0].square().sum().backward()
    optimiser.step()


def in_place(network: nn.Module) -> None:
    with torch.no_grad():
        network.trunk[0].weight[0, 0, 0, 0] += 1.0


def through_data(network: nn.Module) -> None:
    network.trunk[0].weight.data.mul_(1.5)


def through_numpy(network: nn.Module) -> None:
    network.trunk[2].weight.detach().numpy()[0, 1] = 0.7


def a_bias(network: nn.Module) -> None:
    network.trunk[2].bias.data += 0.3


def a_new_tensor(network: nn.Module) -> None:
    network.trunk[0].weight.data = torch.randn(5, 2, 4, 4, dtype=torch.float64)


def a_new_parameter(network: nn.Module) -> None:
    network.trunk[0].weight = nn.Parameter(torch.randn(5, 2, 4, 4, dtype=torch.float64))


def by_state(network: nn.Module) -> None:
    network.load_state_dict(small(seed=5).state_dict())


def by_assigned_state(network: nn.Module) -> None:
    network.load_state_dict(small(seed=6).state_dict(), assign=True)


def a_new_module(network: nn.Module) -> None:
    network.trunk[2] = nn.Conv2d(5, 6, 3, 1, padding=1, bias=False, dtype=torch.float64)


def a_module_less(network: nn.Module) -> None:
    network.trunk[1] = nn.Identity()


CHANGES = [
    *(by_optimiser, in_place, through_data, through_numpy, a_bias, a_new_tensor, a_new_parameter, by_state),
    *(by_assigned_state, a_new_module, a_module_less),
]


@pytest.mark.parametrize("name", COMPOSITES)
@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_a_change_of_weights_is_noticed(name: str, change: Callable[[nn.Module], None], inputs: Tensor) -> None:
    network = small()
    explainer = Explainer(network, name, (0.0, 1.0))
    before = explainer(inputs)
    change(network)
    after, fresh = explainer(inputs), Explainer(network, name, (0.0, 1.0))(inputs)
    assert same(after, fresh)
    assert not same(after, before)


def test_another_precision_is_noticed(inputs: Tensor) -> None:
    network = small()
    explainer = Explainer(network)
    explainer(inputs)
    network.float()
    assert explainer(inputs.float()).values.dtype == torch.float32
    assert same(explainer(inputs.float()), Explainer(network)(inputs.float()))


def test_a_dropout_that_becomes_active_is_noticed() -> None:
    network = nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.5), nn.Linear(4, 2)).eval()
    explainer = Explainer(network)
    explainer(torch.rand(2, 4))
    network.train()
    with pytest.raises(UsageError, match=r"Dropout \(1\) is active: call network.eval\(\) before explaining"):
        explainer(torch.rand(2, 4))
    network.eval()
    explainer(torch.rand(2, 4))


def test_the_network_is_left_as_it_was(inputs: Tensor) -> None:
    network = small()
    network.critic.train()
    network.trunk[0].weight.requires_grad_(False)
    before = copy.deepcopy(network)
    held = {name: (parameter, parameter._version) for name, parameter in network.named_parameters()}
    attributes = set(vars(network))
    given = inputs.clone()
    for name in COMPOSITES:
        for target in TARGETS:
            Explainer(network, name, (0.0, 1.0))(inputs, target)
    for (_, was), (_, now) in zip(before.named_modules(), network.named_modules(), strict=True):
        assert was.training == now.training
        assert not now._forward_hooks
        assert not now._forward_pre_hooks
        assert not now._backward_hooks
    for name, parameter in network.named_parameters():
        assert parameter is held[name][0]
        assert parameter._version == held[name][1]
        assert parameter.grad is None
        assert torch.equal(parameter, before.get_parameter(name))
        assert parameter.requires_grad == before.get_parameter(name).requires_grad
    assert set(vars(network)) == attributes
    assert torch.equal(inputs, given)


def test_inputs_that_ask_for_gradients_get_none(inputs: Tensor) -> None:
    inputs.requires_grad_()
    assert not Explainer(small())(inputs).values.requires_grad
    assert inputs.grad is None


# --- what it refuses ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "actions", "message"),
    [
        ("logit", None, "no target 'logit': choose score, contrast, advantage, value, or the index of a score"),
        (4, None, "target index 4 is out of range: the network has scores 0 to 3"),
        (-1, None, "target index -1 is out of range"),
        ([0] * 7, None, r"target indices have shape \(7,\): pass one for each of 8 inputs"),
        (torch.zeros(8, 1, dtype=torch.int64), None, r"target indices have shape \(8, 1\)"),
        (torch.zeros(8), None, "target indices are torch.float32: pass integers"),
        (torch.zeros(8, dtype=torch.bool), None, "target indices are torch.bool: pass integers"),
        ("contrast", [0, 1, 2, 3, 4, 0, 0, 0], "action index 4 is out of range"),
    ],
)
def test_a_target_that_does_not_exist_is_refused(
    target: object, actions: list[int] | None, message: str, inputs: Tensor
) -> None:
    with pytest.raises(UsageError, match=message):
        Explainer(small())(inputs, target, actions=actions)


def test_the_value_of_a_network_without_critic_is_refused() -> None:
    with pytest.raises(UsageError, match="no critic, so there is no value to explain"):
        Explainer(nn.Linear(3, 2))(torch.rand(1, 3), "value")


def test_a_contrast_with_one_action_is_refused() -> None:
    with pytest.raises(UsageError, match="a contrast needs another action"):
        Explainer(nn.Linear(3, 1))(torch.rand(1, 3), "contrast")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (torch.zeros(2, 2, 12, 12, dtype=torch.uint8), "inputs are torch.uint8: pass float32 or float64"),
        (torch.zeros(2, 2, 12, 12, dtype=torch.float16), "inputs are torch.float16"),
        (
            torch.zeros(2, 2, 12, 12),
            r"Conv2d \(trunk.0\): values are torch.float32 on cpu, weights torch.float64 on cpu",
        ),
        (
            torch.zeros(2, 3, 12, 12).double(),
            r"Conv2d \(trunk.0\): \(batch, 2, height, width\) is expected, but \(2, 3, 12, 12\)",
        ),
        (torch.zeros(2, 12, 12).double(), r"inputs of shape \(2, 12, 12\) do not fit"),
        (torch.zeros(2, 2, 14, 12).double(), r"Linear \(trunk.5\): \(batch, 150\) is expected, but \(2, 180\)"),
        (
            torch.zeros(2, 2, 3, 12).double(),
            r"inputs of shape \(2, 2, 3, 12\) do not fit the network at Conv2d \(trunk.0\)",
        ),
        (torch.zeros(0, 2, 12, 12), r"inputs have shape \(0, 2, 12, 12\): pass \(batch, \*shape\) with at least one"),
        (torch.zeros(5), r"inputs have shape \(5,\)"),
    ],
)
def test_inputs_that_do_not_fit_are_refused(wrong: Tensor, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Explainer(small())(wrong)


def test_a_z_box_without_bounds_is_refused() -> None:
    with pytest.raises(UsageError, match=r"pass input_bounds=\(low, high\)"):
        Explainer(small(), "epsilon_gamma_box")


@pytest.mark.parametrize("bounds", [(1.0, 0.0), (0.0, 0.0), (0.0, float("inf")), (float("nan"), 1.0)])
def test_bounds_that_are_none_are_refused(bounds: tuple[float, float]) -> None:
    with pytest.raises(UsageError, match="pass two finite numbers, the smaller first"):
        Explainer(small(), "epsilon_gamma_box", bounds)


@pytest.mark.parametrize(("value", "found"), [(-0.25, "-0.25"), (200.0, "200")])
def test_an_input_outside_the_bounds_of_a_z_box_is_refused(value: float, found: str, inputs: Tensor) -> None:
    inputs[2, 0, 4, 4] = value
    with pytest.raises(UsageError, match=rf"an input value is {found}, outside input_bounds \(0, 1\)"):
        Explainer(small(), "epsilon_gamma_box", (0.0, 1.0))(inputs)


def test_negative_inputs_are_explained_rightly_even_where_the_bounds_deny_them(inputs: Tensor) -> None:
    inputs -= 0.5
    assert same(Explainer(small(), "epsilon_plus", (0.0, 1.0))(inputs), Explainer(small())(inputs))
    positive_only = Explainer(small())(inputs.relu())
    assert not torch.allclose(Explainer(small())(inputs).values, positive_only.values)


def test_a_nature_network_that_divides_inside_takes_pixels() -> None:
    pixels = screens(2) * 255
    explanation = Explainer(nature(divisor=255.0), "epsilon_gamma_box", (0.0, 255.0))(pixels)
    expected = Explainer(nature(), "epsilon_gamma_box", (0.0, 1.0))(pixels / 255).values
    assert (explanation.values - expected).abs().max() <= 1e-5 * expected.abs().max()
