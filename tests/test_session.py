"""Whole recordings of real games by small agents."""

import hashlib
import json
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from torch import nn

from inspector.atari.environment import title_of
from inspector.errors import GameError, RecordingError, UnsupportedError, UsageError
from inspector.explaining import Interpreter
from inspector.recording import Recording
from inspector.records import LEDGER_PARTS, Decision, Preprocessing
from inspector.session import Progress, default_folder, record
from inspector.video import read_facts
from tests.helpers import SmallActorCritic, small_agent

BREAKOUT = "ALE/Breakout-v5"
NAMES = ("NOOP", "FIRE", "RIGHT", "LEFT")


def rows(recording: Recording) -> list[dict]:
    return recording.rows.to_pylist()


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    folder = tmp_path_factory.mktemp("films") / "one"
    agent = small_agent(make=SmallActorCritic)
    return record(agent, environment=BREAKOUT, steps=70, seed=3, output=folder, save_relevance=True)


def test_a_recording_holds_the_film_the_rows_and_an_account_of_itself(recording: Recording) -> None:
    manifest = json.loads((recording.path / "manifest.json").read_text())
    assert manifest["status"] == "complete"
    assert manifest["environment"]["id"] == BREAKOUT
    assert manifest["preprocessing"]["sticky"] == 0.0
    assert manifest["play"] == {"seed": 3, "policy": "sampled", "episodes": None, "steps": 70}
    assert manifest["explanation"] == {
        "composite": "epsilon_plus",
        "target": "score",
        "measure": "relevance",
        "frames_told_apart": True,
    }
    assert (recording.path / "thumbnail.png").stat().st_size > 1000


def test_the_film_runs_at_the_true_speed_of_the_game(recording: Recording) -> None:
    """Four emulator frames a decision at 60 a second are two frames of a film of 30."""
    facts = read_facts(recording.path / "video.mp4")
    assert (facts.codec, facts.pixel_format, facts.width, facts.height) == ("h264", "yuv420p", 1280, 720)
    assert (facts.fps, facts.frame_count) == (30, 140)
    table = rows(recording)
    assert [row["video_seconds"] for row in table] == pytest.approx([2 * i / 30 for i in range(70)])
    assert [row["frame"] - table[0]["frame"] for row in table] == [4 * i for i in range(70)]


def test_every_row_closes_its_ledger(recording: Recording) -> None:
    for row in rows(recording):
        parts = sum(row[f"ledger_{part}"] for part in LEDGER_PARTS)
        scale = max(abs(row["target_score"]), row["relevance_positive"] - row["relevance_negative"])
        assert abs(parts - row["target_score"]) <= 1e-5 * scale
        assert row["relevance_positive"] + row["relevance_negative"] == pytest.approx(row["ledger_input"], abs=1e-4)


def test_a_row_explains_the_score_of_the_action_taken(recording: Recording) -> None:
    for row in rows(recording):
        assert row["action_name"] == ("NOOP", "FIRE", "RIGHT", "LEFT")[row["action"]]
        assert row["target_score"] == pytest.approx(row["scores"][row["action"]], abs=1e-5)
        assert sum(row["frame_shares"]) == pytest.approx(1.0, abs=1e-5)


def test_saved_maps_are_those_of_the_rows(recording: Recording) -> None:
    with h5py.File(recording.path / "relevance.h5") as file:
        maps = np.asarray(file["relevance"], np.float64)
    assert maps.shape == (70, 4, 84, 84)
    sums = [row["ledger_input"] for row in rows(recording)]
    assert maps.sum(axis=(1, 2, 3)) == pytest.approx(sums, rel=2e-2, abs=2e-3)


def test_the_same_seed_gives_the_same_recording_byte_by_byte(recording: Recording, tmp_path: Path) -> None:
    agent = small_agent(make=SmallActorCritic)
    again = record(agent, environment=BREAKOUT, steps=70, seed=3, output=tmp_path / "two")
    assert rows(again) == rows(recording)
    films = [hashlib.sha256((r.path / "video.mp4").read_bytes()).hexdigest() for r in (recording, again)]
    assert films[0] == films[1]


def test_the_contrast_is_the_action_less_the_best_other(tmp_path: Path) -> None:
    table = rows(record(small_agent(), environment=BREAKOUT, steps=12, target="contrast", output=tmp_path / "r"))
    for row in table:
        others = [score for i, score in enumerate(row["scores"]) if i != row["action"]]
        assert row["target_score"] == pytest.approx(row["scores"][row["action"]] - max(others), abs=1e-5)


def test_a_film_frame_never_mixes_two_games(tmp_path: Path) -> None:
    """Games of an odd number of frames: the last frame stands alone, and the next game starts with its own."""
    agent = small_agent(recipe=Preprocessing(max_frames=5, noop_max=0))
    recording = record(agent, environment=BREAKOUT, steps=6, explain=False, output=tmp_path / "r")
    assert [(row["episode"], row["step"]) for row in rows(recording)] == [(n // 2, n % 2) for n in range(6)]
    starts = [row["video_seconds"] * 30 for row in rows(recording)]
    assert starts == pytest.approx([0, 2, 3, 5, 6, 8])


def test_what_was_played_before_an_error_is_kept(tmp_path: Path) -> None:
    def fail(progress: Progress) -> None:
        if progress.steps == 40:
            raise KeyError("a caller's own mistake")

    with pytest.raises(KeyError, match="own mistake"):
        record(small_agent(), environment=BREAKOUT, steps=90, output=tmp_path / "r", on_progress=fail)
    recording = Recording.load(tmp_path / "r")
    assert (recording.status, len(recording.rows)) == ("failed", 40)


def test_an_agent_made_for_other_actions_is_refused(tmp_path: Path) -> None:
    agent = small_agent()
    agent.facts.provenance["actions"] = "LEFT RIGHT FIRE NOOP"
    with pytest.raises(GameError, match=r"made for the actions LEFT, RIGHT, FIRE, NOOP; ALE/Breakout-v5 has NOOP"):
        record(agent, environment=BREAKOUT, steps=2, output=tmp_path / "r")


def test_a_folder_is_named_after_the_agent_and_stays_below_recordings() -> None:
    agent = small_agent()
    strange = replace(agent, facts=replace(agent.facts, name="../../etc/x y"))
    assert default_folder(strange, 3).parent == Path("recordings")
    assert default_folder(strange, 3).name.startswith("etc-x-y-seed3-")


@pytest.mark.parametrize(
    ("target", "text", "line"),
    [
        ("score", "RIGHT", "logit of the action taken"),
        ("contrast", "RIGHT over FIRE", "contrast of the action taken"),
        ("advantage", "RIGHT over the mean", "advantage of the action taken"),
        ("value", "the value", "value"),
        ("LEFT", "LEFT", "logit of LEFT"),
    ],
)
def test_a_target_says_what_is_explained(target: str, text: str, line: str) -> None:
    interpreter = Interpreter(small_agent(make=SmallActorCritic), NAMES, "epsilon_plus", target)
    decision = Decision(action=2, scores=np.array([0.0, 1.0, 5.0, -1.0], np.float32), value=0.0)
    assert (interpreter.target_text(decision), interpreter.line_name) == (text, line)


@pytest.mark.parametrize("target", ["LEFT", "left", "3"])
def test_one_action_can_be_explained_throughout(target: str, tmp_path: Path) -> None:
    table = rows(record(small_agent(), environment=BREAKOUT, steps=6, target=target, output=tmp_path / "r"))
    assert {row["target"] for row in table} == {"LEFT"}
    assert [row["target_score"] for row in table] == pytest.approx([row["scores"][3] for row in table], abs=1e-5)


def test_the_critic_can_be_explained(tmp_path: Path) -> None:
    agent = small_agent(make=SmallActorCritic)
    table = rows(record(agent, environment=BREAKOUT, steps=6, target="value", output=tmp_path / "r"))
    assert [row["target_score"] for row in table] == pytest.approx([row["value"] for row in table], abs=1e-5)


def test_whole_games_are_counted_by_episodes(tmp_path: Path) -> None:
    agent = small_agent(recipe=Preprocessing(max_frames=48, noop_max=0))
    seen: list[Progress] = []
    recording = record(
        agent, environment=BREAKOUT, episodes=3, explain=False, output=tmp_path / "r", on_progress=seen.append
    )
    table = rows(recording)
    assert [row["episode"] for row in table if row["truncated"]] == [0, 1, 2]
    assert table[-1]["truncated"]
    assert (seen[-1].episodes, seen[-1].total_episodes, seen[-1].steps) == (3, 3, len(table))


def test_without_explanation_the_columns_of_relevance_are_empty(tmp_path: Path) -> None:
    table = rows(record(small_agent(), environment=BREAKOUT, steps=5, explain=False, output=tmp_path / "r"))
    assert {row["target_score"] for row in table} == {None}
    assert not (tmp_path / "r" / "relevance.h5").exists()


def test_sixty_frames_a_second_keep_every_emulator_frame(tmp_path: Path) -> None:
    record(small_agent(), environment=BREAKOUT, steps=5, fps=60, output=tmp_path / "r")
    facts = read_facts(tmp_path / "r" / "video.mp4")
    assert (facts.fps, facts.frame_count) == (60, 20)


class Untraceable(nn.Module):
    """A softmax in the middle: an operation without a rule."""

    def __init__(self, action_count: int):
        super().__init__()
        self.policy = small_policy_head(action_count)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return torch.softmax(self.policy(inputs), dim=1)


def small_policy_head(action_count: int) -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(4 * 84 * 84, action_count))


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"target": "value"}, UsageError, "critic"),
        ({"target": "JUMP"}, UsageError, r"no target 'JUMP'; there are score, .* NOOP, FIRE, RIGHT, LEFT"),
        ({"composite": "epsilon_minus"}, UsageError, "epsilon_minus"),
        ({"fps": 25}, UsageError, "do not divide"),
        ({"steps": 3, "episodes": 1}, UsageError, "not both"),
        ({"steps": 0}, UsageError, "start at 1"),
        ({"environment": "ALE/Brakeout-v5"}, GameError, "no environment 'ALE/Brakeout-v5'"),
        ({"environment": "ALE/Pong-v5"}, GameError, "the agent has 4 actions and ALE/Pong-v5 has 6"),
        ({"environment": None}, UsageError, "name it, as in --env"),
    ],
)
def test_what_cannot_be_recorded_leaves_no_folder(
    options: dict, error: type[Exception], text: str, tmp_path: Path
) -> None:
    given = {"environment": BREAKOUT, "output": tmp_path / "r"} | options
    if "steps" not in given:
        given["steps"] = 3
    with pytest.raises(error, match=text):
        record(small_agent(), **given)
    assert list(tmp_path.iterdir()) == []


def test_a_network_with_an_operation_without_a_rule_is_refused_before_a_folder_is_made(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedError, match="softmax"):
        record(small_agent(make=Untraceable), environment=BREAKOUT, steps=3, output=tmp_path / "r")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_holds_something_is_refused_and_untouched(tmp_path: Path) -> None:
    (tmp_path / "video.mp4").write_text("mine")
    for overwrite in (False, True):
        with pytest.raises(RecordingError, match="another folder"):
            record(small_agent(), environment=BREAKOUT, steps=3, output=tmp_path, overwrite=overwrite)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("video.mp4", "mine")]


def test_a_recording_is_replaced_only_when_told_to(tmp_path: Path) -> None:
    record(small_agent(), environment=BREAKOUT, steps=3, output=tmp_path / "r")
    with pytest.raises(RecordingError, match="--overwrite"):
        record(small_agent(), environment=BREAKOUT, steps=5, output=tmp_path / "r")
    assert read_facts(tmp_path / "r" / "video.mp4").frame_count == 6
    record(small_agent(), environment=BREAKOUT, steps=5, output=tmp_path / "r", overwrite=True)
    assert read_facts(tmp_path / "r" / "video.mp4").frame_count == 10


def test_a_signal_finishes_the_film_and_says_so(tmp_path: Path) -> None:
    script = (
        "from tests.helpers import small_agent\n"
        "from inspector.session import record\n"
        "note = lambda p: print(p.steps, flush=True)\n"
        f"r = record(small_agent(), environment={BREAKOUT!r}, steps=100000, output={str(tmp_path / 'r')!r}, "
        "on_progress=note)\n"
        "print(r.manifest['status'])\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        for line in child.stdout:
            if line.strip() == "50":
                child.send_signal(signal.SIGINT)
                break
        rest = child.stdout.read().split()
    assert child.returncode == 0
    assert rest[-1] == "interrupted"
    recording = Recording.load(tmp_path / "r")
    count = len(rows(recording))
    assert 50 <= count < 100_000
    assert read_facts(tmp_path / "r" / "video.mp4").frame_count == 2 * count


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("ALE/SpaceInvaders-v5", "Space Invaders"),
        ("BreakoutNoFrameskip-v4", "Breakout"),
        ("ALE/Pong-v5", "Pong"),
        ("ALE/MsPacman-v5", "Ms Pacman"),
    ],
)
def test_a_title_is_the_games_name(name: str, title: str) -> None:
    assert title_of(name) == title
