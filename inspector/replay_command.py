"""The command `inspector replay`: a recording, watched again."""

from argparse import Namespace
from pathlib import Path

from inspector.console import complain
from inspector.errors import RecordingError, UsageError
from inspector.live.outlet import Outlet
from inspector.live.replay import Replay
from inspector.live.scene import Overlay, Scene
from inspector.recording import Recording


def replay(arguments: Namespace) -> int:
    """Watch a recording again."""
    recording = Recording.load(arguments.recording)
    if recording.manifest["film"].get("timed"):
        raise UsageError(
            f"{recording.path} is of videos, and games are replayed here: open its film, {recording.video}"
        )
    with Replay(recording) as stage:
        stage.scene.overlay = _overlay(arguments.overlay, stage.scene)
        outlet = Outlet(
            arguments.output or Path("recordings"), arguments.speed, arguments.color, as_json=arguments.json
        )
        try:
            exit_code = outlet.watch(stage) if outlet.find_screen() else outlet.tell(stage)
        finally:
            for path in outlet.snapshots:
                complain(f"snapshot: {path}")
    if stage.missing and not exit_code:
        raise RecordingError(
            f"{recording.video} is damaged: decisions without a picture: {len(stage.missing)}; record it again"
        )
    return exit_code


def _overlay(wanted: Overlay | None, scene: Scene) -> Overlay:
    """What lies on the screen at first.

    Raises:
        UsageError: If the recording does not have it.
    """
    if wanted and wanted not in scene.overlays:
        raise UsageError(f"--overlay {wanted}: this recording was made without explanation; leave it out")
    return wanted or scene.overlay
