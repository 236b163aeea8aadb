"""Each rule against its slow form: the matrix of the layer, and every single contribution x_i w_ij."""

from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch import Tensor, nn

from inspector.errors import UsageError
from inspector.lrp.layers import Convolution, Dense, LinearLayer
from inspector.lrp.rules import (
    Rule,
    Signal,
    alpha_beta_rule,
    epsilon_rule,
    flat_rule,
    gamma_rule,
    z_box_rule,
    z_plus_rule,
)

BOUNDS = (-1.5, 2.0)
SIGN = {True: 1.0, False: -1.0}

LAYERS: dict[str, tuple[Callable[[], nn.Linear | nn.Conv2d], tuple[int, ...]]] = {
    "dense": (lambda: nn.Linear(7, 5), (7,)),
    "dense without bias": (lambda: nn.Linear(7, 5, bias=False), (7,)),
    "convolution": (lambda: nn.Conv2d(2, 3, 3), (2, 5, 6)),
    "stride that leaves an edge out": (lambda: nn.Conv2d(2, 3, 2, 3), (2, 7, 7)),
    "padding": (lambda: nn.Conv2d(2, 3, (3, 2), (2, 1), padding=(2, 1)), (2, 5, 4)),
    "dilation without bias": (lambda: nn.Conv2d(2, 2, 3, dilation=2, bias=False), (2, 6, 7)),
    "groups": (lambda: nn.Conv2d(4, 6, 2, groups=2, padding=1), (4, 4, 4)),
}


def matrix_of(module: nn.Module, shape: tuple[int, ...]) -> Tensor:
    """The layer without bias as (outputs, inputs), by pushing every basis vector through it."""
    size = torch.Size(shape).numel()
    basis = torch.eye(size, dtype=torch.float64).view(size, *shape)
    with torch.no_grad():
        return (module(basis) - module(torch.zeros_like(basis))).flatten(1).T


def naive(
    name: str, module: nn.Linear | nn.Conv2d, inputs: Tensor, relevance: Tensor
) -> tuple[Tensor, dict[str, float]]:
    """One decision's relevance by the formula of the paper, contribution by contribution."""
    matrix, outputs = matrix_of(module, tuple(inputs.shape)), module(inputs[None])[0].detach().flatten()
    bias = outputs - matrix @ inputs.flatten()
    given = relevance.flatten()
    parts = matrix * inputs.flatten()
    if name == "epsilon":
        shares = [(parts, bias, given)]
    elif name == "z_plus":
        shares = [(parts.clamp(min=0), bias.clamp(min=0), given)]
    elif name == "alpha_beta":
        shares = [
            (parts.clamp(min=0), bias.clamp(min=0), 3 * given),
            (parts.clamp(max=0), bias.clamp(max=0), -2 * given),
        ]
    elif name == "gamma":
        shares = [
            (parts + 0.4 * parts.clamp(min=0), bias + 0.4 * bias.clamp(min=0), given * (outputs > 0)),
            (parts + 0.4 * parts.clamp(max=0), bias + 0.4 * bias.clamp(max=0), given * (outputs < 0)),
        ]
    elif name == "z_box":
        low, high = BOUNDS
        shares = [(parts - low * matrix.clamp(min=0) - high * matrix.clamp(max=0), torch.zeros_like(bias), given)]
    else:
        shares = [((matrix != 0).double(), torch.zeros_like(bias), given)]
    result, ledger = torch.zeros_like(inputs), {"bias": 0.0, "stabiliser": 0.0}
    for part, offset, share in shares:
        below = part.sum(1) + offset
        added = torch.tensor([1e-3 * SIGN[bool(z >= 0)] for z in below], dtype=torch.float64)
        quotient = share / (below + added)
        result += (part * quotient[:, None]).sum(0).view(inputs.shape)
        ledger["bias"] += float((offset * quotient).sum())
        ledger["stabiliser"] += float((added * quotient).sum())
    return result, ledger


RULES: dict[str, Rule] = {
    "epsilon": partial(epsilon_rule, stabiliser=1e-3),
    "z_plus": partial(z_plus_rule, stabiliser=1e-3),
    "alpha_beta": partial(alpha_beta_rule, alpha=3.0, beta=2.0, stabiliser=1e-3),
    "gamma": partial(gamma_rule, gamma=0.4, stabiliser=1e-3),
    "z_box": partial(z_box_rule, stabiliser=1e-3),
    "flat": partial(flat_rule, stabiliser=1e-3),
}


def prepared(module: nn.Linear | nn.Conv2d) -> LinearLayer:
    if isinstance(module, nn.Linear):
        return Dense(module)
    assert isinstance(module.padding, tuple)
    return Convolution(module, module.padding)


@pytest.mark.parametrize("signed", [True, False], ids=["signed", "nonnegative"])
@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("name", RULES)
def test_a_rule_equals_its_matrix_form(name: str, layer: str, signed: bool) -> None:
    torch.manual_seed(3)
    make, shape = LAYERS[layer]
    module = make().double()
    inputs = torch.empty(2, *shape, dtype=torch.float64).uniform_(*BOUNDS)
    inputs = inputs if signed else inputs.relu()
    outputs = module(inputs).detach()
    relevance = torch.randn_like(outputs)
    shares = RULES[name](prepared(module), Signal(inputs, not signed, BOUNDS), outputs, relevance)
    for i in range(2):
        expected, ledger = naive(name, module, inputs[i], relevance[i])
        assert (shares.inputs[i] - expected).abs().max() <= 1e-9 * expected.abs().max()
        for part, taken in ledger.items():
            found = getattr(shares, part)
            assert float(found if isinstance(found, float) else found[i]) == pytest.approx(taken, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("name", RULES)
def test_the_shares_of_a_rule_add_up_to_the_relevance_that_came(name: str) -> None:
    torch.manual_seed(4)
    module = nn.Conv2d(2, 3, 3, 2, padding=1).double()
    inputs = torch.randn(5, 2, 6, 6, dtype=torch.float64).clamp(*BOUNDS)
    outputs = module(inputs).detach()
    relevance = torch.randn_like(outputs)
    shares = RULES[name](prepared(module), Signal(inputs, bounds=BOUNDS), outputs, relevance)
    total = shares.inputs.flatten(1).sum(1) + shares.bias + shares.stabiliser + shares.dropped
    assert torch.allclose(total, relevance.flatten(1).sum(1), rtol=0, atol=1e-10)


def test_gamma_drops_what_an_output_of_exactly_zero_carries() -> None:
    module = nn.Linear(2, 2, bias=False).double()
    module.weight.data = torch.tensor([[1.0, -1.0], [1.0, 1.0]], dtype=torch.float64)
    inputs = torch.ones(1, 2, dtype=torch.float64)
    relevance = torch.tensor([[3.0, 5.0]], dtype=torch.float64)
    shares = gamma_rule(Dense(module), Signal(inputs, nonnegative=True), module(inputs).detach(), relevance)
    assert isinstance(shares.dropped, Tensor)
    assert shares.dropped.tolist() == [3.0]
    assert shares.inputs.sum().item() == pytest.approx(5.0, rel=1e-5)


def test_where_nothing_lowered_an_output_the_stabiliser_takes_the_beta_part() -> None:
    module = nn.Linear(3, 1, bias=False).double()
    module.weight.data.fill_(1.0)
    inputs = torch.ones(1, 3, dtype=torch.float64)
    shares = alpha_beta_rule(
        Dense(module), Signal(inputs, nonnegative=True), module(inputs).detach(), torch.ones(1, 1, dtype=torch.float64)
    )
    assert shares.inputs.sum().item() == pytest.approx(2.0, rel=1e-5)
    assert isinstance(shares.stabiliser, Tensor)
    assert shares.stabiliser.item() == pytest.approx(-1.0, rel=1e-5)


def test_a_flat_rule_gives_a_window_in_the_padding_to_the_stabiliser() -> None:
    module = nn.Conv2d(1, 1, 1, padding=1).double()
    inputs = torch.zeros(1, 1, 1, 1, dtype=torch.float64)
    relevance = torch.ones(1, 1, 3, 3, dtype=torch.float64)
    shares = flat_rule(prepared(module), Signal(inputs), module(inputs).detach(), relevance)
    assert shares.inputs.item() == pytest.approx(1.0, rel=1e-5)
    assert isinstance(shares.stabiliser, Tensor)
    assert shares.stabiliser.item() == pytest.approx(8.0, rel=1e-5)


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (partial(epsilon_rule, stabiliser=0.0), "stabiliser is 0"),
        (partial(z_plus_rule, stabiliser=-1.0), "stabiliser is -1"),
        (partial(gamma_rule, gamma=-0.1), "gamma is -0.1"),
        (partial(alpha_beta_rule, alpha=2.0, beta=2.0), "alpha - beta must be 1"),
        (partial(alpha_beta_rule, alpha=0.5, beta=-0.5), "beta must be at least 0"),
    ],
)
def test_an_option_that_makes_no_sense_is_refused(rule: Rule, message: str) -> None:
    module = nn.Linear(2, 2)
    inputs = torch.ones(1, 2)
    with pytest.raises(ValueError, match=message):
        rule(Dense(module), Signal(inputs), module(inputs).detach(), torch.ones(1, 2))


def test_the_z_box_rule_asks_for_the_bounds() -> None:
    module = nn.Linear(2, 2)
    inputs = torch.ones(1, 2)
    with pytest.raises(UsageError, match=r"pass input_bounds=\(low, high\)"):
        z_box_rule(Dense(module), Signal(inputs), module(inputs).detach(), torch.ones(1, 2))
