"""The rules: how the relevance of a layer's outputs is shared among its inputs.

A rule is a pure function `rule(layer, inputs, outputs, relevance) -> Shares`; options are keywords, bound with
`functools.partial` where a composite is written down. What does not reach the inputs is accounted for, per decision:
taken by biases, by the stabiliser, or dropped.

Notation: z_j = sum_i x_i w_ij + b_j is an output; a+ = max(a, 0), a- = min(a, 0); st(z) = z + stabiliser * sign(z),
with sign(0) = 1; s_j = R_j / st(d_j) is the quotient of an output's relevance and its denominator d_j.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from inspector.errors import UsageError
from inspector.lrp.layers import LinearLayer

STABILISER = 1e-6
"""Added to the size of every denominator, in the unit of the layer's outputs."""


@dataclass(frozen=True, slots=True, eq=False)
class Signal:
    """A tensor on its way through the network, and what is known of its values.

    Attributes:
        tensor: The values, (batch, ...).
        nonnegative: No value is below 0: rules may leave out the terms of negative inputs.
        bounds: Smallest and largest value that can occur; None where that is not known.
    """

    tensor: Tensor
    nonnegative: bool = False
    bounds: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Shares:
    """Where the relevance of an operation's output went; per decision the parts add up to it.

    Attributes:
        inputs: To the inputs, in their shape: (batch, ...).
        bias: To the biases, (batch,).
        stabiliser: To the stabiliser, (batch,).
        dropped: To nothing, because the rule gives it to nobody, (batch,).
    """

    inputs: Tensor
    bias: Tensor | float = 0.0
    stabiliser: Tensor | float = 0.0
    dropped: Tensor | float = 0.0


Rule = Callable[[LinearLayer, Signal, Tensor, Tensor], Shares]


def epsilon_rule(
    layer: LinearLayer, inputs: Signal, outputs: Tensor, relevance: Tensor, *, stabiliser: float = STABILISER
) -> Shares:
    """Share each output's relevance among the inputs that made it.

    R_i = x_i sum_j w_ij s_j with d_j = z_j, the bias included.

    Args:
        layer: A layer linear in its input: dense or convolution.
        inputs: What the layer saw in the forward pass.
        outputs: What it gave.
        relevance: Relevance of the outputs, in the unit of the explained score.
        stabiliser: Added to |z_j|, in the unit of z_j; above 0.

    Returns:
        The shares.

    Raises:
        ValueError: If the stabiliser is not above 0.

    Source: Bach et al. 2015, doi:10.1371/journal.pone.0130140.
    """
    quotient, taken = _divide(relevance, outputs, stabiliser)
    values = layer.backward(quotient, layer.weight, inputs.tensor.shape).mul_(inputs.tensor)
    return Shares(values, bias=layer.bias_share(quotient, layer.bias), stabiliser=taken)


def z_plus_rule(
    layer: LinearLayer, inputs: Signal, outputs: Tensor, relevance: Tensor, *, stabiliser: float = STABILISER
) -> Shares:
    """Share each output's relevance among the inputs that raised it.

    R_i = sum_j (x_i+ w_ij+ + x_i- w_ij-) s_j with d_j = sum_i (x_i+ w_ij+ + x_i- w_ij-) + b_j+.
    Arguments and errors are those of `epsilon_rule`.

    Source: Montavon et al. 2017, doi:10.1016/j.patcog.2016.11.008; for inputs of both signs Bach et al. 2015 (alpha 1,
    beta 0).
    """
    del outputs  # the rule has a denominator of its own
    return _raising(layer, inputs, relevance, stabiliser)


def alpha_beta_rule(
    layer: LinearLayer,
    inputs: Signal,
    outputs: Tensor,
    relevance: Tensor,
    *,
    alpha: float = 2.0,
    beta: float = 1.0,
    stabiliser: float = STABILISER,
) -> Shares:
    """Share alpha parts among the inputs that raised an output, less beta parts among those that lowered it.

    R_i = sum_j alpha (x_i+ w_ij+ + x_i- w_ij-) s+_j - beta (x_i+ w_ij- + x_i- w_ij+) s-_j. Each denominator is the sum
    of its own products and of the bias of its sign. Where nothing lowered an output, the stabiliser takes -beta R_j.

    Args:
        layer: A layer linear in its input: dense or convolution.
        inputs: What the layer saw in the forward pass.
        outputs: What it gave; not used.
        relevance: Relevance of the outputs, in the unit of the explained score.
        alpha: Weight of the raising part; alpha - beta = 1.
        beta: Weight of the lowering part; at least 0.
        stabiliser: Added to the size of each denominator; above 0.

    Returns:
        The shares.

    Raises:
        ValueError: If alpha - beta is not 1, beta is negative, or the stabiliser is not above 0.

    Source: Bach et al. 2015, doi:10.1371/journal.pone.0130140.
    """
    if beta < 0 or abs(alpha - beta - 1) > 1e-9:
        raise ValueError(f"alpha {alpha:g} and beta {beta:g}: beta must be at least 0, and alpha - beta must be 1")
    raising = _raising(layer, inputs, relevance, stabiliser)
    positive, negative = layer.version("positive", _positive), layer.version("negative", _negative)
    bias = None if layer.bias is None else _negative(layer.bias)
    lowering = _by_sign(layer, inputs, relevance, negative, positive, bias, stabiliser)
    return Shares(
        alpha * raising.inputs - beta * lowering.inputs,
        bias=alpha * raising.bias - beta * lowering.bias,
        stabiliser=alpha * raising.stabiliser - beta * lowering.stabiliser,
    )


def gamma_rule(
    layer: LinearLayer,
    inputs: Signal,
    outputs: Tensor,
    relevance: Tensor,
    *,
    gamma: float = 0.25,
    stabiliser: float = STABILISER,
) -> Shares:
    """Share as the epsilon rule does, with the contributions of the output's own sign strengthened.

    Where z_j > 0, contributions and the bias count (1 + gamma) fold if they are positive; where z_j < 0, if they are
    negative. Where z_j is 0 exactly, neither holds and the relevance is dropped.

    Args:
        layer: A layer linear in its input: dense or convolution.
        inputs: What the layer saw in the forward pass.
        outputs: What it gave: the sign of z_j.
        relevance: Relevance of the outputs, in the unit of the explained score.
        gamma: By how much they are strengthened; at least 0. With 0 this is the epsilon rule.
        stabiliser: Added to the size of each denominator; above 0.

    Returns:
        The shares.

    Raises:
        ValueError: If gamma is negative, or the stabiliser is not above 0.

    Source: Montavon et al. 2019, doi:10.1007/978-3-030-28954-6_10; for both signs Andeol et al. 2021, arXiv:2106.04312.
    """
    if gamma < 0:
        raise ValueError(f"gamma is {gamma:g}: it must be at least 0")
    raised = layer.version(("raised", gamma), lambda weight: weight + gamma * _positive(weight))
    lowered = layer.version(("lowered", gamma), lambda weight: weight + gamma * _negative(weight))
    bias = layer.bias
    upward = None if bias is None else bias + gamma * _positive(bias)
    above = relevance.masked_fill(outputs <= 0, 0.0)
    shares = _by_sign(layer, inputs, above, raised, lowered, upward, stabiliser)
    rest = relevance - above
    if not rest.any():  # behind a ReLU the outputs below 0 carry nothing, and half of the work falls away
        return shares
    downward = None if bias is None else bias + gamma * _negative(bias)
    below = rest.masked_fill(outputs == 0, 0.0)
    other = _by_sign(layer, inputs, below, lowered, raised, downward, stabiliser)
    return Shares(
        shares.inputs + other.inputs,
        bias=shares.bias + other.bias,
        stabiliser=shares.stabiliser + other.stabiliser,
        dropped=_per_decision(rest - below),
    )


def z_box_rule(
    layer: LinearLayer, inputs: Signal, outputs: Tensor, relevance: Tensor, *, stabiliser: float = STABILISER
) -> Shares:
    """Share each output's relevance among inputs that are known to lie between bounds.

    R_i = sum_j ((x_i - low) w_ij+ + (x_i - high) w_ij-) s_j with d_j the sum of these contributions: an input counts by
    how far it is from where it would lower the output most. The bias cancels. Arguments are those of `epsilon_rule`.

    Raises:
        UsageError: If the bounds of the inputs are not known.
        ValueError: If the stabiliser is not above 0.

    Source: Montavon et al. 2017, doi:10.1016/j.patcog.2016.11.008.
    """
    if inputs.bounds is None:
        raise UsageError("the z-box rule needs the smallest and largest possible input: pass input_bounds=(low, high)")
    low, high = inputs.bounds
    del outputs  # z_j - b_j less its smallest value would cancel digits; the terms below have one sign each
    positive, negative = layer.version("positive", _positive), layer.version("negative", _negative)
    return _of_two(
        layer, (inputs.tensor - low, positive), (inputs.tensor - high, negative), relevance, None, stabiliser
    )


def flat_rule(
    layer: LinearLayer, inputs: Signal, outputs: Tensor, relevance: Tensor, *, stabiliser: float = STABILISER
) -> Shares:
    """Share each output's relevance equally among the inputs that it can see, whatever they are.

    Arguments and errors are those of `epsilon_rule`. On a convolution every stacked frame gets the same map: it shows
    where, never when.

    Source: Lapuschkin et al. 2019, doi:10.1038/s41467-019-08987-4.
    """
    del outputs  # what the layer gave does not matter here
    shape = inputs.tensor.shape
    quotient, taken = _divide(relevance, layer.fan_in(shape), stabiliser)
    # Nothing is multiplied with the inputs here: 0 times them keeps a NaN or an infinity visible.
    return Shares(layer.spread(quotient, shape) + 0.0 * inputs.tensor, stabiliser=taken)


def _raising(layer: LinearLayer, inputs: Signal, relevance: Tensor, stabiliser: float) -> Shares:
    """The z-plus rule: shares of the products above 0."""
    positive = layer.version("positive", _positive)
    negative = positive if inputs.nonnegative else layer.version("negative", _negative)
    bias = None if layer.bias is None else _positive(layer.bias)
    return _by_sign(layer, inputs, relevance, positive, negative, bias, stabiliser)


def _by_sign(
    layer: LinearLayer,
    inputs: Signal,
    relevance: Tensor,
    for_positive: Tensor,
    for_negative: Tensor,
    bias: Tensor | None,
    stabiliser: float,
) -> Shares:
    """Share by contributions with one weight for inputs above 0 and another for those below."""
    if not inputs.nonnegative:
        above, below = _positive(inputs.tensor), _negative(inputs.tensor)
        return _of_two(layer, (above, for_positive), (below, for_negative), relevance, bias, stabiliser)
    quotient, taken = _divide(relevance, layer.forward(inputs.tensor, for_positive, bias), stabiliser)
    values = layer.backward(quotient, for_positive, inputs.tensor.shape).mul_(inputs.tensor)
    return Shares(values, bias=layer.bias_share(quotient, bias), stabiliser=taken)


def _of_two(
    layer: LinearLayer,
    one: tuple[Tensor, Tensor],
    other: tuple[Tensor, Tensor],
    relevance: Tensor,
    bias: Tensor | None,
    stabiliser: float,
) -> Shares:
    """Share by the contributions of two pairs of inputs and weight, which stand for the same inputs."""
    denominator = layer.forward(*one, bias) + layer.forward(*other)
    quotient, taken = _divide(relevance, denominator, stabiliser)
    first, second = (layer.backward(quotient, weight, inputs.shape).mul_(inputs) for inputs, weight in (one, other))
    return Shares(first.add_(second), bias=layer.bias_share(quotient, bias), stabiliser=taken)


def _divide(relevance: Tensor, denominator: Tensor, stabiliser: float) -> tuple[Tensor, Tensor]:
    """The quotient s, and what the stabiliser takes of each decision."""
    if not stabiliser > 0:
        raise ValueError(f"the stabiliser is {stabiliser:g}: it must be above 0")
    size = torch.tensor(stabiliser, dtype=denominator.dtype)
    added = torch.where(denominator < 0, -size, size)
    quotient = relevance / (denominator + added)
    return quotient, _per_decision(quotient * added)


def _per_decision(values: Tensor) -> Tensor:
    return values.flatten(1).sum(1)


def _positive(values: Tensor) -> Tensor:
    return values.clamp(min=0)


def _negative(values: Tensor) -> Tensor:
    return values.clamp(max=0)
