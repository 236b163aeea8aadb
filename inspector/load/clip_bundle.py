"""Bundles of agents that watch videos: what their `agent.toml` says, and the agent of one of their checkpoints."""

from dataclasses import dataclass
from pathlib import Path
from typing import cast

from inspector.clips import networks
from inspector.clips.agent import ClipAgent
from inspector.clips.recipe import ClipRecipe
from inspector.errors import CheckpointError
from inspector.load.bundle import MANIFEST, check_digest, checkpoint_rows, choose, parse_manifest, watches, weights_of
from inspector.load.class_names import check_names
from inspector.load.clip_recipe import read_recipe
from inspector.load.safe import plain_text, read_file
from inspector.load.table import Table
from inspector.load.weights import read_safetensors
from inspector.records import AgentFacts, ClipCheckpoint


@dataclass(frozen=True, slots=True)
class ClipBundle:
    """What an `agent.toml` of an agent that watches videos says.

    Attributes:
        folder: Where it lies.
        name: The agent's name.
        classes: Their names, in the order of the scores.
        recipe: How clips are made.
        provenance: Facts of the maker.
        checkpoints: Ordered by the clips that they were trained on.
        format: `bundle`, or `run`.
        assumed: What nobody says, a line each.
    """

    folder: Path
    name: str
    classes: tuple[str, ...]
    recipe: ClipRecipe
    provenance: dict[str, str]
    checkpoints: tuple[ClipCheckpoint, ...]
    format: str = "bundle"
    assumed: tuple[str, ...] = ()


def read_clip_manifest(folder: Path) -> ClipBundle:
    """Read the `agent.toml` of a bundle that watches videos.

    Raises:
        CheckpointError: If there is none, or something in it is missing or makes no sense.
    """
    path, document = folder / MANIFEST, parse_manifest(folder)
    agent, network = Table.of(document, "agent", path), Table.of(document, "network", path)
    if not watches(document, path):
        raise CheckpointError(f'{path} is of an agent that plays: its [agent] does not say kind = "clips"')
    said = network.text("architecture")
    if said != networks.ARCHITECTURE:
        raise CheckpointError(f"{path}: architecture = {said[:80]!r}, where {networks.ARCHITECTURE} is possible")
    recipe, rows = Table.of(document, "recipe", path), checkpoint_rows(document, path)
    checkpoints = tuple(sorted((_checkpoint(row, folder) for row in rows), key=lambda one: one.frames or 0))
    if len({one.frames for one in checkpoints}) < len(checkpoints):
        raise CheckpointError(f"{path} lists two checkpoints of the same clips")
    provenance = Table.of(document, "provenance", path, optional=True).values
    return ClipBundle(
        folder=folder,
        name=agent.name(path),
        classes=check_names(agent.texts("classes"), agent.what),
        recipe=read_recipe(recipe.values, recipe.what),
        provenance={plain_text(key, 60): plain_text(value) for key, value in provenance.items()},
        checkpoints=checkpoints,
    )


def choose_clips(checkpoints: tuple[ClipCheckpoint, ...], wanted: int | str, name: str) -> ClipCheckpoint:
    """Pick a checkpoint: `first`, `last`, `best` (highest accuracy), or that of so many clips.

    Raises:
        CheckpointError: If there is none such; the message lists what there is.
    """
    if wanted != "best":
        return choose(checkpoints, wanted, name)
    rated = [one for one in checkpoints if one.accuracy is not None]
    if not rated:
        raise CheckpointError(f"{name} has no accuracies to choose the best checkpoint by: give clips, first or last")
    return max(rated, key=lambda one: cast(float, one.accuracy))


def read_clip_bundle(bundle: ClipBundle, checkpoint: ClipCheckpoint) -> ClipAgent:
    """Rebuild the agent of one checkpoint of a bundle.

    Raises:
        CheckpointError: If the weights are not those of the digest, or do not fit what `agent.toml` says.
    """
    file = read_file(Path(checkpoint.path))
    check_digest(file, checkpoint)
    what = checkpoint.path
    network = networks.rebuild(read_safetensors(file.content, what), what)
    count = network.fc.out_features
    if count != len(bundle.classes):
        raise CheckpointError(f"{what} has {count} classes, but {MANIFEST} names {len(bundle.classes)}: correct it")
    facts = AgentFacts(
        name=bundle.name,
        format=bundle.format,
        architecture=networks.describe(network),
        checkpoint=checkpoint,
        assumed=bundle.assumed,
        provenance=dict(bundle.provenance),
    )
    return ClipAgent(network, bundle.classes, bundle.recipe, facts)


def _checkpoint(row: Table, folder: Path) -> ClipCheckpoint:
    path, digest = weights_of(row, folder)
    accuracy = row.real("accuracy") if "accuracy" in row.values else None
    if accuracy is not None and not 0 <= accuracy <= 1:
        raise CheckpointError(f"{row.what}: accuracy must be a share from 0 to 1, it is {accuracy:g}")
    interval = row.interval() if "interval" in row.values else None
    videos = row.whole("videos") if "videos" in row.values else None
    return ClipCheckpoint(path, digest, row.whole("clips"), accuracy=accuracy, interval=interval, videos=videos)
