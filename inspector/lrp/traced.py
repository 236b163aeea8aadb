"""What a traced operation becomes in a plan: a table by module, by function and by method.

Each maker takes a `Traced` and gives the operation, or says what is unsupported about it.
"""

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.nn import functional

from inspector.errors import UnsupportedError, UsageError
from inspector.lrp.layers import Convolution, Dense, LayerKind
from inspector.lrp.plan import Linear, Operation, ReLU, Reshape, Scale
from inspector.lrp.rules import Rule

_SUPPORTED = (
    "rules exist for Linear, Conv2d, ReLU, reshapes of each decision, Dropout in evaluation, and scaling by a constant "
    "above 0: build the network of these, or let it return the scores before this operation"
)


@dataclass(frozen=True, slots=True)
class Traced:
    """One traced operation, with what surrounds it.

    Attributes:
        node: The operation as torch.fx saw it.
        root: Holds the network as its attribute `network`.
        rule: The composite's rule for a kind of layer at this place.
    """

    node: fx.Node
    root: nn.Module
    rule: Callable[[LayerKind], Rule]

    @property
    def name(self) -> str:
        """The operation's own name: of the module's class, the function or the method."""
        target = self.node.target
        if self.node.op == "call_module":
            return type(self.module).__name__
        return target if isinstance(target, str) else getattr(target, "__name__", str(target))

    @property
    def module(self) -> Any:
        """The module that is called."""
        return self.root.get_submodule(str(self.node.target))

    @property
    def place(self) -> str:
        """What a message calls the operation: its name, and where it stands in the network."""
        stack = self.node.meta.get("nn_module_stack") or {"network": None}
        path = str(self.node.target) if self.node.op == "call_module" else next(reversed(stack))
        inside = path.removeprefix("network").removeprefix(".")
        return f"{self.name} ({inside})" if inside else f"{self.name} (in the network's own forward)"

    @property
    def writes(self) -> bool:
        """Whether it overwrites its input."""
        if self.node.op == "call_module":
            return bool(getattr(self.module, "inplace", False))
        by_flag = self.node.kwargs.get("inplace", self.name == "relu" and self.node.args[1:] == (True,))
        return bool(by_flag) or (self.name.endswith("_") and not self.name.endswith("__"))

    @property
    def maker(self) -> "Maker | None":
        """What makes its operation; None if nothing does."""
        if self.node.op == "call_module":
            return MODULES.get(type(self.module).forward)
        return (METHODS if self.node.op == "call_method" else _FUNCTIONS).get(self.node.target)

    @property
    def hooked(self) -> bool:
        """Whether hooks may change what it gives, or its weights, as those of the old weight_norm do."""
        return self.node.op == "call_module" and bool(self.module._forward_hooks or self.module._forward_pre_hooks)

    @property
    def only_views(self) -> bool:
        """Whether what it gives may share memory with its input."""
        return self.maker in (_flatten_module, _reshape, _reshape_to, _same, _dropout)

    def constant(self, argument: object) -> Callable[[], Tensor | float]:
        """Reads a number, or a tensor of one element that the network stores, as it is when it is called."""
        if isinstance(argument, (int, float)):
            return lambda: argument
        if isinstance(argument, fx.Node) and argument.op == "get_attr":
            read = operator.attrgetter(str(argument.target))
            if read(self.root).numel() == 1:
                return lambda: read(self.root).detach().reshape(())
        raise self.unsupported()

    def unsupported(self, cure: str = _SUPPORTED) -> UnsupportedError:
        """The error that says what has no rule, and what to do; a module may say it itself, as its `no_rule`."""
        own = getattr(self.module, "no_rule", None) if self.node.op == "call_module" else None
        return UnsupportedError(f"{self.place} has no rule: {own or _CURES.get(self.name.lower(), cure)}")


Maker = Callable[[Traced], Operation]


def is_batch_size(node: fx.Node) -> bool:
    """Whether a traced node is the size of the batch: `x.size(0)`, `x.shape[0]` or `x.size()[0]`."""
    if node.op == "call_method" and node.target == "size":
        return node.args[1:] == (0,)
    taken = node.op == "call_function" and node.target is operator.getitem and node.args[1] == 0
    return bool(taken) and isinstance(node.args[0], fx.Node) and is_shape(node.args[0])


def is_shape(node: fx.Node) -> bool:
    """Whether a traced node is a whole shape: `x.shape` or `x.size()`."""
    by_method = node.op == "call_method" and node.target == "size" and len(node.args) == 1
    return by_method or (node.op == "call_function" and node.target is getattr and node.args[1] == "shape")


def _dense(traced: Traced) -> Operation:
    return Linear(traced.place, Dense(traced.module), traced.rule("dense"))


def _convolution(traced: Traced) -> Operation:
    module = traced.module
    if module.padding_mode != "zeros":
        raise traced.unsupported(f"its padding_mode is {module.padding_mode!r}: only 'zeros' has one")
    padding = module.padding
    if isinstance(padding, str):
        both = [step * (size - 1) for step, size in zip(module.dilation, module.kernel_size, strict=True)]
        if padding == "same" and any(zeros % 2 for zeros in both):
            raise traced.unsupported("it pads its two sides differently: use an odd kernel size")
        padding = tuple(zeros // 2 if padding == "same" else 0 for zeros in both)
    return Linear(traced.place, Convolution(module, padding), traced.rule("convolution"))


def _relu(traced: Traced) -> Operation:
    return ReLU(traced.place)


def _same(traced: Traced) -> Operation:
    change = getattr(Tensor, traced.name, None)  # float, double, contiguous; an identity has none
    return Reshape(traced.place, change or (lambda tensor: tensor))


def _dropout(traced: Traced) -> Operation:
    node = traced.node
    if node.op == "call_module":
        active = bool(traced.module.training and traced.module.p > 0)
    else:
        given = dict(zip(("p", "training"), node.args[1:], strict=False)) | dict(node.kwargs)
        active = bool(given.get("training", True) and given.get("p", 0.5) != 0)
    if active:
        raise UsageError(f"{traced.place} is active: call network.eval() before explaining")
    return Reshape(traced.place, lambda tensor: tensor)


def _scale(traced: Traced) -> Operation:
    if len(traced.node.args) != 2 or traced.node.kwargs:
        raise traced.unsupported()
    divides = "div" in traced.name
    first, second = traced.node.args
    if not _is_signal(first):
        first, second = second, first
        if divides:
            raise traced.unsupported()
    return Scale(traced.place, torch.div if divides else torch.mul, traced.constant(second))


def _is_signal(argument: object) -> bool:
    return isinstance(argument, fx.Node) and argument.op != "get_attr"


def _flatten_module(traced: Traced) -> Operation:
    module = traced.module
    return Reshape(traced.place, lambda tensor: tensor.flatten(module.start_dim, module.end_dim))


def _reshape(traced: Traced) -> Operation:
    """Flatten, squeeze and unsqueeze: their arguments are numbers."""
    arguments, settings = traced.node.args[1:], dict(traced.node.kwargs)
    if any(isinstance(argument, fx.Node) for argument in (*arguments, *settings.values())):
        raise traced.unsupported()
    change = getattr(torch, traced.name)
    return Reshape(traced.place, lambda tensor: change(tensor, *arguments, **settings))


def _reshape_to(traced: Traced) -> Operation:
    """`view` and `reshape`: their arguments are sizes, of which one may be the batch's."""
    given = traced.node.args[1:]
    sizes = given[0] if len(given) == 1 and isinstance(given[0], (tuple, list)) else given
    for size in sizes:
        if not (isinstance(size, int) or (isinstance(size, fx.Node) and is_batch_size(size))):
            raise traced.unsupported()
    if not sizes:
        raise traced.unsupported()

    def change(tensor: Tensor) -> Tensor:
        return tensor.reshape([size if isinstance(size, int) else len(tensor) for size in sizes])

    return Reshape(traced.place, change)


MODULES: Mapping[Any, Maker] = {
    nn.Linear.forward: _dense,
    nn.Conv2d.forward: _convolution,
    nn.ReLU.forward: _relu,
    nn.Flatten.forward: _flatten_module,
    nn.Identity.forward: _same,
    nn.Dropout.forward: _dropout,
    nn.Dropout2d.forward: _dropout,
}
"""By the forward that a module runs: a subclass with a forward of its own is none of these, it is traced."""

METHODS: Mapping[Any, Maker] = {
    **dict.fromkeys(("relu", "relu_"), _relu),
    **dict.fromkeys(("flatten", "squeeze", "unsqueeze"), _reshape),
    **dict.fromkeys(("view", "reshape"), _reshape_to),
    **dict.fromkeys(("mul", "mul_", "div", "div_", "true_divide"), _scale),
    **dict.fromkeys(("float", "double", "contiguous"), _same),
}

_FUNCTIONS: Mapping[Any, Maker] = {
    **dict.fromkeys((functional.relu, functional.relu_, torch.relu, torch.relu_), _relu),
    **dict.fromkeys((torch.flatten, torch.squeeze, torch.unsqueeze), _reshape),
    **dict.fromkeys((torch.mul, torch.div, torch.true_divide, operator.mul, operator.truediv), _scale),
    torch.reshape: _reshape_to,
    functional.dropout: _dropout,
}

_CURES = dict.fromkeys(
    ("softmax", "log_softmax", "logsoftmax", "argmax"), "let the network return the scores before it"
)
