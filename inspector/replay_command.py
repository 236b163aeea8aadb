"""The command `inspector replay`: a recording, watched again."""

from argparse import Namespace
from pathlib import Path

from inspector.console import complain
from inspector.live.outlet import shown_in_lines, watch
from inspector.live.replay import Replay
from inspector.recording import Recording


def replay(arguments: Namespace) -> int:
    """Watch a recording again."""
    with Replay(Recording.load(arguments.recording)) as stage:
        if arguments.overlay in stage.scene.overlays:
            stage.scene.overlay = arguments.overlay
        folder = arguments.output or Path("recordings")
        for path in watch(stage, arguments, folder, in_lines=shown_in_lines(arguments)):
            complain(f"snapshot: {path}")
    return 0
