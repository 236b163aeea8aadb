"""Where a stage is shown: on the whole terminal, or in lines where there is none."""

import gc
import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from inspector.console import complain
from inspector.live.colours import Depth, depth_of
from inspector.live.lines import line_of
from inspector.live.lines import watch as in_lines_alone
from inspector.live.loop import Stage
from inspector.stopping import interruptible


@dataclass(frozen=True, slots=True)
class Outlet:
    """Where a stage is shown, and how.

    Attributes:
        folder: Where snapshots land.
        pace: Times the game's own speed to begin with; infinite is as fast as it goes.
        colour: Colours of the terminal; `auto` takes as many as it says it has.
        as_json: Print objects for programs.
        snapshots: Pictures that the user made.
    """

    folder: Path
    pace: float = 1.0
    colour: Depth | Literal["auto"] = "auto"
    as_json: bool = False
    snapshots: list[Path] = field(default_factory=list)

    def find_screen(self) -> bool:
        """Whether there is a terminal to take over; if not, that is said, and why."""
        if self.as_json:
            return False
        reason = _why_not()
        if reason:
            complain(f"{reason}: a line a second instead of the picture")
        return reason is None

    def watch(self, stage: Stage) -> int:
        """Until the user's end, on the whole terminal; its exit code."""
        from inspector.live.fullscreen import show  # needs termios

        depth = depth_of() if self.colour == "auto" else self.colour
        with _nothing_made_so_far_is_garbage():
            show(stage, depth, self.folder, self.pace, self.snapshots)
        return 0

    def tell(self, stage: Stage) -> int:
        """Until the end of the stage or a signal, in lines; the exit code."""
        with interruptible() as stopped:
            in_lines_alone(stage, line_writer(as_json=self.as_json), self.pace, stopped=stopped)
            return 128 + stopped[0] if stopped else 0


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
