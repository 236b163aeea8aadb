"""From calls of layers with weights to the plan: dense, convolutions, and batch norm folded into them."""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from inspector.errors import UsageError
from inspector.lrp.call import Call, Ref
from inspector.lrp.convolution import Convolution, TransposedConvolution
from inspector.lrp.dense import Dense
from inspector.lrp.layers import LayerKind, LinearLayer, Parameters, Raw
from inspector.lrp.operations import Linear, Rearrangement, Unit


class _Weights(NamedTuple):
    """Reads weight and bias of a layer as they are now, and tells the shape of the weight."""

    parameters: Parameters
    shape: torch.Size


def dense(call: Call) -> Ref:
    """A module or function that is fully connected."""
    source, weights, _ = _parts(call, "input", "weight", bias=None)
    return _add(call, source, Dense(weights.parameters, call.builder.dtype))


def convolution(call: Call) -> Ref:
    """A module or function that is a convolution."""
    source, weights, settings = _parts(call, "input", "weight", bias=None, stride=1, padding=0, dilation=1, groups=1)
    count = len(weights.shape) - 2
    stride, dilation = (_each(settings[name], count) for name in ("stride", "dilation"))
    sides = _sides(call, settings["padding"], dilation, weights.shape[2:])
    mode = getattr(call.module, "padding_mode", "zeros") if call.node.op == "call_module" else "zeros"
    if mode != "zeros":
        source, sides = _padded(call, source, sides, mode), [(0, 0)] * count
    padding, less_before = [after for _, after in sides], [after - before for before, after in sides]
    groups, dtype = settings["groups"], call.builder.dtype
    layer = Convolution(weights.parameters, stride, padding, dilation, groups, dtype, less_before)
    return _add(call, source, layer)


def transposed_convolution(call: Call) -> Ref:
    """A module or function that is a transposed convolution."""
    source, weights, settings = _parts(
        call, "input", "weight", bias=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1
    )
    count = len(weights.shape) - 2
    stride, padding, dilation, added = (
        _each(settings[name], count) for name in ("stride", "padding", "dilation", "output_padding")
    )
    groups, dtype = settings["groups"], call.builder.dtype
    return _add(
        call, source, TransposedConvolution(weights.parameters, stride, padding, dilation, groups, added, dtype)
    )


def batch_norm(call: Call) -> Ref:
    """Batch norm with its running statistics: folded into the layer before it, or else a change of unit."""
    if call.node.op == "call_module":
        module = call.module
        source, training = call.signal(call.args[0]), module.training or module.running_mean is None
        epsilon = float(module.eps)

        def read() -> Raw:
            return module.running_mean, module.running_var, module.weight, module.bias
    else:
        given = call.bound(
            "input", "running_mean", "running_var", weight=None, bias=None, training=False, momentum=0.1, eps=1e-5
        )
        source, epsilon, training = call.signal(given["input"]), float(call.plain(given["eps"])), given["training"]
        readers = [call.constant(given[name]) for name in ("running_mean", "running_var", "weight", "bias")]

        def read() -> Raw:
            return tuple(reader() for reader in readers)

    if training:
        raise UsageError(
            f"{call.place} takes its statistics from the batch, which mixes decisions: call network.eval() before "
            "explaining"
        )
    layer = call.builder.layer(source, call.node)
    if layer is not None:
        layer.fold(read, lambda raw: _scale_and_shift(raw, epsilon))
        return source

    def change(values: Tensor) -> Tensor:
        scale, shift = _scale_and_shift(read(), epsilon)
        shape = (1, -1, *[1] * (values.dim() - 2))
        return values * scale.to(values.dtype).view(shape) + shift.to(values.dtype).view(shape)

    return call.add(Unit(call.place, change), source)


def _scale_and_shift(raw: Raw, epsilon: float) -> tuple[Tensor, Tensor]:
    mean, variance, weight, bias = (None if tensor is None else tensor.detach().double() for tensor in raw)
    assert mean is not None and variance is not None  # a batch norm without statistics was refused
    scale = (variance + epsilon).rsqrt() if weight is None else weight / (variance + epsilon).sqrt()
    return scale, -mean * scale if bias is None else bias - mean * scale


def _parts(call: Call, *names: str, **defaults: Any) -> tuple[Ref, _Weights, dict[str, Any]]:
    """The signal, the weights and the settings of a layer, called as a module or as a function."""
    if call.node.op == "call_module":
        module = call.module
        settings = {name: getattr(module, name) for name in defaults if name != "bias"}
        read: Callable[[], Raw] = lambda: (module.weight, module.bias)  # noqa: E731
        return call.signal(call.args[0]), _Weights(Parameters(read, _as_they_are), module.weight.shape), settings
    given = call.bound(*names, **defaults)
    weight = call.constant(given["weight"])
    bias = (lambda: None) if given["bias"] is None else call.constant(given["bias"])
    settings = {name: call.plain(given[name]) for name in defaults if name != "bias"}
    weights = _Weights(Parameters(lambda: (weight(), bias()), _as_they_are), weight().shape)
    return call.signal(given["input"]), weights, settings


def _as_they_are(raw: Raw) -> tuple[Tensor, Tensor | None]:
    weight, bias = raw
    assert weight is not None
    return weight, bias


def _add(call: Call, source: Ref, layer: LinearLayer) -> Ref:
    kind: LayerKind = layer.kind
    return call.add(Linear(call.place, layer, call.builder.rule(kind, call.path, source)), source)


def _each(setting: Any, count: int) -> tuple[int, ...]:
    sizes = tuple(setting) if isinstance(setting, (tuple, list)) else (setting,)
    return sizes * count if len(sizes) == 1 else sizes


def _sides(call: Call, padding: Any, dilation: tuple[int, ...], kernel: torch.Size) -> list[tuple[int, int]]:
    """How much is padded before and after, a dimension."""
    if padding == "valid":
        return [(0, 0)] * len(kernel)
    if padding == "same":
        whole = [step * (size - 1) for step, size in zip(dilation, kernel, strict=True)]
        return [(zeros // 2, zeros - zeros // 2) for zeros in whole]
    return [(zeros, zeros) for zeros in _each(padding, len(kernel))]


def _padded(call: Call, source: Ref, sides: list[tuple[int, int]], mode: str) -> Ref:
    """The padding as an operation of its own, where it is made of values."""
    widths = [width for pair in reversed(sides) for width in pair]
    return call.add(Rearrangement(call.place, lambda values: functional.pad(values, widths, mode)), source)
