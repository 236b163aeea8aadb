"""Words that the curve and the film share: what was explained, on how many states, over how many games."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from inspector.probe import ProbeSet
from inspector.track.measures import Onset
from inspector.track.plan import text_of
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
    return f"the same {counted(states, 'state')} of {counted(episodes, 'episode')} for every checkpoint"


def games_text(series: Sequence[Series], games: pa.Table | None = None) -> str:
    """How many games each checkpoint played, and how many of them all were cut off.

    Args:
        series: Who played.
        games: Rows of `games.parquet`, of other series too; None says nothing of how games ended.
    """
    counts = {len(found) for one in series for found in one.returns}
    least, most = min(counts), max(counts)
    played = f"{counted(most, 'game')} each" if least == most else f"{least} to {most} games each"
    names = {one.source.name for one in series}
    rows = [] if games is None else [row for row in games.to_pylist() if row["series"] in names]
    lengths = [row["length"] for row in rows if not row["finished"]]
    if not lengths:
        return played
    return f"{played}; {len(lengths)} of {counted(len(rows), 'game')} cut off at {max(lengths):,} steps"


def onset_text(one: Onset, first: int) -> str:
    """When a region came to draw more than by chance: «from 205 k frames», «between 57.3 k and 205 k frames».

    The 95 % interval leads: where the share creeps over its null line, the checkpoint at which it does is chance.

    Args:
        one: With an upper end of its interval; others have no onset for certain.
        first: Frames trained of the first checkpoint: before it nobody looked.
    """
    if one.high is None:
        raise ValueError("an onset without an end of its interval is not certain")
    if one.high == first:
        return f"at the first checkpoint already ({text_of(first)})"
    if one.low in (None, first):
        return f"by {text_of(one.high)}"
    if one.low == one.high:
        return f"from {text_of(one.high)}"
    return f"between {text_of(one.low or 0).removesuffix(' frames')} and {text_of(one.high)}"


def spoken(name: str) -> str:
    """The name of a region or a phase as a person reads it."""
    return name.replace("_", " ")


def counted(number: int, what: str) -> str:
    """A number of things: `1 game`, `3 games`."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
