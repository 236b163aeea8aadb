"""A track in words that can be read aloud."""

from collections.abc import Iterator

from inspector.regions import BACKGROUND
from inspector.track.measures import Onset
from inspector.track.plan import text_of
from inspector.track.result import Curve, sort_by_onset
from inspector.track.tracker import Series, Track


def summary(track: Track) -> list[str]:
    """A few lines on every series: what drew the attention, from when on, and how well it played."""
    return [line for one in track.series for line in _of_series(one, len(track.probe))]


def order_text(curve: Curve) -> str:
    """The order in which regions came to draw more than by chance: «ball from 0.8 M frames, then paddle from …»."""
    ordered = sort_by_onset(curve.onsets)
    certain = [(name, one) for name, one in ordered if one.high is not None]
    parts = [f"{_spoken(name)} from {text_of(one.frames or 0)}{_interval(one)}" for name, one in certain]
    lines = [", ".join(parts) or "no region for certain"]
    uncertain = [_spoken(name) for name, one in ordered if one.high is None]
    if uncertain:
        lines.append(f"uncertain: {', '.join(uncertain)}")
    never = [_spoken(name) for name, one in curve.onsets.items() if one.frames is None]
    if never:
        lines.append(f"not at the end: {', '.join(never)}")
    return "; ".join(lines)


def _interval(one: Onset) -> str:
    """The interval of an onset that lies within the run; nothing where it is that checkpoint alone."""
    if one.low is None or one.high is None or one.low == one.high:
        return ""
    return f" ({text_of(one.low)} to {text_of(one.high)})"


def shares_text(curve: Curve) -> str:
    """The shares at the last checkpoint, the largest first."""
    shares = sorted(zip(curve.share[-1], curve.names, strict=True), reverse=True)
    return ", ".join(f"{_spoken(name)} {100 * share:.0f} %" for share, name in shares)


def _of_series(one: Series, states: int) -> Iterator[str]:
    main = one.curves[0]
    yield f"{one.source.name}: {len(one.members)} checkpoints, {states} states, {main.explaining.composite}"
    yield f"  drew more than by area and by random weights: {order_text(main)}"
    yield f"  at {text_of(int(main.frames[-1]))}: {shares_text(main)}"
    returns = [(member.frames, found) for member, found in zip(one.members, one.returns, strict=True) if len(found)]
    if returns:
        (first, early), (last, late) = returns[0], returns[-1]
        games = f"{len(late)} game{'s' if len(late) != 1 else ''} each"
        yield f"  return {early.mean():.1f} at {text_of(first)}, {late.mean():.1f} at {text_of(last)} ({games})"


def _spoken(name: str) -> str:
    return name if name == BACKGROUND else name.replace("_", " ")
