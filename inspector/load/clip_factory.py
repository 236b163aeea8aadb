"""`module:function` for a video network of the user's own."""

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import nn

from inspector.clips.agent import ClipAgent
from inspector.clips.recipe import ClipRecipe
from inspector.errors import CheckpointError
from inspector.load.class_names import numbered
from inspector.load.clip_recipe import KINETICS, assume, change
from inspector.load.factory import cure_of, digest, fill, make_network
from inspector.load.safe import plain_text, read_file
from inspector.records import AgentFacts, Checkpoint


def read_clip_factory(factory: str, weights: Path | None, told: Mapping[str, object]) -> ClipAgent:
    """Call the user's function for a network, load weights into it, and see what it gives.

    Args:
        factory: `module:function`, importable from the current directory too. Called without arguments.
        weights: A state dict for the network; None if the function returns it ready.
        told: Fields of `ClipRecipe` that the user says.

    Raises:
        UsageError: If there is no such function, it fails, or returns no network; or the recipe makes no sense.
        CheckpointError: If weights or clips do not fit the network.
    """
    recipe = change(KINETICS, told)
    network = make_network(factory)
    file = None if weights is None else read_file(weights)
    if file is not None:
        fill(network, file, factory)
    network.requires_grad_(False).eval()
    count = _count_classes(network, recipe, factory)
    facts = AgentFacts(
        name=factory.replace(":", ".") if weights is None else weights.stem,
        format="factory",
        architecture=f"{factory}: {type(network).__name__}",
        checkpoint=Checkpoint(factory, digest(network)) if file is None else Checkpoint(str(file.path), file.sha256),
        assumed=assume(recipe, told, "by the inspector's defaults, those of torchvision for Kinetics-400"),
    )
    return ClipAgent(network, numbered(count), recipe, facts)


def _count_classes(network: nn.Module, recipe: ClipRecipe, factory: str) -> int:
    """Number of classes, by running two black clips."""
    shape = 2, *recipe.input_shape
    device = next(network.parameters()).device
    # The user's own network may fail in any way; all of them are said in one line, with the cause attached.
    try:
        with torch.inference_mode():
            output = network(torch.zeros(shape, device=device))
    except Exception as error:
        raise CheckpointError(
            f"{factory} cannot take clips {shape} of colours, frames, rows and columns: {plain_text(error)}; "
            + cure_of(network, "say --window, --resize and --crop (recipe= in Python)")
        ) from error
    found = tuple(output.shape) if isinstance(output, torch.Tensor) else type(output).__name__
    if not isinstance(output, torch.Tensor) or output.ndim != 2 or len(output) != 2 or not output.shape[1]:
        raise CheckpointError(f"{factory} gives {found} for a batch of 2 clips: scores (2, classes) are needed")
    if output.shape[1] == 1:
        raise CheckpointError(
            f"{factory} gives one score a clip, and a class is told from others: give a logit for each of two classes "
            "at least, as of (0, score) for no and yes"
        )
    return int(output.shape[1])
