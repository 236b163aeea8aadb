"""What `inspector show` tells of an agent that watches videos, and `inspector agents` of a bundle of one."""

from collections.abc import Mapping
from pathlib import Path

from inspector.atari.networks import describe_layers
from inspector.load.clip_bundle import ClipBundle
from inspector.load.clip_opening import clip_checkpoints, load_clip_agent
from inspector.load.clip_recipe import plain_recipe
from inspector.records import Checkpoint, ClipCheckpoint


def describe_clips(
    source: str | Path,
    *,
    checkpoint: int | str = "last",
    factory: str | None = None,
    weights: str | Path | None = None,
    classes: str | Path | None = None,
    recipe: Mapping[str, object] | None = None,
) -> dict[str, object]:
    """Tell what an agent that watches videos is, without showing it one.

    Args:
        source: As in `load_clip_agent`, and so are the others.
        checkpoint: Which weights.
        factory: The network of the weights that the source holds.
        weights: A file of weights.
        classes: A file with the names of the classes.
        recipe: Fields of `ClipRecipe`.

    Returns:
        Plain values that JSON can hold: format, architecture, layers, parameters, classes, recipe, input, checkpoint,
        checkpoints, assumed, provenance and more.

    Raises:
        InspectorError: As `load_clip_agent`.
    """
    agent = load_clip_agent(
        source, checkpoint=checkpoint, factory=factory, weights=weights, classes=classes, recipe=recipe
    )
    facts, (low, high) = agent.facts, agent.recipe.bounds()
    series = clip_checkpoints(source) if facts.format in ("bundle", "run") else (facts.checkpoint,)
    return {
        "name": facts.name,
        "format": facts.format,
        "architecture": facts.architecture,
        "layers": describe_layers(agent.network),
        "parameters": sum(parameter.numel() for parameter in agent.network.parameters()),
        "classes": len(agent.class_names),
        "class_names": list(agent.class_names),
        "input": {"shape": list(agent.recipe.input_shape), "bounds": [float(low.min()), float(high.max())]},
        "recipe": plain_recipe(agent.recipe),
        "checkpoint": plain_checkpoint(facts.checkpoint),
        "checkpoints": [plain_checkpoint(one) for one in series],
        "assumed": list(facts.assumed),
        "warnings": [],
        "provenance": dict(facts.provenance),
    }


def plain_bundle(bundle: ClipBundle) -> dict[str, object]:
    """What a bundle says, as values that JSON can hold."""
    return {
        "folder": str(bundle.folder),
        "name": bundle.name,
        "kind": "clips",
        "classes": list(bundle.classes),
        "recipe": plain_recipe(bundle.recipe),
        "provenance": dict(bundle.provenance),
        "checkpoints": [plain_checkpoint(one) for one in bundle.checkpoints],
    }


def plain_checkpoint(checkpoint: Checkpoint) -> dict[str, object]:
    """A checkpoint as values that JSON can hold, by words that fit clips."""
    told: dict[str, object] = {"path": checkpoint.path, "sha256": checkpoint.sha256, "clips": checkpoint.frames}
    if isinstance(checkpoint, ClipCheckpoint):
        interval = None if checkpoint.interval is None else list(checkpoint.interval)
        told |= {"accuracy": checkpoint.accuracy, "interval": interval, "videos": checkpoint.videos}
    return told
