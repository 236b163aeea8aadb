"""Recordings of the play that is watched: what they hold and say of it, and what becomes of them."""

import signal
import threading
from contextlib import closing
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest

from inspector.atari.environment import make_environment
from inspector.atari.objects.choice import find_for
from inspector.live.filming import Filming
from inspector.live.player import Player
from inspector.live.playing import Playing
from inspector.load import load_agent
from inspector.recorder import Recorder
from inspector.recording import Recording
from inspector.rollout import rollout
from tests.live.fresh import all_told


def go(playing: Playing, steps: int) -> None:
    for _ in range(steps):
        assert playing.advance()


def test_what_is_recorded_is_the_play_that_was_watched(playing: Playing, filming: Filming) -> None:
    go(playing, 30)
    return_before = playing.scene.return_so_far
    assert str(playing.press("r")).startswith("recording into ")
    go(playing, 40)
    playing.news()
    assert playing.scene.filming
    assert playing.press("r") == "the film is being finished"
    assert all_told(filming).startswith("recorded: ")
    recording = Recording.load(filming.finished[0].path)
    assert recording.status == "complete" and recording.rows.num_rows == 40
    assert recording.rows.column("step").to_pylist() == list(range(30, 70))
    shown = [past.tracked for past in list(playing.scene.past)[30:]]
    assert recording.rows.column("target_score").to_pylist() == pytest.approx(shown, rel=1e-3, abs=1e-4)
    assert recording.rows.column("return_so_far")[0].as_py() >= return_before
    assert recording.manifest["play"] == {"seed": 0, "reproducible": True, "from_step": 30}
    playing.news()
    assert not playing.scene.filming


@pytest.mark.parametrize("key", ["c", "t", "n"])
def test_a_recording_ends_where_it_would_be_of_something_else(playing: Playing, filming: Filming, key: str) -> None:
    playing.press("r")
    go(playing, 3)
    assert "the recording has ended" in str(playing.press(key))
    all_told(filming)
    assert not filming.is_running and filming.finished[0].rows.num_rows == 3


def test_what_a_film_says_of_its_seed_is_so(tmp_path: Path) -> None:
    """Two games, cut off early, and some of the third: what `inspector record` plays, from step 5 on."""
    agent = load_agent("breakout", preprocessing={"max_frames": 44 + 30})
    with closing(make_environment("ALE/Breakout-v5", agent.preprocessing, agent.action_count)) as game:
        expected = list(islice(rollout(agent, game, seed=3), 40))
    with (
        Player([agent], find_for("ALE/Breakout-v5"), seed=3) as player,
        Filming(player, tmp_path, {"play": {"seed": 3}}) as filming,
    ):
        playing = Playing(player, filming)
        go(playing, 5)
        playing.press("r")
        go(playing, 35)
        playing.press("r")
        all_told(filming)
    rows, play = filming.finished[0].rows, filming.finished[0].manifest["play"]
    assert play == {"seed": 3, "reproducible": True, "from_step": 5}
    for name, of in {"episode": "episode", "step": "index", "reward": "reward", "frame": "frame"}.items():
        assert rows[name].to_pylist() == [getattr(step, of) for step in expected[5:]]
    assert rows["action"].to_pylist() == [step.decision.action for step in expected[5:]]
    assert rows["episode"][-1].as_py() == 2


@pytest.mark.parametrize(
    ("keys", "reproducible"),
    [
        ("cC.", True),  # another looked at a state, and decided nothing
        ("t.", True),
        ("c.", True),  # this one has decided all that was decided
        (".c", False),
        (".c.", False),
        (".c.C.", False),
        ("n", False),
        (".n.", False),
    ],
)
def test_a_film_says_whether_its_seed_plays_it(
    player: Player, playing: Playing, filming: Filming, keys: str, reproducible: bool
) -> None:
    for key in keys:
        if key == ".":
            go(playing, 1)
        else:
            playing.press(key)
    playing.press("r")
    go(playing, 1)
    playing.press("r")
    all_told(filming)
    play = filming.finished[0].manifest["play"]
    assert play == {"seed": 0, "reproducible": reproducible, "from_step": keys.count(".")}


def test_films_that_are_finished_one_after_the_other_are_all_told_of(playing: Playing, filming: Filming) -> None:
    for _ in range(3):
        playing.press("r")
        go(playing, 2)
        playing.press("r")
    told = all_told(filming)
    assert len({film.path for film in filming.finished}) == 3 and filming.news() is None
    assert told == "; ".join(f"recorded: {film.video}" for film in filming.finished)


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


def test_a_recording_without_a_step_says_so_and_leaves_nothing(playing: Playing, filming: Filming) -> None:
    folder = Path(str(playing.press("r")).removeprefix("recording into "))
    assert folder.is_dir()
    playing.press("r")
    assert "nothing was recorded" in all_told(filming) and not filming.finished
    assert folder.parent.is_dir() and not folder.exists()


def test_whatever_ends_a_film_is_told_and_play_goes_on(
    playing: Playing, filming: Filming, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    playing.press("r")
    with monkeypatch.context() as broken:
        broken.setattr(Recorder, "add", fail)
        go(playing, 1)
    assert "has ended with ValueError: broken within" in str(playing.news())
    assert not filming.is_running and not list((tmp_path / "films").iterdir())
    go(playing, 1)
    playing.press("r")
    go(playing, 1)
    with monkeypatch.context() as broken:
        broken.setattr(Recorder, "close", fail)
        playing.press("r")
        assert "has ended with ValueError: broken within" in all_told(filming)
    go(playing, 1)
    assert playing.news() is None and not filming.finished


def test_a_film_that_fails_at_the_very_end_is_told_of(
    player: Player, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with Filming(player, tmp_path, {}) as filming:
        playing = Playing(player, filming)
        playing.press("r")
        go(playing, 1)
        monkeypatch.setattr(Recorder, "close", fail)
    assert capsys.readouterr().err == "finishing the film\n"
    (error,) = filming.failed
    assert str(error).endswith("has ended with ValueError: broken within")


def test_ctrl_c_while_films_are_being_finished_waits_for_them(
    player: Player, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    filming = Filming(player, tmp_path, {})
    playing = Playing(player, filming)
    for _ in range(2):
        playing.press("r")
        go(playing, 20)
        filming.stop()
    with pytest.raises(KeyboardInterrupt), filming:
        threading.Timer(0.05, signal.raise_signal, [signal.SIGINT]).start()
    assert [film.rows.num_rows for film in filming.finished] == [20, 20] and not filming.failed
    assert {film.status for film in filming.finished} == {"complete"}


@pytest.mark.parametrize("folder", ["x" * 300, "file/films"])
def test_wherever_a_film_cannot_be_written_that_is_said(player: Player, tmp_path: Path, folder: str) -> None:
    (tmp_path / "file").write_text("")
    with Filming(player, tmp_path / folder, {}) as filming:
        playing = Playing(player, filming)
        assert "cannot" in str(playing.press("r"))
        go(playing, 1)
        assert not filming.is_running


def test_an_agent_with_a_long_name_is_filmed_all_the_same(player: Player, filming: Filming) -> None:
    facts = replace(player.agent.facts, name="long " * 100)
    player.agent = replace(player.agent, facts=facts)
    playing = Playing(player, filming)
    playing.press("r")
    go(playing, 1)
    playing.press("r")
    assert all_told(filming).startswith("recorded: ")


def fail(recorder: Recorder, *_: object) -> None:
    """Stands for an error that nobody thought of."""
    error = ValueError("broken within")
    recorder.__exit__(ValueError, error, None)
    raise error
