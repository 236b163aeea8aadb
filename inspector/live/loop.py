"""The loop of every full-screen view: keys in, frames out, and what is shown moves on at its own pace between them."""

import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, runtime_checkable

import cv2

from inspector.errors import InspectorError
from inspector.files import write_error
from inspector.live.display import Display
from inspector.live.keys import SEEN, Keys
from inspector.live.scene import Scene
from inspector.live.view import enlarged

PACES = (0.1, 0.25, 0.5, 1.0, 2.0, 4.0, math.inf)
"""Times the game's own speed; the last is as fast as it goes."""

COMMON_KEYS = (
    ("q", "quit"),
    ("?", "help"),
    ("space", "pause"),
    (".", "step"),
    ("[ ]", "speed"),
    ("o", "overlay"),
    ("s", "snapshot"),
)

_NOTICE_SECONDS, _LETTER_SECONDS = 3.5, 0.04
"""A word stays so long, and so much longer for each letter."""

_LATE_SECONDS = 0.25
"""Who is behind by more than this does not try to catch up."""

_FRAME_SECONDS = 1 / 30
"""Frames are drawn no faster, however fast it goes."""

_SNAPSHOT_SIZE = 1080, 1920
"""A snapshot is enlarged to fit this many rows and columns."""

_LISTEN_SECONDS = 0.1
_SOON_SECONDS = 0.004


@runtime_checkable
class Stage(Protocol):
    """What is shown: it moves on decision by decision, and knows keys of its own.

    Attributes:
        scene: What is to be drawn; changed in place.
        keys: Its keys, with what they do.
    """

    scene: Scene
    keys: tuple[tuple[str, str], ...]

    def advance(self) -> bool:
        """Go on to the next decision; False if there is none."""
        ...

    def press(self, key: str) -> str | None:
        """Do what a key asks for; a word to the user, or None."""
        ...

    def news(self) -> str | None:
        """What has happened in the background, for the user; None if nothing has."""
        ...


class Loop:
    """Shows a stage until the user has seen enough.

    Args:
        stage: What is shown.
        display: Where.
        keys: What the user presses.
        folder: Where snapshots land.
        pace: Times the game's own speed; infinite is as fast as it goes.
        snapshots: Gets the pictures that the user makes.
    """

    def __init__(
        self,
        stage: Stage,
        display: Display,
        keys: Keys,
        folder: Path,
        pace: float = 1.0,
        snapshots: list[Path] | None = None,
    ) -> None:
        self._stage, self._display, self._keys, self._folder = stage, display, keys, folder
        self._pace, self._paused, self._over, self._dirty = pace, False, False, True
        self._due = self._drawn = time.monotonic()
        self._notice_until = 0.0
        self._snapshots = [] if snapshots is None else snapshots
        stage.scene.keys = (*COMMON_KEYS[:3], *stage.keys, *COMMON_KEYS[3:])
        self._common: dict[str, Callable[[], None]] = {
            " ": self._pause,
            ".": self._step_once,
            "[": lambda: self._change_pace(-1),
            "]": lambda: self._change_pace(1),
            "o": self._change_overlay,
            "s": self._snapshot,
            "?": self._help,
            "escape": self._close_help,
            "q": self._quit,
        }

    def run(self) -> None:
        """Until the user quits."""
        while not self._over and not self._keys.closed:
            for key in self._keys.wait(self._time_left()):
                self._press(key)
            if self._display.heed():
                self._dirty = True
            if not self._paused and time.monotonic() >= self._due:
                self._advance()
                self._due = max(self._due + self._step_seconds(), time.monotonic() - _LATE_SECONDS)
            self._say(self._stage.news())
            self._show()

    @property
    def _paused(self) -> bool:
        """Kept in the scene: a stage that has ended goes on by a key of its own."""
        return self._stage.scene.paused

    @_paused.setter
    def _paused(self, paused: bool) -> None:
        self._stage.scene.paused = paused

    def _step_seconds(self) -> float:
        return 1 / (self._stage.scene.decision_rate * self._pace)

    def _time_left(self) -> float:
        """How long to listen for keys before there is something else to do."""
        now = time.monotonic()
        waits = [_LISTEN_SECONDS] if self._paused else [_LISTEN_SECONDS, self._due - now]
        if self._dirty:
            waits.append(self._drawn + _FRAME_SECONDS - now if self._display.ready else _SOON_SECONDS)
        return max(min(waits), 0.0)

    def _show(self) -> None:
        scene, now = self._stage.scene, time.monotonic()
        if scene.notice and now > self._notice_until:
            scene.notice, self._dirty = "", True
        if self._dirty and now >= self._drawn + _FRAME_SECONDS and self._display.ready:
            scene.pace = "paused" if self._paused else pace_text(self._pace)
            self._dirty, self._drawn = not self._display.show(scene), now

    def _advance(self) -> None:
        self._dirty = True
        try:
            if not self._stage.advance():
                self._paused = True
        except InspectorError as error:
            self._fail(error)

    def _press(self, key: str) -> None:
        if key.startswith(SEEN):
            row, column = map(int, key.removeprefix(SEEN).split())
            self._display.answered(row, column)
            return
        self._dirty = True
        if key in self._common:
            self._common[key]()
            return
        try:
            self._say(self._stage.press(key))
        except InspectorError as error:
            self._fail(error)

    def _fail(self, error: InspectorError) -> None:
        """Stand still where it went wrong, and say what did; the user may go on elsewhere."""
        self._paused = True
        self._say(str(error))

    def _say(self, words: str | None) -> None:
        if words:
            seconds = _NOTICE_SECONDS + _LETTER_SECONDS * len(words)
            self._stage.scene.notice, self._notice_until = words, time.monotonic() + seconds
            self._dirty = True

    def _pause(self) -> None:
        self._paused = not self._paused
        self._due = time.monotonic()

    def _step_once(self) -> None:
        self._paused = True
        self._advance()

    def _change_pace(self, by: int) -> None:
        """To the next pace of the list, from wherever it is."""
        self._pace = (
            min([pace for pace in PACES if pace > self._pace], default=PACES[-1])
            if by > 0
            else max([pace for pace in PACES if pace < self._pace], default=PACES[0])
        )
        self._due = time.monotonic()
        if self._paused:
            self._say(f"speed: {pace_text(self._pace)}")

    def _change_overlay(self) -> None:
        scene = self._stage.scene
        scene.overlay = scene.overlays[(scene.overlays.index(scene.overlay) + 1) % len(scene.overlays)]
        self._say(f"overlay: {scene.overlay}")

    def _snapshot(self) -> None:
        path = self._folder / f"snapshot-{time.strftime('%Y%m%d-%H%M%S')}-{len(self._snapshots) + 1}.png"
        picture = cv2.cvtColor(enlarged(self._stage.scene, *_SNAPSHOT_SIZE), cv2.COLOR_RGB2BGR)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            path.write_bytes(cv2.imencode(".png", picture)[1].tobytes())
        except OSError as error:
            self._say(str(write_error(path, error)))
            return
        self._snapshots.append(path)
        self._say(f"snapshot: {path}")

    def _help(self) -> None:
        self._stage.scene.help = not self._stage.scene.help

    def _close_help(self) -> None:
        self._stage.scene.help = False

    def _quit(self) -> None:
        self._over = True


def pace_text(pace: float) -> str:
    """A pace in words."""
    return "as fast as it goes" if math.isinf(pace) else f"{pace:g}×"
