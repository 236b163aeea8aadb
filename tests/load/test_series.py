"""The checkpoints of a run: found, ordered by what they say, and refused where they do not fit each other."""

import shutil
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch

from inspector.errors import CheckpointError, UsageError
from inspector.load import open_series
from tests.load.files import ACTIONS, OwnLayout, nature_trunk, write_bundle
from tests.load.test_sb3 import Pictures

GAME: dict[str, Any] = {"environment": "ALE/SpaceInvaders-v5"}  # six actions
POLICY: dict[str, Any] = GAME | {"output": "logits"}


def write_weights(path: Path, architecture: str = "nature", actions: int = ACTIONS, seed: int = 0) -> Path:
    torch.manual_seed(seed)
    torch.save(OwnLayout(architecture, actions=actions).state_dict(), path)
    return path


def test_a_bundle_is_a_series(tmp_path: Path) -> None:
    series = open_series(write_bundle(tmp_path / "little", OwnLayout()))
    assert (series.name, series.environment, series.action_count) == ("little", "ALE/Breakout-v5", ACTIONS)
    assert [member.frames for member in series.members] == [0, 400]
    assert [member.checkpoint.mean_return for member in series.members] == [1.5, 0.5]
    assert [member.load().facts.checkpoint.frames for member in series.members] == [0, 400]


def test_what_the_checkpoint_callback_of_stable_baselines3_wrote_is_a_series(tmp_path: Path) -> None:
    """The library's own callback; the names count agent steps, a step is four frames, 10 comes after 9."""
    from stable_baselines3 import A2C
    from stable_baselines3.common.callbacks import CheckpointCallback

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = A2C(
            "CnnPolicy",
            Pictures(),
            device="cpu",
            n_steps=5,
            policy_kwargs={"features_extractor_kwargs": {"features_dim": 16}},
        )
        model.learn(110, callback=CheckpointCallback(save_freq=30, save_path=str(tmp_path), name_prefix="rl_model"))
    assert sorted(path.name for path in tmp_path.iterdir())[0] == "rl_model_30_steps.zip"
    for source in (tmp_path, tmp_path / "rl_model_*_steps.zip"):
        series = open_series(source, **GAME)
        assert [member.frames for member in series.members] == [120, 240, 360]
        assert series.name == tmp_path.name


def test_frames_come_out_of_the_names_of_plain_weights(tmp_path: Path) -> None:
    for steps in (9, 100, 20):
        write_weights(tmp_path / f"agent-{steps}.pt", seed=steps)
    series = open_series(tmp_path, **POLICY)
    assert [member.frames for member in series.members] == [36, 80, 400]
    assert series.facts.checkpoint.path.endswith("agent-100.pt")  # the last one trained, not the last one listed
    assert [Path(member.source).name for member in series.members] == ["agent-9.pt", "agent-20.pt", "agent-100.pt"]


def test_a_cleanrl_run_is_a_series(tmp_path: Path) -> None:
    for steps in (1000, 2000):
        torch.manual_seed(steps)
        network = torch.nn.Module()
        network.network = torch.nn.Sequential(*nature_trunk(), torch.nn.Linear(32, ACTIONS))
        torch.save(network.state_dict(), tmp_path / f"dqn_atari-{steps}.cleanrl_model")
    series = open_series(tmp_path, **GAME)
    assert [member.frames for member in series.members] == [4000, 8000]


def test_a_corrupt_file_is_named_and_the_rest_goes_on(tmp_path: Path) -> None:
    for steps in (10, 20):
        write_weights(tmp_path / f"agent_{steps}.pt", seed=steps)
    (tmp_path / "agent_15.pt").write_bytes(b"torn")
    series = open_series(tmp_path, **POLICY)
    assert [member.frames for member in series.members] == [40, 80]
    ((path, reason),) = series.failures
    assert Path(path).name == "agent_15.pt"
    assert "agent_15.pt" in reason


def test_a_series_of_corrupt_files_alone_is_refused(tmp_path: Path) -> None:
    (tmp_path / "agent_15.pt").write_bytes(b"torn")
    with pytest.raises(CheckpointError, match=r"none of the 1 checkpoints of .* can be opened: .*agent_15\.pt"):
        open_series(tmp_path, **POLICY)


def test_a_file_that_does_not_tell_its_frames_is_refused(tmp_path: Path) -> None:
    write_weights(tmp_path / "agent.pt")
    with pytest.raises(UsageError, match=r"agent\.pt does not tell how long it was trained: let its name end in"):
        open_series(tmp_path, **POLICY)


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"architecture": "nips"}, r"agent_20\.pt has another network \(nips"),
        ({"actions": 4}, r"agent_20\.pt has another number of actions \(4\) than .*agent_10\.pt \(6\)"),
    ],
)
def test_files_of_different_runs_are_refused(tmp_path: Path, other: dict[str, Any], message: str) -> None:
    write_weights(tmp_path / "agent_10.pt")
    write_weights(tmp_path / "agent_20.pt", **other)
    with pytest.raises(UsageError, match=message):
        open_series(tmp_path, **POLICY)


def test_two_different_files_with_the_same_frames_are_refused_and_copies_count_once(tmp_path: Path) -> None:
    write_weights(tmp_path / "a_10.pt", seed=1)
    shutil.copy(tmp_path / "a_10.pt", tmp_path / "b_10.pt")
    write_weights(tmp_path / "b_20.pt", seed=2)
    assert [member.frames for member in open_series(tmp_path, **POLICY).members] == [40, 80]
    write_weights(tmp_path / "b_10.pt", seed=3)
    with pytest.raises(UsageError, match=r"a_10\.pt and .*b_10\.pt both say 40 frames and differ"):
        open_series(tmp_path, **POLICY)


def test_a_game_that_nobody_names_is_asked_for(tmp_path: Path) -> None:
    write_weights(tmp_path / "agent_10.pt")
    with pytest.raises(UsageError, match="does not say which game it plays: name it, as in --env"):
        open_series(tmp_path, output="logits")


@pytest.mark.parametrize("source", ["nowhere", "nowhere/*.zip", "{empty}"])
def test_nothing_there_is_told_with_what_could_be(tmp_path: Path, source: str) -> None:
    with pytest.raises(CheckpointError, match=r"there are no checkpoints at .*: name a bundle \(breakout, pong\)"):
        open_series(source.format(empty=tmp_path), **POLICY)
