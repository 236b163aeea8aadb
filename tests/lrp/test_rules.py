"""Each rule against its slow form: the matrix of the layer, and every single contribution x_i w_ij."""

import copy
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from inspector.errors import UnsupportedError, UsageError
from inspector.lrp import (
    AlphaBeta,
    Argmax,
    Composite,
    Epsilon,
    Explainer,
    Flat,
    Gamma,
    Rule,
    Signal,
    WSquare,
    ZBox,
    ZPlus,
)
from inspector.lrp.graph import make_plan
from inspector.lrp.plan import TAKEN

pytestmark = pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")  # torch's, once a process

BOUNDS = (-1.5, 2.0)
ST = 1e-3
"""A stabiliser large enough to be seen."""

RULES: dict[str, Rule] = {
    "epsilon": Epsilon(ST),
    "z_plus": ZPlus(ST),
    "alpha_beta": AlphaBeta(ST),
    "alpha_beta 3 2": AlphaBeta(ST, 3.0, 2.0),
    "alpha_beta 1 0": AlphaBeta(ST, 1.0, 0.0),
    "gamma": Gamma(ST),
    "gamma 0.4": Gamma(ST, 0.4),
    "gamma 0": Gamma(ST, 0.0),
    "z_box": ZBox(ST),
    "w_square": WSquare(ST),
    "flat": Flat(ST),
    "argmax": Argmax(),
}
LAYERS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "dense": (lambda: nn.Linear(7, 5), (7,)),
    "dense without bias": (lambda: nn.Linear(7, 5, bias=False), (7,)),
    "dense on a sequence": (lambda: nn.Linear(4, 3), (3, 4)),
    "dense on a map": (lambda: nn.Linear(3, 4), (2, 2, 3)),
    "1-D": (lambda: nn.Conv1d(2, 3, 3), (2, 7)),
    "1-D with a stride, padding, dilation": (lambda: nn.Conv1d(2, 3, 3, 2, padding=2, dilation=2), (2, 8)),
    "1-D in groups": (lambda: nn.Conv1d(4, 6, 2, groups=2, bias=False), (4, 5)),
    "1-D 'same' of an even kernel": (lambda: nn.Conv1d(2, 3, 4, padding="same"), (2, 6)),
    "2-D": (lambda: nn.Conv2d(2, 3, 3), (2, 5, 6)),
    "2-D of one pixel": (lambda: nn.Conv2d(3, 2, 1), (3, 3, 2)),
    "2-D that leaves an edge out": (lambda: nn.Conv2d(2, 3, 2, 3), (2, 7, 7)),
    "2-D with padding": (lambda: nn.Conv2d(2, 3, (3, 2), (2, 1), padding=(2, 1)), (2, 5, 4)),
    "2-D with dilation": (lambda: nn.Conv2d(2, 2, 3, dilation=2, bias=False), (2, 6, 7)),
    "2-D in groups": (lambda: nn.Conv2d(4, 6, 2, groups=2, padding=1), (4, 4, 4)),
    "2-D depthwise": (lambda: nn.Conv2d(3, 6, 3, stride=2, padding=1, groups=3), (3, 5, 5)),
    "2-D in blocks": (lambda: nn.Conv2d(2, 3, 4, 2), (2, 8, 6)),
    "2-D in blocks, an edge unseen": (lambda: nn.Conv2d(2, 3, 4, 2), (2, 7, 9)),
    "2-D in blocks with padding": (lambda: nn.Conv2d(2, 3, 4, 2, padding=1), (2, 6, 8)),
    "2-D in blocks that overlap": (lambda: nn.Conv2d(2, 3, 3, 2, padding=1), (2, 7, 6)),
    "2-D in blocks with gaps": (lambda: nn.Conv2d(1, 3, 2, 3), (1, 8, 5)),
    "2-D of many channels with a stride": (lambda: nn.Conv2d(40, 2, 2, 2, bias=False), (40, 4, 4)),
    "2-D 'same' of an even kernel": (lambda: nn.Conv2d(2, 2, (2, 4), padding="same"), (2, 4, 5)),
    "2-D 'same' with dilation": (lambda: nn.Conv2d(1, 2, (2, 3), padding="same", dilation=(3, 1)), (1, 5, 4)),
    "3-D": (lambda: nn.Conv3d(2, 2, 2), (2, 3, 4, 3)),
    "3-D with padding": (lambda: nn.Conv3d(1, 2, 3, padding=1), (1, 3, 3, 4)),
    "3-D with a stride, padding, dilation": (lambda: nn.Conv3d(1, 2, 2, (2, 1, 2), (1, 0, 1), (1, 2, 1)), (1, 4, 4, 3)),
    "3-D in blocks": (lambda: nn.Conv3d(2, 2, (2, 4, 4), (1, 2, 2)), (2, 3, 6, 4)),
    "3-D in blocks with padding": (lambda: nn.Conv3d(1, 2, 3, (1, 2, 2), 1), (1, 3, 5, 4)),
    "3-D in blocks, an edge unseen": (lambda: nn.Conv3d(1, 2, (1, 2, 2), (1, 2, 2)), (1, 2, 5, 3)),
    "3-D in groups": (lambda: nn.Conv3d(2, 4, (1, 2, 2), groups=2, bias=False), (2, 2, 3, 3)),
    "3-D 'same' of an even kernel": (lambda: nn.Conv3d(1, 2, 2, padding="same"), (1, 2, 3, 3)),
    "1-D transposed": (lambda: nn.ConvTranspose1d(2, 3, 3, 2, padding=1, output_padding=1), (2, 4)),
    "2-D transposed": (lambda: nn.ConvTranspose2d(2, 3, 3), (2, 3, 4)),
    "2-D transposed in groups": (lambda: nn.ConvTranspose2d(4, 6, (2, 3), (2, 1), groups=2, bias=False), (4, 3, 3)),
    "2-D transposed with dilation": (
        lambda: nn.ConvTranspose2d(2, 2, 2, 1, 1, output_padding=2, dilation=3),
        (2, 4, 3),
    ),
    "3-D transposed": (lambda: nn.ConvTranspose3d(2, 2, 2, 2, output_padding=(1, 0, 1)), (2, 2, 2, 3)),
}
TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)


def matrix_of(module: nn.Module, shape: tuple[int, ...]) -> Tensor:
    """The layer without bias as (outputs, inputs), by pushing every basis vector through it."""
    size = torch.Size(shape).numel()
    basis = torch.eye(size, dtype=torch.float64).view(size, *shape)
    with torch.no_grad():
        return (module(basis) - module(torch.zeros_like(basis))).flatten(1).T


def apart(module: nn.Module, shape: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    """The layer's matrix, and which input each output sees, whatever its weight is; (outputs, inputs) each."""
    ones = copy.deepcopy(module)
    with torch.no_grad():
        ones.weight.fill_(1.0)
    return matrix_of(module, shape), matrix_of(ones, shape) != 0


def naive(
    rule: Rule,
    module: nn.Module,
    inputs: Tensor,
    relevance: Tensor,
    bounds: tuple[float, float] = BOUNDS,
    parted: tuple[Tensor, Tensor] | None = None,
) -> tuple[Tensor, dict[str, float]]:
    """One decision's relevance by the formula of the paper, contribution by contribution, and its account."""
    matrix, seen = parted or apart(module, tuple(inputs.shape))
    outputs = module(inputs[None])[0].detach().flatten()
    parts, given = matrix * inputs.flatten(), relevance.flatten()
    bias = outputs - parts.sum(1) if module.bias is not None else torch.zeros_like(outputs)
    if isinstance(rule, Argmax):
        return followed(parts.masked_fill(~seen, -torch.inf), given, inputs)
    shares = claims(rule, parts, bias, given, matrix, seen, bounds)
    result, ledger = torch.zeros_like(inputs), dict.fromkeys(TAKEN, 0.0)
    for part, offset, share in shares:
        below = part.sum(1) + offset
        added = torch.tensor([rule.stabiliser if z >= 0 else -rule.stabiliser for z in below], dtype=torch.float64)
        quotient = share / (below + added)
        result += (part * quotient[:, None]).sum(0).view(inputs.shape)
        ledger["bias"] += float((offset * quotient).sum())
        ledger["stabiliser"] += float((added * quotient).sum())
    ledger["dropped"] = float((given - sum(share for _, _, share in shares)).sum())
    return result, ledger


def claims(
    rule: Rule,
    parts: Tensor,
    bias: Tensor,
    given: Tensor,
    matrix: Tensor,
    seen: Tensor,
    bounds: tuple[float, float],
) -> list[tuple[Tensor, Tensor, Tensor]]:
    """Contributions, biases, and the relevance that is shared in proportion to them."""
    none = torch.zeros_like(bias)
    raised, lowered = (parts.clamp(min=0), bias.clamp(min=0)), (parts.clamp(max=0), bias.clamp(max=0))
    match rule:
        case Epsilon():
            return [(parts, bias, given)]
        case ZPlus():
            return [(*raised, given)]
        case AlphaBeta(alpha=alpha, beta=beta):
            return [(*raised, alpha * given), (*lowered, -beta * given)]
        case Gamma(gamma=gamma):
            outputs = parts.sum(1) + bias
            above, below = (outputs > 0).double(), (outputs < 0).double()
            if gamma == 0:  # then it is the epsilon rule, at 0 too
                return [(parts, bias, given)]
            return [
                (parts + gamma * raised[0], bias + gamma * raised[1], given * above),
                (parts + gamma * lowered[0], bias + gamma * lowered[1], given * below),
            ]
        case ZBox():
            low, high = bounds
            return [(parts - low * matrix.clamp(min=0) - high * matrix.clamp(max=0), none, given)]
        case WSquare():
            return [(matrix.square(), bias.square(), given)]
        case Flat():
            return [(seen.double(), none, given)]
    raise AssertionError(rule)


def followed(parts: Tensor, given: Tensor, inputs: Tensor) -> tuple[Tensor, dict[str, float]]:
    """Every output to the one input that raised it most."""
    result, dropped = torch.zeros(inputs.numel(), dtype=torch.float64), 0.0
    for row, relevance in zip(parts.tolist(), given, strict=True):
        if max(row) > 0:
            result[row.index(max(row))] += relevance
        else:
            dropped += float(relevance)
    return result.view(inputs.shape), {"bias": 0.0, "stabiliser": 0.0, "dropped": dropped}


def shared(rule: Rule, module: nn.Module, signal: Signal, relevance: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
    """Relevance of a layer's inputs, and the account of the rest, as the engine finds them for a network of it."""
    network = nn.Sequential(module, nn.Flatten())
    plan = make_plan(network, Composite(dense=rule, convolution=rule))
    with torch.inference_mode():
        (values,), account = plan.backward(plan.forward(signal), {plan.scores: relevance.flatten(1).clone()})
    return values, account


def made(layer: str, *, signed: bool) -> tuple[nn.Module, Signal, Tensor]:
    """A layer in float64, two decisions for it and relevance of its outputs."""
    torch.manual_seed(3)
    make, shape = LAYERS[layer]
    module = make().double()
    inputs = torch.empty(2, *shape, dtype=torch.float64).uniform_(*BOUNDS)
    inputs = inputs if signed else inputs.relu()
    return module, Signal(inputs, not signed, BOUNDS), torch.randn_like(module(inputs).detach())


def assert_equal_to_the_matrix_form(
    rule: Rule, module: nn.Module, signal: Signal, relevance: Tensor, bounds: tuple[float, float] = BOUNDS
) -> None:
    values, account = shared(rule, module, signal, relevance)
    parted = apart(module, tuple(signal.tensor.shape[1:]))
    for i in range(len(relevance)):
        expected, ledger = naive(rule, module, signal.tensor[i], relevance[i], bounds, parted)
        assert (values[i] - expected).abs().max() <= 1e-9 * expected.abs().max()
        for part, taken in ledger.items():
            assert float(account[part][i]) == pytest.approx(taken, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("signed", [True, False], ids=["signed", "nonnegative"])
@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("name", RULES)
def test_a_rule_equals_its_matrix_form(name: str, layer: str, signed: bool) -> None:
    module, signal, relevance = made(layer, signed=signed)
    if name == "argmax" and isinstance(module, TRANSPOSED):
        with pytest.raises(UnsupportedError, match="argmax rule is not made for transposed convolutions: choose anot"):
            shared(RULES[name], module, signal, relevance)
    else:
        assert_equal_to_the_matrix_form(RULES[name], module, signal, relevance)


@pytest.mark.parametrize("layer", ["dense", "2-D with padding", "3-D in groups"])
@pytest.mark.parametrize("name", RULES)
def test_a_rule_that_is_told_nothing_of_its_inputs_equals_its_matrix_form(name: str, layer: str) -> None:
    """Nonnegative inputs whose sign is not known: what is left out otherwise is computed, and is 0."""
    module, signal, relevance = made(layer, signed=False)
    assert_equal_to_the_matrix_form(RULES[name], module, signal._replace(nonnegative=False), relevance)


@pytest.mark.parametrize("bounds", [(0.0, 2.0), (-1.5, 0.0), BOUNDS, (0.5, 2.0)])
@pytest.mark.parametrize("layer", ["dense", "2-D in blocks", "2-D with padding", "3-D", "2-D transposed"])
def test_a_z_box_holds_for_any_bounds(layer: str, bounds: tuple[float, float]) -> None:
    module, signal, relevance = made(layer, signed=True)
    inputs = signal.tensor.clamp(*bounds)
    signal = Signal(inputs, bool(inputs.min() >= 0), bounds)
    assert_equal_to_the_matrix_form(ZBox(ST), module, signal, relevance, bounds)


@pytest.mark.parametrize("bounds", [(0.0, 2.0), BOUNDS])
@pytest.mark.parametrize("layer", ["dense", "1-D", "2-D in blocks", "2-D with padding", "2-D in groups", "3-D"])
def test_a_z_box_keeps_its_digits_where_every_input_lies_in_the_lowest_corner(
    layer: str, bounds: tuple[float, float]
) -> None:
    """There all contributions are 0: computed as z - b - sum of bounds times weights they would be noise."""
    module, _, relevance = made(layer, signed=True)
    module.weight.data.abs_()
    inputs = torch.full((2, *LAYERS[layer][1]), bounds[0], dtype=torch.float64)
    inputs[1].view(-1)[::5] += 1e-7
    signal = Signal(inputs, bounds[0] >= 0, bounds)
    rule = ZBox(1e-9)
    values, account = shared(rule, module, signal, relevance)
    for i in range(2):
        expected, _ = naive(rule, module, inputs[i], relevance[i], bounds)
        # The matrix form itself cancels: the shares are right to what is left of 16 digits at 1e-7 beside 1.
        assert (values[i] - expected).abs().max() <= 1e-6 * relevance[i].abs().sum()
        total = values[i].sum() + sum(account[part][i] for part in TAKEN)
        assert abs(float(total - relevance[i].sum())) <= 1e-9 * float(relevance[i].abs().sum())
    assert not values[0].any()
    assert values[1].any()


def test_a_z_box_takes_inputs_a_hair_outside_its_bounds_as_at_them() -> None:
    module = nn.Linear(1, 1, bias=False)
    module.weight.data.fill_(1.0)
    explainer = Explainer(module, Composite(dense=ZBox(), convolution=ZBox()), (0.0, 1.0))
    explanation = explainer(torch.tensor([[-1e-6], [1.0 + 1e-6]]))
    assert explanation.finite.all()
    assert explanation.values[0].item() == 0.0


@pytest.mark.parametrize("name", RULES)
def test_the_shares_of_a_rule_add_up_to_the_relevance_that_came(name: str) -> None:
    torch.manual_seed(4)
    module = nn.Conv2d(2, 3, 3, 2, padding=1).double()
    inputs = torch.randn(5, 2, 6, 6, dtype=torch.float64).clamp(*BOUNDS)
    relevance = torch.randn_like(module(inputs).detach())
    values, account = shared(RULES[name], module, Signal(inputs, bounds=BOUNDS), relevance)
    total = values.flatten(1).sum(1) + sum(account.values())
    assert torch.allclose(total, relevance.flatten(1).sum(1), rtol=0, atol=1e-10)


@pytest.mark.parametrize("name", sorted(set(RULES) - {"w_square", "flat", "z_box"}))
@pytest.mark.parametrize("layer", ["dense", "1-D", "2-D in blocks", "3-D"])
def test_an_input_of_zero_gets_nothing_from_a_rule_that_weighs_by_inputs(name: str, layer: str) -> None:
    module, signal, relevance = made(layer, signed=True)
    inputs = signal.tensor.clone()
    inputs.view(2, -1)[:, ::3] = 0.0
    assert RULES[name].weighted
    values, _ = shared(RULES[name], module, signal._replace(tensor=inputs), relevance)
    assert not values.view(2, -1)[:, ::3].any()
    assert values.any()


def test_gamma_drops_what_an_output_of_exactly_zero_carries() -> None:
    module = nn.Linear(2, 2, bias=False).double()
    module.weight.data = torch.tensor([[1.0, -1.0], [1.0, 1.0]], dtype=torch.float64)
    inputs = torch.ones(1, 2, dtype=torch.float64)
    relevance = torch.tensor([[3.0, 5.0]], dtype=torch.float64)
    for nonnegative in (True, False):
        values, account = shared(Gamma(), module, Signal(inputs, nonnegative), relevance)
        assert account["dropped"].tolist() == [3.0]
        assert values.sum().item() == pytest.approx(5.0, rel=1e-5)


def test_where_nothing_lowered_an_output_the_stabiliser_takes_the_beta_part() -> None:
    module = nn.Linear(3, 1, bias=False).double()
    module.weight.data.fill_(1.0)
    one = torch.ones(1, 1, dtype=torch.float64)
    values, account = shared(AlphaBeta(), module, Signal(torch.ones(1, 3, dtype=torch.float64), True), one)
    assert values.sum().item() == pytest.approx(2.0, rel=1e-5)
    assert account["stabiliser"].item() == pytest.approx(-1.0, rel=1e-5)


def test_a_flat_rule_gives_a_window_in_the_padding_to_the_stabiliser() -> None:
    module = nn.Conv2d(1, 1, 1, padding=1).double()
    inputs = torch.zeros(1, 1, 1, 1, dtype=torch.float64)
    relevance = torch.ones(1, 1, 3, 3, dtype=torch.float64)
    values, account = shared(Flat(), module, Signal(inputs), relevance)
    assert values.item() == pytest.approx(1.0, rel=1e-5)
    assert account["stabiliser"].item() == pytest.approx(8.0, rel=1e-5)


def test_of_equal_contributions_the_argmax_rule_follows_the_first() -> None:
    module = nn.Linear(3, 2, bias=False).double()
    module.weight.data = torch.tensor([[1.0, 2.0, 2.0], [-1.0, -2.0, 0.0]], dtype=torch.float64)
    values, account = shared(
        Argmax(), module, Signal(torch.ones(1, 3, dtype=torch.float64), True), torch.tensor([[3.0, 5.0]]).double()
    )
    assert values.tolist() == [[0.0, 3.0, 0.0]]
    assert account["dropped"].tolist() == [5.0]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Epsilon(stabiliser=0.0), "stabiliser is 0: it must be above 0"),
        (lambda: ZPlus(stabiliser=-1.0), "stabiliser is -1"),
        (lambda: Flat(stabiliser=float("nan")), "stabiliser is nan"),
        (lambda: Gamma(gamma=-0.1), "gamma is -0.1: it must be at least 0"),
        (lambda: AlphaBeta(alpha=2.0, beta=2.0), "alpha - beta must be 1"),
        (lambda: AlphaBeta(alpha=0.5, beta=-0.5), "beta must be at least 0"),
        (lambda: replace(AlphaBeta(), alpha=3.0), "alpha 3 and beta 1"),
    ],
)
def test_an_option_that_makes_no_sense_is_refused(make: Callable[[], Rule], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_the_z_box_rule_asks_for_the_bounds() -> None:
    with pytest.raises(UsageError, match=r"Linear \(0\): the z-box rule needs .* pass input_bounds=\(low, high\)"):
        shared(ZBox(), nn.Linear(2, 2), Signal(torch.ones(1, 2)), torch.ones(1, 2))


def test_a_z_box_behind_another_layer_is_refused_for_nobody_knows_its_bounds() -> None:
    network = nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 2))
    table = Composite(dense=ZBox(), convolution=ZBox())
    with pytest.raises(UsageError, match=r"Linear \(2\): the z-box rule needs the smallest and largest possible input"):
        Explainer(network, table, (0.0, 1.0))(torch.rand(1, 2))
