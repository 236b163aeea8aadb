"""Profile a video classifier: what the command `inspector profile` does."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from inspector.clips.agent import ClipAgent
from inspector.errors import InspectorError, UsageError
from inspector.profile.choice import Choice, choose
from inspector.profile.folder import Labelled, LeftOut, find_videos
from inspector.profile.measures import KINDS, Change, Profile, RegionShare, change_of, counted, profile_of, region_of
from inspector.profile.null import Null, check_counts
from inspector.profile.paired import Accuracy, Comparison, accuracy_of, compare
from inspector.profile.places import Places
from inspector.profile.plan import Plan, Read, Settings, parts_of, read_of
from inspector.profile.work import Opener, Trouble, digest_of, softmax
from inspector.sweep import Arrays, Failure, Progress, Store, Unit
from inspector.sweep.run import Engine
from inspector.track.doing import Work
from inspector.track.plan import rules_of
from inspector.track.work import Explaining, joined_arrays

UNITS = "units"


@dataclass(frozen=True, eq=False)
class AtStride:
    """What was found at one stride, a row a video.

    Attributes:
        stride: Frames of the video from one frame of a clip to the next.
        found: Scores and sums of relevance under the agent's own weights: see `work.explain_clips`.
        probabilities: Of the classes, (videos, classes).
        stretch: The mean of these over clips that go over the whole stretch, likewise.
        stretch_clips: How many clips those are.
        right: Which videos were recognised.
        stretch_right: Likewise, by the clips that go over the stretch.
        accuracy: By the clip in the middle.
        stretch_accuracy: By the clips that go over the stretch.
        profiles: Shares per position, by kind.
        regions: Share of what masks mark, by kind; None without masks.
    """

    stride: int
    found: Arrays
    probabilities: NDArray[np.float64]
    stretch: NDArray[np.float64]
    stretch_clips: int
    right: NDArray[np.bool_]
    stretch_right: NDArray[np.bool_]
    accuracy: Accuracy
    stretch_accuracy: Accuracy
    profiles: Mapping[str, Profile]
    regions: Mapping[str, RegionShare | None]


@dataclass(frozen=True, eq=False)
class Result:
    """A profile.

    Attributes:
        agent: The classifier.
        source: Folder of the videos.
        settings: What was chosen.
        places: Which frames clips are made of.
        videos: The videos that count, by class and name.
        frame_counts: Frames of each.
        masked: Which have masks.
        counts: Which have relevance to be shared out, by kind.
        random_videos: How many were explained under random weights.
        networks: Seeds of the random weights under which there is relevance, by kind: others do not count.
        at: What was found, by stride.
        compared: Accuracy at each other stride with that at the smallest.
        stretch_compared: Each other stride's middle clip with the smallest stride's clips over the stretch.
        changes: How the border-to-centre ratio of the absolute relevance changes, by each other stride.
        choice: A stride by relevance alone; None where there is one stride, or a ratio without a meaning.
        left_out: Videos that do not count.
        failures: Pieces of work that could not be done.
        seconds: How long each part took.
    """

    agent: ClipAgent
    source: Path
    settings: Settings
    places: Places
    videos: tuple[Labelled, ...]
    frame_counts: NDArray[np.int64]
    masked: NDArray[np.bool_]
    counts: Mapping[str, NDArray[np.bool_]]
    random_videos: int
    networks: Mapping[str, tuple[int, ...]]
    at: Mapping[int, AtStride]
    compared: tuple[Comparison, ...]
    stretch_compared: tuple[Comparison, ...]
    changes: Mapping[int, Change]
    choice: Choice | None
    left_out: tuple[LeftOut, ...]
    failures: tuple[Failure, ...]
    seconds: Mapping[str, float]


def profile(
    open_agent: Callable[[], ClipAgent],
    source: Path,
    settings: Settings,
    folder: Path,
    engine: Engine,
    *,
    on_progress: Callable[[str, Progress], None] | None = None,
) -> Result:
    """Explain clips of labelled videos at several strides, and compare them with networks of random weights.

    Args:
        open_agent: Opens the agent, here and in other processes.
        source: A folder with a subfolder of videos for each class.
        settings: What is asked.
        folder: Where pieces of work are kept; what was done there before is not done again.
        engine: Who does the work.
        on_progress: Called with the name of a part of the work after each piece of it.

    Raises:
        UsageError: If there are no videos of a class, none is long enough, or there is no such composite.
        InspectorError: If nothing could be explained.
    """
    rules_of(Explaining(settings.composite, "score"))  # one that is not there is said before any work
    agent = open_agent()
    places = Places(agent.recipe.frames, settings.strides)
    videos, strangers = find_videos(source, agent.class_names)
    work = Work(Store(folder / UNITS), engine, on_progress)
    parts = parts_of(videos, agent, places)
    work.do("videos", [part.reading for part in parts])
    read, left_out = [], list(strangers)
    counts: dict[str, int] = {}
    for part in parts:
        for found in work.results([part.reading]):
            left_out += _left_out(part.videos, found)
            counts |= dict(zip((video.name for video in part.videos), found["frame_count"].tolist(), strict=True))
            if one := read_of(part, found, folder / UNITS):
                read.append((one, found["masked"]))
    _check_read(read, left_out, work)
    plan = Plan(Opener(digest_of(agent), open_agent), places, settings, [one for one, _ in read])
    _do(plan, settings, work)
    result = _Gathered(agent, source, settings, places, plan, work)
    return result.of([masked for _, masked in read], counts, left_out)


def drop_frames(folder: Path) -> None:
    """Delete the frames that were read, which take room and are quickly read again."""
    for path in (folder / UNITS).glob("*.npz"):
        with np.load(path, allow_pickle=False) as stored:
            is_read = "clips" in stored.files and "covers" in stored.files
        if is_read:
            path.unlink(missing_ok=True)


def _left_out(videos: Sequence[Labelled], found: Arrays) -> list[LeftOut]:
    rows = zip(videos, found["trouble"].tolist(), found["reason"].tolist(), strict=True)
    return [LeftOut(video.name, reason) for video, trouble, reason in rows if trouble != Trouble.NONE]


def _check_read(read: Sequence[object], left_out: Sequence[LeftOut], work: Work) -> None:
    """Raise UsageError or InspectorError if there is nothing to work on."""
    if read:
        return
    if work.failures:
        raise InspectorError(f"no video could be read: {work.failures[0].reason}")
    first = left_out[0]
    raise UsageError(
        f"none of the {sum(one.videos for one in left_out)} videos serves: {first.name} {first.reason}; "
        "give smaller --strides, longer videos, or another folder"
    )


def _do(plan: Plan, settings: Settings, work: Work) -> None:
    """All that explains and decides; InspectorError if some of it cannot be done."""
    own = [plan.explaining, plan.deciding]
    work.do("clips", [unit for units in own for stride in settings.strides for unit in units(stride)])
    _check_done(work)
    random = [unit for seed in plan.random_seeds for stride in settings.strides
              for unit in plan.explaining(stride, seed)]  # fmt: skip
    work.do("random weights", random)
    _check_done(work)


def _check_done(work: Work) -> None:
    if work.failures:
        one = work.failures[0]
        raise InspectorError(f"{one.name}: {one.reason} ({len(work.failures)} pieces of work failed)")


@dataclass(frozen=True, eq=False)
class _Gathered:
    """Results of the pieces of work, brought together."""

    agent: ClipAgent
    source: Path
    settings: Settings
    places: Places
    plan: Plan
    work: Work

    def of(
        self, masked_parts: Sequence[NDArray[np.bool_]], frame_counts: Mapping[str, int], left_out: Sequence[LeftOut]
    ) -> Result:
        """The whole, videos in the order of classes and names."""
        mixed = [video for one in self.plan.read for video in one.videos]
        order = sorted(range(len(mixed)), key=lambda i: (mixed[i].label, mixed[i].name))
        videos = tuple(mixed[i] for i in order)
        masked = np.concatenate(masked_parts)[order]
        null = self._null(np.concatenate(masked_parts[: len(self._random_read)]))
        labels = np.array([video.label for video in videos])
        strides = self.settings.strides
        own = {stride: _rows(self._joined(self.plan.explaining(stride)), order) for stride in strides}
        counts = {kind: counted(list(own.values()), kind) for kind in KINDS}
        check_counts(counts["absolute"], null)
        at = {stride: self._at(stride, own[stride], order, labels, counts, masked, null) for stride in strides}
        rights = [(stride, one.right) for stride, one in at.items()]
        return Result(
            agent=self.agent,
            source=self.source,
            settings=self.settings,
            places=self.places,
            videos=videos,
            frame_counts=np.array([frame_counts[video.name] for video in videos]),
            masked=masked,
            counts=counts,
            random_videos=sum(len(one.videos) for one in self._random_read),
            networks={kind: null.counting(kind) for kind in KINDS},
            at=at,
            compared=compare(rights[0][1], rights[1:]),
            stretch_compared=compare(at[strides[0]].stretch_right, rights[1:]),
            changes=_changes(at),
            choice=_choice(at, counts["absolute"]),
            left_out=tuple(left_out),
            failures=tuple(self.work.failures),
            seconds=self.work.seconds,
        )

    @property
    def _random_read(self) -> tuple[Read, ...]:
        return self.plan.read[: len(self.plan.explaining(self.settings.strides[0], self.settings.seed))]

    def _joined(self, units: Sequence[Unit]) -> Arrays:
        return joined_arrays(list(self.work.results(units)))

    def _null(self, masked: NDArray[np.bool_]) -> Null:
        seeds = self.plan.random_seeds
        found = {
            stride: [self._joined(self.plan.explaining(stride, seed)) for seed in seeds]
            for stride in self.settings.strides
        }
        return Null(seeds, found, masked)

    def _at(
        self,
        stride: int,
        own: Arrays,
        order: Sequence[int],
        labels: NDArray[np.int64],
        counts: Mapping[str, NDArray[np.bool_]],
        masked: NDArray[np.bool_],
        null: Null,
    ) -> AtStride:
        parts = list(self.work.results(self.plan.deciding(stride)))
        stretch = np.concatenate([part["probabilities"] for part in parts])[list(order)]
        probabilities = softmax(own["scores"])
        right, stretch_right = probabilities.argmax(1) == labels, stretch.argmax(1) == labels
        kinds = [kind for kind in KINDS if counts[kind].any() and null.counting(kind)]
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
            profiles={kind: profile_of(own, counts[kind], null.at(stride, kind), kind) for kind in kinds},
            regions={
                kind: region_of(own, counts[kind], masked, null.at(stride, kind), null.masked, kind) for kind in kinds
            },
        )


def _rows(arrays: Arrays, order: Sequence[int]) -> Arrays:
    return {name: values[list(order)] for name, values in arrays.items()}


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
