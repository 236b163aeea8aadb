"""The recorder's game against the trainer's, frame by frame."""

import cv2
import numpy as np
import pytest
from ale_py import AtariVectorEnv
from gymnasium.utils.env_checker import check_env

from inspector.atari.environment import AtariEnvironment, make_environment
from inspector.errors import GameError
from inspector.records import Preprocessing

GAMES = [("breakout", "ALE/Breakout-v5"), ("pong", "ALE/Pong-v5"), ("ms_pacman", "ALE/MsPacman-v5")]


@pytest.mark.parametrize(("game", "name"), GAMES)
def test_network_inputs_are_bit_identical_to_the_trainers_for_the_same_actions(game: str, name: str) -> None:
    """Also rewards, lives and frame counts, from the same number of no-ops, to the end of a game."""
    trainer = AtariVectorEnv(
        game, num_envs=1, noop_max=30, use_fire_reset=False, reward_clipping=False, autoreset_mode="SameStep"
    )
    theirs, facts = trainer.reset(seed=3)
    ours = AtariEnvironment(name, Preprocessing())
    observation, _ = ours.reset(seed=3, options={"noops": int(facts["frame_number"][0])})
    assert np.array_equal(theirs[0], observation)
    generator = np.random.default_rng(0)
    step_count, over = 0, False
    while not over and step_count < 600:
        action = int(generator.integers(ours.action_space.n))
        theirs, their_reward, ended, cut, facts = trainer.step(np.array([action]))
        observation, reward, terminated, truncated, info = ours.step(action)
        over = terminated or truncated
        assert over == bool(ended[0] or cut[0])
        assert reward == their_reward[0]
        if not over:  # There the trainer's observation is already that of the next game.
            assert np.array_equal(theirs[0], observation)
            assert (info["lives"], info["frame"]) == (facts["lives"][0], facts["episode_frame_number"][0])
        step_count += 1
    assert step_count > 100


@pytest.mark.filterwarnings("ignore:.*render_fps.*:UserWarning", "ignore:.*not within the observation.*:UserWarning")
def test_the_environment_passes_the_checker_of_gymnasium() -> None:
    check_env(AtariEnvironment("ALE/Pong-v5", Preprocessing()), skip_render_check=True)


def test_every_native_screen_of_an_action_is_kept_with_its_memory() -> None:
    environment = AtariEnvironment("ALE/Breakout-v5", Preprocessing())
    environment.reset(seed=0)
    _, _, _, _, info = environment.step(1)
    assert info["screens"].shape == (4, 210, 160, 3)
    assert info["rams"].shape == (4, 128)
    assert np.array_equal(info["screen"], np.maximum(info["screens"][-1], info["screens"][-2]))
    assert not np.array_equal(info["rams"][0], info["rams"][3])


def test_the_grey_of_stable_baselines3_is_made_in_its_order() -> None:
    """Maximum of the last two RGB screens, grey by OpenCV, then resized by area."""
    environment = AtariEnvironment("ALE/Breakout-v5", Preprocessing(grey="rgb"))
    environment.reset(seed=0)
    observation, _, _, _, info = environment.step(1)
    last_two = np.maximum(info["screens"][-1], info["screens"][-2])
    grey = cv2.cvtColor(last_two, cv2.COLOR_RGB2GRAY)
    assert np.array_equal(observation[-1], cv2.resize(grey, (84, 84), interpolation=cv2.INTER_AREA))


def test_the_grey_of_cleanrl_resizes_before_it_turns_grey() -> None:
    environment = AtariEnvironment("ALE/Breakout-v5", Preprocessing(grey="resize_rgb"))
    environment.reset(seed=0)
    observation, _, _, _, info = environment.step(1)
    small = cv2.resize(info["screen"], (84, 84), interpolation=cv2.INTER_AREA)
    assert np.array_equal(observation[-1], cv2.cvtColor(small, cv2.COLOR_RGB2GRAY))


@pytest.mark.parametrize(("padding", "filled"), [("zeros", [False, False, False, True]), ("first", [True] * 4)])
def test_the_stack_starts_as_the_recipe_says(padding: str, filled: list[bool]) -> None:
    environment = AtariEnvironment("ALE/Breakout-v5", Preprocessing(padding=padding))  # type: ignore[arg-type]
    observation, _ = environment.reset(seed=0)
    assert [bool(frame.any()) for frame in observation] == filled


def test_a_lost_life_fires_anew_and_restarts_the_stack_where_the_recipe_says_so() -> None:
    environment = AtariEnvironment("ALE/Breakout-v5", Preprocessing(fire_reset=True, episodic_life=True))
    environment.reset(seed=0)
    for _ in range(300):
        observation, _, terminated, _, info = environment.step(0)
        if len(info["screens"]) > 4:
            break
    assert (info["lives"], terminated) == (4, False)
    assert len(info["screens"]) == 4 + 3 * 4
    assert [bool(frame.any()) for frame in observation] == [False, False, False, True]


def test_a_game_is_truncated_at_the_cap_of_frames() -> None:
    environment = AtariEnvironment("ALE/Breakout-v5", Preprocessing(max_frames=80, noop_max=0))
    environment.reset(seed=0)
    ends = [environment.step(0)[2:4] for _ in range(25)]
    assert (False, True) in ends
    assert (True, False) not in ends


def test_the_seed_decides_the_number_of_noops() -> None:
    environment = AtariEnvironment("ALE/Breakout-v5", Preprocessing())
    starts = [environment.reset(seed=seed)[1]["frame"] for seed in (1, 2, 3, 1)]
    assert starts[0] == starts[3]
    assert len(set(starts)) > 1
    assert all(0 <= start < 30 for start in starts)


def test_an_unknown_environment_is_refused_with_what_is_near() -> None:
    with pytest.raises(GameError, match=r"no environment 'ALE/Breakut-v5'.*ALE/Breakout-v5"):
        AtariEnvironment("ALE/Breakut-v5", Preprocessing())


def test_an_environment_that_is_no_atari_game_is_refused() -> None:
    with pytest.raises(GameError, match=r"CartPole-v1 is no Atari game.*RecordExplained"):
        AtariEnvironment("CartPole-v1", Preprocessing())


def test_an_action_count_that_disagrees_is_refused() -> None:
    with pytest.raises(GameError, match=r"the agent has 5 actions and ALE/Breakout-v5 has 4 \(NOOP, FIRE"):
        make_environment("ALE/Breakout-v5", Preprocessing(), 5)


def test_an_agent_of_all_eighteen_actions_gets_the_full_set() -> None:
    assert len(make_environment("ALE/Breakout-v5", Preprocessing(), 18).action_names) == 18
