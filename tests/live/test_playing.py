"""The stage of an agent that plays: it goes on, answers keys, keeps what was played, and records it."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from inspector.atari.objects.choice import find_for
from inspector.live.filming import Filming
from inspector.live.player import Player
from inspector.live.playing import Limit, Playing
from inspector.live.roster import Roster
from inspector.recording import Recording


@pytest.fixture
def player() -> Iterator[Player]:
    roster = Roster.of("breakout", "last", "cpu", {})
    with Player(roster, find_for("ALE/Breakout-v5"), place=roster.place) as made:
        yield made


@pytest.fixture
def filming(player: Player, tmp_path: Path) -> Iterator[Filming]:
    with Filming(player, tmp_path / "films", {"play": {"seed": 0}}) as made:
        yield made


@pytest.fixture
def playing(player: Player, filming: Filming) -> Playing:
    return Playing(player, filming)


def go(playing: Playing, steps: int) -> None:
    for _ in range(steps):
        assert playing.advance()


def test_the_scene_goes_on_with_the_game_and_keeps_its_past(playing: Playing) -> None:
    before = playing.scene.screen
    go(playing, 20)
    scene = playing.scene
    assert not np.array_equal(before, scene.screen)
    assert len(scene.past) == 20 == playing.steps and scene.past[0].game_begins and not scene.past[1].game_begins
    assert scene.region_shares is not None and len(scene.region_shares) == len(scene.region_names)
    assert scene.agent.startswith("breakout · 42.0 M frames · checkpoint")
    assert scene.past[-1].region_shares is not None


def test_targets_change_on_the_same_state_and_an_action_s_key_goes_back_to_the_score(playing: Playing) -> None:
    go(playing, 10)
    screen, action = playing.scene.screen, playing.scene.decision.action
    said = []
    for _ in range(4):
        said.append(playing.press("t"))
        assert np.array_equal(playing.scene.screen, screen) and playing.scene.decision.action == action
    assert said == ["explained: contrast", "explained: advantage", "explained: value", "explained: score"]
    assert playing.press("2") == "explained: RIGHT" and playing.scene.target_name == "RIGHT"
    assert playing.scene.tracked == pytest.approx(float(playing.scene.decision.scores[2]), rel=1e-4)
    assert playing.press("2") == "explained: score"
    assert playing.press("9") is None and playing.press("k") is None and playing.press("x") is None


def test_another_checkpoint_looks_at_the_same_state(playing: Playing) -> None:
    go(playing, 10)
    scene = playing.scene
    screen, scores, shown = scene.screen, scene.decision.scores, scene.on_screen
    assert shown is not None
    assert playing.press("c") == "the same state under checkpoint 1 of 13"  # round the end
    assert np.array_equal(scene.screen, screen) and not np.array_equal(scene.decision.scores, scores)
    assert scene.on_screen is not None and not np.allclose(scene.on_screen, shown)
    peak = float(np.abs(scene.on_screen).max()) / scene.full_strength
    assert 0.5 < peak < 20  # each has its own brightness: the untrained one's scores are a thousand times smaller
    playing.press("C")
    assert np.array_equal(scene.decision.scores, scores) and np.allclose(scene.on_screen, shown)


def test_play_ends_after_so_many_steps_or_games(player: Player, filming: Filming) -> None:
    some = Playing(player, filming, Limit(steps=3))
    go(some, 3)
    assert some.is_over and not some.advance() and some.steps == 3
    player.change_checkpoint(1)  # the untrained one, whose games are short
    player.new_game()
    one = Playing(player, filming, Limit(episodes=1))
    while one.advance():
        pass
    (game,) = one.games
    assert game.finished and game.steps == one.steps == len(one.scene.past)
    assert game.return_so_far == sum(past.reward for past in one.scene.past)


def test_a_new_game_is_counted_as_another(playing: Playing) -> None:
    go(playing, 5)
    playing.press("n")
    assert playing.scene.return_so_far == 0 and len(playing.games) == 2
    playing.press("n")
    assert len(playing.games) == 2  # one that was not played is none
    go(playing, 2)
    assert [game.steps for game in playing.games] == [5, 2] and not any(game.finished for game in playing.games)


def test_what_is_recorded_is_the_play_that_was_watched(playing: Playing, filming: Filming) -> None:
    go(playing, 30)
    return_before = playing.scene.return_so_far
    assert str(playing.press("r")).startswith("recording into ")
    go(playing, 40)
    playing.news()
    assert playing.scene.filming
    assert playing.press("r") == "the film is being finished"
    assert str(filming.wait()).startswith("recorded: ")
    recording = Recording.load(filming.finished[0].path)
    assert recording.status == "complete" and recording.rows.num_rows == 40
    assert recording.rows.column("step").to_pylist() == list(range(30, 70))
    shown = [past.tracked for past in list(playing.scene.past)[30:]]
    assert recording.rows.column("target_score").to_pylist() == pytest.approx(shown, rel=1e-3, abs=1e-4)
    assert recording.rows.column("return_so_far")[0].as_py() >= return_before
    assert recording.manifest["play"] == {"seed": 0}
    playing.news()
    assert not playing.scene.filming


@pytest.mark.parametrize("key", ["c", "t", "n"])
def test_a_recording_ends_where_it_would_be_of_something_else(playing: Playing, filming: Filming, key: str) -> None:
    playing.press("r")
    go(playing, 3)
    assert "the recording has ended" in str(playing.press(key))
    filming.wait()
    assert not filming.is_running and filming.finished[0].rows.num_rows == 3


def test_a_folder_that_cannot_be_written_is_said_and_play_goes_on(player: Player, tmp_path: Path) -> None:
    (tmp_path / "films").write_text("a file")
    with Filming(player, tmp_path / "films", {}) as filming:
        playing = Playing(player, filming)
        assert "choose another folder" in str(playing.press("r"))
        go(playing, 2)
        assert not filming.is_running


def test_a_recording_that_is_broken_off_is_kept_as_interrupted(player: Player, tmp_path: Path) -> None:
    filming = Filming(player, tmp_path, {})
    playing = Playing(player, filming)
    playing.press("r")
    go(playing, 5)
    filming.__exit__(SystemExit, SystemExit(143), None)
    assert filming.finished[0].status == "interrupted" and filming.finished[0].rows.num_rows == 5


def test_a_recording_without_a_step_says_so(playing: Playing, filming: Filming) -> None:
    playing.press("r")
    playing.press("r")
    assert "nothing was recorded" in str(filming.wait()) and not filming.finished


@pytest.mark.parametrize(
    ("composite", "measure", "apart"), [("sensitivity", "sensitivity", True), ("epsilon_plus_flat", "relevance", False)]
)
def test_what_is_shown_is_called_what_it_is(tmp_path: Path, composite: str, measure: str, apart: bool) -> None:
    roster = Roster.of("breakout", "last", "cpu", {})
    with Player(roster, find_for("ALE/Breakout-v5"), place=roster.place, composite=composite) as player:
        scene = Playing(player, Filming(player, tmp_path, {})).scene
    assert scene.measure == measure and (scene.frame_shares is not None) == apart
