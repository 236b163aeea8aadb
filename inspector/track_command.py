"""The command `inspector track`: from arguments to a track, and what it says."""

import os
import re
import shlex
import sys
import time
from argparse import Namespace
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from dataclasses import fields
from pathlib import Path
from typing import Any

from inspector.console import complain, print_json, results, sweep_display
from inspector.errors import UsageError
from inspector.load import CheckpointSeries, open_series
from inspector.records import Preprocessing
from inspector.sweep import Progress
from inspector.sweep.cluster import Cluster
from inspector.sweep.run import Engine, Processes
from inspector.track.plan import Settings
from inspector.track.summary import summary
from inspector.track.tracker import Track, manifest_of, track
from inspector.track.work import Explaining


def run(arguments: Namespace) -> int:
    """Track, and tell; the exit code."""
    folder = arguments.output or default_folder(arguments.series[0])
    with redirect_stdout(sys.stderr):  # should a library print, it is no result
        series = opened(arguments)
        for one in series:
            for path, reason in one.failures:
                complain(f"left out: {reason if path in reason else f'{path}: {reason}'}")
    try:
        with redirect_stdout(sys.stderr), sweep_display(quiet=arguments.quiet) as on_progress:
            found = track(
                series,
                settings_of(arguments),
                folder,
                engine_of(arguments),
                probe=arguments.probe,
                resume=arguments.resume,
                on_progress=on_progress,
            )
            show(found, on_progress)
    except KeyboardInterrupt:
        complain(f"interrupted; go on with: {again(arguments.argv, arguments.output, folder)}")
        return 130
    tell(found, as_json=arguments.json)
    if any(one.failures for one in series):
        return 3
    return 1 if found.failures else 0


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
    )


def default_folder(source: str) -> Path:
    """A new folder under `recordings/`, named after the series and the time."""
    name = re.sub(r"[^\w.-]+", "-", Path(source).name).strip(".-") or "series"
    return Path("recordings") / f"track-{name}-{time.strftime('%Y%m%d-%H%M%S')}"


def show(found: Track, on_progress: Callable[[str, Progress], None] | None) -> None:
    """Draw the curves, the film and the report."""
    from inspector.track.evolution import film_evolution, film_times, moment_count
    from inspector.track.figure import draw_figure
    from inspector.track.report import Chapter, write_report

    draw_figure(found, found.folder)
    film = film_evolution(found, found.folder, on_progress)
    frames = [member.frames for member in found.series[0].members]
    times = film_times(moment_count(len(frames), len(found.probe)), frames)
    write_report(found, found.folder, film=film, times=[Chapter(*one) for one in times])


def tell(found: Track, *, as_json: bool) -> None:
    """Say what was found, and where it is."""
    told = {path for one in found.series for path, _ in one.source.failures}
    for failure in found.failures:
        if failure.name not in told:
            complain(f"failed: {failure.name}: {failure.reason}")
    if as_json:
        print_json({"folder": str(found.folder), "summary": summary(found), **manifest_of(found)})
        return
    console = results()
    for line in summary(found):
        console.print(line, highlight=False, soft_wrap=True)
    console.print(f"report   {found.folder / 'report.html'}", highlight=False, soft_wrap=True)
    console.print(f"film     {found.folder / 'evolution.mp4'}", highlight=False, soft_wrap=True)
    console.print(f"curves   {found.folder / 'attention.png'}", highlight=False, soft_wrap=True)
    console.print(f"tables   {found.folder}: attention.parquet, games.parquet", highlight=False, soft_wrap=True)
