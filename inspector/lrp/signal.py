"""What travels through a plan: values forward, and relevance, with its account, backward."""

from collections.abc import Sequence
from enum import IntEnum
from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor


class Signal(NamedTuple):
    """A tensor on its way through the network, and what is known of its values.

    Attributes:
        tensor: The values, (batch, ...).
        nonnegative: No value is below 0: rules may leave out the terms of negative inputs.
        bounds: Smallest and largest value that can occur; None where that is not known.
        beside: What the operation computed along with the values, for its own way back.
        rising: Relevance will come only to values above 0.
    """

    tensor: Tensor
    nonnegative: bool = False
    bounds: tuple[float, float] | None = None
    beside: tuple[Tensor, ...] = ()
    rising: bool = False


class Where(IntEnum):
    """To which values of a signal relevance can come."""

    ANYWHERE = 0
    NONZERO = 1
    POSITIVE = 2


class Taken(NamedTuple):
    """What biases and stabiliser take of a layer's relevance, to be multiplied: `sums` @ `takers` is (batch, 2).

    Attributes:
        sums: For each decision and output of the layer, (batch, outputs).
        takers: Bias and stabiliser of each output, (outputs, 2).
    """

    sums: Tensor
    takers: Tensor


class Shares(NamedTuple):
    """Where the relevance of an operation's output went; per decision the parts add up to it.

    Attributes:
        inputs: To the inputs, in their shape: (batch, ...). A tensor of its own, which the receiver may overwrite.
        taken: To the biases and to the stabiliser: some amounts that are to be added up.
        bias: To biases beside, (batch,).
        stabiliser: To the stabiliser beside, (batch,).
        dropped: To nothing, because the rule gives it to nobody, (batch,).
    """

    inputs: Tensor
    taken: tuple[Taken, ...] = ()
    bias: Tensor | None = None
    stabiliser: Tensor | None = None
    dropped: Tensor | None = None


def added_up(taken: Sequence[Taken], dtype: torch.dtype | None = None) -> Tensor:
    """What biases and the stabiliser take of each decision, (batch, 2), all in one product."""
    sums, takers = torch.cat([each.sums for each in taken], 1), torch.cat([each.takers for each in taken])
    return sums.to(dtype) @ takers.to(dtype)


def per_decision(values: Tensor) -> Tensor:
    """Sum of each decision, (batch,), in at least single precision."""
    return values.sum(tuple(range(1, values.dim())), dtype=wide(values.dtype)) if values.dim() > 1 else values


def wide(dtype: torch.dtype) -> torch.dtype:
    """The type in which sums are kept: double stays double, all else becomes single."""
    return torch.float64 if dtype == torch.float64 else torch.float32


def divided(relevance: Tensor, denominator: Tensor, stabiliser: float) -> tuple[Tensor, Tensor]:
    """As `kept_from_zero`, with what the stabiliser takes of each decision, (batch,)."""
    quotient, taken = kept_from_zero(relevance, denominator, stabiliser)
    return quotient, per_decision(taken)


def kept_from_zero(relevance: Tensor, denominator: Tensor, stabiliser: float) -> tuple[Tensor, Tensor]:
    """Relevance by a denominator of any sign, kept from 0.

    Args:
        relevance: Of the outputs.
        denominator: Of its shape.
        stabiliser: Added to the size of the denominator, with its sign; that of 0 is positive.

    Returns:
        The quotient, and what the stabiliser takes of each output, in their shape.
    """
    # A sum is -0.0 only if all that it adds is, and then nothing is shared, whatever its sign.
    added = torch.copysign(_scalar(stabiliser, denominator.dtype), denominator)
    quotient = torch.add(denominator, added)
    torch.div(relevance, quotient, out=quotient)
    return quotient, added.mul_(quotient)


def rounded_away(relevance: Tensor, taken: Tensor, parts: Sequence[Tensor]) -> Tensor | None:
    """What is missing, by rounding alone, when relevance was shared among large parts of opposite signs.

    Args:
        relevance: What was shared.
        taken: What the stabiliser took of it, (batch,).
        parts: The shares.

    Returns:
        What is missing, (batch,); None where it is not worth mention.
    """
    came = per_decision(relevance)
    missing = came - taken - torch.stack([per_decision(part) for part in parts]).sum(0)
    if bool((missing.abs() <= 32 * torch.finfo(came.dtype).eps * came.abs()).all()):
        return None
    if all(part.shape == relevance.shape for part in parts):  # large ones meet their opposites before they are added up
        rest = [relevance - sum(parts[1:], parts[0])]
    else:
        rest = [relevance, *(-part for part in parts)]
    sums = torch.stack([each.flatten(1).sum(1, dtype=torch.float64) for each in rest]).sum(0)
    return (sums - taken).to(taken.dtype)


@lru_cache
def _scalar(value: float, dtype: torch.dtype) -> Tensor:
    return torch.tensor(value, dtype=dtype)


def all_finite(tensor: Tensor) -> bool:
    """Whether no value is NaN or infinite: any of them shows in the sum, which is made in a tenth of the time."""
    return bool(tensor.sum().isfinite()) or bool(tensor.isfinite().all())  # large values can overflow a sum
