"""Whether a network can be explained as it stands, and whether its plan does what it does."""

import math
import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy
from torch.nn.utils.parametrize import is_parametrized

from inspector.errors import UnsupportedError, UsageError
from inspector.lrp.call import leaves
from inspector.lrp.signal import wide
from inspector.lrp.targets import Outputs

_ROUNDING = {torch.float32: 1e-3, torch.float64: 1e-6}
"""Up to which part of the largest output a difference is left to rounding; a fault is larger."""

_ENOUGH = 8
"""Decisions that are compared: what is done otherwise shows on a few."""

_SEED = 20_150_710
_CURE = "let the forward do the same at every call, and overwrite nothing that is used again"


def check_network(network: Any) -> None:
    """Raise UsageError unless this is a network that can be explained in its precision."""
    if not isinstance(network, nn.Module):
        raise UsageError(f"the network is a {type(network).__name__}: pass a torch.nn.Module")
    for path, module in network.named_modules():
        place = f"{type(module).__name__} ({path or 'the network itself'})"
        if isinstance(module, (nn.DataParallel, nn.parallel.DistributedDataParallel)):
            raise UsageError(f"{place} spreads a network over devices: pass its .module")
        for weight in (*module._parameters.values(), *module._buffers.values()):
            if weight is not None and is_lazy(weight):
                raise UsageError(f"{place} has no weights yet: call the network once before explaining")
            if weight is not None and weight.dtype in (torch.float16, torch.bfloat16):
                raise UsageError(f"the weights of {place} are {weight.dtype}: call network.float() before explaining")


def check_modules(network: nn.Module) -> None:
    """Check what a trace would not see: hooks, what is compiled, and weights that change when they are read.

    Raises:
        UnsupportedError: If a module is compiled or has forward hooks.
        UsageError: If reading its weights changes it.
    """
    for path, module in network.named_modules():
        place = f"{type(module).__name__} ({path or 'the network itself'})"
        if isinstance(module, torch.jit.ScriptModule) or hasattr(module, "_orig_mod"):
            raise UnsupportedError(f"{place} is compiled, and cannot be traced: pass the module that it was made of")
        hooks = (*module._forward_pre_hooks.values(), *module._forward_hooks.values())
        if any(type(hook).__module__.startswith("torch.nn.utils.") for hook in hooks):
            raise UnsupportedError(
                f"{place} has no rule: a hook makes its weight: use that of torch.nn.utils.parametrizations, or remove "
                "the hook"
            )
        if hooks:
            raise UnsupportedError(
                f"{place} has no rule: it has forward hooks, which explaining would pass by: remove them"
            )
        if is_parametrized(module) and any(map(_is_restless, module.parametrizations.modules())):
            raise UsageError(
                f"the weights of {place} change whenever they are read: call network.eval() before explaining"
            )


def _is_restless(parametrization: nn.Module) -> bool:
    """Whether it keeps in buffers what it updates while the network learns, as a spectral norm does."""
    return parametrization.training and any(True for _ in parametrization.buffers(recurse=False))


def checked_bounds(bounds: Any, *, needed: bool) -> tuple[float, float] | None:
    """Bounds of the network input; None if none are given.

    Raises:
        UsageError: If they are no two numbers, or are needed and not given.
    """
    if bounds is None:
        if needed:
            raise UsageError(
                "the composite has a z-box rule, which needs the range of the inputs: pass input_bounds=(low, high)"
            )
        return None
    try:
        low, high = (float(extreme) for extreme in bounds)
    except (TypeError, ValueError):
        low = high = math.nan
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise UsageError(f"input_bounds are {bounds}: pass two finite numbers, the smaller first")
    return low, high


def check_inputs(inputs: Any) -> None:
    """Raise UsageError unless this is a batch of network inputs."""
    if not isinstance(inputs, Tensor):
        raise UsageError(f"inputs are a {type(inputs).__name__}: pass a torch tensor, float (batch, *shape)")
    if inputs.dtype not in (torch.float32, torch.float64):
        raise UsageError(f"inputs are {inputs.dtype}: pass float32 or float64, in the network's own unit")
    if inputs.dim() < 2 or inputs.numel() == 0:
        raise UsageError(f"inputs have shape {tuple(inputs.shape)}: pass (batch, *shape) with at least one decision")


def outputs_of(scores: Tensor, value: Tensor | None, batch: int) -> Outputs:
    """What a network gave, checked; in at least single precision.

    Raises:
        UsageError: If the shapes are not (batch, actions) and (batch, 1).
    """
    if scores.dim() != 2:
        raise UsageError(f"the network gives scores of shape {tuple(scores.shape)}: (batch, actions) is expected")
    scores = scores.to(wide(scores.dtype))
    if value is None:
        return Outputs(scores, None)
    if value.numel() != batch:
        raise UsageError(f"the network gives values of shape {tuple(value.shape)}: (batch, 1) is expected")
    return Outputs(scores, value.reshape(batch).to(wide(value.dtype)))


@contextmanager
def left_alone(network: nn.Module) -> Iterator[None]:
    """Undo what a forward stores on its modules or in its buffers, and what it draws at random."""
    tables: list[dict[Any, Any]] = []
    for module in network.modules():
        tables += (vars(module), *(value for value in vars(module).values() if type(value) is dict))
    before = [(table, dict(table)) for table in tables]
    rows = [value for table in tables for value in table.values() if type(value) is list]
    rows_before = [list(row) for row in rows]
    buffers = [(buffer, buffer.clone()) for buffer in network.buffers()]
    drawn, also_drawn = torch.random.get_rng_state(), random.getstate()
    try:
        yield
    finally:
        torch.random.set_rng_state(drawn)
        random.setstate(also_drawn)
        for table, kept in before:
            _restore(table, kept)
        for row, entries in zip(rows, rows_before, strict=True):
            row[:] = entries
        with torch.inference_mode():
            for buffer, values in buffers:
                if not torch.equal(buffer, values):
                    buffer.copy_(values)


def _restore(table: dict[Any, Any], kept: dict[Any, Any]) -> None:
    for name in table.keys() - kept.keys():
        del table[name]
    for name, value in kept.items():
        if table.get(name, table) is not value:
            table[name] = value


def compare(network: nn.Module, given: tuple[Tensor, ...], found: Sequence[Tensor]) -> None:
    """Check that a plan gives what its network gives.

    Args:
        network: The network; it stays as it was.
        given: Its inputs.
        found: What the plan gave: scores, value if there is one, and the parts of the memory.

    Raises:
        UnsupportedError: If the two differ by more than rounding.
        UsageError: If the network itself does not take the inputs.
    """
    if len(given[0]) > _ENOUGH:
        some = [[part[:_ENOUGH] for part in parts] for parts in (given, found)]
        try:
            own = outputs_of_network(network, tuple(some[0]))
        except Exception:  # perhaps it takes batches of this size alone
            own = []
        if own and all(one.dim() and len(one) == _ENOUGH for one in own):
            return _compare(network, tuple(some[0]), own, some[1])
    try:
        own = outputs_of_network(network, given)
    except torch.OutOfMemoryError:
        raise
    except Exception as error:  # a forward can do anything
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise UsageError(f"inputs of shape {tuple(given[0].shape)} do not fit the network: {reason}") from error
    return _compare(network, given, own, found)


def _compare(network: nn.Module, given: tuple[Tensor, ...], own: list[Tensor], found: Sequence[Tensor]) -> None:
    if len(own) != len(found):
        raise UnsupportedError(f"the network gives {len(own)} tensors, and its trace {len(found)}: {_CURE}")
    for one, other in zip(own, found, strict=True):
        if one.numel() != other.numel():
            raise UnsupportedError(f"the network gives {tuple(one.shape)}, and its trace {tuple(other.shape)}: {_CURE}")
        gap = difference(one, other, given[0])
        if gap > 0 and gap > 100 * _rounding(network, given, own):
            raise UnsupportedError(f"the network gives other scores than its trace, by up to {gap:.3g}: {_CURE}")


def outputs_of_network(network: nn.Module, given: tuple[Tensor, ...]) -> list[Tensor]:
    """The tensors that a network gives, whatever they are nested in. It stays as it was, and so do the inputs."""
    with torch.inference_mode(False), torch.no_grad(), left_alone(network):
        torch.default_generator.manual_seed(_SEED)  # what the trace has drawn at random shall show
        random.seed(_SEED)
        returned = network(*(part.clone() for part in given))
    return [leaf for leaf in leaves(returned) if isinstance(leaf, Tensor)]


def difference(one: Tensor, other: Tensor, inputs: Tensor) -> float:
    """How far two tensors of the same outputs are apart at most where both are finite; 0 if rounding may do that.

    Args:
        one: The outputs.
        other: The outputs as somebody else has them.
        inputs: What they were made of: outputs of nearly 0 may be what is left of numbers of its size.
    """
    both = one.flatten().isfinite() & other.flatten().isfinite()
    own, others = (each.flatten()[both].double() for each in (one, other))
    if not both.any():
        return 0.0
    gap, size = float((own - others).abs().max()), float(own.abs().max())
    if gap <= _ROUNDING[one.dtype] * size:
        return 0.0
    largest = float(inputs[inputs.isfinite()].abs().max()) if inputs.isfinite().any() else 0.0
    return gap if gap > 16 * torch.finfo(one.dtype).eps * largest else 0.0


def _rounding(network: nn.Module, given: tuple[Tensor, ...], own: list[Tensor]) -> float:
    """How far rounding moves what a network gives: its difference from a copy in double precision."""
    try:
        precise = outputs_of_network(deepcopy(network).double(), tuple(part.double() for part in given))
        return max(float((one - other).abs().max()) for one, other in zip(own, precise, strict=True))
    except Exception:  # a network may forbid to be copied, or insist on its own precision
        return 0.0
