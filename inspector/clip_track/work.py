"""What the processes of a sweep do with clips: explain them under a checkpoint, and say what it recognises."""

from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from inspector.clip_track.probe import ClipProbe
from inspector.clip_track.probe_file import read_clip_probe
from inspector.clip_track.series import ClipMember
from inspector.clips.agent import ClipAgent
from inspector.errors import UsageError
from inspector.explaining import NAMED_TARGETS
from inspector.profile.untrained import with_random_weights
from inspector.regions import RegionSummer
from inspector.sweep import Arrays
from inspector.track.work import Explaining, joined_arrays
from inspector.viewing.interpreter import ClipInterpreter, Explained, batch_size_of

OWN = "score"
"""The target that is each clip's own: its class where that is known."""

CALIBRATED = 32
"""Clips of which the batch norms of an untrained network get their statistics."""


def class_of(target: str, class_names: tuple[str, ...]) -> int | None:
    """Number of the class that a target names; None for each clip's own.

    Raises:
        UsageError: If there is no such class.
    """
    if target == OWN:
        return None
    folded = [name.casefold() for name in class_names]
    if target.casefold() in folded:
        return folded.index(target.casefold())
    if target.isdecimal() and int(target) < len(class_names):
        return int(target)
    known = ", ".join(class_names[:12]) + (" ..." if len(class_names) > 12 else "")
    cause = "is for agents that play" if target in NAMED_TARGETS else "is no class"
    raise UsageError(f"--target {target} {cause}: take {OWN}, a class ({known}) or its number")


def explain_clips(
    member: ClipMember, probe: Path, explaining: Explaining, *, random_seed: int | None = None, device: str = "cpu"
) -> Arrays:
    """Explain every clip of a probe set under a checkpoint.

    Args:
        member: The checkpoint.
        probe: File of the probe set.
        explaining: What is explained, and how.
        random_seed: Gives the network new random weights instead; None keeps its own.
        device: Where the network runs.

    Returns:
        positive, absolute, area, relevant_area: By region, (clips, regions, frames), as in `RegionSums`.
        score: The explained logit, (clips,).
        scores: All logits, (clips, classes).
        finite: Which clips count, (clips,).
    """
    whole = _read_once(str(probe), probe.stat().st_mtime_ns)
    agent = member.load(device)
    if random_seed is not None:
        agent = with_random_weights(agent, random_seed, calibrating(whole))
    interpreter, classes = ClipInterpreter(agent, explaining.composite), classes_of(whole, explaining)
    size, parts = batch_size_of(agent), []
    for start in range(0, len(whole), size):
        part = slice(start, start + size)
        explained = interpreter.explain(whole.clips[part], classes[part].tolist())
        parts.append(_summed(explained, RegionSummer(whole.covers[part], agent.recipe.crop)))
    return joined_arrays(parts)


def scores_of(agent: ClipAgent, clips: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Logits of many clips, some at a time, (clips, classes)."""
    return np.concatenate([agent.scores(clips[start : start + 4]) for start in range(0, len(clips), 4)])


def classes_of(probe: ClipProbe, explaining: Explaining) -> NDArray[np.int64]:
    """The class that is explained of each clip."""
    chosen = class_of(explaining.target, probe.class_names)
    return probe.targets if chosen is None else np.full(len(probe), chosen, np.int64)


def calibrating(probe: ClipProbe) -> NDArray[np.uint8]:
    """Some clips, evenly chosen."""
    places = np.unique(np.linspace(0, len(probe) - 1, min(CALIBRATED, len(probe))).round().astype(int))
    chosen: NDArray[np.uint8] = probe.clips[places]
    return chosen


def _summed(explained: list[Explained], summer: RegionSummer) -> Arrays:
    maps = [one.relevance for one in explained if one.relevance is not None]  # each has one: it was asked for
    finite, values = np.array([one.finite for one in maps]), np.stack([one.values for one in maps])
    sums = summer(np.where(finite[:, None, None, None], values, np.float32(0)))
    return {
        "positive": sums.positive,
        "absolute": sums.absolute,
        "area": sums.area,
        "relevant_area": sums.relevant_area,
        "score": np.array([one.score for one in maps]),
        "scores": np.stack([one.scores for one in explained]),
        "finite": finite,
    }


@lru_cache(maxsize=1)
def _read_once(probe: str, _changed: int) -> ClipProbe:
    """A probe set, read once in a process, unless the file changes."""
    return read_clip_probe(Path(probe))
