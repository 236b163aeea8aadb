"""The states that all checkpoints are explained on: out of the play of several of them."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from inspector.atari.objects.choice import find_for
from inspector.errors import InspectorError
from inspector.load import CheckpointSeries
from inspector.probe import EPISODES, ProbeSet, State, stratified, without_repeats
from inspector.probe_file import states_of
from inspector.provenance import versions
from inspector.sweep import Unit
from inspector.track.doing import Work
from inspector.track.plan import Settings, collecting

_NOTHING = np.empty(0, np.uint8)


def make_probe(series: Sequence[CheckpointSeries], settings: Settings, work: Work) -> ProbeSet:
    """States out of the play of several checkpoints, evenly from every phase of the game."""
    first, units = series[0], collecting(series, settings)
    names = find_for(first.environment, settings.regions).names
    work.do("states", units)
    played = without_repeats(_candidates(units, names, work))
    known = [replace(state, observation=_NOTHING, screen=_NOTHING) for state in played]
    if not known:
        raise InspectorError(f"no checkpoint could play for a probe set: {work.reason(units)}")
    places = {_place(state) for state in stratified(known, settings.probe_states, settings.seed)}
    chosen = [_alone(state) for state in _candidates(units, names, work) if _place(state) in places]
    facts = {"seed": settings.seed, "sources": [unit.name for unit in units], "versions": versions()}
    if settings.regions:
        facts["regions"] = settings.regions.read_text("utf-8")
    return ProbeSet(first.environment, first.preprocessing, names, tuple(sorted(chosen, key=_place)), facts)


def _candidates(units: Sequence[Unit], names: Sequence[str], work: Work) -> Iterator[State]:
    """States for a probe set, each source with episodes of its own; unit by unit: all pictures may be too many."""
    for number, unit in enumerate(units):
        for arrays in work.results([unit]):
            for state in states_of(arrays, names):
                yield replace(state, episode=state.episode + EPISODES * number)


def _place(state: State) -> tuple[int, int, int]:
    return state.source, state.episode, state.step


def _alone(state: State) -> State:
    """The same, apart from the arrays of all candidates, which it would keep in memory."""
    return replace(state, observation=state.observation.copy(), screen=state.screen.copy())
