"""A recording played back: every number from its rows, and seeking that ends where playing on would have."""

import json
import shutil
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from inspector.explaining import Interpreter
from inspector.live.replay import Replay, target_of
from inspector.live.scene import Past
from inspector.recording import Recording
from inspector.records import Decision, Preprocessing
from inspector.session import record
from tests.helpers import SmallActorCritic, small_agent

BREAKOUT = "ALE/Breakout-v5"
COUNT = 160


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    """Several short games, at 15 decisions a second."""
    agent = small_agent(make=SmallActorCritic, recipe=Preprocessing(max_frames=200, noop_max=0))
    return record(agent, environment=BREAKOUT, steps=COUNT, output=tmp_path_factory.mktemp("replay") / "r")


@pytest.fixture
def replay(recording: Recording) -> Iterator[Replay]:
    with Replay(recording) as opened:
        yield opened


def same(one: Past, other: Past) -> bool:
    shares = one.region_shares, other.region_shares
    return one._replace(region_shares=None) == other._replace(region_shares=None) and np.array_equal(*shares)


def test_the_scene_says_what_the_manifest_and_the_row_say(replay: Replay, recording: Recording) -> None:
    for _ in range(40):
        assert replay.advance()
    row, scene = recording.rows.to_pylist()[40], replay.scene
    assert (scene.title, scene.explained, scene.output) == ("Breakout", "epsilon_plus · score", "logits")
    assert scene.agent == "small · step 41 of 160, 0:02"
    assert scene.action_names == ("NOOP", "FIRE", "RIGHT", "LEFT")
    assert scene.region_names == tuple(recording.manifest["regions"])
    assert scene.decision.action == row["action"] == scene.target_action
    assert scene.decision.scores.tolist() == row["scores"] and scene.decision.value == row["value"]
    assert (scene.tracked, scene.return_so_far, scene.lives) == (
        row["target_score"],
        row["return_so_far"],
        row["lives"],
    )
    assert scene.region_shares is not None and scene.region_shares.tolist() == row["region_shares"]
    assert scene.frame_shares is not None and scene.frame_shares.tolist() == row["frame_shares"]
    assert scene.target_name == row["action_name"]


def test_the_pictures_are_those_of_the_film_in_the_screens_own_size(replay: Replay) -> None:
    scene = replay.scene
    assert scene.painted is not None and scene.on_screen is None
    assert scene.screen.shape == scene.painted.shape == (210, 160, 3)
    assert (scene.overlays, scene.overlay) == (("relevance", "off"), "relevance")


def test_the_games_own_speed_is_that_of_its_film(replay: Replay) -> None:
    assert replay.scene.decision_rate == pytest.approx(15, rel=0.01)


def test_after_the_last_decision_there_is_nothing_to_advance_to(replay: Replay) -> None:
    shown = 1
    while replay.advance():
        shown += 1
    assert shown == COUNT and not replay.advance()
    assert "step 160 of 160" in replay.scene.agent and len(replay.scene.past) == COUNT - 1


def test_the_past_is_what_came_of_each_decision(replay: Replay, recording: Recording) -> None:
    replay.press("end")
    rows = recording.rows.to_pylist()[:-1]
    assert [one.tracked for one in replay.scene.past] == [row["target_score"] for row in rows]
    assert [one.reward for one in replay.scene.past] == [row["reward"] for row in rows]
    assert [one.game_begins for one in replay.scene.past] == [row["step"] == 0 for row in rows]
    assert sum(one.game_begins for one in replay.scene.past) == recording.manifest["counts"]["episodes"] > 2
    lost = [a["episode"] == b["episode"] and b["lives"] < a["lives"] for a, b in pairwise(rows)]
    assert [one.life_lost for one in replay.scene.past] == [False, *lost]


@pytest.mark.parametrize("places", [[90, 30, 31, 30, 159, 0, 1], [158, 159, 158]])
def test_seeking_ends_where_playing_on_would_have(recording: Recording, places: list[int]) -> None:
    with Replay(recording) as sought, Replay(recording) as played:
        for place in places:
            sought.go(place)
            if place < played.place:
                played.go(0)
            while played.place < place:
                assert played.advance()
            assert np.array_equal(sought.scene.screen, played.scene.screen)
            assert np.array_equal(sought.scene.painted, played.scene.painted)
            assert sought.scene.agent == played.scene.agent and sought.scene.tracked == played.scene.tracked
            assert len(sought.scene.past) == len(played.scene.past) == place
            assert all(map(same, sought.scene.past, played.scene.past))


def test_keys_seek_by_a_step_by_five_seconds_and_to_both_ends(replay: Replay) -> None:
    places = {"right": 1, "page down": 76, "left": 75, "page up": 0, "end": 159, "home": 0}
    assert replay.press("page up") == replay.press("left") == replay.press("home") == "this is the first decision"
    for key, place in places.items():
        assert replay.press(key) is None
        assert replay.place == place, key
    replay.press("end")
    assert replay.press("page down") == replay.press("right") == replay.press("end") == "this is the last decision"
    assert replay.press("page up") is None and replay.place == pytest.approx(84, abs=1)
    assert replay.press("x") is None and replay.news() is None


def test_a_key_that_leads_nowhere_leaves_the_past_alone(replay: Replay) -> None:
    replay.go(50)
    before = list(replay.scene.past)
    replay.press("x")
    replay.press("right")
    replay.press("left")
    assert all(map(same, replay.scene.past, before)) and len(replay.scene.past) == 50


@pytest.mark.parametrize("target", ["score", "contrast", "advantage", "value", "LEFT"])
def test_what_is_explained_has_the_name_that_the_film_gives_it(target: str) -> None:
    names = ("NOOP", "FIRE", "RIGHT", "LEFT")
    interpreter = Interpreter(small_agent(make=SmallActorCritic), names, "epsilon_plus", target)
    decision = Decision(action=2, scores=np.array([0.0, 1.0, 5.0, -1.0], np.float32), value=0.0)
    expected = interpreter.target_action(2), interpreter.target_text(decision)
    assert target_of(target, decision, names) == expected


def copied(recording: Recording, folder: Path) -> Path:
    return Path(shutil.copytree(recording.path, folder))


def test_a_damaged_film_is_passed_by_the_numbers_alone(tmp_path: Path, recording: Recording) -> None:
    broken = copied(recording, tmp_path / "r")
    film = bytearray((broken / "video.mp4").read_bytes())
    middle = len(film) // 2
    film[middle : middle + 2000] = bytes(2000)
    (broken / "video.mp4").write_bytes(film)
    told = []
    with Replay(Recording.load(broken)) as replay, Replay(recording) as whole:
        assert not replay.missing
        while replay.advance():
            whole.advance()
            told.append(replay.news())
            scene, place = replay.scene, replay.place
            assert (scene.tracked, scene.decision.action) == (whole.scene.tracked, whole.scene.decision.action)
            assert (scene.painted is None) == (place in replay.missing) == scene.agent.endswith("film is damaged here")
            assert np.array_equal(scene.screen, whole.scene.screen if scene.painted is not None else 0 * scene.screen)
        assert replay.place == COUNT - 1 and all(map(same, replay.scene.past, whole.scene.past))
        assert [each for each in told if each] == ["the film is damaged here"]
        assert 0 < len(replay.missing) < 20
        hole = min(replay.missing)
        replay.go(hole - 1)
        assert replay.press("right") is None and replay.place == hole and replay.scene.painted is None
        assert replay.press("page down") is None and replay.scene.painted is not None


def test_a_film_that_was_cut_off_is_shown_as_far_as_it_goes(tmp_path: Path, recording: Recording) -> None:
    broken = copied(recording, tmp_path / "r")
    film = (broken / "video.mp4").read_bytes()
    (broken / "video.mp4").write_bytes(film[: len(film) // 2])
    with Replay(Recording.load(broken)) as replay:
        replay.go(20)
        assert replay.scene.painted is not None
        replay.press("end")
        assert replay.missing == {COUNT - 1} and len(replay.scene.past) == COUNT - 1
        replay.press("home")
        assert replay.scene.painted is not None and "damaged" not in replay.scene.agent


@pytest.fixture(scope="module")
def slow_film(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    """Sixty decisions a second in a film of thirty frames."""
    agent = small_agent(recipe=Preprocessing(frame_skip=1))
    return record(agent, environment=BREAKOUT, steps=20, output=tmp_path_factory.mktemp("slow") / "r")


def test_a_decision_without_a_frame_of_its_own_has_no_picture_and_says_so(slow_film: Recording) -> None:
    with Replay(slow_film) as replay:
        replay.scene.paused = True
        for place in range(20):
            assert replay.place == place
            assert (replay.scene.painted is None) == (place % 2 == 0)
            assert replay.scene.agent.endswith(" · no frame of its own in the film") == (place % 2 == 0)
            assert replay.news() == ("no frame of its own in the film" if place % 2 == 0 else None)
            assert np.array_equal(replay.scene.decision.scores, slow_film.rows["scores"][place].as_py())
            assert replay.advance() == (place < 19)
        assert not replay.missing


def test_play_passes_decisions_without_a_frame_in_their_own_time(slow_film: Recording) -> None:
    with Replay(slow_film) as replay:
        places = [replay.place]
        while replay.advance():
            places.append(replay.place)
        assert replay.scene.decision_rate == pytest.approx(60, rel=0.1)
        assert places == [0, *(place for place in range(1, 20, 2) for _ in range(2))][:20]
        assert [one.tracked for one in replay.scene.past] == slow_film.rows["target_score"].to_pylist()[:-1]


@pytest.mark.parametrize(
    ("composite", "measure", "told_apart"),
    [("sensitivity", "sensitivity", True), ("taylor", "relevance", True), ("epsilon_plus_flat", "relevance", False)],
)
@pytest.mark.parametrize("is_old", [False, True])
def test_the_panel_says_of_a_composite_what_the_film_says(
    tmp_path: Path, composite: str, measure: str, told_apart: bool, is_old: bool
) -> None:
    agent = small_agent()
    made = record(agent, environment=BREAKOUT, steps=5, composite=composite, output=tmp_path / "r")
    assert made.manifest["explanation"]["measure"] == measure
    if is_old:
        for name in ("measure", "frames_told_apart"):
            del made.manifest["explanation"][name]
        (made.path / "manifest.json").write_text(json.dumps(made.manifest))
    with Replay(Recording.load(made.path)) as replay:
        replay.press("end")
        assert replay.scene.measure == measure
        assert (replay.scene.frame_shares is not None) == told_apart
