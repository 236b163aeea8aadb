"""The two methods by gradients that LRP is compared with; and one way to make whichever explainer is meant.

Both need nothing but a network that can be differentiated: no trace, no rules. They look at one point, which is what
they are criticised for: on a network of ReLUs the gradient jumps from one input to the next.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from inspector.errors import UnsupportedError, UsageError
from inspector.lrp.checks import check_inputs, check_network, difference, outputs_of
from inspector.lrp.composite_file import CompositeLike
from inspector.lrp.explain import Explainer, Precision
from inspector.lrp.run import Explanation
from inspector.lrp.signal import per_decision
from inspector.lrp.targets import Indices, Outputs, Target, seeds_of

_NORMS = (nn.modules.batchnorm._BatchNorm, nn.modules.instancenorm._InstanceNorm)


class GradientExplainer(ABC):
    """Explains decisions of one network by the gradient of the explained score.

    It is called as an `Explainer` is, without the account of layers. The network is only read: no gradient stays
    behind, neither modes nor parameters change. Its weights are read anew at every call.

    Args:
        network: As for `Explainer`; it may hold operations that have no rule.

    Raises:
        UsageError: If the network is no network that can be differentiated in its precision; at a call, if a dropout
            is active or a norm takes its statistics from the batch.
    """

    name: ClassVar[str]

    def __init__(self, network: nn.Module) -> None:
        check_network(network)
        self._network = network
        self._kept_apart = False

    def __call__(
        self,
        inputs: Tensor,
        target: Target = "score",
        *,
        actions: Indices | None = None,
        memory: Sequence[Tensor] = (),
    ) -> Explanation:
        """Explain a batch of decisions.

        Args:
            inputs: Network inputs, float (batch, *shape), on the network's device.
            target: As for `Explainer`.
            actions: As for `Explainer`.
            memory: The parts of a recurrent network's memory, (batch, ...) each.

        Returns:
            The explanation. Values are not finite where the inputs are not.

        Raises:
            UsageError: If the inputs do not fit the network, there is no such target, the network's mode mixes or
                changes decisions, or its forward lets no gradient through.
            UnsupportedError: If the network returns something else, or its outputs depend on more than their own
                input. That is looked for once, at the first call with more than one decision.
        """
        check_inputs(inputs)
        self._check_mode()
        with _differentiating(inputs):
            # Copies: a network that writes into its input in place shall not write into the caller's.
            points = [part.detach().clone().requires_grad_() for part in (inputs, *memory)]
            outputs = self._outputs([point.clone() for point in points])
            self._check_apart(points, outputs)
            score = seeds_of(target, actions, outputs).score
            if not score.requires_grad:
                raise UsageError(
                    f"no gradient comes through the forward of {type(self._network).__name__}: leave no_grad, "
                    "inference_mode and detach out of it, or explain by LRP"
                )
            slopes = torch.autograd.grad(score.sum(), points, allow_unused=True)
            found = (self._values(slope, point) for slope, point in zip(slopes, points, strict=True))
            values, *parts = (part.detach() for part in found)
            values[~inputs.flatten(1).isfinite().all(1)] = torch.nan
            score = score.detach()
            plain = Outputs(outputs.scores.detach(), None if outputs.value is None else outputs.value.detach())
            return Explanation(values, score, self._ledger(score, values, parts), plain, tuple(parts))

    def _outputs(self, given: list[Tensor]) -> Outputs:
        try:
            returned: Any = self._network(*given)
        except torch.OutOfMemoryError:
            raise
        except (RuntimeError, IndexError, TypeError) as error:
            reason = str(error).splitlines()[0]
            raise UsageError(f"inputs of shape {tuple(given[0].shape)} do not fit the network: {reason}") from error
        parts = tuple(returned) if isinstance(returned, (tuple, list)) else (returned,)
        if len(given) > 1 and len(parts) > 1 and isinstance(parts[-1], (tuple, list)):
            parts = parts[:-1]  # its memory after this step
        scores, value = (*parts, None)[:2]
        if len(parts) > 2 or not isinstance(scores, Tensor) or not isinstance(value, (Tensor, type(None))):
            raise UnsupportedError(
                "the network returns something else than scores or a pair of scores and values: wrap it so that it does"
            )
        return outputs_of(scores, value, len(given[0]))

    def _check_apart(self, points: list[Tensor], outputs: Outputs) -> None:
        """Check, once, that a decision by itself has the scores that it has in its batch."""
        if self._kept_apart or len(points[0]) < 2:
            return
        with torch.no_grad():
            alone = self._outputs([point[:1].clone() for point in points]).scores
        if gap := difference(alone, outputs.scores[:1].detach(), points[0].detach()):
            raise UnsupportedError(
                f"the network mixes the decisions of a batch: the first has other scores alone, by {gap:.3g}: let each "
                "output depend on its own input, or explain one decision at a time"
            )
        self._kept_apart = True

    def _check_mode(self) -> None:
        for name, module in self._network.named_modules():
            drops = isinstance(module, nn.modules.dropout._DropoutNd) and module.p > 0
            if module.training and (drops or isinstance(module, _NORMS)):
                raise UsageError(
                    f"{type(module).__name__} ({name}) is in training mode: call network.eval() before explaining"
                )

    def _values(self, slope: Tensor | None, point: Tensor) -> Tensor:
        """What each input value gets; zeros where the score does not depend on the input."""
        return torch.zeros_like(point) if slope is None else self._of(slope, point)

    @abstractmethod
    def _of(self, slope: Tensor, point: Tensor) -> Tensor:
        """What each input value gets, by the gradient there."""

    @abstractmethod
    def _ledger(self, score: Tensor, values: Tensor, memory: list[Tensor]) -> dict[str, Tensor]:
        """The account of the score, as far as there is one."""


class Taylor(GradientExplainer):
    """Gradient times input: the first terms of the Taylor series of the score, taken at zero input.

    R_i = x_i df/dx_i. What is missing to the score stands as `bias` in the ledger. On a network of ReLUs it is exactly
    the share of the biases, and the values are those of the epsilon rule everywhere with a vanishing stabiliser; on
    others (tanh, softmax, normalisations) it also holds what a straight line cannot follow.

    Source: Shrikumar et al. 2016, arXiv:1605.01713; as simple Taylor decomposition in Bach et al. 2015,
    doi:10.1371/journal.pone.0130140.
    """

    name = "taylor"

    def _of(self, slope: Tensor, point: Tensor) -> Tensor:
        return slope * point

    def _ledger(self, score: Tensor, values: Tensor, memory: list[Tensor]) -> dict[str, Tensor]:
        ledger = {"input": per_decision(values)}
        if memory:
            ledger["memory"] = torch.stack([per_decision(part) for part in memory]).sum(0)
        nothing = torch.zeros_like(score)
        rest = score - torch.stack(list(ledger.values())).sum(0)
        return ledger | {"bias": rest, "stabiliser": nothing, "dropped": nothing.clone()}


class Sensitivity(GradientExplainer):
    """The squared gradient: where a small change of the input would change the score most, either way.

    R_i = (df/dx_i)^2, in the unit of the score squared over that of the input squared. It explains what would change
    the score, not the score itself: values have no sign and add up to nothing known. So the ledger is empty, {}.

    Source: Simonyan et al. 2014, arXiv:1312.6034; squared as in Montavon et al. 2018, doi:10.1016/j.dsp.2017.10.011.
    """

    name = "sensitivity"

    def _of(self, slope: Tensor, point: Tensor) -> Tensor:
        return slope.square()

    def _ledger(self, score: Tensor, values: Tensor, memory: list[Tensor]) -> dict[str, Tensor]:
        return {}


METHODS: Mapping[str, type[GradientExplainer]] = MappingProxyType(
    {method.name: method for method in (Sensitivity, Taylor)}
)
"""The methods by gradients, by name."""


def make_explainer(
    network: nn.Module,
    method: CompositeLike = "epsilon_plus",
    input_bounds: tuple[float, float] | None = None,
    *,
    frozen: bool = False,
    precision: Precision = "float32",
) -> Explainer | GradientExplainer:
    """The explainer of a method: LRP by a composite, or one of `METHODS`.

    Args:
        network: As for `Explainer`.
        method: `sensitivity`, `taylor`, or whatever `Explainer` takes for a composite.
        input_bounds: As for `Explainer`; gradients need none.
        frozen: As for `Explainer`; gradients prepare nothing.
        precision: As for `Explainer`; gradients are taken in the network's own.

    Raises:
        UnsupportedError: If the method is LRP and the network holds an operation that has no rule.
        UsageError: If there is no such method, or its arguments make no sense.
    """
    if isinstance(method, str) and method in METHODS:
        if precision != "float32":
            raise UsageError(f"{method} takes the network's own precision: leave precision={precision!r} away")
        return METHODS[method](network)
    return Explainer(network, method, input_bounds, frozen=frozen, precision=precision)


@contextmanager
def _differentiating(inputs: Tensor) -> Iterator[None]:
    """Gradients, whatever the caller has switched off, and no change of precision that the caller has asked for."""
    with torch.inference_mode(False), torch.enable_grad(), torch.autocast(inputs.device.type, enabled=False):
        yield
