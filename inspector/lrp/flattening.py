"""Dense layers behind a flattening, which they see through: no value has to change its place in memory for them."""

import math
from collections.abc import Sequence

from torch import Tensor

from inspector.lrp.layers import Dense, Made, Version
from inspector.lrp.operations import Flatten, Linear
from inspector.lrp.plan import Node, Plan


class DenseOverPlaces(Dense):
    """A fully connected layer that takes (batch, channels, ...), with its weights in the order of these in memory.

    Args:
        layer: The same for the flattened input.
    """

    def __init__(self, layer: Dense) -> None:
        super().__init__(layer._parameters, layer._dtype)
        self._shape: tuple[int, ...] = ()

    def check(self, inputs: Tensor) -> None:  # noqa: D102 - said by LinearLayer, as for all below
        super().check(inputs.flatten(1))

    def forward(self, inputs: Tensor, *versions: Version) -> tuple[Tensor, ...]:  # noqa: D102
        self._take(inputs.shape)
        return super().forward((inputs.movedim(1, -1) if self._inner else inputs).flatten(1), *versions)

    def backward(self, quotients: Sequence[Tensor], versions: Sequence[Version], shape: Sequence[int]) -> Tensor:  # noqa: D102
        self._take(shape)
        batch, channels, *places = shape
        values = super().backward(quotients, versions, (batch, math.prod(shape[1:])))
        return values.view(batch, *places, channels).movedim(-1, 1) if self._inner else values.view(tuple(shape))

    def fan_in(self, shape: Sequence[int]) -> Tensor:  # noqa: D102
        return self.weight.new_tensor(math.prod(shape[1:]))

    def spread(self, quotient: Tensor, shape: Sequence[int]) -> Tensor:  # noqa: D102
        return quotient.sum(1).view(-1, *[1] * (len(shape) - 1)).expand(tuple(shape)).contiguous()

    @property
    def _inner(self) -> bool:
        """Whether the channels are innermost in memory, see `laid_out`."""
        return len(self._shape) in (3, 4)

    def _take(self, shape: Sequence[int]) -> None:
        """Prepare for inputs of a shape."""
        if tuple(shape[1:]) != self._shape:
            self._shape = tuple(shape[1:])
            self._forget()

    def _read(self) -> Made:
        weight, bias = super()._read()
        if self._inner:
            weight = weight.view(len(weight), *self._shape).movedim(1, -1).flatten(1)
        return weight, bias


def seen_through(plan: Plan) -> Plan:
    """The plan without flattenings that only dense layers follow; the same plan if there are none."""
    users: dict[int, list[Node]] = {}
    for node in plan.nodes:
        for operand in node.operands:
            users.setdefault(operand, []).append(node)
    ends = {plan.scores, plan.value, *plan.memory}
    flattened = {
        index: node.operands[0]
        for index, node in enumerate(plan.nodes, plan.inputs)
        if isinstance(node.operation, Flatten) and index not in ends and all(map(_is_dense, users.get(index, ())))
    }
    nodes = {
        index: _over_places(node, flattened) if flattened.keys() & set(node.operands) else node
        for index, node in enumerate(plan.nodes, plan.inputs)
        if index not in flattened
    }
    return plan.with_nodes(nodes) if flattened else plan


def _is_dense(node: Node) -> bool:
    return isinstance(node.operation, Linear) and type(node.operation.layer) is Dense and node.operation.rule.by_layer


def _over_places(node: Node, flattened: dict[int, int]) -> Node:
    operation = node.operation
    assert isinstance(operation, Linear)  # which only dense layers can be
    assert isinstance(operation.layer, Dense)
    layer = DenseOverPlaces(operation.layer)
    return Node(Linear(operation.place, layer, operation.rule), (flattened[node.operands[0]],))
