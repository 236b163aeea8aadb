"""What the commands tell of agents that watch videos."""

import json
from pathlib import Path

import pytest

from inspector.cli import main
from inspector.load import describe_clips
from tests.load.clip_files import CLASSES, tiny_network, write_clip_bundle, write_clip_run


def test_describe_tells_a_bundle_in_plain_values(tmp_path: Path) -> None:
    network = tiny_network(1)
    told = describe_clips(write_clip_bundle(tmp_path / "little", network, tiny_network(2)), checkpoint="first")
    assert json.loads(json.dumps(told)) == told
    assert (told["classes"], told["class_names"]) == (3, list(CLASSES))
    assert told["parameters"] == sum(parameter.numel() for parameter in network.parameters())
    assert told["input"] == {"shape": [3, 4, 12, 12], "bounds": [-2.0, 2.0]}
    assert [one["clips"] for one in told["checkpoints"]] == [0, 100]  # type: ignore[attr-defined]
    assert told["checkpoint"]["interval"] == [0.1, 0.95]  # type: ignore[index]


def test_show_tells_recipe_classes_and_the_accuracy_of_every_checkpoint(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["show", str(write_clip_bundle(tmp_path / "little", tiny_network(1), tiny_network(2)))]) == 0
    told = capsys.readouterr().out
    for words in ("left, right, up", "resize  12, 16", "100 clips   accuracy  80.0 % (10.0 to 95.0) of 30 videos"):
        assert words in told
    assert main(["show", str(write_clip_run(tmp_path / "run", tiny_network(1, classes=8)))]) == 0
    assert "classes and clips as agents/train_clips.py has them" in " ".join(capsys.readouterr().out.split())


def test_show_takes_the_recipe_of_clips_for_them_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write_clip_bundle(tmp_path / "little", tiny_network(1))
    assert main(["show", str(folder), "--window", "9", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["recipe"]["frames"] == 9
    assert main(["show", "breakout", "--window", "9"]) == 2
    assert "--window is for agents that watch videos: leave it out" in capsys.readouterr().err


def test_the_list_of_agents_tells_of_players_and_of_those_that_watch(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["agents", "--json"]) == 0
    found = {one["name"]: one for one in json.loads(capsys.readouterr().out)["agents"]}
    assert found["breakout"]["environment"] == "ALE/Breakout-v5"
    assert found["motion-digits"]["classes"][:2] == ["right", "left"]
    assert 0.8 <= found["motion-digits"]["checkpoints"][-1]["accuracy"] <= 0.97
    assert main(["agents"]) == 0
    told = capsys.readouterr().out
    assert "watches      clips of 16 frames, 64x64" in told
    assert "64,000 clips" in told


@pytest.mark.parametrize("words", [["record"], ["live"], ["track", "-o", "OUT"]])
def test_commands_for_games_say_that_an_agent_watches_videos(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main([words[0], "motion-digits", *words[1:]]) == 2
    assert "motion-digits watches videos" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
