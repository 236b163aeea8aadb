"""Huber's argmax rule, which follows the largest contribution alone."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from inspector.errors import UnsupportedError
from inspector.lrp.convolution import Convolution, TransposedConvolution
from inspector.lrp.layers import LinearLayer
from inspector.lrp.rules import Rule
from inspector.lrp.signal import Shares, Signal, per_decision

_AT_ONCE = 2**24
"""Contributions held in memory at a time: 64 MiB in single precision."""


@dataclass(frozen=True, slots=True)
class Argmax(Rule):
    """Give all relevance of an output to the one input that raised it most.

    R_i = sum of R_j over the outputs j in which x_i w_ij is the largest contribution; of equal ones the first gets
    it. Biases get nothing. An output that no input raised gives its relevance to nobody: it is dropped. The rule holds
    every single contribution of a layer in turn, and is slow.

    Source: Huber et al. 2019, doi:10.1007/978-3-030-30179-8_16.
    """

    weighted = True  # an input of 0 is no largest contribution above 0

    def share(self, layer: LinearLayer, inputs: Signal, outputs: Signal, relevance: Tensor) -> Shares:  # noqa: D102
        if isinstance(layer, TransposedConvolution):
            raise UnsupportedError("the argmax rule is not made for transposed convolutions: choose another for them")
        x = inputs.tensor
        indices = torch.arange(x[0].numel(), device=x.device).reshape(1, *x.shape[1:])
        seen, where = _seen(layer, x, 0), _seen(layer, indices, -1)
        values, kept = torch.zeros_like(x[:, :].flatten(1)), []
        weight = layer.weight.to(x.dtype).reshape(seen.shape[1], -1, seen.shape[3])  # (groups, outputs, contributions)
        given = relevance.movedim(layer.channels, 1).reshape(len(x), *weight.shape[:2], -1)
        for part in _parts(weight.shape[1], seen[:, :, :1].numel()):
            largest, winner = _largest(seen, where, weight[:, part])
            rising = torch.where(largest > 0, given[:, :, part], 0.0)
            values.scatter_add_(1, winner.flatten(1), rising.flatten(1))
            kept.append(per_decision(rising))
        return Shares(values.reshape(x.shape), dropped=per_decision(relevance) - torch.stack(kept).sum(0))


def _largest(seen: Tensor, where: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    """The largest contribution to each output, and the index of the input that made it.

    Args:
        seen: What the outputs see, (batch, groups, places, contributions).
        where: Index of the input that it is, -1 for padding, (1, groups, places, contributions).
        weight: (groups, outputs, contributions).

    Returns:
        Two tensors of (batch, groups, outputs, places).
    """
    parts = seen[:, :, None] * weight[None, :, :, None]
    parts = parts.masked_fill(where[:, :, None] < 0, -torch.inf)
    largest, which = parts.max(-1)
    index = where[:, :, None].expand(len(seen), -1, weight.shape[1], -1, -1)
    return largest, index.gather(-1, which[..., None]).squeeze(-1).clamp(min=0)


def _seen(layer: LinearLayer, inputs: Tensor, fill: int) -> Tensor:
    """What each output of a layer sees: (batch, groups, places, contributions)."""
    if not isinstance(layer, Convolution):
        return inputs.flatten(1, -2).unsqueeze(1) if inputs.dim() > 2 else inputs[:, None, None]
    sides = [
        side
        for zeros, less in zip(reversed(layer.padding), reversed(layer.less_before), strict=True)
        for side in (zeros - less, zeros)
    ]
    patches = functional.pad(inputs, sides, value=fill)
    kernel = layer.weight.shape[2:]
    for axis, (size, stride, step) in enumerate(zip(kernel, layer.stride, layer.dilation, strict=True), start=2):
        patches = patches.unfold(axis, step * (size - 1) + 1, stride)[..., ::step]
    batch, channels, places = len(inputs), inputs.shape[1] // layer.groups, patches.shape[2 : 2 + len(kernel)].numel()
    grouped = patches.reshape(batch, layer.groups, channels, places, -1)
    return grouped.transpose(2, 3).flatten(3)


def _parts(outputs: int, contributions: int) -> Iterator[slice]:
    """The outputs in runs of which all contributions fit into memory."""
    step = max(1, _AT_ONCE // max(1, contributions))
    return (slice(start, start + step) for start in range(0, outputs, step))
