"""Any decision of a recording at once: the very picture that was drawn for it, wherever one comes from."""

import json
import math
import random
import shutil
from collections.abc import Iterator
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from numpy.typing import NDArray

from inspector.atari.environment import AtariEnvironment
from inspector.draw.overlay import Projection, RunningScale, lay_over, quiet, silence
from inspector.errors import RecordingError
from inspector.live.tape import Tape
from inspector.recorder import brightness
from inspector.recording import Recording, RecordingWriter
from inspector.records import LEDGER_PARTS, Preprocessing, Relevance, Step
from inspector.rollout import rollout
from inspector.rows import ROW_SCHEMA
from inspector.session import record
from tests.helpers import small_agent

BREAKOUT = "ALE/Breakout-v5"
COUNT, SEED = 70, 3
Picture = NDArray[np.uint8]


@pytest.fixture(scope="module")
def played() -> list[Step]:
    agent = small_agent()
    return list(islice(rollout(agent, AtariEnvironment(BREAKOUT, agent.preprocessing), seed=SEED), COUNT))


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    return made(tmp_path_factory.mktemp("tape") / "r", save_relevance=True, outlines=False)


@pytest.fixture
def tape(recording: Recording) -> Iterator[Tape]:
    with Tape(recording) as opened:
        yield opened


def made(folder: Path, **choices: Any) -> Recording:
    return record(small_agent(), environment=BREAKOUT, output=folder, **{"steps": COUNT, "seed": SEED} | choices)


def merged(played: list[Step], frame: int, group: int) -> Picture:
    """The player's screen in a frame of a film that merges so many native screens into one."""
    screens = np.concatenate([step.screens for step in played])
    return screens[frame * group : (frame + 1) * group].max(axis=0)


def overlays(recording: Recording, played: list[Step], decision_rate: float = 15.0) -> list[Picture]:
    """Every overlay once more, out of the maps that were saved."""
    with h5py.File(recording.relevance) as file:
        maps = np.asarray(file["relevance"], np.float32)
    scale, project, drawn = RunningScale(decision_rate), Projection((84, 84), (210, 160)), []
    for step, row, values in zip(played, recording.rows.to_pylist(), maps, strict=True):
        ledger = {part: row[f"ledger_{part}"] for part in LEDGER_PARTS}
        relevance = Relevance(values, row["target"], row["target_score"], ledger, True)
        if silence(values, finite=True) is not None:
            drawn.append(quiet(step.screen))
            continue
        on_screen = project(values.sum(axis=0))
        drawn.append(lay_over(step.screen, on_screen, scale.update(on_screen) / brightness(relevance)))
    return drawn


def apart(one: Picture, other: Picture) -> float:
    return float(np.abs(one.astype(np.int16) - other).mean())


def closest(picture: Picture, place: int, drawn: list[Picture]) -> int:
    """Which of the pictures about a place is most alike; the place itself where they do not differ at all."""
    near = range(max(place - 4, 0), min(place + 5, len(drawn)))
    return min(near, key=lambda other: (apart(picture, drawn[other]), other != place))


def orders() -> list[list[int]]:
    forward = list(range(COUNT))
    return [forward, forward[::-1], random.Random(0).sample(forward, COUNT)]


def test_each_decision_shows_its_own_overlay_in_any_order(tape: Tape, recording: Recording, played: list[Step]) -> None:
    drawn = overlays(recording, played)
    assert sum(apart(*pair) > 1 for pair in pairwise(drawn)) > COUNT / 2  # much moves
    for order in orders():
        for place in order:
            _, overlay = tape.pictures(place)
            assert overlay is not None and apart(overlay, drawn[place]) < 4
            other = closest(overlay, place, drawn)
            assert other == place or apart(drawn[other], drawn[place]) < 0.3


def test_each_decision_shows_the_screen_that_was_decided_on_in_any_order(tape: Tape, played: list[Step]) -> None:
    drawn = [merged(played, 0, 2), *(step.screen for step in played[1:])]  # before the first there is none
    for order in orders():
        for place in order:
            screen, _ = tape.pictures(place)
            assert screen.shape == (210, 160, 3) and apart(screen, drawn[place]) < 0.5
            other = closest(screen, place, drawn)
            assert other == place or apart(drawn[other], drawn[place]) < 0.05


def test_the_same_decision_is_the_same_picture_wherever_one_comes_from(tape: Tape) -> None:
    forward = [tape.pictures(place) for place in range(COUNT)]
    for place in orders()[2]:
        assert all(np.array_equal(*pair) for pair in zip(tape.pictures(place), forward[place], strict=True))


@pytest.mark.parametrize("fps", [60, 20, 15, 12])
def test_a_film_of_any_rate_shows_its_last_screen_before_the_decision(
    fps: int, tmp_path: Path, played: list[Step]
) -> None:
    with Tape(made(tmp_path / "r", fps=fps, explain=False, steps=40)) as tape:
        drawn = [merged(played, frame, 60 // fps) for frame in range(40 * 4 * fps // 60)]
        for place in (*range(40), 3, 38, 17):
            # A decision appears in the first frame that is finished after it: the one in which its first screen is.
            assert tape.frames[place] == 4 * place * fps // 60
            frame = max(int(tape.frames[place]) - 1, 0)
            screen, _ = tape.pictures(place)
            other = closest(screen, frame, drawn)
            assert other == frame or apart(drawn[other], drawn[frame]) < 0.05


def test_decisions_that_share_a_frame_of_the_film_show_the_relevance_of_the_last_alone(tmp_path: Path) -> None:
    agent = small_agent(recipe=Preprocessing(frame_skip=1))
    steps = list(islice(rollout(agent, AtariEnvironment(BREAKOUT, agent.preprocessing), seed=SEED), 40))
    folder, choices = tmp_path / "r", {"save_relevance": True, "outlines": False}
    recording = record(agent, environment=BREAKOUT, output=folder, steps=40, seed=SEED, **choices)
    drawn = overlays(recording, steps, decision_rate=60.0)
    assert sum(apart(*pair) > 1 for pair in pairwise(drawn)) > 20  # much moves
    with Tape(recording) as tape:
        assert tape.own.tolist() == [False, True] * 20
        for place in range(40):
            _, overlay = tape.pictures(place)
            assert (overlay is not None) == tape.own[place]
            if overlay is not None:
                assert apart(overlay, drawn[place]) < 4 and closest(overlay, place, drawn) == place


def test_a_games_first_decision_shows_nothing_of_the_game_before(tmp_path: Path) -> None:
    agent = small_agent(recipe=Preprocessing(max_frames=60, noop_max=0))
    steps = list(islice(rollout(agent, AtariEnvironment(BREAKOUT, agent.preprocessing), seed=SEED), 40))
    recording = record(agent, environment=BREAKOUT, output=tmp_path / "r", steps=40, seed=SEED)
    begins = [place for place, step in enumerate(steps) if step.index == 0 and place]
    assert begins
    with Tape(recording) as tape:
        for place in begins:
            screen, _ = tape.pictures(place)
            before, after = steps[place - 1].screens[-2:].max(0), steps[place].screens[:2].max(0)
            assert apart(screen, after) < 0.5 and 2 * apart(screen, after) < apart(screen, before)


def test_a_row_is_that_of_the_table(tape: Tape, recording: Recording) -> None:
    assert len(tape) == COUNT
    assert [tape.row(place) for place in (0, 41, 69)] == [recording.rows.to_pylist()[n] for n in (0, 41, 69)]


@pytest.mark.parametrize("place", [-1, COUNT])
def test_there_is_nothing_before_the_first_or_after_the_last_decision(tape: Tape, place: int) -> None:
    for look in (tape.row, tape.pictures):
        with pytest.raises(IndexError, match=f"decision {place} of {COUNT}"):
            look(place)


# --- recordings that are not whole ----------------------------------------------------------------------------------


def copied(recording: Recording, folder: Path, change: dict[str, Any]) -> Recording:
    shutil.copytree(recording.path, folder)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest = {name: value for name, value in {**manifest, **change}.items() if value is not ...}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return Recording.load(folder)


def test_an_older_recording_shows_the_whole_film_as_its_screen(recording: Recording, tmp_path: Path) -> None:
    with Tape(copied(recording, tmp_path / "r", {"page": ...})) as tape:
        screen, overlay = tape.pictures(9)
    assert screen.shape == (720, 1280, 3) and overlay is None


@pytest.mark.parametrize(
    "page",
    [
        {},
        "left",
        {"screen": [24, 60, 480], "overlay": None, "native": [210, 160]},
        {"screen": [1000, 60, 480, 420], "overlay": None, "native": [210, 160]},
        {"screen": [24, 60, 480, 420], "overlay": [520, -60, 480, 420], "native": [210, 160]},
        {"screen": [24, 60, 480, 420], "overlay": None, "native": [0, 160]},
        {"screen": [24, 60, 480, 420], "overlay": None, "native": [90000, 90000]},
        {"screen": [24, 60, 480, 420], "overlay": "right", "native": [210, 160]},
    ],
)
def test_places_that_are_not_on_the_film_are_refused(recording: Recording, tmp_path: Path, page: object) -> None:
    with pytest.raises(RecordingError, match="the manifest's `page` is no account of places on its film"):
        Tape(copied(recording, tmp_path / "r", {"page": page}))


def test_decisions_that_the_film_lost_are_left_out(recording: Recording, tmp_path: Path) -> None:
    counts = {**recording.manifest["counts"], "frames": 101}
    with Tape(copied(recording, tmp_path / "r", {"counts": counts})) as tape:
        assert len(tape) == len(tape.rows) == 51
        tape.pictures(50)


@pytest.mark.parametrize("part", [0.1, 0.25, 0.4, 0.5, 0.6, 0.8, 0.95])
def test_a_film_with_a_hole_says_so_there_and_shows_the_rest_as_it_was(
    recording: Recording, tmp_path: Path, part: float
) -> None:
    broken = copied(recording, tmp_path / "r", {})
    with Tape(recording) as tape:
        whole = [tape.pictures(place) for place in range(COUNT)]
    data = bytearray(broken.video.read_bytes())
    hole = int(part * len(data))
    data[hole : hole + 2000] = bytes(2000)
    broken.video.write_bytes(data)
    refused = 0
    with Tape(broken) as tape:
        for place in orders()[0] + orders()[2]:
            try:
                shown = tape.pictures(place)
            except RecordingError:
                refused += 1
            else:
                assert all(np.array_equal(*pair) for pair in zip(shown, whole[place], strict=True))
    assert 0 < refused < COUNT


def test_a_film_that_was_cut_off_says_which_frame_it_lacks(recording: Recording, tmp_path: Path) -> None:
    broken = copied(recording, tmp_path / "r", {})
    broken.video.write_bytes(broken.video.read_bytes()[:-20_000])
    with Tape(broken) as tape:
        tape.pictures(0)
        with pytest.raises(RecordingError, match=r"video\.mp4 is damaged: frame 137 cannot be read"):
            tape.pictures(COUNT - 1)
        tape.pictures(1)


@pytest.mark.parametrize(
    "change", [{"film": []}, {"film": {"fps": "x"}}, {"film": {"fps": 0}}, {"film": {"fps": math.nan}}, {"counts": {}}]
)
def test_a_manifest_that_does_not_describe_its_film_is_refused(
    recording: Recording, tmp_path: Path, change: dict[str, Any]
) -> None:
    with pytest.raises(RecordingError, match="the manifest does not say what its film is; record it again"):
        Tape(copied(recording, tmp_path / "r", change))


@pytest.mark.parametrize("name", ["video.mp4", "steps.parquet"])
def test_a_file_that_is_no_film_or_table_is_named(recording: Recording, tmp_path: Path, name: str) -> None:
    broken = copied(recording, tmp_path / "r", {})
    (broken.path / name).write_bytes(b"not ours")
    with pytest.raises(RecordingError, match=r"video\.mp4 is no film|the rows of .* cannot be read"):
        Tape(broken)


def row(place: int, seconds: float) -> dict[str, Any]:
    required = {field.name: 0 for field in ROW_SCHEMA if not field.nullable}
    told = {"step": place, "video_seconds": seconds, "action_name": "0", "scores": [0.0]}
    return required | told | {"terminated": False, "truncated": False}


@pytest.mark.parametrize(
    ("times", "text"),
    [
        ([0.0, 2.0, 1.0], "not in the order of time"),
        ([0.0, float("nan")], "not in the order of time"),
        ([9.0], "no decision that its film shows"),
        ([], "no decision that its film shows"),
    ],
)
def test_rows_that_fit_no_film_are_refused(times: list[float], text: str, tmp_path: Path) -> None:
    with RecordingWriter(tmp_path, {}, width=64, height=64, fps=30) as writer:
        writer.add_frame(np.zeros((64, 64, 3), np.uint8))
        for place, seconds in enumerate(times):
            writer.add_row(row(place, seconds))
    with pytest.raises(RecordingError, match=text):
        Tape(Recording.load(tmp_path))
