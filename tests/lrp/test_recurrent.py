"""Recurrent networks against Arras' rule written out slowly, and torch's own LSTM."""

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from inspector.errors import UnsupportedError, UsageError
from inspector.lrp import COMPOSITES, Explainer

EPSILON = 1e-6
FEATURES, SIZE, ACTIONS, BATCH = 5, 4, 3, 6


class OfCell(nn.Module):
    """A recurrent policy around an LSTMCell."""

    def __init__(self, bias: bool = True) -> None:
        super().__init__()
        self.cell, self.policy = nn.LSTMCell(FEATURES, SIZE, bias=bias), nn.Linear(SIZE, ACTIONS)

    def forward(self, inputs: Tensor, hidden: Tensor, cell: Tensor) -> Any:
        hidden, cell = self.cell(inputs, (hidden, cell))
        return self.policy(hidden), None, (hidden, cell)


class OfLSTM(nn.Module):
    """The same around an LSTM that takes one step."""

    def __init__(self, bias: bool = True) -> None:
        super().__init__()
        self.lstm, self.policy = nn.LSTM(FEATURES, SIZE, bias=bias), nn.Linear(SIZE, ACTIONS)

    def forward(self, inputs: Tensor, hidden: Tensor, cell: Tensor) -> Any:
        output, (hidden, cell) = self.lstm(inputs.unsqueeze(0), (hidden.unsqueeze(0), cell.unsqueeze(0)))
        return self.policy(output.squeeze(0)), None, (hidden.squeeze(0), cell.squeeze(0))


KINDS: list[Callable[[], nn.Module]] = [OfCell, OfLSTM]


def made(kind: Callable[..., nn.Module], *args: Any, seed: int = 0) -> Any:
    torch.manual_seed(seed)
    return kind(*args).double().eval()


def remembered(seed: int = 1, scale: float = 1.0) -> tuple[Tensor, Tensor, Tensor]:
    """An input, a hidden state and a cell."""
    generator = torch.Generator().manual_seed(seed)
    sizes = (FEATURES, SIZE, SIZE)
    inputs, hidden, cell = (torch.randn(BATCH, n, generator=generator, dtype=torch.float64) for n in sizes)
    return inputs, hidden * scale, cell * scale


def steady(value: float) -> float:
    return value + EPSILON if value >= 0 else value - EPSILON


def dense(weight: Tensor, bias: Tensor, inputs: list[float], relevance: list[float]) -> list[float]:
    """The epsilon rule of a dense layer, number by number."""
    shares = [0.0] * len(inputs)
    for k, given in enumerate(relevance):
        total = float(bias[k]) + sum(float(weight[k, j]) * value for j, value in enumerate(inputs))
        for j, value in enumerate(inputs):
            shares[j] += value * float(weight[k, j]) * given / steady(total)
    return shares


class ByHand:
    """One step of an LSTM for one decision, and the rule of Arras et al. 2017 through it, number by number."""

    def __init__(self, module: Any, inputs: Tensor, hidden: Tensor, cell: Tensor) -> None:
        suffix = "_l0" if isinstance(module, nn.LSTM) else ""
        names = [f"{kind}_{way}{suffix}" for kind in ("weight", "bias") for way in ("ih", "hh")]
        of_input, of_hidden, *biases = (getattr(module, name, None) for name in names)
        self.weight = torch.cat([of_input, of_hidden], 1).detach()
        self.bias = (
            torch.zeros(4 * SIZE, dtype=torch.float64) if biases[0] is None else (biases[0] + biases[1]).detach()
        )
        self.taken = [*inputs.tolist(), *hidden.tolist()]
        sums = (self.weight @ torch.tensor(self.taken, dtype=torch.float64) + self.bias).tolist()
        rows = [sums[number * SIZE : (number + 1) * SIZE] for number in range(4)]  # input, forget, candidate, output
        take_in, keep, let_out = ([1 / (1 + math.exp(-value)) for value in rows[number]] for number in (0, 1, 3))
        candidate = [math.tanh(value) for value in rows[2]]
        self.new = [i * g for i, g in zip(take_in, candidate, strict=True)]
        self.kept = [f * c for f, c in zip(keep, cell.tolist(), strict=True)]
        self.cell = [kept + new for kept, new in zip(self.kept, self.new, strict=True)]
        self.hidden = [o * math.tanh(c) for o, c in zip(let_out, self.cell, strict=True)]

    def share(self, of_hidden: list[float], of_cell: list[float] | None = None) -> tuple[list[float], ...]:
        """Relevance of inputs, hidden state and cell before the step, by that of hidden state and cell after it."""
        given = [h + c for h, c in zip(of_hidden, of_cell or [0.0] * SIZE, strict=True)]
        to_kept = [k * r / steady(c) for k, c, r in zip(self.kept, self.cell, given, strict=True)]
        to_new = [n * r / steady(c) for n, c, r in zip(self.new, self.cell, given, strict=True)]
        rows = slice(2 * SIZE, 3 * SIZE)
        below = dense(self.weight[rows], self.bias[rows], self.taken, to_new)
        return below[: len(self.taken) - SIZE], below[-SIZE:], to_kept


def by_hand(network: Any, action: int, inputs: Tensor, hidden: Tensor, cell: Tensor) -> tuple[Tensor, ...]:
    """Relevance of the inputs, the hidden state and the cell for the score of an action, of a whole batch."""
    module = network.cell if hasattr(network, "cell") else network.lstm
    rows = []
    for one in range(len(inputs)):
        step = ByHand(module, inputs[one], hidden[one], cell[one])
        weight, bias = (tensor.detach()[action : action + 1] for tensor in (network.policy.weight, network.policy.bias))
        score = float(bias[0]) + sum(float(weight[0, j]) * value for j, value in enumerate(step.hidden))
        rows.append(step.share(dense(weight, bias, step.hidden, [score])))
    return tuple(torch.tensor([row[part] for row in rows], dtype=torch.float64) for part in range(3))


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_relevance_is_that_of_arras_rule_written_out(kind: Callable[..., nn.Module], bias: bool) -> None:
    network, (inputs, *memory) = made(kind, bias), remembered()
    explanation = Explainer(network, "epsilon")(inputs, 1, memory=memory)
    expected = by_hand(network, 1, inputs, *memory)
    for found, wanted in zip((explanation.values, *explanation.memory), expected, strict=True):
        torch.testing.assert_close(found, wanted, rtol=1e-9, atol=1e-12)
    assert len(explanation.memory) == 2


def test_the_ledger_tells_the_share_of_the_memory_and_closes() -> None:
    for kind in KINDS:
        network, (inputs, *memory) = made(kind), remembered()
        explanation = Explainer(network)(inputs, memory=memory)
        share = sum(part.sum(1) for part in explanation.memory)
        torch.testing.assert_close(explanation.ledger["memory"], share, rtol=1e-12, atol=1e-12)
        total = sum(explanation.ledger.values())
        assert set(explanation.ledger) == {"input", "memory", "bias", "stabiliser", "dropped"}
        torch.testing.assert_close(total, explanation.score, rtol=0, atol=1e-9)
        assert float(share.abs().min()) > 1e-3


class Deep(OfCell):
    """With a layer before the LSTM."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(7, FEATURES), nn.ReLU())

    def forward(self, inputs: Tensor, hidden: Tensor, cell: Tensor) -> Any:
        return super().forward(self.trunk(inputs), hidden, cell)


@pytest.mark.parametrize("composite", sorted(COMPOSITES))
@pytest.mark.parametrize(("kind", "columns"), [(Deep, 7), (OfCell, FEATURES)])
def test_the_ledger_of_a_recurrent_network_closes_under_every_composite(
    kind: Callable[..., nn.Module], columns: int, composite: str
) -> None:
    _, *memory = remembered()
    inputs = torch.rand(BATCH, columns, dtype=torch.float64)
    explanation = Explainer(made(kind), composite, (0.0, 1.0))(inputs, memory=memory)
    size = explanation.values.abs().sum(1) + sum(part.abs().sum(1) for part in explanation.memory)
    gap = (sum(explanation.ledger.values()) - explanation.score).abs()
    assert bool((gap <= 1e-9 * torch.maximum(explanation.score.abs(), size)).all())


@pytest.mark.parametrize("kind", KINDS)
def test_scores_and_memory_are_torchs_own_over_many_steps(kind: Callable[..., nn.Module]) -> None:
    for dtype, bound in ((torch.float64, 1e-13), (torch.float32, 1e-6)):
        network = made(kind).to(dtype)
        explainer, memory = Explainer(network), tuple(torch.zeros(BATCH, SIZE, dtype=dtype) for _ in range(2))
        own = memory
        for step in range(6):
            inputs = torch.randn(BATCH, FEATURES, generator=torch.Generator().manual_seed(step)).to(dtype)
            run = explainer.run(inputs, memory=memory)
            with torch.no_grad():
                scores, _, own = network(inputs, *own)
            memory = run.memory
            torch.testing.assert_close(run.outputs.scores, scores, rtol=bound, atol=bound)
            for found, wanted in zip(memory, own, strict=True):
                torch.testing.assert_close(found, wanted, rtol=bound, atol=bound)
            explanation = run.explain()
            assert (float(explanation.ledger["memory"].abs().max()) == 0) == (step == 0)


def test_an_empty_memory_takes_nothing() -> None:
    network, (inputs, *memory) = made(OfCell), remembered(scale=0.0)
    explanation = Explainer(network)(inputs, memory=memory)
    assert all(not part.any() for part in explanation.memory)
    assert not explanation.ledger["memory"].any() and bool(explanation.values.any())


def test_two_steps_within_one_forward_are_explained_back_to_the_first_input() -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.cell, self.policy = nn.LSTMCell(FEATURES, SIZE), nn.Linear(SIZE, ACTIONS)

        def forward(self, inputs: Tensor, hidden: Tensor, cell: Tensor) -> Any:
            for number in range(2):
                hidden, cell = self.cell(inputs[:, number], (hidden, cell))
            return self.policy(hidden), None, (hidden, cell)

    network, (_, hidden, cell) = made(Twice), remembered()
    inputs = torch.randn(BATCH, 2, FEATURES, dtype=torch.float64)
    explanation = Explainer(network, "epsilon")(inputs, 0, memory=(hidden, cell))
    for one in range(BATCH):
        first = ByHand(network.cell, inputs[one, 0], hidden[one], cell[one])
        states = (torch.tensor(values, dtype=torch.float64) for values in (first.hidden, first.cell))
        second = ByHand(network.cell, inputs[one, 1], *states)
        weight, bias = network.policy.weight.detach()[:1], network.policy.bias.detach()[:1]
        score = float(explanation.score[one])
        last, of_hidden, of_cell = second.share(dense(weight, bias, second.hidden, [score]))
        wanted = [first.share(of_hidden, of_cell)[0], last]
        torch.testing.assert_close(explanation.values[one].tolist(), wanted, rtol=1e-9, atol=1e-12)


def test_weights_changed_in_place_are_noticed() -> None:
    network, (inputs, *memory) = made(OfCell), remembered()
    explainer = Explainer(network, "epsilon")
    before = explainer(inputs, 0, memory=memory).values
    network.cell.weight_ih.data.mul_(1.5)
    after = explainer(inputs, 0, memory=memory).values
    torch.testing.assert_close(after, by_hand(network, 0, inputs, *memory)[0], rtol=1e-9, atol=1e-12)
    assert not torch.allclose(before, after)


def test_a_memory_that_is_missing_is_asked_for() -> None:
    network, (inputs, hidden, cell) = made(OfCell), remembered()
    explainer = Explainer(network)
    with pytest.raises(UsageError, match=r"takes a memory of 2 tensors after its input, and 0 were given: pass memory"):
        explainer(inputs)
    with pytest.raises(UsageError, match="takes a memory of 2 tensors after its input, and 1 were given"):
        explainer(inputs, memory=(hidden,))
    with pytest.raises(UsageError, match=r"do not fit the network at LSTMCell \(cell\)"):
        explainer(inputs, memory=(hidden[:, :2], cell))


class Alone(nn.Module):
    """An LSTM as an argument says, on inputs and a memory that another says."""

    def __init__(self, lstm: nn.Module, call: Callable[..., Any]) -> None:
        super().__init__()
        self.lstm, self.call = lstm, call

    def forward(self, inputs: Tensor, hidden: Tensor, cell: Tensor) -> Any:
        return self.call(self.lstm, inputs, hidden, cell)


@pytest.mark.parametrize(
    ("lstm", "call", "message"),
    [
        (nn.LSTMCell(5, 4), lambda lstm, x, h, c: lstm(x)[0], "starts without a memory"),
        (nn.LSTM(5, 4), lambda lstm, x, h, c: lstm(x)[0], "only one step of it has one"),
        (nn.LSTM(5, 4), lambda lstm, x, h, c: lstm(x, (h, c))[0], "only one step of it has one"),
        (
            nn.LSTM(5, 4, num_layers=2),
            lambda lstm, x, h, c: lstm(x.unsqueeze(0), (h.unsqueeze(0), c.unsqueeze(0)))[0][0],
            "only one layer, one direction",
        ),
        (nn.GRUCell(5, 4), lambda gru, x, h, c: gru(x, h), r"GRUCell \(lstm\) has no rule"),
    ],
)
def test_recurrence_without_a_rule_is_refused_with_what_to_do(
    lstm: nn.Module, call: Callable[..., Any], message: str
) -> None:
    with pytest.raises(UnsupportedError, match=message):
        Explainer(Alone(lstm, call))
