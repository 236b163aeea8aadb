"""LRP written a second time, slowly and from the papers' formulas: what the engine is measured against.

No line is shared with the engine. There are two forms. `share` takes one layer apart into its matrix and looks at every
single contribution x_i w_ij. `Reference` explains a whole network, given as a list of layers, and pushes relevance back
with the gradient of one layer at a time. Both mean what they say in float64.

Notation: z_j = sum_i x_i w_ij + b_j is an output; a+ = max(a, 0), a- = min(a, 0); st(z) = z + stabiliser * sign(z),
with sign(0) = 1.

Sources: Bach et al. 2015 (epsilon, alpha-beta), Montavon et al. 2017 (z-box, w-square), Montavon et al. 2019 and Andeol
et al. 2021 (gamma), Lapuschkin et al. 2019 (flat), Huber et al. 2019 (argmax).
"""

import copy
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

STABILISER = 1e-6
GAMMA = 0.25

Weighted = Any  # a module with a weight and a bias: dense, convolution of any dimension, transposed or not
Change = Callable[[Tensor], Tensor]
Bounds = tuple[float, float]


@dataclass(frozen=True)
class Shared:
    """Where relevance went: to the inputs (batch, *shape); to biases, stabiliser and nobody, (batch,) each."""

    inputs: Tensor
    bias: Tensor
    stabiliser: Tensor
    dropped: Tensor


# --- one layer, contribution by contribution -------------------------------------------------------------------------


@dataclass(frozen=True)
class Taken:
    """A layer taken apart: x (batch, inputs), W (outputs, inputs), b (outputs,); `seen` is W with all weights 1."""

    inputs: Tensor
    weight: Tensor
    seen: Tensor
    bias: Tensor
    bounds: Bounds

    @property
    def products(self) -> Tensor:
        return self.inputs[:, None] * self.weight


@dataclass(frozen=True)
class Claim:
    """Contributions (batch, outputs, inputs) and biases that share some relevance (batch, outputs) in proportion."""

    contributions: Tensor
    bias: Tensor
    relevance: Tensor


@torch.no_grad()
def take_apart(layer: Weighted, inputs: Tensor, bounds: Bounds = (0.0, 1.0)) -> Taken:
    """The matrix of a layer with a weight, made by pushing the unit vectors through it."""
    shape = inputs.shape[1:]
    unit = torch.eye(shape.numel(), dtype=inputs.dtype).view(-1, *shape)
    weight, seen = (changed(layer, change)(unit).flatten(1).T for change in (_same, torch.ones_like))
    bias = layer(torch.zeros_like(inputs[:1])).flatten()
    return Taken(inputs.flatten(1), weight, seen, bias, bounds)


def _epsilon(layer: Taken, relevance: Tensor) -> list[Claim]:
    return [Claim(layer.products, layer.bias, relevance)]


def _alpha_beta(layer: Taken, relevance: Tensor, alpha: float, beta: float) -> list[Claim]:
    products, bias = layer.products, layer.bias
    return [
        Claim(products.clamp(min=0), bias.clamp(min=0), alpha * relevance),
        Claim(products.clamp(max=0), bias.clamp(max=0), -beta * relevance),
    ]


def _gamma(layer: Taken, relevance: Tensor) -> list[Claim]:
    products, bias = layer.products, layer.bias
    outputs = products.sum(2) + bias
    return [
        Claim(products + GAMMA * products.clamp(min=0), bias + GAMMA * bias.clamp(min=0), relevance * (outputs > 0)),
        Claim(products + GAMMA * products.clamp(max=0), bias + GAMMA * bias.clamp(max=0), relevance * (outputs < 0)),
    ]


def _z_box(layer: Taken, relevance: Tensor) -> list[Claim]:
    low, high = layer.bounds
    smallest = low * layer.weight.clamp(min=0) + high * layer.weight.clamp(max=0)
    return [Claim(layer.products - smallest, torch.zeros_like(layer.bias), relevance)]


def _w_square(layer: Taken, relevance: Tensor) -> list[Claim]:
    return [Claim((layer.weight**2).expand(len(relevance), -1, -1), layer.bias**2, relevance)]


def _flat(layer: Taken, relevance: Tensor) -> list[Claim]:
    return [Claim(layer.seen.expand(len(relevance), -1, -1), torch.zeros_like(layer.bias), relevance)]


CLAIMS: Mapping[str, Callable[[Taken, Tensor], list[Claim]]] = {
    "epsilon": _epsilon,
    "z_plus": partial(_alpha_beta, alpha=1.0, beta=0.0),
    "alpha2_beta1": partial(_alpha_beta, alpha=2.0, beta=1.0),
    "gamma": _gamma,
    "z_box": _z_box,
    "w_square": _w_square,
    "flat": _flat,
}
WINNERS = {"argmax": -torch.inf, "argmax_raised": 0.0}
"""What the largest contribution has to exceed: the paper's rule, and one that drops what no input raised."""
RULES = (*CLAIMS, *WINNERS)


def share(
    rule: str,
    layer: Weighted,
    inputs: Tensor,
    relevance: Tensor,
    bounds: Bounds = (0.0, 1.0),
    stabiliser: float = STABILISER,
) -> Shared:
    """Share the relevance of a layer's outputs by a rule of `RULES`, contribution by contribution."""
    taken, given = take_apart(layer, inputs, bounds), relevance.flatten(1)
    if rule in WINNERS:
        return _argmax(taken, given, inputs.shape, WINNERS[rule])
    values, bias, lost, claimed = torch.zeros_like(taken.inputs), 0.0 * given[:, 0], 0.0 * given[:, 0], 0.0 * given
    for claim in CLAIMS[rule](taken, given):
        denominator = claim.contributions.sum(2) + claim.bias
        added = torch.where(denominator < 0, -stabiliser, stabiliser)
        quotient = claim.relevance / (denominator + added)
        values = values + (claim.contributions * quotient[:, :, None]).sum(1)
        bias, lost = bias + (claim.bias * quotient).sum(1), lost + (added * quotient).sum(1)
        claimed = claimed + claim.relevance
    return Shared(values.view_as(inputs), bias, lost, (given - claimed).sum(1))


def _argmax(taken: Taken, relevance: Tensor, shape: torch.Size, above: float) -> Shared:
    """All of R_j goes to the input with the largest x_i w_ij among those that j sees; of equals to the first."""
    products = taken.products.masked_fill(taken.seen == 0, -torch.inf)
    values, dropped = torch.zeros_like(taken.inputs), torch.zeros_like(relevance[:, 0])
    for decision, output in itertools.product(*map(range, relevance.shape)):
        row, given = products[decision, output].tolist(), relevance[decision, output]
        if max(row) > above:
            values[decision, row.index(max(row))] += given
        else:
            dropped[decision] += given
    return Shared(values.view(shape), torch.zeros_like(dropped), torch.zeros_like(dropped), dropped)


# --- a whole network, layer by layer ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Residual:
    """What two lists of layers make of the same input, added; no layers are the identity."""

    branch: "Layers"
    shortcut: "Layers" = ()


Layers = Sequence[nn.Module | Residual]
Back = Callable[[Tensor], Tensor]
WEIGHTED = (nn.Linear, nn.modules.conv._ConvNd)
PASSING = (nn.ReLU, nn.LeakyReLU, nn.ELU, nn.GELU, nn.SiLU, nn.Tanh, nn.Sigmoid, nn.Dropout, nn.Identity)
MAX_POOLS = (nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d)
MEAN_POOLS = (
    *(nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d),
    *(nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d, nn.AdaptiveAvgPool3d),
)


@dataclass(frozen=True)
class Table:
    """Rules for convolutions and dense layers; `first` is for those that no other stands before."""

    convolution: str
    dense: str
    first_convolution: str | None = None
    first_dense: str | None = None

    def rule(self, layer: nn.Module, first: bool) -> str:
        dense = isinstance(layer, nn.Linear)
        of_the_first = self.first_dense if dense else self.first_convolution
        return of_the_first if first and of_the_first else self.dense if dense else self.convolution


TABLES: Mapping[str, Table] = {
    "epsilon": Table("epsilon", "epsilon"),
    "epsilon_plus": Table("z_plus", "epsilon"),
    "epsilon_plus_flat": Table("z_plus", "epsilon", "flat", "flat"),
    "epsilon_gamma_box": Table("gamma", "epsilon", "z_box"),
    "epsilon_alpha2_beta1": Table("alpha2_beta1", "epsilon"),
    "epsilon_alpha2_beta1_flat": Table("alpha2_beta1", "epsilon", "flat", "flat"),
    "deep_taylor": Table("z_plus", "z_plus", "z_box", "z_box"),
    "argmax": Table("argmax", "z_plus", "z_plus"),
    "argmax_raised": Table("argmax_raised", "z_plus", "z_plus"),
}


@dataclass
class Reference:
    """Explains a network that is given as a list of layers. One call at a time."""

    layers: Layers
    table: Table
    bounds: Bounds = (0.0, 1.0)
    stabiliser: float = STABILISER

    def __call__(self, inputs: Tensor, seeds: Tensor) -> Shared:
        """Relevance of the inputs, where that of the outputs is `seeds`."""
        self._lost = {part: torch.zeros(len(inputs), dtype=inputs.dtype) for part in ("bias", "stabiliser", "dropped")}
        _, back, _ = self._chain(self.layers, inputs, first=True)
        return Shared(back(seeds), **self._lost)

    def _chain(self, layers: Layers, signal: Tensor, first: bool) -> tuple[Tensor, Back, bool]:
        """What the layers make of a signal, how relevance goes back, and whether none of them had weights."""
        backs: list[Back] = []
        for layer in layers:
            signal, back, first = self._step(layer, signal, first)
            backs.append(back)

        def through(relevance: Tensor) -> Tensor:
            for back in reversed(backs):
                relevance = back(relevance)
            return relevance

        return signal, through, first

    def _step(self, layer: nn.Module | Residual, signal: Tensor, first: bool) -> tuple[Tensor, Back, bool]:
        if isinstance(layer, Residual):
            return self._sum(layer, signal, first)
        outputs = layer(signal.clone()).detach()  # a copy, or a ReLU in place would overwrite what the shortcut reads
        if isinstance(layer, WEIGHTED):
            rule = self.table.rule(layer, first)
            return outputs, partial(self._weighted, rule, layer, signal, outputs), False
        if isinstance(layer, PASSING):
            return outputs, _same, first
        if isinstance(layer, (nn.Flatten, *MAX_POOLS)):  # a maximum gives all to the winner, as its gradient does
            return outputs, partial(_gradient, layer, signal), first
        if isinstance(layer, MEAN_POOLS):
            return outputs, lambda relevance: signal * _gradient(layer, signal, self._over(relevance, outputs)), first
        raise NotImplementedError(f"no layer of the reference: {layer}")

    def _sum(self, layer: Residual, signal: Tensor, first: bool) -> tuple[Tensor, Back, bool]:
        branch, back, one = self._chain(layer.branch, signal, first)
        shortcut, other_back, other = self._chain(layer.shortcut, signal, first)

        def split(relevance: Tensor) -> Tensor:
            quotient = self._over(relevance, branch + shortcut)
            return back(branch * quotient) + other_back(shortcut * quotient)

        return branch + shortcut, split, one and other

    def _weighted(self, rule: str, layer: Weighted, inputs: Tensor, outputs: Tensor, relevance: Tensor) -> Tensor:
        if rule in WINNERS:
            values = winners_take_all(layer, inputs, relevance, WINNERS[rule])
            self._lost["dropped"] += relevance.flatten(1).sum(1) - values.flatten(1).sum(1)
            return values
        claimed, values = torch.zeros_like(relevance), torch.zeros_like(inputs)
        for pairs, of_bias, given in terms(rule, inputs, outputs, relevance, self.bounds):
            bias = torch.zeros(()) if layer.bias is None else of_bias(layer.bias.detach())
            bias = bias.view(-1, *[1] * (outputs.dim() - 2))
            layers = [changed(layer, change) for _, change in pairs]
            parts = [each(part).detach() for each, (part, _) in zip(layers, pairs, strict=True)]
            quotient = self._over(given, sum(parts) + bias)
            for each, (part, _) in zip(layers, pairs, strict=True):
                values += part * _gradient(each, part, quotient)
            self._lose("bias", bias * quotient)
            claimed += given
        self._lose("dropped", relevance - claimed)
        return values

    def _over(self, relevance: Tensor, denominator: Tensor) -> Tensor:
        added = torch.where(denominator < 0, -self.stabiliser, self.stabiliser)
        quotient = relevance / (denominator + added)
        self._lose("stabiliser", added * quotient)
        return quotient

    def _lose(self, part: str, relevance: Tensor) -> None:
        self._lost[part] += relevance.flatten(1).sum(1)


Pairs = list[tuple[Tensor, Change]]
Terms = list[tuple[Pairs, Change, Tensor]]


def terms(rule: str, x: Tensor, z: Tensor, relevance: Tensor, bounds: Bounds) -> Terms:
    """The claims of a rule as pairs of inputs and changed weights, the changed bias, and the relevance claimed."""
    above, below = x.clamp(min=0), x.clamp(max=0)
    low, high = (torch.full_like(x, bound) for bound in bounds)
    raising: Pairs = [(above, _positive), (below, _negative)]
    lowering: Pairs = [(above, _negative), (below, _positive)]
    table: dict[str, Terms] = {
        "epsilon": [([(x, _same)], _same, relevance)],
        "z_plus": [(raising, _positive, relevance)],
        "alpha2_beta1": [(raising, _positive, 2 * relevance), (lowering, _negative, -relevance)],
        "gamma": [
            ([(above, _raised), (below, _lowered)], _raised, relevance * (z > 0)),
            ([(above, _lowered), (below, _raised)], _lowered, relevance * (z < 0)),
        ],
        "z_box": [([(x, _same), (-low, _positive), (-high, _negative)], torch.zeros_like, relevance)],
        "w_square": [([(torch.ones_like(x), torch.square)], torch.square, relevance)],
        "flat": [([(torch.ones_like(x), torch.ones_like)], torch.zeros_like, relevance)],
    }
    return table[rule]


def winners_take_all(layer: Weighted, inputs: Tensor, relevance: Tensor, above: float) -> Tensor:
    """The argmax rule without a matrix: every patch of inputs against one filter at a time."""
    numbers = torch.arange(inputs[0].numel()).view(inputs.shape[1:])
    if not isinstance(layer, nn.Linear):
        assert set(layer.dilation) == {1} and layer.groups == 1, "only `share` knows these"
        numbers = nn.functional.pad(
            numbers, [side for each in reversed(layer.padding) for side in (each, each)], value=-1
        )
        for dimension, (size, stride) in enumerate(zip(layer.kernel_size, layer.stride, strict=True), start=1):
            numbers = numbers.unfold(dimension, size, stride)
        numbers = numbers.movedim(0, layer.weight.dim() - 2)  # (*positions, channels, *kernel), as the weights are
    patches = numbers.reshape(-1, layer.weight[0].numel())
    seen, values = inputs.flatten(1)[:, patches.clamp(min=0)], torch.zeros_like(inputs.flatten(1))
    for weight, given in zip(
        layer.weight.flatten(1), relevance.reshape(*relevance.shape[:2], -1).unbind(1), strict=True
    ):
        largest, which = (seen * weight).masked_fill(patches < 0, -torch.inf).max(2, keepdim=True)
        winners = patches.clamp(min=0).expand(len(inputs), -1, -1).gather(2, which).flatten(1)
        values.scatter_add_(1, winners, given.masked_fill(largest[:, :, 0] <= above, 0.0))
    return values.view_as(inputs)


def changed(layer: Weighted, change: Change) -> Weighted:
    """A copy of a layer with other weights and no bias."""
    layer = copy.deepcopy(layer)
    layer.weight = nn.Parameter(change(layer.weight.detach()), requires_grad=False)
    layer.bias = None
    return layer


@torch.no_grad()
def folded(layer: Weighted, norm: Any) -> Weighted:
    """A copy of a layer that does the batch norm behind it: w g / sqrt(v + e) and (b - m) g / sqrt(v + e) + beta."""
    layer = copy.deepcopy(layer)
    factor = norm.weight / (norm.running_var + norm.eps).sqrt()
    bias = torch.zeros_like(norm.running_mean) if layer.bias is None else layer.bias
    layer.weight = nn.Parameter(layer.weight * factor.view(-1, *[1] * (layer.weight.dim() - 1)))
    layer.bias = nn.Parameter((bias - norm.running_mean) * factor + norm.bias)
    return layer


def _gradient(layer: Callable[[Tensor], Tensor], at: Tensor, of: Tensor) -> Tensor:
    at = at.detach().clone().requires_grad_()
    with torch.enable_grad():
        return torch.autograd.grad(layer(at), at, of)[0]


def _same(values: Tensor) -> Tensor:
    return values


def _positive(values: Tensor) -> Tensor:
    return values.clamp(min=0)


def _negative(values: Tensor) -> Tensor:
    return values.clamp(max=0)


def _raised(values: Tensor) -> Tensor:
    return values + GAMMA * values.clamp(min=0)


def _lowered(values: Tensor) -> Tensor:
    return values + GAMMA * values.clamp(max=0)
