"""Calls that write in place: a plan never does, so nobody may read later what the network would have overwritten."""

import operator
from collections.abc import Iterator
from functools import cache
from inspect import signature
from typing import Any

from torch import fx, nn

from inspector.errors import UnsupportedError
from inspector.lrp.call import name_of, path_of
from inspector.lrp.registry import registered
from inspector.lrp.tables import FUNCTIONS, METHODS, VIEWS
from inspector.lrp.trace import ASKS, ATTRIBUTES, IN_PLACE

_WRITERS = {operator.setitem, *(getattr(operator, f"__i{name}__") for name in IN_PLACE)}


def refuse_shared_writes(node: fx.Node, root: nn.Module) -> None:
    """Refuse a call that overwrites what is read after it, itself or through a view.

    Raises:
        UnsupportedError: If it does.
    """
    for source in _overwritten(node, root):
        last = node
        while True:
            others = [user for user in source.users if user is not last]
            if any(user > node or _is_view(user, root) for user in others):
                raise _refused(node, root, "a tensor that is used again: use the form that does not")
            if source.op == "get_attr":
                raise _refused(node, root, "what the network stores: leave that as it is")
            if not source.op.startswith("call") or not _is_view(source, root):
                break
            last, source = source, source.all_input_nodes[0]


def _refused(node: fx.Node, root: nn.Module, what: str) -> UnsupportedError:
    place = path_of(node) or "in the network's own forward"
    return UnsupportedError(f"{name_of(node, root)} ({place}) has no rule: it overwrites {what}")


def _overwritten(node: fx.Node, root: nn.Module) -> Iterator[fx.Node]:
    """The traced values that a call overwrites."""
    found: list[fx.Node] = []
    fx.node.map_arg(node.kwargs.get("out"), found.append)
    if _writes(node, root):
        fx.node.map_arg(node.args[0] if node.args else node.all_input_nodes[0], found.append)
    yield from found


def _writes(node: fx.Node, root: nn.Module) -> bool:
    """Whether a call overwrites its first input."""
    if not node.op.startswith("call"):
        return False
    if node.op == "call_module":
        return bool(getattr(root.get_submodule(str(node.target)), "inplace", False))
    name = name_of(node, root)
    if node.op == "call_method" and name.startswith("__"):
        return getattr(operator, name, None) in _WRITERS
    return _by_flag(node) or node.target in _WRITERS or (name.endswith("_") and not name.endswith("__"))


def _by_flag(node: fx.Node) -> bool:
    place = _place_of_flag(node.target) if node.op == "call_function" else None
    given = node.args[place] if place is not None and place < len(node.args) else node.kwargs.get("inplace", False)
    return bool(given)


@cache
def _place_of_flag(function: Any) -> int | None:
    """At which place a function takes `inplace`; None if it does not."""
    try:
        return list(signature(function).parameters).index("inplace")
    except (TypeError, ValueError):  # those of C++ have no signature, and no such flag
        return None


def _is_view(node: fx.Node, root: nn.Module) -> bool:
    """Whether what a call gives may share memory with its input; what nobody knows may."""
    if node.op == "call_module":
        return type(root.get_submodule(str(node.target))).forward in VIEWS
    if node.op == "output" or node.target in _WRITERS:
        return False
    if node.target is getattr:
        return node.args[1] not in ATTRIBUTES
    if name_of(node, root) in VIEWS:
        return True
    known = METHODS if node.op == "call_method" else FUNCTIONS
    asks = node.op == "call_method" and node.target in ASKS
    return not asks and node.target not in known and registered(node.target) is None
