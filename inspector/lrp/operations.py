"""Operations that a plan is made of, but for sums, pooling and products: layers, units, and changes of shape."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from inspector.errors import UnsupportedError, UsageError
from inspector.lrp.layers import LinearLayer
from inspector.lrp.plan import Operation
from inspector.lrp.rules import Rule
from inspector.lrp.signal import Shares, Signal, Where, per_decision

Bounds = tuple[float, float] | None
Constant = Callable[..., Any]
"""Reads a number or a tensor that the network holds, as it is now, given the tensors whose shapes it follows."""


class Linear(Operation):
    """A layer linear in its input, with its rule."""

    def __init__(self, place: str, layer: LinearLayer, rule: Rule) -> None:
        super().__init__(place)
        self.layer = layer
        self.rule = rule
        self._dimensions = 0
        self._rising = False

    def refresh(self) -> None:  # noqa: D102 - said by Operation, as for all below
        self.layer.refresh()

    def freeze(self) -> None:  # noqa: D102
        self.layer.frozen = True

    def forward(self, *operands: Signal) -> Signal:  # noqa: D102
        (inputs,) = operands
        if inputs.tensor.dim() != self._dimensions:
            self.layer.check(inputs.tensor)  # torch would take what has no batch
        try:
            outputs, *beside = self.rule.forward(self.layer, inputs)
        except RuntimeError:
            self.layer.check(inputs.tensor)
            raise
        self._dimensions = inputs.tensor.dim()
        return Signal(outputs, beside=tuple(beside), rising=self._rising)

    def where(self, outputs: Where) -> Where:  # noqa: D102
        return Where.NONZERO if self.rule.weighted else Where.ANYWHERE

    def expect(self, where: Where) -> None:  # noqa: D102
        self._rising = where == Where.POSITIVE

    def backward(self, operands: tuple[Signal, ...], output: Signal, relevance: Tensor) -> Sequence[Shares | None]:  # noqa: D102
        if not self.layer.finite:
            relevance = torch.full_like(relevance, torch.nan)  # a rule that passes by a weight would hide it
        return (self.rule.share(self.layer, operands[0], output, relevance),)


class Unit(Operation):
    """Applied to every value alone, or a normalisation: an output's relevance is its input's, with no mask.

    Args:
        place: Where it stands.
        change: What it does with the tensor, and those of further operands, whose shapes it follows.
        nonnegative: Whether it gives no value below 0; None if it does as its input does, and leaves 0 and signs alone.
        rising: Whether it keeps the order of values, so that bounds of the input become those of the output.
    """

    def __init__(
        self,
        place: str,
        change: Callable[..., Tensor],
        *,
        nonnegative: bool | None = False,
        rising: bool = False,
    ) -> None:
        super().__init__(place)
        self._change, self._nonnegative, self._rising = change, nonnegative, rising

    def forward(self, *operands: Signal) -> Signal:  # noqa: D102
        inputs, *others = operands
        bounds = moved(inputs.bounds, self._change) if self._rising else None
        nonnegative = inputs.nonnegative if self._nonnegative is None else self._nonnegative
        return Signal(self._change(inputs.tensor, *(other.tensor for other in others)), nonnegative, bounds)

    def where(self, outputs: Where) -> Where:  # noqa: D102
        return outputs if self._nonnegative is None else Where.ANYWHERE

    def backward(self, operands: tuple[Signal, ...], output: Signal, relevance: Tensor) -> Sequence[Shares | None]:  # noqa: D102
        return (Shares(relevance),)


class ReLU(Unit):
    """A rectifier."""

    def __init__(self, place: str) -> None:
        super().__init__(place, torch.relu, nonnegative=True, rising=True)

    def where(self, outputs: Where) -> Where:  # noqa: D102
        return Where.ANYWHERE if outputs == Where.ANYWHERE else Where.POSITIVE


class Rearrangement(Operation):
    """Every output is one of the decision's inputs, or 0: values change their places, are left out or repeated.

    Args:
        place: Where it stands.
        change: What it does with the tensor, and the sizes it was given.
        reshapes: Whether only the shape changes, and each value stays one value in the same order.
        pads: Whether some outputs are zeros of its own; relevance that comes to these is dropped.
    """

    def __init__(
        self, place: str, change: Callable[..., Tensor], *, reshapes: bool = False, pads: bool = False
    ) -> None:
        super().__init__(place)
        self.change, self._reshapes, self._pads = change, reshapes, pads
        self._checked = reshapes

    def forward(self, *operands: Signal) -> Signal:  # noqa: D102
        inputs = operands[0]
        tensor = self.change(*(operand.tensor for operand in operands))
        apart = tensor.dim() > 0 and len(tensor) == len(inputs.tensor)
        if apart and not self._checked and len(tensor) > 1:
            self._checked = apart = self._keeps_decisions_apart(operands)
        if not apart:
            raise UnsupportedError(
                f"{self.place} turns {tuple(inputs.tensor.shape)} into {tuple(tensor.shape)}, which mixes the "
                "decisions of a batch: keep the first dimension"
            )
        low, high = inputs.bounds or (0.0, 0.0)
        bounds = None if inputs.bounds is None else (min(low, 0.0), max(high, 0.0))
        return Signal(tensor, inputs.nonnegative, inputs.bounds if self._reshapes else bounds)

    def where(self, outputs: Where) -> Where:  # noqa: D102
        return outputs

    def backward(self, operands: tuple[Signal, ...], output: Signal, relevance: Tensor) -> Sequence[Shares | None]:  # noqa: D102
        inputs = operands[0].tensor
        if self._reshapes:
            return (Shares(relevance.reshape(inputs.shape).to(inputs.dtype)),)
        others = tuple(operand.tensor for operand in operands[1:])
        values = transposed(lambda values: self.change(values, *others), inputs, relevance)
        return (Shares(values, dropped=per_decision(relevance) - per_decision(values) if self._pads else None),)

    def _keeps_decisions_apart(self, operands: tuple[Signal, ...]) -> bool:
        """Whether each decision's outputs come from that decision, or are zeros of the operation's own."""
        inputs = operands[0].tensor
        number = torch.arange(1.0, len(inputs) + 1, device=inputs.device)
        origin = number.view(-1, *[1] * (inputs.dim() - 1)).expand(inputs.shape)
        found = self.change(origin, *(operand.tensor for operand in operands[1:])).reshape(len(inputs), -1)
        return bool(((found == number[:, None]) | (found == 0)).all())


class Affine(Operation):
    """Multiplied with a constant, or moved by one: a change of unit or of zero point, which keeps relevance as it is.

    What is multiplied with 0 gets none: its relevance is dropped.

    Args:
        place: Where it stands.
        change: What is done with values and the constant; works on numbers too.
        constant: The constant.
        moves: Whether the constant is added or subtracted; else it is a factor or a divisor.
    """

    def __init__(self, place: str, change: Callable[[Any, Any], Any], constant: Constant, *, moves: bool) -> None:
        super().__init__(place)
        self._change, self._constant, self._moves = change, constant, moves

    def forward(self, *operands: Signal) -> Signal:  # noqa: D102
        inputs, *others = operands
        constant = self._constant(*(other.tensor for other in others))
        tensor = self._change(inputs.tensor, constant)
        if tensor.shape != inputs.tensor.shape:
            raise UnsupportedError(
                f"{self.place} spreads {tuple(inputs.tensor.shape)} to {tuple(tensor.shape)} by a constant, which has "
                "no rule: expand the tensor first"
            )
        if isinstance(constant, Tensor):
            least, next_ = self._of(0.0, constant), self._of(1.0, constant)
            return Signal(tensor, inputs.nonnegative and bool((least >= 0).all() and (next_ >= least).all()))
        try:
            least = self._change(0.0, constant)
        except ZeroDivisionError as error:  # as of numbers; torch gives what is not finite
            raise UnsupportedError(f"{self.place} divides by 0: correct the forward, or the number it reads") from error
        rises = inputs.nonnegative and 0 <= least <= self._change(1.0, constant)
        bounds = inputs.bounds
        if bounds is not None:
            low, high = sorted(self._change(extreme, constant) for extreme in bounds)
            bounds, rises = (low, high), rises or low >= 0
        return Signal(tensor, rises, bounds)

    def backward(self, operands: tuple[Signal, ...], output: Signal, relevance: Tensor) -> Sequence[Shares | None]:  # noqa: D102
        constant = None if self._moves else self._constant(*(operand.tensor for operand in operands[1:]))
        if constant is None or (not isinstance(constant, Tensor) and self._change(1.0, constant) != 0):
            return (Shares(relevance),)
        kept = relevance.masked_fill(self._of(1.0, torch.as_tensor(constant, device=relevance.device)) == 0, 0.0)
        return (Shares(kept, dropped=per_decision(relevance - kept)),)

    def _of(self, value: float, constant: Tensor) -> Tensor:
        changed: Tensor = self._change(torch.full((), value, dtype=constant.dtype, device=constant.device), constant)
        return changed


class Concatenation(Operation):
    """Signals one after another along a dimension."""

    def __init__(self, place: str, axis: int) -> None:
        super().__init__(place)
        self._axis = axis

    def forward(self, *operands: Signal) -> Signal:  # noqa: D102
        tensors = [operand.tensor for operand in operands]
        if self._axis % tensors[0].dim() == 0:
            raise UnsupportedError(f"{self.place} joins batches: keep the first dimension")
        bounds = {operand.bounds for operand in operands}
        common = bounds.pop() if len(bounds) == 1 else None
        return Signal(torch.cat(tensors, self._axis), all(operand.nonnegative for operand in operands), common)

    def where(self, outputs: Where) -> Where:  # noqa: D102
        return outputs

    def backward(self, operands: tuple[Signal, ...], output: Signal, relevance: Tensor) -> Sequence[Shares | None]:  # noqa: D102
        sizes = [operand.tensor.shape[self._axis] for operand in operands]
        return [Shares(part.clone()) for part in torch.split(relevance, sizes, self._axis)]


class Own(Operation):
    """A module or function with a rule that its user has registered."""

    def __init__(self, place: str, call: Callable[..., Tensor], rule: Callable[..., Any], owner: Any) -> None:
        super().__init__(place)
        self._call, self._rule, self._owner = call, rule, owner

    def forward(self, *operands: Signal) -> Signal:  # noqa: D102
        return Signal(self._call(*(operand.tensor for operand in operands)))

    def backward(self, operands: tuple[Signal, ...], output: Signal, relevance: Tensor) -> Sequence[Shares | None]:  # noqa: D102
        tensors = (*(operand.tensor for operand in operands), output.tensor, relevance.clone())
        try:
            given = self._rule(self._owner, *tensors)
        except Exception as error:  # a rule of others can do anything
            reason = (str(error) or type(error).__name__).splitlines()[0]
            raise UsageError(f"the rule registered for {self.place} failed: {reason}") from error
        each = given if isinstance(given, (tuple, list)) else (given,)
        for operand, values in zip(operands, each, strict=False):
            if not isinstance(values, Tensor) or values.shape != operand.tensor.shape:
                found = tuple(values.shape) if isinstance(values, Tensor) else type(values).__name__
                raise UsageError(
                    f"the rule registered for {self.place} gave {found}: relevance of the inputs, of shape "
                    f"{tuple(operand.tensor.shape)}, is expected"
                )
        if len(each) != len(operands):
            raise UsageError(
                f"the rule registered for {self.place} gave {len(each)} tensors for {len(operands)} inputs: "
                "give one each"
            )
        rest = per_decision(relevance) - sum(per_decision(values) for values in each)
        return [Shares(values.clone(), dropped=None if i else rest) for i, values in enumerate(each)]


def transposed(change: Callable[[Tensor], Tensor], inputs: Tensor, quotient: Tensor) -> Tensor:
    """The transpose of a linear function of tensors, applied to a quotient: sum_j w_ij s_j for each input i."""
    with torch.inference_mode(False), torch.enable_grad():
        origin = torch.zeros(inputs.shape, dtype=inputs.dtype, device=inputs.device, requires_grad=True)
        outputs = change(origin)
        (values,) = torch.autograd.grad(outputs, origin, quotient.to(outputs.dtype))
    return values.clone() if values._is_view() or not _dense(values) else values


def moved(bounds: Bounds, change: Callable[[Tensor], Tensor]) -> Bounds:
    """Bounds after a change that keeps the order of values; None if they are not known."""
    if bounds is None:
        return None
    low, high = change(torch.tensor(bounds, dtype=torch.float64)).tolist()
    return low, high


def _dense(values: Tensor) -> bool:
    return 0 not in values.stride() or values.numel() <= 1
