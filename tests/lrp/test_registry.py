"""Rules that users give to their own modules and functions."""

from collections.abc import Callable, Iterator

import pytest
import torch
from torch import Tensor, fx, nn

from inspector.errors import UnsupportedError, UsageError
from inspector.lrp import Epsilon, Explainer, Explanation, Signal, register_rule, unregister_rule


class Square(nn.Module):
    """Something torch has no module for."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.special.xlog1py(x, x * x)


class Doubled(Square):
    """Derived: it takes the rule of its base."""


class Mixture(nn.Module):
    """Takes two tensors and a number."""

    def __init__(self) -> None:
        super().__init__()
        self.share = 0.25

    def forward(self, x: Tensor, y: Tensor, power: float = 1.0) -> Tensor:
        return self.share * x**power + (1 - self.share) * y.sort(1).values


def network_with(own: nn.Module) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 4), own, nn.Linear(4, 2)).double()


@pytest.fixture
def inputs() -> Tensor:
    torch.manual_seed(1)
    return torch.rand(3, 4, dtype=torch.float64)


@pytest.fixture(autouse=True)
def _forgotten() -> Iterator[None]:
    yield
    for kind in (Square, Doubled, Mixture, torch.cumsum, torch.special.xlog1py, nn.ReLU):
        unregister_rule(kind)


def assert_closed(explanation: Explanation) -> None:
    total = torch.stack(list(explanation.ledger.values())).sum(0)
    assert torch.allclose(total, explanation.score, rtol=1e-9)


def test_a_module_without_rule_is_refused_and_the_message_says_how_to_give_it_one() -> None:
    with pytest.raises(
        UnsupportedError,
        match=r"^special_xlog1py \(1\) has no rule: write it with operations that have one, let the network return the "
        r"scores before it, or give it a rule: inspector\.lrp\.register_rule$",
    ):
        Explainer(network_with(Square()))


def test_a_few_lines_give_a_module_a_rule(inputs: Tensor) -> None:
    @register_rule(Square)
    def square_rule(module: nn.Module, inputs: Tensor, output: Tensor, relevance: Tensor) -> Tensor:
        return relevance

    network = network_with(Square())
    explanation = Explainer(network, "epsilon")(inputs)
    assert torch.allclose(explanation.outputs.scores, network(inputs), rtol=1e-12)
    assert explanation.values.abs().sum() > 0
    assert explanation.ledger["dropped"].abs().max() < 1e-12
    assert_closed(explanation)


def test_the_rule_gets_module_inputs_output_and_relevance_and_shares_it_as_it_likes(inputs: Tensor) -> None:
    seen: list[tuple[object, ...]] = []

    @register_rule(Square)
    def to_the_first(module: nn.Module, inputs: Tensor, output: Tensor, relevance: Tensor) -> Tensor:
        seen.append((module, inputs, output, relevance))
        values = torch.zeros_like(inputs)
        values[:, 0] = relevance.sum(1)
        return values

    network = network_with(Square())
    explanation = Explainer(network, "epsilon")(inputs)
    ((module, given, output, relevance),) = seen
    assert module is network[1]
    assert torch.allclose(given, network[0](inputs), rtol=1e-12)
    assert torch.allclose(output, network[:2](inputs), rtol=1e-12)
    assert relevance.shape == output.shape
    first = Signal(inputs), Signal(given)
    layer = network[0]
    share = inputs * layer.weight[0] * (relevance.sum(1) / (first[1].tensor[:, 0] + 1e-6 * given[:, 0].sign()))[:, None]
    assert torch.allclose(explanation.values, share, rtol=1e-9)
    assert_closed(explanation)


def test_what_a_rule_keeps_back_is_written_in_the_ledger_as_dropped(inputs: Tensor) -> None:
    register_rule(Square)(lambda module, inputs, output, relevance: relevance / 4)
    explanation = Explainer(network_with(Square()), "epsilon")(inputs, layers=True)
    (account,) = [account for account in explanation.layers if account.place == "Square (1)"]
    assert torch.allclose(account.parts["dropped"], account.relevance * 0.75, rtol=1e-12)
    assert torch.allclose(explanation.ledger["dropped"], account.relevance * 0.75, rtol=1e-12)
    assert_closed(explanation)


def test_a_class_derived_from_one_with_a_rule_has_it_too_unless_it_has_its_own(inputs: Tensor) -> None:
    register_rule(Square)(lambda module, inputs, output, relevance: relevance)
    passed = Explainer(network_with(Doubled()), "epsilon")(inputs)
    register_rule(Doubled)(lambda module, inputs, output, relevance: relevance * 0)
    stopped = Explainer(network_with(Doubled()), "epsilon")(inputs)
    assert passed.values.any()
    assert not stopped.values.any()
    assert_closed(stopped)


def test_a_function_of_torch_can_have_a_rule(inputs: Tensor) -> None:
    class Sums(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return torch.cumsum(x, dim=1)

    @register_rule(torch.cumsum)
    def cumsum_rule(function: Callable[..., Tensor], inputs: Tensor, output: Tensor, relevance: Tensor) -> Tensor:
        assert function is torch.cumsum
        quotient = relevance / output
        return inputs * quotient.flip(1).cumsum(1).flip(1)  # the epsilon rule of a matrix of ones below the diagonal

    network = nn.Sequential(nn.Linear(4, 4), Sums(), nn.Linear(4, 2)).double()
    found = Explainer(network, "epsilon")(inputs)
    inputs.requires_grad_()
    (gradient,) = torch.autograd.grad(network(inputs).max(1).values.sum(), inputs)
    assert torch.allclose(found.values, (gradient * inputs).detach(), rtol=1e-3)
    assert_closed(found)


def test_a_module_of_several_inputs_has_a_rule_that_gives_as_many_shares(inputs: Tensor) -> None:
    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.two, self.mix, self.last = nn.Linear(4, 3), nn.Linear(4, 3), Mixture(), nn.Linear(3, 2)

        def forward(self, x: Tensor) -> Tensor:
            return self.last(self.mix(self.one(x), y=self.two(x), power=1.0))

    @register_rule(Mixture)
    def rule(module: Mixture, x: Tensor, y: Tensor, output: Tensor, relevance: Tensor) -> tuple[Tensor, Tensor]:
        return relevance * module.share, relevance * (1 - module.share)

    torch.manual_seed(0)
    network = Two().double()
    explanation = Explainer(network, "epsilon")(inputs, layers=True)
    assert torch.allclose(explanation.outputs.scores, network(inputs), rtol=1e-12)
    came = {account.place: account.relevance for account in explanation.layers}
    assert torch.allclose(came["Linear (one)"], came["Mixture (mix)"] * 0.25, rtol=1e-9)
    assert torch.allclose(came["Linear (two)"], came["Mixture (mix)"] * 0.75, rtol=1e-9)
    assert_closed(explanation)


def test_a_rule_of_ones_own_goes_before_that_of_a_torch_module(inputs: Tensor) -> None:
    register_rule(nn.ReLU)(lambda module, inputs, output, relevance: relevance * 0)
    assert not Explainer(network_with(nn.ReLU()), "epsilon")(inputs).values.any()
    unregister_rule(nn.ReLU)
    assert Explainer(network_with(nn.ReLU()), "epsilon")(inputs).values.any()


def test_explaining_twice_gives_the_rule_tensors_that_it_may_overwrite(inputs: Tensor) -> None:
    register_rule(Square)(lambda module, inputs, output, relevance: relevance.mul_(2))
    run = Explainer(network_with(Square()), "epsilon").run(inputs)
    one, other = run.explain(0), run.explain(0)
    assert torch.equal(one.values, other.values)
    assert_closed(one)


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (lambda module, inputs, output, relevance: relevance[:, :2], r"Square \(1\) gave \(3, 2\): .* \(3, 4\), is"),
        (lambda module, inputs, output, relevance: None, r"the rule registered for Square \(1\) gave NoneType"),
        (lambda module, inputs, output, relevance: (relevance, relevance), r"gave 2 tensors for 1 inputs: give one"),
    ],
)
def test_a_rule_that_gives_something_else_is_named(rule: Callable[..., object], message: str, inputs: Tensor) -> None:
    register_rule(Square)(rule)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=message):
        Explainer(network_with(Square()))(inputs)


def test_a_second_rule_for_the_same_kind_is_refused_until_the_first_is_given_up() -> None:
    register_rule(Square)(lambda module, inputs, output, relevance: relevance)
    with pytest.raises(UsageError, match="Square has a rule already: unregister_rule gives it up"):
        register_rule(Square)(lambda module, inputs, output, relevance: relevance)
    unregister_rule(Square)
    unregister_rule(Square)
    with pytest.raises(UnsupportedError, match="special_xlog1py"):
        Explainer(network_with(Square()))


@pytest.mark.parametrize("kind", [3, "Square", Epsilon])
def test_a_rule_for_neither_a_module_nor_a_function_is_refused(kind: object) -> None:
    with pytest.raises(UsageError, match="a rule is registered for a class of modules or a function, not for"):
        register_rule(kind)


@fx.wrap
def strange(x: Tensor) -> Tensor:
    return x.sort(1).values if x.sum() > 0 else x


def test_a_function_made_known_by_fx_wrap_can_have_a_rule(inputs: Tensor) -> None:
    class Strange(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return strange(x)

    network = network_with(Strange())
    with pytest.raises(UnsupportedError, match=r"^strange \(1\) has no rule"):
        Explainer(network)
    register_rule(strange)(lambda function, inputs, output, relevance: relevance)
    try:
        assert_closed(Explainer(network, "epsilon")(inputs))
    finally:
        unregister_rule(strange)


def test_a_rule_for_one_module_is_refused() -> None:
    with pytest.raises(
        UsageError, match=r"for a class of modules, not for one Square: pass Square, or give it a class"
    ):
        register_rule(Square())


def test_a_rule_that_fails_is_named_with_its_place(inputs: Tensor) -> None:
    @register_rule(Square)
    def failing(module: nn.Module, inputs: Tensor, output: Tensor, relevance: Tensor) -> Tensor:
        return relevance.view(-1, 999)

    with pytest.raises(UsageError, match=r"^the rule registered for Square \(1\) failed: shape '\[-1, 999\]' is inv"):
        Explainer(network_with(Square()))(inputs)


def test_a_rule_may_take_a_gradient_by_leaving_inference_mode(inputs: Tensor) -> None:
    @register_rule(Square)
    def by_gradient(module: nn.Module, inputs: Tensor, output: Tensor, relevance: Tensor) -> Tensor:
        with torch.inference_mode(False), torch.enable_grad():
            point = inputs.clone().requires_grad_()
            (slope,) = torch.autograd.grad(module(point), point, torch.ones_like(output))
        return slope * inputs * relevance / (slope * inputs).sum(1, keepdim=True)

    assert_closed(Explainer(network_with(Square()))(inputs))
