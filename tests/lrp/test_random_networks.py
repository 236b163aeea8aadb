"""Random networks: whatever is put together of known parts is explained, fully accounted for, and left alone."""

import copy
import os

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from inspector.lrp import (
    COMPOSITES,
    AlphaBeta,
    Composite,
    Epsilon,
    Explainer,
    Explanation,
    Flat,
    Gamma,
    Signal,
    WSquare,
    ZPlus,
)
from inspector.lrp.graph import make_plan
from inspector.lrp.plan import Operation, Plan
from tests.lrp.random_networks import Case, cases

pytestmark = pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")

# The same few at every run of the tests; thousands of others by hand with INSPECTOR_RANDOM_NETWORKS=5000. Of 6000, two
# did not close in single precision (5e-5, 3e-5): a score that is a thousandth of what it is the difference of is known
# no better, and nothing reached the input to measure it by. In double precision all closed.
COUNT = int(os.environ.get("INSPECTOR_RANDOM_NETWORKS", "0"))
TABLES: dict[str, Composite] = dict(COMPOSITES) | {
    "gamma": Composite(dense=Gamma(), convolution=Gamma()),
    "gamma, flat": Composite(dense=Gamma(), convolution=Gamma(), first={"convolution": Flat(), "dense": Flat()}),
    "alpha3 beta2": Composite(dense=AlphaBeta(), convolution=AlphaBeta(alpha=3.0, beta=2.0)),
    "squares under gamma": Composite(dense=WSquare(), convolution=Gamma(gamma=0.4)),
    "flat over plus": Composite(dense=Flat(), convolution=ZPlus()),
    "plus under epsilon": Composite(dense=ZPlus(), convolution=Epsilon(), first={"convolution": WSquare()}),
}
many = settings(
    max_examples=COUNT or 40,
    derandomize=not COUNT,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def state_of(network: nn.Module) -> list[object]:
    return [
        [(name, tensor.clone(), tensor._version, tensor.requires_grad) for name, tensor in held]
        for held in (network.named_parameters(), network.named_buffers())
    ] + [[(module, module.training) for module in network.modules()], [p.grad for p in network.parameters()]]


def assert_unchanged(before: list[object], network: nn.Module) -> None:
    for was, now in zip(before[:2], state_of(network)[:2], strict=True):
        for (name, old, version, asks), (same, new, count, still) in zip(was, now, strict=True):  # type: ignore[call-overload]
            assert (name, version, asks) == (same, count, still)
            assert torch.equal(old, new)
    assert before[2:] == state_of(network)[2:]


def gap(explanation: Explanation) -> Tensor:
    """How far the ledger is from the score, in parts of the larger of |score| and sum |R|."""
    total = torch.stack(list(explanation.ledger.values())).double().sum(0)
    relevance = explanation.values.double().abs().flatten(1).sum(1)
    scale = torch.maximum(explanation.score.double().abs(), relevance)
    return (total - explanation.score.double()).abs() / scale.clamp(min=1e-30)


def table_for(case: Case, name: str) -> tuple[Composite, tuple[float, float] | None]:
    """The composite, and bounds if it needs them: a z-box has to stand where they are known."""
    table = TABLES[name]
    if name == "argmax" and "ConvTranspose" in repr(case.network):
        table = TABLES["epsilon_plus"]  # transposed convolutions have no such rule
    if table.bounded and not case.starts_with_weights:
        table = Composite(table.dense, table.convolution)
        table = TABLES["gamma"] if table.bounded else table
    return table, (-0.5, 1.0) if table.bounded else None


@many
@given(cases(), st.sampled_from(sorted(TABLES)), st.integers(0, 3))
def test_a_random_network_is_explained_and_left_alone(case: Case, name: str, target: int) -> None:
    table, bounds = table_for(case, name)
    for dtype, closes, agrees in ((torch.float64, 1e-9, 1e-9), (torch.float32, 1e-5, 1e-4)):
        network, inputs = copy.deepcopy(case.network).to(dtype), case.inputs.to(dtype)
        with torch.no_grad():
            given = network(inputs.clone())
            scores = given[0] if isinstance(given, tuple) else given
        before, kept = state_of(network), inputs.clone()
        explainer = Explainer(network, table, bounds)
        action = target % scores.shape[1]
        explanation, again = explainer(inputs, action), explainer(inputs, action)
        frozen = Explainer(network, table, bounds, frozen=True)(inputs, action)
        assert_unchanged(before, network)
        assert torch.equal(inputs, kept)
        assert torch.allclose(explanation.outputs.scores, scores, rtol=agrees, atol=agrees * float(scores.abs().max()))
        for other in (again, frozen):
            assert torch.equal(other.values, explanation.values)
            assert all(torch.equal(other.ledger[part], explanation.ledger[part]) for part in explanation.ledger)
        assert explanation.values.shape == inputs.shape
        assert explanation.values.dtype == dtype
        assert explanation.finite.all()
        assert explanation.values.isfinite().all()
        assert (gap(explanation) <= closes).all(), (dtype, gap(explanation), explanation.ledger, explanation.score)


def explained(plan: Plan, inputs: Signal, action: int) -> Tensor:
    with torch.inference_mode():
        signals = plan.forward(inputs)
        scores = signals[plan.scores].tensor
        seeds = torch.zeros_like(scores)
        seeds[:, action] = scores[:, action]
        (values,), _ = plan.backward(signals, {plan.scores: seeds})
    return values


def blindfold(operation: Operation) -> None:
    """Let an operation forget what it knows of the signs of its outputs, and of where relevance will come."""
    forward = operation.forward
    operation.forward = lambda *operands: forward(*operands)._replace(nonnegative=False, rising=False)  # type: ignore[method-assign]


@many
@given(cases(), st.sampled_from(sorted(TABLES)))
def test_what_a_plan_knows_beforehand_saves_work_and_changes_nothing(case: Case, name: str) -> None:
    table, bounds = table_for(case, name)
    knowing, blind = make_plan(case.network, table), make_plan(case.network, table)
    for node in blind.nodes:
        blindfold(node.operation)
    nonnegative = bool(case.inputs.min() >= 0)
    found = explained(knowing, Signal(case.inputs, nonnegative, bounds), 0)
    expected = explained(blind, Signal(case.inputs, False, bounds), 0)
    assert (found - expected).abs().max() <= 1e-8 * expected.abs().max()


@many
@given(cases(), st.sampled_from(sorted(TABLES)))
def test_the_account_of_every_layer_closes(case: Case, name: str) -> None:
    table, bounds = table_for(case, name)
    explanation = Explainer(case.network, table, bounds)(case.inputs, 0, layers=True)
    assert torch.allclose(explanation.layers[0].relevance, explanation.score, rtol=1e-12, atol=0)
    came = torch.stack([account.relevance for account in explanation.layers])
    went = torch.stack([torch.stack(list(account.parts.values())).sum(0) for account in explanation.layers])
    sizes = torch.stack([torch.stack(list(account.parts.values())).abs().sum(0) for account in explanation.layers])
    assert ((came - went).abs() <= 1e-9 * torch.maximum(came.abs(), sizes).clamp(min=1e-12)).all()
    for part in ("bias", "stabiliser", "dropped"):
        each = torch.stack([account.parts[part] for account in explanation.layers])
        assert torch.allclose(
            each.sum(0), explanation.ledger[part], rtol=1e-9, atol=1e-12 * float(1 + each.abs().max())
        )
