"""`inspector replay`: a recording in a terminal, with the keys that seek in it."""

import re
import subprocess
import sys
from collections.abc import Iterator
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


def test_into_a_pipe_go_lines(recording: Recording, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "inspector", "replay", str(recording.path), "--speed", "max"],
        cwd=tmp_path,
        env=environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=True,
    )
    lines = done.stdout.splitlines()
    assert len(lines) >= 2
    assert all(re.match(r"\d:\d\d  return \d  lives \d  [A-Z]+ \d+%  ball \d+%", line) for line in lines)
    assert done.stderr == "stdout is no terminal: a line a second instead of the picture\n"
