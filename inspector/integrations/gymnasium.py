"""A Gymnasium wrapper that records explained films, with the meanings of `gymnasium.wrappers.RecordVideo`."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, SupportsFloat

import gymnasium
import numpy as np
from numpy.typing import NDArray

from inspector.agent import Agent
from inspector.atari.environment import title_of
from inspector.errors import UsageError
from inspector.explaining import Interpreter
from inspector.lrp import CompositeLike
from inspector.recorder import Recorder
from inspector.records import Decision, Step

Trigger = Callable[[int], bool]


class RecordExplained(gymnasium.Wrapper[Any, Any, Any, Any]):
    """Records some episodes of any environment as explained films, while the caller plays.

    Every step shows one native frame, by `render`, at `fps`. As with `RecordVideo`, an environment that skips frames
    inside plays faster so than the game: with a skip of 4 at the console's 60, `fps=15` is true speed. A film lands in
    a folder of its own, `<video_folder>/<name_prefix>-episode-<n>` or `-step-<n>`, as `inspector record` makes it.

    Args:
        env: An environment with `render_mode="rgb_array"` whose observations are what the agent's network sees:
            (stack, height, width), or the same with the stack last, uint8 or float in 0..1.
        agent: Whose network explains the actions that the caller takes.
        video_folder: Where the folders land.
        episode_trigger: Takes the number of the episode, from 0; says whether to record it. With neither trigger,
            episodes 0, 1, 8, 27, ... 1000, 2000, ... are recorded.
        step_trigger: Takes the number of the step over all episodes; says whether to start recording there.
        video_length: Steps a film lasts; 0 lasts to the end of the episode.
        name_prefix: Start of the folders' names.
        fps: Frames a second of the film; None takes the environment's `render_fps`.
        composite: As in `inspector.record`.
        target: As in `inspector.record`.
        overwrite: Replace recordings that are there.

    Raises:
        UsageError: If the environment cannot be rendered, or its observations do not fit the agent.
        UnsupportedError: If the network cannot be explained.
    """

    def __init__(
        self,
        env: gymnasium.Env[Any, Any],
        agent: Agent,
        video_folder: str | Path,
        episode_trigger: Trigger | None = None,
        step_trigger: Trigger | None = None,
        video_length: int = 0,
        name_prefix: str = "explained",
        *,
        fps: int | None = None,
        composite: CompositeLike = "epsilon_plus",
        target: str = "score",
        overwrite: bool = False,
    ):
        super().__init__(env)
        if env.render_mode != "rgb_array":
            raise UsageError(f'render_mode is {env.render_mode!r}; make the environment with render_mode="rgb_array"')
        if episode_trigger is None and step_trigger is None:
            episode_trigger = cubic_schedule
        self._agent, self._folder, self._prefix, self._overwrite = agent, Path(video_folder), name_prefix, overwrite
        self._episode_trigger, self._step_trigger, self._length = episode_trigger, step_trigger, video_length
        self._fps = fps or int(env.metadata.get("render_fps", 30))
        self._names = action_names(env, agent.action_count)
        self._id = str(env.spec.id) if env.spec else type(env.unwrapped).__name__
        self._title = title_of(self._id)
        self._spec = str(env.spec) if env.spec else None
        self._interpreter = Interpreter(agent, self._names, composite, target)
        self._recorder: Recorder | None = None
        self._next_film: str | None = None
        self._episode, self._total_steps, self._index, self._recorded = -1, 0, 0, 0

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """As the environment's; starts a film if the trigger says so."""
        observation, info = super().reset(seed=seed, options=options)
        if self._length == 0:
            self.stop_recording()
        self._episode, self._index, self._return = self._episode + 1, 0, 0.0
        self._see(observation, info)
        if self._episode_trigger and self._episode_trigger(self._episode):
            self.start_recording(f"{self._prefix}-episode-{self._episode}")
        return observation, info

    def step(self, action: Any) -> tuple[Any, SupportsFloat, bool, bool, dict[str, Any]]:
        """As the environment's; the decision recorded is the caller's action on the last observation."""
        if self._step_trigger and self._step_trigger(self._total_steps):
            self.start_recording(f"{self._prefix}-step-{self._total_steps}")
        screen, inputs, frame = self._screen, self._input, self._frame
        observation, reward, terminated, truncated, info = super().step(action)
        self._see(observation, info)
        if self._next_film:
            self._recorder, self._next_film = self._make_recorder(self._next_film), None
        if self._recorder:
            lives = info.get("lives")
            self._recorder.add(
                Step(
                    episode=self._episode,
                    index=self._index,
                    frame=frame,
                    screen=screen,
                    screens=self._screen[None],
                    rams=None,
                    network_input=inputs,
                    decision=self._decision(inputs, int(action)),
                    reward=float(reward),
                    lives=None if lives is None else int(lives),
                    terminated=bool(terminated),
                    truncated=bool(truncated),
                )
            )
            self._recorded += 1
        self._return += float(reward)
        self._index, self._total_steps = self._index + 1, self._total_steps + 1
        if self._recorded == self._length != 0 or (self._length == 0 and (terminated or truncated)):
            self.stop_recording()
        return observation, reward, terminated, truncated, info

    def start_recording(self, name: str) -> None:
        """Start a film with the next step, in the folder of that name; one that runs is finished first."""
        self.stop_recording()
        self._next_film = name

    def stop_recording(self) -> None:
        """Finish the film that runs, if one does."""
        recorder, self._recorder, self._next_film, self._recorded = self._recorder, None, None, 0
        if recorder:
            recorder.close()

    def close(self) -> None:
        """Finish the film and close the environment."""
        try:
            self.stop_recording()
        finally:
            super().close()

    def _make_recorder(self, name: str) -> Recorder:
        return Recorder(
            self._agent,
            self._folder / name,
            title=self._title,
            action_names=self._names,
            screen_size=self._screen.shape[:2],
            native_rate=self._fps,
            decision_rate=self._fps,
            fps=self._fps,
            interpreter=self._interpreter,
            overwrite=self._overwrite,
            return_so_far=self._return,
            manifest={
                "environment": {"id": self._id, "action_names": self._names, "spec": self._spec},
                "preprocessing": "the caller's environment",
                "play": {"policy": "the caller's", "recorded_by": "RecordExplained"},
            },
        )

    def _see(self, observation: Any, info: dict[str, Any]) -> None:
        self._screen: NDArray[np.uint8] = np.array(self.env.render(), np.uint8)  # a copy: some draw in one buffer
        self._input = network_input(observation, self._agent)
        self._frame = int(info.get("episode_frame_number", self._index))

    def _decision(self, inputs: NDArray[np.float32], action: int) -> Decision:
        scores, values = self._agent.scores(inputs[None])
        return Decision(action, scores[0], None if values is None else float(values[0]))


def cubic_schedule(episode: int) -> bool:
    """Episodes 0, 1, 8, 27 ... 729, then each thousandth: `RecordVideo`'s schedule."""
    return round(episode ** (1 / 3)) ** 3 == episode if episode < 1000 else episode % 1000 == 0


def network_input(observation: Any, agent: Agent) -> NDArray[np.float32]:
    """What the network sees of an observation: float32 (stack, height, width), divided if it is uint8.

    Raises:
        UsageError: If its shape fits neither with the stack first nor with it last, or a value is out of bounds.
    """
    pixels = np.asarray(observation)
    stack, height, width = agent.input_shape
    pixels = pixels.reshape([size for size in pixels.shape if size > 1])
    if stack == 1:
        pixels = pixels[None]
    if pixels.shape == (height, width, stack):
        pixels = pixels.transpose(2, 0, 1)
    if pixels.shape != agent.input_shape:
        raise UsageError(
            f"observations are of shape {np.asarray(observation).shape}, the agent takes {agent.input_shape}: "
            "wrap the environment as it was in training"
        )
    scaled = pixels.astype(np.float32)
    if pixels.dtype == np.uint8:
        return scaled / np.float32(agent.preprocessing.divisor)
    low, high = agent.input_bounds
    if scaled.min() < low or scaled.max() > high:
        raise UsageError(
            f"observations reach from {scaled.min():g} to {scaled.max():g}, the agent takes {low:g} to {high:g}: "
            "hand it uint8 pixels, or scale them as in training"
        )
    return scaled


def action_names(env: gymnasium.Env[Any, Any], action_count: int) -> tuple[str, ...]:
    """The environment's names of its actions, or their numbers.

    Raises:
        UsageError: If the environment has another number of actions than the agent.
    """
    found = getattr(env.action_space, "n", None)
    if found != action_count:
        raise UsageError(f"the environment's actions are {env.action_space}, the agent has {action_count}")
    meanings = getattr(env.unwrapped, "get_action_meanings", None)
    return tuple(meanings()) if meanings else tuple(str(number) for number in range(action_count))
