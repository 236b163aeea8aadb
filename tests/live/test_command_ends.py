"""`inspector live` gives the terminal back as it was, however it ends, and its last words come after that."""

import signal
from pathlib import Path

import numpy as np

from inspector.live.terminal import ENTER, LEAVE
from inspector.recording import Recording
from tests.live.session import PATIENCE_SECONDS, Session

BREAKOUT = ("live", "breakout", "--speed", "max", "--device", "cpu")

BROKEN = """
import os, sys
from inspector.cli import main
from inspector.live.playing import Playing

advance, left = Playing.advance, [300]

def broken(self):
    left[0] -= 1
    if not left[0]:
        os.write(2, b"a library complains\\n")
        raise ValueError("broken within")
    return advance(self)

Playing.advance = broken
sys.exit(main(sys.argv[1:]))
"""


def test_after_a_signal_nothing_is_left_of_it(tmp_path: Path) -> None:
    with Session(*BREAKOUT, folder=tmp_path) as session:
        session.wait_for("as fast as it goes", "explained score")
        session.process.send_signal(signal.SIGHUP)  # others are sent where films are made
        assert session.exit_code() == 129
        assert session.has_given_back and "watched: " in session.after
    assert not list(tmp_path.iterdir())


def test_an_error_and_what_libraries_say_come_after_the_screen(tmp_path: Path) -> None:
    with Session(*BREAKOUT, program=BROKEN, folder=tmp_path) as session:
        session.wait_for("as fast as it goes")
        assert session.exit_code() == 1 and session.has_given_back
        assert b"complains" not in session.written.partition(LEAVE)[0]
        error = "error: ValueError: broken within (unexpected; --debug shows where)"
        first, *watched, last = session.after.splitlines()
        assert (first, last) == ("a library complains", error) and "watched: 299 steps" in watched[0]


def test_while_it_is_stopped_the_shell_has_the_terminal_and_then_all_is_drawn_again(tmp_path: Path) -> None:
    with Session(*BREAKOUT, in_shell=True, folder=tmp_path) as session:
        session.wait_for("as fast as it goes")
        session.do(" ", "paused")
        before = session.redraw()
        for times in (1, 2):
            session.press("\x1a")
            session.wait_for("Stopped")
            assert session.has_given_back and session.written.count(ENTER) == times
            session.do("echo it is $((6 * 7))\n", "it is 42")
            session.press("fg\n")
            session.until(lambda: session.is_taken, "screen taken again")
            session.until(lambda: np.array_equal(session.cells[:-1], before[:-1]), "screen as it was")
            assert not session.has_modes_of_before
        session.do(".", "paused")
        session.do("q", "watched: ")
        session.press("exit\n")
        assert session.exit_code() == 0 and session.has_given_back
        assert session.written.count(ENTER) == 3 and "watched: " in session.after


def test_a_job_that_is_stopped_can_be_killed_and_its_film_is_whole(tmp_path: Path) -> None:
    with Session(*BREAKOUT, "-o", "films", in_shell=True, folder=tmp_path) as session:
        session.wait_for("as fast as it goes")
        session.do("r", "● 0:01")
        session.press("\x1a")
        session.wait_for("Stopped")
        session.press("kill %1\nkill -CONT %1\n")
        session.wait_for("watched: ", "  film ")
        assert session.has_given_back and session.written.count(ENTER) == 1
    assert film_of(tmp_path).status == "interrupted"


def test_where_no_shell_could_let_it_go_on_ctrl_z_does_nothing(tmp_path: Path) -> None:
    with Session(*BREAKOUT, folder=tmp_path) as session:
        session.wait_for("as fast as it goes")
        session.do(" ", "paused")
        before = session.redraw()
        session.press("\x1a")
        session.until(lambda: session.written.count(ENTER) == 2, "screen taken again")
        session.until(lambda: np.array_equal(session.cells[:-1], before[:-1]), "screen as it was")
        session.press("q")
        assert session.exit_code() == 0 and session.has_given_back


def film_of(folder: Path) -> Recording:
    """The one recording that was made."""
    (made,) = (folder / "films").iterdir()
    return Recording.load(made)


def test_a_terminal_that_goes_away_ends_it_and_its_film_is_whole(tmp_path: Path) -> None:
    with Session(*BREAKOUT, "-o", "films", folder=tmp_path) as session:
        session.wait_for("as fast as it goes")
        session.do("r", "● 0:01")
        session.hang_up()
        assert session.process.wait(PATIENCE_SECONDS) in (1, 129)  # by the signal, or by what it tried to write
    assert film_of(tmp_path).status == "interrupted"


def test_a_terminal_that_is_stuck_does_not_keep_it_from_ending(tmp_path: Path) -> None:
    with Session(*BREAKOUT, "-o", "films", folder=tmp_path) as session:
        session.wait_for("as fast as it goes")
        session.do("r", "● 0:01")
        with session.stuck():
            session.process.send_signal(signal.SIGTERM)
            assert session.process.wait(PATIENCE_SECONDS) == 143
    assert film_of(tmp_path).status == "interrupted"


def test_a_terminal_that_answers_no_question_shows_it_all_the_same(tmp_path: Path) -> None:
    with Session(*BREAKOUT, answers=False, folder=tmp_path) as session:
        session.wait_for("as fast as it goes")
        session.do(" ", "paused")
        before = session.redraw()
        session.press("....")
        session.until(lambda: not np.array_equal(session.cells[:-1], before[:-1]), "other screen")
        session.press("q")
        assert session.exit_code() == 0 and session.has_given_back
