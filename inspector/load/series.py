"""The checkpoints of one training run, in order: a bundle, or files that a trainer wrote along the way."""

import glob
import itertools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple, Protocol, runtime_checkable

from inspector.agent import Agent
from inspector.errors import CheckpointError, UsageError
from inspector.load.bundle import MANIFEST, WEIGHTS, bundle_folders, no_player
from inspector.load.clip_run import find_clip_run
from inspector.load.naming import ACCEPTED, of_one_kind, trained_by_name
from inspector.load.opening import list_checkpoints, load_agent
from inspector.load.own_run import find_run
from inspector.records import AgentFacts, Checkpoint, Preprocessing

_GLOB = re.compile(r"[*?\[]")


@dataclass(frozen=True, slots=True)
class Member:
    """One checkpoint of a series, and how to open it.

    Attributes:
        source: What `load_agent` takes.
        which: Its argument `checkpoint`.
        checkpoint: The weights; `frames` is always known.
        options: Its other arguments.
    """

    source: str
    which: int | str
    checkpoint: Checkpoint
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def frames(self) -> int:
        """Emulator frames trained."""
        assert self.checkpoint.frames is not None  # `open_series` saw to it
        return self.checkpoint.frames

    def load(self, device: str = "cpu") -> Agent:
        """Open it; errors are those of `load_agent`."""
        return load_agent(self.source, checkpoint=self.which, device=device, **self.options)


@dataclass(frozen=True, slots=True)
class CheckpointSeries:
    """The checkpoints of one training run, ordered by frames.

    Attributes:
        name: What a person calls it.
        members: The checkpoints, at least one.
        failures: Files that could not be opened, and why.
        facts: Of the last checkpoint; `assumed` holds what was assumed of the series too.
        preprocessing: How inputs are made, the same for all.
        action_count: Number of actions, likewise.
        notes: What was left out on purpose, a line each, for a person to know.
    """

    name: str
    members: tuple[Member, ...]
    failures: tuple[tuple[str, str], ...]
    facts: AgentFacts
    preprocessing: Preprocessing
    action_count: int
    notes: tuple[str, ...] = ()

    @property
    def assumed(self) -> tuple[str, ...]:
        """Every choice that neither the files nor the caller made, a line each."""
        return self.facts.assumed

    @property
    def environment(self) -> str:
        """Environment id."""
        assert self.facts.environment is not None  # `open_series` saw to it
        return self.facts.environment


def open_series(source: str | Path, **options: Any) -> CheckpointSeries:
    """Find and open every checkpoint of a training run.

    Args:
        source: Name or folder of a bundle; folder of a run of `agents/train_atari.py`; a folder with checkpoints of
            stable-baselines3, CleanRL or of weights alone; or a glob of such files.
        options: What else `load_agent` takes: `environment`, `architecture`, `output`, `preprocessing`, `factory`.

    Returns:
        The series. A file that cannot be opened is among its failures; the others go on. What lies beside numbered
        checkpoints (`final.zip`, `best_model.zip`) is left out, with a note.

    Raises:
        CheckpointError: If there is no checkpoint, or none that can be opened.
        UsageError: If a file does not tell how long it was trained, or the game is not known, or files do not fit each
            other.
    """
    given = {name: value for name, value in options.items() if value is not None}
    found = _candidates(str(source), given)
    opened: list[_Opened] = []
    failures: list[tuple[str, str]] = []
    for member in found.members:
        try:
            opened.append(_opened(member))
        except CheckpointError as error:
            failures.append((member.checkpoint.path or member.source, str(error)))
    if not opened:
        raise CheckpointError(f"none of the {len(failures)} checkpoints of {source} can be opened: {failures[0][1]}")
    _check_alike(opened)
    opened.sort(key=lambda one: one.member.frames)
    last = opened[-1]
    if last.facts.environment is None:
        raise UsageError(f"{found.name} does not say which game it plays: name it, as in --env ALE/Breakout-v5")
    kept = tuple(_without_copies([one.member for one in opened]))
    notes = (found.note,) if found.note else ()
    return CheckpointSeries(found.name, kept, tuple(failures), last.facts, last.preprocessing, last.action_count, notes)


@runtime_checkable
class Weights(Protocol):
    """A checkpoint, of whatever kind of agent."""

    @property
    def checkpoint(self) -> Checkpoint:
        """Its weights."""


@runtime_checkable
class Run(Protocol):
    """A training run, of whatever kind of agent."""

    @property
    def name(self) -> str:
        """What a person calls it."""

    @property
    def members(self) -> Sequence[Weights]:
        """Its checkpoints."""


def check_different(series: Sequence[Run]) -> None:
    """See that series given as seeds of one setting are not one and the same run.

    Raises:
        UsageError: If all checkpoints of one are among those of another, file by file.
    """
    for one, other in itertools.permutations(series, 2):
        mine, theirs = ({member.checkpoint.sha256 for member in each.members} for each in (one, other))
        if mine <= theirs:
            places = dict.fromkeys(str(Path(each.members[-1].checkpoint.path).parent) for each in (one, other))
            raise UsageError(
                f"all {len(mine)} checkpoints of {one.name} ({' and '.join(places)}) were given twice: "
                "name each run once"
            )


class _Opened(NamedTuple):
    """What is known of a checkpoint once it was opened; its weights are let go, for there may be many."""

    member: Member
    facts: AgentFacts
    preprocessing: Preprocessing
    action_count: int


class _Found(NamedTuple):
    """What may belong to a series, and a note on what was left out."""

    name: str
    members: Iterator[Member]
    note: str | None = None


def _candidates(source: str, options: Mapping[str, Any]) -> _Found:
    """Every checkpoint that is meant, not yet opened."""
    path = bundle_folders().get(source, Path(source))
    if (path / MANIFEST).is_file():
        found = ((one.frames if one.frames is not None else "last", one) for one in list_checkpoints(path))
        return _Found(path.name, (Member(str(path), which, one, options) for which, one in found))
    place = path if path.is_dir() else path.parent
    if find_clip_run(place) is not None:
        raise no_player(source)
    run = find_run(place)
    files, note = of_one_kind(files_of(source, run.checkpoints if run and path.is_dir() else path))
    if not files or not files[0].exists():
        raise CheckpointError(
            f"there are no checkpoints at {source}: name a bundle ({', '.join(bundle_folders())}), a folder with files "
            f"that end in {', '.join(WEIGHTS)}, or a glob of such files"
        )
    known = run.with_options(options) if run else options
    name = (run.folder if run else place).resolve().name
    return _Found(name, (Member(str(file), "last", Checkpoint(str(file), ""), known) for file in files), note)


def files_of(source: str, path: Path) -> list[Path]:
    """Weights in a folder; files of a glob; else the one file."""
    if path.is_dir():
        return [file for file in sorted(path.iterdir()) if file.suffix in WEIGHTS]
    return [Path(file) for file in sorted(glob.glob(source))] if _GLOB.search(source) else [path]


def _opened(member: Member) -> _Opened:
    """The checkpoint with its facts; its frames out of the file, or out of its name."""
    agent = member.load()
    facts = agent.facts
    if facts.checkpoint.frames is None:
        trained = trained_by_name(Path(member.source))
        if trained is None:
            raise UsageError(
                f"{member.source} does not tell how long it was trained: let its name end in the number of agent "
                f"steps or say the unit, as {ACCEPTED}"
            )
        frames = trained.frames(agent.preprocessing.frame_skip)
        unit = "frames" if trained.unit == "frames" else f"agent steps of {agent.preprocessing.frame_skip} frames"
        line = f"training time from the files' names, taken as {unit}"
        facts = replace(facts, checkpoint=replace(facts.checkpoint, frames=frames), assumed=(line, *facts.assumed))
    return _Opened(replace(member, checkpoint=facts.checkpoint), facts, agent.preprocessing, agent.action_count)


def _check_alike(opened: Sequence[_Opened]) -> None:
    """Raise UsageError unless all play the same game by the same network."""
    kinds: dict[str, Callable[[_Opened], object]] = {
        "game": lambda one: one.facts.environment,
        "number of actions": lambda one: one.action_count,
        "network": lambda one: one.facts.architecture,
        "preprocessing": lambda one: one.preprocessing,
    }
    first = opened[0]
    for one in opened[1:]:
        for name, of in kinds.items():
            if of(one) != of(first):
                here, there = one.facts.checkpoint.path, first.facts.checkpoint.path
                raise UsageError(
                    f"{here} has another {name} ({of(one)}) than {there} ({of(first)}): "
                    "checkpoints of one run belong in one series"
                )


def _without_copies(members: Sequence[Member]) -> Iterator[Member]:
    """Members ordered by frames, without the second of two files with the same content.

    Raises:
        UsageError: If two different files claim the same number of frames.
    """
    seen: dict[int, Checkpoint] = {}
    for member in members:
        other = seen.setdefault(member.frames, member.checkpoint)
        if other is member.checkpoint:
            yield member
        elif other.sha256 != member.checkpoint.sha256:
            raise UsageError(
                f"{other.path} and {member.checkpoint.path} both say {member.frames:,} frames and differ: leave one out"
            )
