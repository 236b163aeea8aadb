"""Trace a network once, and make a plan of it: every operation with its place, its operands and its rule."""

from typing import Any

from torch import Tensor, fx, nn

from inspector.errors import UnsupportedError
from inspector.lrp.composite import Composite
from inspector.lrp.plan import Linear, Node, Plan
from inspector.lrp.traced import MODULES, Traced, is_batch_size, is_shape


def make_plan(network: nn.Module, composite: Composite) -> Plan:
    """Trace a network and give every layer its rule. The network is only read.

    Args:
        network: Takes (batch, ...), returns scores (batch, actions), or a pair of scores and values.
        composite: Which rule for which layer.

    Returns:
        The plan. It keeps the modules and reads their weights anew at every run.

    Raises:
        UnsupportedError: If the network cannot be traced, or holds an operation without a rule.
        UsageError: If a dropout is active.
    """
    root = _Root(network)
    try:
        graph = _Tracer().trace(root)
    except Exception as error:  # a forward can do anything with what the trace hands to it
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise UnsupportedError(
            f"the forward of {type(network).__name__} cannot be traced ({reason}): let it take one tensor, not branch "
            "on values, and keep to torch"
        ) from error
    return _Builder(root, composite).build(graph)


class _Root(nn.Module):
    """Holds the network, so that whatever the trace has to store is not stored on it."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, inputs: Any) -> Any:
        return self.network(inputs)


class _StandIn(fx.Proxy):
    """Passes for the tensor that it stands for, where a forward checks the type of what it was given."""

    @property  # type: ignore[misc]  # as unittest.mock does it
    def __class__(self) -> type:
        return Tensor


class _Tracer(fx.Tracer):
    """Steps into every module but torch's own, those that run the forward of one, and those that say `no_rule`."""

    proxy_buffer_attributes = True  # or what a forward makes of a buffer would be fixed, and stale one day

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return type(m).forward in MODULES or hasattr(m, "no_rule") or super().is_leaf_module(m, module_qualified_name)

    def proxy(self, node: fx.Node) -> fx.Proxy:
        return _StandIn(node, self)

    def create_arg(self, a: Any) -> Any:
        return a.node if type(a) is _StandIn else super().create_arg(a)  # or it would be stored as a constant


class _Builder:
    """Makes the nodes of a plan; `_signals` tells which of its signals a traced node became."""

    def __init__(self, root: nn.Module, composite: Composite) -> None:
        self._root = root
        self._composite = composite
        self._nodes: list[Node] = []
        self._signals: dict[object, int] = {}
        self._behind_a_layer: set[int] = set()

    def build(self, graph: fx.Graph) -> Plan:
        needed = _leading_to(graph.output_node())
        for node in graph.nodes:
            if node.op == "placeholder":
                self._signals[node] = 0
            elif node.op.startswith("call"):
                self._refuse_shared_writes(self._traced(node))
                if node in needed and not is_shape(node) and not is_batch_size(node):
                    self._add(node)
        return Plan(tuple(self._nodes), *self._outputs(graph.output_node().args[0]))

    def _add(self, node: fx.Node) -> None:
        source = next((self._signals[other] for other in node.all_input_nodes if other in self._signals), None)
        traced = self._traced(node, first=source not in self._behind_a_layer)
        if source is None or traced.maker is None:
            raise traced.unsupported()
        if traced.hooked:
            raise traced.unsupported("it has forward hooks, which explaining would pass by: remove them")
        operation = traced.maker(traced)
        self._nodes.append(Node(operation, (source,)))
        self._signals[node] = len(self._nodes)
        if isinstance(operation, Linear) or source in self._behind_a_layer:
            self._behind_a_layer.add(len(self._nodes))

    def _traced(self, node: fx.Node, *, first: bool = False) -> Traced:
        return Traced(node, self._root, lambda kind: self._composite.rule(kind, first=first))

    def _refuse_shared_writes(self, traced: Traced) -> None:
        """A plan never writes in place, so nobody else may read what the network would have overwritten."""
        source = traced.node
        while traced.writes and source.op.startswith("call"):
            source = source.all_input_nodes[0]
            if len(source.users) > 1:
                raise traced.unsupported("it overwrites a tensor that is used again: use the form that does not")
            if not source.op.startswith("call") or not self._traced(source).only_views:
                return

    def _outputs(self, returned: object) -> tuple[int, int | None]:
        scores, value = returned if isinstance(returned, (tuple, list)) and len(returned) == 2 else (returned, None)
        if scores in self._signals and (value is None or value in self._signals):
            return self._signals[scores], None if value is None else self._signals[value]
        raise UnsupportedError(
            "the network returns something else than scores or a pair of scores and values: wrap it so that it does"
        )


def _leading_to(output: fx.Node) -> set[fx.Node]:
    """The traced nodes that the output depends on."""
    found: set[fx.Node] = set()
    waiting = [output]
    while waiting:
        new = set(waiting.pop().all_input_nodes) - found
        found |= new
        waiting.extend(new)
    return found
