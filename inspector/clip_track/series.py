"""The checkpoints of a training run of a video classifier, in the order of their training."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

from inspector.clips.agent import ClipAgent
from inspector.clips.identity import digest_of
from inspector.clips.recipe import ClipRecipe
from inspector.errors import CheckpointError, UsageError
from inspector.load.bundle import WEIGHTS
from inspector.load.clip_opening import clip_checkpoints, load_clip_agent
from inspector.load.naming import counted_by_name, of_one_kind
from inspector.load.series import files_of
from inspector.records import AgentFacts, Checkpoint

ACCEPTED = "epoch_20, ep20, step_1000, 1000_steps, iter_500, or the number alone (steps)"
"""What names of files may say."""


@dataclass(frozen=True, slots=True)
class ClipMember:
    """One checkpoint of a series, and how to open it.

    Attributes:
        source: What `load_clip_agent` takes.
        which: Its argument `checkpoint`.
        checkpoint: The weights; `frames` counts the clips trained, or what else the series counts, and is always known.
        options: Other arguments of `load_clip_agent`.
        digest: Of all that its results depend on, as `digest_of` gives it; empty until it was opened.
    """

    source: str
    which: int | str
    checkpoint: Checkpoint
    options: Mapping[str, Any] = field(default_factory=dict)
    digest: str = ""

    @property
    def frames(self) -> int:
        """How long it was trained."""
        assert self.checkpoint.frames is not None  # `open_clip_series` saw to it
        return self.checkpoint.frames

    def load(self, device: str = "cpu") -> ClipAgent:
        """Open it; errors are those of `load_clip_agent`."""
        return load_clip_agent(self.source, checkpoint=self.which, device=device, **self.options)


@dataclass(frozen=True, slots=True)
class ClipSeries:
    """The checkpoints of one training run of a video classifier.

    Attributes:
        name: What a person calls it.
        members: The checkpoints, ordered by training, at least one.
        failures: Files that could not be opened, and why.
        facts: Of the last checkpoint.
        recipe: How clips are made, the same for all.
        class_names: Of every class, likewise.
        unit: What training is counted in: `clips`, or what the files' names say.
        notes: What a person has to know, a line each.
    """

    name: str
    members: tuple[ClipMember, ...]
    failures: tuple[tuple[str, str], ...]
    facts: AgentFacts
    recipe: ClipRecipe
    class_names: tuple[str, ...]
    unit: str = "clips"
    notes: tuple[str, ...] = ()


class _Found(NamedTuple):
    """What may belong to a series, not yet opened."""

    name: str | None
    members: Sequence[ClipMember]
    unit: str
    notes: tuple[str, ...] = ()
    assumed: tuple[str, ...] = ()


class _Opened(NamedTuple):
    """What is known of a checkpoint once it was opened; its weights are let go, for there may be many."""

    member: ClipMember
    facts: AgentFacts
    recipe: ClipRecipe
    class_names: tuple[str, ...]


def open_clip_series(
    source: str | Path,
    *,
    factory: str | None = None,
    classes: str | Path | None = None,
    recipe: Mapping[str, object] | None = None,
) -> ClipSeries:
    """Open every checkpoint of a training run.

    Args:
        source: Name or folder of a bundle that watches videos; folder of a run of `agents/train_clips.py`; with
            `factory`, a folder of weights or a glob of such files, whose names tell how long each was trained.
        factory: `module:function` or `torchvision:NAME`: the network that the weights belong to.
        classes: A file with the names of the classes; None takes those of the source.
        recipe: Fields of `ClipRecipe` that are to be otherwise, as in `load_clip_agent`.

    Returns:
        The series. A file that cannot be opened is among its failures; the others go on. What lies beside numbered
        checkpoints (`best.pt`) is left out, with a note.

    Raises:
        CheckpointError: If there is none, or none can be opened.
        UsageError: If the source is no series, files do not tell how long they were trained, or do not fit each other.
    """
    options = {name: value for name, value in (("classes", classes), ("recipe", recipe)) if value}
    found = _of_files(str(source), factory, options) if factory else _of_source(str(source), options)
    opened: list[_Opened] = []
    failures: list[tuple[str, str]] = []
    for member in found.members:
        try:
            opened.append(_opened(member))
        except CheckpointError as error:
            failures.append((member.checkpoint.path, str(error)))
    if not opened:
        raise CheckpointError(f"none of the {len(failures)} checkpoints of {source} can be opened: {failures[0][1]}")
    _check_alike(opened, found.unit)
    last, members = opened[-1], tuple(one.member for one in opened)
    name = found.name or last.facts.name
    facts = replace(last.facts, name=name, assumed=(*found.assumed, *last.facts.assumed))
    return ClipSeries(name, members, tuple(failures), facts, last.recipe, last.class_names, found.unit, found.notes)


def _of_source(source: str, options: Mapping[str, Any]) -> _Found:
    """Checkpoints that their own files tell of."""
    members = [ClipMember(source, one.frames or 0, one, options) for one in clip_checkpoints(source)]
    return _Found(None, members, "clips")


def _of_files(source: str, factory: str, options: Mapping[str, Any]) -> _Found:
    """Weights in files, ordered by what their names say."""
    path = Path(source)
    files, note = of_one_kind(files_of(source, path))
    if not files or not files[0].exists():
        raise CheckpointError(
            f"there are no checkpoints at {source}: name a folder with files that end in "
            f"{', '.join(one for one in WEIGHTS if one.startswith(('.p', '.s')))}, or a glob of such files"
        )
    counted = sorted(_counted(files), key=lambda one: one[0])
    units = list(dict.fromkeys(unit for _, unit, _ in counted))
    if len(units) > 1:
        raise UsageError(f"names of files at {source} count {' and '.join(units)}: name those of one kind, by a glob")
    more = {**options, "factory": factory}
    members = [ClipMember(str(file), "last", Checkpoint(str(file), "", number), more) for number, _, file in counted]
    name = (path if path.is_dir() else path.parent).resolve().name
    notes = (note,) if note else ()
    return _Found(name, members, units[0], notes, (f"training time from the files' names, taken as {units[0]}",))


def _counted(files: Sequence[Path]) -> Iterator[tuple[int, str, Path]]:
    for file in files:
        found = counted_by_name(file)
        if found is None:
            raise UsageError(
                f"{file} does not tell how long it was trained: let its name say so, as {ACCEPTED}, or name the others "
                "by a glob"
            )
        yield *found, file


def _opened(member: ClipMember) -> _Opened:
    """The checkpoint with its digest, and what is known of its agent."""
    agent = member.load()
    checkpoint = replace(agent.facts.checkpoint, frames=member.frames)
    known = replace(member, checkpoint=checkpoint, digest=digest_of(agent))
    return _Opened(known, agent.facts, agent.recipe, agent.class_names)


def _check_alike(opened: Sequence[_Opened], unit: str) -> None:
    """Raise UsageError unless all are the same network with the same classes, with weights of their own."""
    weights: dict[str, ClipMember] = {}
    trained: dict[int, ClipMember] = {}
    first = opened[0]
    for member, facts, _, class_names in opened:
        if facts.architecture != first.facts.architecture:
            raise UsageError(
                f"{member.checkpoint.path} is another network ({facts.architecture}) than "
                f"{first.member.checkpoint.path} ({first.facts.architecture}): a series is of one network"
            )
        if class_names != first.class_names:
            raise UsageError(
                f"{member.checkpoint.path} has {len(class_names)} classes, {first.member.checkpoint.path} has "
                f"{len(first.class_names)}: a series is of one network"
            )
        other = weights.setdefault(member.checkpoint.sha256, member)
        if other is not member:
            raise UsageError(
                f"{other.checkpoint.path} and {member.checkpoint.path} are the same file, and yet of {other.frames:,} "
                f"and {member.frames:,} {unit}: leave one out"
            )
        other = trained.setdefault(member.frames, member)
        if other is not member:
            raise UsageError(
                f"{other.checkpoint.path} and {member.checkpoint.path} both say {member.frames:,} {unit} and differ: "
                "leave one out"
            )
