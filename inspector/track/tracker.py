"""Follow attention over training: what the command `inspector track` does."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from inspector.atari.objects.choice import find_for
from inspector.errors import InspectorError
from inspector.files import replacing, write_json
from inspector.load import CheckpointSeries, Member
from inspector.probe import ProbeSet, State, stratified
from inspector.probe_file import read_probe, save_probe, states_of
from inspector.provenance import versions
from inspector.regions import BACKGROUND
from inspector.sweep import Arrays, Failure, Progress, Store, Unit, run_units
from inspector.sweep.run import Engine
from inspector.track.checks import check_probe, checked_series, checked_settings, prepare_folder
from inspector.track.plan import Plan, Settings, collecting, plan_of
from inspector.track.result import GAMES, Attention, Curve, Explained, curve_of, joined
from inspector.track.work import Explaining

MANIFEST, ATTENTION_FILE, GAMES_FILE, PROBE_FILE, UNITS = (
    "manifest.json",
    "attention.parquet",
    "games.parquet",
    "probe.npz",
    "units",
)
_NOTHING = np.empty(0, np.uint8)


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
        InspectorError: If no checkpoint of a series could be explained.
    """
    series, settings = checked_series(series), checked_settings(series, settings)
    given = read_probe(probe) if probe else None
    if given:
        check_probe(given, series[0], settings)
    prepare_folder(folder, resume=resume)
    work = _Work(Store(folder / UNITS), engine, on_progress)
    states = given or _made_probe(series, settings, work)
    save_probe(states, folder / PROBE_FILE)
    plans = [plan_of(one, states, folder / PROBE_FILE, settings) for one in series]
    work.do("same states", [unit for plan in plans for unit in plan.probing_units])
    _check_explained(plans, work)
    work.do("own games", [unit for plan in plans for unit in plan.playing_units])
    tables = _Tables(Attention((*states.names, BACKGROUND)), states.groups, settings.seeds)
    found = tuple(_found(plan, work, tables) for plan in plans)
    opened = [Failure(path, reason) for one in series for path, reason in one.failures]
    failures = (*opened, *work.failures)
    result = Track(folder, states, found, failures, settings, tables.attention.table, tables.games_table)
    _write(result, work.seconds)
    return result


class _Work:
    """Does units, remembers what failed, and how long all took."""

    def __init__(self, store: Store, engine: Engine, on_progress: Callable[[str, Progress], None] | None) -> None:
        self._store, self._engine, self._on_progress = store, engine, on_progress
        self.failures: list[Failure] = []
        self.seconds: dict[str, float] = {}

    def do(self, part: str, units: Sequence[Unit]) -> None:
        """Do what is not done; what fails is among the failures."""
        report, start = self._on_progress, time.perf_counter()
        tell = None if report is None else lambda now: report(part, now)
        self.failures += run_units(units, self._store, self._engine, tell)
        self.seconds[part] = time.perf_counter() - start

    def has(self, unit: Unit) -> bool:
        """Whether it is done."""
        return self._store.has(unit)

    def reason(self, units: Iterable[Unit]) -> str:
        """Why the first of them failed that did."""
        names = {unit.name for unit in units}
        return next((failure.reason for failure in self.failures if failure.name in names), "there are none")

    def results(self, units: Iterable[Unit]) -> Iterator[Arrays]:
        """Of those that are done, read one by one: all at once may be too many."""
        return (self._store.load(unit) for unit in units if self._store.has(unit))


def _made_probe(series: Sequence[CheckpointSeries], settings: Settings, work: _Work) -> ProbeSet:
    """States out of the play of several checkpoints, evenly from every phase of the game."""
    first, units = series[0], collecting(series, settings)
    names = find_for(first.environment, settings.regions).names
    work.do("states", units)
    known = [replace(state, observation=_NOTHING, screen=_NOTHING) for state in _candidates(units, names, work)]
    if not known:
        raise InspectorError(f"no checkpoint could play for a probe set: {work.reason(units)}")
    places = {_place(state) for state in stratified(known, settings.probe_states, settings.seed)}
    chosen = [_alone(state) for state in _candidates(units, names, work) if _place(state) in places]
    facts = {"seed": settings.seed, "sources": [unit.name for unit in units], "versions": versions()}
    if settings.regions:
        facts["regions"] = settings.regions.read_text("utf-8")
    return ProbeSet(first.environment, first.preprocessing, names, tuple(sorted(chosen, key=_place)), facts)


def _candidates(units: Sequence[Unit], names: Sequence[str], work: _Work) -> Iterator[State]:
    """States for a probe set, each source with episodes of its own; unit by unit: all pictures may be too many."""
    for number, unit in enumerate(units):
        for arrays in work.results([unit]):
            for state in states_of(arrays, names):
                yield replace(state, episode=state.episode + 1000 * number)


def _place(state: State) -> tuple[int, int, int]:
    return state.source, state.episode, state.step


def _alone(state: State) -> State:
    """The same, apart from the arrays of all candidates, which it would keep in memory."""
    return replace(state, observation=state.observation.copy(), screen=state.screen.copy())


def _check_explained(plans: Sequence[Plan], work: _Work) -> None:
    """Raise InspectorError if a series has no checkpoint under every explanation, or one of them no null line."""
    for plan in plans:
        explained = any(all(map(work.has, units)) for units in plan.probing)
        if not explained or not all(any(map(work.has, units)) for units in plan.random):
            reason = work.reason(plan.probing_units)
            raise InspectorError(f"no checkpoint of {plan.source.name} could be explained: {reason}")


@dataclass(slots=True)
class _Tables:
    """What was found so far: rows of attention and of games."""

    attention: Attention
    groups: NDArray[np.int64]
    seeds: Sequence[int]
    games: list[dict[str, Any]] = field(default_factory=list)

    @property
    def games_table(self) -> pa.Table:
        return pa.Table.from_pylist(self.games, schema=GAMES)


def _found(plan: Plan, work: _Work, tables: _Tables) -> Series:
    """Everything of one series, of the checkpoints that were explained and played; its rows go to the tables."""
    kept = [
        number
        for number, (probing, playing) in enumerate(zip(plan.probing, plan.playing, strict=True))
        if all(map(work.has, probing)) and (any(map(work.has, playing)) or not playing)
    ]
    if not kept:
        reason = work.reason([*plan.playing_units, *plan.probing_units])
        raise InspectorError(f"no checkpoint of {plan.source.name} could be explained and play: {reason}")
    curves = tuple(_curve(plan, number, kept, work, tables) for number in range(len(plan.explanations)))
    returns = tuple(_played(plan, number, work, tables) for number in kept)
    return Series(plan.source, tuple(plan.source.members[number] for number in kept), curves, returns)


def _curve(plan: Plan, number: int, kept: Sequence[int], work: _Work, tables: _Tables) -> Curve:
    """Attention on the same states under one explanation."""
    explaining, stack, attention = plan.explanations[number], plan.source.preprocessing.stack, tables.attention
    about = _about(plan, explaining)
    frames = [plan.source.members[index].frames for index in kept]
    results = work.results(plan.probing[index][number] for index in kept)
    explained = [Explained.of(arrays, tables.groups) for arrays in results]
    for trained, states in zip(frames, explained, strict=True):
        attention.add(states, stack, frames=trained, source="probe", **about)
    nets = [Explained.of(arrays, tables.groups) for arrays in work.results(plan.random[number])]
    attention.add(joined(nets), stack, frames=None, source="random", **about)
    return curve_of(explaining, frames, attention.names, explained, nets)


def _played(plan: Plan, number: int, work: _Work, tables: _Tables) -> NDArray[np.float64]:
    """Own games of one checkpoint: their returns."""
    about, frames = _about(plan, plan.explanations[0]), plan.source.members[number].frames
    returns, explained = [], []
    for seed, unit in zip(tables.seeds, plan.playing[number], strict=True):
        for arrays in work.results([unit]):
            game = {name: arrays[name].item() for name in ("return", "length", "finished")}
            tables.games.append({"series": plan.source.name, "frames": frames, "seed": seed, **game})
            returns.append(game["return"])
            if "finite" in arrays:  # a game may end before anything is explained
                explained.append(Explained.of(arrays, np.zeros(len(arrays["finite"]), np.int64)))
    if explained:
        tables.attention.add(joined(explained), plan.source.preprocessing.stack, frames=frames, source="play", **about)
    return np.array(returns)


def _about(plan: Plan, explaining: Explaining) -> dict[str, str]:
    return {"series": plan.source.name, "composite": explaining.composite, "target": explaining.target}


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
