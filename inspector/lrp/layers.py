"""Layers that are linear in their input, seen apart from the module that holds their weights.

A rule asks a layer for versions of its weight (the positive part, say); each is made once and kept until the weight
changes. The module is only read.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Sequence
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from inspector.errors import UsageError

LayerKind = Literal["dense", "convolution"]


class LinearLayer(ABC):
    """A layer linear in its input.

    Attributes:
        module: The module whose weight and bias are read, anew at every use.
    """

    kind: ClassVar[LayerKind]
    module: nn.Linear | nn.Conv2d

    def __init__(self, module: nn.Linear | nn.Conv2d) -> None:
        self.module = module
        self._source: Tensor | None = None
        self._versions: dict[Hashable, Tensor] = {}

    @property
    def weight(self) -> Tensor:
        """The weight as it is now."""
        return self.module.weight.detach()

    @property
    def bias(self) -> Tensor | None:
        """The bias as it is now, (outputs,); None without one."""
        return None if self.module.bias is None else self.module.bias.detach()

    def version(self, key: Hashable, make: Callable[[Tensor], Tensor]) -> Tensor:
        """What `make` makes of the weight; made once for each key."""
        if key not in self._versions:
            if self._source is None:
                self._source = self.weight.clone()
            self._versions[key] = make(self._source)
        return self._versions[key]

    def refresh(self) -> None:
        """Forget every version if the weight has changed.

        The values themselves are compared: an edit through `.data` or numpy leaves no other trace.
        """
        if self._source is not None and not _same(self._source, self.weight):
            self._source = None
            self._versions.clear()

    def bias_share(self, quotient: Tensor, bias: Tensor | None) -> Tensor | float:
        """Relevance that `bias` takes of each decision: sum_j s_j b_j, (batch,)."""
        return 0.0 if bias is None else self.channel_sums(quotient) @ bias

    @abstractmethod
    def check(self, inputs: Tensor) -> None:
        """Raise UsageError if the inputs do not fit the layer."""

    @abstractmethod
    def forward(self, inputs: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        """What the layer gives with another weight and bias."""

    @abstractmethod
    def backward(self, quotient: Tensor, weight: Tensor, shape: Sequence[int]) -> Tensor:
        """Sum_j w_ij s_j for every input i of `shape`: the transpose of `forward`."""

    @abstractmethod
    def channel_sums(self, quotient: Tensor) -> Tensor:
        """Sum for each decision and output channel: (batch, outputs)."""

    @abstractmethod
    def fan_in(self, shape: Sequence[int]) -> Tensor:
        """How many inputs each output sees, padding not counted; broadcasts over the outputs."""

    @abstractmethod
    def spread(self, quotient: Tensor, shape: Sequence[int]) -> Tensor:
        """`backward` with every weight 1."""


class Dense(LinearLayer):
    """A fully connected layer."""

    kind = "dense"
    module: nn.Linear

    def check(self, inputs: Tensor) -> None:  # noqa: D102 - said by LinearLayer, as for all below
        if inputs.dim() < 2 or inputs.shape[-1] != self.module.in_features:
            raise UsageError(
                f"(batch, {self.module.in_features}) is expected, but {tuple(inputs.shape)} came: check the input shape"
            )

    def forward(self, inputs: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:  # noqa: D102
        return functional.linear(inputs, weight, bias)

    def backward(self, quotient: Tensor, weight: Tensor, shape: Sequence[int]) -> Tensor:  # noqa: D102
        return quotient @ weight

    def channel_sums(self, quotient: Tensor) -> Tensor:  # noqa: D102
        return quotient if quotient.dim() == 2 else quotient.flatten(1, -2).sum(1)

    def fan_in(self, shape: Sequence[int]) -> Tensor:  # noqa: D102
        return self.weight.new_tensor(self.module.in_features)

    def spread(self, quotient: Tensor, shape: Sequence[int]) -> Tensor:  # noqa: D102
        return quotient.sum(-1, keepdim=True).expand(shape)


class Convolution(LinearLayer):
    """A convolution, zero-padded by the same number on both sides.

    Args:
        module: The convolution.
        padding: Zeros on each side, one number a dimension.
    """

    kind = "convolution"
    module: nn.Conv2d

    def __init__(self, module: nn.Conv2d, padding: tuple[int, ...]) -> None:
        super().__init__(module)
        self._padding = padding

    def check(self, inputs: Tensor) -> None:  # noqa: D102
        if inputs.dim() != self.module.weight.dim() or inputs.shape[1] != self.module.in_channels:
            raise UsageError(
                f"(batch, {self.module.in_channels}, height, width) is expected, but {tuple(inputs.shape)} came: "
                "check the input shape"
            )

    def forward(self, inputs: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:  # noqa: D102
        module = self.module
        return functional.conv2d(
            inputs, weight, bias, module.stride, self._padding, module.dilation, inputs.shape[1] // weight.shape[1]
        )

    def backward(self, quotient: Tensor, weight: Tensor, shape: Sequence[int]) -> Tensor:  # noqa: D102
        module = self.module
        # Rows and columns at the far edge that no step of the stride reaches.
        unseen = [
            size + 2 * zeros - step * (kernel - 1) - 1 - stride * (outputs - 1)
            for size, zeros, step, kernel, stride, outputs in zip(
                shape[2:],
                self._padding,
                module.dilation,
                weight.shape[2:],
                module.stride,
                quotient.shape[2:],
                strict=True,
            )
        ]
        groups = shape[1] // weight.shape[1]
        return functional.conv_transpose2d(
            quotient, weight, None, module.stride, self._padding, unseen, groups, module.dilation
        )

    def channel_sums(self, quotient: Tensor) -> Tensor:  # noqa: D102
        return quotient.flatten(2).sum(2)

    def fan_in(self, shape: Sequence[int]) -> Tensor:  # noqa: D102
        return self.version(("fan_in", *shape[1:]), lambda weight: self._count(weight, shape))

    def spread(self, quotient: Tensor, shape: Sequence[int]) -> Tensor:  # noqa: D102
        # All channels of a group get the same map: it is made once a group, then repeated.
        groups = self.module.groups
        summed = quotient.reshape(len(quotient), groups, -1, *quotient.shape[2:]).sum(2)
        box = self.version("box", lambda weight: torch.ones_like(weight[:groups, :1]))
        each = self.backward(summed, box, (shape[0], groups, *shape[2:]))
        return each.repeat_interleave(shape[1] // groups, dim=1)

    def _count(self, weight: Tensor, shape: Sequence[int]) -> Tensor:
        box = torch.ones_like(weight[:1])
        return self.forward(weight.new_ones(1, weight.shape[1], *shape[2:]), box)


def _same(one: Tensor, other: Tensor) -> bool:
    alike = one.shape == other.shape and one.dtype == other.dtype and one.device == other.device
    return alike and torch.equal(one, other)
