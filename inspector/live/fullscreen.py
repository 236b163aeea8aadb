"""Show a stage on the whole terminal."""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from inspector.live.colours import Depth
from inspector.live.display import Display
from inspector.live.keys import Keys
from inspector.live.loop import Loop, Stage
from inspector.live.painter import Painter
from inspector.live.terminal import Terminal
from inspector.live.view import View


def show(stage: Stage, depth: Depth, folder: Path, pace: float, snapshots: list[Path]) -> None:
    """Show a stage until the user quits.

    Args:
        stage: What is shown.
        depth: Colours of the terminal.
        folder: Where snapshots land.
        pace: Times the game's own speed to begin with.
        snapshots: Gets the pictures that the user makes.
    """
    with _errors_put_off(), Terminal() as terminal:
        display = Display(terminal, View(depth), Painter(depth))
        Loop(stage, display, Keys(sys.stdin.fileno()), folder, pace, snapshots).run()


@contextmanager
def _errors_put_off() -> Iterator[None]:
    """Keep what anything writes to stderr until the terminal is given back: on the screen it would be garbage."""
    if not sys.stderr.isatty():
        yield
        return
    sys.stderr.flush()
    with tempfile.TemporaryFile() as kept:
        theirs = os.dup(2)
        os.dup2(kept.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(theirs, 2)
            os.close(theirs)
            kept.seek(0)
            with suppress(OSError):
                os.write(2, kept.read())
