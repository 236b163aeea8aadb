"""What the command line says: results to stdout, errors and progress to stderr. rich does the colours and NO_COLOR."""

import json
import math
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

    from inspector.session import Progress

LINE_EVERY_SECONDS = 60.0
"""Longest silence on a stderr that is no terminal."""


def complain(message: str) -> None:
    """Print one line to stderr; names out of foreign files cannot steer the terminal through it."""
    line = " ".join(message.split())
    with suppress(OSError):  # who would read it may be gone, and that must not stop what is being ended
        print("".join(c if c.isprintable() else "?" for c in line), file=sys.stderr)  # noqa: T201  the one place


def results() -> "Console":
    """The console for results: stdout, as wide as its lines need."""
    from rich.console import Console

    return Console(highlight=False, soft_wrap=True)


def print_json(document: dict[str, Any]) -> None:
    """Print one JSON object to stdout, and nothing else."""
    print(json.dumps(document, indent=2, default=str, allow_nan=False))  # noqa: T201  the one place


def print_facts(console: "Console", title: str, facts: Iterable[tuple[str, object]]) -> None:
    """Print a title and facts below it, names aligned; facts that are None are left out, and a title without facts."""
    from rich.text import Text

    known = [(name, str(value)) for name, value in facts if value is not None]
    width = max((len(name) for name, _ in known), default=0)
    if known:
        console.print(Text(title, style="bold"))
    for name, value in known:
        console.print(Text.assemble("  ", (name.ljust(width), "dim"), "  ", value))


def print_notes(console: "Console", title: str, notes: Iterable[str]) -> None:
    """Print a title and a line for each note; nothing without notes."""
    from rich.text import Text

    lines = list(notes)
    if lines:
        console.print(Text(title, style="bold"))
    for line in lines:
        console.print(Text(f"  {line}"))


def print_finding(console: "Console", name: str, status: str, detail: str, cure: str) -> None:
    """Print one finding of the doctor, and its cure below it."""
    from rich.text import Text

    style = {"ok": "green", "note": "yellow"}.get(status, "bold red")
    console.print(Text.assemble((status.ljust(8), style), name.ljust(14), (detail, "dim" if status == "ok" else "")))
    if cure:
        console.print(Text(f"{'':22}{cure}"))


@contextmanager
def progress_display(*, quiet: bool = False) -> Iterator["Callable[[Progress], None] | None"]:
    """Show the progress of a recording on stderr: a moving bar on a terminal, else a plain line now and then.

    Args:
        quiet: Show nothing.

    Yields:
        To be called with every `Progress`; None if quiet.
    """
    from rich.console import Console

    console = Console(stderr=True)
    if quiet:
        yield None
    elif console.is_terminal:
        with moving_bar(console) as update:
            yield update
    else:
        yield plain_lines(partial(print, file=sys.stderr, flush=True), time.monotonic)


def portion(progress: "Progress") -> float | None:
    """Part of the recording that is done, 0 to 1; None if its length is known only when it ends."""
    if progress.total_steps:
        return progress.steps / progress.total_steps
    if progress.total_episodes and progress.total_episodes > 1:
        return progress.episodes / progress.total_episodes
    return None


def meter(clock: Callable[[], float]) -> "Callable[[Progress], float]":
    """Steps a second since the first progress that it is asked about, so that preparing does not count."""
    first: tuple[float, int] | None = None

    def rate(progress: "Progress") -> float:
        nonlocal first
        first = first or (clock(), progress.steps)
        return (progress.steps - first[1]) / max(clock() - first[0], 1e-9)

    return rate


def plain_lines(write: Callable[[str], None], clock: Callable[[], float]) -> "Callable[[Progress], None]":
    """Progress for a log: a line every 10 %, and where that takes long or is not known, every minute.

    Args:
        write: Takes each line.
        clock: Seconds of a clock that never goes back.

    Returns:
        To be called with every `Progress`.
    """
    shown, tenth, rate = clock(), 0, meter(clock)

    def update(progress: "Progress") -> None:
        nonlocal shown, tenth
        now, done, speed = clock(), portion(progress), rate(progress)
        reached = int((done or 0) * 10 + 1e-9)
        if reached <= tenth and now - shown < LINE_EVERY_SECONDS:
            return
        shown, tenth = now, reached
        share = "" if done is None else f"{done:4.0%}  "
        write(f"{share}{describe(progress)}  {speed:.0f} steps/s")

    return update


def describe(progress: "Progress") -> str:
    """One line on where a recording stands."""
    minutes, seconds = divmod(int(progress.seconds), 60)
    return f"{progress.steps} steps, film {minutes}:{seconds:02d}, return {progress.return_so_far:g}"


@contextmanager
def moving_bar(console: "Console") -> "Iterator[Callable[[Progress], None]]":
    """Progress for a terminal: a bar with rate and time left."""
    from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (
        BarColumn(bar_width=None),
        TextColumn("{task.description}"),
        TextColumn("{task.fields[rate]}", style="dim"),
        TimeRemainingColumn(compact=True),
        TextColumn("left", style="dim"),
    )
    with Bar(*columns, console=console, transient=True, expand=True) as bar:
        task, rate = bar.add_task("preparing", total=None, rate=""), meter(time.monotonic)

        def update(progress: "Progress") -> None:
            done = portion(progress)
            bar.update(
                task,
                total=None if done is None else 1.0,
                completed=done or 0.0,
                description=describe(progress),
                rate=f"{rate(progress):.0f} steps/s",
            )

        yield update


@contextmanager
def sweep_display(*, quiet: bool = False) -> Iterator[Callable[[str, Any], None] | None]:
    """Show how far the parts of a sweep are, on stderr: a bar each on a terminal, else a plain line now and then.

    Args:
        quiet: Show nothing.

    Yields:
        To be called with a part's name and every `inspector.sweep.Progress` of it; None if quiet.
    """
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    console = Console(stderr=True)
    if quiet:
        yield None
    elif console.is_terminal:
        columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
        with Progress(TextColumn("{task.description:<12}"), *columns, console=console) as progress:
            tasks: dict[str, Any] = {}

            def update(part: str, now: Any) -> None:
                if part not in tasks:
                    tasks[part] = progress.add_task(part, total=now.total)
                progress.update(tasks[part], completed=now.done, total=now.total)

            yield update
    else:
        yield _plain_sweep(time.monotonic)


def _plain_sweep(clock: Callable[[], float]) -> Callable[[str, Any], None]:
    say = partial(print, file=sys.stderr, flush=True)
    last: dict[str, float] = {}

    def update(part: str, now: Any) -> None:
        if now.done == now.total or clock() - last.get(part, -math.inf) >= 10:
            last[part] = clock()
            say(f"{part}: {now.done} of {now.total}")

    return update
