"""Words that the curve and the film share: what was explained, on how many states, over how many games."""

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from inspector.draw.text import number as decimal
from inspector.track.found import Found, Series
from inspector.track.measures import Onset
from inspector.track.plan import text_of
from inspector.track.terms import TARGETS, Terms


def target_text(target: str, names: Sequence[str] = (), targets: Mapping[str, str] = TARGETS) -> str:
    """What is explained, as a person reads it.

    Args:
        target: A named target, or the number of an action.
        names: Of the actions; without them the number stands for the name.
        targets: Text of every named target.
    """
    if target in targets:
        return targets[target]
    return f"score of {names[int(target)] if names else f'action {target}'}"


def states_text(found: Found) -> str:
    """How many states of how many episodes, the same for every checkpoint."""
    terms = found.terms
    states, groups = counted(found.state_count, terms.state), counted(found.group_count, terms.group)
    return f"the same {states} of {groups} for every checkpoint"


def played_text(found: Found, one: Series[Any] | None = None) -> str:
    """How the numbers came about that say how well checkpoints do: of one series, or of all."""
    return found.terms.played or games_text(found.series if one is None else [one], found.games)


def result_text(value: float, terms: Terms) -> str:
    """Such a number."""
    return decimal(value, terms.digits) + terms.sign


def games_text(series: Sequence[Series[Any]], games: pa.Table | None = None) -> str:
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


def onset_text(one: Onset, first: int, unit: str = "frames") -> str:
    """When a region came to draw more than by chance: «from 205 k frames», «between 57.3 k and 205 k frames».

    The 95 % interval leads: where the share creeps over its null line, the checkpoint at which it does is chance.

    Args:
        one: With an upper end of its interval; others have no onset for certain.
        first: Frames trained of the first checkpoint: before it nobody looked.
        unit: What training time is counted in.
    """
    if one.high is None:
        raise ValueError("an onset without an end of its interval is not certain")
    if one.high == first:
        return f"at the first checkpoint already ({text_of(first, unit)})"
    if one.low in (None, first):
        return f"by {text_of(one.high, unit)}"
    if one.low == one.high:
        return f"from {text_of(one.high, unit)}"
    return f"between {text_of(one.low or 0, '').rstrip()} and {text_of(one.high, unit)}"


def spoken(name: str) -> str:
    """The name of a region or a phase as a person reads it."""
    return name.replace("_", " ")


def counted(number: int, what: str) -> str:
    """A number of things: `1 game`, `3 games`."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
