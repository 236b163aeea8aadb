"""`module:function`: a network of the user's own. The only door through which code of the user's is imported."""

import hashlib
import importlib
import os
import re
import sys
from collections.abc import Container

import torch
from torch import nn

from inspector.errors import CheckpointError, UsageError
from inspector.load.draft import Draft, Request
from inspector.load.recipe import Recipe, told_by
from inspector.load.safe import StoredFile, identify, plain_text
from inspector.load.state_dict import unwrap, without_prefix
from inspector.load.weights import check_tensors, read_safetensors, read_torch


def is_factory(source: str) -> bool:
    """Whether a text reads as `module:function`."""
    return re.fullmatch(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*", source) is not None


def read_factory(factory: str, file: StoredFile | None, request: Request) -> Draft:
    """Call the user's function for a network, load weights into it, and see what it gives.

    Args:
        factory: `module:function`, importable from the current directory too. Called without arguments.
        file: A state_dict for the network; None if the function returns it ready.
        request: What the user says; `output` is needed unless the network has a critic.

    Raises:
        UsageError: If there is no such function, it fails, or returns no network.
        CheckpointError: If weights or network input do not fit the network.
    """
    network = make_network(factory)
    if file is not None:
        fill(network, file, factory)
    network.requires_grad_(False).eval()
    recipe = Recipe({}, "by the inspector's defaults", request.preprocessing)
    actions, critic = _try(network, recipe, factory)
    output = request.settle_output("logits" if critic and request.output is None else None, factory)
    draft = Draft("factory", network, actions, output, recipe, f"{factory}: {type(network).__name__}")
    if request.output is None:
        draft.assumed.append("scores are logits: the network gives a value beside them")
    return draft


def digest(network: nn.Module) -> str:
    """The sha256 of a network's weights, in the order of their names."""
    total = hashlib.sha256()
    for name, tensor in sorted(network.state_dict().items()):
        total.update(f"{name} {tensor.dtype} {tuple(tensor.shape)} ".encode())
        total.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return total.hexdigest()


def make_network(factory: str) -> nn.Module:
    """Call the user's function for a network.

    Raises:
        UsageError: If there is no such function, it fails, or returns no network.
    """
    if not is_factory(factory):
        raise UsageError(f"{plain_text(factory, 80)!r} is no factory: write it as module:function")
    module_name, _, function_name = factory.partition(":")
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    # The user's own code may fail in any way; all of them are said in one line, with the cause attached.
    try:
        function = getattr(importlib.import_module(module_name), function_name)
        network = function()
    except Exception as error:
        raise UsageError(f"{factory} failed: {type(error).__name__}: {plain_text(error)}") from error
    if not isinstance(network, nn.Module):
        raise UsageError(f"{factory} returned {type(network).__name__}, not a torch.nn.Module")
    if next(network.parameters(), None) is None:
        raise UsageError(f"{factory} returned a network without parameters")
    plain: nn.Module = getattr(network, "_orig_mod", network)  # what torch.compile makes cannot be traced
    return plain


def cure_of(network: nn.Module, usual: str) -> str:
    """What to do about a network that cannot take what it is given: the usual, unless it runs in another precision."""
    precision = next(network.parameters()).dtype
    if precision == torch.float32:
        return usual
    return f"its weights are {str(precision).removeprefix('torch.')}, inputs are float32: return it after .float()"


def fill(network: nn.Module, file: StoredFile, factory: str) -> None:
    """Load weights into the network that the user's function returned.

    Raises:
        CheckpointError: If they cannot be read, or do not fit.
    """
    tensors = read_weights(file, network.state_dict())
    try:
        network.load_state_dict(tensors)
    except RuntimeError as error:
        raise CheckpointError(f"{file.path} does not fit {factory}: {plain_text(error)}") from error


def read_weights(file: StoredFile, names: Container[str] = ()) -> dict[str, torch.Tensor]:
    """Read weights, which may lie beside other things, and whose names may have what wrappers put before them.

    Args:
        file: A state dict that torch.save or safetensors has written.
        names: Names that the network has; where weights have these, nothing is taken off them.

    Raises:
        CheckpointError: If they cannot be read.
    """
    what = str(file.path)
    if identify(file) == "safetensors":
        tensors = read_safetensors(file.content, what)
    else:
        tensors = check_tensors(unwrap(read_torch(file.content, what), what), what, len(file.content))
    return tensors if any(name in names for name in tensors) else without_prefix(tensors)


def _try(network: nn.Module, recipe: Recipe, factory: str) -> tuple[int, bool]:
    """Number of actions, and whether there is a critic, by running two black inputs."""
    shape = (2, recipe.number("stack"), recipe.number("height"), recipe.number("width"))
    device = next(network.parameters()).device
    try:
        with torch.inference_mode():
            output = network(torch.zeros(shape, device=device))
    except Exception as error:
        cure = cure_of(network, f"say {told_by('stack', 'height', 'width')}")
        raise CheckpointError(f"{factory} cannot take inputs {shape}: {plain_text(error)}; {cure}") from error
    parts = output if isinstance(output, tuple) else (output,)
    shapes = [tuple(part.shape) if isinstance(part, torch.Tensor) else type(part).__name__ for part in parts]
    if not 1 <= len(parts) <= 2 or len(shapes[0]) != 2 or shapes[0][0] != 2 or shapes[1:] not in ([], [(2, 1)]):
        raise CheckpointError(
            f"{factory} gives {shapes} for a batch of 2: scores (2, actions), or scores and values (2, 1), are needed"
        )
    return int(shapes[0][1]), len(parts) == 2
