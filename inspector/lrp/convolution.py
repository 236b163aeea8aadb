"""Convolutions of one to three dimensions, plain and transposed."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from inspector.errors import UsageError
from inspector.lrp.backward import Blocks, Flipped, Reaching
from inspector.lrp.kernels import Kernel, empty_laid_out, meant
from inspector.lrp.layers import Back, Forth, LinearLayer, Parameters
from inspector.lrp.signal import wide

_TRANSPOSED = {1: functional.conv_transpose1d, 2: functional.conv_transpose2d, 3: functional.conv_transpose3d}


class Convolution(LinearLayer):
    """A convolution with zeros as padding; its weight is (outputs, inputs / groups, ...).

    Args:
        parameters: Its weight and bias.
        stride: Step of the kernel, one number a dimension, as for all below.
        padding: Zeros on each side.
        dilation: Step between the kernel's elements.
        groups: How many independent convolutions it holds.
        dtype: The precision in which it runs; None for that of the weight.
        less_before: By how much the padding is shorter before than after; only where the stride is 1.
    """

    kind = "convolution"
    channels = 1

    def __init__(
        self,
        parameters: Parameters,
        stride: Sequence[int],
        padding: Sequence[int],
        dilation: Sequence[int],
        groups: int,
        dtype: torch.dtype | None = None,
        less_before: Sequence[int] = (),
    ) -> None:
        super().__init__(parameters, dtype)
        self.stride, self.padding, self.dilation = tuple(stride), tuple(padding), tuple(dilation)
        self.groups, self.less_before = groups, tuple(less_before) or (0,) * len(self.stride)

    def check(self, inputs: Tensor) -> None:  # noqa: D102 - said by LinearLayer, as for all below
        super().check(inputs)
        wanted, dimensions = self._input_channels, len(self.stride)
        if inputs.dim() != dimensions + 2 or inputs.shape[1] != wanted:
            axes = ", ".join(("time", "height", "width")[3 - dimensions :])
            raise UsageError(
                f"(batch, {wanted}, {axes}) is expected, but {tuple(inputs.shape)} came: check the input shape"
            )

    def sums(self, quotient: Tensor) -> Tensor:  # noqa: D102
        return quotient.sum(tuple(range(2, quotient.dim())), dtype=wide(quotient.dtype))

    def fan_in(self, shape: Sequence[int]) -> Tensor:  # noqa: D102
        def make() -> Tensor:
            rows = shape[1] // self.groups
            return self._plainly(self.weight.new_ones(1, rows, *shape[2:]), self._box(rows))

        return self.kept(("fan_in", *shape[1:]), make)  # type: ignore[no-any-return]

    def spread(self, quotient: Tensor, shape: Sequence[int]) -> Tensor:  # noqa: D102
        # All channels of a group get the same map: it is made once a group, then repeated.
        summed = quotient.reshape(len(quotient), self.groups, -1, *quotient.shape[2:]).sum(2)
        if self.groups == 1 and self._in_blocks(quotient, shape):
            return self._spread_over_blocks(summed, shape)
        rows = summed.flatten(0, 1)[:, None]
        each = self._back(self._box(1).to(rows.dtype), 1)(rows, (len(rows), 1, *shape[2:]))
        each = each.reshape(len(quotient), self.groups, *shape[2:])
        return each.repeat_interleave(shape[1] // self.groups, dim=1)

    def _in_blocks(self, quotient: Tensor, shape: Sequence[int]) -> bool:
        """Whether kernel and inputs are made of whole blocks of the stride's size, and every block is seen."""
        kernel, stride = self.weight.shape[2:], self.stride
        plain = len(stride) == 2 and set(self.padding) == {0} and set(self.dilation) == {1}
        return plain and all(
            size % step == 0 and (places - 1) * step + size == length
            for size, step, places, length in zip(kernel, stride, quotient.shape[2:], shape[2:], strict=True)
        )

    def _spread_over_blocks(self, summed: Tensor, shape: Sequence[int]) -> Tensor:
        """One value a block, the sum of the outputs that see it, written to all its pixels and channels."""
        kernel = [size // step for size, step in zip(self.weight.shape[2:], self.stride, strict=True)]
        reach = [size - 1 for size in reversed(kernel) for _ in range(2)]
        box = functional.avg_pool2d(functional.pad(summed, reach), kernel, 1, divisor_override=1)
        values = empty_laid_out(summed, shape)
        (_, _, rows, columns), (down, across) = box.shape, self.stride
        values.permute(0, 2, 3, 1).view(len(box), rows, down, columns, across, shape[1]).copy_(
            box.view(len(box), rows, 1, columns, 1, 1)
        )
        return values

    @property
    def _input_channels(self) -> int:
        return self.weight.shape[1] * self.groups

    @property
    def _stackable(self) -> bool:
        return self.groups == 1

    def _empty(self, like: Tensor, shape: list[int]) -> Tensor:
        return empty_laid_out(like, shape)

    def _box(self, rows: int) -> Tensor:
        return self.weight.new_ones(1, rows, *self.weight.shape[2:])

    def _plainly(self, inputs: Tensor, weight: Tensor) -> Tensor:
        return self._kernel(weight, 1)(inputs, None)

    def _forth(self, weight: Tensor) -> Forth:
        return self._kernel(weight, self.groups)

    def _kernel(self, weight: Tensor, groups: int) -> Forth:
        kernel = Kernel(weight, self.stride, self.padding, self.dilation, groups)
        if not any(self.less_before):
            return kernel
        cut = (slice(None), slice(None), *(slice(count, None) for count in self.less_before))
        return lambda inputs, bias: kernel(inputs, bias)[cut]

    def _back(self, weight: Tensor, groups: int | None = None) -> Back:
        back = self._whole_back(weight, self.groups if groups is None else groups)
        if not any(self.less_before):
            return back
        cut = [side for count in reversed(self.less_before) for side in (count, 0)]
        return lambda quotient, shape: back(functional.pad(quotient, cut), shape)

    def _whole_back(self, weight: Tensor, groups: int) -> Back:
        if Blocks.fits(weight, self.stride, self.padding, self.dilation, groups):
            return Blocks(weight, self.stride, self.padding)
        if Flipped.fits(weight, self.stride, self.padding, self.dilation, groups):
            return Flipped(weight, self.padding, self.dilation)
        return Reaching(weight, self.stride, self.padding, self.dilation, groups)


class TransposedConvolution(Convolution):
    """A transposed convolution; its weight is (inputs, outputs / groups, ...), as torch keeps it.

    Args:
        parameters: Its weight and bias.
        stride: Step between the outputs of two inputs, one number a dimension, as for all below.
        padding: What is cut off on each side.
        dilation: Step between the kernel's elements.
        groups: How many independent ones it holds.
        output_padding: What is added at the far side.
        dtype: The precision in which it runs; None for that of the weight.
    """

    def __init__(
        self,
        parameters: Parameters,
        stride: Sequence[int],
        padding: Sequence[int],
        dilation: Sequence[int],
        groups: int,
        output_padding: Sequence[int],
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__(parameters, stride, padding, dilation, groups, dtype)
        self.output_padding = tuple(output_padding)

    @property
    def foldable(self) -> bool:  # noqa: D102
        return self.groups == 1

    @property
    def _input_channels(self) -> int:
        return self.weight.shape[0]

    @property
    def _stackable(self) -> bool:
        return False

    def _in_blocks(self, quotient: Tensor, shape: Sequence[int]) -> bool:
        return False

    @property
    def _output_axis(self) -> int:
        return 1

    @property
    def _outputs(self) -> int:
        return self.weight.shape[1] * self.groups

    def _box(self, rows: int) -> Tensor:
        return self.weight.new_ones(rows, 1, *self.weight.shape[2:])

    def _plainly(self, inputs: Tensor, weight: Tensor) -> Tensor:
        return self._transposed(inputs, weight, None, 1)

    def _forth(self, weight: Tensor) -> Forth:
        return lambda inputs, bias: self._transposed(inputs, weight, bias, self.groups)

    def _back(self, weight: Tensor, groups: int | None = None) -> Back:
        kernel = Kernel(weight, self.stride, self.padding, self.dilation, self.groups if groups is None else groups)
        # An output padding that is longer than a step would make more of them than there are inputs.
        return lambda quotient, shape: kernel(quotient)[tuple(slice(size) for size in (None, None, *shape[2:]))]

    def _transposed(self, inputs: Tensor, weight: Tensor, bias: Tensor | None, groups: int) -> Tensor:
        transposed = _TRANSPOSED[len(self.stride)]
        dilation = meant(self.dilation, weight)
        return transposed(inputs, weight, bias, self.stride, self.padding, self.output_padding, groups, dilation)
