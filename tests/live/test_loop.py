"""The loop alone: what goes wrong on a stage is said, and the user can go on."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from inspector.errors import RecordingError
from inspector.live.display import Display
from inspector.live.keys import Keys
from inspector.live.loop import Loop
from inspector.live.scene import Scene
from tests.live.test_view import scene as made_scene

scene = made_scene


class Seen(Display):
    """Notes what it is to show, and quits after some."""

    def __init__(self, keys: int, script: list[bytes]) -> None:
        self.keys, self.script = keys, script
        self.shown: list[tuple[str, str]] = []
        self.heeded = 0

    @property
    def ready(self) -> bool:
        return True

    def heed(self) -> bool:
        self.heeded += 1
        return False

    def show(self, scene: Scene) -> bool:
        self.shown.append((scene.pace, scene.notice))
        os.write(self.keys, self.script.pop(0) if self.script else b"q")
        return True


class Holed:
    """A stage whose third decision cannot be shown."""

    keys: tuple[tuple[str, str], ...] = (("x", "jump"),)

    def __init__(self, scene: Scene) -> None:
        self.scene, self.place = scene, 0

    def advance(self) -> bool:
        if self.place == 2:
            raise RecordingError("frame 3 cannot be read")
        self.place += 1
        return True

    def press(self, key: str) -> str | None:
        if key == "x":
            raise RecordingError("nor can this one")
        self.place = 10
        return "jumped"

    def news(self) -> str | None:
        return None


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reader, writer = os.pipe()
    yield reader, writer
    os.close(reader)
    os.close(writer)


def test_an_error_on_the_stage_is_said_and_all_stands_still_until_the_user_goes_on(
    scene: Scene, pipe: tuple[int, int], tmp_path: Path
) -> None:
    reader, writer = pipe
    display, stage = Seen(writer, [b".", b".", b".", b"x", b"y", b"."]), Holed(scene)
    Loop(stage, display, Keys(reader), tmp_path).run()
    notices = [notice for _, notice in display.shown]
    assert notices[3:7] == ["frame 3 cannot be read", "nor can this one", "jumped", "jumped"]
    assert {pace for pace, _ in display.shown[1:]} == {"paused"} and stage.place == 11
    assert display.heeded >= len(display.shown)
