"""Rules that users register for their own layers."""

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn

from inspector.errors import UsageError
from inspector.lrp.call import Call, Ref, leaves, resolved
from inspector.lrp.operations import Own

OwnRule = Callable[..., Tensor | tuple[Tensor, ...]]

_RULES: dict[Any, OwnRule] = {}


def register_rule(kind: Any) -> Callable[[OwnRule], OwnRule]:
    """Give a rule to a module of your own, or to a function.

        @register_rule(Square)
        def square_rule(module, inputs, output, relevance):
            return relevance

    The rule gets the module (or the function), the tensors it took, the tensor it gave and the relevance of that,
    (batch, ...) each. It returns the relevance of the inputs, a tuple if there are several. It runs in inference mode:
    for a gradient, open `torch.inference_mode(False)` and `torch.enable_grad()` and take clones of the tensors. What
    these do not add up to is written in the ledger as dropped. Only forwards traced after the registration use it.

    Args:
        kind: A class of modules, whose forward is then not looked into (nor that of classes derived from it), or a
            function, which has to be one that torch.fx can see: torch's own, or one made known by `torch.fx.wrap`.

    Returns:
        A decorator that returns the rule as it is.

    Raises:
        UsageError: If `kind` is neither, or already has a registered rule.
    """
    if isinstance(kind, nn.Module):
        raise UsageError(
            f"a rule is registered for a class of modules, not for one {type(kind).__name__}: pass "
            f"{type(kind).__name__}, or give it a class of its own"
        )
    if not callable(kind) or (isinstance(kind, type) and not issubclass(kind, nn.Module)):
        raise UsageError(f"a rule is registered for a class of modules or a function, not for {kind!r}")

    def register(rule: OwnRule) -> OwnRule:
        if _RULES.get(kind, rule) is not rule:
            raise UsageError(f"{getattr(kind, '__name__', kind)} has a rule already: unregister_rule gives it up")
        _RULES[kind] = rule
        return rule

    return register


def unregister_rule(kind: Any) -> None:
    """Forget the rule of a module or function; nothing happens if there is none."""
    _RULES.pop(kind, None)


def registered(kind: Any) -> Callable[[Call], Ref] | None:
    """What puts a call of a module's class, or a function, into a plan; None without a registered rule."""
    owners = kind.__mro__ if isinstance(kind, type) else (kind,)
    rule = next((_RULES[each] for each in owners if _RULES and each in _RULES), None)
    return None if rule is None else lambda call: _added(call, rule)


def _added(call: Call, rule: OwnRule) -> Ref:
    arguments = (call.args, call.kwargs)
    signals = tuple(dict.fromkeys(leaf for leaf in leaves(arguments) if isinstance(leaf, Ref)))
    function: Any = call.module if call.node.op == "call_module" else call.node.target

    def run(*tensors: Tensor) -> Tensor:
        args, kwargs = resolved(arguments, dict(zip(signals, tensors, strict=True)))
        given: Tensor = function(*args, **kwargs)
        return given

    return call.add(Own(call.place, run, rule, function), *signals)
