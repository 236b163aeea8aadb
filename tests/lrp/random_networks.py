"""Networks of every kind, drawn at random: of one to three dimensions, with branches, gates, norms and odd weights."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional

CONVOLUTIONS = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}
TRANSPOSED = {1: nn.ConvTranspose1d, 2: nn.ConvTranspose2d, 3: nn.ConvTranspose3d}
BATCH_NORMS = {1: nn.BatchNorm1d, 2: nn.BatchNorm2d, 3: nn.BatchNorm3d}
MAX_POOLS = {1: nn.MaxPool1d, 2: nn.MaxPool2d, 3: nn.MaxPool3d}
AVERAGES = {1: nn.AvgPool1d, 2: nn.AvgPool2d, 3: nn.AvgPool3d}
ADAPTIVE = {1: nn.AdaptiveAvgPool1d, 2: nn.AdaptiveAvgPool2d, 3: nn.AdaptiveAvgPool3d}
ADAPTIVE_MAX = {1: nn.AdaptiveMaxPool1d, 2: nn.AdaptiveMaxPool2d, 3: nn.AdaptiveMaxPool3d}
SIZES = {1: (5, 10), 2: (4, 7), 3: (3, 4)}


class By(nn.Module):
    """Applies a function; that is how a call of it is written in the middle of a network."""

    def __init__(self, name: str, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.name, self.function = name, function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)

    def extra_repr(self) -> str:
        return self.name


class Functional(nn.Module):
    """A convolution or dense layer, called as a function with weights that it reads."""

    def __init__(self, layer: Any) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        layer = self.layer
        if isinstance(layer, nn.Linear):
            return functional.linear(x, layer.weight, bias=layer.bias)
        convolve = getattr(functional, f"conv{len(layer.kernel_size)}d")
        return convolve(x, layer.weight, layer.bias, layer.stride, layer.padding, layer.dilation, groups=layer.groups)


class Joined(nn.Module):
    """What a branch gives, joined with its input in one of many ways."""

    def __init__(self, way: str, branch: nn.Module) -> None:
        super().__init__()
        self.way, self.branch = way, branch

    def forward(self, x: Tensor) -> Tensor:
        y = self.branch(x)
        match self.way:
            case "x + y":
                return x + y
            case "y += x":
                y += x
                return y
            case "x += y":
                x = x * 1.0
                x += y
                return x
            case "torch.add":
                return torch.add(y, x)
            case "y.add_(x)":
                return y.add_(x)
            case "x - y":
                return x - y
            case "torch.sub":
                return torch.sub(y, other=x)
            case "cat":
                return torch.cat([x, y], 1)
            case "stack":
                return torch.stack((x, y), dim=1).flatten(1, 2)
            case "gate":
                return torch.sigmoid(y) * x
            case "gate.mul":
                return x.mul(y.sigmoid())
            case "product":
                return x * y
            case "mean of both":
                return (x + y) / 2 + x.mean(1, keepdim=True)
        raise AssertionError(self.way)

    def extra_repr(self) -> str:
        return self.way


WAYS = (
    *("x + y", "y += x", "x += y", "torch.add", "y.add_(x)", "x - y", "torch.sub", "cat", "stack", "gate", "gate.mul"),
    *("product", "mean of both"),
)
UNITS: tuple[Callable[[], nn.Module], ...] = (
    *(nn.ReLU, lambda: nn.ReLU(inplace=True), lambda: By("F.relu", functional.relu), lambda: By("relu_", torch.relu_)),
    *(lambda: By("x.relu", lambda x: x.relu()), nn.LeakyReLU, nn.ELU, nn.GELU, nn.SiLU, nn.Tanh, nn.Sigmoid, nn.ReLU6),
    *(lambda: nn.LeakyReLU(-0.5), lambda: By("torch.tanh", torch.tanh), lambda: By("sigmoid", lambda x: x.sigmoid())),
    *(nn.Softplus, nn.Hardtanh, nn.Hardswish, nn.Mish, nn.SELU, nn.CELU, nn.Softsign),
    *(lambda: By("F.gelu", functional.gelu), lambda: By("clamp", lambda x: x.clamp(-0.5, 0.7))),
)
CHANGES: tuple[tuple[str, Callable[[Tensor], Tensor]], ...] = (
    ("/ 255", lambda x: x / 255),
    ("* 3", lambda x: x * 3.0),
    ("* -2", lambda x: -2.0 * x),
    ("neg", lambda x: -x),
    ("+ .5", lambda x: x + 0.5),
    ("1 -", lambda x: 1 - x),
    ("- .25", lambda x: torch.sub(x, 0.25)),
    ("(x - .5) / .2", lambda x: (x - 0.5) / 0.2),
    ("flip", lambda x: x.flip(-1)),
    ("roll", lambda x: torch.roll(x, 1, -1)),
    ("first places", lambda x: x[..., :2]),
    ("last channel twice", lambda x: torch.cat([x, x[:, -1:]], 1)),
    ("F.pad", lambda x: functional.pad(x, (1, 2))),
    ("channels turned round", lambda x: x[:, [-1, 0]]),
    ("identity", lambda x: x),
    ("dropout", lambda x: functional.dropout(x, 0.5, training=False)),
    ("clone", lambda x: x.clone().contiguous()),
    ("pieces", lambda x: (lambda parts: torch.cat([parts[-1], 2 * parts[0]], 1))(torch.split(x, 1, dim=1))),
    ("there and back", lambda x: x.transpose(1, 2).transpose(1, 2)),
    ("sum of places", lambda x: x.sum(-1, keepdim=True)),
    ("mean of channels", lambda x: x.mean(dim=1, keepdim=True)),
)


class Headed(nn.Module):
    """A trunk on images, then a flatten of some spelling, dense layers, and one of some heads."""

    def __init__(
        self, trunk: nn.Module, flatten: str, places: tuple[int, ...], dense: nn.Module, head: nn.ModuleDict, kind: str
    ) -> None:
        super().__init__()
        self.trunk, self.dense, self.head = trunk, dense, head
        self.flatten, self.places, self.kind = flatten, places, kind

    def forward(self, inputs: Tensor) -> Any:
        x = self.trunk(inputs)
        match self.flatten:
            case "flatten":
                x = torch.flatten(x, 1)
            case "view":
                x = x.reshape(x.size(0), -1)
            case "mean":
                x = x.mean(self.places)
            case "max":
                x = x.flatten(2)
                x = functional.adaptive_max_pool1d(x, 1).squeeze(-1)
        features = self.dense(x)
        scores = self.head["scores"](features)
        match self.kind:
            case "critic":
                return scores, self.head["value"](features)
            case "dueling":
                return self.head["value"](features) + (scores - scores.mean(dim=1, keepdim=True))
            case "squashed":
                return torch.tanh(scores)
        return scores


@dataclass
class Case:
    """A network, inputs for it, and how they are explained."""

    network: nn.Module
    inputs: Tensor
    starts_with_weights: bool

    def __repr__(self) -> str:
        return f"{self.network}\n{self.inputs.tolist()}"


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """A random network in double precision, evaluating, and a batch for it."""
    dimensions = draw(st.sampled_from((1, 2, 2, 3)))
    low, high = SIZES[dimensions]
    shape = (draw(st.integers(1, 3)), *(draw(st.integers(low, high)) for _ in range(dimensions)))
    starts = draw(st.booleans())
    steps: list[nn.Module] = []
    x = torch.zeros(2, *shape)
    for number in range(draw(st.integers(0, 5))):
        step = draw(_layer(x, dimensions) if number == 0 and starts else _step(x, dimensions))
        steps.append(step)
        x = step.eval()(x.clone()).detach()
    network = draw(_headed(nn.Sequential(*steps), x))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 10**6)))
    _fill(network, generator, odd=draw(st.sampled_from(("", "", "", "dead", "zero", "large", "no bias"))))
    inputs = torch.rand(draw(st.integers(1, 3)), *shape, generator=generator, dtype=torch.float64)
    inputs = inputs * (torch.rand(inputs.shape, generator=generator) > draw(st.sampled_from((0.0, 0.0, 0.6, 1.0))))
    inputs = (inputs - draw(st.sampled_from((0.0, 0.0, 0.4)))).float().double()  # single precision holds them too
    return Case(network.double().eval(), inputs, starts and bool(steps))


@st.composite
def _step(draw: st.DrawFn, x: Tensor, dimensions: int) -> nn.Module:
    """One step on images of the shape of `x`."""
    kind = draw(st.sampled_from(("layer", "layer", "unit", "unit", "pool", "norm", "joined", "shared", "change")))
    if kind == "layer":
        return draw(_layer(x, dimensions))
    if kind == "unit":
        return draw(st.sampled_from(UNITS))()
    if kind == "pool":
        return draw(_pool(x, dimensions))
    if kind == "norm":
        return draw(_norm(x, dimensions))
    if kind == "change":
        name, change = draw(st.sampled_from(CHANGES))
        return By(name, change)
    channels = x.shape[1]
    keeping = CONVOLUTIONS[dimensions](channels, channels, 3, padding=1, bias=draw(st.booleans()))
    unit = draw(st.sampled_from(UNITS))()
    if kind == "shared":
        return nn.Sequential(keeping, unit, keeping)
    before = draw(st.sampled_from(UNITS[5:]))()  # not in place: its input is used again
    branch = draw(
        st.sampled_from((keeping, nn.Sequential(keeping, unit), nn.Sequential(before, keeping), nn.Sequential(before)))
    )
    return Joined(draw(st.sampled_from(WAYS)), branch)


@st.composite
def _layer(draw: st.DrawFn, x: Tensor, dimensions: int) -> nn.Module:
    """A convolution of some kind, perhaps with a batch norm behind it."""
    channels, outputs, bias = x.shape[1], draw(st.integers(1, 4)), draw(st.booleans())
    stride, kind = draw(st.integers(1, 2)), draw(st.sampled_from(("plain", "plain", "same", "edge", "transposed")))
    kernel = tuple(draw(st.integers(1, min(3, size))) for size in x.shape[2:])
    layer: nn.Module
    if kind == "transposed" and x[0, 0].numel() <= 40:
        layer = TRANSPOSED[dimensions](channels, outputs, kernel, stride, output_padding=stride - 1, bias=bias)
    elif kind == "same":
        layer = CONVOLUTIONS[dimensions](channels, outputs, kernel, padding="same", bias=bias)
    elif kind == "edge":
        mode = draw(st.sampled_from(("replicate", "circular")))
        layer = CONVOLUTIONS[dimensions](channels, outputs, kernel, stride, 1, padding_mode=mode, bias=bias)
    else:
        padding, groups = draw(st.integers(0, 1)), draw(st.sampled_from((1, 1, math.gcd(channels, outputs))))
        roomy = all(size + 2 * padding > 2 * (length - 1) for size, length in zip(x.shape[2:], kernel, strict=True))
        dilation = draw(st.integers(1, 2)) if roomy else 1
        layer = CONVOLUTIONS[dimensions](channels, outputs, kernel, stride, padding, dilation, groups, bias=bias)
        layer = Functional(layer) if draw(st.booleans()) else layer
    return nn.Sequential(layer, BATCH_NORMS[dimensions](outputs)) if draw(st.integers(0, 3)) == 0 else layer


@st.composite
def _pool(draw: st.DrawFn, x: Tensor, dimensions: int) -> nn.Module:
    smallest, stride = min(x.shape[2:]), draw(st.integers(1, 2))
    kernel = min(2, smallest)
    padding = draw(st.integers(0, kernel // 2))
    pools = (
        lambda: MAX_POOLS[dimensions](kernel, stride, padding),
        lambda: AVERAGES[dimensions](kernel, stride, padding),
        lambda: ADAPTIVE[dimensions](draw(st.integers(1, smallest))),
        lambda: ADAPTIVE_MAX[dimensions](draw(st.integers(1, smallest))),
        lambda: By("F.max_pool", lambda x: getattr(functional, f"max_pool{dimensions}d")(x, kernel, stride=stride)),
        lambda: By("F.avg_pool", lambda x: getattr(functional, f"avg_pool{dimensions}d")(x, kernel, stride)),
        lambda: nn.Upsample(scale_factor=2) if x[0].numel() < 150 else nn.Identity(),
    )
    return draw(st.sampled_from(pools))()


@st.composite
def _norm(draw: st.DrawFn, x: Tensor, dimensions: int) -> nn.Module:
    norms = (
        lambda: BATCH_NORMS[dimensions](x.shape[1]),
        lambda: BATCH_NORMS[dimensions](x.shape[1], affine=False),
        lambda: nn.LayerNorm(tuple(x.shape[1:])),
        lambda: nn.GroupNorm(1, x.shape[1]) if x[0].numel() > 1 else nn.Identity(),  # torch refuses a single value
        lambda: nn.LocalResponseNorm(2),
    )
    return draw(st.sampled_from(norms))()


@st.composite
def _headed(draw: st.DrawFn, trunk: nn.Module, x: Tensor) -> nn.Module:
    flatten = draw(st.sampled_from(("flatten", "view", "mean", "max")))
    features = x[0].numel() if flatten in ("flatten", "view") else x.shape[1]
    dense: list[nn.Module] = []
    for _ in range(draw(st.integers(0, 2))):
        width = draw(st.integers(1, 5))
        layer = nn.Linear(features, width, bias=draw(st.booleans()))
        dense.append(Functional(layer) if draw(st.booleans()) else layer)
        dense += [nn.BatchNorm1d(width)] if draw(st.integers(0, 3)) == 0 else []
        dense += [nn.LayerNorm(width)] if width > 1 and draw(st.integers(0, 5)) == 0 else []
        dense += [draw(st.sampled_from(UNITS))()] if draw(st.integers(0, 4)) else []
        features = width
    head = nn.ModuleDict({"scores": nn.Linear(features, draw(st.integers(1, 4))), "value": nn.Linear(features, 1)})
    kind = draw(st.sampled_from(("scores", "critic", "dueling", "squashed")))
    return Headed(trunk, flatten, tuple(range(2, x.dim())), nn.Sequential(*dense), head, kind)


def _fill(network: nn.Module, generator: torch.Generator, odd: str) -> None:
    """Random weights, biases of both signs and statistics; `odd` says what is strange about one of the layers."""
    weighted = [module for module in network.modules() if isinstance(getattr(module, "weight", None), Tensor)]
    for module in weighted:
        many = module.weight[0].numel()
        nn.init.normal_(module.weight, 0, (2 / many) ** 0.5, generator=generator)
        if module.bias is not None:
            nn.init.normal_(module.bias, 0, 0.3, generator=generator)
    for module in network.modules():
        if isinstance(module, tuple(BATCH_NORMS.values())):
            nn.init.normal_(module.running_mean, 0, 0.3, generator=generator)
            nn.init.uniform_(module.running_var, 0.3, 2.0, generator=generator)
    strange: Any = weighted[int(torch.randint(len(weighted), (1,), generator=generator))]
    with torch.no_grad():
        if odd == "zero":
            strange.weight.zero_()
        elif odd == "large":
            strange.weight.mul_(50.0)
        elif odd == "dead" and strange.bias is not None:
            strange.bias.fill_(-20.0)
        elif odd == "no bias":
            for module in weighted:
                if module.bias is not None:
                    module.bias.zero_()
