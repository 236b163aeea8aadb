"""Which saved states a film shows: they differ, show their objects, and have much relevance."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from inspector.probe import ProbeSet, State
from inspector.track.plan import text_of
from inspector.track.words import spoken


def choose_moments(probe: ProbeSet, loudness: NDArray[np.float64], count: int) -> list[int]:
    """Choose states that differ, show their objects, and have much relevance.

    Phases of the game take turns. Of a phase the state is taken with the largest sum of three parts, each 0 to 1: how
    many of the regions are there and sure; the rank of its relevance; the rank of its difference from what was chosen.

    Args:
        probe: The states.
        loudness: Relevance of every state, (states,).
        count: How many, at most as many as there are states.

    Returns:
        Their numbers, in the order in which a game comes to them.
    """
    there = np.array([_share_there(state) for state in probe.states])
    quality = there + rank_of(np.nan_to_num(loudness, nan=-1.0, posinf=-1.0))
    phases = sorted(dict.fromkeys(state.phase for state in probe.states), key=_mean_step(probe))
    observations = probe.observations[:, -1].astype(np.float32)
    apart = np.full(len(probe), np.inf)
    chosen: list[int] = []
    while len(chosen) < min(count, len(probe)):
        phase = phases[len(chosen) % len(phases)]
        free = np.array([number not in chosen for number in range(len(probe))])
        fitting = free & np.array([state.phase == phase for state in probe.states])
        fitting = fitting if fitting.any() else free
        score = quality + (rank_of(apart) if chosen else 0.0)
        best = int(np.flatnonzero(fitting)[score[fitting].argmax()])
        chosen.append(best)
        apart = np.minimum(apart, np.abs(observations - observations[best]).mean((1, 2)))
    return sorted(chosen, key=lambda number: (phases.index(probe.states[number].phase), probe.states[number].step))


def moment_text(state: State, place: int, count: int) -> str:
    """What moment a state is, of some that are shown one after another."""
    about = f"moment {place + 1} of {count}" + (f": {spoken(state.phase)}" if state.phase else "")
    return f"{about}, from play at {text_of(state.source)}" if state.source >= 0 else about


def _share_there(state: State) -> float:
    """Part of the regions that are there and sure in the newest frame."""
    newest = state.regions[-1] or ()
    return sum(bool(region.boxes) and region.sure for region in newest) / max(len(newest), 1)


def rank_of(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ranks from 0 to 1."""
    order = np.empty(len(values))
    order[np.argsort(values, kind="stable")] = np.linspace(0, 1, len(values))
    return order


def _mean_step(probe: ProbeSet) -> Callable[[str], float]:
    """Mean step at which a phase is met."""
    return lambda phase: float(np.mean([state.step for state in probe.states if state.phase == phase]))
