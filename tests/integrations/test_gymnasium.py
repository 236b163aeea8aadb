"""The wrapper with environments that users have."""

from pathlib import Path

import ale_py
import gymnasium
import numpy as np
import pytest
from gymnasium.wrappers import AtariPreprocessing, FrameStackObservation

from inspector.errors import UsageError
from inspector.integrations.gymnasium import RecordExplained, network_input
from inspector.recording import Recording
from inspector.video import read_facts, read_frame
from tests.helpers import small_agent


def breakout(render_mode: str | None = "rgb_array") -> gymnasium.Env:
    gymnasium.register_envs(ale_py)
    env = gymnasium.make("ALE/Breakout-v5", frameskip=1, render_mode=render_mode, max_num_frames_per_episode=240)
    return FrameStackObservation(AtariPreprocessing(env), 4)


class Coins(gymnasium.Env):
    """A reward of 1 a step, a grey that grows by 40, four frames a step; always drawn into the same array."""

    metadata = {"render_modes": ["rgb_array"], "render_fps": 15}  # noqa: RUF012 - Gymnasium's interface
    render_mode = "rgb_array"
    observation_space = gymnasium.spaces.Box(0, 255, (4, 84, 84), np.uint8)
    action_space = gymnasium.spaces.Discrete(4)

    def __init__(self) -> None:
        self.screen = np.zeros((210, 160, 3), np.uint8)

    def reset(self, *, seed: int | None = None, options: dict | None = None) -> tuple[np.ndarray, dict]:
        super().reset(seed=seed)
        self.step_count = 0
        self.screen[:] = 0
        return self.observe()

    def step(self, action: int) -> tuple[np.ndarray, float, bool, bool, dict]:
        self.step_count += 1
        self.screen[:] = 40 * self.step_count % 256
        return self.observe()[0], 1.0, False, False, self.observe()[1]

    def observe(self) -> tuple[np.ndarray, dict]:
        return np.full((4, 84, 84), 9, np.uint8), {"episode_frame_number": 4 * self.step_count}

    def render(self) -> np.ndarray:
        return self.screen


def play(env: gymnasium.Env, steps: int) -> None:
    env.reset(seed=0)
    for number in range(steps):
        _, _, terminated, truncated, _ = env.step(number % 4)
        if terminated or truncated:
            env.reset()
    env.close()


def folders(path: Path) -> list[str]:
    return sorted(entry.name for entry in path.iterdir())


def test_chosen_episodes_are_recorded_whole_one_frame_a_step(tmp_path: Path) -> None:
    env = RecordExplained(breakout(), small_agent(), tmp_path, episode_trigger=lambda n: n == 1, fps=15)
    play(env, 130)
    assert folders(tmp_path) == ["explained-episode-1"]
    recording = Recording.load(tmp_path / "explained-episode-1")
    table = recording.rows.to_pylist()
    assert {row["episode"] for row in table} == {1}
    assert table[-1]["truncated"]
    facts = read_facts(recording.path / "video.mp4")
    assert (facts.fps, facts.frame_count) == (15, len(table))


def test_the_actions_explained_are_the_callers(tmp_path: Path) -> None:
    play(RecordExplained(breakout(), small_agent(), tmp_path, video_length=9), 9)
    table = Recording.load(tmp_path / "explained-episode-0").rows.to_pylist()
    assert [row["action"] for row in table] == [number % 4 for number in range(9)]
    for row in table:
        assert row["target_score"] == pytest.approx(row["scores"][row["action"]], abs=1e-5)


def test_a_step_trigger_with_a_length_starts_and_stops_where_it_says(tmp_path: Path) -> None:
    env = RecordExplained(
        breakout(), small_agent(), tmp_path, step_trigger=lambda n: n == 20, video_length=7, name_prefix="x"
    )
    play(env, 40)
    assert folders(tmp_path) == ["x-step-20"]
    assert len(Recording.load(tmp_path / "x-step-20").rows) == 7


def test_a_film_that_starts_in_mid_episode_knows_the_return_so_far(tmp_path: Path) -> None:
    env = RecordExplained(Coins(), small_agent(), tmp_path, step_trigger=lambda n: n == 3, video_length=2, fps=15)
    play(env, 6)
    table = Recording.load(tmp_path / "explained-step-3").rows.to_pylist()
    assert [row["return_so_far"] for row in table] == [4.0, 5.0]
    assert [(row["step"], row["frame"]) for row in table] == [(3, 12), (4, 16)]


def test_an_environment_may_draw_into_one_buffer(tmp_path: Path) -> None:
    """Each frame of the film is the picture of its own time, not the newest."""
    play(RecordExplained(Coins(), small_agent(), tmp_path, video_length=5, fps=15), 5)
    frames = [read_frame(tmp_path / "explained-episode-0" / "video.mp4", i / 15) for i in range(5)]
    levels = [int(frame[200, 100].mean()) for frame in frames]
    assert levels == pytest.approx([40, 80, 120, 160, 200], abs=6)


def test_an_episode_without_steps_leaves_nothing_behind(tmp_path: Path) -> None:
    env = RecordExplained(breakout(), small_agent(), tmp_path / "films", episode_trigger=lambda n: True)
    env.reset(seed=0)
    env.reset()
    env.close()
    assert not (tmp_path / "films").exists()


def test_the_manifest_is_that_of_a_recording(tmp_path: Path) -> None:
    play(RecordExplained(breakout(), small_agent(), tmp_path, video_length=2), 2)
    manifest = Recording.load(tmp_path / "explained-episode-0").manifest
    assert manifest["agent"]["name"] == "small"
    assert manifest["explanation"] == {
        "composite": "epsilon_plus",
        "target": "score",
        "measure": "relevance",
        "frames_told_apart": True,
    }
    assert "torch" in manifest["versions"]


def test_without_triggers_the_schedule_is_that_of_record_video(tmp_path: Path) -> None:
    play(RecordExplained(breakout(), small_agent(), tmp_path), 150)
    assert folders(tmp_path) == ["explained-episode-0", "explained-episode-1"]


def test_the_stack_may_come_last_and_floats_are_not_divided() -> None:
    agent = small_agent()
    pixels = np.random.default_rng(0).integers(0, 256, (4, 84, 84), np.uint8)
    expected = pixels.astype(np.float32) / 255
    assert np.array_equal(network_input(pixels, agent), expected)
    assert np.array_equal(network_input(pixels.transpose(1, 2, 0), agent), expected)
    assert np.array_equal(network_input(pixels[..., None], agent), expected)
    assert np.array_equal(network_input(expected, agent), expected)


def test_observations_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    gymnasium.register_envs(ale_py)
    env = gymnasium.make("ALE/Breakout-v5", render_mode="rgb_array")
    with pytest.raises(UsageError, match=r"shape \(210, 160, 3\), the agent takes \(4, 84, 84\)"):
        RecordExplained(env, small_agent(), tmp_path).reset()


@pytest.mark.parametrize("shape", [(84, 4, 84), (4, 84, 83)])
def test_pixels_are_never_reshuffled_to_fit(shape: tuple[int, ...]) -> None:
    with pytest.raises(UsageError, match="wrap the environment"):
        network_input(np.zeros(shape, np.uint8), small_agent())


def test_floats_out_of_bounds_are_refused() -> None:
    with pytest.raises(UsageError, match="observations reach from 0 to 200, the agent takes 0 to 1"):
        network_input(np.linspace(0, 200, 4 * 84 * 84).reshape(4, 84, 84), small_agent())


def test_an_environment_that_cannot_be_rendered_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match='render_mode="rgb_array"'):
        RecordExplained(breakout(None), small_agent(), tmp_path)


def test_another_number_of_actions_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"actions are Discrete\(4\), the agent has 6"):
        RecordExplained(breakout(), small_agent(action_count=6), tmp_path)
