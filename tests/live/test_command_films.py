"""Recordings made while watching: each of them is whole, however it ends."""

import re
import signal
from pathlib import Path

import pytest

from inspector.recording import Recording
from tests.live.session import Session

BREAKOUT = ("live", "breakout", "--speed", "max", "--device", "cpu")


def film_for_a_while(session: Session) -> None:
    """Begin a recording, and wait until it has a second of film."""
    session.do("r", "recording into", "● 0:0")
    session.until(lambda: re.search(r"● 0:0[1-9]", session.lines[0]) is not None, "second of film")


def recordings(folder: Path) -> list[Recording]:
    """All that are in a folder, the oldest first."""
    folders = sorted(folder.iterdir(), key=lambda one: one.stat().st_mtime_ns)
    return [Recording.load(one) for one in folders]


def whole(recording: Recording, status: str = "complete") -> bool:
    """Whether a recording has the status, and a row for each decision of a second of film and more."""
    counts, rows = recording.manifest["counts"], recording.rows
    steps = rows["step"].to_pylist()
    assert steps == list(range(steps[0], steps[0] + len(steps)))
    assert len(rows) == counts["steps"] >= 15 and counts["frames"] >= 30
    assert recording.manifest["play"]["live"] is True
    assert rows["target_score"].null_count == 0 and rows["return_so_far"].null_count == 0
    return recording.status == status


def test_each_way_to_end_a_recording_makes_it_whole_and_the_end_tells_of_all(tmp_path: Path) -> None:
    with Session(*BREAKOUT, "-o", "films", folder=tmp_path) as session:
        session.wait_for("as fast as it goes")
        film_for_a_while(session)
        session.do("r", "recorded: films/breakout-live-")
        assert "●" not in session.lines[0]
        film_for_a_while(session)
        session.do("c", "the recording has ended with that, r begins another")
        session.wait_for("recorded: films/")
        session.do("t", "explained: contrast")
        film_for_a_while(session)
        session.do("n", "a new game; the recording has ended")
        session.wait_for("recorded: films/")
        film_for_a_while(session)
        session.press("q")
        assert session.exit_code() == 0 and session.has_given_back
        told = re.findall(r"films/\S+/video.mp4", session.after)
    made = recordings(tmp_path / "films")
    assert sorted(told) == sorted(str(one.video.relative_to(tmp_path)) for one in made)
    assert len(made) == 4 and all(map(whole, made))
    targets = [set(one.rows["target"].to_pylist()) for one in made]
    assert targets == [{"score"}, {"score"}, {"contrast"}, {"contrast"}]
    trained = [one.manifest["agent"]["checkpoint"]["frames"] for one in made]
    assert trained == [42000384, 42000384, 0, 0]


@pytest.mark.parametrize(("ending", "code", "words"), [(signal.SIGTERM, 143, ""), ("\x03", 130, "interrupted")])
def test_a_recording_that_is_interrupted_says_so_and_can_be_opened(
    ending: signal.Signals | str, code: int, words: str, tmp_path: Path
) -> None:
    with Session(*BREAKOUT, "-o", "films", folder=tmp_path) as session:
        session.wait_for("as fast as it goes")
        film_for_a_while(session)
        if isinstance(ending, str):
            session.press(ending)
        else:
            session.process.send_signal(ending)
        assert session.exit_code() == code and session.has_given_back
        told = session.after
    assert told.startswith("finishing the film\n") and told.endswith(f"{words}\n")
    (made,) = recordings(tmp_path / "films")
    assert whole(made, "interrupted")
    assert re.findall(r"films/\S+", told) == [str(made.video.relative_to(tmp_path))]


def test_a_folder_that_cannot_be_written_is_told_of_and_play_goes_on(tmp_path: Path) -> None:
    (tmp_path / "films").write_text("in the way")
    with Session(*BREAKOUT, "-o", "films", folder=tmp_path) as session:
        session.wait_for("as fast as it goes")
        for key in "rs":
            shown = session.do(key, "films/")
            assert "recording into" not in shown and "●" not in shown and "snapshot: " not in shown
            assert re.search(r"cannot|not be", "".join(session.lines[-2:])), session.lines[-2:]
            before = session.lines[-4:-2]
            session.until(lambda: session.lines[-4:-2] != before, "play that goes on")  # noqa: B023
            session.do("o", "overlay:")
        session.press("q")
        assert session.exit_code() == 0 and "film" not in session.after
    assert (tmp_path / "films").read_text() == "in the way"


SLOW = """
import sys, time
from pathlib import Path
from inspector.cli import main
from inspector.recorder import Recorder

close = Recorder.close

def slowly(self, status="complete"):
    while not Path("go on").exists():
        time.sleep(0.01)
    return close(self, status)

Recorder.close = slowly
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize("first", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_further_signals_while_a_film_is_being_finished_do_not_lose_it(first: signal.Signals, tmp_path: Path) -> None:
    with Session(*BREAKOUT, "-o", "films", program=SLOW, folder=tmp_path) as session:
        session.wait_for("as fast as it goes")
        film_for_a_while(session)
        session.process.send_signal(first)
        session.until(lambda: "finishing the film" in session.after, "end of the view")
        for _ in range(3):
            session.process.send_signal(first)
        assert session.process.poll() is None
        (tmp_path / "go on").touch()
        assert session.exit_code() == 128 + first and session.has_given_back
        told = session.after
    (made,) = recordings(tmp_path / "films")
    assert whole(made, "interrupted") and str(made.video.relative_to(tmp_path)) in told


def test_a_film_goes_on_where_play_does_after_all_that_was_asked_for(tmp_path: Path) -> None:
    with Session(*BREAKOUT, "-o", "films", "--steps", "60", folder=tmp_path) as session:
        session.do("r", "● 0:0")
        session.wait_for("60 steps are played, as asked for: n goes on, q quits", "paused")
        session.do("o", "overlay: positive")
        session.do(" ", "60 steps are played, as asked for: n goes on, q quits", "paused")
        session.do("n", "play goes on", "as fast as it goes")
        session.do(" ", "paused")
        session.do("r", "recorded: films/")
        session.press("q")
        assert session.exit_code() == 0
        assert re.search(r"watched: (6[1-9]|[7-9]\d|\d{3,}) steps", session.after)
    (made,) = recordings(tmp_path / "films")
    play = made.manifest["play"]
    assert whole(made) and made.rows["step"][-1].as_py() >= 60 and play["reproducible"]
    assert play["from_step"] == made.rows["step"][0].as_py()
