"""A plan: the operations of a network in order, run forward on inputs and backward with relevance."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from inspector.errors import UnsupportedError, UsageError
from inspector.lrp.layers import LinearLayer
from inspector.lrp.rules import Rule, Shares, Signal
from inspector.records import LEDGER_PARTS


class Operation(ABC):
    """What happens at one place of a network.

    Attributes:
        place: Where that is, for messages.
    """

    def __init__(self, place: str) -> None:
        self.place = place

    @abstractmethod
    def forward(self, *operands: Signal) -> Signal:
        """What the operation gives."""

    @abstractmethod
    def backward(self, operands: tuple[Signal, ...], output: Signal, relevance: Tensor) -> tuple[Shares, ...]:
        """Share the output's relevance: one `Shares` an operand, which together account for all of it."""


class Linear(Operation):
    """A layer linear in its input, with its rule."""

    def __init__(self, place: str, layer: LinearLayer, rule: Rule) -> None:
        super().__init__(place)
        self._layer = layer
        self._rule = rule

    def forward(self, *operands: Signal) -> Signal:  # noqa: D102 - said by Operation, as for all below
        (inputs,) = operands
        weight, seen = self._layer.weight, inputs.tensor
        if (seen.dtype, seen.device) != (weight.dtype, weight.device):
            raise UsageError(
                f"values are {seen.dtype} on {seen.device}, weights {weight.dtype} on {weight.device}: make them alike"
            )
        self._layer.refresh()
        self._layer.check(seen)
        return Signal(self._layer.forward(seen, weight, self._layer.bias))

    def backward(self, operands: tuple[Signal, ...], output: Signal, relevance: Tensor) -> tuple[Shares, ...]:  # noqa: D102
        return (self._rule(self._layer, operands[0], output.tensor, relevance),)


class ReLU(Operation):
    """A rectifier: an output's relevance is its input's, with no mask."""

    def forward(self, *operands: Signal) -> Signal:  # noqa: D102
        (inputs,) = operands
        bounds = None if inputs.bounds is None else (max(inputs.bounds[0], 0.0), max(inputs.bounds[1], 0.0))
        return Signal(inputs.tensor.relu(), nonnegative=True, bounds=bounds)

    def backward(self, operands: tuple[Signal, ...], output: Signal, relevance: Tensor) -> tuple[Shares, ...]:  # noqa: D102
        return (Shares(relevance),)


class Reshape(Operation):
    """The same values of each decision in another shape; `change` is a view or a copy of its tensor."""

    def __init__(self, place: str, change: Callable[[Tensor], Tensor]) -> None:
        super().__init__(place)
        self._change = change

    def forward(self, *operands: Signal) -> Signal:  # noqa: D102
        (inputs,) = operands
        tensor = self._change(inputs.tensor)
        if tensor.dim() == 0 or len(tensor) != len(inputs.tensor):
            raise UnsupportedError(
                f"{self.place} turns {tuple(inputs.tensor.shape)} into {tuple(tensor.shape)}, which mixes the "
                "decisions of a batch: keep the first dimension"
            )
        return Signal(tensor, inputs.nonnegative, inputs.bounds)

    def backward(self, operands: tuple[Signal, ...], output: Signal, relevance: Tensor) -> tuple[Shares, ...]:  # noqa: D102
        inputs = operands[0].tensor
        return (Shares(relevance.reshape(inputs.shape).to(inputs.dtype)),)


class Scale(Operation):
    """Multiplication with or division by a constant above 0: a change of unit, which keeps relevance as it is.

    Args:
        place: Where it stands.
        change: `operator.mul` or `operator.truediv`.
        constant: Reads the constant as it is now.
    """

    def __init__(
        self, place: str, change: Callable[[Tensor, Tensor | float], Tensor], constant: Callable[[], Tensor | float]
    ) -> None:
        super().__init__(place)
        self._change = change
        self._constant = constant

    def forward(self, *operands: Signal) -> Signal:  # noqa: D102
        (inputs,) = operands
        constant = self._constant()
        factor = float(self._change(torch.ones((), dtype=torch.float64), float(constant)))
        if not 0 < factor < float("inf"):
            raise UnsupportedError(
                f"{self.place} scales by {factor:g}, which has no rule: only a constant above 0 is a change of unit"
            )
        bounds = None if inputs.bounds is None else (inputs.bounds[0] * factor, inputs.bounds[1] * factor)
        return Signal(self._change(inputs.tensor, constant), inputs.nonnegative, bounds)

    def backward(self, operands: tuple[Signal, ...], output: Signal, relevance: Tensor) -> tuple[Shares, ...]:  # noqa: D102
        return (Shares(relevance),)


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """One operation of a plan.

    Attributes:
        operation: What is done.
        operands: The signals it takes. Signal 0 is the network input, signal i + 1 what node i gives.
    """

    operation: Operation
    operands: tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """A network as operations in an order in which they can run.

    Attributes:
        nodes: The operations.
        scores: The signal that holds the scores, (batch, actions).
        value: The signal that holds the critic's value; None without a critic.
    """

    nodes: tuple[Node, ...]
    scores: int
    value: int | None

    def forward(self, inputs: Signal) -> list[Signal]:
        """Run the network.

        Returns:
            Every signal, that of the network input first.

        Raises:
            UsageError: If the inputs do not fit.
            UnsupportedError: If an operation does something else than its rule takes for granted.
        """
        signals = [inputs]
        for node in self.nodes:
            operands = tuple(signals[index] for index in node.operands)
            try:
                signals.append(node.operation.forward(*operands))
            except torch.OutOfMemoryError:
                raise
            except (RuntimeError, IndexError, UsageError) as error:
                shape, (reason, *_) = tuple(inputs.tensor.shape), str(error).splitlines()
                raise UsageError(
                    f"inputs of shape {shape} do not fit the network at {node.operation.place}: {reason}"
                ) from error
        return signals

    def backward(self, signals: list[Signal], seeds: Mapping[int, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        """Carry relevance from the outputs back to the network input.

        Args:
            signals: What `forward` gave.
            seeds: Relevance of outputs, by signal.

        Returns:
            Relevance of the network input, and the ledger: per part (batch,), together the sum of the seeds.
        """
        relevance = dict(seeds)
        inputs = signals[0].tensor
        ledger = {part: inputs.new_zeros(len(inputs)) for part in LEDGER_PARTS}
        for index in range(len(self.nodes), 0, -1):
            if index not in relevance:
                continue  # does not lead to what is explained
            node = self.nodes[index - 1]
            operands = tuple(signals[operand] for operand in node.operands)
            all_shares = node.operation.backward(operands, signals[index], relevance.pop(index))
            for operand, shares in zip(node.operands, all_shares, strict=True):
                relevance[operand] = relevance[operand] + shares.inputs if operand in relevance else shares.inputs
                for part in ("bias", "stabiliser", "dropped"):
                    ledger[part] = ledger[part] + getattr(shares, part)
        ledger["input"] = relevance[0].flatten(1).sum(1)
        return relevance[0], ledger
