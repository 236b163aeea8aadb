"""The trace of a network by torch.fx: what its forward calls, in order, with stand-ins for the tensors."""

import builtins
import inspect
import operator
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import fx, nn

from inspector.errors import UnsupportedError
from inspector.lrp.checks import left_alone
from inspector.lrp.registry import registered
from inspector.lrp.tables import MODULES

ASKS = ("size", "dim", "ndimension", "numel", "nelement", "element_size", "stride", "is_floating_point", "get_device")
"""Methods of a tensor that tell of it and give none."""

ATTRIBUTES = ("shape", "dtype", "device", "ndim", "layout", "is_cuda", "requires_grad")
"""Attributes of a tensor that tell of it and are none."""

IN_PLACE = ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "and", "or", "xor", "lshift", "rshift")
"""Operators that write in place, as `+=` does; by the name of the one that does not."""

_KNOWN = ("node", "tracer", "root", "attr", "_node")
_EXAMPLE = torch.empty(0)
_ONE_AT_A_TIME = threading.Lock()
"""Torch.fx patches every module there is while it traces."""


class Root(nn.Module):
    """Holds the network, so that whatever the trace has to store is not stored on it."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        needed = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
        parameters = inspect.signature(network.forward).parameters.values()
        required = [each for each in parameters if each.kind in needed and each.default is inspect.Parameter.empty]
        self.parts = max(0, len(required) - 1)

    def forward(self, inputs: Any, memory: Any) -> Any:  # noqa: D102 - what it holds, called
        return self.network(inputs, *(memory[part] for part in range(self.parts)))


def traced(root: Root) -> fx.Graph:
    """What the network calls. The network stays as it was.

    Raises:
        UnsupportedError: If its forward cannot be traced.
    """
    try:
        with _ONE_AT_A_TIME, left_alone(root.network), _passing_for_tensors():
            return _Tracer().trace(root)
    except Exception as error:  # a forward can do anything with what the trace hands to it
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise UnsupportedError(
            f"the forward of {type(root.network).__name__} cannot be traced ({reason}): let it take one tensor, not "
            "branch on values, and keep to torch"
        ) from error


class _InPlace(fx.Proxy):
    """Records what is written in place as that; torch.fx would take `x += y` for `x = x + y`."""

    def __setitem__(self, index: Any, value: Any) -> None:
        self.tracer.create_proxy("call_function", operator.setitem, (self, index, value), {})

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in _KNOWN:
            raise TypeError(f"it sets {name} of a tensor")
        object.__setattr__(self, name, value)

    def __getattr__(self, name: str) -> "_Attribute":
        return _Attribute(self, name)


class _StandIn(_InPlace):
    """Stands for a tensor, or for a number that a tensor was asked for."""


class _Attribute(_InPlace, fx.proxy.Attribute):
    """Stands for an attribute of what another stands for."""


def _in_place(name: str) -> Callable[[fx.Proxy, Any], fx.Proxy]:
    def write(self: fx.Proxy, other: Any) -> fx.Proxy:
        function = getattr(operator, f"__i{name}__" if _gives_a_tensor(self.node) else f"__{name}__")
        return self.tracer.create_proxy("call_function", function, (self, other), {})

    return write


for _name in IN_PLACE:
    setattr(_InPlace, f"__i{_name}__", _in_place(_name))


class _Tracer(fx.Tracer):
    """Steps into every module but torch's own, those with a rule, and those that say `no_rule`."""

    proxy_buffer_attributes = True  # or what a forward makes of a buffer would be fixed, and stale one day

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        if registered(type(m)) is not None or hasattr(m, "no_rule"):
            return True
        if "forward" in vars(m):  # its class does not tell what it does
            return False
        return type(m).forward in MODULES or super().is_leaf_module(m, module_qualified_name)

    def proxy(self, node: fx.Node) -> fx.Proxy:
        return _StandIn(node, self)

    def create_arg(self, a: Any) -> Any:
        # What passes for a tensor would be stored as a constant.
        return a.node if type(a) in (_StandIn, _Attribute) else super().create_arg(a)


def _gives_a_tensor(node: fx.Node) -> bool:
    """Whether a traced value is a tensor, not a number or a shape that one was asked for."""
    known = node.meta.get("tensor")
    if known is None:
        of_tensors = any(_gives_a_tensor(each) for each in node.all_input_nodes)
        if node.op == "call_method":
            known = of_tensors and node.target not in ASKS
        elif node.target is len:
            known = False
        elif node.target is getattr:
            known = of_tensors and node.args[1] not in ATTRIBUTES
        elif node.op == "call_function" and getattr(node.target, "__module__", "") in ("_operator", "math", "builtins"):
            known = of_tensors
        else:
            known = True
        node.meta["tensor"] = known
    return bool(known)


@contextmanager
def _passing_for_tensors() -> Iterator[None]:
    """Let stand-ins pass for what they stand for where a forward asks `isinstance(x, Tensor)`, and only there.

    Said by the stand-in itself, as its `__class__`, it would be believed by torch's C++, which then reads a tensor
    where there is none.
    """
    usual = builtins.isinstance

    def passes(value: Any, kinds: Any) -> bool:
        return issubclass(type(value), kinds) or (usual(_EXAMPLE, kinds) and _gives_a_tensor(value.node))

    # No function of its own: a checker of types that calls isinstance would go round in it.
    builtins.isinstance = lambda value, kinds: (passes if issubclass(type(value), _InPlace) else usual)(value, kinds)
    try:
        yield
    finally:
        builtins.isinstance = usual
