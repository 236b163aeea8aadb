"""Who can play: bundles, folders of checkpoints and single files."""

import shutil
from pathlib import Path

import pytest

from inspector.errors import CheckpointError
from inspector.live.roster import Roster
from inspector.load import list_checkpoints
from inspector.load.bundle import bundle_folders


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


def test_a_single_file_is_alone(tmp_path: Path) -> None:
    file = shutil.copy(
        sorted((bundle_folders()["pong"] / "checkpoints").iterdir())[0], tmp_path / "weights.safetensors"
    )
    roster = Roster.of(str(file), "last", "cpu", {"environment": "ALE/Pong-v5", "output": "logits"})
    assert len(roster) == 1 and roster[0].facts.name == "weights"


def test_nobody_is_an_error_that_lists_who_there_is() -> None:
    with pytest.raises(CheckpointError, match="bundled agent"):
        Roster.of("nobody", "last", "cpu", {})[0]
