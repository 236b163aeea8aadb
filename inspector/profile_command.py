"""The command `inspector profile`: from arguments to a profile, and what it says."""

import json
import re
import shlex
import sys
import time
from argparse import Namespace
from contextlib import redirect_stdout
from functools import partial
from pathlib import Path
from typing import Any

from inspector import clip_options, options
from inspector.clips.agent import ClipAgent
from inspector.clips.identity import digest_of
from inspector.console import complain, print_json, print_notes, results, sweep_display
from inspector.errors import UsageError
from inspector.load.clip_opening import load_clip_agent
from inspector.profile.asked import Asked, asked_of, check_same, claimed, finish, is_finished
from inspector.profile.figure import FIGURE_NAMES, draw_figure
from inspector.profile.folder import find_videos
from inspector.profile.plan import Settings
from inspector.profile.profiler import drop_frames, profile
from inspector.profile.report import REPORT_FILE, write_report
from inspector.profile.result import Result
from inspector.profile.tables import MANIFEST, PROFILE_FILE, VIDEOS_FILE, write_tables
from inspector.sweep.run import Processes, core_count

LEFT = {"report": REPORT_FILE, "curves": FIGURE_NAMES[0]}
"""What a profile shows, by what it is."""

LEFT_OUT = 3
"""Exit code where videos were left out."""


def run(arguments: Namespace) -> int:
    """Profile, and tell; the exit code."""
    folder = arguments.output or default_folder(arguments.agent)
    settings = settings_of(arguments)
    open_agent = partial(load_clip_agent, **clip_options.source(arguments))
    with redirect_stdout(sys.stderr):  # should a library or the user's code print, it is no result
        asked = _asked(open_agent, arguments, settings)
    if arguments.resume:
        check_same(folder, asked)
    if arguments.resume and _is_done(folder, asked):
        complain("nothing new is asked: all of it was done before")
    else:
        try:
            with claimed(folder, asked, resume=arguments.resume):
                _work(open_agent, arguments, settings, folder)
                finish(folder, asked)
        except KeyboardInterrupt:
            complain(f"interrupted; go on with: {again(arguments.argv, arguments.output, folder)}")
            return 130
    return tell(folder, as_json=arguments.json)


def settings_of(arguments: Namespace) -> Settings:
    """What was chosen."""
    return Settings(
        strides=arguments.strides,
        target=arguments.target,
        composite=arguments.composite,
        random_networks=arguments.random_networks,
        seed=arguments.seed,
        device=options.device(arguments.device),
    )


def _asked(open_agent: "partial[ClipAgent]", arguments: Namespace, settings: Settings) -> Asked:
    """What decides the numbers; everything that can be found wrong before work begins is, and assumptions are said."""
    from rich.console import Console

    agent = open_agent()
    videos, _ = find_videos(arguments.folder, agent.class_names)
    if not arguments.quiet:
        console = Console(stderr=True, highlight=False, soft_wrap=True)
        print_notes(console, "assumed; a flag says otherwise", agent.facts.assumed)
    return asked_of(digest_of(agent), videos, settings)


def _is_done(folder: Path, asked: Asked) -> bool:
    files = (*LEFT.values(), *FIGURE_NAMES, PROFILE_FILE, VIDEOS_FILE, MANIFEST)
    return is_finished(folder, asked) and all((folder / name).is_file() for name in files)


def _work(open_agent: "partial[ClipAgent]", arguments: Namespace, settings: Settings, folder: Path) -> None:
    """Do what is not done, and show it."""
    engine = Processes(arguments.jobs or core_count())
    with redirect_stdout(sys.stderr), sweep_display(quiet=arguments.quiet) as on_progress:
        try:
            found = profile(open_agent, arguments.folder, settings, folder, engine, on_progress=on_progress)
        except UsageError:  # no video serves: what was read of them is of no use
            drop_frames(folder)
            raise
    show(found, folder)
    drop_frames(folder)


def show(found: Result, folder: Path) -> None:
    """Write tables, manifest, curves and report."""
    write_tables(found, folder)
    draw_figure(found, folder)
    write_report(found, folder)


def tell(folder: Path, *, as_json: bool) -> int:
    """Say what was found and what was left out; the exit code."""
    manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_text("utf-8"))
    for one in manifest["left_out"]:
        many = f" ({one['videos']} videos)" if one["videos"] > 1 else ""
        reason = one["reason"]
        complain(f"left out: {one['name']}{many}: {reason}")
    if as_json:
        files = {kind: str(folder / name) for kind, name in LEFT.items()}
        print_json({"folder": str(folder), "files": files, **manifest})
    else:
        console = results()
        shown = (f"{kind:<9}{folder / name}" for kind, name in LEFT.items())
        for line in (*manifest["summary"], *shown, f"tables   {folder}: {PROFILE_FILE}, {VIDEOS_FILE}"):
            console.print(line, markup=False)
    return LEFT_OUT if manifest["left_out"] else 0


def default_folder(source: str) -> Path:
    """A new folder under `recordings/`, named after the agent and the time."""
    name = re.sub(r"[^\w.-]+", "-", Path(source).name).strip(".-") or "agent"
    return Path("recordings") / f"profile-{name}-{time.strftime('%Y%m%d-%H%M%S')}"


def again(words: list[str], output: Path | None, folder: Path) -> str:
    """The command that goes on with a profile, for a shell."""
    place = [] if output else ["-o", str(folder)]
    return shlex.join([*words, *place, *([] if "--resume" in words else ["--resume"])])
