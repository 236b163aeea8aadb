"""A track in words that can be read aloud."""

from collections.abc import Iterator

import numpy as np

from inspector.track.plan import text_of
from inspector.track.result import Curve, sort_by_onset
from inspector.track.tracker import Series, Track
from inspector.track.words import counted, games_text, onset_text, spoken


def summary(track: Track) -> list[str]:
    """A few lines on every series: what drew the attention, from when on, and how well it played."""
    return [line for one in track.series for line in _of_series(one, len(track.probe))]


def order_text(curve: Curve) -> str:
    """The order in which regions came to draw more than by chance: «ball from 0.8 M frames, paddle by …»."""
    ordered = sort_by_onset(curve.onsets)
    certain = [(name, one) for name, one in ordered if one.high is not None]
    parts = [f"{spoken(name)} {onset_text(one, int(curve.frames[0]))}" for name, one in certain]
    lines = [", ".join(parts) or "no region for certain"]
    uncertain = [spoken(name) for name, one in ordered if one.high is None]
    if uncertain:
        lines.append(f"uncertain: {', '.join(uncertain)}")
    never = [spoken(name) for name, one in curve.onsets.items() if one.frames is None]
    if never:
        lines.append(f"not at the end: {', '.join(never)}")
    return "; ".join(lines)


def shares_text(curve: Curve) -> str:
    """The shares at the last checkpoint, the largest first; those below 10 % to a tenth."""
    shares = [pair for pair in zip(curve.share[-1], curve.names, strict=True) if np.isfinite(pair[0])]
    said = [f"{spoken(name)} {100 * share:.{int(share < 0.1)}f} %" for share, name in sorted(shares, reverse=True)]
    return ", ".join(said) or "no relevance anywhere"


def _of_series(one: Series, states: int) -> Iterator[str]:
    main = one.curves[0]
    counts = f"{counted(len(one.members), 'checkpoint')}, {counted(states, 'state')}"
    yield f"{one.source.name}: {counts}, {main.explaining.composite}"
    yield f"  drew more than by area and under untrained networks: {order_text(main)}"
    yield f"  at {text_of(int(main.frames[-1]))}: {shares_text(main)}"
    returns = [(member.frames, found) for member, found in zip(one.members, one.returns, strict=True) if len(found)]
    if returns:
        (first, early), (last, late) = returns[0], returns[-1]
        games = games_text([one])
        yield f"  return {early.mean():.1f} at {text_of(first)}, {late.mean():.1f} at {text_of(last)} ({games})"
