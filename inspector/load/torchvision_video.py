"""Video networks of torchvision by name, with weights out of a file or torchvision's own."""

import importlib
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn

from inspector.arguments import TORCHVISION
from inspector.clips.agent import ClipAgent
from inspector.clips.recipe import ClipRecipe
from inspector.errors import CheckpointError, UnsupportedError, UsageError
from inspector.load.class_names import numbered
from inspector.load.clip_recipe import assume, change
from inspector.load.factory import read_weights
from inspector.load.safe import plain_text, read_file
from inspector.records import AgentFacts, Checkpoint

_HEADS = {"r3d_18": "fc.bias", "mc3_18": "fc.bias", "r2plus1d_18": "fc.bias", "s3d": "classifier.1.bias"}
"""Networks that are explained, and the tensor that has a number for every class."""

_TRANSFORMERS = "mvit", "swin3d"
_FRAMES = 16
"""Of a clip, as torchvision's reference training has them."""


def open_torchvision(name: str, weights: Path | None = None, *, told: Mapping[str, object] | None = None) -> ClipAgent:
    """Open a video network of torchvision.

    Args:
        name: As `torchvision:r3d_18`, or without the prefix.
        weights: A state dict that torch.save or safetensors has written; None takes torchvision's own for Kinetics-400,
            which torchvision downloads.
        told: Fields of `ClipRecipe` that are to be otherwise than with torchvision's own weights.

    Raises:
        UsageError: If there is no such network, torchvision is not installed, or the recipe makes no sense.
        UnsupportedError: If it is a transformer.
        CheckpointError: If the weights cannot be read, do not fit, or cannot be downloaded.
    """
    short = name.removeprefix(TORCHVISION)
    if short.startswith(_TRANSFORMERS):
        raise UnsupportedError(f"{name} is a transformer, for which there are no rules: take one of {_known()}")
    if short not in _HEADS:
        raise UsageError(f"torchvision has no video network {short!r} that can be explained: take one of {_known()}")
    models = _models()
    own = models.get_model_weights(short).DEFAULT
    if weights is None:
        network, checkpoint, names = _downloaded(models, short, own), Checkpoint(str(own), ""), own.meta["categories"]
    else:
        network, checkpoint, names = _from_file(models, short, weights, own.meta["categories"])
    told, preset = told or {}, own.transforms()
    usual = ClipRecipe(_FRAMES, *_pair(preset.resize_size), *_pair(preset.crop_size), *_colours(preset))
    recipe = change(usual, told)
    facts = AgentFacts(
        name=short if weights is None else weights.stem,
        format="torchvision",
        architecture=short,
        checkpoint=checkpoint,
        assumed=assume(recipe, told, "as for torchvision's own weights"),
    )
    return ClipAgent(network.requires_grad_(False).eval(), tuple(names), recipe, facts)


def _known() -> str:
    return ", ".join(TORCHVISION + one for one in _HEADS)


def _models() -> ModuleType:
    cure = f"install the version of it that belongs to torch {torch.__version__}"
    try:
        return importlib.import_module("torchvision.models")
    except ModuleNotFoundError as error:
        raise UsageError(f"torchvision is not installed: {cure}") from error
    except (ImportError, RuntimeError) as error:  # one built for another torch
        raise UsageError(f"torchvision cannot be imported ({plain_text(error)}): {cure}") from error


def _downloaded(models: ModuleType, name: str, own: Any) -> nn.Module:
    try:
        network: nn.Module = models.get_model(name, weights=own)
    except (OSError, RuntimeError) as error:  # no network, or a digest that is not right
        raise CheckpointError(f"weights of {name} cannot be downloaded ({error}): give a file by --weights") from error
    return network


def _from_file(
    models: ModuleType, name: str, path: Path, categories: list[str]
) -> tuple[nn.Module, Checkpoint, list[str]]:
    """The network with the weights of a file; as many classes as these have."""
    file = read_file(path)
    state = read_weights(file, _HEADS.values())
    count = _class_count(name, path, state)
    network: nn.Module = models.get_model(name, weights=None, num_classes=count)
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        cause = " ".join(str(error).split())[:300]
        raise CheckpointError(f"{path} does not fit torchvision's {name}: {cause}") from error
    names = categories if count == len(categories) else list(numbered(count))
    return network, Checkpoint(str(path), file.sha256), names


def _class_count(name: str, path: Path, state: dict[str, Tensor]) -> int:
    head = state.get(_HEADS[name])
    if head is None or head.ndim != 1:
        raise CheckpointError(f"{path} holds no weights of {name}: it lacks {_HEADS[name]}; save its state_dict()")
    return len(head)


def _pair(size: list[int]) -> tuple[tuple[int, int]]:
    return ((size[0], size[1]),)


def _colours(preset: Any) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
    mean, std = preset.mean, preset.std
    return (mean[0], mean[1], mean[2]), (std[0], std[1], std[2])
