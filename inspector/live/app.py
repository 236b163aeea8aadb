"""The live view: keys in, frames out, and the game between them at its own pace."""

import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from inspector.draw.overlay import Projection, RunningScale
from inspector.draw.text import count_text
from inspector.errors import InspectorError
from inspector.live.keys import Keys
from inspector.live.painter import Painter
from inspector.live.player import Player, Thought
from inspector.live.scene import OVERLAYS, Past, Scene
from inspector.live.terminal import Terminal
from inspector.live.view import View
from inspector.regions import BACKGROUND

PACES = (0.1, 0.25, 0.5, 1.0, 2.0, 4.0, float("inf"))
"""Times the game's own speed; the last is as fast as it goes."""

_TARGETS = ("score", "contrast", "advantage", "value")
_NOTICE_SECONDS = 4.0
_LATE_SECONDS = 0.25
"""Who is behind by more than this does not try to catch up."""


class Live:
    """Plays, explains, draws and listens until the user has seen enough.

    Args:
        player: Who plays.
        terminal: Where.
        keys: What the user presses.
        view: Draws.
        painter: Writes.
        folder: Where snapshots land.
    """

    def __init__(
        self, player: Player, terminal: Terminal, keys: Keys, view: View, painter: Painter, folder: Path
    ) -> None:
        self._player, self._terminal, self._keys, self._view, self._painter = player, terminal, keys, view, painter
        self._folder = folder
        self._pace, self._paused, self._over, self._dirty = PACES.index(1.0), False, False, True
        self._notice_until, self._due, self._decided = 0.0, time.monotonic(), 0
        agent = player.agent
        self._scale = RunningScale(player.decision_rate)
        self._project = Projection(agent.input_shape[1:], player.game.native_size)
        self._thought = player.think()
        self._scene = self._first_scene()
        self._actions: dict[str, Callable[[], None]] = {
            " ": self._pause,
            ".": self._step_once,
            "[": lambda: self._change_pace(-1),
            "]": lambda: self._change_pace(1),
            "o": self._change_overlay,
            "t": self._change_target,
            "c": lambda: self._change_checkpoint(1),
            "C": lambda: self._change_checkpoint(-1),
            "s": self._snapshot,
            "n": self._new_game,
            "?": self._help,
            "q": self._quit,
        }

    def resized(self) -> None:
        """What the terminal shows is not known any more."""
        self._painter.forget()
        self._dirty = True

    def run(self) -> None:
        """Until the user quits."""
        while not self._over and not self._keys.closed:
            for key in self._keys.wait(self._time_left()):
                self._press(key)
            if not self._paused and time.monotonic() >= self._due:
                self._advance()
                pace = PACES[self._pace]
                self._due = max(self._due + 1 / (self._player.decision_rate * pace), time.monotonic() - _LATE_SECONDS)
            self._show()

    def _time_left(self) -> float:
        """How long to listen for keys before there is something else to do."""
        now = time.monotonic()
        if self._dirty and not self._terminal.frames.ready:
            return 0.005
        return 0.1 if self._paused else min(max(self._due - now, 0.0), 0.1)

    def _show(self) -> None:
        if self._scene.notice and time.monotonic() > self._notice_until:
            self._scene.notice, self._dirty = "", True
        if self._dirty and self._terminal.frames.ready:
            self._scene.pace = self._pace_text()
            self._terminal.frames.send(self._painter.paint(self._view.draw(self._scene, *self._terminal.size)))
            self._dirty = False

    def _press(self, key: str) -> None:
        if key in self._actions:
            self._actions[key]()
        elif key.isdecimal() and int(key) < len(self._player.game.action_names):
            self._set_target(self._player.game.action_names[int(key)])
        self._dirty = True

    def _advance(self) -> None:
        """Act on the decision that is shown, and show the next."""
        begins = self._player.steps == 0
        tracked = self._thought.relevance.score
        _, outcome = self._player.act(self._thought)
        self._scene.past.append(Past(tracked, outcome.reward, outcome.life_lost, begins))
        self._think()

    def _think(self) -> None:
        self._thought = self._player.think()
        self._fill(self._scene, self._thought)
        self._dirty = True

    def _first_scene(self) -> Scene:
        player, thought = self._player, self._thought
        scene = Scene(
            title=player.title,
            agent="",
            explained="",
            action_names=player.game.action_names,
            output=player.agent.output,
            region_names=(*player.region_names, BACKGROUND),
            screen=thought.step.screen,
            on_screen=None,
            full_strength=1.0,
            decision=thought.step.decision,
            target_action=None,
            target_name="",
            frame_shares=None,
            region_shares=None,
            regions=(),
            tracked=0.0,
            return_so_far=0.0,
            lives=None,
        )
        self._fill(scene, thought)
        return scene

    def _fill(self, scene: Scene, thought: Thought) -> None:
        """Bring the scene to a thought."""
        player, relevance = self._player, thought.relevance
        frames = player.agent.facts.checkpoint.frames
        trained = "" if frames is None else f" · {count_text(frames)} frames"
        scene.agent = f"{player.agent.facts.name}{trained} ({player.place_text})"
        scene.explained = f"{player.composite} · {player.target}"
        scene.screen, scene.decision = thought.step.screen, thought.step.decision
        scene.on_screen = self._project(relevance.values.sum(axis=0)) if relevance.finite else None
        if scene.on_screen is not None:
            scene.full_strength = self._scale.update(scene.on_screen)
        scene.target_action, scene.target_name = thought.target_action, thought.target_name
        scene.frame_shares = thought.attention.frame_shares
        scene.region_shares, scene.regions = thought.regions.absolute, thought.regions.regions
        scene.tracked, scene.return_so_far, scene.lives = relevance.score, player.return_so_far, player.lives

    def _pace_text(self) -> str:
        pace = PACES[self._pace]
        fast = "as fast as it goes" if np.isinf(pace) else f"{pace:g}×"
        return "paused" if self._paused else fast

    def _say(self, words: str) -> None:
        self._scene.notice, self._notice_until = words, time.monotonic() + _NOTICE_SECONDS

    def _pause(self) -> None:
        self._paused = not self._paused
        self._due = time.monotonic()

    def _step_once(self) -> None:
        self._paused = True
        self._advance()

    def _change_pace(self, by: int) -> None:
        self._pace = min(max(self._pace + by, 0), len(PACES) - 1)
        self._due = time.monotonic()

    def _change_overlay(self) -> None:
        self._scene.overlay = OVERLAYS[(OVERLAYS.index(self._scene.overlay) + 1) % len(OVERLAYS)]
        self._say(f"overlay: {self._scene.overlay}")

    def _change_target(self) -> None:
        before = self._player.target
        known = [name for name in _TARGETS if name != "value" or self._scene.decision.value is not None]
        self._set_target(known[(known.index(before) + 1) % len(known)] if before in known else known[0])

    def _set_target(self, target: str) -> None:
        before = self._player.target
        try:
            self._player.target = target
            self._think()
            self._say(f"explained: {target}")
        except InspectorError as error:
            self._player.target = before
            self._say(str(error))

    def _change_checkpoint(self, by: int) -> None:
        self._player.change_checkpoint(by)
        self._think()

    def _new_game(self) -> None:
        self._player.new_game()
        self._think()

    def _snapshot(self) -> None:
        from inspector.live.view import painted

        path = self._folder / f"live-{time.strftime('%Y%m%d-%H%M%S')}.png"
        picture = painted(self._scene).repeat(4, axis=0).repeat(6, axis=1)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            written = cv2.imwrite(str(path), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
        except OSError as error:
            self._say(f"{path} cannot be written: {error.strerror}")
            return
        self._say(f"snapshot: {path}" if written else f"{path} cannot be written")

    def _help(self) -> None:
        self._scene.help = not self._scene.help

    def _quit(self) -> None:
        self._over = True
