"""`inspector replay`: a recording in a terminal, with the keys that seek in it."""

import json
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from inspector.live.replay import Replay
from inspector.live.view import View
from inspector.recording import Recording
from inspector.records import Preprocessing
from inspector.session import record
from tests.helpers import SmallActorCritic, small_agent
from tests.live.emulator import as_shown
from tests.live.session import PATIENCE_SECONDS, Session, environment

COUNT = 160
KEYS = {
    "left": "\x1b[D",
    "right": "\x1b[C",
    "page up": "\x1b[5~",
    "page down": "\x1b[6~",
    "home": "\x1b[H",
    "end": "\x1b[F",
}


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    """Several short games of Breakout, at 15 decisions a second."""
    agent = small_agent(make=SmallActorCritic, recipe=Preprocessing(max_frames=200, noop_max=0))
    folder = tmp_path_factory.mktemp("replay") / "r"
    return record(agent, environment="ALE/Breakout-v5", steps=COUNT, output=folder)


@pytest.fixture
def session(recording: Recording, tmp_path: Path) -> Iterator[Session]:
    with Session("replay", recording.path, "--speed", "max", folder=tmp_path) as made:
        yield made


def test_it_plays_to_the_end_and_each_key_seeks_to_its_decision(session: Session, recording: Recording) -> None:
    words = "Breakout return lives value probability relevance ball background stacked explained PgUp quit".split()
    session.wait_for(f"small · step {COUNT} of {COUNT}", "paused", *words)
    assert all(line.isprintable() for line in session.lines)
    places = [("home", 1), ("right", 2), ("right", 3), ("left", 2), ("page down", 77), ("left", 76), ("page up", 1)]
    with Replay(recording) as again:
        for key, place in [*places, ("end", COUNT), ("page up", 85)]:
            session.do(KEYS[key], f"small · step {place} of {COUNT}, 0:", "paused")
            again.go(place - 1)
            again.scene.pace = "paused"
            expected = as_shown(View("truecolor").draw(again.scene, 30, 100), "truecolor")[:-1]
            session.until(lambda: np.array_equal(session.cells[:-1], expected), "screen like the one drawn here")  # noqa: B023
    for key, end in [("home", "first"), ("end", "last")]:
        session.press(KEYS[key])
        session.do(KEYS[key], f"this is the {end} decision")
    session.press(KEYS["home"] + "o")
    session.wait_for("overlay: off")
    session.press("o")
    session.wait_for("overlay: relevance")
    session.do(".", f"step 2 of {COUNT}", "paused")
    session.do("s", "snapshot: recordings/snapshot-")
    (picture,) = (session.folder / "recordings").glob("*.png")
    image = cv2.imread(str(picture))
    assert image is not None and image.shape[0] >= 500
    session.do(" ", f"step {COUNT} of {COUNT}", "paused")
    session.press("q")
    assert session.exit_code() == 0 and session.has_given_back
    assert session.after == f"snapshot: {picture.relative_to(session.folder)}\n"


def test_it_goes_on_from_where_it_was_stopped_at_its_own_pace(recording: Recording, tmp_path: Path) -> None:
    with Session("replay", recording.path, "--speed", "0.1", "--overlay", "off", folder=tmp_path) as session:
        session.wait_for("0.1×")
        session.do(" ", "paused")
        session.do(KEYS["page down"], "paused")
        session.until(lambda: step(session) >= 76, "leap of five seconds")
        place = step(session)
        session.press(" ")
        session.until(lambda: step(session) > place, "step further")
        session.resize(20, 60)
        session.wait_for("0.1×", "Breakout", "q quit")
        session.press("\x03")
        assert session.exit_code() == 130 and session.has_given_back and session.after == "interrupted\n"


def step(session: Session) -> int:
    """Number of the decision that is shown."""
    found = re.search(r"step (\d+) of", session.text)
    assert found, session.text
    return int(found[1])


def piped(*arguments: str | Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """The command without a terminal."""
    return subprocess.run(
        [sys.executable, "-m", "inspector", "replay", *map(str, arguments)],
        cwd=folder,
        env=environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )


def test_into_a_pipe_go_lines(recording: Recording, tmp_path: Path) -> None:
    done = piped(recording.path, "--speed", "max", folder=tmp_path)
    lines = done.stdout.splitlines()
    assert done.returncode == 0 and len(lines) >= 2
    assert all(re.match(r"\d:\d\d  return \d  lives \d  [A-Z]+ \d+%  ball \d+%", line) for line in lines)
    assert done.stderr == "stdout is no terminal: a line a second instead of the picture\n"


@pytest.mark.parametrize(("number", "exit_code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_lines_in_order(
    recording: Recording, tmp_path: Path, number: signal.Signals, exit_code: int
) -> None:
    command = [sys.executable, "-m", "inspector", "replay", str(recording.path), "--json", "--speed", "0.1"]
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert json.loads(process.stdout.readline())["agent"].startswith("small · step 1 of")
        process.send_signal(number)
        rest, errors = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == exit_code and "Traceback" not in errors
    assert "small · step" in json.loads(rest.splitlines()[-1])["agent"]


@pytest.mark.parametrize("overlay", ["positive", "regions"])
def test_an_overlay_that_was_not_recorded_is_refused(recording: Recording, tmp_path: Path, overlay: str) -> None:
    done = piped(recording.path, "--overlay", overlay, folder=tmp_path)
    assert done.returncode == 2 and not done.stdout
    assert f"argument --overlay: invalid choice: '{overlay}' (choose from 'relevance', 'off')" in done.stderr


def test_relevance_is_refused_where_nothing_was_explained(tmp_path: Path) -> None:
    bare = record(small_agent(), environment="ALE/Breakout-v5", steps=3, explain=False, output=tmp_path / "r")
    done = piped(bare.path, "--overlay", "relevance", folder=tmp_path)
    said = "error: --overlay relevance: this recording was made without explanation; leave it out\n"
    assert (done.returncode, done.stdout, done.stderr) == (2, "", said)
    assert piped(bare.path, "--overlay", "off", "--speed", "max", folder=tmp_path).returncode == 0


def test_a_damaged_film_is_said_at_the_end(recording: Recording, tmp_path: Path) -> None:
    broken = Path(shutil.copytree(recording.path, tmp_path / "r"))
    film = (broken / "video.mp4").read_bytes()
    (broken / "video.mp4").write_bytes(film[: len(film) // 2])
    done = piped("r", "--json", "--speed", "max", folder=tmp_path)
    last = json.loads(done.stdout.splitlines()[-1])
    assert done.returncode == 5 and f"step {COUNT} of {COUNT}" in last["agent"]
    assert re.fullmatch(
        r"error: r/video\.mp4 is damaged: decisions without a picture: \d+; record it again\n", done.stderr
    )
    with Session("replay", "r", "--speed", "max", folder=tmp_path) as session:
        session.wait_for("the film is damaged here", "paused")
        session.do(KEYS["home"], f"step 1 of {COUNT}")
        session.press("q")
        assert session.exit_code() == 5 and session.has_given_back
        assert "is damaged: decisions without a picture:" in session.after


def nothing(folder: Path) -> None:
    """An empty folder."""
    shutil.rmtree(folder)
    folder.mkdir()


def a_track(folder: Path) -> None:
    (folder / "manifest.json").write_text('{"format": "inspector-track", "status": "complete"}')


def no_json(folder: Path) -> None:
    (folder / "manifest.json").write_text("{not json")


def no_rows(folder: Path) -> None:
    (folder / "steps.parquet").unlink()


def torn_rows(folder: Path) -> None:
    (folder / "steps.parquet").write_bytes((folder / "steps.parquet").read_bytes()[:5000])


def no_film(folder: Path) -> None:
    (folder / "video.mp4").write_bytes((folder / "video.mp4").read_bytes()[:500])


def a_file(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.write_text("not ours")


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (nothing, "r is no recording: it has no manifest.json"),
        (a_track, "r is no recording: manifest.json is not one of a recording"),
        (no_json, "r/manifest.json cannot be read: "),
        (no_rows, "r lacks steps.parquet, which its manifest lists; record it again"),
        (torn_rows, "the rows of r cannot be read: "),
        (no_film, "r/video.mp4 is no film that can be read: "),
        (a_file, "r is no folder; give the folder of a recording"),
    ],
)
def test_what_is_no_recording_is_refused_in_one_line(
    recording: Recording, tmp_path: Path, spoil: Callable[[Path], None], said: str
) -> None:
    spoil(Path(shutil.copytree(recording.path, tmp_path / "r")))
    done = piped("r", folder=tmp_path)
    assert (done.returncode, done.stdout) == (5, "")
    assert done.stderr.startswith(f"error: {said}") and done.stderr.count("\n") == 1


def test_the_help_says_what_lands_in_the_output_folder(tmp_path: Path) -> None:
    told = piped("--help", folder=tmp_path).stdout
    assert "folder for snapshots (default" in told and "films" not in told
    assert "--overlay {relevance,off}" in told
