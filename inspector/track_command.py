"""The command `inspector track`: from arguments to a track, and what it says."""

import json
import os
import re
import shlex
import sys
import time
from argparse import Namespace
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from inspector.atari.environment import title_of
from inspector.atari.objects import finder_of
from inspector.console import complain, print_json, print_notes, results, sweep_display
from inspector.errors import InspectorError, UsageError
from inspector.files import remove, write_json
from inspector.load import CheckpointSeries, check_different, open_series
from inspector.probe_file import read_probe
from inspector.records import Preprocessing
from inspector.sweep import Progress
from inspector.sweep.cluster import Cluster
from inspector.sweep.run import Engine, Processes
from inspector.track.asked import Asked, additions, asked_before, asked_of, check_same, claimed, finish, is_finished
from inspector.track.checks import check_probe, checked_series, checked_settings
from inspector.track.plan import Settings
from inspector.track.summary import positive_scores, summary
from inspector.track.tracker import ATTENTION_FILE, GAMES_FILE, MANIFEST, PROBE_FILE, Track, track
from inspector.track.work import Explaining

LEFT = {"report": "report.html", "film": "evolution.mp4", "curves": "attention.png"}
"""What a track shows, by what it is."""


@dataclass(frozen=True, slots=True, eq=False)
class _Task:
    """What is to be done.

    Attributes:
        series: Training runs.
        settings: What was chosen.
        engine: Who works.
        folder: Where results land.
        probe: File of the probe set; None makes one.
        asked: What decides the numbers, as the folder keeps it.
        more: What is asked beyond what the folder has; None for a folder without a track.
    """

    series: list[CheckpointSeries]
    settings: Settings
    engine: Engine
    folder: Path
    probe: Path | None
    asked: Asked
    more: list[str] | None


def run(arguments: Namespace) -> int:
    """Track, and tell; the exit code."""
    with redirect_stdout(sys.stderr):  # should a library print, it is no result
        task = _task(arguments)
    sound = True
    if _is_done(task):
        complain("nothing new is asked: all of it was done before")
    else:
        try:
            with claimed(task.folder, task.asked, resume=arguments.resume):
                sound = _work(task, quiet=arguments.quiet)
        except KeyboardInterrupt:
            complain(f"interrupted; go on with: {again(arguments.argv, arguments.output, task.folder)}")
            return 130
    tell(task.folder, as_json=arguments.json)
    if any(one.failures for one in task.series):
        return 3
    return 0 if sound else 1


def _task(arguments: Namespace) -> _Task:
    """Everything that can be found wrong before work begins is; what was assumed is said."""
    folder = arguments.output or default_folder(arguments.series[0])
    engine, series = engine_of(arguments), opened(arguments)
    for one in series:
        for path, reason in one.failures:
            complain(f"left out: {reason if path in reason else f'{path}: {reason}'}")
        for note in one.notes:
            complain(f"{one.name}: {note}")
    check_different(series)
    series = checked_series(series)
    settings = checked_settings(series, settings_of(arguments))
    if not arguments.quiet:
        say_assumed(series, settings)
    given = read_probe(arguments.probe) if arguments.probe else None
    if given:
        check_probe(given, series[0], settings)
    asked = asked_of(series, settings, given)
    made, there = asked_before(folder) if arguments.resume else None, folder / PROBE_FILE
    if made is None:
        return _Task(series, settings, engine, folder, arguments.probe, asked, None)
    check_same(folder, made, asked)
    probe = arguments.probe or (there if there.is_file() else None)  # with more checkpoints others would be chosen
    return _Task(series, settings, engine, folder, probe, asked, additions(made, asked))


def _is_done(task: _Task) -> bool:
    """Whether the folder holds all of it."""
    files = (task.folder / name for name in (*LEFT.values(), GAMES_FILE))
    return task.more == [] and is_finished(task.folder, task.asked) and all(path.is_file() for path in files)


def _work(task: _Task, *, quiet: bool) -> bool:
    """Do what is not done, and show it; whether nothing failed."""
    if task.more:
        complain(f"adds {', '.join(task.more)}")
    with redirect_stdout(sys.stderr), sweep_display(quiet=quiet) as on_progress:
        found = track(
            task.series,
            task.settings,
            task.folder,
            task.engine,
            probe=task.probe,
            resume=True,  # `claimed` has written there
            on_progress=on_progress,
        )
        told = {"summary": summary(found), "positive_scores": positive_scores(found)}
        write_json(task.folder / MANIFEST, json.loads((task.folder / MANIFEST).read_text("utf-8")) | told)
        failed = [failure for failure in found.failures if failure.name not in _unopened(task.series)]
        sound = show(found, on_progress) and not failed
    for failure in failed:
        complain(f"failed: {failure.name}: {failure.reason}")
    if sound:
        finish(task.folder, task.asked)
    return sound


def _unopened(series: Sequence[CheckpointSeries]) -> set[str]:
    """Files that the user has been told of."""
    return {path for one in series for path, _ in one.failures}


def say_assumed(series: Sequence[CheckpointSeries], settings: Settings) -> None:
    """Tell, on stderr, what no file states, once; and which game has no objects to name."""
    from rich.console import Console

    assumed = dict.fromkeys(line for one in series for line in one.facts.assumed)
    print_notes(Console(stderr=True, highlight=False, soft_wrap=True), "assumed; a flag says otherwise", assumed)
    game = series[0].environment
    if settings.regions is None and finder_of(game) is None:
        complain(
            f"no objects are known for {title_of(game)}: what moves is followed; "
            "draw regions of your own with --regions"
        )


def again(words: Sequence[str], output: Path | None, folder: Path) -> str:
    """The command that goes on with a track, for a shell."""
    place = [] if output else ["-o", str(folder)]
    return shlex.join([*words, *place, *([] if "--resume" in words else ["--resume"])])


def engine_of(arguments: Namespace) -> Engine:
    """Who does the work."""
    if arguments.engine == "ray":
        return Cluster(arguments.address, arguments.jobs)
    if arguments.address:
        raise UsageError("--address names a Ray cluster: add --engine ray")
    return Processes(arguments.jobs or _core_count())


def _core_count() -> int:
    """Cores that this process may use, as a job scheduler gave them."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def opened(arguments: Namespace) -> list[CheckpointSeries]:
    """Every series that was named."""
    told = {one.name: getattr(arguments, one.name) for one in fields(Preprocessing)}
    options: dict[str, Any] = {
        "environment": arguments.env,
        "architecture": arguments.architecture,
        "output": arguments.output_kind,
        "preprocessing": {name: value for name, value in told.items() if value is not None},
        "factory": arguments.factory,
    }
    return [open_series(source, **options) for source in arguments.series]


def settings_of(arguments: Namespace) -> Settings:
    """What was chosen: every composite with every target."""
    composites: Sequence[str] = arguments.composite or ["epsilon_plus"]
    targets: Sequence[str] = arguments.target or ["score"]
    return Settings(
        explanations=tuple(Explaining(composite, target) for target in targets for composite in composites),
        probe_states=arguments.probe_steps,
        seeds=arguments.seeds,
        max_steps=arguments.max_steps,
        seed=arguments.seed,
        regions=arguments.regions,
        device=arguments.device,
        probe_games=arguments.probe_games,
        atoms=arguments.atoms,
    )


def default_folder(source: str) -> Path:
    """A new folder under `recordings/`, named after the series and the time."""
    name = re.sub(r"[^\w.-]+", "-", Path(source).name).strip(".-") or "series"
    return Path("recordings") / f"track-{name}-{time.strftime('%Y%m%d-%H%M%S')}"


def show(found: Track, on_progress: Callable[[str, Progress], None] | None) -> bool:
    """Draw the curves, the film and the report; whether the film could be made, without which the others go on."""
    from inspector.track.evolution import FILM, film_evolution, film_times, moment_count
    from inspector.track.figure import draw_figure
    from inspector.track.report import Chapter, write_report

    draw_figure(found, found.folder)
    try:
        film = film_evolution(found, found.folder, on_progress)
    except InspectorError as error:
        complain(f"failed: the film: {error}; the report has none, and --resume tries again")
        remove(found.folder / FILM)  # one of before would show other things than the report
        write_report(found, found.folder, film=None)
        return False
    frames = [member.frames for member in found.series[0].members]
    times = film_times(moment_count(len(frames), len(found.probe)), frames)
    write_report(found, found.folder, film=film, times=[Chapter(*one) for one in times])
    return True


def tell(folder: Path, *, as_json: bool) -> None:
    """Say what was found, and where it is."""
    manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_text("utf-8"))
    files = {kind: folder / name for kind, name in LEFT.items() if (folder / name).is_file()}
    if as_json:
        print_json({"folder": str(folder), "files": {kind: str(path) for kind, path in files.items()}, **manifest})
        return
    console = results()
    for line in (*manifest["summary"], *(f"{kind:<9}{path}" for kind, path in files.items())):
        console.print(line, highlight=False, soft_wrap=True)
    console.print(f"tables   {folder}: {ATTENTION_FILE}, {GAMES_FILE}", highlight=False, soft_wrap=True)
