"""Follow attention over training: what the command `inspector track` does."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from inspector.errors import InspectorError
from inspector.files import replacing, write_json
from inspector.load import CheckpointSeries
from inspector.probe import ProbeSet
from inspector.probe_file import read_probe, save_probe
from inspector.provenance import versions
from inspector.regions import BACKGROUND
from inspector.sweep import Arrays, Failure, Progress, Store
from inspector.sweep.run import Engine
from inspector.track.atoms import COMPOSITE as ATOM_COMPOSITE
from inspector.track.atoms import combinatorial, hierarchical, joined_atoms, set_names
from inspector.track.checks import check_probe, checked_series, checked_settings, prepare_folder
from inspector.track.claim import UNITS
from inspector.track.doing import Work
from inspector.track.found import Found, Series
from inspector.track.measures import area_shares
from inspector.track.plan import Plan, Settings, plan_of
from inspector.track.result import GAMES, Attention, Curve, Explained, curve_of, joined
from inspector.track.states import make_probe
from inspector.track.terms import Terms, terms_of_game
from inspector.track.work import Explaining

MANIFEST, ATTENTION_FILE, GAMES_FILE, PROBE_FILE = "manifest.json", "attention.parquet", "games.parquet", "probe.npz"


@dataclass(frozen=True, slots=True, eq=False)
class Track(Found):
    """Attention over the training of one agent that plays, or of some of one setting."""

    probe: ProbeSet
    series: tuple[Series[CheckpointSeries], ...]
    settings: Settings

    @property
    def terms(self) -> Terms:
        """What it is about."""
        return terms_of_game(self.probe.environment)

    @property
    def stack(self) -> int:
        """Frames in a network input."""
        return self.probe.preprocessing.stack


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
    work = Work(Store(folder / UNITS), engine, on_progress)
    states = given or make_probe(series, settings, work)
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


def _check_explained(plans: Sequence[Plan], work: Work) -> None:
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

    def add_atoms(self, atoms: Arrays, groups: NDArray[np.int64], **about: Any) -> None:
        """ATOMs of some states under one checkpoint."""
        about |= {"composite": ATOM_COMPOSITE.name, "target": "score"}
        names = set_names(atoms["sets"], self.attention.names)
        self.attention.add_ratios(hierarchical(atoms, groups), "atom_hierarchical", None, **about)
        self.attention.add_ratios(combinatorial(atoms, groups), "atom_combinatorial", None, names, **about)

    @property
    def games_table(self) -> pa.Table:
        return pa.Table.from_pylist(self.games, schema=GAMES)


def _found(plan: Plan, work: Work, tables: _Tables) -> Series[CheckpointSeries]:
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
    _add_atoms(plan, kept, work, tables)
    returns = tuple(_played(plan, number, work, tables) for number in kept)
    return Series(plan.source, tuple(plan.source.members[number] for number in kept), curves, returns)


def _curve(plan: Plan, number: int, kept: Sequence[int], work: Work, tables: _Tables) -> Curve:
    """Attention on the same states under one explanation."""
    explaining, stack, attention = plan.explanations[number], plan.source.preprocessing.stack, tables.attention
    about = _about(plan, explaining)
    frames = [plan.source.members[index].frames for index in kept]
    results = work.results(plan.probing[index][number] for index in kept)
    explained = [Explained.of(arrays, tables.groups) for arrays in results]
    for trained, states in zip(frames, explained, strict=True):
        attention.add(states, stack, frames=trained, source="probe", **about)
    nets = [Explained.of(arrays, tables.groups) for arrays in work.results(plan.random[number])]
    attention.add(joined(nets, same_states=True), stack, frames=None, source="random", **about)
    curve = curve_of(explaining, frames, attention.names, explained, nets)
    attention.add_null(curve, area_shares(explained[0].sums, tables.groups), **about)
    return curve


def _add_atoms(plan: Plan, kept: Sequence[int], work: Work, tables: _Tables) -> None:
    """ATOMs on the same states, if they were asked for."""
    if not plan.atoms:
        return
    for index in kept:
        frames = plan.source.members[index].frames
        for atoms in work.results([plan.atoms[index]]):
            tables.add_atoms(atoms, tables.groups, series=plan.source.name, frames=frames, source="probe")
    nets = list(work.results(plan.random_atoms))
    if nets:
        groups = np.tile(tables.groups, len(nets))
        tables.add_atoms(joined_atoms(nets), groups, series=plan.source.name, frames=None, source="random")


def _played(plan: Plan, number: int, work: Work, tables: _Tables) -> NDArray[np.float64]:
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


def _series_facts(one: Series[CheckpointSeries]) -> dict[str, Any]:
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
