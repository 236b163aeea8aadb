"""Products of two signals, the softmax, and sums over what a signal holds."""

from collections.abc import Sequence

from torch import Tensor

from inspector.errors import UnsupportedError
from inspector.lrp.plan import Operation
from inspector.lrp.signal import Shares, Signal, per_decision
from inspector.lrp.sums import Average


class Product(Operation):
    """A product of two signals.

    If one of them is a gate, the signal that it lets through takes all relevance. Else each takes half.

    Args:
        place: Where it stands.
        gate: Which operand is the gate, 0 or 1; None if neither is.

    Source: gates Arras et al. 2017, arXiv:1706.07206; halves Achtibat et al. 2024 (AttnLRP), arXiv:2402.05602.
    """

    def __init__(self, place: str, gate: int | None) -> None:
        super().__init__(place)
        self._gate = gate

    def forward(self, *operands: Signal) -> Signal:  # noqa: D102 - said by Operation, as for all below
        one, other = operands
        if (one.tensor.dim(), len(one.tensor)) != (other.tensor.dim(), len(other.tensor)):
            raise UnsupportedError(
                f"{self.place} multiplies {tuple(one.tensor.shape)} and {tuple(other.tensor.shape)}, which mixes the "
                "decisions of a batch: give them the same number of dimensions, and keep the first"
            )
        return Signal(one.tensor * other.tensor, one.nonnegative and other.nonnegative)

    def backward(self, operands: tuple[Signal, ...], output: Signal, relevance: Tensor) -> Sequence[Shares | None]:  # noqa: D102
        if self._gate is not None:
            signal = operands[1 - self._gate].tensor
            shares: list[Shares | None] = [None, None]
            shares[1 - self._gate] = Shares(relevance.sum_to_size(signal.shape).clone())
            return shares
        return [Shares((relevance * 0.5).sum_to_size(operand.tensor.shape).clone()) for operand in operands]


class Softmax(Operation):
    """A softmax along a dimension.

    R_i = x_i (R_i' - s_i sum_k R_k'), with R' the relevance of the outputs s: the gradient times the input of what they
    carry. What that does not account for is the function's constant part, and counts as a bias.

    Source: Achtibat et al. 2024 (AttnLRP), arXiv:2402.05602.
    """

    def __init__(self, place: str, axis: int) -> None:
        super().__init__(place)
        self._axis = axis

    def forward(self, *operands: Signal) -> Signal:  # noqa: D102
        x = operands[0].tensor
        if self._axis % x.dim() == 0:
            raise UnsupportedError(f"{self.place} runs over the batch, which mixes decisions: name another dimension")
        return Signal(x.softmax(self._axis), nonnegative=True, bounds=(0.0, 1.0))

    def backward(self, operands: tuple[Signal, ...], output: Signal, relevance: Tensor) -> Sequence[Shares | None]:  # noqa: D102
        came = per_decision(relevance)
        values = (relevance - output.tensor * relevance.sum(self._axis, keepdim=True)).mul_(operands[0].tensor)
        return (Shares(values, bias=came - per_decision(values)),)


class Total(Average):
    """A sum or a mean over dimensions, whose terms may cancel.

    In the expected value of a distribution they do: terms of size 5 add up to a Q-value of 0.01, and below the softmax
    hardly more than the Q-value goes on. What rounding loses of such terms counts with the stabiliser.
    """

    def backward(self, operands: tuple[Signal, ...], output: Signal, relevance: Tensor) -> Sequence[Shares | None]:  # noqa: D102
        came = per_decision(relevance)
        (shares,) = super().backward(operands, output, relevance)
        return (shares and shares._replace(stabiliser=came - per_decision(shares.inputs)),)
