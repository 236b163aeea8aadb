"""Follow the attention of a video classifier over training: what `inspector track` does with clips."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from inspector.clip_track.border import Border, border_of, border_text
from inspector.clip_track.plan import ClipPlan, ClipSettings, clip_plan, of_explaining
from inspector.clip_track.probe import MOVING, ClipProbe
from inspector.clip_track.probe_file import read_clip_probe, save_clip_probe
from inspector.clip_track.recognised import RECOGNISED, accuracy, recognised_rows
from inspector.clip_track.series import ClipSeries
from inspector.clip_track.states import failures_of, make_clip_probe
from inspector.clip_track.terms import terms_of_clips
from inspector.clip_track.videos import TrackedVideo
from inspector.clip_track.work import class_of
from inspector.errors import InspectorError
from inspector.files import replacing, write_json
from inspector.provenance import versions
from inspector.regions import BACKGROUND
from inspector.sweep import Failure, Progress, Store
from inspector.sweep.run import Engine
from inspector.track.checks import prepare_folder
from inspector.track.claim import UNITS
from inspector.track.doing import Work
from inspector.track.found import Found, Series
from inspector.track.measures import area_shares
from inspector.track.result import GAMES, Attention, Curve, Explained, curve_of, joined
from inspector.track.terms import Terms
from inspector.track.tracker import ATTENTION_FILE, MANIFEST, PROBE_FILE
from inspector.track.work import Explaining

RECOGNISED_FILE = "recognised.parquet"


@dataclass(frozen=True, slots=True, eq=False)
class ClipTrack(Found):
    """Attention over the training of one video classifier, or of some of one setting; states are clips, of videos.

    Attributes:
        recognised: Rows of `recognised.parquet`.
        loudness: Positive relevance of every clip at the last checkpoint of the first series, (clips,).
        positive: Of how many clips the explained score is above 0 at the last checkpoint, by series and explanation.
        borders: Relevance at the border of the clip by that at its centre: for each series one an explanation; None
            where clips are too short to have a border.
    """

    probe: ClipProbe
    series: tuple[Series[ClipSeries], ...]
    settings: ClipSettings
    recognised: pa.Table
    loudness: NDArray[np.float64]
    positive: list[dict[str, Any]]
    borders: tuple[tuple[Border | None, ...], ...]

    @property
    def terms(self) -> Terms:
        """What it is about."""
        count = len(self.series)
        name = self.series[0].source.facts.name if count == 1 else f"{count} training runs"
        return terms_of_clips(name, self.probe, self.series[0].source.unit)

    @property
    def stack(self) -> int:
        """Frames of a clip."""
        return self.probe.recipe.frames


def checked_explanations(settings: ClipSettings, class_names: tuple[str, ...]) -> ClipSettings:
    """The settings with classes by their number, and each explanation once.

    Raises:
        UsageError: If there is no such class or composite.
    """
    each: dict[Explaining, None] = {}
    for one in settings.explanations:
        of_explaining(one, class_names)
        number = class_of(one.target, class_names)
        each[one if number is None else replace(one, target=str(number))] = None
    return replace(settings, explanations=tuple(each))


def track_clips(
    series: Sequence[ClipSeries],
    videos: Sequence[TrackedVideo],
    settings: ClipSettings,
    folder: Path,
    engine: Engine,
    *,
    probe: Path | None = None,
    resume: bool = False,
    on_progress: Callable[[str, Progress], None] | None = None,
) -> ClipTrack:
    """Explain the same clips under every checkpoint, and keep what was found.

    Args:
        series: Training runs of one setting; more than one are its seeds.
        videos: Where clips are cut out of; none if a probe set is given.
        settings: What is asked, as `checked_explanations` gives it.
        folder: Where the results land; what was done there before is not done again.
        engine: Who does the work.
        probe: A probe set to explain; None makes one.
        resume: Go on in a folder that holds a track.
        on_progress: Called with the name of a part of the work after each piece of it.

    Raises:
        RecordingError: If the folder cannot be written.
        InspectorError: If no video can be read, or no checkpoint of a series be explained.
    """
    prepare_folder(folder, resume=resume)
    work = Work(Store(folder / UNITS), engine, on_progress)
    clips = read_clip_probe(probe) if probe else make_clip_probe(series[0], videos, settings, work)
    work.failures.clear()  # the probe set keeps them
    save_clip_probe(clips, folder / PROBE_FILE)
    plans = [clip_plan(one, clips, folder / PROBE_FILE, settings) for one in series]
    work.do("same clips", [unit for plan in plans for unit in plan.units])
    gathering = _Gathering(work, clips)
    found = tuple(gathering.series(plan) for plan in plans)
    opened = [Failure(path, reason) for one in series for path, reason in one.failures]
    result = ClipTrack(
        folder=folder,
        probe=clips,
        series=found,
        failures=(*opened, *failures_of(clips), *work.failures),
        settings=settings,
        attention=gathering.attention.table,
        games=GAMES.empty_table(),
        recognised=pa.Table.from_pylist(gathering.rows, schema=RECOGNISED),
        loudness=gathering.loudness,
        positive=gathering.positive,
        borders=tuple(gathering.borders),
    )
    _write(result, work.seconds)
    return result


class _Gathering:
    """Brings together what the pieces of work gave.

    Attributes:
        attention: Rows of `attention.parquet`.
        rows: Rows of `recognised.parquet`.
        loudness: As in `ClipTrack`, likewise `positive` and `borders`.
    """

    def __init__(self, work: Work, probe: ClipProbe) -> None:
        self._work, self._probe, self._stack = work, probe, probe.recipe.frames
        self.attention = Attention((MOVING, BACKGROUND))
        self.rows: list[dict[str, Any]] = []
        self.positive: list[dict[str, Any]] = []
        self.borders: list[tuple[Border | None, ...]] = []
        self.loudness = np.zeros(0)

    def series(self, plan: ClipPlan) -> Series[ClipSeries]:
        """Everything of one series, of the checkpoints that were explained."""
        work, members = self._work, plan.source.members
        kept = [number for number, units in enumerate(plan.probing) if all(map(work.has, units))]
        if not kept or not all(any(map(work.has, units)) for units in plan.random):
            raise InspectorError(f"no checkpoint of {plan.source.name} could be explained: {work.reason(plan.units)}")
        each = [self._curves(plan, number, kept) for number in range(len(plan.explanations))]
        returns, ends = self._recognised(plan, kept)
        found = tuple(members[number] for number in kept)
        regions, positions, borders = zip(*each, strict=True)
        self.borders.append(borders)
        remarks = [] if borders[0] is None else [border_text(borders[0], positions[0])]
        return Series(plan.source, found, regions, returns, ends, positions, (*remarks, *self._probe.remarks))

    def _curves(self, plan: ClipPlan, number: int, kept: Sequence[int]) -> tuple[Curve, Curve, Border | None]:
        """Attention under one explanation: by region, by position in the clip, and at its border."""
        explaining, groups, attention = plan.explanations[number], self._probe.groups, self.attention
        about = self._about(plan, number)
        frames = [plan.source.members[index].frames for index in kept]
        results = self._work.results(plan.probing[index][number] for index in kept)
        explained = [Explained.of(arrays, groups) for arrays in results]
        nets = [Explained.of(arrays, groups) for arrays in self._work.results(plan.random[number])]
        for trained, clips in zip(frames, explained, strict=True):
            self._add(clips, frames=trained, source="probe", **about)
        self._add(joined(nets, same_states=True), frames=None, source="random", **about)
        regions = curve_of(explaining, frames, attention.names, explained, nets, plan.source.unit)
        attention.add_null(regions, area_shares(explained[0].sums, groups), **about)
        places = tuple(map(str, range(self._stack)))
        checkpoints, untrained = ([one.by_frame() for one in some] for some in (explained, nets))
        positions = curve_of(explaining, frames, places, checkpoints, untrained, plan.source.unit)
        attention.add_null_by_frame(positions, **about)
        return regions, positions, border_of(explained, nets)

    def _add(self, explained: Explained, **about: Any) -> None:
        self.attention.add(explained, self._stack, **about)
        self.attention.add_by_frame(explained, **about)

    def _recognised(
        self, plan: ClipPlan, kept: Sequence[int]
    ) -> tuple[tuple[NDArray[np.float64], ...], NDArray[np.float64] | None]:
        """Accuracy of every checkpoint in per cent, with the ends of its interval; rows go to the table."""
        probe, means, ends = self._probe, [], []
        for index in kept:
            (arrays,) = self._work.results([plan.probing[index][0]])
            trained = plan.source.members[index].frames
            self.rows += recognised_rows(plan.source.name, trained, arrays, probe)
            mean, low, high = accuracy(arrays["scores"], probe)
            means.append(np.array([100 * mean]) if np.isfinite(mean) else np.zeros(0))
            ends.append((100 * low, 100 * high))
        for number, unit in enumerate(plan.probing[kept[-1]]):
            self._note_scores(plan, number, next(self._work.results([unit])))
        return tuple(means), np.array(ends) if probe.labelled.any() else None

    def _note_scores(self, plan: ClipPlan, number: int, arrays: Any) -> None:
        counts = {"clips": len(arrays["score"]), "positive": int((arrays["score"] > 0).sum())}
        self.positive.append(self._about(plan, number) | counts)
        if not len(self.loudness):
            self.loudness = np.where(arrays["finite"], arrays["positive"].sum((1, 2)), np.nan)

    def _about(self, plan: ClipPlan, number: int) -> dict[str, Any]:
        one = plan.explanations[number]
        return {"series": plan.source.name, "composite": one.composite, "target": one.target}


def _write(result: ClipTrack, seconds: dict[str, float]) -> None:
    """Tables and manifest."""
    columns = result.terms.columns
    for name, table in ((ATTENTION_FILE, result.attention), (RECOGNISED_FILE, result.recognised)):
        named = table.rename_columns([columns.get(column, column) for column in table.column_names])
        with replacing(result.folder / name) as part:
            pq.write_table(named, part, compression="zstd")
    write_json(result.folder / MANIFEST, clip_manifest(result) | {"seconds": seconds})


def clip_manifest(result: ClipTrack) -> dict[str, Any]:
    """All that a reader of the tables has to know."""
    probe = result.probe
    about = {"digest": probe.digest, "clips": len(probe), "videos": result.group_count, "facts": dict(probe.facts)}
    return {
        "recipe": asdict(probe.recipe),
        "classes": probe.class_names,
        "settings": asdict(result.settings),
        "probe": about | {"stride": probe.stride, "masked_videos": probe.masked_count},
        "regions": (MOVING,),
        "series": [_series_facts(*each) for each in zip(result.series, result.borders, strict=True)],
        "failures": [asdict(failure) for failure in result.failures],
        "left_out": [asdict(failure) for failure in failures_of(probe)],
        "versions": versions(),
    }


def _series_facts(one: Series[ClipSeries], borders: Sequence[Border | None]) -> dict[str, Any]:
    accuracies = [float(found[0]) / 100 if len(found) else None for found in one.returns]
    return {
        "name": one.source.name,
        "agent": asdict(one.source.facts),
        "checkpoints": [asdict(member.checkpoint) for member in one.members],
        "accuracy": accuracies,
        "accuracy_interval": None if one.ends is None else (one.ends / 100).tolist(),
        "attention": list(_onsets(one, borders)),
    }


def _onsets(one: Series[ClipSeries], borders: Sequence[Border | None]) -> Iterator[dict[str, Any]]:
    for regions, positions, border in zip(one.curves, one.stacked, borders, strict=True):
        yield {
            "composite": regions.explaining.composite,
            "target": regions.explaining.target,
            "onsets": dict(regions.onsets),
            "positions": dict(positions.onsets),
            "border_to_centre": border and border.facts,
        }
