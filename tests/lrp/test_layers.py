"""Layers seen apart from their modules: what is folded, read anew, kept, and taken as frozen."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from inspector.lrp import COMPOSITES, Composite, Epsilon, Explainer, Explanation, Rule, Signal
from inspector.lrp.convolution import Convolution
from inspector.lrp.dense import Dense
from inspector.lrp.graph import make_plan
from inspector.lrp.layers import Parameters
from inspector.lrp.operations import Linear, Unit
from inspector.lrp.rules import PLAIN, POSITIVE
from tests.lrp.networks import screens, small
from tests.lrp.test_rules import BOUNDS, RULES, assert_equal_to_the_matrix_form, shared

Make = Callable[[], nn.Module]


def same(one: Explanation, other: Explanation) -> bool:
    return torch.equal(one.values, other.values) and torch.equal(one.score, other.score)


# --- batch norm folded -----------------------------------------------------------------------------------------------

NORMED: dict[str, tuple[Make, Make, tuple[int, ...]]] = {
    "dense": (lambda: nn.Linear(5, 4), lambda: nn.BatchNorm1d(4), (5,)),
    "dense without bias": (lambda: nn.Linear(5, 4, bias=False), lambda: nn.BatchNorm1d(4), (5,)),
    "1-D": (lambda: nn.Conv1d(2, 3, 3, bias=False), lambda: nn.BatchNorm1d(3), (2, 7)),
    "2-D": (lambda: nn.Conv2d(2, 3, 3, padding=1), lambda: nn.BatchNorm2d(3, eps=0.1), (2, 4, 5)),
    "2-D in groups": (lambda: nn.Conv2d(4, 6, 2, groups=2), lambda: nn.BatchNorm2d(6, affine=False), (4, 3, 3)),
    "2-D in blocks": (lambda: nn.Conv2d(1, 3, 4, 2, bias=False), lambda: nn.BatchNorm2d(3), (1, 6, 6)),
    "3-D": (lambda: nn.Conv3d(1, 2, 2), lambda: nn.BatchNorm3d(2), (1, 3, 3, 3)),
    "transposed": (lambda: nn.ConvTranspose2d(2, 3, 2, 2), lambda: nn.BatchNorm2d(3), (2, 3, 3)),
}


def normed(name: str) -> tuple[nn.Module, nn.Module, tuple[int, ...]]:
    torch.manual_seed(6)
    make_layer, make_norm, shape = NORMED[name]
    layer, norm = make_layer().double(), make_norm().double().eval()
    nn.init.normal_(norm.running_mean, 0, 0.5)
    nn.init.uniform_(norm.running_var, 0.2, 2.0)
    if norm.weight is not None:
        nn.init.normal_(norm.weight)
        nn.init.normal_(norm.bias)
    return layer, norm, shape


def merged(layer: nn.Module, norm: nn.Module) -> nn.Module:
    """One layer that does both, by the formula: w g / sqrt(v + e), (b - m) g / sqrt(v + e) + beta."""
    scale = (norm.running_var + norm.eps).rsqrt() * (1.0 if norm.weight is None else norm.weight)
    axis = 1 if isinstance(layer, nn.ConvTranspose2d) else 0
    shape = [-1 if dimension == axis else 1 for dimension in range(layer.weight.dim())]
    bias = torch.zeros_like(scale) if layer.bias is None else layer.bias
    with torch.no_grad():
        layer.weight = nn.Parameter(layer.weight * scale.view(shape))
        layer.bias = nn.Parameter((bias - norm.running_mean) * scale + (0.0 if norm.bias is None else norm.bias))
    return layer


@pytest.mark.parametrize("name", NORMED)
@pytest.mark.parametrize("rule", sorted(set(RULES) - {"argmax", "alpha_beta 1 0", "gamma 0", "gamma"}))
def test_a_layer_with_a_batch_norm_behind_it_is_one_layer(rule: str, name: str) -> None:
    layer, norm, shape = normed(name)
    inputs = torch.empty(2, *shape, dtype=torch.float64).uniform_(*BOUNDS)
    signal, relevance = Signal(inputs, bounds=BOUNDS), torch.randn_like(norm(layer(inputs)).detach())
    values, account = shared(RULES[rule], nn.Sequential(layer, norm), signal, relevance)
    one = merged(layer, norm)
    expected, expected_account = shared(RULES[rule], one, signal, relevance)
    assert (values - expected).abs().max() <= 1e-9 * expected.abs().max()
    for part, taken in expected_account.items():
        assert torch.allclose(account[part], taken, rtol=1e-9, atol=1e-12)
    assert_equal_to_the_matrix_form(RULES[rule], one, signal, relevance)


def test_a_batch_norm_is_folded_to_the_last_digit_also_in_single_precision() -> None:
    layer, norm, shape = normed("2-D")
    network, inputs = nn.Sequential(layer, norm, nn.Flatten()).float(), torch.rand(4, *shape)
    found = Explainer(network)(inputs).outputs.scores
    assert torch.allclose(found, network(inputs), rtol=1e-5, atol=1e-6)


def operations_of(network: nn.Module) -> list[str]:
    return [type(node.operation).__name__ for node in make_plan(network.eval(), COMPOSITES["epsilon_plus"]).nodes]


class Forked(nn.Module):
    """Something else reads what the batch norm would change."""

    def __init__(self) -> None:
        super().__init__()
        self.layer, self.norm = nn.Linear(3, 3), nn.BatchNorm1d(3)

    def forward(self, x: Tensor) -> Tensor:
        y = self.layer(x)
        return self.norm(y) + y


def test_only_a_batch_norm_right_behind_a_layer_is_folded() -> None:
    behind, alone = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3)), nn.Sequential(nn.BatchNorm1d(3), nn.Linear(3, 3))
    assert operations_of(behind) == ["Linear"]
    assert operations_of(nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3), nn.BatchNorm1d(3))) == ["Linear"]
    assert operations_of(alone) == ["Unit", "Linear"]
    assert operations_of(Forked()) == ["Linear", "Unit", "Sum"]
    grouped = nn.Sequential(nn.ConvTranspose1d(2, 4, 2, groups=2), nn.BatchNorm1d(4), nn.Flatten())
    assert operations_of(grouped) == ["Linear", "Unit", "Rearrangement"]


@pytest.mark.parametrize(
    "make",
    [
        Forked,
        lambda: nn.Sequential(nn.BatchNorm1d(3), nn.Linear(3, 3)),
        lambda: nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3), nn.BatchNorm1d(3)),
    ],
)
def test_scores_are_those_of_the_network_wherever_the_batch_norm_stands(make: Make) -> None:
    torch.manual_seed(0)
    network = make().double().eval()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm1d):
            nn.init.uniform_(module.running_var, 0.2, 2.0)
            nn.init.normal_(module.running_mean)
    inputs = torch.randn(4, 3, dtype=torch.float64)
    assert torch.allclose(Explainer(network)(inputs).outputs.scores, network(inputs), rtol=1e-12)


def norm_weight(network: nn.Module) -> None:
    network[1].weight.data.mul_(2)


def norm_statistics(network: nn.Module) -> None:
    network[1].running_var.mul_(3)


def norm_update(network: nn.Module) -> None:
    network.train()
    network(torch.randn(8, 2, 4, 5, dtype=torch.float64))
    network.eval()


def layer_weight(network: nn.Module) -> None:
    network[0].weight.data[0] = 0.3


@pytest.mark.parametrize("change", [norm_weight, norm_statistics, norm_update, layer_weight])
def test_a_change_of_what_was_folded_is_noticed(change: Callable[[nn.Module], None]) -> None:
    layer, norm, shape = normed("2-D")
    network, inputs = nn.Sequential(layer, norm, nn.Flatten()), torch.rand(3, *shape, dtype=torch.float64)
    explainer = Explainer(network)
    before = explainer(inputs)
    change(network)
    after = explainer(inputs)
    assert not same(after, before)
    assert same(after, Explainer(network)(inputs))
    assert torch.allclose(after.outputs.scores, network(inputs), rtol=1e-12)


def test_a_functional_batch_norm_is_folded_like_the_module() -> None:
    layer, norm, shape = normed("2-D")

    class Functional(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer, self.norm = layer, norm

        def forward(self, x: Tensor) -> Tensor:
            x = functional.conv2d(x, self.layer.weight, self.layer.bias, padding=1)
            norm = self.norm
            return functional.batch_norm(
                x, norm.running_mean, norm.running_var, norm.weight, norm.bias, eps=0.1
            ).flatten(1)

    inputs = torch.rand(3, *shape, dtype=torch.float64)
    assert operations_of(Functional()) == ["Linear", "Rearrangement"]
    assert same(Explainer(Functional())(inputs), Explainer(nn.Sequential(layer, norm, nn.Flatten()))(inputs))


# --- frozen ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", COMPOSITES)
def test_a_frozen_explainer_explains_alike_and_looks_for_no_change(name: str) -> None:
    network, inputs = small(), screens(3, frames=2, size=12).double()
    frozen, watching = Explainer(network, name, (0.0, 1.0), frozen=True), Explainer(network, name, (0.0, 1.0))
    assert same(frozen(inputs), watching(inputs))
    before = frozen(inputs)
    network.policy.bias.data += 1.0
    network.trunk[1] = nn.Identity()
    network.train()
    assert same(frozen(inputs), before)
    network.eval()
    assert not same(watching(inputs), before)


# --- what is kept ----------------------------------------------------------------------------------------------------


def test_what_is_made_of_a_weight_is_made_once_and_again_when_it_changes() -> None:
    module = nn.Linear(3, 2)
    layer = Dense(Parameters(lambda: (module.weight, module.bias), lambda raw: (raw[0], raw[1])))
    made = []
    for _ in range(2):
        layer.kept("something", lambda: made.append(1))
    assert len(made) == 1
    layer.forward(torch.rand(1, 3), PLAIN)
    layer.refresh()
    layer.kept("something", lambda: made.append(1))
    assert len(made) == 1
    module.weight.data[0, 0] += 1
    layer.refresh()
    layer.kept("something", lambda: made.append(1))
    assert len(made) == 2


def test_versions_run_as_one_give_what_they_give_alone() -> None:
    torch.manual_seed(0)
    module = nn.Conv2d(2, 3, 3)
    layer = Convolution(
        Parameters(lambda: (module.weight, module.bias), lambda raw: (raw[0], raw[1])), (1, 1), (0, 0), (1, 1), 1
    )
    inputs = torch.rand(2, 2, 6, 6)
    plain, positive = layer.forward(inputs, PLAIN, POSITIVE)
    assert torch.allclose(plain, module(inputs), atol=1e-6)
    assert torch.allclose(positive, layer.forward(inputs, POSITIVE)[0], atol=1e-6)
    assert torch.allclose(
        positive, functional.conv2d(inputs, module.weight.clamp(min=0), module.bias.clamp(min=0)), atol=1e-6
    )


def test_a_shared_layer_has_one_operation_a_call_with_its_own_rule() -> None:
    layer = nn.Linear(3, 3)
    plan = make_plan(nn.Sequential(layer, nn.ReLU(), layer), Composite(dense=Epsilon(), convolution=Epsilon()))
    first, second = (node.operation for node in plan.nodes if isinstance(node.operation, Linear))
    assert first.layer is not second.layer
    assert [type(node.operation) for node in plan.nodes].count(Unit) == 0


class Scaled(nn.Module):
    """Weights that are made as it runs, of others."""

    def __init__(self) -> None:
        super().__init__()
        self.raw, self.gain = nn.Parameter(torch.randn(3, 4).double()), nn.Parameter(torch.ones(()).double())

    def forward(self, x: Tensor) -> Tensor:
        return functional.linear(x, self.raw * self.gain / self.raw.norm())


def test_a_weight_that_is_computed_in_the_forward_is_read_as_it_is_now() -> None:
    torch.manual_seed(0)
    network, inputs = Scaled(), torch.rand(2, 4, dtype=torch.float64)
    explainer = Explainer(network, "epsilon")
    before = explainer(inputs)
    assert torch.allclose(before.outputs.scores, network(inputs), rtol=1e-12)
    network.gain.data.fill_(3.0)
    assert torch.allclose(explainer(inputs).outputs.scores, 3 * before.outputs.scores, rtol=1e-12)


def test_a_padding_by_what_stands_at_the_edge_gives_the_edge_its_share() -> None:
    torch.manual_seed(0)
    for mode in ("reflect", "replicate", "circular"):
        padded = nn.Conv2d(1, 2, 3, padding=1, padding_mode=mode).double()
        plain = nn.Conv2d(1, 2, 3).double()
        plain.load_state_dict(padded.state_dict())
        inputs = torch.rand(2, 1, 4, 4, dtype=torch.float64)
        wide = functional.pad(inputs, (1, 1, 1, 1), mode)
        relevance = torch.randn_like(padded(inputs).detach())
        for rule in RULES.values():
            values, account = shared(rule, padded, Signal(inputs, True, BOUNDS), relevance)
            outside, expected = shared(rule, plain, Signal(wide, True, BOUNDS), relevance)
            assert torch.allclose(values, gathered(outside, inputs, mode), rtol=1e-9, atol=1e-12)
            for part, taken in expected.items():
                assert torch.allclose(account[part], taken, rtol=1e-9, atol=1e-12)


def gathered(outside: Tensor, inputs: Tensor, mode: str) -> Tensor:
    """What was given to copies, given to the originals."""
    origin = torch.zeros_like(inputs, requires_grad=True)
    return torch.autograd.grad(functional.pad(origin, (1, 1, 1, 1), mode), origin, outside.clone())[0]


def test_a_rule_can_be_given_to_a_layer_by_its_name() -> None:
    network, inputs = small(), screens(2, frames=2, size=12).double()
    flat: Rule = RULES["flat"]
    table = Composite(dense=Epsilon(), convolution=Epsilon(), layers={"trunk.0": flat})
    values = Explainer(network, table)(inputs).values
    assert torch.allclose(values[:, 0], values[:, 1], rtol=1e-9)
    assert not torch.allclose(*Explainer(network, "epsilon")(inputs).values.unbind(1))
