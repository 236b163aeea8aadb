"""An Atari game as the agent plays it, and as a person sees it.

The observation is made as the agent was trained (skip, maximum, grey, resize, stack: `Preprocessing`); `info` holds
every native screen and the console's memory, so that nothing of the world is lost to the preprocessing.
"""

import difflib
import re
from typing import Any

import ale_py
import cv2
import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from inspector.errors import GameError
from inspector.records import Preprocessing, Seen

Info = dict[str, Any]
Pixels = NDArray[np.uint8]

FULL_ACTION_COUNT = 18
NATIVE_RATE = 60
"""Emulator frames a second of the console (NTSC)."""


class AtariEnvironment(gymnasium.Env[Pixels, np.int64]):
    """One Atari game, stepped decision by decision.

    Observations are uint8 (stack, height, width), oldest frame first. `info` holds
    `screen` (what the newest frame of the observation was made from, uint8 (210, 160, 3), RGB),
    `screens` and `rams` (each native screen since the last observation, and the 128 bytes that belong to it),
    `lives`, `frame` (emulator frames played in this game), and
    `seen` (what each stacked frame was made from, a `Seen`; None for zeros).

    Args:
        name: A Gymnasium id of ale-py: `ALE/Breakout-v5`, `BreakoutNoFrameskip-v4` ... The frame skip and the sticky
            actions of the id are overruled by the recipe.
        recipe: How observations are made, and how games start and end.
        full_actions: Offer all 18 actions of the console instead of those that the game uses.

    Raises:
        GameError: If there is no such environment or it is no Atari game.
    """

    metadata = {"render_modes": ["rgb_array"], "render_fps": 60}  # noqa: RUF012 - Gymnasium's interface

    def __init__(self, name: str, recipe: Preprocessing, *, full_actions: bool = False):
        self.name, self.recipe = name, recipe
        self._env = make_console(name, recipe, full_actions)
        self._ale = self._env.ale
        self.action_names: tuple[str, ...] = tuple(self._env.get_action_meanings())
        self._actions = self._ale.getLegalActionSet() if full_actions else self._ale.getMinimalActionSet()
        self.action_space = spaces.Discrete(len(self.action_names))
        self.observation_space = spaces.Box(0, 255, (recipe.stack, recipe.height, recipe.width), np.uint8)
        self.render_mode = "rgb_array"
        self.native_size: tuple[int, int] = self._ale.getScreenDims()
        self._stack = np.zeros(self.observation_space.shape, np.uint8)
        self._screens: list[Pixels] = []
        self._rams: list[Pixels] = []
        self._greys: list[Pixels] = []
        self._seen = 0
        self._sources: list[Seen | None] = []

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Pixels, Info]:
        """Start a game.

        Args:
            seed: Seeds the console and the number of no-ops.
            options: `{"noops": n}` starts with exactly n no-op frames.

        Returns:
            The first observation, and `info`.
        """
        super().reset(seed=seed)
        self._env.reset(seed=seed)
        self._screens, self._rams, self._greys, self._seen = [], [], [], 0
        self._look()
        most = self.recipe.noop_max
        drawn = int(self.np_random.integers(0, most)) if most else 0
        self._play(0, (options or {}).get("noops", drawn))
        if self.recipe.fire_reset:
            self._press_fire()
        self._restart_stack()
        return self._stack.copy(), self._info()

    def step(self, action: np.int64 | int) -> tuple[Pixels, float, bool, bool, Info]:
        """Play one action for `frame_skip` frames.

        Args:
            action: Index into `action_names`.

        Returns:
            Observation, unclipped reward, terminated, truncated, `info`.
        """
        self._forget()
        lives = self._ale.lives()
        reward = self._play(int(action), self.recipe.frame_skip)
        terminated, truncated = self._over()
        lost = self._ale.lives() < lives
        if self.recipe.episodic_life and lost and not (terminated or truncated):
            # As stable-baselines3's EpisodicLife and FireReset: a no-op, FIRE and the next action, and a new stack.
            reward += self._play(0, self.recipe.frame_skip)
            reward += self._press_fire()
            terminated, truncated = self._over()
            self._restart_stack()
        else:
            self._stack = np.concatenate([self._stack[1:], self._observe()[None]])
            self._sources = [*self._sources[1:], self._source()]
        return self._stack.copy(), reward, terminated, truncated, self._info()

    def render(self) -> Pixels:
        """The newest native screen, uint8 (210, 160, 3)."""
        return self._screens[-1]

    def close(self) -> None:
        """Release the console."""
        self._env.close()

    def _play(self, action: int, frame_count: int) -> float:
        """Hold an action; keep every screen; stop where the game ends."""
        reward = 0.0
        for _ in range(frame_count):
            reward += self._ale.act(self._actions[action])
            self._look()
            if self._ale.game_over():
                break
        return reward

    def _press_fire(self) -> float:
        if "FIRE" not in self.action_names or len(self.action_names) < 3:
            return 0.0
        skip = self.recipe.frame_skip
        return self._play(self.action_names.index("FIRE"), skip) + self._play(2, skip)

    def _over(self) -> tuple[bool, bool]:
        cut = bool(self._ale.game_truncated())
        return bool(self._ale.game_over()) and not cut, cut

    def _forget(self) -> None:
        self._screens, self._rams, self._greys = self._screens[-1:], self._rams[-1:], self._greys[-1:]
        self._seen = len(self._screens)

    def _look(self) -> None:
        self._screens.append(self._ale.getScreenRGB())
        self._rams.append(self._ale.getRAM())
        if self.recipe.grey == "ale":
            self._greys.append(self._ale.getScreenGrayscale())

    def _newest(self, frames: list[Pixels]) -> Pixels:
        """The newest frame, or the maximum of the last two."""
        if self.recipe.max_pool and len(frames) > 1:
            return np.maximum(frames[-1], frames[-2])
        return frames[-1]

    def _observe(self) -> Pixels:
        """One grey frame (height, width) from the newest screens, in the order of the agent's own code."""
        size = (self.recipe.width, self.recipe.height)
        if self.recipe.grey == "ale":
            return _shrink(self._newest(self._greys), size)
        screen = self._newest(self._screens)
        if self.recipe.grey == "rgb":
            return _shrink(_grey(screen), size)
        return _grey(_shrink(screen, size))

    def _source(self) -> Seen:
        """What the newest observation was made from."""
        count = 2 if self.recipe.max_pool else 1
        return Seen(np.stack(self._screens[-count:]), np.stack(self._rams[-count:]))

    def _restart_stack(self) -> None:
        frame, source = self._observe(), self._source()
        self._stack = np.zeros_like(self._stack)
        self._stack[-1 if self.recipe.padding == "zeros" else slice(None)] = frame
        before = None if self.recipe.padding == "zeros" else source
        self._sources = [before] * (self.recipe.stack - 1) + [source]

    def _info(self) -> Info:
        return {
            "screen": self._newest(self._screens),
            "screens": np.stack(self._screens[self._seen :] or self._screens),
            "rams": np.stack(self._rams[self._seen :] or self._rams),
            "lives": int(self._ale.lives()),
            "frame": int(self._ale.getEpisodeFrameNumber()),
            "seen": tuple(self._sources),
        }


def _shrink(picture: Pixels, size: tuple[int, int]) -> Pixels:
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)


def _grey(picture: Pixels) -> Pixels:
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), np.uint8)


def make_console(name: str, recipe: Preprocessing, full_actions: bool) -> Any:
    """The game behind a Gymnasium id, one emulator frame a step.

    Raises:
        GameError: If there is no such environment or it is no Atari game.
    """
    gymnasium.register_envs(ale_py)
    ale_py.ALEInterface.setLoggerMode(ale_py.LoggerMode.Error)  # no banner among the progress
    try:
        spec = gymnasium.spec(name)
    except (gymnasium.error.Error, ModuleNotFoundError) as error:
        near = difflib.get_close_matches(name, atari_ids(), n=3, cutoff=0.3)
        raise GameError(f"no environment {name!r}; Atari ids look like {', '.join(near or atari_ids()[:2])}") from error
    if "ale_py" not in str(spec.entry_point):
        raise GameError(f"{name} is no Atari game; record a game of your own with inspector.RecordExplained")
    environment = gymnasium.make(
        name,
        frameskip=1,
        repeat_action_probability=recipe.sticky,
        full_action_space=full_actions,
        max_num_frames_per_episode=recipe.max_frames,
        disable_env_checker=True,
    )
    return environment.unwrapped


def atari_ids() -> list[str]:
    """Every current Atari id: `ALE/Adventure-v5` and so on."""
    gymnasium.register_envs(ale_py)
    return sorted(name for name in gymnasium.registry if name.startswith("ALE/") and name.endswith("-v5"))


def make_environment(name: str, recipe: Preprocessing, action_count: int) -> AtariEnvironment:
    """The game for an agent with so many actions: the game's own actions, or all 18 of the console.

    Raises:
        GameError: If neither fits.
    """
    environment = AtariEnvironment(name, recipe)
    found = len(environment.action_names)
    if found == action_count:
        return environment
    environment.close()
    if action_count == FULL_ACTION_COUNT:
        return AtariEnvironment(name, recipe, full_actions=True)
    raise GameError(
        f"the agent has {action_count} actions and {name} has {found} ({', '.join(environment.action_names)}): "
        "name the game it was trained on with --env"
    )


def title_of(name: str) -> str:
    """A game's name out of its id: `ALE/SpaceInvaders-v5` is Space Invaders."""
    short = name.rpartition("/")[2].partition("-")[0].removesuffix("NoFrameskip")
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", short)
