"""What rounding loses of relevance on its way, measured where it matters."""

from collections.abc import Sequence

import torch
from torch import Tensor

from inspector.lrp.signal import Shares, added_up, wide

_ROUNDING = {torch.float32: 1e-4, torch.float64: 1e-12, torch.bfloat16: 0.05}
"""Up to which part of the sizes involved a difference can be rounding; more would be a fault, and is left to see."""


class Scale:
    """Weighs the relevance that comes to an operation against its shares, in double precision."""

    def __init__(self, relevance: Tensor) -> None:
        """Weigh what came; it may be overwritten after that."""
        self._dtype = relevance.dtype
        self._came, self._size = _summed(relevance), _summed(relevance.abs())

    def missing(self, all_shares: Sequence[Shares | None]) -> Tensor:
        """What the shares do not add up to, (batch,); 0 where that is more than rounding."""
        rest, size = self._came, self._size
        for shares in all_shares:
            if shares is not None:
                rest, size = rest - _summed(shares.inputs), size + _summed(shares.inputs.abs())
                for part in (shares.bias, shares.stabiliser, shares.dropped):
                    rest = rest if part is None else rest - part.double()
                rest = rest - added_up(shares.taken, torch.float64).sum(1) if shares.taken else rest
        return torch.where(rest.abs() <= _ROUNDING[self._dtype] * size, rest, 0.0).to(wide(self._dtype))


def closes(ledger: Sequence[Tensor], score: Tensor, values: Tensor) -> bool:
    """Whether the parts of a ledger add up to the score, within a few steps of single precision or of double.

    Args:
        ledger: The parts, (batch,) each.
        score: What they should add up to, (batch,).
        values: Relevance of the network input: its size counts where the score is small.
    """
    near = 32 * torch.finfo(score.dtype).eps
    *parts, scores = [amounts.tolist() for amounts in (*ledger, score)]  # for so few numbers Python is faster
    gaps = [abs(sum(each) - total) for total, *each in zip(scores, *parts, strict=True)]
    if all(gap <= near * abs(total) for gap, total in zip(gaps, scores, strict=True)):
        return True
    sizes = map(max, map(abs, scores), _summed(values.abs()).tolist())
    # What is not finite is told otherwise.
    return not any(gap > near * size for gap, size in zip(gaps, sizes, strict=True))


def _summed(values: Tensor) -> Tensor:
    return values.double() if values.dim() == 1 else values.flatten(1).sum(1, dtype=torch.float64)
