"""A convolution's weight made ready for many calls: packed once for oneDNN, where torch can."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

_PLAIN = {1: functional.conv1d, 2: functional.conv2d, 3: functional.conv3d}
_LAYOUTS = {2: torch.channels_last, 3: torch.channels_last_3d}
_PACKS = {4: "mkldnn_reorder_conv2d_weight", 5: "mkldnn_reorder_conv3d_weight"}


def laid_out(values: Tensor) -> Tensor:
    """The same values with the channels innermost in memory, where torch has such a layout: convolutions like it."""
    layout = _LAYOUTS.get(values.dim() - 2)
    return values.contiguous() if layout is None else values.contiguous(memory_format=layout)


def laid_out_like(values: Tensor, model: Tensor) -> Tensor:
    """The same values with the dimensions in the order in memory in which another tensor of the shape has them."""
    if values.stride() == model.stride() or values.dim() - 2 not in _LAYOUTS:
        return values
    inner = model.stride(1) == 1 and model.shape[1] > 1
    return values.contiguous(memory_format=_LAYOUTS[values.dim() - 2] if inner else torch.contiguous_format)


def empty_laid_out(like: Tensor, shape: Sequence[int]) -> Tensor:
    """An empty tensor so laid out, of the type and on the device of another."""
    layout = _LAYOUTS.get(len(shape) - 2, torch.contiguous_format)
    return torch.empty(tuple(shape), dtype=like.dtype, device=like.device, memory_format=layout)


def meant(dilation: Sequence[int], weight: Tensor) -> list[int]:
    """The dilation without that of a kernel of one element, which means nothing, and with which oneDNN can crash."""
    return [step if size > 1 else 1 for step, size in zip(dilation, weight.shape[2:], strict=True)]


class Kernel:
    """A convolution with a weight that stays.

    Torch packs the weight anew at every call; here that is done once for each shape of inputs, by the operators that
    its own compiler uses. Where they are missing, do not know the case or are switched off, the plain function runs.

    Args:
        weight: (outputs, inputs / groups, ...), one to three dimensions.
        stride: One number a dimension, as for all below.
        padding: Zeros on each side.
        dilation: Step between the kernel's elements.
        groups: How many independent convolutions it holds.
    """

    def __init__(
        self, weight: Tensor, stride: Sequence[int], padding: Sequence[int], dilation: Sequence[int], groups: int
    ) -> None:
        self._weight = weight
        self._laid_out: Tensor | None = None
        self._settings = list(padding), list(stride), meant(dilation, weight), groups
        self._runs: dict[torch.Size, Callable[[Tensor, Tensor | None], Tensor]] = {}

    def __call__(self, inputs: Tensor, bias: Tensor | None = None) -> Tensor:
        """The convolution of inputs (batch, inputs, ...)."""
        run = self._runs.get(inputs.shape)
        if run is None:
            if len(self._runs) >= 4:  # batches of many sizes: do not pack for each
                self._runs.clear()
            coarse = self._weight.dtype == torch.bfloat16 and not self._is_usual(inputs)
            run = self._packed(inputs) or (self._in_single if coarse else self._plain)
            self._runs[inputs.shape] = run
        return run(inputs, bias)

    def _plain(self, inputs: Tensor, bias: Tensor | None) -> Tensor:
        if self._laid_out is None:
            self._laid_out = laid_out(self._weight)
        padding, stride, dilation, groups = self._settings
        return _PLAIN[len(stride)](inputs, self._laid_out, bias, stride, padding, dilation, groups)

    def _in_single(self, inputs: Tensor, bias: Tensor | None) -> Tensor:
        """In single precision, for sizes with which bfloat16 goes wrong in oneDNN."""
        padding, stride, dilation, groups = self._settings
        values, weight = inputs.float(), self._weight.float()
        offset = None if bias is None else bias.float()
        return _PLAIN[len(stride)](values, weight, offset, stride, padding, dilation, groups).to(inputs.dtype)

    def _packed(self, inputs: Tensor) -> Callable[[Tensor, Tensor | None], Tensor] | None:
        """The convolution by a packed weight; None if that does not work here."""
        weight, settings = self._weight, self._settings
        fits = (
            weight.device.type == "cpu" and weight.dtype in (torch.float32, torch.bfloat16) and weight.dim() in _PACKS
        )
        fits = fits and inputs.dtype == weight.dtype and inputs.device == weight.device
        if not fits or not self._is_usual(inputs) or not torch.backends.mkldnn.enabled:  # type: ignore[truthy-bool]
            return None
        try:
            pack: Any = getattr(torch._C._nn, _PACKS[weight.dim()])
            packed = pack(weight.to_mkldnn(), *settings, list(inputs.shape))
            convolve = torch.ops.mkldnn._convolution_pointwise

            def run(inputs: Tensor, bias: Tensor | None) -> Tensor:
                found: Tensor = convolve(inputs, packed, bias, *settings, "none", [], "")
                return found

            run(inputs, None)
        except (AttributeError, RuntimeError, TypeError):  # another build of torch
            return None
        return run

    def _is_usual(self, inputs: Tensor) -> bool:
        """Whether oneDNN can be trusted with these sizes.

        With torch 2.13 packed weights, and bfloat16, read what is not theirs where a kernel is larger than the inputs,
        or the outputs are one value wide.
        """
        weight, (padding, stride, dilation, groups) = self._weight, self._settings
        if groups != 1 or inputs.dim() != weight.dim() or inputs.shape[1] != weight.shape[1]:
            return False
        kernel, sizes = weight.shape[2:], inputs.shape[2:]
        reach = [step * (size - 1) + 1 for step, size in zip(dilation, kernel, strict=True)]
        inside = all(length <= size for length, size in zip(reach, sizes, strict=True))
        return inside and sizes[-1] + 2 * padding[-1] - reach[-1] >= stride[-1]
