"""One call that a trace recorded, and the values in it: signals of the plan, and what is only known when it runs."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor, fx, nn

from inspector.errors import UnsupportedError
from inspector.lrp.layers import LayerKind, LinearLayer
from inspector.lrp.plan import Operation
from inspector.lrp.rules import Rule

CURE = (
    "write it with operations that have one, let the network return the scores before it, or give it a rule: "
    "inspector.lrp.register_rule"
)
"""What to do about an operation without a rule."""

_OF_A_SIZE = "its size is taken from another tensor: write it as a number"
_COMPUTED = "a setting of it is computed: write it as a number"
_CURES = dict.fromkeys(
    ("softmax", "log_softmax", "logsoftmax", "argmax"), "let the network return the scores before it"
)


@dataclass(frozen=True, slots=True)
class Ref:
    """A signal of the plan, by its number."""

    index: int


@dataclass(frozen=True, slots=True)
class Lifted:
    """A signal with a first dimension of 1 before that of the batch, as an LSTM takes a sequence of one step."""

    ref: Ref


@dataclass(frozen=True, slots=True, eq=False)
class Pieces:
    """Signals that a call gives as a tuple; each is put into the plan when it is taken."""

    take: Callable[[int], Any]


@dataclass(frozen=True, slots=True, eq=False)
class Lazy:
    """A value that is known when the plan runs: made of tensors that the network stores, and of shapes of signals."""

    function: Callable[..., Any]
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)

    def refs(self) -> Iterator[Ref]:
        """The signals whose shapes it needs."""
        for leaf in leaves((self.args, dict(self.kwargs))):
            if isinstance(leaf, Ref):
                yield leaf
            elif isinstance(leaf, Lazy):
                yield from leaf.refs()

    def evaluate(self, tensors: Mapping[Ref, Tensor]) -> Any:
        """The value, given the tensors of the signals it needs."""
        return self.function(*resolved(self.args, tensors), **resolved(dict(self.kwargs), tensors))


def leaves(value: Any) -> Iterator[Any]:
    """What nested tuples, lists, dicts and slices hold."""
    if isinstance(value, (tuple, list)):
        for each in value:
            yield from leaves(each)
    elif isinstance(value, dict):
        yield from leaves(tuple(value.values()))
    elif isinstance(value, slice):
        yield from (value.start, value.stop, value.step)
    else:
        yield value


def resolved(value: Any, tensors: Mapping[Ref, Tensor]) -> Any:
    """A nested value with everything lazy in it evaluated."""
    if isinstance(value, (tuple, list)):
        return type(value)(resolved(each, tensors) for each in value)
    if isinstance(value, dict):
        return {key: resolved(each, tensors) for key, each in value.items()}
    if isinstance(value, slice):
        return slice(*(resolved(each, tensors) for each in (value.start, value.stop, value.step)))
    if isinstance(value, Lazy):
        return value.evaluate(tensors)
    return tensors[value] if isinstance(value, Ref) else value


@runtime_checkable
class Builder(Protocol):
    """What a maker may ask of the plan that is being built."""

    dtype: torch.dtype | None
    gates: set[Ref]

    @property
    def root(self) -> nn.Module:
        """Holds the network as its attribute `network`."""

    def add(self, operation: Operation, *operands: Ref) -> Ref:
        """Put an operation into the plan; its output."""

    def rule(self, kind: LayerKind, name: str, source: Ref) -> Rule:
        """The rule of a layer that sees `source`."""

    def layer(self, source: Ref, node: fx.Node) -> LinearLayer | None:
        """The layer that gives `source`, if nothing but the call at `node` uses it and a scale can be folded in."""


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """One call of a module, a function or a method.

    Attributes:
        node: The call as torch.fx saw it.
        args: Positional arguments; the object of a method is the first.
        kwargs: Arguments by name.
        builder: Of the plan that is being built.
    """

    node: fx.Node
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    builder: Builder

    @property
    def module(self) -> Any:
        """The module that is called."""
        return self.builder.root.get_submodule(str(self.node.target))

    @property
    def name(self) -> str:
        """The operation's own name: of the module's class, the function or the method."""
        return name_of(self.node, self.builder.root)

    @property
    def path(self) -> str:
        """Name of the module that is called, or in whose forward the call stands; empty for the network itself."""
        return path_of(self.node)

    @property
    def place(self) -> str:
        """What a message calls the operation: its name, and where it stands in the network."""
        return f"{self.name} ({self.path})" if self.path else f"{self.name} (in the network's own forward)"

    def bound(self, *names: str, **defaults: Any) -> dict[str, Any]:
        """Arguments by name: `names` in their order, then those of `defaults`."""
        order = (*names, *defaults)
        if len(self.args) > len(order) or not set(self.kwargs) <= set(order):
            raise self.unsupported("it is called in a way that is not known")
        return defaults | dict(zip(order, self.args, strict=False)) | self.kwargs

    def signal(self, value: Any) -> Ref:
        """The value, which has to be a signal."""
        if not isinstance(value, Ref):
            raise self.unsupported()
        return value

    def plain(self, value: Any) -> Any:
        """The value, which has to be known now."""
        for leaf in leaves(value):
            if isinstance(leaf, (Ref, Lazy, Lifted, Pieces)):
                sized = isinstance(leaf, Lazy) and any(leaf.refs())
                raise self.unsupported(_OF_A_SIZE if sized else _COMPUTED)
        return value

    def constant(self, value: Any) -> Callable[[], Any]:
        """Reads a number, or what the network stores, as it is when it is called."""
        read, followed = self.followed(value)
        if followed:
            raise self.unsupported(_OF_A_SIZE)
        return read

    def followed(self, value: Any) -> tuple[Callable[..., Any], tuple[Ref, ...]]:
        """Reads a value as `constant` does, given the tensors whose shapes it needs; and these."""
        if any(isinstance(leaf, (Ref, Lifted, Pieces)) for leaf in leaves(value)):
            raise self.unsupported()
        refs = tuple({ref: None for leaf in leaves(value) if isinstance(leaf, Lazy) for ref in leaf.refs()})

        def read(*tensors: Tensor) -> Any:
            found = resolved(value, dict(zip(refs, tensors, strict=True)))
            return found.detach() if isinstance(found, Tensor) else found

        return read, refs

    def add(self, operation: Operation, *operands: Ref) -> Ref:
        """Put an operation into the plan; its output."""
        return self.builder.add(operation, *operands)

    def changed(
        self, make: Callable[[str, Callable[..., Tensor]], Operation], function: Callable[..., Tensor], *settings: Any
    ) -> Ref:
        """Put an operation into the plan that calls `function(tensor, *settings)`; sizes in settings are followed."""
        read, followed = self.followed(settings)
        operation = make(self.place, lambda tensor, *tensors: function(tensor, *read(*tensors)))
        return self.add(operation, self.signal(self.args[0]), *followed)

    def unsupported(self, cure: str | None = None) -> UnsupportedError:
        """The error that says what has no rule, and what to do; a module may say it itself, as its `no_rule`."""
        own = getattr(self.module, "no_rule", None) if self.node.op == "call_module" else None
        return UnsupportedError(f"{self.place} has no rule: {own or cure or _CURES.get(self.name.lower(), CURE)}")


_SPELLINGS = {"axis": "dim", "keepdims": "keepdim", "x": "input", "x1": "input", "x2": "other"}
"""Names that torch's functions take from numpy, and their own."""


def spelt_out(call: Call) -> Call:
    """The call as makers know it: its first argument by place, others by torch's own names, and nothing to write to.

    A plan writes in no tensor of others; who would see it is refused before.
    """
    kwargs = {_SPELLINGS.get(name, name): value for name, value in call.kwargs.items() if name != "out"}
    if call.args or not kwargs:
        return replace(call, kwargs=kwargs)
    first = next((name for name in ("input", "tensors") if name in kwargs), next(iter(kwargs.keys())))
    return replace(call, args=(kwargs.pop(first),), kwargs=kwargs)


def name_of(node: fx.Node, root: nn.Module) -> str:
    """The name of what a node calls: of the module's class, the function or the method."""
    if node.op == "call_module":
        return type(root.get_submodule(str(node.target))).__name__
    if node.target is getattr:
        return str(node.args[1])
    return node.target if isinstance(node.target, str) else getattr(node.target, "__name__", str(node.target))


def path_of(node: fx.Node) -> str:
    """Name of the module that a node calls, or in whose forward it stands; empty for the network itself."""
    stack = node.meta.get("nn_module_stack") or {"network": None}
    path = str(node.target) if node.op in ("call_module", "get_attr") else next(reversed(stack))
    return path.removeprefix("network").removeprefix(".")
