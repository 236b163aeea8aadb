"""Who can play: bundles, folders of checkpoints and single files."""

import shutil
from pathlib import Path

import pytest
import torch
from torch import nn

from inspector.errors import CheckpointError, UsageError
from inspector.live.roster import Roster
from inspector.load import list_checkpoints
from inspector.load.bundle import bundle_folders
from tests.load.files import OwnLayout, nature_trunk, write_bundle


def test_a_bundle_brings_its_whole_series_and_opens_one_at_a_time() -> None:
    roster = Roster.of("pong", "first", "cpu", {})
    frames = [one.frames for one in list_checkpoints("pong")]
    assert len(roster) == len(frames) and roster.place == 0
    assert [agent.facts.checkpoint.frames for agent in roster] == frames
    assert roster[1] is roster[1]
    assert [agent.facts.checkpoint.frames for agent in roster[1:3]] == frames[1:3]


def test_the_checkpoint_that_is_asked_for_plays_first() -> None:
    frames = [one.frames for one in list_checkpoints("pong")]
    assert Roster.of("pong", str(frames[3]), "cpu", {}).place == 3
    assert Roster.of("pong", "last", "cpu", {}).place == len(frames) - 1
    with pytest.raises(CheckpointError, match="no checkpoint '7'"):
        Roster.of("pong", "7", "cpu", {})


@pytest.mark.parametrize("named", ["{folder}", "{folder}/w_*_frames.safetensors"])
def test_a_folder_or_a_glob_of_files_is_a_series(tmp_path: Path, named: str) -> None:
    files = sorted((bundle_folders()["pong"] / "checkpoints").iterdir())
    for number, file in enumerate(files[:3]):
        shutil.copy(file, tmp_path / f"w_{1000 * (number + 1)}_frames.safetensors")
    options = {"environment": "ALE/Pong-v5", "output": "logits"}
    roster = Roster.of(named.format(folder=tmp_path), "last", "cpu", options)
    assert len(roster) == 3 and roster.place == 2
    assert roster[0].facts.environment == "ALE/Pong-v5"
    assert [agent.facts.checkpoint.frames for agent in roster] == [1000, 2000, 3000]  # which the names alone tell


def test_a_single_file_is_alone(tmp_path: Path) -> None:
    file = shutil.copy(
        sorted((bundle_folders()["pong"] / "checkpoints").iterdir())[0], tmp_path / "weights.safetensors"
    )
    roster = Roster.of(str(file), "last", "cpu", {"environment": "ALE/Pong-v5", "output": "logits"})
    assert len(roster) == 1 and roster[0].facts.name == "weights"


def test_nobody_is_an_error_that_lists_who_there_is() -> None:
    with pytest.raises(CheckpointError, match="bundled agent"):
        Roster.of("nobody", "last", "cpu", {})[0]


def test_each_checkpoint_of_a_bundle_is_opened_by_its_frames_the_untrained_one_too(tmp_path: Path) -> None:
    network = OwnLayout(actions=4)
    four = {'"LEFT", "UP", "DOWN"]': '"LEFT"]'}
    roster = Roster.of(str(write_bundle(tmp_path / "little", network, text=four)), "last", "cpu", {})
    assert [agent.facts.checkpoint.frames for agent in roster] == [0, 400] and roster.place == 1
    silent = write_bundle(tmp_path / "silent", network, text={"frames = 0\n": ""})
    with pytest.raises(CheckpointError, match="frames must be a whole number"):
        Roster.of(str(silent), "last", "cpu", {})


def test_files_that_are_passed_over_are_told_of(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second, *_ = sorted((bundle_folders()["pong"] / "checkpoints").iterdir())
    for name, file in {"w_100_steps": first, "w_200_steps": second, "final": second}.items():
        shutil.copy(file, tmp_path / f"{name}.safetensors")
    (tmp_path / "w_300_steps.safetensors").write_bytes(b"cut off")
    roster = Roster.of(str(tmp_path), "last", "cpu", {"environment": "ALE/Pong-v5", "output": "logits"})
    assert [agent.facts.checkpoint.frames for agent in roster] == [400, 800]
    said = capsys.readouterr()
    left_out, note = said.err.splitlines()
    assert left_out.startswith(f"left out: {tmp_path / 'w_300_steps.safetensors'} is no agent") and not said.out
    assert note.startswith(f"{tmp_path.name}: ") and "final.safetensors" in note


def test_files_that_no_one_run_made_are_refused_before_anything_is_played(tmp_path: Path) -> None:
    for number, stack in enumerate((4, 2), start=1):
        network = nn.Sequential(*nature_trunk(), nn.Linear(32, 6))
        network[0] = nn.Conv2d(stack, 4, 8, stride=4)
        torch.save(network.state_dict(), tmp_path / f"w_{number}_steps.pt")
    with pytest.raises(UsageError, match=r"has another .*: checkpoints of one run belong in one series"):
        Roster.of(str(tmp_path), "last", "cpu", {"environment": "ALE/Pong-v5", "output": "q_values"})
