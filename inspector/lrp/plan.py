"""A plan: the operations of a network in order, run forward on inputs and backward with relevance."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from inspector.errors import UsageError
from inspector.lrp.kernels import laid_out_like
from inspector.lrp.rounding import Scale
from inspector.lrp.signal import Shares, Signal, Taken, Where, added_up, per_decision, wide

TAKEN = ("bias", "stabiliser", "dropped")
"""Where relevance can go beside the inputs."""


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
    def backward(self, operands: tuple[Signal, ...], output: Signal, relevance: Tensor) -> Sequence[Shares | None]:
        """Share the output's relevance, which may be overwritten.

        Returns:
            One `Shares` an operand, None for one that gets nothing; together they account for all of it.
        """

    def where(self, outputs: Where) -> Where:
        """To which inputs relevance can come, given to which outputs it comes."""
        return Where.ANYWHERE

    def expect(self, where: Where) -> None:  # noqa: B027 - most operations do not care
        """Learn to which outputs relevance will come."""

    def refresh(self) -> None:  # noqa: B027 - most operations have no weights
        """Notice changes of weights."""

    def freeze(self) -> None:  # noqa: B027
        """Take it that no weight will change."""


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """One operation of a plan.

    Attributes:
        operation: What is done.
        operands: The signals it takes.
    """

    operation: Operation
    operands: tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Account:
    """Where the relevance went that came to one operation.

    Attributes:
        place: Where the operation stands in the network.
        relevance: What came, (batch,).
        parts: What went to the operation's inputs, and by `TAKEN` elsewhere, (batch,) each.
    """

    place: str
    relevance: Tensor
    parts: dict[str, Tensor]


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """A network as operations in an order in which they can run.

    Signals are counted: first the inputs, then what each node gives.

    Attributes:
        inputs: How many inputs the network takes: its network input, and the parts of its memory.
        nodes: The operations.
        scores: The signal that holds the scores, (batch, actions).
        value: The signal that holds the critic's value; None without a critic.
        memory: The signals that hold the memory after this step.
    """

    inputs: int
    nodes: tuple[Node, ...]
    scores: int
    value: int | None
    memory: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        """Tell every operation to which of its outputs relevance will come."""
        where = [Where.POSITIVE] * (self.inputs + len(self.nodes))
        for index in self.outputs:
            where[index] = Where.ANYWHERE
        for index in range(len(where) - 1, self.inputs - 1, -1):
            node = self.nodes[index - self.inputs]
            node.operation.expect(where[index])
            for operand in node.operands:
                where[operand] = min(where[operand], node.operation.where(where[index]))

    @property
    def outputs(self) -> tuple[int, ...]:
        """The signals of all that the network gives: scores, value if there is one, memory."""
        return (self.scores, *(() if self.value is None else (self.value,)), *self.memory)

    def with_nodes(self, nodes: Mapping[int, Node]) -> "Plan":
        """The plan of these nodes alone, by the signals that they give, with operands as they are counted here."""
        new = {index: number for number, index in enumerate((*range(self.inputs), *nodes))}
        return Plan(
            self.inputs,
            tuple(Node(node.operation, tuple(new[operand] for operand in node.operands)) for node in nodes.values()),
            new[self.scores],
            None if self.value is None else new[self.value],
            tuple(new[index] for index in self.memory),
        )

    def refresh(self) -> None:
        """Notice changes of weights."""
        for node in self.nodes:
            node.operation.refresh()

    def freeze(self) -> None:
        """Take it that no weight will change."""
        for node in self.nodes:
            node.operation.freeze()

    def forward(self, *inputs: Signal) -> list[Signal]:
        """Run the network.

        Returns:
            Every signal, those of the inputs first.

        Raises:
            UsageError: If the inputs do not fit.
            UnsupportedError: If an operation does something else than its rule takes for granted.
        """
        signals = list(inputs)
        for node in self.nodes:
            operands = [signals[index] for index in node.operands]
            try:
                signals.append(node.operation.forward(*operands))
            except torch.OutOfMemoryError:
                raise
            except (RuntimeError, IndexError, ValueError, UsageError) as error:
                shape, (reason, *_) = tuple(inputs[0].tensor.shape), str(error).splitlines()
                raise UsageError(
                    f"inputs of shape {shape} do not fit the network at {node.operation.place}: {reason}"
                ) from error
        return signals

    def backward(
        self,
        signals: list[Signal],
        seeds: Mapping[int, Tensor],
        accounts: list[Account] | None = None,
        *,
        keep: bool = True,
        careful: bool = False,
    ) -> tuple[list[Tensor], dict[str, Tensor]]:
        """Carry relevance from the outputs back to the inputs.

        Args:
            signals: What `forward` gave.
            seeds: Relevance of outputs, by signal; may be overwritten.
            accounts: Takes the account of every operation on the way, the last first; None if nobody asks.
            keep: Whether the signals are needed again; else each is given up when it is done with.
            careful: Whether to measure in double precision what rounding loses at every operation, and to count it
                with the stabiliser: where relevance of both signs nearly cancels, that is more than the rest.

        Returns:
            Relevance of every input, and by `TAKEN` what went elsewhere, (batch,) each.
        """
        relevance = dict(seeds)
        ledger, inputs = _Ledger(signals[0].tensor), signals[: self.inputs]
        for index in range(len(signals) - 1, self.inputs - 1, -1):
            if index not in relevance:
                continue  # does not lead to what is explained
            node, given = self.nodes[index - self.inputs], relevance.pop(index)
            came = None if accounts is None else per_decision(given)
            scale = Scale(given) if careful else None
            operands = tuple(signals[operand] for operand in node.operands)
            all_shares = node.operation.backward(operands, signals[index], given)
            if not keep:
                signals[index] = _GONE
            if accounts is not None and came is not None:
                accounts.append(_account(node.operation.place, came, all_shares))
            if scale is not None:
                ledger.add_rounding(scale.missing(all_shares))
            for number, (operand, shares) in enumerate(zip(node.operands, all_shares, strict=False)):
                if shares is not None:
                    values = laid_out_like(shares.inputs, operands[number].tensor)
                    relevance[operand] = relevance[operand].add_(values) if operand in relevance else values
                    ledger.add(shares)
        found = [relevance.get(i) for i in range(self.inputs)]
        return [
            torch.zeros_like(signal.tensor) if values is None else values
            for signal, values in zip(inputs, found, strict=True)
        ], ledger.parts


_GONE = Signal(torch.empty(0))


class _Ledger:
    """Collects what did not reach the inputs."""

    def __init__(self, like: Tensor) -> None:
        self._like = like
        self._taken: list[Taken] = []
        self._parts: dict[str, list[Tensor]] = {part: [] for part in TAKEN}

    def add(self, shares: Shares) -> None:
        _, taken, *amounts = shares
        self._taken += taken
        for part, amount in zip(TAKEN, amounts, strict=True):
            if amount is not None:
                self._parts[part].append(amount)

    def add_rounding(self, missing: Tensor) -> None:
        self._parts["stabiliser"].append(missing)

    @property
    def parts(self) -> dict[str, Tensor]:
        """By `TAKEN`, (batch,) each."""
        bias, stabiliser = added_up(self._taken).unbind(1) if self._taken else (None, None)
        also = (bias, stabiliser, None)
        return {part: self._summed(self._parts[part], amount) for part, amount in zip(TAKEN, also, strict=True)}

    def _summed(self, amounts: list[Tensor], also: Tensor | None) -> Tensor:
        amounts = amounts if also is None else [*amounts, also]
        if not amounts:
            return self._like.new_zeros(len(self._like), dtype=wide(self._like.dtype))
        return amounts[0] if len(amounts) == 1 else torch.stack(amounts).sum(0)


def _account(place: str, came: Tensor, all_shares: Sequence[Shares | None]) -> Account:
    ledger, reached = _Ledger(came), torch.zeros_like(came)
    for shares in all_shares:
        if shares is not None:
            reached += per_decision(shares.inputs)
            ledger.add(shares)
    return Account(place, came, {"input": reached, **ledger.parts})
