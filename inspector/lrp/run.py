"""One pass of a network: what it gave, and its explanations."""

from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from inspector.errors import UnsupportedError, UsageError
from inspector.lrp.checks import outputs_of
from inspector.lrp.dense import Dense
from inspector.lrp.operations import Linear
from inspector.lrp.plan import Account, Node, Plan
from inspector.lrp.rounding import closes
from inspector.lrp.signal import Signal, per_decision
from inspector.lrp.targets import Indices, Outputs, Target, seeds_of


@dataclass(frozen=True, slots=True, eq=False)
class Explanation:
    """The relevance of a batch of decisions.

    The tensors were made in inference mode: clone one to change it in place.

    Attributes:
        values: Signed relevance of every input value, in the shape of the inputs and the unit of the score.
        score: The explained score, (batch,).
        ledger: By `inspector.records.LEDGER_PARTS` the part of the score that went there, (batch,) each, and as
            `memory` what went to the memory of a recurrent network; the parts add up to the score.
        outputs: What the network gave: scores (batch, actions), and value (batch,) or None.
        memory: Relevance of every part of the memory that was given, in its shape; empty for other networks.
        layers: The account of every operation from the scores to the input; empty unless it was asked for.
    """

    values: Tensor
    score: Tensor
    ledger: dict[str, Tensor]
    outputs: Outputs
    memory: tuple[Tensor, ...] = ()
    layers: tuple[Account, ...] = ()

    @property
    def finite(self) -> Tensor:
        """Whether inputs, score and relevance of a decision are finite, (batch,).

        Where the inputs or the score are not, the relevance is not either: it is never hidden as zero.
        """
        memory = [per_decision(part) for part in self.memory]
        return torch.stack([per_decision(self.values), self.score, *memory]).isfinite().all(0)


class Run:
    """One pass of a network, which can be explained as often as one likes without another.

    Attributes:
        outputs: What the network gave: scores (batch, actions), and value (batch,) or None.
        memory: The parts of a recurrent network's memory after this step; empty for other networks.
    """

    def __init__(self, plan: Plan, signals: list[Signal], unfit: Tensor | None, dtype: torch.dtype) -> None:
        """Made by `Explainer.run`."""
        self._plan, self._signals, self._unfit, self._dtype = plan, signals, unfit, dtype
        self._once, self._coarse = False, signals[0].tensor.dtype == torch.bfloat16
        value = None if plan.value is None else signals[plan.value].tensor
        self.outputs = outputs_of(signals[plan.scores].tensor, value, len(signals[0].tensor))
        self.memory = tuple(signals[index].tensor.to(dtype) for index in plan.memory)

    def explain(self, target: Target = "score", *, actions: Indices | None = None, layers: bool = False) -> Explanation:
        """Explain the decisions of this pass; arguments and errors are those of `Explainer`."""
        with plain_torch(self._signals[0].tensor):
            explanation = self._explained(target, actions, layers)
            return explanation if self._closes(explanation) else self._explained(target, actions, layers, careful=True)

    def explain_once(self, target: Target, *, actions: Indices | None, layers: bool) -> Explanation | None:
        """As `explain`, and give the pass up on the way: memory is used again while it is warm.

        Returns:
            None if the ledger does not close for rounding: run the network anew, and `explain_carefully`.
        """
        self._once = True
        explanation = self._explained(target, actions, layers)
        return explanation if self._closes(explanation) else None

    def explain_carefully(self, target: Target, *, actions: Indices | None, layers: bool) -> Explanation:
        """As `explain`, with what rounding loses counted."""
        return self._explained(target, actions, layers, careful=True)

    def hidden_relevance(self, target: Target = "score", *, actions: Indices | None = None) -> Tensor:
        """Carry relevance from the scores to the neurons of the last hidden layer, and no further.

        Returns:
            Relevance of every neuron, (batch, neurons).

        Raises:
            UnsupportedError: If the scores are not made by one dense layer from one hidden layer, as dueling heads are.
            UsageError: As `Explainer`; and if the target is the value.
        """
        node, hidden = self._last_layer()
        with plain_torch(self._signals[0].tensor):
            seeds = seeds_of(target, actions, self.outputs)
            if seeds.scores is None:
                raise UsageError("the value is none of the scores: choose another target for hidden neurons")
            output = self._signals[self._plan.scores]
            relevance = seeds.scores.to(output.tensor.dtype)
            (shares,) = node.operation.backward((self._signals[hidden],), output, relevance)
            assert shares is not None  # a dense layer has something for its input
            return shares.inputs.to(self._dtype)

    def explain_hidden(self, relevance: Tensor) -> Tensor:
        """Carry relevance from the neurons of the last hidden layer to the network input.

        Args:
            relevance: Of every neuron, (batch, neurons): `hidden_relevance`, or a part of it.

        Returns:
            Relevance of every input value, in the shape of the inputs.

        Raises:
            UnsupportedError: As `hidden_relevance`.
        """
        _, hidden = self._last_layer()
        with plain_torch(self._signals[0].tensor):
            seeds = {hidden: relevance.to(self._signals[hidden].tensor.dtype, copy=True)}
            (values, *_), _ = self._plan.backward(self._signals, seeds)
            return self._without_unfit(values.to(self._dtype))

    def _last_layer(self) -> tuple[Node, int]:
        """The dense layer that makes the scores, and the signal that it takes."""
        plan = self._plan
        if plan.scores >= plan.inputs:
            node = plan.nodes[plan.scores - plan.inputs]
            is_dense = isinstance(node.operation, Linear) and isinstance(node.operation.layer, Dense)
            if is_dense and node.operands[0] >= plan.inputs and self._signals[node.operands[0]].tensor.dim() == 2:
                return node, node.operands[0]
        raise UnsupportedError(
            "the network's scores are not made by one dense layer from one hidden layer: no neurons to look at alone"
        )

    def _without_unfit(self, values: Tensor) -> Tensor:
        """Relevance of inputs, NaN where those are not finite: a rule that does not look at them would hide it."""
        if self._unfit is not None:
            values[self._unfit] = torch.nan
        return values

    def _closes(self, explanation: Explanation) -> bool:
        """Whether the ledger of an explanation adds up; where much cancels, rounding has to be measured for that."""
        if self._coarse:
            return True
        return closes(tuple(explanation.ledger.values()), explanation.score, explanation.values)

    def _explained(
        self, target: Target, actions: Indices | None, layers: bool, *, careful: bool = False
    ) -> Explanation:
        plan, signals, outputs = self._plan, self._signals, self.outputs
        seeds = seeds_of(target, actions, outputs)
        if seeds.scores is not None:
            start = {plan.scores: seeds.scores.to(signals[plan.scores].tensor.dtype)}
        else:
            assert plan.value is not None  # seeds_of refuses a value that is not there
            start = {plan.value: signals[plan.value].tensor.clone()}
        accounts: list[Account] | None = [] if layers else None
        (values, *memory), taken = plan.backward(signals, start, accounts, keep=not self._once, careful=careful)
        values = self._without_unfit(values.to(self._dtype))
        ledger = {"input": per_decision(values)}
        if memory:
            ledger["memory"] = torch.stack([per_decision(part) for part in memory]).sum(0)
        parts = tuple(part.to(self._dtype) for part in memory)
        return Explanation(values, seeds.score, ledger | taken, outputs, parts, tuple(accounts or ()))


def plain_torch(inputs: Tensor) -> AbstractContextManager[Any]:
    """Neither gradients nor a change of precision that the caller has asked for."""
    device = inputs.device.type
    mkldnn: Any = torch.backends.mkldnn
    usual = mkldnn.is_available() and mkldnn.enabled
    if device == "cpu" and usual and not torch.is_autocast_enabled("cpu"):
        return torch.inference_mode()
    stack = ExitStack()
    stack.enter_context(torch.backends.nnpack.flags(enabled=False))  # it is coarse where values are small
    stack.enter_context(torch.inference_mode())
    stack.enter_context(torch.autocast(device, enabled=False))
    if device == "cuda":  # single precision means single precision
        stack.enter_context(torch.backends.cudnn.flags(enabled=True, allow_tf32=False))
    return stack
