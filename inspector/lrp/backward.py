"""The transposes of convolutions: three ways from the outputs back to the inputs, each the fastest somewhere.

Each is made for one weight (outputs, inputs / groups, ...) and takes quotients (batch, outputs, ...).
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from inspector.lrp.kernels import Kernel, laid_out, meant

_TRANSPOSED = {1: functional.conv_transpose1d, 2: functional.conv_transpose2d, 3: functional.conv_transpose3d}


class Reaching:
    """Torch's own transposed convolution: any stride, padding, dilation and groups."""

    def __init__(
        self, weight: Tensor, stride: Sequence[int], padding: Sequence[int], dilation: Sequence[int], groups: int
    ) -> None:
        self._weight, self._groups = laid_out(weight), groups
        self._stride, self._padding, self._dilation = tuple(stride), tuple(padding), tuple(meant(dilation, weight))

    def __call__(self, quotient: Tensor, shape: Sequence[int]) -> Tensor:
        """The sums for inputs of `shape`."""
        unseen = [  # rows and columns at the far edge that no step of the stride reaches
            size + 2 * zeros - step * (kernel - 1) - 1 - stride * (outputs - 1)
            for size, zeros, step, kernel, stride, outputs in zip(
                shape[2:],
                self._padding,
                self._dilation,
                self._weight.shape[2:],
                self._stride,
                quotient.shape[2:],
                strict=True,
            )
        ]
        transposed = _TRANSPOSED[len(self._stride)]
        return transposed(
            quotient, self._weight, None, self._stride, self._padding, unseen, self._groups, self._dilation
        )


class Flipped:
    """For steps of one: a convolution itself, with the kernel turned round; faster for volumes, and in bfloat16."""

    def __init__(self, weight: Tensor, padding: Sequence[int], dilation: Sequence[int]) -> None:
        places = tuple(range(2, weight.dim()))
        sizes = zip(dilation, weight.shape[2:], padding, strict=True)
        reach = [step * (size - 1) - zeros for step, size, zeros in sizes]
        self._kernel = Kernel(weight.flip(places).transpose(0, 1), [1] * len(places), reach, dilation, 1)

    @staticmethod
    def fits(
        weight: Tensor, stride: Sequence[int], padding: Sequence[int], dilation: Sequence[int], groups: int
    ) -> bool:
        """Whether a convolution can go back this way, and gains by it."""
        sizes = zip(padding, dilation, weight.shape[2:], strict=True)
        reaches = all(zeros <= step * (size - 1) for zeros, step, size in sizes)
        gains = len(stride) == 3 or (len(stride) == 2 and weight.dtype == torch.bfloat16)
        return gains and groups == 1 and set(stride) == {1} and reaches

    def __call__(self, quotient: Tensor, shape: Sequence[int]) -> Tensor:
        """The sums for inputs of `shape`."""
        return self._kernel(quotient)


class Blocks:
    """For longer steps and few channels: images cut into blocks of the step's size, whose pixels are channels.

    There the kernel moves block by block, and goes back as a convolution of stride 1; then the pixels return to their
    places. Volumes have their images cut so, one for each moment.
    """

    NARROW = 32
    """Up to so many input channels this is faster than torch's own transposed convolution."""

    def __init__(self, weight: Tensor, stride: Sequence[int], padding: Sequence[int]) -> None:
        outputs, inputs, *moments, height, width = weight.shape
        self._size = size = stride[-1]
        *before, self._top, self._left = padding
        self._rows, self._columns = math.ceil(height / size), math.ceil(width / size)
        whole = functional.pad(weight, (0, self._columns * size - width, 0, self._rows * size - height))
        cut = whole.reshape(outputs, inputs, -1, self._rows, size, self._columns, size).permute(0, 1, 4, 6, 2, 3, 5)
        blocks = cut.reshape(outputs, inputs * size * size, *moments, self._rows, self._columns)
        places = tuple(range(2, blocks.dim()))
        reach = [length - 1 - zeros for length, zeros in zip(moments, before, strict=True)]
        ones = [1] * len(places)
        turned = blocks.flip(places).transpose(0, 1)
        self._kernel = Kernel(turned, ones, [*reach, self._rows - 1, self._columns - 1], ones, 1)

    @staticmethod
    def fits(
        weight: Tensor, stride: Sequence[int], padding: Sequence[int], dilation: Sequence[int], groups: int
    ) -> bool:
        """Whether a convolution can go back this way, and gains by it."""
        square = len(stride) in (2, 3) and stride[-2] == stride[-1] > 1 and set(stride[:-2]) <= {1}
        inside = all(zeros < length for zeros, length in zip(padding[:-2], weight.shape[2:-2], strict=True))
        return square and inside and set(dilation) == {1} and groups == 1 and weight.shape[1] <= Blocks.NARROW

    def __call__(self, quotient: Tensor, shape: Sequence[int]) -> Tensor:
        """The sums for inputs of `shape`: the padding cut off, zeros where no step of the stride reached."""
        blocks = self._kernel(quotient)
        if len(shape) == 4:
            return self._images(blocks, shape)
        images = blocks.movedim(1, -3).flatten(0, -4)  # without a copy, for the channels are innermost
        whole = self._images(images, shape)
        return whole.reshape(len(quotient), -1, *whole.shape[1:]).movedim(-3, 1)

    def _images(self, blocks: Tensor, shape: Sequence[int]) -> Tensor:
        shuffled = functional.pixel_shuffle(blocks, self._size)
        height, width = shape[-2:]
        if shuffled.shape[2:] == (height, width) and not (self._top or self._left):
            return shuffled
        cut = shuffled[:, :, self._top : self._top + height, self._left : self._left + width]
        if cut.shape[2:] == (height, width):
            return cut
        return laid_out(functional.pad(cut, (0, width - cut.shape[3], 0, height - cut.shape[2])))
