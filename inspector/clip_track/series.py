"""The checkpoints of a training run of a video classifier, in the order of the clips that they were trained on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from inspector.clips.agent import ClipAgent
from inspector.clips.recipe import ClipRecipe
from inspector.errors import CheckpointError, UsageError
from inspector.load.clip_opening import clip_checkpoints, load_clip_agent
from inspector.records import AgentFacts, Checkpoint


@dataclass(frozen=True, slots=True)
class ClipMember:
    """One checkpoint of a series, and how to open it.

    Attributes:
        source: What `load_clip_agent` takes.
        checkpoint: The weights; `frames` counts the clips trained, and is always known.
        options: Other arguments of `load_clip_agent`.
    """

    source: str
    checkpoint: Checkpoint
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def frames(self) -> int:
        """Clips trained."""
        assert self.checkpoint.frames is not None  # `clip_checkpoints` orders by them
        return self.checkpoint.frames

    def load(self, device: str = "cpu") -> ClipAgent:
        """Open it; errors are those of `load_clip_agent`."""
        return load_clip_agent(self.source, checkpoint=self.frames, device=device, **self.options)


@dataclass(frozen=True, slots=True)
class ClipSeries:
    """The checkpoints of one training run of a video classifier.

    Attributes:
        name: What a person calls it.
        members: The checkpoints, ordered by clips trained, at least one.
        failures: Files that could not be opened, and why.
        facts: Of the last checkpoint.
        recipe: How clips are made, the same for all.
        class_names: Of every class, likewise.
        notes: What a person has to know, a line each.
    """

    name: str
    members: tuple[ClipMember, ...]
    failures: tuple[tuple[str, str], ...]
    facts: AgentFacts
    recipe: ClipRecipe
    class_names: tuple[str, ...]
    notes: tuple[str, ...] = ()


def open_clip_series(source: str | Path, *, classes: Path | None = None) -> ClipSeries:
    """Open every checkpoint of a training run.

    Args:
        source: Name or folder of a bundle that watches videos; folder of a run of `agents/train_clips.py`.
        classes: A file with the names of the classes; None takes those of the source.

    Returns:
        The series. A file that cannot be opened is among its failures; the others go on.

    Raises:
        CheckpointError: If none can be opened.
        UsageError: If the source is no series.
    """
    options = {"classes": classes} if classes else {}
    opened: list[tuple[ClipMember, ClipAgent]] = []
    failures: list[tuple[str, str]] = []
    for checkpoint in clip_checkpoints(source):
        member = ClipMember(str(source), checkpoint, options)
        try:
            opened.append((member, member.load()))
        except CheckpointError as error:
            failures.append((checkpoint.path, str(error)))
    if not opened:
        raise CheckpointError(f"none of the {len(failures)} checkpoints of {source} can be opened: {failures[0][1]}")
    _check_alike(opened)
    last = opened[-1][1]
    members = tuple(member for member, _ in opened)
    return ClipSeries(last.facts.name, members, tuple(failures), last.facts, last.recipe, last.class_names)


def _check_alike(opened: Sequence[tuple[ClipMember, ClipAgent]]) -> None:
    """Raise UsageError unless all are the same network with the same classes, with weights of their own."""
    seen: dict[str, ClipMember] = {}
    for member, agent in opened:
        if agent.facts.architecture != opened[0][1].facts.architecture:
            raise UsageError(
                f"{member.checkpoint.path} is another network ({agent.facts.architecture}) than "
                f"{opened[0][0].checkpoint.path} ({opened[0][1].facts.architecture}): a series is of one network"
            )
        other = seen.setdefault(member.checkpoint.sha256, member)
        if other is not member:
            raise UsageError(
                f"{other.checkpoint.path} and {member.checkpoint.path} are the same file, and yet of {other.frames:,} "
                f"and {member.frames:,} clips: leave one out"
            )
