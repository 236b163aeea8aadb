"""What tells one agent that watches videos from another."""

import hashlib
import inspect
from contextlib import suppress
from pathlib import Path

import torch
from torch import nn

from inspector.clips.agent import ClipAgent


def digest_of(agent: ClipAgent) -> str:
    """What tells this agent from others: its network as written, all of its weights, and how clips are made for it.

    Of a network of the user's own the files count too in which its classes stand: only these say what it computes.
    """
    whole = hashlib.sha256(repr((str(agent.network), agent.recipe, agent.class_names)).encode())
    for content in _sources(agent.network) if agent.facts.format == "factory" else ():
        whole.update(content)
    for name, tensor in sorted(agent.network.state_dict().items()):
        values = tensor.detach().cpu().contiguous()
        whole.update(f"{name} {tuple(values.shape)} {values.dtype}".encode())
        whole.update(values.view(-1).view(torch.uint8).numpy().tobytes() if values.numel() else b"")
    return whole.hexdigest()


def _sources(network: nn.Module) -> list[bytes]:
    """The files of its classes but those of torch, each once."""
    kinds = {type(module) for module in network.modules() if not type(module).__module__.startswith("torch.")}
    found = set()
    for kind in kinds:
        with suppress(TypeError, OSError):  # one that was made at a prompt has no file
            found.add(Path(inspect.getfile(kind)).read_bytes())
    return sorted(found)
