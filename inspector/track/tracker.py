"""Follow attention over training: what the command `inspector track` does."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from inspector.atari.environment import make_environment
from inspector.atari.objects.choice import find_for
from inspector.errors import InspectorError, RecordingError, UsageError
from inspector.explaining import resolve_action
from inspector.files import replacing, write_error, write_json
from inspector.load import CheckpointSeries, Member
from inspector.probe import ProbeSet, State, stratified
from inspector.probe_file import read_probe, save_probe, states_of
from inspector.provenance import versions
from inspector.regions import BACKGROUND
from inspector.sweep import Arrays, Failure, Progress, Store, Unit, run_units
from inspector.sweep.run import Engine
from inspector.track.plan import Settings, collecting, playing, probing
from inspector.track.result import GAMES, Attention, Curve, Explained, curve_of, joined

MANIFEST, ATTENTION_FILE, GAMES_FILE, PROBE_FILE, UNITS = (
    "manifest.json",
    "attention.parquet",
    "games.parquet",
    "probe.npz",
    "units",
)


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """What was found of one series.

    Attributes:
        source: The series.
        members: Its checkpoints of which there are results, ascending.
        curves: Attention on the same states, one an explanation, the main one first.
        returns: Returns of the games that each of the checkpoints played.
    """

    source: CheckpointSeries
    members: tuple[Member, ...]
    curves: tuple[Curve, ...]
    returns: tuple[NDArray[np.float64], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """Attention over the training of one agent, or of some of one setting.

    Attributes:
        folder: Where it lies.
        probe: The states that every checkpoint was explained on.
        series: What was found, one a training run.
        failures: What could not be opened or done, by name.
        settings: What was chosen.
        attention: Rows of `attention.parquet`.
        games: Rows of `games.parquet`.
    """

    folder: Path
    probe: ProbeSet
    series: tuple[Series, ...]
    failures: tuple[Failure, ...]
    settings: Settings
    attention: pa.Table
    games: pa.Table


def track(
    series: Sequence[CheckpointSeries],
    settings: Settings,
    folder: Path,
    engine: Engine,
    *,
    probe: Path | None = None,
    resume: bool = False,
    on_progress: Callable[[str, Progress], None] | None = None,
) -> Track:
    """Explain the same states under every checkpoint, let each play its own games, and keep what was found.

    Args:
        series: Training runs of one setting; more than one are its seeds.
        settings: What is asked.
        folder: Where the results land; what was done there before is not done again.
        engine: Who does the work.
        probe: A probe set to explain; None makes one out of play of the series.
        resume: Go on in a folder that holds a track.
        on_progress: Called with the name of a part of the work after each piece of it.

    Returns:
        The track; a checkpoint that failed is among its failures, and not in its tables.

    Raises:
        UsageError: If series do not fit each other or the probe set, there is one checkpoint alone, or the folder holds
            something.
        RecordingError: If the folder cannot be written.
        InspectorError: If no checkpoint could be explained.
    """
    _check(series)
    series = _told_apart(series)
    settings = _resolved(series[0], settings)
    find_for(series[0].environment, settings.regions)  # a file of regions that does not serve is told before any work
    _prepare(folder, resume=resume)
    work = _Work(Store(folder / UNITS), engine, on_progress)
    states = read_probe(probe) if probe else _made_probe(series, settings, work)
    states.check(series[0].environment, series[0].preprocessing)
    save_probe(states, folder / PROBE_FILE)
    attention = Attention((*states.names, BACKGROUND))
    games: list[dict[str, Any]] = []
    found = tuple(_followed(one, states, folder / PROBE_FILE, settings, work, attention, games) for one in series)
    opened = [Failure(path, reason) for one in series for path, reason in one.failures]
    result = Track(
        folder,
        states,
        found,
        (*opened, *work.failures),
        settings,
        attention.table,
        pa.Table.from_pylist(games, schema=GAMES),
    )
    _write(result, work.seconds)
    return result


class _Work:
    """Does units, remembers what failed, and how long all took."""

    def __init__(self, store: Store, engine: Engine, on_progress: Callable[[str, Progress], None] | None) -> None:
        self._store, self._engine, self._on_progress = store, engine, on_progress
        self.failures: list[Failure] = []
        self.seconds: dict[str, float] = {}

    def do(self, part: str, units: Sequence[Unit]) -> list[Arrays | None]:
        """Results in the order of the units; None for one that failed."""
        report = self._on_progress
        start = time.perf_counter()
        failures = run_units(
            units, self._store, self._engine, None if report is None else lambda now: report(part, now)
        )
        self.seconds[part] = self.seconds.get(part, 0.0) + time.perf_counter() - start
        self.failures += failures
        failed = {failure.name for failure in failures}
        return [None if unit.name in failed else self._store.load(unit) for unit in units]


def _check(series: Sequence[CheckpointSeries]) -> None:
    first = series[0]
    for one in series[1:]:
        for name in ("environment", "preprocessing", "action_count"):
            if getattr(one, name) != getattr(first, name):
                raise UsageError(
                    f"{one.name} has another {name.replace('_', ' ')} ({getattr(one, name)}) than {first.name} "
                    f"({getattr(first, name)}): series of one setting belong together"
                )
    for one in series:
        if len(one.members) < 2:
            raise UsageError(
                f"{one.name} has one checkpoint ({one.members[0].checkpoint.path}), and a track needs at least two: "
                "name the folder of the whole run, or use `inspector record` for one"
            )


def _told_apart(series: Sequence[CheckpointSeries]) -> list[CheckpointSeries]:
    """The series with a number behind a name that another has too."""
    seen: Counter[str] = Counter()
    each = []
    for one in series:
        seen[one.name] += 1
        each.append(one if seen[one.name] == 1 else replace(one, name=f"{one.name} ({seen[one.name]})"))
    return each


def _resolved(one: CheckpointSeries, settings: Settings) -> Settings:
    """The settings with actions by their number."""
    with closing(make_environment(one.environment, one.preprocessing, one.action_count)) as game:
        names = game.action_names
    each = []
    for explaining in settings.explanations:
        action = resolve_action(explaining.target, names)
        each.append(explaining if action is None else replace(explaining, target=str(action)))
    return replace(settings, explanations=tuple(each))


def _prepare(folder: Path, *, resume: bool) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        there = next(folder.iterdir(), None)
    except OSError as error:
        raise write_error(folder, error) from error
    if there and not resume:
        raise RecordingError(f"{folder} holds something ({there.name}): choose another folder, or go on with --resume")


def _made_probe(series: Sequence[CheckpointSeries], settings: Settings, work: _Work) -> ProbeSet:
    """States out of the play of several checkpoints, evenly from every phase of the game."""
    first, units = series[0], collecting(series, settings)
    finder = find_for(first.environment, settings.regions)
    states: list[State] = []
    for number, arrays in enumerate(work.do("states", units)):
        if arrays is not None:
            found = states_of(arrays, finder.names)
            states += [replace(state, episode=state.episode + 1000 * number) for state in found]
    if not states:
        raise InspectorError(
            "no checkpoint gave states for a probe set: see the failures above, or give one by --probe"
        )
    facts = {"seed": settings.seed, "sources": [unit.name for unit in units], "versions": versions()}
    chosen = stratified(states, settings.probe_states, settings.seed)
    return ProbeSet(first.environment, first.preprocessing, finder.names, chosen, facts)


def _followed(
    one: CheckpointSeries,
    probe: ProbeSet,
    file: Path,
    settings: Settings,
    work: _Work,
    attention: Attention,
    games: list[dict[str, Any]],
) -> Series:
    """Everything of one series; its rows go to `attention` and `games`."""
    stack, groups, main = one.preprocessing.stack, probe.groups, settings.explanations[0]
    on_probe: list[list[Explained | None]] = []
    curves_random: list[list[Explained]] = []
    for explaining in settings.explanations:
        about = {"series": one.name, "composite": explaining.composite, "target": explaining.target}
        units, random = probing(one, explaining, probe, file, settings)
        done = work.do("same states", [*units, *random])
        results = [None if arrays is None else Explained.of(arrays, groups) for arrays in done]
        explained, nets = results[: len(units)], [net for net in results[len(units) :] if net]
        for member, states in zip(one.members, explained, strict=True):
            if states:
                attention.add(states, stack, frames=member.frames, source="probe", **about)
        for net in nets[:1] and [joined(nets)]:
            attention.add(net, stack, frames=None, source="random", **about)
        on_probe.append(explained)
        curves_random.append(nets)
    returns = _played(one, main, settings, work, attention, games)
    kept = [i for i in range(len(one.members)) if all(column[i] for column in on_probe) and returns[i] is not None]
    if not kept or not all(curves_random):
        raise InspectorError(f"no checkpoint of {one.name} could be explained: {work.failures[0].reason}")
    curves = []
    for explaining, column, nets in zip(settings.explanations, on_probe, curves_random, strict=True):
        frames = [one.members[i].frames for i in kept]
        shown = [states for i in kept if (states := column[i]) is not None]
        curves.append(curve_of(explaining, frames, attention.names, shown, nets))
    members = tuple(one.members[i] for i in kept)
    return Series(one, members, tuple(curves), tuple(found for i in kept if (found := returns[i]) is not None))


def _played(
    one: CheckpointSeries,
    explaining: Any,
    settings: Settings,
    work: _Work,
    attention: Attention,
    games: list[dict[str, Any]],
) -> list[NDArray[np.float64] | None]:
    """Own games of every checkpoint: their returns; None where none could be played."""
    stack = one.preprocessing.stack
    about = {"series": one.name, "composite": explaining.composite, "target": explaining.target}
    units = [playing(one, member, explaining, settings) for member in one.members]
    results = iter(work.do("own games", [unit for some in units for unit in some]))
    returns: list[NDArray[np.float64] | None] = []
    for member, some in zip(one.members, units, strict=True):
        played = [(seed, arrays) for seed, _, arrays in zip(settings.seeds, some, results, strict=False) if arrays]
        for seed, arrays in played:
            row = {"series": one.name, "frames": member.frames, "seed": seed}
            games.append(row | {name: arrays[name].item() for name in ("return", "length", "finished")})
        explained = [
            Explained.of(arrays, np.zeros(len(arrays["finite"]), np.int64))
            for _, arrays in played
            if "finite" in arrays
        ]
        if explained:
            attention.add(joined(explained), stack, frames=member.frames, source="play", **about)
        returns.append(np.array([arrays["return"].item() for _, arrays in played]) if played or not some else None)
    return returns


def _write(result: Track, seconds: dict[str, float]) -> None:
    """Tables and manifest."""
    for name, table in ((ATTENTION_FILE, result.attention), (GAMES_FILE, result.games)):
        with replacing(result.folder / name) as part:
            pq.write_table(table, part, compression="zstd")
    write_json(result.folder / MANIFEST, manifest_of(result) | {"seconds": seconds})


def manifest_of(result: Track) -> dict[str, Any]:
    """All that a reader of the tables has to know."""
    settings = asdict(result.settings)
    if result.settings.regions:
        settings["regions"] = {"file": str(result.settings.regions), "content": result.settings.regions.read_text()}
    return {
        "environment": result.probe.environment,
        "preprocessing": asdict(result.probe.preprocessing),
        "settings": settings,
        "probe": {"digest": result.probe.digest, "states": len(result.probe), "facts": result.probe.facts},
        "regions": result.probe.names,
        "series": [_series_facts(one) for one in result.series],
        "failures": [asdict(failure) for failure in result.failures],
        "versions": versions(),
    }


def _series_facts(one: Series) -> dict[str, Any]:
    onsets = [
        {"composite": curve.explaining.composite, "target": curve.explaining.target, "onsets": dict(curve.onsets)}
        for curve in one.curves
    ]
    return {
        "name": one.source.name,
        "agent": asdict(one.source.facts),
        "checkpoints": [asdict(member.checkpoint) for member in one.members],
        "mean_returns": [float(returns.mean()) if len(returns) else None for returns in one.returns],
        "attention": onsets,
    }
