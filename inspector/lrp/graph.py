"""Trace a network once, and make a plan of it: every operation with its place, its operands and its rule."""

import operator
from dataclasses import dataclass
from typing import Any

import torch
from torch import fx, nn

from inspector.errors import UnsupportedError
from inspector.lrp.call import Call, Lazy, Lifted, Pieces, Ref, leaves, spelt_out
from inspector.lrp.checks import check_modules
from inspector.lrp.composite import Composite
from inspector.lrp.fusing import fused
from inspector.lrp.layers import LayerKind, LinearLayer
from inspector.lrp.operations import Linear, Rearrangement
from inspector.lrp.plan import Node, Operation, Plan
from inspector.lrp.registry import registered
from inspector.lrp.rules import Rule
from inspector.lrp.tables import FUNCTIONS, METHODS, MODULES
from inspector.lrp.trace import ASKS, ATTRIBUTES, Root, traced
from inspector.lrp.writes import refuse_shared_writes


def make_plan(network: nn.Module, composite: Composite, dtype: torch.dtype | None = None) -> Plan:
    """Trace a network and give every layer its rule. The network is only read.

    Args:
        network: Takes (batch, ...), and after it the parts of its memory if it has one. Returns scores (batch,
            actions), a pair of scores and values, or a triple of scores, values (or None) and the parts of its memory.
        composite: Which rule for which layer.
        dtype: The precision in which layers run; None for that of their weights.

    Returns:
        The plan. It keeps the modules and reads their weights when it is refreshed.

    Raises:
        UnsupportedError: If the network cannot be traced, or holds an operation without a rule.
        UsageError: If a dropout is active.
    """
    check_modules(network)
    root = Root(network)
    graph = traced(root)
    return _Building(root, composite, dtype).plan(graph)


@dataclass(slots=True)
class _Adding:
    """An operation in the making; a normalisation may still be folded into it."""

    operation: Operation
    operands: tuple[Ref, ...]


class _Building:
    """Walks the trace, and keeps for each of its nodes what that became: a signal, a lazy value, or a tuple of them."""

    def __init__(self, root: Root, composite: Composite, dtype: torch.dtype | None) -> None:
        self._root = root
        self.dtype = dtype
        self.gates: set[Ref] = set()
        self._composite = composite
        self._inputs = 1 + root.parts
        self._added: list[_Adding] = []
        self._values: dict[fx.Node, Any] = {}
        self._behind_a_layer: set[Ref] = set()
        self._layer_names: list[str] = []

    def plan(self, graph: fx.Graph) -> Plan:
        needed = _leading_to(graph.output_node())
        first, memory = (node for node in graph.nodes if node.op == "placeholder")
        self._values[first] = Ref(0)
        self._values[memory] = tuple(Ref(part) for part in range(1, self._inputs))
        self._behind_a_layer.update(self._values[memory])  # those of the step before
        for node in graph.nodes:
            if node.op == "get_attr":
                self._values[node] = Lazy(operator.attrgetter(str(node.target)), (self.root,))
            elif node.op.startswith("call"):
                refuse_shared_writes(node, self.root)
                if node in needed:
                    self._values[node] = self._value(node)
        self._composite.check(self._layer_names)
        nodes = tuple(Node(each.operation, tuple(ref.index for ref in each.operands)) for each in self._added)
        return fused(Plan(self._inputs, nodes, *self._outputs(self._translated(graph.output_node().args[0]))))

    @property
    def root(self) -> nn.Module:
        """Holds the network as its attribute `network`."""
        return self._root

    def add(self, operation: Operation, *operands: Ref) -> Ref:
        """Put an operation into the plan; its output."""
        self._added.append(_Adding(operation, operands))
        added = Ref(self._inputs + len(self._added) - 1)
        if isinstance(operation, Linear) or any(operand in self._behind_a_layer for operand in operands):
            self._behind_a_layer.add(added)
        if isinstance(operation, Rearrangement) and operands[0] in self.gates:
            self.gates.add(added)
        return added

    def rule(self, kind: LayerKind, name: str, source: Ref) -> Rule:
        """The rule of a layer that sees `source`."""
        self._layer_names.append(name)
        return self._composite.rule(kind, first=source not in self._behind_a_layer, name=name)

    def layer(self, source: Ref, node: fx.Node) -> LinearLayer | None:
        """The layer that gives `source`, if nothing but the call at `node` uses it and a scale can be folded in."""
        if source.index < self._inputs or len(node.all_input_nodes[0].users) > 1:
            return None
        operation = self._added[source.index - self._inputs].operation
        return operation.layer if isinstance(operation, Linear) and operation.layer.foldable else None

    def _value(self, node: fx.Node) -> Any:
        args, kwargs = self._translated(node.args), self._translated(dict(node.kwargs))
        found = list(leaves((args, kwargs)))
        asks = node.target is len or (node.op == "call_method" and node.target in ASKS)
        asks = asks or (node.op == "call_function" and node.target is getattr and args[1] in ATTRIBUTES)
        if node.op != "call_module" and (asks or not any(isinstance(leaf, (Ref, Lifted, Pieces)) for leaf in found)):
            return Lazy(_method(node.target) if node.op == "call_method" else node.target, args, kwargs)  # type: ignore[arg-type]
        if node.target is operator.getitem and isinstance(args[0], tuple) and isinstance(args[1], int):
            return args[0][args[1]]
        if node.target is operator.getitem and isinstance(args[0], Pieces) and isinstance(args[1], int):
            return args[0].take(args[1])
        return self._made(Call(node, args, kwargs, self))

    def _made(self, call: Call) -> Any:
        node = call.node
        if node.op == "call_module":
            own, maker = registered(type(call.module)), MODULES.get(type(call.module).forward)
        else:
            own = registered(node.target)
            maker = (METHODS if node.op == "call_method" else FUNCTIONS).get(node.target)
        if own is not None:
            return own(call)
        if maker is None:
            raise call.unsupported()
        return maker(spelt_out(call))

    def _translated(self, value: Any) -> Any:
        if isinstance(value, fx.Node):
            return self._values[value]
        if isinstance(value, (tuple, list)):
            return (
                type(value)(self._translated(each) for each in value)
                if type(value) in (tuple, list)
                else tuple(self._translated(each) for each in value)
            )
        if isinstance(value, dict):
            return {key: self._translated(each) for key, each in value.items()}
        if isinstance(value, slice):
            return slice(*(self._translated(each) for each in (value.start, value.stop, value.step)))
        return value

    def _outputs(self, returned: Any) -> tuple[int, int | None, tuple[int, ...]]:
        parts = tuple(returned) if isinstance(returned, (tuple, list)) else (returned,)
        memory: Any = ()
        if self._inputs > 1 and len(parts) > 1 and isinstance(parts[-1], (tuple, list)):
            *parts, memory = parts  # type: ignore[assignment]
        scores, value = (*parts, None)[:2]
        rightly = len(parts) <= 2 and isinstance(scores, Ref) and isinstance(value, (Ref, type(None)))
        if rightly and all(isinstance(part, Ref) for part in memory):
            return scores.index, None if value is None else value.index, tuple(part.index for part in memory)
        raise UnsupportedError(
            "the network returns something else than scores or a pair of scores and values: wrap it so that it does"
        )


def _method(name: Any) -> Any:
    return lambda owner, *args, **kwargs: getattr(owner, name)(*args, **kwargs)


def _leading_to(output: fx.Node) -> set[fx.Node]:
    """The traced nodes that the output depends on."""
    found: set[fx.Node] = set()
    waiting = [output]
    while waiting:
        new = set(waiting.pop().all_input_nodes) - found
        found |= new
        waiting.extend(new)
    return found
