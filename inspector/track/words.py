"""Words that the curve and the film share: what was explained, on how many states, over how many games."""

from collections.abc import Sequence

import numpy as np

from inspector.probe import ProbeSet
from inspector.track.tracker import Series

_TARGETS = {
    "score": "score of the best action",
    "contrast": "best action over the next best",
    "advantage": "best action over the mean of all",
    "value": "value",
}


def target_text(target: str, names: Sequence[str] = ()) -> str:
    """What is explained, as a person reads it.

    Args:
        target: A named target, or the number of an action.
        names: Of the actions; without them the number stands for the name.
    """
    if target in _TARGETS:
        return _TARGETS[target]
    return f"score of {names[int(target)] if names else f'action {target}'}"


def states_text(probe: ProbeSet) -> str:
    """How many states of how many episodes, the same for every checkpoint."""
    states, episodes = len(probe), int(np.unique(probe.groups).size)
    return f"the same {_count(states, 'state')} of {_count(episodes, 'episode')} for every checkpoint"


def games_text(series: Sequence[Series]) -> str:
    """How many games each checkpoint played."""
    counts = {len(found) for one in series for found in one.returns}
    least, most = min(counts), max(counts)
    return f"{_count(most, 'game')} each" if least == most else f"{least} to {most} games each"


def spoken(name: str) -> str:
    """The name of a region or a phase as a person reads it."""
    return name.replace("_", " ")


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
