"""The checkpoints that can play, opened when their turn comes."""

import glob
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, overload

from inspector.agent import Agent
from inspector.console import complain
from inspector.errors import CheckpointError
from inspector.load import list_checkpoints, load_agent, open_series
from inspector.load.bundle import MANIFEST, bundle_folders, choose
from inspector.load.series import CheckpointSeries, Member

_KEPT = 4
"""Agents kept open; going back and forth between a few is quick."""


class Roster(Sequence[Agent]):
    """Agents, ascending by training; each is opened when it is first asked for.

    Args:
        makers: Open one each.
        place: Who plays first.

    Attributes:
        place: Likewise.
    """

    def __init__(self, makers: Sequence[Callable[[], Agent]], place: int) -> None:
        self._makers, self.place = tuple(makers), place
        self._open: OrderedDict[int, Agent] = OrderedDict()

    @classmethod
    def of(cls, source: str, checkpoint: int | str, device: str, options: dict[str, Any]) -> "Roster":
        """The checkpoints that a person means; files that were passed over are told on stderr.

        Args:
            source: What `load_agent` takes, or a folder or glob of checkpoints of one run.
            checkpoint: Who plays first: frames trained, or `first`, `best`, `last`.
            device: Where networks lie.
            options: Other arguments of `load_agent`.

        Raises:
            CheckpointError: If there is no agent or no such checkpoint, or it cannot be opened.
            UsageError: If the files say too little.
        """
        path = bundle_folders().get(source, Path(source))
        if (path / MANIFEST).is_file():
            found = list_checkpoints(path)
            which = [one.frames or 0 for one in found]  # each of a bundle tells its frames, an untrained one 0
            makers = [partial(load_agent, source, checkpoint=one, device=device, **options) for one in which]
            return cls(makers, found.index(choose(found, checkpoint, path.name)))
        if path.is_dir() or (not path.exists() and glob.glob(source)):
            series = open_series(source, **options)
            _tell_what_is_left_out(series)
            checkpoints = tuple(member.checkpoint for member in series.members)
            place = checkpoints.index(choose(checkpoints, checkpoint, series.name))
            return cls([partial(_opened, member, device) for member in series.members], place)
        return cls([partial(load_agent, source, checkpoint=checkpoint, device=device, **options)], 0)

    def __len__(self) -> int:
        """How many there are."""
        return len(self._makers)

    @overload
    def __getitem__(self, place: int) -> Agent: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Agent]: ...
    def __getitem__(self, place: int | slice) -> Agent | Sequence[Agent]:
        """One of them, opened; errors are those of `load_agent`."""
        if isinstance(place, slice):
            return [self[one] for one in range(*place.indices(len(self)))]
        if place not in self._open:
            self._open[place] = self._makers[place]()
        self._open.move_to_end(place)
        while len(self._open) > _KEPT:
            self._open.popitem(last=False)
        return self._open[place]


def _opened(member: Member, device: str) -> Agent:
    """A checkpoint of a series, with the training time that the series has found, as in a file's name.

    Raises:
        CheckpointError: If it cannot be opened, or is not the file any more that was found.
    """
    agent = member.load(device)
    if agent.facts.checkpoint.sha256 != member.checkpoint.sha256:
        raise CheckpointError(f"{member.source} was changed since it was found: begin anew")
    return replace(agent, facts=replace(agent.facts, checkpoint=member.checkpoint))


def _tell_what_is_left_out(series: CheckpointSeries) -> None:
    for path, reason in series.failures:
        complain(f"left out: {reason if path in reason else f'{path}: {reason}'}")
    for note in series.notes:
        complain(f"{series.name}: {note}")
