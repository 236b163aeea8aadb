"""The command `inspector track`: from arguments to a track, and what it says."""

import json
import re
import shlex
import sys
import time
from argparse import Namespace
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from inspector import clip_options
from inspector.atari.environment import title_of
from inspector.atari.objects import finder_of
from inspector.console import complain, print_json, print_notes, results, sweep_display
from inspector.errors import InspectorError, UsageError
from inspector.files import remove, write_json
from inspector.load import CheckpointSeries, check_different, open_series
from inspector.options import device
from inspector.probe_file import read_probe
from inspector.records import Preprocessing
from inspector.sweep import Progress
from inspector.sweep.cluster import Cluster
from inspector.sweep.run import Engine, Processes, core_count
from inspector.track.asked import Asked, additions, asked_before, asked_of, check_same, claimed, finish, is_finished
from inspector.track.checks import check_probe, checked_series, checked_settings
from inspector.track.found import Found, TrainingRun
from inspector.track.plan import PROBE_STATES, Settings
from inspector.track.summary import positive_scores, summary
from inspector.track.tracker import ATTENTION_FILE, GAMES_FILE, MANIFEST, PROBE_FILE, Track, track
from inspector.track.work import Explaining

LEFT = {"report": "report.html", "film": "evolution.mp4", "curves": "attention.png"}
"""What a track shows, by what it is."""

Report = Callable[[str, Progress], None]


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """What is to be done.

    Attributes:
        series: Training runs.
        folder: Where results land.
        asked: What decides the numbers, as the folder keeps it.
        more: What is asked beyond what the folder has; None for a folder without a track.
        track: Does it.
        show: Draws what was found; whether the film could be made.
        scores: Of how many states the explained score was above 0, by series and explanation.
        left: What is shown, by what it is.
        tables: Names of the tables.
    """

    series: Sequence[TrainingRun]
    folder: Path
    asked: Asked
    more: list[str] | None
    track: Callable[[Report | None], Found]
    show: Callable[[Any, Report | None], bool]
    scores: Callable[[Any], list[dict[str, Any]]]
    left: Mapping[str, str]
    tables: tuple[str, ...]


def run(arguments: Namespace, task_of: Callable[[Namespace], Task]) -> int:
    """Track, and tell; the exit code.

    Args:
        arguments: Of the command.
        task_of: Finds out what is to be done; everything that can be found wrong before work begins is found here.
    """
    with redirect_stdout(sys.stderr):  # should a library print, it is no result
        task = task_of(arguments)
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
    tell(task, as_json=arguments.json)
    lost = _left_out(task)
    for name, reason in lost.items():
        told = name.removeprefix("video ") in reason
        complain(f"left out: {reason if told else f'{name}: {reason}'}")
    if lost or any(one.failures for one in task.series):
        return 3
    return 0 if sound else 1


def game_task(arguments: Namespace) -> Task:
    """What is to be done for agents that play."""
    clip_options.refuse_video(arguments)
    folder = arguments.output or default_folder(arguments.series[0])
    engine, series = engine_of(arguments), opened(arguments)
    say_opened(series)
    check_different(series)
    series = checked_series(series)
    settings = checked_settings(series, settings_of(arguments))
    if not arguments.quiet:
        say_assumed(series, settings)
    given = read_probe(arguments.probe) if arguments.probe else None
    if given:
        check_probe(given, series[0], settings)
    asked = asked_of(series, settings, given)
    probe, more = before(arguments, folder, asked)

    def work(on_progress: Report | None) -> Track:  # `claimed` has written there, hence resume
        return track(series, settings, folder, engine, probe=probe, resume=True, on_progress=on_progress)

    return Task(series, folder, asked, more, work, show, positive_scores, LEFT, (ATTENTION_FILE, GAMES_FILE))


def before(arguments: Namespace, folder: Path, asked: Asked) -> tuple[Path | None, list[str] | None]:
    """The probe set to explain, and what is asked beyond what a folder has; None each where there is none.

    Raises:
        UsageError: If something was asked otherwise before.
    """
    given: Path | None = arguments.probe
    made, there = asked_before(folder) if arguments.resume else None, folder / PROBE_FILE
    if made is None:
        return given, None
    check_same(folder, made, asked)
    probe = given or (there if there.is_file() else None)  # with more checkpoints others would be chosen
    return probe, additions(made, asked)


def say_opened(series: Sequence[TrainingRun]) -> None:
    """Tell, on stderr, what could not be opened and what was left out."""
    for one in series:
        for path, reason in one.failures:
            complain(f"left out: {reason if path in reason else f'{path}: {reason}'}")
        for note in one.notes:
            complain(f"{one.name}: {note}")


def _is_done(task: Task) -> bool:
    """Whether the folder holds all of it."""
    files = (task.folder / name for name in (*task.left.values(), *task.tables))
    return task.more == [] and is_finished(task.folder, task.asked) and all(path.is_file() for path in files)


def _work(task: Task, *, quiet: bool) -> bool:
    """Do what is not done, and show it; whether nothing failed."""
    if task.more:
        complain(f"adds {', '.join(task.more)}")
    with redirect_stdout(sys.stderr), sweep_display(quiet=quiet) as on_progress:
        found = task.track(on_progress)
        told = {"summary": summary(found), "positive_scores": task.scores(found)}
        write_json(task.folder / MANIFEST, json.loads((task.folder / MANIFEST).read_text("utf-8")) | told)
        known = _unopened(task.series) | _left_out(task).keys()
        failed = [failure for failure in found.failures if failure.name not in known]
        sound = task.show(found, on_progress) and not failed
    for failure in failed:
        complain(f"failed: {failure.name}: {failure.reason}")
    if sound:
        finish(task.folder, task.asked)
    return sound


def _unopened(series: Sequence[TrainingRun]) -> set[str]:
    """Files that the user has been told of."""
    return {path for one in series for path, _ in one.failures}


def _left_out(task: Task) -> dict[str, str]:
    """What was given and could not be read, and why; the rest went on without it."""
    manifest = json.loads((task.folder / MANIFEST).read_text("utf-8"))
    return {one["name"]: one["reason"] for one in manifest.get("left_out", ())}


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
    return Processes(arguments.jobs or core_count())


def opened(arguments: Namespace) -> list[CheckpointSeries]:
    """Every series that was named."""
    told = {one.name: getattr(arguments, one.name) for one in fields(Preprocessing)}
    facts: dict[str, Any] = {
        "environment": arguments.env,
        "architecture": arguments.architecture,
        "output": arguments.output_kind,
        "preprocessing": {name: value for name, value in told.items() if value is not None},
        "factory": arguments.factory,
    }
    return [open_series(source, **facts) for source in arguments.series]


def settings_of(arguments: Namespace) -> Settings:
    """What was chosen: every composite with every target."""
    composites: Sequence[str] = arguments.composite or ["epsilon_plus"]
    targets: Sequence[str] = arguments.target or ["score"]
    return Settings(
        explanations=tuple(Explaining(composite, target) for target in targets for composite in composites),
        probe_states=arguments.probe_steps or PROBE_STATES,
        seeds=arguments.seeds,
        max_steps=arguments.max_steps,
        seed=arguments.seed,
        regions=arguments.regions,
        device=device(arguments.device),
        probe_games=arguments.probe_games,
        atoms=arguments.atoms,
    )


def default_folder(source: str) -> Path:
    """A new folder under `recordings/`, named after the series and the time."""
    name = re.sub(r"[^\w.-]+", "-", Path(source).name).strip(".-") or "series"
    return Path("recordings") / f"track-{name}-{time.strftime('%Y%m%d-%H%M%S')}"


def show(found: Track, on_progress: Report | None) -> bool:
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


def tell(task: Task, *, as_json: bool) -> None:
    """Say what was found, and where it is."""
    folder = task.folder
    manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_text("utf-8"))
    files = {kind: folder / name for kind, name in task.left.items() if (folder / name).is_file()}
    if as_json:
        print_json({"folder": str(folder), "files": {kind: str(path) for kind, path in files.items()}, **manifest})
        return
    console = results()
    for line in (*manifest["summary"], *(f"{kind:<10}{path}" for kind, path in files.items())):
        console.print(line, markup=False)
    console.print(f"tables    {folder}: {', '.join(task.tables)}", markup=False)
