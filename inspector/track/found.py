"""What was found of training runs, of whatever kind: what curves, film, report and summary are made from."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar, runtime_checkable

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from inspector.records import AgentFacts, Checkpoint
from inspector.sweep import Failure
from inspector.track.result import Curve
from inspector.track.terms import Terms
from inspector.track.work import Explaining


@runtime_checkable
class Probe(Protocol):
    """The states that every checkpoint is explained on."""

    @property
    def groups(self) -> NDArray[np.int64]:
        """Number of each state's episode."""

    def __len__(self) -> int:
        """How many there are."""


@runtime_checkable
class Choices(Protocol):
    """What was chosen."""

    @property
    def explanations(self) -> tuple[Explaining, ...]:
        """What explains, the main one first."""


@runtime_checkable
class Trained(Protocol):
    """A checkpoint of a training run."""

    @property
    def checkpoint(self) -> Checkpoint:
        """The weights."""

    @property
    def frames(self) -> int:
        """How long it was trained."""


@runtime_checkable
class TrainingRun(Protocol):
    """The checkpoints of a training run, before anything was found of them."""

    @property
    def name(self) -> str:
        """What a person calls it."""

    @property
    def facts(self) -> AgentFacts:
        """Of its last checkpoint."""

    @property
    def failures(self) -> tuple[tuple[str, str], ...]:
        """Files that could not be opened, and why."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What was left out on purpose, a line each."""


Run = TypeVar("Run", bound=TrainingRun, covariant=True)


@dataclass(frozen=True, slots=True, eq=False)
class Series(Generic[Run]):
    """What was found of one training run.

    Attributes:
        source: The run.
        members: Its checkpoints of which there are results, ascending.
        curves: Attention on the same states, one an explanation, the main one first.
        returns: Of each checkpoint the returns of the games that it played, or what else says how well it does.
        ends: Lower and upper end of the 95 % interval of their means, (checkpoints, 2); None where the single numbers
            are to be seen instead.
        stacked: Attention by stacked frame, as `curves`; nothing where it is told by region alone.
        remarks: What else is to be said of it, a line each.
    """

    source: Run
    members: Sequence[Trained]
    curves: tuple[Curve, ...]
    returns: tuple[NDArray[np.float64], ...]
    ends: NDArray[np.float64] | None = None
    stacked: tuple[Curve, ...] = ()
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Found(ABC):
    """Attention over some training runs of one setting.

    Attributes:
        folder: Where it lies.
        probe: What every checkpoint was explained on.
        series: What was found, one a training run.
        failures: What could not be opened, read or done, by name.
        settings: What was chosen.
        attention: Rows of `attention.parquet`.
        games: Rows of `games.parquet`; none where nothing is played.
    """

    folder: Path
    probe: Probe
    series: tuple[Series[Any], ...]
    failures: tuple[Failure, ...]
    settings: Choices
    attention: pa.Table
    games: pa.Table

    @property
    @abstractmethod
    def terms(self) -> Terms:
        """What it is about."""

    @property
    @abstractmethod
    def stack(self) -> int:
        """Frames in a network input."""

    @property
    def explanations(self) -> tuple[Explaining, ...]:
        """What explained, the main one first."""
        return self.settings.explanations

    @property
    def state_count(self) -> int:
        """How many states every checkpoint was explained on."""
        return len(self.probe)

    @property
    def group_count(self) -> int:
        """How many episodes they are of."""
        return int(np.unique(self.probe.groups).size)
