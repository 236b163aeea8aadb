"""The checkpoints of a run: found, ordered by what they say, and refused where they do not fit each other."""

import json
import shutil
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch

from inspector.errors import CheckpointError, UsageError
from inspector.load import check_different, open_series
from inspector.records import Preprocessing
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
    write_weights(tmp_path / "a_20.pt", seed=2)
    write_weights(tmp_path / "b_30.pt", seed=4)
    assert [member.frames for member in open_series(tmp_path, **POLICY).members] == [40, 80, 120]
    write_weights(tmp_path / "b_10.pt", seed=3)
    with pytest.raises(UsageError, match=r"a_10\.pt and .*b_10\.pt both say 40 frames and differ"):
        open_series(tmp_path, **POLICY)


def test_a_game_that_nobody_names_is_asked_for(tmp_path: Path) -> None:
    write_weights(tmp_path / "agent_10.pt")
    with pytest.raises(UsageError, match="does not say which game it plays: name it, as in --env"):
        open_series(tmp_path, output="logits")


@pytest.mark.parametrize("source", ["nowhere", "nowhere/*.zip", "{empty}"])
def test_nothing_there_is_told_with_what_could_be(tmp_path: Path, source: str) -> None:
    with pytest.raises(
        CheckpointError, match=r"there are no checkpoints at .*: name a bundle \(breakout, motion-digits, pong\)"
    ):
        open_series(source.format(empty=tmp_path), **POLICY)


def test_a_run_of_our_trainer_tells_frames_game_and_preprocessing(tmp_path: Path) -> None:
    """By its own folder, by that of its checkpoints, or by a glob; what its trainer goes on from is no checkpoint."""
    run = tmp_path / "run"
    weights = run / "checkpoints"
    write_bundle(tmp_path / "little", OwnLayout())
    weights.mkdir(parents=True)
    for number, frames in ((0, 0), (400, 24576)):
        file = tmp_path / "little" / "checkpoints" / f"{number}.safetensors"
        shutil.copy(file, weights / f"{frames:012d}.safetensors")
    write_weights(run / "resume.pt")
    said = {"game": "space_invaders", "network": "nature", "hidden": 16, "frames": 40_000}
    (run / "settings.json").write_text(json.dumps(said))
    (weights / "000000000000.safetensors").write_bytes(other_weights(weights / "000000000000.safetensors"))
    for source in (run, weights, weights / "*.safetensors"):
        series = open_series(source, preprocessing={"sticky": 0.25})
        assert (series.name, series.environment) == ("run", "ALE/SpaceInvaders-v5")
        assert [member.frames for member in series.members] == [0, 24576]
        assert series.preprocessing == Preprocessing(sticky=0.25)
        assert not any("preprocessing" in line for line in series.assumed)
    (run / "settings.json").unlink()
    assert [member.frames for member in open_series(weights, **POLICY).members] == [0, 24576]


def other_weights(file: Path) -> bytes:
    """Those of a file, each a little larger."""
    from safetensors.torch import load_file, save

    return save({name: tensor + 0.5 for name, tensor in load_file(file).items()})


def test_settings_of_another_trainer_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "settings.json").write_text('{"game": "pong"}')
    write_weights(tmp_path / "agent_10.pt")
    assert open_series(tmp_path, **POLICY).environment == GAME["environment"]


@pytest.mark.parametrize("name", ["agent_iter10.pt", "agent_epoch_3.pt", "model_2e6.pt"])
def test_another_count_is_not_taken_for_steps(tmp_path: Path, name: str) -> None:
    write_weights(tmp_path / name)
    with pytest.raises(UsageError, match=rf"{name} does not tell .* as agent_400000, .* or agent_1600000_frames"):
        open_series(tmp_path, **POLICY)


def test_what_lies_beside_numbered_checkpoints_is_left_out_with_a_note(tmp_path: Path) -> None:
    """The best and the final model of stable-baselines3 are of the run, and would count twice."""
    for name in ("rl_model_10_steps", "rl_model_20_steps", "rl_model_30_steps", "best_model", "final"):
        write_weights(tmp_path / f"{name}.pt", seed=len(name))
    series = open_series(tmp_path, **POLICY)
    assert [member.frames for member in series.members] == [40, 80, 120]
    assert series.notes == ("left out: best_model.pt, final.pt, not named as the 3 rl_model_*_steps.pt",)
    assert series.failures == ()


def test_what_was_assumed_of_a_series_stands_in_one_place(tmp_path: Path) -> None:
    write_weights(tmp_path / "agent_10.pt")
    first, *others = open_series(tmp_path, **POLICY).assumed
    assert first == "training time from the files' names, taken as agent steps of 4 frames"
    assert any("sticky 0.0" in line for line in others)
    assert open_series(tmp_path, **POLICY).facts.checkpoint.frames == 40


def test_the_same_run_given_twice_is_no_second_seed(tmp_path: Path) -> None:
    for seed in (1, 2):
        (tmp_path / str(seed)).mkdir()
        for steps in (10, 20):
            write_weights(tmp_path / str(seed) / f"agent_{steps}.pt", seed=seed * steps)
    shutil.copytree(tmp_path / "1", tmp_path / "copy")
    one, other, copy = (open_series(tmp_path / name, **POLICY) for name in ("1", "2", "copy"))
    check_different([one, other])
    with pytest.raises(UsageError, match=r"all 2 checkpoints of 1 \(.*1 and .*copy\) were given twice"):
        check_different([one, other, copy])
    part = open_series(tmp_path / "copy" / "agent_10.pt", **POLICY)
    with pytest.raises(UsageError, match="were given twice"):
        check_different([one, part])
