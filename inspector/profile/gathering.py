"""The results of the pieces of work, brought together to a profile."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from inspector.clips.agent import ClipAgent
from inspector.profile.choice import Choice, choose
from inspector.profile.folder import LeftOut
from inspector.profile.measures import KINDS, Change, change_of, counted, profile_of, region_of
from inspector.profile.null import Null, check_counts
from inspector.profile.paired import accuracy_of, compare, recognised
from inspector.profile.places import Places
from inspector.profile.plan import Plan, Settings
from inspector.profile.result import AtStride, Result
from inspector.profile.untrained import has_fresh_norms
from inspector.profile.work import softmax
from inspector.sweep import Arrays, Unit
from inspector.track.doing import Work
from inspector.track.work import joined_arrays


def gathered(
    agent: ClipAgent,
    source: Path,
    settings: Settings,
    places: Places,
    plan: Plan,
    work: Work,
    left_out: Sequence[LeftOut],
) -> Result:
    """The whole, videos in the order of classes and names.

    Args:
        agent: The classifier.
        source: Folder of the videos.
        settings: What was chosen.
        places: Which frames clips are made of.
        plan: The pieces of work, all of them done.
        work: Has their results.
        left_out: Videos that do not count.

    Raises:
        InspectorError: If no clip has any relevance.
    """
    found = _Gathering(agent, settings, plan, work)
    at = {stride: found.at(stride) for stride in settings.strides}
    first, *others = [(stride, one.right) for stride, one in at.items()]
    return Result(
        agent=agent,
        source=source,
        settings=settings,
        places=places,
        videos=found.videos,
        frame_counts=found.frame_counts,
        masked=found.masked,
        counts=found.counts,
        random_videos=len(found.null.masked),
        networks={kind: found.null.counting(kind) for kind in KINDS},
        at=at,
        compared=compare(first[1], others),
        stretch_compared=compare(at[first[0]].stretch_right, others),
        changes=_changes(at),
        choice=_choice(at, found.counts["absolute"]),
        left_out=tuple(left_out),
        seconds=work.seconds,
    )


class _Gathering:
    """What is the same for all strides, and what was found at each."""

    def __init__(self, agent: ClipAgent, settings: Settings, plan: Plan, work: Work) -> None:
        self._plan, self._work = plan, work
        self._like_networks = not has_fresh_norms(agent.network)
        mixed = [video for one in plan.read for video in one.videos]
        self._order = sorted(range(len(mixed)), key=lambda i: (mixed[i].label, mixed[i].name))
        self.videos = tuple(mixed[i] for i in self._order)
        self._labels = np.array([video.label for video in self.videos])
        self.masked = np.concatenate([one.masked for one in plan.read])[self._order]
        self.frame_counts = np.concatenate([one.frame_counts for one in plan.read])[self._order]
        self._own = {stride: self._ordered(self._joined(plan.explaining(stride))) for stride in settings.strides}
        self.counts = {kind: counted(list(self._own.values()), kind) for kind in KINDS}
        self.null = self._null(settings.strides)
        check_counts(self.counts["absolute"], self.null)

    def at(self, stride: int) -> AtStride:
        """What was found at a stride."""
        own, null = self._own[stride], self.null
        parts = list(self._work.results(self._plan.deciding(stride)))
        stretch = np.concatenate([part["probabilities"] for part in parts])[self._order]
        probabilities = softmax(own["scores"])
        right, stretch_right = (recognised(some, self._labels) for some in (probabilities, stretch))
        kinds = [kind for kind in KINDS if self.counts[kind].any() and null.counting(kind)]
        nets = {kind: null.at(stride, kind) for kind in kinds}
        return AtStride(
            stride=stride,
            found=own,
            probabilities=probabilities,
            stretch=stretch,
            stretch_clips=int(parts[0]["clips"]),
            right=right,
            stretch_right=stretch_right,
            accuracy=accuracy_of(right),
            stretch_accuracy=accuracy_of(stretch_right),
            profiles={
                kind: profile_of(own, self.counts[kind], nets[kind], kind, like_networks=self._like_networks)
                for kind in kinds
            },
            regions={
                kind: region_of(own, self.counts[kind], self.masked, nets[kind], null.masked, kind) for kind in kinds
            },
        )

    def _null(self, strides: Sequence[int]) -> Null:
        plan = self._plan
        found = {
            stride: [self._joined(plan.explaining(stride, seed)) for seed in plan.random_seeds] for stride in strides
        }
        return Null(plan.random_seeds, found, np.concatenate([one.masked for one in plan.random_read]))

    def _joined(self, units: Sequence[Unit]) -> Arrays:
        return joined_arrays(list(self._work.results(units)))

    def _ordered(self, arrays: Arrays) -> Arrays:
        return {name: values[self._order] for name, values in arrays.items()}


def _changes(at: Mapping[int, AtStride]) -> dict[int, Change]:
    profiles = {stride: one.profiles["absolute"] for stride, one in at.items()}
    first, *others = profiles
    return {stride: change_of(profiles[first], profiles[stride]) for stride in others}


def _choice(at: Mapping[int, AtStride], counts: NDArray[np.bool_]) -> Choice | None:
    profiles = {stride: one.profiles["absolute"] for stride, one in at.items()}
    if len(at) < 2 or not all(np.isfinite(one.excess.mean) for one in profiles.values()):
        return None
    return choose(
        profiles,
        {stride: one.right[counts] for stride, one in at.items()},
        {stride: one.probabilities.max(1)[counts] for stride, one in at.items()},
    )
