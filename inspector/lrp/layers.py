"""Layers that are linear in their input, seen apart from the module that holds their weights.

A rule asks a layer to run with versions of its weight (the positive part, say). Each set of versions is made once:
stacked along the outputs, so that they run as one, and laid out for speed. It is kept until the weight changes. The
module is only read.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor

from inspector.errors import UsageError
from inspector.lrp.signal import Taken, all_finite, wide

LayerKind = Literal["dense", "convolution"]

Raw = tuple[Tensor | None, ...]
Made = tuple[Tensor, Tensor | None]
Forth = Callable[[Tensor, Tensor | None], Tensor]
Back = Callable[[Tensor, Sequence[int]], Tensor]


@dataclass(frozen=True, slots=True, eq=False)
class Version:
    """A way to change weight and bias before they are used. Keep it: what is made by one is kept for that one.

    Attributes:
        weight: Makes the version's weight of the layer's.
        bias: Makes its bias; None for a version without.
        offset: Added to every bias, or in its place where there is none: a stabiliser that costs nothing.
    """

    weight: Callable[[Tensor], Tensor]
    bias: Callable[[Tensor], Tensor] | None = None
    offset: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Parameters:
    """Weight and bias of a layer, as they are whenever they are asked for.

    Attributes:
        read: Reads the tensors that they are made of.
        make: Makes weight and bias of these; None for a layer without bias.
    """

    read: Callable[[], Raw]
    make: Callable[[Raw], Made]


class LinearLayer(ABC):
    """A layer linear in its input.

    Args:
        parameters: Its weight, outputs first, and its bias.
        dtype: The precision in which it runs; None for that of the weight.
    """

    kind: ClassVar[LayerKind]
    channels: ClassVar[int]
    """Dimension of the outputs along which they have a bias each."""

    def __init__(self, parameters: Parameters, dtype: torch.dtype | None = None) -> None:
        self.frozen = False
        self._parameters = parameters
        self._dtype = dtype
        self._raw: Raw | None = None
        self._made: dict[Hashable, Any] = {}

    @property
    def finite(self) -> bool:
        """Whether weight and bias hold neither NaN nor infinity."""
        found: bool = self.kept(
            "finite", lambda: all(tensor is None or all_finite(tensor) for tensor in self._source())
        )
        return found

    @property
    def weight(self) -> Tensor:
        """The weight that is in use."""
        return self._source()[0]

    def bias(self, version: Version) -> Tensor | None:
        """The version's bias without its offset, (outputs,); None without one."""

        def make() -> Tensor | None:
            bias = self._source()[1]
            return None if bias is None or version.bias is None else version.bias(bias).to(wide(bias.dtype))

        found: Tensor | None = self.kept(("bias", version), make)
        return found

    def kept(self, key: Hashable, make: Callable[[], Any]) -> Any:
        """What `make` gives; made once for each key, until the weight changes."""
        if key not in self._made:
            self._made[key] = make()
        return self._made[key]

    def refresh(self) -> None:
        """Forget all that was made, if weight or bias have changed.

        The values themselves are compared: an edit through `.data` or numpy leaves no other trace.
        """
        if self._raw is not None and not _same(self._raw, self._parameters.read()):
            self._forget()

    def room(self, like: Tensor, count: int) -> tuple[Tensor, tuple[Tensor, ...]]:
        """An empty tensor for some quotients, and a view of it for each; `backward` takes the whole as one of them."""
        shape = list(like.shape)
        shape[self.channels] *= count
        whole = self._empty(like, shape)
        return whole, whole.chunk(count, self.channels)

    @property
    def foldable(self) -> bool:
        """Whether a scale of each output can be made a part of the weight."""
        return True

    def fold(self, read: Callable[[], Raw], make: Callable[[Raw], tuple[Tensor, Tensor]]) -> None:
        """Scale and move every output, by means of weight and bias.

        Args:
            read: Reads the tensors that scale and shift are made of.
            make: Makes scale and shift of them, (outputs,) each, in double precision.
        """
        before, axis = self._parameters, self._output_axis
        count = len(before.read())

        def both(raw: Raw) -> Made:
            weight, bias = before.make(raw[:count])
            scale, shift = make(raw[count:])
            shape = [-1 if dimension == axis else 1 for dimension in range(weight.dim())]
            moved = shift if bias is None else bias.double() * scale + shift
            return (weight.double() * scale.view(shape)).to(weight.dtype), moved.to(weight.dtype)

        self._parameters = Parameters(lambda: (*before.read(), *read()), both)
        self._forget()

    def forward(self, inputs: Tensor, *versions: Version) -> tuple[Tensor, ...]:
        """What the layer gives by each version of its weight and bias."""
        if len(versions) > 1 and not self._stackable:
            return tuple(self.forward(inputs, version)[0] for version in versions)
        made = self._made.get(("forth", versions)) or self.kept(
            ("forth", versions), lambda: self._forth_with_bias(versions)
        )
        outputs = made[0](inputs, made[1])
        return (outputs,) if len(versions) == 1 else outputs.chunk(len(versions), self.channels)

    def backward(self, quotients: Sequence[Tensor], versions: Sequence[Version], shape: Sequence[int]) -> Tensor:
        """The transpose of `forward`: sum over versions and outputs j of w_ij s_j, for every input i of `shape`.

        Args:
            quotients: s of every version, or a single tensor that holds all of them: see `room`.
            versions: Of the weight.
            shape: Of the inputs.
        """
        if len(versions) > 1 and not self._stackable:
            quotients = quotients[0].chunk(len(versions), self.channels) if len(quotients) == 1 else quotients
            pairs = zip(quotients, versions, strict=True)
            return torch.stack([self.backward((s,), (version,), shape) for s, version in pairs]).sum(0)
        quotient, back = self._stacked(quotients, versions)
        return back(quotient, shape)

    def shares(self, quotients: Sequence[Tensor], versions: Sequence[Version], inputs: Tensor) -> Tensor:
        """`backward`, times the inputs: sum over versions and outputs j of x_i w_ij s_j."""
        return self.backward(quotients, versions, inputs.shape).mul_(inputs)

    def account(self, quotient: Tensor, version: Version, stabiliser: float) -> Taken:
        """What bias and stabiliser take of each decision: sum_j s_j b_j and stabiliser * sum_j s_j."""
        sums, key = self.sums(quotient), ("account", version, stabiliser)
        return Taken(sums, self.kept(key, lambda: self._takers(sums, version, stabiliser)))

    def _takers(self, sums: Tensor, version: Version, stabiliser: float) -> Tensor:
        """Bias and stabiliser of each output, (outputs, 2); `sums` tells their number, type and device."""
        bias, takers = self.bias(version), sums.new_full((sums.shape[1], 2), stabiliser)
        takers[:, 0] = 0.0 if bias is None else bias
        return takers

    @abstractmethod
    def sums(self, quotient: Tensor) -> Tensor:
        """Sum for each decision and output channel, (batch, outputs); the quotient itself where there is one place."""

    def check(self, inputs: Tensor) -> None:
        """Raise UsageError if the inputs do not fit the layer."""
        weight, dtype = self.weight, self._dtype or self.weight.dtype
        if (inputs.dtype, inputs.device) != (dtype, weight.device):
            raise UsageError(
                f"values are {inputs.dtype} on {inputs.device}, weights {dtype} on {weight.device}: make them alike"
            )

    @abstractmethod
    def fan_in(self, shape: Sequence[int]) -> Tensor:
        """How many inputs each output sees, padding not counted; broadcasts over the outputs."""

    @abstractmethod
    def spread(self, quotient: Tensor, shape: Sequence[int]) -> Tensor:
        """`backward` with every weight 1."""

    def _forget(self) -> None:
        self._raw = None
        self._made.clear()

    @property
    def _stackable(self) -> bool:
        return True

    @property
    def _output_axis(self) -> int:
        return 0

    @property
    def _outputs(self) -> int:
        return len(self.weight)

    def _empty(self, like: Tensor, shape: list[int]) -> Tensor:
        return like.new_empty(shape)

    @abstractmethod
    def _forth(self, weight: Tensor) -> Forth:
        """Makes ready for `forward` by a weight."""

    @abstractmethod
    def _back(self, weight: Tensor) -> Back:
        """Makes ready for `backward` by a weight."""

    def _forth_with_bias(self, versions: tuple[Version, ...]) -> tuple[Forth, Tensor | None]:
        return self._forth(self._weights(versions)), self._biases(versions)

    def _stacked(self, quotients: Sequence[Tensor], versions: Sequence[Version]) -> tuple[Tensor, Back]:
        """Quotients and way back of all versions, one after another along the outputs."""
        versions = tuple(versions)
        back: Back = self.kept(("back", versions), lambda: self._back(self._weights(versions)))
        return quotients[0] if len(quotients) == 1 else torch.cat(tuple(quotients), self.channels), back

    def _source(self) -> Made:
        """Weight and bias, made of what the module holds now; of a copy of that, unless it is frozen."""
        source: Made = self.kept("source", self._read)
        return source

    def _read(self) -> Made:
        raw = tuple(None if tensor is None else tensor.detach() for tensor in self._parameters.read())
        if not self.frozen:
            self._raw = raw = tuple(None if tensor is None else tensor.clone() for tensor in raw)
        return self._parameters.make(raw)

    def _weights(self, versions: tuple[Version, ...]) -> Tensor:
        """Weights of several versions, one after another along the outputs."""
        weight, _ = self._source()
        each = [version.weight(weight) for version in versions]
        return (torch.cat(each) if len(each) > 1 else each[0]).to(self._dtype or weight.dtype)

    def _biases(self, versions: tuple[Version, ...]) -> Tensor | None:
        """Biases of several versions, one after another; None if none has any."""
        weight, bias = self._source()
        biases = [self._offset_bias(version, bias) for version in versions]
        if all(each is None for each in biases):
            return None
        filled = [weight.new_zeros(self._outputs) if each is None else each for each in biases]
        return torch.cat(filled).to(self._dtype or weight.dtype)

    def _offset_bias(self, version: Version, bias: Tensor | None) -> Tensor | None:
        made = None if bias is None or version.bias is None else version.bias(bias)
        if not version.offset:
            return made
        return self.weight.new_full((self._outputs,), version.offset) if made is None else made + version.offset


def _same(some: Raw, others: Raw) -> bool:
    return all(map(_equal, some, others))


def _equal(one: Tensor | None, other: Tensor | None) -> bool:
    if one is None or other is None:
        return one is other
    alike = one.shape == other.shape and one.dtype == other.dtype and one.device == other.device
    return alike and torch.equal(one, other.detach())
