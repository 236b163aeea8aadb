"""Where a stage is shown: on the whole terminal, or in lines where there is none."""

import gc
import json
import os
import sys
from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from inspector.console import complain
from inspector.live.colours import Depth, depth_of
from inspector.live.lines import line_of
from inspector.live.lines import watch as in_lines_alone
from inspector.live.loop import Stage


def shown_in_lines(arguments: Namespace) -> bool:
    """Whether there is no terminal to take over; why not is said."""
    if arguments.json:
        return True
    reason = _why_not()
    if reason:
        complain(f"{reason}: a line a second instead of the picture")
    return reason is not None


def _why_not() -> str | None:
    """Why the terminal cannot be taken over; None if it can."""
    if find_spec("termios") is None:
        return "this system has no POSIX terminals"
    if not sys.stdout.isatty():
        return "stdout is no terminal"
    if not sys.stdin.isatty():
        return "stdin is no terminal, so no key could be read"
    if os.environ.get("TERM", "") in ("", "dumb", "unknown"):
        return "the terminal cannot move its cursor (TERM)"
    return None


def watch(stage: Stage, arguments: Namespace, folder: Path, *, in_lines: bool) -> list[Path]:
    """Until the end of the stage or the user's; the snapshots."""
    if in_lines:
        in_lines_alone(stage, line_writer(as_json=arguments.json), arguments.speed)
        return []
    from inspector.live.fullscreen import show  # needs termios

    depth: Depth = depth_of() if arguments.color == "auto" else arguments.color
    with _nothing_made_so_far_is_garbage():
        return show(stage, depth, folder, arguments.speed)


def line_writer(*, as_json: bool) -> Callable[[dict[str, Any]], None]:
    """What prints the facts of a moment: one JSON object a line, or words for a person."""
    said = partial(json.dumps, ensure_ascii=False) if as_json else line_of
    return lambda facts: _say(said(facts))


_say = partial(print, flush=True)


@contextmanager
def _nothing_made_so_far_is_garbage() -> Iterator[None]:
    """Let collections pass by what was made before, as torch's modules: each would take a tenth of a second."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
