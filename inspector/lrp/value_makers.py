"""From calls that compute without weights to the plan: units, sums, products, pooling, norms."""

import operator
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from inspector.errors import UnsupportedError
from inspector.lrp.call import Call, Lazy, Ref, leaves
from inspector.lrp.operations import Affine, ReLU, Unit
from inspector.lrp.pooling import MaxPool
from inspector.lrp.products import Product, Softmax, Total
from inspector.lrp.sums import Average, Sum

Maker = Callable[[Call], Any]


def unit(function: Callable[..., Tensor], *, nonnegative: bool | None = None, rising: bool = False) -> Maker:
    """Makes the maker of a function of single values, called as function, method or module."""

    def make(call: Call) -> Ref:
        if call.node.op == "call_module":
            module = call.module
            change: Callable[[Tensor], Tensor] = _out_of_place(module)
            source = call.signal(call.args[0])
        else:
            settings = call.plain((call.args[1:], {k: v for k, v in call.kwargs.items() if k != "inplace"}))
            numbers, kwargs = tuple(value for value in settings[0] if not isinstance(value, bool)), settings[1]
            source = call.signal(call.args[0])
            change = (lambda values: function(values, *numbers, **kwargs)) if numbers or kwargs else function
        sign, order = _checked(change, nonnegative, rising)
        return call.add(Unit(call.place, change, nonnegative=sign, rising=order), source)

    return make


def _checked(change: Callable[[Tensor], Tensor], nonnegative: bool | None, rising: bool) -> tuple[bool | None, bool]:
    """What is known of a unit, less what its settings undo, as a slope below 0 does."""
    probe = torch.tensor([-30.0, -3.0, -1.0, -0.1, 0.0, 0.1, 1.0, 3.0, 30.0])
    found = change(probe)
    wrong = found * probe < 0 if nonnegative is None else found < 0
    return False if wrong.any() else nonnegative, rising and bool((found.diff() >= 0).all())


def relu(call: Call) -> Ref:
    """A rectifier."""
    return call.add(ReLU(call.place), call.signal(call.args[0]))


def gate(function: Callable[..., Tensor]) -> Maker:
    """Makes the maker of a function that opens and closes, between 0 and 1."""
    inner = unit(function, nonnegative=True, rising=True)

    def make(call: Call) -> Ref:
        ref: Ref = inner(call)
        call.builder.gates.add(ref)
        return ref

    return make


def norm(call: Call) -> Ref:
    """A normalisation of each decision by itself, whose divisor is taken as it is."""
    if call.node.op == "call_module":
        module = call.module
        if getattr(module, "track_running_stats", False):
            raise call.unsupported("it tracks statistics: use one that does not")
        return call.add(Unit(call.place, lambda values: module(values)), call.signal(call.args[0]))
    function: Any = call.node.target
    if call.name == "instance_norm" and any(isinstance(leaf, Lazy) for leaf in (*call.args[1:3], *_tracked(call))):
        raise call.unsupported("it tracks statistics: use one that does not")
    return call.changed(
        Unit, lambda values, args, kwargs: function(values, *args, **kwargs), call.args[1:], call.kwargs
    )


def _tracked(call: Call) -> tuple[Any, ...]:
    return tuple(call.kwargs.get(name) for name in ("running_mean", "running_var"))


def softmax(call: Call) -> Ref:
    """A softmax along a dimension of each decision."""
    if call.node.op == "call_module":
        source, axis = call.args[0], call.module.dim
    else:
        given = call.bound("input", dim=None, dtype=None, _stacklevel=3)
        source, axis = given["input"], call.plain(given["dim"])
    if axis is None or axis == 0:
        raise call.unsupported("it has no dimension, or that of the batch: name another")
    if _ends_there(call):
        raise call.unsupported("let the network return the scores before it")
    ref = call.add(Softmax(call.place, axis), call.signal(source))
    call.builder.gates.add(ref)
    return ref


def add(call: Call) -> Ref:
    """Addition or subtraction, of two signals or of a signal and a constant."""
    sign = -1.0 if "sub" in call.name else 1.0
    given = call.bound("input", "other", alpha=1)
    one, other, alpha = given["input"], given["other"], call.plain(given["alpha"])
    if isinstance(one, Ref) and isinstance(other, Ref):
        if alpha != 1:
            raise call.unsupported(f"its alpha is {alpha}: multiply first")
        return call.add(Sum(call.place, (1.0, sign)), one, other)
    if isinstance(other, Ref):
        return _affine(call, operator.add if sign > 0 else _less, other, one, moves=True)
    return _affine(call, lambda x, c: x + sign * alpha * c, call.signal(one), other, moves=True)


def turn_round(call: Call) -> Ref:
    """The negative of a signal."""
    return _affine(call, operator.mul, call.signal(call.args[0]), -1.0)


def multiply(call: Call) -> Ref:
    """Multiplication or division: by a constant, or of two signals."""
    divides = "div" in call.name
    given = call.bound("input", "other")
    one, other = given["input"], given["other"]
    if isinstance(one, Ref) and isinstance(other, Ref):
        if divides:
            raise call.unsupported("it divides by what depends on the input: divide by a constant")
        gates = [operand in call.builder.gates for operand in (one, other)]
        return call.add(Product(call.place, gates.index(True) if sum(gates) == 1 else None), one, other)
    if divides and isinstance(other, Ref):
        raise call.unsupported("it divides by what depends on the input: divide by a constant")
    source, constant = (one, other) if isinstance(one, Ref) else (other, one)
    change = operator.truediv if divides else operator.mul
    return _affine(call, change, call.signal(source), constant)


def total(call: Call) -> Ref:
    """A mean or a sum over dimensions of each decision."""
    given = call.bound("input", dim=None, keepdim=False, dtype=None)
    axes, keep = given["dim"], call.plain(given["keepdim"])
    function: Callable[..., Tensor] = torch.mean if call.name == "mean" else torch.sum
    if axes is None:
        raise call.unsupported("it runs over the whole batch: name the dimensions")
    place = call.place

    def change(values: Tensor, axes: Any) -> Tensor:
        if any(axis % values.dim() == 0 for axis in (axes if isinstance(axes, (tuple, list)) else (axes,))):
            raise UnsupportedError(f"{place} runs over the batch, which mixes decisions: keep the first dimension")
        return function(values, axes, keepdim=keep)

    return call.changed(Total, change, axes)


def average(call: Call) -> Ref:
    """Average pooling, adaptive average pooling, and interpolation: linear, with weights that are fixed."""
    if call.node.op == "call_module":
        module = call.module
        return call.changed(Average, lambda values: module(values))
    function: Any = call.node.target
    rest = call.args[1:], call.kwargs
    return call.changed(Average, lambda values, args, kwargs: function(values, *args, **kwargs), *rest)


def max_pool(dimensions: int) -> Maker:
    """Makes the maker of a max pooling."""

    def make(call: Call) -> Ref:
        names = {"stride": None, "padding": 0, "dilation": 1, "ceil_mode": False, "return_indices": False}
        if call.node.op == "call_module":
            source = call.args[0]
            settings = {name: getattr(call.module, name) for name in ("kernel_size", *names)}
        else:
            given = call.bound("input", "kernel_size", **names)
            source, settings = given.pop("input"), call.plain(given)
        if settings.pop("return_indices"):
            raise call.unsupported("it returns indices too: leave them away")
        stride = settings["stride"]
        settings["stride"] = settings["kernel_size"] if stride is None or stride == [] else stride
        return call.add(MaxPool(call.place, dimensions, settings), call.signal(source))

    return make


def adaptive_max_pool(dimensions: int) -> Maker:
    """Makes the maker of an adaptive max pooling."""

    def make(call: Call) -> Ref:
        if call.node.op == "call_module":
            source, size = call.args[0], call.module.output_size
        else:
            given = call.bound("input", "output_size", return_indices=False)
            source, size = given["input"], call.plain(given["output_size"])
        return call.add(MaxPool(call.place, dimensions, {"output_size": size}), call.signal(source))

    return make


def _affine(call: Call, change: Callable[[Any, Any], Any], source: Ref, constant: Any, *, moves: bool = False) -> Ref:
    """A signal changed by a number, or by a tensor that the network stores; one of a single value as a number."""
    read, followed = call.followed(constant)
    lazy = any(isinstance(leaf, Lazy) for leaf in leaves(constant))
    reads = (lambda *tensors: _single(read(*tensors))) if lazy else (lambda: constant)
    return call.add(Affine(call.place, change, reads, moves=moves), source, *followed)


def _single(value: Any) -> Any:
    return value.item() if isinstance(value, Tensor) and value.numel() == 1 else value


def _less(values: Any, constant: Any) -> Any:
    return constant - values


def _ends_there(call: Call) -> bool:
    return all(user.op == "output" for user in call.node.users)


def _out_of_place(module: nn.Module) -> Callable[[Tensor], Tensor]:
    if getattr(module, "inplace", False):
        return lambda values: module(values.clone())
    return lambda values: module(values)


UNITS: dict[str, tuple[bool | None, bool]] = {
    "relu6": (True, True),
    "leaky_relu": (None, True),
    "elu": (None, True),
    "selu": (None, True),
    "celu": (None, True),
    "gelu": (None, False),
    "silu": (None, False),
    "mish": (None, False),
    "hardswish": (None, False),
    "hardtanh": (False, True),
    "softplus": (True, True),
    "softsign": (None, True),
    "tanh": (None, True),
    "clamp": (False, True),
    "clip": (False, True),
    "clamp_min": (False, True),
    "clamp_max": (False, True),
}
"""Units by name: whether they give nothing below 0 (None: if their input does not), and whether they keep order."""

GATES = ("sigmoid", "hardsigmoid")
_OPERATORS = {operator.add, operator.iadd, torch.add, operator.sub, operator.isub, torch.sub, torch.subtract}
SUMS: frozenset[Any] = frozenset(_OPERATORS)


def function_of(name: str) -> Callable[..., Tensor]:
    """Torch's own function of a unit's name."""
    own = ("relu", "tanh", "clamp", "clip", "clamp_min", "clamp_max", "sigmoid")
    found: Callable[..., Tensor] = getattr(torch if name in own else functional, name)
    return found
