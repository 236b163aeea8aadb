"""Atari networks, rebuilt from the shapes of their weights. Plain modules that `torch.fx` can trace.

Every network takes pixels already divided to 0..1, float32 (batch, stack, height, width).

Source: `nature` Mnih et al. 2015, doi:10.1038/nature14236; `nips` Mnih et al. 2013, arXiv:1312.5602.
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from inspector.errors import CheckpointError

STRIDES: dict[str, tuple[int, ...]] = {"nature": (4, 2, 1), "nips": (4, 2)}
"""Strides of the convolutions by architecture. No file stores them; the size after flattening confirms them."""

KERNELS: dict[str, tuple[int, ...]] = {"nature": (8, 4, 3), "nips": (8, 4)}
"""Sizes of the square kernels by architecture."""

ACTIVATIONS: dict[str, type[nn.Module]] = {
    name: getattr(nn, name) for name in ("ReLU", "Tanh", "ELU", "LeakyReLU", "GELU", "SiLU", "Sigmoid")
}
"""What may stand between the hidden layers of a head."""

OWN_NETWORK = "give the network itself: --factory module:function"
"""What to do about weights whose network cannot be told from them."""

_Module = TypeVar("_Module", nn.Conv2d, nn.Linear)


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """Weights of one layer: a convolution (out, in, height, width), or a dense layer (out, in).

    Attributes:
        name: Where the file keeps them, for error messages.
        weight: Weights of any floating type.
        bias: Biases (out,), or None for a layer without.
    """

    name: str
    weight: Tensor
    bias: Tensor | None = None


class AtariNetwork(nn.Module):
    """A trunk of convolutions, a head of scores, and perhaps a critic with a trunk shared or of its own.

    `forward` returns scores (batch, actions), or with a critic the pair (scores, values (batch, 1)).
    """

    def __init__(
        self,
        trunk: nn.Module,
        policy: nn.Module,
        value: nn.Module | None = None,
        value_trunk: nn.Module | None = None,
    ):
        """Put the parts together.

        Args:
            trunk: Network input to features; feeds `policy`, and `value` if that has no trunk of its own.
            policy: Features to scores (batch, actions): logits or Q-values.
            value: Features to values (batch, 1); None without a critic.
            value_trunk: The critic's own trunk; None if it shares `trunk`.
        """
        super().__init__()
        self.trunk, self.policy, self.value, self.value_trunk = trunk, policy, value, value_trunk
        self.requires_grad_(False).eval()

    # Any: torch.fx traces this with proxies in place of tensors.
    def forward(self, inputs: Any) -> Any:
        """Scores, or scores and values, of network inputs (batch, stack, height, width)."""
        features = self.trunk(inputs)
        scores = self.policy(features)
        if self.value is None:
            return scores
        return scores, self.value(features if self.value_trunk is None else self.value_trunk(inputs))


def recognise(convolutions: Sequence[Layer]) -> str:
    """Name the architecture that these convolutions belong to, by their number and kernels.

    Raises:
        CheckpointError: If it is none that is known, for then the strides are unknown.
    """
    kernels = tuple(tuple(layer.weight.shape[2:]) for layer in convolutions)
    for name, sizes in KERNELS.items():
        if kernels == tuple((size, size) for size in sizes):
            return name
    found = ", ".join("x".join(map(str, kernel)) for kernel in kernels) or "none"
    raise CheckpointError(
        f"convolutions with kernels {found}: known are 8x8, 4x4, 3x3 (nature) and 8x8, 4x4 (nips), "
        f"and a file does not store strides; {OWN_NETWORK}"
    )


def trunk(convolutions: Sequence[Layer], dense: Sequence[Layer], *, height: int, width: int) -> nn.Sequential:
    """Rebuild the trunk: convolutions, a channel-major flatten, dense layers; ReLU after each.

    Args:
        convolutions: From the input on; their kernels tell the architecture, and that the strides.
        dense: Layers after the flatten, in order.
        height: Rows of the network input.
        width: Columns of the network input.

    Raises:
        CheckpointError: If layers do not fit each other or the size of the network input.
    """
    strides = STRIDES[recognise(convolutions)]
    modules: OrderedDict[str, nn.Module] = OrderedDict()
    channels = convolutions[0].weight.shape[1]
    for number, (layer, stride) in enumerate(zip(convolutions, strides, strict=True), start=1):
        expect(layer, channels)
        modules[f"conv{number}"] = convolution(layer, stride)
        modules[f"relu{number}"] = nn.ReLU()
        channels = layer.weight.shape[0]
    modules["flatten"] = nn.Flatten()
    columns = flat_size(convolutions, strides, height, width)
    for number, layer in enumerate(dense, start=1):
        where = f" on a network input of {height}x{width}: say its --height and --width" if number == 1 else ""
        expect(layer, columns, where)
        modules[f"fc{number}"] = linear(layer)
        modules[f"relu_fc{number}"] = nn.ReLU()
        columns = layer.weight.shape[0]
    return nn.Sequential(modules)


def flat_size(convolutions: Sequence[Layer], strides: Sequence[int], height: int, width: int) -> int:
    """Number of values after the convolutions (no padding) and the flatten: 3136 for `nature` on 84x84."""
    for layer, stride in zip(convolutions, strides, strict=True):
        kernel = layer.weight.shape[2]
        height, width = (height - kernel) // stride + 1, (width - kernel) // stride + 1
    if min(height, width) < 1:
        raise CheckpointError("the network input is too small for the convolutions: say its --height and --width")
    return convolutions[-1].weight.shape[0] * height * width


def head(layers: Sequence[Layer], columns: int, activation: str = "ReLU") -> nn.Module:
    """Rebuild a head: dense layers with an activation between them, none after the last.

    Args:
        layers: From the features on.
        columns: Number of features.
        activation: One of `ACTIVATIONS`; needed only where there is more than one layer.

    Raises:
        CheckpointError: If the layers do not fit each other, or the activation is not known.
    """
    if len(layers) > 1 and activation not in ACTIVATIONS:
        raise CheckpointError(f"hidden layers with activation {activation}: known are {', '.join(ACTIVATIONS)}")
    modules: list[nn.Module] = []
    for layer in layers:
        expect(layer, columns)
        modules += [linear(layer), ACTIVATIONS[activation]()] if layer is not layers[-1] else [linear(layer)]
        columns = layer.weight.shape[0]
    return nn.Sequential(*modules) if len(modules) > 1 else modules[0]


def quantile_mean(layer: Layer, quantile_count: int) -> Layer:
    """Fold the mean over quantiles into the layer that makes them, so that its outputs are Q-values.

    Both are linear, so the Q-values are exactly those of the two steps.

    Args:
        layer: Dense, (quantiles * actions, features); the quantile is the slow index, as in sb3-contrib.
        quantile_count: Quantiles an action.

    Source: Dabney et al. 2018 (QR-DQN), arXiv:1710.10044.
    """
    rows, columns = layer.weight.shape
    weight = layer.weight.double().reshape(quantile_count, rows // quantile_count, columns).mean(0)
    bias = None if layer.bias is None else layer.bias.double().reshape(quantile_count, -1).mean(0)
    return Layer(layer.name, weight, bias)


class Expectation(nn.Module):
    """Expected value of atoms: (batch, actions, atoms) probabilities to (batch, actions).

    A sum of products with constants and not a dense layer, for it was not learned: whatever rule dense layers have, an
    atom's part of the Q-value is its value times its probability.
    """

    def __init__(self, atoms: Tensor):
        """Keep a copy of the atoms' values (atoms,)."""
        super().__init__()
        self.atoms: Tensor
        self.register_buffer("atoms", atoms.detach().to(torch.float32, copy=True))

    # Any: torch.fx traces this with proxies in place of tensors.
    def forward(self, probabilities: Any) -> Any:
        """The expected values."""
        return (probabilities * self.atoms).sum(-1)


def expectation_head(layer: Layer, columns: int, atoms: Tensor) -> nn.Sequential:
    """Rebuild the head of C51: a softmax over atoms an action, then their expected value, the Q-value.

    Args:
        layer: Dense, (actions * atoms, features); the atom is the fast index.
        columns: Number of features.
        atoms: Value of every atom (atoms,).

    Source: Bellemare et al. 2017 (C51), arXiv:1707.06887.
    """
    expect(layer, columns)
    shape = (layer.weight.shape[0] // len(atoms), len(atoms))
    return nn.Sequential(linear(layer), nn.Unflatten(1, shape), nn.Softmax(-1), Expectation(atoms))


def expect(layer: Layer, columns: int, where: str = "") -> None:
    """Check that a layer takes `columns` inputs (channels, for a convolution) and that its biases fit.

    Raises:
        CheckpointError: If not.
    """
    shape = tuple(layer.weight.shape)
    if len(shape) not in (2, 4) or 0 in shape:
        raise CheckpointError(f"{layer.name} has weights of shape {shape}: neither dense nor a convolution of images")
    if shape[1] != columns:
        raise CheckpointError(f"{layer.name} takes {shape[1]} inputs, but what comes before it gives {columns}{where}")
    if layer.bias is not None and tuple(layer.bias.shape) != shape[:1]:
        raise CheckpointError(f"{layer.name} has {tuple(layer.bias.shape)} biases for {shape[0]} outputs")


def convolution(layer: Layer, stride: int) -> nn.Conv2d:
    """A float32 convolution without padding that holds a copy of the layer's weights."""
    rows, columns, *kernel = layer.weight.shape
    size = (kernel[0], kernel[1])
    module = nn.Conv2d(columns, rows, size, stride, bias=layer.bias is not None, device="meta")
    return _filled(module, layer)


def linear(layer: Layer) -> nn.Linear:
    """A float32 dense layer that holds a copy of the layer's weights."""
    rows, columns = layer.weight.shape
    return _filled(nn.Linear(columns, rows, bias=layer.bias is not None, device="meta"), layer)


def _filled(module: _Module, layer: Layer) -> _Module:
    """The module (made without memory) with the layer's weights."""
    module.weight = parameter(layer.weight)
    if layer.bias is not None:
        module.bias = parameter(layer.bias)
    return module


def parameter(tensor: Tensor) -> nn.Parameter:
    """A float32 copy of a tensor as a weight that is not trained."""
    return nn.Parameter(tensor.detach().to(torch.float32, copy=True).contiguous(), requires_grad=False)


def describe_layers(network: nn.Module) -> list[dict[str, object]]:
    """Name, kind and shape of weights of every layer that has weights, in order."""
    return [
        {"name": name, "kind": type(module).__name__, "weight": list(module.weight.shape)}
        for name, module in network.named_modules()
        if isinstance(getattr(module, "weight", None), Tensor)
    ]
