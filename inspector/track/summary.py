"""A track in words that can be read aloud."""

from collections.abc import Iterator

from inspector.regions import BACKGROUND
from inspector.track.plan import text_of
from inspector.track.result import Curve, sort_by_onset
from inspector.track.tracker import Series, Track


def summary(track: Track) -> list[str]:
    """A few lines on every series: what drew the attention, from when on, and how well it played."""
    return [line for one in track.series for line in _of_series(one, len(track.probe))]


def order_text(curve: Curve) -> str:
    """The order in which regions came to draw more than by chance: «ball from 0.8 M frames, then paddle from …»."""
    ordered, last = sort_by_onset(curve.onsets), int(curve.frames[-1])
    if not ordered:
        return "no region drew more than by chance and held it to the end"
    parts = []
    for name, one in ordered:
        end = "later than the last checkpoint" if one.high is None else text_of(one.high)
        low = text_of(one.low if one.low is not None else last)
        parts.append(f"{_spoken(name)} from {text_of(one.frames or 0)} ({low} to {end})")
    never = [_spoken(name) for name in curve.names if name in curve.onsets and curve.onsets[name].frames is None]
    return ", ".join(parts) + (f"; never {', '.join(never)}" if never else "")


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
