"""Agent bundles: a folder with `agent.toml`, which says everything, and safetensors weights, each with its digest."""

import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TypeVar, cast

from inspector.errors import CheckpointError, UsageError
from inspector.load.draft import Draft, Output, Request
from inspector.load.parts import Layers, Parts, assemble
from inspector.load.recipe import Recipe, checked
from inspector.load.safe import StoredFile, guarded, plain_text, read_file
from inspector.load.table import Table
from inspector.load.weights import read_safetensors
from inspector.records import Checkpoint

PACKAGE = Path(__file__).parents[1]
"""The folder of the package `inspector`."""

MANIFEST = "agent.toml"

MAX_MANIFEST = 2**20
"""Bytes of an `agent.toml`."""


WEIGHTS = (".zip", ".cleanrl_model", ".pt", ".pth", ".safetensors")
"""Endings of files that hold an agent."""

AnyCheckpoint = TypeVar("AnyCheckpoint", bound=Checkpoint)


@dataclass(frozen=True, slots=True)
class Bundle:
    """What an `agent.toml` says.

    Attributes:
        folder: Where it lies.
        name: The agent's name.
        environment: Environment id.
        algorithm: As `ppo`.
        output: `logits` or `q_values`.
        actions: Names of the actions, in the order of the scores.
        network: The table of that name: architecture, hidden, critic.
        preprocessing: Fields of `Preprocessing`.
        provenance: Facts of the maker.
        checkpoints: Ordered by frames.
        intervals: Interval of the mean return, by the checkpoint's frames.
    """

    folder: Path
    name: str
    environment: str
    algorithm: str
    output: Output
    actions: tuple[str, ...]
    network: dict[str, object]
    preprocessing: dict[str, object]
    provenance: dict[str, str]
    checkpoints: tuple[Checkpoint, ...]
    intervals: dict[int, tuple[float, float]] = field(default_factory=dict)


def bundle_folders() -> dict[str, Path]:
    """Folders of the bundles that come with the inspector, by name: in a checkout, or in the installed package."""
    homes = [home for home in (PACKAGE / "bundles", PACKAGE.parent / "agents") if home.is_dir()]
    return {manifest.parent.name: manifest.parent for home in homes for manifest in sorted(home.glob(f"*/{MANIFEST}"))}


def read_manifest(folder: Path) -> Bundle:
    """Read the `agent.toml` of a bundle that plays.

    Raises:
        CheckpointError: If there is none, or something in it is missing or makes no sense.
        UsageError: If it watches videos.
    """
    path, document = folder / MANIFEST, parse_manifest(folder)
    if watches(document, path):
        raise no_player(folder.name if folder in bundle_folders().values() else str(folder))
    agent, rows = Table.of(document, "agent", path), checkpoint_rows(document, path)
    name, output = agent.name(path), agent.text("output")
    if output not in ("logits", "q_values"):
        raise CheckpointError(f"{path}: output = {output!r}, where logits or q_values is possible")
    preprocessing = Table.of(document, "preprocessing", path, optional=True).values
    provenance = Table.of(document, "provenance", path, optional=True).values
    checkpoints = tuple(sorted((_checkpoint(row, folder) for row in rows), key=lambda one: one.frames or 0))
    if len({one.frames for one in checkpoints}) < len(checkpoints):
        raise CheckpointError(f"{path} lists two checkpoints of the same frames")
    return Bundle(
        folder=folder,
        name=name,
        environment=agent.text("environment"),
        algorithm=agent.text("algorithm"),
        output=cast(Output, output),
        actions=agent.texts("actions"),
        network=Table.of(document, "network", path).values,
        preprocessing=checked(preprocessing, f"[preprocessing] in {path}", CheckpointError),
        provenance={plain_text(key, 60): plain_text(value) for key, value in provenance.items()},
        checkpoints=checkpoints,
        intervals={row.whole("frames"): row.interval() for row in rows if "interval" in row.values},
    )


def parse_manifest(folder: Path) -> dict[str, object]:
    """The tables of the `agent.toml` in a folder.

    Raises:
        CheckpointError: If there is none, or it is no TOML.
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise CheckpointError(f"{folder} is no bundle: it has no {MANIFEST}; {_what_to_name(folder)}")
    file = read_file(path, MAX_MANIFEST)
    with guarded(str(path)):
        return tomllib.loads(file.content.decode("utf-8"))


def watches(document: dict[str, object], path: Path) -> bool:
    """Whether an `agent.toml` is of an agent that watches videos.

    Raises:
        CheckpointError: If it is of a kind that is not known.
    """
    agent = document.get("agent")
    kind = agent.get("kind") if isinstance(agent, dict) else None
    if kind not in (None, "clips"):
        raise CheckpointError(f"{path}: kind = {plain_text(kind, 40)!r}, where clips is possible, or none for games")
    return kind == "clips"


def no_player(name: str) -> UsageError:
    """What to say where an agent that plays is needed."""
    return UsageError(f"{name} watches videos, it plays no game: show it one with inspector record {name} --video FILE")


def checkpoint_rows(document: dict[str, object], path: Path) -> list[Table]:
    """The checkpoints that an `agent.toml` lists.

    Raises:
        CheckpointError: If there is none.
    """
    tables = document.get("checkpoint")
    if not isinstance(tables, list) or not tables:
        raise CheckpointError(f"{path} lists no [[checkpoint]]")
    return [Table(row if isinstance(row, dict) else {}, f"[[checkpoint]] in {path}") for row in tables]


def _what_to_name(folder: Path) -> str:
    """Advice for a folder that is no bundle: people keep the checkpoints of a run in one."""
    files = sorted(path.name for path in folder.glob("*") if path.suffix in WEIGHTS)
    if not files:
        return "name a file of weights, or the folder of a bundle"
    return f"name one of its {len(files)} files of weights, as {folder / plain_text(files[-1], 80)}"


def choose(checkpoints: tuple[AnyCheckpoint, ...], wanted: int | str, name: str) -> AnyCheckpoint:
    """Pick a checkpoint: `first`, `last`, `best` (highest mean return), or that of so many frames.

    Raises:
        CheckpointError: If there is none such; the message lists what there is.
    """
    frames = [one.frames for one in checkpoints if one.frames is not None]
    there = f"there are first, best, last and {', '.join(map(str, frames)) or 'none with known frames'}"
    if wanted == "first":
        return checkpoints[0]
    if wanted == "last":
        return checkpoints[-1]
    if wanted == "best":
        rated = [one for one in checkpoints if one.mean_return is not None]
        if not rated:
            raise CheckpointError(f"{name} has no mean returns to choose the best checkpoint by: {there}")
        return max(rated, key=lambda one: cast(float, one.mean_return))
    number = int(wanted) if isinstance(wanted, int) or re.fullmatch(r"[0-9]{1,15}", wanted) else None
    for one in checkpoints:
        if number is not None and one.frames == number:
            return one
    raise CheckpointError(f"{name} has no checkpoint {plain_text(wanted, 40)!r}: {there}")


def read_bundle(bundle: Bundle, checkpoint: Checkpoint, request: Request) -> Draft:
    """Rebuild the agent of one checkpoint of a bundle.

    Raises:
        CheckpointError: If the weights are not those of the digest, or do not fit what `agent.toml` says.
        UsageError: If the user contradicts the weights.
    """
    file = read_file(Path(checkpoint.path))
    check_digest(file, checkpoint)
    what = checkpoint.path
    output = request.settle_output(bundle.output, what)
    recipe = Recipe({}, "by the inspector's defaults", request.preprocessing)
    recipe.state(bundle.preprocessing, f"{bundle.name}'s {MANIFEST}")
    network, line, actions = assemble(
        own_parts(Layers(read_safetensors(file.content, what), what)), recipe, request, what
    )
    if actions != len(bundle.actions):
        raise CheckpointError(f"{what} has {actions} actions, but {MANIFEST} names {len(bundle.actions)}: correct it")
    said, critic = bundle.network.get("architecture"), bundle.network.get("critic", network.value is not None)
    if said not in (None, line.partition(":")[0]) or critic != (network.value is not None):
        raise CheckpointError(
            f"{what} is {line}, but {MANIFEST} says architecture {said!r}, critic {critic}: correct it"
        )
    draft = Draft("bundle", network, actions, output, recipe, line, bundle.algorithm, bundle.environment)
    draft.provenance = {**bundle.provenance, "actions": " ".join(bundle.actions)}
    return draft


def own_parts(layers: Layers) -> Parts:
    """Our own names: conv1, conv2, perhaps conv3, fc, policy, and value where there is a critic."""
    convolutions, dense = layers.take_all("conv"), [layers.take("fc")]
    policy = [layers.take("policy")]
    value = [layers.take("value")] if "value" in layers.names else []
    layers.finish()
    return Parts(convolutions, dense, policy, value)


def check_digest(file: StoredFile, checkpoint: Checkpoint) -> None:
    """See that weights are those that `agent.toml` means.

    Raises:
        CheckpointError: If they are not.
    """
    if file.sha256 != checkpoint.sha256:
        raise CheckpointError(
            f"{file.path} has sha256 {file.sha256[:12]}..., but {MANIFEST} says {checkpoint.sha256[:12]}...: "
            "it was changed or damaged; fetch the bundle again"
        )


def _checkpoint(row: Table, folder: Path) -> Checkpoint:
    path, digest = weights_of(row, folder)
    mean = row.real("mean_return") if "mean_return" in row.values else None
    games = row.whole("games") if "games" in row.values else None
    return Checkpoint(path, digest, row.whole("frames"), mean, games)


def weights_of(row: Table, folder: Path) -> tuple[str, str]:
    """Path and digest of a checkpoint's file.

    Raises:
        CheckpointError: If the file would lie outside of the bundle, or the digest is none.
    """
    name = row.text("file")
    path = PurePosixPath(name)
    outside = path.is_absolute() or ".." in path.parts or "\\" in name or ":" in name
    if outside or not (folder / name).resolve().is_relative_to(folder.resolve()):
        raise CheckpointError(f"{row.what}: file {plain_text(name, 80)!r} lies outside of the bundle")
    digest = row.text("sha256").lower()
    if not re.fullmatch(r"[0-9a-f]{64}", digest):
        raise CheckpointError(f"{row.what}: sha256 {plain_text(digest, 80)!r} is no digest of 64 hexadecimal digits")
    return str(folder / name), digest
