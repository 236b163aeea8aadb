"""The clips that all checkpoints are explained on, out of the videos that were given."""

from collections.abc import Sequence

import numpy as np

from inspector.clip_track.plan import ClipSettings, cutting
from inspector.clip_track.probe import UNKNOWN, ClipProbe
from inspector.clip_track.series import ClipSeries
from inspector.clip_track.videos import TrackedVideo
from inspector.clip_track.work import scores_of
from inspector.errors import InspectorError
from inspector.provenance import versions
from inspector.sweep import Failure
from inspector.track.doing import Work


def make_clip_probe(one: ClipSeries, videos: Sequence[TrackedVideo], settings: ClipSettings, work: Work) -> ClipProbe:
    """Clips cut evenly out of every video.

    The class that is explained of a clip is the video's where that is known, else the one that the last checkpoint of
    the series recognises in it: a class of its own for every checkpoint would compare scores of different classes.

    Args:
        one: The series that decides where no label does.
        videos: Where clips are cut out of.
        settings: What is asked.
        work: Does it.

    Raises:
        InspectorError: If no video can be read.
    """
    units = cutting(videos, one.recipe, settings)
    work.do("videos", units)
    read = [(number, arrays) for number, unit in enumerate(units) for arrays in work.results([unit])]
    if not read:
        raise InspectorError(f"no video could be read: {work.reason(units)}")
    numbers = np.concatenate([np.full(len(arrays["starts"]), number) for number, arrays in read])
    clips, parts, starts = (
        np.concatenate([arrays[name] for _, arrays in read]) for name in ("clips", "parts", "starts")
    )
    labels = np.array([UNKNOWN if video.label is None else video.label for video in videos], np.int64)[numbers]
    targets = labels.copy()
    unknown = labels == UNKNOWN
    if unknown.any():
        targets[unknown] = scores_of(one.members[-1].load(settings.device), clips[unknown]).argmax(1)
    return ClipProbe(
        recipe=one.recipe,
        class_names=one.class_names,
        stride=settings.stride,
        names=tuple(video.name for video in videos),
        clips=clips,
        parts=parts,
        videos=numbers.astype(np.int64),
        starts=starts.astype(np.int64),
        labels=labels,
        targets=targets,
        sure=np.array([video.mask is not None for video in videos]),
        facts={
            "digests": [video.digest for video in videos],
            "failures": [[failure.name, failure.reason] for failure in work.failures],
            "recognised_by": None if not unknown.any() else one.members[-1].checkpoint.sha256,
            "versions": versions(),
        },
    )


def failures_of(probe: ClipProbe) -> list[Failure]:
    """Videos that could not be read when it was made."""
    return [Failure(str(name), str(reason)) for name, reason in probe.facts.get("failures", ())]
