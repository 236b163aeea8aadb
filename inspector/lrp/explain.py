"""The Explainer: prepare a network once, explain a million of its decisions."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from inspector.errors import UsageError
from inspector.lrp.composite import Composite, composite_named
from inspector.lrp.graph import make_plan
from inspector.lrp.plan import Plan
from inspector.lrp.rules import Signal
from inspector.lrp.targets import Indices, Outputs, Target, seeds_of


@dataclass(frozen=True, slots=True, eq=False)
class Explanation:
    """The relevance of a batch of decisions.

    The tensors were made in inference mode: clone one to change it in place.

    Attributes:
        values: Signed relevance of every input value, in the shape of the inputs and the unit of the score.
        score: The explained score, (batch,).
        ledger: By `inspector.records.LEDGER_PARTS` the part of the score that went there, (batch,) each; the parts add
            up to the score.
        outputs: What the network gave: scores (batch, actions), and value (batch,) or None.
    """

    values: Tensor
    score: Tensor
    ledger: dict[str, Tensor]
    outputs: Outputs


class Explainer:
    """Explains decisions of one network by layer-wise relevance propagation.

    The network is traced once and never changed: no hooks, no gradients, no mode. Its weights are read anew at every
    call. Noticed at the next call, and prepared anew, are: weights changed in any way (an optimiser's step,
    `load_state_dict`, `.to`, an edit in place, through `.data` or through numpy), modules replaced, and a change
    between training and evaluation. Not noticed is a change of a plain Python number that `forward` reads, as in
    `x / self.scale`: the trace has fixed it.

    One explainer serves one thread at a time.

    Args:
        network: Takes float (batch, *shape), float32 or float64. Returns scores (batch, actions), or a pair of scores
            and values (batch, 1).
        composite: Name of a preset of `inspector.lrp.COMPOSITES`, or one of your own.
        input_bounds: Smallest and largest possible input value, in the network's own unit: (0, 255) where it divides
            by 255 itself. Only the z-box rule of `epsilon_gamma_box` needs them.

    Raises:
        UnsupportedError: If the network holds an operation that has no rule, or cannot be traced.
        UsageError: If there is no such composite, bounds are missing or empty, or a dropout is active.
    """

    def __init__(
        self,
        network: nn.Module,
        composite: str | Composite = "epsilon_plus",
        input_bounds: tuple[float, float] | None = None,
    ) -> None:
        self._network = network
        self._composite = composite_named(composite) if isinstance(composite, str) else composite
        self._bounds = _checked_bounds(input_bounds, needed=self._composite.bounded)
        self._modules: list[tuple[nn.Module, bool]] = []
        self._plan = self._current_plan()

    def __call__(self, inputs: Tensor, target: Target = "score", *, actions: Indices | None = None) -> Explanation:
        """Explain a batch of decisions.

        A NaN or an infinity in an input makes the relevance of that decision not finite; it is never hidden as zero.

        Args:
            inputs: Network inputs, float (batch, *shape), on the network's device.
            target: What is explained: `score` of the action, `contrast` (less the best other action's score),
                `advantage` (less the mean score), `value` (the critic's), or indices of scores, one for all or
                (batch,).
            actions: The actions taken, one for all or (batch,); None for the best.

        Returns:
            The explanation.

        Raises:
            UsageError: If the inputs do not fit the network or its bounds, or there is no such target.
            UnsupportedError: If the network has changed to one without rules.
        """
        _check(inputs)
        with torch.inference_mode(), torch.autocast(inputs.device.type, enabled=False):
            self._plan = plan = self._current_plan()
            signals = plan.forward(self._input_signal(inputs))
            outputs = _outputs(plan, signals)
            seeds = seeds_of(target, actions, outputs)
            if seeds.scores is not None:
                start = {plan.scores: seeds.scores}
            else:
                assert plan.value is not None  # seeds_of refuses a value that is not there
                start = {plan.value: signals[plan.value].tensor}
            values, ledger = plan.backward(signals, start)
            return Explanation(values, seeds.score, ledger, outputs)

    def _current_plan(self) -> Plan:
        """The plan, made anew if a module was replaced or changed its mode; weights are the layers' own affair."""
        modules = [(module, module.training) for module in self._network.modules()]
        if modules != self._modules:
            plan = make_plan(self._network, self._composite)
            self._modules = modules
            return plan
        return self._plan

    def _input_signal(self, inputs: Tensor) -> Signal:
        lowest, highest = (float(extreme) for extreme in inputs.aminmax())
        if self._bounds is not None and self._composite.bounded:
            low, high = self._bounds
            slack = 1e-6 * (high - low)
            for extreme in (lowest, highest):  # NaN and infinity pass here: they show in the relevance
                if math.isfinite(extreme) and not low - slack <= extreme <= high + slack:
                    raise UsageError(
                        f"an input value is {extreme:g}, outside input_bounds ({low:g}, {high:g}): give the smallest "
                        "and largest possible value in the network's own unit"
                    )
        return Signal(inputs, nonnegative=lowest >= 0, bounds=self._bounds)


def _checked_bounds(bounds: tuple[float, float] | None, *, needed: bool) -> tuple[float, float] | None:
    if bounds is None:
        if needed:
            raise UsageError(
                "the composite has a z-box rule, which needs the range of the inputs: pass input_bounds=(low, high)"
            )
        return None
    low, high = bounds
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise UsageError(f"input_bounds are ({low}, {high}): pass two finite numbers, the smaller first")
    return float(low), float(high)


def _check(inputs: Tensor) -> None:
    if inputs.dtype not in (torch.float32, torch.float64):
        raise UsageError(f"inputs are {inputs.dtype}: pass float32 or float64, in the network's own unit")
    if inputs.dim() < 2 or inputs.numel() == 0:
        raise UsageError(f"inputs have shape {tuple(inputs.shape)}: pass (batch, *shape) with at least one decision")


def _outputs(plan: Plan, signals: list[Signal]) -> Outputs:
    scores, batch = signals[plan.scores].tensor, len(signals[0].tensor)
    if scores.dim() != 2:
        raise UsageError(f"the network gives scores of shape {tuple(scores.shape)}: (batch, actions) is expected")
    if plan.value is None:
        return Outputs(scores, None)
    value = signals[plan.value].tensor
    if value.numel() != batch:
        raise UsageError(f"the network gives values of shape {tuple(value.shape)}: (batch, 1) is expected")
    return Outputs(scores, value.reshape(batch))
