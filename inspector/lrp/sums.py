"""Sums with weights that were not learned, of one signal or of several: relevance by what each adds."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from inspector.errors import UnsupportedError
from inspector.lrp.operations import Bounds, transposed
from inspector.lrp.plan import Operation
from inspector.lrp.rules import STABILISER
from inspector.lrp.signal import Shares, Signal, Where, divided, rounded_away


class Average(Operation):
    """Linear in its input, without weights that were learned: a mean, a sum over places, an average pooling.

    The norm rule: R_i = x_i sum_j w_ij R_j / st(z_j), the epsilon rule of its fixed weights.

    Source: Bach et al. 2015, doi:10.1371/journal.pone.0130140.
    """

    def __init__(self, place: str, change: Callable[..., Tensor]) -> None:
        super().__init__(place)
        self.change = change

    def forward(self, *operands: Signal) -> Signal:  # noqa: D102
        tensor = self.change(*(operand.tensor for operand in operands))
        if tensor.dim() == 0 or len(tensor) != len(operands[0].tensor):
            raise UnsupportedError(f"{self.place} mixes the decisions of a batch: keep the first dimension")
        return Signal(tensor, operands[0].nonnegative, self._bounds(operands))

    def _bounds(self, operands: tuple[Signal, ...]) -> Bounds:
        if operands[0].bounds is None:
            return None
        counted = self.change(torch.ones_like(operands[0].tensor[:1]), *(other.tensor for other in operands[1:]))
        ends = [bound * float(weight) for bound in operands[0].bounds for weight in counted.aminmax()]
        return min(ends), max(ends)

    def where(self, outputs: Where) -> Where:  # noqa: D102
        return Where.NONZERO

    def backward(self, operands: tuple[Signal, ...], output: Signal, relevance: Tensor) -> Sequence[Shares | None]:  # noqa: D102
        inputs, others = operands[0].tensor, tuple(operand.tensor for operand in operands[1:])
        quotient, taken = divided(relevance, output.tensor, STABILISER)
        values = transposed(lambda values: self.change(values, *others), inputs, quotient)
        return (Shares(values.mul_(inputs), stabiliser=taken),)


class Sum(Operation):
    """A sum of signals, each added or subtracted: an output's relevance by their contributions.

    R_a = a R / st(sum). Of a signal that is spread over an output of a larger shape, the shares are added up.

    Args:
        place: Where it stands.
        signs: 1.0 or -1.0, one an operand.

    Source: the epsilon rule of Bach et al. 2015, doi:10.1371/journal.pone.0130140, with weights 1 and -1.
    """

    def __init__(self, place: str, signs: Sequence[float]) -> None:
        super().__init__(place)
        self.signs = tuple(signs)

    def forward(self, *operands: Signal) -> Signal:  # noqa: D102
        total = operands[0].tensor if self.signs[0] > 0 else -operands[0].tensor
        for sign, operand in zip(self.signs[1:], operands[1:], strict=True):
            total = torch.add(total, operand.tensor, alpha=sign)
        if len({(operand.tensor.dim(), len(operand.tensor)) for operand in operands}) > 1:
            shapes = " and ".join(str(tuple(operand.tensor.shape)) for operand in operands)
            raise UnsupportedError(
                f"{self.place} adds {shapes}, which mixes the decisions of a batch: give them the same number of "
                "dimensions, and keep the first"
            )
        rises = all(operand.nonnegative and sign > 0 for operand, sign in zip(operands, self.signs, strict=True))
        return Signal(total, rises)

    def where(self, outputs: Where) -> Where:  # noqa: D102
        return Where.NONZERO

    def backward(self, operands: tuple[Signal, ...], output: Signal, relevance: Tensor) -> Sequence[Shares | None]:  # noqa: D102
        quotient, taken = divided(relevance, output.tensor, STABILISER)
        shares: list[Shares] = []
        for sign, operand in zip(self.signs, operands, strict=True):
            last = len(shares) + 1 == len(operands)
            part = quotient.mul_(operand.tensor) if last else quotient * operand.tensor
            part = part.sum_to_size(operand.tensor.shape)
            shares.append(Shares(part if sign > 0 else part.neg_()))
        return with_account(shares, relevance, taken)


def with_account(shares: Sequence[Shares], relevance: Tensor, taken: Tensor) -> Sequence[Shares]:
    """Shares with what the stabiliser took of the relevance, and with it what rounding lost, in the first of them."""
    lost = rounded_away(relevance, taken, [each.inputs for each in shares])
    first, *others = shares
    return first._replace(stabiliser=taken if lost is None else taken + lost), *others
