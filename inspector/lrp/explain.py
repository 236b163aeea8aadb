"""The Explainer: prepare a network once, explain a million of its decisions."""

import math
from collections.abc import Sequence
from typing import Any, Literal

import torch
from torch import Tensor, nn

from inspector.errors import UsageError
from inspector.lrp.checks import check_inputs, check_network, checked_bounds, compare
from inspector.lrp.composite_file import CompositeLike, composite_of
from inspector.lrp.graph import make_plan
from inspector.lrp.kernels import laid_out
from inspector.lrp.plan import Plan
from inspector.lrp.run import Explanation, Run, plain_torch
from inspector.lrp.signal import Signal
from inspector.lrp.targets import Indices, Target

Precision = Literal["float32", "bfloat16"]


class Explainer:
    """Explains decisions of one network by layer-wise relevance propagation.

    The network is traced once and never changed: no hooks, no gradients, no mode. Unless it is `frozen`, its weights
    are compared at every call. Noticed at the next call, and prepared anew, are: weights changed in any way (an
    optimiser's step, `load_state_dict`, `.to`, an edit in place, through `.data` or through numpy), modules replaced,
    and a change between training and evaluation. Not noticed is a change of a plain Python number that `forward`
    reads, as in `x / self.scale`: the trace has fixed it.

    The first call after a plan was made runs the network itself as well, and compares: a forward that does something
    else than its trace is refused (not under `bfloat16`, which differs anyway). The network and what it stores stay as
    they were.

    One explainer serves one thread at a time.

    Args:
        network: Takes float (batch, *shape), float32 or float64. Returns scores (batch, actions), or a pair of scores
            and values (batch, 1). A recurrent network takes the parts of its memory after it, (batch, ...) each, and
            returns scores, values (or None) and the tuple of its new memory.
        composite: Name of a preset of `inspector.lrp.COMPOSITES`, a TOML file, or a composite of your own.
        input_bounds: Smallest and largest possible input value, in the network's own unit: (0, 255) where it divides
            by 255 itself. Only z-box rules need them.
        frozen: The caller promises that neither weights nor modules change; nothing is compared then.
        precision: `bfloat16` runs everything in that type: faster where the processor knows it, and coarse: on trained
            agents half a percent of the largest value off in the median, and now and then another map altogether; see
            docs/lrp.md. `float32` takes the network's own type.

    Attributes:
        composite: The composite.

    Raises:
        UnsupportedError: If the network holds an operation that has no rule, or cannot be traced; at the first call, if
            it does something else than its trace.
        UsageError: If the network is none, or is not ready (half precision, no weights yet, a norm that learns), there
            is no such composite, bounds are missing or empty, or a dropout is active.
    """

    def __init__(
        self,
        network: nn.Module,
        composite: CompositeLike = "epsilon_plus",
        input_bounds: tuple[float, float] | None = None,
        *,
        frozen: bool = False,
        precision: Precision = "float32",
    ) -> None:
        if precision not in ("float32", "bfloat16"):
            raise UsageError(f"there is no precision {precision!r}: choose float32 or bfloat16")
        check_network(network)
        self._network = network
        self.composite = composite_of(composite)
        self._bounds = checked_bounds(input_bounds, needed=self.composite.bounded)
        self._frozen = frozen
        self._dtype = torch.bfloat16 if precision == "bfloat16" else None
        self._modules: list[tuple[nn.Module, bool, Any]] = []
        self._compared: Plan | None = None
        self._plan = self._current_plan(first=True)

    def __call__(
        self,
        inputs: Tensor,
        target: Target = "score",
        *,
        actions: Indices | None = None,
        memory: Sequence[Tensor] = (),
        layers: bool = False,
    ) -> Explanation:
        """Explain a batch of decisions.

        Args:
            inputs: Network inputs, float (batch, *shape), on the network's device.
            target: What is explained: `score` of the action, `contrast` (less the best other action's score),
                `advantage` (less the mean score), `value` (the critic's), or indices of scores, one for all or
                (batch,).
            actions: The actions taken, one for all or (batch,); None for the best.
            memory: The parts of a recurrent network's memory, (batch, ...) each.
            layers: Whether to keep the account of every layer.

        Returns:
            The explanation.

        Raises:
            UsageError: If the inputs do not fit the network or its bounds, or there is no such target.
            UnsupportedError: If the network has changed to one without rules.
        """
        check_inputs(inputs)
        with plain_torch(inputs):
            explanation = self._run(inputs, memory).explain_once(target, actions=actions, layers=layers)
            if explanation is not None:
                return explanation
            return self._run(inputs, memory).explain_carefully(target, actions=actions, layers=layers)

    def run(self, inputs: Tensor, *, memory: Sequence[Tensor] = ()) -> Run:
        """Run the network, and keep what explaining needs; arguments and errors are those of a call."""
        check_inputs(inputs)
        with plain_torch(inputs):
            return self._run(inputs, memory)

    def _run(self, inputs: Tensor, memory: Sequence[Tensor]) -> Run:
        self._plan = plan = self._current_plan()
        if len(memory) != plan.inputs - 1:
            raise UsageError(
                f"the network takes a memory of {plan.inputs - 1} tensors after its input, and {len(memory)} were "
                "given: pass memory=(...)"
            )
        signal, unfit = self._input_signal(inputs)
        parts = (Signal(part if self._dtype is None else part.to(self._dtype)) for part in memory)
        signals = plan.forward(signal, *parts)
        if plan is not self._compared and self._dtype is None:
            compare(self._network, (inputs, *memory), [signals[index].tensor for index in plan.outputs])
        self._compared = plan
        return Run(plan, signals, unfit, inputs.dtype)

    def _current_plan(self, *, first: bool = False) -> Plan:
        """The plan, made anew if a module was replaced or changed its mode; weights are the layers' own affair."""
        if self._frozen and not first:
            return self._plan
        modules = [(each, each.training, vars(each).get("forward")) for each in self._network.modules()]
        if first or modules != self._modules:
            plan = make_plan(self._network, self.composite, self._dtype)
            if self._frozen:
                plan.freeze()
            self._modules = modules
            return plan
        self._plan.refresh()
        return self._plan

    def _input_signal(self, inputs: Tensor) -> tuple[Signal, Tensor | None]:
        """The network input as a signal, and which of its decisions are not finite; None if all are."""
        lowest, highest = (float(extreme) for extreme in inputs.aminmax())
        finite = math.isfinite(lowest) and math.isfinite(highest)
        unfit = None if finite else ~inputs.flatten(1).isfinite().all(1)
        bounds = self._bounds if self.composite.bounded else None  # for other rules nobody checks them
        if bounds is not None:
            low, high = bounds
            slack = 1e-6 * (high - low)
            for extreme in (lowest, highest) if finite else _finite_extremes(inputs):
                if not low - slack <= extreme <= high + slack:
                    raise UsageError(
                        f"an input value is {extreme:g}, outside input_bounds ({low:g}, {high:g}): give the smallest "
                        "and largest possible value in the network's own unit"
                    )
        tensor = laid_out(inputs if self._dtype is None else inputs.to(self._dtype))
        return Signal(tensor, nonnegative=lowest >= 0, bounds=bounds), unfit


def _finite_extremes(inputs: Tensor) -> list[float]:
    """Smallest and largest value but for NaN and infinity, which show in the relevance; nothing if all are these."""
    known = inputs[inputs.isfinite()]
    return [float(extreme) for extreme in known.aminmax()] if known.numel() else []
