"""The stage of an agent that plays: it goes on, answers keys, and keeps what was played."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from torch import Tensor, nn

from inspector.atari.objects.choice import find_for
from inspector.draw.overlay import RunningScale
from inspector.live.filming import Filming
from inspector.live.player import Player
from inspector.live.playing import Limit, Playing
from inspector.live.roster import Roster
from inspector.load import load_agent
from inspector.load.bundle import bundle_folders
from inspector.recorder import brightness
from tests.helpers import small_agent
from tests.live.fresh import all_told


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


def test_play_ends_after_so_many_steps_and_n_goes_on(player: Player, filming: Filming) -> None:
    some = Playing(player, filming, Limit(steps=3))
    go(some, 3)
    assert some.news() is None
    for _ in range(2):  # and whenever it is asked again
        some.scene.paused = some.is_over and not some.advance()
        assert some.scene.paused and some.steps == 3
        assert some.news() == "3 steps are played, as asked for: n goes on, q quits" and some.news() is None
    assert some.press("t") == "explained: contrast" and some.scene.target_name
    screen = some.scene.screen
    assert some.press("n") == "play goes on" and not some.scene.paused
    assert np.array_equal(some.scene.screen, screen)
    go(some, 3)
    assert [game.steps for game in some.games] == [6] and player.follows_seed
    assert some.press("n") == "a new game"


def test_after_so_many_games_the_last_state_of_the_last_one_stays_until_n_goes_on(filming: Filming) -> None:
    agent = load_agent("breakout", checkpoint="first", preprocessing={"max_frames": 100})
    with Player([agent], find_for("ALE/Breakout-v5")) as player:
        playing = Playing(player, filming, Limit(episodes=2))
        while playing.advance():
            last = playing.scene.past[-1]
        assert playing.news() == "2 episodes are played, as asked for: n goes on, q quits"
        one, two = playing.games
        assert one.finished and two.finished and one.steps + two.steps == playing.steps == len(playing.scene.past)
        assert one.return_so_far + two.return_so_far == sum(past.reward for past in playing.scene.past)
        assert playing.scene.return_so_far == two.return_so_far and not last.game_begins
        screen = playing.scene.screen
        assert playing.press("t") == "explained: contrast" and np.array_equal(playing.scene.screen, screen)
        assert playing.press("n") == "play goes on"
        assert not np.array_equal(playing.scene.screen, screen) and playing.scene.return_so_far == 0
        go(playing, 3)
        assert [past.game_begins for past in playing.scene.past][-4:] == [False, True, False, False]
        assert [game.steps for game in playing.games[2:]] == [3]
        assert player.follows_seed


def test_one_is_said_in_the_singular(player: Player, filming: Filming) -> None:
    playing = Playing(player, filming, Limit(steps=1))
    go(playing, 1)
    assert not playing.advance() and playing.news() == "1 step is played, as asked for: n goes on, q quits"


def test_a_new_game_is_counted_as_another(playing: Playing) -> None:
    go(playing, 5)
    playing.press("n")
    assert playing.scene.return_so_far == 0 and len(playing.games) == 2
    playing.press("n")
    assert len(playing.games) == 2  # one that was not played is none
    go(playing, 2)
    assert [game.steps for game in playing.games] == [5, 2] and not any(game.finished for game in playing.games)


@pytest.mark.parametrize(
    ("composite", "measure", "apart"), [("sensitivity", "sensitivity", True), ("epsilon_plus_flat", "relevance", False)]
)
def test_what_is_shown_is_called_what_it_is(tmp_path: Path, composite: str, measure: str, apart: bool) -> None:
    roster = Roster.of("breakout", "last", "cpu", {})
    with Player(roster, find_for("ALE/Breakout-v5"), place=roster.place, composite=composite) as player:
        scene = Playing(player, Filming(player, tmp_path, {})).scene
    assert scene.measure == measure and (scene.frame_shares is not None) == apart


def test_what_a_checkpoint_does_not_have_cannot_be_explained_and_all_stays(tmp_path: Path) -> None:
    agent = load_agent("breakout")
    blunt = replace(agent, network=WithoutCritic(agent.network))
    with Player([agent, blunt], find_for("ALE/Breakout-v5"), place=0, target="value") as player:
        filming = Filming(player, tmp_path, {})
        playing = Playing(player, filming)
        go(playing, 2)
        playing.press("r")
        before = replace(playing.scene)
        for _ in range(2):
            assert "no critic" in str(playing.press("c"))
            assert playing.scene == before and filming.is_running
            go(playing, 1)
            assert playing.scene.agent == before.agent and playing.scene.target_name == "the value"
            before = replace(playing.scene)
        assert playing.press("t") == "explained: score; the recording has ended with that, r begins another"
        assert playing.press("c") == "the same state under checkpoint 2 of 2"
        said = [playing.press("t") for _ in range(3)]
        assert said == ["explained: contrast", "explained: advantage", "explained: score"]
        all_told(filming)


class WithoutCritic(nn.Module):
    """A policy alone."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, inputs: Tensor) -> Tensor:
        """Logits."""
        return self.network(inputs)[0]


@pytest.mark.parametrize("damage", ["gone", "broken", "changed"])
def test_a_checkpoint_that_cannot_be_opened_any_more_is_said_and_play_goes_on(
    tmp_path: Path, damage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("inspector.live.roster._KEPT", 1)
    files = [tmp_path / f"w_{1000 * number}_frames.safetensors" for number in (1, 2, 3)]
    for file, found in zip(files, sorted((bundle_folders()["pong"] / "checkpoints").iterdir()), strict=False):
        shutil.copy(found, file)
    roster = Roster.of(str(tmp_path), "1000", "cpu", {"environment": "ALE/Pong-v5", "output": "logits"})
    with Player(roster, find_for("ALE/Pong-v5"), place=roster.place) as player:
        playing = Playing(player, Filming(player, tmp_path, {}))
        go(playing, 2)
        assert len(roster) == 3 and roster[0].facts.name == "w_1000_frames"  # the one that is open, whoever looked in
        if damage == "gone":
            files[1].unlink()
        else:
            files[1].write_bytes(b"broken" if damage == "broken" else files[2].read_bytes())
        before = replace(playing.scene)
        assert files[1].name in str(playing.press("c")) and playing.scene == before
        assert "w_1000_frames · 1 k frames · checkpoint 1 of 3" in playing.scene.agent
        go(playing, 2)
        assert playing.press("C") == "the same state under checkpoint 3 of 3"


def test_rules_out_of_a_file_stay_whatever_becomes_of_the_file(tmp_path: Path) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text('name = "mine"\nlike = "epsilon"\n')
    roster = Roster.of("breakout", "first", "cpu", {})
    with (
        Player(roster, find_for("ALE/Breakout-v5"), place=0, composite=str(rules), target="2") as player,
        Filming(player, tmp_path, {}) as filming,
    ):
        playing = Playing(player, filming)
        rules.unlink()
        assert playing.scene.explained == "mine · RIGHT" and playing.scene.target_name == "RIGHT"
        assert playing.press("c") == "the same state under checkpoint 2 of 13"
        playing.press("r")
        go(playing, 1)
        assert playing.press("2") == "explained: score; the recording has ended with that, r begins another"
        all_told(filming)
    explanation = filming.finished[0].manifest["explanation"]
    assert explanation["composite"] == "mine" and explanation["target"] == "RIGHT" and explanation["rules"]


def test_an_action_that_does_nothing_can_be_explained_and_t_goes_back_to_the_score(playing: Playing) -> None:
    assert playing.press("0") == "explained: NOOP" and playing.scene.target_action == 0
    assert playing.press("0") == "explained: score"
    assert playing.press("3") == "explained: LEFT" and playing.press("t") == "explained: score"
    assert playing.scene.explained == "epsilon_plus · score"


def test_what_has_no_value_is_not_asked_for_it(filming: Filming) -> None:
    small = small_agent("q_values")
    agent = replace(small, facts=replace(small.facts, environment="ALE/Breakout-v5"))
    with Player([agent], find_for("ALE/Breakout-v5")) as player:
        playing = Playing(player, filming)
        said = [playing.press("t") for _ in range(4)]
    assert said == ["explained: contrast", "explained: advantage", "explained: score", "explained: contrast"]


def test_a_map_with_hardly_anything_of_the_account_is_dim_as_on_film(filming: Filming) -> None:
    small = small_agent()
    small.network.get_submodule("3").bias.data += 100.0  # what is explained is made by the bias
    agent = replace(small, facts=replace(small.facts, environment="ALE/Breakout-v5"))
    with Player([agent], find_for("ALE/Breakout-v5")) as player:
        playing, scale = Playing(player, filming), RunningScale(player.decision_rate)
        for _ in range(5):
            assert playing.scene.on_screen is not None
            bright = brightness(player.think().relevance)
            assert 0 < bright < 0.2
            assert playing.scene.full_strength == pytest.approx(scale.update(playing.scene.on_screen) / bright)
            go(playing, 1)
