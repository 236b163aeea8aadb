"""Which clips a film shows, and their relevance under every checkpoint."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePath

import numpy as np
from numpy.typing import NDArray

from inspector.clip_track.probe import UNKNOWN, ClipProbe, region_of_part
from inspector.clip_track.tracker import ClipTrack
from inspector.clip_track.work import classes_of
from inspector.errors import InspectorError
from inspector.records import Region
from inspector.sweep import Progress
from inspector.track.evolution import divided_by_size
from inspector.track.moments import rank_of
from inspector.track.plan import text_of
from inspector.viewing.interpreter import ClipInterpreter

Map = NDArray[np.float32]
Report = Callable[[str, Progress], None]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class ExplainedClip:
    """A clip under every checkpoint.

    Attributes:
        frames: As the network sees them, uint8 (frames, rows, columns, 3).
        regions: Where the object is in each.
        maps: For each checkpoint its relevance, (frames, rows, columns), divided by the size of all of it; None where
            there is none.
        explained: Name of the class that is explained.
        about: What clip it is.
    """

    frames: NDArray[np.uint8]
    regions: tuple[Region, ...]
    maps: tuple[Map | None, ...]
    explained: str
    about: str


def choose_clips(track: ClipTrack, count: int) -> list[int]:
    """Choose clips that differ in what is explained, show their object, and have much relevance.

    Classes take turns, those far apart in their order first. Of a class the clip is taken with the largest sum of two
    parts, each 0 to 1: the part of its frames that show the object, and the rank of its relevance.

    Args:
        track: What was found.
        count: How many, at most as many as there are clips.

    Returns:
        Their numbers, in the order of the classes.
    """
    probe = track.probe
    targets = classes_of(probe, track.explanations[0])
    there = (probe.parts > 127).any((2, 3)).mean(1)
    quality = there + rank_of(np.nan_to_num(track.loudness, nan=-1.0, posinf=-1.0))
    classes = np.unique(targets)
    spread = classes[np.unique(np.linspace(0, len(classes) - 1, min(count, len(classes))).round().astype(int))]
    chosen: list[int] = []
    while len(chosen) < min(count, len(probe)):
        free = np.array([number not in chosen for number in range(len(probe))])
        fitting = free & (targets == spread[len(chosen) % len(spread)])
        fitting = fitting if fitting.any() else free
        chosen.append(int(np.flatnonzero(fitting)[quality[fitting].argmax()]))
    return sorted(chosen, key=lambda number: (targets[number], number))


def explained_clips(track: ClipTrack, chosen: list[int], on_progress: Report | None = None) -> list[ExplainedClip]:
    """Explain clips under every checkpoint of the first series, one checkpoint in memory at a time.

    Raises:
        InspectorError: If no checkpoint can be explained.
    """
    probe, one, main = track.probe, track.series[0], track.explanations[0]
    classes = classes_of(probe, main)[chosen].tolist()
    maps: list[list[Map | None]] = [[] for _ in chosen]
    for done, member in enumerate(one.members, 1):
        found: list[Map | None] = [None] * len(chosen)
        try:
            interpreter = ClipInterpreter(one.source.members[done - 1].load(track.settings.device), main.composite)
            for place, (number, target) in enumerate(zip(chosen, classes, strict=True)):  # one by one: few, and large
                (explained,) = interpreter.explain(probe.clips[number : number + 1], [target])
                relevance = explained.relevance
                found[place] = divided_by_size(relevance.values) if relevance and relevance.finite else None
        except (InspectorError, RuntimeError) as error:
            trained = text_of(member.frames, one.source.unit)
            _log.warning("%s at %s has no overlay in the film: %s", one.source.name, trained, error)
        for each, values in zip(maps, found, strict=True):
            each.append(values)
        if on_progress:
            on_progress("clips", Progress(done, len(one.members), text_of(member.frames, one.source.unit)))
    if all(values is None for each in maps for values in each):
        raise InspectorError(f"no checkpoint of {one.source.name} can be explained for the film: see the warnings")
    pairs = zip(chosen, maps, classes, strict=True)
    return [_explained(probe, number, tuple(each), probe.class_names[target]) for number, each, target in pairs]


def _explained(probe: ClipProbe, number: int, maps: tuple[Map | None, ...], explained: str) -> ExplainedClip:
    video, label = int(probe.videos[number]), int(probe.labels[number])
    sure = bool(probe.sure[video])
    regions = tuple(region_of_part(part, sure=sure) for part in probe.parts[number])
    what = "not labelled" if label == UNKNOWN else probe.class_names[label].replace("_", " ")
    about = f"{what}, {PurePath(probe.names[video]).name} from frame {probe.starts[number]}"
    return ExplainedClip(probe.clips[number], regions, maps, explained.replace("_", " "), about)
