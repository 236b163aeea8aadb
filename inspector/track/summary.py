"""A track in words that can be read aloud."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from inspector.sweep import Store
from inspector.track.claim import UNITS
from inspector.track.found import Found, Series
from inspector.track.measures import Onset
from inspector.track.plan import plan_of, text_of
from inspector.track.result import Curve, sort_by_onset
from inspector.track.tracker import PROBE_FILE, Track
from inspector.track.words import counted, onset_text, played_text, result_text, spoken

MOST_NAMES = 10
"""Regions in a line that is read aloud."""


def summary(track: Found) -> list[str]:
    """A few lines on every series, and on all together: what drew the attention, from when on, how well it played."""
    lines = [line for one in track.series for line in _of_series(one, track)]
    return lines if len(track.series) == 1 else [*lines, *together(track.series)]


def order_text(curve: Curve) -> str:
    """The order in which regions came to draw more than by chance: «ball from 0.8 M frames, paddle by …»."""
    ordered = sort_by_onset(curve.onsets)
    parts = [
        f"{spoken(name)} {onset_text(one, int(curve.frames[0]), curve.unit)}"
        for name, one in ordered
        if one.high is not None
    ]
    lines = [", ".join(parts) or "no region for certain"]
    uncertain = [name for name, one in ordered if one.high is None]
    if uncertain:
        lines.append(f"above at the end, but not for certain: {_few(uncertain)}")
    hidden = [name for name, area in zip(curve.names, curve.area, strict=True) if area == 0]
    never = [name for name, one in curve.onsets.items() if one.frames is None and name not in hidden]
    if never:
        lines.append(f"never above for good: {_few(never)}")
    if hidden:
        lines.append(f"in no state: {_few(hidden)}")
    return "; ".join(lines)


def _few(names: Sequence[str]) -> str:
    """The first names of many, and how many more there are."""
    more = [f"and {len(names) - MOST_NAMES} more"] if len(names) > MOST_NAMES else []
    return ", ".join([*map(spoken, names[:MOST_NAMES]), *more])


def shares_text(curve: Curve) -> str:
    """The shares at the last checkpoint, the largest first; those below 10 % to a tenth."""
    shares = [pair for pair in zip(curve.share[-1], curve.names, strict=True) if np.isfinite(pair[0])]
    said = [f"{spoken(name)} {100 * share:.{int(share < 0.1)}f} %" for share, name in sorted(shares, reverse=True)]
    more = [f"and {len(said) - MOST_NAMES} more"] if len(said) > MOST_NAMES else []
    return ", ".join([*said[:MOST_NAMES], *more]) or "no relevance anywhere"


def stacked_text(curve: Curve) -> str:
    """Which stacked frames, as numbers from 0, hold most and least at the last checkpoint, and which exceed chance."""
    share = curve.share[-1]
    if not np.isfinite(share).all():
        return "no relevance anywhere"
    most, least = int(share.argmax()), int(share.argmin())
    ends = f"most at {most} ({100 * share[most]:.1f} %), least at {least} ({100 * share[least]:.1f} %)"
    above = [int(name) for name, one in curve.onsets.items() if one.high is not None]
    uncertain = [int(name) for name, one in curve.onsets.items() if one.high is None and one.frames is not None]
    more = f", not for certain: {_runs(uncertain)}" if uncertain else ""
    return f"{ends}; above all alike and untrained networks: {_runs(above) or 'none for certain'}{more}"


def _runs(numbers: Sequence[int]) -> str:
    """Ascending numbers as a person writes them: `0 to 2, 15`."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and runs[-1][-1] == number - 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(f"{run[0]} to {run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)


def agreement_text(curves: Sequence[Curve]) -> str:
    """Whether several explanations of the same states tell of the same onsets; the first is what others differ from.

    Two agree on a region if both have its onset for certain and their intervals meet, or neither has.
    """
    main = curves[0]
    odd = {
        name: [other for other in curves[1:] if not _agree(one, other.onsets[name])]
        for name, one in main.onsets.items()
    }
    agreed = [name for name, one in sort_by_onset(main.onsets) if one.high is not None and not odd[name]]
    who = "both explanations agree" if len(curves) == 2 else f"all {len(curves)} explanations agree"
    lines = [f"{who}: {_in_order(agreed, curves)}"] if agreed else []
    differing = [f"{spoken(name)} ({_differing(name, others, curves)})" for name, others in odd.items() if others]
    if differing:
        lines.append(f"{'they' if agreed else 'explanations'} disagree on {', '.join(differing)}")
    return "; ".join(lines) or f"{who}: no region for certain"


def together(series: Sequence[Series[Any]]) -> list[str]:
    """In how many series a region has an onset for certain, and between which frames."""
    curves = [one.curves[0] for one in series]
    found = {name: [one for one in curves if one.onsets[name].high is not None] for name in curves[0].onsets}
    known = [(_joint(name, some), name, len(some)) for name, some in found.items() if some]
    known.sort(key=lambda each: (each[0].high or 0, each[1]))
    first = min(int(one.frames[0]) for one in curves)
    parts = [f"{spoken(name)} in {count} ({onset_text(one, first, curves[0].unit)})" for one, name, count in known]
    never = [spoken(name) for name, some in found.items() if not some]
    lines = [
        f"{len(series)} series together, {curves[0].explaining.composite}",
        f"  for certain, of {len(series)}: {', '.join(parts) or 'no region in any'}",
    ]
    return [*lines, f"  in none: {', '.join(never)}"] if parts and never else lines


def positive_scores(track: Track) -> list[dict[str, Any]]:
    """Of how many states the explained score was above 0 at the last checkpoint, by series and explanation.

    What adds to a score below 0 argues against it: relevance for and against change their meaning there.
    """
    store, found = Store(track.folder / UNITS), []
    for one in track.series:
        plan = plan_of(one.source, track.probe, track.folder / PROBE_FILE, track.settings)
        units = plan.probing[one.source.members.index(one.members[-1])]
        for explaining, unit in zip(plan.explanations, units, strict=True):
            if store.has(unit):
                scores = store.load(unit)["score"]
                about = {"composite": explaining.composite, "target": explaining.target}
                counts = {"states": len(scores), "positive": int((scores > 0).sum())}
                found.append({"series": one.source.name, **about, **counts})
    return found


def _of_series(one: Series[Any], track: Found) -> Iterator[str]:
    main, terms = one.curves[0], track.terms
    counts = f"{counted(len(one.members), 'checkpoint')}, {counted(track.state_count, terms.state)}"
    yield f"{one.source.name}: {counts}, {main.explaining.composite}"
    yield f"  drew more than by area and under untrained networks: {order_text(main)}"
    if len(one.curves) > 1:
        yield f"  {agreement_text(one.curves)}"
    if one.stacked:
        yield f"  {terms.stacked}: {stacked_text(one.stacked[0])}"
    yield from (f"  {line}" for line in one.remarks)
    yield f"  at {text_of(int(main.frames[-1]), main.unit)}: {shares_text(main)}"
    returns = [(member.frames, found) for member, found in zip(one.members, one.returns, strict=True) if len(found)]
    if returns:
        early, late = (
            f"{result_text(float(found.mean()), terms)} at {text_of(frames, main.unit)}"
            for frames, found in (returns[0], returns[-1])
        )
        yield f"  {terms.result} {early}, {late} ({played_text(track, one)})"


def _joint(name: str, curves: Sequence[Curve]) -> Onset:
    """The span of the certain onsets of a region."""
    lows, highs = zip(*((one.onsets[name].low or 0, one.onsets[name].high or 0) for one in curves), strict=True)
    return Onset(min(highs), min(lows), max(highs))


def _agree(one: Onset, other: Onset) -> bool:
    if one.high is None or other.high is None:
        return one.high is other.high
    return (one.low or 0) <= other.high and (other.low or 0) <= one.high


def _in_order(names: Sequence[str], curves: Sequence[Curve]) -> str:
    """Regions in the order of their onsets: one is before the next where all explanations have it so for certain."""
    links = [" before " if all(_is_before(one, *pair) for one in curves) else ", " for pair in pairwise(names)]
    return "".join(part for name, link in zip(names, [*links, ""], strict=True) for part in (spoken(name), link))


def _is_before(curve: Curve, name: str, other: str) -> bool:
    high, low = curve.onsets[name].high, curve.onsets[other].low
    return high is not None and low is not None and high < low


def _differing(name: str, others: Sequence[Curve], curves: Sequence[Curve]) -> str:
    """What explanations say of a region that differ from the first."""
    parts = []
    for curve in others:
        one = curve.onsets[name]
        when = "not for certain" if one.high is None else onset_text(one, int(curve.frames[0]), curve.unit)
        parts.append(f"{when} with {_who(curve, curves)}")
    return "; ".join(parts)


def _who(curve: Curve, curves: Sequence[Curve]) -> str:
    """What sets an explanation apart from the others: its composite, its target, or both."""
    one = curve.explaining
    if len({each.explaining.target for each in curves}) == 1:
        return one.composite
    return (
        one.target if len({each.explaining.composite for each in curves}) == 1 else f"{one.composite} of {one.target}"
    )
