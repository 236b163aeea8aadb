"""Rules that look at an input otherwise than by what it contributed: for first layers, mostly."""

from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor

from inspector.errors import UsageError
from inspector.lrp.layers import LinearLayer, Version
from inspector.lrp.rules import NEGATIVE_WEIGHT, PLAIN, POSITIVE_WEIGHT, Rule
from inspector.lrp.signal import Shares, Signal, per_decision


def _positive(values: Tensor) -> Tensor:
    return values.clamp(min=0)


def _negative(values: Tensor) -> Tensor:
    return values.clamp(max=0)


_SIZE = Version(torch.abs)
_SQUARED = Version(torch.square, torch.square)


@dataclass(frozen=True, slots=True)
class ZBox(Rule):
    """Share each output's relevance among inputs that are known to lie between bounds.

    R_i = sum_j ((x_i - low) w_ij+ + (x_i - high) w_ij-) s_j with d_j the sum of these contributions: an input counts by
    how far it is from where it would lower the output most. The bias cancels.

    With v_ij = -low w_ij+ - high w_ij- a contribution is x_i w_ij + v_ij, and the denominator z_j - b_j + sum_i v_ij
    costs next to nothing. Where that would cancel too many digits, the contributions themselves are added up: they have
    one sign.

    Raises:
        UsageError: At `forward`, if the bounds of the inputs are not known.

    Source: Montavon et al. 2017, doi:10.1016/j.patcog.2016.11.008.
    """

    weighted = False

    def forward(self, layer: LinearLayer, inputs: Signal) -> tuple[Tensor, ...]:  # noqa: D102
        low, high = _bounds(inputs)
        (z,) = layer.forward(inputs.tensor, PLAIN)
        whole, least = layer.kept(
            ("box", low, high, *inputs.tensor.shape[1:]), lambda: _whole(layer, inputs.tensor[:1], low, high)
        )
        denominator = z + whole
        if float(denominator.min()) < least or inputs.tensor.dtype == torch.bfloat16:
            above, below = _positive(inputs.tensor - low), _negative(inputs.tensor - high)
            denominator = layer.forward(above, POSITIVE_WEIGHT)[0] + layer.forward(below, NEGATIVE_WEIGHT)[0]
            return z, denominator.add_(self.stabiliser), above, below
        return z, denominator.add_(self.stabiliser)

    def share(self, layer: LinearLayer, inputs: Signal, outputs: Signal, relevance: Tensor) -> Shares:  # noqa: D102
        low, high = _bounds(inputs)
        denominator, *apart = outputs.beside
        quotient = relevance.div_(denominator)
        if apart:
            above, below = apart
            values = layer.shares((quotient,), (POSITIVE_WEIGHT,), above)
            values += layer.shares((quotient,), (NEGATIVE_WEIGHT,), below)
        else:
            shape = inputs.tensor.shape
            values = layer.backward((quotient,), (_box(low, high),), shape)
            values.addcmul_(layer.backward((quotient,), (PLAIN,), shape), inputs.tensor)
        return Shares(values, stabiliser=self.stabiliser * per_decision(quotient))


@dataclass(frozen=True, slots=True)
class WSquare(Rule):
    """Share each output's relevance by the squares of its weights, whatever the inputs are.

    R_i = sum_j w_ij^2 s_j with d_j = sum_i w_ij^2 + b_j^2.

    Source: Montavon et al. 2017, doi:10.1016/j.patcog.2016.11.008.
    """

    weighted = False

    def share(self, layer: LinearLayer, inputs: Signal, outputs: Signal, relevance: Tensor) -> Shares:  # noqa: D102
        x = inputs.tensor
        whole = layer.kept(("squares", *x.shape[1:]), lambda: layer.forward(torch.ones_like(x[:1]), _SQUARED)[0])
        quotient = relevance / (whole + self.stabiliser)
        values = layer.backward((quotient,), (_SQUARED,), x.shape)
        return Shares(values, (layer.account(quotient, _SQUARED, self.stabiliser),))


@dataclass(frozen=True, slots=True)
class Flat(Rule):
    """Share each output's relevance equally among the inputs that it can see, whatever they are.

    On a convolution every stacked frame gets the same map: it shows where, never when.

    Source: Lapuschkin et al. 2019, doi:10.1038/s41467-019-08987-4.
    """

    weighted = False

    def share(self, layer: LinearLayer, inputs: Signal, outputs: Signal, relevance: Tensor) -> Shares:  # noqa: D102
        shape = inputs.tensor.shape
        seen = layer.fan_in(shape)
        quotient = relevance / (seen.to(relevance.dtype) + self.stabiliser)
        return Shares(layer.spread(quotient, shape), stabiliser=self.stabiliser * per_decision(quotient))


def _bounds(inputs: Signal) -> tuple[float, float]:
    if inputs.bounds is None:
        raise UsageError("the z-box rule needs the smallest and largest possible input: pass input_bounds=(low, high)")
    return inputs.bounds


@cache
def _box(low: float, high: float) -> Version:
    """What a contribution has beside x_i w_ij."""
    return Version(lambda weight: -low * _positive(weight) - high * _negative(weight))


def _whole(layer: LinearLayer, like: Tensor, low: float, high: float) -> tuple[Tensor, float]:
    """What a denominator has beside z_j, and how small one may be for that sum to keep its digits."""
    ones, bias = torch.ones_like(like), layer.bias(PLAIN)
    (whole,) = layer.forward(ones, _box(low, high))
    (largest,) = layer.forward(ones, _SIZE)
    size = float(largest.max()) * max(abs(low), abs(high)) + (0.0 if bias is None else float(bias.abs().max()))
    if bias is not None:
        whole = whole - bias.to(whole.dtype).view(
            [-1 if axis == layer.channels % whole.dim() else 1 for axis in range(whole.dim())]
        )
    return whole, 0.02 * size
