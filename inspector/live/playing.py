"""The stage of `inspector live`: an agent plays, and every decision is explained before it is acted on."""

from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass

from inspector.draw.overlay import Projection, RunningScale
from inspector.draw.text import clock, count_text
from inspector.errors import InspectorError
from inspector.live.filming import Filming
from inspector.live.player import Player, Thought
from inspector.live.scene import ACTION_KEYS, Keys, Past, Scene
from inspector.recorder import brightness
from inspector.regions import BACKGROUND

_TARGETS = ("score", "contrast", "advantage", "value")

_KEYS: Keys = (("t", "target"), ("c C", "checkpoint"), ("r", "record"), ("n", "new game"))


@dataclass(frozen=True, slots=True)
class Limit:
    """When play ends by itself; None is never.

    Attributes:
        steps: Decisions.
        episodes: Games finished.
    """

    steps: int | None = None
    episodes: int | None = None


@dataclass(slots=True)
class Game:
    """A game that was played.

    Attributes:
        steps: Decisions.
        return_so_far: Unclipped.
        finished: Whether it was played to its end.
    """

    steps: int = 0
    return_so_far: float = 0.0
    finished: bool = False


class Playing:
    """A player on a stage.

    Args:
        player: Who plays.
        filming: Records it.
        limit: When play ends by itself.

    Attributes:
        scene: What is to be drawn.
        keys: Keys of its own.
        games: Every game so far, the running one last.
    """

    def __init__(self, player: Player, filming: Filming, limit: Limit | None = None) -> None:
        self._player, self._filming, self._limit = player, filming, limit or Limit()
        self.keys = keys_for(len(player.game.action_names))
        self.games = [Game()]
        self._untold: deque[str] = deque()
        self._scales: defaultdict[str, RunningScale] = defaultdict(lambda: RunningScale(player.decision_rate))
        self._project = Projection(player.agent.input_shape[1:], player.game.native_size)
        self._thought = player.think()
        self.scene = self._first_scene()
        self._fill(self.scene, self._thought)
        self._set_brightness(moved=True)
        self._actions: dict[str, Callable[[], str | None]] = {
            "t": self._change_target,
            "c": lambda: self._change_checkpoint(1),
            "C": lambda: self._change_checkpoint(-1),
            "r": self._record,
            "n": self._new_game,
        }

    @property
    def steps(self) -> int:
        """Decisions taken."""
        return self._player.taken

    @property
    def is_over(self) -> bool:
        """Whether as much was played as asked for."""
        finished = sum(game.finished for game in self.games)
        return self.steps == self._limit.steps or finished == self._limit.episodes

    def advance(self) -> bool:
        """Act on the decision that is shown, and show the next; False once as much was played as asked for.

        Where that is the end of a game, its last state stays; `n` goes on.
        """
        if self.is_over:
            self._untold.append(self._enough())
            return False
        player, thought = self._player, self._thought
        begins = player.steps == 0
        step, outcome = player.act(thought)
        shares, unit = thought.regions.absolute, self.scene.unit
        self.scene.past.append(Past(thought.relevance.score, shares, outcome.reward, outcome.life_lost, begins, unit))
        game = self.games[-1]
        game.steps, game.return_so_far, game.finished = step.index + 1, game.return_so_far + step.reward, outcome.over
        try:
            self._filming.add(step)
        except InspectorError as error:
            self._untold.append(str(error))
        if outcome.over and not self.is_over:
            self._begin_game()
        self._think(moved=True)
        return True

    def press(self, key: str) -> str | None:
        """Do what a key asks for; a word to the user."""
        if key in self._actions:
            return self._actions[key]()
        names = self._player.game.action_names
        if key in ACTION_KEYS and ACTION_KEYS.index(key) < len(names):
            name = names[ACTION_KEYS.index(key)]
            return self._set_target("score" if self._player.target == name else name)
        return None

    def news(self) -> str | None:
        """What has become of films, and that as much was played as asked for."""
        self.scene.filming = clock(self._filming.seconds) if self._filming.is_running else ""
        told = [*self._untold, self._filming.news()]
        self._untold.clear()
        return "; ".join(filter(None, told)) or None

    def _enough(self) -> str:
        count, unit = (self.steps, "step") if self.steps == self._limit.steps else (self._limit.episodes, "episode")
        played = f"1 {unit} is" if count == 1 else f"{count} {unit}s are"
        return f"{played} played, as asked for: n goes on, q quits"

    def _begin_game(self) -> None:
        self._player.new_game()
        if self.games[-1].steps:
            self.games.append(Game())

    def _think(self, *, moved: bool = False) -> None:
        """Think of the present state; brightness follows the play, not how often one state is looked at."""
        self._thought = self._player.think()
        self._fill(self.scene, self._thought)
        self._set_brightness(moved=moved)

    def _set_brightness(self, *, moved: bool) -> None:
        """As on a film's page: dimmed where hardly any of the account lies in the picture."""
        scene = self.scene
        if scene.on_screen is not None:
            scale = self._scales[scene.unit]
            known = None if moved else scale.value
            full = scale.update(scene.on_screen) if known is None else known
            scene.full_strength = full / max(brightness(self._thought.relevance), 1e-3)

    def _first_scene(self) -> Scene:
        player, thought = self._player, self._thought
        return Scene(
            title=player.title,
            action_names=player.game.action_names,
            output=player.agent.output,
            region_names=(*player.region_names, BACKGROUND),
            screen=thought.step.screen,
            decision=thought.step.decision,
            decision_rate=player.decision_rate,
            action_keys=ACTION_KEYS,
        )

    def _fill(self, scene: Scene, thought: Thought) -> None:
        """Bring the scene to a thought."""
        player, relevance = self._player, thought.relevance
        facts = player.agent.facts
        trained = None if facts.checkpoint.frames is None else f"{count_text(facts.checkpoint.frames)} frames"
        scene.agent = " · ".join(filter(None, (facts.name, trained, player.place_text)))
        interpreter = player.interpreter()
        scene.explained = f"{interpreter.composite} · {interpreter.target}"
        scene.network = scene.agent
        scene.unit = f"{scene.agent} {player.target}"  # each has its own brightness: networks differ a thousandfold
        scene.screen, scene.decision = thought.step.screen, thought.step.decision
        scene.on_screen = self._project(relevance.values.sum(axis=0)) if relevance.finite else None
        scene.target_action, scene.target_name = thought.target_action, thought.target_name
        scene.measure = interpreter.measure
        scene.frame_shares = thought.attention.frame_shares if interpreter.frames_told_apart else None
        scene.region_shares, scene.regions = thought.regions.absolute, thought.regions.regions
        scene.tracked, scene.return_so_far, scene.lives = relevance.score, player.return_so_far, player.lives

    def _change_target(self) -> str:
        before = self._player.target
        known = [name for name in _TARGETS if name != "value" or self.scene.decision.value is not None]
        return self._set_target(known[(known.index(before) + 1) % len(known)] if before in known else known[0])

    def _set_target(self, target: str) -> str:
        try:
            self._player.target = target
        except InspectorError as error:
            return str(error)
        self._think()
        return f"explained: {target}{self._cut()}"

    def _change_checkpoint(self, by: int) -> str:
        if self._player.place_count == 1:
            return "there is one checkpoint only; a bundle or a folder of checkpoints has more"
        try:
            self._player.change_checkpoint(by)
        except InspectorError as error:
            return str(error)
        self._think()
        return f"the same state under {self._player.place_text}{self._cut()}"

    def _cut(self) -> str:
        """End the recording, for it is of one agent, one target, and games without a jump."""
        if not self._filming.is_running:
            return ""
        self._filming.stop()
        return "; the recording has ended with that, r begins another"

    def _record(self) -> str:
        if self._filming.is_running:
            self._filming.stop()
            return "the film is being finished"
        try:
            return f"recording into {self._filming.start()}"
        except InspectorError as error:
            return str(error)

    def _new_game(self) -> str:
        if self.is_over:
            return self._go_on()
        self._begin_game()
        self._think(moved=True)
        return f"a new game{self._cut()}"

    def _go_on(self) -> str:
        """As if no limit had been given."""
        self._limit, self.scene.paused = Limit(), False
        if self.games[-1].finished:
            self._begin_game()
            self._think(moved=True)
        return "play goes on"


def keys_for(actions: int) -> Keys:
    """The keys of a game with so many actions."""
    digits, letters = ACTION_KEYS[: min(actions, 10)], ACTION_KEYS[10:actions]
    said = " ".join(part if len(part) < 3 else f"{part[0]}-{part[-1]}" for part in (digits, letters) if part)
    return *_KEYS, (said, "explain an action")
