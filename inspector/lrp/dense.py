"""Fully connected layers."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn import functional

from inspector.errors import UsageError
from inspector.lrp.layers import Back, Forth, LinearLayer, Raw, Version
from inspector.lrp.signal import wide


class Dense(LinearLayer):
    """A fully connected layer; its weight is (outputs, inputs)."""

    kind = "dense"
    channels = -1
    _folded = False

    def fold(self, read: Callable[[], Raw], make: Callable[[Raw], tuple[Tensor, Tensor]]) -> None:  # noqa: D102 - said by LinearLayer, as for all below
        super().fold(read, make)
        self._folded = True

    def check(self, inputs: Tensor) -> None:  # noqa: D102
        super().check(inputs)
        if self._folded and inputs.dim() != 2:
            raise UsageError(
                f"the batch norm behind it is made a part of it, which holds for (batch, features), but "
                f"{tuple(inputs.shape)} came: put nn.Identity() between the two"
            )
        columns = self.weight.shape[1]
        if inputs.dim() < 2 or inputs.shape[-1] != columns:
            raise UsageError(f"(batch, {columns}) is expected, but {tuple(inputs.shape)} came: check the input shape")

    def sums(self, quotient: Tensor) -> Tensor:  # noqa: D102
        return (
            quotient.sum(tuple(range(1, quotient.dim() - 1)), dtype=wide(quotient.dtype))
            if quotient.dim() > 2
            else (quotient.to(wide(quotient.dtype)))
        )

    def fan_in(self, shape: Sequence[int]) -> Tensor:  # noqa: D102
        return self.weight.new_tensor(shape[-1])

    def spread(self, quotient: Tensor, shape: Sequence[int]) -> Tensor:  # noqa: D102
        return quotient.sum(-1, keepdim=True).expand(tuple(shape)).contiguous()

    def _weights(self, versions: tuple[Version, ...]) -> Tensor:
        # Both directions read one tensor: two would take twice as long to fetch from memory.
        return self.kept(("weights", versions), lambda: super(Dense, self)._weights(versions))  # type: ignore[no-any-return]

    def _forth(self, weight: Tensor) -> Forth:
        def run(inputs: Tensor, bias: Tensor | None) -> Tensor:
            if inputs.dim() == 2 and bias is not None:  # for small batches faster than torch's own order
                return torch.addmm(bias[:, None], weight, inputs.t()).t()
            return functional.linear(inputs, weight, bias)

        return run

    def _back(self, weight: Tensor) -> Back:
        if weight.dtype == torch.bfloat16 and weight.device.type == "cpu":  # there faster so
            turned = weight.t().contiguous()
            return lambda quotient, shape: (turned @ quotient.flatten(0, -2).t()).t().reshape(tuple(shape))
        return lambda quotient, shape: quotient @ weight
