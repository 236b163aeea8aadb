"""What becomes of a call: tables by module, by function and by method."""

import operator
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from inspector.lrp import layer_makers, recurrent, shape_makers, value_makers
from inspector.lrp.call import Call

Maker = Callable[[Call], Any]

_UNITS: dict[str, Maker] = {
    **{
        name: value_makers.unit(value_makers.function_of(name), nonnegative=nonnegative, rising=rising)
        for name, (nonnegative, rising) in value_makers.UNITS.items()
    },
    "relu": value_makers.relu,
    **{name: value_makers.gate(value_makers.function_of(name)) for name in value_makers.GATES},
}
_UNIT_MODULES = (
    *("ReLU", "ReLU6", "LeakyReLU", "ELU", "SELU", "CELU", "GELU", "SiLU", "Mish", "Hardswish", "Hardtanh"),
    *("Softplus", "Softsign", "Tanh", "Sigmoid", "Hardsigmoid"),
)
_NORMS = ("LayerNorm", "GroupNorm", "InstanceNorm1d", "InstanceNorm2d", "InstanceNorm3d", "LocalResponseNorm")
_PADS = tuple(
    f"{kind}Pad{n}d"
    for kind in ("Zero", "Constant", "Reflection", "Replication", "Circular")
    for n in (1, 2, 3)
    if hasattr(nn, f"{kind}Pad{n}d")
)
_DROPOUT_MODULES = ("Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "AlphaDropout", "FeatureAlphaDropout")
_DROPOUTS = (torch.dropout, *(getattr(functional, f"dropout{n}") for n in ("", "1d", "2d", "3d")))
_NUMBERED: dict[str, Callable[[int], Maker]] = {
    "Conv{n}d": lambda n: layer_makers.convolution,
    "ConvTranspose{n}d": lambda n: layer_makers.transposed_convolution,
    "BatchNorm{n}d": lambda n: layer_makers.batch_norm,
    "MaxPool{n}d": value_makers.max_pool,
    "AdaptiveMaxPool{n}d": value_makers.adaptive_max_pool,
    "AvgPool{n}d": lambda n: value_makers.average,
    "AdaptiveAvgPool{n}d": lambda n: value_makers.average,
}

MODULES: Mapping[Any, Maker] = {
    nn.Linear.forward: layer_makers.dense,
    **{getattr(nn, name.format(n=n)).forward: make(n) for name, make in _NUMBERED.items() for n in (1, 2, 3)},
    **{
        getattr(nn, name).forward: _UNITS[_name]
        for name, _name in zip(
            _UNIT_MODULES,
            (
                "relu",
                "relu6",
                "leaky_relu",
                "elu",
                "selu",
                "celu",
                "gelu",
                "silu",
                "mish",
                "hardswish",
                "hardtanh",
                "softplus",
                "softsign",
                "tanh",
                "sigmoid",
                "hardsigmoid",
            ),
            strict=True,
        )
    },
    **{getattr(nn, name).forward: value_makers.norm for name in _NORMS},
    **{getattr(nn, name).forward: shape_makers.pad for name in _PADS},
    nn.Flatten.forward: shape_makers.flatten,
    nn.Unflatten.forward: shape_makers.unflatten,
    nn.Identity.forward: shape_makers.same,
    **{getattr(nn, name).forward: shape_makers.dropout for name in _DROPOUT_MODULES},
    nn.PixelShuffle.forward: shape_makers.keep_places,
    nn.PixelUnshuffle.forward: shape_makers.keep_places,
    nn.Upsample.forward: value_makers.average,
    nn.Softmax.forward: value_makers.softmax,
    nn.LSTMCell.forward: recurrent.lstm_cell,
    nn.LSTM.forward: recurrent.lstm,
}
"""By the forward that a module runs: a subclass with a forward of its own is none of these, it is traced."""

METHODS: Mapping[Any, Maker] = {
    **_UNITS,
    **{f"{name}_": _UNITS[name] for name in ("relu", "tanh", "sigmoid", "clamp", "clamp_min", "clamp_max")},
    "flatten": shape_makers.flatten,
    "unflatten": shape_makers.unflatten,
    **dict.fromkeys(("squeeze", "unsqueeze"), shape_makers.squeeze),
    **dict.fromkeys(("view", "reshape"), shape_makers.reshape),
    **dict.fromkeys(("permute", "transpose", "swapaxes", "swapdims"), shape_makers.permute),
    **dict.fromkeys(("flip", "roll", "repeat", "expand", "repeat_interleave"), shape_makers.keep_places),
    **dict.fromkeys(("narrow", "select", "movedim", "moveaxis"), shape_makers.keep_places),
    **dict.fromkeys(("chunk", "split", "unbind"), shape_makers.pieces),
    **dict.fromkeys(("add", "add_", "sub", "sub_", "subtract", "subtract_"), value_makers.add),
    **dict.fromkeys(("mul", "mul_", "div", "div_", "true_divide", "multiply", "divide"), value_makers.multiply),
    **dict.fromkeys(("mean", "sum"), value_makers.total),
    "neg": value_makers.turn_round,
    "softmax": value_makers.softmax,
    **dict.fromkeys(("float", "double", "contiguous", "clone", "detach", "cpu", "cuda"), shape_makers.same),
    "to": shape_makers.to,
    **dict.fromkeys(("expand_as", "view_as", "reshape_as"), shape_makers.as_another),
}

FUNCTIONS: Mapping[Any, Maker] = {
    **{getattr(functional, name): make for name, make in _UNITS.items() if hasattr(functional, name)},
    **{getattr(torch, name): make for name, make in _UNITS.items() if hasattr(torch, name)},
    **dict.fromkeys((functional.relu_, torch.relu_), _UNITS["relu"]),
    functional.linear: layer_makers.dense,
    **{getattr(functional, f"conv{n}d"): layer_makers.convolution for n in (1, 2, 3)},
    **{getattr(torch, f"conv{n}d"): layer_makers.convolution for n in (1, 2, 3)},
    **{getattr(functional, f"conv_transpose{n}d"): layer_makers.transposed_convolution for n in (1, 2, 3)},
    functional.batch_norm: layer_makers.batch_norm,
    **dict.fromkeys((functional.layer_norm, functional.group_norm, functional.local_response_norm), value_makers.norm),
    **dict.fromkeys((torch.layer_norm, torch.group_norm, functional.instance_norm), value_makers.norm),
    **{getattr(functional, f"max_pool{n}d"): value_makers.max_pool(n) for n in (1, 2, 3)},
    **{getattr(torch, f"max_pool{n}d"): value_makers.max_pool(n) for n in (1, 2, 3)},
    **{getattr(functional, f"adaptive_max_pool{n}d"): value_makers.adaptive_max_pool(n) for n in (1, 2, 3)},
    **{getattr(functional, f"avg_pool{n}d"): value_makers.average for n in (1, 2, 3)},
    **{getattr(functional, f"adaptive_avg_pool{n}d"): value_makers.average for n in (1, 2, 3)},
    functional.interpolate: value_makers.average,
    torch.flatten: shape_makers.flatten,
    torch.unflatten: shape_makers.unflatten,
    **dict.fromkeys((torch.squeeze, torch.unsqueeze), shape_makers.squeeze),
    torch.reshape: shape_makers.reshape,
    **dict.fromkeys((torch.permute, torch.transpose, torch.swapaxes), shape_makers.permute),
    **dict.fromkeys(
        (torch.flip, torch.roll, torch.repeat_interleave, torch.narrow, torch.select, torch.movedim, torch.moveaxis),
        shape_makers.keep_places,
    ),
    **dict.fromkeys((functional.pixel_shuffle, functional.pixel_unshuffle), shape_makers.keep_places),
    **dict.fromkeys((torch.chunk, torch.split, torch.unbind), shape_makers.pieces),
    **dict.fromkeys((torch.cat, torch.concat, torch.concatenate, torch.stack, torch.hstack), shape_makers.concatenate),
    **dict.fromkeys((functional.pad, torch.nn.functional.pad), shape_makers.pad),
    operator.getitem: shape_makers.take,
    **dict.fromkeys(_DROPOUTS, shape_makers.dropout),
    **dict.fromkeys(value_makers.SUMS, value_makers.add),
    **dict.fromkeys((torch.mul, torch.multiply, operator.mul, operator.imul), value_makers.multiply),
    **dict.fromkeys((torch.div, torch.true_divide, operator.truediv, operator.itruediv), value_makers.multiply),
    **dict.fromkeys((torch.mean, torch.sum), value_makers.total),
    **dict.fromkeys((torch.neg, operator.neg), value_makers.turn_round),
    **dict.fromkeys((functional.softmax, torch.softmax), value_makers.softmax),
}

VIEWS: frozenset[Any] = frozenset(
    {nn.Flatten.forward, nn.Unflatten.forward, nn.Identity.forward}
    | {getattr(nn, name).forward for name in _DROPOUT_MODULES}
    | {"flatten", "unflatten", "view", "reshape", "squeeze", "unsqueeze", "transpose", "permute", "getitem", "chunk"}
    | {"split", "unbind", "expand", "contiguous", "float", "double", "detach", "narrow", "select", "movedim"}
    | {"moveaxis", "to", "cpu", "cuda", "expand_as", "view_as", "reshape_as"}
    | {"swapaxes", "swapdims", "dropout", "dropout1d", "dropout2d", "dropout3d"}
)
"""Calls whose result may share memory with their input: by a module's forward, or by the name of a function."""
