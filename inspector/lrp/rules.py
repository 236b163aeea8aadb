"""The rules: how the relevance of a layer's outputs is shared among its inputs.

A rule is a small value with its options as fields. `forward` runs the layer, and computes beside its output what the
rule will need; `share` goes back. What does not reach the inputs is accounted for, per decision: taken by biases, by
the stabiliser, or dropped.

Notation: z_j = sum_i x_i w_ij + b_j is an output; a+ = max(a, 0), a- = min(a, 0); st(z) = z + stabiliser * sign(z),
with sign(0) = 1; s_j = R_j / st(d_j) is the quotient of an output's relevance and its denominator d_j.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import ClassVar

import torch
from torch import Tensor

from inspector.lrp.layers import LinearLayer, Version
from inspector.lrp.signal import Shares, Signal, kept_from_zero, per_decision

STABILISER = 1e-6
"""Added to the size of every denominator, in the unit of the layer's outputs."""


def _positive(values: Tensor) -> Tensor:
    return values.clamp(min=0)


def _negative(values: Tensor) -> Tensor:
    return values.clamp(max=0)


PLAIN = Version(lambda weight: weight, lambda bias: bias)
POSITIVE = Version(_positive, _positive)
NEGATIVE = Version(_negative, _negative)
ABSOLUTE = Version(torch.abs, torch.abs)
NOTHING = Version(torch.zeros_like)
POSITIVE_WEIGHT = Version(_positive)
NEGATIVE_WEIGHT = Version(_negative)


@cache
def moved(version: Version, offset: float) -> Version:
    """The version with an offset to its bias."""
    return replace(version, offset=offset)


@dataclass(frozen=True, slots=True)
class Rule(ABC):
    """A rule for layers that are linear in their input.

    Attributes:
        stabiliser: Added to the size of every denominator, in the unit of the layer's outputs; above 0.

    Raises:
        ValueError: If the stabiliser is not above 0, or another option has no meaning.
    """

    stabiliser: float = STABILISER

    weighted: ClassVar[bool] = True
    """Whether an input of 0 gets nothing."""

    def __post_init__(self) -> None:
        """Check the options."""
        if not self.stabiliser > 0:
            raise ValueError(f"the stabiliser is {self.stabiliser:g}: it must be above 0")

    def forward(self, layer: LinearLayer, inputs: Signal) -> tuple[Tensor, ...]:
        """The layer's output, and after it whatever `share` needs beside."""
        return layer.forward(inputs.tensor, PLAIN)

    @abstractmethod
    def share(self, layer: LinearLayer, inputs: Signal, outputs: Signal, relevance: Tensor) -> Shares:
        """Share the relevance of the outputs.

        Args:
            layer: A layer linear in its input: dense or convolution.
            inputs: What the layer saw in the forward pass.
            outputs: What `forward` gave: the output, and the rest as `beside`.
            relevance: Relevance of the outputs, in the unit of the explained score.

        Returns:
            The shares.
        """


@dataclass(frozen=True, slots=True)
class Epsilon(Rule):
    """Share each output's relevance among the inputs that made it.

    R_i = x_i sum_j w_ij s_j with d_j = z_j, the bias included.

    Source: Bach et al. 2015, doi:10.1371/journal.pone.0130140.
    """

    def share(self, layer: LinearLayer, inputs: Signal, outputs: Signal, relevance: Tensor) -> Shares:  # noqa: D102
        quotient, taken = kept_from_zero(relevance, outputs.tensor, self.stabiliser)
        values = layer.shares((quotient,), (PLAIN,), inputs.tensor)
        return Shares(values, (layer.account(quotient, PLAIN, 0.0), layer.account(taken, NOTHING, 1.0)))


@dataclass(frozen=True, slots=True)
class ZPlus(Rule):
    """Share each output's relevance among the inputs that raised it.

    R_i = sum_j (x_i+ w_ij+ + x_i- w_ij-) s_j with d_j = sum_i (x_i+ w_ij+ + x_i- w_ij-) + b_j+.

    Source: Montavon et al. 2017, doi:10.1016/j.patcog.2016.11.008; for inputs of both signs Bach et al. 2015 (alpha 1,
    beta 0).
    """

    def forward(self, layer: LinearLayer, inputs: Signal) -> tuple[Tensor, ...]:  # noqa: D102
        # The denominator has one sign, so the stabiliser can be a part of the bias.
        positive = moved(POSITIVE, self.stabiliser)
        if inputs.nonnegative:
            return layer.forward(inputs.tensor, PLAIN, positive)
        (raised,) = _by_sign(layer, inputs.tensor, (positive,), (NEGATIVE_WEIGHT,))
        return *layer.forward(inputs.tensor, PLAIN), raised

    def share(self, layer: LinearLayer, inputs: Signal, outputs: Signal, relevance: Tensor) -> Shares:  # noqa: D102
        quotient = relevance.div_(outputs.beside[0])
        values = _back_by_sign(layer, inputs, (quotient,), (POSITIVE_WEIGHT,), (NEGATIVE_WEIGHT,))
        return Shares(values, (layer.account(quotient, POSITIVE, self.stabiliser),))


@dataclass(frozen=True, slots=True)
class AlphaBeta(Rule):
    """Share alpha parts among the inputs that raised an output, less beta parts among those that lowered it.

    R_i = sum_j alpha (x_i+ w_ij+ + x_i- w_ij-) s+_j - beta (x_i+ w_ij- + x_i- w_ij+) s-_j. Each denominator is the sum
    of its own products and of the bias of its sign. Where nothing lowered an output, the stabiliser takes -beta R_j.

    Attributes:
        alpha: Weight of the raising part; alpha - beta = 1.
        beta: Weight of the lowering part; at least 0.

    Source: Bach et al. 2015, doi:10.1371/journal.pone.0130140.
    """

    alpha: float = 2.0
    beta: float = 1.0

    def __post_init__(self) -> None:
        """Check the options."""
        Rule.__post_init__(self)
        if not (self.beta >= 0 and abs(self.alpha - self.beta - 1) < 1e-9):
            raise ValueError(
                f"alpha {self.alpha:g} and beta {self.beta:g}: beta must be at least 0, and alpha - beta must be 1"
            )

    def forward(self, layer: LinearLayer, inputs: Signal) -> tuple[Tensor, ...]:  # noqa: D102
        positive, negative = moved(POSITIVE, self.stabiliser), moved(NEGATIVE, -self.stabiliser)
        if inputs.nonnegative:
            return layer.forward(inputs.tensor, PLAIN, positive, negative)
        both = _by_sign(layer, inputs.tensor, (positive, negative), (NEGATIVE_WEIGHT, POSITIVE_WEIGHT))
        return *layer.forward(inputs.tensor, PLAIN), *both

    def share(self, layer: LinearLayer, inputs: Signal, outputs: Signal, relevance: Tensor) -> Shares:  # noqa: D102
        raised, lowered = outputs.beside
        up, down = (relevance / raised).mul_(self.alpha), (relevance / lowered).mul_(-self.beta)
        taken = layer.account(up, POSITIVE, self.stabiliser), layer.account(down, NEGATIVE, -self.stabiliser)
        both = (POSITIVE_WEIGHT, NEGATIVE_WEIGHT)
        return Shares(_back_by_sign(layer, inputs, (up, down), both, both[::-1]), taken)


@dataclass(frozen=True, slots=True)
class Gamma(Rule):
    """Share as the epsilon rule does, with the contributions of the output's own sign strengthened.

    Where z_j > 0, contributions and the bias count (1 + gamma) fold if they are positive; where z_j < 0, if they are
    negative. Where z_j is 0 exactly, neither holds and the relevance is dropped.

    Both cases are one formula, in which nothing cancels: with a_j = sum_i |x_i w_ij| + |b_j| the denominator is
    sign(z_j) ((1 + gamma/2) |z_j| + gamma/2 a_j), and so are the shares: R_i = sum_j ((1 + gamma/2) x_i w_ij +
    gamma/2 sign(z_j) |x_i w_ij|) s_j. It needs one convolution beside the layer's own, whatever the signs.

    Attributes:
        gamma: By how much they are strengthened; at least 0. With 0 this is the epsilon rule.

    Source: Montavon et al. 2019, doi:10.1007/978-3-030-28954-6_10; for both signs Andeol et al. 2021, arXiv:2106.04312.
    """

    gamma: float = 0.25

    def __post_init__(self) -> None:
        """Check the options."""
        Rule.__post_init__(self)
        if not self.gamma >= 0:
            raise ValueError(f"gamma is {self.gamma:g}: it must be at least 0")

    def forward(self, layer: LinearLayer, inputs: Signal) -> tuple[Tensor, ...]:  # noqa: D102
        if self.gamma == 0:
            return layer.forward(inputs.tensor, PLAIN)
        absolute = moved(ABSOLUTE, 2 * self.stabiliser / self.gamma)
        if inputs.nonnegative:
            return layer.forward(inputs.tensor, PLAIN, absolute)
        return *layer.forward(inputs.tensor, PLAIN), *layer.forward(inputs.tensor.abs(), absolute)

    def share(self, layer: LinearLayer, inputs: Signal, outputs: Signal, relevance: Tensor) -> Shares:  # noqa: D102
        if self.gamma == 0:
            return Epsilon(self.stabiliser).share(layer, inputs, outputs, relevance)
        # The quotients are by the size of the denominator over gamma/2; the weights make up for that.
        (absolute,), half = outputs.beside, self.gamma / 2
        size = outputs.tensor.abs()
        torch.add(absolute, size, alpha=(1 + half) / half, out=size)
        if outputs.rising and inputs.nonnegative:  # before a ReLU, half of the work falls away
            quotient, raised = relevance.div_(size), _raised(self.gamma)
            values = layer.shares((quotient,), (raised,), inputs.tensor)
            return Shares(values, (layer.account(quotient, raised, self.stabiliser / half),))
        return self._both(layer, inputs, outputs.tensor, relevance, size)

    def _both(self, layer: LinearLayer, inputs: Signal, z: Tensor, relevance: Tensor, size: Tensor) -> Shares:
        half, x = self.gamma / 2, inputs.tensor
        plain, absolute = _scaled((1 + half) / half), ABSOLUTE
        dropped = None
        if torch.count_nonzero(z) < z.numel():
            dropped = per_decision(relevance.masked_fill(z != 0, 0.0))
            relevance = relevance.masked_fill(z == 0, 0.0)
        both, (signed, quotient) = layer.room(relevance, 2)
        torch.div(relevance, size, out=quotient)
        torch.mul(quotient, z.sign(), out=signed)
        if inputs.nonnegative:
            values = layer.shares((both,), (plain, absolute), x)
        else:
            values = layer.shares((signed,), (plain,), x)
            values += layer.shares((quotient,), (absolute,), x.abs())
        taken = layer.account(signed, plain, 0.0), layer.account(quotient, absolute, self.stabiliser / half)
        return Shares(values, taken, dropped=dropped)


@cache
def _raised(gamma: float) -> Version:
    """Weights that count (1 + gamma) fold if positive, over gamma/2."""

    def raise_(values: Tensor) -> Tensor:
        return (values + gamma * _positive(values)) / (gamma / 2)

    return Version(raise_, raise_)


@cache
def _scaled(factor: float) -> Version:
    return Version(lambda values: factor * values, lambda values: factor * values)


def _by_sign(
    layer: LinearLayer, inputs: Tensor, above: Sequence[Version], below: Sequence[Version]
) -> tuple[Tensor, ...]:
    """What the layer gives with some versions for inputs above 0 and others for those below."""
    some = layer.forward(_positive(inputs), *above)
    others = layer.forward(_negative(inputs), *below)
    return tuple(one + other for one, other in zip(some, others, strict=True))


def _back_by_sign(
    layer: LinearLayer,
    inputs: Signal,
    quotients: Sequence[Tensor],
    above: Sequence[Version],
    below: Sequence[Version],
) -> Tensor:
    """Shares by contributions with some versions for inputs above 0 and others for those below."""
    x = inputs.tensor
    if inputs.nonnegative:
        return layer.shares(quotients, above, x)
    values = layer.shares(quotients, above, _positive(x))
    return values.add_(layer.shares(quotients, below, _negative(x)))
