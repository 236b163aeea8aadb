"""Max pooling: the winner of each window takes its relevance."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from inspector.lrp.plan import Operation
from inspector.lrp.signal import Shares, Signal, Where

_POOLS = {2: functional.max_pool2d, 3: functional.max_pool3d}
_ADAPTIVE = {2: functional.adaptive_max_pool2d, 3: functional.adaptive_max_pool3d}
_BACK = {2: torch.ops.aten.max_pool2d_with_indices_backward, 3: torch.ops.aten.max_pool3d_with_indices_backward}


class MaxPool(Operation):
    """A max pooling of one to three dimensions: all relevance of an output goes to the input that won.

    Of equal inputs the first wins. Other conventions (sharing as average pooling does) smear; this one conserves.

    Args:
        place: Where it stands.
        dimensions: Number of dimensions the window moves along.
        settings: Keywords of torch's function, or `output_size` of an adaptive one.
    """

    def __init__(self, place: str, dimensions: int, settings: dict[str, Any]) -> None:
        super().__init__(place)
        self._flat = dimensions == 1  # run as images of one row
        self._dimensions = max(dimensions, 2)
        self._settings = {name: self._sizes(name, value) for name, value in settings.items()}

    def forward(self, *operands: Signal) -> Signal:  # noqa: D102 - said by Operation, as for all below
        (inputs,) = operands
        x = inputs.tensor.unsqueeze(-2) if self._flat else inputs.tensor
        pool: Any = (_ADAPTIVE if "output_size" in self._settings else _POOLS)[self._dimensions]
        tensor, winners = pool(x, return_indices=True, **self._settings)
        return Signal(tensor.squeeze(-2) if self._flat else tensor, inputs.nonnegative, inputs.bounds, (winners,))

    def where(self, outputs: Where) -> Where:  # noqa: D102
        return outputs

    def backward(self, operands: tuple[Signal, ...], output: Signal, relevance: Tensor) -> Sequence[Shares | None]:  # noqa: D102
        x, (winners,) = operands[0].tensor, output.beside
        x, given = (x.unsqueeze(-2), relevance.unsqueeze(-2)) if self._flat else (x, relevance)
        if "output_size" in self._settings:
            first = -self._dimensions
            values = torch.zeros_like(x).flatten(first)
            values.scatter_add_(-1, winners.flatten(first), given.flatten(first))
            values = values.reshape(x.shape)
        else:
            window = (self._settings[name] for name in ("kernel_size", "stride", "padding", "dilation", "ceil_mode"))
            values = _BACK[self._dimensions](given, x, *window, winners)
        return (Shares(values.squeeze(-2) if self._flat else values),)

    def _sizes(self, name: str, value: Any) -> Any:
        if name == "ceil_mode":
            return bool(value)
        sizes = list(value) if isinstance(value, (tuple, list)) else [value] * (1 if self._flat else self._dimensions)
        return [{"padding": 0}.get(name, 1), *sizes] if self._flat else sizes
