"""Attention while agents train: in stable-baselines3's own loop, and in our trainer's."""

import os
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch import nn

from inspector.atari.objects.choice import find_for
from inspector.errors import UnsupportedError, UsageError
from inspector.load import load_agent, open_series
from inspector.probe import ProbeSet
from inspector.probe_file import read_probe, save_probe, states_of
from inspector.track.meter import AttentionMeter
from inspector.track.work import Explaining, collect_states, explain_probe

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def probe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """States of the bundled agent's play."""
    last = open_series("breakout").members[-1]
    arrays = collect_states(last, None, last.frames, seed=1, episodes=1, max_steps=80, every=8)
    names = find_for("ALE/Breakout-v5").names
    recipe = last.load().preprocessing
    path = tmp_path_factory.mktemp("probe") / "probe.npz"
    save_probe(ProbeSet("ALE/Breakout-v5", recipe, names, states_of(arrays, names), {}), path)
    return path


def logged(folder: Path) -> EventAccumulator:
    (file,) = folder.rglob("events.out.tfevents.*")
    found = EventAccumulator(str(file), size_guidance={"scalars": 0, "images": 0})
    found.Reload()
    return found


def steps_of(found: EventAccumulator, tag: str) -> list[int]:
    return [event.step for event in found.Scalars(tag)]


def test_the_meter_measures_what_a_track_measures(probe: Path) -> None:
    last = open_series("breakout").members[-1]
    meter = AttentionMeter(probe)
    shares = meter.shares(last.load())
    arrays = explain_probe(last, probe, Explaining("epsilon_plus", "score"))
    each = arrays["positive"].sum(2) / arrays["positive"].sum((1, 2))[:, None]
    assert list(shares.values()) == pytest.approx(each.mean(0).tolist())
    assert sum(shares.values()) == pytest.approx(1.0)
    assert shares["ball"] + shares["paddle"] > 0.1
    assert meter.picture(last.load()).shape == (630, 480, 3)


def test_the_meter_refuses_another_game(probe: Path) -> None:
    with pytest.raises(UsageError, match="the agents play ALE/Pong-v5"):
        AttentionMeter(probe).shares(load_agent("pong"))


def model_on(game: str = "BreakoutNoFrameskip-v4", count: int = 1, **settings: Any) -> Any:
    from stable_baselines3 import A2C
    from stable_baselines3.common.env_util import make_atari_env
    from stable_baselines3.common.vec_env import VecFrameStack

    games = VecFrameStack(make_atari_env(game, n_envs=count, seed=0), n_stack=4)
    policy = {"features_extractor_kwargs": {"features_dim": 32}}
    return A2C(
        "CnnPolicy", games, n_steps=8, device="cpu", policy_kwargs=policy, seed=1, learning_rate=1e-5, **settings
    )


def test_the_callback_of_stable_baselines3_logs_shares_and_a_picture(probe: Path, tmp_path: Path) -> None:
    import ale_py
    import gymnasium

    from inspector.sb3 import AttentionCallback

    gymnasium.register_envs(ale_py)
    whole = read_probe(probe)
    theirs = ProbeSet(whole.environment, load_agent_recipe(tmp_path), whole.names, whole.states, {})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = model_on(tensorboard_log=str(tmp_path / "board"))
        model.learn(64, callback=AttentionCallback(theirs, every=24), log_interval=1)
    found = logged(tmp_path / "board")
    tags = [tag for tag in found.Tags()["scalars"] if tag.startswith("attention/")]
    assert {tag.removeprefix("attention/") for tag in tags} == {*whole.names, "background"}
    assert steps_of(found, "attention/ball") == [0, 24, 48]
    assert steps_of(found, "time/fps")[:2] == [8, 16]  # the model's own numbers wait for its own dumps
    values = [[event.value for event in found.Scalars(tag)] for tag in tags]
    assert np.sum(values, axis=0) == pytest.approx(1.0, abs=1e-5)
    assert found.Images("attention/overlay")


def test_the_callback_leaves_training_as_it_was(probe: Path, tmp_path: Path) -> None:
    """Weights and random numbers: the run that is watched is the run that was asked for."""
    from inspector.sb3 import AttentionCallback

    whole = read_probe(probe)
    theirs = ProbeSet(whole.environment, load_agent_recipe(tmp_path), whole.names, whole.states, {})

    def trained(callback: AttentionCallback | None) -> list[torch.Tensor]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = model_on().learn(40, callback=callback)
        return [*model.policy.state_dict().values(), torch.get_rng_state()]

    watched, alone = trained(AttentionCallback(theirs, every=16)), trained(None)
    assert all(torch.equal(one, other) for one, other in zip(watched, alone, strict=True))


def load_agent_recipe(folder: Path) -> Any:
    """How the inspector takes a model of stable-baselines3 to see."""
    from inspector.sb3 import agent_of

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return agent_of(model_on(), "ALE/Breakout-v5").preprocessing


def test_a_callback_for_another_way_of_seeing_stops_before_training(probe: Path) -> None:
    from inspector.sb3 import AttentionCallback

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = model_on()
        with pytest.raises(UsageError, match="the probe set was made with grey ale, and the agents want rgb"):
            model.learn(64, callback=AttentionCallback(probe))
    assert model.num_timesteps == 0


def test_a_callback_for_another_game_stops_before_training(probe: Path, tmp_path: Path) -> None:
    """Pong has as many actions as this probe set's agents could have: only the environment tells."""
    from inspector.sb3 import AttentionCallback

    whole = read_probe(probe)
    theirs = ProbeSet(whole.environment, load_agent_recipe(tmp_path), whole.names, whole.states, {})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = model_on("PongNoFrameskip-v4")
        with pytest.raises(UsageError, match=r"is of ALE/Breakout-v5, and the agents play ALE/Pong-v5: give the probe"):
            model.learn(64, callback=AttentionCallback(theirs))
    assert model.num_timesteps == 0


def test_a_callback_measures_at_the_first_step_at_or_after_each_multiple(probe: Path, tmp_path: Path) -> None:
    from inspector.sb3 import AttentionCallback

    whole = read_probe(probe)
    theirs = ProbeSet(whole.environment, load_agent_recipe(tmp_path), whole.names, whole.states[:2], {})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = model_on(count=3, tensorboard_log=str(tmp_path / "board"))
        model.learn(45, callback=AttentionCallback(theirs, every=10), log_interval=1000)
    assert steps_of(logged(tmp_path / "board"), "attention/ball") == [0, 12, 21, 30, 42]


def test_a_callback_that_never_measures_is_refused(probe: Path) -> None:
    from inspector.sb3 import AttentionCallback

    with pytest.raises(UsageError, match="every is 0: at least 1"):
        AttentionCallback(probe, every=0)


def test_our_trainer_logs_attention_beside_the_return(probe: Path, tmp_path: Path) -> None:
    command = "train breakout --network nips --hidden 16 --envs 2 --rollout 16 --frames 400 --threads 1 --device cpu"
    trainer, tracked = ROOT / "agents" / "train_atari.py", ["--track", probe, "--track-every", "200"]
    subprocess.run(
        [sys.executable, trainer, *command.split(), "--out", tmp_path / "run", *tracked],
        check=True,
        capture_output=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    found = logged(tmp_path / "run" / "tensorboard")
    assert steps_of(found, "attention/paddle") == [0, 256, 512]  # a rollout is 128 frames
    assert found.Images("attention/overlay")
    assert not (tmp_path / "run" / "tracked.safetensors").exists()


@pytest.mark.parametrize(("game", "message"), [("pong", "the agents play ALE/Pong-v5"), ("breakout", "no probe set")])
def test_our_trainer_refuses_a_probe_set_in_one_line(probe: Path, tmp_path: Path, game: str, message: str) -> None:
    command = f"train {game} --network nips --hidden 16 --envs 2 --rollout 16 --frames 400 --threads 1 --device cpu"
    places = ["--out", tmp_path / "run", "--track", probe if game == "pong" else tmp_path / "probe.npz"]
    done = subprocess.run(
        [sys.executable, ROOT / "agents" / "train_atari.py", *command.split(), *places],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 1
    assert message in done.stderr and "Traceback" not in done.stderr


def test_what_cannot_be_explained_is_refused(probe: Path) -> None:
    from dataclasses import replace

    class Sorted(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale = nn.Parameter(torch.ones(1))

        def forward(self, inputs: Any) -> Any:
            return inputs.flatten(1).sort(1).values[:, :4]

    agent = replace(load_agent("breakout"), network=Sorted())
    with pytest.raises(UnsupportedError, match="sort"):
        AttentionMeter(probe).shares(agent)
