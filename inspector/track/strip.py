"""What the strip of a film shows under every checkpoint, and the words beside it."""

import re
from typing import Any

import numpy as np

from inspector.draw.evolution import Shown
from inspector.draw.training import TrainingFacts
from inspector.track.found import Found, Series
from inspector.track.names import cut_name, cut_off
from inspector.track.plan import text_of
from inspector.track.words import played_text, result_text

_NAME_LENGTH = 15
_CUT_OFF = re.compile(r" games? cut off at.*")


def film_facts(track: Found, target: str) -> str:
    """Which series is shown, what was explained and how, in a line.

    Args:
        track: What was found.
        target: What was explained, in words.
    """
    facts = [target, track.explanations[0].composite]
    if len(track.series) > 1:
        name = cut_name(track.series[0].source.name, _NAME_LENGTH)
        facts.insert(0, f"series 1 of {len(track.series)}: {name}")
    return "  ·  ".join(facts)


def training_facts(track: Found, one: Series[Any]) -> TrainingFacts:
    """Attention over training as the strip shows it."""
    curve, terms = one.curves[0], track.terms
    returns = [found.mean() if len(found) else np.nan for found in one.returns]
    first = int(curve.frames[0])
    certain = {name: found for name, found in curve.onsets.items() if found.high is not None}
    early = {name for name, found in certain.items() if found.low == first}
    onsets = {name: found.high if name in early else found.frames for name, found in certain.items()}
    return TrainingFacts(
        frames=curve.frames,
        names=curve.names,
        share=curve.share,
        low=curve.low,
        high=curve.high,
        area=curve.area,
        random=curve.random,
        onsets=tuple(onsets.get(name) for name in curve.names),
        early=tuple(name in early for name in curve.names),
        returns=np.array(returns, np.float64),
        title=f"share of positive relevance, mean of {track.state_count} {terms.state}s",
        return_name=f"{terms.result_line} ({_CUT_OFF.sub(' cut off', played_text(track, one))})",
        words=terms.film,
    )


def shown_of(track: Found, number: int, explained: str) -> Shown:
    """What stands beside the map of a checkpoint of the first series.

    Args:
        track: What was found.
        number: Of the checkpoint.
        explained: What was explained.
    """
    one, cut = track.series[0], cut_off(track, track.series[0])[number]
    returns = one.returns[number]
    left = f"{sum(cut)} of {len(cut)} cut off" if any(cut) else ""
    mean = result_text(float(returns.mean()), track.terms) if len(returns) else ""
    return Shown(number, text_of(one.members[number].frames, track.terms.unit), mean, explained, left)
