"""Recordings of every kind, played back: unexplained, of any environment, broken off, mended, at odds with itself."""

import math
import os
import signal
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest

from inspector.errors import RecordingError
from inspector.integrations.gymnasium import RecordExplained
from inspector.live.replay import Replay
from inspector.live.scene import LONGEST_PAST
from inspector.live.view import View
from inspector.recording import Recording, RecordingWriter
from inspector.recovery import recover
from inspector.rows import ROW_SCHEMA
from inspector.session import Progress, record
from tests.helpers import small_agent

BREAKOUT = "ALE/Breakout-v5"


def lines(replay: Replay) -> str:
    """What the view makes of it."""
    characters = View("truecolor").draw(replay.scene, 60, 150)[..., 0] & 0x1FFFFF
    return "\n".join("".join(map(chr, line)) for line in characters.tolist())


def played_to_its_end(recording: Recording) -> int:
    """Decisions that can be shown, each drawn."""
    with Replay(recording) as replay:
        count = 1
        assert replay.scene.title in lines(replay)
        while replay.advance():
            count += 1
            lines(replay)
    return count


def test_a_recording_without_explanation_shows_the_play_alone(tmp_path: Path) -> None:
    recording = record(small_agent("q_values"), environment=BREAKOUT, steps=9, explain=False, output=tmp_path / "r")
    assert played_to_its_end(recording) == 9
    with Replay(recording) as replay:
        scene, row = replay.scene, recording.rows.to_pylist()[0]
        assert (scene.painted, scene.overlays, scene.overlay) == (None, ("off",), "off")
        assert (scene.explained, scene.target_name, scene.target_action) == ("not explained", "", None)
        assert (scene.region_shares, scene.frame_shares, scene.region_names) == (None, None, ())
        assert (scene.output, scene.tracked) == ("q_values", row["scores"][row["action"]])


class Grey(gymnasium.Env):
    """A grey that grows; without lives, at 20 steps a second, and with no names of its actions."""

    metadata = {"render_modes": ["rgb_array"], "render_fps": 20}  # noqa: RUF012 - Gymnasium's interface
    render_mode = "rgb_array"
    observation_space = gymnasium.spaces.Box(0, 255, (4, 84, 84), np.uint8)
    action_space = gymnasium.spaces.Discrete(4)

    def reset(self, *, seed: int | None = None, options: dict | None = None) -> tuple[np.ndarray, dict]:
        super().reset(seed=seed)
        self.count = 0
        return np.zeros((4, 84, 84), np.uint8), {}

    def step(self, action: int) -> tuple[np.ndarray, float, bool, bool, dict]:
        self.count += 1
        return np.full((4, 84, 84), 9 * self.count, np.uint8), 1.0, False, False, {}

    def render(self) -> np.ndarray:
        return np.full((50, 70, 3), 9 * self.count, np.uint8)


def test_a_recording_of_any_environment_has_no_regions_and_its_own_speed(tmp_path: Path) -> None:
    env = RecordExplained(Grey(), small_agent(), tmp_path)
    env.reset(seed=0)
    for number in range(12):
        env.step(number % 4)
    env.close()
    recording = Recording.load(tmp_path / "explained-episode-0")
    assert played_to_its_end(recording) == 12
    with Replay(recording) as replay:
        assert (replay.scene.decision_rate, replay.scene.lives, replay.scene.region_names) == (20, None, ())
        assert replay.scene.action_names == ("0", "1", "2", "3")
        assert replay.scene.screen.shape == (50, 70, 3)
        replay.press("end")
        assert replay.scene.return_so_far == 12
        assert replay.scene.screen.mean() == pytest.approx(99, abs=2)  # what the last decision was made on
        assert not any(one.life_lost for one in replay.scene.past)


def test_an_interrupted_recording_says_so(tmp_path: Path) -> None:
    def interrupt(progress: Progress) -> None:
        if progress.steps == 5:
            os.kill(os.getpid(), signal.SIGINT)

    recording = record(
        small_agent(), environment=BREAKOUT, steps=99, output=tmp_path / "r", on_progress=interrupt, explain=False
    )
    assert recording.status == "interrupted"
    assert played_to_its_end(recording) == len(recording.rows)
    with Replay(recording) as replay:
        assert replay.scene.agent.startswith("small · interrupted · step 1 of ")


def test_an_unfinished_recording_is_not_opened_and_a_recovered_one_is(tmp_path: Path) -> None:
    writer = RecordingWriter(tmp_path, {}, width=64, height=48, fps=30)
    for place in range(45):
        writer.add_row(row(place, video_seconds=place / 15))
        for _ in range(2):
            writer.add_frame(np.full((48, 64, 3), 5 * place, np.uint8))
    with pytest.raises(RecordingError, match="inspector recover"):
        Recording.load(tmp_path)
    journal, film = (tmp_path / "steps.journal").read_bytes(), (tmp_path / "video.mp4").read_bytes()
    said = (tmp_path / "manifest.json").read_text()
    writer.close()
    for name in os.listdir(tmp_path):  # as a kill would have left it
        (tmp_path / name).unlink()
    (tmp_path / "steps.journal").write_bytes(journal)
    (tmp_path / "video.mp4").write_bytes(film)
    (tmp_path / "manifest.json").write_text(said)
    recovered = recover(tmp_path)
    count = played_to_its_end(Recording.load(tmp_path))
    assert recovered.row_count == 45 and 0 < count == math.ceil(recovered.frame_count / 2) <= 45


def row(place: int, **told: Any) -> dict[str, Any]:
    required = {field.name: 0 for field in ROW_SCHEMA if not field.nullable}
    given = {"step": place, "video_seconds": place / 30, "action_name": "UP", "scores": [0.0, 1.0]}
    return required | given | {"terminated": False, "truncated": False} | told


def written(folder: Path, rows: list[dict[str, Any]], manifest: dict[str, Any] | None = None) -> Recording:
    with RecordingWriter(folder, manifest or {}, width=64, height=48, fps=30) as writer:
        for place, each in enumerate(rows):
            writer.add_frame(np.full((48, 64, 3), place % 250, np.uint8))
            writer.add_row(each)
    return Recording.load(folder)


def test_scores_that_are_no_numbers_are_shown_as_none(tmp_path: Path) -> None:
    nan = float("nan")
    broken = [row(0, scores=[nan, nan], value=nan), row(1, scores=[1.0, nan], target_score=nan, target="score")]
    for output in ("logits", "q_values"):
        folder = tmp_path / output
        recording = written(folder, [*broken, row(2, action=1)], {"agent": {"output": output}, "regions": ["ball"]})
        assert played_to_its_end(recording) == 3
        with Replay(recording) as replay:
            replay.go(2)
            assert [math.isnan(one.tracked) for one in replay.scene.past] == [True, True]


def test_a_manifest_that_says_little_is_made_up_for_by_the_rows(tmp_path: Path) -> None:
    with Replay(written(tmp_path / "walk", [row(0), row(1, action=1, action_name="DOWN")])) as replay:
        assert (replay.scene.title, replay.scene.agent) == ("walk", "recording · step 1 of 2, 0:00")
        assert replay.scene.action_names == ("UP", "DOWN")
        assert replay.scene.screen.shape == (48, 64, 3)
    with Replay(written(tmp_path / "one", [row(0)])) as replay:
        assert (replay.scene.action_names, replay.scene.decision_rate) == (("UP", "1"), 15.0)


@pytest.mark.parametrize(
    ("rows", "manifest", "text"),
    [
        ([row(0), row(1, scores=[1.0])], {}, "scores of a decision are 1, not 2"),
        ([row(0, action=2)], {}, "an action is not one of 2"),
        ([row(0)], {"environment": {"action_names": ["A", "B", "C"]}}, "scores of a decision are 2, not 3"),
        ([row(0, region_shares=[0.5, 0.5])], {"regions": ["ball"]}, "region_shares of a decision are 2, not 1"),
    ],
)
def test_rows_and_manifest_that_do_not_fit_together_are_refused(
    tmp_path: Path, rows: list[dict[str, Any]], manifest: dict[str, Any], text: str
) -> None:
    with pytest.raises(RecordingError, match=f"does not fit together: {text}; record it again"):
        Replay(written(tmp_path, rows, manifest))


def test_a_long_past_is_cut_to_what_a_timeline_can_show(tmp_path: Path) -> None:
    rows = [row(place, target_score=float(place), target="score") for place in range(LONGEST_PAST + 20)]
    with Replay(written(tmp_path, rows)) as replay:
        replay.press("end")
        assert [one.tracked for one in replay.scene.past] == list(range(19, LONGEST_PAST + 19))
