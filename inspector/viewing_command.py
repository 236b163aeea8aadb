"""The command `inspector record AGENT --video FILE`: from arguments to a recording, and what it says."""

import sys
from argparse import Namespace
from collections import Counter
from contextlib import redirect_stdout
from pathlib import PurePath
from typing import Any

from inspector import clip_options, options
from inspector.console import print_facts, print_json, print_notes, results, sweep_display
from inspector.errors import UsageError
from inspector.recording import Recording
from inspector.telling import describe_film, paths

_OF_PLAY = (
    "env",
    "episodes",
    "greedy",
    "regions",
    "architecture",
    "output_kind",
    "fps",
    *options.PREPROCESSING,
)
"""Options that only a game has."""

_LONGEST_NAME = 40


def record(arguments: Namespace) -> int:
    """Show videos to a classifier and explain it; tell where the film is. 130 if it was interrupted."""
    check(arguments)
    from inspector.load.clip_opening import load_clip_agent
    from inspector.viewing.session import record_videos

    with redirect_stdout(sys.stderr):  # should a library print, it is no result
        agent = load_clip_agent(**clip_options.source(arguments), device=options.device(arguments.device))
    with redirect_stdout(sys.stderr), sweep_display(quiet=arguments.quiet) as on_progress:
        recording = record_videos(
            agent,
            arguments.video,
            stride=arguments.stride or 1,
            step=arguments.step,
            composite=arguments.composite,
            target=arguments.target,
            explain=arguments.explain,
            windows=arguments.steps,
            save_relevance=arguments.save_relevance,
            batch_size=arguments.batch_size,
            threads=arguments.threads,
            output=arguments.output,
            overwrite=arguments.overwrite,
            command=arguments.argv,
            on_progress=on_progress,
        )
    tell(recording, as_json=arguments.json)
    return 130 if recording.status == "interrupted" else 0


def check(arguments: Namespace) -> None:
    """Refuse what only a game has.

    Raises:
        UsageError: Naming it.
    """
    for name in _OF_PLAY:
        if getattr(arguments, name) is not None:
            flag = "--sample or --greedy" if name == "greedy" else f"--{name.replace('_', '-')}"
            raise UsageError(f"{flag} is for agents that play, and --video for those that watch: leave one out")


def tell(recording: Recording, *, as_json: bool) -> None:
    """Tell what was recorded, and where it is."""
    seen, files, counts = recognised(recording), paths(recording), recording.manifest["counts"]
    agent = recording.manifest["agent"]
    if as_json:
        status = {"status": recording.status, "folder": str(recording.path), **files}
        print_json({**status, "counts": counts, "videos": seen, "agent": agent})
        return
    console = results()
    lines = list(zip(short_names([one["name"] for one in seen]), map(describe, seen), strict=True))
    frames = f"{count_of(counts['frames'], 'frame')}, {count_of(counts['steps'], 'window')}"
    print_facts(console, f"{recording.status}: {frames}", [("film", describe_film(recording)), *files.items(), *lines])
    print_notes(console, "assumed; a flag says otherwise", agent["assumed"])


def recognised(recording: Recording) -> list[dict[str, Any]]:
    """Of every video: how many windows were recognised as which class, the most frequent first."""
    rows = recording.rows.select(["episode", "action_name"]).to_pylist()
    found = []
    for number, video in enumerate(recording.manifest["videos"]):
        windows = Counter(row["action_name"] for row in rows if row["episode"] == number)
        if windows:
            explained = {"explained": video["target"]}
            found.append({"name": video["path"], "windows": dict(windows.most_common()), **explained})
    return found


def describe(video: dict[str, Any]) -> str:
    """What was recognised in a video, in a line."""
    classes, total = list(video["windows"].items()), sum(video["windows"].values())
    shown = ", ".join(f"{name} in {count} of {count_of(total, 'window')}" for name, count in classes[:3])
    more = f" and {count_of(len(classes) - 3, 'other class', 'other classes')}" if len(classes) > 3 else ""
    return shown + more


def short_names(names: list[str]) -> list[str]:
    """Names of files without their folders where these tell nothing apart, in a line each, and no longer than fits."""
    alone = [PurePath(name).name for name in names]
    shown = alone if len(set(alone)) == len(set(names)) else names
    lines = ["".join(letter if letter.isprintable() else " " for letter in name) for name in shown]
    return [
        line if len(line) <= _LONGEST_NAME else "\N{HORIZONTAL ELLIPSIS}" + line[1 - _LONGEST_NAME :] for line in lines
    ]


def count_of(count: int, one: str, many: str | None = None) -> str:
    """A number of things, as `1 window` or `2 windows`."""
    return f"{count} {one if count == 1 else many or f'{one}s'}"
