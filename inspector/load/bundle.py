"""Agent bundles: a folder with `agent.toml`, which says everything, and safetensors weights, each with its digest."""

import math
import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import cast

from inspector.errors import CheckpointError
from inspector.load.draft import Draft, Output, Request
from inspector.load.parts import Layers, Parts, assemble
from inspector.load.recipe import Recipe, checked
from inspector.load.safe import StoredFile, guarded, plain_text, read_file
from inspector.load.weights import read_safetensors
from inspector.records import Checkpoint

PACKAGE = Path(__file__).parents[1]
"""The folder of the package `inspector`."""

MANIFEST = "agent.toml"

MAX_MANIFEST = 2**20
"""Bytes of an `agent.toml`."""


NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"
"""What a bundle may be called: recordings are put into folders of that name."""

WEIGHTS = (".zip", ".cleanrl_model", ".pt", ".pth", ".safetensors")
"""Endings of files that hold an agent."""


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
    """Read the `agent.toml` of a bundle.

    Raises:
        CheckpointError: If there is none, or something in it is missing or makes no sense.
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise CheckpointError(f"{folder} is no bundle: it has no {MANIFEST}; {_what_to_name(folder)}")
    file = read_file(path, MAX_MANIFEST)
    with guarded(str(path)):
        document = tomllib.loads(file.content.decode("utf-8"))
    agent = Table.of(document, "agent", path)
    tables = document.get("checkpoint")
    if not isinstance(tables, list) or not tables:
        raise CheckpointError(f"{path} lists no [[checkpoint]]")
    rows = [Table(row if isinstance(row, dict) else {}, f"[[checkpoint]] in {path}") for row in tables]
    name, output = agent.text("name"), agent.text("output")
    if not re.fullmatch(NAME, name):
        raise CheckpointError(f"{path}: name = {name[:80]!r}, where letters, digits and later . _ - are possible")
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


def _what_to_name(folder: Path) -> str:
    """Advice for a folder that is no bundle: people keep the checkpoints of a run in one."""
    files = sorted(path.name for path in folder.glob("*") if path.suffix in WEIGHTS)
    if not files:
        return "name a file of weights, or the folder of a bundle"
    return f"name one of its {len(files)} files of weights, as {folder / plain_text(files[-1], 80)}"


def choose(checkpoints: tuple[Checkpoint, ...], wanted: int | str, name: str) -> Checkpoint:
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
    _check_digest(file, checkpoint)
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


def _check_digest(file: StoredFile, checkpoint: Checkpoint) -> None:
    if file.sha256 != checkpoint.sha256:
        raise CheckpointError(
            f"{file.path} has sha256 {file.sha256[:12]}..., but {MANIFEST} says {checkpoint.sha256[:12]}...: "
            "it was changed or damaged; fetch the bundle again"
        )


def _checkpoint(row: "Table", folder: Path) -> Checkpoint:
    name = row.text("file")
    path = PurePosixPath(name)
    outside = path.is_absolute() or ".." in path.parts or "\\" in name or ":" in name
    if outside or not (folder / name).resolve().is_relative_to(folder.resolve()):
        raise CheckpointError(f"{row.what}: file {plain_text(name, 80)!r} lies outside of the bundle")
    digest = row.text("sha256").lower()
    if not re.fullmatch(r"[0-9a-f]{64}", digest):
        raise CheckpointError(f"{row.what}: sha256 {plain_text(digest, 80)!r} is no digest of 64 hexadecimal digits")
    mean = row.real("mean_return") if "mean_return" in row.values else None
    games = row.whole("games") if "games" in row.values else None
    return Checkpoint(str(folder / name), digest, row.whole("frames"), mean, games)


@dataclass(frozen=True, slots=True)
class Table:
    """A table of an `agent.toml`, read with checks.

    Attributes:
        values: As parsed.
        what: Its name, for error messages.
    """

    values: dict[str, object]
    what: str

    @classmethod
    def of(cls, document: dict[str, object], name: str, path: Path, optional: bool = False) -> "Table":
        """The table of that name.

        Raises:
            CheckpointError: If it is missing, unless `optional`, or is no table.
        """
        found = document.get(name, {} if optional else None)
        if not isinstance(found, dict):
            raise CheckpointError(f"{path} has no table [{name}]")
        return cls(found, f"[{name}] in {path}")

    def text(self, key: str) -> str:
        """A text that must be there and not be empty."""
        value = self.values.get(key)
        if not isinstance(value, str) or not value or plain_text(value, len(value)) != value:
            raise CheckpointError(f"{self.what}: {key} must be a text")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts that must be there."""
        value = self.values.get(key)
        if (
            not isinstance(value, list)
            or not value
            or not all(isinstance(one, str) and one.isprintable() for one in value)
        ):
            raise CheckpointError(f"{self.what}: {key} must be a list of texts")
        return tuple(value)

    def whole(self, key: str) -> int:
        """A whole number, at least 0, that must be there."""
        value = self.values.get(key)
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 10**15:
            raise CheckpointError(f"{self.what}: {key} must be a whole number")
        return value

    def real(self, key: str) -> float:
        """A finite number that must be there."""
        return _finite(self.values.get(key), f"{self.what}: {key}")

    def interval(self) -> tuple[float, float]:
        """The two ends of `interval`."""
        value = self.values.get("interval")
        if not isinstance(value, list) or len(value) != 2:
            raise CheckpointError(f"{self.what}: interval must be a list of two numbers")
        return _finite(value[0], self.what), _finite(value[1], self.what)


def _finite(value: object, what: str) -> float:
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not math.isfinite(value):
        raise CheckpointError(f"{what} must be a finite number")
    return float(value)
