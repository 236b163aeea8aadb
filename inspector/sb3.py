"""Attention beside the return while stable-baselines3 trains."""

import hashlib
import io
import math
from pathlib import Path

from ale_py.registration import rom_id_to_name
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import Image, Logger
from stable_baselines3.common.vec_env import VecEnv

from inspector.agent import Agent
from inspector.errors import UsageError
from inspector.load.draft import Request
from inspector.load.safe import StoredFile
from inspector.load.sb3 import read_sb3
from inspector.probe import ProbeSet
from inspector.records import Checkpoint
from inspector.track.meter import AttentionMeter

_NOT_FOR_PICTURES = ("stdout", "log", "json", "csv")


class AttentionCallback(BaseCallback):
    """Logs, now and then, where the relevance of the model's decisions lies on saved states.

    `attention/ball` and so on are shares of the positive relevance, and add up to 1; `attention/overlay` is one state
    with its relevance, for TensorBoard. They go where the model's own logger writes, each at the agent step that it was
    measured at: the first of training, and the first at or after each multiple of `every`.

        model.learn(1_000_000, callback=AttentionCallback("recordings/track-breakout/probe.npz", every=50_000))

    Args:
        probe: A probe set, or its file: the `probe.npz` of `inspector track`.
        every: Agent steps from one measurement to the next.
        composite: Rules that explain, as in `inspector.record`.
        target: What is explained: `score` of the best action, `contrast`, `advantage`, `value`, or an action's number.
        state: Number of the state that is drawn.
        verbose: As in stable-baselines3.

    Raises:
        UsageError: If the file is no probe set, or `every` is below 1; when training starts, if the model plays another
            game than the probe set shows, or sees it otherwise.
        UnsupportedError: When training starts, if the policy cannot be explained.
    """

    def __init__(
        self,
        probe: ProbeSet | str | Path,
        every: int = 50_000,
        composite: str = "epsilon_plus",
        target: str = "score",
        state: int = 0,
        verbose: int = 0,
    ) -> None:
        super().__init__(verbose)
        if every < 1:
            raise UsageError(f"every is {every}: at least 1 agent step lies between two measurements")
        self._meter, self._every, self._state = AttentionMeter(probe, composite, target), every, state
        self._due = 0

    def _on_training_start(self) -> None:
        self._measure()

    def _on_step(self) -> bool:
        if self.num_timesteps >= self._due:
            self._measure()
        return True

    def _measure(self) -> None:
        agent = agent_of(self.model, _game_of(self.training_env) or self._meter.probe.environment)
        beside = Logger(None, self.logger.output_formats)  # what is recorded for the next dump waits for it
        for name, share in self._meter.shares(agent).items():
            if math.isfinite(share):
                beside.record(f"attention/{name}", share)
        picture = Image(self._meter.picture(agent, self._state), "HWC")
        beside.record("attention/overlay", picture, exclude=_NOT_FOR_PICTURES)
        beside.dump(self.num_timesteps)
        self._due = (self.num_timesteps // self._every + 1) * self._every


def _game_of(games: VecEnv) -> str | None:
    """Environment id of the Atari game that a model trains on; None where the environment does not say."""
    try:
        (spec, *_) = games.get_attr("spec")
    except AttributeError:
        return None
    game = getattr(spec, "kwargs", {}).get("game")
    return f"ALE/{rom_id_to_name(game)}-v5" if isinstance(game, str) else None


def agent_of(model: BaseAlgorithm, environment: str) -> Agent:
    """The agent that a model is at this moment; its network is a copy.

    Args:
        model: PPO, A2C, DQN or QR-DQN with CnnPolicy.
        environment: Environment id.

    Raises:
        CheckpointError: If its policy is none of those.
    """
    packed = io.BytesIO()
    model.save(packed)
    content = packed.getvalue()
    digest = hashlib.sha256(content).hexdigest()
    path = Path(f"{type(model).__name__} at step {model.num_timesteps}")
    request = Request(environment)
    return read_sb3(StoredFile(path, content, digest), request).finish(
        path.name, Checkpoint(str(path), digest), request
    )
