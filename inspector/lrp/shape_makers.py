"""From calls that move values around to the plan: reshapes, slices, paddings, pieces."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from inspector.errors import UnsupportedError, UsageError
from inspector.lrp.call import Call, Lazy, Lifted, Pieces, Ref, leaves
from inspector.lrp.operations import Concatenation, Rearrangement

_RESHAPING = partial(Rearrangement, reshapes=True)
_PADDING = partial(Rearrangement, pads=True)


def same(call: Call) -> Ref:
    """What gives its input, perhaps in another type or layout."""
    if call.name in ("float", "double", "contiguous", "cpu", "cuda"):
        return call.changed(_RESHAPING, getattr(Tensor, call.name))
    return call.changed(_RESHAPING, lambda values: values)


def to(call: Call) -> Ref:
    """Another type or device."""
    place = call.place

    def change(values: Tensor, args: Any, kwargs: Any) -> Tensor:
        changed = values.to(*args, **kwargs)
        if not changed.is_floating_point():
            raise UnsupportedError(f"{place} makes whole numbers of what it gets, which has no rule: leave it away")
        return changed

    return call.changed(_RESHAPING, change, call.args[1:], call.kwargs)


def as_another(call: Call) -> Ref:
    """`expand_as`, `view_as` and `reshape_as`: to the shape of another tensor."""
    given = call.bound("input", "other")
    shape = Lazy(getattr, (given["other"], "shape"))
    if call.name == "expand_as":
        return call.changed(Rearrangement, Tensor.expand, shape)
    return call.changed(_RESHAPING, _reshaped, shape)


def dropout(call: Call) -> Ref:
    """A dropout, which has to be switched off."""
    if call.node.op == "call_module":
        active = bool(call.module.training and call.module.p > 0)
    else:
        given = call.bound("input", p=0.5, training=True, inplace=False)
        active = bool(call.plain(given["training"]) and call.plain(given["p"]) != 0)
    if active:
        raise UsageError(f"{call.place} is active: call network.eval() before explaining")
    return call.changed(_RESHAPING, lambda values: values)


def flatten(call: Call) -> Ref:
    """Flatten as a module, a function or a method."""
    if call.node.op == "call_module":
        start, end = call.module.start_dim, call.module.end_dim
    else:
        given = call.bound("input", start_dim=0, end_dim=-1)
        start, end = given["start_dim"], given["end_dim"]
    return call.changed(_RESHAPING, torch.flatten, start, end)


def unflatten(call: Call) -> Ref:
    """Unflatten as a module, a function or a method."""
    if call.node.op == "call_module":
        axis, sizes = call.module.dim, call.module.unflattened_size
    else:
        given = call.bound("input", "dim", "sizes")
        axis, sizes = given["dim"], given["sizes"]
    return call.changed(_RESHAPING, torch.unflatten, axis, sizes)


def reshape(call: Call) -> Ref:
    """`view` and `reshape`, to sizes or to a tuple of them."""
    given = call.args[1:] or tuple(call.kwargs.values())
    sizes = given[0] if len(given) == 1 and not isinstance(given[0], int) else given
    if any(isinstance(leaf, (Ref, torch.dtype)) for leaf in leaves(sizes)) or not given:
        raise call.unsupported()
    return call.changed(_RESHAPING, _reshaped, sizes)


def squeeze(call: Call) -> Ref | Lifted:
    """Squeeze and unsqueeze; a first dimension of 1 before the batch is one step of a sequence, for an LSTM."""
    given = call.bound("input", dim=None)
    source, axis = given["input"], given["dim"]
    if call.name == "unsqueeze" and axis == 0:
        return Lifted(call.signal(source))
    if isinstance(source, Lifted) and call.name == "squeeze" and axis == 0:
        return source.ref
    call.signal(source)
    function: Callable[..., Tensor] = getattr(torch, call.name)
    return call.changed(_RESHAPING, function) if axis is None else call.changed(_RESHAPING, function, axis)


def permute(call: Call) -> Ref:
    """`permute`, `transpose` and their like; the decisions stay in front."""
    if call.name == "permute":
        axes = call.args[1:] or tuple(call.kwargs.values())
        return call.changed(Rearrangement, _permuted, axes[0] if len(axes) == 1 else axes)
    names = ("axis0", "axis1") if call.name == "swapaxes" else ("dim0", "dim1")
    given = call.bound("input", *names)
    return call.changed(Rearrangement, _swapped, *(given[name] for name in names))


def take(call: Call) -> Any:
    """Indexing: slices, single places and lists of them, of each decision alike."""
    source, index = call.args
    if isinstance(source, Lifted) and index in (0, -1):
        return source.ref
    first = index[0] if isinstance(index, tuple) and index else index
    if first is not Ellipsis and first != slice(None):
        raise call.unsupported("it takes single decisions out of a batch: keep the first dimension")
    return call.changed(Rearrangement, lambda values, index: values[index], index)


def pad(call: Call) -> Ref:
    """Padding with zeros, or with what stands at the edge."""
    if call.node.op == "call_module":
        widths, value = call.module.padding, getattr(call.module, "value", 0.0)
        mode = {"Ref": "reflect", "Rep": "replicate", "Cir": "circular"}.get(call.name[:3], "constant")
    else:
        given = call.bound("input", "pad", mode="constant", value=None)
        widths, mode, value = given["pad"], call.plain(given["mode"]), call.plain(given["value"])
    if value:
        raise call.unsupported(f"it pads with {value:g}: only padding with zeros, or with the edge, has one")
    return call.changed(_PADDING, lambda values, widths: functional.pad(values, list(widths), mode), widths)


def keep_places(call: Call) -> Ref:
    """What moves values within each decision by torch's own function of that name: flips, rolls, repeats."""
    if call.node.op == "call_module":
        module = call.module
        return call.changed(Rearrangement, lambda values: module(values))
    function: Callable[..., Tensor] = getattr(Tensor, call.name, None) or getattr(torch, call.name)
    rest = call.args[1:], call.kwargs
    return call.changed(Rearrangement, lambda values, args, kwargs: function(values, *args, **kwargs), *rest)


def pieces(call: Call) -> Pieces:
    """`chunk`, `split` and `unbind`: each piece is a signal of its own."""
    function: Callable[..., Any] = getattr(torch, call.name)
    settings, kwargs = call.args[1:], dict(call.kwargs)
    axis = kwargs.get("dim", settings[-1] if len(settings) > (call.name != "unbind") else 0)
    if call.plain(axis) == 0:
        raise call.unsupported("it takes the batch apart: keep the first dimension")

    def take_one(number: int) -> Ref:
        change = lambda values, args, kwargs: function(values, *args, **kwargs)[number]  # noqa: E731
        return call.changed(Rearrangement, change, settings, kwargs)

    return Pieces(take_one)


def concatenate(call: Call) -> Ref:
    """Concatenation along a dimension that is not the batch's."""
    given = call.bound("tensors", dim=0)
    if any(isinstance(part, Lazy) for part in given["tensors"]):
        raise call.unsupported("one part is a constant: make it a part of the network input")
    parts = [call.signal(part) for part in given["tensors"]]
    axis = 1 if call.name == "hstack" else call.plain(given["dim"])
    if call.name == "stack":
        if axis == 0:
            raise call.unsupported("it stacks batches: keep the first dimension")
        parts = [call.add(_RESHAPING(call.place, lambda values: values.unsqueeze(axis)), part) for part in parts]
    return call.add(Concatenation(call.place, axis), *parts)


def _reshaped(values: Tensor, *sizes: Any) -> Tensor:
    flat = [int(size) for each in sizes for size in (each if isinstance(each, (tuple, list)) else (each,))]
    return values.reshape(flat)


def _permuted(values: Tensor, axes: Sequence[int]) -> Tensor:
    if axes[0] % values.dim() != 0:
        raise UnsupportedError(
            "permute moves the batch away from the front, which has no rule: keep the first dimension"
        )
    return values.permute(tuple(axes))


def _swapped(values: Tensor, one: int, other: int) -> Tensor:
    if 0 in (one % values.dim(), other % values.dim()):
        raise UnsupportedError(
            "transpose moves the batch away from the front, which has no rule: keep the first dimension"
        )
    return values.transpose(one, other)
