"""Sums of sums, and of averages, made one operation of a plan.

What is linear in its inputs is shared out in one go, by one stabiliser. Step by step, a sum or an average on the way
that happens to be near 0 would hand all its relevance to the stabiliser: in the dueling head V + A - mean(A) the mean
of the advantages is often just that, for training does not pin it down.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from inspector.lrp.operations import Rearrangement, transposed
from inspector.lrp.plan import Node, Operation, Plan
from inspector.lrp.rules import STABILISER
from inspector.lrp.signal import Shares, Signal, Where, divided
from inspector.lrp.sums import Average, Sum, with_account

Change = Callable[[Tensor], Tensor]


class Term(NamedTuple):
    """One term of a sum.

    Attributes:
        operand: The signal it is made of.
        sign: 1.0 or -1.0.
        changes: Averages and rearrangements on the way from the signal to the sum, in order.
    """

    operand: int
    sign: float
    changes: tuple[Change, ...] = ()

    def of(self, values: Tensor) -> Tensor:
        """What the term adds, but for its sign."""
        for change in self.changes:
            values = change(values)
        return values


class Combination(Operation):
    """A sum of signals and of averages of signals.

    R_i = x_i w_i R / st(sum), with w_i what the sum counts x_i by: the epsilon rule of its fixed weights.

    Args:
        place: Where it stands.
        terms: What it adds, one an operand.
        steps: The nodes that it is made of, in order, each with the signal that it gives: the network's own order
            of adding up, so that scores are rounded as the network rounds them.

    Source: Bach et al. 2015, doi:10.1371/journal.pone.0130140.
    """

    def __init__(self, place: str, terms: Sequence[Term], steps: Sequence[tuple[int, Node]]) -> None:
        super().__init__(place)
        self._terms, self._steps = tuple(terms), tuple(steps)

    def forward(self, *operands: Signal) -> Signal:  # noqa: D102 - said by Operation, as for all below
        signals = {term.operand: operand for term, operand in zip(self._terms, operands, strict=True)}
        for index, node in self._steps:
            signals[index] = node.operation.forward(*(signals[operand] for operand in node.operands))
        return signals[index]

    def where(self, outputs: Where) -> Where:  # noqa: D102
        return Where.NONZERO

    def backward(self, operands: tuple[Signal, ...], output: Signal, relevance: Tensor) -> Sequence[Shares | None]:  # noqa: D102
        quotient, taken = divided(relevance, output.tensor, STABILISER)
        shares: list[Shares] = []
        for term, operand in zip(self._terms, operands, strict=True):
            part = _counted(term, operand.tensor, quotient).mul_(operand.tensor)
            shares.append(Shares(part if term.sign > 0 else part.neg_()))
        return with_account(shares, relevance, taken)


def fused(plan: Plan) -> Plan:
    """The plan with its sums of sums, and of averages, made one; the same plan if there are none."""
    uses = Counter(operand for node in plan.nodes for operand in node.operands)
    uses.update(index for index in (plan.scores, plan.value, *plan.memory) if index is not None)
    search = _Search(plan, uses)
    nodes = {index: search.rewritten(index, node) for index, node in enumerate(plan.nodes, plan.inputs)}
    if not search.absorbed:
        return plan
    return plan.with_nodes({index: node for index, node in nodes.items() if index not in search.absorbed})


class _Search:
    """Looks from sums backward for what can become a part of them."""

    def __init__(self, plan: Plan, uses: Counter[int]) -> None:
        self._plan, self._uses = plan, uses
        self.absorbed: set[int] = set()
        self._below: set[int] = set()

    def rewritten(self, index: int, node: Node) -> Node:
        """The node that gives a signal, as a combination if it is a sum of more than plain signals."""
        self._below = set()
        terms = self._terms(node, 1.0)
        if not self._below:
            return node
        self.absorbed |= self._below
        steps = [(each, self._plan.nodes[each - self._plan.inputs]) for each in sorted(self._below)]
        combination = Combination(node.operation.place, terms, [*steps, (index, node)])
        return Node(combination, tuple(term.operand for term in terms))

    def _terms(self, node: Node, sign: float) -> list[Term]:
        """The terms of a sum; none of anything else."""
        if not isinstance(node.operation, Sum):
            return [Term(operand, sign) for operand in node.operands]
        terms: list[Term] = []
        for own, operand in zip(node.operation.signs, node.operands, strict=True):
            below = self._only_use(operand)
            if below is not None and isinstance(below.operation, Sum):
                self._below.add(operand)
                terms += self._terms(below, sign * own)
            else:
                terms.append(self._averaged(operand, sign * own))
        return terms

    def _averaged(self, operand: int, sign: float) -> Term:
        """A term, from below the averages and the rearrangements after them."""
        passed: list[int] = []
        changes: list[Change] = []
        term, index = Term(operand, sign), operand
        while (node := self._only_use(index)) is not None and len(node.operands) == 1:
            if not isinstance(node.operation, (Average, Rearrangement)):
                break
            passed.append(index)
            changes.insert(0, node.operation.change)
            (index,) = node.operands
            if isinstance(node.operation, Average):
                self._below.update(passed)
                term = Term(index, sign, tuple(changes))
        return term

    def _only_use(self, index: int) -> Node | None:
        """The node that gives a signal which nothing else uses; None for any other signal."""
        return (
            self._plan.nodes[index - self._plan.inputs]
            if index >= self._plan.inputs and self._uses[index] == 1
            else None
        )


def _counted(term: Term, values: Tensor, quotient: Tensor) -> Tensor:
    """The quotients of all outputs, by what each value counts there: sum_j w_ij s_j."""
    if not term.changes:
        return quotient.sum_to_size(values.shape).clone()
    return transposed(lambda origin: torch.broadcast_to(term.of(origin), quotient.shape), values, quotient)
